/* SPDX-License-Identifier: Apache-2.0 */
/* What a command prints and comes to that goes through a file of users. */
#include "check.h"
#include "run_tool.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define CREDENTIAL "--credential", "pkcs11:token=t;object=root?pin-value=sEcReT"
#define BATCH(...)                                                                                 \
    RUN_WITH(&result, __VA_ARGS__, "batch-create-access-key", "--user-names", "-", CREDENTIAL)
#define RESUME(...)                                                                                \
    RUN_WITH(&result, __VA_ARGS__, "batch-create-access-key", "--user-names", "-", "--resume",     \
             CREDENTIAL)
#define KEY                                                                                        \
    "\"AccessKeyId\": \"AKIAIOSFODNN7EXAMPLE\", \"Status\": \"Active\", "                          \
    "\"SecretAccessKeyUri\": \"pkcs11:token=label;object=Bob;type=secret-key\", "                  \
    "\"CreateDate\": \"2026-11-24T07:39:10+00:00\"}\n"

static run_result result;

static int prepare(void **state)
{
    (void)state;
    fake = (fake_state){0};
    setenv("AWS_CONFIG_FILE", "/nonexistent/config", 1);
    return 0;
}

static int check(void **state)
{
    (void)state;
    assert_int_equal(result.fake.live, 0);
    assert_lacks(result.out, "sEcReT");
    assert_lacks(result.err, "sEcReT");
    return 0;
}

static void prints_a_line_for_each(void **state)
{
    (void)state;
    BATCH("Bob\nAlice\n");
    assert_int_equal(result.code, 0);
    assert_string_equal(result.out,
                        "{\"UserName\": \"Bob\", " KEY "{\"UserName\": \"Alice\", " KEY);
    assert_contains(result.err, "hsmiam: 2 of 2 users done, 0 failed; ");
    assert_lacks(result.err, "\r");
    assert_int_equal(result.fake.concurrency, HSMIAM_BATCH_CONCURRENCY_DEFAULT);
}

/* A notice that comes for each of many says nothing new. */
static void gives_a_notice_once(void **state)
{
    const char *first = NULL;

    (void)state;
    BATCH("Bob\nAlice\nEve\n");
    first = strstr(result.err, "hsmiam: warning: a notice");
    assert_non_null(first);
    assert_null(strstr(first + 1, "hsmiam: warning: a notice"));
}

static void goes_on_after_a_failure(void **state)
{
    (void)state;
    fake.fail_at = FAKE_USER;
    fake.fail_user = "Alice";
    fake.status = HSMIAM_ERR_SERVICE;
    fake.code_name = "NoSuchEntity";
    fake.message = "The user with name \"Alice\" cannot be found.";
    BATCH("Alice\nBob\n");
    assert_int_equal(result.code, 255);
    assert_string_equal(result.out,
                        "{\"UserName\": \"Alice\", \"Error\": {\"Code\": \"NoSuchEntity\", "
                        "\"Message\": \"The user with name \\\"Alice\\\" cannot be found.\"}}\n"
                        "{\"UserName\": \"Bob\", " KEY);
    assert_contains(result.err, "hsmiam: 1 of 2 users done, 1 failed; ");
    assert_contains(result.err, "1 users failed");
    fake.status = HSMIAM_ERR_UNSETTLED;
    BATCH("Alice\n");
    assert_int_equal(result.code, 255);
    assert_contains(result.out, "\"Code\": \"Unsettled\"");
}

static void says_what_stopped_it(void **state)
{
    (void)state;
    fake.fail_at = FAKE_USER;
    fake.fail_user = "Bob";
    fake.status = HSMIAM_ERR_PIN;
    fake.failure_stops = true;
    BATCH("Alice\nBob\nEve\n");
    assert_int_equal(result.code, 255);
    assert_contains(result.out, "\"Code\": \"PinFailure\"");
    assert_lacks(result.out, "Eve");
    assert_contains(result.err, "1 of 3 users done, 1 failed, 1 not begun;");
    assert_contains(result.err, "It failed on order.\nThat stopped the whole");
}

