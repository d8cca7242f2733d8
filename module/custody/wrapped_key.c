/* SPDX-License-Identifier: Apache-2.0 */
#include "custody/wrapped_key.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BASE64_SIZE_MAX (((HSMIAM_WRAPPED_SIZE_MAX + 2) / 3) * 4)
#define BYTES_MIN       256 /* of RSA-2048 */

struct hsmiam_wrapped_key {
    char id[HSMIAM_ACCESS_KEY_ID_MAX + 1];
    char user_name[HSMIAM_USER_NAME_MAX + 1];
    const hsmiam_export_form *form;
    char fingerprint[HSMIAM_FINGERPRINT_SIZE];
    hsmiam_secret *bytes;
    hsmiam_secret *base64; /* with its NUL */
};

static hsmiam_status refuse(hsmiam_error *error, const char *member, const char *why)
{
    return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT, "The wrapped key's %s %s.", member, why);
}

static hsmiam_status encode(const hsmiam_secret *bytes, hsmiam_secret *base64, hsmiam_error *error)
{
    size_t room = 0;
    uint8_t *to = hsmiam_secret_get_room(base64, &room);
    size_t size = hsmiam_secret_get_size(bytes);

    if ((size + 2) / 3 * 4 + 1 > room)
        return hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "A wrapped key does not fit.");
    int written = EVP_EncodeBlock(to, hsmiam_secret_get_data(bytes), (int)size);
    hsmiam_secret_grow(base64, (size_t)written + 1);
    return HSMIAM_OK;
}

/* One text has one meaning: what would be written otherwise is refused. */
static hsmiam_status decode(const char *text, hsmiam_wrapped_key *wrapped, hsmiam_error *error)
{
    size_t length = strlen(text);
    size_t room = 0;
    uint8_t *to = hsmiam_secret_get_room(wrapped->bytes, &room);

    if (length == 0 || length % 4 != 0 || length / 4 * 3 > room)
        return refuse(error, "WrappedKey", "is empty, too long, or no base64");
    int decoded = EVP_DecodeBlock(to, (const unsigned char *)text, (int)length);
    if (decoded < 0)
        return refuse(error, "WrappedKey", "is no base64");
    size_t size = (size_t)decoded;
    for (size_t i = length; i > length - 2 && text[i - 1] == '='; i--)
        size--;
    hsmiam_secret_grow(wrapped->bytes, size);
    hsmiam_status status = encode(wrapped->bytes, wrapped->base64, error);
    if (status == HSMIAM_OK &&
        strcmp((const char *)hsmiam_secret_get_data(wrapped->base64), text) != 0)
        status = refuse(error, "WrappedKey", "is no base64");
    if (status == HSMIAM_OK && size < BYTES_MIN)
        status = refuse(error, "WrappedKey", "is shorter than what RSA-2048 encrypts to");
    return status;
}

static bool is_fingerprint(const char *text)
{
    return strlen(text) == HSMIAM_FINGERPRINT_SIZE - 1 &&
           text[strspn(text, "0123456789abcdef")] == '\0';
}

/* Texts in their places, and room for the bytes. */
static hsmiam_status make(const char *access_key_id, const char *user_name,
                          const hsmiam_export_form *form, const char *fingerprint,
                          hsmiam_wrapped_key **wrapped_out, hsmiam_error *error)
{
    hsmiam_wrapped_key *wrapped = calloc(1, sizeof *wrapped);

    if (wrapped == NULL)
        return hsmiam_error_set_memory(error, "a wrapped key");
    (void)snprintf(wrapped->id, sizeof wrapped->id, "%s", access_key_id);
    (void)snprintf(wrapped->user_name, sizeof wrapped->user_name, "%s", user_name);
    (void)snprintf(wrapped->fingerprint, sizeof wrapped->fingerprint, "%s", fingerprint);
    wrapped->form = form;
    hsmiam_status status = hsmiam_secret_new(HSMIAM_WRAPPED_SIZE_MAX, &wrapped->bytes, error);
    if (status == HSMIAM_OK)
        status = hsmiam_secret_new(BASE64_SIZE_MAX + 1, &wrapped->base64, error);
    if (status != HSMIAM_OK)
        hsmiam_wrapped_key_free(&wrapped);
    *wrapped_out = wrapped;
    return status;
}

