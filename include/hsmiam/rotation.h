/* SPDX-License-Identifier: Apache-2.0 */
/* Replacing an access key by a new one. Part of hsmiam.h, which has the conventions. */
#ifndef HSMIAM_ROTATION_H
#define HSMIAM_ROTATION_H

#include <hsmiam/access_key.h>

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Which key is rotated, and how. Zero-initialised: the one that signs, and nothing is deleted. */
typedef struct hsmiam_rotation_options {
    const char *user_name;  /**< whose key; NULL: the key that the client's signer signs with */
    bool delete_old;        /**< delete the old key too, at IAM and then in the tokens; if the last
                                 rotation of the user left its old key inactive, do that alone */
    bool delete_inactive;   /**< delete an inactive key that takes the place of the new one */
    bool others_only;       /**< refuse a user whose key the client's signer signs with: work for
                                 other users would go on with a key that is about to end */
    unsigned proofs;        /**< how often in a row IAM must know the new key; 0: 3 times */
    unsigned proof_seconds; /**< how long that is waited for; 0: 120 */
} hsmiam_rotation_options;

/** What a rotation came to. */
typedef struct hsmiam_rotation hsmiam_rotation;

/** Frees the record; the keys stay as they are. */
HSMIAM_API void hsmiam_rotation_free(hsmiam_rotation **rotation);

/** The new key; NULL if an old one was deleted, and the token does not hold what replaced it.
 *  Borrowed. */
HSMIAM_API const hsmiam_access_key *hsmiam_rotation_get_key(const hsmiam_rotation *rotation);

/** The id of the old key. Borrowed. */
HSMIAM_API const char *hsmiam_rotation_get_previous_id(const hsmiam_rotation *rotation);

/** What became of the old key: "Inactive" or "Deleted". Static. */
HSMIAM_API const char *hsmiam_rotation_get_previous_status(const hsmiam_rotation *rotation);

/** True if the old key is the one that the client's signer signs with. */
HSMIAM_API bool hsmiam_rotation_is_of_signer(const hsmiam_rotation *rotation);

/**
 * Replaces a user's one active access key by a new one in the custody's token, or the key that
 * signs itself. The new key is issued as by hsmiam_access_key_create(). Then GetCallerIdentity is
 * signed with it in the token until IAM has known it several times in a row, and only then is the
 * old key deactivated: by the client's signer, or where that signs with the old key, by the new
 * one.
 *
 * Every step goes on record, so the custody must have a ledger. What was interrupted goes on when
 * this is called again, or by hsmiam_custody_recover(), which makes no key: no third key is made,
 * and no key is deactivated before another one was seen to work.
 *
 * rotation_out  owned by the caller.
 * Statuses: ARGUMENT (no ledger, no such name, or not one of the others), EXISTS (the user has two
 * active keys, or an inactive one that nobody asked to delete; nothing was done), NOT_FOUND (no
 * active key), UNSETTLED (it is not known yet what became of an earlier request; or IAM does not
 * know the new key yet), those of hsmiam_access_key_create(). After a failure the old key is as it
 * was, or inactive or deleted if the message says so.
 */
HSMIAM_API hsmiam_status hsmiam_access_key_rotate(hsmiam_client *client, hsmiam_custody *custody,
                                                  const hsmiam_rotation_options *options,
                                                  hsmiam_rotation **rotation_out,
                                                  hsmiam_error *error) HSMIAM_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
