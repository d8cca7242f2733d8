/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "secret_input.h"
#include "shred.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static tool_secret secret;
static tool_error error;
static char folder[] = "/tmp/hsmiam-test-XXXXXX";

static int prepare(void **state)
{
    (void)state;
    return tool_secret_init(&secret, &error) == HSMIAM_OK ? 0 : -1;
}

static int clear(void **state)
{
    (void)state;
    tool_secret_clear(&secret);
    tool_error_clear(&error);
    return 0;
}

/* The reading end of a pipe that holds the text. */
static int feed(const char *text, size_t size)
{
    int ends[2] = {-1, -1};

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text, size), size);
    close(ends[1]);
    return ends[0];
}

static hsmiam_status ask(const char *text, size_t size)
{
    int fd = feed(text, size);
    hsmiam_status status = tool_secret_ask(&secret, fd, "Secret: ", &error);

    close(fd);
    return status;
}

static void takes_one_line_end_off(void **state)
{
    (void)state;
    assert_int_equal(ask("sEcReT", 6), HSMIAM_OK);
    assert_string_equal(secret.data, "sEcReT");
    assert_int_equal(secret.size, 6);
    assert_int_equal(ask("sEcReT\n", 7), HSMIAM_OK);
    assert_int_equal(secret.size, 6);
    assert_int_equal(ask("sEcReT\r\n", 8), HSMIAM_OK);
    assert_string_equal(secret.data, "sEcReT");
    assert_int_equal(ask("sEcReT\n\n", 8), HSMIAM_OK);
    assert_string_equal(secret.data, "sEcReT\n");
}

static void refuses_the_empty_and_the_long(void **state)
{
    static char large[TOOL_SECRET_SIZE_MAX + 1];

    (void)state;
    assert_int_equal(ask("", 0), HSMIAM_ERR_ARGUMENT);
    assert_contains(error.message, "empty");
    assert_int_equal(ask("\r\n", 2), HSMIAM_ERR_ARGUMENT);
    memset(large, 'x', sizeof large);
    assert_int_equal(ask(large, sizeof large - 1), HSMIAM_OK);
    assert_int_equal(ask(large, sizeof large), HSMIAM_ERR_ARGUMENT);
    assert_contains(error.message, "longer than");
    assert_int_equal(tool_secret_read(&secret, -1, "The file", &error), HSMIAM_ERR_IO);
    assert_contains(error.message, "The file cannot be read: ");
}

/* The sanitizer's runtime turns mlock() off. */
#if defined(__SANITIZE_ADDRESS__)
#define LOCKS_MEMORY 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LOCKS_MEMORY 0
#endif
#endif
#ifndef LOCKS_MEMORY
#define LOCKS_MEMORY 1
#endif

static void locks_its_memory(void **state)
{
    static const char key[] = "VmLck:";
    char line[256];
    FILE *file = fopen("/proc/self/status", "re");
    unsigned long locked = 0;

    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, key, sizeof key - 1) == 0)
            locked = strtoul(line + sizeof key - 1, NULL, 10) * 1024;
    }
    assert_int_equal(fclose(file), 0);
    assert_true(!LOCKS_MEMORY || locked >= TOOL_SECRET_SIZE_MAX);
}

static void needs_locked_memory(void **state)
{
    const struct rlimit none = {0, 0};
    tool_secret other = {0};
    int status = 0;
    pid_t child = fork();

    (void)state;
    if (child == 0) {
        /* root may lock beyond any limit */
        if ((geteuid() == 0 && setuid(65534) != 0) || setrlimit(RLIMIT_MEMLOCK, &none) != 0)
            _exit(1);
        if (LOCKS_MEMORY && tool_secret_init(&other, &error) != HSMIAM_ERR_MEMORY)
            _exit(2);
        _exit(!LOCKS_MEMORY || strstr(error.message, "ulimit -l") ? 0 : 3);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void make_path(char *path, size_t size, const char *name)
{
    (void)snprintf(path, size, "%s/%s", folder, name);
}

static int make_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, "sEcReT sEcReT", 13), 13);
    return fd;
}

static void shreds(void **state)
{
    char path[256];
    char content[32] = "";
    int fd = -1;

    (void)state;
    make_path(path, sizeof path, "plain");
    fd = make_file(path);
    assert_int_equal(tool_shred_file(path, fd, &error), HSMIAM_OK);
    assert_int_equal(access(path, F_OK), -1);
    /* what was the file is still to be seen through the descriptor */
    assert_int_equal(pread(fd, content, sizeof content - 1, 0), 13);
    assert_lacks(content, "sEcReT");
    close(fd);
}

static void assert_kept(const char *path, int fd)
{
    char content[32] = "";

    assert_int_equal(tool_shred_file(path, fd, &error), HSMIAM_ERR_IO);
    assert_int_equal(pread(fd, content, sizeof content - 1, 0), 13);
    assert_string_equal(content, "sEcReT sEcReT");
    assert_contains(error.message, "was left as it is: ");
}

static void leaves_other_files_alone(void **state)
{
    char path[256];
    char other[256];
    int fd = -1;
    int other_fd = -1;

    (void)state;
    make_path(path, sizeof path, "file");
    make_path(other, sizeof other, "other");
    fd = make_file(path);
    assert_int_equal(symlink(path, other), 0);
    assert_kept(other, fd);
    assert_contains(error.message, "symbolic link");
    assert_int_equal(unlink(other), 0);
    assert_int_equal(link(path, other), 0);
    assert_kept(path, fd);
    assert_contains(error.message, "hard links");
    assert_int_equal(unlink(other), 0);
    other_fd = make_file(other);
    assert_kept(other, fd);
    assert_contains(error.message, "another file");
    assert_int_equal(access(other, F_OK), 0);
    close(other_fd);
    assert_int_equal(unlink(path), 0);
    assert_kept(path, fd);
    close(fd);
    assert_int_equal(mkfifo(path, 0600), 0);
    fd = open(path, O_RDWR);
    assert_int_equal(tool_shred_file(path, fd, &error), HSMIAM_ERR_IO);
    assert_contains(error.message, "not a regular file");
    assert_int_equal(access(path, F_OK), 0);
    close(fd);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char line[64];

    (void)state;
    (void)snprintf(line, sizeof line, "rm -r %s", folder);
    return system(line); // NOLINT(cert-env33-c): the folder's name is ours
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(takes_one_line_end_off, prepare, clear),
        cmocka_unit_test_setup_teardown(refuses_the_empty_and_the_long, prepare, clear),
        cmocka_unit_test_setup_teardown(locks_its_memory, prepare, clear),
        cmocka_unit_test_teardown(needs_locked_memory, clear),
        cmocka_unit_test_teardown(shreds, clear),
        cmocka_unit_test_teardown(leaves_other_files_alone, clear),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
