/* SPDX-License-Identifier: Apache-2.0 */
/* What the ledger is told of an issue and of an import. */
#include "ledger_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEW_USER "bob"

static hsmiam_ledger *ledger;

static void use_ledger(fixture *fix, const char *where)
{
    hsmiam_ledger_free(&ledger);
    assert_int_equal(hsmiam_ledger_new(where, &ledger, fix->error), HSMIAM_OK);
    hsmiam_ledger_set_token(ledger, fix->token);
    hsmiam_custody_set_ledger(fix->custody, ledger);
}

static int set_up(void **state)
{
    if (ledger_fixture_set_up(state) != 0)
        return -1;
    use_ledger(*state, ledger_fixture_get_path());
    return 0;
}

static int tear_down(void **state)
{
    hsmiam_ledger_free(&ledger);
    return ledger_fixture_tear_down(state);
}

typedef struct expected {
    const char *event;
    const char *result;
    const char *id;
    bool found;
} expected;

static bool look(void *context, const hsmiam_ledger_record *record)
{
    expected *want = context;
    const char *result = hsmiam_ledger_record_get_text(record, "result");
    const char *id = hsmiam_ledger_record_get_text(record, "access_key_id");

    want->found = strcmp(hsmiam_ledger_record_get_text(record, "event"), want->event) == 0 &&
                  (want->result == NULL || (result != NULL && strcmp(result, want->result) == 0)) &&
                  (want->id == NULL ? id == NULL : id != NULL && strcmp(id, want->id) == 0);
    return true;
}

/* The last record is such a one, and the ledger is right. */
static void expect_last(fixture *fix, const char *event, const char *result, const char *id)
{
    expected want = {.event = event, .result = result, .id = id};
    hsmiam_ledger_verdict verdict;

    hsmiam_ledger_set_allow_unsigned(ledger, true); /* where the token is gone */
    assert_int_equal(hsmiam_ledger_read(ledger, NULL, look, &want, fix->error), HSMIAM_OK);
    assert_true(want.found);
    assert_int_equal(hsmiam_ledger_verify(ledger, NULL, NULL, &verdict, fix->error), HSMIAM_OK);
}

static size_t count_lines(void)
{
    FILE *file = fopen(ledger_fixture_get_path(), "r");
    size_t lines = 0;

    for (int c = file != NULL ? fgetc(file) : EOF; c != EOF; c = fgetc(file))
        lines += c == '\n';
    if (file != NULL)
        (void)fclose(file);
    return lines;
}

static void intent_is_on_record_first(hsmiam_client *client)
{
    (void)client;
    assert_int_equal(count_lines(), 2);
}

static void test_held(void **state)
{
    fixture *fix = *state;

    fix->client.on_create = intent_is_on_record_first;
    assert_int_equal(fixture_create(fix, NEW_USER), HSMIAM_OK);
    assert_int_equal(count_lines(), 3);
    expect_last(fix, "outcome", "held", NEW_ID);
    assert_null(fix->client.before_send);
}

static void test_refused(void **state)
{
    fixture *fix = *state;

    fix->client.create = (fake_answer){HSMIAM_ERR_SERVICE, "LimitExceeded"};
    fix->client.makes_nothing = true;
    assert_int_equal(fixture_create(fix, NEW_USER), HSMIAM_ERR_SERVICE);
    expect_last(fix, "outcome", "refused", NULL);
}

static void test_not_sent(void **state)
{
    fixture *fix = *state;

    fix->client.create = (fake_answer){HSMIAM_ERR_NETWORK, ""};
    fix->client.makes_nothing = true;
    assert_int_equal(fixture_create(fix, NEW_USER), HSMIAM_ERR_NETWORK);
    expect_last(fix, "outcome", "not-sent", NULL);
}

/* The lock of the user's keys, which is let go when somebody asks whether to stop. */
typedef struct other_process {
    hsmiam_user_lock lock;
    size_t asked;
    bool lets_go;
} other_process;

static bool ask_whether_to_stop(void *context)
{
    other_process *other = context;

    other->asked++;
    if (other->lets_go)
        hsmiam_user_lock_release(&other->lock);
    return !other->lets_go;
}

