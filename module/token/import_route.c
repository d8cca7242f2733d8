/* SPDX-License-Identifier: Apache-2.0 */
/* What a route into the token needs there: a key that is found and checked once per generation of
 * sessions. */
#include "token/keys.h"

static void forget_keys(hsmiam_token *token)
{
    token->wrapping_keys[false] = CK_INVALID_HANDLE;
    token->wrapping_keys[true] = CK_INVALID_HANDLE;
    token->aes_key = CK_INVALID_HANDLE;
}

hsmiam_status hsmiam_import_prepare_route(hsmiam_token *token, const hsmiam_session *session,
                                          hsmiam_import_route route, bool exportable,
                                          hsmiam_error *error)
{
    const hsmiam_pair_spec *pair = hsmiam_pair_get_wrapping(exportable);
    bool rsa = route == HSMIAM_ROUTE_RSA_OAEP;
    hsmiam_object *known = rsa ? &token->wrapping_keys[exportable] : &token->aes_key;
    hsmiam_object key = CK_INVALID_HANDLE;

    if (token->keys_generation != session->generation) {
        forget_keys(token);
        token->keys_generation = session->generation;
    }
    if (route == HSMIAM_ROUTE_CREATE_OBJECT || *known != CK_INVALID_HANDLE)
        return HSMIAM_OK;
    hsmiam_status status =
        rsa ? hsmiam_pair_find(token, pair, &key, error) : hsmiam_aes_key_find(token, &key, error);
    if (status == HSMIAM_OK)
        status = rsa ? hsmiam_pair_check(token, pair, key, error)
                     : hsmiam_aes_key_check(token, key, error);
    if (status == HSMIAM_OK)
        *known = key;
    return status;
}

hsmiam_status hsmiam_token_prepare_route(hsmiam_token *token, hsmiam_import_route route,
                                         bool exportable, hsmiam_error *error)
{
    hsmiam_retry retry = hsmiam_retry_start(token);
    hsmiam_status status = HSMIAM_OK;

    (void)pthread_mutex_lock(&token->importing);
    do {
        hsmiam_session *session = NULL;
        status = hsmiam_session_borrow(token, &session, error);
        if (status != HSMIAM_OK)
            continue;
        status = hsmiam_import_prepare_route(token, session, route, exportable, error);
        hsmiam_session_return(token, &session, CKR_OK);
    } while (hsmiam_retry_again(&retry, status, error));
    (void)pthread_mutex_unlock(&token->importing);
    return status;
}

void hsmiam_import_forget_keys(hsmiam_token *token)
{
    (void)pthread_mutex_lock(&token->importing);
    forget_keys(token);
    (void)pthread_mutex_unlock(&token->importing);
}
