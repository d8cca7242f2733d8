/* SPDX-License-Identifier: Apache-2.0 */
/* Questions on a terminal: the tool runs at the far end of a pseudo-terminal. */
#include "check.h"
#include "fake_library.h"
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define PATIENCE_MILLISECONDS 10000

/* The tool on its terminal. */
typedef struct test_dialogue {
    pid_t child;
    int terminal;
    int report; /* where the fake's state arrives */
    char screen[8192];
    size_t size;
    fake_state fake;
} test_dialogue;

static void run_child(int report, const char *const *words)
{
    char *argv[16] = {strdup("hsmiam")};
    int argc = 1;
    int code = 0;

    for (; words[argc - 1] && argc < 15; argc++)
        argv[argc] = strdup(words[argc - 1]);
    code = tool_run(argc, argv);
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    if (write(report, &fake, sizeof fake) != sizeof fake)
        abort();
    exit(code);
}

static void start(test_dialogue *dialogue, const char *const *words)
{
    int ends[2] = {-1, -1};

    *dialogue = (test_dialogue){0};
    setenv("AWS_CONFIG_FILE", "/nonexistent/config", 1);
    assert_int_equal(pipe(ends), 0);
    dialogue->child = forkpty(&dialogue->terminal, NULL, NULL, NULL);
    assert_true(dialogue->child >= 0);
    if (dialogue->child == 0)
        run_child(ends[1], words);
    close(ends[1]);
    dialogue->report = ends[0];
}

#define START(dialogue, ...) start(dialogue, (const char *const[]){__VA_ARGS__, NULL})

/* Reads the screen until it holds the text; NULL: until the tool has closed it. */
static void wait_for(test_dialogue *dialogue, const char *text)
{
    while (!text || !strstr(dialogue->screen, text)) {
        struct pollfd waiting = {.fd = dialogue->terminal, .events = POLLIN};
        ssize_t got = 0;

        if (poll(&waiting, 1, PATIENCE_MILLISECONDS) <= 0)
            fail_msg("no \"%s\" in \"%s\"", text ? text : "end", dialogue->screen);
        got = read(dialogue->terminal, dialogue->screen + dialogue->size,
                   sizeof dialogue->screen - 1 - dialogue->size);
        if (got <= 0) {
            if (text)
                fail_msg("no \"%s\" in \"%s\"", text, dialogue->screen);
            return;
        }
        dialogue->size += (size_t)got;
    }
}

static void type(const test_dialogue *dialogue, const char *text)
{
    assert_int_equal(write(dialogue->terminal, text, strlen(text)), strlen(text));
}

static bool has_echo(const test_dialogue *dialogue)
{
    struct termios now = {0};

    assert_int_equal(tcgetattr(dialogue->terminal, &now), 0);
    return (now.c_lflag & ECHO) != 0;
}

static int finish(test_dialogue *dialogue)
{
    int status = 0;

    wait_for(dialogue, NULL);
    assert_int_equal(waitpid(dialogue->child, &status, 0), dialogue->child);
    assert_true(has_echo(dialogue));
    if (read(dialogue->report, &dialogue->fake, sizeof dialogue->fake) < 0)
        fail_msg("no report");
    close(dialogue->report);
    close(dialogue->terminal);
    assert_lacks(dialogue->screen, "sEcReT");
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void asks_for_the_pin(void **state)
{
    test_dialogue dialogue = {0};

    (void)state;
    START(&dialogue, "provision-token", "--token", "pkcs11:token=t", "--output", "text");
    wait_for(&dialogue, "PIN for token \"lab\\x1bel\": ");
    assert_false(has_echo(&dialogue));
    type(&dialogue, "sEcReT\n");
    assert_int_equal(finish(&dialogue), 0);
    assert_string_equal(dialogue.fake.pin, "sEcReT");
    assert_contains(dialogue.screen, "TOKEN\tlabel");
}

/* The library asks again, and its own message is about more than that nothing was typed. */
static void says_why_it_asks_again(void **state)
{
    static const char *const questions[] = {
        [HSMIAM_PIN_AFTER_LOSS] = "el\" again, for it was lost and is opened once more: ",
        [HSMIAM_PIN_USES_KEY] = "el\" again, for a key that wants it for each use: ",
    };
    test_dialogue dialogue = {0};

    (void)state;
    for (hsmiam_pin_reason i = HSMIAM_PIN_AFTER_LOSS; i <= HSMIAM_PIN_USES_KEY; i++) {
        fake.pin_reason = i;
        START(&dialogue, "provision-token", "--token", "pkcs11:token=t");
        wait_for(&dialogue, questions[i]);
        type(&dialogue, "\n");
        assert_int_equal(finish(&dialogue), 253);
        assert_contains(dialogue.screen, "There is no PIN.");
        assert_lacks(dialogue.screen, "Nothing was typed.");
    }
}

static void asks_before_the_connection(void **state)
{
    test_dialogue dialogue = {0};

    (void)state;
    START(&dialogue, "create-access-key", "--credential", "pkcs11:token=t");
    wait_for(&dialogue, "PIN for token");
    assert_lacks(dialogue.screen, "a notice"); /* said by the fake's creation */
    type(&dialogue, "sEcReT\n");
    assert_int_equal(finish(&dialogue), 0);
}

static void refuses_no_pin_and_a_long_one(void **state)
{
    char line[128];
    test_dialogue dialogue = {0};

    (void)state;
    START(&dialogue, "provision-token", "--token", "pkcs11:token=t");
    wait_for(&dialogue, "PIN for token");
    type(&dialogue, "\n");
    assert_int_equal(finish(&dialogue), 253);
    assert_contains(dialogue.screen, "Nothing was typed.");

    memset(line, 'x', sizeof line);
    memcpy(line + 70, "\n", 2);
    START(&dialogue, "provision-token", "--token", "pkcs11:token=t");
    wait_for(&dialogue, "PIN for token");
    type(&dialogue, line);
    assert_int_equal(finish(&dialogue), 253);
    assert_contains(dialogue.screen, "What was typed is too long: 63 bytes at most.");
}

static void restores_the_terminal_when_interrupted(void **state)
{
    static const char *const keys[] = {"\x03", "\x1c"}; /* ^C and ^\ */
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    test_dialogue dialogue = {0};

    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        START(&dialogue, "provision-token", "--token", "pkcs11:token=t");
        wait_for(&dialogue, "PIN for token");
        type(&dialogue, keys[i]);
        assert_int_equal(finish(&dialogue), 130);
    }
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        START(&dialogue, "create-access-key", "--credential", "pkcs11:token=t");
        wait_for(&dialogue, "PIN for token");
        kill(dialogue.child, signals[i]);
        assert_int_equal(finish(&dialogue), 130);
        assert_int_equal(dialogue.fake.live, 0);
    }
}

