/* SPDX-License-Identifier: Apache-2.0 */
/* One line on a terminal that tells how far a long piece of work is. */
#ifndef HSMIAM_TOOL_PROGRESS_H
#define HSMIAM_TOOL_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tool_progress {
    bool on; /* standard error is a terminal */
    size_t total;
    int64_t started; /* by the monotonic clock, nanoseconds */
} tool_progress;

/* Begins. What is written to the terminal meanwhile is written after tool_progress_make_way(). */
void tool_progress_start(tool_progress *progress, size_t total);

/* Shows how far it is now, in place of what was shown before. */
void tool_progress_show(const tool_progress *progress, size_t done, size_t failed);

/* Takes the line away, until it is shown again. It may be called where there is none. */
void tool_progress_make_way(void);

/* What does that at the beginning of a text for standard error; "" where there is no line. */
const char *tool_progress_get_eraser(void);

/* Seconds since the start. */
double tool_progress_get_seconds(const tool_progress *progress);

#endif
