/* SPDX-License-Identifier: Apache-2.0 */
/* Dual control: what needs the approval of a key in another token. Part of hsmiam.h, which has the
 * conventions.
 */
#ifndef HSMIAM_APPROVAL_H
#define HSMIAM_APPROVAL_H

#include <hsmiam/error.h>
#include <hsmiam/ledger.h>
#include <hsmiam/token.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A policy says which operations need approvals, how many, and of whom. It is a record of the
 * ledger, signed by the audit key; there is none at first. An operation that needs an approval
 * writes a request into the ledger; an approver's key, in another token with another PIN, signs the
 * hash of that record's line, the account and the expiry; the operation then names the request, and
 * uses it up. All of it is evidence that hsmiam_ledger_verify() checks. It prevents nothing by
 * itself: whoever has the PIN can use the token without this library.
 */
typedef struct hsmiam_policy hsmiam_policy;

/** Makes an empty policy, which lifts the one in force. Statuses: MEMORY. */
HSMIAM_API hsmiam_status hsmiam_policy_new(hsmiam_policy **policy_out,
                                           hsmiam_error *error) HSMIAM_MUST_USE;

/** Frees it. */
HSMIAM_API void hsmiam_policy_free(hsmiam_policy **policy);

/** Adds operations, parted by commas or blanks: create-access-key, rotate, delete, update, import,
 *  export, policy. A rotation needs an approval if creating, deleting or updating a key does; a
 * change of the policy always does. Statuses: ARGUMENT. */
HSMIAM_API hsmiam_status hsmiam_policy_require(hsmiam_policy *policy, const char *operations,
                                               hsmiam_error *error) HSMIAM_MUST_USE;

/** Adds the approvers whose public keys are in the text, PEM one after the other: EC P-256, or RSA
 *  of 2048 to 4096 bits; eight at most. Statuses: ARGUMENT, MEMORY. */
HSMIAM_API hsmiam_status hsmiam_policy_add_approvers(hsmiam_policy *policy, const char *pem,
                                                     size_t size,
                                                     hsmiam_error *error) HSMIAM_MUST_USE;

/** Sets by how many different approvers a request must be approved, once they are added; the
 * default is 1. Statuses: ARGUMENT (0, or more than there are). */
HSMIAM_API hsmiam_status hsmiam_policy_set_approvals(hsmiam_policy *policy, unsigned approvals,
                                                     hsmiam_error *error) HSMIAM_MUST_USE;

/** How many approvals are needed; 0: there are no approvers, and nothing needs any. */
HSMIAM_API unsigned hsmiam_policy_get_approvals(const hsmiam_policy *policy);

/** The operations' names, parted by blanks. Borrowed. */
HSMIAM_API const char *hsmiam_policy_get_operations(const hsmiam_policy *policy);

/** The fingerprint of an approver: SHA-256 of the SubjectPublicKeyInfo in hex. NULL from the number
 *  of approvers on. Borrowed. */
HSMIAM_API const char *hsmiam_policy_get_approver(const hsmiam_policy *policy, size_t index);

/** Makes an approver's key pair in a token, if it is missing: EC P-256, which may sign and nothing
 *  else. Statuses: those of hsmiam_token_provision(). */
HSMIAM_API hsmiam_status hsmiam_token_provision_approver(hsmiam_token *token,
                                                         hsmiam_provisioned_fn report,
                                                         void *context,
                                                         hsmiam_error *error) HSMIAM_MUST_USE;

/** Hands over the public half of a token's approver key, PEM. Statuses: NOT_FOUND, those of
 *  hsmiam_token_open(). */
HSMIAM_API hsmiam_status hsmiam_token_export_approver_key(hsmiam_token *token,
                                                          hsmiam_ledger_line_fn take, void *context,
                                                          hsmiam_error *error) HSMIAM_MUST_USE;

