/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever can write the file, but has not the audit key, settles nothing by that, and the next
 * writer signs nothing of theirs. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include "token/keys.h"

/* What the ledger has open. */
typedef struct found {
    size_t count;
    hsmiam_open_intent last;
} found;

static bool take(void *context, const hsmiam_open_intent *intent)
{
    found *to = context;

    to->count++;
    to->last = *intent;
    return true;
}

static hsmiam_status look(fixture *fix, found *to)
{
    *to = (found){.count = 0};
    hsmiam_error_clear(fix->error);
    return hsmiam_ledger_find_open(fix->ledger, NULL, take, to, fix->error);
}

static void expect_open(fixture *fix, size_t count, found *to)
{
    if (look(fix, to) != HSMIAM_OK)
        fail_msg("%s", hsmiam_error_get_message(fix->error));
    assert_int_equal(to->count, count);
}

/* Neither reading nor writing goes on from there. */
static void expect_refusal(fixture *fix, const char *part)
{
    hsmiam_ledger_facts facts = fixture_facts;
    uint64_t intent = 0;
    found open;

    fixture_reopen(fix);
    assert_int_equal(look(fix, &open), HSMIAM_ERR_LEDGER);
    fixture_expect_message(fix, part);
    assert_int_equal(
        hsmiam_ledger_add_intent(fix->ledger, &facts, NULL, -1, 1440938161, &intent, fix->error),
        HSMIAM_ERR_LEDGER);
    fixture_expect_message(fix, part);
}

static void test_signed_outcome_settles(void **state)
{
    fixture *fix = *state;
    uint64_t intent = fixture_intend(fix);
    found open;

    expect_open(fix, 1, &open);
    assert_true(open.last.is_trusted);
    fixture_end(fix, intent, HSMIAM_RESULT_UNDELETED);
    expect_open(fix, 1, &open);
    assert_true(open.last.id_is_trusted && open.last.result_is_trusted);
    assert_string_equal(open.last.access_key_id, OTHER_ID);
    fixture_end(fix, intent, HSMIAM_RESULT_DELETED);
    expect_open(fix, 0, &open);
}

static void test_unsigned_outcome_settles_nothing(void **state)
{
    fixture *fix = *state;
    found open;

    (void)fixture_intend(fix);
    fixture_forge(fix, fixture_make_outcome("2", "held"), false);
    expect_open(fix, 1, &open);
    assert_int_equal(open.last.result, HSMIAM_RESULT_HELD);
    assert_string_equal(open.last.access_key_id, OTHER_ID);
    assert_false(open.last.id_is_trusted || open.last.result_is_trusted);
    fixture_import(fix); /* countersigns: seen, not vouched for */
    assert_true(fixture_file_has(fix, "countersign"));
    expect_open(fix, 1, &open);
    assert_false(open.last.id_is_trusted);
    fixture_end(fix, 2, HSMIAM_RESULT_HELD);
    expect_open(fix, 0, &open);
    /* Nor does it open what is settled. */
    fixture_forge(fix, fixture_make_outcome("2", "undeleted"), false);
    expect_open(fix, 0, &open);
}

/* The writer's own, when the token was gone for a moment, is no better. */
static void test_pending_outcome(void **state)
{
    fixture *fix = *state;
    uint64_t intent = fixture_intend(fix);
    found open;

    mock_fail(MOCK_C_Sign, 0, CKR_DEVICE_REMOVED);
    fixture_end(fix, intent, HSMIAM_RESULT_REFUSED);
    mock_stop_failing();
    expect_open(fix, 1, &open);
    assert_int_equal(hsmiam_ledger_mend(fix->ledger, fix->error), HSMIAM_OK);
    expect_open(fix, 1, &open);
}

static void test_unsigned_renewal(void **state)
{
    fixture *fix = *state;
    hsmiam_record renewal = fixture_make_outcome("2", NULL);

    (void)fixture_intend(fix);
    renewal.fields[HSMIAM_FIELD_EVENT] = "renewal";
    renewal.fields[HSMIAM_FIELD_ACCESS_KEY_ID] = NULL;
    renewal.fields[HSMIAM_FIELD_REQUEST_TIME] = "2035-08-30T12:36:00Z";
    fixture_forge(fix, renewal, false);
    expect_refusal(fix, "is not signed, which such a record always is");
}

static void test_strangers_outcome(void **state)
{
    fixture *fix = *state;

    (void)fixture_intend(fix);
    fixture_forge(fix, fixture_make_outcome("2", "held"), true);
    expect_refusal(fix, "which none that is trusted has introduced");
    /* Also where something unsigned hides it. */
    fixture_forge(fix, fixture_make_outcome("2", "unknown"), false);
    expect_refusal(fix, "which none that is trusted has introduced");
}

