/* SPDX-License-Identifier: Apache-2.0 */
/* Where the sentences go that a CK_RV has no room for: standard error, or the file that the
 * profile's hsmiam_log_file names. */
#ifndef HSMIAM_CRYPTOKI_MESSAGE_H
#define HSMIAM_CRYPTOKI_MESSAGE_H

#include "hsmiam.h"

/* Says from now on where messages go; NULL: standard error. */
void hsmiam_message_set_file(const char *path);

/* Writes one line, at most 4 KiB, in one piece. A line feed goes on in an indented line, and any
 * other control character is written as \xNN. Never give it a secret. */
void hsmiam_message_write(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* In a forked child, where a thread that is not there may hold the lock. */
void hsmiam_message_forget(void);

/* Writes what an error record says. */
void hsmiam_message_write_error(const hsmiam_error *error);

/* An hsmiam_log_fn: warnings and notices are written, what is for debugging is not. */
void hsmiam_message_log(void *context, hsmiam_log_level level, const char *line);

#endif
