/* SPDX-License-Identifier: Apache-2.0 */
/* Issuing a key: all goes well, or IAM or the preflight says no. */
#include "fixture.h"

#include <string.h>

static void test_success(void **state)
{
    fixture *fix = *state;

    assert_int_equal(fixture_create(fix, "alice"), HSMIAM_OK);
    assert_string_equal(hsmiam_access_key_get_id(fix->key), NEW_ID);
    assert_string_equal(hsmiam_access_key_get_user_name(fix->key), "alice");
    assert_string_equal(hsmiam_access_key_get_status(fix->key), "Active");
    assert_int_equal(hsmiam_access_key_get_create_date(fix->key), 1440938160);
    assert_string_equal(hsmiam_access_key_get_import_route(fix->key), "rsa-oaep");
    assert_non_null(strstr(hsmiam_access_key_get_uri(fix->key), ";object=alice;type=secret-key"));
    assert_true(fix->client.may_cancel);
    assert_int_equal(fix->client.lists, 1);
    assert_int_equal(fix->client.creates, 1);
    assert_int_equal(fix->client.deletes, 0);
    assert_int_equal(fix->notices, 0);

    assert_true(fixture_token_has(NEW_ID));
    CK_OBJECT_HANDLE object = mock_find(CKO_SECRET_KEY, NEW_ID);
    assert_int_equal(mock_get_flag(object, CKA_TOKEN), 1);
    assert_int_equal(mock_get_flag(object, CKA_SENSITIVE), 1);
    assert_memory_equal(mock_get_attribute(object, CKA_LABEL)->pValue, "alice", 5);
    assert_memory_equal(mock_get_attribute(object, CKA_START_DATE)->pValue, "20150830", 8);
    assert_int_equal(mock_count_objects(), 4);
}

/* The rehearsal and the key itself: nothing crosses the API in the open. */
static void test_no_plaintext_crosses_the_api(void **state)
{
    fixture *fix = *state;

    assert_int_equal(fixture_create(fix, "alice"), HSMIAM_OK);
    assert_int_equal(mock.calls[MOCK_C_CreateObject], 0);
    assert_true(mock.calls[MOCK_C_UnwrapKey] >= 2);
}

static void test_own_user(void **state)
{
    fixture *fix = *state;

    assert_int_equal(fixture_create(fix, NULL), HSMIAM_OK);
    assert_string_equal(hsmiam_access_key_get_user_name(fix->key), "issuer");
    assert_non_null(strstr(hsmiam_access_key_get_uri(fix->key), ";object=issuer;"));
    assert_int_equal(fix->notices, 0);
}

static void test_root_user(void **state)
{
    fixture *fix = *state;

    fix->client.own_user = "";
    assert_int_equal(fixture_create(fix, NULL), HSMIAM_OK);
    assert_string_equal(hsmiam_access_key_get_user_name(fix->key), "");
    assert_memory_equal(mock_get_attribute(mock_find(CKO_SECRET_KEY, NEW_ID), CKA_LABEL)->pValue,
                        "<root_account>", 14);
    assert_int_equal(fix->notices, 1);
    assert_non_null(strstr(fix->log, "root user"));
}

/* IAM answers in the spelling in which the user was made. */
static void test_name_as_iam_answers_it(void **state)
{
    fixture *fix = *state;

    fix->client.answered_user = "Alice";
    assert_int_equal(fixture_create(fix, "alice"), HSMIAM_OK);
    assert_string_equal(hsmiam_access_key_get_user_name(fix->key), "Alice");
    assert_non_null(strstr(hsmiam_access_key_get_uri(fix->key), ";object=Alice;"));
}

