/* SPDX-License-Identifier: Apache-2.0 */
#include "sigv4/hmac.h"

#include <stdlib.h>

#include "base/sealed.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>

struct hsmiam_hmac {
    EVP_MAC_CTX *unkeyed;
};

hsmiam_status hsmiam_hmac_new(hsmiam_hmac **hmac_out, hsmiam_error *error)
{
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end()};
    hsmiam_status status = HSMIAM_OK;
    EVP_MAC *mac = NULL;
    hsmiam_hmac *hmac = calloc(1, sizeof *hmac);

    if (hmac == NULL) {
        status = hsmiam_error_set_memory(error, "an HMAC");
        goto out;
    }
    mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    hmac->unkeyed = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;
    if (hmac->unkeyed == NULL || EVP_MAC_CTX_set_params(hmac->unkeyed, parameters) != 1) {
        status = hsmiam_error_set(error, HSMIAM_ERR_INTERNAL,
                                  "OpenSSL offers no HMAC-SHA256; check its configuration.");
        goto out;
    }
    *hmac_out = hmac;
    hmac = NULL;

out:
    EVP_MAC_free(mac);
    hsmiam_hmac_free(&hmac);
    return status;
}

void hsmiam_hmac_free(hsmiam_hmac **hmac)
{
    if (hmac == NULL || *hmac == NULL)
        return;
    EVP_MAC_CTX_free((*hmac)->unkeyed);
    free(*hmac);
    *hmac = NULL;
}

hsmiam_status hsmiam_hmac_compute(const hsmiam_hmac *hmac, const hsmiam_secret *key,
                                  const void *data, size_t size, uint8_t mac_out[HSMIAM_HMAC_SIZE],
                                  hsmiam_error *error)
{
    hsmiam_status status = HSMIAM_OK;
    size_t mac_size = 0;
    EVP_MAC_CTX *context = EVP_MAC_CTX_dup(hmac->unkeyed);

    if (context == NULL ||
        EVP_MAC_init(context, hsmiam_secret_get_data(key), hsmiam_secret_get_size(key), NULL) !=
            1 ||
        EVP_MAC_update(context, data, size) != 1 ||
        EVP_MAC_final(context, mac_out, &mac_size, HSMIAM_HMAC_SIZE) != 1 ||
        mac_size != HSMIAM_HMAC_SIZE)
        status = hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "OpenSSL cannot compute an HMAC.");
    EVP_MAC_CTX_free(context);
    /* OpenSSL wipes what it allocated, but not registers: the state of SHA-256 is a derived key. */
    hsmiam_thread_scrub();
    return status;
}
