/* SPDX-License-Identifier: Apache-2.0 */
/* Keys switched on and off, and deleted, with what the ledger hears, and what recovery makes of it.
 */
#include "ledger_fixture.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "custody/settle.h"

#define SENT 1440938160 /* when the fake IAM signs, by its clock */
#define OVER (SENT + HSMIAM_SIGNATURE_SECONDS + HSMIAM_SETTLE_MARGIN + 1)

static char told_result[32];
static char told_reason[1024];
static long long told_come_back;
static size_t told;

static void take(void *context, const hsmiam_recovery *found)
{
    (void)context;
    told++;
    told_come_back = found->come_back;
    (void)snprintf(told_result, sizeof told_result, "%s", found->result);
    (void)snprintf(told_reason, sizeof told_reason, "%s", found->reason);
    assert_string_equal(found->access_key_id, OTHER_ID);
}

static hsmiam_status recover(fixture *fix, bool dry_run)
{
    told = 0;
    hsmiam_error_clear(fix->error);
    return hsmiam_custody_recover(&fix->client, fix->custody, dry_run, take, NULL, fix->error);
}

static bool token_has(const char *id)
{
    return mock_find(CKO_SECRET_KEY, id) != 0;
}

/* A key of alice's, on both sides. */
static void add_key(fixture *fix)
{
    fake_iam_add_key(&fix->client, "alice", OTHER_ID);
    (void)mock_add_access_key(OTHER_ID, "alice", NEW_SECRET);
    fix->client.service_time = SENT;
}

static hsmiam_status update(fixture *fix, const char *user, const char *id, const char *status)
{
    hsmiam_error_clear(fix->error);
    return hsmiam_access_key_update(&fix->client, fix->custody, user, id, status, fix->error);
}

static hsmiam_status delete_key(fixture *fix, const char *user, const char *id)
{
    hsmiam_error_clear(fix->error);
    return hsmiam_access_key_delete(&fix->client, fix->custody, user, id, fix->error);
}

static void test_update(void **state)
{
    fixture *fix = *state;

    add_key(fix);
    assert_int_equal(update(fix, "alice", OTHER_ID, "Inactive"), HSMIAM_OK);
    assert_true(fix->client.keys[1].is_inactive);
    assert_int_equal(update(fix, "alice", OTHER_ID, "Active"), HSMIAM_OK);
    assert_false(fix->client.keys[1].is_inactive);
    assert_string_equal(ledger_fixture_tell(OTHER_ID), "update done update done");
    assert_int_equal(fix->client.callers, 1); /* the second time, the ledger knew the account */

    assert_int_equal(update(fix, "alice", OTHER_ID, "active"), HSMIAM_ERR_ARGUMENT);
    assert_int_equal(update(fix, "alice", "short", "Active"), HSMIAM_ERR_ARGUMENT);
    assert_int_equal(update(fix, "a b", OTHER_ID, "Active"), HSMIAM_ERR_ARGUMENT);
    assert_int_equal(update(fix, "bob", OTHER_ID, "Active"), HSMIAM_ERR_SERVICE);
    assert_string_equal(ledger_fixture_tell(OTHER_ID), "update done update done update refused");
    assert_int_equal(recover(fix, false), HSMIAM_OK);
    assert_int_equal(told, 0);
}

static void test_delete(void **state)
{
    fixture *fix = *state;

    add_key(fix);
    assert_int_equal(delete_key(fix, "alice", OTHER_ID), HSMIAM_OK);
    assert_false(fake_iam_has_key(&fix->client, OTHER_ID) || token_has(OTHER_ID));
    assert_true(token_has(ROOT_ID));
    assert_string_equal(ledger_fixture_tell(OTHER_ID), "delete undestroyed deleted");
    assert_null(fix->client.before_send);
}

static void test_delete_what_the_token_has_not(void **state)
{
    fixture *fix = *state;

    fake_iam_add_key(&fix->client, "alice", OTHER_ID);
    assert_int_equal(delete_key(fix, "alice", OTHER_ID), HSMIAM_OK);
    assert_string_equal(ledger_fixture_tell(OTHER_ID), "delete deleted");
}

