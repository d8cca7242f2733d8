/* SPDX-License-Identifier: Apache-2.0 */
#include "asking.h"

#include <inttypes.h>
#include <stdio.h>

hsmiam_ledger_facts asking_make_facts(const char *user_name)
{
    hsmiam_ledger_facts facts = fixture_facts;

    facts.account = "123456789012";
    facts.user_name = user_name;
    facts.access_key_id = OTHER_ID;
    facts.status = "Inactive";
    facts.route = "rsa-oaep";
    facts.request_time = 1440938161;
    return facts;
}

uint64_t asking_get_last(fixture *fix)
{
    (void)fixture_verify(fix);
    return fix->verdict.sequence;
}

uint64_t asking_ask(fixture *fix, hsmiam_act act, const char *user_name)
{
    const hsmiam_ledger_facts facts = asking_make_facts(user_name);
    uint64_t request = 0;
    hsmiam_status status =
        hsmiam_ledger_ask_approval(fix->ledger, act, &facts, false, &request, fix->error);

    assert_true(status == HSMIAM_OK || (status == HSMIAM_ERR_APPROVAL && request == 0));
    return request;
}

uint64_t asking_request(fixture *fix, hsmiam_act act, const char *user_name)
{
    assert_int_equal(asking_ask(fix, act, user_name), 0);
    fixture_expect_message(fix, "nothing was done");
    return asking_get_last(fix);
}

uint64_t asking_approve(fixture *fix, const approver *by, hsmiam_act act, const char *user_name)
{
    uint64_t number = asking_request(fix, act, user_name);

    approver_approve(fix, by, number, APPROVER_SERIAL);
    return number;
}

uint64_t asking_request_until(fixture *fix, hsmiam_act act, const char *user_name,
                              const char *expires)
{
    const hsmiam_ledger_facts facts = asking_make_facts(user_name);
    hsmiam_record record = {{NULL}};
    uint64_t number = 0;

    hsmiam_facts_put(&facts, &record);
    hsmiam_dual_keep_facts(act, &record);
    record.fields[HSMIAM_FIELD_EVENT] = "request";
    record.fields[HSMIAM_FIELD_OPERATION] = hsmiam_act_get_name(act);
    record.fields[HSMIAM_FIELD_EXPIRES] = expires;
    assert_int_equal(
        hsmiam_ledger_append(fix->ledger, &record, HSMIAM_APPEND_SIGNED, &number, fix->error),
        HSMIAM_OK);
    return number;
}

hsmiam_status asking_write(fixture *fix, hsmiam_event event, const char *user_name,
                           uint64_t request)
{
    hsmiam_ledger_facts facts = asking_make_facts(user_name);

    facts.request = request;
    return hsmiam_ledger_add(fix->ledger, event, &facts, NULL, fix->error);
}

void asking_expect_refused(fixture *fix, hsmiam_event event, const char *user_name,
                           uint64_t request, const char *reason)
{
    size_t lines = fixture_count_lines(fix);

    assert_int_equal(asking_write(fix, event, user_name, request), HSMIAM_ERR_APPROVAL);
    fixture_expect_message(fix, reason);
    assert_int_equal(fixture_count_lines(fix), lines);
    hsmiam_error_clear(fix->error);
}

hsmiam_record asking_make_record(hsmiam_event event, const char *user_name, uint64_t request)
{
    static char text[HSMIAM_NUMBER_SIZE];
    const hsmiam_event_form *form = &hsmiam_event_forms[event];
    const hsmiam_ledger_facts facts = asking_make_facts(user_name);
    hsmiam_record record = {{NULL}};

    hsmiam_facts_put(&facts, &record);
    (void)snprintf(text, sizeof text, "%" PRIu64, request);
    record.fields[HSMIAM_FIELD_REQUEST] = request != 0 ? text : NULL;
    record.fields[HSMIAM_FIELD_REQUEST_TIME] = "2015-08-30T12:36:01Z";
    for (size_t i = 0; i < HSMIAM_FIELD_COUNT; i++)
        if (((form->needed | form->allowed) >> i & 1) == 0)
            record.fields[i] = NULL;
    record.fields[HSMIAM_FIELD_EVENT] = form->name;
    return record;
}

void asking_force(fixture *fix, hsmiam_event event, const char *user_name, uint64_t request)
{
    const hsmiam_record record = asking_make_record(event, user_name, request);

    assert_int_equal(
        hsmiam_ledger_append(fix->ledger, &record, HSMIAM_APPEND_SIGNED, NULL, fix->error),
        HSMIAM_OK);
}

void asking_expect_wrong(fixture *fix, hsmiam_fault fault, const char *reason)
{
    size_t lines = fixture_count_lines(fix);

    fixture_expect_fault(fix, fault, lines);
    fixture_expect_message(fix, reason);
}
