/* SPDX-License-Identifier: Apache-2.0 */
/* IAM made the key, and the token does not take it. */
#include "fixture.h"

#include <string.h>

static const CK_RV failures[] = {CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED, CKR_DEVICE_MEMORY,
                                 CKR_HOST_MEMORY};

/* Any of them: the token is opened anew, once, and what it was about is done again. */
static const CK_RV losses[] = {CKR_SESSION_HANDLE_INVALID, CKR_SESSION_CLOSED,
                               CKR_DEVICE_REMOVED,         CKR_TOKEN_NOT_PRESENT,
                               CKR_DEVICE_ERROR,           CKR_USER_NOT_LOGGED_IN};

/* What goes wrong once the key is made, and not in the rehearsal. */
static void break_hmac(hsmiam_client *client)
{
    (void)client;
    mock.wrong_hmac = true;
}

static void break_unwrap(hsmiam_client *client)
{
    (void)client;
    mock_fail(MOCK_C_UnwrapKey, 0, CKR_DEVICE_MEMORY);
}

static void break_proof_and_destruction(hsmiam_client *client)
{
    (void)client;
    mock_fail(MOCK_C_SignInit, 1, CKR_GENERAL_ERROR);
    mock_fail(MOCK_C_DestroyObject, 1, CKR_FUNCTION_FAILED);
}

static void make_value_readable(hsmiam_client *client)
{
    (void)client;
    mock.value_readable = true;
}

static void make_sensitive_a_lie(hsmiam_client *client)
{
    (void)client;
    mock.lies = true;
    mock.lies_about = CKA_SENSITIVE;
}

static void test_every_way_to_fail_deletes(void **state)
{
    static const struct {
        void (*how)(hsmiam_client *client);
        const char *message;
    } cases[] = {
        {break_hmac, "another HMAC"},
        {break_unwrap, "C_UnwrapKey failed"},
        {make_value_readable, "value be read"},
        {make_sensitive_a_lie, "CKA_SENSITIVE is not what was asked for"},
    };
    fixture *fix = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fixture_stop(fix);
        fixture_start(fix);
        fix->client.on_create = cases[i].how;
        assert_int_equal(fixture_create(fix, "alice"), HSMIAM_ERR_CUSTODY);
        fixture_expect_message(fix, cases[i].message);
        fixture_expect_message(fix, "Access key " NEW_ID " was deleted at IAM again.");
        assert_int_equal(fix->client.deletes, 1);
        assert_string_equal(fix->client.deleted_user, "alice");
        assert_false(fake_iam_has_key(&fix->client, NEW_ID));
        assert_int_equal(mock_find(CKO_SECRET_KEY, NEW_ID), CK_INVALID_HANDLE);
        assert_int_equal(mock_count_objects(), 3);
    }
}

static void test_deletion_fails(void **state)
{
    static const struct {
        fake_answer answer;
        const char *user_name;
        const char *message;
        const char *advice;
    } cases[] = {
        {{HSMIAM_ERR_SERVICE, "AccessDenied"},
         "alice",
         "could not be deleted (AccessDenied: The fake DeleteAccessKey fails.)",
         "aws iam delete-access-key --access-key-id " NEW_ID " --user-name alice"},
        {{HSMIAM_ERR_NETWORK, NULL},
         "alice",
         "could not be deleted (The fake DeleteAccessKey fails.)",
         "aws iam delete-access-key --access-key-id " NEW_ID " --user-name alice"},
        {{HSMIAM_ERR_NETWORK, NULL},
         NULL,
         "could not be deleted",
         "aws iam delete-access-key --access-key-id " NEW_ID " --user-name issuer"},
    };
    fixture *fix = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fixture_stop(fix);
        fixture_start(fix);
        fix->client.on_create = break_hmac;
        fix->client.delete = cases[i].answer;
        assert_int_equal(fixture_create(fix, cases[i].user_name), HSMIAM_ERR_CUSTODY);
        fixture_expect_message(fix, "another HMAC");
        fixture_expect_message(fix, "Access key " NEW_ID " exists at IAM");
        fixture_expect_message(fix, cases[i].message);
        fixture_expect_message(fix, cases[i].advice);
        fixture_expect_no_message(fix, "was deleted");
        assert_int_equal(fix->client.deletes, 1);
        assert_true(fake_iam_has_key(&fix->client, NEW_ID));
    }
}

static void test_root_users_key_cannot_be_deleted(void **state)
{
    fixture *fix = *state;

    fix->client.own_user = "";
    fix->client.on_create = break_hmac;
    fix->client.delete = (fake_answer){HSMIAM_ERR_NETWORK, NULL};
    assert_int_equal(fixture_create(fix, NULL), HSMIAM_ERR_CUSTODY);
    fixture_expect_message(fix, "aws iam delete-access-key --access-key-id " NEW_ID);
    fixture_expect_no_message(fix, "--user-name");
}

/* Then the object stays in the token; the message says that too. */
static void test_object_cannot_be_destroyed(void **state)
{
    fixture *fix = *state;

    fix->client.on_create = break_proof_and_destruction;
    assert_int_equal(fixture_create(fix, "alice"), HSMIAM_ERR_CUSTODY);
    fixture_expect_message(fix, "C_SignInit");
    fixture_expect_message(fix, "The object " NEW_ID " could not be destroyed either");
    fixture_expect_message(fix, "C_DestroyObject");
    fixture_expect_message(fix, "Access key " NEW_ID " was deleted at IAM again.");
    assert_false(fake_iam_has_key(&fix->client, NEW_ID));
    assert_true(fixture_token_has(NEW_ID));
}

