/* SPDX-License-Identifier: Apache-2.0 */
/* What a key may do in the token: by default, by choice, and proven either way. */
#include "fixture.h"

#include <string.h>

#include "token/cryptoki.h"

static hsmiam_object get_new_key(void)
{
    return mock_find(CKO_SECRET_KEY, NEW_ID);
}

/* Issues a key, and looks at what it may do. */
static void expect_sigv4(fixture *fix, bool in_token)
{
    hsmiam_status status = fixture_create(fix, "alice");

    if (status != HSMIAM_OK)
        print_error("%s\n", hsmiam_error_get_message(fix->error));
    assert_int_equal(status, HSMIAM_OK);
    assert_string_equal(hsmiam_access_key_get_sigv4_route(fix->key),
                        in_token ? "in-token" : "sign");
    assert_true(fixture_token_has(NEW_ID));
    assert_int_equal(mock_get_flag(get_new_key(), CKA_DERIVE), in_token);
    assert_int_equal(mock_get_flag(get_new_key(), CKA_SIGN), !in_token);
    const CK_MECHANISM_TYPE allowed = in_token ? CKM_SP800_108_FEEDBACK_KDF : CKM_SHA256_HMAC;
    const CK_ATTRIBUTE *limit = mock_get_attribute(get_new_key(), CKA_ALLOWED_MECHANISMS);
    assert_non_null(limit);
    assert_int_equal(limit->ulValueLen, sizeof allowed);
    assert_memory_equal(limit->pValue, &allowed, sizeof allowed);
    assert_int_equal(mock_count_session_objects(), 0);
}

static void make_deriving(bool limits)
{
    mock.names_derivation = true;
    mock.derives = true;
    mock.limits = limits;
}

static void begin_anew(fixture *fix, bool limits)
{
    fixture_stop(fix);
    fixture_start(fix);
    make_deriving(limits);
}

static void test_default(void **state)
{
    fixture *fix = *state;

    expect_sigv4(fix, false);
    assert_int_equal(mock.calls[MOCK_C_GenerateKey], 0);
    begin_anew(fix, false);
    expect_sigv4(fix, false);
    assert_int_equal(fix->notices, 0);
    begin_anew(fix, true);
    expect_sigv4(fix, true);
}

static void test_choice(void **state)
{
    fixture *fix = *state;

    make_deriving(true);
    hsmiam_custody_set_sigv4_route(fix->custody, HSMIAM_SIGV4_SIGN);
    expect_sigv4(fix, false);

    begin_anew(fix, false);
    hsmiam_custody_set_sigv4_route(fix->custody, HSMIAM_SIGV4_IN_TOKEN);
    expect_sigv4(fix, true);
    assert_int_equal(fix->notices, 1);
    assert_non_null(strstr(fix->log, "does not enforce CKA_ALLOWED_MECHANISMS"));

    fixture_stop(fix);
    fixture_start(fix);
    hsmiam_custody_set_sigv4_route(fix->custody, HSMIAM_SIGV4_IN_TOKEN);
    assert_int_equal(fixture_create(fix, "alice"), HSMIAM_ERR_UNSUPPORTED);
    fixture_expect_message(fix, "CKM_SP800_108_FEEDBACK_KDF");
    assert_int_equal(fix->client.creates, 0);
}

/* Of two keys of which one is derived from, the value is proven all the same. */
static void test_proof_through_a_derived_key(void **state)
{
    fixture *fix = *state;

    make_deriving(true);
    assert_int_equal(hsmiam_custody_prepare(fix->custody, fix->error), HSMIAM_OK);
    assert_string_equal(hsmiam_custody_get_sigv4_route(fix->custody), "in-token");
    mock.wrong_hmac = true;
    assert_int_equal(fixture_create(fix, "alice"), HSMIAM_ERR_CUSTODY);
    fixture_expect_message(fix, "another HMAC");
    assert_int_equal(get_new_key(), CK_INVALID_HANDLE);
    assert_int_equal(mock_count_session_objects(), 0);
}

/* Each attribute that the route needs is read back. */
static void test_attributes_match_the_route(void **state)
{
    static const CK_ATTRIBUTE_TYPE types[] = {CKA_SIGN, CKA_DERIVE, CKA_ALLOWED_MECHANISMS};
    fixture *fix = *state;

    for (size_t i = 0; i < 3; i++) {
        begin_anew(fix, true);
        assert_int_equal(hsmiam_custody_prepare(fix->custody, fix->error), HSMIAM_OK);
        assert_int_equal(hsmiam_signer_open(fix->signer, fix->error), HSMIAM_OK);
        mock.lies = true;
        mock.lies_about = types[i];
        assert_int_equal(fixture_create(fix, "alice"), HSMIAM_ERR_CUSTODY);
        assert_int_equal(get_new_key(), CK_INVALID_HANDLE);
    }
}

/* A token that derives from its own keys, but takes none in that may derive. */
static void test_derivable_keys_are_refused(void **state)
{
    fixture *fix = *state;

    make_deriving(true);
    mock.useless_derive = true;
    expect_sigv4(fix, false);
    assert_non_null(
        strstr(fix->log, "SigV4 route in-token does not work by import route rsa-oaep"));
    assert_int_equal(fix->notices, 0);

    begin_anew(fix, true);
    mock.useless_derive = true;
    hsmiam_custody_set_sigv4_route(fix->custody, HSMIAM_SIGV4_IN_TOKEN);
    assert_int_equal(fixture_create(fix, "alice"), HSMIAM_ERR_UNSUPPORTED);
    assert_int_equal(fix->client.creates, 0);
}

/* Trouble in the probe is not taken for an answer. */
static void test_trouble_while_probing(void **state)
{
    fixture *fix = *state;

    make_deriving(true);
    mock_fail(MOCK_C_DeriveKey, 0, CKR_DEVICE_ERROR);
    assert_int_equal(hsmiam_custody_prepare(fix->custody, fix->error), HSMIAM_ERR_TOKEN);
    mock_stop_failing();
    assert_string_equal(hsmiam_custody_get_sigv4_route(fix->custody), "");
    assert_int_equal(hsmiam_custody_prepare(fix->custody, fix->error), HSMIAM_OK);
    assert_string_equal(hsmiam_custody_get_sigv4_route(fix->custody), "in-token");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_default),
        fixture_test(test_choice),
        fixture_test(test_proof_through_a_derived_key),
        fixture_test(test_attributes_match_the_route),
        fixture_test(test_derivable_keys_are_refused),
        fixture_test(test_trouble_while_probing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
