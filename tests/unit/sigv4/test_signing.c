/* SPDX-License-Identifier: Apache-2.0 */
/* Stages 2 to 4, and the signer that holds them. The values are those of the AWS documentation, for
 * 30 August 2015, us-east-1 and iam. */
#include "support/cmocka_tests.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake_token.h"
#include "sigv4/authorization.h"
#include "sigv4/digest.h"
#include "sigv4/signing_key.h"
#include "sigv4/string_to_sign.h"

static const hsmiam_scope iam_scope = {"20150830", "us-east-1", "iam"};

static const char canonical_request[] =
    "GET\n/\nAction=ListUsers&Version=2010-05-08\n"
    "content-type:application/x-www-form-urlencoded; charset=utf-8\nhost:iam.amazonaws.com\n"
    "x-amz-date:20150830T123600Z\n\ncontent-type;host;x-amz-date\n"
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

static const char string_to_sign[] =
    "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n"
    "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59";

static const char signing_key_hex[] =
    "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9";

static const char signature_hex[] =
    "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";

static void hashes(void **state)
{
    char hex[HSMIAM_SHA256_HEX_SIZE + 1] = "";

    (void)state;
    assert_int_equal(hsmiam_digest_sha256_hex("", 0, hex, NULL), HSMIAM_OK);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_int_equal(hsmiam_digest_sha256_hex("abc", 3, hex, NULL), HSMIAM_OK);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* RFC 4231, 4.3: a key shorter than the output. */
static void computes_an_hmac(void **state)
{
    char hex[HSMIAM_SHA256_HEX_SIZE + 1] = "";
    uint8_t mac[HSMIAM_HMAC_SIZE] = {0};
    hsmiam_hmac *hmac = NULL;
    hsmiam_secret *key = NULL;

    (void)state;
    assert_int_equal(hsmiam_hmac_new(&hmac, NULL), HSMIAM_OK);
    assert_int_equal(hsmiam_secret_new(32, &key, NULL), HSMIAM_OK);
    assert_true(hsmiam_secret_append(key, "Jefe", 4));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            hsmiam_hmac_compute(hmac, key, "what do ya want for nothing?", 28, mac, NULL),
            HSMIAM_OK);
        hsmiam_digest_format_hex(mac, sizeof mac, hex);
        assert_string_equal(hex,
                            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
    hsmiam_secret_free(&key);
    hsmiam_hmac_free(&hmac);
    assert_null(hmac);
}

static void makes_the_string_to_sign(void **state)
{
    hsmiam_buffer canonical;
    hsmiam_buffer text;

    (void)state;
    hsmiam_buffer_init(&canonical, 1024);
    hsmiam_buffer_init(&text, 1024);
    hsmiam_buffer_append_string(&canonical, canonical_request);
    assert_int_equal(
        hsmiam_string_to_sign_append(&text, "20150830T123600Z", &iam_scope, &canonical, NULL),
        HSMIAM_OK);
    assert_string_equal(hsmiam_buffer_get_string(&text), string_to_sign);

    hsmiam_buffer_clear(&text);
    hsmiam_buffer_init(&text, 20);
    assert_int_equal(
        hsmiam_string_to_sign_append(&text, "20150830T123600Z", &iam_scope, &canonical, NULL),
        HSMIAM_ERR_MEMORY);
    hsmiam_buffer_clear(&text);
    hsmiam_buffer_clear(&canonical);
}

static void makes_the_authorization(void **state)
{
    static const char expected[] = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/"
                                   "aws4_request, SignedHeaders=host;x-amz-date, Signature=abc";
    hsmiam_buffer text;

    (void)state;
    hsmiam_buffer_init(&text, 1024);
    assert_int_equal(hsmiam_authorization_append(&text, "AKIDEXAMPLE", &iam_scope,
                                                 "host;x-amz-date", "abc", NULL),
                     HSMIAM_OK);
    assert_string_equal(hsmiam_buffer_get_string(&text), expected);
    hsmiam_buffer_clear(&text);
}

static void derives_the_signing_key(void **state)
{
    struct hsmiam_token token = FAKE_TOKEN_EXAMPLE;
    hsmiam_signing_key key = {
        .route = &hsmiam_signing_route_sign, .token = &token, .access_key = 17};
    char hex[HSMIAM_SHA256_HEX_SIZE + 1] = "";
    uint8_t mac[HSMIAM_HMAC_SIZE] = {0};

    (void)state;
    assert_int_equal(hsmiam_signing_key_sign(&key, &iam_scope, string_to_sign,
                                             strlen(string_to_sign), mac, NULL),
                     HSMIAM_OK);
    hsmiam_digest_format_hex(mac, sizeof mac, hex);
    assert_string_equal(hex, signature_hex);
    hsmiam_digest_format_hex(hsmiam_secret_get_data(key.value), hsmiam_secret_get_size(key.value),
                             hex);
    assert_string_equal(hex, signing_key_hex);
    hsmiam_signing_key_clear(&key);
    assert_null(key.value);
    assert_null(key.hmac);
}

static void sign_ok(hsmiam_signer *signer, const hsmiam_scope *scope, char signature[65])
{
    assert_int_equal(
        hsmiam_signer_sign(signer, scope, string_to_sign, strlen(string_to_sign), signature, NULL),
        HSMIAM_OK);
}

static void keeps_the_signing_key_of_the_last_scope(void **state)
{
    static const hsmiam_scope others[] = {{"20150831", "us-east-1", "iam"},
                                          {"20150831", "us-west-2", "iam"},
                                          {"20150831", "us-west-2", "sts"}};
    struct hsmiam_token token = FAKE_TOKEN_EXAMPLE;
    char first[HSMIAM_SIGNATURE_SIZE + 1] = "";
    char again[HSMIAM_SIGNATURE_SIZE + 1] = "";
    hsmiam_signer *signer = NULL;

    (void)state;
    assert_int_equal(hsmiam_signer_new(&token, NULL, &signer, NULL), HSMIAM_OK);
    assert_string_equal(hsmiam_signer_get_access_key_id(signer), "");
    sign_ok(signer, &iam_scope, first);
    assert_string_equal(first, signature_hex);
    assert_string_equal(hsmiam_signer_get_access_key_id(signer), "AKIDEXAMPLE");
    for (int i = 0; i < 5; i++) {
        sign_ok(signer, &iam_scope, again);
        assert_string_equal(again, signature_hex);
    }
    assert_int_equal(token.opened, 1);
    assert_int_equal(token.found, 1);
    assert_int_equal(token.signatures, 1);

    for (unsigned i = 0; i < 3; i++) {
        sign_ok(signer, &others[i], again);
        assert_string_not_equal(again, first);
        assert_int_equal(token.signatures, 2 + i);
        memcpy(first, again, sizeof first);
    }
    sign_ok(signer, &iam_scope, again);
    assert_string_equal(again, signature_hex);
    hsmiam_signer_free(&signer);
    assert_null(signer);
}

/* The cached key is zeros in a forked child: a wrong signature must not look like a right one. */
static void fails_in_a_forked_child(void **state)
{
    struct hsmiam_token token = FAKE_TOKEN_EXAMPLE;
    char signature[HSMIAM_SIGNATURE_SIZE + 1] = "";
    hsmiam_signer *signer = NULL;
    int result = 0;

    (void)state;
    assert_int_equal(hsmiam_signer_new(&token, NULL, &signer, NULL), HSMIAM_OK);
    sign_ok(signer, &iam_scope, signature);
    pid_t child = fork();
    if (child == 0) {
        hsmiam_status status = hsmiam_signer_sign(signer, &iam_scope, string_to_sign,
                                                  strlen(string_to_sign), signature, NULL);
        _exit((int)status);
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result));
    assert_int_equal(WEXITSTATUS(result), HSMIAM_ERR_INTERNAL);
    sign_ok(signer, &iam_scope, signature);
    assert_string_equal(signature, signature_hex);
    hsmiam_signer_free(&signer);
}

