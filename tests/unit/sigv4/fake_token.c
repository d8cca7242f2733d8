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

hsmiam_status hsmiam_token_get_key_use(hsmiam_token *token, hsmiam_object key,
                                       hsmiam_key_use *use_out, hsmiam_error *error)
{
    (void)key;
    (void)error;
    *use_out = token->use;
    if (!token->use.sign && !token->use.derive)
        use_out->sign = true;
    return HSMIAM_OK;
}

hsmiam_status hsmiam_token_probe_in_token(hsmiam_token *token, bool insists,
                                          hsmiam_in_token *found_out, hsmiam_error *error)
{
    (void)insists;
    (void)error;
    *found_out = token->in_token;
    return HSMIAM_OK;
}

unsigned hsmiam_token_count_losses(const hsmiam_token *token)
{
    return token->losses;
}

const char *hsmiam_token_get_label(const hsmiam_token *token)
{
    (void)token;
    return "fake token";
}

bool hsmiam_token_lost_object(const hsmiam_error *error)
{
    return hsmiam_error_get_domain(error) == HSMIAM_DOMAIN_PKCS11;
}

#define PLACES (sizeof((hsmiam_token *)0)->derived / sizeof((hsmiam_token *)0)->derived[0])

/* The value of a key that is there; NULL if it is not, or not for that use. */
static const unsigned char *get_value(hsmiam_token *token, hsmiam_object key, bool to_sign,
                                      size_t *size_out)
{
    static char value[256];

    if (key == ACCESS_KEY_OBJECT) {
        *size_out =
            (size_t)snprintf(value, sizeof value, "%s%s", token->bare ? "" : "AWS4", token->secret);
        return (unsigned char *)value;
    }
    for (size_t i = 0; i < PLACES; i++) {
        if (!token->loses_objects && key != 0 && token->derived[i].object == key &&
            token->derived[i].losses == token->losses && token->derived[i].signs == to_sign) {
            *size_out = token->derived[i].size;
            return token->derived[i].value;
        }
    }
    return NULL;
}

static hsmiam_status lose(hsmiam_error *error)
{
    hsmiam_status status = fail(HSMIAM_ERR_TOKEN, error);

    hsmiam_error_set_origin(error, HSMIAM_DOMAIN_PKCS11, 0x60, "CKR_KEY_HANDLE_INVALID");
    return status;
}

static hsmiam_object keep(hsmiam_token *token, const void *value, size_t size, bool signs)
{
    size_t place = 0;

    while (token->derived[place].object != 0)
        place++;
    token->derived[place].object = 100 + ++token->last_object;
    token->derived[place].losses = token->losses;
    token->derived[place].signs = signs;
    token->derived[place].size = size;
    memcpy(token->derived[place].value, value, size);
    token->objects++;
    return token->derived[place].object;
}

hsmiam_status hsmiam_token_derive_hmac(hsmiam_token *token, hsmiam_object base, const void *data,
                                       size_t size, bool last, hsmiam_object *derived_out,
                                       hsmiam_error *error)
{
    unsigned char mac[HSMIAM_HMAC_SIZE];
    size_t value_size = 0;
    const unsigned char *value = get_value(token, base, false, &value_size);

    token->derivations++;
    if (token->derive_status != HSMIAM_OK && token->derivations >= token->derive_fails_from)
        return fail(token->derive_status, error);
    if (value == NULL)
        return lose(error);
    (void)HMAC(EVP_sha256(), value, (int)value_size, data, size, mac, NULL);
    *derived_out = keep(token, mac, sizeof mac, last);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_token_derive_prefixed(hsmiam_token *token, hsmiam_object base,
                                           const char *prefix, bool signs,
                                           hsmiam_object *derived_out, hsmiam_error *error)
{
    char all[256];
    size_t value_size = 0;
    const unsigned char *value = get_value(token, base, false, &value_size);

    token->derivations++;
    if (value == NULL)
        return lose(error);
    int length = snprintf(all, sizeof all, "%s%.*s", prefix, (int)value_size, (const char *)value);
    *derived_out = keep(token, all, (size_t)length, signs);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_token_destroy_object(hsmiam_token *token, hsmiam_object object,
                                          hsmiam_error *error)
{
    for (size_t i = 0; i < PLACES; i++) {
        if (object != 0 && token->derived[i].object == object) {
            memset(&token->derived[i], 0, sizeof token->derived[i]);
            token->objects--;
            token->destroyed++;
            return HSMIAM_OK;
        }
    }
    return fail(HSMIAM_ERR_TOKEN, error);
}

hsmiam_status hsmiam_token_hmac(hsmiam_token *token, hsmiam_object key, const void *data,
                                size_t size, hsmiam_secret *mac, hsmiam_error *error)
{
    size_t room = 0;
    size_t value_size = 0;
    uint8_t *out = hsmiam_secret_get_room(mac, &room);
    const unsigned char *value = get_value(token, key, true, &value_size);

    token->signatures++;
    if (token->hmac_status != HSMIAM_OK)
        return fail(token->hmac_status, error);
    if (value == NULL)
        return lose(error);
    if (room < HSMIAM_HMAC_SIZE)
        return fail(HSMIAM_ERR_INTERNAL, error);
    if (HMAC(EVP_sha256(), value, (int)value_size, data, size, out, NULL) == NULL)
        return fail(HSMIAM_ERR_INTERNAL, error);
    hsmiam_secret_grow(mac, HSMIAM_HMAC_SIZE);
    return HSMIAM_OK;
}

void hsmiam_token_renew_timeout(hsmiam_token *token)
{
    token->renewals++;
}
