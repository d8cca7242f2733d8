/* SPDX-License-Identifier: Apache-2.0 */
/* An approver's key that a test holds itself. */
#ifndef HSMIAM_TESTS_APPROVER_H
#define HSMIAM_TESTS_APPROVER_H

#include "fixture.h"

#include "ledger/dual.h"

#define APPROVER_SERIAL "bobs"

typedef struct approver {
    void *key;
    char pem[HSMIAM_PEM_MAX];
    char fingerprint[HSMIAM_FINGERPRINT_SIZE];
} approver;

/* Makes a key, EC P-256 or RSA. */
void approver_init(approver *made, bool rsa);
void approver_clear(approver *made);

/* Puts a policy on record that asks `needed` approvals of these for the operations. */
hsmiam_status approver_set_policy(fixture *fix, const char *operations, unsigned needed,
                                  const approver *approvers, size_t count);

/* Signs a request of the ledger as from a token of that serial, and appends the approval. */
void approver_approve(fixture *fix, const approver *by, uint64_t request, const char *serial);

/* The record of an approval, without its sequence. The texts stay until the next call. */
hsmiam_record approver_make_record(fixture *fix, const approver *by, uint64_t request,
                                   const char *serial);

#endif
