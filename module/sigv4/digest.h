/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HSMIAM_SIGV4_DIGEST_H
#define HSMIAM_SIGV4_DIGEST_H

#include "base/error.h"

#define HSMIAM_SHA256_HEX_SIZE 64 /* without the NUL */

/* Writes the SHA-256 of the bytes in lower-case hex. INTERNAL if OpenSSL fails. */
hsmiam_status hsmiam_digest_sha256_hex(const void *data, size_t size,
                                       char hex_out[HSMIAM_SHA256_HEX_SIZE + 1],
                                       hsmiam_error *error) HSMIAM_MUST_USE;

/* A SHA-256 of bytes that come in pieces. */
typedef struct hsmiam_digest hsmiam_digest;

/* Begins one. Statuses: INTERNAL, MEMORY. */
hsmiam_status hsmiam_digest_new(hsmiam_digest **digest_out, hsmiam_error *error) HSMIAM_MUST_USE;

/* Frees it, and sets the caller's pointer to NULL. */
void hsmiam_digest_free(hsmiam_digest **digest);

/* Adds bytes, and writes the SHA-256 of all so far in lower-case hex. INTERNAL if OpenSSL fails. */
hsmiam_status hsmiam_digest_add(hsmiam_digest *digest, const void *data, size_t size,
                                char hex_out[HSMIAM_SHA256_HEX_SIZE + 1],
                                hsmiam_error *error) HSMIAM_MUST_USE;

/* Writes bytes in lower-case hex, `2 * size` digits and a NUL. */
void hsmiam_digest_format_hex(const uint8_t *bytes, size_t size, char *hex_out);

#endif
