/* SPDX-License-Identifier: Apache-2.0 */
/* The wrapping key on the host: loaded from the token, and encrypted to. */
#include "token/evp.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#define MODULUS_SIZE_MAX 1024
#define MODULUS_SIZE_MIN 256

const hsmiam_oaep_hash hsmiam_oaep_hashes[] = {
    {"SHA256", CKM_SHA256, CKG_MGF1_SHA256},
    {"SHA1", CKM_SHA_1, CKG_MGF1_SHA1},
};
const size_t hsmiam_oaep_hash_count = sizeof hsmiam_oaep_hashes / sizeof hsmiam_oaep_hashes[0];

const char *hsmiam_import_get_hash_name(size_t index)
{
    return index < hsmiam_oaep_hash_count ? hsmiam_oaep_hashes[index].name : NULL;
}

const hsmiam_oaep_hash *hsmiam_oaep_hash_find(const char *name)
{
    for (size_t i = 0; i < hsmiam_oaep_hash_count; i++)
        if (strcmp(hsmiam_oaep_hashes[i].name, name) == 0)
            return &hsmiam_oaep_hashes[i];
    return NULL;
}

hsmiam_status hsmiam_evp_set_error(hsmiam_error *error, const char *what)
{
    return hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "OpenSSL cannot %s.", what);
}

EVP_PKEY *hsmiam_evp_new_key(const char *type, OSSL_PARAM *params)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;

    if (context == NULL || EVP_PKEY_fromdata_init(context) <= 0 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    return key;
}

static EVP_PKEY *rsa_from_numbers(const uint8_t *modulus, size_t modulus_size,
                                  const uint8_t *exponent, size_t exponent_size)
{
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    BIGNUM *n = BN_bin2bn(modulus, (int)modulus_size, NULL);
    BIGNUM *e = BN_bin2bn(exponent, (int)exponent_size, NULL);
    OSSL_PARAM *params = NULL;
    EVP_PKEY *key = NULL;

    if (builder == NULL || n == NULL || e == NULL ||
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) != 1)
        goto out;
    params = OSSL_PARAM_BLD_to_param(builder);
    if (params != NULL)
        key = hsmiam_evp_new_key("RSA", params);
out:
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    BN_free(n);
    BN_free(e);
    return key;
}

hsmiam_status hsmiam_wrapping_key_load(const hsmiam_token *token, hsmiam_object private_key,
                                       EVP_PKEY **key_out, hsmiam_error *error)
{
    uint8_t modulus[MODULUS_SIZE_MAX];
    uint8_t exponent[16];
    size_t modulus_size = sizeof modulus;
    size_t exponent_size = sizeof exponent;

    hsmiam_status status = hsmiam_attribute_get_bytes(token, private_key, CKA_MODULUS,
                                                      "CKA_MODULUS", modulus, &modulus_size, error);
    if (status != HSMIAM_OK)
        return status;
    status = hsmiam_attribute_get_bytes(token, private_key, CKA_PUBLIC_EXPONENT,
                                        "CKA_PUBLIC_EXPONENT", exponent, &exponent_size, error);
    if (status != HSMIAM_OK)
        return status;
    if (modulus_size < MODULUS_SIZE_MIN)
        return hsmiam_error_set(error, HSMIAM_ERR_TOKEN,
                                "Token \"%s\": the wrapping key has %zu bits; at least %d are "
                                "needed.",
                                token->label, modulus_size * 8, MODULUS_SIZE_MIN * 8);
    *key_out = rsa_from_numbers(modulus, modulus_size, exponent, exponent_size);
    return *key_out != NULL ? HSMIAM_OK : hsmiam_evp_set_error(error, "use the wrapping key");
}

hsmiam_status hsmiam_wrapping_key_get_size(const hsmiam_token *token, hsmiam_object private_key,
                                           size_t *size_out, hsmiam_error *error)
{
    EVP_PKEY *key = NULL;
    hsmiam_status status = hsmiam_wrapping_key_load(token, private_key, &key, error);

    if (status == HSMIAM_OK)
        *size_out = (size_t)EVP_PKEY_get_size(key);
    EVP_PKEY_free(key);
    return status;
}

