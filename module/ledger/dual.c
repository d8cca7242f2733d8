/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of dual control: what a record needs, and what it uses up. */
#include "ledger/dual.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"

/* The records that may need an approval. */
static const struct {
    hsmiam_event event;
    hsmiam_act operation;
} operations[] = {
    {HSMIAM_EVENT_INTENT, HSMIAM_ACT_CREATE}, {HSMIAM_EVENT_ROTATION, HSMIAM_ACT_ROTATE},
    {HSMIAM_EVENT_DELETE, HSMIAM_ACT_DELETE}, {HSMIAM_EVENT_UPDATE, HSMIAM_ACT_UPDATE},
    {HSMIAM_EVENT_IMPORT, HSMIAM_ACT_IMPORT}, {HSMIAM_EVENT_EXPORT, HSMIAM_ACT_EXPORT},
    {HSMIAM_EVENT_POLICY, HSMIAM_ACT_POLICY},
};

/* The facts that an approval does not bind: what is known only when the request to IAM is made, and
 * how the key gets into the token or out of it. Any other that an event has, it does; an event with
 * a new one needs it in the form of requests as well. */
static const uint64_t unbound =
    HSMIAM_FIELD_BIT(REQUEST) | HSMIAM_FIELD_BIT(POLICY) | HSMIAM_FIELD_BIT(REQUEST_ID) |
    HSMIAM_FIELD_BIT(REQUEST_TIME) | HSMIAM_FIELD_BIT(IAM_TIME) | HSMIAM_FIELD_BIT(KEYS_BEFORE) |
    HSMIAM_FIELD_BIT(SETTLED) | HSMIAM_FIELD_BIT(ROUTE) | HSMIAM_FIELD_BIT(WRAPPING_KEY) |
    HSMIAM_FIELD_BIT(EXPORTABLE_WRAPPING_KEY) | HSMIAM_FIELD_BIT(ALGORITHM);

hsmiam_act hsmiam_dual_get_operation(const hsmiam_record *record)
{
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++)
        if (hsmiam_record_is(record, operations[i].event))
            return operations[i].operation;
    return HSMIAM_ACT_COUNT;
}

static uint64_t get_bound(hsmiam_act operation)
{
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++)
        if (operations[i].operation == operation) {
            const hsmiam_event_form *form = &hsmiam_event_forms[operations[i].event];
            return (form->needed | form->allowed) & ~unbound;
        }
    return 0;
}

void hsmiam_dual_keep_facts(hsmiam_act operation, hsmiam_record *record)
{
    uint64_t kept = get_bound(operation);

    for (size_t i = 0; i < HSMIAM_FIELD_COUNT; i++)
        if ((kept >> i & 1) == 0)
            record->fields[i] = NULL;
}

hsmiam_status hsmiam_dual_init(hsmiam_dual *dual, hsmiam_error *error)
{
    *dual = (hsmiam_dual){.hash = hsmiam_hash_new()};
    return dual->hash != NULL ? HSMIAM_OK : hsmiam_error_set_memory(error, "reading the ledger");
}

static void drop_requests(hsmiam_dual *dual)
{
    for (size_t i = 0; i < dual->count; i++)
        free(dual->requests[i].text);
    dual->count = 0;
}

void hsmiam_dual_clear(hsmiam_dual *dual)
{
    drop_requests(dual);
    free(dual->requests);
    hsmiam_policy_clear(&dual->policy);
    hsmiam_hash_free(&dual->hash);
    *dual = (hsmiam_dual){.requests = NULL};
}

time_t hsmiam_dual_read_time(const char *text)
{
    time_t when = -1;

    return text != NULL && hsmiam_time_parse_extended(text, &when) ? when : -1;
}

/* ------------------------------------------------------------------------------------ requests */

