/* SPDX-License-Identifier: Apache-2.0 */

#include "support/cmocka_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client_fixture.h"

#define COUNT(script) (sizeof(script) / sizeof(script)[0])

static void test_create(void **state)
{
    char *answer = http_answer("200 OK", ANSWER_CREATED);
    const server_step script[] = {{.answer = answer}, {.answer = answer}};
    client_fixture fixture;
    char expected[1024];

    (void)state;
    client_fixture_start(&fixture, script, COUNT(script));
    assert_int_equal(hsmiam_client_set_region(fixture.client, "cn-northwest-1", NULL), HSMIAM_OK);
    assert_true(hsmiam_secret_append(fixture.secret, "AWS4", 4));
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_OK);
    assert_string_equal(fixture.key.user_name, "Bob");
    assert_string_equal(fixture.key.id, ANSWER_ID);
    assert_string_equal(fixture.key.status, "Active");
    assert_int_equal(fixture.key.create_date, 1440938160);
    assert_int_equal(hsmiam_secret_get_size(fixture.secret), 44);
    assert_memory_equal(hsmiam_secret_get_data(fixture.secret), "AWS4" ANSWER_SECRET, 44);

    /* what was signed, and that just this was sent */
    const char *url = server_get_url(fixture.server, "http");
    assert_string_equal(fake.method, "POST");
    assert_string_equal(fake.url, url);
    assert_string_equal(fake.scope, "iam/cn-north-1");
    assert_string_equal(fake.body, "Action=CreateAccessKey&Version=2010-05-08&UserName=Bob");
    assert_ptr_equal(fake.signer, fake_signer());
    (void)snprintf(expected, sizeof expected,
                   "POST / HTTP/1.1\r\nHost: %.*s\r\n"
                   "User-Agent: hsmiam/%s\r\n"
                   "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n"
                   "X-Amz-Date: 20150830T123600Z\r\n"
                   "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE, "
                   "Signature=" FAKE_SIGNATURE "\r\n"
                   "Content-Length: 54\r\n\r\n"
                   "Action=CreateAccessKey&Version=2010-05-08&UserName=Bob",
                   (int)strlen(url) - 8, url + 7, hsmiam_version());
    assert_string_equal(server_get_request(fixture.server, 0), expected);
    assert_non_null(strstr(fake.headers, "Content-Type: application/x-www-form-urlencoded; "
                                         "charset=utf-8\n"));
    assert_non_null(strstr(fake.headers, "Host: 127.0.0.1:"));

    /* the root user, on the same connection */
    hsmiam_secret_clear(fixture.secret);
    assert_int_equal(
        hsmiam_client_create_access_key(fixture.client, NULL, &fixture.key, fixture.secret, NULL),
        HSMIAM_OK);
    assert_string_equal(fake.body, "Action=CreateAccessKey&Version=2010-05-08");
    assert_int_equal(server_count_connections(fixture.server), 1);
    client_fixture_stop(&fixture);
    free(answer);
}

static void test_log(void **state)
{
    static const char answer[] =
        HTTP("200 OK", "X-Trick: \x1b[31m\x9b\r\nConnection: close\r\n", ANSWER_CREATED);
    const server_step script[] = {{.answer = answer, .then = SERVER_CLOSES}};
    static const char *const lines[] = {
        "* connected to 127.0.0.1 port ",
        "> POST http://127.0.0.1:",
        "> User-Agent: hsmiam/",
        "> Content-Length: 54\n",
        "> Content-Type: application/x-www-form-urlencoded; charset=utf-8\n",
        "> X-Amz-Date: 20150830T123600Z\n",
        "> Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE, Signature=<left out>\n",
        "> Action=CreateAccessKey&Version=2010-05-08&UserName=Bob\n",
        "< HTTP/1.1 200\n",
        "< (a header of ",
        " bytes of body\n",
    };
    client_fixture fixture;

    (void)state;
    client_fixture_start(&fixture, script, COUNT(script));
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_OK);
    for (size_t i = 0; i < COUNT(lines); i++)
        assert_non_null(strstr(fixture.log, lines[i]));
    assert_null(strstr(fixture.log, "<AccessKeyId>"));
    assert_null(strstr(fixture.log, "X-Trick"));
    client_fixture_stop(&fixture);
}

