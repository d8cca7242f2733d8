/* SPDX-License-Identifier: Apache-2.0 */
/* Signals that ask the tool to stop become a flag that its steps look at. */
#ifndef HSMIAM_TOOL_SIGNALS_H
#define HSMIAM_TOOL_SIGNALS_H

#include <stdbool.h>

/* How a second signal to stop is taken. */
typedef enum tool_signals_mode {
    TOOL_SIGNALS_ONCE, /* it ends the process: nothing can be lost */
    TOOL_SIGNALS_HOLD  /* it is held like the first, for a key may be on its way; a second SIGINT
                        * ends the process all the same, and leaves the rest to `recover` */
} tool_signals_mode;

/* Catches SIGINT, SIGTERM and SIGHUP, without restarting what they interrupt, and ignores SIGPIPE
 * so that a closed pipe is a write error. */
void tool_signals_install(tool_signals_mode mode);

/* True once a signal to stop has come. The context is not used: it fits hsmiam_cancel_fn. */
bool tool_signals_is_stopping(void *context);

/* Takes note of the signal: the command ended as it was asked to, and was not interrupted. */
void tool_signals_take(void);

#endif
