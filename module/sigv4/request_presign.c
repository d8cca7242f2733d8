/* SPDX-License-Identifier: Apache-2.0 */
/* Signing by the URL's query instead of a header.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/escape.h"
#include "sigv4/canonical.h"
#include "sigv4/request.h"
#include "sigv4/string_to_sign.h"

#define SIGNATURE_PARAMETER "X-Amz-Signature"

/* Parameters that signing makes, the last of them for a session only. */
static const char *const made_here[] = {
    "X-Amz-Algorithm",     "X-Amz-Credential",  "X-Amz-Date",          "X-Amz-Expires",
    "X-Amz-SignedHeaders", SIGNATURE_PARAMETER, "X-Amz-Security-Token"};
#define MADE_HERE_COUNT (sizeof made_here / sizeof made_here[0])

static hsmiam_status check_query(const char *query, size_t count, hsmiam_error *error)
{
    while (*query != '\0') {
        size_t size = strcspn(query, "&");
        size_t name_size = strcspn(query, "=&");
        for (size_t i = 0; i < count; i++) {
            if (strlen(made_here[i]) == name_size &&
                strncasecmp(query, made_here[i], name_size) == 0)
                return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                        "The URL has %s in its query already, which presigning "
                                        "makes; leave it out.",
                                        made_here[i]);
        }
        query += size;
        query += *query == '&' ? 1 : 0;
    }
    return HSMIAM_OK;
}

static hsmiam_status check(const hsmiam_request *request, const hsmiam_signer *signer,
                           unsigned expires, hsmiam_error *error)
{
    bool has_session = hsmiam_signer_get_session_token(signer) != NULL;

    if (expires < 1 || expires > HSMIAM_PRESIGN_EXPIRES_MAX)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "A presigned URL is good for 1 to %u seconds (7 days), not %u.",
                                HSMIAM_PRESIGN_EXPIRES_MAX, expires);
    if (hsmiam_header_list_find(&request->headers, HSMIAM_HEADER_DATE) != NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "A presigned URL has its time in the query: leave the header "
                                "X-Amz-Date out, and set the time of signing.");
    return check_query(request->url.query, has_session ? MADE_HERE_COUNT : MADE_HERE_COUNT - 1,
                       error);
}

/* The added headers, and Host: those of a presigned URL are no more than what its user sends. */
static size_t collect_headers(const hsmiam_request *request, hsmiam_header *headers)
{
    const hsmiam_header_list *added = &request->headers;
    size_t count = 0;

    for (; count < added->count; count++)
        headers[count] = added->items[count];
    if (hsmiam_header_list_find(added, HSMIAM_HEADER_HOST) == NULL)
        headers[count++] = (hsmiam_header){.name = HSMIAM_HEADER_HOST, .value = request->url.host};
    return count;
}

/* S3 does not know the body of a presigned request in advance. */
static const char *get_payload_hash(const hsmiam_request *request)
{
    const hsmiam_header *hash =
        hsmiam_header_list_find(&request->headers, HSMIAM_HEADER_PAYLOAD_HASH);

    if (hash != NULL)
        return hash->value;
    if ((hsmiam_request_get_flags(request) & HSMIAM_CANONICAL_SIGN_BODY) != 0)
        return "UNSIGNED-PAYLOAD";
    return request->payload_hash;
}

static void append_escaped(hsmiam_buffer *query, const hsmiam_buffer *text)
{
    hsmiam_escape_append(query, hsmiam_buffer_get_string(text), text->size, "");
}

static void append_token(hsmiam_buffer *query, const hsmiam_signer *signer)
{
    const char *token = hsmiam_signer_get_session_token(signer);

    if (token == NULL)
        return;
    hsmiam_buffer_append_string(query, "&X-Amz-Security-Token=");
    hsmiam_escape_append(query, token, strlen(token), "");
}

