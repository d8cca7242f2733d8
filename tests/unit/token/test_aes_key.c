/* SPDX-License-Identifier: Apache-2.0 */
/* Imports under an AES key of the token: each mechanism number, and when the key is made. */
#include "fixture.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#define ID    "AKIAIOSFODNN7EXAMPLE"
#define LABEL "hsmiam-wrapping-key-aes"
#define VALUE "AWS4hush/hush+hush/hush+hush/hush+hush/hush+"

static const hsmiam_key_spec rehearsal = {.id = ID, .label = "alice", .created = 1440938160};

static const CK_MECHANISM_TYPE all_wraps[] = {CKM_AES_KEY_WRAP_KWP, CKM_AES_KEY_WRAP_PAD,
                                              CKM_AES_KEY_WRAP};

static size_t reports;
static bool aes_reported;

static void note(void *context, const hsmiam_provisioned *key)
{
    (void)context;
    reports++;
    if (strcmp(key->purpose, "wrapping-aes") == 0) {
        aes_reported = true;
        assert_string_equal(key->label, LABEL);
        assert_string_equal(key->algorithm, "AES-256");
        assert_string_equal(key->fingerprint, "");
        assert_non_null(strstr(key->uri, "object=" LABEL));
        assert_non_null(strstr(key->uri, "type=secret-key"));
    }
}

static void know(CK_MECHANISM_TYPE wrap)
{
    mock.key_wraps[0] = wrap;
    mock.key_wrap_count = 1;
}

static void expect_provisioned(fixture *fix, bool with_aes)
{
    reports = 0;
    aes_reported = false;
    hsmiam_status status = hsmiam_token_provision(fix->token, note, NULL, fix->error);
    if (status != HSMIAM_OK)
        print_error("%s\n", hsmiam_error_get_message(fix->error));
    assert_int_equal(status, HSMIAM_OK);
    assert_int_equal(reports, with_aes ? 4 : 3);
    assert_int_equal(aes_reported, with_aes);
    assert_int_equal(mock_find_labelled(CKO_SECRET_KEY, LABEL) != CK_INVALID_HANDLE, with_aes);
    assert_int_equal(mock_count_session_objects(), 0);
}

static hsmiam_status import(fixture *fix, const char *text, hsmiam_object *object_out)
{
    hsmiam_secret *value = NULL;

    hsmiam_error_clear(fix->error);
    assert_int_equal(hsmiam_secret_new(200, &value, fix->error), HSMIAM_OK);
    assert_true(hsmiam_secret_append(value, text, strlen(text)));
    hsmiam_status status = hsmiam_token_import_key(fix->token, HSMIAM_ROUTE_AES_KWP, &rehearsal,
                                                   value, object_out, fix->error);
    hsmiam_secret_free(&value);
    fixture_expect_no_message(fix, "hush");
    return status;
}

static int set_up(void **state)
{
    int result = fixture_set_up(state);

    if (result == 0)
        (void)fixture_open_token(*state);
    return result;
}

static void test_made_where_oaep_does_not_work(void **state)
{
    static const CK_ATTRIBUTE_TYPE no[] = {CKA_EXTRACTABLE, CKA_DECRYPT,   CKA_WRAP,
                                           CKA_SIGN,        CKA_VERIFY,    CKA_DERIVE,
                                           CKA_COPYABLE,    CKA_MODIFIABLE};
    static const CK_ATTRIBUTE_TYPE yes[] = {CKA_TOKEN, CKA_PRIVATE, CKA_SENSITIVE, CKA_ENCRYPT,
                                            CKA_UNWRAP};
    fixture *fix = *state;

    know(CKM_AES_KEY_WRAP_KWP);
    expect_provisioned(fix, false);
    mock.no_oaep = true;
    expect_provisioned(fix, true);
    hsmiam_object key = mock_find_labelled(CKO_SECRET_KEY, LABEL);
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        assert_int_equal(mock_get_flag(key, yes[i]), 1);
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        assert_int_equal(mock_get_flag(key, no[i]), 0);
    assert_int_equal(mock_get_attribute(key, CKA_ALLOWED_MECHANISMS)->ulValueLen,
                     3 * sizeof(CK_MECHANISM_TYPE));
    expect_provisioned(fix, true);
    assert_int_equal(mock.calls[MOCK_C_GenerateKey], 1);
}

/* A key that would be of no use is not left behind. */
static void test_not_made_where_it_does_not_help(void **state)
{
    fixture *fix = *state;

    mock.no_oaep = true;
    expect_provisioned(fix, false);
    assert_int_equal(mock.calls[MOCK_C_GenerateKey], 1);
    mock_fail(MOCK_C_GenerateKey, 0, CKR_MECHANISM_INVALID);
    expect_provisioned(fix, false);
    mock_stop_failing();
    mock_fail(MOCK_C_GenerateKey, 0, CKR_DEVICE_ERROR);
    assert_int_equal(hsmiam_token_provision(fix->token, note, NULL, fix->error), HSMIAM_ERR_TOKEN);
    fixture_expect_message(fix, "C_GenerateKey(CKM_AES_KEY_GEN)");
}

/* One that was there is left as it is, whether it serves or not. */
static void test_existing_key_stays(void **state)
{
    fixture *fix = *state;

    mock.no_oaep = true;
    know(CKM_AES_KEY_WRAP_KWP);
    expect_provisioned(fix, true);
    mock.key_wrap_count = 0;
    assert_int_equal(hsmiam_token_provision(fix->token, note, NULL, fix->error), HSMIAM_OK);
    assert_int_not_equal(mock_find_labelled(CKO_SECRET_KEY, LABEL), CK_INVALID_HANDLE);
}

