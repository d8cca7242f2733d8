/* SPDX-License-Identifier: Apache-2.0 */
/* After a loss, or for each use of a key, the PIN is wanted again. */
#include "loss_fixture.h"

#include <string.h>

typedef struct person {
    const char *pin; /* NULL: gives up */
    unsigned calls;
    hsmiam_pin_reason reason; /* of the last call */
} person;

static hsmiam_status give_pin(void *context, const char *label, hsmiam_pin_reason reason,
                              char *pin_out, size_t pin_size, size_t *length_out)
{
    person *asked = context;

    assert_string_equal(label, "mock token");
    asked->calls++;
    asked->reason = reason;
    if (asked->pin == NULL)
        return HSMIAM_ERR_CANCELLED;
    assert_true(pin_size > strlen(asked->pin));
    memcpy(pin_out, asked->pin, strlen(asked->pin));
    *length_out = strlen(asked->pin);
    return HSMIAM_OK;
}

static hsmiam_object open_by(fixture *fix, person *who)
{
    (void)fixture_name_token(fix, "pkcs11:token=mock%20token");
    hsmiam_token_set_pin_callback(fix->token, give_pin, who);
    fixture_expect_open(fix, HSMIAM_OK);
    (void)mock_add_access_key(LOSS_ID, "alice", LOSS_SECRET);
    return loss_find_key(fix);
}

static void test_person_is_asked_again(void **state)
{
    fixture *fix = *state;
    person who = {.pin = MOCK_PIN};
    hsmiam_object key = open_by(fix, &who);

    assert_int_equal(who.reason, HSMIAM_PIN_OPENS_TOKEN);
    for (unsigned i = 2; i <= 3; i++) {
        mock_fail(MOCK_C_Sign, 1, CKR_DEVICE_REMOVED);
        assert_int_equal(loss_hmac(fix, key), HSMIAM_OK);
        assert_int_equal(mock.calls[MOCK_C_Login], i);
        assert_int_equal(who.calls, i);
        assert_int_equal(who.reason, HSMIAM_PIN_AFTER_LOSS);
    }
    who.pin = "wrong";
    mock_fail(MOCK_C_Sign, 1, CKR_DEVICE_REMOVED);
    assert_int_equal(loss_hmac(fix, key), HSMIAM_ERR_PIN);
    assert_int_equal(loss_hmac(fix, key), HSMIAM_ERR_PIN);
    fixture_expect_message(fix, "not tried again");
    assert_int_equal(who.calls, 4);
    assert_int_equal(mock.calls[MOCK_C_Login], 4);
}

/* Who gave up may come back. */
static void test_person_who_gives_up(void **state)
{
    fixture *fix = *state;
    person who = {.pin = MOCK_PIN};
    hsmiam_object key = open_by(fix, &who);

    who.pin = NULL;
    mock_fail(MOCK_C_Sign, 1, CKR_DEVICE_REMOVED);
    assert_int_equal(loss_hmac(fix, key), HSMIAM_ERR_CANCELLED);
    fixture_expect_message(fix, "was lost and needs its PIN again, and none was given");
    assert_int_equal(mock.calls[MOCK_C_Login], 1);
    who.pin = MOCK_PIN;
    assert_int_equal(loss_hmac(fix, key), HSMIAM_OK);
    assert_int_equal(who.calls, 3);
}

static void test_nobody_to_ask_again(void **state)
{
    fixture *fix = *state;
    person who = {.pin = MOCK_PIN};
    hsmiam_object key = open_by(fix, &who);

    hsmiam_token_set_pin_callback(fix->token, NULL, NULL);
    mock_fail(MOCK_C_Sign, 1, CKR_DEVICE_REMOVED);
    assert_int_equal(loss_hmac(fix, key), HSMIAM_ERR_PIN);
    fixture_expect_message(fix, "was lost and needs its PIN again; name its source");
    assert_int_equal(mock.calls[MOCK_C_Login], 1);
}

static void test_person_is_asked_for_each_use_of_a_key(void **state)
{
    fixture *fix = *state;
    person who = {.pin = MOCK_PIN};
    hsmiam_object key = open_by(fix, &who);

    mock_set_flag(key, CKA_ALWAYS_AUTHENTICATE, true);
    for (unsigned i = 2; i <= 3; i++) {
        assert_int_equal(loss_hmac(fix, key), HSMIAM_OK);
        assert_int_equal(who.calls, i);
        assert_int_equal(who.reason, HSMIAM_PIN_USES_KEY);
    }
    who.pin = "wrong";
    assert_int_equal(loss_hmac(fix, key), HSMIAM_ERR_PIN);
    assert_int_equal(loss_hmac(fix, key), HSMIAM_ERR_PIN);
    assert_int_equal(who.calls, 4);
    assert_int_equal(mock.calls[MOCK_C_Login], 4);
}

