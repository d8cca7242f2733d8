/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of an intent without an outcome: the rules, then what they lead to. */
#include "fixture.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "custody/settle.h"
#include "token/keys.h"

#define USER     "bob"
#define ENDPOINT "https://iam.test/"
#define SENT     1440938160 /* what the fake IAM dates its keys */
#define OVER     (SENT + HSMIAM_SIGNATURE_SECONDS + HSMIAM_SETTLE_MARGIN + 1)

static void test_rules(void **state)
{
    static const struct {
        hsmiam_evidence evidence;
        hsmiam_settle_action action;
    } cases[] = {
        {{.before_known = true}, HSMIAM_SETTLE_WAIT},
        {{.before_known = false}, HSMIAM_SETTLE_WAIT},
        {{.before_known = true, .window_over = true}, HSMIAM_SETTLE_NOT_EXECUTED},
        {{.before_known = false, .window_over = true}, HSMIAM_SETTLE_NOT_EXECUTED},
        {{.before_known = true, .orphans = 1}, HSMIAM_SETTLE_DELETE},
        {{.before_known = true, .orphans = 1, .window_over = true}, HSMIAM_SETTLE_DELETE},
        {{.before_known = false, .orphans = 1}, HSMIAM_SETTLE_NAME},
        {{.before_known = false, .orphans = 1, .window_over = true}, HSMIAM_SETTLE_NAME},
        {{.before_known = true, .orphans = 2}, HSMIAM_SETTLE_NAME},
        {{.before_known = true, .unclear = 1}, HSMIAM_SETTLE_NAME},
        {{.before_known = true, .orphans = 1, .unclear = 1}, HSMIAM_SETTLE_NAME},
        {{.before_known = true, .held = 1}, HSMIAM_SETTLE_PROVE},
        {{.before_known = false, .held = 1}, HSMIAM_SETTLE_PROVE},
        {{.before_known = true, .held = 1, .orphans = 1}, HSMIAM_SETTLE_PROVE},
        {{.before_known = true, .held = 2}, HSMIAM_SETTLE_NAME},
        {{.id_known = true, .id_listed = true}, HSMIAM_SETTLE_DELETE},
        {{.id_known = true, .id_listed = true, .window_over = true}, HSMIAM_SETTLE_DELETE},
        {{.id_known = true}, HSMIAM_SETTLE_DELETE},
        {{.id_known = true, .window_over = true}, HSMIAM_SETTLE_GONE},
        {{.id_known = true, .id_held = true}, HSMIAM_SETTLE_WAIT},
        {{.id_known = true, .id_held = true, .window_over = true}, HSMIAM_SETTLE_DESTROY},
        {{.id_known = true, .id_held = true, .id_listed = true}, HSMIAM_SETTLE_PROVE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(hsmiam_settle_decide(&cases[i].evidence), cases[i].action);
}

static char directory[] = "/tmp/hsmiam-settle-XXXXXX";
static char path[sizeof directory + 16];
static hsmiam_ledger *ledger;
static uint64_t intent;

/* What the last recovery told, as the test wants to know it. */
static struct {
    size_t count;
    hsmiam_recovery_state state;
    char result[32];
    char id[HSMIAM_ACCESS_KEY_ID_MAX + 1];
    char reason[1024];
    char candidates[512];
    long long come_back;
} told;

static void take(void *context, const hsmiam_recovery *found)
{
    (void)context;
    told.count++;
    told.state = found->state;
    told.come_back = found->come_back;
    (void)snprintf(told.result, sizeof told.result, "%s", found->result);
    (void)snprintf(told.id, sizeof told.id, "%s", found->access_key_id);
    (void)snprintf(told.reason, sizeof told.reason, "%s", found->reason);
    (void)snprintf(told.candidates, sizeof told.candidates, "%s", found->candidates);
}

static hsmiam_status recover(fixture *fix, bool dry_run)
{
    memset(&told, 0, sizeof told);
    return hsmiam_custody_recover(&fix->client, fix->custody, dry_run, take, NULL, fix->error);
}

static hsmiam_ledger_facts make_facts(const fixture *fix)
{
    return (hsmiam_ledger_facts){
        .account = "123456789012",
        .partition = "aws",
        .endpoint = ENDPOINT,
        .token_serial = hsmiam_token_get_serial(fix->token),
        .credential_id = ROOT_ID,
        .user_name = USER,
        .route = "rsa-oaep",
    };
}

static void add_intent(fixture *fix, const hsmiam_ledger_facts *facts, const char *before)
{
    assert_int_equal(
        hsmiam_ledger_add_intent(ledger, facts, before, SENT, SENT, &intent, fix->error),
        HSMIAM_OK);
}

static int set_up(void **state)
{
    hsmiam_object key = 0;
    int failed = fixture_set_up(state);
    fixture *fix = *state;

    if (failed != 0 || mkdtemp(directory) == NULL)
        return -1;
    (void)snprintf(path, sizeof path, "%s/ledger", directory);
    if (hsmiam_token_open(fix->token, fix->error) != HSMIAM_OK ||
        hsmiam_pair_generate(fix->token, &hsmiam_pair_audit, &key, fix->error) != HSMIAM_OK ||
        hsmiam_ledger_new(path, &ledger, fix->error) != HSMIAM_OK)
        return -1;
    hsmiam_ledger_set_token(ledger, fix->token);
    hsmiam_custody_set_ledger(fix->custody, ledger);
    fix->client.service_time = SENT + 1;
    return 0;
}

static int tear_down(void **state)
{
    char pattern[sizeof path + 16];
    glob_t found = {0};

    hsmiam_ledger_free(&ledger);
    (void)snprintf(pattern, sizeof pattern, "%s*", path);
    if (glob(pattern, 0, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; i++)
            (void)unlink(found.gl_pathv[i]);
    globfree(&found);
    int left = rmdir(directory);
    memcpy(directory + sizeof directory - 7, "XXXXXX", 6);
    return fixture_tear_down(state) != 0 ? -1 : left;
}

static void expect_settled(fixture *fix, const char *result)
{
    assert_int_equal(recover(fix, false), HSMIAM_OK);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.state, HSMIAM_RECOVERY_SETTLED);
    assert_string_equal(told.result, result);
    assert_int_equal(recover(fix, false), HSMIAM_OK); /* and stays so */
    assert_int_equal(told.count, 0);
}

static void expect_open(fixture *fix, const char *reason)
{
    assert_int_equal(recover(fix, false), HSMIAM_ERR_UNSETTLED);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.state, HSMIAM_RECOVERY_OPEN);
    assert_non_null(strstr(told.reason, reason));
    assert_int_equal(fix->client.deletes, 0);
}

static void test_nothing_open(void **state)
{
    assert_int_equal(recover(*state, false), HSMIAM_OK);
    assert_int_equal(told.count, 0);
    assert_int_equal(((fixture *)*state)->client.lists, 0);
}

static void test_orphan(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = make_facts(fix);

    fake_iam_add_key(&fix->client, USER, OTHER_ID);
    add_intent(fix, &facts, OTHER_ID);
    fake_iam_add_key(&fix->client, USER, NEW_ID);
    assert_int_equal(recover(fix, true), HSMIAM_ERR_UNSETTLED);
    assert_string_equal(told.result, "deleted");
    assert_int_equal(fix->client.deletes + fix->client.updates, 0);
    expect_settled(fix, "deleted");
    assert_false(fake_iam_has_key(&fix->client, NEW_ID));
    assert_true(fake_iam_has_key(&fix->client, OTHER_ID));
    assert_int_equal(fix->client.updates, 1);
}

static void test_not_executed(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = make_facts(fix);

    add_intent(fix, &facts, "");
    expect_open(fix, "IAM lists no new key so far");
    assert_true(told.come_back > 300);
    fix->client.service_time = OVER;
    expect_settled(fix, "not-executed");
}

static void test_several(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = make_facts(fix);

    add_intent(fix, &facts, "");
    fake_iam_add_key(&fix->client, USER, NEW_ID);
    fake_iam_add_key(&fix->client, USER, OTHER_ID);
    expect_open(fix, "Several of the user's keys");
    assert_string_equal(told.candidates, NEW_ID " " OTHER_ID);
}

static void test_no_list_before(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = make_facts(fix);

    add_intent(fix, &facts, NULL);
    fake_iam_add_key(&fix->client, USER, NEW_ID);
    expect_open(fix, "IAM did not list the keys before");
    assert_string_equal(told.candidates, NEW_ID);
}

/* Used, made at another time, or known to the ledger: somebody's, and no word of it. */
static void test_keys_of_others(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = make_facts(fix);

    add_intent(fix, &facts, "");
    fake_iam_add_key(&fix->client, USER, NEW_ID);
    fix->client.keys[fix->client.key_count - 1].last_used = SENT + 5;
    fake_iam_add_key(&fix->client, USER, OTHER_ID);
    fix->client.keys[fix->client.key_count - 1].create_date = SENT - 100;
    facts.access_key_id = "AKIAKNOWNKNOWNKNOWN1";
    facts.endpoint = facts.partition = facts.credential_id = NULL;
    assert_int_equal(hsmiam_ledger_add_import(ledger, &facts, fix->error), HSMIAM_OK);
    fake_iam_add_key(&fix->client, USER, "AKIAKNOWNKNOWNKNOWN1");
    expect_open(fix, "IAM lists no new key so far");
    assert_string_equal(told.candidates, "");
    fix->client.service_time = OVER;
    expect_settled(fix, "not-executed");
    assert_int_equal(fix->client.key_count, 4);
}

static void test_use_that_is_not_told(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = make_facts(fix);

    add_intent(fix, &facts, "");
    fake_iam_add_key(&fix->client, USER, NEW_ID);
    fix->client.usage = (fake_answer){HSMIAM_ERR_SERVICE, "AccessDenied"};
    expect_open(fix, "nothing was touched");
}

static void test_list_that_is_refused(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = make_facts(fix);

    add_intent(fix, &facts, "");
    fix->client.list_before = (fake_answer){HSMIAM_ERR_SERVICE, "AccessDenied"};
    expect_open(fix, "IAM does not list the user's keys");
}

static void test_deletion_that_is_refused(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = make_facts(fix);

    add_intent(fix, &facts, "");
    fake_iam_add_key(&fix->client, USER, NEW_ID);
    fix->client.delete = (fake_answer){HSMIAM_ERR_SERVICE, "AccessDenied"};
    assert_int_equal(recover(fix, false), HSMIAM_ERR_UNSETTLED);
    assert_non_null(strstr(told.reason, "aws iam delete-access-key --access-key-id " NEW_ID));
    assert_true(fake_iam_has_key(&fix->client, NEW_ID));
}

static void test_held(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = make_facts(fix);

    add_intent(fix, &facts, "");
    fake_iam_add_key(&fix->client, USER, NEW_ID);
    (void)mock_add_access_key(NEW_ID, USER, NEW_SECRET);
    expect_settled(fix, "held");
    assert_string_equal(told.id, "");
    assert_true(fake_iam_has_key(&fix->client, NEW_ID));
    assert_int_equal(fix->client.deletes, 0);
}

/* IAM does not take what the key in the token signs: not yet, or never. */
static void test_held_and_wrong(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = make_facts(fix);

    add_intent(fix, &facts, "");
    fake_iam_add_key(&fix->client, USER, NEW_ID);
    (void)mock_add_access_key(NEW_ID, USER, NEW_SECRET);
    fix->client.other_caller = (fake_answer){HSMIAM_ERR_SERVICE, "InvalidClientTokenId"};
    expect_open(fix, "IAM does not accept yet");
    assert_true(fixture_token_has(NEW_ID));
    fix->client.other_caller = (fake_answer){HSMIAM_ERR_NETWORK, ""};
    expect_open(fix, "cannot be proven");
    fix->client.other_caller = (fake_answer){HSMIAM_ERR_SERVICE, "SignatureDoesNotMatch"};
    fix->client.service_time = OVER;
    expect_settled(fix, "deleted");
    assert_false(fixture_token_has(NEW_ID));
    assert_false(fake_iam_has_key(&fix->client, NEW_ID));
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
        assert_int_equal(set_up(state), 0);
        fixture *fix = *state;
        hsmiam_ledger_facts facts = make_facts(fix);
        facts.account = cases[i].account != NULL ? cases[i].account : facts.account;
        facts.endpoint = cases[i].endpoint != NULL ? cases[i].endpoint : facts.endpoint;
        facts.token_serial = cases[i].serial != NULL ? cases[i].serial : facts.token_serial;
        facts.credential_id = cases[i].credential != NULL ? cases[i].credential : ROOT_ID;
        add_intent(fix, &facts, "");
        fake_iam_add_key(&fix->client, USER, NEW_ID);
        fix->client.service_time = OVER;
        expect_open(fix, cases[i].reason);
        assert_int_equal(told.come_back, -1);
        assert_int_equal(tear_down(state), 0);
    }
}

