/* SPDX-License-Identifier: Apache-2.0 */
/* Reading for show. */
#include "fixture.h"

#include <string.h>

static bool count_record(void *context, const hsmiam_ledger_record *record)
{
    size_t *count = context;
    const char *name = NULL;
    const char *value = NULL;
    hsmiam_member_kind kind = HSMIAM_MEMBER_STRING;

    ++*count;
    assert_true(hsmiam_ledger_record_get_member(record, 0, &name, &value, &kind));
    assert_string_equal(name, "sequence");
    assert_int_equal(kind, HSMIAM_MEMBER_NUMBER);
    assert_string_equal(hsmiam_ledger_record_get_text(record, "sequence"), value);
    assert_null(hsmiam_ledger_record_get_text(record, "nothing"));
    assert_false(hsmiam_ledger_record_get_member(record, 40, &name, &value, &kind));
    return *count < 100;
}

static void test_reading(void **state)
{
    static const struct {
        hsmiam_ledger_filter filter;
        size_t count;
    } cases[] = {
        {{.since = -1, .until = -1}, 4},
        {{.since = -1, .until = -1, .user_name = "alice"}, 3},
        {{.since = -1, .until = -1, .user_name = "bob"}, 0},
        {{.since = -1, .until = -1, .access_key_id = OTHER_ID}, 2},
        {{.since = -1, .until = -1, .access_key_id = KEY_ID}, 2}, /* it signed for two */
        {{.since = -1, .until = -1, .event = "outcome"}, 1},
        {{.since = -1, .until = -1, .event = "intent", .user_name = "alice"}, 1},
        {{.since = 0, .until = -1}, 4},
        {{.since = -1, .until = 0}, 0},
        {{.since = 4102444800, .until = -1}, 0},
    };
    fixture *fix = *state;
    const hsmiam_ledger_filter wrong = {.since = -1, .until = -1, .event = "nonsense"};
    size_t count = 0;

    fixture_import(fix);
    fixture_end(fix, fixture_intend(fix), HSMIAM_RESULT_HELD);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        count = 0;
        assert_int_equal(
            hsmiam_ledger_read(fix->ledger, &cases[i].filter, count_record, &count, fix->error),
            HSMIAM_OK);
        assert_int_equal(count, cases[i].count);
    }
    assert_int_equal(hsmiam_ledger_read(fix->ledger, &wrong, count_record, &count, fix->error),
                     HSMIAM_ERR_ARGUMENT);
    fixture_expect_message(fix, "audit-key, provision, import, intent");
    fixture_spoil(fix, "nonsense\n", 9);
    assert_int_equal(hsmiam_ledger_read(fix->ledger, NULL, count_record, &count, fix->error),
                     HSMIAM_OK);
    assert_int_equal(fix->notices, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_reading),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
