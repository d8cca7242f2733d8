/* SPDX-License-Identifier: Apache-2.0 */
#include "support/cmocka_tests.h"

#include <string.h>

#include "base/buffer.h"

static void test_empty(void **state)
{
    hsmiam_buffer buffer;

    (void)state;
    hsmiam_buffer_init(&buffer, 10);
    assert_string_equal(hsmiam_buffer_get_string(&buffer), "");
    assert_int_equal(buffer.size, 0);
    assert_int_equal(hsmiam_buffer_check(&buffer, "it", NULL), HSMIAM_OK);
    hsmiam_buffer_clear(&buffer);
}

static void test_each_append(void **state)
{
    hsmiam_buffer buffer;

    (void)state;
    hsmiam_buffer_init(&buffer, 100);
    hsmiam_buffer_append(&buffer, "onexxx", 3);
    hsmiam_buffer_append_string(&buffer, " two");
    hsmiam_buffer_append_char(&buffer, ' ');
    hsmiam_buffer_append_format(&buffer, "%s-%03d", "three", 7);
    hsmiam_buffer_append(&buffer, NULL, 0);
    hsmiam_buffer_append_string(&buffer, "");
    assert_string_equal(hsmiam_buffer_get_string(&buffer), "one two three-007");
    assert_int_equal(buffer.size, strlen("one two three-007"));
    assert_int_equal(hsmiam_buffer_check(&buffer, "it", NULL), HSMIAM_OK);
    hsmiam_buffer_clear(&buffer);
}

static void test_bytes_with_nul(void **state)
{
    hsmiam_buffer buffer;

    (void)state;
    hsmiam_buffer_init(&buffer, 10);
    hsmiam_buffer_append(&buffer, "a\0b", 3);
    assert_int_equal(buffer.size, 3);
    assert_memory_equal(hsmiam_buffer_get_string(&buffer), "a\0b", 4);
    hsmiam_buffer_clear(&buffer);
}

static void test_growth_keeps_the_content(void **state)
{
    hsmiam_buffer buffer;

    (void)state;
    hsmiam_buffer_init(&buffer, 5000);
    for (size_t i = 0; i < 5000; i++)
        hsmiam_buffer_append_char(&buffer, (char)('a' + i % 26));
    assert_int_equal(hsmiam_buffer_check(&buffer, "it", NULL), HSMIAM_OK);
    assert_int_equal(buffer.size, 5000);
    for (size_t i = 0; i < 5000; i++)
        assert_int_equal(hsmiam_buffer_get_string(&buffer)[i], 'a' + i % 26);
    assert_int_equal(hsmiam_buffer_get_string(&buffer)[5000], '\0');
    hsmiam_buffer_clear(&buffer);
}

static void test_limit_is_exact(void **state)
{
    hsmiam_buffer buffer;

    (void)state;
    hsmiam_buffer_init(&buffer, 4);
    hsmiam_buffer_append_string(&buffer, "1234");
    assert_int_equal(hsmiam_buffer_check(&buffer, "it", NULL), HSMIAM_OK);
    hsmiam_buffer_append_char(&buffer, '5');
    assert_int_equal(hsmiam_buffer_check(&buffer, "it", NULL), HSMIAM_ERR_MEMORY);
    assert_string_equal(hsmiam_buffer_get_string(&buffer), "1234");
    hsmiam_buffer_clear(&buffer);

    hsmiam_buffer_append_format(&buffer, "%d", 12345);
    assert_int_equal(hsmiam_buffer_check(&buffer, "it", NULL), HSMIAM_ERR_MEMORY);
    assert_string_equal(hsmiam_buffer_get_string(&buffer), "");
    hsmiam_buffer_clear(&buffer);
}

static void test_failure_sticks_until_cleared(void **state)
{
    hsmiam_error *error = hsmiam_error_new();
    hsmiam_buffer buffer;

    (void)state;
    hsmiam_buffer_init(&buffer, 4);
    hsmiam_buffer_append_string(&buffer, "12345");
    hsmiam_buffer_append_string(&buffer, "1");
    assert_string_equal(hsmiam_buffer_get_string(&buffer), "");
    assert_int_equal(hsmiam_buffer_check(&buffer, "a name", error), HSMIAM_ERR_MEMORY);
    assert_string_equal(hsmiam_error_get_message(error),
                        "There is not enough memory for a name, or it is over 4 bytes.");

    hsmiam_buffer_clear(&buffer);
    hsmiam_buffer_append_string(&buffer, "1234");
    assert_int_equal(hsmiam_buffer_check(&buffer, "a name", error), HSMIAM_OK);
    hsmiam_buffer_append_string(&buffer, "5");
    assert_int_equal(hsmiam_buffer_check(&buffer, "a name", error), HSMIAM_ERR_MEMORY);
    hsmiam_buffer_clear(&buffer);
    hsmiam_error_free(&error);
}

static void test_huge_size_does_not_wrap(void **state)
{
    hsmiam_buffer buffer;

    (void)state;
    hsmiam_buffer_init(&buffer, 100);
    hsmiam_buffer_append_string(&buffer, "some");
    hsmiam_buffer_append(&buffer, "x", SIZE_MAX);
    assert_int_equal(hsmiam_buffer_check(&buffer, "it", NULL), HSMIAM_ERR_MEMORY);
    assert_string_equal(hsmiam_buffer_get_string(&buffer), "some");
    hsmiam_buffer_clear(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_each_append),
        cmocka_unit_test(test_bytes_with_nul),
        cmocka_unit_test(test_growth_keeps_the_content),
        cmocka_unit_test(test_limit_is_exact),
        cmocka_unit_test(test_failure_sticks_until_cleared),
        cmocka_unit_test(test_huge_size_does_not_wrap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
