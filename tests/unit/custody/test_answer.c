/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to CreateAccessKey that leave open what was made, or speak of something else. */
#include "fixture.h"

#include <string.h>

/* The key is nowhere: not in the token, not at IAM, and the message says so. */
static void expect_deleted(fixture *fix)
{
    fixture_expect_message(fix, "Access key " NEW_ID " was deleted at IAM again.");
    assert_int_equal(fix->client.deletes, 1);
    assert_string_equal(fix->client.deleted_id, NEW_ID);
    assert_false(fake_iam_has_key(&fix->client, NEW_ID));
    assert_int_equal(mock_find(CKO_SECRET_KEY, NEW_ID), CK_INVALID_HANDLE);
}

static void expect_untouched(fixture *fix)
{
    assert_int_equal(fix->client.deletes, 0);
    fixture_expect_no_message(fix, "Delete it");
    fixture_expect_no_message(fix, "was deleted");
}

static void test_key_that_existed_before(void **state)
{
    fixture *fix = *state;

    fake_iam_add_key(&fix->client, "alice", OTHER_ID);
    fix->client.answered_id = OTHER_ID;
    assert_int_equal(fixture_create(fix, "alice"), HSMIAM_ERR_REPLY);
    fixture_expect_message(fix, "names a key that is not new");
    fixture_expect_message(fix, OTHER_ID ", which existed before; it was not touched");
    expect_untouched(fix);
    assert_true(fake_iam_has_key(&fix->client, OTHER_ID));
    assert_int_equal(mock_find(CKO_SECRET_KEY, OTHER_ID), CK_INVALID_HANDLE);
}

static void test_key_that_signs(void **state)
{
    static const fake_answer lists[] = {{HSMIAM_OK, NULL}, {HSMIAM_ERR_SERVICE, "AccessDenied"}};
    fixture *fix = *state;

    fix->client.answered_id = ROOT_ID;
    for (size_t i = 0; i < 2; i++) {
        fix->client.list_before = lists[i];
        fix->client.creates = 0;
        assert_int_equal(fixture_create(fix, NULL), HSMIAM_ERR_REPLY);
        fixture_expect_message(fix, "names a key that is not new");
        fixture_expect_message(fix, ROOT_ID ", which existed before; it was not touched");
        expect_untouched(fix);
        assert_true(fake_iam_has_key(&fix->client, ROOT_ID));
    }
}

/* The same when the answer broke off behind the id. */
static void test_failure_that_names_an_old_key(void **state)
{
    fixture *fix = *state;

    fake_iam_add_key(&fix->client, "alice", OTHER_ID);
    fix->client.answered_id = OTHER_ID;
    fix->client.names_key = true;
    fix->client.create = (fake_answer){HSMIAM_ERR_UNKNOWN_OUTCOME, NULL};
    assert_int_equal(fixture_create(fix, "alice"), HSMIAM_ERR_UNKNOWN_OUTCOME);
    fixture_expect_message(fix, "it was not touched");
    expect_untouched(fix);
}

/* What the token holds already is not new either, whatever list IAM would not give. */
static void test_key_that_the_token_holds(void **state)
{
    static const fake_answer lists[] = {{HSMIAM_OK, NULL}, {HSMIAM_ERR_SERVICE, "AccessDenied"}};
    fixture *fix = *state;

    fake_iam_add_key(&fix->client, "alice", OTHER_ID);
    CK_OBJECT_HANDLE held = mock_add_access_key(OTHER_ID, "alice", "some/other/secret");
    fix->client.answered_id = OTHER_ID;
    fix->client.makes_nothing = true;
    for (size_t i = 0; i < 2; i++) {
        fix->client.list_before = lists[i];
        fix->client.creates = 0;
        assert_int_equal(fixture_create(fix, "alice"), HSMIAM_ERR_REPLY);
        fixture_expect_message(fix, OTHER_ID);
        fixture_expect_message(fix, "it was not touched");
        expect_untouched(fix);
        assert_true(fake_iam_has_key(&fix->client, OTHER_ID));
        assert_int_equal(mock_find(CKO_SECRET_KEY, OTHER_ID), held);
    }
}

