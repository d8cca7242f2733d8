/* SPDX-License-Identifier: Apache-2.0 */
/* The public half of an audit key on the host, which verifies, and what OpenSSL writes it as. */
#ifndef HSMIAM_LEDGER_PUBLIC_KEY_H
#define HSMIAM_LEDGER_PUBLIC_KEY_H

#include "ledger/hash.h"

#define HSMIAM_BASE64_SIZE(size) (((size) + 2) / 3 * 4 + 1) /* with a NUL */
#define HSMIAM_PEM_MAX           1024

typedef struct hsmiam_public_key hsmiam_public_key;

/* Reads a SubjectPublicKeyInfo of P-256, in DER, in base64 of that, or as PEM. ARGUMENT for
 * anything else. */
hsmiam_status hsmiam_public_key_new(const void *der, size_t size, hsmiam_public_key **key_out,
                                    hsmiam_error *error) HSMIAM_MUST_USE;
hsmiam_status hsmiam_public_key_new_base64(const char *text, hsmiam_public_key **key_out,
                                           hsmiam_error *error) HSMIAM_MUST_USE;
hsmiam_status hsmiam_public_key_new_pem(const char *pem, size_t size, hsmiam_public_key **key_out,
                                        hsmiam_error *error) HSMIAM_MUST_USE;
/* The same of an approver's key, in base64 or PEM, which may be RSA of 2048 to 4096 bits as well.
 */
hsmiam_status hsmiam_public_key_new_approver(const char *text, hsmiam_public_key **key_out,
                                             hsmiam_error *error) HSMIAM_MUST_USE;
hsmiam_status hsmiam_public_key_new_approver_pem(const char *pem, size_t size,
                                                 hsmiam_public_key **key_out,
                                                 hsmiam_error *error) HSMIAM_MUST_USE;
void hsmiam_public_key_free(hsmiam_public_key **key);

/* SHA-256 of the DER, in hex; the DER in base64. Borrowed. */
const char *hsmiam_public_key_get_fingerprint(const hsmiam_public_key *key);
const char *hsmiam_public_key_get_base64(const hsmiam_public_key *key);

/* Writes PEM, NUL-terminated. */
hsmiam_status hsmiam_public_key_format_pem(const hsmiam_public_key *key,
                                           char pem_out[HSMIAM_PEM_MAX],
                                           hsmiam_error *error) HSMIAM_MUST_USE;

/* Verifies signatures of one key, for one thread at a time. NULL if there is no memory. */
typedef struct hsmiam_verifier hsmiam_verifier;
hsmiam_verifier *hsmiam_verifier_new(const hsmiam_public_key *key);
void hsmiam_verifier_free(hsmiam_verifier **verifier);
bool hsmiam_verifier_check(hsmiam_verifier *verifier, const uint8_t digest[HSMIAM_DIGEST_SIZE],
                           const uint8_t *signature, size_t size) HSMIAM_MUST_USE;

/* Whether a line of the ledger, so many bytes of it, has that signature, in base64. */
bool hsmiam_verifier_check_line(hsmiam_verifier *verifier, hsmiam_hash *hash, const char *line,
                                size_t signed_size, const char *signature) HSMIAM_MUST_USE;

/* Base64 in its one canonical form. */
void hsmiam_base64_encode(const uint8_t *data, size_t size, char *text_out);
bool hsmiam_base64_decode(const char *text, uint8_t *data_out, size_t room,
                          size_t *size_out) HSMIAM_MUST_USE;

#endif
