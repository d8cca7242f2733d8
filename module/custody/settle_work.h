/* SPDX-License-Identifier: Apache-2.0 */
/* What the files about settling share: one intent in work. */
#ifndef HSMIAM_CUSTODY_SETTLE_WORK_H
#define HSMIAM_CUSTODY_SETTLE_WORK_H

#include "custody/settle.h"

typedef struct hsmiam_settling {
    hsmiam_client *client;
    hsmiam_custody *custody;
    const hsmiam_open_intent *intent;
    const char *account;
    bool dry_run;
    hsmiam_settlement *to;
    const char *user_name; /* as IAM is asked; NULL: the credential's own user */
    hsmiam_key_list list;
    hsmiam_evidence evidence;
    char candidate[HSMIAM_ACCESS_KEY_ID_MAX + 1]; /* the one that the rules speak of */
    time_t now;                                   /* IAM's clock; -1: not known */
    hsmiam_error why;
} hsmiam_settling;

/* settle.c --------------------------------------------------------------------------------------*/

/* Leaves the intent open, for that reason. OK. */
__attribute__((format(printf, 2, 3))) hsmiam_status hsmiam_settling_leave(hsmiam_settling *run,
                                                                          const char *format, ...);

/* The same, and says how a person closes it in the end. */
__attribute__((format(printf, 2, 3))) hsmiam_status
hsmiam_settling_leave_to_person(hsmiam_settling *run, const char *format, ...);

/* The same until IAM's clock has passed hsmiam_settling_get_end(). */
hsmiam_status hsmiam_settling_leave_until_end(hsmiam_settling *run, const char *reason);

/* When IAM can execute the request no more and would list what it made. */
time_t hsmiam_settling_get_end(const hsmiam_open_intent *intent);

/* Puts an outcome on record, which may leave it open. `candidates` may be NULL. */
hsmiam_status hsmiam_settling_record(const hsmiam_settling *run, hsmiam_result result,
                                     const char *id, const char *candidates,
                                     hsmiam_error *error) HSMIAM_MUST_USE;

/* Puts on record that it is settled. */
hsmiam_status hsmiam_settling_end(hsmiam_settling *run, hsmiam_result result, const char *id,
                                  hsmiam_error *error) HSMIAM_MUST_USE;

/* settle_evidence.c -----------------------------------------------------------------------------*/

/* Asks IAM, the token and the ledger. What one of them does not tell leaves the intent open, with a
 * reason. Statuses: of the ledger. */
hsmiam_status hsmiam_settling_gather(hsmiam_settling *run, hsmiam_error *error) HSMIAM_MUST_USE;

/* settle_act.c ----------------------------------------------------------------------------------*/

/* Does what the rules say. Statuses: of the ledger. */
hsmiam_status hsmiam_settling_act(hsmiam_settling *run, hsmiam_settle_action action,
                                  hsmiam_error *error) HSMIAM_MUST_USE;

/* Whether IAM's last answer, in `run->why`, has that error code. */
bool hsmiam_settling_has_code(const hsmiam_settling *run, const char *code);

#endif