static void test_two_in_a_row(void **state)
{
    fixture *fix = *state;

    assert_int_equal(fixture_create(fix, "alice"), HSMIAM_OK);
    unsigned rehearsed = mock.calls[MOCK_C_UnwrapKey];
    hsmiam_access_key_free(&fix->key);
    fix->client.new_id = "AKIANEWNEWNEWNEWNEW2";
    assert_int_equal(fixture_create(fix, "bob"), HSMIAM_OK);
    assert_int_equal(mock.calls[MOCK_C_UnwrapKey], rehearsed + 1);
    assert_int_equal(mock.calls[MOCK_C_OpenSession], 1);
    assert_true(fixture_token_has(NEW_ID));
    assert_true(fixture_token_has("AKIANEWNEWNEWNEWNEW2"));
}

static void test_without_an_error_record(void **state)
{
    fixture *fix = *state;

    fix->client.list_before = (fake_answer){HSMIAM_ERR_SERVICE, "AccessDenied"};
    assert_int_equal(hsmiam_access_key_create(&fix->client, fix->custody, "alice", &fix->key, NULL),
                     HSMIAM_OK);
    assert_non_null(strstr(fix->log, "ListAccessKeys"));
    hsmiam_access_key_free(&fix->key);
    fix->client.new_id = OTHER_ID;
    fix->client.create = (fake_answer){HSMIAM_ERR_UNKNOWN_OUTCOME, NULL};
    assert_int_equal(hsmiam_access_key_create(&fix->client, fix->custody, "alice", &fix->key, NULL),
                     HSMIAM_ERR_UNKNOWN_OUTCOME);
}

/* A user name that cannot be is refused before anything is opened or sent. */
static void test_user_name_is_checked_first(void **state)
{
    fixture *fix = *state;

    assert_int_equal(fixture_create(fix, "no spaces"), HSMIAM_ERR_ARGUMENT);
    assert_int_equal(fixture_create(fix, ""), HSMIAM_ERR_ARGUMENT);
    assert_int_equal(fix->client.lists + fix->client.creates, 0);
    assert_int_equal(mock.calls[MOCK_C_OpenSession], 0);
}

static void test_list_may_be_denied(void **state)
{
    fixture *fix = *state;

    fix->client.list_before = (fake_answer){HSMIAM_ERR_SERVICE, "AccessDenied"};
    assert_int_equal(fixture_create(fix, "alice"), HSMIAM_OK);
    assert_int_equal(fix->notices, 1);
    assert_non_null(strstr(fix->log, "may not call ListAccessKeys"));
}

/* What the list says against the user, CreateAccessKey says itself. */
static void test_service_refusals(void **state)
{
    static const char *const codes[] = {"NoSuchEntity", "LimitExceeded", "InvalidClientTokenId"};
    fixture *fix = *state;

    fix->client.makes_nothing = true;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        fix->client.list_before = (fake_answer){HSMIAM_ERR_SERVICE, codes[i]};
        fix->client.create = (fake_answer){HSMIAM_ERR_SERVICE, codes[i]};
        fix->client.creates = 0;
        assert_int_equal(fixture_create(fix, "alice"), HSMIAM_ERR_SERVICE);
        assert_string_equal(hsmiam_error_get_code_name(fix->error), codes[i]);
        assert_string_equal(hsmiam_error_get_message(fix->error),
                            "The fake CreateAccessKey fails.");
        assert_int_equal(fix->client.creates, 1);
    }
    assert_int_equal(fix->client.deletes, 0);
    assert_int_equal(fix->notices, 0);
}

static void test_list_that_fails_otherwise(void **state)
{
    static const struct {
        hsmiam_status from;
        hsmiam_status to;
        bool explained;
    } cases[] = {
        {HSMIAM_ERR_NETWORK, HSMIAM_ERR_NETWORK, false},
        {HSMIAM_ERR_CANCELLED, HSMIAM_ERR_CANCELLED, false},
        {HSMIAM_ERR_CONFIG, HSMIAM_ERR_CONFIG, false},
        {HSMIAM_ERR_UNKNOWN_OUTCOME, HSMIAM_ERR_NETWORK, true},
        {HSMIAM_ERR_REPLY, HSMIAM_ERR_NETWORK, true},
    };
    fixture *fix = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fix->client.list_before = (fake_answer){cases[i].from, NULL};
        assert_int_equal(fixture_create(fix, "alice"), cases[i].to);
        if (cases[i].explained)
            fixture_expect_message(fix, "no access key was made");
    }
    assert_int_equal(fix->client.creates, 0);
    assert_int_equal(mock_find(CKO_SECRET_KEY, NEW_ID), CK_INVALID_HANDLE);
}

