/* SPDX-License-Identifier: Apache-2.0 */
/* The IAM operations of the main job (Query API, version 2010-05-08). */
#ifndef HSMIAM_IAM_OPERATIONS_H
#define HSMIAM_IAM_OPERATIONS_H

#include "base/log.h"
#include "base/secret.h"
#include "token/token.h"

#define HSMIAM_ACCESS_KEY_STATUS_MAX 16
#define HSMIAM_ACCESS_KEYS_MAX       32

/* An access key as IAM tells it. */
typedef struct hsmiam_key_metadata {
    char user_name[HSMIAM_USER_NAME_MAX + 1]; /* "" for the account's root user */
    char id[HSMIAM_ACCESS_KEY_ID_MAX + 1];
    char status[HSMIAM_ACCESS_KEY_STATUS_MAX + 1];
    time_t create_date;
} hsmiam_key_metadata;

/* The keys of one user. */
typedef struct hsmiam_key_list {
    hsmiam_key_metadata keys[HSMIAM_ACCESS_KEYS_MAX];
    size_t count;
} hsmiam_key_list;

/* Called on the caller's thread whenever a connection stands and before the request is signed and
 * sent on it: what must be ready by then is waited for here. A failure stops the request, unsent.
 */
typedef hsmiam_status (*hsmiam_ready_fn)(void *context, hsmiam_error *error);

/* Sets the function; NULL takes it away. */
void hsmiam_client_set_ready(hsmiam_client *client, hsmiam_ready_fn ready, void *context);

/* The client's signer and log, for the layer above. Borrowed. */
hsmiam_signer *hsmiam_client_get_signer(const hsmiam_client *client);
const hsmiam_log *hsmiam_client_get_log(const hsmiam_client *client);

/* When the last byte of the secret that the last request brought arrived, in nanoseconds of the
 * monotonic clock; 0 if it brought none. */
int64_t hsmiam_client_get_secret_arrival(const hsmiam_client *client);

/* Derives the signing key for today's requests, so that signing them needs the token no more.
 * Statuses: those of hsmiam_signer_open(), TOKEN, CONFIG. */
hsmiam_status hsmiam_client_prime_signer(const hsmiam_client *client,
                                         hsmiam_error *error) HSMIAM_MUST_USE;

/* CreateAccessKey, sent once whatever happens. `user_name` may be NULL. The secret is appended to
 * `secret`, which the caller made and wipes. On a failure `key_out->id` holds the id of the key
 * nevertheless if the reply got as far as naming it (REPLY, UNKNOWN_OUTCOME), and is "" otherwise.
 */
hsmiam_status hsmiam_client_create_access_key(hsmiam_client *client, const char *user_name,
                                              hsmiam_key_metadata *key_out, hsmiam_secret *secret,
                                              hsmiam_error *error) HSMIAM_MUST_USE;

/* ListAccessKeys, all pages. `user_name` may be NULL. `may_cancel`: the client's cancel function is
 * asked meanwhile; where a key may be lost, it is not. */
hsmiam_status hsmiam_client_list_access_keys(hsmiam_client *client, const char *user_name,
                                             bool may_cancel, hsmiam_key_list *list_out,
                                             hsmiam_error *error) HSMIAM_MUST_USE;

/* DeleteAccessKey. It may be repeated: a key that is gone after an attempt whose outcome is unknown
 * counts as deleted.
 * `user_name` may be NULL. */
hsmiam_status hsmiam_client_delete_access_key(hsmiam_client *client, const char *user_name,
                                              const char *id, hsmiam_error *error) HSMIAM_MUST_USE;

#endif
