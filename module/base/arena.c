/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include "base/secret.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Stands before each block. */
typedef struct block_header {
    alignas(max_align_t) size_t size; /* of the block, rounded up */
} block_header;

struct hsmiam_arena {
    hsmiam_secret *memory;
};

hsmiam_status hsmiam_arena_new(size_t limit, hsmiam_arena **arena_out, hsmiam_error *error)
{
    hsmiam_arena *arena = calloc(1, sizeof *arena);

    if (arena == NULL)
        return hsmiam_error_set_memory(error, "an arena");
    hsmiam_status status = hsmiam_secret_new(limit, &arena->memory, error);
    if (status == HSMIAM_OK) {
        *arena_out = arena;
        arena = NULL;
    }
    hsmiam_arena_free(&arena);
    return status;
}

void hsmiam_arena_free(hsmiam_arena **arena)
{
    if (arena == NULL || *arena == NULL)
        return;
    hsmiam_secret_free(&(*arena)->memory);
    free(*arena);
    *arena = NULL;
}

static block_header *get_header(void *block)
{
    return (block_header *)block - 1;
}

static bool is_last(const hsmiam_arena *arena, const void *block, size_t size)
{
    const uint8_t *end =
        hsmiam_secret_get_data(arena->memory) + hsmiam_secret_get_size(arena->memory);

    return (const uint8_t *)block + size == end;
}

static size_t round_up(size_t size)
{
    return (size + sizeof(block_header) - 1) / sizeof(block_header) * sizeof(block_header);
}

void *hsmiam_arena_allocate(hsmiam_arena *arena, size_t size)
{
    size_t room;
    uint8_t *free_bytes = hsmiam_secret_get_room(arena->memory, &room);

    if (size > room || round_up(size) + sizeof(block_header) > room)
        return NULL;
    block_header *header = (block_header *)(void *)free_bytes;
    header->size = round_up(size);
    hsmiam_secret_grow(arena->memory, sizeof *header + header->size);
    return header + 1;
}

void *hsmiam_arena_reallocate(hsmiam_arena *arena, void *block, size_t size)
{
    if (block == NULL)
        return hsmiam_arena_allocate(arena, size);
    size_t held = get_header(block)->size;
    if (size <= held)
        return block;

    void *moved = hsmiam_arena_allocate(arena, size);
    if (moved == NULL)
        return NULL;
    memcpy(moved, block, held);
    hsmiam_arena_release(arena, block);
    return moved;
}

void hsmiam_arena_release(hsmiam_arena *arena, void *block)
{
    if (block == NULL)
        return;
    size_t size = get_header(block)->size;
    if (is_last(arena, block, size))
        hsmiam_secret_truncate(arena->memory,
                               hsmiam_secret_get_size(arena->memory) - size - sizeof(block_header));
    else
        hsmiam_wipe(block, size);
}
