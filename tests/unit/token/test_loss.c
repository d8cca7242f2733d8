/* SPDX-License-Identifier: Apache-2.0 */
/* The session, the login or the token is lost in the middle: it is opened once more, what is safe
 * to repeat is repeated, and an import is looked up first. */
#include "loss_fixture.h"

#include <string.h>

static const CK_RV losses[] = {
    CKR_SESSION_HANDLE_INVALID, CKR_SESSION_CLOSED, CKR_DEVICE_REMOVED,     CKR_TOKEN_NOT_PRESENT,
    CKR_TOKEN_NOT_RECOGNIZED,   CKR_DEVICE_ERROR,   CKR_USER_NOT_LOGGED_IN, CKR_OPERATION_ACTIVE,
};

#define LOSSES (sizeof losses / sizeof losses[0])

static void test_one_loss_is_survived(void **state)
{
    static const mock_function functions[] = {MOCK_C_SignInit, MOCK_C_Sign};
    fixture *fix = *state;

    for (size_t i = 0; i < LOSSES * 2; i++) {
        mock_reset();
        hsmiam_object key = loss_open_with_key(fix);
        mock_fail(functions[i % 2], 1, losses[i / 2]);
        assert_int_equal(loss_hmac(fix, key), HSMIAM_OK);
        assert_int_equal(loss_hmac(fix, key), HSMIAM_OK);
        assert_int_equal(loss_find_key(fix), loss_find_key(fix));
        assert_int_equal(mock_count_sessions(), 1);
        assert_int_equal(hsmiam_token_count_losses(fix->token), 1);
        assert_int_equal(mock.calls[MOCK_C_Login], 2);
        hsmiam_token_free(&fix->token);
    }
}

static void test_two_losses_are_not(void **state)
{
    fixture *fix = *state;

    for (size_t i = 0; i < LOSSES; i++) {
        char name[32];
        mock_reset();
        hsmiam_object key = loss_open_with_key(fix);
        mock_stop_failing();
        mock_fail(MOCK_C_Sign, 0, losses[i]);
        assert_int_equal(loss_hmac(fix, key), HSMIAM_ERR_TOKEN);
        fixture_expect_message(fix, "C_Sign");
        fixture_expect_message(fix, hsmiam_rv_get_name(losses[i], name));
        assert_int_equal(mock.calls[MOCK_C_Sign], 2);
        assert_int_equal(mock.calls[MOCK_C_OpenSession], 1);
        mock_stop_failing();
        assert_int_equal(loss_hmac(fix, key), HSMIAM_OK);
        hsmiam_token_free(&fix->token);
    }
}

/* Another part of the process logs out; the token does not say so, but has no private objects. */
static void test_logged_out_by_somebody_else(void **state)
{
    fixture *fix = *state;
    hsmiam_object key = loss_open_with_key(fix);

    mock_set_flag(key, CKA_PRIVATE, true);
    mock.logged_in = false;
    assert_int_equal(loss_find_key(fix), loss_find_key(fix));
    assert_true(mock.logged_in);
    key = loss_find_key(fix);
    mock.logged_in = false;
    mock_fail(MOCK_C_SignInit, 1, CKR_KEY_HANDLE_INVALID);
    assert_int_equal(loss_hmac(fix, key), HSMIAM_OK);
    /* Logged in, it is just another handle that is wrong. */
    mock_fail(MOCK_C_SignInit, 1, CKR_KEY_HANDLE_INVALID);
    assert_int_equal(loss_hmac(fix, key), HSMIAM_ERR_TOKEN);
}

static void test_slot_is_empty_then(void **state)
{
    fixture *fix = *state;
    hsmiam_object key = loss_open_with_key(fix);

    mock_fail(MOCK_C_Sign, 1, CKR_DEVICE_REMOVED);
    mock.slots[0].empty = true;
    assert_int_equal(loss_hmac(fix, key), HSMIAM_ERR_NOT_FOUND);
    fixture_expect_message(fix, "is the token plugged in?");
    fixture_expect_message(fix, "\"mock token\" was lost (CKR_DEVICE_REMOVED)");
    mock.slots[0].empty = false;
    assert_int_equal(loss_hmac(fix, key), HSMIAM_OK);
}

