/* SPDX-License-Identifier: Apache-2.0 */
/* Percent-encoding as SigV4 wants it: RFC 3986's unreserved characters stay, any other byte becomes
 * %XX in upper-case hex. */
#ifndef HSMIAM_BASE_ESCAPE_H
#define HSMIAM_BASE_ESCAPE_H

#include "base/buffer.h"

/* Appends `text` with every byte encoded that is neither unreserved nor in `kept`. The '%' of an
 * escape is a byte like any other. */
void hsmiam_escape_append(hsmiam_buffer *buffer, const char *text, size_t size, const char *kept);

/* The same for a text that may be encoded already: escapes are decoded first, so that each byte is
 * encoded once. A '%' that begins no escape stands for itself; a byte that was written as an escape
 * is not `kept`, so that %2F stays apart from a slash. */
void hsmiam_escape_append_once(hsmiam_buffer *buffer, const char *text, size_t size,
                               const char *kept);

#endif
