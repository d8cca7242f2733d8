/* SPDX-License-Identifier: Apache-2.0 */
#include "support/cmocka_tests.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

/* The last byte of a message is its NUL. */
#define ROOM (HSMIAM_ERROR_MESSAGE_MAX - 1)

static int make(void **state)
{
    *state = hsmiam_error_new();
    return *state == NULL;
}

static int drop(void **state)
{
    hsmiam_error_free((hsmiam_error **)state);
    return *state != NULL;
}

/* Fills `text` with `size` letters and a NUL. */
static const char *letters(char *text, size_t size)
{
    memset(text, 'a', size);
    text[size] = '\0';
    return text;
}

static void test_new_record_is_empty(void **state)
{
    const hsmiam_error *error = *state;

    assert_int_equal(hsmiam_error_get_status(error), HSMIAM_OK);
    assert_int_equal(hsmiam_error_get_domain(error), HSMIAM_DOMAIN_LIBRARY);
    assert_int_equal(hsmiam_error_get_code(error), 0);
    assert_string_equal(hsmiam_error_get_code_name(error), "");
    assert_string_equal(hsmiam_error_get_message(error), "");
    assert_string_equal(hsmiam_error_get_request_id(error), "");
    assert_string_equal(hsmiam_error_get_operation(error), "");
}

static void test_set_replaces_everything(void **state)
{
    hsmiam_error *error = *state;

    assert_int_equal(hsmiam_error_set(error, HSMIAM_ERR_SERVICE, "first"), HSMIAM_ERR_SERVICE);
    hsmiam_error_set_origin(error, HSMIAM_DOMAIN_SERVICE, 404, "NoSuchEntity");
    (void)snprintf(error->request_id, sizeof error->request_id, "id");
    (void)snprintf(error->operation, sizeof error->operation, "CreateAccessKey");

    assert_int_equal(hsmiam_error_set(error, HSMIAM_ERR_PIN, "%s %d", "second", 2), HSMIAM_ERR_PIN);
    assert_int_equal(hsmiam_error_get_status(error), HSMIAM_ERR_PIN);
    assert_int_equal(hsmiam_error_get_domain(error), HSMIAM_DOMAIN_LIBRARY);
    assert_int_equal(hsmiam_error_get_code(error), 0);
    assert_string_equal(hsmiam_error_get_code_name(error), "");
    assert_string_equal(hsmiam_error_get_request_id(error), "");
    assert_string_equal(hsmiam_error_get_operation(error), "");
    assert_string_equal(hsmiam_error_get_message(error), "second 2");
}

static void test_origin(void **state)
{
    hsmiam_error *error = *state;
    char longer[200];

    hsmiam_error_set_origin(error, HSMIAM_DOMAIN_PKCS11, 0xa0, "CKR_PIN_INCORRECT");
    assert_int_equal(hsmiam_error_get_domain(error), HSMIAM_DOMAIN_PKCS11);
    assert_int_equal(hsmiam_error_get_code(error), 0xa0);
    assert_string_equal(hsmiam_error_get_code_name(error), "CKR_PIN_INCORRECT");

    hsmiam_error_set_origin(error, HSMIAM_DOMAIN_SYSTEM, 2, NULL);
    assert_string_equal(hsmiam_error_get_code_name(error), "");
    hsmiam_error_set_origin(error, HSMIAM_DOMAIN_SERVICE, 400, letters(longer, 150));
    assert_int_equal(strlen(hsmiam_error_get_code_name(error)), sizeof error->code_name - 1);
}

static void test_errno(void **state)
{
    hsmiam_error *error = *state;

    assert_int_equal(hsmiam_error_set_errno(error, HSMIAM_ERR_IO, ENOENT, "Cannot open %s", "it"),
                     HSMIAM_ERR_IO);
    assert_string_equal(hsmiam_error_get_message(error),
                        "Cannot open it: No such file or directory");
    assert_int_equal(hsmiam_error_get_domain(error), HSMIAM_DOMAIN_SYSTEM);
    assert_int_equal(hsmiam_error_get_code(error), ENOENT);
}

static void test_memory(void **state)
{
    hsmiam_error *error = *state;

    assert_int_equal(hsmiam_error_set_memory(error, "a token"), HSMIAM_ERR_MEMORY);
    assert_string_equal(hsmiam_error_get_message(error), "There is not enough memory for a token.");
}

static void test_append_parts_by_a_space(void **state)
{
    hsmiam_error *error = *state;

    hsmiam_error_append(error, "%s", "One.");
    assert_string_equal(hsmiam_error_get_message(error), "One.");
    hsmiam_error_append(error, "%s", "Two.");
    assert_string_equal(hsmiam_error_get_message(error), "One. Two.");
    assert_int_equal(hsmiam_error_get_status(error), HSMIAM_OK);
}

/* A service's message seldom ends like a sentence. */
static void test_append_ends_the_sentence_before(void **state)
{
    static const char *const messages[][2] = {
        {"One", "One. Two."},  {"One.", "One. Two."}, {"One:", "One: Two."},
        {"One;", "One; Two."}, {"One!", "One! Two."}, {"One?", "One? Two."},
        {"(1)", "(1) Two."},   {"<1>", "<1> Two."},   {"", "Two."},
    };
    hsmiam_error *error = *state;

    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        (void)hsmiam_error_set(error, HSMIAM_ERR_IO, "%s", messages[i][0]);
        hsmiam_error_append(error, "Two.");
        assert_string_equal(hsmiam_error_get_message(error), messages[i][1]);
    }
}

