/* SPDX-License-Identifier: Apache-2.0 */
/* Where the ledger and its locks are: what others could write to or replace is refused, and who is
 * waited for is said. */
#include "fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static char lock_path[160];

static int set_up(void **state)
{
    int failed = fixture_set_up(state);
    fixture *fix = *state;

    if (failed == 0)
        (void)snprintf(lock_path, sizeof lock_path, "%s.lock", fix->path);
    return failed;
}

static int tear_down(void **state)
{
    (void)unlink(lock_path);
    return fixture_tear_down(state);
}

static void expect_refusal(fixture *fix, hsmiam_status expected, const char *part)
{
    fixture_reopen(fix);
    assert_int_equal(hsmiam_ledger_open(fix->ledger, fix->error), expected);
    fixture_expect_message(fix, part);
}

static void test_symbolic_link(void **state)
{
    fixture *fix = *state;
    char target[sizeof fix->path + 8];

    fixture_import(fix);
    (void)snprintf(target, sizeof target, "%s.real", fix->path);
    assert_int_equal(rename(fix->path, target), 0);
    assert_int_equal(symlink(target, fix->path), 0);
    expect_refusal(fix, HSMIAM_ERR_CONFIG, "is a symbolic link");
    fixture_expect_intact(fix, 2); /* to read it is another matter */
    assert_int_equal(unlink(target), 0);
    expect_refusal(fix, HSMIAM_ERR_CONFIG, "is a symbolic link");
}

static void test_what_is_no_file(void **state)
{
    fixture *fix = *state;

    assert_int_equal(mkfifo(fix->path, 0600), 0);
    expect_refusal(fix, HSMIAM_ERR_IO, "is not a regular file");
}

static void test_modes(void **state)
{
    fixture *fix = *state;

    fixture_import(fix);
    assert_int_equal(chmod(fix->path, 0646), 0);
    expect_refusal(fix, HSMIAM_ERR_CONFIG, "can be written to by anyone; take that away");
    assert_int_equal(chmod(fix->path, 0660), 0);
    fixture_reopen(fix);
    assert_int_equal(hsmiam_ledger_open(fix->ledger, fix->error), HSMIAM_OK);
    assert_non_null(strstr(fix->log, "can be written to by its whole group"));
    assert_int_equal(chmod(fix->directory, 0777), 0);
    expect_refusal(fix, HSMIAM_ERR_CONFIG, "who could replace the ledger in it");
    assert_int_equal(chmod(fix->directory, 01777), 0);
    fixture_reopen(fix);
    assert_int_equal(hsmiam_ledger_open(fix->ledger, fix->error), HSMIAM_OK);
}

static bool try(fixture *fix, const char *subject, hsmiam_user_lock *lock)
{
    bool held = false;

    *lock = (hsmiam_user_lock){.fd = -1};
    assert_int_equal(hsmiam_user_lock_try(fix->ledger, subject, lock, &held, fix->error),
                     HSMIAM_OK);
    return held;
}

static void test_locks(void **state)
{
    static const struct {
        const char *first;
        const char *second;
        bool both;
    } cases[] = {
        {"alice", "alice", false},
        {"alice", "ALICE", false},
        {"alice", "bob", true},
        {"alice", HSMIAM_LOCK_OWN_USER, false},
        {HSMIAM_LOCK_OWN_USER, "alice", false},
        {HSMIAM_LOCK_OWN_USER, HSMIAM_LOCK_OWN_USER, false},
        {":rotation:alice", "alice", true},
        {":rotation:alice", HSMIAM_LOCK_OWN_USER, true},
        {":rotation:alice", ":rotation:alice", false},
    };
    fixture *fix = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hsmiam_user_lock first;
        hsmiam_user_lock second;
        assert_true(try(fix, cases[i].first, &first));
        if (try(fix, cases[i].second, &second) != cases[i].both)
            fail_msg("%s, %s", cases[i].first, cases[i].second);
        hsmiam_user_lock_release(&second);
        hsmiam_user_lock_release(&first);
        assert_true(try(fix, cases[i].second, &second));
        hsmiam_user_lock_release(&second);
    }
}

static void test_lock_file_that_is_moved(void **state)
{
    fixture *fix = *state;
    hsmiam_user_lock waiting;
    hsmiam_user_lock other;
    bool held = false;

    assert_true(try(fix, "alice", &other));
    assert_false(try(fix, "alice", &waiting));
    assert_int_equal(unlink(lock_path), 0);
    hsmiam_user_lock_release(&other);
    /* The file that it had open is none that others would see. */
    assert_true(try(fix, "bob", &other));
    assert_int_equal(hsmiam_user_lock_try(fix->ledger, "alice", &waiting, &held, fix->error),
                     HSMIAM_OK);
    assert_true(held);
    hsmiam_user_lock_release(&other);
    assert_false(try(fix, "alice", &other));
    hsmiam_user_lock_release(&other);
    hsmiam_user_lock_release(&waiting);
}

static void test_planted_lock_file(void **state)
{
    fixture *fix = *state;
    hsmiam_user_lock lock = {.fd = -1};
    bool held = false;

    assert_int_equal(symlink("/dev/null", lock_path), 0);
    assert_int_equal(hsmiam_user_lock_try(fix->ledger, "alice", &lock, &held, fix->error),
                     HSMIAM_ERR_IO);
    assert_int_equal(unlink(lock_path), 0);
    assert_int_equal(mkfifo(lock_path, 0600), 0);
    assert_int_equal(hsmiam_user_lock_try(fix->ledger, "alice", &lock, &held, fix->error),
                     HSMIAM_ERR_CONFIG);
    fixture_expect_message(fix, "is not a regular file");
    assert_int_equal(unlink(lock_path), 0);
    assert_true(try(fix, "alice", &lock));
    hsmiam_user_lock_release(&lock);
    assert_int_equal(chmod(lock_path, 0666), 0);
    assert_int_equal(hsmiam_user_lock_try(fix->ledger, "alice", &lock, &held, fix->error),
                     HSMIAM_ERR_CONFIG);
    assert_false(held);
}

static int busy; /* so many times yet somebody else has the lock */

static int busy_flock(int fd, int operation)
{
    if (operation != LOCK_UN && busy > 0) {
        busy--;
        errno = EWOULDBLOCK;
        return -1;
    }
    return flock(fd, operation);
}

static void test_waiting_is_said(void **state)
{
    fixture *fix = *state;
    hsmiam_file_functions functions = hsmiam_file_system;

    functions.flock = busy_flock;
    fixture_reopen(fix);
    fix->ledger->file.functions = &functions;
    busy = 10;
    fixture_import(fix);
    assert_null(strstr(fix->log, "Waiting"));
    busy = 105;
    fixture_import(fix);
    assert_non_null(strstr(fix->log, "Waiting for another process that has the ledger"));
    fix->ledger->file.functions = &hsmiam_file_system;
}

#define place_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        place_test(test_symbolic_link),
        place_test(test_what_is_no_file),
        place_test(test_modes),
        place_test(test_locks),
        place_test(test_lock_file_that_is_moved),
        place_test(test_planted_lock_file),
        place_test(test_waiting_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
