/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256, many times over, without setting OpenSSL up for each. */
#ifndef HSMIAM_LEDGER_HASH_H
#define HSMIAM_LEDGER_HASH_H

#include "token/token.h"

#define HSMIAM_HEX_SIZE (2 * HSMIAM_DIGEST_SIZE + 1)

typedef struct hsmiam_hash hsmiam_hash;

/* NULL if there is no memory. For one thread at a time. */
hsmiam_hash *hsmiam_hash_new(void);
void hsmiam_hash_free(hsmiam_hash **hash);

/* Piece by piece. false if OpenSSL fails, from which on it always does until the next begin. */
void hsmiam_hash_begin(hsmiam_hash *hash);
void hsmiam_hash_add(hsmiam_hash *hash, const void *data, size_t size);
bool hsmiam_hash_finish(hsmiam_hash *hash, uint8_t digest_out[HSMIAM_DIGEST_SIZE]) HSMIAM_MUST_USE;

/* All at once. */
bool hsmiam_hash_compute(hsmiam_hash *hash, const void *data, size_t size,
                         uint8_t digest_out[HSMIAM_DIGEST_SIZE]) HSMIAM_MUST_USE;

/* 64 lower-case hex digits and a NUL. */
void hsmiam_hash_format(const uint8_t digest[HSMIAM_DIGEST_SIZE], char hex_out[HSMIAM_HEX_SIZE]);

#endif
