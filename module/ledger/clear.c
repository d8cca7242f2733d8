/* SPDX-License-Identifier: Apache-2.0 */
/* What a writer knows of policy, requests and approvals: read once from where the ledger first had
 * a policy, then from where the last look ended. Only what hangs together with a signature that is
 * trusted is believed. An intent that says that there never was a policy spares what stands before
 * it, unless there was one later: then it is read up to its start, for the tokens with an audit
 * key.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "ledger/approval.h"

bool hsmiam_clear_get_policy(hsmiam_ledger *ledger, uint64_t *sequence_out)
{
    (void)pthread_mutex_lock(&ledger->lock);
    bool known = ledger->dual != NULL && ledger->dual->sequence > 0;
    if (known)
        *sequence_out = ledger->dual->policy_sequence;
    (void)pthread_mutex_unlock(&ledger->lock);
    return known;
}

void hsmiam_clear_forget(hsmiam_ledger *ledger)
{
    if (ledger->dual != NULL)
        hsmiam_dual_clear(ledger->dual);
    free(ledger->dual);
    ledger->dual = NULL;
    ledger->dual_read_to = 0;
}

static hsmiam_status begin(hsmiam_ledger *ledger, hsmiam_error *error)
{
    if (ledger->dual != NULL)
        return HSMIAM_OK;
    ledger->dual = calloc(1, sizeof *ledger->dual);
    if (ledger->dual == NULL)
        return hsmiam_error_set_memory(error, "reading the ledger");
    hsmiam_status status = hsmiam_dual_init(ledger->dual, error);
    if (status == HSMIAM_OK)
        hsmiam_dual_note_serial(ledger->dual, hsmiam_token_get_serial(ledger->token));
    return status;
}

/* Where to read from: the first record of a policy that is not known yet. */
typedef struct look_back {
    uint64_t start;
    bool has_start;
    uint64_t last_start; /* of the ledger's last record, */
    uint64_t last;       /* and its number */
    bool is_other;       /* the ledger is not the one that was read before */
} look_back;

static bool is_known(const hsmiam_ledger *ledger, const hsmiam_history *history, look_back *found)
{
    const hsmiam_dual *dual = ledger->dual;

    if (dual->sequence == 0 || history->line.start > ledger->dual_read_to)
        return false;
    found->is_other =
        history->line.start != ledger->dual_read_to ||
        hsmiam_record_get_number(&history->record, HSMIAM_FIELD_SEQUENCE) != dual->sequence;
    return true;
}

/* Whether nothing before it need be read. */
static bool says_none(const hsmiam_history *history)
{
    const char *policy = history->record.fields[HSMIAM_FIELD_POLICY];

    return hsmiam_history_is_believed(history) && policy != NULL && policy[0] == '0';
}

/* A token that has, or had, an audit key approves nothing, also where that key is older than the
 * policy. */
static void note_audit_token(hsmiam_ledger *ledger, const hsmiam_history *history)
{
    if (hsmiam_history_is_believed(history) &&
        hsmiam_record_is(&history->record, HSMIAM_EVENT_AUDIT_KEY))
        hsmiam_dual_note_serial(ledger->dual, history->record.fields[HSMIAM_FIELD_TOKEN_SERIAL]);
}

static hsmiam_status read_backward(hsmiam_ledger *ledger, hsmiam_history *history, look_back *found,
                                   hsmiam_error *error)
{
    bool goes_on = ledger->dual->policy_sequence > 0; /* then every record counts */
    bool more = true;

    for (;;) {
        hsmiam_status status = hsmiam_history_next(history, &more, error);
        if (status != HSMIAM_OK)
            return status;
        if (!more) {
            found->is_other = ledger->dual->sequence > 0;
            return HSMIAM_OK;
        }
        if (found->last == 0) {
            found->last = hsmiam_record_get_number(&history->record, HSMIAM_FIELD_SEQUENCE);
            found->last_start = history->line.start;
        }
        if (is_known(ledger, history, found))
            return HSMIAM_OK;
        if (goes_on || (hsmiam_history_is_believed(history) &&
                        hsmiam_record_is(&history->record, HSMIAM_EVENT_POLICY))) {
            found->start = history->line.start;
            found->has_start = true;
        }
        note_audit_token(ledger, history);
        if (ledger->dual->sequence == 0 && !found->has_start && says_none(history))
            return HSMIAM_OK;
    }
}

