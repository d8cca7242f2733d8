/* SPDX-License-Identifier: Apache-2.0 */
#include "support/cmocka_tests.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/secret.h"

#define NOBODY 65534

/* AddressSanitizer makes mlock() do nothing, so what it locks and refuses cannot be seen there. */
#if defined(__SANITIZE_ADDRESS__)
#define LOCKING_IS_REAL 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LOCKING_IS_REAL 0
#endif
#endif
#ifndef LOCKING_IS_REAL
#define LOCKING_IS_REAL 1
#endif

/* The advice that the kernel does not take; it stands in libc's place. */
static int refused_advice = -1;

int madvise(void *address, size_t size, int advice)
{
    if (advice == refused_advice) {
        errno = EINVAL;
        return -1;
    }
    return (int)syscall(SYS_madvise, address, size, advice);
}

static hsmiam_secret *new_secret(size_t limit)
{
    hsmiam_secret *secret = NULL;

    assert_int_equal(hsmiam_secret_new(limit, &secret, NULL), HSMIAM_OK);
    assert_non_null(secret);
    return secret;
}

static void test_limits(void **state)
{
    hsmiam_error *error = hsmiam_error_new();
    hsmiam_secret *secret = NULL;

    (void)state;
    assert_int_equal(hsmiam_secret_new(0, &secret, error), HSMIAM_ERR_INTERNAL);
    assert_int_equal(hsmiam_secret_new(((size_t)1 << 20) + 1, &secret, error), HSMIAM_ERR_INTERNAL);
    assert_int_equal(hsmiam_secret_new(SIZE_MAX, &secret, error), HSMIAM_ERR_INTERNAL);
    assert_null(secret);
    hsmiam_error_free(&error);

    secret = new_secret((size_t)1 << 20);
    hsmiam_secret_free(&secret);
    assert_null(secret);
    hsmiam_secret_free(&secret);
    hsmiam_secret_free(NULL);
}

static void test_append_within_bounds(void **state)
{
    hsmiam_secret *secret = new_secret(8);

    (void)state;
    assert_int_equal(hsmiam_secret_get_size(secret), 0);
    assert_true(hsmiam_secret_append(secret, "12345", 5));
    assert_false(hsmiam_secret_append(secret, "6789", 4));
    assert_false(hsmiam_secret_append(secret, "x", SIZE_MAX));
    assert_int_equal(hsmiam_secret_get_size(secret), 5);
    assert_true(hsmiam_secret_append(secret, "678", 3));
    assert_true(hsmiam_secret_append(secret, NULL, 0));
    assert_false(hsmiam_secret_append(secret, "9", 1));
    assert_int_equal(hsmiam_secret_get_size(secret), 8);
    assert_memory_equal(hsmiam_secret_get_data(secret), "12345678", 8);
    hsmiam_secret_free(&secret);
}

static void test_room_and_grow(void **state)
{
    hsmiam_secret *secret = new_secret(8);
    size_t room = 0;

    (void)state;
    assert_true(hsmiam_secret_append(secret, "ab", 2));
    uint8_t *to = hsmiam_secret_get_room(secret, &room);
    assert_int_equal(room, 6);
    assert_ptr_equal(to, hsmiam_secret_get_data(secret) + 2);
    to[0] = 'c';
    to[1] = 'd';
    hsmiam_secret_grow(secret, 2);
    assert_int_equal(hsmiam_secret_get_size(secret), 4);
    assert_memory_equal(hsmiam_secret_get_data(secret), "abcd", 4);
    hsmiam_secret_grow(secret, 100);
    assert_int_equal(hsmiam_secret_get_size(secret), 8);
    (void)hsmiam_secret_get_room(secret, &room);
    assert_int_equal(room, 0);
    hsmiam_secret_free(&secret);
}

static void test_truncate_wipes(void **state)
{
    static const uint8_t zeros[8];
    hsmiam_secret *secret = new_secret(8);
    const uint8_t *data = hsmiam_secret_get_data(secret);

    (void)state;
    assert_true(hsmiam_secret_append(secret, "12345678", 8));
    hsmiam_secret_truncate(secret, 9);
    hsmiam_secret_truncate(secret, 8);
    assert_int_equal(hsmiam_secret_get_size(secret), 8);
    hsmiam_secret_truncate(secret, 3);
    assert_int_equal(hsmiam_secret_get_size(secret), 3);
    assert_memory_equal(data, "123", 3);
    assert_memory_equal(data + 3, zeros, 5);
    hsmiam_secret_truncate(secret, 0);
    assert_memory_equal(data, zeros, 8);
    hsmiam_secret_free(&secret);
}

/* What was written into the room and never counted is wiped as well. */
static void test_clear_wipes(void **state)
{
    static const uint8_t zeros[64];
    hsmiam_secret *secret = new_secret(64);
    size_t room = 0;

    (void)state;
    memset(hsmiam_secret_get_room(secret, &room), 'x', 64);
    hsmiam_secret_grow(secret, 3);
    hsmiam_secret_clear(secret);
    assert_int_equal(hsmiam_secret_get_size(secret), 0);
    assert_memory_equal(hsmiam_secret_get_data(secret), zeros, 64);
    assert_true(hsmiam_secret_append(secret, "again", 5));
    assert_memory_equal(hsmiam_secret_get_data(secret), "again", 5);
    hsmiam_secret_free(&secret);
}

static void test_wipe(void **state)
{
    char text[] = "something";

    (void)state;
    hsmiam_wipe(text, 4);
    assert_memory_equal(text, "\0\0\0\0thing", sizeof text);
    hsmiam_wipe(NULL, 0);
}

