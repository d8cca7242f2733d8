/* SPDX-License-Identifier: Apache-2.0 */
/* What writers put on record, one or many at once. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* SPDX-License-Identifier: Apache-2.0 */
/* What writers leave: chains, seals, introductions, pending lines; and what they refuse. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "token/cryptoki.h"

static void test_first_record_introduces_the_key(void **state)
{
    fixture *fix = *state;
    struct stat information;

    fixture_import(fix);
    assert_int_equal(fixture_count_lines(fix), 2);
    fixture_expect_intact(fix, 2);
    assert_int_equal(fix->findings[HSMIAM_LEDGER_TRUST], 1);
    assert_int_equal(stat(fix->path, &information), 0);
    assert_int_equal(information.st_mode & 07137, 0);
}

static void test_intent_and_outcome(void **state)
{
    fixture *fix = *state;
    uint64_t intent = fixture_intend(fix);

    assert_int_equal(intent, 2);
    assert_int_equal(
        hsmiam_ledger_add_renewal(fix->ledger, &fixture_facts, intent, 1440938170, fix->error),
        HSMIAM_OK);
    fixture_end(fix, intent, HSMIAM_RESULT_HELD);
    fixture_expect_intact(fix, 4);
    assert_true(fixture_file_has(fix, "\"intent\":2,\"result\":\"held\""));
    assert_true(fixture_file_has(fix, "\"request_time\":\"2015-08-30T12:36:10Z\""));
    assert_true(hsmiam_result_is_final(HSMIAM_RESULT_DELETED));
    assert_false(hsmiam_result_is_final(HSMIAM_RESULT_UNKNOWN));
}

static void test_intent_of_what_is_not_known(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = fixture_facts;
    uint64_t intent = 0;

    facts.user_name = NULL;
    facts.wrapping_key = "";
    assert_int_equal(
        hsmiam_ledger_add_intent(fix->ledger, &facts, NULL, -1, 1440938161, &intent, fix->error),
        HSMIAM_OK);
    assert_false(fixture_file_has(fix, "keys_before"));
    assert_false(fixture_file_has(fix, "iam_time"));
    assert_false(fixture_file_has(fix, "user_name"));
    fixture_expect_intact(fix, 2);
}

static void test_two_ledgers_on_one_file(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger *other = NULL;
    hsmiam_ledger *mine = fix->ledger;

    assert_int_equal(hsmiam_ledger_new(fix->path, &other, fix->error), HSMIAM_OK);
    hsmiam_ledger_set_token(other, fix->token);
    for (int i = 0; i < 4; i++) {
        fixture_import(fix);
        fix->ledger = other;
        fixture_import(fix);
        fix->ledger = mine;
    }
    hsmiam_ledger_free(&other);
    fixture_expect_intact(fix, 9);
}

static void test_token_without_audit_key(void **state)
{
    fixture *fix = *state;

    fixture_remove_key(fix);
    fixture_import(fix);
    fixture_import(fix);
    assert_int_equal(fix->notices, 1);
    assert_non_null(strstr(fix->log, "has no audit key"));
    fixture_expect_fault(fix, HSMIAM_FAULT_UNSIGNED, 1);
    fixture_expect_message(fix, "the whole ledger has no signature");
    assert_int_equal(fix->verdict.unsettled, 2);
    hsmiam_ledger_set_allow_unsigned(fix->ledger, true);
    fixture_expect_intact(fix, 2);
    assert_int_equal(fix->findings[HSMIAM_LEDGER_PENDING], 1);

    fixture_change_key(fix);
    fixture_import(fix);
    fixture_expect_intact(fix, 5);
    assert_int_equal(fix->verdict.unsettled, 0);
    assert_int_equal(fix->verdict.pending, 2);
    assert_true(fixture_file_has(fix, "\"event\":\"countersign\""));
    assert_true(fixture_file_has(fix, "\"first_pending\":1"));
}

/* Where IAM may have made a key already, the record must be made although the token is gone. */
static void test_outcome_without_the_token(void **state)
{
    fixture *fix = *state;
    uint64_t intent = fixture_intend(fix);
    uint64_t none = 0;

    mock_fail(MOCK_C_Sign, 0, CKR_DEVICE_REMOVED);
    fixture_end(fix, intent, HSMIAM_RESULT_UNDELETED);
    assert_int_equal(hsmiam_ledger_add_intent(fix->ledger, &fixture_facts, NULL, -1, 1440938161,
                                              &none, fix->error),
                     HSMIAM_ERR_TOKEN);
    mock_stop_failing();
    fixture_expect_fault(fix, HSMIAM_FAULT_UNSIGNED, 3);
    assert_int_equal(fix->verdict.unsettled, 1);
    fixture_import(fix);
    fixture_expect_intact(fix, 5);
    assert_int_equal(fix->verdict.pending, 1);
    assert_true(fixture_file_has(fix, "\"first_pending\":3"));
}