static void restores_the_terminal_when_stopped(void **state)
{
    test_dialogue dialogue = {0};
    int status = 0;

    (void)state;
    START(&dialogue, "provision-token", "--token", "pkcs11:token=t");
    wait_for(&dialogue, "PIN for token");
    kill(dialogue.child, SIGTSTP);
    assert_int_equal(waitpid(dialogue.child, &status, WUNTRACED), dialogue.child);
    assert_true(WIFSTOPPED(status));
    assert_true(has_echo(&dialogue));
    dialogue.size = 0;
    memset(dialogue.screen, 0, sizeof dialogue.screen);
    kill(dialogue.child, SIGCONT);
    wait_for(&dialogue, "PIN for token");
    assert_false(has_echo(&dialogue));
    type(&dialogue, "sEcReT\n");
    assert_int_equal(finish(&dialogue), 0);
    assert_string_equal(dialogue.fake.pin, "sEcReT");
}

static void asks_for_the_secret(void **state)
{
    test_dialogue dialogue = {0};

    (void)state;
    START(&dialogue, "import-access-key", "--access-key-id", "AKIA1", "--token",
          "pkcs11:token=t?pin-source=/p");
    wait_for(&dialogue, "Secret access key of AKIA1: ");
    assert_false(has_echo(&dialogue));
    type(&dialogue, "sEcReT\n");
    assert_int_equal(finish(&dialogue), 0);
    assert_string_equal(dialogue.fake.secret, "sEcReT");
}

static void asks_whether_to_shred(void **state)
{
    static const char *const answers[] = {"n\n", "\n", "yesterday\n", "y\n"};
    char path[] = "/tmp/hsmiam-test-XXXXXX";
    int fd = mkstemp(path);
    test_dialogue dialogue = {0};

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "Access key ID,Secret access key\nAKIA1,sEcReT\n", 45), 45);
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        assert_int_equal(access(path, F_OK), 0);
        START(&dialogue, "import-access-key", "--csv", path, "--token",
              "pkcs11:token=t?pin-source=/p");
        wait_for(&dialogue, "only rotating the key");
        wait_for(&dialogue, "[y/N] ");
        type(&dialogue, answers[i]);
        assert_int_equal(finish(&dialogue), 0);
    }
    assert_int_equal(access(path, F_OK), -1);
    close(fd);
}

static void colors_tables_on_a_terminal(void **state)
{
    test_dialogue dialogue = {0};

    (void)state;
    unsetenv("NO_COLOR");
    START(&dialogue, "provision-token", "--token", "pkcs11:?pin-source=/p", "--output", "table");
    assert_int_equal(finish(&dialogue), 0);
    assert_contains(dialogue.screen, "\x1b[");
    setenv("NO_COLOR", "1", 1);
    START(&dialogue, "provision-token", "--token", "pkcs11:?pin-source=/p", "--output", "table");
    assert_int_equal(finish(&dialogue), 0);
    assert_lacks(dialogue.screen, "\x1b[");
    unsetenv("NO_COLOR");
}

static int prepare(void **state)
{
    (void)state;
    fake = (fake_state){0};
    unsetenv("HSMIAM_CREDENTIAL");
    unsetenv("HSMIAM_TOKEN");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(asks_for_the_pin, prepare),
        cmocka_unit_test_setup(says_why_it_asks_again, prepare),
        cmocka_unit_test_setup(asks_before_the_connection, prepare),
        cmocka_unit_test_setup(refuses_no_pin_and_a_long_one, prepare),
        cmocka_unit_test_setup(restores_the_terminal_when_interrupted, prepare),
        cmocka_unit_test_setup(restores_the_terminal_when_stopped, prepare),
        cmocka_unit_test_setup(asks_for_the_secret, prepare),
        cmocka_unit_test_setup(asks_whether_to_shred, prepare),
        cmocka_unit_test_setup(colors_tables_on_a_terminal, prepare),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