/* Copies a record's members into one piece of memory. */
static bool copy_record(const hsmiam_record *record, hsmiam_dual_request *to)
{
    size_t size = 1;

    for (size_t i = 0; i < HSMIAM_FIELD_COUNT; i++)
        size += record->fields[i] != NULL ? strlen(record->fields[i]) + 1 : 0;
    to->text = malloc(size);
    char *at = to->text;
    for (size_t i = 0; at != NULL && i < HSMIAM_FIELD_COUNT; i++) {
        if (record->fields[i] == NULL)
            continue;
        size_t length = strlen(record->fields[i]) + 1;
        memcpy(at, record->fields[i], length);
        to->record.fields[i] = at;
        at += length;
    }
    return to->text != NULL;
}

/* What can serve no more by then is forgotten. */
static void forget_old(hsmiam_dual *dual, time_t when)
{
    size_t kept = 0;

    for (size_t i = 0; i < dual->count; i++) {
        hsmiam_dual_request *request = &dual->requests[i];
        bool spent =
            request->used && (request->operation != HSMIAM_ACT_ROTATE || request->used_by_intent);
        if (request->expires < when || spent)
            free(request->text);
        else
            dual->requests[kept++] = *request;
    }
    dual->count = kept;
}

/* Makes room for one more. */
static hsmiam_status grow(hsmiam_dual *dual, hsmiam_error *error)
{
    size_t room = dual->room > 0 ? 2 * dual->room : 8;

    if (dual->count < dual->room)
        return HSMIAM_OK;
    hsmiam_dual_request *grown = realloc(dual->requests, room * sizeof *grown);
    if (grown == NULL)
        return hsmiam_error_set_memory(error, "reading the ledger");
    dual->requests = grown;
    dual->room = room;
    return HSMIAM_OK;
}

/* Keeps a request, with a copy of its record. */
static hsmiam_status keep(hsmiam_dual *dual, hsmiam_dual_request request,
                          const hsmiam_record *record, hsmiam_error *error)
{
    hsmiam_status status = grow(dual, error);

    if (status != HSMIAM_OK)
        return status;
    if (!copy_record(record, &request))
        return hsmiam_error_set_memory(error, "reading the ledger");
    dual->requests[dual->count++] = request;
    return HSMIAM_OK;
}

static hsmiam_status add_request(hsmiam_dual *dual, const hsmiam_record *record, const char *hash,
                                 hsmiam_error *error)
{
    const char *name = record->fields[HSMIAM_FIELD_OPERATION];
    hsmiam_dual_request request = {
        .sequence = hsmiam_record_get_number(record, HSMIAM_FIELD_SEQUENCE),
        .operation = hsmiam_act_find(name, strlen(name)),
        .expires = hsmiam_dual_read_time(record->fields[HSMIAM_FIELD_EXPIRES]),
    };

    forget_old(dual, hsmiam_dual_read_time(record->fields[HSMIAM_FIELD_TIME]));
    if (dual->policy.count == 0 || request.operation == HSMIAM_ACT_COUNT)
        return HSMIAM_OK;
    memcpy(request.hash, hash, sizeof request.hash);
    return keep(dual, request, record, error);
}

hsmiam_status hsmiam_dual_copy(const hsmiam_dual *dual, const hsmiam_dual_request *request,
                               hsmiam_dual *copy_out, hsmiam_error *error)
{
    hsmiam_status status = hsmiam_dual_init(copy_out, error);

    copy_out->policy_sequence = dual->policy_sequence;
    memcpy(copy_out->serials, dual->serials, sizeof copy_out->serials);
    copy_out->serial_count = dual->serial_count;
    if (status == HSMIAM_OK)
        status = hsmiam_policy_copy(&dual->policy, &copy_out->policy, error);
    return status == HSMIAM_OK ? keep(copy_out, *request, &request->record, error) : status;
}

hsmiam_dual_request *hsmiam_dual_find(const hsmiam_dual *dual, uint64_t sequence)
{
    for (size_t i = 0; i < dual->count; i++)
        if (dual->requests[i].sequence == sequence)
            return &dual->requests[i];
    return NULL;
}