/* What IAM does not delete stays in the token, whatever the reason. */
static void test_delete_refused(void **state)
{
    static const fake_answer answers[] = {
        {HSMIAM_ERR_SERVICE, "AccessDenied"}, {HSMIAM_ERR_NETWORK, ""}, {HSMIAM_ERR_CANCELLED, ""}};
    fixture *fix = *state;

    add_key(fix);
    assert_int_equal(delete_key(fix, "bob", OTHER_ID), HSMIAM_ERR_SERVICE);
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        fix->client.delete = answers[i];
        assert_int_equal(delete_key(fix, "alice", OTHER_ID), answers[i].status);
    }
    assert_true(token_has(OTHER_ID));
    assert_string_equal(ledger_fixture_tell(OTHER_ID),
                        "delete refused delete refused delete not-sent delete not-sent");
}

/* A refusal of the second attempt says nothing of the first. */
static void test_refused_after_an_attempt(void **state)
{
    fixture *fix = *state;

    add_key(fix);
    fix->client.delete = (fake_answer){HSMIAM_ERR_SERVICE, "AccessDenied"};
    fix->client.perhaps_executed = true;
    assert_int_equal(delete_key(fix, "alice", OTHER_ID), HSMIAM_ERR_SERVICE);
    fixture_expect_message(fix, "run `hsmiam recover`");
    assert_string_equal(ledger_fixture_tell(OTHER_ID), "delete unknown");
}

/* The token fails once IAM has deleted the key: recovery need not wait to end it. */
static void test_object_remains(void **state)
{
    fixture *fix = *state;

    add_key(fix);
    mock_fail(MOCK_C_DestroyObject, 0, CKR_FUNCTION_FAILED);
    assert_int_equal(delete_key(fix, "alice", OTHER_ID), HSMIAM_ERR_TOKEN);
    fixture_expect_message(fix, "is deleted at IAM");
    fixture_expect_message(fix, "`hsmiam recover`");
    assert_string_equal(ledger_fixture_tell(OTHER_ID), "delete undestroyed");
    assert_int_equal(recover(fix, false), HSMIAM_ERR_UNSETTLED);
    assert_non_null(strstr(told_reason, "its object in the token remains"));
    mock_stop_failing();
    assert_int_equal(recover(fix, true), HSMIAM_ERR_UNSETTLED);
    assert_true(token_has(OTHER_ID));
    assert_int_equal(recover(fix, false), HSMIAM_OK);
    assert_string_equal(told_result, "deleted");
    assert_false(token_has(OTHER_ID));
    assert_string_equal(ledger_fixture_tell(OTHER_ID), "delete undestroyed deleted");
    assert_int_equal(fix->client.deletes, 1);
}

/* Nobody heard of the deletion, and lists lag: until it is over, the object stays. */
static void test_recover_deletion(void **state)
{
    fixture *fix = *state;

    add_key(fix);
    fix->client.delete = (fake_answer){HSMIAM_ERR_UNKNOWN_OUTCOME, ""};
    assert_int_equal(delete_key(fix, "alice", OTHER_ID), HSMIAM_ERR_UNKNOWN_OUTCOME);
    fix->client.key_count--; /* as IAM did it all the same */
    fix->client.other_caller = (fake_answer){HSMIAM_ERR_SERVICE, "InvalidClientTokenId"};
    assert_int_equal(recover(fix, false), HSMIAM_ERR_UNSETTLED);
    assert_true(told_come_back > HSMIAM_SIGNATURE_SECONDS);
    assert_true(token_has(OTHER_ID));
    fix->client.service_time = OVER;
    assert_int_equal(recover(fix, false), HSMIAM_OK);
    assert_string_equal(told_result, "deleted");
    assert_false(token_has(OTHER_ID));
    assert_int_equal(fix->client.deletes, 1);
    assert_int_equal(fixture_create(fix, "alice"), HSMIAM_OK);
}

