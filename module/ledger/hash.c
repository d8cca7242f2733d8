/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/hash.h"

#include <openssl/evp.h>
#include <stdlib.h>

struct hsmiam_hash {
    EVP_MD *algorithm;
    EVP_MD_CTX *context;
    bool failed;
};

hsmiam_hash *hsmiam_hash_new(void)
{
    hsmiam_hash *hash = calloc(1, sizeof *hash);

    if (hash == NULL)
        return NULL;
    hash->algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    hash->context = EVP_MD_CTX_new();
    if (hash->algorithm == NULL || hash->context == NULL)
        hsmiam_hash_free(&hash);
    return hash;
}

void hsmiam_hash_free(hsmiam_hash **hash)
{
    if (hash == NULL || *hash == NULL)
        return;
    EVP_MD_CTX_free((*hash)->context);
    EVP_MD_free((*hash)->algorithm);
    free(*hash);
    *hash = NULL;
}

void hsmiam_hash_begin(hsmiam_hash *hash)
{
    hash->failed = EVP_DigestInit_ex2(hash->context, hash->algorithm, NULL) != 1;
}

void hsmiam_hash_add(hsmiam_hash *hash, const void *data, size_t size)
{
    if (!hash->failed)
        hash->failed = EVP_DigestUpdate(hash->context, data, size) != 1;
}

bool hsmiam_hash_finish(hsmiam_hash *hash, uint8_t digest_out[HSMIAM_DIGEST_SIZE])
{
    return !hash->failed && EVP_DigestFinal_ex(hash->context, digest_out, NULL) == 1;
}

bool hsmiam_hash_compute(hsmiam_hash *hash, const void *data, size_t size,
                         uint8_t digest_out[HSMIAM_DIGEST_SIZE])
{
    hsmiam_hash_begin(hash);
    hsmiam_hash_add(hash, data, size);
    return hsmiam_hash_finish(hash, digest_out);
}

void hsmiam_hash_format(const uint8_t digest[HSMIAM_DIGEST_SIZE], char hex_out[HSMIAM_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < HSMIAM_DIGEST_SIZE; i++) {
        hex_out[2 * i] = digits[digest[i] >> 4];
        hex_out[2 * i + 1] = digits[digest[i] & 15];
    }
    hex_out[HSMIAM_HEX_SIZE - 1] = '\0';
}