static void test_clear(void **state)
{
    hsmiam_error *error = *state;

    (void)hsmiam_error_set(error, HSMIAM_ERR_IO, "gone");
    hsmiam_error_clear(error);
    test_new_record_is_empty(state);
}

static void test_arguments_may_point_into_the_record(void **state)
{
    hsmiam_error *error = *state;

    (void)hsmiam_error_set(error, HSMIAM_ERR_IO, "cause");
    hsmiam_error_set_origin(error, HSMIAM_DOMAIN_SERVICE, 1, "Code");
    (void)hsmiam_error_set(error, HSMIAM_ERR_IO, "%s, %s: what came of it",
                           hsmiam_error_get_code_name(error), hsmiam_error_get_message(error));
    assert_string_equal(hsmiam_error_get_message(error), "Code, cause: what came of it");

    hsmiam_error_append(error, "(%s)", hsmiam_error_get_message(error));
    assert_string_equal(hsmiam_error_get_message(error),
                        "Code, cause: what came of it. (Code, cause: what came of it)");

    (void)hsmiam_error_set(error, HSMIAM_ERR_IO, "short");
    (void)hsmiam_error_set_errno(error, HSMIAM_ERR_IO, EIO, "%s", hsmiam_error_get_message(error));
    assert_string_equal(hsmiam_error_get_message(error), "short: Input/output error");
}

/* Each character of two, three and four bytes, cut at each of its bytes. */
static void test_no_torn_character_is_left(void **state)
{
    static const char *const characters[] = {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x94\x91"};
    hsmiam_error *error = *state;
    char text[HSMIAM_ERROR_MESSAGE_MAX];

    for (size_t i = 0; i < sizeof characters / sizeof characters[0]; i++) {
        size_t width = strlen(characters[i]);
        for (size_t kept = 0; kept <= width; kept++) {
            size_t before = ROOM - kept;
            (void)hsmiam_error_set(error, HSMIAM_ERR_IO, "%s%s%s", letters(text, before),
                                   characters[i], "tail");
            size_t expected = kept == width ? ROOM : before;
            assert_int_equal(strlen(hsmiam_error_get_message(error)), expected);
        }
    }
}

static void test_append_cuts_between_characters_too(void **state)
{
    hsmiam_error *error = *state;
    char text[HSMIAM_ERROR_MESSAGE_MAX];

    for (size_t kept = 0; kept < 3; kept++) {
        (void)hsmiam_error_set(error, HSMIAM_ERR_IO, "%s", letters(text, ROOM - 2 - kept));
        hsmiam_error_append(error, "\xe2\x82\xac.");
        assert_int_equal(strlen(hsmiam_error_get_message(error)), ROOM - kept);
    }
    (void)hsmiam_error_set(error, HSMIAM_ERR_IO, "%s", letters(text, ROOM));
    hsmiam_error_append(error, "more");
    assert_int_equal(strlen(hsmiam_error_get_message(error)), ROOM);
}

static void test_no_record_is_no_trouble(void **state)
{
    (void)state;
    hsmiam_error_clear(NULL);
    hsmiam_error_append(NULL, "nothing");
    hsmiam_error_set_origin(NULL, HSMIAM_DOMAIN_SYSTEM, 1, "name");
    hsmiam_error_free(NULL);
    assert_int_equal(hsmiam_error_set(NULL, HSMIAM_ERR_IO, "nothing"), HSMIAM_ERR_IO);
    assert_int_equal(hsmiam_error_set_errno(NULL, HSMIAM_ERR_PIN, EIO, "nothing"), HSMIAM_ERR_PIN);
    assert_int_equal(hsmiam_error_set_memory(NULL, "nothing"), HSMIAM_ERR_MEMORY);
    assert_int_equal(hsmiam_error_get_status(NULL), HSMIAM_OK);
    assert_int_equal(hsmiam_error_get_domain(NULL), HSMIAM_DOMAIN_LIBRARY);
    assert_int_equal(hsmiam_error_get_code(NULL), 0);
    assert_string_equal(hsmiam_error_get_code_name(NULL), "");
    assert_string_equal(hsmiam_error_get_message(NULL), "");
    assert_string_equal(hsmiam_error_get_request_id(NULL), "");
    assert_string_equal(hsmiam_error_get_operation(NULL), "");
}

static void test_free_takes_the_pointer(void **state)
{
    hsmiam_error *error = hsmiam_error_new();

    (void)state;
    assert_non_null(error);
    hsmiam_error_free(&error);
    assert_null(error);
    hsmiam_error_free(&error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_new_record_is_empty, make, drop),
        cmocka_unit_test_setup_teardown(test_set_replaces_everything, make, drop),
        cmocka_unit_test_setup_teardown(test_origin, make, drop),
        cmocka_unit_test_setup_teardown(test_errno, make, drop),
        cmocka_unit_test_setup_teardown(test_memory, make, drop),
        cmocka_unit_test_setup_teardown(test_append_parts_by_a_space, make, drop),
        cmocka_unit_test_setup_teardown(test_append_ends_the_sentence_before, make, drop),
        cmocka_unit_test_setup_teardown(test_clear, make, drop),
        cmocka_unit_test_setup_teardown(test_arguments_may_point_into_the_record, make, drop),
        cmocka_unit_test_setup_teardown(test_no_torn_character_is_left, make, drop),
        cmocka_unit_test_setup_teardown(test_append_cuts_between_characters_too, make, drop),
        cmocka_unit_test(test_no_record_is_no_trouble),
        cmocka_unit_test(test_free_takes_the_pointer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
