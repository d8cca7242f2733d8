/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_library.h"

#include <string.h>

#define FINGERPRINT "aa11bb22cc33dd44ee55ff66aa11bb22cc33dd44ee55ff66aa11bb22cc33dd44"

struct hsmiam_recipient {
    bool is_certificate;
};

struct hsmiam_wrapped_key {
    const char *user_name;
};

void hsmiam_custody_set_exportable(hsmiam_custody *custody, bool exportable)
{
    (void)custody;
    fake.exportable = exportable;
}

hsmiam_status hsmiam_recipient_new(const char *pem, size_t size, bool allow_expired,
                                   hsmiam_recipient **recipient_out, hsmiam_error *error)
{
    if (strstr(pem, "expired") != NULL && !allow_expired)
        return fake_set(error, HSMIAM_ERR_ARGUMENT, "The recipient's certificate has expired.");
    *recipient_out = fake_make(sizeof **recipient_out);
    (*recipient_out)->is_certificate = size > 0 && strstr(pem, "CERTIFICATE") != NULL;
    return HSMIAM_OK;
}

void hsmiam_recipient_free(hsmiam_recipient **recipient)
{
    fake_unmake(*recipient);
    *recipient = NULL;
}

const char *hsmiam_recipient_get_fingerprint(const hsmiam_recipient *recipient)
{
    (void)recipient;
    return FINGERPRINT;
}

const char *hsmiam_recipient_get_subject(const hsmiam_recipient *recipient)
{
    return recipient->is_certificate ? "CN=\033[31mHSM" : "";
}

size_t hsmiam_recipient_get_bits(const hsmiam_recipient *recipient)
{
    (void)recipient;
    return 3072;
}

static hsmiam_wrapped_key *make(const char *user_name)
{
    hsmiam_wrapped_key *wrapped = fake_make(sizeof *wrapped);

    wrapped->user_name = user_name;
    return wrapped;
}

hsmiam_status hsmiam_access_key_export(hsmiam_custody *custody, const char *key_uri,
                                       const hsmiam_recipient *recipient,
                                       hsmiam_export_algorithm algorithm,
                                       hsmiam_wrapped_key **wrapped_out, hsmiam_error *error)
{
    hsmiam_status status = fake_pass(FAKE_EXPORT, error);

    (void)custody;
    (void)recipient;
    if (status != HSMIAM_OK)
        return status;
    fake_note(fake.exported, sizeof fake.exported, key_uri);
    fake.algorithm = algorithm;
    *wrapped_out = make(fake.no_user_name ? "" : "Bob");
    return HSMIAM_OK;
}

hsmiam_status hsmiam_wrapped_key_new(const char *access_key_id, const char *user_name,
                                     const char *algorithm, const char *fingerprint,
                                     const char *base64, hsmiam_wrapped_key **wrapped_out,
                                     hsmiam_error *error)
{
    if (access_key_id == NULL || algorithm == NULL || fingerprint == NULL || base64 == NULL)
        return fake_set(error, HSMIAM_ERR_ARGUMENT, "The wrapped key lacks a member.");
    fake_note(fake.access_key_id, sizeof fake.access_key_id, access_key_id);
    fake_note(fake.user_name, sizeof fake.user_name, user_name);
    fake_note(fake.exported, sizeof fake.exported, base64);
    *wrapped_out = make("Bob");
    return HSMIAM_OK;
}

void hsmiam_wrapped_key_free(hsmiam_wrapped_key **wrapped)
{
    fake_unmake(*wrapped);
    *wrapped = NULL;
}

const char *hsmiam_wrapped_key_get_access_key_id(const hsmiam_wrapped_key *wrapped)
{
    (void)wrapped;
    return "AKIAIOSFODNN7EXAMPLE";
}

const char *hsmiam_wrapped_key_get_user_name(const hsmiam_wrapped_key *wrapped)
{
    return wrapped->user_name;
}

const char *hsmiam_export_algorithm_get_name(hsmiam_export_algorithm algorithm)
{
    static const char *const names[] = {"", "RSAES_OAEP_SHA_256", "RSAES_OAEP_SHA_1",
                                        "RSA_AES_KEY_WRAP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1"};

    return names[algorithm];
}

const char *hsmiam_wrapped_key_get_algorithm(const hsmiam_wrapped_key *wrapped)
{
    (void)wrapped;
    return "RSAES_OAEP_SHA_1";
}

const char *hsmiam_wrapped_key_get_fingerprint(const hsmiam_wrapped_key *wrapped)
{
    (void)wrapped;
    return FINGERPRINT;
}

const char *hsmiam_wrapped_key_get_base64(const hsmiam_wrapped_key *wrapped)
{
    (void)wrapped;
    return "V3JhcHBlZA==";
}

hsmiam_status hsmiam_access_key_import_wrapped(hsmiam_custody *custody,
                                               const hsmiam_wrapped_key *wrapped,
                                               hsmiam_access_key **key_out, hsmiam_error *error)
{
    return hsmiam_access_key_import(custody, hsmiam_wrapped_key_get_access_key_id(wrapped), "Bob",
                                    "", 0, key_out, error);
}

hsmiam_status hsmiam_token_export_wrapping_key(hsmiam_token *token, bool exportable,
                                               hsmiam_wrapping_key_fn take, void *context,
                                               hsmiam_error *error)
{
    hsmiam_status status = fake_pass(FAKE_EXPORT, error);

    (void)token;
    fake.exportable = exportable;
    if (status == HSMIAM_OK)
        take(context, "-----BEGIN PUBLIC KEY-----\n", FINGERPRINT);
    return status;
}
