/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC-SHA256 on the host. */
#ifndef HSMIAM_SIGV4_HMAC_H
#define HSMIAM_SIGV4_HMAC_H

#include "base/secret.h"
#include "token/token.h"

/* The algorithm, looked up once, without any key. */
typedef struct hsmiam_hmac hsmiam_hmac;

/* Looks the algorithm up. Statuses: MEMORY, INTERNAL (OpenSSL has no HMAC-SHA256). */
hsmiam_status hsmiam_hmac_new(hsmiam_hmac **hmac_out, hsmiam_error *error) HSMIAM_MUST_USE;

void hsmiam_hmac_free(hsmiam_hmac **hmac);

/* Writes HMAC-SHA256(key, data) to `mac_out`. What OpenSSL holds of the key meanwhile, in heap and
 * stack, is wiped when this returns. INTERNAL if OpenSSL fails. */
hsmiam_status hsmiam_hmac_compute(const hsmiam_hmac *hmac, const hsmiam_secret *key,
                                  const void *data, size_t size, uint8_t mac_out[HSMIAM_HMAC_SIZE],
                                  hsmiam_error *error) HSMIAM_MUST_USE;

#endif
