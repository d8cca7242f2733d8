/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of an intent without an outcome: the rules. */
#include "custody/settle.h"
#include "support/cmocka_tests.h"

static void test_rules(void **state)
{
    static const struct {
        hsmiam_evidence evidence;
        hsmiam_settle_action action;
    } cases[] = {
        {{.before_known = true}, HSMIAM_SETTLE_WAIT},
        {{.before_known = false}, HSMIAM_SETTLE_WAIT},
        {{.before_known = true, .window_over = true}, HSMIAM_SETTLE_NOT_EXECUTED},
        {{.before_known = false, .window_over = true}, HSMIAM_SETTLE_NOT_EXECUTED},
        /* By elimination, once nothing can appear any more. */
        {{.before_known = true, .orphans = 1}, HSMIAM_SETTLE_WAIT},
        {{.before_known = true, .orphans = 1, .window_over = true}, HSMIAM_SETTLE_DELETE},
        {{.before_known = false, .orphans = 1}, HSMIAM_SETTLE_NAME},
        {{.before_known = false, .orphans = 1, .window_over = true}, HSMIAM_SETTLE_NAME},
        {{.before_known = true, .orphans = 2}, HSMIAM_SETTLE_NAME},
        {{.before_known = true, .orphans = 2, .window_over = true}, HSMIAM_SETTLE_NAME},
        {{.before_known = true, .unclear = 1}, HSMIAM_SETTLE_NAME},
        {{.before_known = true, .unclear = 1, .window_over = true}, HSMIAM_SETTLE_NAME},
        {{.before_known = true, .orphans = 1, .unclear = 1}, HSMIAM_SETTLE_NAME},
        {{.before_known = true, .held = 1}, HSMIAM_SETTLE_WAIT},
        {{.before_known = true, .held = 1, .window_over = true}, HSMIAM_SETTLE_PROVE},
        {{.before_known = false, .held = 1}, HSMIAM_SETTLE_WAIT},
        {{.before_known = false, .held = 1, .window_over = true}, HSMIAM_SETTLE_PROVE},
        {{.before_known = true, .held = 1, .is_inactive = true}, HSMIAM_SETTLE_ACTIVATE},
        {{.held = 1, .is_inactive = true, .window_over = true}, HSMIAM_SETTLE_ACTIVATE},
        {{.before_known = true, .held = 1, .orphans = 1}, HSMIAM_SETTLE_NAME},
        {{.before_known = true, .held = 1, .orphans = 1, .window_over = true}, HSMIAM_SETTLE_NAME},
        {{.before_known = true, .held = 2, .window_over = true}, HSMIAM_SETTLE_NAME},
        {{.hint_held = true}, HSMIAM_SETTLE_WAIT},
        {{.hint_held = true, .window_over = true}, HSMIAM_SETTLE_DESTROY},
        {{.hint_held = true, .orphans = 1, .before_known = true}, HSMIAM_SETTLE_WAIT},
        /* There were several once: the one that is left may be anybody's. */
        {{.was_ambiguous = true, .before_known = true}, HSMIAM_SETTLE_WAIT},
        {{.was_ambiguous = true, .before_known = true, .window_over = true}, HSMIAM_SETTLE_GONE},
        {{.was_ambiguous = true, .before_known = true, .orphans = 1}, HSMIAM_SETTLE_NAME},
        {{.was_ambiguous = true, .before_known = true, .orphans = 1, .window_over = true},
         HSMIAM_SETTLE_NAME},
        {{.was_ambiguous = true, .held = 1, .window_over = true}, HSMIAM_SETTLE_PROVE},
        /* The answer told which it is. */
        {{.id_known = true, .id_listed = true}, HSMIAM_SETTLE_DELETE},
        {{.id_known = true, .id_listed = true, .window_over = true}, HSMIAM_SETTLE_DELETE},
        {{.id_known = true, .id_listed = true, .was_ambiguous = true}, HSMIAM_SETTLE_DELETE},
        {{.id_known = true, .id_listed = true, .id_strange = true}, HSMIAM_SETTLE_NAME},
        {{.id_known = true, .id_held = true, .id_strange = true, .window_over = true},
         HSMIAM_SETTLE_NAME},
        {{.id_known = true}, HSMIAM_SETTLE_WAIT},
        {{.id_known = true, .window_over = true}, HSMIAM_SETTLE_GONE},
        {{.id_known = true, .id_held = true}, HSMIAM_SETTLE_WAIT},
        {{.id_known = true, .id_held = true, .window_over = true}, HSMIAM_SETTLE_DESTROY},
        {{.id_known = true, .id_held = true, .id_listed = true}, HSMIAM_SETTLE_PROVE},
        {{.id_known = true, .id_held = true, .id_listed = true, .is_inactive = true},
         HSMIAM_SETTLE_UNDO},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(hsmiam_settle_decide(HSMIAM_EVENT_INTENT, &cases[i].evidence),
                         cases[i].action);
}

/* What no answer told the id of is neither deleted nor proven before the end of the window, and not
 * where there are several, whatever else is known. */
static void test_no_haste(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 1U << 10; bits++) {
        const hsmiam_evidence evidence = {
            .before_known = bits & 1U,
            .window_over = bits & 2U,
            .was_ambiguous = bits & 4U,
            .hint_held = bits & 8U,
            .is_inactive = bits & 16U,
            .held = bits >> 5 & 1U,
            .orphans = bits >> 6 & 3U,
            .unclear = bits >> 8 & 3U,
        };
        size_t candidates = evidence.held + evidence.orphans + evidence.unclear;
        hsmiam_settle_action action = hsmiam_settle_decide(HSMIAM_EVENT_INTENT, &evidence);

        if (!evidence.window_over)
            assert_true(action == HSMIAM_SETTLE_WAIT || action == HSMIAM_SETTLE_NAME ||
                        action == HSMIAM_SETTLE_ACTIVATE);
        if (candidates > 1)
            assert_int_equal(action, HSMIAM_SETTLE_NAME);
        if (action == HSMIAM_SETTLE_DELETE)
            assert_true(candidates == 1 && evidence.orphans == 1 && evidence.before_known &&
                        !evidence.was_ambiguous);
        assert_int_not_equal(action, HSMIAM_SETTLE_UNDO);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_no_haste),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
