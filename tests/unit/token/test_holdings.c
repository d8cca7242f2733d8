/* SPDX-License-Identifier: Apache-2.0 */
/* Listing what a token holds. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRET "hush/hush+hush/hush+hush/hush+hush/hush+"

static hsmiam_held_key *keys;
static size_t count;

static hsmiam_status list(fixture *fix, const char *id)
{
    free(keys);
    keys = NULL;
    count = 0;
    hsmiam_error_clear(fix->error);
    return hsmiam_token_list_access_keys(fix->token, id, &keys, &count, fix->error);
}

static CK_OBJECT_HANDLE add(const char *id, const char *label, bool extractable)
{
    CK_OBJECT_HANDLE object = mock_add_access_key(id, label, SECRET);

    mock_set_flag(object, CKA_EXTRACTABLE, extractable);
    return object;
}

static void test_all(void **state)
{
    fixture *fix = *state;

    (void)fixture_open_token(fix);
    assert_int_equal(list(fix, NULL), HSMIAM_OK);
    assert_int_equal(count, 0);
    assert_null(keys);

    (void)add("AKIACCCCCCCCCCCCCCCC", "carol", false);
    (void)add("AKIAAAAAAAAAAAAAAAAA", "alice", true);
    (void)add("no access key id", "x", false);
    mock_set_flag(add("AKIAPLANTEDPLANTED00", "x", false), CKA_PRIVATE, false);
    mock_forget_attribute(add("AKIABBBBBBBBBBBBBBBB", "", false), CKA_LABEL);
    assert_int_equal(list(fix, NULL), HSMIAM_OK);
    assert_int_equal(count, 3);
    assert_string_equal(keys[0].id, "AKIAAAAAAAAAAAAAAAAA");
    assert_string_equal(keys[0].label, "alice");
    assert_true(keys[0].is_extractable);
    assert_string_equal(keys[1].label, "");
    assert_string_equal(keys[2].label, "carol");
    assert_false(keys[2].is_extractable);
    assert_int_equal(list(fix, "AKIABBBBBBBBBBBBBBBB"), HSMIAM_OK);
    assert_int_equal(count, 1);
    assert_int_equal(list(fix, "AKIADDDDDDDDDDDDDDDD"), HSMIAM_OK);
    assert_int_equal(count, 0);
    free(keys);
    keys = NULL;
}

/* What a token does not tell of a key may be so. */
static void test_extractable_if_not_told(void **state)
{
    fixture *fix = *state;

    (void)fixture_open_token(fix);
    mock_forget_attribute(add("AKIAAAAAAAAAAAAAAAAA", "alice", false), CKA_EXTRACTABLE);
    assert_int_equal(list(fix, NULL), HSMIAM_OK);
    assert_true(keys[0].is_extractable);
    free(keys);
    keys = NULL;
}

static void test_failures(void **state)
{
    static const mock_function functions[] = {MOCK_C_FindObjectsInit, MOCK_C_FindObjects,
                                              MOCK_C_FindObjectsFinal, MOCK_C_GetAttributeValue};
    fixture *fix = *state;

    (void)fixture_open_token(fix);
    (void)add("AKIAAAAAAAAAAAAAAAAA", "alice", false);
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        mock_fail(functions[i], 0, CKR_FUNCTION_FAILED);
        assert_int_equal(list(fix, NULL), HSMIAM_ERR_TOKEN);
        fixture_expect_message(fix, mock_get_name(functions[i]));
        mock_stop_failing();
        assert_int_equal(list(fix, NULL), HSMIAM_OK); /* also behind a search that did not end */
        /* A loss, for once: it is done anew. */
        mock_fail(functions[i], 1, CKR_SESSION_HANDLE_INVALID);
        assert_int_equal(list(fix, NULL), HSMIAM_OK);
        assert_int_equal(count, 1);
        mock_stop_failing();
    }
    mock.too_many = 3;
    assert_int_equal(list(fix, NULL), HSMIAM_ERR_TOKEN);
    free(keys);
    keys = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_all),
        fixture_test(test_extractable_if_not_told),
        fixture_test(test_failures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
