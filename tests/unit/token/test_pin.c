/* SPDX-License-Identifier: Apache-2.0 */
/* Where a PIN comes from. */
#include "fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIN_MAX 255

static char folder[] = "/tmp/hsmiam-test-pin-XXXXXX";
static hsmiam_secret *pin;

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL || hsmiam_secret_new(PIN_MAX + 3, &pin, NULL) != HSMIAM_OK;
}

static int remove_folder(void **state)
{
    (void)state;
    hsmiam_secret_free(&pin);
    return rmdir(folder);
}

static void write_file(const char *name, const void *data, size_t size)
{
    char path[200];

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void remove_file(const char *name)
{
    char path[200];

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(unlink(path), 0);
}

/* Reads from a source in which "%s", if it is there, stands for the folder. */
static hsmiam_status read_pin(fixture *fix, const char *form)
{
    const char *place = strstr(form, "%s");
    int before = place != NULL ? (int)(place - form) : (int)strlen(form);
    char source[400];

    (void)snprintf(source, sizeof source, "%.*s%s%s", before, form, place != NULL ? folder : "",
                   place != NULL ? place + 2 : "");
    hsmiam_secret_clear(pin);
    hsmiam_error_clear(fix->error);
    return hsmiam_pin_read(source, pin, fix->error);
}

static void expect_pin(fixture *fix, const char *form, const char *expected)
{
    hsmiam_status status = read_pin(fix, form);

    if (status != HSMIAM_OK)
        print_error("%s: %s\n", form, hsmiam_error_get_message(fix->error));
    assert_int_equal(status, HSMIAM_OK);
    assert_int_equal(hsmiam_secret_get_size(pin), strlen(expected));
    assert_memory_equal(hsmiam_secret_get_data(pin), expected, strlen(expected));
}

static void expect_failure(fixture *fix, const char *form, hsmiam_status status,
                           const char *message)
{
    hsmiam_status got = read_pin(fix, form);

    if (got != status)
        print_error("%s: %s\n", form, hsmiam_error_get_message(fix->error));
    assert_int_equal(got, status);
    fixture_expect_message(fix, message);
    fixture_expect_no_message(fix, "hush");
}

static void test_files(void **state)
{
    fixture *fix = *state;
    char *before = getcwd(NULL, 0);

    assert_non_null(before);
    write_file("pin", MOCK_PIN "\n", strlen(MOCK_PIN) + 1);
    expect_pin(fix, "%s/pin", MOCK_PIN);
    expect_pin(fix, "file:%s/pin", MOCK_PIN);
    expect_pin(fix, "file://%s/pin", MOCK_PIN);
    expect_pin(fix, "file://localhost%s/pin", MOCK_PIN);
    assert_int_equal(chdir(folder), 0);
    expect_pin(fix, "./pin", MOCK_PIN);
    assert_int_equal(chdir(before), 0);
    remove_file("pin");
    free(before);
}

static void test_line_ends(void **state)
{
    static const struct {
        const char *content;
        const char *pin; /* NULL: refused */
    } cases[] = {
        {"hush", "hush"},
        {"hush\n", "hush"},
        {"hush\r\n", "hush"},
        {"hush\r", "hush\r"},
        {" hush ", " hush "},
        {"hush\n\n", NULL},
        {"hush\nhush", NULL},
        {"\nhush", NULL},
        {"hush\n\r\n", NULL},
        {"", NULL},
        {"\n", NULL},
        {"\r\n", NULL},
        {"h\xc3\xbcsh", "h\xc3\xbcsh"},
    };
    fixture *fix = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_file("pin", cases[i].content, strlen(cases[i].content));
        if (cases[i].pin != NULL)
            expect_pin(fix, "%s/pin", cases[i].pin);
        else
            expect_failure(fix, "%s/pin", HSMIAM_ERR_PIN, "/pin\" gives ");
        remove_file("pin");
    }
}

static void test_nul_in_a_file(void **state)
{
    fixture *fix = *state;

    write_file("pin", "hush\0hush\n", 10);
    expect_failure(fix, "%s/pin", HSMIAM_ERR_PIN, "NUL");
    remove_file("pin");
}

static void test_length(void **state)
{
    fixture *fix = *state;
    char text[PIN_MAX + 4];

    memset(text, 'p', sizeof text);
    write_file("pin", text, PIN_MAX + 1);
    expect_failure(fix, "%s/pin", HSMIAM_ERR_PIN, "too long");
    write_file("pin", text, sizeof text);
    expect_failure(fix, "%s/pin", HSMIAM_ERR_PIN, "too long");

    memcpy(text + PIN_MAX, "\r\n", 2);
    write_file("pin", text, PIN_MAX + 2);
    text[PIN_MAX] = '\0';
    expect_pin(fix, "%s/pin", text);
    remove_file("pin");
}

static void test_files_that_cannot_be_read(void **state)
{
    fixture *fix = *state;

    expect_failure(fix, "%s/missing", HSMIAM_ERR_PIN, "/missing\" cannot be opened: No such file");
    expect_failure(fix, "%s", HSMIAM_ERR_PIN, "cannot be read: Is a directory");
    expect_failure(fix, "file:%s/missing", HSMIAM_ERR_PIN, "/missing\" cannot be opened");
    assert_int_equal(hsmiam_error_get_domain(fix->error), HSMIAM_DOMAIN_SYSTEM);
}

