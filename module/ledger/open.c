/* SPDX-License-Identifier: Apache-2.0 */
/* The intents that no outcome settled yet. The ledger is read from its end, so that an outcome is
 * met before its intent, and what must be remembered stays small. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/time.h"
#include "ledger/internal.h"

/* What later records said of an intent that is still to come. */
typedef struct said {
    uint64_t intent;
    bool has_result; /* the last one that is on record: */
    hsmiam_result result;
    char access_key_id[HSMIAM_ACCESS_KEY_ID_MAX + 1];
    time_t request_time; /* of the last renewal; -1: none */
} said;

typedef struct search {
    hsmiam_ledger *ledger;
    hsmiam_verifier *verifier; /* NULL where nobody can sign */
    const char *user_name;
    const char *credential_id;
    hsmiam_open_intent_fn take;
    void *context;
    said *list;
    size_t count;
    size_t room;
    hsmiam_record_storage storage;
    hsmiam_open_intent intent;
    bool ended;
} search;

static bool contains(const hsmiam_line *line, const char *text)
{
    return memmem(line->text, line->size, text, strlen(text)) != NULL;
}

static const struct {
    hsmiam_event event;
    const char *member; /* as it stands on a line */
} intents[] = {
    {HSMIAM_EVENT_INTENT, "\"event\":\"intent\""},
    {HSMIAM_EVENT_UPDATE, "\"event\":\"update\""},
    {HSMIAM_EVENT_DELETE, "\"event\":\"delete\""},
};

#define INTENTS (sizeof intents / sizeof intents[0])

bool hsmiam_event_is_intent(hsmiam_event event)
{
    for (size_t i = 0; i < INTENTS; i++)
        if (intents[i].event == event)
            return true;
    return false;
}

static bool looks_like_intent(const hsmiam_line *line)
{
    for (size_t i = 0; i < INTENTS; i++)
        if (contains(line, intents[i].member))
            return true;
    return false;
}

static said *find_said(search *run, uint64_t intent)
{
    for (size_t i = 0; i < run->count; i++)
        if (run->list[i].intent == intent)
            return &run->list[i];
    return NULL;
}

static said *find_or_add_said(search *run, uint64_t intent)
{
    said *found = find_said(run, intent);

    if (found != NULL)
        return found;
    if (run->count == run->room) {
        size_t room = run->room > 0 ? 2 * run->room : 16;
        said *list = realloc(run->list, room * sizeof *list);
        if (list == NULL)
            return NULL;
        run->list = list;
        run->room = room;
    }
    run->list[run->count] = (said){.intent = intent, .request_time = -1};
    return &run->list[run->count++];
}

static void copy(char *to, size_t size, const char *text)
{
    (void)snprintf(to, size, "%s", text != NULL ? text : "");
}

static time_t read_time(const char *text)
{
    time_t when = -1;

    return text != NULL && hsmiam_time_parse_extended(text, &when) ? when : -1;
}

/* An outcome or a renewal. */
static hsmiam_status note(search *run, const hsmiam_record *record, hsmiam_error *error)
{
    const char *result = record->fields[HSMIAM_FIELD_RESULT];
    const char *request_time = record->fields[HSMIAM_FIELD_REQUEST_TIME];
    said *about = find_or_add_said(run, hsmiam_record_get_number(record, HSMIAM_FIELD_INTENT));

    if (about == NULL)
        return hsmiam_error_set_memory(error, "reading the ledger");
    if (result != NULL && !about->has_result &&
        hsmiam_result_find(result, strlen(result), &about->result)) {
        about->has_result = true;
        copy(about->access_key_id, sizeof about->access_key_id,
             record->fields[HSMIAM_FIELD_ACCESS_KEY_ID]);
    }
    if (result == NULL && about->request_time < 0)
        about->request_time = read_time(request_time);
    return HSMIAM_OK;
}

