/* SPDX-License-Identifier: Apache-2.0 */
/* Rotations: their records, and the search for them from the ledger's end, so that a step is met
 * before the beginning. Only what a trusted key signed is believed: by a forged beginning
 * somebody could have a key deactivated. */
#include "ledger/rotation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ledger/internal.h"

static const struct {
    const char *name; /* NULL: it is no step's record */
    bool is_final;
} steps[HSMIAM_ROTATION_STEPS] = {
    [HSMIAM_ROTATION_BEGUN] = {NULL, false},
    [HSMIAM_ROTATION_CLEARING] = {"clearing", false},
    [HSMIAM_ROTATION_CLEARED] = {"cleared", false},
    [HSMIAM_ROTATION_PROVEN] = {"proven", false},
    [HSMIAM_ROTATION_DEACTIVATED] = {"deactivated", true},
    [HSMIAM_ROTATION_DELETING] = {"deleting", false},
    [HSMIAM_ROTATION_DELETED] = {"deleted", true},
    [HSMIAM_ROTATION_ABANDONED] = {"abandoned", true},
};

/* What a search keeps of the records that it met, for the beginning that is still to come. */
typedef struct met {
    uint64_t number; /* of the rotation, or of the intent */
    hsmiam_rotation_step step;
    char id[HSMIAM_ACCESS_KEY_ID_MAX + 1];
} met;

typedef struct met_list {
    met *items;
    size_t count;
    size_t room;
} met_list;

typedef struct search search;

struct search {
    hsmiam_ledger *ledger;
    /* Looks at a record that is to be believed. */
    hsmiam_status (*meet)(search *run, const hsmiam_record *record, hsmiam_error *error);
    const char *account; /* whose rotations are looked for, if they are one user's */
    const char *user_name;
    const char *key_id;
    uint64_t end; /* what begins there or later is not looked at; 0: all is */
    hsmiam_rotation_record_fn take;
    void *context;
    hsmiam_rotation_record *to;
    bool found;
    bool ended;
    met_list rotations; /* their last steps */
    met_list keys;      /* that went into a token, by their intents */
    char new_id[HSMIAM_ACCESS_KEY_ID_MAX + 1];
    hsmiam_record_storage storage;
};

bool hsmiam_rotation_step_is_final(hsmiam_rotation_step step)
{
    return steps[step].is_final;
}

hsmiam_status hsmiam_ledger_add_rotation(hsmiam_ledger *ledger, const hsmiam_ledger_facts *facts,
                                         uint64_t *rotation_out, hsmiam_error *error)
{
    return hsmiam_ledger_add(ledger, HSMIAM_EVENT_ROTATION, facts, rotation_out, error);
}

hsmiam_status hsmiam_ledger_add_rotation_step(hsmiam_ledger *ledger,
                                              const hsmiam_ledger_facts *facts, uint64_t rotation,
                                              hsmiam_rotation_step step, hsmiam_error *error)
{
    hsmiam_ledger_facts all = *facts;

    all.intent = rotation;
    all.step = steps[step].name;
    return hsmiam_ledger_add(ledger, HSMIAM_EVENT_ROTATION_STEP, &all, NULL, error);
}

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static void copy(char *to, size_t size, const char *text)
{
    (void)snprintf(to, size, "%s", or_empty(text));
}

static met *find_met(const met_list *list, uint64_t number)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].number == number)
            return &list->items[i];
    return NULL;
}

static void drop_met(met_list *list, met *item)
{
    *item = list->items[--list->count];
}

/* Keeps what was met last of a number, which is what is met first. */
static hsmiam_status keep_met(met_list *list, uint64_t number, hsmiam_rotation_step step,
                              const char *id, hsmiam_error *error)
{
    if (find_met(list, number) != NULL)
        return HSMIAM_OK;
    if (list->count == list->room) {
        size_t room = list->room > 0 ? 2 * list->room : 16;
        met *items = realloc(list->items, room * sizeof *items);
        if (items == NULL)
            return hsmiam_error_set_memory(error, "reading the ledger");
        list->items = items;
        list->room = room;
    }
    met *item = &list->items[list->count++];
    *item = (met){.number = number, .step = step};
    copy(item->id, sizeof item->id, id);
    return HSMIAM_OK;
}

static hsmiam_status keep_step(search *run, const hsmiam_record *record, hsmiam_error *error)
{
    const char *name = record->fields[HSMIAM_FIELD_STEP];

    for (size_t i = 0; i < HSMIAM_ROTATION_STEPS; i++)
        if (steps[i].name != NULL && strcmp(steps[i].name, name) == 0)
            return keep_met(&run->rotations, hsmiam_record_get_number(record, HSMIAM_FIELD_INTENT),
                            (hsmiam_rotation_step)i, record->fields[HSMIAM_FIELD_ACCESS_KEY_ID],
                            error);
    return HSMIAM_OK;
}

