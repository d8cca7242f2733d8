/* SPDX-License-Identifier: Apache-2.0 */
/* A token that does not come back from a call: the caller does, and what the call may still write
 * to stays. And one that does, with a time-out set: nothing is different. */
#include "fixture.h"

#include "support/mapping.h"
#include "token/pool.h"

#include <dirent.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ID     "AKIAIOSFODNN7EXAMPLE"
#define SECRET "hush/hush+hush/hush+hush/hush+hush/hush+"

static const hsmiam_key_spec spec = {
    .id = ID, .label = "alice", .created = 1440938160, .persistent = true};

static size_t count_threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    size_t count = 0;

    assert_non_null(tasks);
    for (const struct dirent *task = readdir(tasks); task != NULL; task = readdir(tasks))
        count += task->d_name[0] != '.';
    (void)closedir(tasks);
    return count;
}

/* Lets the call go on, and waits until its thread has ended. */
static void let_go(size_t threads_before)
{
    const struct timespec moment = {0, 2000000};

    mock_release();
    while (count_threads() > threads_before)
        (void)nanosleep(&moment, NULL);
}

/* As much time as a busy machine may need; what is to be over soon says how much is left. */
#define SECONDS 60

static void name_token(fixture *fix)
{
    (void)fixture_name_token(fix, URI_WITH_PIN);
    hsmiam_token_set_timeout(fix->token, SECONDS);
}

/* As if earlier calls had taken all but so much: it is for all of them. */
static void leave_milliseconds(fixture *fix, long milliseconds)
{
    atomic_store(&fix->token->pool->watch.spent, (SECONDS * 1000LL - milliseconds) * 1000000);
}

static hsmiam_status run_hmac(fixture *fix, hsmiam_object key)
{
    hsmiam_secret *mac = NULL;

    assert_int_equal(hsmiam_secret_new(HSMIAM_HMAC_SIZE, &mac, fix->error), HSMIAM_OK);
    hsmiam_status status = hsmiam_token_hmac(fix->token, key, "data", 4, mac, fix->error);
    hsmiam_secret_free(&mac);
    return status;
}

/* All that the layer does: open, provision, find, import by both routes, sign, read, destroy. */
static hsmiam_status do_all(fixture *fix)
{
    static const hsmiam_import_route routes[] = {HSMIAM_ROUTE_RSA_OAEP, HSMIAM_ROUTE_CREATE_OBJECT};
    char id[HSMIAM_ACCESS_KEY_ID_MAX + 1] = "";
    hsmiam_object key = CK_INVALID_HANDLE;
    hsmiam_secret *value = NULL;

    hsmiam_status status = hsmiam_secret_new(64, &value, fix->error);
    assert_true(hsmiam_secret_append(value, "AWS4" SECRET, strlen("AWS4" SECRET)));
    if (status == HSMIAM_OK)
        status = hsmiam_token_provision(fix->token, NULL, NULL, fix->error);
    for (size_t i = 0; status == HSMIAM_OK && i < 2; i++) {
        status = hsmiam_token_import_key(fix->token, routes[i], &spec, value, &key, fix->error);
        if (status == HSMIAM_OK)
            status = hsmiam_token_check_key(fix->token, key, &spec, fix->error);
        if (status == HSMIAM_OK)
            status = run_hmac(fix, key);
        if (status == HSMIAM_OK)
            status = hsmiam_token_find_access_key(fix->token, NULL, &key, id, fix->error);
        if (status == HSMIAM_OK)
            status = hsmiam_token_destroy_object(fix->token, key, fix->error);
    }
    hsmiam_secret_free(&value);
    return status;
}

static void test_all_is_the_same_with_a_timeout(void **state)
{
    fixture *fix = *state;
    size_t before = count_threads();

    name_token(fix);
    assert_int_equal(do_all(fix), HSMIAM_OK);
    assert_int_equal(count_threads(), before + 1);
    assert_int_equal(mock_count_objects(), 6);
    mock_fail(MOCK_C_Sign, 1, CKR_DEVICE_REMOVED);
    assert_int_equal(do_all(fix), HSMIAM_OK);
    mock_fail(MOCK_C_Sign, 1, CKR_GENERAL_ERROR);
    assert_int_equal(do_all(fix), HSMIAM_ERR_TOKEN);
    fixture_expect_message(fix, "C_Sign");
    hsmiam_token_free(&fix->token);
    assert_int_equal(count_threads(), before);
}

