/* SPDX-License-Identifier: Apache-2.0 */
/* Open intents: whose they are, those whose key is named, and those that a person closes. */
#include "settle_bed.h"

#include <stdio.h>
#include <string.h>

#include "token/cryptoki.h"

static void test_nothing_open(void **state)
{
    assert_int_equal(settle_recover(*state, false), HSMIAM_OK);
    assert_int_equal(settle_told.count, 0);
    assert_int_equal(((fixture *)*state)->client.lists, 0);
}

/* Under other hands it is left alone. */
static void test_owners(void **state)
{
    static const struct {
        const char *account;
        const char *endpoint;
        const char *serial;
        const char *credential;
        const char *reason;
    } cases[] = {
        {"210987654321", NULL, NULL, OTHER_ID, "It is about account 210987654321"},
        {"", NULL, NULL, OTHER_ID, "Only the credential " OTHER_ID},
        {NULL, "https://iam.other/", NULL, NULL, "It was sent to https://iam.other/"},
        {NULL, NULL, "another", NULL, "It is about the token with serial another"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(settle_set_up(state), 0);
        fixture *fix = *state;
        hsmiam_ledger_facts facts = settle_make_facts(fix);
        facts.account = cases[i].account != NULL ? cases[i].account : facts.account;
        facts.endpoint = cases[i].endpoint != NULL ? cases[i].endpoint : facts.endpoint;
        facts.token_serial = cases[i].serial != NULL ? cases[i].serial : facts.token_serial;
        facts.credential_id = cases[i].credential != NULL ? cases[i].credential : ROOT_ID;
        settle_add_intent(fix, &facts, "");
        fake_iam_add_key(&fix->client, USER, NEW_ID);
        fix->client.service_time = OVER;
        settle_expect_open(fix, cases[i].reason);
        assert_int_equal(settle_told.come_back, -1);
        assert_int_equal(ledger_fixture_tear_down(state), 0);
    }
}

static void test_other_credential_of_the_account(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = settle_make_facts(fix);

    facts.credential_id = OTHER_ID;
    settle_add_intent(fix, &facts, "");
    fake_iam_add_key(&fix->client, USER, NEW_ID);
    fix->client.service_time = OVER;
    settle_expect_settled(fix, "deleted");
}

/* Nobody tells whose account it is: the credential's own intents are settled all the same, and the
 * others are told with their reason. */
static void test_nobody_tells_the_account(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = settle_make_facts(fix);

    settle_add_intent(fix, &facts, "");
    facts.credential_id = OTHER_ID;
    facts.user_name = "carol";
    settle_add_intent(fix, &facts, "");
    fix->client.caller = (fake_answer){HSMIAM_ERR_NETWORK, ""};
    fix->client.service_time = OVER;
    assert_int_equal(settle_recover(fix, false), HSMIAM_ERR_UNSETTLED);
    assert_int_equal(settle_told.count, 2);
    assert_non_null(strstr(settle_told.reason, "Only the credential " OTHER_ID));
    assert_int_equal(settle_recover(fix, false), HSMIAM_ERR_UNSETTLED);
    assert_int_equal(settle_told.count, 1);
}

/* The credential is not in the token: all that is open is told with that. */
static void test_without_the_credential(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = settle_make_facts(fix);

    settle_add_intent(fix, &facts, "");
    mock_remove(mock_find(CKO_SECRET_KEY, ROOT_ID));
    assert_int_equal(settle_recover(fix, false), HSMIAM_ERR_NOT_FOUND);
    assert_int_equal(settle_told.count, 1);
    assert_int_equal(settle_told.state, HSMIAM_RECOVERY_OPEN);
    assert_true(settle_told.reason[0] != '\0');
}

static void test_process_that_lives(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = settle_make_facts(fix);
    hsmiam_user_lock lock = {.fd = -1};
    bool held = false;

    settle_add_intent(fix, &facts, "");
    fake_iam_add_key(&fix->client, USER, NEW_ID);
    assert_int_equal(hsmiam_user_lock_try(settle_ledger, USER, &lock, &held, fix->error),
                     HSMIAM_OK);
    assert_true(held);
    assert_int_equal(settle_recover(fix, false), HSMIAM_ERR_UNSETTLED);
    assert_int_equal(settle_told.state, HSMIAM_RECOVERY_LIVE);
    assert_int_equal(fix->client.lists, 0);
    assert_int_equal(hsmiam_custody_close_intent(fix->custody, settle_intent, "gone", fix->error),
                     HSMIAM_ERR_UNSETTLED);
    hsmiam_user_lock_release(&lock);
    fix->client.service_time = OVER;
    settle_expect_settled(fix, "deleted");
}

static void add_undeleted(fixture *fix, const char *id)
{
    hsmiam_ledger_facts facts = settle_make_facts(fix);

    facts.access_key_id = id;
    assert_int_equal(hsmiam_ledger_add_outcome(settle_ledger, &facts, settle_intent,
                                               HSMIAM_RESULT_UNDELETED, NULL, fix->error),
                     HSMIAM_OK);
}

static void test_known_id(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = settle_make_facts(fix);

    settle_add_intent(fix, &facts, NULL);
    add_undeleted(fix, NEW_ID);
    fake_iam_add_key(&fix->client, USER, OTHER_ID);
    settle_expect_open(fix, "IAM does not list access key " NEW_ID);
    fake_iam_add_key(&fix->client, USER, NEW_ID);
    settle_expect_settled(fix, "deleted");
    assert_false(fake_iam_has_key(&fix->client, NEW_ID));
    assert_true(fake_iam_has_key(&fix->client, OTHER_ID));
}

/* The user was renamed, or the list lags behind: that it lacks the key is not the end of it. */
static void test_known_id_of_another_name(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = settle_make_facts(fix);

    settle_add_intent(fix, &facts, "");
    add_undeleted(fix, NEW_ID);
    fake_iam_add_key(&fix->client, "robert", NEW_ID);
    fix->client.service_time = OVER;
    settle_expect_open(fix, "is of a user of another name now");
    assert_int_equal(settle_told.come_back, -1);
    (void)snprintf(fix->client.keys[fix->client.key_count - 1].user_name,
                   sizeof fix->client.keys[0].user_name, "BOB");
    settle_expect_open(fix, "IAM does not list access key " NEW_ID);
    assert_true(settle_told.come_back > 0);
    fix->client.usage = (fake_answer){HSMIAM_ERR_NETWORK, ""};
    settle_expect_open(fix, "is not known");
    fake_iam_remove_key(&fix->client, NEW_ID);
    fix->client.usage = (fake_answer){HSMIAM_OK, NULL};
    settle_expect_settled(fix, "deleted");
}

/* The token had it, and destroying failed; IAM deactivated it for us. */
static void test_known_id_that_is_held(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = settle_make_facts(fix);

    settle_add_intent(fix, &facts, "");
    add_undeleted(fix, NEW_ID);
    (void)mock_add_access_key(NEW_ID, USER, NEW_SECRET);
    fake_iam_add_key(&fix->client, USER, NEW_ID);
    fix->client.keys[fix->client.key_count - 1].is_inactive = true;
    settle_expect_settled(fix, "deleted");
    assert_false(fixture_token_has(NEW_ID));
    assert_false(fake_iam_has_key(&fix->client, NEW_ID));
}

/* IAM has it no more: the object goes, if IAM says so to the key itself as well. */
static void test_known_id_that_only_the_token_has(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = settle_make_facts(fix);

    settle_add_intent(fix, &facts, "");
    add_undeleted(fix, NEW_ID);
    (void)mock_add_access_key(NEW_ID, USER, NEW_SECRET);
    settle_expect_open(fix, "does not list access key");
    fix->client.service_time = OVER;
    settle_expect_open(fix, "which IAM knows");
    assert_true(fixture_token_has(NEW_ID));
    /* A key of which the token holds another value is one that IAM has. */
    fix->client.other_caller = (fake_answer){HSMIAM_ERR_SERVICE, "SignatureDoesNotMatch"};
    settle_expect_open(fix, "which IAM knows");
    assert_true(fixture_token_has(NEW_ID));
    fix->client.other_caller = (fake_answer){HSMIAM_ERR_SERVICE, "InvalidClientTokenId"};
    settle_expect_settled(fix, "deleted");
    assert_false(fixture_token_has(NEW_ID));
}

/* The id on record is not that of a key which the request can have made. */
static void test_known_id_that_is_strange(void **state)
{
    enum { BEFORE, ANOTHER_TIME, USED, EXPLAINED, CASES };

    for (int i = 0; i < CASES; i++) {
        assert_int_equal(settle_set_up(state), 0);
        fixture *fix = *state;
        hsmiam_ledger_facts facts = settle_make_facts(fix);
        settle_add_intent(fix, &facts, i == BEFORE ? OTHER_ID : "");
        add_undeleted(fix, OTHER_ID);
        fake_iam_add_key(&fix->client, USER, OTHER_ID);
        fake_key *key = &fix->client.keys[fix->client.key_count - 1];
        if (i == ANOTHER_TIME)
            key->create_date = SENT - 100;
        if (i == USED)
            key->last_used = SENT + 5;
        facts.access_key_id = OTHER_ID;
        if (i == EXPLAINED)
            assert_int_equal(hsmiam_ledger_add_import(settle_ledger, &facts, fix->error),
                             HSMIAM_OK);
        fix->client.service_time = OVER;
        settle_expect_open(fix, "this request cannot have made");
        assert_int_equal(fix->client.updates, 0);
        assert_int_equal(ledger_fixture_tear_down(state), 0);
    }
}

/* A line that nobody signed names a key: whoever can write the file can write that. */
static void test_unsigned_id(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = settle_make_facts(fix);

    settle_add_intent(fix, &facts, "");
    mock_fail(MOCK_C_Sign, 0, CKR_DEVICE_REMOVED);
    add_undeleted(fix, OTHER_ID);
    mock_stop_failing();
    fake_iam_add_key(&fix->client, USER, OTHER_ID);
    fake_iam_add_key(&fix->client, USER, NEW_ID);
    settle_expect_open(fix, "Several of the user's keys");
    settle_expect_open(fix, "Several of the user's keys"); /* it is countersigned by now */
    assert_int_equal(fix->client.updates, 0);
}

static void test_closing(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = settle_make_facts(fix);

    facts.account = "210987654321";
    facts.credential_id = OTHER_ID;
    settle_add_intent(fix, &facts, "");
    fake_iam_add_key(&fix->client, USER, NEW_ID);
    assert_int_equal(hsmiam_custody_close_intent(fix->custody, settle_intent, "", fix->error),
                     HSMIAM_ERR_ARGUMENT);
    assert_int_equal(hsmiam_custody_close_intent(fix->custody, settle_intent,
                                                 "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY00",
                                                 fix->error),
                     HSMIAM_ERR_ARGUMENT);
    fixture_expect_no_message(fix, "wJalr");
    assert_int_equal(
        hsmiam_custody_close_intent(fix->custody, settle_intent + 1, "gone", fix->error),
        HSMIAM_ERR_ARGUMENT);
    settle_expect_open(fix, "It is about account 210987654321");
    assert_non_null(strstr(settle_told.reason, "hsmiam recover --close"));
    assert_int_equal(hsmiam_custody_close_intent(fix->custody, settle_intent,
                                                 "the account is closed", fix->error),
                     HSMIAM_OK);
    assert_int_equal(settle_recover(fix, false), HSMIAM_OK);
    assert_int_equal(settle_told.count, 0);
    assert_true(fake_iam_has_key(&fix->client, NEW_ID));
    assert_int_equal(hsmiam_custody_close_intent(fix->custody, settle_intent, "twice", fix->error),
                     HSMIAM_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        settle_test(test_nothing_open),
        cmocka_unit_test(test_owners),
        settle_test(test_other_credential_of_the_account),
        settle_test(test_nobody_tells_the_account),
        settle_test(test_without_the_credential),
        settle_test(test_process_that_lives),
        settle_test(test_known_id),
        settle_test(test_known_id_of_another_name),
        settle_test(test_known_id_that_is_held),
        settle_test(test_known_id_that_only_the_token_has),
        cmocka_unit_test(test_known_id_that_is_strange),
        settle_test(test_unsigned_id),
        settle_test(test_closing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
