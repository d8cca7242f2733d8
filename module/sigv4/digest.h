/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HSMIAM_SIGV4_DIGEST_H
#define HSMIAM_SIGV4_DIGEST_H

#include "base/error.h"

#define HSMIAM_SHA256_HEX_SIZE 64 /* without the NUL */

/* Writes the SHA-256 of the bytes in lower-case hex. INTERNAL if OpenSSL fails. */
hsmiam_status hsmiam_digest_sha256_hex(const void *data, size_t size,
                                       char hex_out[HSMIAM_SHA256_HEX_SIZE + 1],
                                       hsmiam_error *error) HSMIAM_MUST_USE;

/* Writes bytes in lower-case hex, `2 * size` digits and a NUL. */
void hsmiam_digest_format_hex(const uint8_t *bytes, size_t size, char *hex_out);

#endif
