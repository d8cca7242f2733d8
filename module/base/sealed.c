/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sealed.h"

#include "base/secret.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGES_MAX (HSMIAM_SEALED_STACK_SIZE / 4096)

static _Thread_local bool is_sealed;

typedef struct job {
    hsmiam_status (*work)(void *context, hsmiam_error *error);
    void *context;
    hsmiam_error *error;
    hsmiam_status status;
} job;

static void *run_job(void *context)
{
    job *todo = context;

    is_sealed = true;
    todo->status = todo->work(todo->context, todo->error);
    return NULL;
}

/* Pages are locked as they come into use; where the kernel does not offer that (valgrind's does
 * not), at once. */
static bool lock(uint8_t *stack)
{
    if (mlock2(stack, HSMIAM_SEALED_STACK_SIZE, MLOCK_ONFAULT) == 0)
        return true;
    return (errno == ENOSYS || errno == EINVAL) && mlock(stack, HSMIAM_SEALED_STACK_SIZE) == 0;
}

/* A guard page, and the stack above it. */
static uint8_t *map_stack(size_t page)
{
    const size_t size = HSMIAM_SEALED_STACK_SIZE;
    uint8_t *mapping = mmap(NULL, page + size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);

    if (mapping == MAP_FAILED)
        return NULL;
    if (mprotect(mapping, page, PROT_NONE) == 0 && lock(mapping + page) &&
        madvise(mapping + page, size, MADV_DONTDUMP) == 0)
        return mapping;
    int number = errno;
    (void)munmap(mapping, page + size);
    errno = number;
    return NULL;
}

/* Wipes those pages that were used: touching the others would only bring them into being. */
static void wipe_stack(uint8_t *stack, size_t page)
{
    unsigned char resident[PAGES_MAX];
    size_t count = HSMIAM_SEALED_STACK_SIZE / page;
    bool known = mincore(stack, HSMIAM_SEALED_STACK_SIZE, resident) == 0;

    for (size_t i = 0; i < count; i++)
        if (!known || (resident[i] & 1) != 0)
            hsmiam_wipe(stack + i * page, page);
}

static bool run_on(uint8_t *stack, job *todo)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all;
    sigset_t before;

    if (pthread_attr_init(&attributes) != 0)
        return false;
    /* The program's signals are for its own threads. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    bool created = pthread_attr_setstack(&attributes, stack, HSMIAM_SEALED_STACK_SIZE) == 0 &&
                   pthread_create(&thread, &attributes, run_job, todo) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    if (created)
        (void)pthread_join(thread, NULL);
    return created;
}

/* False if there is no such thread to be had, and nothing was done. */
static bool run(job *todo)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    if (is_sealed) {
        (void)run_job(todo);
        return true;
    }
    uint8_t *mapping = map_stack(page);
    if (mapping == NULL)
        return false;
    bool done = run_on(mapping + page, todo);
    wipe_stack(mapping + page, page);
    (void)munmap(mapping, page + HSMIAM_SEALED_STACK_SIZE);
    return done;
}

hsmiam_status hsmiam_sealed_run(hsmiam_status (*work)(void *context, hsmiam_error *error),
                                void *context, hsmiam_error *error)
{
    job todo = {.work = work, .context = context, .error = error};

    errno = 0;
    if (run(&todo))
        return todo.status;
    return hsmiam_error_set_errno(error, HSMIAM_ERR_MEMORY, errno != 0 ? errno : EAGAIN,
                                  "Cannot lock %zu bytes of memory for a thread that works on a "
                                  "secret; raise the limit that `ulimit -l` shows",
                                  HSMIAM_SEALED_STACK_SIZE);
}

hsmiam_status hsmiam_sealed_run_anyhow(hsmiam_status (*work)(void *context, hsmiam_error *error),
                                       void *context, hsmiam_error *error)
{
    job todo = {.work = work, .context = context, .error = error};

    return run(&todo) ? todo.status : work(context, error);
}