static bool is_of_user(const search *run, const hsmiam_record *record)
{
    const char *user_name = or_empty(record->fields[HSMIAM_FIELD_USER_NAME]);
    const char *account = or_empty(record->fields[HSMIAM_FIELD_ACCOUNT]);

    return strcmp(account, run->account) == 0 && strcasecmp(user_name, run->user_name) == 0;
}

/* The beginning, with the last step that was met. */
static void fill(search *run, const hsmiam_record *record, hsmiam_rotation_record *to)
{
    const char *const *fields = record->fields;

    *to = (hsmiam_rotation_record){.sequence =
                                       hsmiam_record_get_number(record, HSMIAM_FIELD_SEQUENCE)};
    copy(to->account, sizeof to->account, fields[HSMIAM_FIELD_ACCOUNT]);
    copy(to->endpoint, sizeof to->endpoint, fields[HSMIAM_FIELD_ENDPOINT]);
    copy(to->token_serial, sizeof to->token_serial, fields[HSMIAM_FIELD_TOKEN_SERIAL]);
    copy(to->credential_id, sizeof to->credential_id, fields[HSMIAM_FIELD_CREDENTIAL_ID]);
    copy(to->user_name, sizeof to->user_name, fields[HSMIAM_FIELD_USER_NAME]);
    copy(to->old_id, sizeof to->old_id, fields[HSMIAM_FIELD_ACCESS_KEY_ID]);
    copy(to->new_id, sizeof to->new_id, run->new_id);
    met *last = find_met(&run->rotations, to->sequence);
    if (last != NULL) {
        to->step = last->step;
        copy(to->step_id, sizeof to->step_id, last->id);
        drop_met(&run->rotations, last);
    }
}

/* The intent of a key that was met already: if it is the user's, and no later one was met, it is
 * the new key. */
static void meet_intent(search *run, const hsmiam_record *record)
{
    met *key = find_met(&run->keys, hsmiam_record_get_number(record, HSMIAM_FIELD_SEQUENCE));

    if (key == NULL)
        return;
    if (run->new_id[0] == '\0' && is_of_user(run, record))
        copy(run->new_id, sizeof run->new_id, key->id);
    drop_met(&run->keys, key);
}

static bool is_held(const hsmiam_record *record)
{
    return strcmp(or_empty(record->fields[HSMIAM_FIELD_RESULT]),
                  hsmiam_result_get_name(HSMIAM_RESULT_HELD)) == 0 &&
           record->fields[HSMIAM_FIELD_ACCESS_KEY_ID] != NULL;
}

static hsmiam_status meet_users(search *run, const hsmiam_record *record, hsmiam_error *error)
{
    if (hsmiam_record_is(record, HSMIAM_EVENT_ROTATION_STEP))
        return is_of_user(run, record) ? keep_step(run, record, error) : HSMIAM_OK;
    if (hsmiam_record_is(record, HSMIAM_EVENT_OUTCOME) && is_held(record))
        return keep_met(&run->keys, hsmiam_record_get_number(record, HSMIAM_FIELD_INTENT),
                        HSMIAM_ROTATION_BEGUN, record->fields[HSMIAM_FIELD_ACCESS_KEY_ID], error);
    if (hsmiam_record_is(record, HSMIAM_EVENT_INTENT))
        meet_intent(run, record);
    if (!hsmiam_record_is(record, HSMIAM_EVENT_ROTATION) || !is_of_user(run, record))
        return HSMIAM_OK;
    fill(run, record, run->to);
    run->found = true;
    run->ended = true;
    return HSMIAM_OK;
}

static hsmiam_status meet_own(search *run, const hsmiam_record *record, hsmiam_error *error)
{
    (void)error;
    if (!hsmiam_record_is(record, HSMIAM_EVENT_ROTATION))
        return HSMIAM_OK;
    const char *old_id = record->fields[HSMIAM_FIELD_ACCESS_KEY_ID];
    if (strcmp(old_id, record->fields[HSMIAM_FIELD_CREDENTIAL_ID]) != 0 ||
        (run->key_id != NULL && strcmp(old_id, run->key_id) != 0))
        return HSMIAM_OK;
    fill(run, record, run->to);
    run->found = true;
    run->ended = true;
    return HSMIAM_OK;
}

static hsmiam_status meet_all(search *run, const hsmiam_record *record, hsmiam_error *error)
{
    hsmiam_rotation_record rotation;

    if (hsmiam_record_is(record, HSMIAM_EVENT_ROTATION_STEP))
        return keep_step(run, record, error);
    if (!hsmiam_record_is(record, HSMIAM_EVENT_ROTATION))
        return HSMIAM_OK;
    fill(run, record, &rotation);
    if (!hsmiam_rotation_step_is_final(rotation.step))
        run->ended = !run->take(run->context, &rotation);
    return HSMIAM_OK;
}

