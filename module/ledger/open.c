/* SPDX-License-Identifier: Apache-2.0 */
/* The intents that no outcome settled yet. The ledger is read from its end, so that an outcome is
 * met before its intent, and what must be remembered stays small. What nobody's key signed settles
 * no intent that one did sign: whoever can write the file can write that. An intent says up to
 * which record all were settled when it was written, and so how far one must read. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/time.h"
#include "ledger/internal.h"

/* An outcome, as far as it matters. */
typedef struct said_result {
    bool is_there;
    hsmiam_result result;
    char access_key_id[HSMIAM_ACCESS_KEY_ID_MAX + 1]; /* as the last one that has any tells */
} said_result;

/* What later records said of an intent that is still to come. */
typedef struct said {
    uint64_t intent;
    said_result believed; /* the last one that is */
    said_result hint;     /* the last one behind that which is not */
    hsmiam_ids candidates;
    time_t request_time; /* of the last renewal; -1: none */
} said;

typedef struct search {
    const char *user_name;
    hsmiam_open_intent_fn take;
    void *context;
    hsmiam_history *history;
    said *list;
    size_t count;
    size_t room;
    hsmiam_open_intent intent;
    uint64_t last;   /* the number of the ledger's last record, */
    uint64_t floor;  /* of one up to which all intents are settled, */
    uint64_t oldest; /* of the first open intent; 0: there is none so far */
    bool ended;
} search;

bool hsmiam_event_is_intent(hsmiam_event event)
{
    return event < HSMIAM_EVENT_COUNT && hsmiam_event_forms[event].is_intent;
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

static void note_result(said_result *to, const hsmiam_record *record)
{
    const char *result = record->fields[HSMIAM_FIELD_RESULT];

    if (!to->is_there)
        to->is_there = hsmiam_result_find(result, strlen(result), &to->result);
    if (to->access_key_id[0] == '\0')
        copy(to->access_key_id, sizeof to->access_key_id,
             record->fields[HSMIAM_FIELD_ACCESS_KEY_ID]);
}

/* An outcome, a closing or a renewal. A candidate counts whoever wrote it: it saves keys only. */
static hsmiam_status note(search *run, hsmiam_error *error)
{
    const hsmiam_record *record = &run->history->record;
    bool is_believed = hsmiam_history_is_believed(run->history);
    said *about = find_or_add_said(run, hsmiam_record_get_number(record, HSMIAM_FIELD_INTENT));

    if (about == NULL)
        return hsmiam_error_set_memory(error, "reading the ledger");
    if (record->fields[HSMIAM_FIELD_CANDIDATES] != NULL)
        hsmiam_ids_add_all(about->candidates, record->fields[HSMIAM_FIELD_CANDIDATES]);
    if (record->fields[HSMIAM_FIELD_RESULT] != NULL) {
        if (is_believed)
            note_result(&about->believed, record);
        else if (!about->believed.is_there)
            note_result(&about->hint, record);
    } else if (is_believed && about->request_time < 0) {
        about->request_time = read_time(record->fields[HSMIAM_FIELD_REQUEST_TIME]);
    }
    return HSMIAM_OK;
}

static bool settles(const said_result *what)
{
    return what->is_there && hsmiam_result_is_final(what->result);
}

static bool is_wanted(const search *run, const hsmiam_record *record)
{
    const char *user = record->fields[HSMIAM_FIELD_USER_NAME];

    if (run->user_name == NULL)
        return true;
    if (!hsmiam_record_is(record, HSMIAM_EVENT_INTENT))
        return false;
    /* Whose the credential is, is not known: it may be anyone's. */
    return run->user_name[0] == '\0' || user == NULL || strcasecmp(user, run->user_name) == 0;
}

static void fill(hsmiam_open_intent *intent, const hsmiam_record *record, const said *about,
                 bool is_trusted)
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
    copy(intent->replica_serials, sizeof intent->replica_serials,
         fields[HSMIAM_FIELD_REPLICA_SERIALS]);
    copy(intent->credential_id, sizeof intent->credential_id, fields[HSMIAM_FIELD_CREDENTIAL_ID]);
    copy(intent->user_name, sizeof intent->user_name, fields[HSMIAM_FIELD_USER_NAME]);
    copy(intent->route, sizeof intent->route, fields[HSMIAM_FIELD_ROUTE]);
    copy(intent->wrapping_key, sizeof intent->wrapping_key, fields[HSMIAM_FIELD_WRAPPING_KEY]);
    copy(intent->keys_before, sizeof intent->keys_before, fields[HSMIAM_FIELD_KEYS_BEFORE]);
    copy(intent->access_key_id, sizeof intent->access_key_id, fields[HSMIAM_FIELD_ACCESS_KEY_ID]);
    copy(intent->status, sizeof intent->status, fields[HSMIAM_FIELD_STATUS]);
    intent->is_trusted = is_trusted;
    intent->id_is_trusted = is_trusted;
    if (about == NULL)
        return;
    const said_result *last = about->hint.is_there ? &about->hint : &about->believed;
    if (last->is_there)
        intent->result = last->result;
    intent->result_is_trusted = last == &about->believed;
    if (about->believed.access_key_id[0] != '\0') {
        copy(intent->access_key_id, sizeof intent->access_key_id, about->believed.access_key_id);
        intent->id_is_trusted = true;
    } else if (intent->access_key_id[0] == '\0') {
        copy(intent->access_key_id, sizeof intent->access_key_id, about->hint.access_key_id);
        intent->id_is_trusted = false;
    }
    copy(intent->candidates, sizeof intent->candidates, about->candidates);
    if (about->request_time >= 0)
        intent->request_time = about->request_time;
}

