/* SPDX-License-Identifier: Apache-2.0 */
/* IAM's clock and this machine's: correcting it, telling it, and the time that is signed. */

#include "support/cmocka_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/time.h"
#include "client_fixture.h"

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

/* An answer whose Date is so far from now; freed by the caller. */
static char *answer_dated(long offset, const char *status, const char *body)
{
    time_t when = time(NULL) + offset;
    struct tm parts;
    char date[64];
    char *answer = NULL;

    assert_non_null(gmtime_r(&when, &parts));
    assert_true(strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &parts) > 0);
    assert_true(asprintf(&answer, HTTP("%s", "Date: %s\r\nContent-Length: %zu\r\n", "%s"), status,
                         date, strlen(body), body) > 0);
    return answer;
}

/* Whether a time is now and so much more, give or take what the test itself takes. */
static bool is_near(time_t when, long offset)
{
    time_t difference = when - time(NULL) - offset;

    return difference > -10 && difference < 10;
}

static void test_correction(void **state)
{
    static const long offsets[] = {600, -600, 86400, -86400, 31536000};

    (void)state;
    for (size_t i = 0; i < COUNT(offsets); i++) {
        char *refused = answer_dated(offsets[i], "403 Forbidden",
                                     ANSWER_ERROR("SignatureDoesNot"
                                                  "Match",
                                                  "Signature expired: "
                                                  "long ago."));
        char *created = answer_dated(offsets[i], "200 OK", ANSWER_CREATED);
        const server_step script[] = {
            {.answer = refused}, {.answer = created}, {.answer = created}};
        client_fixture fixture;
        time_t told = 0;

        client_fixture_start(&fixture, script, COUNT(script));
        assert_false(hsmiam_client_get_service_time(fixture.client, &told));
        assert_int_equal(client_fixture_create(&fixture), HSMIAM_OK);
        assert_int_equal(server_count_requests(fixture.server), 2);
        assert_true(is_near(fake.time, offsets[i]));
        assert_int_equal(client_fixture_slept, 0);
        assert_int_equal(fixture.notices, 1);
        assert_non_null(strstr(fixture.log, offsets[i] > 0 ? " seconds behind IAM's; requests are "
                                                             "signed by IAM's clock."
                                                           : " seconds ahead of IAM's; "));
        assert_true(hsmiam_client_get_service_time(fixture.client, &told));
        assert_true(is_near(told, offsets[i]));

        /* It holds for what comes then: requests, and the key that signs them. */
        hsmiam_secret_clear(fixture.secret);
        assert_int_equal(client_fixture_create(&fixture), HSMIAM_OK);
        assert_true(is_near(fake.time, offsets[i]));
        assert_int_equal(server_count_requests(fixture.server), 3);
        assert_int_equal(hsmiam_client_prime_signer(fixture.client, NULL), HSMIAM_OK);
        char day[HSMIAM_TIME_BASIC_SIZE];
        assert_true(hsmiam_time_format_basic(fake.time, day));
        assert_memory_equal(fake.derived, day, 8);
        client_fixture_stop(&fixture);
        free(refused);
        free(created);
    }
}

static void test_correction_that_does_not_help(void **state)
{
    static const char body[] =
        ANSWER_ERROR("SignatureDoesNotMatch", "Signature not yet current: soon.");
    char *lying = answer_dated(7200, "403 Forbidden", body);
    char *vain = answer_dated(0, "403 Forbidden", body);
    char *silent = http_answer("403 Forbidden", body);
    char *created = http_answer("200 OK", ANSWER_CREATED);
    const struct {
        server_step script[3];
        size_t requests;
        const char *message;
    } rows[] = {
        {{{.answer = lying}, {.answer = lying}, {.answer = created}},
         2,
         "Signature not yet current: soon. Signing by IAM's clock, as the Date of its answer tells "
         "it, did not help; set this machine's clock."},
        {{{.answer = vain}, {.answer = created}},
         1,
         "Signature not yet current: soon. The Date of the answer does not say by how much this "
         "machine's clock is wrong; set it."},
        {{{.answer = silent}, {.answer = created}},
         1,
         "Signature not yet current: soon. The Date of the answer does not say by how much this "
         "machine's clock is wrong; set it."},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        client_fixture fixture;
        client_fixture_start(&fixture, rows[i].script, 3);
        hsmiam_client_set_max_attempts(fixture.client, 9);
        assert_int_equal(client_fixture_create(&fixture), HSMIAM_ERR_SERVICE);
        assert_string_equal(hsmiam_error_get_message(fixture.error), rows[i].message);
        assert_string_equal(hsmiam_error_get_code_name(fixture.error), "SignatureDoesNotMatch");
        assert_int_equal(server_count_requests(fixture.server), rows[i].requests);
        assert_int_equal(fixture.client->clock_offset, 0);
        client_fixture_stop(&fixture);
    }
    free(lying);
    free(vain);
    free(silent);
    free(created);
}