static void test_file_uris_of_others(void **state)
{
    static const char *const sources[] = {"file:", "file:relative", "file://host/pin", "file://",
                                          "file:////host/pin"};
    fixture *fix = *state;

    for (size_t i = 0; i < 4; i++)
        expect_failure(fix, sources[i], HSMIAM_ERR_ARGUMENT, "file:/path");
    assert_true(read_pin(fix, sources[4]) != HSMIAM_OK);
}

static void test_commands(void **state)
{
    fixture *fix = *state;
    char command[64] = "|printf '%0255d' 0";
    char digits[PIN_MAX + 1];

    expect_pin(fix, "|echo hush", "hush");
    expect_pin(fix, "|printf 'hush\\r\\n'", "hush");
    expect_pin(fix, "|cat /dev/null; echo hush; exit 0", "hush");
    (void)snprintf(digits, sizeof digits, "%0255d", 0);
    expect_pin(fix, command, digits);

    expect_failure(fix, "|true", HSMIAM_ERR_PIN, "gives an empty PIN");
    expect_failure(fix, "|echo hush; exit 3", HSMIAM_ERR_PIN, "exit code 3");
    expect_failure(fix, "|echo hush; kill -9 $$", HSMIAM_ERR_PIN, "signal 9");
    expect_failure(fix, "|/nonexistent/hush 2>/dev/null", HSMIAM_ERR_PIN, "exit code 127");
    expect_failure(fix, "|", HSMIAM_ERR_PIN, "gives an empty PIN");
    expect_failure(fix, "|printf 'hush\\000hush'", HSMIAM_ERR_PIN, "NUL");
    expect_failure(fix, "|echo hush; echo hush", HSMIAM_ERR_PIN, "line end");
    expect_failure(fix, "|yes hush", HSMIAM_ERR_PIN, "too long");
    expect_failure(fix, "|printf '%0256d' 0", HSMIAM_ERR_PIN, "too long");
}

/* A command that asks its standard input finds it empty, not the caller's. */
static void test_command_has_no_input(void **state)
{
    fixture *fix = *state;

    expect_failure(fix, "|cat", HSMIAM_ERR_PIN, "gives an empty PIN");
}

/* A program that ignores SIGCHLD never learns how the command ended. */
static void test_command_of_a_program_that_ignores_sigchld(void **state)
{
    fixture *fix = *state;

    assert_true(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
    expect_pin(fix, "|echo hush", "hush");
    expect_pin(fix, "|true & wait $! && echo hush", "hush");
    expect_failure(fix, "|true", HSMIAM_ERR_PIN, "gives an empty PIN");
    expect_failure(fix, "|yes hush", HSMIAM_ERR_PIN, "too long");
    assert_true(signal(SIGCHLD, SIG_DFL) != SIG_ERR);
}

static void test_command_has_no_signal_blocked_or_ignored(void **state)
{
    fixture *fix = *state;
    sigset_t blocked;
    sigset_t before;

    assert_int_equal(sigemptyset(&blocked), 0);
    assert_int_equal(sigaddset(&blocked, SIGTERM), 0);
    assert_int_equal(sigprocmask(SIG_BLOCK, &blocked, &before), 0);
    assert_true(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
    assert_true(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    expect_pin(fix, "|sed -n 's/^SigBlk:.//p' /proc/self/status", "0000000000000000");
    /* Of the first 28: libc keeps some of the last for itself. */
    expect_pin(fix, "|sed -n 's/^SigIgn:.*\\(.......\\)$/\\1/p' /proc/self/status", "0000000");
    assert_true(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
    assert_true(signal(SIGCHLD, SIG_DFL) != SIG_ERR);
    assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
}

static void test_systemd_credentials(void **state)
{
    fixture *fix = *state;

    write_file("pin", "hush\n", 5);
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", folder, 1), 0);
    expect_pin(fix, "systemd:pin", "hush");
    expect_pin(fix, "pin", "hush");
    expect_failure(fix, "systemd:hush", HSMIAM_ERR_PIN, "systemd credential");
    expect_failure(fix, "hush-1234", HSMIAM_ERR_PIN, "systemd credential");
    expect_failure(fix, "systemd:", HSMIAM_ERR_ARGUMENT, "systemd credential");
    expect_failure(fix, "systemd:..", HSMIAM_ERR_ARGUMENT, "systemd credential");
    expect_failure(fix, "systemd:../hush", HSMIAM_ERR_ARGUMENT, "systemd credential");
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    expect_failure(fix, "systemd:hush", HSMIAM_ERR_CONFIG, "CREDENTIALS_DIRECTORY is not set");
    remove_file("pin");
}

/* People give the PIN where its source belongs. */
static void test_bare_pin_is_not_repeated(void **state)
{
    static const char *const sources[] = {"hush", "hush/90210", "systemd:hush", "~/hush"};
    fixture *fix = *state;

    for (size_t with = 0; with < 2; with++) {
        for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
            assert_true(read_pin(fix, sources[i]) != HSMIAM_OK);
            fixture_expect_no_message(fix, "hush");
            fixture_expect_message(fix, "bytes)");
        }
        assert_int_equal(setenv("CREDENTIALS_DIRECTORY", folder, 1), 0);
    }
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_files),
        fixture_test(test_line_ends),
        fixture_test(test_nul_in_a_file),
        fixture_test(test_length),
        fixture_test(test_files_that_cannot_be_read),
        fixture_test(test_file_uris_of_others),
        fixture_test(test_commands),
        fixture_test(test_command_has_no_input),
        fixture_test(test_command_of_a_program_that_ignores_sigchld),
        fixture_test(test_command_has_no_signal_blocked_or_ignored),
        fixture_test(test_systemd_credentials),
        fixture_test(test_bare_pin_is_not_repeated),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
