/* SPDX-License-Identifier: Apache-2.0 */
/* The session, the login or the token is lost in the middle: it is opened once more, what is safe
 * to repeat is repeated, and an import is looked up first. */
#include "fixture.h"

#include "token/pool.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ID     "AKIAIOSFODNN7EXAMPLE"
#define SECRET "hush/hush+hush/hush+hush/hush+hush/hush+"

static const CK_RV losses[] = {
    CKR_SESSION_HANDLE_INVALID, CKR_SESSION_CLOSED, CKR_DEVICE_REMOVED,     CKR_TOKEN_NOT_PRESENT,
    CKR_TOKEN_NOT_RECOGNIZED,   CKR_DEVICE_ERROR,   CKR_USER_NOT_LOGGED_IN, CKR_OPERATION_ACTIVE,
};

#define LOSSES (sizeof losses / sizeof losses[0])

static const hsmiam_key_spec spec = {
    .id = ID, .label = "alice", .created = 1440938160, .persistent = true};

static hsmiam_object find_key(fixture *fix)
{
    char id[HSMIAM_ACCESS_KEY_ID_MAX + 1] = "";
    hsmiam_object key = CK_INVALID_HANDLE;

    assert_int_equal(hsmiam_token_find_access_key(fix->token, NULL, &key, id, fix->error),
                     HSMIAM_OK);
    assert_string_equal(id, ID);
    return key;
}

static hsmiam_object open_with_key(fixture *fix)
{
    (void)fixture_open_token(fix);
    (void)mock_add_access_key(ID, "alice", SECRET);
    return find_key(fix);
}

static hsmiam_status hmac(fixture *fix, hsmiam_object key)
{
    hsmiam_secret *mac = NULL;

    hsmiam_error_clear(fix->error);
    assert_int_equal(hsmiam_secret_new(HSMIAM_HMAC_SIZE, &mac, fix->error), HSMIAM_OK);
    hsmiam_status status = hsmiam_token_hmac(fix->token, key, "data", 4, mac, fix->error);
    if (status == HSMIAM_OK)
        assert_int_equal(hsmiam_secret_get_size(mac), HSMIAM_HMAC_SIZE);
    hsmiam_secret_free(&mac);
    return status;
}

static hsmiam_status import_key(fixture *fix, hsmiam_object *object_out)
{
    hsmiam_secret *value = NULL;

    hsmiam_error_clear(fix->error);
    assert_int_equal(hsmiam_secret_new(64, &value, fix->error), HSMIAM_OK);
    assert_true(hsmiam_secret_append(value, "AWS4" SECRET, strlen("AWS4" SECRET)));
    hsmiam_status status = hsmiam_token_import_key(fix->token, HSMIAM_ROUTE_CREATE_OBJECT, &spec,
                                                   value, object_out, fix->error);
    hsmiam_secret_free(&value);
    return status;
}

static void test_one_loss_is_survived(void **state)
{
    static const mock_function functions[] = {MOCK_C_SignInit, MOCK_C_Sign};
    fixture *fix = *state;

    for (size_t i = 0; i < LOSSES * 2; i++) {
        mock_reset();
        hsmiam_object key = open_with_key(fix);
        mock_fail(functions[i % 2], 1, losses[i / 2]);
        assert_int_equal(hmac(fix, key), HSMIAM_OK);
        assert_int_equal(hmac(fix, key), HSMIAM_OK);
        assert_int_equal(find_key(fix), find_key(fix));
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
        hsmiam_object key = open_with_key(fix);
        mock_stop_failing();
        mock_fail(MOCK_C_Sign, 0, losses[i]);
        assert_int_equal(hmac(fix, key), HSMIAM_ERR_TOKEN);
        fixture_expect_message(fix, "C_Sign");
        fixture_expect_message(fix, hsmiam_rv_get_name(losses[i], name));
        assert_int_equal(mock.calls[MOCK_C_Sign], 2);
        assert_int_equal(mock.calls[MOCK_C_OpenSession], 1);
        mock_stop_failing();
        assert_int_equal(hmac(fix, key), HSMIAM_OK);
        hsmiam_token_free(&fix->token);
    }
}

