/* SPDX-License-Identifier: Apache-2.0 */
/* What hsmiam_client holds. */
#ifndef HSMIAM_IAM_CLIENT_H
#define HSMIAM_IAM_CLIENT_H

#include "iam/operations.h"
#include "iam/partition.h"
#include "iam/transport.h"

struct hsmiam_client {
    hsmiam_signer *signer;
    hsmiam_log log;
    hsmiam_ready_fn ready;
    void *ready_context;
    hsmiam_before_send_fn before_send;
    void *before_send_context;
    hsmiam_cancel_fn cancel;
    void *cancel_context;

    char region[HSMIAM_REGION_MAX + 1]; /* "": none was named */
    /* The caller's own; NULL: the partition's, or for another service than IAM that of IAM. */
    hsmiam_endpoint *endpoints[HSMIAM_SERVICE_COUNT];
    bool fips;
    char *ca_bundle;
    bool no_verify;
    unsigned connect_seconds;
    unsigned read_seconds;

    hsmiam_transport *transport;
    int64_t secret_arrival; /* of the last request's, by the monotonic clock; 0: none came */

    hsmiam_caller caller; /* as it was last asked for by the program */

    bool hurried;      /* to be asked, not waited for */
    hsmiam_pace *pace; /* NULL: its own */
    unsigned max_attempts;
    void (*sleep)(unsigned milliseconds); /* between two of them */
    time_t clock_offset;                  /* the service's clock less this machine's */
    time_t service_time;                  /* Date of the last answer, -1: none yet */
    bool perhaps_executed;                /* the last call was, by one of its attempts */
};

/* hsmiam_client_new() over another libcurl; NULL: the real one. */
hsmiam_status hsmiam_client_new_over(const hsmiam_transport_functions *curl, hsmiam_signer *signer,
                                     hsmiam_client **client_out,
                                     hsmiam_error *error) HSMIAM_MUST_USE;

/* The endpoint of a service that the settings come to, and the region to sign for.
 * Statuses: CONFIG (settings that do not go together), MEMORY. */
hsmiam_status hsmiam_client_resolve(const hsmiam_client *client, hsmiam_service_id service,
                                    hsmiam_endpoint *endpoint_out,
                                    char region_out[HSMIAM_REGION_MAX + 1],
                                    hsmiam_error *error) HSMIAM_MUST_USE;

/* The time to sign at: this machine's, corrected by what is known of the service's. */
time_t hsmiam_client_get_signing_time(const hsmiam_client *client);

#endif
