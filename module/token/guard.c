/* SPDX-License-Identifier: Apache-2.0 */
#include "token/guard.h"

#include "base/stack.h"

#include <limits.h>
#include <stdlib.h>
#include <time.h>

#define ROOM 32768

typedef enum guard_state {
    GUARD_IDLE,
    GUARD_WORKING,
    GUARD_DONE,
    GUARD_STOPPING,
    GUARD_LEFT,  /* in a call that nobody waits for any more, */
    GUARD_BACK,  /* out of it: the thread is gone, the guard is its owner's, */
    GUARD_ORPHAN /* or still in it, and the guard is the thread's */
} guard_state;

struct hsmiam_guard {
    hsmiam_watch *watch; /* the caller's; the thread does not touch it */
    hsmiam_call call;
    hsmiam_call spare;     /* to be filled for nothing, when the other is in use for good */
    pthread_mutex_t alone; /* held by whoever makes a call */

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    guard_state state;
    void (*function)(void *argument);
    void *argument;
    pthread_t thread;
    hsmiam_stack stack; /* the thread's; it stays for ever if the thread does not come back */
    bool started;
    void (*last)(void *argument); /* for an orphan to do */
    void *last_argument;
};

hsmiam_guard *hsmiam_guard_new(hsmiam_watch *watch)
{
    hsmiam_guard *guard = calloc(1, sizeof *guard);
    pthread_condattr_t attributes;

    if (guard == NULL)
        return NULL;
    guard->watch = watch;
    (void)pthread_mutex_init(&guard->alone, NULL);
    (void)pthread_mutex_init(&guard->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&guard->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    return guard;
}

static void destroy(hsmiam_guard *guard)
{
    hsmiam_secret_free(&guard->call.room);
    (void)pthread_cond_destroy(&guard->changed);
    (void)pthread_mutex_destroy(&guard->lock);
    (void)pthread_mutex_destroy(&guard->alone);
    free(guard);
}

void hsmiam_guard_free(hsmiam_guard **guard, bool forked)
{
    if (guard == NULL || *guard == NULL)
        return;
    hsmiam_guard *old = *guard;

    *guard = NULL;
    /* Its locks may be held by threads that are not here. */
    if (forked) {
        hsmiam_stack_clear(&old->stack);
        return;
    }
    (void)pthread_mutex_lock(&old->lock);
    guard_state before = old->state;
    bool started = old->started;
    old->state = before == GUARD_LEFT ? GUARD_ORPHAN : GUARD_STOPPING;
    if (before == GUARD_LEFT)
        (void)pthread_detach(old->thread);
    (void)pthread_cond_broadcast(&old->changed);
    (void)pthread_mutex_unlock(&old->lock);
    if (before == GUARD_LEFT)
        return;
    if (started) {
        (void)pthread_join(old->thread, NULL);
        hsmiam_stack_clear(&old->stack);
    }
    destroy(old);
}

bool hsmiam_guard_leave(hsmiam_guard *guard, void (*last)(void *argument), void *argument)
{
    (void)pthread_mutex_lock(&guard->lock);
    bool still = guard->state == GUARD_LEFT;
    if (still) {
        (void)pthread_detach(guard->thread);
        guard->state = GUARD_ORPHAN;
        guard->last = last;
        guard->last_argument = argument;
    }
    (void)pthread_mutex_unlock(&guard->lock);
    return still;
}

/* Waits for work and does it, until there will be no more. Under the lock, but for the work. */
static void work(hsmiam_guard *guard)
{
    while (guard->state != GUARD_STOPPING) {
        if (guard->state != GUARD_WORKING) {
            (void)pthread_cond_wait(&guard->changed, &guard->lock);
            continue;
        }
        (void)pthread_mutex_unlock(&guard->lock);
        guard->function(guard->argument);
        /* This thread stays, with what a login or an HMAC left in its registers and on its stack.
         */
        hsmiam_stack_wipe_unused(&guard->stack);
        (void)pthread_mutex_lock(&guard->lock);
        if (guard->state != GUARD_WORKING)
            return;
        guard->state = GUARD_DONE;
        (void)pthread_cond_broadcast(&guard->changed);
    }
}

static void *run(void *context)
{
    hsmiam_guard *guard = context;

    (void)pthread_mutex_lock(&guard->lock);
    work(guard);
    bool orphan = guard->state == GUARD_ORPHAN;
    if (guard->state == GUARD_LEFT) {
        guard->state = GUARD_BACK;
        /* Whoever gave up left here what the call was to read. */
        if (guard->call.room != NULL)
            hsmiam_secret_truncate(guard->call.room, 0);
    }
    (void)pthread_mutex_unlock(&guard->lock);
    if (orphan && guard->last != NULL)
        guard->last(guard->last_argument);
    if (orphan)
        destroy(guard);
    return NULL;
}

hsmiam_status hsmiam_guard_start(hsmiam_guard *guard, hsmiam_error *error)
{
    hsmiam_status status = HSMIAM_OK;

    (void)pthread_mutex_lock(&guard->lock);
    if (!guard->started)
        status = hsmiam_stack_start(run, guard, &guard->stack, &guard->thread, error);
    guard->started = status == HSMIAM_OK;
    (void)pthread_mutex_unlock(&guard->lock);
    return status;
}

/* Under the lock. False if it is time to give up. */
static bool wait_until_done(hsmiam_guard *guard, unsigned seconds)
{
    struct timespec end;

    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += (time_t)seconds;
    while (guard->state == GUARD_WORKING)
        if (pthread_cond_timedwait(&guard->changed, &guard->lock, &end) != 0 &&
            guard->state == GUARD_WORKING)
            return false;
    return true;
}

bool hsmiam_guard_run(hsmiam_guard *guard, const char *name, unsigned factor,
                      void (*function)(void *argument), void *argument)
{
    hsmiam_watch *watch = guard->watch;
    unsigned limit = watch->seconds > UINT_MAX / factor ? UINT_MAX : watch->seconds * factor;

    (void)pthread_mutex_lock(&guard->lock);
    guard->function = function;
    guard->argument = argument;
    guard->state = GUARD_WORKING;
    (void)pthread_cond_broadcast(&guard->changed);
    bool done = wait_until_done(guard, limit);
    if (done) {
        guard->state = GUARD_IDLE;
    } else {
        guard->state = GUARD_LEFT;
        atomic_store(&watch->waited, limit);
        atomic_store(&watch->silent, name);
    }
    (void)pthread_mutex_unlock(&guard->lock);
    return done;
}

hsmiam_call *hsmiam_guard_begin(hsmiam_guard *guard)
{
    (void)pthread_mutex_lock(&guard->alone);
    if (atomic_load(&guard->watch->silent) != NULL) {
        guard->spare.full = true;
        return &guard->spare;
    }
    guard->call.full = false;
    if (guard->call.room == NULL && hsmiam_secret_new(ROOM, &guard->call.room, NULL) != HSMIAM_OK)
        guard->call.full = true;
    return &guard->call;
}

static void make_call(void *argument)
{
    hsmiam_call *call = argument;

    call->rv = call->make(call);
}

CK_RV hsmiam_guard_make(hsmiam_guard *guard, const char *name, unsigned factor,
                        CK_RV (*make)(hsmiam_call *call))
{
    if (atomic_load(&guard->watch->silent) != NULL)
        return HSMIAM_RV_NO_ANSWER;
    if (guard->call.full)
        return CKR_HOST_MEMORY;
    guard->call.make = make;
    return hsmiam_guard_run(guard, name, factor, make_call, &guard->call) ? guard->call.rv
                                                                          : HSMIAM_RV_NO_ANSWER;
}

void hsmiam_guard_end(hsmiam_guard *guard)
{
    /* Who still reads a PIN there must not find another one. */
    (void)pthread_mutex_lock(&guard->lock);
    if (guard->state == GUARD_IDLE && guard->call.room != NULL)
        hsmiam_secret_truncate(guard->call.room, 0);
    (void)pthread_mutex_unlock(&guard->lock);
    (void)pthread_mutex_unlock(&guard->alone);
}

void hsmiam_guard_set_slot(hsmiam_guard *guard, CK_FUNCTION_LIST *functions, CK_SLOT_ID slot)
{
    guard->call.functions = functions;
    guard->call.slot = slot;
}