/* Another part of the process logs out; the token does not say so, but has no private objects. */
static void test_logged_out_by_somebody_else(void **state)
{
    fixture *fix = *state;
    hsmiam_object key = open_with_key(fix);

    mock_set_flag(key, CKA_PRIVATE, true);
    mock.logged_in = false;
    assert_int_equal(find_key(fix), find_key(fix));
    assert_true(mock.logged_in);
    key = find_key(fix);
    mock.logged_in = false;
    mock_fail(MOCK_C_SignInit, 1, CKR_KEY_HANDLE_INVALID);
    assert_int_equal(hmac(fix, key), HSMIAM_OK);
    /* Logged in, it is just another handle that is wrong. */
    mock_fail(MOCK_C_SignInit, 1, CKR_KEY_HANDLE_INVALID);
    assert_int_equal(hmac(fix, key), HSMIAM_ERR_TOKEN);
}

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
    (void)mock_add_access_key(ID, "alice", SECRET);
    return find_key(fix);
}

static void test_person_is_asked_again(void **state)
{
    fixture *fix = *state;
    person who = {.pin = MOCK_PIN};
    hsmiam_object key = open_by(fix, &who);

    assert_int_equal(who.reason, HSMIAM_PIN_OPENS_TOKEN);
    for (unsigned i = 2; i <= 3; i++) {
        mock_fail(MOCK_C_Sign, 1, CKR_DEVICE_REMOVED);
        assert_int_equal(hmac(fix, key), HSMIAM_OK);
        assert_int_equal(mock.calls[MOCK_C_Login], i);
        assert_int_equal(who.calls, i);
        assert_int_equal(who.reason, HSMIAM_PIN_AFTER_LOSS);
    }
    who.pin = "wrong";
    mock_fail(MOCK_C_Sign, 1, CKR_DEVICE_REMOVED);
    assert_int_equal(hmac(fix, key), HSMIAM_ERR_PIN);
    assert_int_equal(hmac(fix, key), HSMIAM_ERR_PIN);
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
    assert_int_equal(hmac(fix, key), HSMIAM_ERR_CANCELLED);
    fixture_expect_message(fix, "was lost and needs its PIN again, and none was given");
    assert_int_equal(mock.calls[MOCK_C_Login], 1);
    who.pin = MOCK_PIN;
    assert_int_equal(hmac(fix, key), HSMIAM_OK);
    assert_int_equal(who.calls, 3);
}

static void test_nobody_to_ask_again(void **state)
{
    fixture *fix = *state;
    person who = {.pin = MOCK_PIN};
    hsmiam_object key = open_by(fix, &who);

    hsmiam_token_set_pin_callback(fix->token, NULL, NULL);
    mock_fail(MOCK_C_Sign, 1, CKR_DEVICE_REMOVED);
    assert_int_equal(hmac(fix, key), HSMIAM_ERR_PIN);
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
        assert_int_equal(hmac(fix, key), HSMIAM_OK);
        assert_int_equal(who.calls, i);
        assert_int_equal(who.reason, HSMIAM_PIN_USES_KEY);
    }
    who.pin = "wrong";
    assert_int_equal(hmac(fix, key), HSMIAM_ERR_PIN);
    assert_int_equal(hmac(fix, key), HSMIAM_ERR_PIN);
    assert_int_equal(who.calls, 4);
    assert_int_equal(mock.calls[MOCK_C_Login], 4);
}

