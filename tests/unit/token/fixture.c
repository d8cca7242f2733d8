/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int fixture_set_up(void **state)
{
    fixture *fix = calloc(1, sizeof *fix);

    mock_reset();
    if (fix == NULL)
        return -1;
    fix->error = hsmiam_error_new();
    *state = fix;
    return fix->error == NULL;
}

int fixture_tear_down(void **state)
{
    fixture *fix = *state;

    mock_stop_failing();
    assert_null(strstr(fix->log, MOCK_PIN));
    assert_null(strstr(hsmiam_error_get_message(fix->error), MOCK_PIN));
    if (fix->token != NULL)
        assert_null(strstr(hsmiam_token_get_uri(fix->token), "pin"));
    hsmiam_token_free(&fix->token);
    assert_int_equal(mock_count_sessions(), 0);
    assert_int_equal(mock_count_session_objects(), 0);
    hsmiam_error_free(&fix->error);
    free(fix);
    mock_reset();
    return 0;
}

static void keep_line(void *context, hsmiam_log_level level, const char *line)
{
    fixture *fix = context;
    size_t used = strlen(fix->log);

    fix->notices += level == HSMIAM_LOG_NOTICE;
    (void)snprintf(fix->log + used, sizeof fix->log - used, "%s\n", line);
}

hsmiam_token *fixture_name_token(fixture *fix, const char *uri)
{
    hsmiam_token_free(&fix->token);
    assert_int_equal(hsmiam_token_new(uri, &fix->token, fix->error), HSMIAM_OK);
    hsmiam_token_set_modules(fix->token, mock_get_modules());
    hsmiam_token_set_log(fix->token, keep_line, fix);
    return fix->token;
}

hsmiam_token *fixture_open_token(fixture *fix)
{
    (void)fixture_name_token(fix, URI_WITH_PIN);
    fixture_expect_open(fix, HSMIAM_OK);
    return fix->token;
}

void fixture_expect_open(fixture *fix, hsmiam_status expected)
{
    hsmiam_error_clear(fix->error);
    hsmiam_status status = hsmiam_token_open(fix->token, fix->error);

    if (status != expected)
        print_error("%s\n", hsmiam_error_get_message(fix->error));
    assert_int_equal(status, expected);
    assert_int_equal(hsmiam_error_get_status(fix->error), expected);
}

void fixture_expect_message(const fixture *fix, const char *part)
{
    const char *message = hsmiam_error_get_message(fix->error);

    if (strstr(message, part) == NULL)
        fail_msg("\"%s\" is not in: %s", part, message);
}

void fixture_expect_no_message(const fixture *fix, const char *part)
{
    const char *message = hsmiam_error_get_message(fix->error);

    if (strstr(message, part) != NULL)
        fail_msg("\"%s\" is in: %s", part, message);
}
