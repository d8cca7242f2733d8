/* SPDX-License-Identifier: Apache-2.0 */
/* One call of an operation: its request, its attempts and its answer. */
#ifndef HSMIAM_IAM_CALL_H
#define HSMIAM_IAM_CALL_H

#include "base/buffer.h"
#include "iam/client.h"
#include "iam/response.h"

typedef struct hsmiam_call {
    hsmiam_client *client;
    const hsmiam_operation *operation;
    hsmiam_cancel_rule cancel_rule;
    hsmiam_buffer body;
    hsmiam_endpoint endpoint;
    char region[HSMIAM_REGION_MAX + 1];

    /* The attempt under way, or the last one. */
    hsmiam_response *response;
    hsmiam_reply reply; /* each attempt begins with the lists as they were before the first */
    hsmiam_reply_times times;
    time_t signed_at;             /* -1: not yet */
    const hsmiam_secret *secret;  /* NULL if the answer holds none */
    hsmiam_secret *session_token; /* the same, borrowed; set before the call is run */
    int64_t secret_arrival;       /* of its last byte so far, by the monotonic clock */

    unsigned attempts;     /* so far, */
    unsigned throttled;    /* and how many of them were, at a pace that clients share */
    int64_t turn;          /* of the attempt, at that pace */
    bool perhaps_executed; /* by one of the attempts so far */
    bool corrected;        /* the clock was, for this call */
    time_t offset_before;  /* what it was corrected by until then */
    hsmiam_error error;    /* for a caller who wants none: what failed decides what comes next */
} hsmiam_call;

/* Makes a call of an operation that module/iam/service.c names; NULL if there is no memory. */
hsmiam_call *hsmiam_call_new(hsmiam_client *client, const char *operation,
                             hsmiam_cancel_rule cancel_rule);

/* Wipes and frees it. */
void hsmiam_call_free(hsmiam_call **call);

/* Adds a parameter; NULL: it is left out. */
void hsmiam_call_add(hsmiam_call *call, const char *name, const char *value);

/* Sends the request, again where that may be, and reads the answer into `reply`. The secret of the
 * answer is appended to `secret`, NULL if none is awaited, and the session token to the call's; on
 * a failure nothing is.
 * Statuses: those of hsmiam_transport_send() and hsmiam_outcome_judge(). NETWORK becomes
 * UNKNOWN_OUTCOME if an attempt before may have been executed. */
hsmiam_status hsmiam_call_run(hsmiam_call *call, hsmiam_secret *secret,
                              hsmiam_error *error) HSMIAM_MUST_USE;

/* As hsmiam_call_run(), for a page of a list: it begins at `marker` ("": the first), where the
 * marker of the next page is put ("": there is none). */
hsmiam_status hsmiam_call_run_page(hsmiam_call *call, char marker[HSMIAM_MARKER_MAX + 1],
                                   hsmiam_error *error) HSMIAM_MUST_USE;

/* When a call that changes nothing asks whether to stop. */
static inline hsmiam_cancel_rule hsmiam_call_get_reading_rule(bool may_cancel)
{
    return may_cancel ? HSMIAM_CANCEL_ALWAYS : HSMIAM_CANCEL_NEVER;
}

#endif
