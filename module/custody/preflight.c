/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a token and connecting to IAM do not depend on one another, and each takes milliseconds:
 * the former goes on a thread of its own. */
#include "custody/custody.h"

#include "base/sealed.h"

#include <pthread.h>
#include <stdlib.h>

struct hsmiam_preflight {
    const hsmiam_client *client;
    hsmiam_custody *custody;
    const char *user_name;
    hsmiam_survey *survey;

    hsmiam_sealed *thread; /* NULL: all was done at the start */
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

static hsmiam_status run(void *context, hsmiam_error *error)
{
    hsmiam_preflight *preflight = context;
    hsmiam_status status = hsmiam_client_prime_signer(preflight->client, error);

    reach(preflight, HSMIAM_PREFLIGHT_SIGNER, status);
    if (status != HSMIAM_OK)
        return status;
    status = hsmiam_custody_prepare(preflight->custody, error);
    if (status == HSMIAM_OK)
        status = hsmiam_issue_survey(preflight->client, preflight->custody, preflight->user_name,
                                     preflight->survey, error);
    reach(preflight, HSMIAM_PREFLIGHT_CUSTODY, status);
    return status;
}

hsmiam_status hsmiam_preflight_start(const hsmiam_client *client, hsmiam_custody *custody,
                                     const char *user_name, hsmiam_survey *survey,
                                     hsmiam_preflight **preflight_out, hsmiam_error *error)
{
    hsmiam_preflight *preflight = calloc(1, sizeof *preflight);

    if (preflight == NULL)
        return hsmiam_error_set_memory(error, "the preflight");
    preflight->client = client;
    preflight->custody = custody;
    preflight->user_name = user_name;
    preflight->survey = survey;
    (void)pthread_mutex_init(&preflight->lock, NULL);
    (void)pthread_cond_init(&preflight->changed, NULL);
    /* What is ready takes no time, and a thread beside would lock a second stack. */
    if (custody->route != HSMIAM_ROUTE_AUTO)
        (void)hsmiam_sealed_run_anyhow(run, preflight, &preflight->error);
    else if (hsmiam_sealed_start(run, preflight, &preflight->error, &preflight->thread) !=
             HSMIAM_OK)
        (void)run(preflight, &preflight->error);
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
    if ((*preflight)->thread != NULL)
        (void)hsmiam_sealed_join(&(*preflight)->thread);
    (void)pthread_cond_destroy(&(*preflight)->changed);
    (void)pthread_mutex_destroy(&(*preflight)->lock);
    free(*preflight);
    *preflight = NULL;
}
