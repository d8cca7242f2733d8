/* SPDX-License-Identifier: Apache-2.0 */
/* What the layers above hold of objects, across losses. */
#include "token/object.h"

#include <stdlib.h>
#include <string.h>

typedef struct remembered {
    hsmiam_object object;                  /* as it was handed out */
    CK_OBJECT_HANDLE handle;               /* as the token calls it */
    unsigned generation;                   /* of the sessions in which it does */
    char id[HSMIAM_ACCESS_KEY_ID_MAX + 1]; /* "": it lived in the session */
} remembered;

struct hsmiam_handles {
    pthread_mutex_t lock;
    remembered *list;
    size_t count;
    size_t handed_out; /* since the first loss */
};

hsmiam_handles *hsmiam_handles_new(void)
{
    hsmiam_handles *handles = calloc(1, sizeof *handles);

    if (handles != NULL)
        (void)pthread_mutex_init(&handles->lock, NULL);
    return handles;
}

void hsmiam_handles_free(hsmiam_handles **handles)
{
    if (handles == NULL || *handles == NULL)
        return;
    (void)pthread_mutex_destroy(&(*handles)->lock);
    free((*handles)->list);
    free(*handles);
    *handles = NULL;
}

static remembered *find(hsmiam_handles *handles, hsmiam_object object)
{
    for (size_t i = 0; i < handles->count; i++)
        if (handles->list[i].object == object)
            return &handles->list[i];
    return NULL;
}

static bool grow(hsmiam_handles *handles)
{
    remembered *list = realloc(handles->list, (handles->count + 1) * sizeof *list);

    if (list == NULL)
        return false;
    handles->list = list;
    handles->count++;
    return true;
}

/* The entry of an object, made if there is none; NULL if there is no memory. */
static remembered *find_or_add(hsmiam_handles *handles, hsmiam_object object)
{
    remembered *entry = find(handles, object);

    if (entry != NULL)
        return entry;
    if (!grow(handles))
        return NULL;
    return &handles->list[handles->count - 1];
}

/* What to hand out for a handle. Up to the first loss, the handle itself. Then, a number that no
 * handle of an earlier generation is taken for: handles are small numbers or addresses. */
static hsmiam_object choose_number(hsmiam_handles *handles, CK_OBJECT_HANDLE handle,
                                   unsigned generation, const char *id)
{
    if (generation == 0)
        return handle;
    for (size_t i = 0; i < handles->count; i++)
        if (handles->list[i].generation == generation && handles->list[i].handle == handle &&
            strcmp(handles->list[i].id, id) == 0)
            return handles->list[i].object;
    return CK_UNAVAILABLE_INFORMATION - ++handles->handed_out;
}

hsmiam_status hsmiam_object_remember(hsmiam_token *token, const hsmiam_session *session,
                                     CK_OBJECT_HANDLE handle, const char *id,
                                     hsmiam_object *object_out, hsmiam_error *error)
{
    hsmiam_handles *handles = token->handles;
    const char *text = id != NULL ? id : "";
    unsigned generation = session->generation;

    (void)pthread_mutex_lock(&handles->lock);
    hsmiam_object object = choose_number(handles, handle, generation, text);
    remembered *entry = find_or_add(handles, object);
    if (entry != NULL) {
        *entry = (remembered){.object = object, .handle = handle, .generation = generation};
        memcpy(entry->id, text, strnlen(text, sizeof entry->id - 1));
    }
    (void)pthread_mutex_unlock(&handles->lock);
    if (entry == NULL)
        return hsmiam_error_set_memory(error, "an object of the token");
    *object_out = object;
    return HSMIAM_OK;
}

void hsmiam_object_forget(hsmiam_token *token, hsmiam_object object)
{
    hsmiam_handles *handles = token->handles;

    (void)pthread_mutex_lock(&handles->lock);
    remembered *entry = find(handles, object);
    if (entry != NULL)
        *entry = handles->list[--handles->count];
    (void)pthread_mutex_unlock(&handles->lock);
}

static bool recall(hsmiam_handles *handles, hsmiam_object object, remembered *entry_out)
{
    (void)pthread_mutex_lock(&handles->lock);
    const remembered *entry = find(handles, object);
    if (entry != NULL)
        *entry_out = *entry;
    (void)pthread_mutex_unlock(&handles->lock);
    return entry != NULL;
}

static void update(hsmiam_handles *handles, const remembered *now)
{
    (void)pthread_mutex_lock(&handles->lock);
    remembered *entry = find(handles, now->object);
    if (entry != NULL && entry->generation <= now->generation)
        *entry = *now;
    (void)pthread_mutex_unlock(&handles->lock);
}

/* The one secret key of the token that has the id. */
static hsmiam_status find_by_id(hsmiam_token *token, const char *id, CK_OBJECT_HANDLE *handle_out,
                                hsmiam_error *error)
{
    hsmiam_object found[HSMIAM_OBJECTS_MAX];
    size_t count = 0;

    hsmiam_status status = hsmiam_objects_find_private(token, id, found, &count, error);
    if (status != HSMIAM_OK)
        return status;
    if (count != 1)
        return hsmiam_error_set(error, count == 0 ? HSMIAM_ERR_NOT_FOUND : HSMIAM_ERR_AMBIGUOUS,
                                "Token \"%s\" was lost and opened again, and holds %zu keys with "
                                "the id %s now.",
                                token->label, count, id);
    *handle_out = found[0];
    return HSMIAM_OK;
}

hsmiam_status hsmiam_object_resolve(hsmiam_token *token, const hsmiam_session *session,
                                    hsmiam_object object, CK_OBJECT_HANDLE *handle_out,
                                    hsmiam_error *error)
{
    remembered entry = {0};
    unsigned generation = session->generation;
    bool known = recall(token->handles, object, &entry);

    if (known && entry.generation == generation) {
        *handle_out = entry.handle;
        return HSMIAM_OK;
    }
    if (!known && generation == 0) {
        *handle_out = object;
        return HSMIAM_OK;
    }
    if (!known || entry.id[0] == '\0')
        return hsmiam_error_set(error, HSMIAM_ERR_NOT_FOUND,
                                "Token \"%s\" was lost and opened again; what lived in the session "
                                "only went with it.",
                                token->label);
    hsmiam_status status = find_by_id(token, entry.id, &entry.handle, error);
    if (status != HSMIAM_OK)
        return status;
    entry.generation = generation;
    update(token->handles, &entry);
    *handle_out = entry.handle;
    return HSMIAM_OK;
}

static hsmiam_status use_once(hsmiam_token *token, hsmiam_object object, hsmiam_object_fn use,
                              void *context, hsmiam_error *error)
{
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    hsmiam_session *session = NULL;

    hsmiam_status status = hsmiam_session_borrow(token, &session, error);
    if (status != HSMIAM_OK)
        return status;
    status = hsmiam_object_resolve(token, session, object, &handle, error);
    if (status == HSMIAM_OK)
        status = use(token, session, handle, context, error);
    hsmiam_session_return(token, &session, CKR_OK);
    return status;
}

hsmiam_status hsmiam_object_use(hsmiam_token *token, hsmiam_object object, hsmiam_object_fn use,
                                void *context, hsmiam_error *error)
{
    hsmiam_retry retry = hsmiam_retry_start(token);
    hsmiam_status status = HSMIAM_OK;

    do
        status = use_once(token, object, use, context, error);
    while (hsmiam_retry_again(&retry, status, error));
    return status;
}
