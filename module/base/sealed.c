/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sealed.h"

#include "base/stack.h"

#include <stdlib.h>

static _Thread_local bool is_sealed;

struct hsmiam_sealed {
    hsmiam_status (*work)(void *context, hsmiam_error *error);
    void *context;
    hsmiam_error *error;
    hsmiam_status status;

    hsmiam_stack stack;
    pthread_t thread;
};

static void *run_job(void *context)
{
    hsmiam_sealed *job = context;

    is_sealed = true;
    job->status = job->work(job->context, job->error);
    return NULL;
}

static hsmiam_status start(hsmiam_sealed *job, hsmiam_error *error)
{
    return hsmiam_stack_start(run_job, job, &job->stack, &job->thread, error);
}

static void join(hsmiam_sealed *job)
{
    (void)pthread_join(job->thread, NULL);
    hsmiam_stack_clear(&job->stack);
}

hsmiam_status hsmiam_sealed_start(hsmiam_status (*work)(void *context, hsmiam_error *error),
                                  void *context, hsmiam_error *error, hsmiam_sealed **sealed_out)
{
    hsmiam_sealed *job = calloc(1, sizeof *job);

    if (job == NULL)
        return hsmiam_error_set_memory(error, "a thread");
    *job = (hsmiam_sealed){.work = work, .context = context, .error = error};
    hsmiam_status status = start(job, error);
    if (status != HSMIAM_OK) {
        free(job);
        return status;
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

/* MEMORY if there is no such thread to be had, and nothing was done. */
static hsmiam_status run(hsmiam_sealed *job, hsmiam_error *error)
{
    if (is_sealed) {
        (void)run_job(job);
        return HSMIAM_OK;
    }
    hsmiam_status status = start(job, error);
    if (status == HSMIAM_OK)
        join(job);
    return status;
}

hsmiam_status hsmiam_sealed_run(hsmiam_status (*work)(void *context, hsmiam_error *error),
                                void *context, hsmiam_error *error)
{
    hsmiam_sealed job = {.work = work, .context = context, .error = error};
    hsmiam_status status = run(&job, error);

    return status == HSMIAM_OK ? job.status : status;
}

hsmiam_status hsmiam_sealed_run_anyhow(hsmiam_status (*work)(void *context, hsmiam_error *error),
                                       void *context, hsmiam_error *error)
{
    hsmiam_sealed job = {.work = work, .context = context, .error = error};

    return run(&job, NULL) == HSMIAM_OK ? job.status : work(context, error);
}
