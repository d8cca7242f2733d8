/* SPDX-License-Identifier: Apache-2.0 */
/* None, one or several tokens; slots that do not count. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

static void test_nothing_found(void **state)
{
    fixture *fix = *state;

    mock.slot_count = 0;
    (void)fixture_name_token(fix, URI_WITH_PIN);
    fixture_expect_open(fix, HSMIAM_ERR_NOT_FOUND);
    fixture_expect_message(fix, "pkcs11:token=mock%20token");
    fixture_expect_message(fix, "`p11tool --list-token-urls`");
}

static void test_several_are_named(void **state)
{
    fixture *fix = *state;

    (void)mock_add_slot("mock token", "S-2");
    (void)mock_add_slot("other", "S-3");
    (void)fixture_name_token(fix, URI_WITH_PIN);
    fixture_expect_open(fix, HSMIAM_ERR_AMBIGUOUS);
    fixture_expect_message(fix, "2 tokens");
    fixture_expect_message(fix, "by its serial:\npkcs11:");
    fixture_expect_message(fix, "serial=4711;token=mock%20token\npkcs11:");
    fixture_expect_message(fix, "serial=S-2;");
    fixture_expect_no_message(fix, "S-3");
    assert_int_equal(mock.calls[MOCK_C_OpenSession], 0);
}

static void test_many_are_counted_and_some_named(void **state)
{
    fixture *fix = *state;
    char serial[16];

    for (int i = 0; i < 18; i++) {
        (void)snprintf(serial, sizeof serial, "N%02d", i);
        (void)mock_add_slot("mock token", serial);
    }
    (void)fixture_name_token(fix, URI_WITH_PIN);
    fixture_expect_open(fix, HSMIAM_ERR_AMBIGUOUS);
    fixture_expect_message(fix, "19 tokens");
    fixture_expect_message(fix, "serial=N14;");
    fixture_expect_no_message(fix, "serial=N15;");
}

static void test_tokens_not_initialised_do_not_count(void **state)
{
    fixture *fix = *state;

    mock_add_slot("", "S-2")->token.flags = 0;
    (void)fixture_name_token(fix, "pkcs11:?pin-value=" MOCK_PIN);
    fixture_expect_open(fix, HSMIAM_OK);
    assert_string_equal(hsmiam_token_get_serial(fix->token), "4711");

    (void)fixture_name_token(fix, "pkcs11:token=new?pin-value=" MOCK_PIN);
    fixture_expect_open(fix, HSMIAM_ERR_NOT_FOUND);
    fixture_expect_message(fix, "1 slot holds a token that is not initialised yet");
    fixture_expect_message(fix, "This one is there:\npkcs11:");
    fixture_expect_message(fix,
                           "serial=4711;token=mock%20token\n`p11tool --list-token-urls` shows");
}

static void test_empty_slots_do_not_count(void **state)
{
    fixture *fix = *state;

    mock_add_slot("", "")->empty = true;
    (void)fixture_name_token(fix, "pkcs11:?pin-value=" MOCK_PIN);
    fixture_expect_open(fix, HSMIAM_OK);

    mock.slots[0].empty = true;
    (void)fixture_name_token(fix, "pkcs11:?pin-value=" MOCK_PIN);
    fixture_expect_open(fix, HSMIAM_ERR_NOT_FOUND);
    fixture_expect_message(fix, "2 slots are empty");
    fixture_expect_message(fix, "plugged in");
}

/* A trust store shows certificates as tokens; they are no HSM. */
static void test_tokens_without_mechanisms_do_not_count(void **state)
{
    fixture *fix = *state;

    mock_add_slot("System Trust", "1")->mechanisms = 0;
    (void)fixture_name_token(fix, "pkcs11:?pin-value=" MOCK_PIN);
    fixture_expect_open(fix, HSMIAM_OK);
    assert_string_equal(hsmiam_token_get_serial(fix->token), "4711");

    (void)mock_add_slot("real", "2");
    (void)fixture_name_token(fix, "pkcs11:?pin-value=" MOCK_PIN);
    fixture_expect_open(fix, HSMIAM_ERR_AMBIGUOUS);
    fixture_expect_no_message(fix, "System%20Trust");
}

