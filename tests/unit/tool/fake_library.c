/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_library.h"

#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

fake_state fake;

struct hsmiam_token {
    int number;
    hsmiam_pin_fn ask;
    void *context;
    bool has_source;
    hsmiam_log_fn log;
    void *log_context;
};

struct hsmiam_signer {
    hsmiam_token *token;
};

void fake_note(char *to, size_t size, const char *text)
{
    (void)snprintf(to, size, "%s", text ? text : "(null)");
}

hsmiam_status fake_set(hsmiam_error *error, hsmiam_status status, const char *message)
{
    (void)hsmiam_error_set(error, status, "%s", message);
    fake_note(error->code_name, sizeof error->code_name, fake.code_name ? fake.code_name : "");
    fake_note(error->operation, sizeof error->operation,
              status == HSMIAM_ERR_SERVICE ? "CreateAccessKey" : "");
    return status;
}

hsmiam_status fake_pass(fake_point point, hsmiam_error *error)
{
    if (fake.fail_at != point)
        return HSMIAM_OK;
    return fake_set(error, fake.status, fake.message ? fake.message : "It failed on order.");
}

void *fake_make(size_t size)
{
    void *object = calloc(1, size);

    if (!object)
        abort();
    fake.live++;
    return object;
}

void fake_unmake(void *object)
{
    if (object)
        fake.live--;
    free(object);
}

const char *hsmiam_version(void)
{
    return "0.1.0";
}

hsmiam_status hsmiam_process_harden(hsmiam_error *error)
{
    (void)error;
    return HSMIAM_OK;
}

void hsmiam_thread_scrub(void)
{
}

hsmiam_status hsmiam_token_new(const char *uri, hsmiam_token **token_out, hsmiam_error *error)
{
    if (fake_pass(FAKE_TOKEN_NEW, error) != HSMIAM_OK)
        return fake.status;
    *token_out = fake_make(sizeof **token_out);
    (*token_out)->number = fake.tokens;
    (*token_out)->has_source =
        !fake.needs_pin && (strstr(uri, "pin-value=") || strstr(uri, "pin-source="));
    fake_note(fake.token_uri[fake.tokens++], sizeof fake.token_uri[0], uri);
    return HSMIAM_OK;
}

void hsmiam_token_free(hsmiam_token **token)
{
    fake_unmake(*token);
    *token = NULL;
}

hsmiam_status hsmiam_token_set_pin_source(hsmiam_token *token, const char *source,
                                          hsmiam_error *error)
{
    (void)error;
    fake_note(fake.pin_source[token->number], sizeof fake.pin_source[0], source);
    token->has_source = true;
    return HSMIAM_OK;
}

void hsmiam_token_set_pin_callback(hsmiam_token *token, hsmiam_pin_fn ask, void *context)
{
    token->ask = ask;
    token->context = context;
}

bool hsmiam_token_needs_pin_callback(const hsmiam_token *token)
{
    return !token->has_source;
}

void hsmiam_token_set_timeout(hsmiam_token *token, unsigned seconds)
{
    (void)token;
    fake.token_timeout = seconds;
}

void hsmiam_token_close(hsmiam_token *token)
{
    (void)token;
}

bool hsmiam_token_is_silent(const hsmiam_token *token)
{
    (void)token;
    return false;
}

void hsmiam_token_set_allow_final_try(hsmiam_token *token, bool allow)
{
    (void)token;
    fake.allow_final_try = allow;
}

void hsmiam_token_set_log(hsmiam_token *token, hsmiam_log_fn log, void *context)
{
    token->log = log;
    token->log_context = context;
}

hsmiam_status hsmiam_token_open(hsmiam_token *token, hsmiam_error *error)
{
    size_t length = 0;

    if (fake_pass(FAKE_TOKEN_OPEN, error) != HSMIAM_OK)
        return fake.status;
    if (token->has_source)
        return HSMIAM_OK;
    hsmiam_status status = token->ask(token->context,
                                      "lab\x1b"
                                      "el",
                                      fake.pin_reason, fake.pin, sizeof fake.pin - 1, &length);
    if (status != HSMIAM_OK)
        return fake_set(error, status, "There is no PIN.");
    fake.pin[length] = 0;
    token->has_source = true;
    return HSMIAM_OK;
}

const char *hsmiam_token_get_uri(const hsmiam_token *token)
{
    (void)token;
    return "pkcs11:token=label";
}

const char *hsmiam_token_get_label(const hsmiam_token *token)
{
    (void)token;
    return "label";
}

const char *hsmiam_token_get_serial(const hsmiam_token *token)
{
    (void)token;
    return "0123";
}

hsmiam_status hsmiam_token_provision(hsmiam_token *token, hsmiam_provisioned_fn report,
                                     void *context, hsmiam_error *error)
{
    const hsmiam_provisioned wrapping = {
        "wrapping", "hsmiam-wrapping", "RSA-3072", "pkcs11:object=w", "00ff", true};
    const hsmiam_provisioned audit = {"audit",           "hsmiam-audit", "EC-P256",
                                      "pkcs11:object=a", "11ee",         false};
    hsmiam_status status = hsmiam_token_open(token, error);

    if (status == HSMIAM_OK)
        status = fake_pass(FAKE_PROVISION, error);
    if (status != HSMIAM_OK)
        return status;
    report(context, &wrapping);
    report(context, &audit);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_signer_new(hsmiam_token *token, const char *key_uri,
                                hsmiam_signer **signer_out, hsmiam_error *error)
{
    (void)error;
    fake_note(fake.signer_uri, sizeof fake.signer_uri, key_uri);
    *signer_out = fake_make(sizeof **signer_out);
    (*signer_out)->token = token;
    return HSMIAM_OK;
}

void hsmiam_signer_free(hsmiam_signer **signer)
{
    fake_unmake(*signer);
    *signer = NULL;
}
