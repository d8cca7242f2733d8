/* SPDX-License-Identifier: Apache-2.0 */
/* Who may be a recipient: keys of each kind and size, certificates with and without a usage. The
 * large keys have no private half: a number is taken for a modulus. */
#include "support/cmocka_tests.h"

#include "token/export.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static hsmiam_error *error;

static EVP_PKEY *make_rsa(int bits, unsigned long exponent, bool odd)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    BIGNUM *n = BN_new();
    BIGNUM *e = BN_new();
    EVP_PKEY *key = NULL;

    assert_int_equal(
        BN_rand(n, bits, BN_RAND_TOP_ONE, odd ? BN_RAND_BOTTOM_ODD : BN_RAND_BOTTOM_ANY), 1);
    assert_int_equal(odd ? 1 : BN_clear_bit(n, 0), 1);
    assert_int_equal(BN_set_word(e, exponent), 1);
    assert_int_equal(OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n), 1);
    assert_int_equal(OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e), 1);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
    assert_int_equal(EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    BN_free(n);
    BN_free(e);
    EVP_PKEY_CTX_free(context);
    return key;
}

/* What was written, as a text of its own. */
static char *finish(BIO *out)
{
    char *text = NULL;
    long size = BIO_get_mem_data(out, &text);
    char *copy = strndup(text, (size_t)size);

    BIO_free(out);
    assert_non_null(copy);
    return copy;
}

static char *write_public(EVP_PKEY *key)
{
    BIO *out = BIO_new(BIO_s_mem());

    assert_int_equal(PEM_write_bio_PUBKEY(out, key), 1);
    EVP_PKEY_free(key);
    return finish(out);
}

/* Signed by somebody; usage: of the extension, NULL: there is none. */
static char *write_certificate(EVP_PKEY *key, const char *usage)
{
    BIO *out = BIO_new(BIO_s_mem());
    EVP_PKEY *issuer = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509_EXTENSION *extension =
        usage != NULL ? X509V3_EXT_conf_nid(NULL, NULL, NID_key_usage, usage) : NULL;

    assert_int_equal(X509_set_version(certificate, X509_VERSION_3), 1);
    assert_int_equal(X509_set_pubkey(certificate, key), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), -10));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), 1000));
    if (usage != NULL)
        assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    assert_true(X509_sign(certificate, issuer, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_bio_X509(out, certificate), 1);
    X509_EXTENSION_free(extension);
    X509_free(certificate);
    EVP_PKEY_free(issuer);
    EVP_PKEY_free(key);
    return finish(out);
}

/* Reads it, and frees the text. message: NULL if it is taken. */
static void try_pem(char *pem, size_t bits, const char *message)
{
    hsmiam_recipient *recipient = NULL;

    hsmiam_error_clear(error);
    hsmiam_status status = hsmiam_recipient_new(pem, strlen(pem), false, &recipient, error);
    assert_int_equal(status, message == NULL ? HSMIAM_OK : HSMIAM_ERR_ARGUMENT);
    if (message == NULL) {
        assert_int_equal(hsmiam_recipient_get_bits(recipient), bits);
        assert_int_equal(strlen(hsmiam_recipient_get_fingerprint(recipient)), 64);
    } else if (strstr(hsmiam_error_get_message(error), message) == NULL) {
        fail_msg("\"%s\" is not in: %s", message, hsmiam_error_get_message(error));
    }
    hsmiam_recipient_free(&recipient);
    free(pem);
}

static void test_sizes(void **state)
{
    (void)state;
    try_pem(write_public(make_rsa(2048, 65537, true)), 2048, NULL);
    try_pem(write_public(make_rsa(3072, 3, true)), 3072, NULL);
    try_pem(write_public(make_rsa(4096, 65537, true)), 4096, NULL);
    try_pem(write_public(make_rsa(1024, 65537, true)), 0, "has 1024 bits; 2048 to 4096 are taken");
    try_pem(write_public(make_rsa(2047, 65537, true)), 0, "has 2047 bits");
    try_pem(write_public(make_rsa(4097, 65537, true)), 0, "has 4097 bits");
    try_pem(write_public(make_rsa(8192, 65537, true)), 0, "has 8192 bits");
}

