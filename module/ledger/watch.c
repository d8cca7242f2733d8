/* SPDX-License-Identifier: Apache-2.0 */
/* The open intents of a ledger that goes on growing. hsmiam_ledger_find_open() reads all of it for
 * each user; here each record is read once, however many users are asked for. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ledger/internal.h"

typedef struct open_intent {
    uint64_t sequence;
    char user_name[HSMIAM_USER_NAME_MAX + 1]; /* "": the credential's own user */
} open_intent;

struct hsmiam_ledger_watch {
    hsmiam_ledger *ledger;
    pthread_mutex_t lock; /* before the ledger's */
    hsmiam_file file;
    hsmiam_verifier *verifier; /* NULL where nobody can sign */
    hsmiam_record_storage storage;
    uint64_t read_to;
    open_intent *list;
    size_t count;
    size_t room;
    bool failed; /* there was no memory for one */
};

static void add(hsmiam_ledger_watch *watch, uint64_t sequence, const char *user_name)
{
    for (size_t i = 0; i < watch->count; i++)
        if (watch->list[i].sequence == sequence)
            return;
    if (watch->count == watch->room) {
        size_t room = watch->room > 0 ? 2 * watch->room : 16;
        open_intent *list = realloc(watch->list, room * sizeof *list);
        watch->failed = watch->failed || list == NULL;
        if (list == NULL)
            return;
        watch->list = list;
        watch->room = room;
    }
    open_intent *added = &watch->list[watch->count++];
    *added = (open_intent){.sequence = sequence};
    if (user_name != NULL && strlen(user_name) <= HSMIAM_USER_NAME_MAX)
        memcpy(added->user_name, user_name, strlen(user_name));
}

static void remove_settled(hsmiam_ledger_watch *watch, uint64_t sequence)
{
    for (size_t i = 0; i < watch->count; i++)
        if (watch->list[i].sequence == sequence)
            watch->list[i--] = watch->list[--watch->count];
}

/* An outcome counts if the ledger's own key signed it. One that does not count leaves the intent in
 * the list, which costs time only: whoever is told "perhaps" looks again. */
static hsmiam_status meet(void *context, const hsmiam_line *line, hsmiam_error *error)
{
    hsmiam_ledger_watch *watch = context;
    hsmiam_record record;
    size_t signed_size = 0;
    hsmiam_result result = HSMIAM_RESULT_UNKNOWN;

    if (memmem(line->text, line->size, "\"intent\"", strlen("\"intent\"")) == NULL ||
        !hsmiam_record_read(line->text, line->size, &watch->storage, &record, &signed_size))
        return HSMIAM_OK;
    if (hsmiam_record_is(&record, HSMIAM_EVENT_INTENT)) {
        add(watch, hsmiam_record_get_number(&record, HSMIAM_FIELD_SEQUENCE),
            record.fields[HSMIAM_FIELD_USER_NAME]);
        return watch->failed ? hsmiam_error_set_memory(error, "open intents") : HSMIAM_OK;
    }
    const char *name = record.fields[HSMIAM_FIELD_RESULT];
    if ((hsmiam_record_is(&record, HSMIAM_EVENT_OUTCOME) ||
         hsmiam_record_is(&record, HSMIAM_EVENT_CLOSING)) &&
        name != NULL && hsmiam_result_find(name, strlen(name), &result) &&
        hsmiam_result_is_final(result) &&
        (watch->verifier == NULL ||
         hsmiam_lookup_is_own(watch->ledger, watch->verifier, line, signed_size, &record)))
        remove_settled(watch, hsmiam_record_get_number(&record, HSMIAM_FIELD_INTENT));
    return HSMIAM_OK;
}

static bool take_open(void *context, const hsmiam_open_intent *intent)
{
    hsmiam_ledger_watch *watch = context;

    add(watch, intent->sequence, intent->user_name);
    return !watch->failed;
}

