/* SPDX-License-Identifier: Apache-2.0 */
/* An intent without an outcome whose key nobody named: what elimination leaves. */
#include "settle_bed.h"

#include <string.h>

#include "token/cryptoki.h"

static void test_orphan(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = settle_make_facts(fix);

    fake_iam_add_key(&fix->client, USER, OTHER_ID);
    settle_add_intent(fix, &facts, OTHER_ID);
    fake_iam_add_key(&fix->client, USER, NEW_ID);
    settle_expect_open(fix, "Access key " NEW_ID " may be the one that was made");
    assert_true(settle_told.come_back > HSMIAM_SIGNATURE_SECONDS + HSMIAM_LIST_LAG_SECONDS);
    fix->client.service_time = OVER - 1;
    settle_expect_open(fix, "Come back in 1 seconds.");
    fix->client.service_time = OVER;
    assert_int_equal(settle_recover(fix, true), HSMIAM_ERR_UNSETTLED);
    assert_string_equal(settle_told.result, "deleted");
    assert_int_equal(fix->client.deletes + fix->client.updates, 0);
    settle_expect_settled(fix, "deleted");
    assert_false(fake_iam_has_key(&fix->client, NEW_ID));
    assert_true(fake_iam_has_key(&fix->client, OTHER_ID));
    assert_int_equal(fix->client.updates, 1);
}

static void test_not_executed(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = settle_make_facts(fix);

    settle_add_intent(fix, &facts, "");
    settle_expect_open(fix, "IAM lists no new key so far");
    assert_true(settle_told.come_back > 300);
    fix->client.service_time = OVER;
    settle_expect_settled(fix, "not-executed");
}

/* Who was renamed has taken the key along. */
static void test_user_who_is_gone(void **state)
{
    static const fake_answer gone = {HSMIAM_ERR_SERVICE, "NoSuchEntity"};
    fixture *fix = *state;
    hsmiam_ledger_facts facts = settle_make_facts(fix);

    settle_add_intent(fix, &facts, "");
    fake_iam_add_key(&fix->client, "robert", NEW_ID);
    fix->client.list_before = gone;
    settle_expect_open(fix, "IAM lists no new key so far");
    fix->client.service_time = OVER;
    settle_expect_open(fix, "IAM has no user " USER " any more");
    assert_int_equal(settle_told.come_back, -1);
}

/* There never was one, if IAM did not list the keys before either. */
static void test_user_who_never_was(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = settle_make_facts(fix);

    settle_add_intent(fix, &facts, NULL);
    fix->client.list_before = (fake_answer){HSMIAM_ERR_SERVICE, "NoSuchEntity"};
    fix->client.service_time = OVER;
    settle_expect_settled(fix, "not-executed");
}

static void test_several(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = settle_make_facts(fix);

    settle_add_intent(fix, &facts, "");
    fake_iam_add_key(&fix->client, USER, NEW_ID);
    fake_iam_add_key(&fix->client, USER, OTHER_ID);
    settle_expect_open(fix, "Several of the user's keys");
    assert_string_equal(settle_told.candidates, NEW_ID " " OTHER_ID);
    assert_non_null(strstr(settle_told.reason, "hsmiam recover --close 2"));
}

/* Once there were two, the one that is left is nobody's to delete: the person who made it, or
 * another one, may have deleted ours. */
static void test_one_left_of_several(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = settle_make_facts(fix);

    settle_add_intent(fix, &facts, "");
    fake_iam_add_key(&fix->client, USER, NEW_ID);
    fake_iam_add_key(&fix->client, USER, OTHER_ID);
    settle_expect_open(fix, "Several of the user's keys");
    fake_iam_remove_key(&fix->client, NEW_ID);
    fix->client.service_time = OVER;
    settle_expect_open(fix, "There were several candidates");
    assert_string_equal(settle_told.candidates, OTHER_ID);
    assert_true(fake_iam_has_key(&fix->client, OTHER_ID));
    fake_iam_remove_key(&fix->client, OTHER_ID);
    settle_expect_settled(fix, "deleted");
    assert_string_equal(settle_told.id, "");
}

/* Also if they were never there at once, or one was held against the list by a dry run alone. */
static void test_one_after_the_other(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = settle_make_facts(fix);

    settle_add_intent(fix, &facts, "");
    fake_iam_add_key(&fix->client, USER, NEW_ID);
    settle_expect_open(fix, "may be the one that was made");
    fake_iam_remove_key(&fix->client, NEW_ID);
    fake_iam_add_key(&fix->client, USER, OTHER_ID);
    fix->client.service_time = OVER;
    settle_expect_open(fix, "There were several candidates");
    assert_true(fake_iam_has_key(&fix->client, OTHER_ID));
}

/* Of two, the token has one: the other may be ours all the same. */
static void test_held_and_another(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = settle_make_facts(fix);

    settle_add_intent(fix, &facts, "");
    fake_iam_add_key(&fix->client, USER, NEW_ID);
    fake_iam_add_key(&fix->client, USER, OTHER_ID);
    (void)mock_add_access_key(NEW_ID, USER, NEW_SECRET);
    fix->client.service_time = OVER;
    settle_expect_open(fix, "Several of the user's keys");
    fake_iam_remove_key(&fix->client, OTHER_ID);
    settle_expect_settled(fix, "held");
}

static void test_no_list_before(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = settle_make_facts(fix);

    settle_add_intent(fix, &facts, NULL);
    fake_iam_add_key(&fix->client, USER, NEW_ID);
    settle_expect_open(fix, "IAM did not list the keys before");
    assert_string_equal(settle_told.candidates, NEW_ID);
}

