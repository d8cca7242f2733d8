/* SPDX-License-Identifier: Apache-2.0 */
#include "base/freed.h"

#include "base/secret.h"

#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

/* The allocator serves from what is free before it takes more: whoever holds enough blocks of every
 * size has had every free one. Of the large ones, it joins neighbours, and so a block that was
 * freed may come back in pieces, or within a larger one. */
#define LARGE_SIZE  ((size_t)16 * 1024)
#define LARGE_COUNT 128
#define SMALL_MAX   1024
#define SMALL_STEP  16
#define SMALL_COUNT 16

typedef struct held {
    struct held *next;
} held;

/* Takes, wipes and holds blocks of a size, and what glibc adds to such a one: the head of the block
 * behind it begins a word late. */
static void take(held **list, size_t size, size_t count)
{
    size += sizeof(size_t);
    for (size_t i = 0; i < count; i++) {
        held *block = malloc(size);

        if (block == NULL)
            return;
        hsmiam_wipe(block, size);
        block->next = *list;
        *list = block;
    }
}

static pthread_once_t asked = PTHREAD_ONCE_INIT;
static bool is_of_libc;

/* By one thread: where all memory comes from another malloc(), mallinfo2() is what first makes
 * glibc's ready, and a second thread in it meanwhile would find it half made. */
static void ask(void)
{
    is_of_libc = mallinfo2().arena != 0;
}

void hsmiam_freed_wipe(void)
{
    held *list = NULL;

    /* Not where malloc() keeps all for itself, as the tool's does, which wipes what is freed. */
    if (pthread_once(&asked, ask) != 0 || !is_of_libc)
        return;
    for (size_t size = LARGE_SIZE; size > SMALL_MAX; size /= 2)
        take(&list, size, LARGE_COUNT);
    for (size_t size = SMALL_MAX; size > 0; size -= SMALL_STEP)
        take(&list, size, SMALL_COUNT);
    while (list != NULL) {
        held *next = list->next;

        list->next = NULL;
        free(list);
        list = next;
    }
}