/* The key is alice's, and it was bob who was named: that bob's list lacks it says nothing. */
static void add_mistaken_deletion(fixture *fix)
{
    add_key(fix);
    fix->client.delete = (fake_answer){HSMIAM_ERR_UNKNOWN_OUTCOME, ""};
    assert_int_equal(delete_key(fix, "bob", OTHER_ID), HSMIAM_ERR_UNKNOWN_OUTCOME);
    fix->client.service_time = OVER;
}

static void test_recover_another_users(void **state)
{
    fixture *fix = *state;

    add_mistaken_deletion(fix);
    assert_int_equal(recover(fix, false), HSMIAM_OK);
    assert_string_equal(told_result, "not-executed");
    assert_true(token_has(OTHER_ID));
}

/* IAM does not tell of other users' keys: it is asked by the key itself. */
static void test_recover_another_users_untold(void **state)
{
    fixture *fix = *state;

    add_mistaken_deletion(fix);
    fix->client.usage = (fake_answer){HSMIAM_ERR_SERVICE, "AccessDenied"};
    fix->client.other_caller = (fake_answer){HSMIAM_ERR_NETWORK, ""};
    assert_int_equal(recover(fix, false), HSMIAM_ERR_UNSETTLED);
    assert_non_null(strstr(told_reason, "cannot be told"));
    /* It may be inactive; but the token has it as alice's. */
    fix->client.other_caller = (fake_answer){HSMIAM_ERR_SERVICE, "InvalidClientTokenId"};
    assert_int_equal(recover(fix, false), HSMIAM_ERR_UNSETTLED);
    assert_non_null(strstr(told_reason, "as one of alice, not of bob"));
    assert_non_null(strstr(told_reason, "recover --close"));
    fix->client.other_caller = (fake_answer){HSMIAM_ERR_SERVICE, "AccessDenied"};
    assert_int_equal(recover(fix, false), HSMIAM_OK);
    assert_string_equal(told_result, "not-executed");
    assert_true(token_has(OTHER_ID));
}

/* IAM still has it: it is not asked again. */
static void test_recover_nothing_done(void **state)
{
    fixture *fix = *state;

    add_key(fix);
    fix->client.delete = (fake_answer){HSMIAM_ERR_UNKNOWN_OUTCOME, ""};
    assert_int_equal(delete_key(fix, "alice", OTHER_ID), HSMIAM_ERR_UNKNOWN_OUTCOME);
    /* An open deletion keeps nobody from getting a key. */
    assert_int_equal(fixture_create(fix, "alice"), HSMIAM_OK);
    fix->client.service_time = OVER;
    assert_int_equal(recover(fix, false), HSMIAM_OK);
    assert_string_equal(told_result, "not-executed");
    assert_true(token_has(OTHER_ID) && fake_iam_has_key(&fix->client, OTHER_ID));
    assert_int_equal(fix->client.deletes, 1);
}

/* A lost answer, and then that there is no such key, which counts as deleted: not if it is another
 * user's. */
static void test_wrong_user_after_an_attempt(void **state)
{
    fixture *fix = *state;

    add_key(fix);
    fix->client.perhaps_executed = true;
    assert_int_equal(delete_key(fix, "bob", OTHER_ID), HSMIAM_ERR_UNKNOWN_OUTCOME);
    fixture_expect_message(fix, "it is of user alice");
    assert_true(token_has(OTHER_ID) && fake_iam_has_key(&fix->client, OTHER_ID));
    assert_string_equal(ledger_fixture_tell(OTHER_ID), "delete unknown");
    fake_iam_remove_key(&fix->client, OTHER_ID);
    fix->client.other_caller = (fake_answer){HSMIAM_ERR_SERVICE, "InvalidClientTokenId"};
    assert_int_equal(delete_key(fix, "alice", OTHER_ID), HSMIAM_OK);
    assert_false(token_has(OTHER_ID));
}

