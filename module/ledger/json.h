/* SPDX-License-Identifier: Apache-2.0 */
/* JSON strings in the one form that the ledger writes, and the only one that it reads: quotation
 * mark and backslash behind a backslash, control characters and DEL as \u00xx in lower case, all
 * else as it is, in valid UTF-8. */
#ifndef HSMIAM_LEDGER_JSON_H
#define HSMIAM_LEDGER_JSON_H

#include "base/buffer.h"

/* Appends a string with its quotation marks. Bytes that are no UTF-8 become U+FFFD, so that a
 * reader of JSON can read every line. */
void hsmiam_json_append_string(hsmiam_buffer *buffer, const char *text);

/* Reads a string at `*at`, up to `end`, into `text_out`, NUL-terminated, and moves `*at` behind it.
 * false if it is not exactly what hsmiam_json_append_string() writes, or does not fit. */
bool hsmiam_json_read_string(const char **at, const char *end, char *text_out,
                             size_t room) HSMIAM_MUST_USE;

/* The longest beginning of `text` that has at most `limit` bytes and ends with a character. */
size_t hsmiam_utf8_fit(const char *text, size_t limit);

#endif
