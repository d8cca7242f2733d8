/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/public_key.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#define PEM_SIZE_MAX       65536
#define BASE64_DECODED_MAX 600
#define DER_MAX            600 /* of an RSA key of 4096 bits */
#define RSA_BITS_MIN       2048
#define RSA_BITS_MAX       4096

struct hsmiam_public_key {
    EVP_PKEY *key;
    char fingerprint[HSMIAM_FINGERPRINT_SIZE];
    char base64[HSMIAM_BASE64_SIZE(DER_MAX)];
};

struct hsmiam_verifier {
    EVP_PKEY_CTX *context;
};

static hsmiam_status refuse(hsmiam_error *error)
{
    return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                            "This is not the public half of an audit key (EC P-256, as `hsmiam "
                            "audit export-public-key` writes it).");
}

static bool is_p256(const EVP_PKEY *key)
{
    char group[32] = "";

    return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
           EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 &&
           strcmp(group, "prime256v1") == 0;
}

static hsmiam_status refuse_approver(hsmiam_error *error)
{
    return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                            "This is not the public key of an approver: EC P-256, as `hsmiam "
                            "provision-token --approver-key` tells it, or RSA of 2048 to 4096 "
                            "bits, in PEM.");
}

static bool is_rsa(const EVP_PKEY *key)
{
    return EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) >= RSA_BITS_MIN &&
           EVP_PKEY_get_bits(key) <= RSA_BITS_MAX;
}

/* One key has one fingerprint, in whatever form its point or its curve was written: otherwise one
 * approver would count as two, and an audit key would not be known again. */
static bool normalize(EVP_PKEY *key)
{
    return EVP_PKEY_get_base_id(key) != EVP_PKEY_EC ||
           (EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING,
                                           OSSL_PKEY_EC_ENCODING_GROUP) == 1 &&
            EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                           OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED) == 1);
}

/* Takes the key over, whatever becomes of it. */
static hsmiam_status wrap(EVP_PKEY *key, bool of_approver, hsmiam_public_key **key_out,
                          hsmiam_error *error)
{
    hsmiam_public_key *made = calloc(1, sizeof *made);
    unsigned char *der = NULL;
    uint8_t digest[HSMIAM_DIGEST_SIZE];
    hsmiam_status status = HSMIAM_OK;

    if (made == NULL) {
        EVP_PKEY_free(key);
        return hsmiam_error_set_memory(error, "a public key");
    }
    made->key = key;
    bool is_one = key != NULL && (is_p256(key) || (of_approver && is_rsa(key))) && normalize(key);
    int size = is_one ? i2d_PUBKEY(key, &der) : -1;
    if (size <= 0 || size > DER_MAX ||
        EVP_Digest(der, (size_t)size, digest, NULL, EVP_sha256(), NULL) != 1) {
        status = of_approver ? refuse_approver(error) : refuse(error);
        goto out;
    }
    hsmiam_hash_format(digest, made->fingerprint);
    hsmiam_base64_encode(der, (size_t)size, made->base64);
    *key_out = made;
    made = NULL;
out:
    OPENSSL_free(der);
    hsmiam_public_key_free(&made);
    return status;
}

static hsmiam_status read_der(const void *der, size_t size, bool of_approver,
                              hsmiam_public_key **key_out, hsmiam_error *error)
{
    const unsigned char *at = der;
    EVP_PKEY *key = size <= DER_MAX ? d2i_PUBKEY(NULL, &at, (long)size) : NULL;

    if (key != NULL && at != (const unsigned char *)der + size) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    return wrap(key, of_approver, key_out, error);
}

static hsmiam_status read_base64(const char *text, bool of_approver, hsmiam_public_key **key_out,
                                 hsmiam_error *error)
{
    uint8_t der[DER_MAX];
    size_t size = 0;

    if (!hsmiam_base64_decode(text, der, sizeof der, &size))
        return of_approver ? refuse_approver(error) : refuse(error);
    return read_der(der, size, of_approver, key_out, error);
}

static hsmiam_status read_pem(const char *pem, size_t size, bool of_approver,
                              hsmiam_public_key **key_out, hsmiam_error *error)
{
    BIO *bio = size <= PEM_SIZE_MAX ? BIO_new_mem_buf(pem, (int)size) : NULL;
    EVP_PKEY *key = bio != NULL ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;

    BIO_free(bio);
    return wrap(key, of_approver, key_out, error);
}

hsmiam_status hsmiam_public_key_new(const void *der, size_t size, hsmiam_public_key **key_out,
                                    hsmiam_error *error)
{
    return read_der(der, size, false, key_out, error);
}

hsmiam_status hsmiam_public_key_new_base64(const char *text, hsmiam_public_key **key_out,
                                           hsmiam_error *error)
{
    return read_base64(text, false, key_out, error);
}

