/* SPDX-License-Identifier: Apache-2.0 */
#include "base/stack.h"

#include "base/sealed.h"
#include "base/secret.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGES_AT_ONCE 128

/* What libc takes of a stack that it is given, before the thread has any: glibc puts the static
 * thread-local storage of the program and its libraries there, and tells how much by a function
 * that is meant for those who must know and that no header names. Other libcs have theirs
 * elsewhere. */
static size_t get_taken(void)
{
    static atomic_size_t known;
    size_t taken = atomic_load(&known);
    pthread_attr_t attributes;

    if (taken != 0)
        return taken;
    union {
        void *address;
        size_t (*function)(const pthread_attr_t *attributes);
    } found = {.address = dlsym(RTLD_DEFAULT, "__pthread_get_minstack")};
    long least = sysconf(_SC_THREAD_STACK_MIN);
    taken = least > 0 ? (size_t)least : (size_t)sysconf(_SC_PAGESIZE);
    if (found.address != NULL && pthread_attr_init(&attributes) == 0) {
        size_t told = found.function(&attributes);
        taken = told > taken ? told : taken;
        (void)pthread_attr_destroy(&attributes);
    }
    atomic_store(&known, taken);
    return taken;
}

/* Pages are locked as they come into use; where the kernel does not offer that (valgrind's does
 * not), at once. */
static bool lock(uint8_t *from, size_t size)
{
    if (mlock2(from, size, MLOCK_ONFAULT) == 0)
        return true;
    return (errno == ENOSYS || errno == EINVAL) && mlock(from, size) == 0;
}

static size_t get_size(size_t page)
{
    return (HSMIAM_STACK_SIZE + get_taken() + page - 1) / page * page;
}

static hsmiam_status map(hsmiam_stack *stack, hsmiam_error *error)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t size = get_size(page);
    uint8_t *mapping = mmap(NULL, page + size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);

    if (mapping == MAP_FAILED)
        return hsmiam_error_set_errno(error, HSMIAM_ERR_MEMORY, errno,
                                      "Cannot map %zu bytes for the stack of a thread that works "
                                      "on a secret",
                                      page + size);
    *stack = (hsmiam_stack){mapping, page, size};
    if (mprotect(mapping, page, PROT_NONE) == 0 && lock(mapping + page, size) &&
        madvise(mapping + page, size, MADV_DONTDUMP) == 0)
        return HSMIAM_OK;
    hsmiam_status status =
        hsmiam_error_set_unlocked(error, errno, size, "a thread that works on a secret");
    hsmiam_stack_clear(stack);
    return status;
}

/* The kernel counts what is locked by its size, whether it is in use or not. */
unsigned hsmiam_stack_count_lockable(unsigned wanted, size_t beside)
{
    size_t each = get_size((size_t)sysconf(_SC_PAGESIZE)) + beside;
    uint8_t *mapping = mmap(NULL, wanted * each, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    unsigned count = wanted;

    if (mapping == MAP_FAILED)
        return 0;
    while (count > 0 && mlock2(mapping, count * each, MLOCK_ONFAULT) != 0) {
        if (errno == ENOSYS || errno == EINVAL)
            break; /* the kernel does not tell */
        count--;
    }
    (void)munmap(mapping, wanted * each);
    return count;
}

/* 0, or why there is no thread. */
static int create_thread(const hsmiam_stack *stack, void *(*run)(void *context), void *context,
                         pthread_t *thread_out)
{
    pthread_attr_t attributes;
    sigset_t all;
    sigset_t before;
    int number = pthread_attr_init(&attributes);

    if (number != 0)
        return number;
    /* The program's signals are for its own threads. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    number = pthread_attr_setstack(&attributes, stack->mapping + stack->page, stack->size);
    if (number == 0)
        number = pthread_create(thread_out, &attributes, run, context);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    return number;
}

hsmiam_status hsmiam_stack_start(void *(*run)(void *context), void *context, hsmiam_stack *stack,
                                 pthread_t *thread_out, hsmiam_error *error)
{
    hsmiam_status status = map(stack, error);

    if (status != HSMIAM_OK)
        return status;
    int number = create_thread(stack, run, context, thread_out);
    if (number == 0)
        return HSMIAM_OK;
    hsmiam_stack_clear(stack);
    return hsmiam_error_set_errno(error, HSMIAM_ERR_MEMORY, number,
                                  "Cannot start a thread to work on a secret; `ulimit -u` shows "
                                  "how many there may be");
}

/* Wipes those pages that were used: touching the others would only bring them into being. */
static void wipe(uint8_t *from, const uint8_t *end, size_t page)
{
    unsigned char resident[PAGES_AT_ONCE];

    while (from < end) {
        size_t count = (size_t)(end - from) / page;
        if (count > PAGES_AT_ONCE)
            count = PAGES_AT_ONCE;
        bool known = mincore(from, count * page, resident) == 0;
        for (size_t i = 0; i < count; i++)
            if (!known || (resident[i] & 1) != 0)
                hsmiam_wipe(from + i * page, page);
        from += count * page;
    }
}

void hsmiam_stack_clear(hsmiam_stack *stack)
{
    if (stack->mapping == NULL)
        return;
    wipe(stack->mapping + stack->page, stack->mapping + stack->page + stack->size, stack->page);
    (void)munmap(stack->mapping, stack->page + stack->size);
    *stack = (hsmiam_stack){0};
}

/* The page below this frame is left to the functions that are called here; hsmiam_thread_scrub()
 * wipes what they leave, and as much as that. */
__attribute__((noinline)) void hsmiam_stack_wipe_unused(const hsmiam_stack *stack)
{
    uint8_t *bottom = stack->mapping + stack->page;
    size_t unused = (size_t)((uint8_t *)__builtin_frame_address(0) - bottom) / stack->page;

    if (unused > 1)
        wipe(bottom, bottom + (unused - 1) * stack->page, stack->page);
    hsmiam_thread_scrub();
}
