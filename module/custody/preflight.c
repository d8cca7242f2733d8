/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a token and connecting to IAM do not depend on one another, and each takes milliseconds:
 * the former goes on a thread of its own. */
#include "custody/custody.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct hsmiam_preflight {
    const hsmiam_client *client;
    hsmiam_custody *custody;

    pthread_t thread;
    bool running;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    hsmiam_preflight_stage reached; /* under the lock, as is all below */
    bool failed;                    /* no further stage will be reached */
    hsmiam_status status;
    hsmiam_error error;
};

static void reach(hsmiam_preflight *preflight, hsmiam_preflight_stage stage, hsmiam_status status)
{
    (void)pthread_mutex_lock(&preflight->lock);
    if (status == HSMIAM_OK)
        preflight->reached = stage;
    else
        preflight->failed = true;
    preflight->status = status;
    (void)pthread_cond_broadcast(&preflight->changed);
    (void)pthread_mutex_unlock(&preflight->lock);
}

static void *run(void *context)
{
    hsmiam_preflight *preflight = context;
    hsmiam_error *error = &preflight->error;
    hsmiam_status status = hsmiam_client_prime_signer(preflight->client, error);

    reach(preflight, HSMIAM_PREFLIGHT_SIGNER, status);
    if (status == HSMIAM_OK) {
        status = hsmiam_custody_prepare(preflight->custody, error);
        reach(preflight, HSMIAM_PREFLIGHT_CUSTODY, status);
    }
    return NULL;
}

/* The program's signals are for its own threads. */
static bool create_thread(hsmiam_preflight *preflight)
{
    sigset_t all;
    sigset_t before;

    (void)sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
        return false;
    bool created = pthread_create(&preflight->thread, NULL, run, preflight) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return created;
}

hsmiam_status hsmiam_preflight_start(const hsmiam_client *client, hsmiam_custody *custody,
                                     hsmiam_preflight **preflight_out, hsmiam_error *error)
{
    hsmiam_preflight *preflight = calloc(1, sizeof *preflight);

    if (preflight == NULL)
        return hsmiam_error_set_memory(error, "the preflight");
    preflight->client = client;
    preflight->custody = custody;
    (void)pthread_mutex_init(&preflight->lock, NULL);
    (void)pthread_cond_init(&preflight->changed, NULL);
    preflight->running = create_thread(preflight);
    if (!preflight->running)
        (void)run(preflight);
    *preflight_out = preflight;
    return HSMIAM_OK;
}

hsmiam_status hsmiam_preflight_wait(hsmiam_preflight *preflight, hsmiam_preflight_stage stage,
                                    hsmiam_error *error)
{
    hsmiam_status status = HSMIAM_OK;

    (void)pthread_mutex_lock(&preflight->lock);
    while (!preflight->failed && preflight->reached < stage)
        (void)pthread_cond_wait(&preflight->changed, &preflight->lock);
    if (preflight->reached < stage) {
        status = preflight->status;
        if (error != NULL)
            *error = preflight->error;
    }
    (void)pthread_mutex_unlock(&preflight->lock);
    return status;
}

void hsmiam_preflight_free(hsmiam_preflight **preflight)
{
    if (preflight == NULL || *preflight == NULL)
        return;
    if ((*preflight)->running)
        (void)pthread_join((*preflight)->thread, NULL);
    (void)pthread_cond_destroy(&(*preflight)->changed);
    (void)pthread_mutex_destroy(&(*preflight)->lock);
    free(*preflight);
    *preflight = NULL;
}
