/* SPDX-License-Identifier: Apache-2.0 */
/* Keys derived in the token, and what is found out about a token that does it. */
#include "fixture.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#define ID "AKIAIOSFODNN7EXAMPLE"

static hsmiam_object add_base(void)
{
    hsmiam_object base = mock_add_access_key(ID, "alice", "hush");

    mock_set_flag(base, CKA_SIGN, false);
    mock_set_flag(base, CKA_DERIVE, true);
    return base;
}

static int set_up(void **state)
{
    int result = fixture_set_up(state);

    if (result == 0) {
        mock.derives = true;
        mock.names_derivation = true;
        (void)fixture_open_token(*state);
    }
    return result;
}

static void expect_bytes(hsmiam_object object, const void *bytes, size_t size)
{
    const CK_ATTRIBUTE *value = mock_get_attribute(object, CKA_VALUE);

    assert_non_null(value);
    assert_int_equal(value->ulValueLen, size);
    assert_memory_equal(value->pValue, bytes, size);
}

static void expect_flags(hsmiam_object object, bool last)
{
    static const CK_ATTRIBUTE_TYPE no[] = {CKA_TOKEN,   CKA_EXTRACTABLE, CKA_VERIFY, CKA_ENCRYPT,
                                           CKA_DECRYPT, CKA_WRAP,        CKA_UNWRAP};

    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        assert_int_equal(mock_get_flag(object, no[i]), 0);
    assert_int_equal(mock_get_flag(object, CKA_PRIVATE), 1);
    assert_int_equal(mock_get_flag(object, CKA_SENSITIVE), 1);
    assert_int_equal(mock_get_flag(object, CKA_SIGN), last);
    assert_int_equal(mock_get_flag(object, CKA_DERIVE), !last);
}

static void test_derived_key_is_an_hmac(void **state)
{
    static const CK_MECHANISM_TYPE allowed[] = {CKM_SP800_108_FEEDBACK_KDF, CKM_SHA256_HMAC};
    fixture *fix = *state;
    hsmiam_object base = add_base();
    hsmiam_object derived = CK_INVALID_HANDLE;
    unsigned char mac[32];

    (void)HMAC(EVP_sha256(), "AWS4hush", 8, (const unsigned char *)"20150830", 8, mac, NULL);
    for (int last = 0; last < 2; last++) {
        assert_int_equal(
            hsmiam_token_derive_hmac(fix->token, base, "20150830", 8, last, &derived, fix->error),
            HSMIAM_OK);
        expect_bytes(derived, mac, sizeof mac);
        expect_flags(derived, last);
        const CK_ATTRIBUTE *limit = mock_get_attribute(derived, CKA_ALLOWED_MECHANISMS);
        assert_non_null(limit);
        assert_memory_equal(limit->pValue, &allowed[last], sizeof allowed[last]);
        assert_int_equal(hsmiam_token_destroy_object(fix->token, derived, fix->error), HSMIAM_OK);
    }
    assert_int_equal(mock.calls[MOCK_C_DeriveKey], 2);
}

static void test_prefixed_key(void **state)
{
    fixture *fix = *state;
    hsmiam_object base = add_base();
    hsmiam_object derived = CK_INVALID_HANDLE;

    assert_int_equal(
        hsmiam_token_derive_prefixed(fix->token, base, "AWS4", false, &derived, fix->error),
        HSMIAM_ERR_UNSUPPORTED);
    fixture_expect_message(fix, "CKR_MECHANISM_INVALID");
    mock.concatenates = true;
    assert_int_equal(
        hsmiam_token_derive_prefixed(fix->token, base, "AWS4", true, &derived, fix->error),
        HSMIAM_OK);
    expect_bytes(derived, "AWS4AWS4hush", 12);
    expect_flags(derived, true);
    assert_int_equal(hsmiam_token_destroy_object(fix->token, derived, fix->error), HSMIAM_OK);
}

/* A token that knows no limits for derived keys; it is asked once only. */
static void test_limit_is_refused(void **state)
{
    fixture *fix = *state;
    hsmiam_object base = add_base();
    hsmiam_object derived = CK_INVALID_HANDLE;

    mock.refused[mock.refused_count++] = CKA_ALLOWED_MECHANISMS;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(
            hsmiam_token_derive_hmac(fix->token, base, "x", 1, true, &derived, fix->error),
            HSMIAM_OK);
        assert_int_equal(mock.calls[MOCK_C_DeriveKey], 2 + i);
        assert_int_equal(hsmiam_token_destroy_object(fix->token, derived, fix->error), HSMIAM_OK);
    }
}

/* What a token makes of the template is not believed. */
static void test_derived_key_is_not_sensitive(void **state)
{
    fixture *fix = *state;
    hsmiam_object base = add_base();
    hsmiam_object derived = CK_INVALID_HANDLE;

    mock.derives_openly = true;
    assert_int_equal(hsmiam_token_derive_hmac(fix->token, base, "x", 1, true, &derived, fix->error),
                     HSMIAM_ERR_UNSUPPORTED);
    fixture_expect_message(fix, "CKA_SENSITIVE is false");
    assert_int_equal(derived, CK_INVALID_HANDLE);
    assert_int_equal(mock_count_session_objects(), 0);
}