static hsmiam_status delete_leftover(fixture *fix, const char *user)
{
    hsmiam_error_clear(fix->error);
    return hsmiam_access_key_delete_leftover(&fix->client, fix->custody, user, OTHER_ID,
                                             fix->error);
}

/* A key of alice's that was issued here a while ago, and that IAM has no more. */
static void add_leftover(fixture *fix)
{
    fix->client.new_id = OTHER_ID;
    assert_int_equal(fixture_create(fix, "alice"), HSMIAM_OK);
    fake_iam_remove_key(&fix->client, OTHER_ID);
    fix->client.other_caller = (fake_answer){HSMIAM_ERR_SERVICE, "InvalidClientTokenId"};
    fix->client.service_time = time(NULL) + HSMIAM_SETTLE_MARGIN + 1;
}

static void test_leftover(void **state)
{
    fixture *fix = *state;

    add_leftover(fix);
    assert_int_equal(delete_key(fix, "alice", OTHER_ID), HSMIAM_ERR_SERVICE);
    assert_int_equal(
        hsmiam_access_key_check_leftover(&fix->client, fix->custody, "alice", OTHER_ID, fix->error),
        HSMIAM_OK);
    assert_true(token_has(OTHER_ID));
    assert_int_equal(delete_leftover(fix, "alice"), HSMIAM_OK);
    assert_false(token_has(OTHER_ID));
    assert_true(token_has(ROOT_ID));
    assert_string_equal(ledger_fixture_tell(OTHER_ID),
                        "held delete refused delete undestroyed deleted");
    assert_int_equal(
        hsmiam_access_key_check_leftover(&fix->client, fix->custody, "alice", OTHER_ID, fix->error),
        HSMIAM_ERR_NOT_FOUND);
    assert_int_equal(delete_leftover(fix, "alice"), HSMIAM_ERR_SERVICE);
}

/* The token fails: recovery ends it, without asking again whether the key is gone. */
static void test_leftover_remains(void **state)
{
    fixture *fix = *state;

    add_leftover(fix);
    mock_fail(MOCK_C_DestroyObject, 0, CKR_FUNCTION_FAILED);
    assert_int_equal(delete_leftover(fix, "alice"), HSMIAM_ERR_TOKEN);
    mock_stop_failing();
    assert_int_equal(recover(fix, false), HSMIAM_OK);
    assert_string_equal(told_result, "deleted");
    assert_false(token_has(OTHER_ID));
}

/* Whatever speaks against it keeps the secret in the token. */
static void test_no_leftover(void **state)
{
    fixture *fix = *state;
    const time_t late = time(NULL) + HSMIAM_SETTLE_MARGIN + 1;

    add_leftover(fix);
    fix->client.service_time = time(NULL);
    assert_int_equal(delete_leftover(fix, "alice"), HSMIAM_ERR_SERVICE);
    fixture_expect_message(fix, "Its secret stays in the token");
    fixture_expect_message(fix, "a short while ago");
    fix->client.service_time = late;
    assert_int_equal(delete_leftover(fix, "bob"), HSMIAM_ERR_SERVICE);
    fixture_expect_message(fix, "as one of alice, not of bob");
    fix->client.other_caller = (fake_answer){HSMIAM_OK, ""};
    assert_int_equal(delete_leftover(fix, "alice"), HSMIAM_ERR_SERVICE);
    fixture_expect_message(fix, "AWS knows what is signed with it");
    fix->client.other_caller = (fake_answer){HSMIAM_ERR_SERVICE, "InvalidClientTokenId"};
    fake_iam_add_key(&fix->client, "carol", OTHER_ID);
    assert_int_equal(delete_leftover(fix, "alice"), HSMIAM_ERR_SERVICE);
    fixture_expect_message(fix, "it is of user carol");
    fake_iam_remove_key(&fix->client, OTHER_ID);
    assert_true(token_has(OTHER_ID));
    assert_int_equal(delete_leftover(fix, "alice"), HSMIAM_OK);
}

