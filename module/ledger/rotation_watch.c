/* SPDX-License-Identifier: Apache-2.0 */
/* Where the rotations of users stand in a ledger that goes on growing.
 * hsmiam_ledger_find_rotation() reads it from the end, and all of it for a user who has none; here
 * each record is read once, however many users are asked for. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/internal.h"
#include "ledger/rotation.h"

/* Of a user: where the last record ends that a search for the rotation must meet. Two users of one
 * hash share a place, which then is late enough for both. */
typedef struct user_place {
    uint64_t hash; /* 0: there is none */
    uint64_t end;
} user_place;

struct hsmiam_rotation_watch {
    hsmiam_ledger *ledger;
    pthread_mutex_t lock; /* before the ledger's */
    hsmiam_file file;
    hsmiam_record_storage storage;
    uint64_t read_to;
    user_place *table;
    size_t room; /* a power of two */
    size_t count;
};

static uint64_t hash_name(const char *name)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */

    for (; *name != '\0'; name++)
        hash = (hash ^ (uint64_t)tolower((unsigned char)*name)) * 1099511628211u;
    hash ^= hash >> 29;
    return hash != 0 ? hash : 1;
}

/* The user's place, or a free one. */
static user_place *find_place(user_place *table, size_t room, uint64_t hash)
{
    size_t at = hash & (room - 1);

    while (table[at].hash != 0 && table[at].hash != hash)
        at = (at + 1) & (room - 1);
    return &table[at];
}

static bool make_room(hsmiam_rotation_watch *watch)
{
    size_t room = watch->room > 0 ? 2 * watch->room : 64;

    if (watch->room > 0 && watch->count < watch->room / 2)
        return true;
    user_place *table = calloc(room, sizeof *table);
    if (table == NULL)
        return false;
    for (size_t i = 0; i < watch->room; i++)
        if (watch->table[i].hash != 0)
            *find_place(table, room, watch->table[i].hash) = watch->table[i];
    free(watch->table);
    watch->table = table;
    watch->room = room;
    return true;
}

static bool contains(const hsmiam_line *line, const char *text)
{
    return memmem(line->text, line->size, text, strlen(text)) != NULL;
}

/* Nothing is verified here: a record that nobody signed lets a search begin later, and read more.
 */
static hsmiam_status meet(void *context, const hsmiam_line *line, hsmiam_error *error)
{
    hsmiam_rotation_watch *watch = context;
    hsmiam_record record;
    size_t signed_size = 0;

    if (line->text == NULL ||
        (!contains(line, "\"event\":\"rotation") && !contains(line, "\"result\":\"held\"")) ||
        !hsmiam_record_read(line->text, line->size, &watch->storage, &record, &signed_size) ||
        record.fields[HSMIAM_FIELD_USER_NAME] == NULL)
        return HSMIAM_OK;
    if (!make_room(watch))
        return hsmiam_error_set_memory(error, "rotations");
    uint64_t hash = hash_name(record.fields[HSMIAM_FIELD_USER_NAME]);
    user_place *place = find_place(watch->table, watch->room, hash);
    watch->count += place->hash == 0;
    *place = (user_place){.hash = hash, .end = line->start + line->size + 1};
    return HSMIAM_OK;
}

/* From the beginning, once another file has the ledger's name, or none was read yet. */
static hsmiam_status open_file(hsmiam_rotation_watch *watch, hsmiam_error *error)
{
    if (watch->file.fd >= 0 &&
        hsmiam_file_is_current(&watch->file, watch->file.path, watch->file.fd))
        return HSMIAM_OK;
    hsmiam_file_close(&watch->file);
    free(watch->table);
    watch->table = NULL;
    watch->room = 0;
    watch->count = 0;
    watch->read_to = 0;
    return hsmiam_file_open_for_reading(&watch->file, error);
}

hsmiam_status hsmiam_rotation_watch_new(hsmiam_ledger *ledger, hsmiam_rotation_watch **watch_out,
                                        hsmiam_error *error)
{
    hsmiam_status status = hsmiam_ledger_open(ledger, error);

    if (status != HSMIAM_OK)
        return status;
    hsmiam_rotation_watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL)
        return hsmiam_error_set_memory(error, "reading the ledger");
    watch->ledger = ledger;
    watch->file = (hsmiam_file){.functions = ledger->file.functions,
                                .path = ledger->file.path,
                                .fd = -1,
                                .log = &ledger->log};
    (void)pthread_mutex_init(&watch->lock, NULL);
    *watch_out = watch;
    return HSMIAM_OK;
}

void hsmiam_rotation_watch_free(hsmiam_rotation_watch **watch)
{
    if (watch == NULL || *watch == NULL)
        return;
    hsmiam_file_close(&(*watch)->file);
    (void)pthread_mutex_destroy(&(*watch)->lock);
    free((*watch)->table);
    free(*watch);
    *watch = NULL;
}

hsmiam_status hsmiam_rotation_watch_find(hsmiam_rotation_watch *watch, const char *account,
                                         const char *user_name, hsmiam_rotation_record *to,
                                         bool *found_out, hsmiam_error *error)
{
    uint64_t end = 0;

    *found_out = false;
    (void)pthread_mutex_lock(&watch->lock);
    hsmiam_status status = open_file(watch, error);
    if (status == HSMIAM_OK) {
        (void)pthread_mutex_lock(&watch->ledger->lock);
        status = hsmiam_forward_read_on(&watch->file, &watch->read_to, meet, watch, error);
        (void)pthread_mutex_unlock(&watch->ledger->lock);
    }
    if (status == HSMIAM_OK && watch->room > 0)
        end = find_place(watch->table, watch->room, hash_name(user_name))->end;
    (void)pthread_mutex_unlock(&watch->lock);
    if (status != HSMIAM_OK || end == 0)
        return status;
    return hsmiam_ledger_find_rotation_before(watch->ledger, end, account, user_name, to, found_out,
                                              error);
}