/* By these, what is wrapped could be read by anyone, or by no one. */
static void test_numbers_that_encrypt_nothing(void **state)
{
    (void)state;
    try_pem(write_public(make_rsa(2048, 1, true)), 0, "none that encrypts");
    try_pem(write_public(make_rsa(2048, 65536, true)), 0, "none that encrypts");
    try_pem(write_public(make_rsa(2048, 65537, false)), 0, "none that encrypts");
}

static void test_other_kinds(void **state)
{
    BIO *out = BIO_new(BIO_s_mem());
    EVP_PKEY *pss = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);

    (void)state;
    try_pem(write_public(EVP_EC_gen("P-256")), 0, "only RSA keys of 2048 to 4096 bits");
    try_pem(write_public(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")), 0, "only RSA keys");
    try_pem(write_certificate(EVP_EC_gen("P-384"), NULL), 0, "only RSA keys");

    assert_int_equal(EVP_PKEY_keygen_init(context), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(context, 512), 1);
    assert_int_equal(EVP_PKEY_generate(context, &pss), 1);
    EVP_PKEY_CTX_free(context);
    try_pem(write_public(pss), 0, "only RSA keys");

    /* PKCS#1's own form. */
    EVP_PKEY *key = make_rsa(2048, 65537, true);
    unsigned char *der = NULL;
    int size = i2d_PublicKey(key, &der);
    assert_true(size > 0);
    assert_true(PEM_write_bio(out, PEM_STRING_RSA_PUBLIC, "", der, size) > 0);
    OPENSSL_free(der);
    EVP_PKEY_free(key);
    try_pem(finish(out), 2048, NULL);
}

/* Whoever holds it would be told to keep it to themselves, also if it is encrypted, or comes behind
 * something else. */
static void test_private_keys(void **state)
{
    static const char *const names[] = {"PRIVATE KEY", "RSA PRIVATE KEY", "ENCRYPTED PRIVATE KEY",
                                        "EC PRIVATE KEY"};
    char *pem = write_public(make_rsa(2048, 65537, true));
    char *both = NULL;
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(text, sizeof text,
                       "-----BEGIN EC PARAMETERS-----\nAAAA\n-----END EC PARAMETERS-----\n"
                       "-----BEGIN %s-----\nAAAA\n-----END %s-----\n",
                       names[i], names[i]);
        try_pem(strdup(text), 0, "holds a private key; give its public half");
        assert_true(asprintf(&both, "%s%s", pem, text) > 0);
        try_pem(both, 0, "holds a private key; give its public half");
    }
    free(pem);
}

static void test_key_usage(void **state)
{
    (void)state;
    try_pem(write_certificate(make_rsa(2048, 65537, true), NULL), 2048, NULL);
    try_pem(write_certificate(make_rsa(2048, 65537, true), "keyEncipherment"), 2048, NULL);
    try_pem(write_certificate(make_rsa(2048, 65537, true), "digitalSignature,dataEncipherment"),
            2048, NULL);
    try_pem(write_certificate(make_rsa(2048, 65537, true), "digitalSignature,keyCertSign"), 0,
            "certificate is not for encrypting keys");
    try_pem(write_certificate(make_rsa(2048, 65537, true), "keyAgreement"), 0,
            "openssl x509 -noout -pubkey");
}

/* What a mail or an editor did to it. */
static void test_text_around_it(void **state)
{
    char *pem = write_public(make_rsa(2048, 65537, true));
    char *text = NULL;
    size_t end = strlen(pem) / 2;

    (void)state;
    assert_true(asprintf(&text, "Bag Attributes\r\n  name\n%s\nGreetings\n%s", pem, pem) > 0);
    try_pem(text, 2048, NULL);
    assert_true(asprintf(&text, "%.*s", (int)end, pem) > 0);
    try_pem(text, 0, "neither a certificate nor a public key");
    assert_true(asprintf(&text, "ssh-rsa AAAA") > 0);
    try_pem(text, 0, "`ssh-keygen -e -m PKCS8` of a key of OpenSSH's");
    pem[end] = '!';
    try_pem(pem, 0, "neither a certificate nor a public key");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),       cmocka_unit_test(test_numbers_that_encrypt_nothing),
        cmocka_unit_test(test_other_kinds), cmocka_unit_test(test_private_keys),
        cmocka_unit_test(test_key_usage),   cmocka_unit_test(test_text_around_it),
    };

    error = hsmiam_error_new();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    hsmiam_error_free(&error);
    return failed;
}
