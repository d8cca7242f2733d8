/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever is done to a ledger, the verification names the first line that is not right. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES 10

/* A ledger of LINES lines, and where each begins. */
typedef struct text {
    char *data;
    size_t size;
    size_t starts[LINES + 1]; /* the last one is the end */
} text;

static void make_ledger(fixture *fix, text *made)
{
    size_t line = 1;

    for (int i = 0; i < (LINES - 1) / 3; i++) {
        fixture_import(fix);
        fixture_end(fix, fixture_intend(fix), HSMIAM_RESULT_HELD);
    }
    made->data = fixture_read(fix, &made->size);
    made->starts[0] = 0;
    for (size_t i = 0; i < made->size; i++)
        if (made->data[i] == '\n') {
            assert_true(line <= LINES);
            made->starts[line++] = i + 1;
        }
    assert_int_equal(line, LINES + 1);
    fixture_expect_intact(fix, LINES);
}

/* Writes the lines in an order of their numbers, from 1 on; 0 ends it. */
static void write_lines(const fixture *fix, const text *from, const size_t *order)
{
    char *data = malloc(2 * from->size);
    size_t size = 0;

    assert_non_null(data);
    for (; *order != 0; order++) {
        size_t length = from->starts[*order] - from->starts[*order - 1];
        memcpy(data + size, from->data + from->starts[*order - 1], length);
        size += length;
    }
    fixture_write(fix, data, size);
    free(data);
}

static void test_removed_lines(void **state)
{
    fixture *fix = *state;
    text whole;

    make_ledger(fix, &whole);
    for (size_t first = 1; first < LINES; first++)
        for (size_t count = 1; first + count <= LINES; count++) {
            size_t order[LINES + 1] = {0};
            size_t n = 0;
            for (size_t i = 1; i <= LINES; i++)
                if (i < first || i >= first + count)
                    order[n++] = i;
            write_lines(fix, &whole, order);
            /* Without its first line, the ledger has no key that could be trusted. */
            fixture_expect_fault(fix, first == 1 ? HSMIAM_FAULT_FORGED : HSMIAM_FAULT_REMOVED,
                                 first);
        }
    free(whole.data);
}

static void test_swapped_lines(void **state)
{
    fixture *fix = *state;
    text whole;

    make_ledger(fix, &whole);
    for (size_t a = 2; a <= LINES; a++)
        for (size_t b = a + 1; b <= LINES; b++) {
            size_t order[LINES + 1] = {0};
            for (size_t i = 1; i <= LINES; i++)
                order[i - 1] = i == a ? b : i == b ? a : i;
            write_lines(fix, &whole, order);
            fixture_expect_fault(fix, HSMIAM_FAULT_REORDERED, a);
        }
    free(whole.data);
}

static void test_repeated_lines(void **state)
{
    fixture *fix = *state;
    text whole;

    make_ledger(fix, &whole);
    for (size_t what = 1; what <= LINES; what++)
        for (size_t behind = what; behind <= LINES; behind++) {
            size_t order[LINES + 2] = {0};
            size_t n = 0;
            for (size_t i = 1; i <= LINES; i++) {
                order[n++] = i;
                if (i == behind)
                    order[n++] = what;
            }
            write_lines(fix, &whole, order);
            fixture_expect_fault(fix, HSMIAM_FAULT_ADDED, behind + 1);
        }
    free(whole.data);
}

/* Truncation leaves no trace but in a checkpoint. */
static void keep_text(void *context, const char *line)
{
    char *to = context;

    memcpy(to, line, strlen(line) + 1);
}