/* What is wrong with the token comes before what is wrong with the network. */
static void test_token_trouble_comes_first(void **state)
{
    fixture *fix = *state;

    mock_remove(mock_find_labelled(CKO_PRIVATE_KEY, "hsmiam-wrapping-key"));
    hsmiam_custody_set_import_route(fix->custody, HSMIAM_ROUTE_RSA_OAEP);
    fix->client.list_before = (fake_answer){HSMIAM_ERR_NETWORK, NULL};
    assert_int_equal(fixture_create(fix, "alice"), HSMIAM_ERR_NOT_FOUND);
    fixture_expect_message(fix, "`hsmiam provision-token`");
    fixture_expect_no_message(fix, "ListAccessKeys");

    fix->client.list_before = (fake_answer){HSMIAM_OK, NULL};
    assert_int_equal(fixture_create(fix, "alice"), HSMIAM_ERR_NOT_FOUND);
    assert_int_equal(fix->client.creates, 0);
}

/* Nothing was made, so nothing is deleted and nothing is looked for. */
static void test_nothing_was_sent(void **state)
{
    static const hsmiam_status statuses[] = {HSMIAM_ERR_NETWORK, HSMIAM_ERR_CANCELLED,
                                             HSMIAM_ERR_CONFIG};
    fixture *fix = *state;

    fix->client.makes_nothing = true;
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        fix->client.create = (fake_answer){statuses[i], NULL};
        fix->client.creates = 0;
        fix->client.lists = 0;
        assert_int_equal(fixture_create(fix, "alice"), statuses[i]);
        assert_string_equal(hsmiam_error_get_message(fix->error),
                            "The fake CreateAccessKey fails.");
        assert_int_equal(fix->client.lists, 1);
        assert_int_equal(fix->client.deletes, 0);
    }
}

static void test_preflight_comes_before_anything_is_sent(void **state)
{
    fixture *fix = *state;

    fixture_name_token(fix, "pkcs11:token=mock%20token?pin-value=wrong");
    assert_int_equal(fixture_create(fix, "alice"), HSMIAM_ERR_PIN);
    fixture_expect_message(fix, "is wrong");
    assert_int_equal(fixture_create(fix, "alice"), HSMIAM_ERR_PIN);
    assert_int_equal(mock.calls[MOCK_C_Login], 1);

    fixture_name_token(fix, "pkcs11:token=none?pin-value=" MOCK_PIN);
    assert_int_equal(fixture_create(fix, "alice"), HSMIAM_ERR_NOT_FOUND);

    mock_remove(mock_find(CKO_SECRET_KEY, ROOT_ID));
    fixture_name_token(fix, "pkcs11:token=mock%20token?pin-value=" MOCK_PIN);
    assert_int_equal(fixture_create(fix, "alice"), HSMIAM_ERR_NOT_FOUND);
    fixture_expect_message(fix, "holds no access key");
    assert_int_equal(fix->client.lists + fix->client.creates, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_success),
        fixture_test(test_no_plaintext_crosses_the_api),
        fixture_test(test_own_user),
        fixture_test(test_root_user),
        fixture_test(test_name_as_iam_answers_it),
        fixture_test(test_two_in_a_row),
        fixture_test(test_without_an_error_record),
        fixture_test(test_user_name_is_checked_first),
        fixture_test(test_list_may_be_denied),
        fixture_test(test_service_refusals),
        fixture_test(test_list_that_fails_otherwise),
        fixture_test(test_token_trouble_comes_first),
        fixture_test(test_nothing_was_sent),
        fixture_test(test_preflight_comes_before_anything_is_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
