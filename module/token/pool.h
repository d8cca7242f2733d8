/* SPDX-License-Identifier: Apache-2.0 */
/* What pool.c and reopen.c share. */
#ifndef HSMIAM_TOKEN_POOL_H
#define HSMIAM_TOKEN_POOL_H

#include "token/guard.h"
#include "token/session.h"

#define HSMIAM_SESSIONS_MAX 8

typedef struct hsmiam_pooled {
    hsmiam_session lent; /* first: what a borrower has is the address of this */
    hsmiam_guard *guard; /* NULL without a time-out */
    bool open;
    unsigned depth; /* how often its owner borrowed it; 0: it is free */
    pthread_t owner;
} hsmiam_pooled;

struct hsmiam_pool {
    hsmiam_token *token;
    _Atomic(pid_t) process; /* that opened it */
    hsmiam_watch watch;

    /* What a guard does that is more than one call. It may be left with it, and so with all of
     * this. */
    hsmiam_token *found;
    hsmiam_token probe; /* found, after a loss */
    hsmiam_status search_status;
    hsmiam_error search_error;
    bool left;

    bool alone; /* one session at a time is lent, among all such tokens of the process */

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    hsmiam_pooled sessions[HSMIAM_SESSIONS_MAX];
    size_t limit;
    CK_FUNCTION_LIST *functions; /* where the token is now, */
    CK_SLOT_ID slot;             /* which a loss may change */
    unsigned generation;         /* of the sessions; counts up with each loss */
    bool lost;                   /* no session of this generation is open yet */
    bool reopening;              /* some thread is about it */
    CK_RV loss;
};

/* Opens the first session of a generation: the one that logs in. `info` is what the token says now.
 * pool.c. */
hsmiam_status hsmiam_pool_open_first(hsmiam_pool *pool, const CK_TOKEN_INFO *info,
                                     hsmiam_error *error) HSMIAM_MUST_USE;

/* Finalises and unloads the modules, within the time-out. reopen.c. */
void hsmiam_pool_release(hsmiam_pool *pool);

/* Finds the token again and opens its first session. Without the lock, but alone: `reopening` is
 * set, nothing is lent, and no session is open. reopen.c. */
hsmiam_status hsmiam_pool_reopen(hsmiam_pool *pool, hsmiam_error *error) HSMIAM_MUST_USE;

#endif
