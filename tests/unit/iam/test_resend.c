/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that are sent again, and calls that are not. */

#include "support/cmocka_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client_fixture.h"

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

#define ERROR_ANSWER(status, headers, code, message)                                               \
    HTTP(status, headers "Connection: close\r\n", ANSWER_ERROR(code, message))
#define THROTTLED ERROR_ANSWER("400 Bad", "", "Throttling", "Slow.")
#define FAILED    ERROR_ANSWER("500 Oops", "", "InternalFailure", "Oops.")
#define CREATED   HTTP("200 OK", "Connection: close\r\n", ANSWER_CREATED)
#define LISTED    HTTP("200 OK", "Connection: close\r\n", ANSWER_LIST("", ANSWER_LAST_PAGE))
#define LIST_PAGE                                                                                  \
    HTTP("200 OK", "Connection: close\r\n",                                                        \
         ANSWER_LIST(ANSWER_MEMBER("AKIAIOSFODNN7EXAMPL1"), ANSWER_MORE_PAGES))
#define LIST_END                                                                                   \
    HTTP("200 OK", "Connection: close\r\n",                                                        \
         ANSWER_LIST(ANSWER_MEMBER("AKIAIOSFODNN7EXAMPL2"), ANSWER_LAST_PAGE))

#define CLOSES(text)                                                                               \
    {                                                                                              \
        .answer = text, .then = SERVER_CLOSES                                                      \
    }

static const struct {
    server_step script[4];
    unsigned attempts; /* 0: the default */
    hsmiam_status created;
    size_t creates; /* requests */
    hsmiam_status listed;
    size_t lists;
} rows[] = {
    {{CLOSES(CREATED)}, 0, HSMIAM_OK, 1, HSMIAM_ERR_REPLY, 1},
    {{CLOSES(LISTED)}, 0, HSMIAM_ERR_REPLY, 1, HSMIAM_OK, 1},
    /* throttled until it is not */
    {{CLOSES(THROTTLED), CLOSES(CREATED)}, 0, HSMIAM_OK, 2, HSMIAM_ERR_REPLY, 2},
    {{CLOSES(THROTTLED), CLOSES(THROTTLED), CLOSES(LISTED)}, 0, HSMIAM_ERR_REPLY, 3, HSMIAM_OK, 3},
    {{CLOSES(THROTTLED), CLOSES(THROTTLED), CLOSES(CREATED)},
     2,
     HSMIAM_ERR_SERVICE,
     2,
     HSMIAM_ERR_SERVICE,
     2},
    {{CLOSES(THROTTLED), CLOSES(CREATED)}, 1, HSMIAM_ERR_SERVICE, 1, HSMIAM_ERR_SERVICE, 1},
    {{CLOSES(THROTTLED), CLOSES(THROTTLED), CLOSES(THROTTLED), CLOSES(CREATED)},
     4,
     HSMIAM_OK,
     4,
     HSMIAM_ERR_REPLY,
     4},
    /* perhaps executed: one request, and no more */
    {{CLOSES(FAILED), CLOSES(LISTED)}, 9, HSMIAM_ERR_UNKNOWN_OUTCOME, 1, HSMIAM_OK, 2},
    {{CLOSES(ERROR_ANSWER("503 Busy", "Retry-After: 1\r\n", "ServiceUnavailable", "Busy.")),
      CLOSES(LISTED)},
     9,
     HSMIAM_ERR_UNKNOWN_OUTCOME,
     1,
     HSMIAM_OK,
     2},
    {{CLOSES(NULL), CLOSES(LISTED)}, 9, HSMIAM_ERR_UNKNOWN_OUTCOME, 1, HSMIAM_OK, 2},
    {{{.then = SERVER_RESETS}, CLOSES(LISTED)}, 9, HSMIAM_ERR_UNKNOWN_OUTCOME, 1, HSMIAM_OK, 2},
    {{CLOSES("HTTP/1.1 200 OK\r\n\r\n<"), CLOSES(LISTED)},
     9,
     HSMIAM_ERR_UNKNOWN_OUTCOME,
     1,
     HSMIAM_OK,
     2},
    {{CLOSES(THROTTLED), CLOSES(NULL), CLOSES(LISTED)},
     9,
     HSMIAM_ERR_UNKNOWN_OUTCOME,
     2,
     HSMIAM_OK,
     3},
    {{CLOSES(FAILED), CLOSES(FAILED), CLOSES(FAILED), CLOSES(LISTED)},
     0,
     HSMIAM_ERR_UNKNOWN_OUTCOME,
     1,
     HSMIAM_ERR_UNKNOWN_OUTCOME,
     3},
    /* refused, or answered by something else */
    {{CLOSES(ERROR_ANSWER("409 Conflict", "", "LimitExceeded", "Two.")), CLOSES(LISTED)},
     9,
     HSMIAM_ERR_SERVICE,
     1,
     HSMIAM_ERR_SERVICE,
     1},
    {{CLOSES(HTTP("200 OK", "Connection: close\r\n", "<html/>")), CLOSES(LISTED)},
     9,
     HSMIAM_ERR_REPLY,
     1,
     HSMIAM_ERR_REPLY,
     1},
};

