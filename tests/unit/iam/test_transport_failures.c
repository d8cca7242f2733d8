/* SPDX-License-Identifier: Apache-2.0 */
/* Every call of libcurl fails once. */

#include "support/cmocka_tests.h"

#include <stdlib.h>
#include <string.h>

#include "client_fixture.h"

static int calls_left; /* until the call that fails; negative: none does */
static CURLcode failure;
static CURLoption failed_option;
static bool prepared; /* the request is complete: what follows is the end of the run */
static bool spare_the_end;

static bool is_to_fail(void)
{
    return calls_left >= 0 && calls_left-- == 0;
}

/* What the options take is a pointer, a long or an offset: all of one size and passed alike. */
static CURLcode failing_setopt(CURL *handle, CURLoption option, ...)
{
    va_list arguments;

    _Static_assert(sizeof(void *) == sizeof(long) && sizeof(long) == sizeof(curl_off_t),
                   "one kind of argument");
    if (!(spare_the_end && prepared) && is_to_fail()) {
        failed_option = option;
        return failure;
    }
    va_start(arguments, option);
    CURLcode code = (curl_easy_setopt)(handle, option, va_arg(arguments, void *));
    va_end(arguments);
    prepared = prepared || option == CURLOPT_HTTPHEADER;
    return code;
}

static CURLcode failing_getinfo(CURL *handle, CURLINFO info, ...)
{
    va_list arguments;

    if (is_to_fail())
        return failure;
    va_start(arguments, info);
    CURLcode code = (curl_easy_getinfo)(handle, info, va_arg(arguments, void *));
    va_end(arguments);
    return code;
}

static struct curl_slist *failing_append(struct curl_slist *list, const char *line)
{
    return is_to_fail() ? NULL : curl_slist_append(list, line);
}

static CURLcode failing_perform(CURL *handle)
{
    (void)handle;
    return failure;
}

static CURL *no_handle(void)
{
    return NULL;
}

static CURLcode no_init(void)
{
    return CURLE_FAILED_INIT;
}

static hsmiam_status run(const hsmiam_transport_functions *curl, size_t *requests_out)
{
    char *answer = http_answer("200 OK", ANSWER_CREATED);
    const server_step script[] = {{.answer = answer}};
    client_fixture fixture;
    int calls = calls_left;

    calls_left = -1;
    prepared = false;
    client_fixture_start_over(&fixture, curl, script, 1);
    calls_left = calls;
    hsmiam_status status = client_fixture_create(&fixture);
    client_fixture_assert_secret(&fixture, status == HSMIAM_OK);
    if (status != HSMIAM_OK)
        assert_string_not_equal(hsmiam_error_get_message(fixture.error), "");
    *requests_out = server_count_requests(fixture.server);
    client_fixture_stop(&fixture);
    free(answer);
    return status;
}

/* Lets the first call fail, then the second and so on, until none is left to. */
static int fail_each(const hsmiam_transport_functions *curl, CURLcode code, hsmiam_status expected)
{
    size_t requests = 0;

    failure = code;
    for (int call = 0; call < 200; call++) {
        calls_left = call;
        hsmiam_status status = run(curl, &requests);
        if (calls_left >= 0) {
            assert_int_equal(status, HSMIAM_OK);
            calls_left = -1;
            return call;
        }
        assert_int_equal(status, expected);
        assert_int_equal(requests, 0);
    }
    fail();
    return 0;
}

static void test_options(void **state)
{
    hsmiam_transport_functions curl = client_fixture_copy_libcurl();

    (void)state;
    curl.easy_setopt = failing_setopt;
    spare_the_end = true;
    int options = fail_each(&curl, CURLE_UNKNOWN_OPTION, HSMIAM_ERR_INTERNAL);
    assert_true(options > 30);
    /* The last one is set when the connection stands. */
    calls_left = options - 1;
    size_t requests = 0;
    assert_int_equal(run(&curl, &requests), HSMIAM_ERR_INTERNAL);
    assert_int_equal(failed_option, CURLOPT_HTTPHEADER);
    /* What is done to libcurl's buffer afterwards changes nothing about the answer. */
    spare_the_end = false;
    for (int more = 0; more < 5; more++) {
        calls_left = options + more;
        assert_int_equal(run(&curl, &requests), HSMIAM_OK);
        assert_int_equal(calls_left, -1);
    }
}

static void test_options_without_memory(void **state)
{
    hsmiam_transport_functions curl = client_fixture_copy_libcurl();
    size_t requests = 0;

    (void)state;
    curl.easy_setopt = failing_setopt;
    failure = CURLE_OUT_OF_MEMORY;
    calls_left = 20;
    assert_int_equal(run(&curl, &requests), HSMIAM_ERR_MEMORY);
}

static void test_lists(void **state)
{
    hsmiam_transport_functions curl = client_fixture_copy_libcurl();

    (void)state;
    curl.slist_append = failing_append;
    assert_int_equal(fail_each(&curl, CURLE_OK, HSMIAM_ERR_MEMORY), 7);
}

/* The answer is there, but not its status: what it was is not known. */
static void test_information(void **state)
{
    hsmiam_transport_functions curl = client_fixture_copy_libcurl();
    size_t requests = 0;

    (void)state;
    curl.easy_getinfo = failing_getinfo;
    failure = CURLE_UNKNOWN_OPTION;
    calls_left = 0;
    assert_int_equal(run(&curl, &requests), HSMIAM_ERR_UNKNOWN_OUTCOME);
    assert_int_equal(requests, 1);
}

static void test_perform(void **state)
{
    static const struct {
        CURLcode code;
        hsmiam_status status;
    } rows[] = {
        {CURLE_COULDNT_RESOLVE_HOST, HSMIAM_ERR_NETWORK},
        {CURLE_COULDNT_RESOLVE_PROXY, HSMIAM_ERR_NETWORK},
        {CURLE_COULDNT_CONNECT, HSMIAM_ERR_NETWORK},
        {CURLE_OPERATION_TIMEDOUT, HSMIAM_ERR_NETWORK},
        {CURLE_PEER_FAILED_VERIFICATION, HSMIAM_ERR_NETWORK},
        {CURLE_SSL_CONNECT_ERROR, HSMIAM_ERR_NETWORK},
        {CURLE_SSL_CACERT_BADFILE, HSMIAM_ERR_CONFIG},
        {CURLE_OUT_OF_MEMORY, HSMIAM_ERR_MEMORY},
        {CURLE_OK, HSMIAM_ERR_NETWORK},
    };
    hsmiam_transport_functions curl = client_fixture_copy_libcurl();
    size_t requests = 0;

    (void)state;
    curl.easy_perform = failing_perform;
    calls_left = -1;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        failure = rows[i].code;
        assert_int_equal(run(&curl, &requests), rows[i].status);
    }
}

static void test_taking_libcurl_up(void **state)
{
    hsmiam_transport_functions curl = client_fixture_copy_libcurl();
    size_t requests = 0;

    (void)state;
    curl.easy_init = no_handle;
    assert_int_equal(run(&curl, &requests), HSMIAM_ERR_MEMORY);
    curl.global_init = no_init;
    assert_int_equal(run(&curl, &requests), HSMIAM_ERR_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options), cmocka_unit_test(test_options_without_memory),
        cmocka_unit_test(test_lists),   cmocka_unit_test(test_information),
        cmocka_unit_test(test_perform), cmocka_unit_test(test_taking_libcurl_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
