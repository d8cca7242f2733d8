/* SPDX-License-Identifier: Apache-2.0 */
/* What goes wrong between the connection and the last byte of an answer. */

#include "support/cmocka_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client_fixture.h"

#define COUNT(script) (sizeof(script) / sizeof(script)[0])

/* The message is the two texts with the endpoint's URL in between. */
static void assert_message(const client_fixture *fixture, const char *before, const char *after)
{
    char expected[2048];

    (void)snprintf(expected, sizeof expected, "%s%s%s", before,
                   fixture->client->endpoints[HSMIAM_SERVICE_IAM]->url, after);
    assert_string_equal(hsmiam_error_get_message(fixture->error), expected);
}

static void wait_for(unsigned milliseconds)
{
    const struct timespec time = {.tv_sec = milliseconds / 1000,
                                  .tv_nsec = (long)(milliseconds % 1000) * 1000000};

    (void)nanosleep(&time, NULL);
}

/* A request on a kept connection is not sent again when that closes without an answer. */
static void test_a_request_is_sent_once(void **state)
{
    static const server_then ends[] = {SERVER_CLOSES, SERVER_RESETS};
    char *list = http_answer("200 OK", ANSWER_LIST("", ANSWER_LAST_PAGE));
    char *created = http_answer("200 OK", ANSWER_CREATED);

    (void)state;
    for (size_t i = 0; i < COUNT(ends); i++) {
        const server_step script[] = {{.answer = list}, {.then = ends[i]}, {.answer = created}};
        client_fixture fixture;
        hsmiam_key_list keys;

        client_fixture_start(&fixture, script, COUNT(script));
        assert_int_equal(hsmiam_client_list_access_keys(fixture.client, NULL, true, &keys, NULL),
                         HSMIAM_OK);
        assert_int_equal(client_fixture_create(&fixture), HSMIAM_ERR_UNKNOWN_OUTCOME);
        assert_int_equal(hsmiam_error_get_domain(fixture.error), HSMIAM_DOMAIN_TRANSPORT);
        if (ends[i] == SERVER_CLOSES)
            assert_int_equal(hsmiam_error_get_code(fixture.error), CURLE_GOT_NOTHING);
        assert_memory_equal(hsmiam_error_get_message(fixture.error), "Connection was closed", 21);
        wait_for(50);
        assert_int_equal(server_count_requests(fixture.server), 2);
        assert_non_null(strstr(server_get_request(fixture.server, 1), "Action=CreateAccessKey"));
        /* The client goes on working. */
        assert_int_equal(client_fixture_create(&fixture), HSMIAM_OK);
        client_fixture_assert_secret(&fixture, true);
        client_fixture_stop(&fixture);
    }
    free(list);
    free(created);
}

typedef struct dropping {
    test_server *server;
    int calls;
    int drops;
} dropping;

/* The server's patience ends while the caller gets ready. */
static hsmiam_status drop_connection(void *context, hsmiam_error *error)
{
    dropping *dropper = context;

    (void)error;
    if (dropper->calls++ < dropper->drops) {
        while (server_count_connections(dropper->server) < (size_t)dropper->calls)
            wait_for(1);
        server_drop(dropper->server);
        wait_for(20);
    }
    return HSMIAM_OK;
}

/* A connection that died before anything was sent is replaced: a kept one as well as a new one. */
static void test_a_dead_connection_is_replaced(void **state)
{
    char *list = http_answer("200 OK", ANSWER_LIST("", ANSWER_LAST_PAGE));
    char *created = http_answer("200 OK", ANSWER_CREATED);
    const server_step script[] = {{.answer = list}, {.answer = created}};
    client_fixture fixture;
    hsmiam_key_list keys;

    (void)state;
    client_fixture_start(&fixture, script, COUNT(script));
    dropping dropper = {.server = fixture.server, .drops = 1};
    assert_int_equal(hsmiam_client_list_access_keys(fixture.client, NULL, true, &keys, NULL),
                     HSMIAM_OK);
    hsmiam_client_set_ready(fixture.client, drop_connection, &dropper);
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_OK);
    assert_int_equal(dropper.calls, 2);
    assert_int_equal(fake.signed_count, 3);
    assert_int_equal(server_count_requests(fixture.server), 2);
    assert_int_equal(server_count_connections(fixture.server), 2);
    client_fixture_stop(&fixture);

    client_fixture_start(&fixture, script, COUNT(script));
    hsmiam_client_set_max_attempts(fixture.client, 1);
    dropper = (dropping){.server = fixture.server, .drops = 2};
    hsmiam_client_set_ready(fixture.client, drop_connection, &dropper);
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_ERR_NETWORK);
    assert_message(&fixture, "Could not connect to the endpoint URL: \"",
                   "\" (the endpoint closed the connection before the request was sent).");
    assert_int_equal(server_count_requests(fixture.server), 0);
    client_fixture_stop(&fixture);
    free(list);
    free(created);
}