/* Nobody lists, asks and records while another process does for the same user. */
static void test_waits_for_others(void **state)
{
    fixture *fix = *state;
    other_process other = {.lock = {.fd = -1}};
    bool held = false;

    assert_int_equal(hsmiam_ledger_open(fix->custody->ledger, fix->error), HSMIAM_OK);
    assert_int_equal(
        hsmiam_user_lock_try(fix->custody->ledger, NEW_USER, &other.lock, &held, fix->error),
        HSMIAM_OK);
    assert_true(held);
    hsmiam_client_set_cancel(&fix->client, ask_whether_to_stop, &other);
    assert_int_equal(fixture_create(fix, NEW_USER), HSMIAM_ERR_CANCELLED);
    fixture_expect_message(fix, "worked on the user's keys");
    assert_int_equal(other.asked, 1);
    assert_int_equal(fix->client.creates, 0);
    other.lets_go = true;
    assert_int_equal(fixture_create(fix, NEW_USER), HSMIAM_OK);
    assert_true(other.asked > 1);
    expect_last(fix, "outcome", "held", NEW_ID);
    hsmiam_user_lock_release(&other.lock);
}

static void token_breaks(hsmiam_client *client)
{
    (void)client;
    mock_fail(MOCK_C_UnwrapKey, 0, CKR_DEVICE_MEMORY);
}

static void test_deleted(void **state)
{
    fixture *fix = *state;

    fix->client.on_create = token_breaks;
    assert_int_equal(fixture_create(fix, NEW_USER), HSMIAM_ERR_CUSTODY);
    expect_last(fix, "outcome", "deleted", NEW_ID);
}

static void test_undeleted(void **state)
{
    fixture *fix = *state;

    fix->client.on_create = token_breaks;
    fix->client.delete = (fake_answer){HSMIAM_ERR_SERVICE, "AccessDenied"};
    assert_int_equal(fixture_create(fix, NEW_USER), HSMIAM_ERR_CUSTODY);
    expect_last(fix, "outcome", "undeleted", NEW_ID);
}

static void test_unknown(void **state)
{
    fixture *fix = *state;

    fix->client.create = (fake_answer){HSMIAM_ERR_UNKNOWN_OUTCOME, ""};
    assert_int_equal(fixture_create(fix, NEW_USER), HSMIAM_ERR_UNKNOWN_OUTCOME);
    fixture_expect_message(fix, "Whether IAM made a key for " NEW_USER " is not known (record ");
    fixture_expect_message(fix, "Access key " NEW_ID " may be the one that was made");
    fixture_expect_message(fix, "Run `hsmiam recover --wait`.");
    expect_last(fix, "outcome", "unknown", NULL);
    assert_true(fake_iam_has_key(&fix->client, NEW_ID));
}

/* IAM does not list, and its answer names a key that the ledger has of earlier: it stays. */
static void test_named_from_the_record(void **state)
{
    fixture *fix = *state;
    const hsmiam_ledger_facts facts = {.token_serial = "another",
                                       .user_name = NEW_USER,
                                       .access_key_id = OTHER_ID,
                                       .route = "rsa-oaep"};

    assert_int_equal(hsmiam_ledger_add_import(ledger, &facts, fix->error), HSMIAM_OK);
    fake_iam_add_key(&fix->client, NEW_USER, OTHER_ID);
    fix->client.list_before = (fake_answer){HSMIAM_ERR_SERVICE, "AccessDenied"};
    fix->client.answered_id = OTHER_ID;
    fix->client.on_create = token_breaks;
    assert_int_equal(fixture_create(fix, NEW_USER), HSMIAM_ERR_TOKEN);
    fixture_expect_message(fix, OTHER_ID ", which existed before; it was not touched");
    assert_true(fake_iam_has_key(&fix->client, OTHER_ID));
    assert_int_equal(fix->client.updates, 0);
}

/* The answer was cut, but told the id: it is weighed, and the key deleted at once. */
static void test_unknown_but_named(void **state)
{
    fixture *fix = *state;

    fix->client.create = (fake_answer){HSMIAM_ERR_UNKNOWN_OUTCOME, ""};
    fix->client.names_key = true;
    assert_int_equal(fixture_create(fix, NEW_USER), HSMIAM_ERR_UNKNOWN_OUTCOME);
    fixture_expect_message(fix, NEW_ID " was deleted at IAM again");
    expect_last(fix, "outcome", "deleted", NEW_ID);
    assert_false(fake_iam_has_key(&fix->client, NEW_ID));
}