static void passes_the_token_failures_on(void **state)
{
    struct hsmiam_token token = FAKE_TOKEN_EXAMPLE;
    char signature[HSMIAM_SIGNATURE_SIZE + 1] = "";
    hsmiam_signer *signer = NULL;
    hsmiam_error *error = hsmiam_error_new();

    (void)state;
    assert_int_equal(hsmiam_signer_new(&token, "pkcs11:object=x", &signer, error), HSMIAM_OK);
    token.open_status = HSMIAM_ERR_PIN;
    assert_int_equal(hsmiam_signer_open(signer, error), HSMIAM_ERR_PIN);
    token.open_status = HSMIAM_OK;
    token.find_status = HSMIAM_ERR_AMBIGUOUS;
    assert_int_equal(hsmiam_signer_open(signer, error), HSMIAM_ERR_AMBIGUOUS);
    assert_string_equal(hsmiam_signer_get_access_key_id(signer), "");
    assert_string_equal(token.last_key_uri, "pkcs11:object=x");
    token.find_status = HSMIAM_OK;
    token.hmac_status = HSMIAM_ERR_TOKEN;
    assert_int_equal(hsmiam_signer_sign(signer, &iam_scope, string_to_sign, strlen(string_to_sign),
                                        signature, error),
                     HSMIAM_ERR_TOKEN);
    assert_int_equal(hsmiam_error_get_status(error), HSMIAM_ERR_TOKEN);
    assert_string_equal(signature, "");

    /* A derivation that failed leaves no key behind that a later call could take for one. */
    token.hmac_status = HSMIAM_OK;
    sign_ok(signer, &iam_scope, signature);
    assert_string_equal(signature, signature_hex);
    token.hmac_status = HSMIAM_ERR_TOKEN;
    const hsmiam_scope other = {"20150831", "us-east-1", "iam"};
    assert_int_equal(hsmiam_signer_sign(signer, &other, "x", 1, signature, error),
                     HSMIAM_ERR_TOKEN);
    assert_int_equal(hsmiam_signer_sign(signer, &iam_scope, "x", 1, signature, error),
                     HSMIAM_ERR_TOKEN);
    hsmiam_signer_free(&signer);
    hsmiam_error_free(&error);
}