/* The answer is for somebody else: a key of theirs must not go, one of the asked user's must. */
static void test_other_user(void **state)
{
    fixture *fix = *state;

    fake_iam_add_key(&fix->client, "bob", OTHER_ID);
    fix->client.answered_user = "bob";
    fix->client.answered_id = OTHER_ID;
    fix->client.makes_nothing = true;
    assert_int_equal(fixture_create(fix, "alice"), HSMIAM_ERR_CUSTODY);
    fixture_expect_message(fix, "is for user \"bob\", not \"alice\"");
    assert_string_equal(fix->client.deleted_user, "alice");
    assert_true(fake_iam_has_key(&fix->client, OTHER_ID));

    fix->client.creates = 0;
    fix->client.deletes = 0;
    fix->client.makes_nothing = false;
    fix->client.answered_id = NULL;
    assert_int_equal(fixture_create(fix, "alice"), HSMIAM_ERR_CUSTODY);
    expect_deleted(fix);
}

static void test_failure_that_names_the_new_key(void **state)
{
    static const hsmiam_status statuses[] = {HSMIAM_ERR_UNKNOWN_OUTCOME, HSMIAM_ERR_REPLY};
    fixture *fix = *state;

    fix->client.names_key = true;
    for (size_t i = 0; i < 2; i++) {
        fix->client.create = (fake_answer){statuses[i], NULL};
        fix->client.creates = 0;
        fix->client.deletes = 0;
        assert_int_equal(fixture_create(fix, "alice"), HSMIAM_ERR_CUSTODY);
        fixture_expect_message(fix, "The fake CreateAccessKey fails.");
        expect_deleted(fix);
        assert_string_equal(fix->client.deleted_user, "alice");
    }
}

/* Nor may a broken answer's word be taken where IAM did not list the keys before. */
static void test_failure_that_names_a_key_and_list_denied(void **state)
{
    fixture *fix = *state;

    fix->client.list_before = (fake_answer){HSMIAM_ERR_SERVICE, "AccessDenied"};
    fix->client.names_key = true;
    fix->client.create = (fake_answer){HSMIAM_ERR_REPLY, NULL};
    assert_int_equal(fixture_create(fix, "alice"), HSMIAM_ERR_REPLY);
    assert_int_equal(fix->client.deletes, 0);
    fixture_expect_message(fix, NEW_ID);
    fixture_expect_message(fix, "aws iam delete-access-key");
}

static void test_deletion_for_the_own_user(void **state)
{
    fixture *fix = *state;

    fix->client.names_key = true;
    fix->client.create = (fake_answer){HSMIAM_ERR_REPLY, NULL};
    assert_int_equal(fixture_create(fix, NULL), HSMIAM_ERR_CUSTODY);
    expect_deleted(fix);
    assert_true(fix->client.deleted_for_nobody);
}

static void test_nothing_known_and_list_denied(void **state)
{
    fixture *fix = *state;

    fix->client.list_before = (fake_answer){HSMIAM_ERR_SERVICE, "AccessDenied"};
    fix->client.create = (fake_answer){HSMIAM_ERR_UNKNOWN_OUTCOME, NULL};
    assert_int_equal(fixture_create(fix, "alice"), HSMIAM_ERR_UNKNOWN_OUTCOME);
    fixture_expect_message(fix, "Whether IAM made a key is not known");
    fixture_expect_message(fix, "aws iam list-access-keys");
    expect_untouched(fix);
    assert_int_equal(fix->client.lists, 1);
}