hsmiam_status hsmiam_wrapping_key_encrypt(const hsmiam_token *token, hsmiam_object private_key,
                                          const hsmiam_oaep_hash *hash, const hsmiam_secret *value,
                                          hsmiam_secret *wrapped, hsmiam_error *error)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = NULL;
    size_t room = 0;
    uint8_t *to = hsmiam_secret_get_room(wrapped, &room);
    size_t written = room;

    hsmiam_status status = hsmiam_wrapping_key_load(token, private_key, &key, error);
    if (status != HSMIAM_OK)
        return status;

    context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    if (context == NULL || EVP_PKEY_encrypt_init(context) <= 0 ||
        EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) <= 0 ||
        EVP_PKEY_CTX_set_rsa_oaep_md_name(context, hash->name, NULL) <= 0 ||
        EVP_PKEY_CTX_set_rsa_mgf1_md_name(context, hash->name, NULL) <= 0 ||
        EVP_PKEY_encrypt(context, to, &written, hsmiam_secret_get_data(value),
                         hsmiam_secret_get_size(value)) <= 0) {
        status = hsmiam_evp_set_error(error, "encrypt to the wrapping key");
        goto out;
    }
    hsmiam_secret_grow(wrapped, written);
out:
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
    return status;
}

static hsmiam_status tell(EVP_PKEY *key, const char *fingerprint, hsmiam_wrapping_key_fn take,
                          void *context, hsmiam_error *error)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    char pem[2048];
    hsmiam_status status = HSMIAM_OK;

    if (bio == NULL || PEM_write_bio_PUBKEY(bio, key) != 1)
        status = hsmiam_evp_set_error(error, "write a public key");
    long size = status == HSMIAM_OK ? BIO_get_mem_data(bio, &text) : 0;
    if (status == HSMIAM_OK && (size <= 0 || (size_t)size >= sizeof pem))
        status = hsmiam_evp_set_error(error, "write a public key of that size");
    if (status == HSMIAM_OK) {
        memcpy(pem, text, (size_t)size);
        pem[size] = '\0';
        take(context, pem, fingerprint);
    }
    BIO_free(bio);
    return status;
}

static hsmiam_status export_once(hsmiam_token *token, const hsmiam_pair_spec *spec,
                                 EVP_PKEY **key_out, char fingerprint_out[HSMIAM_FINGERPRINT_SIZE],
                                 hsmiam_error *error)
{
    hsmiam_object private_key = CK_INVALID_HANDLE;
    hsmiam_session *session = NULL;

    hsmiam_status status = hsmiam_session_borrow(token, &session, error);
    if (status != HSMIAM_OK)
        return status;
    status = hsmiam_pair_find(token, spec, &private_key, error);
    if (status == HSMIAM_OK)
        status = hsmiam_pair_check(token, spec, private_key, error);
    if (status == HSMIAM_OK)
        status = hsmiam_pair_get_fingerprint(token, spec, private_key, fingerprint_out, error);
    if (status == HSMIAM_OK)
        status = hsmiam_wrapping_key_load(token, private_key, key_out, error);
    hsmiam_session_return(token, &session, CKR_OK);
    return status;
}

hsmiam_status hsmiam_token_export_wrapping_key(hsmiam_token *token, bool exportable,
                                               hsmiam_wrapping_key_fn take, void *context,
                                               hsmiam_error *error)
{
    char fingerprint[HSMIAM_FINGERPRINT_SIZE];
    EVP_PKEY *key = NULL;

    hsmiam_status status = hsmiam_token_open(token, error);
    if (status != HSMIAM_OK)
        return status;
    hsmiam_retry retry = hsmiam_retry_start(token);
    do
        status = export_once(token, hsmiam_pair_get_wrapping(exportable), &key, fingerprint, error);
    while (hsmiam_retry_again(&retry, status, error));
    if (status == HSMIAM_OK)
        status = tell(key, fingerprint, take, context, error);
    EVP_PKEY_free(key);
    return status;
}
