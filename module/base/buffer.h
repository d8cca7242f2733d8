/* SPDX-License-Identifier: Apache-2.0 */
/* A growing, bounded string for what is not secret by itself. It leaves no copy when it grows or is
 * cleared all the same: a session's token is part of what is signed. Appending never fails at the
 * call site: a failure sticks, and hsmiam_buffer_check() tells it once, at the end. */
#ifndef HSMIAM_BASE_BUFFER_H
#define HSMIAM_BASE_BUFFER_H

#include "base/error.h"

typedef struct hsmiam_buffer {
    char *data; /* NUL-terminated, NULL while empty: read it by hsmiam_buffer_get_string() */
    size_t size;
    size_t capacity;
    size_t limit;
    bool failed;
} hsmiam_buffer;

/* Makes an empty buffer that may grow to `limit` bytes. */
void hsmiam_buffer_init(hsmiam_buffer *buffer, size_t limit);

/* Wipes and frees the content; the buffer is then empty, its limit as before. */
void hsmiam_buffer_clear(hsmiam_buffer *buffer);

void hsmiam_buffer_append(hsmiam_buffer *buffer, const void *data, size_t size);
void hsmiam_buffer_append_string(hsmiam_buffer *buffer, const char *string);
void hsmiam_buffer_append_char(hsmiam_buffer *buffer, char character);
void hsmiam_buffer_append_format(hsmiam_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* MEMORY if any append since init or clear failed; `what` names the content in the message. */
hsmiam_status hsmiam_buffer_check(const hsmiam_buffer *buffer, const char *what,
                                  hsmiam_error *error) HSMIAM_MUST_USE;

/* The content, "" if there is none; borrowed until the next change. */
const char *hsmiam_buffer_get_string(const hsmiam_buffer *buffer);

#endif
