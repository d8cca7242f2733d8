/* SPDX-License-Identifier: Apache-2.0 */
/* What a request holds, shared by request.c (how it is filled), request_sign.c and
 * request_presign.c. */
#ifndef HSMIAM_SIGV4_REQUEST_H
#define HSMIAM_SIGV4_REQUEST_H

#include "base/buffer.h"
#include "base/time.h"
#include "sigv4/digest.h"
#include "sigv4/header.h"
#include "sigv4/signer.h"
#include "sigv4/url.h"

#define HSMIAM_METHOD_MAX            32
#define HSMIAM_PAYLOAD_HASH_MAX      64
#define HSMIAM_SIGNATURE_HEADERS_MAX 4

#define HSMIAM_HEADER_HOST         "host"
#define HSMIAM_HEADER_DATE         "x-amz-date"
#define HSMIAM_HEADER_PAYLOAD_HASH "x-amz-content-sha256"
#define HSMIAM_HEADER_TOKEN        "x-amz-security-token"

/* What signing adds. */
typedef struct hsmiam_signature {
    char timestamp[HSMIAM_TIME_BASIC_SIZE];
    hsmiam_buffer canonical_request;
    hsmiam_buffer string_to_sign;
    hsmiam_buffer authorization;
    hsmiam_buffer presigned_url;
    struct {
        const char *name;
        const char *value;
    } headers[HSMIAM_SIGNATURE_HEADERS_MAX];
    size_t header_count;
} hsmiam_signature;

struct hsmiam_request {
    char method[HSMIAM_METHOD_MAX + 1];
    hsmiam_url url; /* empty until set */
    hsmiam_header_list headers;
    char payload_hash[HSMIAM_PAYLOAD_HASH_MAX + 1];
    hsmiam_digest *body; /* while it comes in pieces; else NULL */
    hsmiam_scope scope;  /* the date is that of the last signing */
    bool has_time;
    time_t time;
    unsigned flags;
    hsmiam_signature signature;
};

void hsmiam_signature_init(hsmiam_signature *signature);
void hsmiam_signature_clear(hsmiam_signature *signature);

/* Begins to sign: clears the last signature and takes the time. Statuses: ARGUMENT. */
hsmiam_status hsmiam_request_begin_signing(hsmiam_request *request, const hsmiam_signer *signer,
                                           hsmiam_error *error) HSMIAM_MUST_USE;

/* Ends it: clears a signature that failed, begins the token's time-out anew, and wipes what a
 * session's token, of which the signed text and a presigned URL have pieces, left on this thread.
 */
void hsmiam_request_end_signing(hsmiam_request *request, hsmiam_signer *signer,
                                hsmiam_status status);

/* The caller's flags, and those that the service implies. */
unsigned hsmiam_request_get_flags(const hsmiam_request *request);

/* Makes the string to sign of the canonical request, and has it signed. */
hsmiam_status hsmiam_request_make_signature(hsmiam_request *request, hsmiam_signer *signer,
                                            char digits_out[HSMIAM_SIGNATURE_SIZE + 1],
                                            hsmiam_error *error) HSMIAM_MUST_USE;

#endif
