/* SPDX-License-Identifier: Apache-2.0 */
/* The process, and where log lines go. Part of hsmiam.h, which has the conventions. */
#ifndef HSMIAM_PROCESS_H
#define HSMIAM_PROCESS_H

#include <hsmiam/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Makes the calling process unfit for core dumps and for ptrace by its own user:
 * RLIMIT_CORE 0 and PR_SET_DUMPABLE 0. For programs that own their process; call it first.
 * Statuses: HSMIAM_ERR_INTERNAL if the kernel refuses (domain SYSTEM).
 */
HSMIAM_API hsmiam_status hsmiam_process_harden(hsmiam_error *error) HSMIAM_MUST_USE;

/**
 * Overwrites the vector registers of the calling thread, and 8 KiB of the stack below the caller:
 * what a program copies, libc leaves pieces of in there. For programs that handled a secret
 * themselves, such as temporary credentials, on a thread that goes on.
 */
HSMIAM_API void hsmiam_thread_scrub(void);

/** How much a log line matters. */
typedef enum hsmiam_log_level {
    HSMIAM_LOG_NOTICE, /**< a person should see it: a promise that cannot be kept, a risk */
    HSMIAM_LOG_DEBUG   /**< what was sent and received, secrets, signatures and bodies left out */
} hsmiam_log_level;

/** Receives one line without its newline. It may be called on another thread of the library, which
 *  has 512 KiB of stack and takes no signals. */
typedef void (*hsmiam_log_fn)(void *context, hsmiam_log_level level, const char *line);

#ifdef __cplusplus
}
#endif
#endif