/* One look. */
static hsmiam_status look(hsmiam_ledger *ledger, uint64_t size, look_back *found,
                          hsmiam_error *error)
{
    hsmiam_history *history = NULL;

    hsmiam_status status = hsmiam_history_new(ledger, size, &history, error);
    if (status == HSMIAM_OK)
        status = read_backward(ledger, history, found, error);
    hsmiam_history_free(&history);
    if (status != HSMIAM_OK || found->is_other)
        return status;
    if (found->has_start) {
        const hsmiam_dual_reading reading = {
            .file = &ledger->file, .start = found->start, .end = size};
        status = hsmiam_dual_read(ledger->dual, &reading, error);
    }
    if (status == HSMIAM_OK && found->last > 0) {
        ledger->dual->sequence = found->last;
        ledger->dual_read_to = found->last_start;
    }
    return status;
}

/* Up to there. */
static hsmiam_status refresh(hsmiam_ledger *ledger, uint64_t size, hsmiam_error *error)
{
    look_back found = {.start = 0};

    hsmiam_status status = begin(ledger, error);
    if (status == HSMIAM_OK)
        status = look(ledger, size, &found, error);
    if (status == HSMIAM_OK && found.is_other) {
        hsmiam_clear_forget(ledger);
        found = (look_back){.start = 0};
        status = begin(ledger, error);
        if (status == HSMIAM_OK)
            status = look(ledger, size, &found, error);
    }
    if (status != HSMIAM_OK)
        hsmiam_clear_forget(ledger);
    return status;
}

hsmiam_status hsmiam_clear_refresh(hsmiam_ledger *ledger, hsmiam_error *error)
{
    uint64_t size = 0;
    hsmiam_status status = hsmiam_file_get_size(&ledger->file, &size, error);

    return status == HSMIAM_OK ? refresh(ledger, size, error) : status;
}

hsmiam_status hsmiam_clear_check_pending(hsmiam_ledger *ledger, uint64_t size, uint64_t first,
                                         hsmiam_error *error)
{
    hsmiam_status status = refresh(ledger, size, error);

    if (status != HSMIAM_OK || ledger->dual->spoilt < first)
        return status;
    return hsmiam_error_set(error, HSMIAM_ERR_LEDGER,
                            "Record %" PRIu64 " of the ledger %s, which nobody signed, is an "
                            "approval that is not right, so that nothing is built on it; `hsmiam "
                            "audit verify` tells more.",
                            ledger->dual->spoilt, ledger->file.path);
}

/* Whoever works on a user's keys holds the lock that a change of the policy takes as well, so that
 * where nothing needed an approval when it was asked for, nothing does now. */
static bool is_settled(const hsmiam_ledger *ledger, const hsmiam_record *record)
{
    return ledger->dual != NULL && ledger->dual->policy.count == 0 &&
           hsmiam_event_forms[hsmiam_event_find(record->fields[HSMIAM_FIELD_EVENT])].is_intent;
}

hsmiam_status hsmiam_clear_check(hsmiam_ledger *ledger, uint64_t size, const hsmiam_record *record,
                                 hsmiam_error *error)
{
    if (hsmiam_dual_get_operation(record) == HSMIAM_ACT_COUNT || is_settled(ledger, record))
        return HSMIAM_OK;
    hsmiam_status status = refresh(ledger, size, error);
    const char *wrong = status == HSMIAM_OK ? hsmiam_dual_check(ledger->dual, record) : NULL;
    if (wrong == NULL)
        return status;
    return hsmiam_error_set(error, HSMIAM_ERR_APPROVAL,
                            "The ledger %s cannot take this %s, since %s; run the command again, "
                            "which asks for what is missing.",
                            ledger->file.path, record->fields[HSMIAM_FIELD_EVENT], wrong);
}
