/* SPDX-License-Identifier: Apache-2.0 */
/* An endpoint URL, of AWS or of the caller. */
#ifndef HSMIAM_IAM_ENDPOINT_H
#define HSMIAM_IAM_ENDPOINT_H

#include "base/error.h"

#define HSMIAM_ENDPOINT_URL_MAX 1023
#define HSMIAM_HOST_MAX         255

/* An endpoint URL, checked and taken apart. */
typedef struct hsmiam_endpoint {
    char url[HSMIAM_ENDPOINT_URL_MAX + 1];             /* with a path, no port if the scheme's */
    char host[HSMIAM_HOST_MAX + 1];                    /* an IPv6 address in brackets */
    char authority[HSMIAM_HOST_MAX + sizeof ":65535"]; /* Host header; no port if the scheme's */
    unsigned port;
    bool plain;    /* http */
    bool loopback; /* `localhost`, 127.0.0.0/8 or [::1], literally */
} hsmiam_endpoint;

/* Checks a URL: https, or http if the host is literally a loopback one; no user information, query
 * or fragment, and a host in its plain form, so that what is checked is what is connected to.
 * Statuses: ARGUMENT, CONFIG (http to another host), MEMORY. */
hsmiam_status hsmiam_endpoint_parse(const char *url, hsmiam_endpoint *endpoint_out,
                                    hsmiam_error *error) HSMIAM_MUST_USE;

/* Whether a message may repeat a text: control characters could play with the terminal. NULL is
 * none. */
bool hsmiam_text_is_printable(const char *text);

#endif
