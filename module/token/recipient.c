/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a key is wrapped for: a public key, bare or in a certificate. */
#include "token/evp.h"
#include "token/export.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#define BITS_MIN    2048
#define BITS_MAX    4096
#define SUBJECT_MAX 1024

struct hsmiam_recipient {
    hsmiam_rsa_numbers numbers;
    size_t bits;
    char fingerprint[HSMIAM_FINGERPRINT_SIZE];
    hsmiam_buffer subject;
};

static hsmiam_status refuse(hsmiam_error *error, const char *why)
{
    return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT, "The recipient's %s", why);
}

/* The first block of the PEM that holds a public key. */
typedef struct pem_block {
    char *name;
    char *header;
    unsigned char *data;
    long size;
} pem_block;

static void clear_block(pem_block *block)
{
    OPENSSL_free(block->name);
    OPENSSL_free(block->header);
    OPENSSL_clear_free(block->data, block->size > 0 ? (size_t)block->size : 0);
    *block = (pem_block){0};
}

static bool is_named(const pem_block *block, const char *name)
{
    return block->name != NULL && strcmp(block->name, name) == 0;
}

static bool holds_public_key(const pem_block *block)
{
    return is_named(block, PEM_STRING_PUBLIC) || is_named(block, PEM_STRING_RSA_PUBLIC) ||
           is_named(block, PEM_STRING_X509) || is_named(block, PEM_STRING_X509_OLD);
}

/* Whoever gives a private key here would give it to others as well: it is looked for to the end,
 * for programs that serve TLS have theirs behind the certificate. */
static hsmiam_status read_block(const char *pem, size_t size, pem_block *block_out,
                                hsmiam_error *error)
{
    BIO *bio = BIO_new_mem_buf(pem, (int)size);
    pem_block found = {0};
    pem_block block = {0};
    bool is_private = false;

    if (bio == NULL)
        return hsmiam_error_set_memory(error, "a recipient");
    while (!is_private &&
           PEM_read_bio(bio, &block.name, &block.header, &block.data, &block.size) == 1) {
        is_private = strstr(block.name, "PRIVATE KEY") != NULL;
        if (found.name == NULL && holds_public_key(&block)) {
            found = block;
            block = (pem_block){0};
        }
        clear_block(&block);
    }
    BIO_free(bio);
    if (!is_private && found.name != NULL) {
        *block_out = found;
        return HSMIAM_OK;
    }
    clear_block(&found);
    return refuse(
        error, is_private ? "file holds a private key; give its public half, as "
                            "`openssl pkey -pubout` writes it, or a certificate."
                          : "file holds neither a certificate nor a public key in PEM. To get PEM: "
                            "`openssl x509 -inform DER` or `openssl pkey -pubin -inform "
                            "DER` of DER, `ssh-keygen -e -m PKCS8` of a key of OpenSSH's.");
}

static hsmiam_status check_time(const X509 *certificate, hsmiam_error *error)
{
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0)
        return refuse(error, "certificate has expired; ask for a new one, or take it all the same "
                             "by --allow-expired.");
    if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
        return refuse(error, "certificate is not valid yet; look at this machine's clock, or take "
                             "it all the same by --allow-expired.");
    return HSMIAM_OK;
}

/* Without the extension a key serves for anything. */
static hsmiam_status check_usage(X509 *certificate, hsmiam_error *error)
{
    if ((X509_get_key_usage(certificate) &
         (X509v3_KU_KEY_ENCIPHERMENT | X509v3_KU_DATA_ENCIPHERMENT)) != 0)
        return HSMIAM_OK;
    return refuse(error, "certificate is not for encrypting keys (key usage); ask for one that is, "
                         "or give its bare key, as `openssl x509 -noout -pubkey` writes it.");
}

static hsmiam_status take_subject(hsmiam_recipient *recipient, const X509 *certificate,
                                  hsmiam_error *error)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;

    if (bio == NULL ||
        X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) < 0) {
        BIO_free(bio);
        return hsmiam_evp_set_error(error, "read the recipient's name");
    }
    long size = BIO_get_mem_data(bio, &text);
    hsmiam_buffer_append(&recipient->subject, text,
                         size < SUBJECT_MAX ? (size_t)size : (size_t)SUBJECT_MAX);
    BIO_free(bio);
    return hsmiam_buffer_check(&recipient->subject, "a recipient", error);
}

static hsmiam_status read_certificate(hsmiam_recipient *recipient, const pem_block *block,
                                      bool allow_expired, EVP_PKEY **key_out, hsmiam_error *error)
{
    const unsigned char *at = block->data;
    X509 *certificate = d2i_X509(NULL, &at, block->size);

    if (certificate == NULL)
        return refuse(error, "certificate cannot be read.");
    hsmiam_status status = allow_expired ? HSMIAM_OK : check_time(certificate, error);
    if (status == HSMIAM_OK)
        status = check_usage(certificate, error);
    if (status == HSMIAM_OK)
        status = take_subject(recipient, certificate, error);
    if (status == HSMIAM_OK)
        *key_out = X509_get_pubkey(certificate);
    X509_free(certificate);
    return status;
}

