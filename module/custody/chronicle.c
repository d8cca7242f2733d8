/* SPDX-License-Identifier: Apache-2.0 */
#include "custody/chronicle.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"

#define NOBODY SIZE_MAX

/* An intent whose outcome is still to come. */
typedef struct awaited {
    uint64_t sequence;
    size_t who;
    time_t when;
} awaited;

typedef struct name {
    char text[HSMIAM_NAME_MAX + 1];
} name;

struct hsmiam_chronicle {
    hsmiam_key_history *keys; /* ordered by id, once all is read */
    size_t count;
    size_t room;
    awaited *intents;
    size_t intent_count;
    size_t intent_room;
    name *operators; /* each once */
    size_t operator_count;
    size_t operator_room;
    uint64_t last; /* the last record that was verified */
    char first_key[HSMIAM_FINGERPRINT_SIZE];
    bool failed; /* no memory */
};

/* Room for one more item. */
static void *grow(void *list, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return list;
    size_t more = *room > 0 ? 2 * *room : 16;
    void *grown = realloc(list, more * size);
    if (grown != NULL)
        *room = more;
    return grown;
}

/* The operator's place. Few people write much: whoever wrote last is met first. */
static size_t find_operator(hsmiam_chronicle *chronicle, const hsmiam_record *record)
{
    const char *text = record->fields[HSMIAM_FIELD_OPERATOR];

    for (size_t i = chronicle->operator_count; i > 0; i--)
        if (strcmp(chronicle->operators[i - 1].text, text) == 0)
            return i - 1;
    name *names = grow(chronicle->operators, chronicle->operator_count, &chronicle->operator_room,
                       sizeof *names);
    chronicle->failed |= names == NULL;
    if (names == NULL)
        return NOBODY;
    chronicle->operators = names;
    (void)snprintf(names[chronicle->operator_count].text, sizeof names->text, "%s", text);
    return chronicle->operator_count++;
}

static time_t get_time(const hsmiam_record *record)
{
    time_t when = -1;

    return hsmiam_time_parse_extended(record->fields[HSMIAM_FIELD_TIME], &when) ? when : -1;
}

/* Of what came wrapped the record says that the token took it in, and no more. */
static bool is_proof(const hsmiam_record *record)
{
    const char *route = record->fields[HSMIAM_FIELD_ROUTE];

    return route == NULL || strcmp(route, HSMIAM_ROUTE_WORD_WRAPPED) != 0;
}

/* The key that the record is about, as a rule proven by it, and made as `made` says. */
static void add_key(hsmiam_chronicle *chronicle, const hsmiam_record *record, bool is_import,
                    const awaited *made)
{
    hsmiam_key_history *keys =
        grow(chronicle->keys, chronicle->count, &chronicle->room, sizeof *keys);

    chronicle->failed |= keys == NULL;
    if (keys == NULL)
        return;
    chronicle->keys = keys;
    hsmiam_key_history *key = &keys[chronicle->count];
    *key = (hsmiam_key_history){.who = made->who,
                                .is_import = is_import,
                                .made = made->when,
                                .proven = is_proof(record) ? get_time(record) : -1,
                                .order = chronicle->count};
    (void)snprintf(key->id, sizeof key->id, "%s", record->fields[HSMIAM_FIELD_ACCESS_KEY_ID]);
    chronicle->count++;
}

static void await(hsmiam_chronicle *chronicle, const hsmiam_record *record)
{
    awaited *intents =
        grow(chronicle->intents, chronicle->intent_count, &chronicle->intent_room, sizeof *intents);

    chronicle->failed |= intents == NULL;
    if (intents == NULL)
        return;
    chronicle->intents = intents;
    intents[chronicle->intent_count++] =
        (awaited){.sequence = hsmiam_record_get_number(record, HSMIAM_FIELD_SEQUENCE),
                  .who = find_operator(chronicle, record),
                  .when = get_time(record)};
}

static void take_outcome(hsmiam_chronicle *chronicle, const hsmiam_record *record)
{
    uint64_t intent = hsmiam_record_get_number(record, HSMIAM_FIELD_INTENT);
    const char *result = record->fields[HSMIAM_FIELD_RESULT];
    awaited of = {.who = NOBODY, .when = -1};
    hsmiam_result known = HSMIAM_RESULT_UNKNOWN;

    if (!hsmiam_result_find(result, strlen(result), &known) || !hsmiam_result_is_final(known))
        return;
    for (size_t i = chronicle->intent_count; i > 0; i--) {
        if (chronicle->intents[i - 1].sequence != intent)
            continue;
        of = chronicle->intents[i - 1];
        chronicle->intents[i - 1] = chronicle->intents[--chronicle->intent_count];
        break;
    }
    if (known == HSMIAM_RESULT_HELD && record->fields[HSMIAM_FIELD_ACCESS_KEY_ID] != NULL)
        add_key(chronicle, record, false, &of);
}

