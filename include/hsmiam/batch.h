/* SPDX-License-Identifier: Apache-2.0 */
/* Batches: the same work for many users, several of them at a time. Part of hsmiam.h, which has the
 * conventions. */
#ifndef HSMIAM_BATCH_H
#define HSMIAM_BATCH_H

#include <hsmiam/client.h>
#include <hsmiam/custody.h>
#include <hsmiam/error.h>

#include <stdbool.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The room for a user name, its NUL included. */
#define HSMIAM_USER_NAME_SIZE 129

/** How many users are worked on at a time if nobody says otherwise, and at most. */
#define HSMIAM_BATCH_CONCURRENCY_DEFAULT 8
#define HSMIAM_BATCH_CONCURRENCY_MAX     64

/** Hands over the next user name; false: there is none any more. Never called by two threads at
 *  once, but maybe while another one asks the client's cancel function. It may wait for a name:
 *  nobody's work waits with it. */
typedef bool (*hsmiam_batch_next_fn)(void *context, char user_name_out[HSMIAM_USER_NAME_SIZE]);

/** Does the work for one user, by hsmiam_access_key_create() or the like, on a thread of the
 *  batch's that has this client and this custody to itself. What it returns, with `error`, tells
 *  whether the batch goes on. Several threads call it at once. */
typedef hsmiam_status (*hsmiam_batch_work_fn)(void *context, hsmiam_client *client,
                                              hsmiam_custody *custody, const char *user_name,
                                              hsmiam_error *error);

/** Called some times a second while the batch goes on, on the caller's thread. */
typedef void (*hsmiam_batch_tick_fn)(void *context);

/** What a batch does. All borrowed. */
typedef struct hsmiam_batch {
    hsmiam_batch_next_fn next;
    hsmiam_batch_work_fn work;
    hsmiam_batch_tick_fn tick; /**< may be NULL */
    void *context;             /**< of the three */
    unsigned concurrency;      /**< users at a time; 0: the default */
} hsmiam_batch;

/**
 * Works through users. First the tokens are opened, the import is rehearsed, once, and the ledger
 * is read; if that fails, nothing was begun. Then each of the batch's threads takes one user after
 * the other. They have a connection each, with the client's settings, and share the token's
 * sessions and one pace: when IAM throttles one of them, all wait, go on slower, and slowly faster
 * again, and no attempt is counted as failed for that. Memory does not depend on how many users
 * there are.
 *
 * No further user is begun once the client's cancel function says so, which is then asked by one
 * thread at a time, or once the work returned what would befall the others as well: anything that
 * is not about a user but about the token, the ledger, the credential, memory or a file, a key that
 * the token could not take in, or IAM out of reach for as many users in a row as there are threads,
 * and three at least. What is under way is brought to its end.
 *
 * client, custody  not to be used by others meanwhile.
 * Statuses: OK (every user was begun; what the work returned for each is not told again);
 * CANCELLED; those of hsmiam_signer_open() and hsmiam_custody_prepare(); MEMORY (also if no thread
 * could lock its stack: of what may be locked each takes some 600 KiB, twice that with a token that
 * has a time-out; fewer threads than wanted are no failure, and a NOTICE tells); what the work
 * returned that stopped the batch.
 */
HSMIAM_API hsmiam_status hsmiam_batch_run(hsmiam_client *client, hsmiam_custody *custody,
                                          const hsmiam_batch *batch,
                                          hsmiam_error *error) HSMIAM_MUST_USE;

/** Receives a user's key that a token took in (`held`), or of which the token was rid later. */
typedef void (*hsmiam_held_fn)(void *context, const char *user_name, const char *access_key_id,
                               bool held);

/**
 * Tells which keys of users the ledger shows as issued into the custody's token, and as deleted
 * again, in the order of the records; users of the credential's account. The whole ledger is
 * verified first, for a batch passes over those who have a key.
 * Statuses: as hsmiam_custody_prepare(); LEDGER, IO (there is no ledger).
 */
HSMIAM_API hsmiam_status hsmiam_custody_find_held(hsmiam_client *client, hsmiam_custody *custody,
                                                  hsmiam_held_fn take, void *context,
                                                  hsmiam_error *error) HSMIAM_MUST_USE;

/** Receives a user whose rotation came to its end; `old_is_deleted`: so did the old key. */
typedef void (*hsmiam_rotated_fn)(void *context, const char *user_name, bool old_is_deleted);

/**
 * Tells which users' keys the ledger shows as replaced by one in the custody's token since then,
 * in the order of the records; users of the credential's account. One is told twice where the old
 * key was deleted after it was deactivated. The whole ledger is verified first.
 *
 * since  seconds since 1970-01-01T00:00:00Z.
 * Statuses: as hsmiam_custody_find_held().
 */
HSMIAM_API hsmiam_status hsmiam_custody_find_rotated(hsmiam_client *client, hsmiam_custody *custody,
                                                     time_t since, hsmiam_rotated_fn take,
                                                     void *context,
                                                     hsmiam_error *error) HSMIAM_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
