/* SPDX-License-Identifier: Apache-2.0 */
#include "wrapped_fixture.h"

#include "support/mock_cryptoki_internal.h"

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#define AES_SIZE 32

int wrapped_fixture_set_up(void **state)
{
    int failed = ledger_fixture_set_up(state);

    (void)mock_add_exportable_wrapping_pair();
    return failed;
}

EVP_PKEY *wrapped_fixture_get_key(void)
{
    return mock_get_key(mock_find_labelled(CKO_PRIVATE_KEY, "hsmiam-wrapping-key"));
}

const char *wrapped_fixture_write_pem(const EVP_PKEY *key)
{
    static char pem[4096];
    BIO *out = BIO_new(BIO_s_mem());
    char *text = NULL;

    assert_int_equal(PEM_write_bio_PUBKEY(out, key), 1);
    long size = BIO_get_mem_data(out, &text);
    assert_true(size > 0 && (size_t)size < sizeof pem);
    (void)snprintf(pem, sizeof pem, "%.*s", (int)size, text);
    BIO_free(out);
    return pem;
}

const char *wrapped_fixture_get_fingerprint(const EVP_PKEY *key)
{
    static char digits[2 * SHA256_DIGEST_LENGTH + 1];
    uint8_t hash[SHA256_DIGEST_LENGTH];
    unsigned char *der = NULL;
    int size = i2d_PUBKEY(key, &der);

    assert_true(size > 0);
    assert_non_null(SHA256(der, (size_t)size, hash));
    OPENSSL_free(der);
    for (size_t i = 0; i < sizeof hash; i++)
        (void)snprintf(digits + 2 * i, 3, "%02x", hash[i]);
    return digits;
}

static void read_pem(void *context, const char *pem, const char *fingerprint)
{
    BIO *in = BIO_new_mem_buf(pem, -1);
    EVP_PKEY **key_out = context;

    (void)fingerprint;
    *key_out = PEM_read_bio_PUBKEY(in, NULL, NULL, NULL);
    BIO_free(in);
}

EVP_PKEY *wrapped_fixture_read_pair(fixture *fix, bool exportable)
{
    EVP_PKEY *key = NULL;

    assert_int_equal(
        hsmiam_token_export_wrapping_key(fix->token, exportable, read_pem, &key, fix->error),
        HSMIAM_OK);
    assert_non_null(key);
    return key;
}

static bool is_by_aes(const char *algorithm)
{
    return strncmp(algorithm, "RSA_AES", strlen("RSA_AES")) == 0;
}

typedef int oaep_function(EVP_PKEY_CTX *context, unsigned char *out, size_t *out_size,
                          const unsigned char *in, size_t in_size);

static size_t run_oaep(EVP_PKEY *key, const char *algorithm, bool encrypts, const uint8_t *in,
                       size_t in_size, uint8_t out[WRAPPED_MAX])
{
    const char *hash = strstr(algorithm, "SHA_256") != NULL ? "SHA256" : "SHA1";
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    oaep_function *run = encrypts ? EVP_PKEY_encrypt : EVP_PKEY_decrypt;
    size_t size = WRAPPED_MAX;

    assert_int_equal(encrypts ? EVP_PKEY_encrypt_init(context) : EVP_PKEY_decrypt_init(context), 1);
    assert_true(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) > 0);
    assert_true(EVP_PKEY_CTX_set_rsa_oaep_md_name(context, hash, NULL) > 0);
    assert_true(EVP_PKEY_CTX_set_rsa_mgf1_md_name(context, hash, NULL) > 0);
    assert_int_equal(run(context, out, &size, in, in_size), 1);
    EVP_PKEY_CTX_free(context);
    return size;
}

/* RFC 5649. */
static size_t run_key_wrap(const uint8_t aes[AES_SIZE], bool encrypts, const uint8_t *in,
                           size_t in_size, uint8_t *out)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int size = 0;

    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    assert_int_equal(EVP_CipherInit_ex(context, EVP_aes_256_wrap_pad(), NULL, aes, NULL, encrypts),
                     1);
    assert_int_equal(EVP_CipherUpdate(context, out, &size, in, (int)in_size), 1);
    EVP_CIPHER_CTX_free(context);
    return (size_t)size;
}

size_t wrapped_fixture_wrap(EVP_PKEY *key, const char *algorithm, uint8_t bytes_out[WRAPPED_MAX])
{
    static const uint8_t value[] = "AWS4" NEW_SECRET;
    uint8_t aes[AES_SIZE];

    if (!is_by_aes(algorithm))
        return run_oaep(key, algorithm, true, value, sizeof value - 1, bytes_out);
    assert_int_equal(RAND_bytes(aes, sizeof aes), 1);
    size_t size = run_oaep(key, algorithm, true, aes, sizeof aes, bytes_out);
    return size + run_key_wrap(aes, true, value, sizeof value - 1, bytes_out + size);
}

size_t wrapped_fixture_open(EVP_PKEY *key, const char *algorithm, const char *base64,
                            uint8_t value_out[WRAPPED_MAX])
{
    uint8_t bytes[WRAPPED_MAX + 4];
    size_t first = (size_t)EVP_PKEY_get_size(key);
    size_t length = strlen(base64);

    assert_true(length / 4 * 3 <= sizeof bytes);
    int decoded = EVP_DecodeBlock(bytes, (const unsigned char *)base64, (int)length);
    assert_true(decoded > 0);
    size_t size = (size_t)decoded - (base64[length - 1] == '=') - (base64[length - 2] == '=');
    if (!is_by_aes(algorithm))
        return run_oaep(key, algorithm, false, bytes, size, value_out);
    assert_int_equal(run_oaep(key, algorithm, false, bytes, first, value_out), AES_SIZE);
    uint8_t aes[AES_SIZE];
    memcpy(aes, value_out, sizeof aes);
    return run_key_wrap(aes, false, bytes + first, size - first, value_out);
}
