/* SPDX-License-Identifier: Apache-2.0 */
/* The events, one function each. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "ledger/internal.h"
#include "ledger/json.h"

static const struct {
    const char *name;
    bool is_final;
} results[] = {
    [HSMIAM_RESULT_HELD] = {"held", true},
    [HSMIAM_RESULT_REFUSED] = {"refused", true},
    [HSMIAM_RESULT_NOT_SENT] = {"not-sent", true},
    [HSMIAM_RESULT_NOT_EXECUTED] = {"not-executed", true},
    [HSMIAM_RESULT_DELETED] = {"deleted", true},
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

static const char *or_null(const char *text)
{
    return text != NULL && text[0] != '\0' ? text : NULL;
}

static hsmiam_record make(hsmiam_event event, const hsmiam_ledger_facts *facts)
{
    hsmiam_record record = {{NULL}};

    record.fields[HSMIAM_FIELD_EVENT] = hsmiam_event_get_name(event);
    record.fields[HSMIAM_FIELD_ACCOUNT] = or_null(facts->account);
    record.fields[HSMIAM_FIELD_PARTITION] = or_null(facts->partition);
    record.fields[HSMIAM_FIELD_ENDPOINT] = or_null(facts->endpoint);
    record.fields[HSMIAM_FIELD_TOKEN_SERIAL] = facts->token_serial;
    record.fields[HSMIAM_FIELD_CREDENTIAL_ID] = or_null(facts->credential_id);
    record.fields[HSMIAM_FIELD_USER_NAME] = or_null(facts->user_name);
    record.fields[HSMIAM_FIELD_ACCESS_KEY_ID] = or_null(facts->access_key_id);
    record.fields[HSMIAM_FIELD_REQUEST_ID] = or_null(facts->request_id);
    record.fields[HSMIAM_FIELD_ROUTE] = or_null(facts->route);
    record.fields[HSMIAM_FIELD_WRAPPING_KEY] = or_null(facts->wrapping_key);
    return record;
}

/* Writes a time if it is known, and one that can be written. */
static const char *format_time(time_t when, char to[HSMIAM_TIME_SIZE])
{
    return when >= 0 && hsmiam_time_format_extended(when, to) ? to : NULL;
}

static void format_number(uint64_t number, char to[HSMIAM_NUMBER_SIZE])
{
    (void)snprintf(to, HSMIAM_NUMBER_SIZE, "%" PRIu64, number);
}

hsmiam_status hsmiam_ledger_add_import(hsmiam_ledger *ledger, const hsmiam_ledger_facts *facts,
                                       hsmiam_error *error)
{
    hsmiam_record record = make(HSMIAM_EVENT_IMPORT, facts);

    return hsmiam_ledger_append(ledger, &record, HSMIAM_APPEND_OR_PENDING, NULL, error);
}

hsmiam_status hsmiam_ledger_add_intent(hsmiam_ledger *ledger, const hsmiam_ledger_facts *facts,
                                       const char *keys_before, time_t iam_time,
                                       time_t request_time, uint64_t *intent_out,
                                       hsmiam_error *error)
{
    hsmiam_record record = make(HSMIAM_EVENT_INTENT, facts);
    char of_iam[HSMIAM_TIME_SIZE];
    char of_request[HSMIAM_TIME_SIZE];

    record.fields[HSMIAM_FIELD_KEYS_BEFORE] = keys_before;
    record.fields[HSMIAM_FIELD_IAM_TIME] = format_time(iam_time, of_iam);
    record.fields[HSMIAM_FIELD_REQUEST_TIME] = format_time(request_time, of_request);
    return hsmiam_ledger_append(ledger, &record, HSMIAM_APPEND_SIGNED, intent_out, error);
}

hsmiam_status hsmiam_ledger_add_renewal(hsmiam_ledger *ledger, const hsmiam_ledger_facts *facts,
                                        uint64_t intent, time_t request_time, hsmiam_error *error)
{
    hsmiam_record record = make(HSMIAM_EVENT_RENEWAL, facts);
    char of_request[HSMIAM_TIME_SIZE];
    char number[HSMIAM_NUMBER_SIZE];

    format_number(intent, number);
    record.fields[HSMIAM_FIELD_ROUTE] = NULL;
    record.fields[HSMIAM_FIELD_INTENT] = number;
    record.fields[HSMIAM_FIELD_REQUEST_TIME] = format_time(request_time, of_request);
    return hsmiam_ledger_append(ledger, &record, HSMIAM_APPEND_SIGNED, NULL, error);
}

hsmiam_status hsmiam_ledger_add_outcome(hsmiam_ledger *ledger, const hsmiam_ledger_facts *facts,
                                        uint64_t intent, hsmiam_result result, const char *code,
                                        hsmiam_error *error)
{
    hsmiam_record record = make(HSMIAM_EVENT_OUTCOME, facts);
    char number[HSMIAM_NUMBER_SIZE];

    format_number(intent, number);
    record.fields[HSMIAM_FIELD_INTENT] = number;
    record.fields[HSMIAM_FIELD_RESULT] = results[result].name;
    record.fields[HSMIAM_FIELD_CODE] = or_null(code);
    return hsmiam_ledger_append(ledger, &record, HSMIAM_APPEND_OR_PENDING, NULL, error);
}
