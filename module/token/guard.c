/* SPDX-License-Identifier: Apache-2.0 */
#include "token/guard.h"

#include "base/stack.h"
#include "base/time.h"

#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>

#define ROOM   32768
#define SECOND 1000000000LL

/* A call follows the other, and most of them take less than it takes a thread to wake up: both
 * sides stay awake for so many nanoseconds, as long as nobody else wants the processor. */
#define BRIEFLY 100000

/* What must remain to be locked, beside another stack, for those who work on secrets meanwhile:
 * half of it. */
#define LEFT_TO_SECRETS ((size_t)128 * 1024)

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
    hsmiam_token_call call;
    hsmiam_token_call spare; /* to be filled for nothing, when the other is in use for good */
    pthread_mutex_t alone;   /* held by whoever makes a call */

    /* To wake up by. A condition variable's waiter would find the lock taken, and sleep again. */
    sem_t go;
    sem_t done;

    pthread_mutex_t lock; /* guards what follows */
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

    if (guard == NULL)
        return NULL;
    guard->watch = watch;
    (void)pthread_mutex_init(&guard->alone, NULL);
    (void)pthread_mutex_init(&guard->lock, NULL);
    (void)sem_init(&guard->go, 0, 0);
    (void)sem_init(&guard->done, 0, 0);
    return guard;
}

static void destroy(hsmiam_guard *guard)
{
    hsmiam_secret_free(&guard->call.room);
    (void)sem_destroy(&guard->done);
    (void)sem_destroy(&guard->go);
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
    (void)pthread_mutex_unlock(&old->lock);
    if (before == GUARD_LEFT)
        return;
    if (started) {
        (void)sem_post(&old->go);
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

/* Whether the state was `from`; then it is `to` now. */
static bool change(hsmiam_guard *guard, guard_state from, guard_state to)
{
    (void)pthread_mutex_lock(&guard->lock);
    bool was = guard->state == from;
    if (was)
        guard->state = to;
    (void)pthread_mutex_unlock(&guard->lock);
    return was;
}

/* False if that did not happen briefly. */
static bool wait_awake(sem_t *semaphore)
{
    int64_t end = hsmiam_time_get_monotonic() + BRIEFLY;

    do {
        if (sem_trywait(semaphore) == 0)
            return true;
        (void)sched_yield();
    } while (hsmiam_time_get_monotonic() < end);
    return false;
}

static void wait_to_go(sem_t *go)
{
    if (wait_awake(go))
        return;
    while (sem_wait(go) != 0) /* a signal */
        continue;
}

/* Waits for work and does it, until there will be no more. */
static void work(hsmiam_guard *guard)
{
    for (;;) {
        wait_to_go(&guard->go);
        if (change(guard, GUARD_STOPPING, GUARD_STOPPING))
            return;
        guard->function(guard->argument);
        /* This thread stays, with what a login or an HMAC left in its registers and on its stack.
         */
        hsmiam_stack_wipe_unused(&guard->stack);
        if (!change(guard, GUARD_WORKING, GUARD_DONE))
            return;
        (void)sem_post(&guard->done);
    }
}

static void *run(void *context)
{
    hsmiam_guard *guard = context;

    work(guard);
    (void)pthread_mutex_lock(&guard->lock);
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
    if (!guard->started && hsmiam_stack_count_lockable(2, LEFT_TO_SECRETS) < 2)
        status = hsmiam_error_set_unlocked(error, ENOMEM, 2 * (HSMIAM_STACK_SIZE + LEFT_TO_SECRETS),
                                           "a thread that waits for the token, and one more");
    if (!guard->started && status == HSMIAM_OK)
        status = hsmiam_stack_start(run, guard, &guard->stack, &guard->thread, error);
    guard->started = status == HSMIAM_OK;
    (void)pthread_mutex_unlock(&guard->lock);
    return status;
}

/* False if it is time to give up. */
static bool wait_until_done(hsmiam_guard *guard, int64_t end)
{
    const struct timespec when = {(time_t)(end / SECOND), (long)(end % SECOND)};

    if (wait_awake(&guard->done))
        return true;
    while (sem_clockwait(&guard->done, CLOCK_MONOTONIC, &when) != 0)
        if (errno != EINTR && change(guard, GUARD_WORKING, GUARD_LEFT))
            return false;
    return true;
}

bool hsmiam_guard_run(hsmiam_guard *guard, const char *name, unsigned factor,
                      void (*function)(void *argument), void *argument)
{
    hsmiam_watch *watch = guard->watch;
    int64_t allowance = hsmiam_watch_get_allowance(watch, factor);
    int64_t start = hsmiam_time_get_monotonic();
    bool done = false;

    if (allowance == 0) {
        hsmiam_watch_give_up(watch, name, factor, 0);
        return false;
    }
    guard->function = function;
    guard->argument = argument;
    (void)change(guard, GUARD_IDLE, GUARD_WORKING);
    (void)sem_post(&guard->go);
    done = wait_until_done(guard, start + allowance);
    int64_t taken = hsmiam_time_get_monotonic() - start;
    if (done) {
        (void)change(guard, GUARD_DONE, GUARD_IDLE);
        hsmiam_watch_count(watch, factor, taken);
    } else {
        hsmiam_watch_give_up(watch, name, factor, taken);
    }
    return done;
}

hsmiam_token_call *hsmiam_guard_begin(hsmiam_guard *guard)
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
    hsmiam_token_call *call = argument;

    call->rv = call->make(call);
}

CK_RV hsmiam_guard_make(hsmiam_guard *guard, const char *name, unsigned factor,
                        CK_RV (*make)(hsmiam_token_call *call))
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