static bool contains(const hsmiam_line *line, const char *text)
{
    return memmem(line->text, line->size, text, strlen(text)) != NULL;
}

/* Whether a line may be one of those that are looked at, */
static bool may_matter(const search *run, const hsmiam_line *line)
{
    if (line->text == NULL)
        return false;
    return contains(line, "\"event\":\"rotation") ||
           (run->meet == meet_users &&
            (contains(line, "\"result\":\"held\"") ||
             (run->keys.count > 0 && contains(line, "\"event\":\"intent\""))));
}

/* and whether its record is, before a signature is verified for it. The root user's keys may go by
 * a name that IAM gave them. */
static bool is_worth_verifying(const search *run, const hsmiam_record *record)
{
    if (run->meet != meet_users || run->user_name[0] == '\0')
        return true;
    return strcasecmp(or_empty(record->fields[HSMIAM_FIELD_USER_NAME]), run->user_name) == 0;
}

/* Hands a line over if it matters and can be believed. */
static hsmiam_status meet_line(search *run, uint64_t size, const hsmiam_line *line,
                               hsmiam_error *error)
{
    hsmiam_record record;
    size_t signed_size = 0;
    bool believed = false;

    if (!may_matter(run, line) ||
        !hsmiam_record_read(line->text, line->size, &run->storage, &record, &signed_size) ||
        !is_worth_verifying(run, &record))
        return HSMIAM_OK;
    hsmiam_status status =
        hsmiam_trust_check_line(run->ledger, size, line, signed_size, &record, &believed, error);
    return status == HSMIAM_OK && believed ? run->meet(run, &record, error) : status;
}

static hsmiam_status read_backward(search *run, hsmiam_error *error)
{
    hsmiam_backward backward = {.window = NULL};
    hsmiam_line line;
    uint64_t size = 0;
    bool more = true;

    hsmiam_status status = hsmiam_file_get_size(&run->ledger->file, &size, error);
    if (status == HSMIAM_OK)
        status = hsmiam_backward_init(&backward, &run->ledger->file,
                                      run->end > 0 && run->end < size ? run->end : size, error);
    while (status == HSMIAM_OK && !run->ended) {
        status = hsmiam_backward_next(&backward, &line, &more, error);
        if (status != HSMIAM_OK || !more)
            break;
        status = meet_line(run, size, &line, error);
    }
    hsmiam_backward_clear(&backward);
    return status;
}

/* Carries a search out, with the ledger open and locked. */
static hsmiam_status look(search *run, hsmiam_error *error)
{
    hsmiam_ledger *ledger = run->ledger;
    hsmiam_status status = hsmiam_ledger_open(ledger, error);

    if (status != HSMIAM_OK)
        return status;
    (void)pthread_mutex_lock(&ledger->lock);
    status = read_backward(run, error);
    (void)pthread_mutex_unlock(&ledger->lock);
    free(run->rotations.items);
    free(run->keys.items);
    return status;
}

/* The same for one that is too large for a stack. */
static hsmiam_status look_for(const search *wanted, bool *found_out, hsmiam_error *error)
{
    search *run = malloc(sizeof *run);

    if (run == NULL)
        return hsmiam_error_set_memory(error, "reading the ledger");
    *run = *wanted;
    hsmiam_status status = look(run, error);
    *found_out = run->found;
    free(run);
    return status;
}

hsmiam_status hsmiam_ledger_find_rotation(hsmiam_ledger *ledger, const char *account,
                                          const char *user_name, hsmiam_rotation_record *to,
                                          bool *found_out, hsmiam_error *error)
{
    const search wanted = {
        .ledger = ledger, .meet = meet_users, .account = account, .user_name = user_name, .to = to};

    return look_for(&wanted, found_out, error);
}

hsmiam_status hsmiam_ledger_find_rotation_before(hsmiam_ledger *ledger, uint64_t end,
                                                 const char *account, const char *user_name,
                                                 hsmiam_rotation_record *to, bool *found_out,
                                                 hsmiam_error *error)
{
    const search wanted = {.ledger = ledger,
                           .meet = meet_users,
                           .account = account,
                           .user_name = user_name,
                           .end = end,
                           .to = to};

    return look_for(&wanted, found_out, error);
}

hsmiam_status hsmiam_ledger_find_own_rotation(hsmiam_ledger *ledger, const char *key_id,
                                              hsmiam_rotation_record *to, bool *found_out,
                                              hsmiam_error *error)
{
    const search wanted = {.ledger = ledger, .meet = meet_own, .key_id = key_id, .to = to};

    return look_for(&wanted, found_out, error);
}

hsmiam_status hsmiam_ledger_find_open_rotations(hsmiam_ledger *ledger,
                                                hsmiam_rotation_record_fn take, void *context,
                                                hsmiam_error *error)
{
    const search wanted = {.ledger = ledger, .meet = meet_all, .take = take, .context = context};
    bool found = false;

    return look_for(&wanted, &found, error);
}
