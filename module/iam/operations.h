/* SPDX-License-Identifier: Apache-2.0 */
/* The operations of IAM and STS that are needed here. Each is sent again where module/iam/retry.c
 * says so; what a status says holds for all of its attempts together. `may_cancel`: the client's
 * cancel function is asked meanwhile; where a key may be lost, it is not. */
#ifndef HSMIAM_IAM_OPERATIONS_H
#define HSMIAM_IAM_OPERATIONS_H

#include "base/log.h"
#include "base/secret.h"
#include "iam/pace.h"
#include "token/token.h"

#define HSMIAM_ACCESS_KEY_STATUS_MAX 16
#define HSMIAM_ACCESS_KEYS_MAX       32
#define HSMIAM_USERS_PAGE_MAX        40
#define HSMIAM_ARN_MAX               2047
#define HSMIAM_ACCOUNT_MAX           32
#define HSMIAM_USER_ID_MAX           255
#define HSMIAM_USE_MAX               64
#define HSMIAM_SESSION_TOKEN_MAX     8192 /* AWS names no limit, and makes some of 2 KiB */
#define HSMIAM_REQUEST_ID_SIZE       128
#define HSMIAM_ENDPOINT_SIZE         1024

/* An access key as IAM tells it. */
typedef struct hsmiam_key_metadata {
    char user_name[HSMIAM_USER_NAME_MAX + 1]; /* "" for the account's root user */
    char id[HSMIAM_ACCESS_KEY_ID_MAX + 1];
    char status[HSMIAM_ACCESS_KEY_STATUS_MAX + 1];
    time_t create_date;
    char request_id[HSMIAM_REQUEST_ID_SIZE]; /* of the answer to CreateAccessKey, "" if not told */
} hsmiam_key_metadata;

/* The keys of one user. */
typedef struct hsmiam_key_list {
    hsmiam_key_metadata keys[HSMIAM_ACCESS_KEYS_MAX];
    size_t count;
} hsmiam_key_list;

/* The last use of an access key. */
typedef struct hsmiam_key_usage {
    char user_name[HSMIAM_USER_NAME_MAX + 1]; /* "" for the account's root user */
    bool was_used;                            /* as far as IAM knows, which takes its time */
    time_t date;                              /* if it was */
    char region[HSMIAM_USE_MAX + 1];          /* "N/A" if it was not, as below */
    char service_name[HSMIAM_USE_MAX + 1];
} hsmiam_key_usage;

/* Who signs. */
typedef struct hsmiam_caller {
    char account[HSMIAM_ACCOUNT_MAX + 1];
    char arn[HSMIAM_ARN_MAX + 1];
    char user_id[HSMIAM_USER_ID_MAX + 1];
} hsmiam_caller;

/* A user of the account. */
typedef struct hsmiam_user {
    char name[HSMIAM_USER_NAME_MAX + 1];
    char id[HSMIAM_USER_ID_MAX + 1];
    time_t create_date;
} hsmiam_user;

/* Some of the account's users. */
typedef struct hsmiam_user_page {
    hsmiam_user users[HSMIAM_USERS_PAGE_MAX];
    size_t count;
} hsmiam_user_page;

/* Called on the caller's thread whenever a connection stands and before the request is signed and
 * sent on it: what must be ready by then is waited for here. A failure stops the request, unsent.
 */
typedef hsmiam_status (*hsmiam_ready_fn)(void *context, hsmiam_error *error);

/* Sets the function; NULL takes it away. */
void hsmiam_client_set_ready(hsmiam_client *client, hsmiam_ready_fn ready, void *context);

/* Called on the caller's thread once for each time that an operation which changes something is
 * sent: the request is signed and all is ready, and nothing of it has left. `signed_at` is its
 * X-Amz-Date. A failure stops it. The request may still stay unsent: of CreateAccessKey, a key may
 * exist only where the call comes to OK, UNKNOWN_OUTCOME or REPLY. */
typedef hsmiam_status (*hsmiam_before_send_fn)(void *context, time_t signed_at,
                                               hsmiam_error *error);

/* Sets the function; NULL takes it away. */
void hsmiam_client_set_before_send(hsmiam_client *client, hsmiam_before_send_fn before_send,
                                   void *context);

/* Whom the client asks: the name of the partition, static, and the URL of IAM.
 * Statuses: CONFIG (settings that do not go together), MEMORY. */
hsmiam_status hsmiam_client_describe(const hsmiam_client *client, const char **partition_out,
                                     char endpoint_out[HSMIAM_ENDPOINT_SIZE],
                                     hsmiam_error *error) HSMIAM_MUST_USE;

/* IAM's clock, or STS's: the Date of the last answer that had one. false if none had. */
bool hsmiam_client_get_service_time(const hsmiam_client *client, time_t *time_out) HSMIAM_MUST_USE;

