/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger's fixture with both wrapping keys, and what a recipient and another token do, by
 * OpenSSL alone. */
#ifndef HSMIAM_TESTS_CUSTODY_WRAPPED_FIXTURE_H
#define HSMIAM_TESTS_CUSTODY_WRAPPED_FIXTURE_H

#include "ledger_fixture.h"

#include <openssl/evp.h>

#define WRAPPED_MAX 1024

int wrapped_fixture_set_up(void **state);

/* The recipient's key pair: the token's own wrapping key, as new ones take long to make. Borrowed.
 */
EVP_PKEY *wrapped_fixture_get_key(void);

/* A public key as PEM, and its fingerprint; valid until the next call. */
const char *wrapped_fixture_write_pem(const EVP_PKEY *key);
const char *wrapped_fixture_get_fingerprint(const EVP_PKEY *key);

/* A public key of the token's two wrapping pairs. Owned by the caller. */
EVP_PKEY *wrapped_fixture_read_pair(fixture *fix, bool exportable);

/* "AWS4" and NEW_SECRET, wrapped for a key by the algorithm of that name: how many bytes. */
size_t wrapped_fixture_wrap(EVP_PKEY *key, const char *algorithm, uint8_t bytes_out[WRAPPED_MAX]);

/* Opens what was wrapped: how many bytes. Fails the test where it cannot be opened. */
size_t wrapped_fixture_open(EVP_PKEY *key, const char *algorithm, const char *base64,
                            uint8_t value_out[WRAPPED_MAX]);

#define wrapped_test(test)                                                                         \
    cmocka_unit_test_setup_teardown(test, wrapped_fixture_set_up, ledger_fixture_tear_down)

#endif
