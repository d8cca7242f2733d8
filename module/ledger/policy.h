/* SPDX-License-Identifier: Apache-2.0 */
/* Which operations need the approval of keys in other tokens, and of whose. */
#ifndef HSMIAM_LEDGER_POLICY_H
#define HSMIAM_LEDGER_POLICY_H

#include "ledger/internal.h"

#define HSMIAM_OPERATIONS_TEXT_MAX 256

/* "create-access-key"; static. And back; COUNT for a name that is none. */
const char *hsmiam_act_get_name(hsmiam_act operation);
hsmiam_act hsmiam_act_find(const char *name, size_t size);

struct hsmiam_policy {
    unsigned operations;                    /* a bit each, */
    char names[HSMIAM_OPERATIONS_TEXT_MAX]; /* and their names, parted by blanks */
    unsigned needed;                        /* approvals, by different keys */
    hsmiam_public_key *approvers[HSMIAM_APPROVERS_MAX];
    size_t count; /* of them; 0: nothing needs an approval */
};

void hsmiam_policy_clear(hsmiam_policy *policy);

/* To be cleared either way. Statuses: MEMORY. */
hsmiam_status hsmiam_policy_copy(const hsmiam_policy *policy, hsmiam_policy *copy_out,
                                 hsmiam_error *error) HSMIAM_MUST_USE;

/* Whether an operation needs an approval. A rotation makes, deactivates and deletes keys, and so
 * does if one of these does. */
bool hsmiam_policy_needs(const hsmiam_policy *policy, hsmiam_act operation);

/* The number of an approver, `count` for none. */
size_t hsmiam_policy_find_approver(const hsmiam_policy *policy, const char *fingerprint);

/* Reads a policy's record. false if it is none that can be followed. To be cleared either way. */
bool hsmiam_policy_read(const hsmiam_record *record, hsmiam_policy *policy) HSMIAM_MUST_USE;

/* The members of a policy on their way into a record. */
typedef struct hsmiam_policy_text {
    char operations[HSMIAM_OPERATIONS_TEXT_MAX];
    char approvals[HSMIAM_NUMBER_SIZE];
    char approvers[HSMIAM_PUBLIC_KEYS_MAX];
} hsmiam_policy_text;

void hsmiam_policy_format(const hsmiam_policy *policy, hsmiam_policy_text *text,
                          hsmiam_record *record);

/* The approvers' fingerprints, parted by blanks. */
#define HSMIAM_APPROVERS_TEXT_MAX ((size_t)HSMIAM_APPROVERS_MAX * HSMIAM_FINGERPRINT_SIZE)
void hsmiam_policy_list_approvers(const hsmiam_policy *policy,
                                  char text_out[HSMIAM_APPROVERS_TEXT_MAX]);

#endif