/* Lets another signer sign, and returns the one that did. */
hsmiam_signer *hsmiam_client_swap_signer(hsmiam_client *client, hsmiam_signer *signer);

/* Whether one of the attempts of the last call, the last one or one before, may have been executed:
 * a refusal then does not say that nothing was done. */
bool hsmiam_client_was_perhaps_executed(const hsmiam_client *client);

/* With true, what is asked next is given few seconds and one attempt: for what one can do without.
 */
void hsmiam_client_set_hurried(hsmiam_client *client, bool hurried);

/* Makes a client with the settings of another one, which another signer signs for (borrowed): for a
 * thread of its own. It has no connection yet. Statuses: MEMORY. */
hsmiam_status hsmiam_client_new_like(const hsmiam_client *like, hsmiam_signer *signer,
                                     hsmiam_client **client_out,
                                     hsmiam_error *error) HSMIAM_MUST_USE;

/* Sets the pace that clients share (borrowed). Throttling then is no failed attempt, but slows all
 * of them down. NULL, the default: each goes by itself. */
void hsmiam_client_set_pace(hsmiam_client *client, hsmiam_pace *pace);

/* Whether the client's cancel function wants an end. */
bool hsmiam_client_is_cancelled(const hsmiam_client *client);

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

/* CreateAccessKey, sent again only where it certainly was not executed. `user_name` may be NULL.
 * The secret is appended to `secret`, which the caller made and wipes. On a failure `key_out->id`
 * holds the id of the key nevertheless if the reply got as far as naming it (REPLY,
 * UNKNOWN_OUTCOME), and is "" otherwise. */
hsmiam_status hsmiam_client_create_access_key(hsmiam_client *client, const char *user_name,
                                              hsmiam_key_metadata *key_out, hsmiam_secret *secret,
                                              hsmiam_error *error) HSMIAM_MUST_USE;

/* A page of ListAccessKeys, added to `list`. `marker`: where it begins ("": at the first key), and
 * then where the next page does ("": there is none). `max_items`: of the page; 0: as IAM has it.
 * `user_name` may be NULL. */
hsmiam_status hsmiam_client_list_access_keys_page(hsmiam_client *client, const char *user_name,
                                                  unsigned max_items, bool may_cancel,
                                                  hsmiam_key_list *list,
                                                  char marker[HSMIAM_MARKER_SIZE],
                                                  hsmiam_error *error) HSMIAM_MUST_USE;

/* ListAccessKeys, all pages. `user_name` may be NULL. */
hsmiam_status hsmiam_client_list_access_keys(hsmiam_client *client, const char *user_name,
                                             bool may_cancel, hsmiam_key_list *list_out,
                                             hsmiam_error *error) HSMIAM_MUST_USE;

/* UpdateAccessKey: makes a key "Active" or "Inactive". `user_name` may be NULL. */
hsmiam_status hsmiam_client_update_access_key(hsmiam_client *client, const char *user_name,
                                              const char *id, const char *status, bool may_cancel,
                                              hsmiam_error *error) HSMIAM_MUST_USE;

/* DeleteAccessKey, never cancelled. A key that is gone after an attempt whose outcome is unknown
 * counts as deleted. `user_name` may be NULL. */
hsmiam_status hsmiam_client_delete_access_key(hsmiam_client *client, const char *user_name,
                                              const char *id, hsmiam_error *error) HSMIAM_MUST_USE;

/* The same, but a key that IAM does not know is refused in any case. */
hsmiam_status hsmiam_client_send_deletion(hsmiam_client *client, const char *user_name,
                                          const char *id, hsmiam_error *error) HSMIAM_MUST_USE;

/* GetAccessKeyLastUsed. IAM refuses (AccessDenied) an id that is not the account's. */
hsmiam_status hsmiam_client_get_key_usage(hsmiam_client *client, const char *id, bool may_cancel,
                                          hsmiam_key_usage *usage_out,
                                          hsmiam_error *error) HSMIAM_MUST_USE;

/* GetCallerIdentity, of STS: whom the client's signer signs for. */
hsmiam_status hsmiam_client_get_caller(hsmiam_client *client, bool may_cancel,
                                       hsmiam_caller *caller_out,
                                       hsmiam_error *error) HSMIAM_MUST_USE;

/* A page of ListUsers. `marker`: as of hsmiam_client_list_access_keys_page(). */
hsmiam_status hsmiam_client_list_users_page(hsmiam_client *client, bool may_cancel,
                                            char marker[HSMIAM_MARKER_SIZE],
                                            hsmiam_user_page *page_out,
                                            hsmiam_error *error) HSMIAM_MUST_USE;

#endif