static void test_pin_that_is_refused_afterwards(void **state)
{
    fixture *fix = *state;
    hsmiam_object key = open_with_key(fix);

    mock_stop_failing();
    mock_fail(MOCK_C_Sign, 1, CKR_DEVICE_REMOVED);
    mock_fail(MOCK_C_Login, 0, CKR_PIN_INCORRECT);
    assert_int_equal(hmac(fix, key), HSMIAM_ERR_PIN);
    fixture_expect_message(fix, "was lost (CKR_DEVICE_REMOVED) and could not be opened again");
    assert_int_equal(hmac(fix, key), HSMIAM_ERR_PIN);
    fixture_expect_message(fix, "not tried again");
    assert_int_equal(mock.calls[MOCK_C_Login], 1);
}

static void test_pin_pad_asks_again(void **state)
{
    fixture *fix = *state;

    mock.slots[0].token.flags |= CKF_PROTECTED_AUTHENTICATION_PATH;
    (void)fixture_name_token(fix, "pkcs11:token=mock%20token");
    fixture_expect_open(fix, HSMIAM_OK);
    (void)mock_add_access_key(ID, "alice", SECRET);
    hsmiam_object key = find_key(fix);
    mock_fail(MOCK_C_Sign, 1, CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(hmac(fix, key), HSMIAM_OK);
    assert_int_equal(fix->notices, 2);
}

static void test_slot_is_empty_then(void **state)
{
    fixture *fix = *state;
    hsmiam_object key = open_with_key(fix);

    mock_fail(MOCK_C_Sign, 1, CKR_DEVICE_REMOVED);
    mock.slots[0].empty = true;
    assert_int_equal(hmac(fix, key), HSMIAM_ERR_NOT_FOUND);
    fixture_expect_message(fix, "is the token plugged in?");
    fixture_expect_message(fix, "\"mock token\" was lost (CKR_DEVICE_REMOVED)");
    mock.slots[0].empty = false;
    assert_int_equal(hmac(fix, key), HSMIAM_OK);
}

static void test_token_comes_back_elsewhere(void **state)
{
    fixture *fix = *state;
    hsmiam_object key = open_with_key(fix);

    mock_fail(MOCK_C_Sign, 1, CKR_TOKEN_NOT_PRESENT);
    (void)mock_add_slot("mock token", "4711");
    mock.slots[0].empty = true;
    assert_int_equal(hmac(fix, key), HSMIAM_OK);
}

/* A module may show slots that are new to those only who ask how many there are. */
static void test_slot_is_new(void **state)
{
    fixture *fix = *state;
    CK_SLOT_ID slots[MOCK_SLOTS_MAX];
    CK_ULONG count = MOCK_SLOTS_MAX;
    hsmiam_object key = open_with_key(fix);

    mock.slots[0].empty = true;
    (void)mock_add_slot("mock token", "4711");
    assert_int_equal(mock_get_modules()[0]->C_GetSlotList(CK_FALSE, slots, &count), CKR_OK);
    assert_int_equal(count, 1);
    mock_fail(MOCK_C_Sign, 1, CKR_DEVICE_REMOVED);
    assert_int_equal(hmac(fix, key), HSMIAM_OK);
}

static void test_another_token_comes_back(void **state)
{
    fixture *fix = *state;
    hsmiam_object key = open_with_key(fix);

    mock_fail(MOCK_C_Sign, 1, CKR_TOKEN_NOT_PRESENT);
    (void)mock_add_slot("mock token", "0815");
    mock.slots[0].empty = true;
    assert_int_equal(hmac(fix, key), HSMIAM_ERR_TOKEN);
    fixture_expect_message(fix, "there is another one (serial 0815) now");
}

/* Handles of before mean other objects now. */
static void test_key_is_found_again_by_its_id(void **state)
{
    fixture *fix = *state;
    hsmiam_object key = open_with_key(fix);

    mock_remove(key);
    CK_OBJECT_HANDLE again = mock_add_access_key(ID, "alice", SECRET);
    mock_fail(MOCK_C_SignInit, 1, CKR_SESSION_CLOSED);
    assert_int_equal(hmac(fix, key), HSMIAM_OK);
    assert_int_equal(hsmiam_token_destroy_object(fix->token, key, fix->error), HSMIAM_OK);
    assert_null(mock_get_attribute(again, CKA_ID));
    assert_int_equal(hsmiam_token_destroy_object(fix->token, key, fix->error), HSMIAM_OK);
}

static void test_key_is_gone_or_twice_there(void **state)
{
    fixture *fix = *state;
    hsmiam_object key = open_with_key(fix);

    (void)mock_add_access_key(ID, "eve", SECRET);
    mock_fail(MOCK_C_SignInit, 1, CKR_SESSION_CLOSED);
    assert_int_equal(hmac(fix, key), HSMIAM_ERR_AMBIGUOUS);
    fixture_expect_message(fix, "holds 2 keys with the id " ID);
    mock_remove(mock_find(CKO_SECRET_KEY, ID));
    mock_remove(mock_find(CKO_SECRET_KEY, ID));
    assert_int_equal(hmac(fix, key), HSMIAM_ERR_NOT_FOUND);
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
    assert_int_equal(import_key(fix, &object), HSMIAM_OK);
    assert_int_equal(mock_count_objects(), 1);
    assert_int_equal(mock.calls[MOCK_C_CreateObject], 1);
    assert_int_equal(hmac(fix, object), HSMIAM_OK);
    assert_int_equal(hsmiam_token_check_key(fix->token, object, &spec, fix->error), HSMIAM_OK);
    assert_int_equal(hsmiam_token_destroy_object(fix->token, object, fix->error), HSMIAM_OK);
    assert_int_equal(mock_count_objects(), 0);
}

static void test_import_that_was_not_done_is_done(void **state)
{
    fixture *fix = *state;
    hsmiam_object object = CK_INVALID_HANDLE;

    (void)fixture_open_token(fix);
    mock_fail(MOCK_C_CreateObject, 1, CKR_DEVICE_REMOVED);
    assert_int_equal(import_key(fix, &object), HSMIAM_OK);
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
    assert_int_equal(import_key(fix, &object), HSMIAM_ERR_TOKEN);
    fixture_expect_message(fix,
                           "Whether token \"mock token\" holds an object " ID " now is not known");
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
    assert_true(hsmiam_secret_append(value, "AWS4" SECRET, 44));
    assert_int_equal(hsmiam_token_import_key(fix->token, HSMIAM_ROUTE_CREATE_OBJECT, &rehearsal,
                                             value, &object, fix->error),
                     HSMIAM_OK);
    hsmiam_secret_free(&value);
    mock_fail(MOCK_C_Sign, 1, CKR_SESSION_CLOSED);
    assert_int_equal(hmac(fix, object), HSMIAM_ERR_NOT_FOUND);
    fixture_expect_message(fix, "went with it");
    assert_int_equal(hsmiam_token_destroy_object(fix->token, object, fix->error), HSMIAM_OK);
}

static void test_key_that_always_wants_the_pin(void **state)
{
    fixture *fix = *state;
    hsmiam_object key = open_with_key(fix);

    mock_set_flag(key, CKA_ALWAYS_AUTHENTICATE, true);
    mock_stop_failing();
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(hmac(fix, key), HSMIAM_OK);
        assert_int_equal(mock.calls[MOCK_C_Login], i);
    }
    assert_int_equal(hsmiam_token_count_losses(fix->token), 0);
    mock_fail(MOCK_C_Login, 1, CKR_PIN_INCORRECT);
    assert_int_equal(hmac(fix, key), HSMIAM_ERR_PIN);
    assert_int_equal(hmac(fix, key), HSMIAM_ERR_PIN);
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

    (void)open_with_key(fix);
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

static void test_only_so_many_sessions(void **state)
{
    fixture *fix = *state;
    hsmiam_object key = open_with_key(fix);

    mock_fail(MOCK_C_OpenSession, 0, CKR_SESSION_COUNT);
    assert_int_equal(hmac(fix, key), HSMIAM_OK);
    (void)fixture_name_token(fix, URI_WITH_PIN);
    fixture_expect_open(fix, HSMIAM_ERR_TOKEN);
    fixture_expect_message(fix, "CKR_SESSION_COUNT");
}

/* In a forked child, the token says what is the matter, and leaves the parent's sessions alone. */
static void test_fork(void **state)
{
    fixture *fix = *state;
    hsmiam_object key = open_with_key(fix);
    int result = -1;

    mock_stop_failing();
    pid_t child = fork();
    if (child == 0) {
        hsmiam_error *error = hsmiam_error_new();
        size_t count = 0;
        bool refused =
            hsmiam_token_count_access_keys(fix->token, ID, &count, error) == HSMIAM_ERR_TOKEN &&
            strstr(hsmiam_error_get_message(error), "before this process was forked") != NULL;
        refused = refused && hsmiam_token_open(fix->token, error) == HSMIAM_ERR_TOKEN;
        hsmiam_token_free(&fix->token);
        for (mock_function function = 0; function < MOCK_FUNCTION_COUNT; function++)
            refused = refused && mock.calls[function] == 0;
        _exit(refused ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    assert_int_equal(hmac(fix, key), HSMIAM_OK);
}

/* A thread that is not in the child may have held any lock. */
static void test_free_after_fork(void **state)
{
    fixture *fix = *state;
    hsmiam_object key = open_with_key(fix);
    int result = -1;

    (void)pthread_mutex_lock(&fix->token->importing);
    (void)pthread_mutex_lock(&fix->token->opening);
    (void)pthread_mutex_lock(&fix->token->pool->lock);
    pid_t child = fork();
    if (child == 0) {
        (void)alarm(10);
        hsmiam_status status = hsmiam_token_destroy_object(fix->token, key, NULL);
        hsmiam_token_end_transport(fix->token);
        hsmiam_token_free(&fix->token);
        _exit(status == HSMIAM_ERR_TOKEN ? 0 : 1);
    }
    (void)pthread_mutex_unlock(&fix->token->pool->lock);
    (void)pthread_mutex_unlock(&fix->token->opening);
    (void)pthread_mutex_unlock(&fix->token->importing);
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    assert_int_equal(hmac(fix, key), HSMIAM_OK);
}

/* What is closed stays so, and calls no module that may be gone. */
static void test_closed(void **state)
{
    fixture *fix = *state;
    hsmiam_object key = open_with_key(fix);

    hsmiam_token_close(fix->token);
    mock_stop_failing();
    assert_int_equal(hsmiam_token_open(fix->token, fix->error), HSMIAM_ERR_ARGUMENT);
    fixture_expect_message(fix, "was closed");
    assert_int_equal(hmac(fix, key), HSMIAM_ERR_ARGUMENT);
    assert_int_equal(hsmiam_token_destroy_object(fix->token, key, fix->error), HSMIAM_ERR_ARGUMENT);
    hsmiam_token_end_transport(fix->token);
    hsmiam_token_close(fix->token);
    for (mock_function function = 0; function < MOCK_FUNCTION_COUNT; function++)
        assert_int_equal(mock.calls[function], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_one_loss_is_survived),
        fixture_test(test_two_losses_are_not),
        fixture_test(test_logged_out_by_somebody_else),
        fixture_test(test_person_is_asked_again),
        fixture_test(test_person_who_gives_up),
        fixture_test(test_nobody_to_ask_again),
        fixture_test(test_person_is_asked_for_each_use_of_a_key),
        fixture_test(test_pin_that_is_refused_afterwards),
        fixture_test(test_pin_pad_asks_again),
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
        fixture_test(test_key_that_always_wants_the_pin),
        fixture_test(test_private_keys_that_always_want_the_pin),
        fixture_test(test_only_so_many_sessions),
        fixture_test(test_fork),
        fixture_test(test_free_after_fork),
        fixture_test(test_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
