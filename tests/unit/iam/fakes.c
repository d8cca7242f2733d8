/* SPDX-License-Identifier: Apache-2.0 */
#include "fakes.h"

#include "sigv4/signer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct hsmiam_request {
    bool is_signed;
};

fake_signing fake;

void fake_reset(void)
{
    fake = (fake_signing){.result = HSMIAM_OK};
}

hsmiam_signer *fake_signer(void)
{
    static char place;

    return (hsmiam_signer *)(void *)&place;
}

hsmiam_status hsmiam_request_new(hsmiam_request **request_out, hsmiam_error *error)
{
    (void)error;
    *request_out = calloc(1, sizeof **request_out);
    fake.requests_alive++;
    fake.headers[0] = '\0';
    return HSMIAM_OK;
}

void hsmiam_request_free(hsmiam_request **request)
{
    if (*request != NULL)
        fake.requests_alive--;
    free(*request);
    *request = NULL;
}

hsmiam_status hsmiam_request_set_method(hsmiam_request *request, const char *method,
                                        hsmiam_error *error)
{
    (void)request;
    (void)error;
    (void)snprintf(fake.method, sizeof fake.method, "%s", method);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_request_set_url(hsmiam_request *request, const char *url, hsmiam_error *error)
{
    (void)request;
    (void)error;
    (void)snprintf(fake.url, sizeof fake.url, "%s", url);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_request_add_header(hsmiam_request *request, const char *name,
                                        const char *value, hsmiam_error *error)
{
    size_t used = strlen(fake.headers);

    (void)request;
    (void)error;
    (void)snprintf(fake.headers + used, sizeof fake.headers - used, "%s: %s\n", name, value);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_request_set_body(hsmiam_request *request, const void *body, size_t size,
                                      hsmiam_error *error)
{
    (void)request;
    (void)error;
    (void)snprintf(fake.body, sizeof fake.body, "%.*s", (int)size, (const char *)body);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_request_set_scope(hsmiam_request *request, const char *service,
                                       const char *region, hsmiam_error *error)
{
    (void)request;
    (void)error;
    (void)snprintf(fake.scope, sizeof fake.scope, "%s/%s", service, region);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_request_set_time(hsmiam_request *request, time_t when, hsmiam_error *error)
{
    (void)request;
    (void)error;
    fake.time = when;
    return HSMIAM_OK;
}

hsmiam_status hsmiam_request_sign(hsmiam_request *request, hsmiam_signer *signer,
                                  hsmiam_error *error)
{
    fake.signer = signer;
    if (fake.result != HSMIAM_OK)
        return hsmiam_error_set(error, fake.result, "The token said no.");
    fake.signed_count++;
    request->is_signed = true;
    return HSMIAM_OK;
}

bool hsmiam_request_get_header(const hsmiam_request *request, size_t index, const char **name_out,
                               const char **value_out)
{
    static const char *const headers[][2] = {
        {"X-Amz-Date", "20150830T123600Z"},
        {"Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE, Signature=" FAKE_SIGNATURE},
    };

    if (!request->is_signed || index >= sizeof headers / sizeof headers[0])
        return false;
    *name_out = headers[index][0];
    *value_out = headers[index][1];
    return true;
}

hsmiam_status hsmiam_signer_derive(hsmiam_signer *signer, const hsmiam_scope *scope,
                                   hsmiam_error *error)
{
    fake.signer = signer;
    (void)snprintf(fake.derived, sizeof fake.derived, "%s/%s/%s", scope->date, scope->service,
                   scope->region);
    return fake.result != HSMIAM_OK ? hsmiam_error_set(error, fake.result, "The token said no.")
                                    : HSMIAM_OK;
}
