/* SPDX-License-Identifier: Apache-2.0 */
/* Which route into the token is taken, and when another one is. */
#include "fixture.h"

#include <string.h>

#include "token/cryptoki.h"

static hsmiam_status prepare(fixture *fix)
{
    hsmiam_error_clear(fix->error);
    hsmiam_status status = hsmiam_custody_prepare(fix->custody, fix->error);

    assert_int_equal(hsmiam_error_get_status(fix->error), status);
    return status;
}

static void expect_route(fixture *fix, const char *name)
{
    hsmiam_status status = prepare(fix);

    if (status != HSMIAM_OK)
        print_error("%s\n", hsmiam_error_get_message(fix->error));
    assert_int_equal(status, HSMIAM_OK);
    assert_string_equal(hsmiam_custody_get_import_route(fix->custody), name);
    assert_int_equal(mock_count_session_objects(), 0);
    assert_int_equal(fixture_create(fix, "alice"), HSMIAM_OK);
    assert_string_equal(hsmiam_access_key_get_import_route(fix->key), name);
    assert_true(fixture_token_has(NEW_ID));
}

static void expect_no_route(fixture *fix, hsmiam_status expected, const char *message)
{
    assert_int_equal(prepare(fix), expected);
    fixture_expect_message(fix, message);
    assert_string_equal(hsmiam_custody_get_import_route(fix->custody), "");
    assert_int_equal(mock_count_session_objects(), 0);
    assert_int_equal(fixture_create(fix, "alice"), expected);
    assert_int_equal(fix->client.creates, 0);
}

static void remove_wrapping_key(void)
{
    mock_remove(mock_find_labelled(CKO_PRIVATE_KEY, "hsmiam-wrapping-key"));
}

static void test_first_route_works(void **state)
{
    fixture *fix = *state;

    assert_string_equal(hsmiam_custody_get_import_route(fix->custody), "");
    expect_route(fix, "rsa-oaep");
    assert_int_equal(fix->notices, 0);
    assert_int_equal(mock.calls[MOCK_C_CreateObject], 0);
}

static void test_rehearsal_happens_once(void **state)
{
    fixture *fix = *state;

    assert_int_equal(prepare(fix), HSMIAM_OK);
    unsigned signatures = mock.calls[MOCK_C_Sign];
    assert_int_equal(prepare(fix), HSMIAM_OK);
    assert_int_equal(mock.calls[MOCK_C_Sign], signatures);
    hsmiam_custody_set_import_route(fix->custody, HSMIAM_ROUTE_CREATE_OBJECT);
    assert_int_equal(prepare(fix), HSMIAM_OK);
    assert_int_equal(mock.calls[MOCK_C_Sign], signatures + 1);
}

static void expect_fallback(fixture *fix, const char *reason)
{
    expect_route(fix, "create-object");
    assert_int_equal(fix->notices, 1);
    assert_non_null(strstr(fix->log, "Route rsa-oaep does not work"));
    assert_non_null(strstr(fix->log, reason));
    assert_non_null(strstr(fix->log, "the plaintext crosses the PKCS#11 API"));
}

static void test_fallback_without_wrapping_key(void **state)
{
    remove_wrapping_key();
    expect_fallback(*state, "`hsmiam provision-token`");
}

static void test_fallback_where_oaep_is_unknown(void **state)
{
    mock_fail(MOCK_C_UnwrapKey, 0, CKR_MECHANISM_INVALID);
    expect_fallback(*state, "CKR_MECHANISM_INVALID");
}

/* The notice tells the reason to who wants no error record as well. */
static void test_fallback_without_an_error_record(void **state)
{
    fixture *fix = *state;

    remove_wrapping_key();
    assert_int_equal(hsmiam_custody_prepare(fix->custody, NULL), HSMIAM_OK);
    assert_non_null(strstr(fix->log, "`hsmiam provision-token`"));
}

static void test_forced_routes(void **state)
{
    fixture *fix = *state;

    hsmiam_custody_set_import_route(fix->custody, HSMIAM_ROUTE_CREATE_OBJECT);
    expect_route(fix, "create-object");
    assert_int_equal(fix->notices, 0);
    assert_int_equal(mock.calls[MOCK_C_UnwrapKey], 0);

    fixture_stop(fix);
    fixture_start(fix);
    remove_wrapping_key();
    hsmiam_custody_set_import_route(fix->custody, HSMIAM_ROUTE_RSA_OAEP);
    expect_no_route(fix, HSMIAM_ERR_NOT_FOUND, "`hsmiam provision-token`");
    assert_int_equal(fix->notices, 0);
    assert_int_equal(mock.calls[MOCK_C_CreateObject], 0);
}

