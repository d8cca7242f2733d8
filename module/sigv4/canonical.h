/* SPDX-License-Identifier: Apache-2.0 */
/* SigV4, stage 1: the canonical request, and the parts that it is made of.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
#ifndef HSMIAM_SIGV4_CANONICAL_H
#define HSMIAM_SIGV4_CANONICAL_H

#include "base/buffer.h"
#include "sigv4/header.h"

/* Room for any URL and headers that a request may have, each byte encoded. */
#define HSMIAM_CANONICAL_SIZE_MAX ((size_t)4 << 20)

/* Appends the canonical path of an absolute path on the wire. By default it is normalised, and then
 * encoded although it is encoded already, as every service but S3 does. `flags` are those of
 * hsmiam_canonical_flags.
 * Statuses: MEMORY. */
hsmiam_status hsmiam_canonical_path_append(hsmiam_buffer *canonical, const char *path,
                                           unsigned flags, hsmiam_error *error) HSMIAM_MUST_USE;

/* Appends the canonical query of a query on the wire: parameters encoded once and sorted by name,
 * then by value. Empty parameters ("a&&b") are left out, as the AWS SDKs on aws-c-common do.
 * Statuses: MEMORY. */
hsmiam_status hsmiam_canonical_query_append(hsmiam_buffer *canonical, const char *query,
                                            hsmiam_error *error) HSMIAM_MUST_USE;

/* Appends the canonical headers, each with its line end, to `canonical` and the list of signed
 * headers to `names`. Headers that a proxy may change are left out.
 * Statuses: MEMORY. */
hsmiam_status hsmiam_canonical_headers_append(hsmiam_buffer *canonical, hsmiam_buffer *names,
                                              const hsmiam_header *headers, size_t count,
                                              hsmiam_error *error) HSMIAM_MUST_USE;

/* What is put into canonical form. */
typedef struct hsmiam_canonical_request {
    const char *method;
    const char *path;
    const char *query;
    unsigned flags;
    const hsmiam_header *headers;
    size_t header_count;
    const char *payload_hash;
} hsmiam_canonical_request;

/* Appends the canonical request to `canonical` and the list of signed headers to `names`.
 * Statuses: MEMORY. */
hsmiam_status hsmiam_canonical_request_append(hsmiam_buffer *canonical, hsmiam_buffer *names,
                                              const hsmiam_canonical_request *request,
                                              hsmiam_error *error) HSMIAM_MUST_USE;

#endif
