/* SPDX-License-Identifier: Apache-2.0 */
#include "sigv4/request.h"

#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "sigv4/digest.h"
#include "sigv4/scope.h"

#define SHA256_OF_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* A null pointer where there must be something, by the name of the parameter. */
static hsmiam_status refuse_null(const char *what, hsmiam_error *error)
{
    return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT, "The %s is missing: it is a null pointer.",
                            what);
}

hsmiam_status hsmiam_request_new(hsmiam_request **request_out, hsmiam_error *error)
{
    if (request_out == NULL)
        return refuse_null("place for the request", error);

    hsmiam_request *request = calloc(1, sizeof *request);
    if (request == NULL)
        return hsmiam_error_set_memory(error, "a request");
    memcpy(request->method, "GET", sizeof "GET");
    memcpy(request->payload_hash, SHA256_OF_NOTHING, sizeof SHA256_OF_NOTHING);
    hsmiam_signature_init(&request->signature);
    *request_out = request;
    return HSMIAM_OK;
}

void hsmiam_request_free(hsmiam_request **request)
{
    if (request == NULL || *request == NULL)
        return;
    hsmiam_url_clear(&(*request)->url);
    hsmiam_header_list_clear(&(*request)->headers);
    hsmiam_signature_clear(&(*request)->signature);
    hsmiam_digest_free(&(*request)->body);
    free(*request);
    *request = NULL;
}

hsmiam_status hsmiam_request_set_method(hsmiam_request *request, const char *method,
                                        hsmiam_error *error)
{
    if (request == NULL || method == NULL)
        return refuse_null(request == NULL ? "request" : "method", error);
    size_t size = strnlen(method, HSMIAM_METHOD_MAX + 1);
    if (size > HSMIAM_METHOD_MAX || !hsmiam_header_is_token(method))
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "The method is not one that HTTP allows: it has 1 to %d letters, "
                                "digits and !#$%%&'*+-.^_`|~ only.",
                                HSMIAM_METHOD_MAX);
    memcpy(request->method, method, size + 1);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_request_set_url(hsmiam_request *request, const char *url, hsmiam_error *error)
{
    hsmiam_url parsed = {0};

    if (request == NULL || url == NULL)
        return refuse_null(request == NULL ? "request" : "URL", error);
    hsmiam_status status = hsmiam_url_parse(url, &parsed, error);
    if (status != HSMIAM_OK)
        return status;
    hsmiam_url_clear(&request->url);
    request->url = parsed;
    return HSMIAM_OK;
}

/* 64 lower-case hex digits, or a word that S3 and its kin know: UNSIGNED-PAYLOAD, or STREAMING- and
 * more. */
static bool is_payload_hash(const char *text)
{
    static const char streaming[] = "STREAMING-";
    size_t size = strnlen(text, HSMIAM_PAYLOAD_HASH_MAX + 1);

    if (strspn(text, "0123456789abcdef") == HSMIAM_SHA256_HEX_SIZE)
        return size == HSMIAM_SHA256_HEX_SIZE;
    if (strcmp(text, "UNSIGNED-PAYLOAD") == 0)
        return true;
    if (size > HSMIAM_PAYLOAD_HASH_MAX || size < sizeof streaming ||
        memcmp(text, streaming, sizeof streaming - 1) != 0)
        return false;
    for (; *text != '\0'; text++) {
        if (!hsmiam_ascii_is_upper(*text) && !hsmiam_ascii_is_digit(*text) && *text != '-')
            return false;
    }
    return true;
}

static bool is_timestamp(const char *text)
{
    time_t when;

    return hsmiam_time_parse_basic(text, &when);
}

static bool is_host(const char *text)
{
    return *text != '\0' && strchr(text, ' ') == NULL;
}

static bool is_never(const char *text)
{
    (void)text;
    return false;
}

/* Headers that signing itself reads or makes: each may be there once, and must make sense. */
static const struct {
    const char *name;
    bool (*is_valid)(const char *value);
    const char *need;
} special_headers[] = {
    {"authorization", is_never, "must not be added: signing makes it"},
    {HSMIAM_HEADER_HOST, is_host, "must be a host, without spaces"},
    {HSMIAM_HEADER_DATE, is_timestamp, "must be a UTC time of the form 20150830T123600Z"},
    {HSMIAM_HEADER_PAYLOAD_HASH, is_payload_hash,
     "must be a SHA-256 of 64 lower-case hex digits, UNSIGNED-PAYLOAD or STREAMING-..."},
};

