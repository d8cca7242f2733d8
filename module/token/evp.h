/* SPDX-License-Identifier: Apache-2.0 */
/* What wrapping_key.c and fingerprint.c share. OpenSSL's types are for these two only. */
#ifndef HSMIAM_TOKEN_EVP_H
#define HSMIAM_TOKEN_EVP_H

#include "token/cryptoki.h"

#include <openssl/evp.h>

/* "OpenSSL cannot <what>." */
hsmiam_status hsmiam_evp_set_error(hsmiam_error *error, const char *what);

/* A public key of the type; NULL if the parameters are none. Freed by EVP_PKEY_free(). */
EVP_PKEY *hsmiam_evp_new_key(const char *type, OSSL_PARAM *params);

/* Reads an RSA key's modulus and exponent from its private half. */
hsmiam_status hsmiam_wrapping_key_load(const hsmiam_token *token, hsmiam_object private_key,
                                       EVP_PKEY **key_out, hsmiam_error *error) HSMIAM_MUST_USE;

#endif