/* Trouble that must be looked at is not gone round. */
static void test_no_fallback_from_two_wrapping_keys(void **state)
{
    fixture *fix = *state;

    (void)mock_add_wrapping_pair();
    expect_no_route(fix, HSMIAM_ERR_AMBIGUOUS, "2 private keys");
    assert_int_equal(mock.calls[MOCK_C_CreateObject], 0);
    assert_int_equal(fix->notices, 0);
}

static void test_no_fallback_from_a_wrapping_key_that_may_decrypt(void **state)
{
    fixture *fix = *state;

    mock_set_flag(mock_find_labelled(CKO_PRIVATE_KEY, "hsmiam-wrapping-key"), CKA_DECRYPT, true);
    expect_no_route(fix, HSMIAM_ERR_CONFIG, "CKA_DECRYPT true");
    assert_int_equal(mock.calls[MOCK_C_CreateObject], 0);
}

static void test_no_route_works(void **state)
{
    fixture *fix = *state;

    mock_fail(MOCK_C_UnwrapKey, 0, CKR_MECHANISM_INVALID);
    mock_fail(MOCK_C_CreateObject, 0, CKR_FUNCTION_NOT_SUPPORTED);
    expect_no_route(fix, HSMIAM_ERR_UNSUPPORTED, "C_CreateObject");
}

/* A token that takes something else in by either route. No key was made, so it is no failure of
 * custody. */
static void test_rehearsal_proves(void **state)
{
    fixture *fix = *state;

    mock.wrong_hmac = true;
    expect_no_route(fix, HSMIAM_ERR_UNSUPPORTED, "another HMAC");
    mock.wrong_hmac = false;
    mock.value_readable = true;
    expect_no_route(fix, HSMIAM_ERR_UNSUPPORTED, "value be read");
}

static void test_write_protected(void **state)
{
    fixture *fix = *state;

    mock.slots[0].token.flags |= CKF_WRITE_PROTECTED;
    expect_no_route(fix, HSMIAM_ERR_UNSUPPORTED, "write-protected");
}

/* Whatever a token restricts, the rehearsal finds the form that the key then takes at once. */
static void test_restricted_token(void **state)
{
    fixture *fix = *state;

    mock.sha1_only = true;
    mock.wants_value_len = true;
    mock.refused[mock.refused_count++] = CKA_ALLOWED_MECHANISMS;
    assert_int_equal(prepare(fix), HSMIAM_OK);
    unsigned tries = mock.calls[MOCK_C_UnwrapKey];
    expect_route(fix, "rsa-oaep");
    assert_int_equal(mock.calls[MOCK_C_UnwrapKey], tries + 1);
    assert_int_equal(fix->notices, 0);
}

/* Trouble that may pass says nothing of the route: no weaker one is taken for it, and nothing is
 * asked of IAM. */
static void test_trouble_is_no_reason_to_fall_back(void **state)
{
    static const CK_RV troubles[] = {CKR_DEVICE_ERROR,      CKR_DEVICE_REMOVED,
                                     CKR_DEVICE_MEMORY,     CKR_HOST_MEMORY,
                                     CKR_TOKEN_NOT_PRESENT, CKR_SESSION_HANDLE_INVALID,
                                     CKR_SESSION_CLOSED,    CKR_USER_NOT_LOGGED_IN};
    fixture *fix = *state;
    char name[32];

    for (size_t i = 0; i < sizeof troubles / sizeof troubles[0]; i++) {
        fixture_stop(fix);
        fixture_start(fix);
        mock_fail(MOCK_C_UnwrapKey, 0, troubles[i]);
        assert_int_not_equal(prepare(fix), HSMIAM_OK);
        fixture_expect_message(fix, hsmiam_rv_get_name(troubles[i], name));
        assert_string_equal(hsmiam_custody_get_import_route(fix->custody), "");
        assert_int_equal(mock.calls[MOCK_C_CreateObject], 0);
        assert_int_equal(fix->notices, 0);
        /* It passed. */
        mock_stop_failing();
        expect_route(fix, "rsa-oaep");
    }
}

/* What comes twice is no accident. */
static void test_doubtful_answers(void **state)
{
    fixture *fix = *state;

    mock_fail(MOCK_C_Sign, 1, CKR_GENERAL_ERROR);
    expect_route(fix, "rsa-oaep");
    assert_int_equal(fix->notices, 0);
    fixture_stop(fix);
    fixture_start(fix);
    mock_fail(MOCK_C_UnwrapKey, 0, CKR_FUNCTION_FAILED);
    expect_fallback(fix, "CKR_FUNCTION_FAILED");
}