static void test_list_pages(void **state)
{
    char *first = http_answer(
        "200 OK", ANSWER_LIST(ANSWER_MEMBER("AKIAIOSFODNN7EXAMPL1"), ANSWER_MORE_PAGES));
    char *last =
        http_answer("200 OK", ANSWER_LIST(ANSWER_MEMBER("AKIAIOSFODNN7EXAMPL2"), ANSWER_LAST_PAGE));
    const server_step script[] = {{.answer = first}, {.answer = last}};
    client_fixture fixture;
    hsmiam_key_list list;

    (void)state;
    client_fixture_start(&fixture, script, COUNT(script));
    assert_int_equal(
        hsmiam_client_list_access_keys(fixture.client, "Bob", true, &list, fixture.error),
        HSMIAM_OK);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.keys[0].id, "AKIAIOSFODNN7EXAMPL1");
    assert_string_equal(list.keys[1].id, "AKIAIOSFODNN7EXAMPL2");
    assert_non_null(strstr(server_get_request(fixture.server, 0),
                           "\r\n\r\nAction=ListAccessKeys&Version=2010-05-08&UserName=Bob"));
    assert_string_equal(fake.body,
                        "Action=ListAccessKeys&Version=2010-05-08&UserName=Bob&Marker=m%2F%2B%3D1");
    client_fixture_stop(&fixture);
    free(first);
    free(last);
}

/* Both answers in turn. */
static void assert_list_is_refused(const char *odd, const char *even, size_t repeats,
                                   size_t requests)
{
    char *answers[] = {http_answer("200 OK", odd), http_answer("200 OK", even)};
    server_step script[SERVER_REQUESTS_MAX] = {{.answer = NULL}};
    client_fixture fixture;
    hsmiam_key_list list;

    for (size_t i = 0; i < repeats; i++)
        script[i].answer = answers[i % 2];
    client_fixture_start(&fixture, script, repeats);
    assert_int_equal(
        hsmiam_client_list_access_keys(fixture.client, NULL, true, &list, fixture.error),
        HSMIAM_ERR_REPLY);
    assert_int_equal(list.count, 0);
    assert_int_equal(server_count_requests(fixture.server), requests);
    client_fixture_stop(&fixture);
    free(answers[0]);
    free(answers[1]);
}

static void test_list_without_end(void **state)
{
    static const char again[] = ANSWER_LIST(ANSWER_MEMBER(ANSWER_ID), ANSWER_MORE_PAGES);
    static const char other[] =
        ANSWER_LIST("", "<IsTruncated>true</IsTruncated><Marker>other</Marker>");
    static const char nowhere[] = ANSWER_LIST("", "<IsTruncated>true</IsTruncated>");

    (void)state;
    assert_list_is_refused(again, again, 16, 2);
    assert_list_is_refused(again, other, 16, 8);
    assert_list_is_refused(nowhere, nowhere, 2, 1);
}

static hsmiam_status delete_key(client_fixture *fixture)
{
    return hsmiam_client_delete_access_key(fixture->client, "Bob", ANSWER_ID, fixture->error);
}