static void test_truncation(void **state)
{
    static char checkpoint[HSMIAM_LINE_MAX];
    fixture *fix = *state;
    text whole;

    make_ledger(fix, &whole);
    assert_int_equal(hsmiam_ledger_make_checkpoint(fix->ledger, keep_text, checkpoint, fix->error),
                     HSMIAM_OK);
    for (size_t count = 1; count < LINES; count++) {
        fixture_write(fix, whole.data, whole.starts[count]);
        fixture_expect_intact(fix, count);
        assert_int_equal(
            hsmiam_ledger_set_checkpoint(fix->ledger, checkpoint, strlen(checkpoint), fix->error),
            HSMIAM_OK);
        fixture_expect_fault(fix, HSMIAM_FAULT_TRUNCATED, count);
        fixture_reopen(fix);
    }
    /* Written on from the cut by the right key, it differs. */
    fixture_write(fix, whole.data, whole.starts[LINES - 1]);
    fixture_import(fix);
    fixture_import(fix);
    fixture_expect_intact(fix, LINES + 1);
    assert_int_equal(
        hsmiam_ledger_set_checkpoint(fix->ledger, checkpoint, strlen(checkpoint), fix->error),
        HSMIAM_OK);
    fixture_expect_fault(fix, HSMIAM_FAULT_CHANGED, LINES);
    /* The true one goes on. */
    fixture_write(fix, whole.data, whole.size);
    fixture_import(fix);
    fixture_expect_intact(fix, LINES + 1);
    /* A checkpoint is no line of a ledger, and a line of a ledger no checkpoint. */
    fixture_write(fix, whole.data, whole.size);
    char *both = calloc(1, whole.size + HSMIAM_LINE_MAX);
    assert_non_null(both);
    memcpy(both, whole.data, whole.size);
    memcpy(both + whole.size, checkpoint, strlen(checkpoint));
    fixture_write(fix, both, whole.size + strlen(checkpoint));
    fixture_expect_fault(fix, HSMIAM_FAULT_ADDED, LINES + 1);
    free(both);
    assert_int_equal(
        hsmiam_ledger_set_checkpoint(fix->ledger, whole.data, whole.starts[1], fix->error),
        HSMIAM_ERR_ARGUMENT);
    /* Nor is one that nobody signed. */
    fixture_write(fix, whole.data, whole.size);
    char *digit = strstr(checkpoint, "\"previous\":\"") + 12;
    *digit = *digit == '0' ? '1' : '0';
    assert_int_equal(
        hsmiam_ledger_set_checkpoint(fix->ledger, checkpoint, strlen(checkpoint), fix->error),
        HSMIAM_OK);
    assert_int_equal(fixture_verify(fix), HSMIAM_ERR_ARGUMENT);
    free(whole.data);
}

/* Somebody without the key writes the chain anew from a line on. */
static void test_rewritten_chain(void **state)
{
    fixture *fix = *state;
    text whole;

    make_ledger(fix, &whole);
    hsmiam_hash *hash = hsmiam_hash_new();
    hsmiam_buffer forged;
    hsmiam_buffer_init(&forged, (size_t)1 << 20);
    hsmiam_buffer_append(&forged, whole.data, whole.starts[4]);
    uint8_t digest[HSMIAM_DIGEST_SIZE];
    char hex[HSMIAM_HEX_SIZE] = "";
    for (size_t i = 5; i <= LINES; i++) {
        char line[HSMIAM_LINE_MAX];
        size_t size = whole.starts[i] - whole.starts[i - 1] - 1;
        memcpy(line, whole.data + whole.starts[i - 1], size);
        line[size] = '\0';
        if (i == 5)
            memcpy(strstr(line, "\"alice\""), "\"mallo\"", 7);
        else
            memcpy(strstr(line, "\"previous\":\"") + 12, hex, 64);
        assert_true(hsmiam_hash_compute(hash, line, size, digest));
        hsmiam_hash_format(digest, hex);
        hsmiam_buffer_append(&forged, line, size);
        hsmiam_buffer_append_char(&forged, '\n');
    }
    fixture_write(fix, forged.data, forged.size);
    fixture_expect_fault(fix, HSMIAM_FAULT_FORGED, 5);
    hsmiam_buffer_clear(&forged);
    hsmiam_hash_free(&hash);
    free(whole.data);
}

/* A line of another ledger, by the same key, at the right number. */
static void test_line_from_elsewhere(void **state)
{
    fixture *fix = *state;
    text whole;
    size_t size = 0;

    make_ledger(fix, &whole);
    fixture_write(fix, whole.data, whole.starts[4]);
    fixture_end(fix, 3, HSMIAM_RESULT_UNKNOWN);
    fixture_import(fix);
    char *other = fixture_read(fix, &size);
    char *line = strstr(other, "\"sequence\":6,") - 1;
    char *mixed = calloc(1, whole.size + size);
    assert_non_null(mixed);
    memcpy(mixed, whole.data, whole.starts[5]);
    memcpy(mixed + whole.starts[5], line, strlen(line));
    fixture_write(fix, mixed, whole.starts[5] + strlen(line));
    fixture_expect_fault(fix, HSMIAM_FAULT_ADDED, 6);
    free(mixed);
    free(other);
    free(whole.data);
}

/* Whoever may write the file adds a key of their own. */
static void test_key_from_elsewhere(void **state)
{
    fixture *fix = *state;
    text whole;

    make_ledger(fix, &whole);
    fixture_change_key(fix);
    hsmiam_ledger_set_accept_changed_keys(fix->ledger, true);
    fixture_import(fix);
    fixture_import(fix);
    fixture_expect_fault(fix, HSMIAM_FAULT_FORGED, LINES + 1);
    fixture_expect_message(fix, "neither given as trusted nor introduced");
    free(whole.data);
}

