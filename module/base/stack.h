/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stack of a thread on which secrets are worked on: locked as it comes into use, left out of
 * core dumps, and wiped.
 */
#ifndef HSMIAM_BASE_STACK_H
#define HSMIAM_BASE_STACK_H

#include "base/error.h"

#include <pthread.h>

/* What the thread's work has of it. Behind that lies what libc keeps for a thread: the program's
 * thread-local variables above all, however large they are. */
#define HSMIAM_STACK_SIZE ((size_t)512 * 1024)

typedef struct hsmiam_stack {
    uint8_t *mapping; /* a guard page, and the stack; NULL: there is none */
    size_t page;
    size_t size; /* without the guard page */
} hsmiam_stack;

/* Starts a thread on a stack of its own, which blocks all signals. MEMORY, and nothing was done, if
 * the stack cannot be had or locked, or the thread cannot be had. */
hsmiam_status hsmiam_stack_start(void *(*run)(void *context), void *context, hsmiam_stack *stack,
                                 pthread_t *thread_out, hsmiam_error *error) HSMIAM_MUST_USE;

/* How many of `wanted` stacks could be locked now, each with so many more bytes for what is worked
 * on. Nothing stays locked. */
unsigned hsmiam_stack_count_lockable(unsigned wanted, size_t beside);

/* Wipes and unmaps the stack of a thread that was joined. */
void hsmiam_stack_clear(hsmiam_stack *stack);

/* For the thread itself, whose stack it is: wipes its registers, and all of the stack that its
 * caller does not use. */
void hsmiam_stack_wipe_unused(const hsmiam_stack *stack);

#endif