static void test_token_comes_back_elsewhere(void **state)
{
    fixture *fix = *state;
    hsmiam_object key = loss_open_with_key(fix);

    mock_fail(MOCK_C_Sign, 1, CKR_TOKEN_NOT_PRESENT);
    (void)mock_add_slot("mock token", "4711");
    mock.slots[0].empty = true;
    assert_int_equal(loss_hmac(fix, key), HSMIAM_OK);
}

/* A module may show slots that are new to those only who ask how many there are. */
static void test_slot_is_new(void **state)
{
    fixture *fix = *state;
    CK_SLOT_ID slots[MOCK_SLOTS_MAX];
    CK_ULONG count = MOCK_SLOTS_MAX;
    hsmiam_object key = loss_open_with_key(fix);

    mock.slots[0].empty = true;
    (void)mock_add_slot("mock token", "4711");
    assert_int_equal(mock_get_modules()[0]->C_GetSlotList(CK_FALSE, slots, &count), CKR_OK);
    assert_int_equal(count, 1);
    mock_fail(MOCK_C_Sign, 1, CKR_DEVICE_REMOVED);
    assert_int_equal(loss_hmac(fix, key), HSMIAM_OK);
}

static void test_another_token_comes_back(void **state)
{
    fixture *fix = *state;
    hsmiam_object key = loss_open_with_key(fix);

    mock_fail(MOCK_C_Sign, 1, CKR_TOKEN_NOT_PRESENT);
    (void)mock_add_slot("mock token", "0815");
    mock.slots[0].empty = true;
    assert_int_equal(loss_hmac(fix, key), HSMIAM_ERR_TOKEN);
    fixture_expect_message(fix, "there is another one (serial 0815) now");
}

/* Handles of before mean other objects now. */
static void test_key_is_found_again_by_its_id(void **state)
{
    fixture *fix = *state;
    hsmiam_object key = loss_open_with_key(fix);

    mock_remove(key);
    CK_OBJECT_HANDLE again = mock_add_access_key(LOSS_ID, "alice", LOSS_SECRET);
    mock_fail(MOCK_C_SignInit, 1, CKR_SESSION_CLOSED);
    assert_int_equal(loss_hmac(fix, key), HSMIAM_OK);
    assert_int_equal(hsmiam_token_destroy_object(fix->token, key, fix->error), HSMIAM_OK);
    assert_null(mock_get_attribute(again, CKA_ID));
    assert_int_equal(hsmiam_token_destroy_object(fix->token, key, fix->error), HSMIAM_OK);
}

static void test_key_is_gone_or_twice_there(void **state)
{
    fixture *fix = *state;
    hsmiam_object key = loss_open_with_key(fix);

    (void)mock_add_access_key(LOSS_ID, "eve", LOSS_SECRET);
    mock_fail(MOCK_C_SignInit, 1, CKR_SESSION_CLOSED);
    assert_int_equal(loss_hmac(fix, key), HSMIAM_ERR_AMBIGUOUS);
    fixture_expect_message(fix, "holds 2 keys with the id " LOSS_ID);
    mock_remove(mock_find(CKO_SECRET_KEY, LOSS_ID));
    mock_remove(mock_find(CKO_SECRET_KEY, LOSS_ID));
    assert_int_equal(loss_hmac(fix, key), HSMIAM_ERR_NOT_FOUND);
}

/* What the import did before the session was lost is a question. */
static CK_C_CreateObject create_object_of_mock;

static CK_RV create_and_lose(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count,
                             CK_OBJECT_HANDLE *object_out)
{
    CK_RV rv = create_object_of_mock(session, template, count, object_out);

    mock_get_modules()[0]->C_CreateObject = create_object_of_mock;
    return rv == CKR_OK ? CKR_DEVICE_REMOVED : rv;
}