/* Where the next line begins: a line without an end is one that is still to come. */
static hsmiam_status find_end(hsmiam_ledger_watch *watch, hsmiam_error *error)
{
    hsmiam_backward lines = {.window = NULL};
    hsmiam_line line = {.start = 0};
    bool found = false;
    hsmiam_status status = hsmiam_file_get_size(&watch->file, &watch->read_to, error);

    if (status == HSMIAM_OK)
        status = hsmiam_backward_init(&lines, &watch->file, watch->read_to, error);
    if (status == HSMIAM_OK)
        status = hsmiam_backward_next(&lines, &line, &found, error);
    if (status == HSMIAM_OK && found && !line.ended)
        watch->read_to = line.start;
    hsmiam_backward_clear(&lines);
    return status;
}

/* Begins with all that is open now. The place to go on from is taken before, so that nothing is
 * missed; to meet a record twice does no harm. */
static hsmiam_status begin(hsmiam_ledger_watch *watch, hsmiam_error *error)
{
    hsmiam_file_close(&watch->file);
    watch->count = 0;
    watch->failed = false;
    hsmiam_status status = hsmiam_file_open_for_reading(&watch->file, error);
    if (status == HSMIAM_OK)
        status = find_end(watch, error);
    if (status == HSMIAM_OK)
        status = hsmiam_ledger_find_open(watch->ledger, NULL, take_open, watch, error);
    return status == HSMIAM_OK && watch->failed ? hsmiam_error_set_memory(error, "open intents")
                                                : status;
}

hsmiam_status hsmiam_ledger_watch_new(hsmiam_ledger *ledger, hsmiam_ledger_watch **watch_out,
                                      hsmiam_error *error)
{
    hsmiam_ledger_watch *watch = NULL;
    hsmiam_status status = hsmiam_ledger_open(ledger, error);

    if (status != HSMIAM_OK)
        return status;
    watch = calloc(1, sizeof *watch);
    if (watch == NULL)
        return hsmiam_error_set_memory(error, "reading the ledger");
    watch->ledger = ledger;
    watch->file = (hsmiam_file){.functions = ledger->file.functions,
                                .path = ledger->file.path,
                                .fd = -1,
                                .log = &ledger->log};
    (void)pthread_mutex_init(&watch->lock, NULL);
    if (ledger->has_key) {
        watch->verifier = hsmiam_verifier_new(ledger->own);
        if (watch->verifier == NULL)
            status = hsmiam_error_set_memory(error, "verifying the ledger");
    }
    if (status == HSMIAM_OK)
        status = begin(watch, error);
    if (status == HSMIAM_OK) {
        *watch_out = watch;
        watch = NULL;
    }
    hsmiam_ledger_watch_free(&watch);
    return status;
}

void hsmiam_ledger_watch_free(hsmiam_ledger_watch **watch)
{
    if (watch == NULL || *watch == NULL)
        return;
    hsmiam_file_close(&(*watch)->file);
    hsmiam_verifier_free(&(*watch)->verifier);
    (void)pthread_mutex_destroy(&(*watch)->lock);
    free((*watch)->list);
    free(*watch);
    *watch = NULL;
}

hsmiam_status hsmiam_ledger_watch_ask(hsmiam_ledger_watch *watch, const char *user_name,
                                      bool *perhaps_out, hsmiam_error *error)
{
    hsmiam_status status = HSMIAM_OK;

    *perhaps_out = false;
    (void)pthread_mutex_lock(&watch->lock);
    if (watch->file.fd < 0 ||
        !hsmiam_file_is_current(&watch->file, watch->file.path, watch->file.fd))
        status = begin(watch, error);
    if (status == HSMIAM_OK) {
        (void)pthread_mutex_lock(&watch->ledger->lock);
        status = hsmiam_forward_read_on(&watch->file, &watch->read_to, meet, watch, error);
        (void)pthread_mutex_unlock(&watch->ledger->lock);
    }
    for (size_t i = 0; status == HSMIAM_OK && i < watch->count; i++)
        *perhaps_out = *perhaps_out || watch->list[i].user_name[0] == '\0' ||
                       strcasecmp(watch->list[i].user_name, user_name) == 0;
    (void)pthread_mutex_unlock(&watch->lock);
    return status;
}
