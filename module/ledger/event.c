/* SPDX-License-Identifier: Apache-2.0 */
/* The events. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "ledger/internal.h"
#include "ledger/json.h"

#define BIT(field) HSMIAM_FIELD_BIT(field)

static const uint64_t of_service = BIT(ACCOUNT) | BIT(PARTITION) | BIT(ENDPOINT) | BIT(USER_NAME) |
                                   BIT(REQUEST_ID) | BIT(REPLICA_SERIALS);
/* What may need an approval names it. */
static const uint64_t of_approved = BIT(REQUEST);
static const uint64_t of_issue = BIT(TOKEN_SERIAL) | BIT(CREDENTIAL_ID);
static const uint64_t of_import =
    BIT(EXPORTABLE) | BIT(WRAPPING_KEY) | BIT(EXPORTABLE_WRAPPING_KEY);

/* A new event is an enumerator of hsmiam_event (before the checkpoint, which is none of the
 * ledger's) and a row here: its name; the members that it must have; those that it may have; what
 * becomes of it when the audit key cannot sign; whether it is an intent, that is, stays open until
 * an outcome. A member that no event had so far is a row in
 * field.c besides, and in hsmiam_ledger_facts and `sources` below where callers bring it. Callers
 * then write it by hsmiam_ledger_add(). `audit show` and `verify` know it by that. */
const hsmiam_event_form hsmiam_event_forms[HSMIAM_EVENT_COUNT] = {
    [HSMIAM_EVENT_AUDIT_KEY] = {"audit-key", BIT(INTRODUCED_KEY) | BIT(PUBLIC_KEY),
                                BIT(TOKEN_SERIAL), HSMIAM_APPEND_SIGNED, false},
    [HSMIAM_EVENT_PROVISION] = {"provision", BIT(TOKEN_SERIAL) | BIT(WRAPPING_KEY),
                                BIT(EXPORTABLE_WRAPPING_KEY), HSMIAM_APPEND_SIGNED, false},
    [HSMIAM_EVENT_IMPORT] = {"import", BIT(TOKEN_SERIAL) | BIT(ACCESS_KEY_ID) | BIT(ROUTE),
                             of_approved | BIT(ACCOUNT) | BIT(USER_NAME) | BIT(REPLICA_SERIALS) |
                                 of_import,
                             HSMIAM_APPEND_OR_PENDING, false},
    [HSMIAM_EVENT_INTENT] = {"intent", of_issue | BIT(ENDPOINT) | BIT(ROUTE) | BIT(REQUEST_TIME),
                             of_service | of_approved | BIT(POLICY) | BIT(KEYS_BEFORE) |
                                 BIT(IAM_TIME) | BIT(SETTLED) | of_import,
                             HSMIAM_APPEND_SIGNED, true},
    [HSMIAM_EVENT_RENEWAL] = {"renewal", of_issue | BIT(INTENT) | BIT(REQUEST_TIME),
                              of_service | of_import, HSMIAM_APPEND_SIGNED, false},
    [HSMIAM_EVENT_OUTCOME] = {"outcome", of_issue | BIT(INTENT) | BIT(RESULT),
                              of_service | BIT(ACCESS_KEY_ID) | BIT(ROUTE) | BIT(CODE) |
                                  BIT(CANDIDATES) | BIT(IAM_TIME) | of_import,
                              HSMIAM_APPEND_OR_PENDING, false},
    [HSMIAM_EVENT_UPDATE] = {"update",
                             of_issue | BIT(ENDPOINT) | BIT(ACCESS_KEY_ID) | BIT(STATUS) |
                                 BIT(REQUEST_TIME),
                             of_service | of_approved, HSMIAM_APPEND_SIGNED, true},
    [HSMIAM_EVENT_DELETE] = {"delete",
                             of_issue | BIT(ENDPOINT) | BIT(ACCESS_KEY_ID) | BIT(REQUEST_TIME),
                             of_service | of_approved, HSMIAM_APPEND_SIGNED, true},
    [HSMIAM_EVENT_ROTATION] = {"rotation", of_issue | BIT(ENDPOINT) | BIT(ACCESS_KEY_ID),
                               of_service | of_approved | BIT(EXPORTABLE), HSMIAM_APPEND_SIGNED,
                               false},
    [HSMIAM_EVENT_ROTATION_STEP] = {"rotation-step",
                                    of_issue | BIT(INTENT) | BIT(STEP) | BIT(ACCESS_KEY_ID),
                                    of_service, HSMIAM_APPEND_SIGNED, false},
    [HSMIAM_EVENT_SEAL] = {"seal", BIT(TORN_SIZE) | BIT(TORN_SHA256), 0, HSMIAM_APPEND_OR_PENDING,
                           false},
    [HSMIAM_EVENT_COUNTERSIGN] = {"countersign", BIT(FIRST_PENDING), 0, HSMIAM_APPEND_SIGNED,
                                  false},
    [HSMIAM_EVENT_CLOSING] = {"closing", of_issue | BIT(INTENT) | BIT(RESULT) | BIT(REASON),
                              of_service | BIT(ACCESS_KEY_ID) | BIT(CANDIDATES),
                              HSMIAM_APPEND_SIGNED, false},
    [HSMIAM_EVENT_POLICY] = {"policy", BIT(OPERATIONS) | BIT(APPROVALS) | BIT(APPROVERS),
                             of_approved, HSMIAM_APPEND_SIGNED, false},
    [HSMIAM_EVENT_REQUEST] = {"request", BIT(OPERATION) | BIT(EXPIRES),
                              of_service | of_issue | BIT(ACCESS_KEY_ID) | BIT(STATUS) |
                                  BIT(OPERATIONS) | BIT(APPROVALS) | BIT(APPROVERS) |
                                  BIT(EXPORTABLE) | BIT(RECIPIENT),
                              HSMIAM_APPEND_SIGNED, false},
    [HSMIAM_EVENT_APPROVAL] = {"approval",
                               BIT(TOKEN_SERIAL) | BIT(REQUEST) | BIT(APPROVER) | BIT(APPROVAL), 0,
                               HSMIAM_APPEND_OR_PENDING, false},
    [HSMIAM_EVENT_EXPORT] = {"export",
                             BIT(TOKEN_SERIAL) | BIT(ACCESS_KEY_ID) | BIT(ALGORITHM) |
                                 BIT(RECIPIENT),
                             of_approved | BIT(USER_NAME), HSMIAM_APPEND_SIGNED, false},
    [HSMIAM_EVENT_CHECKPOINT] = {"checkpoint", 0, 0, HSMIAM_APPEND_SIGNED, false},
};