static void test_pin_that_is_refused_afterwards(void **state)
{
    fixture *fix = *state;
    hsmiam_object key = loss_open_with_key(fix);

    mock_stop_failing();
    mock_fail(MOCK_C_Sign, 1, CKR_DEVICE_REMOVED);
    mock_fail(MOCK_C_Login, 0, CKR_PIN_INCORRECT);
    assert_int_equal(loss_hmac(fix, key), HSMIAM_ERR_PIN);
    fixture_expect_message(fix, "was lost (CKR_DEVICE_REMOVED) and could not be opened again");
    assert_int_equal(loss_hmac(fix, key), HSMIAM_ERR_PIN);
    fixture_expect_message(fix, "not tried again");
    assert_int_equal(mock.calls[MOCK_C_Login], 1);
}

static void test_pin_pad_asks_again(void **state)
{
    fixture *fix = *state;

    mock.slots[0].token.flags |= CKF_PROTECTED_AUTHENTICATION_PATH;
    (void)fixture_name_token(fix, "pkcs11:token=mock%20token");
    fixture_expect_open(fix, HSMIAM_OK);
    (void)mock_add_access_key(LOSS_ID, "alice", LOSS_SECRET);
    hsmiam_object key = loss_find_key(fix);
    mock_fail(MOCK_C_Sign, 1, CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(loss_hmac(fix, key), HSMIAM_OK);
    assert_int_equal(fix->notices, 2);
}

static void test_key_that_always_wants_the_pin(void **state)
{
    fixture *fix = *state;
    hsmiam_object key = loss_open_with_key(fix);

    mock_set_flag(key, CKA_ALWAYS_AUTHENTICATE, true);
    mock_stop_failing();
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(loss_hmac(fix, key), HSMIAM_OK);
        assert_int_equal(mock.calls[MOCK_C_Login], i);
    }
    assert_int_equal(hsmiam_token_count_losses(fix->token), 0);
    mock_fail(MOCK_C_Login, 1, CKR_PIN_INCORRECT);
    assert_int_equal(loss_hmac(fix, key), HSMIAM_ERR_PIN);
    assert_int_equal(loss_hmac(fix, key), HSMIAM_ERR_PIN);
    assert_int_equal(mock.calls[MOCK_C_Login], 4);
}

static hsmiam_status import_new(fixture *fix)
{
    const hsmiam_key_spec new = {
        .id = "AKIANEWNEWNEWNEWNEW1", .label = "new", .created = 0, .persistent = true};
    hsmiam_object key = CK_INVALID_HANDLE;
    hsmiam_secret *value = NULL;

    assert_int_equal(hsmiam_secret_new(64, &value, fix->error), HSMIAM_OK);
    assert_true(hsmiam_secret_append(value, "AWS4hush", 8));
    hsmiam_status status =
        hsmiam_token_import_key(fix->token, HSMIAM_ROUTE_RSA_OAEP, &new, value, &key, fix->error);
    hsmiam_secret_free(&value);
    return status;
}

/* Private keys may as well: the audit key to sign, the wrapping key to unwrap. No loss is seen. */
static void test_private_keys_that_always_want_the_pin(void **state)
{
    fixture *fix = *state;

    (void)loss_open_with_key(fix);
    assert_int_equal(hsmiam_token_provision(fix->token, NULL, NULL, fix->error), HSMIAM_OK);
    for (CK_OBJECT_HANDLE i = 1; i < 1000; i++) {
        const CK_ATTRIBUTE *class = mock_get_attribute(i, CKA_CLASS);
        if (class != NULL && *(const CK_OBJECT_CLASS *)class->pValue == CKO_PRIVATE_KEY)
            mock_set_flag(i, CKA_ALWAYS_AUTHENTICATE, true);
    }
    mock.takes_pin_to_unwrap = true;
    assert_int_equal(hsmiam_token_provision(fix->token, NULL, NULL, fix->error), HSMIAM_OK);
    assert_int_equal(import_new(fix), HSMIAM_OK);
    mock_remove(mock_find(CKO_SECRET_KEY, "AKIANEWNEWNEWNEWNEW1"));
    assert_int_equal(fix->notices, 0);
    mock.takes_pin_to_unwrap = false;
    assert_int_equal(import_new(fix), HSMIAM_ERR_UNSUPPORTED);
    assert_non_null(strstr(fix->log, "the token takes none for C_UnwrapKey"));
    assert_int_equal(hsmiam_token_count_losses(fix->token), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_person_is_asked_again),
        fixture_test(test_person_who_gives_up),
        fixture_test(test_nobody_to_ask_again),
        fixture_test(test_person_is_asked_for_each_use_of_a_key),
        fixture_test(test_pin_that_is_refused_afterwards),
        fixture_test(test_pin_pad_asks_again),
        fixture_test(test_key_that_always_wants_the_pin),
        fixture_test(test_private_keys_that_always_want_the_pin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
