/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP request and its answer over libcurl: sent once, on a connection that is kept. */
#ifndef HSMIAM_IAM_TRANSPORT_H
#define HSMIAM_IAM_TRANSPORT_H

#include "base/log.h"
#include "iam/endpoint.h"
#include "iam/reply_times.h"
#include "iam/transport_functions.h"

#define HSMIAM_REPLY_MAX ((size_t)64 * 1024) /* of a body, and of all headers together */

/* A connection and what it takes to make one. */
typedef struct hsmiam_transport hsmiam_transport;

/* How to connect. All borrowed. */
typedef struct hsmiam_transport_settings {
    const char *ca_bundle; /* NULL: the system's CAs */
    bool no_verify;
    unsigned connect_seconds; /* 0: no limit, here and below */
    unsigned read_seconds;
    const hsmiam_log *log;
} hsmiam_transport_settings;

/* When the caller's cancel function is asked. */
typedef enum hsmiam_cancel_rule {
    HSMIAM_CANCEL_NEVER = 0,
    HSMIAM_CANCEL_UNTIL_SENT,
    HSMIAM_CANCEL_ALWAYS
} hsmiam_cancel_rule;

/* The headers of a request in the making. */
typedef struct hsmiam_headers hsmiam_headers;

/* Adds a header. Its line in the log leaves a signature out. Statuses: MEMORY. */
hsmiam_status hsmiam_headers_add(hsmiam_headers *headers, const char *name, const char *value,
                                 hsmiam_error *error) HSMIAM_MUST_USE;

/* A POST and its answer. All pointers are borrowed. */
typedef struct hsmiam_exchange {
    const hsmiam_endpoint *endpoint;
    const char *body;
    size_t body_size;

    /* Adds the headers, once the connection stands and while nothing is sent. It is called again
     * if the connection died meanwhile. Its failure is the failure of the exchange. */
    hsmiam_status (*prepare)(void *context, hsmiam_headers *headers, hsmiam_error *error);
    /* Takes a piece of the reply's body, which the transport wipes then. */
    void (*receive)(void *context, const char *data, size_t size);
    void *context;

    hsmiam_cancel_fn cancel; /* may be NULL */
    void *cancel_context;
    hsmiam_cancel_rule cancel_rule;

    /* Set by hsmiam_transport_send(). */
    long http_status;         /* the reply's, 0 if none came */
    hsmiam_reply_times times; /* of the reply, as far as it came */
} hsmiam_exchange;

/* `curl` is borrowed; NULL: libcurl's own, loaded when the first request is sent. Statuses:
 * MEMORY. */
hsmiam_status hsmiam_transport_new(const hsmiam_transport_functions *curl,
                                   hsmiam_transport **transport_out,
                                   hsmiam_error *error) HSMIAM_MUST_USE;

/* The libcurl that it was made over; NULL: the real one, not taken up yet. */
const hsmiam_transport_functions *hsmiam_transport_get_functions(const hsmiam_transport *transport);

/* Closes the connection. */
void hsmiam_transport_free(hsmiam_transport **transport);

/* Closes the connection, frees what libcurl holds of the last answer, and wipes what it freed, by
 * the thread that received it: for an answer that was not understood. What more came on that
 * connection must not be taken for the next answer. The next request opens another one. */
void hsmiam_transport_close(hsmiam_transport *transport);

/* Sends the request, once, and receives the whole answer, whatever its HTTP status.
 * Statuses: NETWORK and CANCELLED (nothing was sent; CANCELLED under HSMIAM_CANCEL_ALWAYS: perhaps
 * it was), UNKNOWN_OUTCOME (it was, and no whole answer came), REPLY (the answer is too large),
 * CONFIG (the CAs cannot be read, or libcurl not be loaded), those of `prepare`, MEMORY, INTERNAL.
 */
hsmiam_status hsmiam_transport_send(hsmiam_transport *transport,
                                    const hsmiam_transport_settings *settings,
                                    hsmiam_exchange *exchange, hsmiam_error *error) HSMIAM_MUST_USE;

#endif