/* The thread waits for the next call, and holds nothing of the last one. */
static void test_nothing_stays_on_the_stack(void **state)
{
    fixture *fix = *state;
    char flags[MAPPING_FLAGS_MAX];

    name_token(fix);
    fixture_expect_open(fix, HSMIAM_OK);
    const char *left = (const char *)mock.pin_on_stack;
    assert_non_null(left);
    for (size_t i = 0; i < strlen(MOCK_PIN); i++)
        assert_int_equal(left[i], 0);
    mapping_read_flags(left, flags);
    assert_non_null(strstr(flags, " lo "));
    assert_non_null(strstr(flags, " dd "));
}

/* Ten times as much, where keys are made, is not less. */
static void test_a_limit_that_is_no_limit(void **state)
{
    fixture *fix = *state;

    (void)fixture_name_token(fix, URI_WITH_PIN);
    hsmiam_token_set_timeout(fix->token, 1U << 31);
    assert_int_equal(do_all(fix), HSMIAM_OK);
}

static void test_no_thread_without_a_timeout(void **state)
{
    fixture *fix = *state;
    size_t before = count_threads();

    (void)fixture_name_token(fix, URI_WITH_PIN);
    assert_int_equal(do_all(fix), HSMIAM_OK);
    assert_int_equal(count_threads(), before);
}

/* Does all with a token that does not come back from a function. What it is given for that suffices
 * on a quiet machine; where another call takes it up before, it is given more. */
static void hang_in(fixture *fix, mock_function function)
{
    size_t before = count_threads();
    char said[96];

    (void)snprintf(said, sizeof said, " does not answer: %s has not come back for ",
                   mock_get_name(function));
    for (long milliseconds = 100;; milliseconds *= 4) {
        mock_reset();
        name_token(fix);
        leave_milliseconds(fix, milliseconds);
        mock_hang(function, 1);
        assert_int_equal(do_all(fix), HSMIAM_ERR_TOKEN);
        assert_true(hsmiam_token_is_silent(fix->token));
        if (strstr(hsmiam_error_get_message(fix->error), said) != NULL)
            return;
        assert_true(milliseconds < SECONDS * 1000L / 4);
        hsmiam_token_free(&fix->token);
        let_go(before);
    }
}

/* Where keys are made, ten times the limit would have to be waited for. */
static void test_each_function_hangs(void **state)
{
    static const mock_function functions[] = {
        MOCK_C_GetInfo,       MOCK_C_GetTokenInfo,
        MOCK_C_OpenSession,   MOCK_C_GetSessionInfo,
        MOCK_C_Login,         MOCK_C_FindObjectsInit,
        MOCK_C_FindObjects,   MOCK_C_FindObjectsFinal,
        MOCK_C_SignInit,      MOCK_C_Sign,
        MOCK_C_UnwrapKey,     MOCK_C_CreateObject,
        MOCK_C_DestroyObject, MOCK_C_GetAttributeValue,
    };
    fixture *fix = *state;
    size_t before = count_threads();

    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        hang_in(fix, functions[i]);
        fixture_expect_message(fix, "and all calls together may take 60 s (--token-timeout).");
        unsigned calls = mock.calls[MOCK_C_FindObjectsInit];
        assert_int_equal(do_all(fix), HSMIAM_ERR_TOKEN);
        assert_int_equal(mock.calls[MOCK_C_FindObjectsInit], calls);
        hsmiam_token_free(&fix->token);
        assert_int_equal(count_threads(), before + 1);
        let_go(before);
    }
    mock_reset();
}

