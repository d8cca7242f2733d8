/* SPDX-License-Identifier: Apache-2.0 */
/* A key pair's name: the SHA-256 of its SubjectPublicKeyInfo. The private half of an EC pair does
 * not tell its point, so the public half that it proves to be its own is read. */
#include "token/evp.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#define NUMBER_SIZE 32 /* of P-256 */
#define POINT_SIZE  (1 + 2 * NUMBER_SIZE)

/* A nonce, and the signature over it by the private half. */
typedef struct pair_proof {
    uint8_t nonce[HSMIAM_EC_DIGEST_SIZE];
    unsigned char *der;
    int der_size;
} pair_proof;

/* An EC point as PKCS#11 has it: the octets in a DER OCTET STRING. Some tokens leave that out. */
static EVP_PKEY *key_from_point(const uint8_t *point, size_t size)
{
    static char group[] = "prime256v1";
    OSSL_PARAM params[3];

    if (size == 2 + POINT_SIZE && point[0] == 0x04 && point[1] == POINT_SIZE) {
        point += 2;
        size -= 2;
    }
    if (size != POINT_SIZE)
        return NULL;
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)point, size);
    params[2] = OSSL_PARAM_construct_end();
    return hsmiam_evp_new_key("EC", params);
}

hsmiam_status hsmiam_ec_sign(hsmiam_token *token, hsmiam_object private_key,
                             const uint8_t digest[HSMIAM_EC_DIGEST_SIZE],
                             uint8_t signature_out[HSMIAM_EC_SIGNATURE_SIZE], hsmiam_error *error)
{
    const hsmiam_signature wanted = {.mechanism = CKM_ECDSA,
                                     .init_name = "C_SignInit(CKM_ECDSA)",
                                     .name = "C_Sign(CKM_ECDSA)",
                                     .key = private_key,
                                     .data = digest,
                                     .size = HSMIAM_EC_DIGEST_SIZE};
    CK_RV rv = CKR_OK;
    CK_ULONG size = HSMIAM_EC_SIGNATURE_SIZE;

    hsmiam_session *session = NULL;
    hsmiam_status status = hsmiam_session_borrow(token, &session, error);
    if (status != HSMIAM_OK)
        return status;
    status = hsmiam_session_sign(token, session, &wanted, signature_out, &size, &rv, error);
    hsmiam_session_return(token, &session, rv);
    if (status != HSMIAM_OK)
        return status;
    if (size != HSMIAM_EC_SIGNATURE_SIZE)
        return hsmiam_error_set(error, HSMIAM_ERR_TOKEN,
                                "Token \"%s\": C_Sign gave an ECDSA signature of %lu bytes, not "
                                "%d.",
                                token->label, size, HSMIAM_EC_SIGNATURE_SIZE);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_ec_encode(const uint8_t raw[HSMIAM_EC_SIGNATURE_SIZE], unsigned char **der_out,
                               int *size_out, hsmiam_error *error)
{
    hsmiam_status status = HSMIAM_OK;
    ECDSA_SIG *signature = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, NUMBER_SIZE, NULL);
    BIGNUM *s = BN_bin2bn(raw + NUMBER_SIZE, NUMBER_SIZE, NULL);

    if (signature == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(signature, r, s) != 1) {
        status = hsmiam_evp_set_error(error, "encode a signature");
        goto out;
    }
    r = NULL;
    s = NULL;
    *der_out = NULL;
    *size_out = i2d_ECDSA_SIG(signature, der_out);
    if (*size_out <= 0)
        status = hsmiam_evp_set_error(error, "encode a signature");
out:
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(signature);
    return status;
}

/* A nonce, signed by the private half. */
static hsmiam_status make_proof(hsmiam_token *token, hsmiam_object private_key, pair_proof *proof,
                                hsmiam_error *error)
{
    uint8_t signature[HSMIAM_EC_SIGNATURE_SIZE];

    if (RAND_bytes(proof->nonce, sizeof proof->nonce) != 1)
        return hsmiam_evp_set_error(error, "make a nonce");
    hsmiam_status status = hsmiam_ec_sign(token, private_key, proof->nonce, signature, error);
    if (status == HSMIAM_OK)
        status = hsmiam_ec_encode(signature, &proof->der, &proof->der_size, error);
    return status;
}

static bool is_proven(const pair_proof *proof, EVP_PKEY *key)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    bool proven = context != NULL && EVP_PKEY_verify_init(context) == 1 &&
                  EVP_PKEY_verify(context, proof->der, (size_t)proof->der_size, proof->nonce,
                                  sizeof proof->nonce) == 1;

    EVP_PKEY_CTX_free(context);
    return proven;
}

static hsmiam_status find_public(hsmiam_token *token, const hsmiam_pair_spec *spec,
                                 hsmiam_object *found, size_t *count_out, hsmiam_error *error)
{
    CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
    CK_KEY_TYPE type = spec->key_type;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_KEY_TYPE, &type, sizeof type},
        {CKA_LABEL, (void *)spec->label, strlen(spec->label)},
    };

    return hsmiam_objects_find(token, template, 3, found, count_out, error);
}

