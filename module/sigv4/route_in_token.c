/* SPDX-License-Identifier: Apache-2.0 */
/* The whole chain inside the token: each link is a sensitive session object, destroyed as soon as
 * the next one exists, and the last one stays to sign with. */
#include "sigv4/signing_key.h"

#include <string.h>

#include "sigv4/string_to_sign.h"

/* What cannot be destroyed goes with its session. */
static void drop(hsmiam_token *token, hsmiam_object object)
{
    hsmiam_status ignored = hsmiam_token_destroy_object(token, object, NULL);

    (void)ignored;
}

static void clear(hsmiam_signing_key *key)
{
    if (key->in_session && hsmiam_signing_key_is_object_alive(key))
        drop(key->token, key->object);
    key->in_session = false;
    hsmiam_secret_free(&key->value);
}

/* Replaces a link by the next one. `owned` tells whether the former is ours to destroy. */
static hsmiam_status advance(hsmiam_token *token, hsmiam_object *link, bool *owned,
                             const char *text, bool last, hsmiam_error *error)
{
    hsmiam_object next = 0;
    hsmiam_object old = *link;
    bool old_owned = *owned;
    hsmiam_status status =
        hsmiam_token_derive_hmac(token, old, text, strlen(text), last, &next, error);

    if (status != HSMIAM_OK)
        return status;
    *link = next;
    *owned = true;
    return old_owned ? hsmiam_token_destroy_object(token, old, error) : HSMIAM_OK;
}

static hsmiam_status derive_once(hsmiam_signing_key *key, const hsmiam_scope *scope,
                                 hsmiam_error *error)
{
    const char *const texts[] = {scope->date, scope->region, scope->service,
                                 HSMIAM_SCOPE_TERMINATOR};
    const size_t count = sizeof texts / sizeof texts[0];
    unsigned losses = hsmiam_token_count_losses(key->token);
    hsmiam_object link = 0;
    bool owned = false;

    clear(key);
    hsmiam_status status = hsmiam_signing_key_get_base(key, false, &link, &owned, error);
    for (size_t i = 0; status == HSMIAM_OK && i < count; i++)
        status = advance(key->token, &link, &owned, texts[i], i + 1 == count, error);
    if (status == HSMIAM_OK) /* where the signatures are written */
        status = hsmiam_secret_new(HSMIAM_HMAC_SIZE, &key->value, error);
    if (status == HSMIAM_OK) {
        key->object = link;
        key->in_session = true;
        key->losses = losses;
    } else if (owned) {
        drop(key->token, link);
    }
    return status;
}

/* Links that went with a lost session are made anew, once. */
static hsmiam_status derive(hsmiam_signing_key *key, const hsmiam_scope *scope, hsmiam_error *error)
{
    unsigned losses = hsmiam_token_count_losses(key->token);
    hsmiam_status status = derive_once(key, scope, error);

    if (status == HSMIAM_OK || hsmiam_token_count_losses(key->token) == losses)
        return status;
    hsmiam_error_clear(error);
    return derive_once(key, scope, error);
}

static hsmiam_status compute(const hsmiam_signing_key *key, const void *data, size_t size,
                             uint8_t mac_out[HSMIAM_HMAC_SIZE], hsmiam_error *error)
{
    hsmiam_secret_clear(key->value);
    hsmiam_status status =
        hsmiam_token_hmac(key->token, key->object, data, size, key->value, error);
    if (status == HSMIAM_OK)
        memcpy(mac_out, hsmiam_secret_get_data(key->value), HSMIAM_HMAC_SIZE);
    return status;
}

const hsmiam_signing_route hsmiam_signing_route_in_token = {
    .name = "in-token", .in_session = true, .derive = derive, .compute = compute, .clear = clear};