/* One attempt is one, but the next call knows better. */
static void test_correction_for_the_next_call(void **state)
{
    char *refused = answer_dated(-7200, "403 Forbidden", ANSWER_ERROR("RequestTimeTooSkewed", ""));
    char *created = http_answer("200 OK", ANSWER_CREATED);
    const server_step script[] = {{.answer = refused}, {.answer = created}};
    client_fixture fixture;

    (void)state;
    client_fixture_start(&fixture, script, COUNT(script));
    hsmiam_client_set_max_attempts(fixture.client, 1);
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_ERR_SERVICE);
    assert_int_equal(server_count_requests(fixture.server), 1);
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_OK);
    assert_true(is_near(fake.time, -7200));
    client_fixture_stop(&fixture);
    free(refused);
    free(created);
}

/* ---------------------------------------------------------------------------------- before_send */

typedef struct watcher {
    test_server *server;
    int calls;
    time_t signed_at[4];
    size_t requests[4]; /* that the server had by then */
    int signatures[4];
    hsmiam_status result;
    int drops; /* connections that die while getting ready */
} watcher;

static hsmiam_status on_before_send(void *context, time_t signed_at, hsmiam_error *error)
{
    watcher *seen = context;

    assert_in_range(seen->calls, 0, 3);
    seen->signed_at[seen->calls] = signed_at;
    seen->requests[seen->calls] = server_count_requests(seen->server);
    seen->signatures[seen->calls++] = fake.signed_count;
    if (seen->result != HSMIAM_OK)
        return hsmiam_error_set(error, seen->result, "The ledger is full.");
    if (seen->drops-- > 0) {
        const struct timespec moment = {.tv_nsec = 20000000};
        while (server_count_connections(seen->server) == 0)
            (void)nanosleep(&moment, NULL);
        server_drop(seen->server);
        (void)nanosleep(&moment, NULL);
    }
    return HSMIAM_OK;
}

static void test_before_send(void **state)
{
    char *list = http_answer("200 OK", ANSWER_LIST("", ANSWER_LAST_PAGE));
    char *throttled = http_answer("400 Bad", ANSWER_ERROR("Throttling", "Slow."));
    char *skewed =
        answer_dated(7200, "403 Forbidden", ANSWER_ERROR("RequestTimeTooSkewed", "Late."));
    char *created = http_answer("200 OK", ANSWER_CREATED);
    const server_step script[] = {
        {.answer = list}, {.answer = throttled}, {.answer = skewed}, {.answer = created}};
    client_fixture fixture;
    hsmiam_key_list keys;

    (void)state;
    client_fixture_start(&fixture, script, COUNT(script));
    watcher seen = {.server = fixture.server};
    hsmiam_client_set_before_send(fixture.client, on_before_send, &seen);
    assert_int_equal(hsmiam_client_list_access_keys(fixture.client, NULL, true, &keys, NULL),
                     HSMIAM_OK);
    assert_int_equal(seen.calls, 0);
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_OK);
    assert_int_equal(seen.calls, 3);
    for (int i = 0; i < 3; i++) {
        assert_true(is_near(seen.signed_at[i], i < 2 ? 0 : 7200));
        assert_int_equal(seen.requests[i], i + 1);
        assert_int_equal(seen.signatures[i], i + 2);
    }
    assert_int_equal(seen.signed_at[2], fake.time);
    client_fixture_stop(&fixture);
    free(list);
    free(throttled);
    free(skewed);
    free(created);
}

static void test_before_send_may_refuse(void **state)
{
    char *created = http_answer("200 OK", ANSWER_CREATED);
    const server_step script[] = {{.answer = created}};
    client_fixture fixture;

    (void)state;
    client_fixture_start(&fixture, script, COUNT(script));
    watcher seen = {.server = fixture.server, .result = HSMIAM_ERR_IO};
    hsmiam_client_set_before_send(fixture.client, on_before_send, &seen);
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_ERR_IO);
    assert_string_equal(hsmiam_error_get_message(fixture.error), "The ledger is full.");
    assert_int_equal(seen.calls, 1);
    assert_int_equal(server_count_requests(fixture.server), 0);
    client_fixture_stop(&fixture);
    free(created);
}

/* The connection dies between the call and the request: what was announced goes over another. */
static void test_before_send_is_called_once(void **state)
{
    char *created = http_answer("200 OK", ANSWER_CREATED);
    const server_step script[] = {{.answer = created}};
    client_fixture fixture;

    (void)state;
    client_fixture_start(&fixture, script, COUNT(script));
    watcher seen = {.server = fixture.server, .drops = 1};
    hsmiam_client_set_before_send(fixture.client, on_before_send, &seen);
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_OK);
    assert_int_equal(seen.calls, 1);
    assert_int_equal(server_count_connections(fixture.server), 2);
    assert_int_equal(fake.signed_count, 2);
    assert_int_equal(fake.time, seen.signed_at[0]);
    client_fixture_stop(&fixture);
    free(created);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_correction),
        cmocka_unit_test(test_correction_that_does_not_help),
        cmocka_unit_test(test_correction_for_the_next_call),
        cmocka_unit_test(test_before_send),
        cmocka_unit_test(test_before_send_may_refuse),
        cmocka_unit_test(test_before_send_is_called_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
