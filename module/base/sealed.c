/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sealed.h"

#include "base/secret.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGES_MAX (HSMIAM_SEALED_STACK_SIZE / 4096)

static _Thread_local bool is_sealed;

struct hsmiam_sealed {
    hsmiam_status (*work)(void *context, hsmiam_error *error);
    void *context;
    hsmiam_error *error;
    hsmiam_status status;

    uint8_t *mapping; /* a guard page, and the stack */
    size_t page;
    pthread_t thread;
};

static void *run_job(void *context)
{
    hsmiam_sealed *job = context;

    is_sealed = true;
    job->status = job->work(job->context, job->error);
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

static bool create_thread(hsmiam_sealed *job)
{
    pthread_attr_t attributes;
    sigset_t all;
    sigset_t before;

    if (pthread_attr_init(&attributes) != 0)
        return false;
    /* The program's signals are for its own threads. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    bool created = pthread_attr_setstack(&attributes, job->mapping + job->page,
                                         HSMIAM_SEALED_STACK_SIZE) == 0 &&
                   pthread_create(&job->thread, &attributes, run_job, job) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    return created;
}

static void unmap_stack(hsmiam_sealed *job)
{
    wipe_stack(job->mapping + job->page, job->page);
    (void)munmap(job->mapping, job->page + HSMIAM_SEALED_STACK_SIZE);
}

/* False if there is no such thread to be had, and nothing was done; errno tells why. */
static bool start(hsmiam_sealed *job)
{
    errno = 0;
    job->page = (size_t)sysconf(_SC_PAGESIZE);
    job->mapping = map_stack(job->page);
    if (job->mapping == NULL)
        return false;
    if (create_thread(job))
        return true;
    unmap_stack(job);
    errno = EAGAIN;
    return false;
}

static void join(hsmiam_sealed *job)
{
    (void)pthread_join(job->thread, NULL);
    unmap_stack(job);
}

static hsmiam_status fail(hsmiam_error *error)
{
    return hsmiam_error_set_errno(error, HSMIAM_ERR_MEMORY, errno != 0 ? errno : EAGAIN,
                                  "Cannot lock %zu bytes of memory for a thread that works on a "
                                  "secret; raise the limit that `ulimit -l` shows",
                                  HSMIAM_SEALED_STACK_SIZE);
}

hsmiam_status hsmiam_sealed_start(hsmiam_status (*work)(void *context, hsmiam_error *error),
                                  void *context, hsmiam_error *error, hsmiam_sealed **sealed_out)
{
    hsmiam_sealed *job = calloc(1, sizeof *job);

    if (job == NULL)
        return hsmiam_error_set_memory(error, "a thread");
    *job = (hsmiam_sealed){.work = work, .context = context, .error = error};
    if (!start(job)) {
        free(job);
        return fail(error);
    }
    *sealed_out = job;
    return HSMIAM_OK;
}

hsmiam_status hsmiam_sealed_join(hsmiam_sealed **sealed)
{
    join(*sealed);
    hsmiam_status status = (*sealed)->status;
    free(*sealed);
    *sealed = NULL;
    return status;
}

/* False if there is no such thread to be had, and nothing was done. */
static bool run(hsmiam_sealed *job)
{
    if (is_sealed) {
        (void)run_job(job);
        return true;
    }
    if (!start(job))
        return false;
    join(job);
    return true;
}

hsmiam_status hsmiam_sealed_run(hsmiam_status (*work)(void *context, hsmiam_error *error),
                                void *context, hsmiam_error *error)
{
    hsmiam_sealed job = {.work = work, .context = context, .error = error};

    return run(&job) ? job.status : fail(error);
}

hsmiam_status hsmiam_sealed_run_anyhow(hsmiam_status (*work)(void *context, hsmiam_error *error),
                                       void *context, hsmiam_error *error)
{
    hsmiam_sealed job = {.work = work, .context = context, .error = error};

    return run(&job) ? job.status : work(context, error);
}
