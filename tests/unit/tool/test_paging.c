/* SPDX-License-Identifier: Apache-2.0 */
/* Where a list goes on: the AWS CLI's tokens, read and made. */
#include "check.h"
#include "paging.h"

#include <stdlib.h>

static const tool_option options[] = {TOOL_PAGING_OPTIONS, {.name = NULL}};
static const tool_command command = {.name = "list", .options = options};
static const tool_command *const commands[] = {&command, NULL};

static tool_paging paging;

/* Starts with the token; its failure is told. */
static hsmiam_status start(const char *token)
{
    const char *const argv[] = {"hsmiam", "list", "--starting-token", token, NULL};
    tool_value *input = tool_value_new(TOOL_VALUE_OBJECT, NULL);
    tool_arguments arguments = {0};
    tool_error error = {0};

    assert_int_equal(tool_arguments_parse(4, argv, commands, &arguments, &error), HSMIAM_OK);
    hsmiam_status status = tool_paging_start(&paging, &arguments, input, &error);
    tool_error_clear(&error);
    tool_value_free(&input);
    return status;
}

static void makes_tokens_of_the_aws_cli(void **state)
{
    static const struct {
        const char *marker;
        unsigned shown;
        const char *token;
    } cases[] = {
        {"", 2, "eyJNYXJrZXIiOiBudWxsLCAiYm90b190cnVuY2F0ZV9hbW91bnQiOiAyfQ=="},
        {"Mg==", 1, "eyJNYXJrZXIiOiAiTWc9PSIsICJib3RvX3RydW5jYXRlX2Ftb3VudCI6IDF9"},
        {"Mg==", 0, "eyJNYXJrZXIiOiAiTWc9PSJ9"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *token = tool_paging_make_token(cases[i].marker, cases[i].shown);
        assert_string_equal(token, cases[i].token);
        assert_int_equal(start(token), HSMIAM_OK);
        assert_string_equal(paging.marker, cases[i].marker);
        assert_int_equal(paging.skip, cases[i].shown);
        free(token);
    }
}

static void keeps_any_marker(void **state)
{
    char marker[] = "\"\\/ab\"";

    (void)state;
    for (size_t size = sizeof marker; size-- > 1;) {
        marker[size] = 0;
        char *token = tool_paging_make_token(marker, 0);
        assert_int_equal(start(token), HSMIAM_OK);
        assert_string_equal(paging.marker, marker);
        free(token);
    }
}

/* What is no token is a marker of the service's. */
static void takes_other_words(void **state)
{
    static const char *const words[] = {
        "x", "AAAA", "====", "e30", "bnVsbA==", "WzFd", "a-b", "eyJN", "\xff"};
    char big[HSMIAM_MARKER_SIZE + 1];

    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        assert_int_equal(start(words[i]), HSMIAM_OK);
        assert_string_equal(paging.marker, strcmp(words[i], "e30") == 0 ? "" : words[i]);
        assert_int_equal(paging.skip, 0);
    }
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = 0;
    assert_int_equal(start(big), HSMIAM_ERR_ARGUMENT);
    assert_int_equal(start(big + 1), HSMIAM_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_tokens_of_the_aws_cli),
        cmocka_unit_test(keeps_any_marker),
        cmocka_unit_test(takes_other_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
