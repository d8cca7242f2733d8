/* SPDX-License-Identifier: Apache-2.0 */
/* Replacing a key: the rules, then what they lead to. */
#include "ledger_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "custody/rotate.h"

#define USER "bob"
#define OLD  OTHER_ID

static void test_rules(void **state)
{
    static const struct {
        hsmiam_rotation_view view;
        hsmiam_rotation_action action;
    } cases[] = {
        {{.may_create = true}, HSMIAM_ROTATE_REFUSE_NONE},
        {{.may_create = true, .inactive = 1}, HSMIAM_ROTATE_REFUSE_NONE},
        {{.may_create = true, .active = 1}, HSMIAM_ROTATE_CREATE},
        {{.may_create = true, .active = 1, .delete_old = true}, HSMIAM_ROTATE_CREATE},
        {{.may_create = true, .active = 2, .delete_inactive = true}, HSMIAM_ROTATE_REFUSE_TWO},
        {{.may_create = true, .active = 1, .inactive = 1}, HSMIAM_ROTATE_REFUSE_INACTIVE},
        {{.may_create = true, .active = 1, .inactive = 1, .delete_old = true},
         HSMIAM_ROTATE_REFUSE_INACTIVE},
        {{.may_create = true, .active = 1, .inactive = 1, .delete_inactive = true},
         HSMIAM_ROTATE_CLEAR},
        {{.may_create = true, .active = 1, .inactive = 1, .has_retired = true},
         HSMIAM_ROTATE_REFUSE_INACTIVE},
        {{.may_create = true, .active = 1, .inactive = 1, .has_retired = true, .delete_old = true},
         HSMIAM_ROTATE_DELETE},
        {{.may_create = true, .active = 2, .is_open = true, .has_new = true},
         HSMIAM_ROTATE_CONTINUE},
        {{.active = 2, .is_open = true, .has_new = true}, HSMIAM_ROTATE_CONTINUE},
        {{.may_create = true, .active = 1, .is_open = true}, HSMIAM_ROTATE_ABANDON},
        {{.active = 1, .is_open = true}, HSMIAM_ROTATE_ABANDON},
        {{.active = 1, .is_open = true, .has_new = true, .is_deleting = true},
         HSMIAM_ROTATE_DELETE},
        {{.active = 1}, HSMIAM_ROTATE_END},
        {{.active = 1, .has_retired = true, .delete_old = true}, HSMIAM_ROTATE_END},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(hsmiam_rotation_decide(&cases[i].view), cases[i].action);
}

static hsmiam_ledger *ledger;
static hsmiam_rotation *rotation;
static fixture *current;
static unsigned pauses;
static unsigned known_after; /* so many pauses IAM knows the new key; 0: at once */

static void pause_for(unsigned milliseconds)
{
    (void)milliseconds;
    if (++pauses == known_after)
        current->client.other_caller = (fake_answer){HSMIAM_OK, NULL};
}

static int set_up(void **state)
{
    int failed = ledger_fixture_set_up(state);
    fixture *fix = *state;

    if (failed != 0)
        return -1;
    ledger = ledger_fixture_get();
    fix->custody->pause = pause_for;
    current = fix;
    pauses = 0;
    known_after = 0;
    return 0;
}

static int tear_down(void **state)
{
    hsmiam_rotation_free(&rotation);
    return ledger_fixture_tear_down(state);
}

static hsmiam_status rotate(fixture *fix, const hsmiam_rotation_options *options)
{
    hsmiam_rotation_free(&rotation);
    hsmiam_error_clear(fix->error);
    hsmiam_status status =
        hsmiam_access_key_rotate(&fix->client, fix->custody, options, &rotation, fix->error);
    assert_int_equal(rotation != NULL, status == HSMIAM_OK);
    assert_false(fix->client.asks_as_other); /* the client's signer is its own again */
    assert_ptr_equal(fix->client.signer, fix->signer);
    return status;
}

static bool is_inactive(const fixture *fix, const char *id)
{
    for (size_t i = 0; i < fix->client.key_count; i++)
        if (strcmp(fix->client.keys[i].id, id) == 0)
            return fix->client.keys[i].is_inactive;
    fail_msg("IAM has no %s", id);
    return false;
}

static hsmiam_rotation_step get_step(fixture *fix, const char *user_name)
{
    hsmiam_rotation_record record;
    bool found = false;

    assert_int_equal(
        hsmiam_ledger_find_rotation(ledger, "123456789012", user_name, &record, &found, fix->error),
        HSMIAM_OK);
    assert_true(found);
    return record.step;
}

static const fake_answer unknown_key = {HSMIAM_ERR_SERVICE, "InvalidClientTokenId"};
static const hsmiam_rotation_options of_user = {.user_name = USER};

static void test_user(void **state)
{
    fixture *fix = *state;
    const hsmiam_rotation_options options = {.user_name = USER, .proofs = 5};

    fake_iam_add_key(&fix->client, USER, OLD);
    assert_int_equal(rotate(fix, &options), HSMIAM_OK);
    assert_string_equal(hsmiam_access_key_get_id(hsmiam_rotation_get_key(rotation)), NEW_ID);
    assert_string_equal(hsmiam_rotation_get_previous_id(rotation), OLD);
    assert_string_equal(hsmiam_rotation_get_previous_status(rotation), "Inactive");
    assert_false(hsmiam_rotation_is_of_signer(rotation));
    assert_true(is_inactive(fix, OLD) && !is_inactive(fix, NEW_ID));
    assert_true(fixture_token_has(NEW_ID));
    assert_false(fix->client.updated_as_other);
    assert_true(pauses >= 4);
    assert_int_equal(get_step(fix, USER), HSMIAM_ROTATION_DEACTIVATED);
    /* The inactive key stays until it is asked for, and then no key is made. */
    assert_int_equal(rotate(fix, &of_user), HSMIAM_ERR_EXISTS);
    fixture_expect_message(fix, OLD);
    assert_int_equal(fix->client.creates, 1);
    assert_int_equal(fix->client.deletes, 0);
    const hsmiam_rotation_options deleting = {.user_name = USER, .delete_old = true};
    assert_int_equal(rotate(fix, &deleting), HSMIAM_OK);
    assert_string_equal(hsmiam_rotation_get_previous_status(rotation), "Deleted");
    assert_string_equal(hsmiam_access_key_get_id(hsmiam_rotation_get_key(rotation)), NEW_ID);
    assert_false(fake_iam_has_key(&fix->client, OLD));
    assert_int_equal(fix->client.creates, 1);
    assert_int_equal(get_step(fix, USER), HSMIAM_ROTATION_DELETED);
}

/* The credential itself: what deactivates it is the new one. */
static void test_signer(void **state)
{
    fixture *fix = *state;
    const hsmiam_rotation_options options = {.proofs = 1, .delete_old = true};

    assert_int_equal(rotate(fix, &options), HSMIAM_OK);
    assert_true(hsmiam_rotation_is_of_signer(rotation));
    assert_string_equal(hsmiam_rotation_get_previous_id(rotation), ROOT_ID);
    assert_true(fix->client.updated_as_other);
    assert_false(fake_iam_has_key(&fix->client, ROOT_ID));
    assert_int_equal(mock_find(CKO_SECRET_KEY, ROOT_ID), 0);
    assert_true(fixture_token_has(NEW_ID));
}

static void begin_session(fixture *fix)
{
    const hsmiam_mfa mfa = {.serial = "GAHT12345678", .token_code = "123456"};

    assert_int_equal(hsmiam_client_begin_mfa_session(&fix->client, &mfa, fix->error), HSMIAM_OK);
}

/* The new key has no session, and may not do what asks for MFA. */
static void test_signer_with_session(void **state)
{
    fixture *fix = *state;
    const hsmiam_rotation_options options = {.proofs = 1, .delete_old = true};

    begin_session(fix);
    assert_int_equal(rotate(fix, &options), HSMIAM_OK);
    assert_true(hsmiam_rotation_is_of_signer(rotation));
    assert_false(fix->client.updated_as_other);
    assert_false(fake_iam_has_key(&fix->client, ROOT_ID));
    assert_int_equal(mock_find(CKO_SECRET_KEY, ROOT_ID), 0);
    assert_true(fixture_token_has(NEW_ID));
}

static void test_session_ends_with_its_key(void **state)
{
    fixture *fix = *state;
    const hsmiam_rotation_options options = {.proofs = 1, .delete_old = true};

    begin_session(fix);
    fix->client.delete = unknown_key;
    assert_int_equal(rotate(fix, &options), HSMIAM_ERR_SERVICE);
    fixture_expect_message(fix, "name the new key " NEW_ID " as the credential");
    assert_true(is_inactive(fix, ROOT_ID));
    assert_int_equal(get_step(fix, fix->client.own_user), HSMIAM_ROTATION_DELETING);
}

static void test_refusals(void **state)
{
    fixture *fix = *state;
    const hsmiam_rotation_options clearing = {
        .user_name = USER, .proofs = 1, .delete_inactive = true};

    assert_int_equal(rotate(fix, &of_user), HSMIAM_ERR_NOT_FOUND);
    fake_iam_add_key(&fix->client, USER, OLD);
    fake_iam_add_key(&fix->client, USER, "AKIATHIRDTHIRDTHIRD1");
    assert_int_equal(rotate(fix, &clearing), HSMIAM_ERR_EXISTS);
    fixture_expect_message(fix, OLD);
    fixture_expect_message(fix, "AKIATHIRDTHIRDTHIRD1");
    fix->client.keys[1].is_inactive = true;
    assert_int_equal(rotate(fix, &of_user), HSMIAM_ERR_EXISTS);
    assert_int_equal(fix->client.creates + fix->client.updates + fix->client.deletes, 0);
    assert_int_equal(rotate(fix, &clearing), HSMIAM_OK);
    assert_false(fake_iam_has_key(&fix->client, OLD));
    assert_true(is_inactive(fix, "AKIATHIRDTHIRDTHIRD1"));

    hsmiam_custody_set_ledger(fix->custody, NULL);
    assert_int_equal(rotate(fix, &of_user), HSMIAM_ERR_ARGUMENT);
}

/* The old key stays until the new one is known. */
static void test_late_key(void **state)
{
    fixture *fix = *state;
    const hsmiam_rotation_options options = {.user_name = USER, .proofs = 1, .proof_seconds = 1};

    fake_iam_add_key(&fix->client, USER, OLD);
    fix->client.other_caller = unknown_key;
    assert_int_equal(rotate(fix, &options), HSMIAM_ERR_UNSETTLED);
    fixture_expect_message(fix, "once this is run again");
    assert_false(is_inactive(fix, OLD));
    assert_int_equal(get_step(fix, USER), HSMIAM_ROTATION_BEGUN);
    pauses = 0;
    known_after = 7;
    assert_int_equal(rotate(fix, &options), HSMIAM_OK);
    assert_true(is_inactive(fix, OLD));
    assert_int_equal(fix->client.creates, 1);
}

/* Somebody deleted the new key: there is nothing to wait for, and the old one stays. */
static void test_new_key_is_gone(void **state)
{
    fixture *fix = *state;
    const hsmiam_rotation_options options = {.user_name = USER, .proofs = 1, .proof_seconds = 1};

    fake_iam_add_key(&fix->client, USER, OLD);
    fix->client.other_caller = unknown_key;
    assert_int_equal(rotate(fix, &options), HSMIAM_ERR_UNSETTLED);
    fix->client.key_count--;
    assert_int_equal(rotate(fix, &options), HSMIAM_ERR_CUSTODY);
    assert_int_equal(get_step(fix, USER), HSMIAM_ROTATION_ABANDONED);
    assert_false(is_inactive(fix, OLD));
}

/* A key in the token that IAM says belongs elsewhere is no reason to deactivate anything. */
static void test_other_account(void **state)
{
    fixture *fix = *state;
    const hsmiam_rotation_options options = {.user_name = USER, .proofs = 1};

    fake_iam_add_key(&fix->client, USER, OLD);
    fix->client.other_account = "210987654321";
    assert_int_equal(rotate(fix, &options), HSMIAM_ERR_CUSTODY);
    assert_false(is_inactive(fix, OLD));
}

/* What the last recovery told. */
static char told[256];

static void take(void *context, const hsmiam_recovery *found)
{
    (void)context;
    (void)snprintf(told, sizeof told, "%s %s", found->result, found->reason);
}

static hsmiam_status recover(fixture *fix, bool dry_run)
{
    told[0] = '\0';
    return hsmiam_custody_recover(&fix->client, fix->custody, dry_run, take, NULL, fix->error);
}

static void test_recovery(void **state)
{
    fixture *fix = *state;
    const hsmiam_rotation_options options = {.user_name = USER, .proofs = 1, .delete_old = true};

    fake_iam_add_key(&fix->client, USER, OLD);
    fix->client.update = (fake_answer){HSMIAM_ERR_SERVICE, "AccessDenied"};
    assert_int_equal(rotate(fix, &options), HSMIAM_ERR_SERVICE);
    assert_int_equal(get_step(fix, USER), HSMIAM_ROTATION_PROVEN);
    assert_int_equal(recover(fix, false), HSMIAM_ERR_UNSETTLED);
    assert_non_null(strstr(told, "to deactivate the old access key"));
    fix->client.update = (fake_answer){HSMIAM_OK, NULL};
    assert_int_equal(recover(fix, true), HSMIAM_ERR_UNSETTLED);
    assert_false(is_inactive(fix, OLD));
    assert_int_equal(recover(fix, false), HSMIAM_OK);
    assert_string_equal(told, "rotated ");
    assert_true(is_inactive(fix, OLD)); /* to delete it, it must be asked for again */
    assert_int_equal(recover(fix, false), HSMIAM_OK);
    assert_string_equal(told, "");

    fix->client.delete = (fake_answer){HSMIAM_ERR_SERVICE, "ServiceFailure"};
    assert_int_equal(rotate(fix, &options), HSMIAM_ERR_SERVICE);
    fix->client.delete = (fake_answer){HSMIAM_OK, NULL};
    assert_int_equal(recover(fix, false), HSMIAM_OK);
    assert_string_equal(told, "rotated-and-deleted ");
    assert_false(fake_iam_has_key(&fix->client, OLD));
}

/* Whoever activates a key that is about to be deleted wants it. */
static void test_wanted_again(void **state)
{
    fixture *fix = *state;
    const hsmiam_rotation_options options = {.user_name = USER, .proofs = 1, .delete_old = true};

    fake_iam_add_key(&fix->client, USER, OLD);
    fix->client.delete = (fake_answer){HSMIAM_ERR_SERVICE, "ServiceFailure"};
    assert_int_equal(rotate(fix, &options), HSMIAM_ERR_SERVICE);
    fix->client.delete = (fake_answer){HSMIAM_OK, NULL};
    fix->client.keys[1].is_inactive = false;
    assert_int_equal(recover(fix, false), HSMIAM_ERR_UNSETTLED);
    assert_non_null(strstr(told, "activated it again"));
    assert_true(fake_iam_has_key(&fix->client, OLD));
    assert_int_equal(recover(fix, false), HSMIAM_OK);
}

/* Before there is a new key, the credential itself frees the place that it needs. */
static void test_signer_clears(void **state)
{
    fixture *fix = *state;
    const hsmiam_rotation_options options = {.proofs = 1, .delete_inactive = true};

    fake_iam_add_key(&fix->client, fix->client.keys[0].user_name, OLD);
    fix->client.keys[fix->client.key_count - 1].is_inactive = true;
    assert_int_equal(rotate(fix, &options), HSMIAM_OK);
    assert_false(fake_iam_has_key(&fix->client, OLD));
    assert_string_equal(hsmiam_rotation_get_previous_id(rotation), ROOT_ID);
}

/* What was to make place is in use again: nothing was rotated, and that is what is told. */
static void test_place_is_taken_again(void **state)
{
    fixture *fix = *state;
    const hsmiam_rotation_options clearing = {
        .user_name = USER, .proofs = 1, .delete_inactive = true};

    fake_iam_add_key(&fix->client, USER, OLD);
    fake_iam_add_key(&fix->client, USER, "AKIATHIRDTHIRDTHIRD1");
    fix->client.keys[1].is_inactive = true;
    fix->client.delete = (fake_answer){HSMIAM_ERR_SERVICE, "ServiceFailure"};
    assert_int_equal(rotate(fix, &clearing), HSMIAM_ERR_SERVICE);
    fix->client.delete = (fake_answer){HSMIAM_OK, NULL};
    fix->client.keys[1].is_inactive = false;
    assert_int_equal(rotate(fix, &clearing), HSMIAM_ERR_EXISTS);
    fixture_expect_message(fix, "Two access keys");
    assert_int_equal(get_step(fix, USER), HSMIAM_ROTATION_ABANDONED);
    assert_true(fake_iam_has_key(&fix->client, OLD));
}

/* Somebody deleted the old key meanwhile: with --delete-old its object goes all the same. */
static void test_old_key_is_gone(void **state)
{
    fixture *fix = *state;
    const hsmiam_rotation_options options = {.user_name = USER, .proofs = 1, .delete_old = true};

    fake_iam_add_key(&fix->client, USER, OLD);
    (void)mock_add_access_key(OLD, USER, NEW_SECRET);
    fix->client.update = (fake_answer){HSMIAM_ERR_SERVICE, "NoSuchEntity"};
    assert_int_equal(rotate(fix, &options), HSMIAM_OK);
    assert_false(fixture_token_has(OLD));
    assert_string_equal(hsmiam_rotation_get_previous_status(rotation), "Deleted");
    assert_int_equal(get_step(fix, USER), HSMIAM_ROTATION_DELETED);
}

#define rotate_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        rotate_test(test_user),
        rotate_test(test_signer),
        rotate_test(test_signer_with_session),
        rotate_test(test_session_ends_with_its_key),
        rotate_test(test_refusals),
        rotate_test(test_late_key),
        rotate_test(test_new_key_is_gone),
        rotate_test(test_other_account),
        rotate_test(test_recovery),
        rotate_test(test_wanted_again),
        rotate_test(test_signer_clears),
        rotate_test(test_place_is_taken_again),
        rotate_test(test_old_key_is_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
