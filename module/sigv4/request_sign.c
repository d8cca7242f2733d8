/* SPDX-License-Identifier: Apache-2.0 */
#include "sigv4/request.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "sigv4/authorization.h"
#include "sigv4/canonical.h"
#include "sigv4/string_to_sign.h"

/* Host, X-Amz-Date, X-Amz-Content-Sha256 and X-Amz-Security-Token beside those that were added. */
#define IMPLIED_HEADERS_MAX 4

#define STRING_TO_SIGN_MAX 1024

/* Services that keep the path as it is on the wire: an S3 key may have empty and dot segments. */
static const char *const s3_services[] = {"s3", "s3-object-lambda", "s3-outposts", "s3express"};

unsigned hsmiam_request_get_flags(const hsmiam_request *request)
{
    const char *service = request->scope.service;

    for (size_t i = 0; i < sizeof s3_services / sizeof s3_services[0]; i++) {
        if (strcmp(service, s3_services[i]) == 0)
            return request->flags | HSMIAM_CANONICAL_KEEP_PATH | HSMIAM_CANONICAL_ENCODE_ONCE |
                   HSMIAM_CANONICAL_SIGN_BODY;
    }
    return request->flags;
}

void hsmiam_signature_init(hsmiam_signature *signature)
{
    *signature = (hsmiam_signature){0};
    hsmiam_buffer_init(&signature->canonical_request, HSMIAM_CANONICAL_SIZE_MAX);
    hsmiam_buffer_init(&signature->string_to_sign, STRING_TO_SIGN_MAX);
    hsmiam_buffer_init(&signature->authorization, HSMIAM_CANONICAL_SIZE_MAX);
    hsmiam_buffer_init(&signature->presigned_url, HSMIAM_CANONICAL_SIZE_MAX);
}

void hsmiam_signature_clear(hsmiam_signature *signature)
{
    hsmiam_buffer_clear(&signature->canonical_request);
    hsmiam_buffer_clear(&signature->string_to_sign);
    hsmiam_buffer_clear(&signature->authorization);
    hsmiam_buffer_clear(&signature->presigned_url);
    hsmiam_signature_init(signature);
}

/* Writes the time of signing into signature and scope. */
static hsmiam_status set_timestamp(hsmiam_request *request, hsmiam_error *error)
{
    const hsmiam_header *date = hsmiam_header_list_find(&request->headers, HSMIAM_HEADER_DATE);
    char *timestamp = request->signature.timestamp;
    hsmiam_scope *scope = &request->scope;

    if (date != NULL)
        memcpy(timestamp, date->value, HSMIAM_TIME_BASIC_SIZE);
    else if (!hsmiam_time_format_basic(request->has_time ? request->time : time(NULL), timestamp))
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "The system's clock is before 1970 or after 9999; set it, or the "
                                "time of signing.");
    memcpy(scope->date, timestamp, sizeof scope->date - 1);
    scope->date[sizeof scope->date - 1] = '\0';
    return HSMIAM_OK;
}

/* Notes a header that the request needs beside those that were added. */
static void note_header(hsmiam_signature *signature, const char *name, const char *value)
{
    signature->headers[signature->header_count].name = name;
    signature->headers[signature->header_count].value = value;
    signature->header_count++;
}

/* Fills `headers`, which has room for them, with the added headers and those that signing implies.
 */
static size_t collect_headers(hsmiam_request *request, const hsmiam_signer *signer, unsigned flags,
                              hsmiam_header *headers)
{
    const char *token = hsmiam_signer_get_session_token(signer);
    const hsmiam_header_list *added = &request->headers;
    hsmiam_signature *signature = &request->signature;
    size_t count = 0;

    for (; count < added->count; count++)
        headers[count] = added->items[count];
    if (hsmiam_header_list_find(added, HSMIAM_HEADER_HOST) == NULL)
        headers[count++] = (hsmiam_header){.name = HSMIAM_HEADER_HOST, .value = request->url.host};
    if (hsmiam_header_list_find(added, HSMIAM_HEADER_DATE) == NULL) {
        headers[count++] =
            (hsmiam_header){.name = HSMIAM_HEADER_DATE, .value = signature->timestamp};
        note_header(signature, "X-Amz-Date", signature->timestamp);
    }
    if ((flags & HSMIAM_CANONICAL_SIGN_BODY) != 0 &&
        hsmiam_header_list_find(added, HSMIAM_HEADER_PAYLOAD_HASH) == NULL) {
        headers[count++] =
            (hsmiam_header){.name = HSMIAM_HEADER_PAYLOAD_HASH, .value = request->payload_hash};
        note_header(signature, "X-Amz-Content-Sha256", request->payload_hash);
    }
    if (token != NULL) {
        headers[count++] = (hsmiam_header){.name = HSMIAM_HEADER_TOKEN, .value = token};
        note_header(signature, "X-Amz-Security-Token", token);
    }
    return count;
}

