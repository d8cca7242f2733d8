/* SPDX-License-Identifier: Apache-2.0 */
/* What libcurl still holds of the secret when a request is done, the connection open. */

#include "support/cmocka_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client_fixture.h"
#include "traced_memory.h"

static CURLcode traced_global_init(void)
{
    static CURLcode result = CURLE_FAILED_INIT;

    if (result != CURLE_OK)
        result = curl_global_init_mem(CURL_GLOBAL_DEFAULT, traced_malloc, traced_free,
                                      traced_realloc, traced_strdup, traced_calloc);
    return result;
}

static void assert_wiped(const char *answer, size_t size, server_then then, hsmiam_status status)
{
    hsmiam_transport_functions curl = client_fixture_copy_libcurl();
    const server_step script[] = {{.answer = size > 0 ? answer : NULL, .size = size, .then = then}};
    client_fixture fixture;

    curl.global_init = traced_global_init;
    traced_memory_watch(ANSWER_SECRET);
    client_fixture_start_over(&fixture, &curl, script, 1);
    hsmiam_client_set_timeouts(fixture.client, 1, 1);
    assert_int_equal(client_fixture_create(&fixture), status);
    client_fixture_assert_secret(&fixture, status == HSMIAM_OK);
    if (traced_memory_count() != 0)
        fail_msg("a copy after an answer of %zu bytes: %s", size, answer);
    client_fixture_stop(&fixture);
    assert_int_equal(traced_memory_count(), 0);
}

static void test_good_answers(void **state)
{
    static const size_t pieces[] = {1, 5, 100, 1000};
    char *answer = http_answer("200 OK", ANSWER_CREATED);

    (void)state;
    assert_wiped(answer, strlen(answer), SERVER_KEEPS, HSMIAM_OK);
    free(answer);
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        answer = http_chunked_answer(ANSWER_CREATED, pieces[i]);
        assert_wiped(answer, strlen(answer), SERVER_KEEPS, HSMIAM_OK);
        free(answer);
    }
}

static void test_cut_answers(void **state)
{
    char *answers[] = {http_answer("200 OK", ANSWER_CREATED),
                       http_chunked_answer(ANSWER_CREATED, 16)};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        size_t size = strlen(answers[i]);
        for (size_t cut = size - 400; cut + 8 < size; cut += 3)
            assert_wiped(answers[i], cut, SERVER_CLOSES, HSMIAM_ERR_UNKNOWN_OUTCOME);
    }
    const char *secret = strstr(answers[0], ANSWER_SECRET);
    assert_wiped(answers[0], (size_t)(secret - answers[0]) + 20, SERVER_STALLS,
                 HSMIAM_ERR_UNKNOWN_OUTCOME);
    free(answers[0]);
    free(answers[1]);
}

static void test_wrong_answers(void **state)
{
    static const struct {
        const char *status;
        const char *body;
        hsmiam_status outcome;
    } rows[] = {
        {"200 OK", ANSWER_CREATED "junk", HSMIAM_ERR_REPLY},
        {"200 OK", "<!DOCTYPE a>" ANSWER_CREATED, HSMIAM_ERR_REPLY},
        {"200 OK", "<a>" ANSWER_CREATED, HSMIAM_ERR_REPLY},
        {"200 OK", "junk" ANSWER_CREATED, HSMIAM_ERR_REPLY},
        {"403 Forbidden", ANSWER_CREATED, HSMIAM_ERR_REPLY},
        {"500 Oops", ANSWER_CREATED, HSMIAM_ERR_UNKNOWN_OUTCOME},
        {"302 Found\r\nLocation: /", ANSWER_CREATED, HSMIAM_ERR_REPLY},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *answer = http_answer(rows[i].status, rows[i].body);
        assert_wiped(answer, strlen(answer), SERVER_KEEPS, rows[i].outcome);
        free(answer);
    }
}

/* So much that the limit is passed while the secret is in libcurl's buffer, and far more. */
static void test_huge_answers(void **state)
{
    static const size_t amounts[][2] = {{65280, 2000}, {65400, 70000}, {300000, 70000}};
    char *body = calloc(1, 400000);

    (void)state;
    assert_non_null(body);
    for (size_t i = 0; i < sizeof amounts / sizeof amounts[0]; i++) {
        memset(body, 0, 400000);
        memset(body, ' ', amounts[i][0]);
        strcat(body, ANSWER_CREATED);
        memset(body + strlen(body), ' ', amounts[i][1]);
        char *answers[] = {http_answer("200 OK", body), http_chunked_answer(body, 100)};
        for (size_t j = 0; j < 2; j++) {
            assert_wiped(answers[j], strlen(answers[j]), SERVER_KEEPS, HSMIAM_ERR_REPLY);
            free(answers[j]);
        }
    }
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_answers),
        cmocka_unit_test(test_cut_answers),
        cmocka_unit_test(test_wrong_answers),
        cmocka_unit_test(test_huge_answers),
    };

    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failures;
}
