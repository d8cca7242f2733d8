/* SPDX-License-Identifier: Apache-2.0 */
/* Open intents while the ledger grows: nobody's is missed, whoever wrote it. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static hsmiam_ledger_watch *watch;

static void start(fixture *fix)
{
    hsmiam_ledger_watch_free(&watch);
    assert_int_equal(hsmiam_ledger_watch_new(fix->ledger, &watch, fix->error), HSMIAM_OK);
}

static int tear_down(void **state)
{
    hsmiam_ledger_watch_free(&watch);
    return fixture_tear_down(state);
}

static void expect(fixture *fix, const char *user_name, bool expected)
{
    bool perhaps = !expected;

    assert_int_equal(hsmiam_ledger_watch_ask(watch, user_name, &perhaps, fix->error), HSMIAM_OK);
    assert_int_equal(perhaps, expected);
}

/* An intent for a user; NULL: the credential's own. */
static uint64_t intend_for(hsmiam_ledger *ledger, const char *user_name)
{
    hsmiam_ledger_facts facts = fixture_facts;
    uint64_t intent = 0;

    facts.user_name = user_name;
    assert_int_equal(hsmiam_ledger_add_intent(ledger, &facts, NULL, -1, 1440938160, &intent, NULL),
                     HSMIAM_OK);
    return intent;
}

static void follows_what_is_written(void **state)
{
    fixture *fix = *state;

    start(fix);
    expect(fix, "Bob", false);
    uint64_t bob = intend_for(fix->ledger, "Bob");
    expect(fix, "Bob", true);
    expect(fix, "bOB", true);
    expect(fix, "Alice", false);
    uint64_t alice = intend_for(fix->ledger, "Alice");
    fixture_end(fix, bob, HSMIAM_RESULT_HELD);
    expect(fix, "Bob", false);
    expect(fix, "Alice", true);
    fixture_end(fix, alice, HSMIAM_RESULT_UNKNOWN);
    expect(fix, "Alice", true);
    fixture_end(fix, alice, HSMIAM_RESULT_REFUSED);
    expect(fix, "Alice", false);
}

static void begins_with_what_is_open(void **state)
{
    fixture *fix = *state;

    fixture_end(fix, intend_for(fix->ledger, "Eve"), HSMIAM_RESULT_HELD);
    uint64_t bob = intend_for(fix->ledger, "Bob");
    start(fix);
    expect(fix, "Bob", true);
    expect(fix, "Eve", false);
    fixture_end(fix, bob, HSMIAM_RESULT_DELETED);
    expect(fix, "Bob", false);
}

/* Whose it is may be anybody's. */
static void the_credentials_own_user_is_anyone(void **state)
{
    fixture *fix = *state;

    start(fix);
    uint64_t own = intend_for(fix->ledger, NULL);
    expect(fix, "Bob", true);
    fixture_end(fix, own, HSMIAM_RESULT_HELD);
    expect(fix, "Bob", false);
}

static void sees_other_writers(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger *other = NULL;

    start(fix);
    assert_int_equal(hsmiam_ledger_new(fix->path, &other, fix->error), HSMIAM_OK);
    hsmiam_ledger_set_token(other, fix->token);
    (void)intend_for(other, "Bob");
    hsmiam_ledger_free(&other);
    expect(fix, "Bob", true);
}

/* An outcome that nobody signed settles nothing. */
static void believes_signatures_only(void **state)
{
    fixture *fix = *state;
    size_t size = 0;

    start(fix);
    uint64_t bob = intend_for(fix->ledger, "Bob");
    char *before = fixture_read(fix, &size);
    fixture_end(fix, bob, HSMIAM_RESULT_HELD);
    char *after = fixture_read(fix, &size);
    char *result = strstr(after + strlen(before), "held");
    assert_non_null(result);
    char *signature = strstr(result, "\"sig\":\"");
    assert_non_null(signature);
    signature[strlen("\"sig\":\"") + 20] ^= 1;
    fixture_write(fix, after, size);
    expect(fix, "Bob", true);
    free(after);
    free(before);
}

/* A line that has no end yet is read when it has one. */
static void waits_for_the_end_of_a_line(void **state)
{
    fixture *fix = *state;
    size_t size = 0;
    size_t before = 0;

    (void)intend_for(fix->ledger, "Eve");
    free(fixture_read(fix, &before));
    (void)intend_for(fix->ledger, "Bob");
    char *text = fixture_read(fix, &size);
    assert_int_equal(truncate(fix->path, (off_t)before + 30), 0);
    start(fix);
    expect(fix, "Bob", false);
    FILE *file = fopen(fix->path, "a");
    assert_non_null(file);
    assert_int_equal(fwrite(text + before + 30, 1, size - before - 30, file), size - before - 30);
    assert_int_equal(fclose(file), 0);
    expect(fix, "Bob", true);
    free(text);
}

static void follows_the_path(void **state)
{
    fixture *fix = *state;
    char away[160];

    start(fix);
    (void)intend_for(fix->ledger, "Bob");
    expect(fix, "Bob", true);
    (void)snprintf(away, sizeof away, "%s.old", fix->path);
    assert_int_equal(rename(fix->path, away), 0);
    (void)intend_for(fix->ledger, "Eve");
    expect(fix, "Bob", false);
    expect(fix, "Eve", true);
    assert_int_equal(unlink(away), 0);
}

static void a_ledger_that_shrinks(void **state)
{
    fixture *fix = *state;
    bool perhaps = false;

    start(fix);
    (void)intend_for(fix->ledger, "Bob");
    expect(fix, "Bob", true);
    assert_int_equal(truncate(fix->path, 10), 0);
    assert_int_equal(hsmiam_ledger_watch_ask(watch, "Bob", &perhaps, fix->error),
                     HSMIAM_ERR_LEDGER);
    fixture_expect_message(fix, "became shorter");
}

int main(void)
{
#define watch_test(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, tear_down)
    const struct CMUnitTest tests[] = {
        watch_test(follows_what_is_written),
        watch_test(begins_with_what_is_open),
        watch_test(the_credentials_own_user_is_anyone),
        watch_test(sees_other_writers),
        watch_test(believes_signatures_only),
        watch_test(waits_for_the_end_of_a_line),
        watch_test(follows_the_path),
        watch_test(a_ledger_that_shrinks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