/* Holds a header that was just added against the table; `repeated` if its name was there before. */
static hsmiam_status check_special(const hsmiam_header *header, bool repeated, hsmiam_error *error)
{
    for (size_t i = 0; i < sizeof special_headers / sizeof special_headers[0]; i++) {
        if (strcmp(header->name, special_headers[i].name) != 0)
            continue;
        if (!special_headers[i].is_valid(header->value))
            return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT, "The header %s %s.", header->name,
                                    special_headers[i].need);
        if (repeated)
            return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                    "The header %s is there already; it can be there only once.",
                                    header->name);
    }
    return HSMIAM_OK;
}

hsmiam_status hsmiam_request_add_header(hsmiam_request *request, const char *name,
                                        const char *value, hsmiam_error *error)
{
    if (request == NULL || name == NULL || value == NULL)
        return refuse_null(request == NULL ? "request"
                           : name == NULL  ? "header name"
                                           : "header value",
                           error);

    hsmiam_header_list *headers = &request->headers;
    hsmiam_status status = hsmiam_header_list_add(headers, name, value, error);
    if (status != HSMIAM_OK)
        return status;
    const hsmiam_header *added = &headers->items[headers->count - 1];
    bool repeated = hsmiam_header_list_find(headers, added->name) != added;
    status = check_special(added, repeated, error);
    if (status != HSMIAM_OK)
        hsmiam_header_list_drop_last(headers);
    return status;
}

hsmiam_status hsmiam_request_set_body(hsmiam_request *request, const void *body, size_t size,
                                      hsmiam_error *error)
{
    char hash[HSMIAM_SHA256_HEX_SIZE + 1] = "";

    if (request == NULL || (body == NULL && size > 0))
        return refuse_null(request == NULL ? "request" : "body", error);
    hsmiam_status status = hsmiam_digest_sha256_hex(size > 0 ? body : "", size, hash, error);
    if (status != HSMIAM_OK)
        return status;
    hsmiam_digest_free(&request->body);
    memcpy(request->payload_hash, hash, sizeof hash);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_request_add_body(hsmiam_request *request, const void *bytes, size_t size,
                                      hsmiam_error *error)
{
    char hash[HSMIAM_SHA256_HEX_SIZE + 1] = "";
    hsmiam_status status = HSMIAM_OK;

    if (request == NULL || (bytes == NULL && size > 0))
        return refuse_null(request == NULL ? "request" : "body", error);
    if (request->body == NULL)
        status = hsmiam_digest_new(&request->body, error);
    if (status == HSMIAM_OK)
        status = hsmiam_digest_add(request->body, size > 0 ? bytes : "", size, hash, error);
    if (status == HSMIAM_OK)
        memcpy(request->payload_hash, hash, sizeof hash);
    return status;
}

hsmiam_status hsmiam_request_set_body_sha256(hsmiam_request *request, const char *hash,
                                             hsmiam_error *error)
{
    if (request == NULL || hash == NULL)
        return refuse_null(request == NULL ? "request" : "hash of the body", error);
    if (!is_payload_hash(hash))
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "The hash of the body must be a SHA-256 of 64 lower-case hex "
                                "digits, UNSIGNED-PAYLOAD or STREAMING-...; it has %zu bytes.",
                                strlen(hash));
    hsmiam_digest_free(&request->body);
    memcpy(request->payload_hash, hash, strlen(hash) + 1);
    return HSMIAM_OK;
}

static bool is_scope_part(const char *text)
{
    return hsmiam_scope_is_part(text, strnlen(text, HSMIAM_SCOPE_PART_MAX + 1));
}

hsmiam_status hsmiam_request_set_scope(hsmiam_request *request, const char *service,
                                       const char *region, hsmiam_error *error)
{
    if (request == NULL || service == NULL || region == NULL)
        return refuse_null(request == NULL   ? "request"
                           : service == NULL ? "service"
                                             : "region",
                           error);
    if (!is_scope_part(service) || !is_scope_part(region))
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "The %s to sign for must have 1 to %d lower-case letters, digits, "
                                "'-', '_' and '.'.",
                                is_scope_part(service) ? "region" : "service",
                                HSMIAM_SCOPE_PART_MAX);
    memcpy(request->scope.service, service, strlen(service) + 1);
    memcpy(request->scope.region, region, strlen(region) + 1);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_request_set_time(hsmiam_request *request, time_t when, hsmiam_error *error)
{
    char text[HSMIAM_TIME_BASIC_SIZE];

    if (request == NULL)
        return refuse_null("request", error);
    if (!hsmiam_time_format_basic(when, text))
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "The time of signing is before 1970 or after 9999.");
    request->time = when;
    request->has_time = true;
    return HSMIAM_OK;
}

void hsmiam_request_set_canonical_flags(hsmiam_request *request, unsigned flags)
{
    if (request != NULL)
        request->flags = flags;
}
