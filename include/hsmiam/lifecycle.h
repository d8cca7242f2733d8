/* SPDX-License-Identifier: Apache-2.0 */
/* The life of access keys after their making: listed, switched off, deleted. Part of hsmiam.h,
 * which has the conventions. */
#ifndef HSMIAM_LIFECYCLE_H
#define HSMIAM_LIFECYCLE_H

#include <hsmiam/client.h>
#include <hsmiam/custody.h>
#include <hsmiam/error.h>

#include <stdbool.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What IAM, the token and the ledger tell of an access key. Strings are never NULL, "" if not
 * known or not so, and borrowed during the callback. The library may add fields at the end. */
typedef struct hsmiam_key_facts {
    const char *access_key_id;
    const char *user_name;         /**< "": the account's root user, or nobody tells */
    bool in_iam;                   /**< IAM knows the key */
    const char *status;            /**< "Active" or "Inactive" */
    time_t create_date;            /**< -1: not known, as below */
    long long age;                 /**< seconds by IAM's clock */
    bool use_known;                /**< IAM was asked for the last use, and told it: */
    time_t last_used;              /**< -1: never, as far as IAM knows */
    const char *last_used_service; /**< "N/A" if never, as the next */
    const char *last_used_region;

    bool in_token;   /**< the custody's token, or the credential's, holds it: */
    const char *uri; /**< the secret's PKCS#11 URI */
    const char *token_label;
    const char *token_serial;
    bool is_extractable;         /**< the secret can be taken out of a token, wrapped */
    const char *replica_serials; /**< of further tokens that hold it, parted by blanks */

    const char *origin;  /**< by the ledger: "issued" or "imported" */
    const char *made_by; /**< the operator who did it, */
    time_t made;         /**< when, */
    time_t proven;       /**< and when it was last proven that the token holds the secret */
} hsmiam_key_facts;

/** Receives the facts of one key, on the caller's thread. */
typedef void (*hsmiam_key_facts_fn)(void *context, const hsmiam_key_facts *facts);

/** The room of a marker, its NUL included. */
#define HSMIAM_MARKER_SIZE 1025

/**
 * Lists a page of a user's access keys, as IAM's ListAccessKeys does, and whether the custody's
 * token or the credential's holds them. The ledger is not asked.
 *
 * user_name  NULL: IAM takes the user of the signing key.
 * page_size  the most keys of the page, 1 to 1000; 0: IAM's own choice.
 * with_use   asks IAM for each key's last use too; where it refuses, that stays unknown.
 * marker     in: where to begin, "" at the first key. Out: where the next page begins, "" if this
 *            was the last one.
 * Statuses: ARGUMENT, SERVICE, NETWORK, REPLY, CANCELLED, those of hsmiam_signer_open() and of
 * hsmiam_token_open(). After a failure nothing was reported.
 */
HSMIAM_API hsmiam_status hsmiam_access_key_list(hsmiam_client *client, hsmiam_custody *custody,
                                                const char *user_name, unsigned page_size,
                                                bool with_use, char marker[HSMIAM_MARKER_SIZE],
                                                hsmiam_key_facts_fn report, void *context,
                                                hsmiam_error *error) HSMIAM_MUST_USE;

/**
 * Reports every access key of the account's users, and then those that the custody's token or the
 * credential's holds and no user has: of another account, of the account's root user, or deleted at
 * IAM; in_iam tells. Each is joined with what the ledger says of it, if that verifies. The root
 * user's own keys are listed only if the credential is one of them. Memory grows with what token
 * and ledger hold, not with the number of users.
 *
 * with_use  asks IAM for each key's last use, in a request for each.
 * Statuses: as hsmiam_access_key_list(), IO (the ledger cannot be read). What was reported before a
 * failure is not the whole.
 */
HSMIAM_API hsmiam_status hsmiam_access_key_inventory(hsmiam_client *client, hsmiam_custody *custody,
                                                     bool with_use, hsmiam_key_facts_fn report,
                                                     void *context,
                                                     hsmiam_error *error) HSMIAM_MUST_USE;