/* It named a key that somebody uses. */
static void give_to_somebody(hsmiam_client *client)
{
    client->keys[client->key_count - 1].last_used = 1440938165;
}

static void test_unknown_and_somebodys(void **state)
{
    fixture *fix = *state;

    fix->client.create = (fake_answer){HSMIAM_ERR_REPLY, ""};
    fix->client.names_key = true;
    fix->client.on_create = give_to_somebody;
    assert_int_equal(fixture_create(fix, NEW_USER), HSMIAM_ERR_REPLY);
    fixture_expect_message(fix, "this request cannot have made");
    expect_last(fix, "outcome", "undeleted", NEW_ID);
    assert_true(fake_iam_has_key(&fix->client, NEW_ID));
}

/* The user gets no other key before it is known what became of the first. */
static void test_unknown_and_unsettled(void **state)
{
    fixture *fix = *state;

    fix->client.create = (fake_answer){HSMIAM_ERR_UNKNOWN_OUTCOME, ""};
    fix->client.makes_nothing = true;
    assert_int_equal(fixture_create(fix, NEW_USER), HSMIAM_ERR_UNKNOWN_OUTCOME);
    fixture_expect_message(fix, "IAM lists no new key so far");
    fixture_expect_message(fix, "hsmiam recover");
    expect_last(fix, "outcome", "unknown", NULL);
    assert_int_equal(fixture_create(fix, "BOB"), HSMIAM_ERR_UNSETTLED);
    fixture_expect_message(fix, "no key was asked for. Run `hsmiam recover --wait`");
    assert_int_equal(fix->client.creates, 1);
    fix->client.create = (fake_answer){HSMIAM_OK, ""};
    fix->client.makes_nothing = false;
    assert_int_equal(fixture_create(fix, "alice"), HSMIAM_OK);
}

/* The token is gone: nothing can be signed any more, but the key's id is on record. */
static void token_is_gone(hsmiam_client *client)
{
    token_breaks(client);
    mock_fail(MOCK_C_Sign, 0, CKR_DEVICE_REMOVED);
}

static void test_token_is_gone(void **state)
{
    fixture *fix = *state;

    fix->client.on_create = token_is_gone;
    fix->client.delete = (fake_answer){HSMIAM_ERR_NETWORK, ""};
    assert_int_equal(fixture_create(fix, NEW_USER), HSMIAM_ERR_CUSTODY);
    expect_last(fix, "outcome", "undeleted", NEW_ID);
}

static void ledger_breaks(hsmiam_client *client)
{
    (void)client;
    assert_int_equal(unlink(ledger_fixture_get_path()), 0);
    assert_int_equal(mkdir(ledger_fixture_get_path(), 0700), 0);
}

/* The key is held; that its outcome is not on record is an error all the same. */
static void test_outcome_that_cannot_be_written(void **state)
{
    fixture *fix = *state;

    fix->client.on_create = ledger_breaks;
    assert_int_equal(fixture_create(fix, NEW_USER), HSMIAM_ERR_IO);
    fixture_expect_message(fix, NEW_ID " was made and is in the token, but its outcome is not on");
    fixture_expect_message(fix, "Run `hsmiam recover`");
    assert_true(fixture_token_has(NEW_ID));
    assert_int_equal(rmdir(ledger_fixture_get_path()), 0);
}

static void test_ledger_that_cannot_be_written(void **state)
{
    fixture *fix = *state;

    use_ledger(fix, "/proc/hsmiam/ledger");
    assert_int_equal(fixture_create(fix, NEW_USER), HSMIAM_ERR_IO);
    assert_int_equal(fix->client.creates, 0);
    assert_int_equal(
        hsmiam_access_key_import(fix->custody, OTHER_ID, NULL, NEW_SECRET, 40, NULL, fix->error),
        HSMIAM_ERR_IO);
    assert_int_equal(mock_find(CKO_SECRET_KEY, OTHER_ID), 0);
}

