/* SPDX-License-Identifier: Apache-2.0 */
#include "sigv4/signing_key.h"

#include <string.h>
#include <unistd.h>

#include "base/sealed.h"

static bool is_same_scope(const hsmiam_scope *a, const hsmiam_scope *b)
{
    return strcmp(a->date, b->date) == 0 && strcmp(a->region, b->region) == 0 &&
           strcmp(a->service, b->service) == 0;
}

bool hsmiam_signing_key_is_object_alive(const hsmiam_signing_key *key)
{
    return key->process == getpid() && key->losses == hsmiam_token_count_losses(key->token);
}

bool hsmiam_signing_key_must_derive(const hsmiam_signing_key *key, const hsmiam_scope *scope)
{
    return !key->derived || !is_same_scope(&key->scope, scope) ||
           (key->route->in_session && !hsmiam_signing_key_is_object_alive(key));
}

hsmiam_status hsmiam_signing_key_get_base(const hsmiam_signing_key *key, bool signs,
                                          hsmiam_object *base_out, bool *owned_out,
                                          hsmiam_error *error)
{
    *base_out = key->access_key;
    *owned_out = false;
    if (!key->bare)
        return HSMIAM_OK;
    hsmiam_status status = hsmiam_token_derive_prefixed(
        key->token, key->access_key, HSMIAM_SECRET_PREFIX, signs, base_out, error);
    *owned_out = status == HSMIAM_OK;
    return status;
}

typedef struct derivation {
    hsmiam_signing_key *key;
    const hsmiam_scope *scope;
} derivation;

static hsmiam_status derive(void *context, hsmiam_error *error)
{
    const derivation *wanted = context;

    return wanted->key->route->derive(wanted->key, wanted->scope, error);
}

hsmiam_status hsmiam_signing_key_derive(hsmiam_signing_key *key, const hsmiam_scope *scope,
                                        hsmiam_error *error)
{
    if (key->derived && key->process != getpid())
        return hsmiam_error_set(
            error, HSMIAM_ERR_INTERNAL,
            "This signer was used before fork(), and a child process has none of "
            "its secrets; open the token anew there.");
    if (!hsmiam_signing_key_must_derive(key, scope))
        return HSMIAM_OK;
    key->derived = false;
    derivation wanted = {key, scope};
    hsmiam_status status = hsmiam_sealed_run(derive, &wanted, error);
    if (status != HSMIAM_OK)
        return status;
    key->scope = *scope;
    key->derived = true;
    key->process = getpid();
    return HSMIAM_OK;
}

hsmiam_status hsmiam_signing_key_sign(hsmiam_signing_key *key, const hsmiam_scope *scope,
                                      const void *data, size_t size,
                                      uint8_t mac_out[HSMIAM_HMAC_SIZE], hsmiam_error *error)
{
    hsmiam_status status = hsmiam_signing_key_derive(key, scope, error);

    return status == HSMIAM_OK ? key->route->compute(key, data, size, mac_out, error) : status;
}

bool hsmiam_signing_key_forget_lost(hsmiam_signing_key *key, hsmiam_status status,
                                    const hsmiam_error *error)
{
    bool refused = status != HSMIAM_OK && hsmiam_token_lost_object(error);

    if (!key->derived || !key->route->in_session || key->process != getpid() ||
        (hsmiam_signing_key_is_object_alive(key) && !refused))
        return false;
    key->derived = false;
    key->in_session = false;
    return true;
}

void hsmiam_signing_key_clear(hsmiam_signing_key *key)
{
    if (key->route != NULL)
        key->route->clear(key);
    *key = (hsmiam_signing_key){0};
}