/**
 * Reports an access key's user and last use, as IAM's GetAccessKeyLastUsed does, and whether the
 * custody's token or the credential's holds it. Statuses: as hsmiam_access_key_list().
 */
HSMIAM_API hsmiam_status hsmiam_access_key_get_last_used(hsmiam_client *client,
                                                         hsmiam_custody *custody,
                                                         const char *access_key_id,
                                                         hsmiam_key_facts_fn report, void *context,
                                                         hsmiam_error *error) HSMIAM_MUST_USE;

/**
 * Makes an access key Active or Inactive, as IAM's UpdateAccessKey does. With a ledger, what is
 * asked for goes on record before, and what came of it after.
 *
 * user_name  NULL: IAM takes the user of the signing key.
 * status     "Active" or "Inactive".
 * Statuses: ARGUMENT, SERVICE, NETWORK, CANCELLED (nothing was changed); UNKNOWN_OUTCOME, REPLY (it
 * may have been; hsmiam_custody_recover() finds out); UNSETTLED (another process works on the
 * user's keys); those of hsmiam_signer_open(), hsmiam_token_open() and of the ledger.
 */
HSMIAM_API hsmiam_status hsmiam_access_key_update(hsmiam_client *client, hsmiam_custody *custody,
                                                  const char *user_name, const char *access_key_id,
                                                  const char *status,
                                                  hsmiam_error *error) HSMIAM_MUST_USE;

/**
 * Deletes an access key at IAM, and then its object in those of the custody's tokens, and the
 * credential's, that hold it. A ledger has it on record before IAM is asked, and again after each
 * step, so that hsmiam_custody_recover() ends what was interrupted. The key that signs may be
 * deleted as well: nothing can be signed by it afterwards.
 *
 * Statuses: as hsmiam_access_key_update(); with those of the token or the ledger, the message says
 * whether IAM deleted the key.
 */
HSMIAM_API hsmiam_status hsmiam_access_key_delete(hsmiam_client *client, hsmiam_custody *custody,
                                                  const char *user_name, const char *access_key_id,
                                                  hsmiam_error *error) HSMIAM_MUST_USE;

/**
 * Whether a token still holds a key that is gone: of the client's account by the ledger, made and
 * last used more than four minutes ago, with no user by IAM's GetAccessKeyLastUsed, unable to sign,
 * and held as that user's. Changes nothing. Statuses: OK; NOT_FOUND (no token holds it); UNSETTLED
 * (it exists, or who knows; the message says why); those of hsmiam_signer_open(),
 * hsmiam_token_open() and of the ledger.
 */
HSMIAM_API hsmiam_status hsmiam_access_key_check_leftover(hsmiam_client *client,
                                                          hsmiam_custody *custody,
                                                          const char *user_name,
                                                          const char *access_key_id,
                                                          hsmiam_error *error) HSMIAM_MUST_USE;

/**
 * As hsmiam_access_key_delete(); but where IAM knows no such key of that user (NoSuchEntity), and
 * hsmiam_access_key_check_leftover() passes, what the tokens hold of it is destroyed, and the
 * ledger has IAM's code with that. Statuses: as hsmiam_access_key_delete(); SERVICE: the message
 * says why the secret stays, if it does.
 */
HSMIAM_API hsmiam_status hsmiam_access_key_delete_leftover(hsmiam_client *client,
                                                           hsmiam_custody *custody,
                                                           const char *user_name,
                                                           const char *access_key_id,
                                                           hsmiam_error *error) HSMIAM_MUST_USE;

/** Checks the status that hsmiam_access_key_update() takes. Statuses: ARGUMENT. */
HSMIAM_API hsmiam_status hsmiam_key_status_check(const char *status,
                                                 hsmiam_error *error) HSMIAM_MUST_USE;

/** Checks an access key id as the functions here do, before anything is opened: 16 to 128 letters,
 *  digits and '_'. Statuses: ARGUMENT; the message says what is wrong, in the words of the AWS CLI.
 */
HSMIAM_API hsmiam_status hsmiam_access_key_id_check(const char *access_key_id,
                                                    hsmiam_error *error) HSMIAM_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
