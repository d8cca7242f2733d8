/* SPDX-License-Identifier: Apache-2.0 */
/* One run of libcurl's easy handle: its options, its callbacks and what they saw. */
#ifndef HSMIAM_IAM_TRANSFER_H
#define HSMIAM_IAM_TRANSFER_H

#include "iam/transport.h"

#define HSMIAM_TRANSPORT_SOCKETS 8

struct hsmiam_headers {
    const hsmiam_transport_functions *curl;
    const hsmiam_log *log;
    struct curl_slist *list;
    bool has_token; /* a session's: libcurl copies it, and names the copies to nobody */
};

struct hsmiam_transport {
    const hsmiam_transport_functions *curl;
    CURL *handle; /* NULL: none yet, or closed */
    /* The sockets that libcurl opened last. It names none before the request is sent, and the one
     * in use is found here by its port. */
    curl_socket_t sockets[HSMIAM_TRANSPORT_SOCKETS];
    size_t socket_count;
};

typedef struct hsmiam_transfer {
    hsmiam_transport *transport;
    const hsmiam_transport_settings *settings;
    hsmiam_exchange *exchange;
    hsmiam_error *error;

    hsmiam_headers headers;
    struct curl_slist *resolve;
    hsmiam_status prepare_status;
    size_t header_size;
    size_t body_size;
    char *raw; /* what libcurl is about to take apart, in its own buffer */
    size_t raw_size;
    bool is_chunked;
    int64_t last_activity; /* milliseconds of the monotonic clock */
    char reason[CURL_ERROR_SIZE];

    bool sent;      /* libcurl was allowed to send the request; it may have left */
    bool resend;    /* libcurl was about to send it again */
    bool stale;     /* the connection died before anything was sent */
    bool cancelled; /* the caller's function said so */
    bool timed_out; /* no byte for so long */
} hsmiam_transfer;

/* Sets every option of the handle. `fresh` forbids a connection that exists.
 * Statuses: MEMORY, INTERNAL. */
hsmiam_status hsmiam_transfer_configure(hsmiam_transfer *transfer, bool fresh) HSMIAM_MUST_USE;

/* Ends the run: no option and no byte of the reply stays in the handle, as far as it can be
 * reached; the connection does. */
void hsmiam_transfer_end(hsmiam_transfer *transfer);

/* libcurl's callbacks, `context` being the transfer or, for sockets, the transport. */
int hsmiam_transfer_on_connected(void *context, char *remote_ip, char *local_ip, int remote_port,
                                 int local_port);
int hsmiam_transfer_on_progress(void *context, curl_off_t down_total, curl_off_t down,
                                curl_off_t up_total, curl_off_t up);
size_t hsmiam_transfer_on_header(char *data, size_t size, size_t count, void *context);
size_t hsmiam_transfer_on_body(char *data, size_t size, size_t count, void *context);
int hsmiam_transfer_on_raw(CURL *handle, curl_infotype kind, char *data, size_t size,
                           void *context);
int hsmiam_transfer_on_socket(void *context, curl_socket_t descriptor, curlsocktype purpose);

#endif
