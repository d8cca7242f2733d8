/* SPDX-License-Identifier: Apache-2.0 */
/* What concerns the process as a whole: its version, its hardening, its log. */
#include "support/cmocka_tests.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"

typedef struct caught {
    unsigned lines;
    hsmiam_log_level level;
    char line[8192];
} caught;

static void catch_line(void *context, hsmiam_log_level level, const char *line)
{
    caught *to = context;

    to->lines++;
    to->level = level;
    (void)snprintf(to->line, sizeof to->line, "%s", line);
}

static void test_version(void **state)
{
    const char *version = hsmiam_version();
    size_t points = 0;

    (void)state;
    for (const char *at = version; *at != '\0'; at++) {
        bool is_point = *at == '.';
        assert_true(is_point || (*at >= '0' && *at <= '9'));
        assert_false(is_point && (at == version || at[-1] == '.' || at[1] == '\0'));
        points += is_point;
    }
    assert_int_equal(points, 2);
}

static void test_harden(void **state)
{
    struct rlimit core;
    int before = prctl(PR_GET_DUMPABLE);
    int result = 0;

    (void)state;
    pid_t child = fork();
    if (child == 0)
        _exit(hsmiam_process_harden(NULL) != HSMIAM_OK || prctl(PR_GET_DUMPABLE) != 0 ||
              getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_cur != 0 || core.rlim_max != 0);
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result));
    assert_int_equal(WEXITSTATUS(result), 0);
    assert_int_equal(prctl(PR_GET_DUMPABLE), before);
}

static void test_log_line(void **state)
{
    caught got = {0};
    const hsmiam_log log = {catch_line, &got};

    (void)state;
    hsmiam_log_write(&log, HSMIAM_LOG_DEBUG, "%s %d", "sent", 5);
    assert_int_equal(got.lines, 1);
    assert_int_equal(got.level, HSMIAM_LOG_DEBUG);
    assert_string_equal(got.line, "sent 5");
    hsmiam_log_write(&log, HSMIAM_LOG_NOTICE, "look");
    assert_int_equal(got.lines, 2);
    assert_int_equal(got.level, HSMIAM_LOG_NOTICE);
}

static void test_log_line_is_cut(void **state)
{
    caught got = {0};
    const hsmiam_log log = {catch_line, &got};
    char text[6000];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    hsmiam_log_write(&log, HSMIAM_LOG_DEBUG, "%s", text);
    assert_int_equal(strlen(got.line), 4095);
}

static void test_log_to_nobody(void **state)
{
    const hsmiam_log log = {NULL, NULL};

    (void)state;
    hsmiam_log_write(&log, HSMIAM_LOG_NOTICE, "%s", "nobody reads this");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_version),       cmocka_unit_test(test_harden),
        cmocka_unit_test(test_log_line),      cmocka_unit_test(test_log_line_is_cut),
        cmocka_unit_test(test_log_to_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