static void test_each_mechanism_number(void **state)
{
    fixture *fix = *state;
    unsigned char token_mac[32];
    unsigned char mac[32];

    mock.no_oaep = true;
    mock.limits = true;
    (void)HMAC(EVP_sha256(), VALUE, (int)strlen(VALUE), (const unsigned char *)"x", 1, mac, NULL);
    for (size_t i = 0; i < 3; i++) {
        hsmiam_object object = CK_INVALID_HANDLE;
        know(all_wraps[i]);
        (void)fixture_open_token(fix);
        expect_provisioned(fix, true);
        assert_int_equal(import(fix, VALUE, &object), HSMIAM_OK);
        /* Strict key wrap wants whole blocks; zeros behind the value leave the HMAC as it is. */
        const CK_ATTRIBUTE *value = mock_get_attribute(object, CKA_VALUE);
        assert_int_equal(value->ulValueLen, all_wraps[i] == CKM_AES_KEY_WRAP ? 48 : 44);
        (void)HMAC(EVP_sha256(), value->pValue, (int)value->ulValueLen, (const unsigned char *)"x",
                   1, token_mac, NULL);
        assert_memory_equal(token_mac, mac, sizeof mac);
        /* What worked comes first the next time. */
        unsigned tries = mock.calls[MOCK_C_EncryptInit];
        assert_int_equal(import(fix, VALUE, &object), HSMIAM_OK);
        assert_int_equal(mock.calls[MOCK_C_EncryptInit], tries + 1);
    }
}

/* HMAC hashes a key of more than a block: zeros would count. */
static void test_long_value_is_not_padded(void **state)
{
    char text[101];
    hsmiam_object object = CK_INVALID_HANDLE;
    fixture *fix = *state;

    memset(text, 'h', sizeof text);
    mock.no_oaep = true;
    know(CKM_AES_KEY_WRAP);
    expect_provisioned(fix, true);
    text[100] = '\0';
    assert_int_equal(import(fix, text, &object), HSMIAM_ERR_UNSUPPORTED);
    fixture_expect_message(fix, "100 bytes cannot be filled up");
    text[96] = '\0';
    assert_int_equal(import(fix, text, &object), HSMIAM_OK);
    text[60] = '\0';
    assert_int_equal(import(fix, text, &object), HSMIAM_OK);
}

static void test_keys_that_are_not_used(void **state)
{
    static const CK_ATTRIBUTE_TYPE broken[] = {CKA_DECRYPT, CKA_WRAP, CKA_EXTRACTABLE};
    hsmiam_object object = CK_INVALID_HANDLE;
    fixture *fix = *state;

    assert_int_equal(import(fix, VALUE, &object), HSMIAM_ERR_NOT_FOUND);
    fixture_expect_message(fix, "`hsmiam provision-token --import-route aes-kwp`");
    mock.no_oaep = true;
    know(CKM_AES_KEY_WRAP_KWP);
    expect_provisioned(fix, true);
    hsmiam_object key = mock_find_labelled(CKO_SECRET_KEY, LABEL);
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        (void)fixture_open_token(fix);
        mock_set_flag(key, broken[i], true);
        assert_int_equal(import(fix, VALUE, &object), HSMIAM_ERR_CONFIG);
        fixture_expect_message(fix, "must have it false");
        mock_set_flag(key, broken[i], false);
    }
    CK_ATTRIBUTE copy[16];
    static const CK_ATTRIBUTE_TYPE types[] = {CKA_CLASS, CKA_KEY_TYPE, CKA_LABEL, CKA_TOKEN,
                                              CKA_PRIVATE};
    for (size_t i = 0; i < 5; i++)
        copy[i] = *mock_get_attribute(key, types[i]);
    (void)mock_add_object(copy, 5);
    (void)fixture_open_token(fix);
    assert_int_equal(import(fix, VALUE, &object), HSMIAM_ERR_AMBIGUOUS);
    fixture_expect_message(fix, "2 AES keys");
}

static void test_failures(void **state)
{
    static const mock_function functions[] = {MOCK_C_EncryptInit, MOCK_C_Encrypt, MOCK_C_UnwrapKey};
    hsmiam_object object = CK_INVALID_HANDLE;
    fixture *fix = *state;

    mock.no_oaep = true;
    know(CKM_AES_KEY_WRAP_KWP);
    expect_provisioned(fix, true);
    for (size_t i = 0; i < 3; i++) {
        mock_stop_failing();
        mock_fail(functions[i], 0, CKR_DEVICE_REMOVED);
        assert_int_equal(import(fix, VALUE, &object), HSMIAM_ERR_TOKEN);
        fixture_expect_message(fix, i < 2 ? "C_Encrypt failed" : "C_UnwrapKey failed");
        assert_int_equal(mock.calls[functions[i]], 2); /* once more after the loss */
    }
    mock_stop_failing();
    assert_int_equal(import(fix, VALUE, &object), HSMIAM_OK);
}

#define aes_test(test) cmocka_unit_test_setup_teardown(test, set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        aes_test(test_made_where_oaep_does_not_work),
        aes_test(test_not_made_where_it_does_not_help),
        aes_test(test_existing_key_stays),
        aes_test(test_each_mechanism_number),
        aes_test(test_long_value_is_not_padded),
        aes_test(test_keys_that_are_not_used),
        aes_test(test_failures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
