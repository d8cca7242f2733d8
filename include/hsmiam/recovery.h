/* SPDX-License-Identifier: Apache-2.0 */
/* What interrupted runs left open, settled. Part of hsmiam.h, which has the conventions. */
#ifndef HSMIAM_RECOVERY_H
#define HSMIAM_RECOVERY_H

#include <hsmiam/client.h>
#include <hsmiam/custody.h>
#include <hsmiam/error.h>

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What became of an interrupted run. */
typedef enum hsmiam_recovery_state {
    HSMIAM_RECOVERY_SETTLED, /**< the token holds the key, or IAM has none */
    HSMIAM_RECOVERY_OPEN,    /**< not known, or not to be changed by this credential */
    HSMIAM_RECOVERY_LIVE     /**< its process is still at work */
} hsmiam_recovery_state;

/** An intent of the ledger that had no outcome. What is not known is "". Borrowed. */
typedef struct hsmiam_recovery {
    uint64_t intent; /**< the number of its record */
    hsmiam_recovery_state state;
    const char *result;        /**< of a settled one: "held", "deleted", "not-executed", "done" */
    const char *user_name;     /**< "": the credential's own user */
    const char *access_key_id; /**< the key that it was about */
    const char *reason;        /**< why it is open */
    const char *candidates;    /**< ids, parted by blanks, of keys that it may have made */
    time_t request_time;       /**< X-Amz-Date of its request; -1: not known */
    long long come_back;       /**< in so many seconds; -1: waiting does not help */
} hsmiam_recovery;

/** Receives one, the oldest first. */
typedef void (*hsmiam_recovery_fn)(void *context, const hsmiam_recovery *recovery);

/**
 * Settles what interrupted runs left open in the custody's ledger. A key that the token took in is
 * proven by GetCallerIdentity, signed with it. A key that only the interrupted run can have made,
 * that neither the token nor the ledger knows and that nobody used, is deactivated and deleted. Any
 * other key is named and not touched. That no key was made is taken for granted only when IAM can
 * execute the request no more, and would list what it made. What belongs to another account, token
 * or endpoint is left open; so is what several keys may be about, now or at an earlier look. Every
 * open intent is reported, also when STS, IAM or the credential are not to be had. dry_run  changes
 * nothing, at IAM, in the token and in the ledger. Statuses: OK (nothing is open), UNSETTLED, those
 * of hsmiam_token_open(), of the ledger and of the network.
 */
HSMIAM_API hsmiam_status hsmiam_custody_recover(hsmiam_client *client, hsmiam_custody *custody,
                                                bool dry_run, hsmiam_recovery_fn report,
                                                void *context, hsmiam_error *error) HSMIAM_MUST_USE;

/**
 * Closes an intent that cannot be settled, by a record of who did so and why. Asks IAM nothing and
 * touches no key: what the interrupted run may have made, the caller answers for from now on, and
 * its user can get keys again.
 * intent  the number of its record.
 * reason  1 to 256 bytes of printable text, for the record; no word of it has 40 or more.
 * Statuses: ARGUMENT (also if no such intent is open), UNSETTLED (its process is still at work),
 * those of hsmiam_token_open() and of the ledger.
 */
HSMIAM_API hsmiam_status hsmiam_custody_close_intent(hsmiam_custody *custody, uint64_t intent,
                                                     const char *reason,
                                                     hsmiam_error *error) HSMIAM_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
