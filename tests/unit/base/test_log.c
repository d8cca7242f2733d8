/* SPDX-License-Identifier: Apache-2.0 */
/* Lines that wait while a secret is there. */
#include "support/cmocka_tests.h"

#include "base/log.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader {
    char text[20000];
    unsigned lines;
} reader;

static void read_line(void *context, hsmiam_log_level level, const char *line)
{
    reader *to = context;

    assert_true(level == HSMIAM_LOG_DEBUG || level == HSMIAM_LOG_NOTICE);
    (void)strncat(to->text, line, sizeof to->text - strlen(to->text) - 1);
    (void)strncat(to->text, ";", sizeof to->text - strlen(to->text) - 1);
    to->lines++;
}

typedef struct fixture {
    reader reader;
    hsmiam_log log;
    hsmiam_log_hold hold;
} fixture;

static int set_up(void **state)
{
    fixture *fix = calloc(1, sizeof *fix);

    if (fix == NULL)
        return -1;
    fix->log = (hsmiam_log){read_line, &fix->reader};
    *state = fix;
    return 0;
}

static int tear_down(void **state)
{
    hsmiam_log_hold_end();
    free(*state);
    return 0;
}

static void say(const fixture *fix, const char *text)
{
    hsmiam_log_write(&fix->log, HSMIAM_LOG_DEBUG, "%s", text);
}

static void test_lines_wait_in_their_order(void **state)
{
    fixture *fix = *state;
    reader other = {.lines = 0};
    const hsmiam_log others = {read_line, &other};

    hsmiam_log_hold_begin(&fix->hold);
    say(fix, "before");
    hsmiam_log_hold_keep();
    say(fix, "one");
    hsmiam_log_write(&others, HSMIAM_LOG_NOTICE, "two");
    say(fix, "three");
    assert_string_equal(fix->reader.text, "before;");
    assert_string_equal(other.text, "");
    hsmiam_log_write_at_once(&fix->log, HSMIAM_LOG_NOTICE, "Enter the %s", "PIN");
    assert_string_equal(fix->reader.text, "before;Enter the PIN;");
    hsmiam_log_hold_release(&fix->hold);
    assert_string_equal(fix->reader.text, "before;Enter the PIN;one;three;");
    assert_string_equal(other.text, "two;");
    say(fix, "after");
    hsmiam_log_hold_release(&fix->hold);
    assert_string_equal(fix->reader.text, "before;Enter the PIN;one;three;after;");
}

/* A hold may be let go of and filled again: another answer comes. */
static void test_again(void **state)
{
    fixture *fix = *state;

    hsmiam_log_hold_begin(&fix->hold);
    for (int i = 0; i < 3; i++) {
        hsmiam_log_hold_keep();
        say(fix, "kept");
        hsmiam_log_hold_release(NULL);
        say(fix, "not");
    }
    assert_string_equal(fix->reader.text, "kept;not;kept;not;kept;not;");
}

static void test_nowhere_to_wait(void **state)
{
    fixture *fix = *state;
    const hsmiam_log none = {NULL, NULL};

    hsmiam_log_hold_keep();
    say(fix, "one");
    hsmiam_log_hold_release(NULL);
    hsmiam_log_hold_begin(&fix->hold);
    hsmiam_log_hold_keep();
    hsmiam_log_write(&none, HSMIAM_LOG_DEBUG, "nobody wants it");
    hsmiam_log_hold_end();
    say(fix, "two");
    assert_string_equal(fix->reader.text, "one;two;");
    hsmiam_log_hold_release(&fix->hold);
    assert_int_equal(fix->reader.lines, 2);
}

static void *say_elsewhere(void *context)
{
    say(context, "another thread's");
    return NULL;
}

static void test_another_thread_is_not_held_up(void **state)
{
    fixture *fix = *state;
    pthread_t thread;

    hsmiam_log_hold_begin(&fix->hold);
    hsmiam_log_hold_keep();
    assert_int_equal(pthread_create(&thread, NULL, say_elsewhere, fix), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_string_equal(fix->reader.text, "another thread's;");
}

static void test_what_is_too_much_is_counted(void **state)
{
    fixture *fix = *state;
    char line[1500];

    hsmiam_log_hold_begin(&fix->hold);
    hsmiam_log_hold_keep();
    for (int i = 0; i < HSMIAM_LOG_KEPT_LINES + 7; i++)
        say(fix, "x");
    hsmiam_log_hold_release(NULL);
    assert_int_equal(fix->reader.lines, HSMIAM_LOG_KEPT_LINES + 1);
    assert_non_null(strstr(fix->reader.text, "x;(7 more lines are left out);"));

    fix->reader = (reader){.lines = 0};
    memset(line, 'y', sizeof line);
    line[sizeof line - 1] = '\0';
    hsmiam_log_hold_keep();
    for (int i = 0; i < 10; i++)
        say(fix, line);
    hsmiam_log_hold_release(NULL);
    assert_int_equal(fix->reader.lines, HSMIAM_LOG_KEPT_SIZE / sizeof line + 1);
    assert_non_null(strstr(fix->reader.text, "y;(5 more lines are left out);"));
}

#define log_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        log_test(test_lines_wait_in_their_order),
        log_test(test_again),
        log_test(test_nowhere_to_wait),
        log_test(test_another_thread_is_not_held_up),
        log_test(test_what_is_too_much_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