/* The query of the URL, and what says who signs, for what, when and how long. */
static hsmiam_status make_query(const hsmiam_request *request, const hsmiam_signer *signer,
                                const hsmiam_buffer *names, unsigned expires, hsmiam_buffer *query,
                                hsmiam_error *error)
{
    hsmiam_buffer credential;

    hsmiam_buffer_init(&credential, HSMIAM_CANONICAL_SIZE_MAX);
    hsmiam_buffer_append_format(&credential, "%s/", hsmiam_signer_get_signing_id(signer));
    hsmiam_scope_append(&credential, &request->scope);
    hsmiam_status status = hsmiam_buffer_check(&credential, "the presigned URL", error);
    if (status == HSMIAM_OK) {
        hsmiam_buffer_append_string(query, request->url.query);
        if (query->size > 0)
            hsmiam_buffer_append_char(query, '&');
        hsmiam_buffer_append_string(query, "X-Amz-Algorithm=" HSMIAM_SIGNING_ALGORITHM
                                           "&X-Amz-Credential=");
        append_escaped(query, &credential);
        hsmiam_buffer_append_format(query, "&X-Amz-Date=%s&X-Amz-Expires=%u&X-Amz-SignedHeaders=",
                                    request->signature.timestamp, expires);
        append_escaped(query, names);
        append_token(query, signer);
        status = hsmiam_buffer_check(query, "the presigned URL", error);
    }
    hsmiam_buffer_clear(&credential);
    return status;
}

/* The query names the headers that are signed, so they come first, then the canonical request. */
static hsmiam_status make_canonical_request(hsmiam_request *request, const hsmiam_signer *signer,
                                            unsigned expires, hsmiam_buffer *query,
                                            hsmiam_error *error)
{
    hsmiam_buffer scratch;
    hsmiam_buffer names;
    hsmiam_header *headers = calloc(request->headers.count + 1, sizeof headers[0]);

    if (headers == NULL)
        return hsmiam_error_set_memory(error, "the canonical request");
    hsmiam_buffer_init(&scratch, HSMIAM_CANONICAL_SIZE_MAX);
    hsmiam_buffer_init(&names, HSMIAM_CANONICAL_SIZE_MAX);
    size_t count = collect_headers(request, headers);

    hsmiam_status status = hsmiam_canonical_headers_append(&scratch, &names, headers, count, error);
    if (status == HSMIAM_OK)
        status = make_query(request, signer, &names, expires, query, error);
    if (status == HSMIAM_OK) {
        const hsmiam_canonical_request input = {
            .method = request->method,
            .path = request->url.path,
            .query = hsmiam_buffer_get_string(query),
            .flags = hsmiam_request_get_flags(request),
            .headers = headers,
            .header_count = count,
            .payload_hash = get_payload_hash(request),
        };
        hsmiam_buffer_clear(&names);
        status = hsmiam_canonical_request_append(&request->signature.canonical_request, &names,
                                                 &input, error);
    }
    hsmiam_buffer_clear(&scratch);
    hsmiam_buffer_clear(&names);
    free(headers);
    return status;
}

hsmiam_status hsmiam_request_presign(hsmiam_request *request, hsmiam_signer *signer,
                                     unsigned expires, hsmiam_error *error)
{
    char digits[HSMIAM_SIGNATURE_SIZE + 1] = "";
    hsmiam_buffer query;

    hsmiam_status status = hsmiam_request_begin_signing(request, signer, error);
    if (status != HSMIAM_OK)
        return status;
    hsmiam_signature *signature = &request->signature;
    hsmiam_buffer_init(&query, HSMIAM_CANONICAL_SIZE_MAX);

    status = check(request, signer, expires, error);
    if (status != HSMIAM_OK)
        goto out;
    status = hsmiam_signer_open(signer, error); /* the query names the key */
    if (status != HSMIAM_OK)
        goto out;
    status = make_canonical_request(request, signer, expires, &query, error);
    if (status != HSMIAM_OK)
        goto out;
    status = hsmiam_request_make_signature(request, signer, digits, error);
    if (status != HSMIAM_OK)
        goto out;
    hsmiam_buffer_append_format(&signature->presigned_url, "%s%s%s?%s&" SIGNATURE_PARAMETER "=%s",
                                request->url.scheme, request->url.host, request->url.path,
                                hsmiam_buffer_get_string(&query), digits);
    status = hsmiam_buffer_check(&signature->presigned_url, "the presigned URL", error);

out:
    hsmiam_buffer_clear(&query);
    hsmiam_request_end_signing(request, signer, status);
    return status;
}

const char *hsmiam_request_get_presigned_url(const hsmiam_request *request)
{
    return request != NULL ? hsmiam_buffer_get_string(&request->signature.presigned_url) : "";
}
