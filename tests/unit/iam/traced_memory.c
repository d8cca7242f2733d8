/* SPDX-License-Identifier: Apache-2.0 */
#include "traced_memory.h"

#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS_MAX 8192
#define RUN        8

/* The size stands in front of a block: what lies behind its end is not ours to look at. */
typedef struct test_block {
    _Alignas(max_align_t) size_t size;
    size_t index;
} test_block;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static test_block *blocks[BLOCKS_MAX];
static const char *watched = "";
static size_t found;
static size_t next; /* where to look for a free place */
static long allocations_left = -1;

static bool holds_secret(const test_block *block)
{
    size_t size = strlen(watched);

    for (size_t i = 0; i + RUN <= size; i++) {
        if (memmem(block + 1, block->size, watched + i, RUN) != NULL)
            return true;
    }
    return false;
}

void traced_memory_watch(const char *secret)
{
    (void)pthread_mutex_lock(&lock);
    watched = secret;
    found = 0;
    (void)pthread_mutex_unlock(&lock);
}

size_t traced_memory_count(void)
{
    (void)pthread_mutex_lock(&lock);
    size_t count = found;
    for (size_t i = 0; i < BLOCKS_MAX; i++) {
        if (blocks[i] != NULL && holds_secret(blocks[i]))
            count++;
    }
    (void)pthread_mutex_unlock(&lock);
    return count;
}

void traced_memory_fail_after(long count)
{
    (void)pthread_mutex_lock(&lock);
    allocations_left = count;
    (void)pthread_mutex_unlock(&lock);
}

void *traced_malloc(size_t size)
{
    void *memory = NULL;

    (void)pthread_mutex_lock(&lock);
    test_block *block = NULL;
    if (allocations_left != 0)
        block = calloc(1, sizeof *block + size);
    if (allocations_left > 0)
        allocations_left--;
    if (block != NULL) {
        while (blocks[next % BLOCKS_MAX] != NULL)
            next++;
        block->size = size;
        block->index = next % BLOCKS_MAX;
        blocks[block->index] = block;
        memory = block + 1;
    }
    (void)pthread_mutex_unlock(&lock);
    return memory;
}

void traced_free(void *memory)
{
    if (memory == NULL)
        return;
    (void)pthread_mutex_lock(&lock);
    test_block *block = (test_block *)memory - 1;
    if (holds_secret(block))
        found++;
    blocks[block->index] = NULL;
    free(block);
    (void)pthread_mutex_unlock(&lock);
}

void *traced_calloc(size_t count, size_t size)
{
    return traced_malloc(count * size);
}

void *traced_realloc(void *memory, size_t size)
{
    void *moved = traced_malloc(size);

    if (moved == NULL || memory == NULL)
        return moved;
    size_t old = ((test_block *)memory - 1)->size;
    memcpy(moved, memory, old < size ? old : size);
    traced_free(memory);
    return moved;
}

char *traced_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = traced_malloc(size);

    return copy != NULL ? memcpy(copy, text, size) : NULL;
}
