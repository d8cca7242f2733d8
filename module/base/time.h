/* SPDX-License-Identifier: Apache-2.0 */
/* UTC times as AWS and HTTP write them, and spans of time. */
#ifndef HSMIAM_BASE_TIME_H
#define HSMIAM_BASE_TIME_H

#include "base/error.h"

#define HSMIAM_TIME_BASIC_SIZE    sizeof "YYYYMMDDTHHMMSSZ"
#define HSMIAM_TIME_EXTENDED_SIZE sizeof "YYYY-MM-DDTHH:MM:SSZ"

/* A clock that only goes forward, in nanoseconds. */
int64_t hsmiam_time_get_monotonic(void);

/* Writes ISO 8601 basic format, "20150830T123600Z". false before 1970 and after 9999. */
bool hsmiam_time_format_basic(time_t when, char basic_out[HSMIAM_TIME_BASIC_SIZE]) HSMIAM_MUST_USE;

/* Writes ISO 8601 extended format, "2015-08-30T12:36:00Z". false before 1970 and after 9999. */
bool hsmiam_time_format_extended(time_t when,
                                 char extended_out[HSMIAM_TIME_EXTENDED_SIZE]) HSMIAM_MUST_USE;

/* Reads ISO 8601 basic format. false for anything else, dates that no calendar has included. */
bool hsmiam_time_parse_basic(const char *text, time_t *when_out) HSMIAM_MUST_USE;

/* Reads ISO 8601 extended format in UTC, "2015-08-30T12:36:00Z", a fraction of a second or "+00:00"
 * for the "Z" allowed; the fraction is dropped. false for anything else. */
bool hsmiam_time_parse_extended(const char *text, time_t *when_out) HSMIAM_MUST_USE;

/* Reads the date of HTTP's headers, "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7; the obsolete
 * forms are none). false for anything else; the day of the week is not held against the date. */
bool hsmiam_time_parse_http(const char *text, time_t *when_out) HSMIAM_MUST_USE;

#endif
