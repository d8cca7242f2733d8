/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures are nearly all of what a verification costs, and do not depend on one another. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ledger/verify.h"

#define BATCH_SIZE  256
#define THREADS_MAX 8
#define BATCHES_MAX 16

typedef struct item {
    uint64_t line;
    size_t key;
    uint8_t digest[HSMIAM_DIGEST_SIZE];
    uint8_t signature[HSMIAM_SIGNATURE_MAX];
    size_t size;
} item;

typedef struct batch {
    item items[BATCH_SIZE];
    size_t count;
    struct batch *next;
} batch;

/* The verifiers of one thread. */
typedef struct bench {
    hsmiam_verifier *verifiers[HSMIAM_TRUSTED_MAX];
} bench;

struct hsmiam_verify_pool {
    hsmiam_public_key *const *keys;
    batch *filling; /* the caller's */
    bench own;      /* likewise */

    pthread_t threads[THREADS_MAX];
    size_t thread_count;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    batch *full; /* under the lock, as is all below */
    batch *free;
    size_t batch_count;
    size_t in_work;
    bool ending;
    bool failed; /* no memory */
    uint64_t bad_line;
};

hsmiam_status hsmiam_verify_pool_new(hsmiam_public_key *const *keys, hsmiam_verify_pool **pool_out,
                                     hsmiam_error *error)
{
    hsmiam_verify_pool *pool = calloc(1, sizeof *pool);

    if (pool == NULL || (pool->filling = calloc(1, sizeof *pool->filling)) == NULL) {
        free(pool);
        return hsmiam_error_set_memory(error, "verifying the ledger");
    }
    pool->keys = keys;
    pool->batch_count = 1;
    (void)pthread_mutex_init(&pool->lock, NULL);
    (void)pthread_cond_init(&pool->changed, NULL);
    *pool_out = pool;
    return HSMIAM_OK;
}

static void clear_bench(bench *at)
{
    for (size_t i = 0; i < HSMIAM_TRUSTED_MAX; i++)
        hsmiam_verifier_free(&at->verifiers[i]);
}

static void free_batches(batch *first)
{
    while (first != NULL) {
        batch *next = first->next;
        free(first);
        first = next;
    }
}

void hsmiam_verify_pool_free(hsmiam_verify_pool **pool)
{
    if (pool == NULL || *pool == NULL)
        return;
    (void)pthread_mutex_lock(&(*pool)->lock);
    (*pool)->ending = true;
    (void)pthread_cond_broadcast(&(*pool)->changed);
    (void)pthread_mutex_unlock(&(*pool)->lock);
    for (size_t i = 0; i < (*pool)->thread_count; i++)
        (void)pthread_join((*pool)->threads[i], NULL);
    free_batches((*pool)->full);
    free_batches((*pool)->free);
    free((*pool)->filling);
    clear_bench(&(*pool)->own);
    (void)pthread_cond_destroy(&(*pool)->changed);
    (void)pthread_mutex_destroy(&(*pool)->lock);
    free(*pool);
    *pool = NULL;
}

/* The first line of the batch whose signature is wrong, 0: none. Lines come in their order. */
static uint64_t check(const hsmiam_verify_pool *pool, bench *at, const batch *work,
                      bool *failed_out)
{
    for (size_t i = 0; i < work->count; i++) {
        const item *one = &work->items[i];
        hsmiam_verifier **verifier = &at->verifiers[one->key];
        if (*verifier == NULL)
            *verifier = hsmiam_verifier_new(pool->keys[one->key]);
        if (*verifier == NULL) {
            *failed_out = true;
            return 0;
        }
        if (!hsmiam_verifier_check(*verifier, one->digest, one->signature, one->size))
            return one->line;
    }
    return 0;
}

/* Under the lock. */
static void note(hsmiam_verify_pool *pool, uint64_t bad_line, bool failed)
{
    if (bad_line != 0 && (pool->bad_line == 0 || bad_line < pool->bad_line))
        pool->bad_line = bad_line;
    pool->failed = pool->failed || failed;
}

