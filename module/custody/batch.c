/* SPDX-License-Identifier: Apache-2.0 */
/* Many users, several at a time. Each goes through the whole protocol of one: what is different is
 * what its threads share, that is the token, the pace of the requests, and what the ledger says. */
#include "custody/custody.h"

#include "base/stack.h"
#include "ledger/rotation.h"
#include "sigv4/signer.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TICK_NANOSECONDS 200000000L
#define MISSES_MIN       3

/* Beside its stack, what a thread locks for secrets. */
#define LOCKED_BESIDE ((size_t)64 * 1024)

typedef struct batch_crew {
    const hsmiam_batch *batch;
    hsmiam_client *client;
    hsmiam_custody *custody;
    hsmiam_pace *pace;
    unsigned size; /* threads */

    /* To call the caller's functions under. Who waits for a name holds up nobody's work, which asks
     * whether to stop. */
    pthread_mutex_t taking;
    pthread_mutex_t asking;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    unsigned at_work; /* threads that have not ended */
    unsigned misses;  /* users for whom IAM was out of reach, in a row */
    bool stopping;
    hsmiam_status status; /* why */
    hsmiam_error error;
} batch_crew;

typedef struct batch_worker {
    batch_crew *crew;
    pthread_t thread;
    bool started;
    hsmiam_signer *signer;
    hsmiam_client *client;
    hsmiam_custody custody;                       /* a copy of one that is prepared, */
    hsmiam_custody replicas[HSMIAM_REPLICAS_MAX]; /* and copies of what belongs to it */
} batch_worker;

static bool is_stopping(batch_crew *crew)
{
    (void)pthread_mutex_lock(&crew->lock);
    bool stopping = crew->stopping;
    (void)pthread_mutex_unlock(&crew->lock);
    return stopping;
}

static void stop(batch_crew *crew, hsmiam_status status, const hsmiam_error *error)
{
    (void)pthread_mutex_lock(&crew->lock);
    if (!crew->stopping) {
        crew->stopping = true;
        crew->status = status;
        crew->error = *error;
    }
    (void)pthread_mutex_unlock(&crew->lock);
}

/* Whether to begin nothing more: hsmiam_cancel_fn of the workers' clients, which ask between two
 * steps of what they do. */
static bool is_cancelled(void *context)
{
    batch_crew *crew = context;

    if (is_stopping(crew))
        return true;
    (void)pthread_mutex_lock(&crew->asking);
    bool cancelled = hsmiam_client_is_cancelled(crew->client);
    (void)pthread_mutex_unlock(&crew->asking);
    if (cancelled) {
        hsmiam_error error = {.status = HSMIAM_OK};
        stop(crew,
             hsmiam_error_set(&error, HSMIAM_ERR_CANCELLED,
                              "Stopped: what was under way is done, the rest was not begun."),
             &error);
    }
    return cancelled;
}

/* ----------------------------------------------------------------------- what stops all of them */

/* What is about the one user; whether the others fare better is not known before it is tried. */
static const hsmiam_status of_one_user[] = {
    HSMIAM_OK,
    HSMIAM_ERR_ARGUMENT,
    HSMIAM_ERR_EXISTS,
    HSMIAM_ERR_UNSETTLED,
    HSMIAM_ERR_NOT_FOUND,
    HSMIAM_ERR_NETWORK,
    HSMIAM_ERR_UNKNOWN_OUTCOME,
    HSMIAM_ERR_REPLY,
    HSMIAM_ERR_SERVICE,
};

/* Refusals by which IAM turns the credential itself down, whatever it is used for. */
static const char *const of_the_credential[] = {
    "InvalidClientTokenId",  "UnrecognizedClientException",
    "SignatureDoesNotMatch", "IncompleteSignature",
    "InvalidAccessKeyId",    "MissingAuthenticationToken",
    "RequestExpired",        "OptInRequired",
    "ExpiredToken",
};

static bool is_about_all(hsmiam_status status, const hsmiam_error *error)
{
    bool found = false;

    for (size_t i = 0; i < sizeof of_one_user / sizeof of_one_user[0]; i++)
        found = found || of_one_user[i] == status;
    if (!found)
        return true;
    if (status != HSMIAM_ERR_SERVICE)
        return false;
    for (size_t i = 0; i < sizeof of_the_credential / sizeof of_the_credential[0]; i++)
        if (strcmp(hsmiam_error_get_code_name(error), of_the_credential[i]) == 0)
            return true;
    return false;
}

