/* SPDX-License-Identifier: Apache-2.0 */
/* What the headers of an answer say of time. */
#ifndef HSMIAM_IAM_REPLY_TIMES_H
#define HSMIAM_IAM_REPLY_TIMES_H

#include "base/error.h"

/* -1 in a field: the answer does not say. */
typedef struct hsmiam_reply_times {
    time_t date;        /* Date: the service's clock */
    long retry_seconds; /* Retry-After, if it is a number, */
    time_t retry_date;  /* and if it is a date */
} hsmiam_reply_times;

/* Says nothing yet. */
void hsmiam_reply_times_init(hsmiam_reply_times *times);

/* Reads a line of the header, with or without its end; most lines are of no interest. The first of
 * each name counts, from the last status line on. */
void hsmiam_reply_times_read(hsmiam_reply_times *times, const char *line, size_t size);

/* Seconds that the service wants to be left alone, by its own clock if it told that, else by `now`;
 * below 0: it asked for nothing. */
long hsmiam_reply_times_get_retry_after(const hsmiam_reply_times *times, time_t now);

#endif