/* A search that was not ended shows at the next one. */
static const char *get_shown_name(mock_function function)
{
    return function == MOCK_C_FindObjectsFinal ? "C_FindObjects" : mock_get_name(function);
}

/* Where it failed after the key was made, the key is gone again, and both facts are said. */
static void expect_both_facts(fixture *fix, hsmiam_status status, mock_function function)
{
    assert_int_equal(status, HSMIAM_ERR_CUSTODY);
    fixture_expect_message(fix, get_shown_name(function));
    fixture_expect_message(fix, "Access key " NEW_ID " was deleted at IAM again.");
    assert_false(fake_iam_has_key(&fix->client, NEW_ID));
    assert_int_equal(mock_find(CKO_SECRET_KEY, NEW_ID), CK_INVALID_HANDLE);
}

static bool is_doubtful(CK_RV rv)
{
    return rv == CKR_GENERAL_ERROR || rv == CKR_FUNCTION_FAILED;
}

/* One failing call; false once that call is not made any more. What came of it is counted. */
static bool create_failing(fixture *fix, mock_function function, unsigned call, CK_RV rv,
                           unsigned *before, unsigned *after)
{
    fixture_stop(fix);
    fixture_start(fix);
    mock_fail(function, call, rv);
    hsmiam_status status = fixture_create(fix, "alice");

    if (status == HSMIAM_OK) {
        /* Nothing failed, or it was doubtful what it meant and did not come again; trouble leads to
         * no weaker route. */
        assert_true(mock.calls[function] < call || is_doubtful(rv) ||
                    function == MOCK_C_GetSessionInfo || function == MOCK_C_GetMechanismInfo);
        assert_true(is_doubtful(rv) ||
                    strcmp(hsmiam_access_key_get_import_route(fix->key), "rsa-oaep") == 0);
        assert_true(fixture_token_has(NEW_ID));
        assert_true(fake_iam_has_key(&fix->client, NEW_ID));
    } else if (fix->client.creates == 0) {
        fixture_expect_message(fix, get_shown_name(function));
        assert_false(fake_iam_has_key(&fix->client, NEW_ID));
        ++*before;
    } else {
        expect_both_facts(fix, status, function);
        ++*after;
    }
    /* What cannot be destroyed goes with its session. */
    if (function != MOCK_C_DestroyObject)
        assert_int_equal(mock_count_session_objects(), 0);
    return mock.calls[function] >= call;
}

static void test_each_token_call_fails_once(void **state)
{
    fixture *fix = *state;
    unsigned before = 0;
    unsigned after = 0;

    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++)
        for (mock_function function = 0; function < MOCK_FUNCTION_COUNT; function++)
            for (unsigned call = 1;
                 create_failing(fix, function, call, failures[i], &before, &after); call++)
                continue;
    /* Opening takes 6 calls and finding the credential as many; taking a key in more than 10. */
    assert_true(before >= 4 * 12);
    assert_true(after >= 4 * 10);
}

/* One loss; false once that call is not made any more. Opening the token is not tried twice. */
static bool create_losing(fixture *fix, mock_function function, unsigned call, CK_RV rv,
                          unsigned *survived)
{
    fixture_stop(fix);
    fixture_start(fix);
    mock_fail(function, call, rv);
    hsmiam_status status = fixture_create(fix, "alice");

    if (status == HSMIAM_OK) {
        assert_true(fixture_token_has(NEW_ID));
        assert_true(fake_iam_has_key(&fix->client, NEW_ID));
        assert_int_equal(fix->notices, 0);
        assert_int_equal(fix->client.creates, 1);
        ++*survived;
    } else {
        assert_int_equal(fix->client.creates, 0);
        fixture_expect_message(fix, function < MOCK_C_OpenSession ? "No token matches"
                                                                  : mock_get_name(function));
        assert_true(function < MOCK_C_CreateObject);
    }
    assert_int_equal(mock_count_session_objects(), 0);
    assert_true(mock.calls[MOCK_C_Login] <= 2);
    return mock.calls[function] >= call;
}

static void test_each_token_call_loses_the_session_once(void **state)
{
    unsigned survived = 0;

    for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++)
        for (mock_function function = 0; function < MOCK_FUNCTION_COUNT; function++)
            for (unsigned call = 1; create_losing(*state, function, call, losses[i], &survived);
                 call++)
                continue;
    assert_true(survived >= 6 * 30);
}

/* From one call on, the token is gone for good. */
static void test_token_is_removed(void **state)
{
    fixture *fix = *state;

    for (mock_function function = MOCK_C_CreateObject; function <= MOCK_C_UnwrapKey; function++) {
        fixture_stop(fix);
        fixture_start(fix);
        assert_int_equal(hsmiam_custody_prepare(fix->custody, fix->error), HSMIAM_OK);
        mock_fail(function, 0, CKR_DEVICE_REMOVED);
        hsmiam_status status = fixture_create(fix, "alice");
        if (status == HSMIAM_OK)
            continue; /* not called any more */
        if (fix->client.creates == 0)
            assert_false(fake_iam_has_key(&fix->client, NEW_ID));
        else
            expect_both_facts(fix, status, function);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_every_way_to_fail_deletes),
        fixture_test(test_deletion_fails),
        fixture_test(test_root_users_key_cannot_be_deleted),
        fixture_test(test_object_cannot_be_destroyed),
        fixture_test(test_each_token_call_fails_once),
        fixture_test(test_each_token_call_loses_the_session_once),
        fixture_test(test_token_is_removed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
