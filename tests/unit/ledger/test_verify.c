/* SPDX-License-Identifier: Apache-2.0 */
/* Verifications that need threads, and ledgers that are not there. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY 1200 /* enough for several batches */

static void test_many_records(void **state)
{
    fixture *fix = *state;
    size_t size = 0;

    for (int i = 1; i < MANY; i++)
        fixture_import(fix);
    fixture_expect_intact(fix, MANY);
    char *data = fixture_read(fix, &size);
    /* The first of several bad lines is the one that is named. */
    for (unsigned line = MANY - 100; line > 100; line -= 250) {
        char number[32];
        (void)snprintf(number, sizeof number, "{\"sequence\":%u,", line);
        char *at = strstr(strstr(data, number), "\"sig\":\"") + 20;
        *at = *at == 'A' ? 'B' : 'A';
        fixture_write(fix, data, size);
        assert_int_equal(fixture_verify(fix), HSMIAM_ERR_LEDGER);
        assert_int_equal(fix->verdict.line, line);
    }
    free(data);
}

static void test_no_ledger(void **state)
{
    fixture *fix = *state;

    assert_int_equal(fixture_verify(fix), HSMIAM_ERR_IO);
    fixture_expect_message(fix, "cannot be read: No such file");
    fixture_write(fix, "", 0);
    fixture_expect_intact(fix, 0);
}

static void test_line_that_is_too_long(void **state)
{
    fixture *fix = *state;
    size_t size = 300000;
    char *data = malloc(size);

    assert_non_null(data);
    memset(data, 'x', size);
    fixture_write(fix, data, size);
    fixture_expect_fault(fix, HSMIAM_FAULT_TORN, 1);
    data[size - 1] = '\n';
    fixture_write(fix, data, size);
    fixture_expect_fault(fix, HSMIAM_FAULT_CHANGED, 1);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_many_records),
        fixture_test(test_no_ledger),
        fixture_test(test_line_that_is_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
