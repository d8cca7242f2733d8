/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An allocator within one piece of secret memory, for a library that lets its caller supply the
 * memory: whatever it copies, moves and forgets stays in there, and is wiped as one.
 */
#ifndef HSMIAM_BASE_ARENA_H
#define HSMIAM_BASE_ARENA_H

#include "base/error.h"

typedef struct hsmiam_arena hsmiam_arena;

/* Makes an arena of `limit` bytes in all, headers of blocks included; at most 1 MiB. Statuses:
 * MEMORY. */
hsmiam_status hsmiam_arena_new(size_t limit, hsmiam_arena **arena_out,
                               hsmiam_error *error) HSMIAM_MUST_USE;

/* Wipes and frees the arena with all blocks in it. */
void hsmiam_arena_free(hsmiam_arena **arena);

/* As malloc(), realloc() and free(): NULL if the arena is full. A block that is given back is
 * wiped; its room is used again only if it was the last one, for an arena does not live long. */
void *hsmiam_arena_allocate(hsmiam_arena *arena, size_t size);
void *hsmiam_arena_reallocate(hsmiam_arena *arena, void *block, size_t size);
void hsmiam_arena_release(hsmiam_arena *arena, void *block);

#endif