static void test_refused_connection(void **state)
{
    const server_step script[] = {{.answer = NULL}};
    client_fixture fixture;

    (void)state;
    client_fixture_start(&fixture, script, COUNT(script));
    test_server *other = server_start(script, COUNT(script));
    char url[64];
    (void)snprintf(url, sizeof url, "%s", server_get_url(other, "http"));
    server_stop(&other);
    assert_int_equal(hsmiam_client_set_endpoint(fixture.client, url, NULL), HSMIAM_OK);
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_ERR_NETWORK);
    const char *message = hsmiam_error_get_message(fixture.error);
    char expected[128];
    (void)snprintf(expected, sizeof expected,
                   "Could not connect to the endpoint URL: \"%s\" (Failed to connect to ", url);
    assert_memory_equal(message, expected, strlen(expected));
    assert_int_equal(hsmiam_error_get_domain(fixture.error), HSMIAM_DOMAIN_TRANSPORT);
    assert_int_equal(hsmiam_error_get_code(fixture.error), CURLE_COULDNT_CONNECT);
    client_fixture_stop(&fixture);
}

static hsmiam_status take_long(void *context, hsmiam_error *error)
{
    (void)context;
    (void)error;
    wait_for(1200);
    return HSMIAM_OK;
}

/* Getting ready may take longer than either limit; only the server is timed. */
static void test_read_timeout(void **state)
{
    const server_step script[] = {
        {.answer = HTTP("200 OK", "Content-Length: 1000\r\n",
                        "<CreateAccessKeyResponse><CreateAccessKeyResult><AccessKey>"
                        "<AccessKeyId>" ANSWER_ID "</AccessKeyId><SecretAccessKey>wJalrXUtnFEMI"),
         .then = SERVER_STALLS}};
    client_fixture fixture;
    struct timespec before;
    struct timespec after;

    (void)state;
    client_fixture_start(&fixture, script, COUNT(script));
    hsmiam_client_set_timeouts(fixture.client, 1, 1);
    hsmiam_client_set_ready(fixture.client, take_long, NULL);
    (void)clock_gettime(CLOCK_MONOTONIC, &before);
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_ERR_UNKNOWN_OUTCOME);
    (void)clock_gettime(CLOCK_MONOTONIC, &after);
    double seconds = (double)(after.tv_sec - before.tv_sec) +
                     (double)(after.tv_nsec - before.tv_nsec) / 1e9 - 1.2;
    assert_true(seconds > 0.95 && seconds < 2.3);
    assert_message(&fixture, "Read timeout on endpoint URL: \"", "\"");
    assert_int_equal(hsmiam_error_get_code(fixture.error), CURLE_OPERATION_TIMEDOUT);
    assert_string_equal(fixture.key.id, ANSWER_ID);
    client_fixture_assert_secret(&fixture, false);
    client_fixture_stop(&fixture);
}

/* After an answer that is none, the connection may hold anything, and is not used again. */
static void test_a_wrong_answer_ends_the_connection(void **state)
{
    static const char wrong[] = HTTP("200 OK", "Content-Length: 4\r\n", "<a/>");
    char *created = http_answer("200 OK", ANSWER_CREATED);
    char *refused = http_answer("409 Conflict", ANSWER_ERROR("LimitExceeded", "Two."));
    const server_step script[] = {{.answer = wrong}, {.answer = refused}, {.answer = created}};
    client_fixture fixture;

    (void)state;
    client_fixture_start(&fixture, script, COUNT(script));
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_ERR_REPLY);
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_ERR_SERVICE);
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_OK);
    assert_int_equal(server_count_connections(fixture.server), 2);
    client_fixture_stop(&fixture);
    free(created);
    free(refused);
}

/* No proxy stands between this machine and itself, whatever the environment says; no cookie comes
 * back; `localhost` needs no name service. */
static void test_loopback(void **state)
{
    static const char answer[] =
        HTTP("200 OK", "Set-Cookie: a=b; Path=/\r\nContent-Length: 1\r\n", "x");
    const server_step script[] = {{.answer = answer, .then = SERVER_CLOSES}, {.answer = answer}};
    client_fixture fixture;
    char url[64];

    (void)state;
    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
    assert_int_equal(setenv("all_proxy", "http://127.0.0.1:1", 1), 0);
    client_fixture_start(&fixture, script, COUNT(script));
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_ERR_REPLY);
    (void)snprintf(url, sizeof url, "http://localhost:%u/path/",
                   fixture.client->endpoints[HSMIAM_SERVICE_IAM]->port);
    assert_int_equal(hsmiam_client_set_endpoint(fixture.client, url, NULL), HSMIAM_OK);
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_ERR_REPLY);
    assert_int_equal(server_count_requests(fixture.server), 2);
    const char *request = server_get_request(fixture.server, 1);
    assert_memory_equal(request, "POST /path/ HTTP/1.1\r\nHost: localhost:", 37);
    assert_null(strcasestr(request, "\r\nCookie:"));
    assert_null(strcasestr(request, "\r\nAccept"));
    assert_null(strcasestr(request, "\r\nExpect"));
    client_fixture_stop(&fixture);
    assert_int_equal(unsetenv("http_proxy"), 0);
    assert_int_equal(unsetenv("all_proxy"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_is_sent_once),
        cmocka_unit_test(test_a_dead_connection_is_replaced),
        cmocka_unit_test(test_refused_connection),
        cmocka_unit_test(test_read_timeout),
        cmocka_unit_test(test_a_wrong_answer_ends_the_connection),
        cmocka_unit_test(test_loopback),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
