/* SPDX-License-Identifier: Apache-2.0 */
/* What the host does with the token's key pairs: encrypt to the wrapping key, and name a key by the
 * SHA-256 of its SubjectPublicKeyInfo. OpenSSL results become ours here. */
#include "token/cryptoki.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#define MODULUS_SIZE_MAX 1024
#define MODULUS_SIZE_MIN 256
#define NONCE_SIZE       32

const hsmiam_oaep_hash hsmiam_oaep_hashes[] = {
    {"SHA256", CKM_SHA256, CKG_MGF1_SHA256},
    {"SHA1", CKM_SHA_1, CKG_MGF1_SHA1},
};
const size_t hsmiam_oaep_hash_count = sizeof hsmiam_oaep_hashes / sizeof hsmiam_oaep_hashes[0];

static hsmiam_status openssl_error(hsmiam_error *error, const char *what)
{
    return hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "OpenSSL cannot %s.", what);
}

static EVP_PKEY *key_from_params(const char *type, OSSL_PARAM *params)
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

    if (builder != NULL && n != NULL && e != NULL &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1)
        params = OSSL_PARAM_BLD_to_param(builder);
    if (params != NULL)
        key = key_from_params("RSA", params);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    BN_free(n);
    BN_free(e);
    return key;
}

static hsmiam_status load_rsa(const hsmiam_token *token, hsmiam_object private_key,
                              EVP_PKEY **key_out, hsmiam_error *error)
{
    uint8_t modulus[MODULUS_SIZE_MAX];
    uint8_t exponent[16];
    size_t modulus_size = sizeof modulus;
    size_t exponent_size = sizeof exponent;

    hsmiam_status status = hsmiam_attribute_get_bytes(token, private_key, CKA_MODULUS,
                                                      "CKA_MODULUS", modulus, &modulus_size, error);
    if (status == HSMIAM_OK)
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
    return *key_out != NULL ? HSMIAM_OK : openssl_error(error, "use the wrapping key");
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

    hsmiam_status status = load_rsa(token, private_key, &key, error);
    if (status != HSMIAM_OK)
        return status;

    context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    if (context == NULL || EVP_PKEY_encrypt_init(context) <= 0 ||
        EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) <= 0 ||
        EVP_PKEY_CTX_set_rsa_oaep_md_name(context, hash->name, NULL) <= 0 ||
        EVP_PKEY_CTX_set_rsa_mgf1_md_name(context, hash->name, NULL) <= 0 ||
        EVP_PKEY_encrypt(context, to, &written, hsmiam_secret_get_data(value),
                         hsmiam_secret_get_size(value)) <= 0)
        status = openssl_error(error, "encrypt to the wrapping key");
    else
        hsmiam_secret_grow(wrapped, written);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
    return status;
}

/* An EC point as PKCS#11 has it: the octets in a DER OCTET STRING. Some tokens leave that out. */
static EVP_PKEY *ec_from_point(const uint8_t *point, size_t size)
{
    static char group[] = "prime256v1";
    OSSL_PARAM params[3];

    if (size == 67 && point[0] == 0x04 && point[1] == 65) {
        point += 2;
        size -= 2;
    }
    if (size != 65)
        return NULL;
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)point, size);
    params[2] = OSSL_PARAM_construct_end();
    return key_from_params("EC", params);
}

static hsmiam_status find_public(hsmiam_token *token, const hsmiam_pair_spec *spec,
                                 hsmiam_object *public_out, hsmiam_error *error)
{
    CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
    CK_KEY_TYPE type = spec->key_type;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_KEY_TYPE, &type, sizeof type},
        {CKA_LABEL, (void *)spec->label, strlen(spec->label)},
    };
    hsmiam_object found[HSMIAM_OBJECTS_MAX];
    size_t count = 0;
    hsmiam_status status = hsmiam_objects_find(token, template, 3, found, &count, error);

    if (status == HSMIAM_OK && count != 1)
        status = hsmiam_error_set(error, count == 0 ? HSMIAM_ERR_NOT_FOUND : HSMIAM_ERR_AMBIGUOUS,
                                  "Token \"%s\" has %zu public keys \"%s\" where one belongs.",
                                  token->label, count, spec->label);
    if (status == HSMIAM_OK)
        *public_out = found[0];
    return status;
}

