/* SPDX-License-Identifier: Apache-2.0 */
/* What hsmiam_client holds. */
#ifndef HSMIAM_IAM_CLIENT_H
#define HSMIAM_IAM_CLIENT_H

#include "iam/operations.h"
#include "iam/transport.h"

/* What requests to IAM are signed for. */
#define HSMIAM_IAM_SERVICE "iam"

struct hsmiam_client {
    hsmiam_signer *signer;
    hsmiam_log log;
    hsmiam_ready_fn ready;
    void *ready_context;
    hsmiam_cancel_fn cancel;
    void *cancel_context;

    const hsmiam_partition *partition;
    hsmiam_endpoint *endpoint; /* the caller's own; NULL: the partition's */
    bool fips;
    char *ca_bundle;
    bool no_verify;
    unsigned connect_seconds;
    unsigned read_seconds;

    hsmiam_transport *transport;
    unsigned pause_milliseconds; /* before a request is repeated */
    int64_t secret_arrival;      /* of the last request's, by the monotonic clock; 0: none came */
};

/* hsmiam_client_new() over another libcurl; NULL: the real one. */
hsmiam_status hsmiam_client_new_over(const hsmiam_transport_functions *curl, hsmiam_signer *signer,
                                     hsmiam_client **client_out,
                                     hsmiam_error *error) HSMIAM_MUST_USE;

/* The endpoint that the settings come to, and the region to sign for.
 * Statuses: CONFIG (settings that do not go together), MEMORY. */
hsmiam_status hsmiam_client_resolve(const hsmiam_client *client, hsmiam_endpoint *endpoint_out,
                                    const char **region_out, hsmiam_error *error) HSMIAM_MUST_USE;

#endif