static size_t count_lines(const char *log, const char *text)
{
    size_t count = 0;

    for (log = strstr(log, text); log != NULL; log = strstr(log + 1, text))
        count++;
    return count;
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * COUNT(rows); i++) {
        bool creates = i % 2 == 0;
        size_t requests = creates ? rows[i / 2].creates : rows[i / 2].lists;
        client_fixture fixture;
        hsmiam_key_list list;

        client_fixture_start(&fixture, rows[i / 2].script, 4);
        hsmiam_client_set_max_attempts(fixture.client, rows[i / 2].attempts);
        hsmiam_status status = creates ? client_fixture_create(&fixture)
                                       : hsmiam_client_list_access_keys(fixture.client, "Bob", true,
                                                                        &list, fixture.error);
        if (status != (creates ? rows[i / 2].created : rows[i / 2].listed))
            fail_msg("row %zu: %d %s", i, (int)status, hsmiam_error_get_message(fixture.error));
        assert_int_equal(server_count_requests(fixture.server), requests);
        assert_int_equal(fake.signed_count, requests);
        assert_int_equal(count_lines(fixture.log, " is sent again in "), requests - 1);
        assert_int_equal(fixture.notices, 0);
        client_fixture_assert_secret(&fixture, status == HSMIAM_OK && creates);
        if (status != HSMIAM_OK)
            assert_int_equal(hsmiam_error_get_status(fixture.error), status);
        client_fixture_stop(&fixture);
    }
}

/* Whoever wants no error record gets the same. */
static void test_without_an_error_record(void **state)
{
    const server_step script[] = {CLOSES(THROTTLED), CLOSES(FAILED), CLOSES(CREATED)};
    client_fixture fixture;

    (void)state;
    client_fixture_start(&fixture, script, COUNT(script));
    assert_int_equal(
        hsmiam_client_create_access_key(fixture.client, "Bob", &fixture.key, fixture.secret, NULL),
        HSMIAM_ERR_UNKNOWN_OUTCOME);
    assert_int_equal(server_count_requests(fixture.server), 2);
    client_fixture_stop(&fixture);
}

/* A page that is read twice is in the list once. */
static void test_pages_of_a_list(void **state)
{
    const server_step script[] = {
        CLOSES(LIST_PAGE),
        CLOSES("HTTP/1.1 200 OK\r\n\r\n"
               "<ListAccessKeysResponse><ListAccess"
               "KeysResult><AccessKeyMetadata>" ANSWER_MEMBER("AKIAIOSFODNN7EXAMPL3")),
        CLOSES(LIST_END)};
    client_fixture fixture;
    hsmiam_key_list list;

    (void)state;
    client_fixture_start(&fixture, script, COUNT(script));
    assert_int_equal(
        hsmiam_client_list_access_keys(fixture.client, NULL, true, &list, fixture.error),
        HSMIAM_OK);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.keys[0].id, "AKIAIOSFODNN7EXAMPL1");
    assert_string_equal(list.keys[1].id, "AKIAIOSFODNN7EXAMPL2");
    client_fixture_stop(&fixture);
}

static void test_refused_connection(void **state)
{
    client_fixture fixture;
    char url[64];

    (void)state;
    client_fixture_start(&fixture, NULL, 0);
    test_server *other = server_start(NULL, 0);
    (void)snprintf(url, sizeof url, "%s", server_get_url(other, "http"));
    server_stop(&other);
    assert_int_equal(hsmiam_client_set_endpoint(fixture.client, url, NULL), HSMIAM_OK);
    hsmiam_client_set_max_attempts(fixture.client, 20);
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_ERR_NETWORK);
    assert_int_equal(count_lines(fixture.log, "there was no connection"), 19);
    assert_true(client_fixture_slept < 20 * 1000);
    assert_int_equal(fake.signed_count, 0);
    client_fixture_stop(&fixture);
}

static hsmiam_status fail_second_time(void *context, hsmiam_error *error)
{
    int *calls = context;

    return ++*calls == 2 ? hsmiam_error_set(error, HSMIAM_ERR_NETWORK, "No way.") : HSMIAM_OK;
}