static void test_changed_lines(void **state)
{
    fixture *fix = *state;
    size_t size = 0;

    fixture_end(fix, fixture_intend(fix), HSMIAM_RESULT_UNKNOWN);
    char *data = fixture_read(fix, &size);
    char *at = strstr(data, "\"result\":\"unknown\"");
    memcpy(at, "\"result\":\"deleted\"", 18);
    fixture_write(fix, data, size);
    expect_refusal(fix, "is not what the audit key signed");
    /* Behind it, its hash tells; no writer would have gone on, though. */
    memcpy(at, "\"result\":\"unknown\"", 18);
    fixture_write(fix, data, size);
    free(data);
    fixture_import(fix);
    data = fixture_read(fix, &size);
    memcpy(strstr(data, "\"result\":\"unknown\""), "\"result\":\"deleted\"", 18);
    fixture_write(fix, data, size);
    free(data);
    found open;
    fixture_reopen(fix);
    assert_int_equal(look(fix, &open), HSMIAM_ERR_LEDGER);
    fixture_expect_message(fix, "does not hang together at record 3");
}

/* A line that the right key signed, for another place. */
static void test_repeated_outcome(void **state)
{
    fixture *fix = *state;
    size_t size = 0;

    fixture_end(fix, fixture_intend(fix), HSMIAM_RESULT_HELD);
    (void)fixture_intend(fix);
    char *data = fixture_read(fix, &size);
    char *line = strstr(data, "\"sequence\":3,") - 1;
    fixture_spoil(fix, line, (size_t)(strchr(line, '\n') + 1 - line));
    free(data);
    expect_refusal(fix, "does not hang together at record");
}

/* A key that nobody introduced, but for a line that says so. */
static void test_forged_introduction(void **state)
{
    fixture *fix = *state;
    hsmiam_record introduction = {{NULL}};
    hsmiam_ledger_facts facts = fixture_facts;
    hsmiam_public_key *half = NULL;
    hsmiam_audit_key key;
    uint64_t intent = 0;

    fixture_import(fix);
    fixture_change_key(fix);
    assert_int_equal(hsmiam_token_find_audit_key(fix->token, true, &key, fix->error), HSMIAM_OK);
    assert_int_equal(hsmiam_public_key_new(key.public_key, key.public_key_size, &half, fix->error),
                     HSMIAM_OK);
    introduction.fields[HSMIAM_FIELD_EVENT] = "audit-key";
    introduction.fields[HSMIAM_FIELD_INTRODUCED_KEY] = hsmiam_public_key_get_fingerprint(half);
    introduction.fields[HSMIAM_FIELD_PUBLIC_KEY] = hsmiam_public_key_get_base64(half);
    for (int sign = 0; sign <= 1; sign++) {
        fixture_forge(fix, introduction, sign > 0);
        fixture_reopen(fix);
        assert_int_equal(hsmiam_ledger_add_intent(fix->ledger, &facts, NULL, -1, 1440938161,
                                                  &intent, fix->error),
                         HSMIAM_ERR_CONFIG);
        fixture_expect_message(fix, "has not introduced that of token");
    }
    hsmiam_public_key_free(&half);
}

/* Where there was no key, what was written is worth what it is; a key that comes later does not
 * open it again. */
static void test_unsigned_beginning(void **state)
{
    fixture *fix = *state;
    found open;

    fixture_remove_key(fix);
    fixture_end(fix, fixture_intend(fix), HSMIAM_RESULT_HELD);
    expect_open(fix, 0, &open);
    fixture_end(fix, fixture_intend(fix), HSMIAM_RESULT_UNKNOWN);
    expect_open(fix, 1, &open);
    assert_true(open.last.is_trusted);
    fixture_change_key(fix);
    fixture_import(fix);
    expect_open(fix, 1, &open);
    assert_int_equal(open.last.sequence, 3);
    assert_false(open.last.is_trusted);
}

/* Somebody took the audit key away, so that nothing is signed any more. */
static void test_signed_ledger_without_key(void **state)
{
    fixture *fix = *state;

    fixture_import(fix);
    fixture_remove_key(fix);
    assert_int_equal(hsmiam_ledger_open(fix->ledger, fix->error), HSMIAM_ERR_CONFIG);
    fixture_expect_message(fix, "has no audit key to go on with");
}

/* An intent says what is settled, and nobody reads behind that. */
static void test_what_is_settled_is_not_read_again(void **state)
{
    fixture *fix = *state;
    uint64_t intent = 0;
    size_t size = 0;
    found open;

    for (int i = 0; i < 3; i++) {
        expect_open(fix, 0, &open);
        intent = fixture_intend(fix);
        fixture_end(fix, intent, HSMIAM_RESULT_HELD);
    }
    assert_true(fixture_file_has(fix, "\"settled\":5"));
    char *data = fixture_read(fix, &size);
    memset(strstr(data, "\"sequence\":4"), 'x', 12);
    fixture_write(fix, data, size);
    expect_open(fix, 0, &open);
    memset(strstr(data, "\"sequence\":6"), 'x', 12);
    fixture_write(fix, data, size);
    free(data);
    assert_int_equal(look(fix, &open), HSMIAM_ERR_LEDGER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_signed_outcome_settles),
        fixture_test(test_unsigned_outcome_settles_nothing),
        fixture_test(test_pending_outcome),
        fixture_test(test_unsigned_renewal),
        fixture_test(test_strangers_outcome),
        fixture_test(test_changed_lines),
        fixture_test(test_repeated_outcome),
        fixture_test(test_forged_introduction),
        fixture_test(test_unsigned_beginning),
        fixture_test(test_signed_ledger_without_key),
        fixture_test(test_what_is_settled_is_not_read_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