/* Stage 1. */
static hsmiam_status make_canonical_request(hsmiam_request *request, const hsmiam_signer *signer,
                                            hsmiam_buffer *names, hsmiam_error *error)
{
    const hsmiam_header *hash =
        hsmiam_header_list_find(&request->headers, HSMIAM_HEADER_PAYLOAD_HASH);
    unsigned flags = hsmiam_request_get_flags(request);
    hsmiam_header *headers =
        calloc(request->headers.count + IMPLIED_HEADERS_MAX, sizeof headers[0]);

    if (headers == NULL)
        return hsmiam_error_set_memory(error, "the canonical request");
    hsmiam_canonical_request input = {
        .method = request->method,
        .path = request->url.path,
        .query = request->url.query,
        .flags = flags,
        .headers = headers,
        .header_count = collect_headers(request, signer, flags, headers),
        .payload_hash = hash != NULL ? hash->value : request->payload_hash,
    };
    hsmiam_status status = hsmiam_canonical_request_append(&request->signature.canonical_request,
                                                           names, &input, error);
    free(headers);
    return status;
}

/* Stages 2 and 3. */
hsmiam_status hsmiam_request_make_signature(hsmiam_request *request, hsmiam_signer *signer,
                                            char digits_out[HSMIAM_SIGNATURE_SIZE + 1],
                                            hsmiam_error *error)
{
    hsmiam_signature *signature = &request->signature;

    hsmiam_status status =
        hsmiam_string_to_sign_append(&signature->string_to_sign, signature->timestamp,
                                     &request->scope, &signature->canonical_request, error);
    if (status != HSMIAM_OK)
        return status;
    return hsmiam_signer_sign(signer, &request->scope,
                              hsmiam_buffer_get_string(&signature->string_to_sign),
                              signature->string_to_sign.size, digits_out, error);
}

static hsmiam_status check_complete(const hsmiam_request *request, const hsmiam_signer *signer,
                                    hsmiam_error *error)
{
    const char *missing = NULL;

    if (request == NULL)
        missing = "There is no request to sign.";
    else if (signer == NULL)
        missing = "There is no signer to sign the request with.";
    else if (request->url.host == NULL)
        missing = "The request has no URL; set it before signing.";
    else if (request->scope.service[0] == '\0')
        missing = "The request has no service and region to be signed for; set them first.";
    if (missing == NULL)
        return HSMIAM_OK;
    (void)hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT, "%s", missing);
    return HSMIAM_ERR_ARGUMENT;
}

hsmiam_status hsmiam_request_begin_signing(hsmiam_request *request, const hsmiam_signer *signer,
                                           hsmiam_error *error)
{
    if (request != NULL)
        hsmiam_signature_clear(&request->signature);
    hsmiam_status status = check_complete(request, signer, error);
    if (status != HSMIAM_OK || request == NULL)
        return status;
    /* That of a session goes with each request that the session signs. */
    if (hsmiam_signer_get_session_token(signer) != NULL &&
        hsmiam_header_list_find(&request->headers, HSMIAM_HEADER_TOKEN) != NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "The request has a header " HSMIAM_HEADER_TOKEN ", which signing "
                                "by a session makes; leave it out.");
    return set_timestamp(request, error);
}

void hsmiam_request_end_signing(hsmiam_request *request, hsmiam_signer *signer,
                                hsmiam_status status)
{
    hsmiam_signer_renew_timeout(signer);
    if (status != HSMIAM_OK)
        hsmiam_signature_clear(&request->signature);
    if (hsmiam_signer_get_session_token(signer) != NULL)
        hsmiam_thread_scrub();
}

hsmiam_status hsmiam_request_sign(hsmiam_request *request, hsmiam_signer *signer,
                                  hsmiam_error *error)
{
    char digits[HSMIAM_SIGNATURE_SIZE + 1] = "";
    hsmiam_buffer names;

    hsmiam_status status = hsmiam_request_begin_signing(request, signer, error);
    if (status != HSMIAM_OK)
        return status;
    hsmiam_signature *signature = &request->signature;
    hsmiam_buffer_init(&names, HSMIAM_CANONICAL_SIZE_MAX);

    status = make_canonical_request(request, signer, &names, error);
    if (status != HSMIAM_OK)
        goto out;
    status = hsmiam_request_make_signature(request, signer, digits, error);
    if (status != HSMIAM_OK)
        goto out;
    status = hsmiam_authorization_append(&signature->authorization,
                                         hsmiam_signer_get_signing_id(signer), &request->scope,
                                         hsmiam_buffer_get_string(&names), digits, error);
    if (status != HSMIAM_OK)
        goto out;
    note_header(signature, "Authorization", hsmiam_buffer_get_string(&signature->authorization));

out:
    hsmiam_buffer_clear(&names);
    hsmiam_request_end_signing(request, signer, status);
    return status;
}

size_t hsmiam_request_get_header_count(const hsmiam_request *request)
{
    return request != NULL ? request->signature.header_count : 0;
}

bool hsmiam_request_get_header(const hsmiam_request *request, size_t index, const char **name_out,
                               const char **value_out)
{
    if (index >= hsmiam_request_get_header_count(request))
        return false;
    *name_out = request->signature.headers[index].name;
    *value_out = request->signature.headers[index].value;
    return true;
}

const char *hsmiam_request_get_canonical_request(const hsmiam_request *request)
{
    return request != NULL ? hsmiam_buffer_get_string(&request->signature.canonical_request) : "";
}

const char *hsmiam_request_get_string_to_sign(const hsmiam_request *request)
{
    return request != NULL ? hsmiam_buffer_get_string(&request->signature.string_to_sign) : "";
}