static void lose_what_is_created(void)
{
    create_object_of_mock = mock_get_modules()[0]->C_CreateObject;
    mock_get_modules()[0]->C_CreateObject = create_and_lose;
}

static void test_import_that_was_done_is_not_done_again(void **state)
{
    fixture *fix = *state;
    hsmiam_object object = CK_INVALID_HANDLE;

    (void)fixture_open_token(fix);
    lose_what_is_created();
    assert_int_equal(loss_import_key(fix, &object), HSMIAM_OK);
    assert_int_equal(mock_count_objects(), 1);
    assert_int_equal(mock.calls[MOCK_C_CreateObject], 1);
    assert_int_equal(loss_hmac(fix, object), HSMIAM_OK);
    assert_int_equal(hsmiam_token_check_key(fix->token, object, &loss_spec, fix->error), HSMIAM_OK);
    assert_int_equal(hsmiam_token_destroy_object(fix->token, object, fix->error), HSMIAM_OK);
    assert_int_equal(mock_count_objects(), 0);
}

static void test_import_that_was_not_done_is_done(void **state)
{
    fixture *fix = *state;
    hsmiam_object object = CK_INVALID_HANDLE;

    (void)fixture_open_token(fix);
    mock_fail(MOCK_C_CreateObject, 1, CKR_DEVICE_REMOVED);
    assert_int_equal(loss_import_key(fix, &object), HSMIAM_OK);
    assert_int_equal(mock_count_objects(), 1);
    assert_int_equal(mock.calls[MOCK_C_CreateObject], 2);
}

static void test_import_that_nobody_can_look_up(void **state)
{
    fixture *fix = *state;
    hsmiam_object object = CK_INVALID_HANDLE;

    (void)fixture_open_token(fix);
    lose_what_is_created();
    mock_fail(MOCK_C_OpenSession, 0, CKR_TOKEN_NOT_PRESENT);
    assert_int_equal(loss_import_key(fix, &object), HSMIAM_ERR_TOKEN);
    fixture_expect_message(fix, "Whether token \"mock token\" holds an object " LOSS_ID
                                " now is not known");
    assert_int_equal(mock.calls[MOCK_C_CreateObject], 1);
    hsmiam_token_free(&fix->token);
}

static void test_session_object_goes_with_its_session(void **state)
{
    const hsmiam_key_spec rehearsal = {
        .id = "REHEARSAL0000000", .label = "r", .created = 0, .persistent = false};
    fixture *fix = *state;
    hsmiam_object object = CK_INVALID_HANDLE;
    hsmiam_secret *value = NULL;

    (void)fixture_open_token(fix);
    assert_int_equal(hsmiam_secret_new(64, &value, fix->error), HSMIAM_OK);
    assert_true(hsmiam_secret_append(value, "AWS4" LOSS_SECRET, 44));
    assert_int_equal(hsmiam_token_import_key(fix->token, HSMIAM_ROUTE_CREATE_OBJECT, &rehearsal,
                                             value, &object, fix->error),
                     HSMIAM_OK);
    hsmiam_secret_free(&value);
    mock_fail(MOCK_C_Sign, 1, CKR_SESSION_CLOSED);
    assert_int_equal(loss_hmac(fix, object), HSMIAM_ERR_NOT_FOUND);
    fixture_expect_message(fix, "went with it");
    assert_int_equal(hsmiam_token_destroy_object(fix->token, object, fix->error), HSMIAM_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_one_loss_is_survived),
        fixture_test(test_two_losses_are_not),
        fixture_test(test_logged_out_by_somebody_else),
        fixture_test(test_slot_is_empty_then),
        fixture_test(test_token_comes_back_elsewhere),
        fixture_test(test_slot_is_new),
        fixture_test(test_another_token_comes_back),
        fixture_test(test_key_is_found_again_by_its_id),
        fixture_test(test_key_is_gone_or_twice_there),
        fixture_test(test_import_that_was_done_is_not_done_again),
        fixture_test(test_import_that_was_not_done_is_done),
        fixture_test(test_import_that_nobody_can_look_up),
        fixture_test(test_session_object_goes_with_its_session),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