/* Where the members that are text come from. */
static const struct {
    size_t offset;
    hsmiam_field field;
    bool may_be_empty; /* "" is a fact as well */
    bool from_outside; /* left out, not an error, if it is not what the field takes */
} sources[] = {
    {offsetof(hsmiam_ledger_facts, account), HSMIAM_FIELD_ACCOUNT, false, false},
    {offsetof(hsmiam_ledger_facts, partition), HSMIAM_FIELD_PARTITION, false, false},
    {offsetof(hsmiam_ledger_facts, endpoint), HSMIAM_FIELD_ENDPOINT, false, false},
    {offsetof(hsmiam_ledger_facts, token_serial), HSMIAM_FIELD_TOKEN_SERIAL, true, false},
    {offsetof(hsmiam_ledger_facts, replicas), HSMIAM_FIELD_REPLICA_SERIALS, false, false},
    {offsetof(hsmiam_ledger_facts, credential_id), HSMIAM_FIELD_CREDENTIAL_ID, false, false},
    {offsetof(hsmiam_ledger_facts, user_name), HSMIAM_FIELD_USER_NAME, false, true},
    {offsetof(hsmiam_ledger_facts, access_key_id), HSMIAM_FIELD_ACCESS_KEY_ID, false, false},
    {offsetof(hsmiam_ledger_facts, status), HSMIAM_FIELD_STATUS, false, false},
    {offsetof(hsmiam_ledger_facts, request_id), HSMIAM_FIELD_REQUEST_ID, false, true},
    {offsetof(hsmiam_ledger_facts, route), HSMIAM_FIELD_ROUTE, false, false},
    {offsetof(hsmiam_ledger_facts, keys_before), HSMIAM_FIELD_KEYS_BEFORE, true, false},
    {offsetof(hsmiam_ledger_facts, step), HSMIAM_FIELD_STEP, false, false},
    {offsetof(hsmiam_ledger_facts, code), HSMIAM_FIELD_CODE, false, true},
    {offsetof(hsmiam_ledger_facts, candidates), HSMIAM_FIELD_CANDIDATES, false, false},
    {offsetof(hsmiam_ledger_facts, reason), HSMIAM_FIELD_REASON, false, false},
    {offsetof(hsmiam_ledger_facts, exportable), HSMIAM_FIELD_EXPORTABLE, false, false},
    {offsetof(hsmiam_ledger_facts, wrapping_key), HSMIAM_FIELD_WRAPPING_KEY, false, false},
    {offsetof(hsmiam_ledger_facts, exportable_wrapping_key), HSMIAM_FIELD_EXPORTABLE_WRAPPING_KEY,
     false, false},
    {offsetof(hsmiam_ledger_facts, algorithm), HSMIAM_FIELD_ALGORITHM, false, false},
    {offsetof(hsmiam_ledger_facts, recipient), HSMIAM_FIELD_RECIPIENT, false, false},
};

