/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a secret is worked on: a thread of its own. Whatever OpenSSL, libcurl or a token's library
 * leave on the stack, and the dynamic linker spills to it, lies in locked memory that is left out
 * of core dumps and wiped when the work is done; what they leave in registers ends with the thread.
 */
#ifndef HSMIAM_BASE_SEALED_H
#define HSMIAM_BASE_SEALED_H

#include "base/error.h"

/* Does the work on a sealed thread, which blocks all signals, and waits for its end; directly if
 * this is such a thread already. MEMORY, and nothing was done, if there is none to be had; else the
 * work's own status. */
hsmiam_status hsmiam_sealed_run(hsmiam_status (*work)(void *context, hsmiam_error *error),
                                void *context, hsmiam_error *error) HSMIAM_MUST_USE;

/* The same for work that must be done in any case: without a sealed thread, on this one. */
hsmiam_status hsmiam_sealed_run_anyhow(hsmiam_status (*work)(void *context, hsmiam_error *error),
                                       void *context, hsmiam_error *error);

/* A sealed thread that goes on beside its caller. */
typedef struct hsmiam_sealed hsmiam_sealed;

/* Starts the work. `error` takes the failure to start, and then the work's own until it was waited
 * for. MEMORY, and nothing was done, if there is no such thread to be had. */
hsmiam_status hsmiam_sealed_start(hsmiam_status (*work)(void *context, hsmiam_error *error),
                                  void *context, hsmiam_error *error,
                                  hsmiam_sealed **sealed_out) HSMIAM_MUST_USE;

/* Waits for the end of the work, wipes the stack, frees, and returns the work's status. */
hsmiam_status hsmiam_sealed_join(hsmiam_sealed **sealed);

#endif