static bool is_same(const char *one, const char *other)
{
    return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

/* The key of a session is another one each time that the command is run. */
static bool is_of_session(const char *credential_id)
{
    return credential_id != NULL && strncmp(credential_id, "ASIA", 4) == 0;
}

static bool is_same_fact(hsmiam_field field, const char *one, const char *other)
{
    return is_same(one, other) ||
           (field == HSMIAM_FIELD_CREDENTIAL_ID && is_of_session(one) && is_of_session(other));
}

/* Whether a record says the same as the request in the facts that count. */
static bool is_for(const hsmiam_dual_request *request, const hsmiam_record *record, uint64_t facts)
{
    for (size_t i = 0; i < HSMIAM_FIELD_COUNT; i++)
        if ((facts >> i & 1) != 0 &&
            !is_same_fact((hsmiam_field)i, request->record.fields[i], record->fields[i]))
            return false;
    return true;
}

hsmiam_dual_request *hsmiam_dual_find_for(const hsmiam_dual *dual, hsmiam_act operation,
                                          const hsmiam_record *record, time_t when)
{
    uint64_t facts = get_bound(operation);
    hsmiam_dual_request *best = NULL;

    for (size_t i = 0; i < dual->count; i++) {
        hsmiam_dual_request *request = &dual->requests[i];
        if (request->operation == operation && !request->used && request->expires > when &&
            is_for(request, record, facts) &&
            (best == NULL ||
             hsmiam_dual_count_approvals(request) >= hsmiam_dual_count_approvals(best)))
            best = request;
    }
    return best;
}

unsigned hsmiam_dual_count_approvals(const hsmiam_dual_request *request)
{
    unsigned count = 0;

    for (unsigned left = request->approved; left != 0; left &= left - 1)
        count++;
    return count;
}

/* --------------------------------------------------------------------- what needs an approval */

/* What is wrong with using the request for the record; NULL: nothing. */
static const char *judge(const hsmiam_dual *dual, const hsmiam_dual_request *request,
                         hsmiam_act operation, const hsmiam_record *record)
{
    bool in_rotation = operation == HSMIAM_ACT_CREATE && request->operation == HSMIAM_ACT_ROTATE;
    uint64_t facts = get_bound(operation);

    if (operation != request->operation && !in_rotation)
        return "the request that it names is for something else";
    if (!is_for(request, record, facts))
        return "the request that it names is for another account, user, key, token or policy";
    if (in_rotation ? request->used_by_intent : request->used)
        return "the request that it names was used before, and serves once";
    if (in_rotation && !request->used)
        return "the request that it names is for a rotation that did not begin";
    if (hsmiam_dual_read_time(record->fields[HSMIAM_FIELD_TIME]) > request->expires)
        return "the request that it names had expired";
    if (hsmiam_dual_count_approvals(request) < dual->policy.needed)
        return "the request that it names lacks the approvals that the policy in force asks for";
    return NULL;
}

/* An intent says which policy its writer knew. */
static const char *check_policy(const hsmiam_dual *dual, const hsmiam_record *record)
{
    if (record->fields[HSMIAM_FIELD_POLICY] == NULL ||
        hsmiam_record_get_number(record, HSMIAM_FIELD_POLICY) == dual->policy_sequence)
        return NULL;
    return "it goes by another policy than the one in force";
}

const char *hsmiam_dual_check(const hsmiam_dual *dual, const hsmiam_record *record)
{
    hsmiam_act operation = hsmiam_dual_get_operation(record);
    uint64_t number = hsmiam_record_get_number(record, HSMIAM_FIELD_REQUEST);
    const hsmiam_dual_request *request = hsmiam_dual_find(dual, number);
    const char *wrong = check_policy(dual, record);

    if (wrong != NULL)
        return wrong;
    if (number == 0)
        return hsmiam_policy_needs(&dual->policy, operation)
                   ? "the policy in force asks for an approval, and it names none"
                   : NULL;
    if (request == NULL)
        return "the request that it names is none that can serve: there is none, it had expired, "
               "was used before, or was made under another policy";
    return judge(dual, request, operation, record);
}

static void use(const hsmiam_dual *dual, hsmiam_act operation, const hsmiam_record *record)
{
    hsmiam_dual_request *request =
        hsmiam_dual_find(dual, hsmiam_record_get_number(record, HSMIAM_FIELD_REQUEST));

    if (request == NULL)
        return;
    if (operation == HSMIAM_ACT_CREATE && request->operation == HSMIAM_ACT_ROTATE)
        request->used_by_intent = true;
    else
        request->used = true;
}

static const char *take_policy(hsmiam_dual *dual, const hsmiam_record *record)
{
    hsmiam_policy policy;
    bool is_one = hsmiam_policy_read(record, &policy);

    if (!is_one) {
        hsmiam_policy_clear(&policy);
        return "it is no policy that could be followed";
    }
    drop_requests(dual);
    hsmiam_policy_clear(&dual->policy);
    dual->policy = policy;
    dual->policy_sequence = hsmiam_record_get_number(record, HSMIAM_FIELD_SEQUENCE);
    return NULL;
}

void hsmiam_dual_note_serial(hsmiam_dual *dual, const char *serial)
{
    if (serial == NULL || dual->serial_count == sizeof dual->serials / sizeof dual->serials[0])
        return;
    for (size_t i = 0; i < dual->serial_count; i++)
        if (strcmp(dual->serials[i], serial) == 0)
            return;
    (void)snprintf(dual->serials[dual->serial_count++], sizeof dual->serials[0], "%s", serial);
}

/* Before a ledger had an audit key, anybody could write anything. */
static bool is_always_signed(const hsmiam_record *record)
{
    hsmiam_event event = hsmiam_event_find(record->fields[HSMIAM_FIELD_EVENT]);

    return event < HSMIAM_EVENT_COUNT && hsmiam_event_forms[event].rule == HSMIAM_APPEND_SIGNED;
}

hsmiam_status hsmiam_dual_take(hsmiam_dual *dual, const hsmiam_record *record,
                               const char line_hash[HSMIAM_HEX_SIZE], hsmiam_fault *fault_out,
                               const char **wrong_out, hsmiam_error *error)
{
    hsmiam_act operation = hsmiam_dual_get_operation(record);

    *wrong_out = NULL;
    *fault_out = HSMIAM_FAULT_UNAPPROVED;
    dual->sequence = hsmiam_record_get_number(record, HSMIAM_FIELD_SEQUENCE);
    if (record->fields[HSMIAM_FIELD_SIGNATURE] == NULL && is_always_signed(record))
        return HSMIAM_OK;
    if (hsmiam_record_is(record, HSMIAM_EVENT_AUDIT_KEY))
        hsmiam_dual_note_serial(dual, record->fields[HSMIAM_FIELD_TOKEN_SERIAL]);
    else if (hsmiam_record_is(record, HSMIAM_EVENT_REQUEST))
        return add_request(dual, record, line_hash, error);
    else if (hsmiam_record_is(record, HSMIAM_EVENT_APPROVAL))
        *wrong_out = hsmiam_dual_take_approval(dual, record, fault_out);
    if (*wrong_out != NULL)
        dual->spoilt = dual->sequence;
    if (operation == HSMIAM_ACT_COUNT)
        return HSMIAM_OK;
    *wrong_out = hsmiam_dual_check(dual, record);
    if (*wrong_out == NULL)
        use(dual, operation, record);
    if (*wrong_out == NULL && operation == HSMIAM_ACT_POLICY)
        *wrong_out = take_policy(dual, record);
    return HSMIAM_OK;
}
