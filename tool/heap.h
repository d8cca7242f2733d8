/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of the process's memory, and what a person is told of it. */
#ifndef HSMIAM_TOOL_HEAP_H
#define HSMIAM_TOOL_HEAP_H

#include "options.h"

/* Of the memory that may be locked, what the heap leaves to the library's secrets, to the stacks on
 * which it works on them, and to the tool's own. */
#define TOOL_HEAP_LEFT_TO_SECRETS ((size_t)5 * 512 * 1024)

/* Kept up by heap.c; without it, in a build for a sanitizer, nothing is present. */
typedef struct tool_heap_facts {
    bool present;
    size_t lockable; /* how many bytes of the heap are locked once they are used */
    size_t used;     /* by blocks that are or were in use */
    bool limited;    /* the limit leaves less than all to be locked */
} tool_heap_facts;

extern tool_heap_facts tool_heap;

/* With --require-locked-memory: refuses a process that may not lock what its heap needs. With
 * `growing`, some room is wanted too, for what is still to come. Statuses: CONFIG. */
hsmiam_status tool_heap_check(const tool_arguments *arguments, bool growing,
                              tool_error *error) HSMIAM_MUST_USE;

/* Says on standard error how much memory could not be locked, if any. For the end of a command that
 * came to `status`: what says itself that memory cannot be locked, or did nothing, needs no more.
 */
void tool_heap_warn(hsmiam_status status);

/* How much the process may lock in all, as far as the heap minds; SIZE_MAX: there is no limit. */
size_t tool_heap_get_limit(void);

/* Leaves so much of the memory that may be locked to the library's secrets, instead of what
 * TOOL_HEAP_LEFT_TO_SECRETS says, as far as the heap does not have it already. */
void tool_heap_leave_to_secrets(size_t size);

#endif
