/* SPDX-License-Identifier: Apache-2.0 */
/* What crashes leave behind, and what is no ledger. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

/* A crash may leave any beginning of a line; nothing of it is dropped. */
static void test_torn_line_is_sealed(void **state)
{
    fixture *fix = *state;
    size_t size = 0;

    fixture_import(fix);
    fixture_import(fix);
    char *data = fixture_read(fix, &size);
    size_t last = size - 1;
    while (data[last - 1] != '\n')
        last--;
    for (size_t cut = last + 1; cut < size - 1; cut += 7) {
        fixture_write(fix, data, cut);
        fixture_expect_fault(fix, HSMIAM_FAULT_TORN, 3);
        fixture_reopen(fix);
        fixture_import(fix);
        fixture_expect_intact(fix, 4);
        assert_int_equal(fix->verdict.sealed, 1);
        assert_int_equal(fix->findings[HSMIAM_LEDGER_SEALED], 1);
        size_t after = 0;
        char *sealed = fixture_read(fix, &after);
        assert_memory_equal(sealed, data, cut);
        free(sealed);
    }
    free(data);
}

/* Where there is nothing to record, recovery does what a writer would. */
static void test_torn_line_is_sealed_by_mending(void **state)
{
    fixture *fix = *state;

    fixture_import(fix);
    assert_int_equal(hsmiam_ledger_mend(fix->ledger, fix->error), HSMIAM_OK);
    assert_int_equal(fixture_count_lines(fix), 2);
    fixture_spoil(fix, "{\"sequence\":3,\"ti", 17);
    fixture_expect_fault(fix, HSMIAM_FAULT_TORN, 3);
    assert_int_equal(hsmiam_ledger_mend(fix->ledger, fix->error), HSMIAM_OK);
    fixture_expect_intact(fix, 3);
    assert_int_equal(fix->verdict.sealed, 1);
}

/* A record whose end was never written does not explain where a key comes from. */
static void test_torn_line_knows_no_key(void **state)
{
    static const char torn[] = "{\"sequence\":3,\"access_key_id\":\"AKIATORNTORNTORNTORN\",\"re";
    fixture *fix = *state;
    bool known = true;

    fixture_import(fix);
    fixture_spoil(fix, torn, sizeof torn - 1);
    fixture_import(fix);
    assert_int_equal(
        hsmiam_ledger_knows_key(fix->ledger, "AKIATORNTORNTORNTORN", 0, &known, fix->error),
        HSMIAM_OK);
    assert_false(known);
    assert_int_equal(hsmiam_ledger_knows_key(fix->ledger, OTHER_ID, 0, &known, fix->error),
                     HSMIAM_OK);
    assert_true(known);
}

static void test_line_without_its_end_is_a_line(void **state)
{
    fixture *fix = *state;
    size_t size = 0;

    fixture_import(fix);
    char *data = fixture_read(fix, &size);
    fixture_write(fix, data, size - 1);
    free(data);
    fixture_expect_intact(fix, 2);
    fixture_import(fix);
    fixture_expect_intact(fix, 3);
    assert_int_equal(fix->verdict.sealed, 0);
}

static void test_garbage_of_several_lines_is_sealed(void **state)
{
    static const char zeros[4096];
    fixture *fix = *state;

    fixture_import(fix);
    fixture_spoil(fix, "one\ntwo\n\nthree\n", 15);
    fixture_expect_fault(fix, HSMIAM_FAULT_CHANGED, 3);
    fixture_import(fix);
    fixture_expect_intact(fix, 4);
    for (int i = 0; i < 20; i++) /* more than the window of a reader has */
        fixture_spoil(fix, zeros, sizeof zeros);
    fixture_import(fix);
    fixture_expect_intact(fix, 6);
    assert_int_equal(fix->verdict.sealed, 2);
}

static void test_first_line_torn(void **state)
{
    fixture *fix = *state;

    fixture_spoil(fix, "{\"sequence\":1,\"ti", 17);
    fixture_import(fix);
    fixture_expect_intact(fix, 4); /* a seal, the key, a countersignature, the import */
    assert_int_equal(fix->verdict.pending, 1);
}

static void test_file_that_is_no_ledger(void **state)
{
    fixture *fix = *state;
    size_t size = 0;
    hsmiam_ledger_facts facts = fixture_facts;

    fixture_spoil(fix, "root:x:0:0:root:/root:/bin/bash\n", 32);
    facts.access_key_id = OTHER_ID;
    facts.partition = facts.endpoint = facts.credential_id = NULL;
    assert_int_equal(hsmiam_ledger_add_import(fix->ledger, &facts, fix->error), HSMIAM_ERR_LEDGER);
    fixture_expect_message(fix, "does not end like a ledger");
    free(fixture_read(fix, &size));
    assert_int_equal(size, 32);
    fixture_expect_fault(fix, HSMIAM_FAULT_CHANGED, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_torn_line_is_sealed),
        fixture_test(test_torn_line_is_sealed_by_mending),
        fixture_test(test_torn_line_knows_no_key),
        fixture_test(test_line_without_its_end_is_a_line),
        fixture_test(test_garbage_of_several_lines_is_sealed),
        fixture_test(test_first_line_torn),
        fixture_test(test_file_that_is_no_ledger),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
