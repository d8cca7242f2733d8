/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dual control: the policy that is in force at a place of the ledger, and what was requested,
 * approved and used by then. Whoever reads the records in their order knows it: the verification,
 * an approver, and a writer that is about to do what needs an approval.
 */
#ifndef HSMIAM_LEDGER_DUAL_H
#define HSMIAM_LEDGER_DUAL_H

#include "ledger/policy.h"

/* A request that can still serve. */
typedef struct hsmiam_dual_request {
    uint64_t sequence;
    hsmiam_act operation;
    char hash[HSMIAM_HEX_SIZE]; /* of its line */
    time_t expires;
    unsigned approved; /* by which approvers of the policy: a bit each */
    bool used;
    bool used_by_intent;  /* of a rotation, for the key that it makes */
    hsmiam_record record; /* its own copy, */
    char *text;           /* which lies here */
} hsmiam_dual_request;

typedef struct hsmiam_dual {
    hsmiam_policy policy;
    uint64_t policy_sequence; /* the number of its record; 0: there never was one */
    hsmiam_dual_request *requests;
    size_t count;
    size_t room;
    char serials[HSMIAM_TRUSTED_MAX + 1][HSMIAM_SERIAL_MAX + 1]; /* of tokens with an audit key */
    size_t serial_count;
    uint64_t sequence; /* of the record that was taken last, */
    uint64_t spoilt;   /* and of the last approval that was wrong; 0: none */
    hsmiam_hash *hash;
} hsmiam_dual;

/* Statuses: MEMORY. */
hsmiam_status hsmiam_dual_init(hsmiam_dual *dual, hsmiam_error *error) HSMIAM_MUST_USE;
void hsmiam_dual_clear(hsmiam_dual *dual);

/* A token with that serial has an audit key; NULL: none is known. */
void hsmiam_dual_note_serial(hsmiam_dual *dual, const char *serial);

/* Takes the next record, whose line has that hash. A policy or a request that nobody signed is
 * none. If something about it is wrong, it changes nothing, and `*wrong_out` is the sentence, else
 * NULL; `*fault_out` then tells the kind. Statuses: MEMORY, INTERNAL. */
hsmiam_status hsmiam_dual_take(hsmiam_dual *dual, const hsmiam_record *record,
                               const char line_hash[HSMIAM_HEX_SIZE], hsmiam_fault *fault_out,
                               const char **wrong_out, hsmiam_error *error) HSMIAM_MUST_USE;

/* What is wrong with writing a record that may need an approval as the next one; NULL: nothing. It
 * has its time. */
const char *hsmiam_dual_check(const hsmiam_dual *dual, const hsmiam_record *record);

/* Copies what an approver is to see of one request: the policy, the tokens, and that request. To be
 * cleared either way. Statuses: MEMORY, INTERNAL. */
hsmiam_status hsmiam_dual_copy(const hsmiam_dual *dual, const hsmiam_dual_request *request,
                               hsmiam_dual *copy_out, hsmiam_error *error) HSMIAM_MUST_USE;

/* What records of an event are in terms of approvals; COUNT: nothing. */
hsmiam_act hsmiam_dual_get_operation(const hsmiam_record *record);

/* A request by its number, and the last one that is for just that, not used and not expired at
 * `when`; NULL: there is none. */
hsmiam_dual_request *hsmiam_dual_find(const hsmiam_dual *dual, uint64_t sequence);
hsmiam_dual_request *hsmiam_dual_find_for(const hsmiam_dual *dual, hsmiam_act operation,
                                          const hsmiam_record *record, time_t when);

/* How many approvals a request has. */
unsigned hsmiam_dual_count_approvals(const hsmiam_dual_request *request);

/* Leaves of a record what a request of its operation has: the facts that an approval binds. */
void hsmiam_dual_keep_facts(hsmiam_act operation, hsmiam_record *record);

/* What an approver signs, as text: that the key in the token with that serial approves the
 * request, up to its expiry. */
#define HSMIAM_STATEMENT_MAX 512
void hsmiam_dual_format_statement(const hsmiam_dual_request *request, const char *token_serial,
                                  char text_out[HSMIAM_STATEMENT_MAX]);

/* Whether a token is one that an approval for the request cannot come from: it has the audit key,
 * or the key that the request is about goes there. */
bool hsmiam_dual_is_same_token(const hsmiam_dual *dual, const hsmiam_dual_request *request,
                               const char *token_serial);

/* Takes the record of an approval, as hsmiam_dual_take() does. */
const char *hsmiam_dual_take_approval(hsmiam_dual *dual, const hsmiam_record *record,
                                      hsmiam_fault *fault_out);

/* The time that a member says; -1: none. */
time_t hsmiam_dual_read_time(const char *text);

/* Whom a record is read for. */
typedef struct hsmiam_dual_reading {
    hsmiam_file *file;
    uint64_t start; /* where a line begins */
    uint64_t end;
    uint64_t last_sequence; /* records behind that do not count; 0: all do */
} hsmiam_dual_reading;

/* Takes the records there. What is wrong with one is passed over: it does not count. */
hsmiam_status hsmiam_dual_read(hsmiam_dual *dual, const hsmiam_dual_reading *reading,
                               hsmiam_error *error) HSMIAM_MUST_USE;

#endif