static void expect_probe(fixture *fix, bool insists, hsmiam_in_token expected)
{
    hsmiam_in_token found = HSMIAM_IN_TOKEN_UNKNOWN;

    (void)fixture_open_token(fix);
    mock_stop_failing();
    assert_int_equal(hsmiam_token_probe_in_token(fix->token, insists, &found, fix->error),
                     HSMIAM_OK);
    assert_int_equal(found, expected);
    assert_int_equal(mock_count_session_objects(), 0);
    /* It is not tried again. */
    unsigned calls = mock.calls[MOCK_C_DeriveKey];
    assert_int_equal(hsmiam_token_probe_in_token(fix->token, insists, &found, fix->error),
                     HSMIAM_OK);
    assert_int_equal(found, expected);
    assert_int_equal(mock.calls[MOCK_C_DeriveKey], calls);
}

static void test_probe(void **state)
{
    fixture *fix = *state;

    expect_probe(fix, false, HSMIAM_IN_TOKEN_UNLIMITED);
    mock.limits = true;
    expect_probe(fix, false, HSMIAM_IN_TOKEN_LIMITED);
    mock.extracts = true;
    mock.concatenates = true;
    expect_probe(fix, false, HSMIAM_IN_TOKEN_LIMITED);

    /* Names it, and does not do it. */
    mock.derives = false;
    expect_probe(fix, false, HSMIAM_IN_TOKEN_NO);
    expect_probe(fix, true, HSMIAM_IN_TOKEN_NO);
    /* Does it, and does not name it. */
    mock.derives = true;
    mock.names_derivation = false;
    expect_probe(fix, false, HSMIAM_IN_TOKEN_NO);
    assert_int_equal(mock.calls[MOCK_C_GenerateKey], 0);
    expect_probe(fix, true, HSMIAM_IN_TOKEN_LIMITED);
}

/* A limit that holds for signing and not for a derivation that takes the key apart is none. */
static void test_limit_that_leaks(void **state)
{
    mock.limits = true;
    mock.limits_leak = true;
    expect_probe(*state, false, HSMIAM_IN_TOKEN_LIMITED);
    mock.extracts = true;
    expect_probe(*state, false, HSMIAM_IN_TOKEN_UNLIMITED);
}

/* Trouble says nothing of what the token can do: nothing is remembered then. */
static void test_probe_fails(void **state)
{
    static const mock_function functions[] = {MOCK_C_GenerateKey, MOCK_C_DeriveKey,
                                              MOCK_C_SignInit};
    fixture *fix = *state;
    hsmiam_in_token found = HSMIAM_IN_TOKEN_UNKNOWN;

    mock.limits = true;
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        (void)fixture_open_token(fix);
        mock_fail(functions[i], 0, CKR_DEVICE_ERROR);
        assert_int_equal(hsmiam_token_probe_in_token(fix->token, false, &found, fix->error),
                         HSMIAM_ERR_TOKEN);
        fixture_expect_message(fix, "CKR_DEVICE_ERROR");
        assert_int_equal(mock_count_session_objects(), 0);
        mock_stop_failing();
        assert_int_equal(hsmiam_token_probe_in_token(fix->token, false, &found, NULL), HSMIAM_OK);
        assert_int_equal(found, HSMIAM_IN_TOKEN_LIMITED);
    }
}

static void test_key_use(void **state)
{
    fixture *fix = *state;
    hsmiam_object base = add_base();
    hsmiam_object found = CK_INVALID_HANDLE;
    char id[HSMIAM_ACCESS_KEY_ID_MAX + 1];
    hsmiam_key_use use = {.sign = true};

    assert_int_equal(hsmiam_token_get_key_use(fix->token, base, &use, fix->error), HSMIAM_OK);
    assert_true(use.derive && !use.sign);
    assert_int_equal(hsmiam_token_find_access_key(fix->token, NULL, &found, id, fix->error),
                     HSMIAM_OK);
    assert_int_equal(found, base);
    mock_forget_attribute(base, CKA_DERIVE);
    mock_set_flag(base, CKA_SIGN, true);
    assert_int_equal(hsmiam_token_get_key_use(fix->token, base, &use, fix->error), HSMIAM_OK);
    assert_true(use.sign && !use.derive);
    mock_set_flag(base, CKA_SIGN, false);
    assert_int_equal(hsmiam_token_find_access_key(fix->token, NULL, &found, id, fix->error),
                     HSMIAM_ERR_UNSUPPORTED);
    fixture_expect_message(fix, "nor may keys be derived");
}

#define derive_test(test) cmocka_unit_test_setup_teardown(test, set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        derive_test(test_derived_key_is_an_hmac),
        derive_test(test_prefixed_key),
        derive_test(test_limit_is_refused),
        derive_test(test_derived_key_is_not_sensitive),
        derive_test(test_probe),
        derive_test(test_limit_that_leaks),
        derive_test(test_probe_fails),
        derive_test(test_key_use),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