static void test_audit_key_that_fails_before(void **state)
{
    fixture *fix = *state;

    assert_int_equal(hsmiam_custody_prepare(fix->custody, fix->error), HSMIAM_OK);
    assert_int_equal(hsmiam_signer_open(fix->signer, fix->error), HSMIAM_OK);
    mock_fail(MOCK_C_Sign, 1, CKR_FUNCTION_FAILED); /* behind the signature of the request's day */
    assert_int_equal(fixture_create(fix, NEW_USER), HSMIAM_ERR_TOKEN);
    assert_int_equal(fix->client.creates, 0);
}

static void test_import(void **state)
{
    fixture *fix = *state;

    assert_int_equal(hsmiam_access_key_import(fix->custody, NEW_ID, NEW_USER, NEW_SECRET, 40,
                                              &fix->key, fix->error),
                     HSMIAM_OK);
    expect_last(fix, "import", NULL, NEW_ID);
}

static void break_ledger(void)
{
    ledger_breaks(NULL);
}

/* What cannot be put on record does not stay in the token: whoever gave the secret has it still. */
static void test_import_that_cannot_be_recorded(void **state)
{
    fixture *fix = *state;

    mock.slots[0].info.flags &= ~(CK_FLAGS)CKF_HW_SLOT; /* whose files are synced */
    hsmiam_ledger_free(&ledger);
    fixture_name_token(fix, "pkcs11:token=mock%20token?pin-value=" MOCK_PIN);
    use_ledger(fix, ledger_fixture_get_path());
    fix->custody->sync = break_ledger; /* between the proof and the record */
    assert_int_equal(hsmiam_access_key_import(fix->custody, NEW_ID, NEW_USER, NEW_SECRET, 40,
                                              &fix->key, fix->error),
                     HSMIAM_ERR_IO);
    fixture_expect_message(fix, "Access key " NEW_ID " was taken out of the token again.");
    assert_null(fix->key);
    assert_int_equal(mock_find(CKO_SECRET_KEY, NEW_ID), 0);
    assert_int_equal(rmdir(ledger_fixture_get_path()), 0);
}

/* The ledger has another wrapping key of this token than the token has now. */
static void test_another_wrapping_key(void **state)
{
    fixture *fix = *state;
    const hsmiam_ledger_facts facts = {
        .token_serial = hsmiam_token_get_serial(fix->token),
        .access_key_id = OTHER_ID,
        .route = "rsa-oaep",
        .wrapping_key = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };

    assert_int_equal(hsmiam_ledger_add_import(ledger, &facts, fix->error), HSMIAM_OK);
    for (int i = 0; i < 2; i++) { /* a second try is not let through either */
        assert_int_equal(fixture_create(fix, NEW_USER), HSMIAM_ERR_CONFIG);
        fixture_expect_message(fix, "has another wrapping key");
    }
    assert_int_equal(fix->client.creates, 0);
    /* A route that does not use it is the caller's to choose; what is on record stays there. */
    hsmiam_custody_set_import_route(fix->custody, HSMIAM_ROUTE_CREATE_OBJECT);
    assert_int_equal(fixture_create(fix, NEW_USER), HSMIAM_OK);
    expect_last(fix, "outcome", "held", NEW_ID);
    hsmiam_custody_set_import_route(fix->custody, HSMIAM_ROUTE_AUTO);
    hsmiam_access_key_free(&fix->key);
    assert_int_equal(fixture_create(fix, NEW_USER), HSMIAM_ERR_CONFIG);
}

#define one_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        one_test(test_held),
        one_test(test_waits_for_others),
        one_test(test_refused),
        one_test(test_not_sent),
        one_test(test_deleted),
        one_test(test_undeleted),
        one_test(test_unknown),
        one_test(test_named_from_the_record),
        one_test(test_unknown_but_named),
        one_test(test_unknown_and_somebodys),
        one_test(test_unknown_and_unsettled),
        one_test(test_token_is_gone),
        one_test(test_outcome_that_cannot_be_written),
        one_test(test_ledger_that_cannot_be_written),
        one_test(test_audit_key_that_fails_before),
        one_test(test_import),
        one_test(test_import_that_cannot_be_recorded),
        one_test(test_another_wrapping_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