/* Loads a public half; NULL and OK if it is none of P-256, whose bytes are then counted. */
static hsmiam_status load_public(const hsmiam_token *token, hsmiam_object public_key,
                                 EVP_PKEY **key_out, size_t *size_out, hsmiam_error *error)
{
    uint8_t point[128];
    size_t size = sizeof point;
    hsmiam_status status = hsmiam_attribute_get_bytes(token, public_key, CKA_EC_POINT,
                                                      "CKA_EC_POINT", point, &size, error);

    *key_out = NULL;
    *size_out = 0;
    if (status == HSMIAM_ERR_UNSUPPORTED) {
        hsmiam_error_clear(error);
        return HSMIAM_OK;
    }
    if (status != HSMIAM_OK)
        return status;
    *size_out = size;
    *key_out = key_from_point(point, size);
    return HSMIAM_OK;
}

/* Why none of the public halves is the one. */
static hsmiam_status report_none(const hsmiam_token *token, const hsmiam_pair_spec *spec,
                                 size_t count, bool is_point, size_t size, hsmiam_error *error)
{
    if (count == 0)
        return hsmiam_error_set(error, HSMIAM_ERR_NOT_FOUND,
                                "Token \"%s\" has 0 public keys \"%s\" where one belongs.",
                                token->label, spec->label);
    if (count > 1)
        return hsmiam_error_set(error, HSMIAM_ERR_AMBIGUOUS,
                                "Token \"%s\" has %zu public keys \"%s\" where one belongs, and "
                                "none of them belongs to the private half; find out who made them.",
                                token->label, count, spec->label);
    if (!is_point)
        return hsmiam_error_set(error, HSMIAM_ERR_TOKEN,
                                "Token \"%s\": CKA_EC_POINT of public key \"%s\" (%zu bytes) is no "
                                "point of P-256.",
                                token->label, spec->label, size);
    return hsmiam_error_set(error, HSMIAM_ERR_TOKEN,
                            "Token \"%s\": the public and the private half of a key pair of ours "
                            "do not belong together; find out who made them.",
                            token->label);
}

hsmiam_status hsmiam_ec_load(hsmiam_token *token, const hsmiam_pair_spec *spec,
                             hsmiam_object private_key, EVP_PKEY **key_out, bool *proven_out,
                             hsmiam_error *error)
{
    hsmiam_object found[HSMIAM_OBJECTS_MAX];
    size_t count = 0;
    size_t size = 0;
    pair_proof proof = {0};
    EVP_PKEY *key = NULL;
    bool is_point = false;

    hsmiam_status status = find_public(token, spec, found, &count, error);
    if (status != HSMIAM_OK)
        return status;
    bool prove = proven_out == NULL || count != 1;
    if (prove)
        status = make_proof(token, private_key, &proof, error);
    if (status != HSMIAM_OK)
        goto out;
    for (size_t i = 0; i < count; i++) {
        status = load_public(token, found[i], &key, &size, error);
        if (status != HSMIAM_OK)
            goto out;
        is_point = key != NULL;
        if (is_point && (!prove || is_proven(&proof, key)))
            break;
        EVP_PKEY_free(key);
        key = NULL;
    }
    if (key == NULL) {
        status = report_none(token, spec, count, is_point, size, error);
        goto out;
    }
    *key_out = key;
    if (proven_out != NULL)
        *proven_out = prove;
out:
    OPENSSL_free(proof.der);
    return status;
}

hsmiam_status hsmiam_evp_fingerprint(const unsigned char *der, size_t size,
                                     char fingerprint_out[65], hsmiam_error *error)
{
    uint8_t digest[32] = {0};

    if (EVP_Digest(der, size, digest, NULL, EVP_sha256(), NULL) != 1)
        return hsmiam_evp_set_error(error, "take a fingerprint");
    for (size_t i = 0; i < sizeof digest; i++)
        (void)snprintf(fingerprint_out + 2 * i, 3, "%02x", digest[i]);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_pair_get_fingerprint(hsmiam_token *token, const hsmiam_pair_spec *spec,
                                          hsmiam_object private_key, char fingerprint_out[65],
                                          hsmiam_error *error)
{
    EVP_PKEY *key = NULL;
    unsigned char *der = NULL;

    hsmiam_status status = spec->key_type == CKK_RSA
                               ? hsmiam_wrapping_key_load(token, private_key, &key, error)
                               : hsmiam_ec_load(token, spec, private_key, &key, NULL, error);
    if (status != HSMIAM_OK)
        return status;

    int size = i2d_PUBKEY(key, &der);
    status = size > 0 ? hsmiam_evp_fingerprint(der, (size_t)size, fingerprint_out, error)
                      : hsmiam_evp_set_error(error, "take a fingerprint");
    OPENSSL_free(der);
    EVP_PKEY_free(key);
    return status;
}