static void test_delete_is_repeated(void **state)
{
    char *deleted = http_answer("200 OK", ANSWER_DELETED);
    char *failure = http_answer("500 Oops", ANSWER_ERROR("ServiceFailure", "Oops."));
    char *throttled = http_answer("400 Bad", ANSWER_ERROR("Throttling", "Slow."));
    char *gone = http_answer("404 Not Found", ANSWER_ERROR("NoSuchEntity", "Gone."));
    char *denied = http_answer("403 Forbidden", ANSWER_ERROR("AccessDenied", "No."));
    const struct {
        server_step script[4];
        hsmiam_status status;
        size_t requests;
    } rows[] = {
        {{{.answer = deleted}}, HSMIAM_OK, 1},
        {{{.answer = failure}, {.answer = deleted}}, HSMIAM_OK, 2},
        {{{.answer = throttled}, {.answer = throttled}, {.answer = deleted}}, HSMIAM_OK, 3},
        {{{.then = SERVER_CLOSES}, {.answer = gone}}, HSMIAM_OK, 2},
        {{{.answer = failure}, {.then = SERVER_RESETS}, {.answer = gone}}, HSMIAM_OK, 3},
        {{{.answer = gone}}, HSMIAM_ERR_SERVICE, 1},
        {{{.answer = denied}}, HSMIAM_ERR_SERVICE, 1},
        {{{.answer = failure}, {.answer = denied}}, HSMIAM_ERR_SERVICE, 2},
        {{{.answer = failure}, {.answer = failure}, {.answer = failure}},
         HSMIAM_ERR_UNKNOWN_OUTCOME,
         3},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        client_fixture fixture;
        client_fixture_start(&fixture, rows[i].script, 4);
        assert_int_equal(delete_key(&fixture), rows[i].status);
        assert_int_equal(hsmiam_error_get_status(fixture.error), rows[i].status);
        assert_int_equal(server_count_requests(fixture.server), rows[i].requests);
        assert_string_equal(fake.body, "Action=DeleteAccessKey&Version=2010-05-08&UserName=Bob&"
                                       "AccessKeyId=" ANSWER_ID);
        client_fixture_stop(&fixture);
    }
    free(deleted);
    free(failure);
    free(throttled);
    free(gone);
    free(denied);
}

/* ------------------------------------------------------------------- ready, signing, cancelling */

typedef struct hooks {
    int ready_calls;
    int cancel_calls;
    int cancel_at; /* the call that says yes; 0: none */
    hsmiam_status ready_result;
    int signed_before; /* how often it was signed when ready was called */
} hooks;

static hsmiam_status on_ready(void *context, hsmiam_error *error)
{
    hooks *seen = context;

    seen->ready_calls++;
    seen->signed_before = fake.signed_count;
    if (seen->ready_result != HSMIAM_OK)
        return hsmiam_error_set(error, seen->ready_result, "Not ready.");
    return HSMIAM_OK;
}

static bool on_cancel(void *context)
{
    hooks *seen = context;

    return ++seen->cancel_calls == seen->cancel_at;
}

/* Says yes once the server has that many requests. */
typedef struct stopper {
    test_server *server;
    size_t requests;
} stopper;

static bool cancel_on_request(void *context)
{
    const stopper *stop = context;

    return server_count_requests(stop->server) >= stop->requests;
}

static void test_ready_comes_before_signing(void **state)
{
    char *answer = http_answer("200 OK", ANSWER_CREATED);
    const server_step script[] = {{.answer = answer}};
    hooks seen = {.ready_result = HSMIAM_OK};
    client_fixture fixture;

    (void)state;
    client_fixture_start(&fixture, script, COUNT(script));
    hsmiam_client_set_ready(fixture.client, on_ready, &seen);
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_OK);
    assert_int_equal(seen.ready_calls, 1);
    assert_int_equal(seen.signed_before, 0);
    client_fixture_stop(&fixture);
    free(answer);
}

/* The signing key that is derived ahead is the one that signing asks for. */
static void test_priming_is_for_the_same_scope(void **state)
{
    char *answer = http_answer("200 OK", ANSWER_CREATED);
    const server_step script[] = {{.answer = answer}};
    client_fixture fixture;

    (void)state;
    client_fixture_start(&fixture, script, COUNT(script));
    assert_int_equal(hsmiam_client_set_region(fixture.client, "us-gov-east-1", NULL), HSMIAM_OK);
    assert_int_equal(hsmiam_client_prime_signer(fixture.client, fixture.error), HSMIAM_OK);
    assert_ptr_equal(fake.signer, fake_signer());
    assert_int_equal(strspn(fake.derived, "0123456789"), 8);
    assert_string_equal(fake.derived + 8, "/iam/us-gov-west-1");
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_OK);
    assert_string_equal(fake.scope, fake.derived + 9);
    fake.result = HSMIAM_ERR_PIN;
    assert_int_equal(hsmiam_client_prime_signer(fixture.client, fixture.error), HSMIAM_ERR_PIN);
    client_fixture_stop(&fixture);
    free(answer);
}

