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
    bool takes_leftover;       /* a deletion goes on where IAM knows the key no more */
    const char *code;          /* IAM's, by which it was deleted all the same; NULL: it did it */
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
 * was asked to, or knows no such key to be deleted: then the caller says what came of it. */
hsmiam_status hsmiam_change_send(hsmiam_change *change, hsmiam_error *error) HSMIAM_MUST_USE;

/* What IAM says of a key that it does not know for that user. */
#define HSMIAM_CODE_ABSENT "NoSuchEntity"
bool hsmiam_change_found_nothing(const hsmiam_change *change, hsmiam_status status,
                                 const hsmiam_error *error) HSMIAM_MUST_USE;

/* Whose key it is, as far as anybody told; NULL: nobody did. */
const char *hsmiam_change_get_user(const hsmiam_change *change);

/* Records what came of it, if an intent was recorded. */
hsmiam_status hsmiam_change_record(hsmiam_change *change, hsmiam_result result, const char *code,
                                   const char *request_id, hsmiam_error *error) HSMIAM_MUST_USE;

/* Lets go of the lock, and frees. */
void hsmiam_change_end(hsmiam_change *change);

/* Records what went wrong, and says in `error` that it is not on record, if so. */
void hsmiam_change_record_failure(hsmiam_change *change, hsmiam_status status, hsmiam_error *error);

/* leftover.c ------------------------------------------------------------------------------------*/

/* IAM knows no such key to be deleted. OK: it was deleted before, and what the tokens hold of it
 * may go; otherwise what `error` says is on record. */
hsmiam_status hsmiam_change_settle_absence(hsmiam_change *change,
                                           hsmiam_error *error) HSMIAM_MUST_USE;

/* The work of hsmiam_access_key_check_leftover(), upon an hsmiam_change. */
hsmiam_status hsmiam_change_check_leftover(void *context, hsmiam_error *error) HSMIAM_MUST_USE;

/* presence.c ------------------------------------------------------------------------------------*/

typedef enum hsmiam_presence {
    HSMIAM_PRESENCE_GONE,
    HSMIAM_PRESENCE_EXISTS,
    HSMIAM_PRESENCE_UNCLEAR /* who knows */
} hsmiam_presence;

/* Whether a key exists, now that IAM lists none of that id for that user (NULL or "": not known),
 * who may be the wrong one: IAM is asked for its last use, and what the tokens hold of it signs.
 * `why` has the reason, if it is not gone. An inactive key of another account counts as gone. */
hsmiam_presence hsmiam_presence_ask(hsmiam_client *client, const hsmiam_holdings *holdings,
                                    const char *user_name, const char *id, hsmiam_error *why);

/* Destroys the key in every token of the holdings that has it. Statuses: AMBIGUOUS, UNSUPPORTED,
 * TOKEN. */
hsmiam_status hsmiam_holdings_destroy(const hsmiam_holdings *holdings, const char *id,
                                      hsmiam_error *error) HSMIAM_MUST_USE;

#endif
