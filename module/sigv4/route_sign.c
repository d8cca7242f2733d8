/* SPDX-License-Identifier: Apache-2.0 */
/* The token gives kDate, which is a credential for a day and every region and service: each link of
 * the chain is in secret memory, and is wiped as soon as the next one exists. */
#include "sigv4/signing_key.h"

#include <string.h>

#include "sigv4/string_to_sign.h"

/* Replaces `key` by HMAC-SHA256(key, text), using `next` on the way. */
static hsmiam_status chain(const hsmiam_hmac *hmac, hsmiam_secret **key, hsmiam_secret **next,
                           const char *text, hsmiam_error *error)
{
    size_t room = 0;
    uint8_t *mac = hsmiam_secret_get_room(*next, &room);

    hsmiam_status status = hsmiam_hmac_compute(hmac, *key, text, strlen(text), mac, error);
    if (status != HSMIAM_OK)
        return status;
    hsmiam_secret_grow(*next, HSMIAM_HMAC_SIZE);

    hsmiam_secret *old = *key;
    hsmiam_secret_clear(old);
    *key = *next;
    *next = old;
    return HSMIAM_OK;
}

hsmiam_status hsmiam_signing_key_chain(const hsmiam_hmac *hmac, const hsmiam_scope *scope,
                                       hsmiam_secret **key, hsmiam_secret **next,
                                       hsmiam_error *error)
{
    const char *const links[] = {scope->region, scope->service, HSMIAM_SCOPE_TERMINATOR};
    hsmiam_status status = HSMIAM_OK;

    for (size_t i = 0; status == HSMIAM_OK && i < sizeof links / sizeof links[0]; i++)
        status = chain(hmac, key, next, links[i], error);
    return status;
}

static hsmiam_status derive(hsmiam_signing_key *key, const hsmiam_scope *scope, hsmiam_error *error)
{
    hsmiam_secret *current = NULL;
    hsmiam_secret *next = NULL;
    hsmiam_object base = 0;
    bool owned = false;
    hsmiam_status status = HSMIAM_OK;

    hsmiam_secret_free(&key->value);
    if (key->hmac == NULL)
        status = hsmiam_hmac_new(&key->hmac, error);
    if (status != HSMIAM_OK)
        goto out;
    status = hsmiam_secret_new(HSMIAM_HMAC_SIZE, &current, error);
    if (status != HSMIAM_OK)
        goto out;
    status = hsmiam_secret_new(HSMIAM_HMAC_SIZE, &next, error);
    if (status != HSMIAM_OK)
        goto out;
    status = hsmiam_signing_key_get_base(key, true, &base, &owned, error);
    if (status == HSMIAM_OK)
        status =
            hsmiam_token_hmac(key->token, base, scope->date, strlen(scope->date), current, error);
    if (status == HSMIAM_OK && owned) {
        owned = false;
        status = hsmiam_token_destroy_object(key->token, base, error);
    }
    if (status == HSMIAM_OK)
        status = hsmiam_signing_key_chain(key->hmac, scope, &current, &next, error);
    if (status != HSMIAM_OK)
        goto out;
    key->value = current;
    current = NULL;

out:
    if (owned && hsmiam_token_destroy_object(key->token, base, NULL) != HSMIAM_OK)
        owned = false; /* it goes with its session */
    hsmiam_secret_free(&current);
    hsmiam_secret_free(&next);
    return status;
}

static hsmiam_status compute(const hsmiam_signing_key *key, const void *data, size_t size,
                             uint8_t mac_out[HSMIAM_HMAC_SIZE], hsmiam_error *error)
{
    return hsmiam_hmac_compute(key->hmac, key->value, data, size, mac_out, error);
}

static void clear(hsmiam_signing_key *key)
{
    hsmiam_secret_free(&key->value);
    hsmiam_hmac_free(&key->hmac);
}

const hsmiam_signing_route hsmiam_signing_route_sign = {
    .name = "sign", .derive = derive, .compute = compute, .clear = clear};