/* NSS's algorithms without keys are a token too. */
static void test_tokens_without_keys_do_not_count(void **state)
{
    fixture *fix = *state;
    mock_slot *slot = mock_add_slot("Generic Crypto Services", "1");

    slot->token.flags = CKF_TOKEN_INITIALIZED | CKF_WRITE_PROTECTED;
    (void)fixture_name_token(fix, "pkcs11:?pin-value=" MOCK_PIN);
    fixture_expect_open(fix, HSMIAM_OK);
    assert_string_equal(hsmiam_token_get_serial(fix->token), "4711");

    /* A token that knows a user may have his keys, and one that can be written to may get some. */
    for (int i = 0; i < 2; i++) {
        slot->token.flags = CKF_TOKEN_INITIALIZED;
        slot->token.flags |= i == 0 ? CKF_WRITE_PROTECTED | CKF_LOGIN_REQUIRED : 0;
        (void)fixture_name_token(fix, "pkcs11:?pin-value=" MOCK_PIN);
        fixture_expect_open(fix, HSMIAM_ERR_AMBIGUOUS);
    }
}

/* A token that does not answer is not taken for one without mechanisms: that would choose the other
 * for the wrong reason. */
static void test_silence_does_not_decide(void **state)
{
    fixture *fix = *state;

    (void)mock_add_slot("other", "S-2");
    (void)fixture_name_token(fix, "pkcs11:?pin-value=" MOCK_PIN);
    mock_fail(MOCK_C_GetMechanismList, 1, CKR_DEVICE_ERROR);
    fixture_expect_open(fix, HSMIAM_ERR_AMBIGUOUS);
    fixture_expect_message(fix, "serial=4711;");
    fixture_expect_message(fix, "serial=S-2;");
}

/* A failing module is not the same as an absent token. */
static void test_failures_on_the_way_are_told(void **state)
{
    static const mock_function functions[] = {MOCK_C_GetInfo, MOCK_C_GetSlotList,
                                              MOCK_C_GetSlotInfo, MOCK_C_GetTokenInfo};
    fixture *fix = *state;

    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        (void)fixture_name_token(fix, URI_WITH_PIN);
        mock_fail(functions[i], 1, CKR_DEVICE_ERROR);
        fixture_expect_open(fix, HSMIAM_ERR_TOKEN);
        fixture_expect_message(fix, mock_get_name(functions[i]));
        fixture_expect_message(fix, "CKR_DEVICE_ERROR");
        assert_int_equal(hsmiam_error_get_code(fix->error), CKR_DEVICE_ERROR);
        /* Where the token is found elsewhere, nobody minds. */
        fixture_expect_open(fix, HSMIAM_OK);
    }
}

static void test_open_is_idempotent(void **state)
{
    fixture *fix = *state;

    (void)fixture_open_token(fix);
    fixture_expect_open(fix, HSMIAM_OK);
    assert_int_equal(mock.calls[MOCK_C_OpenSession], 1);
    assert_int_equal(mock.calls[MOCK_C_Login], 1);
    hsmiam_token_free(&fix->token);
    assert_int_equal(mock.calls[MOCK_C_CloseSession], 1);
    assert_false(mock.logged_in);
    hsmiam_token_free(&fix->token);
    hsmiam_token_free(NULL);
}

static void test_label_is_taken_without_padding(void **state)
{
    static const char full[] = "a label of thirty-two characters";
    fixture *fix = *state;

    mock_set_padded(mock.slots[0].token.label, sizeof mock.slots[0].token.label, full);
    (void)fixture_name_token(fix, "pkcs11:?pin-value=" MOCK_PIN);
    fixture_expect_open(fix, HSMIAM_OK);
    assert_string_equal(hsmiam_token_get_label(fix->token), full);

    memset(mock.slots[0].token.label, 0, sizeof mock.slots[0].token.label);
    mock.slots[0].token.label[0] = 'n';
    (void)fixture_name_token(fix, "pkcs11:?pin-value=" MOCK_PIN);
    fixture_expect_open(fix, HSMIAM_OK);
    assert_string_equal(hsmiam_token_get_label(fix->token), "n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_nothing_found),
        fixture_test(test_several_are_named),
        fixture_test(test_many_are_counted_and_some_named),
        fixture_test(test_tokens_not_initialised_do_not_count),
        fixture_test(test_empty_slots_do_not_count),
        fixture_test(test_tokens_without_mechanisms_do_not_count),
        fixture_test(test_tokens_without_keys_do_not_count),
        fixture_test(test_silence_does_not_decide),
        fixture_test(test_failures_on_the_way_are_told),
        fixture_test(test_open_is_idempotent),
        fixture_test(test_label_is_taken_without_padding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
