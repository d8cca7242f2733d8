/* SPDX-License-Identifier: Apache-2.0 */
/* Access keys taken into a token, and issued. Part of hsmiam.h, which has the conventions. */
#ifndef HSMIAM_ACCESS_KEY_H
#define HSMIAM_ACCESS_KEY_H

#include <hsmiam/client.h>
#include <hsmiam/custody.h>
#include <hsmiam/error.h>

#include <stddef.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An access key that a token holds, proven. */
typedef struct hsmiam_access_key hsmiam_access_key;

/** Frees the record; the key stays in the token. */
HSMIAM_API void hsmiam_access_key_free(hsmiam_access_key **key);

/** The access key id. Borrowed. */
HSMIAM_API const char *hsmiam_access_key_get_id(const hsmiam_access_key *key);

/** The user name as IAM answered it or as it was given; "" if there is none (the account's root
 *  user). Borrowed. */
HSMIAM_API const char *hsmiam_access_key_get_user_name(const hsmiam_access_key *key);

/** "Active" or "Inactive" as IAM answered, "" after an import. Borrowed. */
HSMIAM_API const char *hsmiam_access_key_get_status(const hsmiam_access_key *key);

/** When IAM made the key, seconds since 1970-01-01T00:00:00Z; -1 after an import. */
HSMIAM_API time_t hsmiam_access_key_get_create_date(const hsmiam_access_key *key);

/** The PKCS#11 URI of the secret, without any PIN attribute. Borrowed. */
HSMIAM_API const char *hsmiam_access_key_get_uri(const hsmiam_access_key *key);

/** The PKCS#11 URI of the secret in the custody's first replica for 0, and so on; NULL where there
 * is none. Borrowed. */
HSMIAM_API const char *hsmiam_access_key_get_replica_uri(const hsmiam_access_key *key,
                                                         size_t index);

/** The route by which the secret went into the token: "rsa-oaep", "aes-kwp" or "create-object"; or
 *  "wrapped", if it came so. Borrowed. */
HSMIAM_API const char *hsmiam_access_key_get_import_route(const hsmiam_access_key *key);

/** The way in which the key serves SigV4: "sign" or "in-token". Borrowed. */
HSMIAM_API const char *hsmiam_access_key_get_sigv4_route(const hsmiam_access_key *key);

/**
 * Takes an access key that exists into the token, and proves it: token and host compute the same
 * HMAC over a fresh nonce, and the attributes read back are those of a private, sensitive key that
 * can only sign, or only derive, as its SigV4 route has it. Asks IAM nothing.
 *
 * access_key_id  16 to 128 letters, digits and '_'; becomes CKA_ID.
 * user_name      1 to 128 of [A-Za-z0-9_+=,.@-]; becomes CKA_LABEL. NULL: the id is the label.
 * secret         the secret access key, 16 to 128 printable ASCII bytes; the caller wipes it.
 * key_out        owned by the caller; may be NULL.
 * Statuses: ARGUMENT, EXISTS (the token holds that id), UNSUPPORTED (no route works), CUSTODY (the
 * proof failed; the object was destroyed again), those of hsmiam_token_open(); with a ledger, IO,
 * CONFIG and LEDGER (the message says whether the token holds the key).
 */
HSMIAM_API hsmiam_status hsmiam_access_key_import(hsmiam_custody *custody,
                                                  const char *access_key_id, const char *user_name,
                                                  const char *secret, size_t secret_size,
                                                  hsmiam_access_key **key_out,
                                                  hsmiam_error *error) HSMIAM_MUST_USE;

/**
 * Issues an access key: IAM CreateAccessKey, signed by the client's signer, its secret put straight
 * into the custody's token and proven there as by hsmiam_access_key_import(). The request is sent
 * again only where IAM certainly did not execute it. If the token cannot take the secret, the key
 * is deleted at IAM again. Opening the tokens and connecting to IAM go on at once, the former on a
 * thread of the call.
 *
 * user_name  1 to 128 of [A-Za-z0-9_+=,.@-]; NULL: IAM takes the user of the signing key.
 * key_out    owned by the caller.
 * Statuses: ARGUMENT, SERVICE, NETWORK, CANCELLED (nothing was made); CUSTODY, REPLY and
 * UNKNOWN_OUTCOME (a key was or may have been made: the message says its id where it is known, and
 * whether it was deleted); those of hsmiam_signer_open(); with a ledger, IO, CONFIG and LEDGER
 * (nothing was made, or the message names the key that the token holds).
 */
HSMIAM_API hsmiam_status hsmiam_access_key_create(hsmiam_client *client, hsmiam_custody *custody,
                                                  const char *user_name,
                                                  hsmiam_access_key **key_out,
                                                  hsmiam_error *error) HSMIAM_MUST_USE;

/**
 * Checks a user name as hsmiam_access_key_create() would, before anything is opened.
 * Statuses: ARGUMENT; the message says what is wrong, in the words of the AWS CLI.
 */
HSMIAM_API hsmiam_status hsmiam_user_name_check(const char *user_name,
                                                hsmiam_error *error) HSMIAM_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