/* Whether the private half made a signature over a fresh nonce that `key` verifies: a public object
 * can be planted by anyone. */
static hsmiam_status prove_pair(const hsmiam_token *token, hsmiam_object private_key, EVP_PKEY *key,
                                hsmiam_error *error)
{
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    uint8_t nonce[NONCE_SIZE];
    uint8_t raw[64] = {0};
    CK_ULONG raw_size = sizeof raw;
    unsigned char *der = NULL;
    int der_size = -1;
    hsmiam_status status = HSMIAM_OK;

    CK_RV rv = token->functions->C_GenerateRandom(token->session, nonce, sizeof nonce);
    if (rv != CKR_OK)
        return hsmiam_rv_set_error(token, rv, "C_GenerateRandom", error);
    rv = token->functions->C_SignInit(token->session, &mechanism, private_key);
    if (rv != CKR_OK)
        return hsmiam_rv_set_error(token, rv, "C_SignInit(CKM_ECDSA)", error);
    rv = token->functions->C_Sign(token->session, nonce, sizeof nonce, raw, &raw_size);
    if (rv != CKR_OK)
        return hsmiam_rv_set_error(token, rv, "C_Sign(CKM_ECDSA)", error);

    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    ECDSA_SIG *signature = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, 32, NULL);
    BIGNUM *s = BN_bin2bn(raw + 32, 32, NULL);
    if (signature != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(signature, r, s) == 1) {
        r = NULL;
        s = NULL;
        der_size = i2d_ECDSA_SIG(signature, &der);
    }
    if (raw_size != sizeof raw || der_size <= 0 || context == NULL ||
        EVP_PKEY_verify_init(context) <= 0 ||
        EVP_PKEY_verify(context, der, (size_t)der_size, nonce, sizeof nonce) != 1)
        status = hsmiam_error_set(error, HSMIAM_ERR_TOKEN,
                                  "Token \"%s\": the public and the private half of a key pair of "
                                  "ours do not belong together; find out who made them.",
                                  token->label);
    OPENSSL_free(der);
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(signature);
    EVP_PKEY_CTX_free(context);
    return status;
}

static hsmiam_status load_ec(hsmiam_token *token, const hsmiam_pair_spec *spec,
                             hsmiam_object private_key, EVP_PKEY **key_out, hsmiam_error *error)
{
    uint8_t point[128];
    size_t size = sizeof point;
    hsmiam_object public_key = CK_INVALID_HANDLE;

    hsmiam_status status = find_public(token, spec, &public_key, error);
    if (status == HSMIAM_OK)
        status = hsmiam_attribute_get_bytes(token, public_key, CKA_EC_POINT, "CKA_EC_POINT", point,
                                            &size, error);
    if (status != HSMIAM_OK)
        return status;
    *key_out = ec_from_point(point, size);
    if (*key_out == NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_TOKEN,
                                "Token \"%s\": CKA_EC_POINT of public key \"%s\" (%zu bytes) is no "
                                "point of P-256.",
                                token->label, spec->label, size);
    status = prove_pair(token, private_key, *key_out, error);
    if (status != HSMIAM_OK) {
        EVP_PKEY_free(*key_out);
        *key_out = NULL;
    }
    return status;
}

hsmiam_status hsmiam_pair_get_fingerprint(hsmiam_token *token, const hsmiam_pair_spec *spec,
                                          hsmiam_object private_key, char fingerprint_out[65],
                                          hsmiam_error *error)
{
    EVP_PKEY *key = NULL;
    unsigned char *der = NULL;
    uint8_t digest[32] = {0};
    unsigned size = 0;

    hsmiam_status status = spec->key_type == CKK_RSA
                               ? load_rsa(token, private_key, &key, error)
                               : load_ec(token, spec, private_key, &key, error);
    if (status != HSMIAM_OK)
        return status;

    int der_size = i2d_PUBKEY(key, &der);
    if (der_size <= 0 || EVP_Digest(der, (size_t)der_size, digest, &size, EVP_sha256(), NULL) != 1)
        status = openssl_error(error, "take a fingerprint");
    for (unsigned i = 0; status == HSMIAM_OK && i < sizeof digest; i++)
        (void)snprintf(fingerprint_out + (size_t)2 * i, 3, "%02x", digest[i]);
    OPENSSL_free(der);
    EVP_PKEY_free(key);
    return status;
}
