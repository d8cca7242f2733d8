/* SPDX-License-Identifier: Apache-2.0 */
/* Ledgers with every kind of record, spoilt at bytes all over each line, and at every line: the
 * verification names the line each time. */
#include "approver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MAX 12
#define TORN_SIZE 20 /* more than what is torn has, less than a record */
#define FLIPS     7  /* bytes from one that is flipped to the next: each member has several */
#define CUTS      13 /* bytes from one cut within a line to the next */
#define GROUP     2  /* events in one ledger: what stands before a line is verified each time */

typedef struct text {
    char *data;
    size_t size;
    size_t lines;
    size_t starts[LINES_MAX + 1]; /* the last one is the end */
} text;

static char checkpoint[HSMIAM_LINE_MAX];

static void keep_text(void *context, const char *line)
{
    char *to = context;

    (void)snprintf(to, HSMIAM_LINE_MAX, "%s", line);
}

/* A request under a policy, and its approval. */
static void add_approval(fixture *fix)
{
    hsmiam_ledger_facts facts = fixture_facts;
    uint64_t request = 0;
    approver bob;

    approver_init(&bob, false);
    facts.account = "123456789012";
    facts.access_key_id = OTHER_ID;
    assert_int_equal(approver_set_policy(fix, "delete", 1, &bob, 1), HSMIAM_OK);
    assert_int_equal(hsmiam_ledger_ask_approval(fix->ledger, HSMIAM_ACT_DELETE, &facts, false,
                                                &request, fix->error),
                     HSMIAM_ERR_APPROVAL);
    (void)fixture_verify(fix);
    approver_approve(fix, &bob, fix->verdict.sequence, APPROVER_SERIAL);
    approver_clear(&bob);
}

/* A record of an event, with all that it may have: a fact that is new is given here as well. */
static void add_event(fixture *fix, hsmiam_event event)
{
    static const char ids[] = KEY_ID " " OTHER_ID;
    hsmiam_ledger_facts facts = fixture_facts;
    hsmiam_record provision = {{NULL}};

    facts.account = "123456789012";
    facts.access_key_id = OTHER_ID;
    facts.request_id = "b1a2-c3";
    facts.keys_before = ids;
    facts.code = "NoSuchEntity";
    facts.status = "Inactive";
    facts.step = "proven";
    facts.exportable = "yes";
    facts.exportable_wrapping_key = WRAPPING;
    facts.algorithm = "rsaes-oaep-sha-1";
    facts.recipient = WRAPPING;
    facts.candidates = ids;
    facts.reason = "looked at by hand";
    facts.iam_time = 1440938160;
    facts.request_time = 1440938161;
    facts.intent = 2;
    facts.result = HSMIAM_RESULT_UNKNOWN;
    hsmiam_status status = HSMIAM_OK;
    if (event == HSMIAM_EVENT_PROVISION) {
        provision.fields[HSMIAM_FIELD_EVENT] = hsmiam_event_get_name(event);
        provision.fields[HSMIAM_FIELD_TOKEN_SERIAL] = SERIAL;
        provision.fields[HSMIAM_FIELD_WRAPPING_KEY] = WRAPPING;
        provision.fields[HSMIAM_FIELD_EXPORTABLE_WRAPPING_KEY] = WRAPPING;
        status = hsmiam_ledger_append(fix->ledger, &provision, HSMIAM_APPEND_SIGNED, NULL, NULL);
    } else if (event == HSMIAM_EVENT_COUNTERSIGN) {
        mock_fail(MOCK_C_Sign, 0, CKR_DEVICE_REMOVED);
        fixture_import(fix);
        mock_stop_failing();
        status = hsmiam_ledger_mend(fix->ledger, fix->error);
    } else if (event == HSMIAM_EVENT_SEAL) {
        fixture_spoil(fix, "{\"sequence\":", 12);
        status = hsmiam_ledger_mend(fix->ledger, fix->error);
    } else if (event == HSMIAM_EVENT_APPROVAL) {
        add_approval(fix);
    } else if (event == HSMIAM_EVENT_POLICY || event == HSMIAM_EVENT_REQUEST) {
        status = HSMIAM_OK;                       /* they come with the approval */
    } else if (event != HSMIAM_EVENT_AUDIT_KEY) { /* which comes first by itself */
        status = hsmiam_ledger_add(fix->ledger, event, &facts, NULL, fix->error);
    }
    if (status != HSMIAM_OK)
        fail_msg("%s: %s", hsmiam_event_get_name(event), hsmiam_error_get_message(fix->error));
}