/* Used, made at another time, or known to the ledger: somebody's, and no word of it. */
static void test_keys_of_others(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = settle_make_facts(fix);

    settle_add_intent(fix, &facts, "");
    fake_iam_add_key(&fix->client, USER, NEW_ID);
    fix->client.keys[fix->client.key_count - 1].last_used = SENT + 5;
    fake_iam_add_key(&fix->client, USER, OTHER_ID);
    fix->client.keys[fix->client.key_count - 1].create_date = SENT - 100;
    facts.access_key_id = "AKIAKNOWNKNOWNKNOWN1";
    facts.endpoint = facts.partition = facts.credential_id = NULL;
    assert_int_equal(hsmiam_ledger_add_import(settle_ledger, &facts, fix->error), HSMIAM_OK);
    fake_iam_add_key(&fix->client, USER, "AKIAKNOWNKNOWNKNOWN1");
    settle_expect_open(fix, "IAM lists no new key so far");
    assert_string_equal(settle_told.candidates, "");
    fix->client.service_time = OVER;
    settle_expect_settled(fix, "not-executed");
    assert_int_equal(fix->client.key_count, 4);
}

static void test_use_that_is_not_told(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = settle_make_facts(fix);

    settle_add_intent(fix, &facts, "");
    fake_iam_add_key(&fix->client, USER, NEW_ID);
    fix->client.usage = (fake_answer){HSMIAM_ERR_SERVICE, "AccessDenied"};
    settle_expect_open(fix, "nothing was touched");
}

static void test_list_that_is_refused(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = settle_make_facts(fix);

    settle_add_intent(fix, &facts, "");
    fix->client.list_before = (fake_answer){HSMIAM_ERR_SERVICE, "AccessDenied"};
    settle_expect_open(fix, "IAM does not list the user's keys");
}

static void test_deletion_that_is_refused(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = settle_make_facts(fix);

    settle_add_intent(fix, &facts, "");
    fake_iam_add_key(&fix->client, USER, NEW_ID);
    fix->client.service_time = OVER;
    fix->client.delete = (fake_answer){HSMIAM_ERR_SERVICE, "AccessDenied"};
    assert_int_equal(settle_recover(fix, false), HSMIAM_ERR_UNSETTLED);
    assert_non_null(
        strstr(settle_told.reason, "aws iam delete-access-key --access-key-id " NEW_ID));
    assert_true(fake_iam_has_key(&fix->client, NEW_ID));
}

static void test_held(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = settle_make_facts(fix);

    settle_add_intent(fix, &facts, "");
    fake_iam_add_key(&fix->client, USER, NEW_ID);
    (void)mock_add_access_key(NEW_ID, USER, NEW_SECRET);
    settle_expect_open(fix, "Access key " NEW_ID " may be the one that was made");
    fix->client.service_time = OVER;
    settle_expect_settled(fix, "held");
    assert_string_equal(settle_told.id, "");
    assert_true(fake_iam_has_key(&fix->client, NEW_ID));
    assert_int_equal(fix->client.deletes, 0);
}

/* IAM does not take what the key in the token signs: not yet, or never. */
static void test_held_and_wrong(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = settle_make_facts(fix);

    settle_add_intent(fix, &facts, "");
    fake_iam_add_key(&fix->client, USER, NEW_ID);
    (void)mock_add_access_key(NEW_ID, USER, NEW_SECRET);
    fix->client.service_time = OVER;
    fix->client.other_caller = (fake_answer){HSMIAM_ERR_SERVICE, "InvalidClientTokenId"};
    settle_expect_open(fix, "does not accept it yet");
    assert_true(settle_told.come_back > 0);
    fix->client.other_caller = (fake_answer){HSMIAM_ERR_NETWORK, ""};
    settle_expect_open(fix, "cannot be proven");
    fix->client.other_caller = (fake_answer){HSMIAM_ERR_SERVICE, "SignatureDoesNotMatch"};
    fake_iam_blames_the_clock = true; /* not the key */
    settle_expect_open(fix, "cannot be proven");
    assert_true(fixture_token_has(NEW_ID));
    fake_iam_blames_the_clock = false;
    settle_expect_settled(fix, "deleted");
    assert_false(fixture_token_has(NEW_ID));
    assert_false(fake_iam_has_key(&fix->client, NEW_ID));
}

/* An administrator deactivated it in the meantime: that is no reason to destroy it. */
static void test_held_and_inactive(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = settle_make_facts(fix);

    settle_add_intent(fix, &facts, "");
    fake_iam_add_key(&fix->client, USER, NEW_ID);
    fix->client.keys[fix->client.key_count - 1].is_inactive = true;
    (void)mock_add_access_key(NEW_ID, USER, NEW_SECRET);
    fix->client.other_caller = (fake_answer){HSMIAM_ERR_SERVICE, "InvalidClientTokenId"};
    fix->client.service_time = OVER;
    settle_expect_open(fix, "aws iam update-access-key --status Active --access-key-id " NEW_ID);
    assert_true(fixture_token_has(NEW_ID));
    fix->client.keys[fix->client.key_count - 1].is_inactive = false;
    fix->client.other_caller = (fake_answer){HSMIAM_OK, ""};
    settle_expect_settled(fix, "held");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        settle_test(test_orphan),
        settle_test(test_not_executed),
        settle_test(test_user_who_is_gone),
        settle_test(test_user_who_never_was),
        settle_test(test_several),
        settle_test(test_one_left_of_several),
        settle_test(test_one_after_the_other),
        settle_test(test_held_and_another),
        settle_test(test_no_list_before),
        settle_test(test_keys_of_others),
        settle_test(test_use_that_is_not_told),
        settle_test(test_list_that_is_refused),
        settle_test(test_deletion_that_is_refused),
        settle_test(test_held),
        settle_test(test_held_and_wrong),
        settle_test(test_held_and_inactive),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