static bool take(void *context, const hsmiam_record *record)
{
    hsmiam_chronicle *chronicle = context;

    if (hsmiam_record_get_number(record, HSMIAM_FIELD_SEQUENCE) > chronicle->last)
        return false;
    if (hsmiam_record_is(record, HSMIAM_EVENT_INTENT)) {
        await(chronicle, record);
    } else if (hsmiam_record_is(record, HSMIAM_EVENT_OUTCOME)) {
        take_outcome(chronicle, record);
    } else if (hsmiam_record_is(record, HSMIAM_EVENT_IMPORT)) {
        const awaited now = {.who = find_operator(chronicle, record), .when = get_time(record)};
        add_key(chronicle, record, true, &now);
    }
    return !chronicle->failed;
}

static int compare(const void *left, const void *right)
{
    const hsmiam_key_history *a = left;
    const hsmiam_key_history *b = right;
    int order = strcmp(a->id, b->id);

    return order != 0 ? order : (a->order > b->order) - (a->order < b->order);
}

/* The last record about each key is left. */
static void arrange(hsmiam_chronicle *chronicle)
{
    size_t kept = 0;

    if (chronicle->count > 0)
        qsort(chronicle->keys, chronicle->count, sizeof *chronicle->keys, compare);
    for (size_t i = 0; i < chronicle->count; i++) {
        hsmiam_key_history *key = &chronicle->keys[i];
        if (i + 1 < chronicle->count && strcmp(key->id, key[1].id) == 0)
            continue;
        key->operator_name =
            key->who < chronicle->operator_count ? chronicle->operators[key->who].text : "";
        chronicle->keys[kept++] = *key;
    }
    chronicle->count = kept;
}

static hsmiam_status read_all(hsmiam_chronicle *chronicle, hsmiam_ledger *ledger,
                              const hsmiam_log *log, hsmiam_error *error)
{
    hsmiam_ledger_verdict verdict = {.fault = HSMIAM_FAULT_NONE};
    hsmiam_status status = hsmiam_ledger_verify(ledger, NULL, NULL, &verdict, error);

    if (status == HSMIAM_ERR_IO && hsmiam_error_get_code(error) == ENOENT) {
        hsmiam_error_clear(error);
        return HSMIAM_OK;
    }
    if (status == HSMIAM_ERR_LEDGER) {
        hsmiam_log_write(log, HSMIAM_LOG_NOTICE,
                         "Of what the ledger says about keys nothing is shown, for it does not "
                         "verify: %s",
                         hsmiam_error_get_message(error));
        hsmiam_error_clear(error);
        return HSMIAM_OK;
    }
    if (status != HSMIAM_OK)
        return status;
    chronicle->last = verdict.sequence;
    if (!verdict.pinned)
        memcpy(chronicle->first_key, verdict.trusted_key, sizeof chronicle->first_key);
    status = hsmiam_ledger_read(ledger, NULL, take, chronicle, error);
    if (status == HSMIAM_OK && chronicle->failed)
        status = hsmiam_error_set_memory(error, "what the ledger says of keys");
    arrange(chronicle);
    return status;
}

hsmiam_status hsmiam_chronicle_new(hsmiam_ledger *ledger, const hsmiam_log *log,
                                   hsmiam_chronicle **chronicle_out, hsmiam_error *error)
{
    hsmiam_chronicle *chronicle = calloc(1, sizeof *chronicle);
    hsmiam_status status = HSMIAM_OK;

    if (chronicle == NULL)
        return hsmiam_error_set_memory(error, "what the ledger says of keys");
    if (ledger != NULL)
        status = read_all(chronicle, ledger, log, error);
    if (status == HSMIAM_OK)
        *chronicle_out = chronicle;
    else
        hsmiam_chronicle_free(&chronicle);
    return status;
}

void hsmiam_chronicle_free(hsmiam_chronicle **chronicle)
{
    if (chronicle == NULL || *chronicle == NULL)
        return;
    free((*chronicle)->operators);
    free((*chronicle)->intents);
    free((*chronicle)->keys);
    free(*chronicle);
    *chronicle = NULL;
}

const char *hsmiam_chronicle_get_first_key(const hsmiam_chronicle *chronicle)
{
    return chronicle->first_key;
}

static int compare_id(const void *id, const void *key)
{
    return strcmp(id, ((const hsmiam_key_history *)key)->id);
}

const hsmiam_key_history *hsmiam_chronicle_find(const hsmiam_chronicle *chronicle, const char *id)
{
    return chronicle->count > 0
               ? bsearch(id, chronicle->keys, chronicle->count, sizeof *chronicle->keys, compare_id)
               : NULL;
}
