/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_token.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define ACCESS_KEY_OBJECT 17

static hsmiam_status fail(hsmiam_status status, hsmiam_error *error)
{
    return hsmiam_error_set(error, status, "The fake token fails as it was told to.");
}

hsmiam_status hsmiam_token_open(hsmiam_token *token, hsmiam_error *error)
{
    token->opened++;
    return token->open_status == HSMIAM_OK ? HSMIAM_OK : fail(token->open_status, error);
}

hsmiam_status hsmiam_token_find_access_key(hsmiam_token *token, const char *key_uri,
                                           hsmiam_object *object_out,
                                           char id_out[HSMIAM_ACCESS_KEY_ID_MAX + 1],
                                           hsmiam_error *error)
{
    token->found++;
    token->last_key_uri = key_uri;
    if (token->find_status != HSMIAM_OK)
        return fail(token->find_status, error);
    *object_out = ACCESS_KEY_OBJECT;
    (void)snprintf(id_out, HSMIAM_ACCESS_KEY_ID_MAX + 1, "%s", token->access_key_id);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_token_hmac(hsmiam_token *token, hsmiam_object key, const void *data,
                                size_t size, hsmiam_secret *mac, hsmiam_error *error)
{
    char value[256];
    size_t room = 0;
    uint8_t *out = hsmiam_secret_get_room(mac, &room);

    token->signatures++;
    if (token->hmac_status != HSMIAM_OK)
        return fail(token->hmac_status, error);
    if (key != ACCESS_KEY_OBJECT || room < HSMIAM_HMAC_SIZE)
        return fail(HSMIAM_ERR_INTERNAL, error);
    int length = snprintf(value, sizeof value, "AWS4%s", token->secret);
    if (HMAC(EVP_sha256(), value, length, data, size, out, NULL) == NULL)
        return fail(HSMIAM_ERR_INTERNAL, error);
    hsmiam_secret_grow(mac, HSMIAM_HMAC_SIZE);
    return HSMIAM_OK;
}
