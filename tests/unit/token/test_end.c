/* SPDX-License-Identifier: Apache-2.0 */
/* How the use of a token ends: no more sessions, a fork, a close. */
#include "loss_fixture.h"

#include "token/pool.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_only_so_many_sessions(void **state)
{
    fixture *fix = *state;
    hsmiam_object key = loss_open_with_key(fix);

    mock_fail(MOCK_C_OpenSession, 0, CKR_SESSION_COUNT);
    assert_int_equal(loss_hmac(fix, key), HSMIAM_OK);
    (void)fixture_name_token(fix, URI_WITH_PIN);
    fixture_expect_open(fix, HSMIAM_ERR_TOKEN);
    fixture_expect_message(fix, "CKR_SESSION_COUNT");
}

/* In a forked child, the token says what is the matter, and leaves the parent's sessions alone. */
static void test_fork(void **state)
{
    fixture *fix = *state;
    hsmiam_object key = loss_open_with_key(fix);
    int result = -1;

    mock_stop_failing();
    pid_t child = fork();
    if (child == 0) {
        hsmiam_error *error = hsmiam_error_new();
        size_t count = 0;
        bool refused =
            hsmiam_token_count_access_keys(fix->token, LOSS_ID, &count, error) ==
                HSMIAM_ERR_TOKEN &&
            strstr(hsmiam_error_get_message(error), "before this process was forked") != NULL;
        refused = refused && hsmiam_token_open(fix->token, error) == HSMIAM_ERR_TOKEN;
        hsmiam_token_free(&fix->token);
        for (mock_function function = 0; function < MOCK_FUNCTION_COUNT; function++)
            refused = refused && mock.calls[function] == 0;
        _exit(refused ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    assert_int_equal(loss_hmac(fix, key), HSMIAM_OK);
}

/* A thread that is not in the child may have held any lock. */
static void test_free_after_fork(void **state)
{
    fixture *fix = *state;
    hsmiam_object key = loss_open_with_key(fix);
    int result = -1;

    (void)pthread_mutex_lock(&fix->token->importing);
    (void)pthread_mutex_lock(&fix->token->opening);
    (void)pthread_mutex_lock(&fix->token->pool->lock);
    pid_t child = fork();
    if (child == 0) {
        (void)alarm(10);
        hsmiam_status status = hsmiam_token_destroy_object(fix->token, key, NULL);
        hsmiam_token_end_transport(fix->token);
        hsmiam_token_free(&fix->token);
        _exit(status == HSMIAM_ERR_TOKEN ? 0 : 1);
    }
    (void)pthread_mutex_unlock(&fix->token->pool->lock);
    (void)pthread_mutex_unlock(&fix->token->opening);
    (void)pthread_mutex_unlock(&fix->token->importing);
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    assert_int_equal(loss_hmac(fix, key), HSMIAM_OK);
}

/* What is closed stays so, and calls no module that may be gone. */
static void test_closed(void **state)
{
    fixture *fix = *state;
    hsmiam_object key = loss_open_with_key(fix);

    hsmiam_token_close(fix->token);
    mock_stop_failing();
    assert_int_equal(hsmiam_token_open(fix->token, fix->error), HSMIAM_ERR_ARGUMENT);
    fixture_expect_message(fix, "was closed");
    assert_int_equal(loss_hmac(fix, key), HSMIAM_ERR_ARGUMENT);
    assert_int_equal(hsmiam_token_destroy_object(fix->token, key, fix->error), HSMIAM_ERR_ARGUMENT);
    hsmiam_token_end_transport(fix->token);
    hsmiam_token_close(fix->token);
    for (mock_function function = 0; function < MOCK_FUNCTION_COUNT; function++)
        assert_int_equal(mock.calls[function], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_only_so_many_sessions),
        fixture_test(test_fork),
        fixture_test(test_free_after_fork),
        fixture_test(test_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
