/* SPDX-License-Identifier: Apache-2.0 */
/* What a request holds, shared by request.c (how it is filled) and request_sign.c. */
#ifndef HSMIAM_SIGV4_REQUEST_H
#define HSMIAM_SIGV4_REQUEST_H

#include "base/buffer.h"
#include "base/time.h"
#include "sigv4/header.h"
#include "sigv4/signer.h"
#include "sigv4/url.h"

#define HSMIAM_METHOD_MAX            32
#define HSMIAM_PAYLOAD_HASH_MAX      64
#define HSMIAM_SIGNATURE_HEADERS_MAX 3

#define HSMIAM_HEADER_HOST         "host"
#define HSMIAM_HEADER_DATE         "x-amz-date"
#define HSMIAM_HEADER_PAYLOAD_HASH "x-amz-content-sha256"

/* What signing adds. */
typedef struct hsmiam_signature {
    char timestamp[HSMIAM_TIME_BASIC_SIZE];
    hsmiam_buffer canonical_request;
    hsmiam_buffer string_to_sign;
    hsmiam_buffer authorization;
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
    hsmiam_scope scope; /* the date is that of the last signing */
    bool has_time;
    time_t time;
    unsigned flags;
    hsmiam_signature signature;
};

void hsmiam_signature_init(hsmiam_signature *signature);
void hsmiam_signature_clear(hsmiam_signature *signature);

#endif
