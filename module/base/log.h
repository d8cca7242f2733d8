/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines on their way to the caller's function. Never give it a secret. */
#ifndef HSMIAM_BASE_LOG_H
#define HSMIAM_BASE_LOG_H

#include "hsmiam.h"

typedef struct hsmiam_log {
    hsmiam_log_fn write; /* NULL: lines are dropped */
    void *context;
} hsmiam_log;

/* Formats one line, at most 4 KiB, and hands it over. */
void hsmiam_log_write(const hsmiam_log *log, hsmiam_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