#define WRITERS 8
#define WRITES  12

static hsmiam_status write_some(hsmiam_ledger *ledger)
{
    hsmiam_status status = HSMIAM_OK;
    hsmiam_ledger_facts facts = fixture_facts;

    facts.access_key_id = OTHER_ID;
    facts.partition = facts.endpoint = facts.credential_id = NULL;
    for (int i = 0; i < WRITES && status == HSMIAM_OK; i++)
        status = hsmiam_ledger_add_import(ledger, &facts, NULL);
    return status;
}

static void test_processes_at_once(void **state)
{
    fixture *fix = *state;
    pid_t children[WRITERS];
    int status = 0;

    for (int i = 0; i < WRITERS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            hsmiam_ledger *own = NULL;
            hsmiam_token *token = NULL; /* the parent's is the parent's */
            bool done = hsmiam_ledger_new(fix->path, &own, NULL) == HSMIAM_OK &&
                        hsmiam_token_new(TOKEN, &token, NULL) == HSMIAM_OK;
            if (done) {
                hsmiam_token_set_modules(token, mock_get_modules());
                hsmiam_ledger_set_token(own, token);
            }
            _exit(done && write_some(own) == HSMIAM_OK ? 0 : 1);
        }
    }
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    fixture_expect_intact(fix, 1 + WRITERS * WRITES);
}

static void *write_as_thread(void *context)
{
    return write_some(context) == HSMIAM_OK ? context : NULL;
}

static void test_threads_at_once(void **state)
{
    fixture *fix = *state;
    pthread_t threads[WRITERS];
    void *result = NULL;

    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_as_thread, fix->ledger), 0);
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, fix->ledger);
    }
    fixture_expect_intact(fix, 1 + WRITERS * WRITES);
}

static void test_no_token(void **state)
{
    fixture *fix = *state;
    uint64_t intent = 0;

    hsmiam_ledger_set_token(fix->ledger, NULL);
    assert_int_equal(hsmiam_ledger_add_intent(fix->ledger, &fixture_facts, NULL, -1, 1440938161,
                                              &intent, fix->error),
                     HSMIAM_ERR_CONFIG);
    assert_int_equal(hsmiam_ledger_new("", &fix->ledger, fix->error), HSMIAM_ERR_ARGUMENT);
}

static void keep_text(void *context, const char *text)
{
    char *to = context;

    (void)snprintf(to, HSMIAM_LINE_MAX, "%s", text);
}

static void test_mirror(void **state)
{
    static char last[HSMIAM_LINE_MAX];
    fixture *fix = *state;
    size_t size = 0;

    hsmiam_ledger_set_mirror(fix->ledger, keep_text, last);
    fixture_import(fix);
    char *data = fixture_read(fix, &size);
    assert_non_null(strstr(data, last));
    assert_string_equal(strstr(data, last) + strlen(last), "\n");
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_first_record_introduces_the_key),
        fixture_test(test_intent_and_outcome),
        fixture_test(test_intent_of_what_is_not_known),
        fixture_test(test_two_ledgers_on_one_file),
        fixture_test(test_token_without_audit_key),
        fixture_test(test_outcome_without_the_token),
        fixture_test(test_processes_at_once),
        fixture_test(test_threads_at_once),
        fixture_test(test_no_token),
        fixture_test(test_mirror),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