/** What an approver is asked to approve. What is not known, or does not apply, is "". */
typedef struct hsmiam_approval_request {
    uint64_t number;       /**< of the request's record in the ledger */
    const char *operation; /**< "create-access-key" */
    const char *account;
    const char *user_name; /**< "": the credential's own user */
    const char *access_key_id;
    const char *status;
    const char *recipient; /**< of an export: the fingerprint of whom the key is wrapped for */
    bool is_exportable;    /**< the key can be exported later */
    const char *token_serial;
    const char *credential_id; /**< that signs the request to IAM */
    const char *endpoint;
    const char *asked_by; /**< who wrote the request, and on which host */
    const char *host;
    const char *operations;      /**< that a new policy is to ask approvals of, parted by blanks, */
    const char *approvals_asked; /**< and how many, a number, */
    const char *approvers;       /**< of these keys: fingerprints, parted by blanks */
    const char *expires;         /**< the approval is good until then */
    size_t approvals;            /**< that it has already */
    size_t needed;
} hsmiam_approval_request;

/** Shows a request and asks whether it is approved, before the approver's token (borrowed) is
 *  opened. false ends with CANCELLED. */
typedef bool (*hsmiam_approval_fn)(void *context, const hsmiam_approval_request *request,
                                   const hsmiam_token *token);

/** Adds an approver's token (borrowed; it must outlive the ledger) that is at hand: what needs an
 *  approval gets it from there at once, if `confirm` says so for this token; it may be NULL, and
 *  nobody is asked then. Statuses: ARGUMENT (more than eight). */
HSMIAM_API hsmiam_status hsmiam_ledger_add_approver(hsmiam_ledger *ledger, hsmiam_token *token,
                                                    hsmiam_approval_fn confirm, void *context,
                                                    hsmiam_error *error) HSMIAM_MUST_USE;

/** Sets how long a request can be approved and used: 300 to 2592000 seconds (30 days); the default
 *  is a day. Statuses: ARGUMENT. */
HSMIAM_API hsmiam_status hsmiam_ledger_set_approval_expiry(hsmiam_ledger *ledger, unsigned seconds,
                                                           hsmiam_error *error) HSMIAM_MUST_USE;

/** Puts a policy on record; an empty one lifts that in force. Under one, it needs an approval
 *  itself. Statuses: APPROVAL, CONFIG (no audit key; an approver that is an audit key), UNSETTLED
 *  (other processes are working on keys), those of writing. */
HSMIAM_API hsmiam_status hsmiam_ledger_set_policy(hsmiam_ledger *ledger,
                                                  const hsmiam_policy *policy,
                                                  hsmiam_error *error) HSMIAM_MUST_USE;

/** Verifies the ledger and makes a copy of the policy in force, an empty one if there is none. No
 *  token is needed. `sequence_out`, its record's number, may be NULL. Statuses: those of
 *  hsmiam_ledger_verify(). */
HSMIAM_API hsmiam_status hsmiam_ledger_get_policy(hsmiam_ledger *ledger, hsmiam_policy **policy_out,
                                                  uint64_t *sequence_out,
                                                  hsmiam_error *error) HSMIAM_MUST_USE;

/**
 * Approves a request by the key in an approver's token: verifies the ledger, shows the request,
 * signs, and leaves the approval in the ledger, unsigned by the audit key: the next writer that has
 * it countersigns. The ledger has no token set.
 * Statuses: APPROVAL (there is no such request, it cannot be approved, or not by that key; the
 * message says which), NOT_FOUND (the token has no approver's key), CANCELLED, those of
 * hsmiam_ledger_verify() and of hsmiam_token_open(), IO.
 */
HSMIAM_API hsmiam_status hsmiam_ledger_approve(hsmiam_ledger *ledger, uint64_t number,
                                               hsmiam_token *token, hsmiam_approval_fn confirm,
                                               void *context, hsmiam_error *error) HSMIAM_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
