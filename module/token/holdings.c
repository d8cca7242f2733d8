/* SPDX-License-Identifier: Apache-2.0 */
/* All access keys that the token holds, as their attributes tell. */
#include "token/object.h"

#include <stdlib.h>
#include <string.h>

#define BATCH 64

/* Handles of objects. */
typedef struct handles {
    CK_OBJECT_HANDLE *list;
    size_t count;
    size_t room;
} handles;

/* One search, in one session, so that no handle outlives a loss. */
typedef struct search {
    hsmiam_token *token;
    hsmiam_session *session;
    const char *id; /* NULL: any */
    handles objects;
    hsmiam_held_key *keys;
    size_t count;
    hsmiam_error *error;
} search;

static hsmiam_status make_room(search *run)
{
    handles *objects = &run->objects;
    size_t room = objects->room > 0 ? 2 * objects->room : BATCH;

    if (objects->room - objects->count >= BATCH)
        return HSMIAM_OK;
    CK_OBJECT_HANDLE *list = realloc(objects->list, room * sizeof *list);
    if (list == NULL)
        return hsmiam_error_set_memory(run->error, "the list of a token's keys");
    objects->list = list;
    objects->room = room;
    return HSMIAM_OK;
}

static hsmiam_status check_rv(const search *run, CK_RV rv, const char *function)
{
    return rv == CKR_OK ? HSMIAM_OK : hsmiam_rv_set_error(run->token, rv, function, run->error);
}

static hsmiam_status collect(search *run)
{
    CK_FUNCTION_LIST *functions = run->session->functions;
    handles *objects = &run->objects;
    CK_ULONG more = 0;
    hsmiam_status status = HSMIAM_OK;

    do {
        status = make_room(run);
        if (status != HSMIAM_OK)
            break;
        CK_RV rv = functions->C_FindObjects(run->session->handle, objects->list + objects->count,
                                            BATCH, &more);
        /* A token that counts beyond the room is not believed. */
        if (rv == CKR_OK && more > BATCH)
            rv = CKR_GENERAL_ERROR;
        status = check_rv(run, rv, "C_FindObjects");
        if (status == HSMIAM_OK)
            objects->count += more;
    } while (status == HSMIAM_OK && more > 0);
    return status;
}

/* Private ones only: what is not, anyone may have put there without a PIN. */
static hsmiam_status find_objects(search *run)
{
    static CK_OBJECT_CLASS secret_key = CKO_SECRET_KEY;
    static CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &secret_key, sizeof secret_key},
                               {CKA_TOKEN, &yes, sizeof yes},
                               {CKA_PRIVATE, &yes, sizeof yes},
                               {CKA_ID, (void *)run->id, run->id != NULL ? strlen(run->id) : 0}};
    CK_FUNCTION_LIST *functions = run->session->functions;

    CK_RV rv =
        functions->C_FindObjectsInit(run->session->handle, template, run->id != NULL ? 4 : 3);
    if (rv != CKR_OK)
        return check_rv(run, rv, "C_FindObjectsInit");
    hsmiam_status status = collect(run);
    rv = functions->C_FindObjectsFinal(run->session->handle);
    if (status == HSMIAM_OK)
        status = check_rv(run, rv, "C_FindObjectsFinal");
    /* Whoever is logged out by somebody else is not told so: there just are no private objects. */
    if (status == HSMIAM_OK && run->objects.count == 0 &&
        (run->token->info.flags & CKF_LOGIN_REQUIRED) != 0 &&
        !hsmiam_session_is_logged_in(run->session))
        status = check_rv(run, CKR_USER_NOT_LOGGED_IN, "C_FindObjects");
    return status;
}

/* "" for what is not there, or too long to be ours. */
static hsmiam_status read_text(const search *run, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
                               const char *name, char *to, size_t size)
{
    hsmiam_status status =
        hsmiam_attribute_get_bytes(run->token, object, type, name, to, &size, run->error);

    if (status == HSMIAM_ERR_UNSUPPORTED) {
        hsmiam_error_clear(run->error);
        status = HSMIAM_OK;
        size = 0;
    }
    to[status == HSMIAM_OK ? size : 0] = '\0';
    return status;
}

static hsmiam_status read_key(const search *run, CK_OBJECT_HANDLE object, hsmiam_held_key *key)
{
    static const hsmiam_bool_rule kept = {CKA_EXTRACTABLE, "CKA_EXTRACTABLE", false};
    const hsmiam_bool_rule *broken = NULL;

    *key = (hsmiam_held_key){.is_seen = false};
    hsmiam_status status = read_text(run, object, CKA_ID, "CKA_ID", key->id, sizeof key->id - 1);
    if (status != HSMIAM_OK || !hsmiam_access_key_id_is_valid(key->id, strlen(key->id))) {
        key->id[0] = '\0';
        return status;
    }
    status = read_text(run, object, CKA_LABEL, "CKA_LABEL", key->label, sizeof key->label - 1);
    if (status == HSMIAM_OK)
        status = hsmiam_attribute_check_bools(run->token, object, &kept, 1, &broken, run->error);
    key->is_extractable = broken != NULL;
    return status;
}

static int compare(const void *left, const void *right)
{
    return strcmp(((const hsmiam_held_key *)left)->id, ((const hsmiam_held_key *)right)->id);
}

static hsmiam_status list_in_session(search *run)
{
    run->objects.count = 0;
    run->count = 0;
    hsmiam_status status = find_objects(run);
    if (status != HSMIAM_OK || run->objects.count == 0)
        return status;
    hsmiam_held_key *keys = realloc(run->keys, run->objects.count * sizeof *keys);
    if (keys == NULL)
        return hsmiam_error_set_memory(run->error, "the list of a token's keys");
    run->keys = keys;
    for (size_t i = 0; status == HSMIAM_OK && i < run->objects.count; i++) {
        status = read_key(run, run->objects.list[i], &keys[run->count]);
        if (status == HSMIAM_OK && keys[run->count].id[0] != '\0')
            run->count++;
    }
    qsort(keys, run->count, sizeof *keys, compare);
    return status;
}

static hsmiam_status list_once(search *run)
{
    hsmiam_status status = hsmiam_session_borrow(run->token, &run->session, run->error);

    if (status != HSMIAM_OK)
        return status;
    status = list_in_session(run);
    hsmiam_session_return(run->token, &run->session, CKR_OK);
    return status;
}

hsmiam_status hsmiam_token_list_access_keys(hsmiam_token *token, const char *id,
                                            hsmiam_held_key **keys_out, size_t *count_out,
                                            hsmiam_error *error)
{
    hsmiam_error own = {.status = HSMIAM_OK};
    search run = {.token = token, .id = id, .error = error != NULL ? error : &own};
    hsmiam_retry retry = hsmiam_retry_start(token);
    hsmiam_status status = HSMIAM_OK;

    do
        status = list_once(&run);
    while (hsmiam_retry_again(&retry, status, run.error));
    free(run.objects.list);
    if (status != HSMIAM_OK) {
        free(run.keys);
        return status;
    }
    *keys_out = run.keys;
    *count_out = run.count;
    return HSMIAM_OK;
}
