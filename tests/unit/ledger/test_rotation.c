/* SPDX-License-Identifier: Apache-2.0 */
/* What the ledger has of rotations, found from its end. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/rotation.h"

#define ACCOUNT "123456789012"
#define NEW_ID  "AKIANEWNEWNEWNEWNEW1"

static hsmiam_ledger_facts make_facts(const char *user_name, const char *id)
{
    hsmiam_ledger_facts facts = fixture_facts;

    facts.account = ACCOUNT;
    facts.user_name = user_name;
    facts.access_key_id = id;
    return facts;
}

static hsmiam_rotation_watch *watch;

static uint64_t begin(fixture *fix, const char *user_name, const char *old_id)
{
    const hsmiam_ledger_facts facts = make_facts(user_name, old_id);
    uint64_t rotation = 0;

    assert_int_equal(hsmiam_ledger_add_rotation(fix->ledger, &facts, &rotation, fix->error),
                     HSMIAM_OK);
    return rotation;
}

static void step(fixture *fix, uint64_t rotation, const char *user_name, const char *id,
                 hsmiam_rotation_step to)
{
    const hsmiam_ledger_facts facts = make_facts(user_name, id);

    assert_int_equal(hsmiam_ledger_add_rotation_step(fix->ledger, &facts, rotation, to, fix->error),
                     HSMIAM_OK);
}

/* A key is issued. */
static void issue(fixture *fix, const char *user_name, const char *id)
{
    const hsmiam_ledger_facts facts = make_facts(user_name, id);
    uint64_t intent = 0;

    assert_int_equal(hsmiam_ledger_add_intent(fix->ledger, &facts, "", 1440938160, 1440938160,
                                              &intent, fix->error),
                     HSMIAM_OK);
    assert_int_equal(hsmiam_ledger_add_outcome(fix->ledger, &facts, intent, HSMIAM_RESULT_HELD,
                                               NULL, fix->error),
                     HSMIAM_OK);
}

/* What is found by reading each record once. */
static void expect_same(fixture *fix, const char *account, const char *user_name,
                        const hsmiam_rotation_record *expected)
{
    hsmiam_rotation_record record = {.sequence = 0};
    bool found = false;

    if (watch == NULL)
        assert_int_equal(hsmiam_rotation_watch_new(fix->ledger, &watch, fix->error), HSMIAM_OK);
    assert_int_equal(
        hsmiam_rotation_watch_find(watch, account, user_name, &record, &found, fix->error),
        HSMIAM_OK);
    assert_int_equal(found, expected != NULL);
    if (expected != NULL)
        assert_memory_equal(&record, expected, sizeof record);
}

static bool find(fixture *fix, const char *account, const char *user_name,
                 hsmiam_rotation_record *to)
{
    bool found = false;

    assert_int_equal(
        hsmiam_ledger_find_rotation(fix->ledger, account, user_name, to, &found, fix->error),
        HSMIAM_OK);
    if (user_name[0] != '\0')
        expect_same(fix, account, user_name, found ? to : NULL);
    return found;
}

static int tear_down(void **state)
{
    hsmiam_rotation_watch_free(&watch);
    return fixture_tear_down(state);
}

/* Of many users, each one's is found, and nobody's who has none. */
static void test_many_users(void **state)
{
    fixture *fix = *state;
    hsmiam_rotation_record record;
    char name[16];

    assert_false(find(fix, ACCOUNT, "user0", &record));
    for (int i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof name, "user%d", i);
        uint64_t rotation = begin(fix, name, KEY_ID);
        step(fix, rotation, name, KEY_ID, HSMIAM_ROTATION_DEACTIVATED);
    }
    for (int i = 0; i < 120; i++) {
        (void)snprintf(name, sizeof name, "USER%d", i);
        assert_int_equal(find(fix, ACCOUNT, name, &record), i < 100);
    }
}

static void test_last_of_a_user(void **state)
{
    fixture *fix = *state;
    hsmiam_rotation_record record;

    assert_false(find(fix, ACCOUNT, "alice", &record));
    issue(fix, "alice", OTHER_ID); /* before: it is no new key */
    uint64_t first = begin(fix, "alice", KEY_ID);
    uint64_t others = begin(fix, "bob", OTHER_ID);
    assert_true(find(fix, ACCOUNT, "alice", &record));
    assert_int_equal(record.sequence, first);
    assert_int_equal(record.step, HSMIAM_ROTATION_BEGUN);
    assert_string_equal(record.old_id, KEY_ID);
    assert_string_equal(record.new_id, "");
    assert_string_equal(record.token_serial, SERIAL);
    assert_false(find(fix, "210987654321", "alice", &record));
    assert_false(find(fix, ACCOUNT, "", &record));

    step(fix, first, "alice", KEY_ID, HSMIAM_ROTATION_CLEARED);
    issue(fix, "Alice", NEW_ID);
    issue(fix, "bob", "AKIABOBBOBBOBBOBBOB1");
    assert_true(find(fix, ACCOUNT, "ALICE", &record));
    assert_string_equal(record.new_id, NEW_ID);
    assert_int_equal(record.step, HSMIAM_ROTATION_CLEARED);
    step(fix, others, "bob", OTHER_ID, HSMIAM_ROTATION_ABANDONED);
    step(fix, first, "alice", NEW_ID, HSMIAM_ROTATION_PROVEN);
    assert_true(find(fix, ACCOUNT, "alice", &record));
    assert_int_equal(record.step, HSMIAM_ROTATION_PROVEN);
    assert_string_equal(record.step_id, NEW_ID);

    uint64_t second = begin(fix, "alice", NEW_ID);
    assert_true(find(fix, ACCOUNT, "alice", &record));
    assert_int_equal(record.sequence, second);
    assert_string_equal(record.new_id, "");
}