static void meet_intent(search *run)
{
    const hsmiam_record *record = &run->history->record;
    bool is_trusted = hsmiam_history_is_believed(run->history);
    said *about = find_said(run, hsmiam_record_get_number(record, HSMIAM_FIELD_SEQUENCE));
    bool is_settled =
        about != NULL && (settles(&about->believed) || (!is_trusted && settles(&about->hint)));

    if (!is_settled)
        run->oldest = hsmiam_record_get_number(record, HSMIAM_FIELD_SEQUENCE);
    if (!is_settled && is_wanted(run, record)) {
        fill(&run->intent, record, about, is_trusted);
        run->ended = !run->take(run->context, &run->intent);
    }
    if (about != NULL)
        *about = run->list[--run->count];
    if (is_trusted && hsmiam_record_get_number(record, HSMIAM_FIELD_SETTLED) > run->floor)
        run->floor = hsmiam_record_get_number(record, HSMIAM_FIELD_SETTLED);
}

/* Reads the ledger's records from its end until `take` has had enough. */
static hsmiam_status read_backward(search *run, hsmiam_error *error)
{
    hsmiam_status status = HSMIAM_OK;
    bool more = true;

    while (status == HSMIAM_OK && !run->ended) {
        status = hsmiam_history_next(run->history, &more, error);
        if (status != HSMIAM_OK || !more)
            break;
        uint64_t sequence = hsmiam_record_get_number(&run->history->record, HSMIAM_FIELD_SEQUENCE);
        if (run->last == 0)
            run->last = sequence;
        if (sequence <= run->floor)
            break;
        if (hsmiam_event_is_intent(
                hsmiam_event_find(run->history->record.fields[HSMIAM_FIELD_EVENT])))
            meet_intent(run);
        else if (hsmiam_record_is(&run->history->record, HSMIAM_EVENT_OUTCOME) ||
                 hsmiam_record_is(&run->history->record, HSMIAM_EVENT_CLOSING) ||
                 hsmiam_record_is(&run->history->record, HSMIAM_EVENT_RENEWAL))
            status = note(run, error);
    }
    return status;
}

hsmiam_status hsmiam_ledger_find_open(hsmiam_ledger *ledger, const char *user_name,
                                      hsmiam_open_intent_fn take, void *context,
                                      hsmiam_error *error)
{
    hsmiam_status status = hsmiam_ledger_open(ledger, error);
    search *run = NULL;
    uint64_t size = 0;

    if (status != HSMIAM_OK)
        return status;
    run = calloc(1, sizeof *run);
    if (run == NULL)
        return hsmiam_error_set_memory(error, "reading the ledger");
    *run = (search){.user_name = user_name, .take = take, .context = context};
    (void)pthread_mutex_lock(&ledger->lock);
    status = hsmiam_file_get_size(&ledger->file, &size, error);
    if (status == HSMIAM_OK)
        status = hsmiam_history_new(ledger, size, &run->history, error);
    if (status == HSMIAM_OK)
        status = read_backward(run, error);
    if (status == HSMIAM_OK && !run->ended)
        ledger->settled = run->oldest != 0 ? run->oldest - 1 : run->last;
    (void)pthread_mutex_unlock(&ledger->lock);
    hsmiam_history_free(&run->history);
    free(run->list);
    free(run);
    return status;
}

/* Whether a record explains a key: it is about it, or was signed for by it. */
static bool explains(const hsmiam_record *record, const char *access_key_id)
{
    const char *about = record->fields[HSMIAM_FIELD_ACCESS_KEY_ID];
    const char *credential = record->fields[HSMIAM_FIELD_CREDENTIAL_ID];

    return (about != NULL && strcmp(about, access_key_id) == 0) ||
           (credential != NULL && strcmp(credential, access_key_id) == 0);
}

static bool is_about(const hsmiam_record *record, uint64_t intent)
{
    return hsmiam_record_get_number(record, HSMIAM_FIELD_SEQUENCE) == intent ||
           hsmiam_record_get_number(record, HSMIAM_FIELD_INTENT) == intent;
}

hsmiam_status hsmiam_ledger_knows_key(hsmiam_ledger *ledger, const char *access_key_id,
                                      uint64_t except, bool *known_out, hsmiam_error *error)
{
    hsmiam_history *history = NULL;
    uint64_t size = 0;
    bool more = true;

    *known_out = false;
    hsmiam_status status = hsmiam_ledger_open(ledger, error);
    if (status != HSMIAM_OK)
        return status;
    (void)pthread_mutex_lock(&ledger->lock);
    status = hsmiam_file_get_size(&ledger->file, &size, error);
    if (status == HSMIAM_OK)
        status = hsmiam_history_new(ledger, size, &history, error);
    while (status == HSMIAM_OK && !*known_out) {
        status = hsmiam_history_next(history, &more, error);
        if (status != HSMIAM_OK || !more)
            break;
        *known_out = explains(&history->record, access_key_id) &&
                     (except == 0 || !is_about(&history->record, except));
    }
    (void)pthread_mutex_unlock(&ledger->lock);
    hsmiam_history_free(&history);
    return status;
}
