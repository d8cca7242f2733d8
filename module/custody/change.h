/* SPDX-License-Identifier: Apache-2.0 */
/* A change to an access key that exists, on record before and after. */
#ifndef HSMIAM_CUSTODY_CHANGE_H
#define HSMIAM_CUSTODY_CHANGE_H

#include "custody/lifecycle.h"

/* One change on its way. */
typedef struct hsmiam_change {
    hsmiam_client *client;
    hsmiam_custody *custody;
    hsmiam_event event;        /* HSMIAM_EVENT_UPDATE or HSMIAM_EVENT_DELETE */
    const char *user_name;     /* as IAM is asked; NULL: the signer's own */
    const char *access_key_id; /* of the key */
    const char *status;        /* that an update asks for */
    hsmiam_user_lock lock;
    hsmiam_holdings holdings; /* of a key to be deleted */
    hsmiam_ledger_facts facts;
    char endpoint[HSMIAM_ENDPOINT_SIZE];
    char account[HSMIAM_ACCOUNT_MAX + 1];
    char own_name[HSMIAM_USER_NAME_MAX + 1]; /* of the signer's user, if it was asked for */
    uint64_t intent;                         /* the number of its record; 0: there is none yet */
} hsmiam_change;

/* Opens the tokens and the ledger, finds out whose key it is, and takes the user's lock. */
hsmiam_status hsmiam_change_prepare(hsmiam_change *change, hsmiam_error *error) HSMIAM_MUST_USE;

/* Sends the request, the intent on record before, and what came of it after, unless IAM did what it
 * was asked to: then the caller says what came of it. */
hsmiam_status hsmiam_change_send(hsmiam_change *change, hsmiam_error *error) HSMIAM_MUST_USE;

/* Records what came of it, if an intent was recorded. */
hsmiam_status hsmiam_change_record(hsmiam_change *change, hsmiam_result result, const char *code,
                                   const char *request_id, hsmiam_error *error) HSMIAM_MUST_USE;

/* Lets go of the lock, and frees. */
void hsmiam_change_end(hsmiam_change *change);

/* Destroys the key in every token of the holdings that has it. Statuses: AMBIGUOUS, UNSUPPORTED,
 * TOKEN. */
hsmiam_status hsmiam_holdings_destroy(const hsmiam_holdings *holdings, const char *id,
                                      hsmiam_error *error) HSMIAM_MUST_USE;

#endif