hsmiam_status hsmiam_public_key_new_pem(const char *pem, size_t size, hsmiam_public_key **key_out,
                                        hsmiam_error *error)
{
    return read_pem(pem, size, false, key_out, error);
}

hsmiam_status hsmiam_public_key_new_approver(const char *text, hsmiam_public_key **key_out,
                                             hsmiam_error *error)
{
    return read_base64(text, true, key_out, error);
}

hsmiam_status hsmiam_public_key_new_approver_pem(const char *pem, size_t size,
                                                 hsmiam_public_key **key_out, hsmiam_error *error)
{
    return read_pem(pem, size, true, key_out, error);
}

void hsmiam_public_key_free(hsmiam_public_key **key)
{
    if (key == NULL || *key == NULL)
        return;
    EVP_PKEY_free((*key)->key);
    free(*key);
    *key = NULL;
}

const char *hsmiam_public_key_get_fingerprint(const hsmiam_public_key *key)
{
    return key->fingerprint;
}

const char *hsmiam_public_key_get_base64(const hsmiam_public_key *key)
{
    return key->base64;
}

hsmiam_status hsmiam_public_key_format_pem(const hsmiam_public_key *key,
                                           char pem_out[HSMIAM_PEM_MAX], hsmiam_error *error)
{
    BIO *bio = BIO_new(BIO_s_mem());
    int size = -1;

    if (bio != NULL && PEM_write_bio_PUBKEY(bio, key->key) == 1)
        size = BIO_read(bio, pem_out, HSMIAM_PEM_MAX - 1);
    BIO_free(bio);
    if (size <= 0)
        return hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "OpenSSL cannot write the audit key.");
    pem_out[size] = '\0';
    return HSMIAM_OK;
}

hsmiam_verifier *hsmiam_verifier_new(const hsmiam_public_key *key)
{
    hsmiam_verifier *verifier = calloc(1, sizeof *verifier);

    if (verifier == NULL)
        return NULL;
    verifier->context = EVP_PKEY_CTX_new_from_pkey(NULL, key->key, NULL);
    if (verifier->context == NULL || EVP_PKEY_verify_init(verifier->context) != 1 ||
        (is_rsa(key->key) &&
         (EVP_PKEY_CTX_set_rsa_padding(verifier->context, RSA_PKCS1_PADDING) != 1 ||
          EVP_PKEY_CTX_set_signature_md(verifier->context, EVP_sha256()) != 1)))
        hsmiam_verifier_free(&verifier);
    return verifier;
}

void hsmiam_verifier_free(hsmiam_verifier **verifier)
{
    if (verifier == NULL || *verifier == NULL)
        return;
    EVP_PKEY_CTX_free((*verifier)->context);
    free(*verifier);
    *verifier = NULL;
}

bool hsmiam_verifier_check(hsmiam_verifier *verifier, const uint8_t digest[HSMIAM_DIGEST_SIZE],
                           const uint8_t *signature, size_t size)
{
    return EVP_PKEY_verify(verifier->context, signature, size, digest, HSMIAM_DIGEST_SIZE) == 1;
}

void hsmiam_base64_encode(const uint8_t *data, size_t size, char *text_out)
{
    (void)EVP_EncodeBlock((unsigned char *)text_out, data, (int)size);
}

bool hsmiam_base64_decode(const char *text, uint8_t *data_out, size_t room, size_t *size_out)
{
    uint8_t decoded[BASE64_DECODED_MAX];
    char again[HSMIAM_BASE64_SIZE(BASE64_DECODED_MAX)];
    size_t length = strlen(text);

    if (length % 4 != 0 || length == 0 || length / 4 * 3 > sizeof decoded)
        return false;
    int size = EVP_DecodeBlock(decoded, (const unsigned char *)text, (int)length);
    if (size < 0)
        return false;
    /* What fills up the last group counts there. */
    size_t count = (size_t)size;
    for (size_t i = length; i > length - 2 && text[i - 1] == '='; i--)
        count--;
    hsmiam_base64_encode(decoded, count, again);
    if (count > room || strcmp(text, again) != 0)
        return false;
    memcpy(data_out, decoded, count);
    *size_out = count;
    return true;
}

bool hsmiam_verifier_check_line(hsmiam_verifier *verifier, hsmiam_hash *hash, const char *line,
                                size_t signed_size, const char *signature)
{
    uint8_t digest[HSMIAM_DIGEST_SIZE];
    uint8_t bytes[RSA_BITS_MAX / 8];
    size_t size = 0;

    return hsmiam_base64_decode(signature, bytes, sizeof bytes, &size) &&
           hsmiam_hash_compute(hash, line, signed_size, digest) &&
           hsmiam_verifier_check(verifier, digest, bytes, size);
}
