/* SPDX-License-Identifier: Apache-2.0 */
/* What IAM lists, joined with what the tokens hold. */
#include "custody/lifecycle.h"
#include "fixture.h"

#include <stdio.h>
#include <string.h>

#define NOW 1449000000

/* What was reported. */
static hsmiam_key_facts facts[8];
static size_t count;
static char uri[1024];

static void take(void *context, const hsmiam_key_facts *told)
{
    (void)context;
    facts[count] = *told;
    if (told->in_token)
        (void)snprintf(uri, sizeof uri, "%s", told->uri);
    count++;
}

static hsmiam_status list(fixture *fix, const char *user, unsigned size, bool use, char *marker)
{
    count = 0;
    uri[0] = '\0';
    hsmiam_error_clear(fix->error);
    return hsmiam_access_key_list(&fix->client, fix->custody, user, size, use, marker, take, NULL,
                                  fix->error);
}

static void add_two(fixture *fix)
{
    fix->client.service_time = NOW;
    fake_iam_add_key(&fix->client, "alice", NEW_ID);
    fake_iam_add_key(&fix->client, "alice", OTHER_ID);
    (void)mock_add_access_key(OTHER_ID, "alice", NEW_SECRET);
}

static void test_join(void **state)
{
    char marker[HSMIAM_MARKER_SIZE] = "";
    fixture *fix = *state;

    add_two(fix);
    fix->client.keys[1].last_used = NOW - 5;
    assert_int_equal(list(fix, "alice", 0, true, marker), HSMIAM_OK);
    assert_int_equal(count, 2);
    assert_string_equal(marker, "");
    assert_true(facts[0].in_iam && !facts[0].in_token);
    assert_int_equal(facts[0].last_used, NOW - 5);
    assert_int_equal(facts[0].age, NOW - facts[0].create_date);
    assert_true(facts[1].in_token && facts[1].use_known);
    assert_int_equal(facts[1].last_used, -1);
    assert_string_equal(facts[1].token_label, "mock token");
    assert_non_null(strstr(uri, ";object=alice;type=secret-key"));
    assert_true(fix->client.may_cancel);
    assert_int_equal(mock.calls[MOCK_C_UnwrapKey], 0); /* nothing is rehearsed */
}

static void test_pages(void **state)
{
    char marker[HSMIAM_MARKER_SIZE] = "";
    fixture *fix = *state;

    add_two(fix);
    assert_int_equal(list(fix, "alice", 1, false, marker), HSMIAM_OK);
    assert_int_equal(count, 1);
    assert_false(facts[0].use_known);
    assert_string_equal(marker, "1");
    assert_int_equal(list(fix, "alice", 1, false, marker), HSMIAM_OK);
    assert_true(facts[0].in_token);
    assert_string_equal(marker, "");
}

/* Who may list may not be allowed to ask for the last use. */
static void test_use_refused(void **state)
{
    char marker[HSMIAM_MARKER_SIZE] = "";
    fixture *fix = *state;

    add_two(fix);
    fix->client.usage = (fake_answer){HSMIAM_ERR_SERVICE, "AccessDenied"};
    assert_int_equal(list(fix, "alice", 0, true, marker), HSMIAM_OK);
    assert_int_equal(count, 2);
    assert_false(facts[0].use_known || facts[1].use_known);
    assert_int_equal(fix->notices, 1);
    assert_non_null(strstr(fix->log, "GetAccessKeyLastUsed: AccessDenied"));
    fix->client.usage = (fake_answer){HSMIAM_ERR_NETWORK, ""};
    assert_int_equal(list(fix, "alice", 0, true, marker), HSMIAM_ERR_NETWORK);
    assert_int_equal(count, 0);
}

static void test_failures(void **state)
{
    char marker[HSMIAM_MARKER_SIZE] = "";
    fixture *fix = *state;

    add_two(fix);
    assert_int_equal(list(fix, "a b", 0, true, marker), HSMIAM_ERR_ARGUMENT);
    assert_int_equal(list(fix, "alice", 1001, true, marker), HSMIAM_ERR_ARGUMENT);
    assert_int_equal(fix->client.lists, 0);
    mock_fail(MOCK_C_FindObjectsInit, 0, CKR_FUNCTION_FAILED);
    assert_int_equal(list(fix, "alice", 0, true, marker), HSMIAM_ERR_TOKEN);
    mock_stop_failing();
    fix->client.list_before = (fake_answer){HSMIAM_ERR_SERVICE, "NoSuchEntity"};
    assert_int_equal(list(fix, "alice", 0, true, marker), HSMIAM_ERR_SERVICE);
    assert_int_equal(count, 0);
}

static void test_last_used(void **state)
{
    fixture *fix = *state;

    count = 0;
    fix->client.keys[0].last_used = NOW;
    assert_int_equal(hsmiam_access_key_get_last_used(&fix->client, fix->custody, ROOT_ID, take,
                                                     NULL, fix->error),
                     HSMIAM_OK);
    assert_int_equal(count, 1);
    assert_int_equal(facts[0].last_used, NOW);
    assert_true(facts[0].in_token);
    assert_int_equal(hsmiam_access_key_get_last_used(&fix->client, fix->custody, "short", take,
                                                     NULL, fix->error),
                     HSMIAM_ERR_ARGUMENT);
    assert_int_equal(
        hsmiam_access_key_get_last_used(&fix->client, fix->custody, NEW_ID, take, NULL, fix->error),
        HSMIAM_ERR_SERVICE);
    assert_int_equal(count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_join),     fixture_test(test_pages),     fixture_test(test_use_refused),
        fixture_test(test_failures), fixture_test(test_last_used),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