/* Whether IAM, or a token that is being looked for, has been out of reach for too many by now. */
static bool is_out_of_reach(batch_crew *crew, hsmiam_status status, const hsmiam_error *error)
{
    bool missed = status == HSMIAM_ERR_NETWORK || status == HSMIAM_ERR_UNKNOWN_OUTCOME ||
                  status == HSMIAM_ERR_REPLY ||
                  (status == HSMIAM_ERR_NOT_FOUND &&
                   strcmp(hsmiam_error_get_code_name(error), HSMIAM_NO_ACTIVE_KEY) != 0);

    (void)pthread_mutex_lock(&crew->lock);
    crew->misses = missed ? crew->misses + 1 : 0;
    bool too_many = crew->misses >= (crew->size > MISSES_MIN ? crew->size : MISSES_MIN);
    (void)pthread_mutex_unlock(&crew->lock);
    return too_many;
}

/* --------------------------------------------------------------------------------- the threads */

static bool take_name(batch_crew *crew, char name_out[HSMIAM_USER_NAME_SIZE])
{
    (void)pthread_mutex_lock(&crew->taking);
    bool more = crew->batch->next(crew->batch->context, name_out);
    (void)pthread_mutex_unlock(&crew->taking);
    return more;
}

static void *run_worker(void *context)
{
    batch_worker *worker = context;
    batch_crew *crew = worker->crew;
    hsmiam_error error = {.status = HSMIAM_OK};
    char name[HSMIAM_USER_NAME_SIZE] = "";

    while (!is_cancelled(crew) && take_name(crew, name)) {
        hsmiam_error_clear(&error);
        hsmiam_status status =
            crew->batch->work(crew->batch->context, worker->client, &worker->custody, name, &error);
        if (status == HSMIAM_ERR_CANCELLED && is_cancelled(crew))
            break;
        bool is_unreachable = is_out_of_reach(crew, status, &error);
        if (is_unreachable || is_about_all(status, &error))
            stop(crew, status, &error);
    }
    (void)pthread_mutex_lock(&crew->lock);
    crew->at_work--;
    (void)pthread_cond_broadcast(&crew->changed);
    (void)pthread_mutex_unlock(&crew->lock);
    return NULL;
}

/* The program's signals are for its own threads. */
static bool start(batch_worker *worker)
{
    sigset_t all;
    sigset_t before;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    worker->started = pthread_create(&worker->thread, NULL, run_worker, worker) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return worker->started;
}

static void copy_custody(const hsmiam_custody *from, batch_worker *worker)
{
    worker->custody = *from;
    for (size_t i = 0; i < from->replica_count; i++) {
        worker->replicas[i] = *from->replicas[i];
        worker->custody.replicas[i] = &worker->replicas[i];
    }
}

/* A client of its own, whose signer has the signing key derived for itself. */
static hsmiam_status equip(batch_crew *crew, batch_worker *worker, hsmiam_error *error)
{
    hsmiam_status status =
        hsmiam_signer_new_like(hsmiam_client_get_signer(crew->client), &worker->signer, error);

    worker->crew = crew;
    copy_custody(crew->custody, worker);
    if (status == HSMIAM_OK)
        status = hsmiam_client_new_like(crew->client, worker->signer, &worker->client, error);
    if (status != HSMIAM_OK)
        return status;
    hsmiam_client_set_cancel(worker->client, is_cancelled, crew);
    hsmiam_client_set_pace(worker->client, crew->pace);
    return HSMIAM_OK;
}

static void dismiss(batch_worker *worker)
{
    hsmiam_client_free(&worker->client);
    hsmiam_signer_free(&worker->signer);
}

/* Ticks until all have ended. A signal does not end the wait. */
static void wait_for_all(batch_crew *crew)
{
    const hsmiam_batch *batch = crew->batch;

    (void)pthread_mutex_lock(&crew->lock);
    while (crew->at_work > 0) {
        struct timespec until = {.tv_sec = 0};
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += TICK_NANOSECONDS;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        (void)pthread_cond_timedwait(&crew->changed, &crew->lock, &until);
        (void)pthread_mutex_unlock(&crew->lock);
        if (batch->tick != NULL)
            batch->tick(batch->context);
        (void)pthread_mutex_lock(&crew->lock);
    }
    (void)pthread_mutex_unlock(&crew->lock);
}

static hsmiam_status run_all(batch_crew *crew, batch_worker *workers, hsmiam_error *error)
{
    hsmiam_status status = HSMIAM_OK;
    unsigned started = 0;

    for (unsigned i = 0; status == HSMIAM_OK && i < crew->size; i++)
        status = equip(crew, &workers[i], error);
    crew->at_work = crew->size;
    while (status == HSMIAM_OK && started < crew->size && start(&workers[started]))
        started++;
    (void)pthread_mutex_lock(&crew->lock);
    crew->at_work -= crew->size - started;
    (void)pthread_mutex_unlock(&crew->lock);
    if (status == HSMIAM_OK && started == 0)
        status = hsmiam_error_set(error, HSMIAM_ERR_MEMORY, "No thread can be had for the batch.");
    wait_for_all(crew);
    for (unsigned i = 0; i < started; i++)
        (void)pthread_join(workers[i].thread, NULL);
    for (unsigned i = 0; i < crew->size; i++)
        dismiss(&workers[i]);
    return status;
}

