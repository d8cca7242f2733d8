/* SPDX-License-Identifier: Apache-2.0 */
/* What wrapping_key.c, fingerprint.c, recipient.c and audit_key.c share. OpenSSL's types are for
 * these only. */
#ifndef HSMIAM_TOKEN_EVP_H
#define HSMIAM_TOKEN_EVP_H

#include "token/keys.h"

#include <openssl/evp.h>

/* "OpenSSL cannot <what>." */
hsmiam_status hsmiam_evp_set_error(hsmiam_error *error, const char *what);

/* A public key of the type; NULL if the parameters are none. Freed by EVP_PKEY_free(). */
EVP_PKEY *hsmiam_evp_new_key(const char *type, OSSL_PARAM *params);

/* Reads an RSA key's modulus and exponent from its private half. */
hsmiam_status hsmiam_wrapping_key_load(const hsmiam_token *token, hsmiam_object private_key,
                                       EVP_PKEY **key_out, hsmiam_error *error) HSMIAM_MUST_USE;

#define HSMIAM_EC_DIGEST_SIZE    32 /* SHA-256 */
#define HSMIAM_EC_SIGNATURE_SIZE 64 /* r and s of P-256, as PKCS#11 has them */

/* Signs a digest with the private half of an EC pair. */
hsmiam_status hsmiam_ec_sign(hsmiam_token *token, hsmiam_object private_key,
                             const uint8_t digest[HSMIAM_EC_DIGEST_SIZE],
                             uint8_t signature_out[HSMIAM_EC_SIGNATURE_SIZE],
                             hsmiam_error *error) HSMIAM_MUST_USE;

/* The signature as OpenSSL has it, DER, freed by OPENSSL_free(). */
hsmiam_status hsmiam_ec_encode(const uint8_t raw[HSMIAM_EC_SIGNATURE_SIZE], unsigned char **der_out,
                               int *size_out, hsmiam_error *error) HSMIAM_MUST_USE;

/* Of the public halves, for anyone can plant one, the one that verifies what the private half
 * signs. With `proven_out` not NULL, a public half that is the only one is taken unproven, which
 * spares a signature; whoever signs then must verify the first one. */
hsmiam_status hsmiam_ec_load(hsmiam_token *token, const hsmiam_pair_spec *spec,
                             hsmiam_object private_key, EVP_PKEY **key_out, bool *proven_out,
                             hsmiam_error *error) HSMIAM_MUST_USE;

/* Writes the SHA-256 of bytes, 64 hex digits and a NUL. */
hsmiam_status hsmiam_evp_fingerprint(const unsigned char *der, size_t size,
                                     char fingerprint_out[65], hsmiam_error *error) HSMIAM_MUST_USE;

#endif