static void test_seal_without_its_object(void **state)
{
    fixture *fix = *state;
    text whole;
    size_t size = 0;

    make_ledger(fix, &whole);
    fixture_write(fix, whole.data, whole.size - 30);
    fixture_import(fix);
    char *sealed = fixture_read(fix, &size);
    fixture_expect_intact(fix, LINES + 1);
    char *cut = calloc(1, size);
    assert_non_null(cut);
    size_t torn = whole.size - 30 - whole.starts[LINES - 1];
    memcpy(cut, sealed, whole.starts[LINES - 1]);
    memcpy(cut + whole.starts[LINES - 1], sealed + whole.starts[LINES - 1] + torn + 1,
           size - whole.starts[LINES - 1] - torn - 1);
    fixture_write(fix, cut, size - torn - 1);
    fixture_expect_fault(fix, HSMIAM_FAULT_REMOVED, LINES);
    sealed[whole.starts[LINES - 1] + 5] ^= 1;
    fixture_write(fix, sealed, size);
    fixture_expect_fault(fix, HSMIAM_FAULT_CHANGED, LINES);
    free(cut);
    free(sealed);
    free(whole.data);
}

static void test_pending_lines(void **state)
{
    fixture *fix = *state;
    size_t size = 0;

    fixture_import(fix);
    mock_fail(MOCK_C_Sign, 0, CKR_DEVICE_REMOVED);
    fixture_import(fix); /* line 3 */
    mock_stop_failing();
    fixture_import(fix); /* lines 4 and 5 */
    fixture_expect_intact(fix, 5);
    char *data = fixture_read(fix, &size);
    char *line = strstr(data, "\"sequence\":3,");
    memcpy(strstr(line, "\"alice\""), "\"mallo\"", 7);
    fixture_write(fix, data, size);
    fixture_expect_fault(fix, HSMIAM_FAULT_CHANGED, 3);
    free(data);
}

/* Unsigned lines are the writer's own, when its key was away; and what it never leaves unsigned is
 * somebody else's. */
static void test_unsigned_lines(void **state)
{
    fixture *fix = *state;
    hsmiam_record renewal = fixture_make_outcome("2", NULL);
    size_t size = 0;

    (void)fixture_intend(fix);
    char *before = fixture_read(fix, &size);
    renewal.fields[HSMIAM_FIELD_EVENT] = "renewal";
    renewal.fields[HSMIAM_FIELD_ACCESS_KEY_ID] = NULL;
    renewal.fields[HSMIAM_FIELD_REQUEST_TIME] = "2035-08-30T12:36:00Z";
    fixture_forge(fix, renewal, false);
    fixture_expect_fault(fix, HSMIAM_FAULT_UNSIGNED, 3);
    fixture_expect_message(fix, "such a record is always signed");
    fixture_write(fix, before, size);
    fixture_forge(fix, fixture_make_outcome("2", "held"), false);
    fixture_expect_fault(fix, HSMIAM_FAULT_UNSIGNED, 3);
    hsmiam_ledger_set_allow_unsigned(fix->ledger, true);
    fixture_expect_intact(fix, 3);
    hsmiam_ledger_set_allow_unsigned(fix->ledger, false);
    fixture_import(fix);
    fixture_expect_intact(fix, 5);
    assert_int_equal(fix->verdict.pending, 1);
    free(before);
}

/* Somebody takes all signatures away and chains the rest anew. */
static void test_stripped_ledger(void **state)
{
    fixture *fix = *state;
    static char pem[HSMIAM_LINE_MAX];
    text whole;

    make_ledger(fix, &whole);
    assert_int_equal(hsmiam_ledger_export_public_key(fix->ledger, keep_text, pem, fix->error),
                     HSMIAM_OK);
    fixture_write(fix, "", 0);
    for (int i = 0; i < 3; i++)
        fixture_forge(fix, fixture_make_outcome("2", "held"), false);
    for (int pinned = 0; pinned <= 1; pinned++) {
        fixture_expect_fault(fix, HSMIAM_FAULT_UNSIGNED, 1);
        assert_int_equal(hsmiam_ledger_trust_key(fix->ledger, pem, strlen(pem), fix->error),
                         HSMIAM_OK);
    }
    free(whole.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_removed_lines),      fixture_test(test_swapped_lines),
        fixture_test(test_repeated_lines),     fixture_test(test_truncation),
        fixture_test(test_rewritten_chain),    fixture_test(test_line_from_elsewhere),
        fixture_test(test_key_from_elsewhere), fixture_test(test_seal_without_its_object),
        fixture_test(test_pending_lines),      fixture_test(test_unsigned_lines),
        fixture_test(test_stripped_ledger),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