/* ------------------------------------------------------------------------------ all beforehand */

/* How many stacks a thread needs: one for itself, one for its session on each token that has a
 * time-out. */
static unsigned count_stacks(const hsmiam_custody *custody)
{
    unsigned count = 1;

    for (size_t i = 0; i <= custody->replica_count; i++)
        count += hsmiam_token_has_timeout(hsmiam_custody_get_place(custody, i)->token);
    return count;
}

static hsmiam_status choose_size(batch_crew *crew, hsmiam_error *error)
{
    unsigned wanted =
        crew->batch->concurrency > 0 ? crew->batch->concurrency : HSMIAM_BATCH_CONCURRENCY_DEFAULT;
    unsigned stacks = count_stacks(crew->custody);

    if (wanted > HSMIAM_BATCH_CONCURRENCY_MAX)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT, "A batch has at most %d threads.",
                                HSMIAM_BATCH_CONCURRENCY_MAX);
    crew->size = hsmiam_stack_count_lockable(wanted * stacks, LOCKED_BESIDE) / stacks;
    if (crew->size == 0)
        return hsmiam_error_set(error, HSMIAM_ERR_MEMORY,
                                "Not even one thread can lock the memory that it needs for "
                                "secrets; raise the limit that `ulimit -l` shows.");
    if (crew->size < wanted)
        hsmiam_log_write(hsmiam_client_get_log(crew->client), HSMIAM_LOG_NOTICE,
                         "Users are worked on %u at a time, not %u: more memory for secrets cannot "
                         "be locked. `ulimit -l` shows the limit.",
                         crew->size, wanted);
    return HSMIAM_OK;
}

static hsmiam_status prepare(batch_crew *crew, hsmiam_error *error)
{
    hsmiam_status status = hsmiam_signer_open(hsmiam_client_get_signer(crew->client), error);

    if (status == HSMIAM_OK)
        status = hsmiam_custody_prepare(crew->custody, error);
    if (status == HSMIAM_OK && crew->custody->ledger != NULL)
        status = hsmiam_ledger_watch_new(crew->custody->ledger, &crew->custody->watch, error);
    if (status == HSMIAM_OK && crew->custody->ledger != NULL)
        status = hsmiam_rotation_watch_new(crew->custody->ledger, &crew->custody->rotations, error);
    if (status == HSMIAM_OK)
        status = hsmiam_pace_new(&crew->pace, error);
    if (status == HSMIAM_OK)
        status = choose_size(crew, error);
    return status;
}

static void init(batch_crew *crew)
{
    pthread_condattr_t attributes;

    (void)pthread_mutex_init(&crew->taking, NULL);
    (void)pthread_mutex_init(&crew->asking, NULL);
    (void)pthread_mutex_init(&crew->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&crew->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

static void clear(batch_crew *crew)
{
    (void)pthread_cond_destroy(&crew->changed);
    (void)pthread_mutex_destroy(&crew->lock);
    (void)pthread_mutex_destroy(&crew->asking);
    (void)pthread_mutex_destroy(&crew->taking);
    hsmiam_pace_free(&crew->pace);
    hsmiam_rotation_watch_free(&crew->custody->rotations);
    hsmiam_ledger_watch_free(&crew->custody->watch);
}

hsmiam_status hsmiam_batch_run(hsmiam_client *client, hsmiam_custody *custody,
                               const hsmiam_batch *batch, hsmiam_error *error)
{
    batch_crew crew = {.batch = batch, .client = client, .custody = custody};
    batch_worker *workers = NULL;

    if (client == NULL || custody == NULL || batch == NULL || batch->next == NULL ||
        batch->work == NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "A batch needs a client, a custody, users and work.");
    init(&crew);
    hsmiam_status status = prepare(&crew, error);
    if (status == HSMIAM_OK) {
        workers = calloc(crew.size, sizeof *workers);
        status = workers != NULL ? run_all(&crew, workers, error)
                                 : hsmiam_error_set_memory(error, "a batch");
    }
    if (status == HSMIAM_OK && crew.stopping) {
        status = crew.status;
        if (error != NULL)
            *error = crew.error;
    }
    free(workers);
    clear(&crew);
    return status;
}
