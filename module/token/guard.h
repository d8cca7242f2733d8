/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of a module that may never come back. Each is made on a thread of the guard's, over copies
 * of all that it reads and writes; if it takes too long, the thread is left to itself with what it
 * may still touch, its stack among it, and the caller goes on without it.
 */
#ifndef HSMIAM_TOKEN_GUARD_H
#define HSMIAM_TOKEN_GUARD_H

#include "token/cryptoki.h"
#include "token/watch.h"

/* One thread, for one call at a time. */
typedef struct hsmiam_guard hsmiam_guard;

/* Makes a guard. `watch` must outlive it. NULL: no memory. */
hsmiam_guard *hsmiam_guard_new(hsmiam_watch *watch);

/* Starts the guard's thread, before anything is run on it. Its stack is locked, left out of core
 * dumps, and wiped after each call. Safe to call again. Statuses: MEMORY, also where too little
 * could be locked afterwards for the work on secrets. */
hsmiam_status hsmiam_guard_start(hsmiam_guard *guard, hsmiam_error *error) HSMIAM_MUST_USE;

/* Sets what the guarded functions call. */
void hsmiam_guard_set_slot(hsmiam_guard *guard, CK_FUNCTION_LIST *functions, CK_SLOT_ID slot);

/* Ends the thread and frees. A thread that did not come back keeps what it needs. In a forked child
 * there is no thread to end: `forked`. */
void hsmiam_guard_free(hsmiam_guard **guard, bool forked);

/* Leaves the guard to its thread, which did not come back, and with it what `last` frees should it
 * ever do. False if it is back: then the caller frees both. */
bool hsmiam_guard_leave(hsmiam_guard *guard, void (*last)(void *argument), void *argument);

/* The functions of a guarded session or slot: PKCS#11's own, but that a slot's number and a
 * session's handle are the address of its guard. One session each. Those that this layer does not
 * use are NULL. */
extern CK_FUNCTION_LIST hsmiam_guarded_functions;

/* Runs `function` on the guard's thread: false if it did not come back in time. Then `argument` and
 * all that the function touches belong to the thread, for good; or, where no time was left, it was
 * not called. `name` is what it calls, for the message, and static; NULL: it tells the watch
 * itself. `factor`: how many times the limit it may take. */
bool hsmiam_guard_run(hsmiam_guard *guard, const char *name, unsigned factor,
                      void (*function)(void *argument), void *argument);

/* For the guarded functions, guarded.c ----------------------------------------------------------*/

#define HSMIAM_CALL_PARTS 4

/* A call, in the guard's own memory. */
typedef struct hsmiam_token_call {
    CK_FUNCTION_LIST *functions;
    CK_SLOT_ID slot;
    CK_SESSION_HANDLE session;
    CK_RV (*make)(struct hsmiam_token_call *call);
    CK_RV rv;

    CK_ULONG numbers[HSMIAM_CALL_PARTS];
    void *parts[HSMIAM_CALL_PARTS]; /* in `room`, or NULL */
    CK_ULONG sizes[HSMIAM_CALL_PARTS];
    CK_MECHANISM mechanism;
    CK_SESSION_INFO session_info;
    CK_TOKEN_INFO token_info;
    CK_MECHANISM_INFO mechanism_info;

    hsmiam_secret *room; /* for all that is copied: PINs, values and MACs are among it */
    bool full;
} hsmiam_token_call;

/* The guard's call, to be filled. The caller has the guard to himself until the end. */
hsmiam_token_call *hsmiam_guard_begin(hsmiam_guard *guard);

/* Makes the call by `make` and returns its result, or HSMIAM_RV_NO_ANSWER. */
CK_RV hsmiam_guard_make(hsmiam_guard *guard, const char *name, unsigned factor,
                        CK_RV (*make)(hsmiam_token_call *call));

/* Wipes what was copied. */
void hsmiam_guard_end(hsmiam_guard *guard);

/* marshal.c: copies into the call's room. What does not fit sets `full`. */
void *hsmiam_token_call_copy(hsmiam_token_call *call, const void *data, size_t size);
void hsmiam_token_call_put(hsmiam_token_call *call, size_t part, const void *data, CK_ULONG size);
void hsmiam_token_call_put_template(hsmiam_token_call *call, size_t part,
                                    const CK_ATTRIBUTE *template, CK_ULONG count);
void hsmiam_token_call_put_mechanism(hsmiam_token_call *call, const CK_MECHANISM *mechanism);

#endif
