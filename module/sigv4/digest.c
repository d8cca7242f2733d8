/* SPDX-License-Identifier: Apache-2.0 */
#include "sigv4/digest.h"

#include <openssl/evp.h>

void hsmiam_digest_format_hex(const uint8_t *bytes, size_t size, char *hex_out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < size; i++) {
        *hex_out++ = digits[bytes[i] >> 4];
        *hex_out++ = digits[bytes[i] & 15];
    }
    *hex_out = '\0';
}

hsmiam_status hsmiam_digest_sha256_hex(const void *data, size_t size,
                                       char hex_out[HSMIAM_SHA256_HEX_SIZE + 1],
                                       hsmiam_error *error)
{
    uint8_t digest[HSMIAM_SHA256_HEX_SIZE / 2] = {0};

    if (EVP_Digest(data, size, digest, NULL, EVP_sha256(), NULL) != 1)
        return hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "OpenSSL cannot compute a SHA-256.");
    hsmiam_digest_format_hex(digest, sizeof digest, hex_out);
    return HSMIAM_OK;
}
