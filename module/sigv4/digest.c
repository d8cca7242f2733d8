/* SPDX-License-Identifier: Apache-2.0 */
#include "sigv4/digest.h"

#include <openssl/evp.h>
#include <stdlib.h>

struct hsmiam_digest {
    EVP_MD_CTX *running;
    EVP_MD_CTX *ended; /* a copy that can be finished, while the other goes on */
};

void hsmiam_digest_format_hex(const uint8_t *bytes, size_t size, char *hex_out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < size; i++) {
        *hex_out++ = digits[bytes[i] >> 4];
        *hex_out++ = digits[bytes[i] & 15];
    }
    *hex_out = '\0';
}

static hsmiam_status fail(hsmiam_error *error)
{
    return hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "OpenSSL cannot compute a SHA-256.");
}

hsmiam_status hsmiam_digest_sha256_hex(const void *data, size_t size,
                                       char hex_out[HSMIAM_SHA256_HEX_SIZE + 1],
                                       hsmiam_error *error)
{
    uint8_t digest[HSMIAM_SHA256_HEX_SIZE / 2] = {0};

    if (EVP_Digest(data, size, digest, NULL, EVP_sha256(), NULL) != 1)
        return fail(error);
    hsmiam_digest_format_hex(digest, sizeof digest, hex_out);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_digest_new(hsmiam_digest **digest_out, hsmiam_error *error)
{
    hsmiam_digest *digest = calloc(1, sizeof *digest);
    if (digest == NULL)
        return hsmiam_error_set_memory(error, "a SHA-256");

    hsmiam_status status = HSMIAM_OK;
    digest->running = EVP_MD_CTX_new();
    digest->ended = EVP_MD_CTX_new();
    if (digest->running == NULL || digest->ended == NULL)
        status = hsmiam_error_set_memory(error, "a SHA-256");
    else if (EVP_DigestInit_ex(digest->running, EVP_sha256(), NULL) != 1)
        status = fail(error);
    if (status != HSMIAM_OK) {
        hsmiam_digest_free(&digest);
        return status;
    }
    *digest_out = digest;
    return HSMIAM_OK;
}

void hsmiam_digest_free(hsmiam_digest **digest)
{
    if (*digest == NULL)
        return;
    EVP_MD_CTX_free((*digest)->running);
    EVP_MD_CTX_free((*digest)->ended);
    free(*digest);
    *digest = NULL;
}

hsmiam_status hsmiam_digest_add(hsmiam_digest *digest, const void *data, size_t size,
                                char hex_out[HSMIAM_SHA256_HEX_SIZE + 1], hsmiam_error *error)
{
    uint8_t bytes[HSMIAM_SHA256_HEX_SIZE / 2] = {0};

    if (EVP_DigestUpdate(digest->running, data, size) != 1 ||
        EVP_MD_CTX_copy_ex(digest->ended, digest->running) != 1 ||
        EVP_DigestFinal_ex(digest->ended, bytes, NULL) != 1)
        return fail(error);
    hsmiam_digest_format_hex(bytes, sizeof bytes, hex_out);
    return HSMIAM_OK;
}
