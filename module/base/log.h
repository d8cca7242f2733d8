/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines on their way to the caller's function. Never give it a secret.
 *
 * Whoever takes them may be slow: a full pipe, a terminal that was stopped. A thread that has a
 * secret in its hands keeps its lines back until it has wiped it. */
#ifndef HSMIAM_BASE_LOG_H
#define HSMIAM_BASE_LOG_H

#include "hsmiam.h"

typedef struct hsmiam_log {
    hsmiam_log_fn write; /* NULL: lines are dropped */
    void *context;
} hsmiam_log;

#define HSMIAM_LOG_KEPT_LINES 64
#define HSMIAM_LOG_KEPT_SIZE  8192

/* Lines that wait, in their order. Start from all zeros; nothing is to be freed. What there is no
 * room for is counted. */
typedef struct hsmiam_log_hold {
    bool keeping;
    size_t count;
    size_t used;
    size_t left_out;
    struct {
        hsmiam_log log;
        hsmiam_log_level level;
        size_t at; /* where its text begins */
    } lines[HSMIAM_LOG_KEPT_LINES];
    char text[HSMIAM_LOG_KEPT_SIZE];
} hsmiam_log_hold;

/* Says where this thread's lines are to wait, once they have to; borrowed until the end. */
void hsmiam_log_hold_begin(hsmiam_log_hold *hold);
void hsmiam_log_hold_end(void);

/* From now on this thread's lines wait, if they have where: a secret may be here. */
void hsmiam_log_hold_keep(void);

/* Hands over what waits, whichever thread it is of, and nothing more waits until the next
 * hsmiam_log_hold_keep(). NULL: this thread's, if it has one. No secret may be here any more. */
void hsmiam_log_hold_release(hsmiam_log_hold *hold);

/* Formats one line, at most 4 KiB, and hands it over, unless it has to wait. */
void hsmiam_log_write(const hsmiam_log *log, hsmiam_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a line that cannot wait: it asks a person for something. */
void hsmiam_log_write_at_once(const hsmiam_log *log, hsmiam_log_level level, const char *format,
                              ...) __attribute__((format(printf, 3, 4)));

#endif