static const struct {
    const char *name;
    bool is_final;
} results[] = {
    [HSMIAM_RESULT_HELD] = {"held", true},
    [HSMIAM_RESULT_REFUSED] = {"refused", true},
    [HSMIAM_RESULT_NOT_SENT] = {"not-sent", true},
    [HSMIAM_RESULT_NOT_EXECUTED] = {"not-executed", true},
    [HSMIAM_RESULT_DELETED] = {"deleted", true},
    [HSMIAM_RESULT_CLOSED] = {"closed", true},
    [HSMIAM_RESULT_DONE] = {"done", true},
    [HSMIAM_RESULT_UNDESTROYED] = {"undestroyed", false},
    [HSMIAM_RESULT_UNDELETED] = {"undeleted", false},
    [HSMIAM_RESULT_UNKNOWN] = {"unknown", false},
};

const char *hsmiam_result_get_name(hsmiam_result result)
{
    return results[result].name;
}

bool hsmiam_result_find(const char *name, size_t size, hsmiam_result *result_out)
{
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++)
        if (strlen(results[i].name) == size && memcmp(results[i].name, name, size) == 0) {
            *result_out = (hsmiam_result)i;
            return true;
        }
    return false;
}

bool hsmiam_result_is_final(hsmiam_result result)
{
    return results[result].is_final;
}

/* The text of a fact, NULL if there is none. */
static const char *get_text(const hsmiam_ledger_facts *facts, size_t source)
{
    const char *text = NULL;

    memcpy(&text, (const char *)facts + sources[source].offset, sizeof text);
    if (text == NULL || (text[0] == '\0' && !sources[source].may_be_empty))
        return NULL;
    return !sources[source].from_outside || hsmiam_field_takes(sources[source].field, text) ? text
                                                                                            : NULL;
}

/* The members that are no text with the caller. */
typedef struct formatted {
    char iam_time[HSMIAM_TIME_SIZE];
    char request_time[HSMIAM_TIME_SIZE];
    char intent[HSMIAM_NUMBER_SIZE];
    char settled[HSMIAM_NUMBER_SIZE];
    char request[HSMIAM_NUMBER_SIZE];
    char policy[HSMIAM_NUMBER_SIZE];
} formatted;

/* Writes a time if it is known, and one that can be written. */
static const char *format_time(time_t when, char to[HSMIAM_TIME_SIZE])
{
    return when > 0 && hsmiam_time_format_extended(when, to) ? to : NULL;
}

