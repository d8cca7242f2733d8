/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pace for all requests that go to a service at once. A service counts the requests of an
 * account, not those of a connection: whoever is throttled holds all up, and all go on slower, and
 * then, answer by answer, faster again.
 */
#ifndef HSMIAM_IAM_PACE_H
#define HSMIAM_IAM_PACE_H

#include "base/error.h"

/* Threads share it. Times are of hsmiam_time_get_monotonic(). */
typedef struct hsmiam_pace hsmiam_pace;

hsmiam_status hsmiam_pace_new(hsmiam_pace **pace_out, hsmiam_error *error) HSMIAM_MUST_USE;
void hsmiam_pace_free(hsmiam_pace **pace);

/* 0: the caller's request may be sent now. Else so many milliseconds, below a minute and a half,
 * after which to ask again. */
unsigned hsmiam_pace_take_turn(hsmiam_pace *pace, int64_t now);

/* A request whose turn was at `turn` was throttled: nothing is sent for `pause` milliseconds. Of
 * several that were under way together, the first slows the others down. */
void hsmiam_pace_slow_down(hsmiam_pace *pace, int64_t turn, int64_t now, unsigned pause);

/* A request was answered, and not throttled. */
void hsmiam_pace_speed_up(hsmiam_pace *pace);

#endif