static void *work(void *context)
{
    hsmiam_verify_pool *pool = context;
    bench at = {{NULL}};

    (void)pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (pool->full == NULL && !pool->ending)
            (void)pthread_cond_wait(&pool->changed, &pool->lock);
        if (pool->full == NULL || pool->ending)
            break;
        batch *mine = pool->full;
        pool->full = mine->next;
        pool->in_work++;
        (void)pthread_mutex_unlock(&pool->lock);
        bool failed = false;
        uint64_t bad_line = check(pool, &at, mine, &failed);
        (void)pthread_mutex_lock(&pool->lock);
        note(pool, bad_line, failed);
        mine->next = pool->free;
        pool->free = mine;
        pool->in_work--;
        (void)pthread_cond_broadcast(&pool->changed);
    }
    (void)pthread_mutex_unlock(&pool->lock);
    clear_bench(&at);
    return NULL;
}

/* The program's signals are for its own threads. Without any, the caller does the work. */
static void start_threads(hsmiam_verify_pool *pool)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    sigset_t all;
    sigset_t before;

    (void)sigfillset(&all);
    if (processors < 2 || pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
        return;
    while (pool->thread_count < THREADS_MAX && (long)pool->thread_count < processors &&
           pthread_create(&pool->threads[pool->thread_count], NULL, work, pool) == 0)
        pool->thread_count++;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Checks the batch that was filled on the caller's thread. */
static void check_here(hsmiam_verify_pool *pool)
{
    bool failed = false;
    uint64_t bad_line = check(pool, &pool->own, pool->filling, &failed);

    (void)pthread_mutex_lock(&pool->lock);
    note(pool, bad_line, failed);
    (void)pthread_mutex_unlock(&pool->lock);
    pool->filling->count = 0;
}

/* Another batch to fill: a free one, a new one, or the next that becomes free. Under the lock. */
static batch *get_free(hsmiam_verify_pool *pool)
{
    batch *got = NULL;

    while (pool->free == NULL) {
        if (pool->batch_count < BATCHES_MAX && (got = calloc(1, sizeof *got)) != NULL) {
            pool->batch_count++;
            return got;
        }
        (void)pthread_cond_wait(&pool->changed, &pool->lock);
    }
    got = pool->free;
    pool->free = got->next;
    got->count = 0;
    return got;
}

static void hand_over(hsmiam_verify_pool *pool)
{
    (void)pthread_mutex_lock(&pool->lock);
    batch **end = &pool->full;
    while (*end != NULL)
        end = &(*end)->next;
    pool->filling->next = NULL;
    *end = pool->filling;
    (void)pthread_cond_broadcast(&pool->changed);
    pool->filling = get_free(pool);
    (void)pthread_mutex_unlock(&pool->lock);
}

static hsmiam_status tell(hsmiam_verify_pool *pool, hsmiam_error *error)
{
    return pool->failed ? hsmiam_error_set_memory(error, "verifying the ledger") : HSMIAM_OK;
}

void hsmiam_verify_pool_add(hsmiam_verify_pool *pool, uint64_t line, size_t key,
                            const uint8_t digest[HSMIAM_DIGEST_SIZE], const char *signature)
{
    if (pool->filling->count == BATCH_SIZE) {
        if (pool->thread_count == 0)
            start_threads(pool);
        if (pool->thread_count == 0)
            check_here(pool);
        else
            hand_over(pool);
    }
    item *one = &pool->filling->items[pool->filling->count++];
    one->line = line;
    one->key = key;
    memcpy(one->digest, digest, sizeof one->digest);
    /* A signature of no bytes is a wrong one. */
    if (!hsmiam_base64_decode(signature, one->signature, sizeof one->signature, &one->size))
        one->size = 0;
}

hsmiam_status hsmiam_verify_pool_finish(hsmiam_verify_pool *pool, uint64_t *bad_line_out,
                                        hsmiam_error *error)
{
    check_here(pool);
    (void)pthread_mutex_lock(&pool->lock);
    while (pool->full != NULL || pool->in_work > 0)
        (void)pthread_cond_wait(&pool->changed, &pool->lock);
    *bad_line_out = pool->bad_line;
    hsmiam_status status = tell(pool, error);
    (void)pthread_mutex_unlock(&pool->lock);
    return status;
}

uint64_t hsmiam_verify_pool_get_bad_line(hsmiam_verify_pool *pool)
{
    (void)pthread_mutex_lock(&pool->lock);
    uint64_t bad_line = pool->bad_line;
    (void)pthread_mutex_unlock(&pool->lock);
    return bad_line;
}
