/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of dual control ask for, and write. */
#ifndef HSMIAM_TESTS_ASKING_H
#define HSMIAM_TESTS_ASKING_H

#include "approver.h"

hsmiam_ledger_facts asking_make_facts(const char *user_name);

/* Verifies; the number of the last record. */
uint64_t asking_get_last(fixture *fix);

/* Asks for what may need an approval: the request's number, 0 if it is not approved or needs none.
 */
uint64_t asking_ask(fixture *fix, hsmiam_act act, const char *user_name);

/* Asks for what is not approved yet, and has it approved: the request's number. */
uint64_t asking_request(fixture *fix, hsmiam_act act, const char *user_name);
uint64_t asking_approve(fixture *fix, const approver *by, hsmiam_act act, const char *user_name);

/* Puts a request on record that was good until then; its number. */
uint64_t asking_request_until(fixture *fix, hsmiam_act act, const char *user_name,
                              const char *expires);

/* Writes what a request is for: as we do, */
hsmiam_status asking_write(fixture *fix, hsmiam_event event, const char *user_name,
                           uint64_t request);

/* which refuses for that reason and writes nothing; */
void asking_expect_refused(fixture *fix, hsmiam_event event, const char *user_name,
                           uint64_t request, const char *reason);

/* and whatever the rules say: as software that has the audit key and not our care. */
void asking_force(fixture *fix, hsmiam_event event, const char *user_name, uint64_t request);

/* The last record is not right, for that reason. */
void asking_expect_wrong(fixture *fix, hsmiam_fault fault, const char *reason);

/* The record of an event, without its sequence. The texts stay until the next call. */
hsmiam_record asking_make_record(hsmiam_event event, const char *user_name, uint64_t request);

#endif