static void refuses_a_signer_without_token_or_uri(void **state)
{
    struct hsmiam_token token = FAKE_TOKEN_EXAMPLE;
    char uri[4097];
    hsmiam_signer *signer = NULL;
    hsmiam_error *error = hsmiam_error_new();

    (void)state;
    assert_int_equal(hsmiam_signer_new(NULL, NULL, &signer, error), HSMIAM_ERR_ARGUMENT);
    assert_int_equal(hsmiam_signer_new(&token, NULL, NULL, error), HSMIAM_ERR_ARGUMENT);
    assert_int_equal(hsmiam_signer_new(&token, "", &signer, error), HSMIAM_ERR_ARGUMENT);
    assert_int_equal(hsmiam_signer_new(&token, "file:?pin-value=hunter2", &signer, error),
                     HSMIAM_ERR_ARGUMENT);
    assert_null(strstr(hsmiam_error_get_message(error), "hunter2"));
    memset(uri, 'a', sizeof uri);
    memcpy(uri, "pkcs11:", 7);
    uri[4096] = '\0';
    assert_int_equal(hsmiam_signer_new(&token, uri, &signer, error), HSMIAM_ERR_ARGUMENT);
    assert_null(signer);
    uri[4095] = '\0';
    assert_int_equal(hsmiam_signer_new(&token, uri, &signer, NULL), HSMIAM_OK);
    hsmiam_signer_free(&signer);
    hsmiam_signer_free(&signer);
    hsmiam_signer_free(NULL);
    assert_int_equal(hsmiam_signer_open(NULL, error), HSMIAM_ERR_ARGUMENT);
    hsmiam_error_free(&error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes),
        cmocka_unit_test(computes_an_hmac),
        cmocka_unit_test(makes_the_string_to_sign),
        cmocka_unit_test(makes_the_authorization),
        cmocka_unit_test(derives_the_signing_key),
        cmocka_unit_test(keeps_the_signing_key_of_the_last_scope),
        cmocka_unit_test(fails_in_a_forked_child),
        cmocka_unit_test(passes_the_token_failures_on),
        cmocka_unit_test(refuses_a_signer_without_token_or_uri),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