/* No call is slow by itself. */
static void test_all_calls_count(void **state)
{
    fixture *fix = *state;

    name_token(fix);
    fixture_expect_open(fix, HSMIAM_OK);
    leave_milliseconds(fix, 300);
    mock_slow(60);
    assert_int_equal(do_all(fix), HSMIAM_ERR_TOKEN);
    fixture_expect_message(fix, "all calls together may take 60 s");
    assert_true(hsmiam_token_is_silent(fix->token));
    mock_slow(0);
    hsmiam_token_free(&fix->token);
    mock_reset();
}

/* Where keys are made, a second counts as a tenth. */
static void test_some_calls_count_less(void **state)
{
    hsmiam_watch watch = {.seconds = 2};

    (void)state;
    assert_int_equal(hsmiam_watch_get_allowance(&watch, 1), 2000000000);
    hsmiam_watch_count(&watch, 10, 5000000000);
    assert_int_equal(hsmiam_watch_get_allowance(&watch, 1), 1500000000);
    assert_int_equal(hsmiam_watch_get_allowance(&watch, 10), 15000000000);
    hsmiam_watch_count(&watch, 1, 1500000000);
    assert_int_equal(hsmiam_watch_get_allowance(&watch, 10), 0);
    hsmiam_watch_renew(&watch);
    assert_int_equal(hsmiam_watch_get_allowance(&watch, 1), 2000000000);
}

/* Nothing is called when it is over, unless it is renewed. */
static void test_no_time_left(void **state)
{
    fixture *fix = *state;
    hsmiam_object key = CK_INVALID_HANDLE;

    name_token(fix);
    fixture_expect_open(fix, HSMIAM_OK);
    leave_milliseconds(fix, 0);
    hsmiam_token_renew_timeout(fix->token);
    assert_int_equal(do_all(fix), HSMIAM_OK);
    leave_milliseconds(fix, 0);
    unsigned calls = mock.calls[MOCK_C_FindObjectsInit];
    char id[HSMIAM_ACCESS_KEY_ID_MAX + 1] = "";
    assert_int_equal(hsmiam_token_find_access_key(fix->token, NULL, &key, id, fix->error),
                     HSMIAM_ERR_TOKEN);
    fixture_expect_message(fix,
                           "is too slow: before C_FindObjectsInit was called, the 60 s were over");
    assert_int_equal(mock.calls[MOCK_C_FindObjectsInit], calls);
    hsmiam_token_free(&fix->token);
    mock_reset();
}

static void test_closing_hangs(void **state)
{
    fixture *fix = *state;
    size_t before = count_threads();

    name_token(fix);
    assert_int_equal(do_all(fix), HSMIAM_OK);
    mock_hang(MOCK_C_CloseSession, 1);
    fix->token->pool->watch.seconds = 1; /* closing has no more than was set */
    hsmiam_token_close(fix->token);
    assert_true(hsmiam_token_is_silent(fix->token));
    hsmiam_token_free(&fix->token);
    let_go(before);
    mock_reset();
}

/* The thread comes back while the token is still there, and the token stays silent. */
static void test_late_answer(void **state)
{
    fixture *fix = *state;
    size_t before = count_threads();

    hang_in(fix, MOCK_C_Login);
    let_go(before);
    assert_int_equal(do_all(fix), HSMIAM_ERR_TOKEN);
    fixture_expect_message(fix, "C_Login");
    hsmiam_token_free(&fix->token);
    mock_reset();
}

static void *do_nothing(void *context)
{
    return context;
}

/* With its first thread, ThreadSanitizer starts one of its own. */
static int start_threads(void **state)
{
    pthread_t thread;

    (void)state;
    return pthread_create(&thread, NULL, do_nothing, NULL) != 0 || pthread_join(thread, NULL) != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_all_is_the_same_with_a_timeout),
        fixture_test(test_nothing_stays_on_the_stack),
        fixture_test(test_a_limit_that_is_no_limit),
        fixture_test(test_no_thread_without_a_timeout),
        fixture_test(test_each_function_hangs),
        fixture_test(test_all_calls_count),
        fixture_test(test_some_calls_count_less),
        fixture_test(test_no_time_left),
        fixture_test(test_closing_hangs),
        fixture_test(test_late_answer),
    };

    return cmocka_run_group_tests(tests, start_threads, NULL);
}