static void test_nothing_known_and_no_list_afterwards(void **state)
{
    fixture *fix = *state;

    fix->client.list_after = (fake_answer){HSMIAM_ERR_NETWORK, NULL};
    fix->client.create = (fake_answer){HSMIAM_ERR_UNKNOWN_OUTCOME, NULL};
    assert_int_equal(fixture_create(fix, "alice"), HSMIAM_ERR_UNKNOWN_OUTCOME);
    fixture_expect_message(fix, "The fake CreateAccessKey fails.");
    fixture_expect_message(fix, "Whether IAM made a key is not known");
    expect_untouched(fix);
}

static void test_list_shows_no_new_key(void **state)
{
    fixture *fix = *state;

    fake_iam_add_key(&fix->client, "alice", OTHER_ID);
    fix->client.makes_nothing = true;
    fix->client.create = (fake_answer){HSMIAM_ERR_UNKNOWN_OUTCOME, NULL};
    assert_int_equal(fixture_create(fix, "alice"), HSMIAM_ERR_UNKNOWN_OUTCOME);
    fixture_expect_message(fix, "lists no new key so far");
    fixture_expect_no_message(fix, OTHER_ID);
    expect_untouched(fix);
}

/* A new key may be ours, or another administrator's: it is named and not touched. */
static void test_list_shows_one_new_key(void **state)
{
    static const hsmiam_status statuses[] = {HSMIAM_ERR_UNKNOWN_OUTCOME, HSMIAM_ERR_REPLY};
    fixture *fix = *state;

    for (size_t i = 0; i < 2; i++) {
        fixture_stop(fix);
        fixture_start(fix);
        fake_iam_add_key(&fix->client, "alice", OTHER_ID);
        fix->client.create = (fake_answer){statuses[i], NULL};
        assert_int_equal(fixture_create(fix, "alice"), statuses[i]);
        assert_false(fix->client.may_cancel); /* Ctrl-C must not hide a lost key */
        fixture_expect_message(fix, NEW_ID);
        fixture_expect_message(fix, "aws iam delete-access-key --access-key-id " NEW_ID
                                    " --user-name alice");
        fixture_expect_no_message(fix, OTHER_ID);
        assert_int_equal(fix->client.deletes, 0);
        assert_true(fake_iam_has_key(&fix->client, NEW_ID));
    }
}

static void add_another(hsmiam_client *client)
{
    fake_iam_add_key(client, "issuer", OTHER_ID);
}

static void test_list_shows_two_new_keys(void **state)
{
    fixture *fix = *state;

    fix->client.on_create = add_another;
    fix->client.create = (fake_answer){HSMIAM_ERR_UNKNOWN_OUTCOME, NULL};
    assert_int_equal(fixture_create(fix, NULL), HSMIAM_ERR_UNKNOWN_OUTCOME);
    fixture_expect_message(fix, "aws iam delete-access-key --access-key-id " NEW_ID);
    fixture_expect_message(fix, "aws iam delete-access-key --access-key-id " OTHER_ID);
    fixture_expect_no_message(fix, "--user-name");
    fixture_expect_no_message(fix, ROOT_ID);
    assert_int_equal(fix->client.deletes, 0);
    assert_true(fake_iam_has_key(&fix->client, NEW_ID));
    assert_true(fake_iam_has_key(&fix->client, OTHER_ID));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_key_that_existed_before),
        fixture_test(test_key_that_signs),
        fixture_test(test_failure_that_names_an_old_key),
        fixture_test(test_key_that_the_token_holds),
        fixture_test(test_other_user),
        fixture_test(test_failure_that_names_the_new_key),
        fixture_test(test_failure_that_names_a_key_and_list_denied),
        fixture_test(test_deletion_for_the_own_user),
        fixture_test(test_nothing_known_and_list_denied),
        fixture_test(test_nothing_known_and_no_list_afterwards),
        fixture_test(test_list_shows_no_new_key),
        fixture_test(test_list_shows_one_new_key),
        fixture_test(test_list_shows_two_new_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
