/* SPDX-License-Identifier: Apache-2.0 */
/* What fault_shim.c has to know of the kernel: the calls that it looks at, and how they are seen.
 */
#ifndef HSMIAM_TESTS_FAULT_SHIM_H
#define HSMIAM_TESTS_FAULT_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <ucontext.h>

#define FAULT_CALLS_MAX 64

/* What tells the class of the file that a call is about. */
typedef enum fault_about {
    FAULT_ABOUT_DESCRIPTOR, /* the first argument */
    FAULT_ABOUT_PATH,       /* the first argument */
    FAULT_ABOUT_PATH_AT,    /* the second argument, relative to the first */
    FAULT_ABOUT_POLL,       /* any of those polled */
    FAULT_ABOUT_LOCK,       /* the first argument, if the second locks */
    FAULT_ABOUT_SOCKET,     /* a family of addresses */
    FAULT_ABOUT_COPY,       /* never fails: it is only looked at for the copy of the descriptor */
    FAULT_ABOUT_ALL_FILES
} fault_about;

#define FAULT_OPENS  1 /* its result is a descriptor of that class */
#define FAULT_CLOSES 2

typedef struct fault_call {
    const char *name;
    int number;
    fault_about about;
    int flags;
} fault_call;

const fault_call *fault_call_of_name(const char *name);
const fault_call *fault_call_of_number(long number);
size_t fault_call_index(const fault_call *call);

/* A system call that is not trapped; returns what the kernel does, an error as a negative number.
 */
long fault_syscall(long number, long a, long b, long c, long d, long e, long f);

/* The six arguments of the call that was trapped, and its result. */
void fault_read_arguments(const ucontext_t *context, long *arguments_out);
void fault_write_result(ucontext_t *context, long result);

/* From now on the process and its threads get SIGSYS for each of the calls; or, unless it is NULL,
 * for `only` and those that tell what its descriptors are. */
bool fault_install_filter(const fault_call *only);

#endif