void hsmiam_facts_put(const hsmiam_ledger_facts *facts, hsmiam_record *record)
{
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++)
        record->fields[sources[i].field] = get_text(facts, i);
}

hsmiam_status hsmiam_ledger_add(hsmiam_ledger *ledger, hsmiam_event event,
                                const hsmiam_ledger_facts *facts, uint64_t *sequence_out,
                                hsmiam_error *error)
{
    const hsmiam_event_form *form = &hsmiam_event_forms[event];
    hsmiam_record record = {{NULL}};
    uint64_t policy = 0;
    formatted to;

    hsmiam_facts_put(facts, &record);
    record.fields[HSMIAM_FIELD_IAM_TIME] = format_time(facts->iam_time, to.iam_time);
    record.fields[HSMIAM_FIELD_REQUEST_TIME] = format_time(facts->request_time, to.request_time);
    (void)snprintf(to.intent, sizeof to.intent, "%" PRIu64, facts->intent);
    record.fields[HSMIAM_FIELD_INTENT] = facts->intent != 0 ? to.intent : NULL;
    (void)snprintf(to.settled, sizeof to.settled, "%" PRIu64, ledger->settled);
    record.fields[HSMIAM_FIELD_SETTLED] = ledger->settled != 0 ? to.settled : NULL;
    (void)snprintf(to.request, sizeof to.request, "%" PRIu64, facts->request);
    record.fields[HSMIAM_FIELD_REQUEST] = facts->request != 0 ? to.request : NULL;
    record.fields[HSMIAM_FIELD_POLICY] =
        hsmiam_clear_get_policy(ledger, &policy) ? to.policy : NULL;
    (void)snprintf(to.policy, sizeof to.policy, "%" PRIu64, policy);
    record.fields[HSMIAM_FIELD_RESULT] = hsmiam_result_get_name(facts->result);
    for (size_t i = 0; i < HSMIAM_FIELD_COUNT; i++)
        if (((form->needed | form->allowed) >> i & 1) == 0)
            record.fields[i] = NULL;
    record.fields[HSMIAM_FIELD_EVENT] = form->name;
    return hsmiam_ledger_append_approved(ledger, &record, form->rule, sequence_out, error);
}

hsmiam_status hsmiam_ledger_add_import(hsmiam_ledger *ledger, const hsmiam_ledger_facts *facts,
                                       hsmiam_error *error)
{
    return hsmiam_ledger_add(ledger, HSMIAM_EVENT_IMPORT, facts, NULL, error);
}

hsmiam_status hsmiam_ledger_add_intent(hsmiam_ledger *ledger, const hsmiam_ledger_facts *facts,
                                       const char *keys_before, time_t iam_time,
                                       time_t request_time, uint64_t *intent_out,
                                       hsmiam_error *error)
{
    hsmiam_ledger_facts all = *facts;

    all.keys_before = keys_before;
    all.iam_time = iam_time;
    all.request_time = request_time;
    return hsmiam_ledger_add(ledger, HSMIAM_EVENT_INTENT, &all, intent_out, error);
}

hsmiam_status hsmiam_ledger_add_renewal(hsmiam_ledger *ledger, const hsmiam_ledger_facts *facts,
                                        uint64_t intent, time_t request_time, hsmiam_error *error)
{
    hsmiam_ledger_facts all = *facts;

    all.intent = intent;
    all.request_time = request_time;
    return hsmiam_ledger_add(ledger, HSMIAM_EVENT_RENEWAL, &all, NULL, error);
}

hsmiam_status hsmiam_ledger_add_outcome(hsmiam_ledger *ledger, const hsmiam_ledger_facts *facts,
                                        uint64_t intent, hsmiam_result result, const char *code,
                                        hsmiam_error *error)
{
    hsmiam_ledger_facts all = *facts;

    all.intent = intent;
    all.result = result;
    all.code = code;
    return hsmiam_ledger_add(ledger, HSMIAM_EVENT_OUTCOME, &all, NULL, error);
}
