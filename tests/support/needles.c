/* SPDX-License-Identifier: Apache-2.0 */
#include "needles.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS (1u << 21) /* some times what all windows of all needles are */

typedef struct window {
    uint64_t key;
    uint32_t needle; /* its number and one; 0: a free slot */
    uint32_t at;
} window;

struct needles {
    needle *list;
    size_t count;
    size_t room;
    size_t windows;
    window *slots;
    uint64_t filter[SLOTS / 64]; /* a bit for each hash: most places of memory end here */
};

static uint64_t read_window(const uint8_t *data)
{
    uint64_t key = 0;

    memcpy(&key, data, sizeof key);
    return key;
}

static uint32_t hash(uint64_t key)
{
    return (uint32_t)((key * 0x9e3779b97f4a7c15u) >> 43) & (SLOTS - 1);
}

needles *needles_new(void)
{
    needles *set = calloc(1, sizeof *set);

    if (!set)
        return NULL;
    set->slots = calloc(SLOTS, sizeof *set->slots);
    if (set->slots)
        return set;
    free(set);
    return NULL;
}

void needles_free(needles *set)
{
    if (!set)
        return;
    free(set->list);
    free(set->slots);
    free(set);
}

static bool add_window(needles *set, size_t number, size_t at)
{
    uint64_t key = read_window(set->list[number].data + at);
    uint32_t slot = hash(key);

    if (set->windows++ > SLOTS / 2)
        return false;
    set->filter[slot / 64] |= (uint64_t)1 << (slot % 64);
    while (set->slots[slot].needle)
        slot = (slot + 1) & (SLOTS - 1);
    set->slots[slot] = (window){key, (uint32_t)number + 1, (uint32_t)at};
    return true;
}

bool needles_add(needles *set, const needle *added)
{
    if (set->count == set->room) {
        size_t room = set->room ? 2 * set->room : 64;
        needle *list = realloc(set->list, room * sizeof *list);

        if (!list)
            return false;
        set->list = list;
        set->room = room;
    }
    set->list[set->count++] = *added;
    for (size_t at = 0; at + NEEDLE_WINDOW <= added->size; at++)
        if (!add_window(set, set->count - 1, at))
            return false;
    return true;
}

/* How far data and needle agree beyond the window. */
static size_t extend(const needle *one, size_t at, const uint8_t *data, size_t size)
{
    size_t run = NEEDLE_WINDOW;

    while (run < size && at + run < one->size && data[run] == one->data[at + run])
        run++;
    return run;
}

/* A run begins here only if it does not begin a byte before. */
static bool is_begun(const needle *one, size_t at, const uint8_t *data, size_t place)
{
    return at > 0 && place > 0 && one->data[at - 1] == data[place - 1];
}

void needles_search(const needles *set, const uint8_t *data, size_t size, finding_fn report,
                    void *context)
{
    for (size_t place = 0; place + NEEDLE_WINDOW <= size; place++) {
        uint64_t key = read_window(data + place);
        uint32_t slot = hash(key);

        if (!(set->filter[slot / 64] >> (slot % 64) & 1))
            continue;
        for (; set->slots[slot].needle; slot = (slot + 1) & (SLOTS - 1)) {
            const window *hit = &set->slots[slot];
            const needle *one = &set->list[hit->needle - 1];

            if (hit->key != key || is_begun(one, hit->at, data, place))
                continue;
            finding found = {one, hit->at, place, extend(one, hit->at, data + place, size - place)};
            if (found.size >= one->shortest)
                report(context, &found);
        }
    }
}