static void test_root_user(void **state)
{
    fixture *fix = *state;
    hsmiam_rotation_record record;

    (void)begin(fix, NULL, KEY_ID);
    issue(fix, "bob", OTHER_ID);
    assert_true(find(fix, ACCOUNT, "", &record));
    assert_string_equal(record.new_id, "");
    issue(fix, NULL, NEW_ID);
    assert_true(find(fix, ACCOUNT, "", &record));
    assert_string_equal(record.new_id, NEW_ID);
    assert_string_equal(record.user_name, "");
}

static void test_of_the_signer(void **state)
{
    fixture *fix = *state;
    hsmiam_rotation_record record;
    bool found = true;

    (void)begin(fix, "alice", OTHER_ID); /* KEY_ID signs */
    assert_int_equal(
        hsmiam_ledger_find_own_rotation(fix->ledger, NULL, &record, &found, fix->error), HSMIAM_OK);
    assert_false(found);
    uint64_t own = begin(fix, "issuer", KEY_ID);
    (void)begin(fix, "alice", OTHER_ID);
    assert_int_equal(
        hsmiam_ledger_find_own_rotation(fix->ledger, KEY_ID, &record, &found, fix->error),
        HSMIAM_OK);
    assert_true(found);
    assert_int_equal(record.sequence, own);
    assert_int_equal(
        hsmiam_ledger_find_own_rotation(fix->ledger, OTHER_ID, &record, &found, fix->error),
        HSMIAM_OK);
    assert_false(found);
}

static bool count(void *context, const hsmiam_rotation_record *record)
{
    uint64_t *sum = context;

    *sum = *sum * 100 + record->sequence;
    return true;
}

static uint64_t list_open(fixture *fix)
{
    uint64_t sum = 0;

    assert_int_equal(hsmiam_ledger_find_open_rotations(fix->ledger, count, &sum, fix->error),
                     HSMIAM_OK);
    return sum;
}

static void test_open_ones(void **state)
{
    fixture *fix = *state;

    assert_int_equal(list_open(fix), 0);
    uint64_t first = begin(fix, "alice", KEY_ID);
    uint64_t second = begin(fix, "bob", OTHER_ID);
    assert_int_equal(list_open(fix), second * 100 + first);
    step(fix, first, "alice", KEY_ID, HSMIAM_ROTATION_DEACTIVATED);
    assert_int_equal(list_open(fix), second);
    step(fix, second, "bob", OTHER_ID, HSMIAM_ROTATION_PROVEN);
    assert_int_equal(list_open(fix), second);
    step(fix, first, "alice", KEY_ID, HSMIAM_ROTATION_DELETING);
    assert_int_equal(list_open(fix), second * 100 + first);
    step(fix, first, "alice", KEY_ID, HSMIAM_ROTATION_DELETED);
    step(fix, second, "bob", OTHER_ID, HSMIAM_ROTATION_ABANDONED);
    assert_int_equal(list_open(fix), 0);
}

/* What the audit key did not sign begins no rotation, and ends none. */
static void test_forged(void **state)
{
    fixture *fix = *state;
    hsmiam_rotation_record record;
    size_t size = 0;

    (void)begin(fix, "alice", KEY_ID);
    char *text = fixture_read(fix, &size);
    char *name = strstr(text, "\"alice\"");
    assert_non_null(name);
    memcpy(name, "\"carol\"", 7);
    fixture_write(fix, text, size);
    free(text);
    assert_false(find(fix, ACCOUNT, "carol", &record));
    assert_int_equal(list_open(fix), 0);
}

/* The halves of the token's audit key get another label. */
static void relabel(const char *from, const char *to)
{
    mock_set_attribute(mock_find_labelled(CKO_PRIVATE_KEY, from), CKA_LABEL, to, strlen(to));
    mock_set_attribute(mock_find_labelled(CKO_PUBLIC_KEY, from), CKA_LABEL, to, strlen(to));
}

static void keep_text(void *context, const char *text)
{
    (void)snprintf(context, HSMIAM_PEM_MAX, "%s", text);
}

/* Another audit key goes on with what the one that introduced it began. */
static void test_begun_under_another_key(void **state)
{
    fixture *fix = *state;
    char pem[HSMIAM_PEM_MAX];
    hsmiam_rotation_record record;

    uint64_t rotation = begin(fix, "alice", KEY_ID);
    relabel("hsmiam-audit-key", "first");
    fixture_change_key(fix);
    assert_int_equal(hsmiam_ledger_export_public_key(fix->ledger, keep_text, pem, fix->error),
                     HSMIAM_OK);
    relabel("hsmiam-audit-key", "second");
    relabel("first", "hsmiam-audit-key");
    fixture_reopen(fix);
    assert_int_equal(hsmiam_ledger_introduce_key(fix->ledger, pem, strlen(pem), fix->error),
                     HSMIAM_OK);
    relabel("hsmiam-audit-key", "first");
    relabel("second", "hsmiam-audit-key");
    fixture_reopen(fix);
    assert_true(find(fix, ACCOUNT, "alice", &record));
    assert_int_equal(record.sequence, rotation);
    assert_int_equal(list_open(fix), rotation);
    step(fix, rotation, "alice", KEY_ID, HSMIAM_ROTATION_ABANDONED);
    assert_int_equal(list_open(fix), 0);
}

#define rotation_test(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        rotation_test(test_last_of_a_user),
        rotation_test(test_root_user),
        rotation_test(test_of_the_signer),
        rotation_test(test_open_ones),
        rotation_test(test_many_users),
        rotation_test(test_forged),
        rotation_test(test_begun_under_another_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