/* Finds the mapping of /proc/self/smaps that holds an address: its permissions and VmFlags. */
static bool find_mapping(const void *address, char permissions_out[5], char flags_out[512])
{
    FILE *smaps = fopen("/proc/self/smaps", "re");
    char line[512];
    bool inside = false;

    assert_non_null(smaps);
    flags_out[0] = '\0';
    while (fgets(line, sizeof line, smaps) != NULL) {
        char *end = NULL;
        uintptr_t first = strtoull(line, &end, 16);
        if (end != line && *end == '-') {
            uintptr_t last = strtoull(end + 1, &end, 16);
            inside = first <= (uintptr_t)address && (uintptr_t)address < last;
            if (inside)
                (void)snprintf(permissions_out, 5, "%s", end + 1);
        } else if (inside && strncmp(line, "VmFlags:", 8) == 0) {
            (void)snprintf(flags_out, 512, "%s", line + 8);
        }
    }
    (void)fclose(smaps);
    return flags_out[0] != '\0';
}

static void test_page_is_locked_undumped_and_wiped_on_fork(void **state)
{
    hsmiam_secret *secret = new_secret(100);
    char permissions[5];
    char flags[512];

    (void)state;
    assert_true(find_mapping(hsmiam_secret_get_data(secret), permissions, flags));
    assert_string_equal(permissions, "rw-p");
    assert_int_equal(strstr(flags, " lo") != NULL, LOCKING_IS_REAL);
    assert_non_null(strstr(flags, " dd"));
    assert_non_null(strstr(flags, " wf"));
    hsmiam_secret_free(&secret);
}

/* The byte before the page and, with the page filled, the byte behind the content. */
static void test_guard_pages(void **state)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    hsmiam_secret *secret = new_secret(page);
    char permissions[5];
    char flags[512];

    (void)state;
    assert_true(find_mapping(hsmiam_secret_get_data(secret) - 1, permissions, flags));
    assert_string_equal(permissions, "---p");
    assert_true(find_mapping(hsmiam_secret_get_data(secret) + page - 1, permissions, flags));
    assert_string_equal(permissions, "rw-p");
    assert_true(find_mapping(hsmiam_secret_get_data(secret) + page, permissions, flags));
    assert_string_equal(permissions, "---p");
    hsmiam_secret_free(&secret);
}

static int exit_code_of(pid_t child)
{
    int result = 0;

    assert_true(child > 0);
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result));
    return WEXITSTATUS(result);
}

static void test_forked_child_sees_nothing(void **state)
{
    hsmiam_secret *secret = new_secret(16);

    (void)state;
    assert_true(hsmiam_secret_append(secret, "only for a parent", 16));
    pid_t child = fork();
    if (child == 0) {
        const uint8_t *data = hsmiam_secret_get_data(secret);
        int set = 0;
        for (size_t i = 0; i < 16; i++)
            set |= data[i];
        _exit(set != 0);
    }
    assert_int_equal(exit_code_of(child), 0);
    assert_memory_equal(hsmiam_secret_get_data(secret), "only for a parent", 16);
    hsmiam_secret_free(&secret);
}

/* A kernel that cannot do it has no limit that one could raise. */
static void test_refused_advice(void **state)
{
    static const int advice[] = {MADV_DONTDUMP, MADV_WIPEONFORK};
    hsmiam_error *error = hsmiam_error_new();
    hsmiam_secret *secret = NULL;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        refused_advice = advice[i];
        assert_int_equal(hsmiam_secret_new(16, &secret, error), HSMIAM_ERR_MEMORY);
        refused_advice = -1;
        assert_null(secret);
        assert_int_equal(hsmiam_error_get_code(error), EINVAL);
        assert_non_null(strstr(hsmiam_error_get_message(error), "core dumps"));
        assert_null(strstr(hsmiam_error_get_message(error), "ulimit"));
    }
    hsmiam_error_free(&error);
}

#if LOCKING_IS_REAL
/* Root may lock whatever the limit says, so root's powers are given up first. */
static int refused_without_lockable_memory(void)
{
    const struct rlimit none = {0, 0};
    hsmiam_error *error = hsmiam_error_new();
    hsmiam_secret *secret = NULL;

    if (geteuid() == 0 && setuid(NOBODY) != 0)
        return 2;
    if (setrlimit(RLIMIT_MEMLOCK, &none) != 0)
        return 3;
    if (hsmiam_secret_new(16, &secret, error) != HSMIAM_ERR_MEMORY || secret != NULL)
        return 4;
    if (hsmiam_error_get_domain(error) != HSMIAM_DOMAIN_SYSTEM ||
        strstr(hsmiam_error_get_message(error), "`ulimit -l 8192`") == NULL)
        return 5;
    hsmiam_error_free(&error);
    return 0;
}

static void test_refused_without_lockable_memory(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0)
        _exit(refused_without_lockable_memory());
    assert_int_equal(exit_code_of(child), 0);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_append_within_bounds),
        cmocka_unit_test(test_room_and_grow),
        cmocka_unit_test(test_truncate_wipes),
        cmocka_unit_test(test_clear_wipes),
        cmocka_unit_test(test_wipe),
        cmocka_unit_test(test_page_is_locked_undumped_and_wiped_on_fork),
        cmocka_unit_test(test_guard_pages),
        cmocka_unit_test(test_forked_child_sees_nothing),
        cmocka_unit_test(test_refused_advice),
#if LOCKING_IS_REAL
        cmocka_unit_test(test_refused_without_lockable_memory),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
