/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that are cut, split, broken or huge on their way. */

#include "support/cmocka_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* An answer that ends too early, at each of its bytes: by closing and by resetting. */
static void test_cut_answers(void **state)
{
    char *answer = http_answer("200 OK", ANSWER_CREATED);
    size_t whole = strlen(answer);
    const char *id_end = strstr(answer, "</AccessKeyId>") + strlen("</AccessKeyId>");

    (void)state;
    for (size_t size = 0; size < whole; size += size < 20 ? 1 : 7) {
        const server_step script[] = {
            {.answer = size > 0 ? answer : NULL, .size = size, .then = SERVER_CLOSES}};
        client_fixture fixture;
        client_fixture_start(&fixture, script, COUNT(script));
        assert_int_equal(client_fixture_create(&fixture), HSMIAM_ERR_UNKNOWN_OUTCOME);
        assert_string_equal(fixture.key.id, answer + size >= id_end ? ANSWER_ID : "");
        client_fixture_assert_secret(&fixture, false);
        assert_int_equal(server_count_requests(fixture.server), 1);
        client_fixture_stop(&fixture);
    }
    free(answer);
}

/* An answer without a length ends with its connection, and may then be cut off unnoticed by HTTP.
 */
static void test_answers_without_length(void **state)
{
    static const char answer[] = HTTP("200 OK", "Connection: close\r\n", ANSWER_CREATED);
    const char *places[] = {strstr(answer, "</AccessKeyId>") + 3, strstr(answer, ANSWER_SECRET) + 9,
                            strstr(answer, "</CreateAccessKeyResponse>") + 4};
    client_fixture fixture;

    (void)state;
    for (size_t i = 0; i < COUNT(places); i++) {
        const server_step script[] = {
            {.answer = answer, .size = (size_t)(places[i] - answer), .then = SERVER_CLOSES}};
        client_fixture_start(&fixture, script, COUNT(script));
        assert_int_equal(client_fixture_create(&fixture), HSMIAM_ERR_UNKNOWN_OUTCOME);
        assert_string_equal(hsmiam_error_get_message(fixture.error),
                            "The answer to CreateAccessKey is cut off.");
        assert_string_equal(fixture.key.id, i == 0 ? "" : ANSWER_ID);
        client_fixture_assert_secret(&fixture, false);
        client_fixture_stop(&fixture);
    }
    const server_step script[] = {{.answer = answer, .then = SERVER_CLOSES}};
    client_fixture_start(&fixture, script, COUNT(script));
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_OK);
    client_fixture_assert_secret(&fixture, true);
    client_fixture_stop(&fixture);
}

static void test_split_answers(void **state)
{
    static const size_t pieces[] = {1, 7, 64};

    (void)state;
    for (size_t i = 0; i < COUNT(pieces); i++) {
        char *chunked = http_chunked_answer(ANSWER_CREATED, pieces[i]);
        const server_step script[] = {{.answer = chunked}, {.answer = chunked, .piece = 37}};
        client_fixture fixture;
        client_fixture_start(&fixture, script, COUNT(script));
        assert_int_equal(client_fixture_create(&fixture), HSMIAM_OK);
        client_fixture_assert_secret(&fixture, true);
        hsmiam_secret_clear(fixture.secret);
        assert_int_equal(client_fixture_create(&fixture), HSMIAM_OK);
        client_fixture_assert_secret(&fixture, true);
        assert_int_equal(server_count_connections(fixture.server), 1);
        client_fixture_stop(&fixture);
        free(chunked);
    }
}

/* Not HTTP, or not such that libcurl takes it. */
static void test_broken_http(void **state)
{
    static const char *const answers[] = {
        "hello\r\n\r\n",
        ANSWER_CREATED,
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n" ANSWER_CREATED,
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n" ANSWER_CREATED,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" ANSWER_CREATED,
        "HTTP/9.9 200 OK\r\n\r\n" ANSWER_CREATED,
        "HTTP/1.1 100 Continue\r\n\r\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(answers); i++) {
        const server_step script[] = {{.answer = answers[i], .then = SERVER_CLOSES}};
        client_fixture fixture;
        client_fixture_start(&fixture, script, COUNT(script));
        assert_int_equal(client_fixture_create(&fixture), HSMIAM_ERR_UNKNOWN_OUTCOME);
        client_fixture_assert_secret(&fixture, false);
        client_fixture_stop(&fixture);
    }
}

static char *make_huge(const char *begin, char filler, size_t size, const char *end)
{
    char *text = calloc(1, strlen(begin) + size + strlen(end) + 1);

    assert_non_null(text);
    strcpy(text, begin);
    memset(text + strlen(text), filler, size);
    strcat(text, end);
    return text;
}

static void test_huge_bodies(void **state)
{
    static const struct {
        size_t size;
        hsmiam_status status;
    } rows[] = {
        {60000, HSMIAM_OK},
        {66000, HSMIAM_ERR_REPLY},
        {4000000, HSMIAM_ERR_REPLY},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *body = make_huge("<CreateAccessKeyResponse><CreateAccessKeyResult><AccessKey>"
                               "<AccessKeyId>" ANSWER_ID "</AccessKeyId>",
                               '\n', rows[i].size,
                               "<Status>Active</Status><SecretAccessKey>" ANSWER_SECRET
                               "</SecretAccessKey><CreateDate>2015-08-30T12:36:00Z</CreateDate>"
                               "</AccessKey></CreateAccessKeyResult></CreateAccessKeyResponse>");
        char *answer = http_answer("200 OK", body);
        const server_step script[] = {{.answer = answer}};
        client_fixture fixture;
        client_fixture_start(&fixture, script, COUNT(script));
        assert_int_equal(client_fixture_create(&fixture), rows[i].status);
        if (rows[i].status != HSMIAM_OK)
            assert_message(&fixture, "The answer of ", " is longer than 65536 bytes.");
        assert_string_equal(fixture.key.id, ANSWER_ID);
        client_fixture_assert_secret(&fixture, rows[i].status == HSMIAM_OK);
        client_fixture_stop(&fixture);
        free(body);
        free(answer);
    }
}

static void test_huge_headers(void **state)
{
    char *line = make_huge("X-Long: ", 'x', 4000, "\r\n");
    char *answer = calloc(1, 100000);

    (void)state;
    assert_non_null(answer);
    strcpy(answer, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 20; i++)
        strcat(answer, line);
    strcat(answer, "\r\n" ANSWER_CREATED);
    const server_step script[] = {{.answer = answer, .then = SERVER_CLOSES}};
    client_fixture fixture;
    client_fixture_start(&fixture, script, COUNT(script));
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_ERR_REPLY);
    assert_message(&fixture, "The answer of ", " has more than 65536 bytes of headers.");
    client_fixture_assert_secret(&fixture, false);
    client_fixture_stop(&fixture);
    free(line);
    free(answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_answers),   cmocka_unit_test(test_answers_without_length),
        cmocka_unit_test(test_split_answers), cmocka_unit_test(test_broken_http),
        cmocka_unit_test(test_huge_bodies),   cmocka_unit_test(test_huge_headers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
