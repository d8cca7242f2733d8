/* SPDX-License-Identifier: Apache-2.0 */
/* An import that failed, perhaps with the loss of its session. Whether the key was made is not
 * known then, whatever the token says, and is looked up before anything is done twice or given up.
 */
#include "token/keys.h"

#include <string.h>

/* The key that the failed import made after all, if it did: CK_INVALID_HANDLE if not. */
static hsmiam_status find_made(hsmiam_token *token, const hsmiam_key_spec *spec,
                               CK_OBJECT_HANDLE *handle_out, hsmiam_error *error)
{
    hsmiam_object found[HSMIAM_OBJECTS_MAX];
    size_t count = 0;

    *handle_out = CK_INVALID_HANDLE;
    if (!spec->persistent) /* it went with the session */
        return HSMIAM_OK;
    hsmiam_status status = hsmiam_objects_find_private(token, spec->id, found, &count, error);
    if (status != HSMIAM_OK)
        return status;
    if (count > 1)
        return hsmiam_error_set(error, HSMIAM_ERR_AMBIGUOUS,
                                "Token \"%s\" failed in an import and holds %zu keys with the id "
                                "%s now; find out who made them.",
                                token->label, count, spec->id);
    if (count == 1)
        *handle_out = found[0];
    return HSMIAM_OK;
}

/* Holds one session throughout, so that no handle outlives its generation. */
static hsmiam_status import_in_session(hsmiam_token *token, hsmiam_import_route route,
                                       const hsmiam_key_spec *spec,
                                       const hsmiam_import_source *source, bool look_first,
                                       bool *attempted_out, hsmiam_object *object_out,
                                       hsmiam_error *error)
{
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    hsmiam_session *session = NULL;

    hsmiam_status status = hsmiam_session_borrow(token, &session, error);
    if (status != HSMIAM_OK)
        return status;
    if (look_first)
        status = find_made(token, spec, &handle, error);
    if (status == HSMIAM_OK && handle == CK_INVALID_HANDLE)
        status = hsmiam_import_key_once(token, session, route, spec, source, attempted_out, &handle,
                                        error);
    if (status == HSMIAM_OK)
        status = hsmiam_object_remember(token, session, handle, spec->persistent ? spec->id : NULL,
                                        object_out, error);
    hsmiam_session_return(token, &session, CKR_OK);
    return status;
}

/* After a failure: the key if it was made all the same, whose proof then tells what it is worth. */
static bool take_made(hsmiam_token *token, const hsmiam_key_spec *spec, hsmiam_object *object_out,
                      bool *known_out)
{
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    hsmiam_session *session = NULL;

    *known_out = false;
    if (hsmiam_session_borrow(token, &session, NULL) != HSMIAM_OK)
        return false;
    hsmiam_status status = find_made(token, spec, &handle, NULL);
    *known_out = status == HSMIAM_OK;
    bool made =
        status == HSMIAM_OK && handle != CK_INVALID_HANDLE &&
        hsmiam_object_remember(token, session, handle, spec->id, object_out, NULL) == HSMIAM_OK;
    hsmiam_session_return(token, &session, CKR_OK);
    return made;
}

static hsmiam_status import_from(hsmiam_token *token, hsmiam_import_route route,
                                 const hsmiam_key_spec *spec, const hsmiam_import_source *source,
                                 hsmiam_object *object_out, hsmiam_error *error)
{
    hsmiam_retry retry = hsmiam_retry_start(token);
    hsmiam_status status = HSMIAM_OK;
    bool attempted = false;
    bool known = true;

    (void)pthread_mutex_lock(&token->importing);
    do
        status = import_in_session(token, route, spec, source, retry.done, &attempted, object_out,
                                   error);
    while (hsmiam_retry_again(&retry, status, error));
    if (status != HSMIAM_OK && attempted && spec->persistent &&
        take_made(token, spec, object_out, &known)) {
        hsmiam_error_clear(error);
        status = HSMIAM_OK;
    }
    if (!known)
        hsmiam_error_append(error,
                            "Whether token \"%s\" holds an object %s now is not known; look for it "
                            "when the token is back.",
                            token->label, spec->id);
    (void)pthread_mutex_unlock(&token->importing);
    return status;
}

hsmiam_status hsmiam_token_import_key(hsmiam_token *token, hsmiam_import_route route,
                                      const hsmiam_key_spec *spec, const hsmiam_secret *value,
                                      hsmiam_object *object_out, hsmiam_error *error)
{
    const hsmiam_import_source source = {.value = value};

    return import_from(token, route, spec, &source, object_out, error);
}

hsmiam_status hsmiam_token_import_wrapped(hsmiam_token *token, const hsmiam_key_spec *spec,
                                          const hsmiam_wrapped_value *wrapped,
                                          hsmiam_object *object_out, hsmiam_error *error)
{
    const hsmiam_import_source source = {.wrapped = wrapped};

    return import_from(token, HSMIAM_ROUTE_RSA_OAEP, spec, &source, object_out, error);
}

/* What a lost session had taken in went with it: no trial is made twice. */
hsmiam_status hsmiam_token_import_trial(hsmiam_token *token, const hsmiam_import_trial *trial,
                                        const hsmiam_secret *value, hsmiam_object *object_out,
                                        hsmiam_error *error)
{
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
    hsmiam_session *session = NULL;

    (void)pthread_mutex_lock(&token->importing);
    hsmiam_status status = hsmiam_session_borrow(token, &session, error);
    if (status != HSMIAM_OK)
        goto out;
    if (trial->key != 0)
        status = hsmiam_object_resolve(token, session, trial->key, &key, error);
    if (status == HSMIAM_OK)
        status = hsmiam_import_try_once(token, session, trial, key, value, &handle, error);
    if (status == HSMIAM_OK)
        status = hsmiam_object_remember(token, session, handle, NULL, object_out, error);
    hsmiam_session_return(token, &session, CKR_OK);
out:
    (void)pthread_mutex_unlock(&token->importing);
    return status;
}