static bool is_wanted(const search *run, const hsmiam_record *record)
{
    const char *user = record->fields[HSMIAM_FIELD_USER_NAME];
    const char *credential = record->fields[HSMIAM_FIELD_CREDENTIAL_ID];

    if (run->user_name == NULL)
        return true;
    if (!hsmiam_record_is(record, HSMIAM_EVENT_INTENT))
        return false;
    if (run->user_name[0] == '\0')
        return user == NULL && credential != NULL && strcmp(credential, run->credential_id) == 0;
    return user != NULL && strcasecmp(user, run->user_name) == 0;
}

static void fill(hsmiam_open_intent *intent, const hsmiam_record *record, const said *about)
{
    const char *const *fields = record->fields;

    *intent = (hsmiam_open_intent){
        .event = hsmiam_event_find(fields[HSMIAM_FIELD_EVENT]),
        .sequence = hsmiam_record_get_number(record, HSMIAM_FIELD_SEQUENCE),
        .before_known = fields[HSMIAM_FIELD_KEYS_BEFORE] != NULL,
        .iam_time = read_time(fields[HSMIAM_FIELD_IAM_TIME]),
        .request_time = read_time(fields[HSMIAM_FIELD_REQUEST_TIME]),
        .result = HSMIAM_RESULT_UNKNOWN,
    };
    copy(intent->account, sizeof intent->account, fields[HSMIAM_FIELD_ACCOUNT]);
    copy(intent->partition, sizeof intent->partition, fields[HSMIAM_FIELD_PARTITION]);
    copy(intent->endpoint, sizeof intent->endpoint, fields[HSMIAM_FIELD_ENDPOINT]);
    copy(intent->token_serial, sizeof intent->token_serial, fields[HSMIAM_FIELD_TOKEN_SERIAL]);
    copy(intent->credential_id, sizeof intent->credential_id, fields[HSMIAM_FIELD_CREDENTIAL_ID]);
    copy(intent->user_name, sizeof intent->user_name, fields[HSMIAM_FIELD_USER_NAME]);
    copy(intent->route, sizeof intent->route, fields[HSMIAM_FIELD_ROUTE]);
    copy(intent->wrapping_key, sizeof intent->wrapping_key, fields[HSMIAM_FIELD_WRAPPING_KEY]);
    copy(intent->keys_before, sizeof intent->keys_before, fields[HSMIAM_FIELD_KEYS_BEFORE]);
    copy(intent->access_key_id, sizeof intent->access_key_id, fields[HSMIAM_FIELD_ACCESS_KEY_ID]);
    copy(intent->status, sizeof intent->status, fields[HSMIAM_FIELD_STATUS]);
    if (about == NULL)
        return;
    if (about->has_result)
        intent->result = about->result;
    if (about->access_key_id[0] != '\0')
        copy(intent->access_key_id, sizeof intent->access_key_id, about->access_key_id);
    if (about->request_time >= 0)
        intent->request_time = about->request_time;
}

static void meet_intent(search *run, const hsmiam_line *line, const hsmiam_record *record,
                        size_t signed_size)
{
    uint64_t sequence = hsmiam_record_get_number(record, HSMIAM_FIELD_SEQUENCE);
    said *about = find_said(run, sequence);

    if (is_wanted(run, record) &&
        !(about != NULL && about->has_result && hsmiam_result_is_final(about->result))) {
        fill(&run->intent, record, about);
        run->intent.is_trusted =
            run->verifier == NULL ||
            hsmiam_lookup_is_own(run->ledger, run->verifier, line, signed_size, record);
        run->ended = !run->take(run->context, &run->intent);
    }
    if (about != NULL)
        *about = run->list[--run->count];
}

static hsmiam_status meet(search *run, const hsmiam_line *line, hsmiam_error *error)
{
    hsmiam_record record;
    size_t signed_size = 0;

    if (line->text == NULL || !(contains(line, "\"intent\":") || looks_like_intent(line)) ||
        !hsmiam_record_read(line->text, line->size, &run->storage, &record, &signed_size))
        return HSMIAM_OK;
    if (hsmiam_event_is_intent(hsmiam_event_find(record.fields[HSMIAM_FIELD_EVENT]))) {
        meet_intent(run, line, &record, signed_size);
        return HSMIAM_OK;
    }
    return hsmiam_record_is(&record, HSMIAM_EVENT_OUTCOME) ||
                   hsmiam_record_is(&record, HSMIAM_EVENT_RENEWAL)
               ? note(run, &record, error)
               : HSMIAM_OK;
}