static void test_failures_before_sending_win(void **state)
{
    const server_step script[] = {{.answer = NULL}};
    hooks seen = {.ready_result = HSMIAM_ERR_PIN};
    client_fixture fixture;

    (void)state;
    client_fixture_start(&fixture, script, COUNT(script));
    hsmiam_client_set_ready(fixture.client, on_ready, &seen);
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_ERR_PIN);
    assert_string_equal(hsmiam_error_get_message(fixture.error), "Not ready.");
    assert_int_equal(fake.signed_count, 0);

    hsmiam_client_set_ready(fixture.client, NULL, NULL);
    fake.result = HSMIAM_ERR_TOKEN;
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_ERR_TOKEN);
    assert_string_equal(hsmiam_error_get_message(fixture.error), "The token said no.");
    assert_int_equal(server_count_requests(fixture.server), 0);
    client_fixture_stop(&fixture);
}

static void test_cancelling(void **state)
{
    char *answer = http_answer("200 OK", ANSWER_CREATED);
    char *list_answer = http_answer("200 OK", ANSWER_LIST("", ANSWER_LAST_PAGE));
    char *deleted = http_answer("200 OK", ANSWER_DELETED);
    const server_step script[] = {
        {.answer = answer}, {.answer = list_answer, .piece = 16}, {.answer = deleted}};
    client_fixture fixture;
    hsmiam_key_list list;
    hooks seen = {.cancel_at = 1};

    (void)state;
    client_fixture_start(&fixture, script, COUNT(script));
    hsmiam_client_set_cancel(fixture.client, on_cancel, &seen);
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_ERR_CANCELLED);
    assert_int_equal(server_count_requests(fixture.server), 0);

    /* How often it is asked before the request leaves; the last time is the last moment. */
    seen = (hooks){.cancel_at = 0};
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_OK);
    int last = seen.cancel_calls;
    assert_true(last > 0);
    client_fixture_stop(&fixture);

    client_fixture_start(&fixture, script, COUNT(script));
    seen = (hooks){.cancel_at = last};
    hsmiam_client_set_cancel(fixture.client, on_cancel, &seen);
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_ERR_CANCELLED);
    assert_int_equal(fake.signed_count, 1);
    assert_int_equal(server_count_requests(fixture.server), 0);

    /* ListAccessKeys may be stopped on the way, DeleteAccessKey never. */
    seen = (hooks){.cancel_at = 0};
    hsmiam_client_set_cancel(fixture.client, on_cancel, &seen);
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_OK);
    assert_int_equal(seen.cancel_calls, last);
    stopper stop = {.server = fixture.server, .requests = 2};
    hsmiam_client_set_cancel(fixture.client, cancel_on_request, &stop);
    assert_int_equal(hsmiam_client_list_access_keys(fixture.client, NULL, true, &list, NULL),
                     HSMIAM_ERR_CANCELLED);
    assert_int_equal(server_count_requests(fixture.server), 2);
    hsmiam_client_set_cancel(fixture.client, on_cancel, &seen);
    seen = (hooks){.cancel_at = 1};
    assert_int_equal(delete_key(&fixture), HSMIAM_OK);
    assert_int_equal(seen.cancel_calls, 0);
    client_fixture_stop(&fixture);
    free(answer);
    free(list_answer);
    free(deleted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create),
        cmocka_unit_test(test_log),
        cmocka_unit_test(test_list_pages),
        cmocka_unit_test(test_list_without_end),
        cmocka_unit_test(test_delete_is_repeated),
        cmocka_unit_test(test_ready_comes_before_signing),
        cmocka_unit_test(test_priming_is_for_the_same_scope),
        cmocka_unit_test(test_failures_before_sending_win),
        cmocka_unit_test(test_cancelling),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