/* If a deletion was perhaps executed and then nobody can be reached, it perhaps was. */
static void test_unreachable_after_unknown(void **state)
{
    const server_step script[] = {CLOSES(NULL)};
    client_fixture fixture;
    int calls = 0;

    (void)state;
    client_fixture_start(&fixture, script, COUNT(script));
    hsmiam_client_set_ready(fixture.client, fail_second_time, &calls);
    assert_int_equal(
        hsmiam_client_delete_access_key(fixture.client, "Bob", ANSWER_ID, fixture.error),
        HSMIAM_ERR_UNKNOWN_OUTCOME);
    assert_string_equal(hsmiam_error_get_message(fixture.error), "No way.");
    assert_int_equal(hsmiam_error_get_status(fixture.error), HSMIAM_ERR_UNKNOWN_OUTCOME);
    client_fixture_stop(&fixture);
}

static void test_retry_after(void **state)
{
    static const struct {
        const char *answer;
        unsigned least; /* milliseconds */
        unsigned most;
    } waits[] = {
        {THROTTLED, 0, 1000},
        {ERROR_ANSWER("400 Bad", "Retry-After: 7\r\n", "Throttling", "Slow."), 7000, 7000},
        {ERROR_ANSWER("400 Bad", "Retry-After: 86400\r\n", "Throttling", "Slow."), 60000, 60000},
        {ERROR_ANSWER("503 Busy",
                      "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                      "Retry-After: Sun, 06 Nov 1994 08:49:49 GMT\r\n",
                      "SlowDown", "Slow."),
         12000, 12000},
        {ERROR_ANSWER("400 Bad", "Retry-After: Sun, 06 Nov 1994 08:49:49 GMT\r\n", "Throttling",
                      "Slow."),
         0, 1000},
        {ERROR_ANSWER("400 Bad", "Retry-After: nonsense\r\n", "Throttling", "Slow."), 0, 1000},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(waits); i++) {
        const server_step script[] = {{.answer = waits[i].answer, .then = SERVER_CLOSES},
                                      CLOSES(CREATED)};
        client_fixture fixture;
        client_fixture_start(&fixture, script, COUNT(script));
        assert_int_equal(client_fixture_create(&fixture), HSMIAM_OK);
        assert_in_range(client_fixture_slept, waits[i].least, waits[i].most);
        client_fixture_stop(&fixture);
    }
}

/* ---------------------------------------------------------------------------------- cancelling */

static bool is_waiting(void *context)
{
    (void)context;
    return client_fixture_slept >= 200;
}

static void test_waiting_ends_when_told(void **state)
{
    static const char answer[] =
        ERROR_ANSWER("400 Bad", "Retry-After: 30\r\n", "Throttling", "Slow.");
    const server_step script[] = {CLOSES(answer), CLOSES(answer), CLOSES(answer),
                                  CLOSES(HTTP("200 OK", "Connection: close\r\n", ANSWER_DELETED))};
    client_fixture fixture;
    hsmiam_key_list list;

    (void)state;
    client_fixture_start(&fixture, script, COUNT(script));
    hsmiam_client_set_cancel(fixture.client, is_waiting, NULL);
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_ERR_CANCELLED);
    assert_string_equal(hsmiam_error_get_message(fixture.error),
                        "The request was stopped before it was sent again.");
    assert_int_equal(client_fixture_slept, 200);
    client_fixture_slept = 0;
    assert_int_equal(
        hsmiam_client_list_access_keys(fixture.client, NULL, true, &list, fixture.error),
        HSMIAM_ERR_CANCELLED);
    assert_int_equal(client_fixture_slept, 200);
    /* Where a key may be lost, nobody is asked. */
    client_fixture_slept = 0;
    assert_int_equal(
        hsmiam_client_delete_access_key(fixture.client, NULL, ANSWER_ID, fixture.error), HSMIAM_OK);
    assert_int_equal(client_fixture_slept, 30000);
    assert_int_equal(server_count_requests(fixture.server), 4);
    client_fixture_stop(&fixture);
}

/* A change that was perhaps made is not given up half-way. */
static void test_an_unknown_change_is_finished(void **state)
{
    const server_step script[] = {
        CLOSES(ERROR_ANSWER("500 Oops", "Retry-After: 30\r\n", "InternalFailure", "Oops.")),
        CLOSES(HTTP("200 OK", "Connection: close\r\n",
                    "<UpdateAccessKeyResponse" ANSWER_NAMESPACE "/>"))};
    client_fixture fixture;

    (void)state;
    client_fixture_start(&fixture, script, COUNT(script));
    hsmiam_client_set_cancel(fixture.client, is_waiting, NULL);
    client_fixture_slept = 0;
    assert_int_equal(hsmiam_client_update_access_key(fixture.client, NULL, ANSWER_ID, "Inactive",
                                                     true, fixture.error),
                     HSMIAM_OK);
    client_fixture_stop(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_without_an_error_record),
        cmocka_unit_test(test_pages_of_a_list),
        cmocka_unit_test(test_refused_connection),
        cmocka_unit_test(test_unreachable_after_unknown),
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_waiting_ends_when_told),
        cmocka_unit_test(test_an_unknown_change_is_finished),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
