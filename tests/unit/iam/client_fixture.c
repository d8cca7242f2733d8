/* SPDX-License-Identifier: Apache-2.0 */

#include "support/cmocka_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client_fixture.h"

char *http_answer(const char *status, const char *body)
{
    char *answer = NULL;

    assert_true(asprintf(&answer,
                         HTTP("%s", "Content-Type: text/xml\r\nContent-Length: %zu\r\n", "%s"),
                         status, strlen(body), body) > 0);
    return answer;
}

char *http_chunked_answer(const char *body, size_t piece)
{
    size_t size = strlen(body);
    char *answer = calloc(1, 128 + size + (size / piece + 2) * 16);

    assert_non_null(answer);
    strcpy(answer, HTTP("200 OK", "Transfer-Encoding: chunked\r\n", ""));
    for (size_t done = 0; done < size; done += piece) {
        size_t next = piece < size - done ? piece : size - done;
        (void)sprintf(answer + strlen(answer), "%zx\r\n%.*s\r\n", next, (int)next, body + done);
    }
    strcat(answer, "0\r\n\r\n");
    return answer;
}

static void append_log(void *context, hsmiam_log_level level, const char *line)
{
    client_fixture *fixture = context;
    size_t used = strlen(fixture->log);

    fixture->notices += level == HSMIAM_LOG_NOTICE;
    assert_null(strpbrk(line, "\r\n"));
    (void)snprintf(fixture->log + used, sizeof fixture->log - used, "%s\n", line);
}

unsigned client_fixture_slept;

/* Tests have no time to lose. */
static void sleep_for(unsigned milliseconds)
{
    client_fixture_slept += milliseconds;
}

void client_fixture_start_over(client_fixture *fixture, const hsmiam_transport_functions *curl,
                               const server_step *script, size_t count)
{
    memset(fixture, 0, sizeof *fixture);
    fake_reset();
    fixture->server = server_start(script, count);
    fixture->error = hsmiam_error_new();
    assert_int_equal(hsmiam_secret_new(256, &fixture->secret, NULL), HSMIAM_OK);
    assert_int_equal(hsmiam_client_new_over(curl, fake_signer(), &fixture->client, NULL),
                     HSMIAM_OK);
    hsmiam_client_set_log(fixture->client, append_log, fixture);
    client_fixture_slept = 0;
    fixture->client->sleep = sleep_for;
    assert_int_equal(hsmiam_client_set_endpoint(
                         fixture->client, server_get_url(fixture->server, "http"), fixture->error),
                     HSMIAM_OK);
}

hsmiam_transport_functions client_fixture_copy_libcurl(void)
{
    const hsmiam_transport_functions *curl = NULL;

    assert_int_equal(hsmiam_transport_functions_load(&curl, NULL), HSMIAM_OK);
    return *curl;
}

void client_fixture_start(client_fixture *fixture, const server_step *script, size_t count)
{
    client_fixture_start_over(fixture, NULL, script, count);
}

void client_fixture_stop(client_fixture *fixture)
{
    hsmiam_client_free(&fixture->client);
    server_stop(&fixture->server);
    assert_int_equal(fake.requests_alive, 0);
    assert_null(strstr(fixture->log, "wJalr"));
    assert_null(strstr(fixture->log, FAKE_SIGNATURE));
    assert_null(strstr(hsmiam_error_get_message(fixture->error), "wJalr"));
    hsmiam_error_free(&fixture->error);
    hsmiam_secret_free(&fixture->secret);
}

hsmiam_status client_fixture_create(client_fixture *fixture)
{
    return hsmiam_client_create_access_key(fixture->client, "Bob", &fixture->key, fixture->secret,
                                           fixture->error);
}

void client_fixture_assert_secret(const client_fixture *fixture, bool present)
{
    size_t size = strlen(ANSWER_SECRET);

    assert_int_equal(hsmiam_secret_get_size(fixture->secret), present ? size : 0);
    if (present)
        assert_memory_equal(hsmiam_secret_get_data(fixture->secret), ANSWER_SECRET, size);
}
