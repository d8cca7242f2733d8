/* SPDX-License-Identifier: Apache-2.0 */
/* Where the module's sentences go, and what may not come with them. */
#include "cryptoki/message.h"
#include "support/cmocka_tests.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/hsmiam-test-XXXXXX";
static char path[64];

static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(path, sizeof path, "%s/log", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return rmdir(folder);
}

/* What the log holds, the time and the process taken off; it is removed. */
static const char *read_log(void)
{
    static char text[8192];
    FILE *log = fopen(path, "r");

    assert_non_null(log);
    text[fread(text, 1, sizeof text - 1, log)] = '\0';
    (void)fclose(log);
    assert_int_equal(unlink(path), 0);
    const char *end = strstr(text, "]: ");
    assert_non_null(end);
    return end + 3;
}

static void lets_no_text_pass_for_a_line(void **state)
{
    (void)state;
    hsmiam_message_set_file(path);
    hsmiam_message_write("%s", "no\n2026-11-24T00:00:00Z hsmiam-pkcs11[1]: all is well");
    assert_string_equal(read_log(), "no\n    2026-11-24T00:00:00Z hsmiam-pkcs11[1]: all is well\n");
    hsmiam_message_write("a%sb", "\r\x1b[2J\x7f\xc2\x9b"
                                 "0m\xc3\xa4");
    assert_string_equal(read_log(), "a\\x0d\\x1b[2J\\x7f\\xc2\\x9b0m\xc3\xa4"
                                    "b\n");
}

/* The line ends, however long its text is. */
static void ends_a_long_line(void **state)
{
    static char text[6000];

    (void)state;
    memset(text, '\n', sizeof text - 1);
    hsmiam_message_write("%s", text);
    const char *log = read_log();
    assert_true(strlen(log) > 4000 && strlen(log) < 4352);
    assert_int_equal(log[strlen(log) - 1], '\n');
}

/* The program reads on, though nobody reads its standard error; and a signal that was there before
 * is not taken from it. */
static void does_not_end_the_program(void **state)
{
    int ends[2];
    int status = 0;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        sigset_t set;

        (void)signal(SIGPIPE, SIG_DFL);
        (void)close(ends[0]);
        (void)dup2(ends[1], STDERR_FILENO);
        hsmiam_message_set_file(NULL);
        hsmiam_message_write("nobody reads this");
        (void)sigemptyset(&set);
        (void)sigaddset(&set, SIGPIPE);
        (void)sigprocmask(SIG_BLOCK, &set, NULL);
        (void)raise(SIGPIPE);
        hsmiam_message_write("nor this");
        (void)sigpending(&set);
        _exit(sigismember(&set, SIGPIPE) == 1 ? 7 : 8);
    }
    (void)close(ends[0]);
    (void)close(ends[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
}

/* In a program without standard streams, the log takes the place of none of them. */
static void keeps_no_file_open(void **state)
{
    int status = 0;

    (void)state;
    hsmiam_message_set_file(path);
    pid_t child = fork();
    if (child == 0) {
        for (int fd = 0; fd < 3; fd++)
            (void)close(fd);
        hsmiam_message_write("a line");
        _exit(fcntl(0, F_GETFD) < 0 && fcntl(1, F_GETFD) < 0 && fcntl(2, F_GETFD) < 0 ? 7 : 8);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 7);
    assert_string_equal(read_log(), "a line\n");
}

static void waits_for_no_reader(void **state)
{
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    int before = dup(STDERR_FILENO);

    (void)state;
    assert_int_equal(mkfifo(path, 0600), 0);
    hsmiam_message_set_file(path);
    assert_int_equal(dup2(nowhere, STDERR_FILENO), STDERR_FILENO);
    (void)alarm(10);
    hsmiam_message_write("a line");
    (void)alarm(0);
    assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
    (void)close(before);
    (void)close(nowhere);
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lets_no_text_pass_for_a_line), cmocka_unit_test(ends_a_long_line),
        cmocka_unit_test(does_not_end_the_program),     cmocka_unit_test(keeps_no_file_open),
        cmocka_unit_test(waits_for_no_reader),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