/* A token that takes a key of one type in, and can use it as the other only. */
static void test_key_type_that_is_of_no_use(void **state)
{
    const CK_KEY_TYPE type = CKK_SHA256_HMAC;
    fixture *fix = *state;

    mock.useless_type = CKK_GENERIC_SECRET;
    mock_set_attribute(mock_find(CKO_SECRET_KEY, ROOT_ID), CKA_KEY_TYPE, &type, sizeof type);
    expect_route(fix, "rsa-oaep");
    assert_int_equal(fix->notices, 0);
    const CK_ATTRIBUTE *held = mock_get_attribute(mock_find(CKO_SECRET_KEY, NEW_ID), CKA_KEY_TYPE);
    assert_memory_equal(held->pValue, &type, sizeof type);
}

/* Provisions a token that unwraps by AES only. */
static void make_aes_only(fixture *fix)
{
    mock.no_oaep = true;
    mock.key_wraps[0] = CKM_AES_KEY_WRAP_PAD;
    mock.key_wrap_count = 1;
    remove_wrapping_key();
    assert_int_equal(hsmiam_token_provision(fix->token, NULL, NULL, fix->error), HSMIAM_OK);
    fix->notices = 0;
}

static void test_aes_kwp(void **state)
{
    fixture *fix = *state;

    make_aes_only(fix);
    expect_route(fix, "aes-kwp");
    assert_int_equal(fix->notices, 1);
    assert_non_null(strstr(fix->log, "Route aes-kwp is taken: the plaintext crosses the PKCS#11 "
                                     "API once, as data."));
    assert_non_null(strstr(fix->log, "CKR_MECHANISM_INVALID"));
    assert_int_equal(mock.calls[MOCK_C_CreateObject], 0);

    fixture_stop(fix);
    fixture_start(fix);
    make_aes_only(fix);
    hsmiam_custody_set_forbid_plaintext(fix->custody, true);
    hsmiam_custody_set_import_route(fix->custody, HSMIAM_ROUTE_AES_KWP);
    expect_route(fix, "aes-kwp");
    assert_int_equal(fix->notices, 0);
}

static void test_forbidden_plaintext(void **state)
{
    fixture *fix = *state;

    hsmiam_custody_set_forbid_plaintext(fix->custody, true);
    expect_route(fix, "rsa-oaep");

    fixture_stop(fix);
    fixture_start(fix);
    remove_wrapping_key();
    hsmiam_custody_set_forbid_plaintext(fix->custody, true);
    expect_no_route(fix, HSMIAM_ERR_UNSUPPORTED, "is forbidden");
    fixture_expect_message(fix, "`hsmiam provision-token`");
    hsmiam_custody_set_import_route(fix->custody, HSMIAM_ROUTE_CREATE_OBJECT);
    expect_no_route(fix, HSMIAM_ERR_ARGUMENT, "forbidden");
    assert_int_equal(mock.calls[MOCK_C_CreateObject], 0);
    hsmiam_custody_set_forbid_plaintext(fix->custody, false);
    expect_route(fix, "create-object");
}

static void test_free_accepts_nothing(void **state)
{
    hsmiam_custody *custody = NULL;
    hsmiam_access_key *key = NULL;
    hsmiam_preflight *preflight = NULL;

    (void)state;
    hsmiam_custody_free(NULL);
    hsmiam_custody_free(&custody);
    hsmiam_access_key_free(NULL);
    hsmiam_access_key_free(&key);
    hsmiam_preflight_free(NULL);
    hsmiam_preflight_free(&preflight);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_first_route_works),
        fixture_test(test_rehearsal_happens_once),
        fixture_test(test_fallback_without_wrapping_key),
        fixture_test(test_fallback_where_oaep_is_unknown),
        fixture_test(test_fallback_without_an_error_record),
        fixture_test(test_forced_routes),
        fixture_test(test_no_fallback_from_two_wrapping_keys),
        fixture_test(test_no_fallback_from_a_wrapping_key_that_may_decrypt),
        fixture_test(test_no_route_works),
        fixture_test(test_rehearsal_proves),
        fixture_test(test_write_protected),
        fixture_test(test_restricted_token),
        fixture_test(test_trouble_is_no_reason_to_fall_back),
        fixture_test(test_doubtful_answers),
        fixture_test(test_key_type_that_is_of_no_use),
        fixture_test(test_aes_kwp),
        fixture_test(test_forbidden_plaintext),
        fixture_test(test_free_accepts_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
