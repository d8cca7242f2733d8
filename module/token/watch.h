/* SPDX-License-Identifier: Apache-2.0 */
/* How long a token's module may take, how long it took, and what it is asked: one per token. */
#ifndef HSMIAM_TOKEN_WATCH_H
#define HSMIAM_TOKEN_WATCH_H

#include "base/error.h"

#include <pthread.h>
#include <stdatomic.h>

#define HSMIAM_WATCH_MODULE_MAX 128

struct hsmiam_watch {
    unsigned seconds;             /* for all of its calls; 0: no limit, and no guards */
    atomic_llong spent;           /* nanoseconds of them */
    atomic_bool closing;          /* what was to be done is done */
    atomic_llong waited;          /* nanoseconds, for the function that did not come back; */
    atomic_uint factor;           /* how many times the limit it had; */
    _Atomic(const char *) silent; /* its name; NULL */

    /* While the token is searched for: one call of the guard's is many of the module's. */
    pthread_mutex_t lock;
    const char *asked;
    char module[HSMIAM_WATCH_MODULE_MAX]; /* "": it is not known which */
};

typedef struct hsmiam_watch hsmiam_watch;

void hsmiam_watch_init(hsmiam_watch *watch);
void hsmiam_watch_clear(hsmiam_watch *watch);

/* Says what is asked next. `module` is the name of the one that is; NULL: the same as before. The
 * function's name is static. `watch` may be NULL. */
void hsmiam_watch_ask(hsmiam_watch *watch, const char *function, const char *module);

/* How many nanoseconds a call may take now that may take `factor` times the limit. */
int64_t hsmiam_watch_get_allowance(hsmiam_watch *watch, unsigned factor);

/* Counts a call that came back. */
void hsmiam_watch_count(hsmiam_watch *watch, unsigned factor, int64_t nanoseconds);

/* Remembers a call that did not. `function` NULL: the one that was asked last. */
void hsmiam_watch_give_up(hsmiam_watch *watch, const char *function, unsigned factor,
                          int64_t nanoseconds);

/* All of the time is there again. */
void hsmiam_watch_renew(hsmiam_watch *watch);

/* TOKEN, saying what did not come back. `label`: the token's; "" while that is searched for. */
hsmiam_status hsmiam_watch_set_error(hsmiam_watch *watch, const char *label, hsmiam_error *error);

#endif
