/* SPDX-License-Identifier: Apache-2.0 */
/* The thread on which secrets are worked on. */
#include "support/cmocka_tests.h"

#include "base/sealed.h"
#include "base/stack.h"
#include "support/mapping.h"

#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MARK 0xa5

/* More than a stack, for which libc takes room in it. */
static _Thread_local volatile uint8_t large[HSMIAM_STACK_SIZE + 100000];

/* What the stack held when it was given back, which libc's function would not tell. */
static bool was_unmapped;
static bool was_clean;

int munmap(void *mapping, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const uint8_t *stack = (const uint8_t *)mapping + page;

    if (size > HSMIAM_STACK_SIZE + sizeof large) {
        was_unmapped = true;
        was_clean = true;
        for (size_t i = 0; i < size - page; i++)
            was_clean = was_clean && stack[i] == 0;
    }
    return (int)syscall(SYS_munmap, mapping, size);
}

static hsmiam_status litter(void *context, hsmiam_error *error)
{
    volatile uint8_t area[400000];

    (void)error;
    for (size_t i = 0; i < sizeof area; i++)
        area[i] = MARK;
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = MARK;
    *(pthread_t *)context = pthread_self();
    return HSMIAM_ERR_EXISTS;
}

static void test_wipes_stack(void **state)
{
    pthread_t thread = pthread_self();

    (void)state;
    was_unmapped = false;
    assert_int_equal(hsmiam_sealed_run(litter, &thread, NULL), HSMIAM_ERR_EXISTS);
    assert_false(pthread_equal(thread, pthread_self()));
    assert_true(was_unmapped);
    assert_true(was_clean);
}

static hsmiam_status nest(void *context, hsmiam_error *error)
{
    pthread_t inner = pthread_self();

    assert_int_equal(hsmiam_sealed_run(litter, &inner, error), HSMIAM_ERR_EXISTS);
    *(bool *)context = pthread_equal(inner, pthread_self());
    return HSMIAM_OK;
}

static void test_nested_work_stays(void **state)
{
    bool same = false;

    (void)state;
    assert_int_equal(hsmiam_sealed_run(nest, &same, NULL), HSMIAM_OK);
    assert_true(same);
}

static hsmiam_status look_around(void *context, hsmiam_error *error)
{
    sigset_t blocked;
    char here = 0;

    (void)error;
    mapping_read_flags(&here, context);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &blocked), 0);
    assert_true(sigismember(&blocked, SIGTERM));
    return HSMIAM_OK;
}

static void test_stack_is_locked(void **state)
{
    char flags[MAPPING_FLAGS_MAX];
    sigset_t blocked;

    (void)state;
    assert_int_equal(hsmiam_sealed_run(look_around, flags, NULL), HSMIAM_OK);
    assert_non_null(strstr(flags, " lo "));
    assert_non_null(strstr(flags, " dd "));
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &blocked), 0);
    assert_false(sigismember(&blocked, SIGTERM));
}

/* In a child, which gives up the right to lock more than the limit says. */
static int run_without_lock(void)
{
    const struct rlimit none = {0, 0};
    pthread_t thread = pthread_self();
    hsmiam_error *error = hsmiam_error_new();

    if (geteuid() == 0 && (setgroups(0, NULL) != 0 || setuid(65534) != 0))
        return 1;
    if (setrlimit(RLIMIT_MEMLOCK, &none) != 0)
        return 2;
    if (hsmiam_sealed_run(litter, &thread, error) != HSMIAM_ERR_MEMORY ||
        !pthread_equal(thread, pthread_self()) ||
        !strstr(hsmiam_error_get_message(error), "ulimit -l"))
        return 3;
    hsmiam_error_free(&error);
    return hsmiam_sealed_run_anyhow(litter, &thread, NULL) == HSMIAM_ERR_EXISTS ? 0 : 4;
}

static void expect_child(int (*run)(void))
{
    int status = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0)
        _exit(run());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_without_lock(void **state)
{
    (void)state;
    expect_child(run_without_lock);
}

/* In a child, which may have no thread more than it has. */
static int run_without_thread(void)
{
    const struct rlimit few = {0, 0};
    const struct rlimit enough = {8 << 20, 8 << 20};
    pthread_t thread = pthread_self();
    hsmiam_error *error = hsmiam_error_new();

    if (geteuid() == 0 &&
        (setrlimit(RLIMIT_MEMLOCK, &enough) != 0 || setgroups(0, NULL) != 0 || setuid(65534) != 0))
        return 1;
    if (setrlimit(RLIMIT_NPROC, &few) != 0)
        return 2;
    if (hsmiam_sealed_run(litter, &thread, error) != HSMIAM_ERR_MEMORY)
        return 3;
    if (strstr(hsmiam_error_get_message(error), "ulimit -l") ||
        !strstr(hsmiam_error_get_message(error), "Cannot start a thread") ||
        hsmiam_error_get_code(error) != EAGAIN)
        return 4;
    hsmiam_error_free(&error);
    return 0;
}

static void test_without_thread(void **state)
{
    (void)state;
    expect_child(run_without_thread);
}

#if defined(__x86_64__)

/* In functions of their own: the compiler may use such instructions anywhere in them. */
static __attribute__((noinline, target("avx512f"))) void load_wide(const uint64_t area[8])
{
    __asm__ volatile("vmovdqu64 (%0), %%zmm16" : : "r"(area) : "xmm16", "memory");
}

static __attribute__((noinline, target("avx512f"))) void store_wide(uint64_t area[8])
{
    __asm__ volatile("vmovdqu64 %%zmm16, (%0)" : : "r"(area) : "memory");
}

static void test_scrub_registers(void **state)
{
    const uint64_t mark[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    const uint64_t zero[8] = {0};
    uint64_t area[8] = {0};
    bool wide = __builtin_cpu_supports("avx512f");

    (void)state;
    __asm__ volatile("movdqu (%0), %%xmm5" : : "r"(mark) : "xmm5", "memory");
    if (wide)
        load_wide(mark);
    hsmiam_thread_scrub();
    __asm__ volatile("movdqu %%xmm5, (%0)" : : "r"(area) : "memory");
    assert_memory_equal(area, zero, sizeof zero);
    if (wide)
        store_wide(area);
    assert_memory_equal(area, zero, sizeof zero);
}

#else

static void test_scrub_registers(void **state)
{
    (void)state;
    hsmiam_thread_scrub();
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wipes_stack),     cmocka_unit_test(test_nested_work_stays),
        cmocka_unit_test(test_stack_is_locked), cmocka_unit_test(test_without_lock),
        cmocka_unit_test(test_without_thread),  cmocka_unit_test(test_scrub_registers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