/* What comes before the first user is as with one key. */
static void fails_before_the_first(void **state)
{
    (void)state;
    fake.fail_at = FAKE_BATCH;
    fake.status = HSMIAM_ERR_PIN;
    BATCH("Bob\n");
    assert_int_equal(result.code, 253);
    assert_string_equal(result.out, "");
    assert_string_equal(result.err, "\nIt failed on order.\n");
    fake.fail_at = FAKE_NOWHERE;
    BATCH("Bob\nBob\n");
    assert_int_equal(result.code, 252);
    assert_int_equal(result.fake.tokens, 0);
    assert_contains(result.err, "standard input, line 2: the user of line 1 once more");
    RUN(&result, "batch-create-access-key", CREDENTIAL);
    assert_int_equal(result.code, 252);
    assert_contains(result.err, "the following arguments are required: --user-names");
}

static void limits_how_many_at_a_time(void **state)
{
    (void)state;
    RUN_WITH(&result, "Bob\n", "batch-create-access-key", "--user-names", "-", "--max-concurrency",
             "3", CREDENTIAL);
    assert_int_equal(result.fake.concurrency, 3);
    RUN_WITH(&result, "Bob\n", "batch-create-access-key", "--user-names", "-", "--max-concurrency",
             "65", CREDENTIAL);
    assert_int_equal(result.code, 252);
    RUN_WITH(&result, "Bob\n", "batch-create-access-key", "--user-names", "-", "--max-concurrency",
             "0", CREDENTIAL);
    assert_int_equal(result.code, 252);
}

static void resumes(void **state)
{
    static const char *const held[] = {"alice", "Mallory", NULL};
    static const hsmiam_recovery open = {.state = HSMIAM_RECOVERY_OPEN,
                                         .result = "",
                                         .user_name = "Eve",
                                         .access_key_id = "",
                                         .reason = "",
                                         .candidates = ""};

    (void)state;
    fake.held = held;
    fake.recoveries = &open;
    fake.recovery_count = 1;
    RESUME("Bob\nAlice\n");
    assert_int_equal(result.code, 0);
    assert_string_equal(result.out, "{\"UserName\": \"Bob\", " KEY);
    assert_contains(result.err, "1 of 2 users done, 1 had a key before, 0 failed;");
    assert_int_equal(result.fake.recover_calls, 1);
    assert_false(result.fake.dry_run);
    BATCH("Bob\nAlice\n");
    assert_int_equal(result.fake.recover_calls, 0);
    assert_contains(result.err, "2 of 2 users done");
    fake.fail_at = FAKE_HELD;
    fake.status = HSMIAM_ERR_LEDGER;
    RESUME("Bob\n");
    assert_int_equal(result.code, 255);
    assert_string_equal(result.out, "");
}

static void stops_for_a_signal(void **state)
{
    (void)state;
    fake.raise_signal = SIGINT;
    BATCH("Bob\nAlice\n");
    assert_int_equal(result.code, 130);
    assert_string_equal(result.out, "{\"UserName\": \"Bob\", " KEY);
    assert_contains(result.err, "1 of 2 users done, 0 failed, 1 not begun;");
    assert_contains(result.err, "Interrupted.");
}

static void says_where_lines_are_lost(void **state)
{
    char path[] = "/tmp/hsmiam-batch-XXXXXX";
    FILE *stream = fdopen(mkstemp(path), "w");

    (void)state;
    assert_non_null(stream);
    assert_true(fputs("Bob\nAlice\n", stream) >= 0);
    assert_int_equal(fclose(stream), 0);
    RUN_TO(&result, "/dev/full", "batch-create-access-key", "--user-names", path, CREDENTIAL);
    assert_int_equal(remove(path), 0);
    assert_int_equal(result.code, 255);
    assert_contains(result.err, "could not be written to standard output: No space left");
    assert_contains(result.err, "hsmiam audit show");
}

int main(void)
{
#define tool_test(test) cmocka_unit_test_setup_teardown(test, prepare, check)
    const struct CMUnitTest tests[] = {
        tool_test(prints_a_line_for_each),
        tool_test(gives_a_notice_once),
        tool_test(goes_on_after_a_failure),
        tool_test(says_what_stopped_it),
        tool_test(fails_before_the_first),
        tool_test(limits_how_many_at_a_time),
        tool_test(resumes),
        tool_test(stops_for_a_signal),
        tool_test(says_where_lines_are_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