/* A ledger with some of the events; false: there are no more. */
static bool make_ledger(fixture *fix, unsigned group, text *made)
{
    unsigned first = group * GROUP;

    if (first >= HSMIAM_EVENT_CHECKPOINT)
        return false;
    fixture_write(fix, "", 0);
    fixture_reopen(fix);
    fixture_import(fix);
    for (unsigned event = first; event < first + GROUP && event < HSMIAM_EVENT_CHECKPOINT; event++)
        add_event(fix, (hsmiam_event)event);
    assert_int_equal(hsmiam_ledger_make_checkpoint(fix->ledger, keep_text, checkpoint, fix->error),
                     HSMIAM_OK);
    *made = (text){.data = NULL};
    made->data = fixture_read(fix, &made->size);
    for (size_t i = 0; i < made->size; i++)
        if (made->data[i] == '\n') {
            assert_true(made->lines < LINES_MAX);
            made->starts[++made->lines] = i + 1;
        }
    assert_int_equal(fixture_verify(fix), HSMIAM_OK);
    return true;
}

/* A seal that is none leaves what it sealed, in the line before. */
static void expect_line(fixture *fix, const text *whole, size_t line, size_t byte)
{
    bool is_seal = line > 1 && whole->starts[line - 1] - whole->starts[line - 2] < TORN_SIZE;
    bool is_bad = fixture_verify(fix) == HSMIAM_ERR_LEDGER;

    if (!is_bad || (fix->verdict.line != line && !(is_seal && fix->verdict.line == line - 1)))
        fail_msg("byte %zu (line %zu): line %u, %s", byte, line, (unsigned)fix->verdict.line,
                 hsmiam_error_get_message(fix->error));
}

static void test_bytes_flipped(void **state)
{
    fixture *fix = *state;
    text whole;

    for (unsigned group = 0; make_ledger(fix, group, &whole); group++) {
        size_t line = 1;
        /* The first two lines are the same in all. */
        for (size_t i = group > 0 ? whole.starts[2] : 0; i < whole.size; i++) {
            while (i >= whole.starts[line])
                line++;
            /* What parts lines is flipped each time. */
            if (i % FLIPS != 0 && i + 1 != whole.starts[line] && i != whole.starts[line - 1])
                continue;
            char flip = (char)(1 << i % 8);
            whole.data[i] ^= flip;
            fixture_write(fix, whole.data, whole.size);
            expect_line(fix, &whole, line, i);
            whole.data[i] ^= flip;
        }
        free(whole.data);
    }
}

/* Whether all up to there is right and signed, or countersigned. */
static bool is_whole(const text *whole, size_t size, size_t *line_out)
{
    size_t line = 0;

    while (whole->starts[line] < size)
        line++;
    *line_out = line;
    return line == 0 || whole->starts[line] - size <= 1;
}

static void test_bytes_cut_off(void **state)
{
    fixture *fix = *state;
    text whole;
    size_t line = 0;

    for (unsigned group = 0; make_ledger(fix, group, &whole); group++) {
        for (size_t size = group > 0 ? whole.starts[2] : 1; size < whole.size - 1; size++) {
            bool ends = is_whole(&whole, size, &line);
            if (!ends && size % CUTS != 0)
                continue;
            fixture_write(fix, whole.data, size);
            hsmiam_status status = fixture_verify(fix);
            if (!ends && (status != HSMIAM_ERR_LEDGER || fix->verdict.line > line ||
                          fix->verdict.line + 1 < line))
                fail_msg("cut at %zu, line %zu: %s", size, line,
                         hsmiam_error_get_message(fix->error));
            if (!ends)
                continue;
            /* Between lines, only a checkpoint shows it. */
            fixture_reopen(fix);
            assert_int_equal(hsmiam_ledger_set_checkpoint(fix->ledger, checkpoint,
                                                          strlen(checkpoint), fix->error),
                             HSMIAM_OK);
            assert_int_equal(fixture_verify(fix), HSMIAM_ERR_LEDGER);
            fixture_reopen(fix);
        }
        free(whole.data);
    }
}

/* Somebody who can write the file, but not sign, adds a line behind each one. */
static void test_added_lines(void **state)
{
    fixture *fix = *state;
    text whole;

    for (unsigned group = 0; make_ledger(fix, group, &whole); group++) {
        for (size_t line = 1; line <= whole.lines; line++) {
            /* What is torn waits for its seal in the next line. */
            bool is_torn = whole.starts[line] - whole.starts[line - 1] < TORN_SIZE;
            for (int sign = 0; sign <= 1; sign++) {
                fixture_write(fix, whole.data, whole.starts[line]);
                fixture_forge(fix, fixture_make_outcome("2", "held"), sign > 0);
                fixture_spoil(fix, whole.data + whole.starts[line],
                              whole.size - whole.starts[line]);
                if (fixture_verify(fix) != HSMIAM_ERR_LEDGER ||
                    (fix->verdict.line != line + 1 && !(is_torn && fix->verdict.line == line)))
                    fail_msg("group %u, behind line %zu, signed %d: %s", group, line, sign,
                             hsmiam_error_get_message(fix->error));
            }
        }
        free(whole.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_bytes_flipped),
        fixture_test(test_bytes_cut_off),
        fixture_test(test_added_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
