/* SPDX-License-Identifier: Apache-2.0 */
/* The pace that clients share, by a clock of the test's own. */
#include "support/cmocka_tests.h"

#include "iam/pace.h"

#define MS ((int64_t)1000000)

static hsmiam_pace *pace;

static int set_up(void **state)
{
    (void)state;
    return (int)hsmiam_pace_new(&pace, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    hsmiam_pace_free(&pace);
    assert_null(pace);
    return 0;
}

static void nobody_waits_at_first(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++)
        assert_int_equal(hsmiam_pace_take_turn(pace, 5 * MS), 0);
}

static void all_wait_for_one_pause(void **state)
{
    (void)state;
    hsmiam_pace_slow_down(pace, 0, 10 * MS, 3000);
    assert_int_equal(hsmiam_pace_take_turn(pace, 10 * MS), 3000);
    assert_int_equal(hsmiam_pace_take_turn(pace, 3009 * MS), 1);
    /* A shorter one does not end it. */
    hsmiam_pace_slow_down(pace, 0, 20 * MS, 5);
    assert_int_equal(hsmiam_pace_take_turn(pace, 2010 * MS), 1000);
    assert_int_equal(hsmiam_pace_take_turn(pace, 3010 * MS), 0);
}

static void they_go_on_one_by_one(void **state)
{
    (void)state;
    hsmiam_pace_slow_down(pace, 0, 0, 0);
    assert_int_equal(hsmiam_pace_take_turn(pace, 0), 0);
    assert_int_equal(hsmiam_pace_take_turn(pace, 0), 20);
    assert_int_equal(hsmiam_pace_take_turn(pace, 20 * MS), 0);
}

static void at_half_the_pace_that_was(void **state)
{
    int64_t now = 0;

    (void)state;
    for (int i = 0; i < 100; i++)
        assert_int_equal(hsmiam_pace_take_turn(pace, now += 50 * MS), 0);
    hsmiam_pace_slow_down(pace, now, now, 0);
    assert_int_equal(hsmiam_pace_take_turn(pace, now), 0);
    assert_in_range(hsmiam_pace_take_turn(pace, now), 85, 100);
}

/* Requests that were under way together are throttled together, for one reason. */
static void one_burst_counts_once(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++)
        hsmiam_pace_slow_down(pace, i * MS, (50 + i) * MS, 0);
    assert_int_equal(hsmiam_pace_take_turn(pace, 100 * MS), 0);
    assert_int_equal(hsmiam_pace_take_turn(pace, 100 * MS), 20);
    hsmiam_pace_slow_down(pace, 100 * MS, 150 * MS, 0);
    assert_int_equal(hsmiam_pace_take_turn(pace, 200 * MS), 0);
    assert_int_equal(hsmiam_pace_take_turn(pace, 200 * MS), 40);
}

static void there_is_a_slowest(void **state)
{
    (void)state;
    for (int i = 0; i < 30; i++)
        hsmiam_pace_slow_down(pace, i * MS, i * MS, 0);
    assert_int_equal(hsmiam_pace_take_turn(pace, 30 * MS), 0);
    assert_int_equal(hsmiam_pace_take_turn(pace, 30 * MS), 5000);
}

static void answers_bring_the_pace_back(void **state)
{
    unsigned before = 100;
    int64_t now = 0;

    (void)state;
    hsmiam_pace_slow_down(pace, 0, 0, 0);
    for (int i = 0; i < 130; i++) {
        now += 1000 * MS;
        assert_int_equal(hsmiam_pace_take_turn(pace, now), 0);
        unsigned wait = hsmiam_pace_take_turn(pace, now);
        assert_true(wait <= before);
        before = wait;
        hsmiam_pace_speed_up(pace);
    }
    assert_int_equal(before, 0);
}

int main(void)
{
#define pace_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        pace_test(nobody_waits_at_first),       pace_test(all_wait_for_one_pause),
        pace_test(they_go_on_one_by_one),       pace_test(at_half_the_pace_that_was),
        pace_test(one_burst_counts_once),       pace_test(there_is_a_slowest),
        pace_test(answers_bring_the_pace_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