hsmiam_status hsmiam_wrapped_key_take(const char *access_key_id, const char *user_name,
                                      const hsmiam_export_form *form, const char *fingerprint,
                                      const hsmiam_secret *bytes, hsmiam_wrapped_key **wrapped_out,
                                      hsmiam_error *error)
{
    hsmiam_wrapped_key *wrapped = NULL;
    hsmiam_status status = make(access_key_id, user_name, form, fingerprint, &wrapped, error);

    if (wrapped != NULL && !hsmiam_secret_append(wrapped->bytes, hsmiam_secret_get_data(bytes),
                                                 hsmiam_secret_get_size(bytes)))
        status = hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "A wrapped key does not fit.");
    if (wrapped != NULL && status == HSMIAM_OK)
        status = encode(wrapped->bytes, wrapped->base64, error);
    if (status == HSMIAM_OK)
        *wrapped_out = wrapped;
    else
        hsmiam_wrapped_key_free(&wrapped);
    return status;
}

hsmiam_status hsmiam_wrapped_key_new(const char *access_key_id, const char *user_name,
                                     const char *algorithm, const char *fingerprint,
                                     const char *base64, hsmiam_wrapped_key **wrapped_out,
                                     hsmiam_error *error)
{
    const char *name = user_name != NULL ? user_name : "";
    hsmiam_wrapped_key *wrapped = NULL;

    if (access_key_id == NULL ||
        !hsmiam_access_key_id_is_valid(access_key_id, strlen(access_key_id)))
        return refuse(error, "AccessKeyId", "is missing, or none");
    hsmiam_status status = name[0] != '\0' ? hsmiam_user_name_check(name, error) : HSMIAM_OK;
    if (status != HSMIAM_OK)
        return status;
    const hsmiam_export_form *form = algorithm != NULL ? hsmiam_export_find_form(algorithm) : NULL;
    if (form == NULL)
        return refuse(error, "Algorithm",
                      "is missing, or none of RSAES_OAEP_SHA_256, RSAES_OAEP_SHA_1, "
                      "RSA_AES_KEY_WRAP_SHA_256 and RSA_AES_KEY_WRAP_SHA_1");
    if (fingerprint == NULL || !is_fingerprint(fingerprint))
        return refuse(error, "RecipientFingerprint", "is missing, or not of 64 hex digits");
    if (base64 == NULL)
        return refuse(error, "WrappedKey", "is missing");
    status = make(access_key_id, name, form, fingerprint, &wrapped, error);
    if (wrapped != NULL)
        status = decode(base64, wrapped, error);
    if (status == HSMIAM_OK)
        *wrapped_out = wrapped;
    else
        hsmiam_wrapped_key_free(&wrapped);
    return status;
}

void hsmiam_wrapped_key_free(hsmiam_wrapped_key **wrapped)
{
    if (wrapped == NULL || *wrapped == NULL)
        return;
    hsmiam_secret_free(&(*wrapped)->bytes);
    hsmiam_secret_free(&(*wrapped)->base64);
    free(*wrapped);
    *wrapped = NULL;
}

const char *hsmiam_wrapped_key_get_access_key_id(const hsmiam_wrapped_key *wrapped)
{
    return wrapped->id;
}

const char *hsmiam_wrapped_key_get_user_name(const hsmiam_wrapped_key *wrapped)
{
    return wrapped->user_name;
}

const char *hsmiam_wrapped_key_get_algorithm(const hsmiam_wrapped_key *wrapped)
{
    return wrapped->form->name;
}

const char *hsmiam_wrapped_key_get_fingerprint(const hsmiam_wrapped_key *wrapped)
{
    return wrapped->fingerprint;
}

const char *hsmiam_wrapped_key_get_base64(const hsmiam_wrapped_key *wrapped)
{
    return (const char *)hsmiam_secret_get_data(wrapped->base64);
}

const hsmiam_secret *hsmiam_wrapped_key_get_bytes(const hsmiam_wrapped_key *wrapped)
{
    return wrapped->bytes;
}

const hsmiam_export_form *hsmiam_wrapped_key_get_form(const hsmiam_wrapped_key *wrapped)
{
    return wrapped->form;
}
