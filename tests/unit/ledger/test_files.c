/* SPDX-License-Identifier: Apache-2.0 */
/* Every call to the file system fails once. */
#include "fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* Counts down to the call that fails, over all functions; 0: none does. */
static unsigned countdown;
static unsigned calls;
static int number;         /* the errno that it leaves */
static size_t short_write; /* bytes that a write takes before it fails */

static bool fails(void)
{
    calls++;
    if (countdown == 0 || --countdown > 0)
        return false;
    errno = number;
    return true;
}

static int fake_open(const char *path, int flags, mode_t mode)
{
    return fails() ? -1 : hsmiam_file_system.open(path, flags, mode);
}

static int fake_fstat(int fd, struct stat *information_out)
{
    return fails() ? -1 : fstat(fd, information_out);
}

static int fake_stat(const char *path, struct stat *information_out)
{
    return fails() ? -1 : stat(path, information_out);
}

static int fake_flock(int fd, int operation)
{
    if (operation == LOCK_UN)
        return flock(fd, operation);
    return fails() ? -1 : flock(fd, operation);
}

static ssize_t fake_pread(int fd, void *data, size_t size, off_t offset)
{
    return fails() ? -1 : pread(fd, data, size, offset);
}

static ssize_t fake_write(int fd, const void *data, size_t size)
{
    if (fails())
        return -1;
    return write(fd, data, short_write > 0 && short_write < size ? short_write : size);
}

static int fake_fdatasync(int fd)
{
    return fails() ? -1 : fdatasync(fd);
}

static int fake_fsync(int fd)
{
    return fails() ? -1 : fsync(fd);
}

static int fake_mkdir(const char *path, mode_t mode)
{
    return fails() ? -1 : mkdir(path, mode);
}

static const hsmiam_file_functions functions = {
    .open = fake_open,
    .close = close,
    .fstat = fake_fstat,
    .stat = fake_stat,
    .flock = fake_flock,
    .pread = fake_pread,
    .write = fake_write,
    .fdatasync = fake_fdatasync,
    .fsync = fake_fsync,
    .mkdir = fake_mkdir,
};

static hsmiam_status intend(fixture *fix)
{
    uint64_t intent = 0;

    hsmiam_error_clear(fix->error);
    return hsmiam_ledger_add_intent(fix->ledger, &fixture_facts, NULL, -1, 1440938161, &intent,
                                    fix->error);
}

/* Fails each call of a first record and of a later one. */
static void fail_each(fixture *fix, int with, size_t bytes)
{
    unsigned failures = 0;

    for (int before = 0; before <= 1; before++) {
        for (unsigned call = 1;; call++) {
            (void)unlink(fix->path);
            fixture_reopen(fix);
            if (before > 0)
                fixture_import(fix);
            fixture_reopen(fix);
            fix->ledger->file.functions = &functions;
            short_write = bytes;
            number = with;
            calls = 0;
            countdown = call;
            hsmiam_status status = intend(fix);
            if (calls < call)
                break;
            countdown = 0;
            /* One failure alone may be of no consequence: a look whether a file is there. */
            if (status != HSMIAM_OK) {
                failures++;
                assert_int_equal(status, HSMIAM_ERR_IO);
                assert_int_equal(hsmiam_error_get_code(fix->error), with);
                fixture_expect_message(fix, "ledger");
            }
            short_write = 0;
            assert_int_equal(intend(fix), HSMIAM_OK);
            assert_int_equal(fixture_verify(fix), HSMIAM_OK);
        }
    }
    assert_true(failures > 8);
}

static void test_each_call_fails(void **state)
{
    fail_each(*state, EIO, 0);
}

static void test_full_disk(void **state)
{
    fail_each(*state, ENOSPC, 100);
}

static void test_read_only_disk(void **state)
{
    fail_each(*state, EROFS, 0);
}

static void test_interruption_is_none(void **state)
{
    fixture *fix = *state;

    fixture_import(fix);
    fix->ledger->file.functions = &functions;
    number = EINTR;
    for (unsigned call = 1; call < 12; call++) {
        countdown = call;
        hsmiam_status status = intend(fix);
        /* Only what the kernel says can be interrupted is repeated. */
        if (status != HSMIAM_OK)
            assert_int_equal(status, HSMIAM_ERR_IO);
        countdown = 0;
    }
    assert_int_equal(fixture_verify(fix), HSMIAM_OK);
}

static void test_directories_are_made(void **state)
{
    fixture *fix = *state;
    char path[sizeof fix->path];
    struct stat information;

    memcpy(path, fix->path, sizeof path);
    (void)snprintf(fix->path, sizeof fix->path, "%s/a/b/ledger.jsonl", fix->directory);
    fixture_reopen(fix);
    fixture_import(fix);
    fixture_expect_intact(fix, 2);
    (void)unlink(fix->path);
    *strrchr(fix->path, '/') = '\0';
    assert_int_equal(stat(fix->path, &information), 0);
    assert_int_equal(information.st_mode & 0777, 0700);
    assert_int_equal(rmdir(fix->path), 0);
    *strrchr(fix->path, '/') = '\0';
    assert_int_equal(rmdir(fix->path), 0);
    memcpy(fix->path, path, sizeof path);
}

static void test_what_is_no_file(void **state)
{
    fixture *fix = *state;
    char path[sizeof fix->path];

    memcpy(path, fix->path, sizeof path);
    (void)snprintf(fix->path, sizeof fix->path, "/dev/full");
    fixture_reopen(fix);
    assert_int_equal(intend(fix), HSMIAM_ERR_IO);
    fixture_expect_message(fix, "is not a regular file");
    memcpy(fix->path, fix->directory, sizeof fix->directory);
    fixture_reopen(fix);
    assert_int_equal(intend(fix), HSMIAM_ERR_IO);
    memcpy(fix->path, path, sizeof path);
}

/* Whoever moves the file away gets the records until then. */
static void test_file_that_is_moved(void **state)
{
    fixture *fix = *state;
    char old[sizeof fix->path + 8];

    fixture_import(fix);
    (void)snprintf(old, sizeof old, "%s.old", fix->path);
    assert_int_equal(rename(fix->path, old), 0);
    fixture_import(fix);
    fixture_expect_intact(fix, 2);
    assert_int_equal(unlink(old), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_each_call_fails),      fixture_test(test_full_disk),
        fixture_test(test_read_only_disk),       fixture_test(test_interruption_is_none),
        fixture_test(test_directories_are_made), fixture_test(test_what_is_no_file),
        fixture_test(test_file_that_is_moved),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
