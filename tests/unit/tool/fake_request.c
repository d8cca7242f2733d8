/* SPDX-License-Identifier: Apache-2.0 */
/* A request that is signed without a key. */
#include "fake_library.h"

#include <stdio.h>
#include <string.h>

struct hsmiam_request {
    bool presigned;
};

hsmiam_status hsmiam_request_new(hsmiam_request **request_out, hsmiam_error *error)
{
    (void)error;
    *request_out = fake_make(sizeof **request_out);
    return HSMIAM_OK;
}

void hsmiam_request_free(hsmiam_request **request)
{
    fake_unmake(*request);
    *request = NULL;
}

hsmiam_status hsmiam_request_set_method(hsmiam_request *request, const char *method,
                                        hsmiam_error *error)
{
    (void)request;
    (void)error;
    fake_note(fake.method, sizeof fake.method, method);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_request_set_url(hsmiam_request *request, const char *url, hsmiam_error *error)
{
    (void)request;
    fake_note(fake.url, sizeof fake.url, url);
    return fake_pass(FAKE_REQUEST_URL, error);
}

hsmiam_status hsmiam_request_set_scope(hsmiam_request *request, const char *service,
                                       const char *region, hsmiam_error *error)
{
    (void)request;
    (void)error;
    (void)snprintf(fake.scope, sizeof fake.scope, "%s/%s", service, region);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_request_add_header(hsmiam_request *request, const char *name,
                                        const char *value, hsmiam_error *error)
{
    size_t size = strlen(fake.headers);

    (void)request;
    (void)error;
    (void)snprintf(fake.headers + size, sizeof fake.headers - size, "[%s|%s]", name, value);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_request_set_body(hsmiam_request *request, const void *body, size_t size,
                                      hsmiam_error *error)
{
    return hsmiam_request_add_body(request, body, size, error);
}

hsmiam_status hsmiam_request_add_body(hsmiam_request *request, const void *bytes, size_t size,
                                      hsmiam_error *error)
{
    size_t length = strlen(fake.body);

    (void)request;
    (void)error;
    (void)snprintf(fake.body + length, sizeof fake.body - length, "%.*s", (int)size,
                   (const char *)bytes);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_request_set_body_sha256(hsmiam_request *request, const char *hash,
                                             hsmiam_error *error)
{
    return hsmiam_request_add_body(request, hash, strlen(hash), error);
}

void hsmiam_request_set_canonical_flags(hsmiam_request *request, unsigned flags)
{
    (void)request;
    fake.canonical_flags = flags;
}

hsmiam_status hsmiam_request_sign(hsmiam_request *request, hsmiam_signer *signer,
                                  hsmiam_error *error)
{
    (void)request;
    (void)signer;
    return fake_pass(FAKE_SIGN, error);
}

hsmiam_status hsmiam_request_presign(hsmiam_request *request, hsmiam_signer *signer,
                                     unsigned expires, hsmiam_error *error)
{
    (void)signer;
    request->presigned = true;
    fake.expires = expires;
    return fake_pass(FAKE_SIGN, error);
}

const char *hsmiam_request_get_presigned_url(const hsmiam_request *request)
{
    return request->presigned ? "https://presigned/" : "";
}

bool hsmiam_request_get_header(const hsmiam_request *request, size_t index, const char **name_out,
                               const char **value_out)
{
    (void)request;
    *name_out = "Authorization";
    *value_out = "AWS4-HMAC-SHA256 \"fake\"";
    return index == 0;
}

hsmiam_status hsmiam_client_get_caller_identity(hsmiam_client *client,
                                                hsmiam_caller_identity *identity_out,
                                                hsmiam_error *error)
{
    (void)client;
    *identity_out = (hsmiam_caller_identity){
        .user_id = "AIDA", .account = "123456789012", .arn = "arn:aws:iam::123456789012:user/Bob"};
    return fake_pass(FAKE_IDENTITY, error);
}
