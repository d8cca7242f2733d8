/* SPDX-License-Identifier: Apache-2.0 */
/* A run of NEEDLE_WINDOW bytes has, at one of every STEP places, KEY bytes that the needle has too:
 * only there is looked, and most places end at a bit of the filter. */
#include "needles.h"

#include <stdlib.h>
#include <string.h>

#define KEY  4
#define STEP (NEEDLE_WINDOW - KEY + 1)

#define FILTER_BITS 23
#define CHAIN_BITS  18

/* KEY bytes of a needle. */
typedef struct piece {
    uint32_t key;
    uint32_t needle;
    uint32_t at;
    uint32_t next; /* of the same chain: its number and one; 0: none */
} piece;

struct needles {
    needle *list;
    size_t count;
    size_t room;
    piece *pieces;
    size_t piece_count;
    size_t piece_room;
    uint32_t chains[1u << CHAIN_BITS];
    uint64_t filter[(1u << FILTER_BITS) / 64];
};

static uint32_t read_key(const uint8_t *data)
{
    uint32_t key = 0;

    memcpy(&key, data, sizeof key);
    return key;
}

static uint32_t hash(uint32_t key)
{
    return (key * 0x9e3779b1u) >> (32 - FILTER_BITS);
}

needles *needles_new(void)
{
    return calloc(1, sizeof(needles));
}

void needles_free(needles *set)
{
    if (!set)
        return;
    free(set->list);
    free(set->pieces);
    free(set);
}

/* Room for one more; false if there is no memory. */
static bool grow(void **list, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return true;
    size_t wanted = *room ? 2 * *room : 1024;
    void *grown = realloc(*list, wanted * size);

    if (!grown)
        return false;
    *list = grown;
    *room = wanted;
    return true;
}

static bool add_piece(needles *set, size_t number, size_t at)
{
    void *pieces = set->pieces;
    uint32_t key = read_key(set->list[number].data + at);
    uint32_t slot = hash(key);
    uint32_t *chain = &set->chains[slot >> (FILTER_BITS - CHAIN_BITS)];

    if (!grow(&pieces, set->piece_count, &set->piece_room, sizeof *set->pieces))
        return false;
    set->pieces = pieces;
    set->filter[slot / 64] |= (uint64_t)1 << (slot % 64);
    set->pieces[set->piece_count++] = (piece){key, (uint32_t)number, (uint32_t)at, *chain};
    *chain = (uint32_t)set->piece_count;
    return true;
}

bool needles_add(needles *set, const needle *added)
{
    void *list = set->list;

    if (!grow(&list, set->count, &set->room, sizeof *set->list))
        return false;
    set->list = list;
    set->list[set->count++] = *added;
    for (size_t at = 0; at + KEY <= added->size; at++)
        if (!add_piece(set, set->count - 1, at))
            return false;
    return true;
}

/* Looks how far data and needle agree around a place at which they do, and reports it if no place
 * that was looked at before is within. */
static void extend(const needle *one, size_t at, const uint8_t *data, size_t size, size_t place,
                   finding_fn report, void *context)
{
    size_t before = 0;
    size_t after = KEY;

    while (before < at && before < place && one->data[at - before - 1] == data[place - before - 1])
        before++;
    if (before >= STEP)
        return;
    while (at + after < one->size && place + after < size &&
           one->data[at + after] == data[place + after])
        after++;
    finding found = {one, at - before, place - before, before + after};
    if (found.size >= one->shortest)
        report(context, &found);
}

void needles_search(const needles *set, const uint8_t *data, size_t size, finding_fn report,
                    void *context)
{
    for (size_t place = 0; place + KEY <= size; place += STEP) {
        uint32_t key = read_key(data + place);
        uint32_t slot = hash(key);

        if (!(set->filter[slot / 64] >> (slot % 64) & 1))
            continue;
        for (uint32_t next = set->chains[slot >> (FILTER_BITS - CHAIN_BITS)]; next;
             next = set->pieces[next - 1].next) {
            const piece *hit = &set->pieces[next - 1];

            if (hit->key == key)
                extend(&set->list[hit->needle], hit->at, data, size, place, report, context);
        }
    }
}