/* Reads the ledger's lines from its end until `meet_line` has had enough. */
static hsmiam_status read_backward(search *run, hsmiam_error *error)
{
    hsmiam_ledger *ledger = run->ledger;
    hsmiam_backward backward = {.window = NULL};
    hsmiam_line line;
    uint64_t size = 0;
    bool more = true;

    hsmiam_status status = hsmiam_file_get_size(&ledger->file, &size, error);
    if (status == HSMIAM_OK)
        status = hsmiam_backward_init(&backward, &ledger->file, size, error);
    while (status == HSMIAM_OK && !run->ended) {
        status = hsmiam_backward_next(&backward, &line, &more, error);
        if (status != HSMIAM_OK || !more)
            break;
        status = meet(run, &line, error);
    }
    hsmiam_backward_clear(&backward);
    return status;
}

hsmiam_status hsmiam_ledger_find_open(hsmiam_ledger *ledger, const char *user_name,
                                      const char *credential_id, hsmiam_open_intent_fn take,
                                      void *context, hsmiam_error *error)
{
    hsmiam_status status = hsmiam_ledger_open(ledger, error);
    search *run = NULL;

    if (status != HSMIAM_OK)
        return status;
    run = calloc(1, sizeof *run);
    if (run == NULL)
        return hsmiam_error_set_memory(error, "reading the ledger");
    *run = (search){.ledger = ledger,
                    .user_name = user_name,
                    .credential_id = credential_id,
                    .take = take,
                    .context = context};
    (void)pthread_mutex_lock(&ledger->lock);
    if (ledger->has_key) {
        run->verifier = hsmiam_verifier_new(ledger->own);
        if (run->verifier == NULL)
            status = hsmiam_error_set_memory(error, "verifying the ledger");
    }
    if (status == HSMIAM_OK)
        status = read_backward(run, error);
    (void)pthread_mutex_unlock(&ledger->lock);
    hsmiam_verifier_free(&run->verifier);
    free(run->list);
    free(run);
    return status;
}

hsmiam_status hsmiam_ledger_knows_key(hsmiam_ledger *ledger, const char *access_key_id,
                                      bool *known_out, hsmiam_error *error)
{
    hsmiam_backward backward = {.window = NULL};
    char as_key[HSMIAM_ACCESS_KEY_ID_MAX + 32];
    char as_credential[sizeof as_key];
    hsmiam_record_storage *storage = malloc(sizeof *storage);
    hsmiam_record record;
    hsmiam_line line;
    uint64_t size = 0;
    size_t signed_size = 0;
    bool more = true;

    *known_out = false;
    if (storage == NULL)
        return hsmiam_error_set_memory(error, "reading the ledger");
    (void)snprintf(as_key, sizeof as_key, "\"access_key_id\":\"%s\"", access_key_id);
    (void)snprintf(as_credential, sizeof as_credential, "\"credential_id\":\"%s\"", access_key_id);
    hsmiam_status status = hsmiam_ledger_open(ledger, error);
    if (status != HSMIAM_OK)
        goto out;
    (void)pthread_mutex_lock(&ledger->lock);
    status = hsmiam_file_get_size(&ledger->file, &size, error);
    if (status == HSMIAM_OK)
        status = hsmiam_backward_init(&backward, &ledger->file, size, error);
    while (status == HSMIAM_OK && !*known_out) {
        status = hsmiam_backward_next(&backward, &line, &more, error);
        if (status != HSMIAM_OK || !more)
            break;
        /* What was torn off in the middle explains nothing: nobody wrote its end. */
        *known_out = line.text != NULL &&
                     (contains(&line, as_key) || contains(&line, as_credential)) &&
                     hsmiam_record_read(line.text, line.size, storage, &record, &signed_size);
    }
    hsmiam_backward_clear(&backward);
    (void)pthread_mutex_unlock(&ledger->lock);
out:
    free(storage);
    return status;
}