static void test_other_credential_of_the_account(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = make_facts(fix);

    facts.credential_id = OTHER_ID;
    add_intent(fix, &facts, "");
    fake_iam_add_key(&fix->client, USER, NEW_ID);
    expect_settled(fix, "deleted");
}

static void test_process_that_lives(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = make_facts(fix);
    hsmiam_user_lock lock = {.fd = -1};
    bool held = false;

    add_intent(fix, &facts, "");
    fake_iam_add_key(&fix->client, USER, NEW_ID);
    assert_int_equal(hsmiam_user_lock_try(ledger, USER, &lock, &held, fix->error), HSMIAM_OK);
    assert_true(held);
    assert_int_equal(recover(fix, false), HSMIAM_ERR_UNSETTLED);
    assert_int_equal(told.state, HSMIAM_RECOVERY_LIVE);
    assert_int_equal(fix->client.lists, 0);
    hsmiam_user_lock_release(&lock);
    expect_settled(fix, "deleted");
}

static void test_known_id(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = make_facts(fix);

    add_intent(fix, &facts, NULL);
    facts.access_key_id = NEW_ID;
    assert_int_equal(hsmiam_ledger_add_outcome(ledger, &facts, intent, HSMIAM_RESULT_UNDELETED,
                                               NULL, fix->error),
                     HSMIAM_OK);
    fake_iam_add_key(&fix->client, USER, NEW_ID);
    fake_iam_add_key(&fix->client, USER, OTHER_ID);
    expect_settled(fix, "deleted");
    assert_true(fake_iam_has_key(&fix->client, OTHER_ID));
}

#define one_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        one_test(test_nothing_open),
        one_test(test_orphan),
        one_test(test_not_executed),
        one_test(test_several),
        one_test(test_no_list_before),
        one_test(test_keys_of_others),
        one_test(test_use_that_is_not_told),
        one_test(test_list_that_is_refused),
        one_test(test_deletion_that_is_refused),
        one_test(test_held),
        one_test(test_held_and_wrong),
        cmocka_unit_test(test_owners),
        one_test(test_other_credential_of_the_account),
        one_test(test_process_that_lives),
        one_test(test_known_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