/* What only another account, or nobody, knows of. */
static void test_leftover_of_whom(void **state)
{
    fixture *fix = *state;

    add_leftover(fix);
    (void)mock_add_access_key(NEW_ID, "alice", NEW_SECRET);
    hsmiam_error_clear(fix->error);
    assert_int_equal(
        hsmiam_access_key_delete_leftover(&fix->client, fix->custody, "alice", NEW_ID, fix->error),
        HSMIAM_ERR_SERVICE);
    fixture_expect_message(fix, "does not tell whose account");
    assert_true(token_has(NEW_ID));
    hsmiam_custody_set_ledger(fix->custody, NULL);
    assert_int_equal(delete_leftover(fix, "alice"), HSMIAM_ERR_SERVICE);
    fixture_expect_message(fix, "stands in a ledger");
    assert_true(token_has(OTHER_ID));
}

static void test_recover_update(void **state)
{
    fixture *fix = *state;

    add_key(fix);
    fix->client.update = (fake_answer){HSMIAM_ERR_UNKNOWN_OUTCOME, ""};
    assert_int_equal(update(fix, "alice", OTHER_ID, "Inactive"), HSMIAM_ERR_UNKNOWN_OUTCOME);
    assert_int_equal(recover(fix, false), HSMIAM_ERR_UNSETTLED);
    fix->client.keys[1].is_inactive = true;
    assert_int_equal(recover(fix, false), HSMIAM_OK);
    assert_string_equal(told_result, "done");
    assert_int_equal(update(fix, "alice", OTHER_ID, "Active"), HSMIAM_ERR_UNKNOWN_OUTCOME);
    fix->client.service_time = OVER;
    assert_int_equal(recover(fix, false), HSMIAM_OK);
    assert_string_equal(told_result, "not-executed");
    assert_int_equal(fix->client.updates, 2);
}

/* Nothing is asked of IAM that is not on record. */
static void test_ledger_first(void **state)
{
    fixture *fix = *state;

    add_key(fix);
    mock_fail(MOCK_C_Sign, 0, CKR_FUNCTION_FAILED);
    assert_int_not_equal(delete_key(fix, "alice", OTHER_ID), HSMIAM_OK);
    assert_int_equal(fix->client.deletes, 0);
    mock_stop_failing();
    assert_true(token_has(OTHER_ID));
}

/* The credential itself: its user's name is on record, so that another one can recover it. */
static void test_own_key(void **state)
{
    fixture *fix = *state;

    assert_int_equal(delete_key(fix, NULL, ROOT_ID), HSMIAM_OK);
    assert_true(fix->client.deleted_for_nobody);
    assert_false(token_has(ROOT_ID));
    assert_string_equal(ledger_fixture_tell(ROOT_ID), "delete undestroyed deleted");
}

static void test_without_a_ledger(void **state)
{
    fixture *fix = *state;

    add_key(fix);
    hsmiam_custody_set_ledger(fix->custody, NULL);
    assert_int_equal(update(fix, "alice", OTHER_ID, "Inactive"), HSMIAM_OK);
    assert_int_equal(delete_key(fix, "alice", OTHER_ID), HSMIAM_OK);
    assert_false(token_has(OTHER_ID));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ledger_test(test_update),
        ledger_test(test_delete),
        ledger_test(test_delete_what_the_token_has_not),
        ledger_test(test_delete_refused),
        ledger_test(test_refused_after_an_attempt),
        ledger_test(test_object_remains),
        ledger_test(test_recover_deletion),
        ledger_test(test_recover_another_users),
        ledger_test(test_recover_another_users_untold),
        ledger_test(test_recover_nothing_done),
        ledger_test(test_wrong_user_after_an_attempt),
        ledger_test(test_leftover),
        ledger_test(test_leftover_remains),
        ledger_test(test_no_leftover),
        ledger_test(test_leftover_of_whom),
        ledger_test(test_recover_update),
        ledger_test(test_ledger_first),
        ledger_test(test_own_key),
        ledger_test(test_without_a_ledger),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