static hsmiam_status take_numbers(hsmiam_recipient *recipient, const EVP_PKEY *key,
                                  hsmiam_error *error)
{
    hsmiam_rsa_numbers *numbers = &recipient->numbers;
    BIGNUM *modulus = NULL;
    BIGNUM *exponent = NULL;
    hsmiam_status status = HSMIAM_OK;

    if (EVP_PKEY_get_bn_param(key, "n", &modulus) != 1 ||
        EVP_PKEY_get_bn_param(key, "e", &exponent) != 1) {
        status = hsmiam_evp_set_error(error, "read the recipient's key");
        goto out;
    }
    recipient->bits = (size_t)BN_num_bits(modulus);
    numbers->modulus_size = (size_t)BN_num_bytes(modulus);
    numbers->exponent_size = (size_t)BN_num_bytes(exponent);
    if (recipient->bits < BITS_MIN || recipient->bits > BITS_MAX) {
        status = hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                  "The recipient's RSA key has %zu bits; %d to %d are taken.",
                                  recipient->bits, BITS_MIN, BITS_MAX);
        goto out;
    }
    /* By an exponent of 1, anyone could read what is wrapped. */
    if (numbers->exponent_size > sizeof numbers->exponent || !BN_is_odd(exponent) ||
        BN_is_one(exponent) || !BN_is_odd(modulus)) {
        status = refuse(error, "RSA key is none that encrypts: look at its exponent.");
        goto out;
    }
    (void)BN_bn2bin(modulus, numbers->modulus);
    (void)BN_bn2bin(exponent, numbers->exponent);
out:
    BN_free(modulus);
    BN_free(exponent);
    return status;
}

static hsmiam_status take_key(hsmiam_recipient *recipient, EVP_PKEY *key, hsmiam_error *error)
{
    unsigned char *der = NULL;

    if (key == NULL)
        return refuse(error, "public key cannot be read.");
    if (EVP_PKEY_is_a(key, "RSA") != 1)
        return refuse(error, "key is of another kind; only RSA keys of 2048 to 4096 bits are "
                             "taken.");
    hsmiam_status status = take_numbers(recipient, key, error);
    if (status != HSMIAM_OK)
        return status;
    int size = i2d_PUBKEY(key, &der);
    status = size > 0 ? hsmiam_evp_fingerprint(der, (size_t)size, recipient->fingerprint, error)
                      : hsmiam_evp_set_error(error, "take a fingerprint");
    OPENSSL_free(der);
    return status;
}

hsmiam_status hsmiam_recipient_new(const char *pem, size_t size, bool allow_expired,
                                   hsmiam_recipient **recipient_out, hsmiam_error *error)
{
    hsmiam_recipient *recipient = NULL;
    pem_block block = {0};
    EVP_PKEY *key = NULL;

    if (pem == NULL || size > INT32_MAX)
        return refuse(error, "key is missing, or too long.");
    hsmiam_status status = read_block(pem, size, &block, error);
    if (status != HSMIAM_OK)
        return status;
    recipient = calloc(1, sizeof *recipient);
    if (recipient == NULL) {
        status = hsmiam_error_set_memory(error, "a recipient");
        goto out;
    }
    hsmiam_buffer_init(&recipient->subject, SUBJECT_MAX);
    const unsigned char *at = block.data;
    if (is_named(&block, PEM_STRING_PUBLIC))
        key = d2i_PUBKEY(NULL, &at, block.size);
    else if (is_named(&block, PEM_STRING_RSA_PUBLIC))
        key = d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, block.size);
    else
        status = read_certificate(recipient, &block, allow_expired, &key, error);
    if (status == HSMIAM_OK)
        status = take_key(recipient, key, error);
    if (status == HSMIAM_OK) {
        *recipient_out = recipient;
        recipient = NULL;
    }
out:
    EVP_PKEY_free(key);
    clear_block(&block);
    hsmiam_recipient_free(&recipient);
    return status;
}

void hsmiam_recipient_free(hsmiam_recipient **recipient)
{
    if (recipient == NULL || *recipient == NULL)
        return;
    hsmiam_buffer_clear(&(*recipient)->subject);
    free(*recipient);
    *recipient = NULL;
}

const char *hsmiam_recipient_get_fingerprint(const hsmiam_recipient *recipient)
{
    return recipient->fingerprint;
}

const char *hsmiam_recipient_get_subject(const hsmiam_recipient *recipient)
{
    return hsmiam_buffer_get_string(&recipient->subject);
}

size_t hsmiam_recipient_get_bits(const hsmiam_recipient *recipient)
{
    return recipient->bits;
}

const hsmiam_rsa_numbers *hsmiam_recipient_get_numbers(const hsmiam_recipient *recipient)
{
    return &recipient->numbers;
}
