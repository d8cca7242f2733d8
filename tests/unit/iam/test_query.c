/* SPDX-License-Identifier: Apache-2.0 */

#include "support/cmocka_tests.h"

#include <string.h>

#include "iam/query.h"

static void test_encoding(void **state)
{
    static const struct {
        const char *value;
        const char *encoded; /* as Python's urllib.parse.urlencode() has it, which botocore uses */
    } rows[] = {
        {"", ""},
        {"bob", "bob"},
        {"AZaz09-_.~", "AZaz09-_.~"},
        {"a b", "a%20b"},
        {"b+=,.@-_o", "b%2B%3D%2C.%40-_o"},
        {"&;/?:#%\"'()*!$", "%26%3B%2F%3F%3A%23%25%22%27%28%29%2A%21%24"},
        {"\x01\x7f", "%01%7F"},
        {"\xc3\xbc\xe2\x82\xac", "%C3%BC%E2%82%AC"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        hsmiam_buffer query;
        hsmiam_buffer_init(&query, 1024);
        hsmiam_query_append(&query, "UserName", rows[i].value);
        const char *text = hsmiam_buffer_get_string(&query);
        assert_memory_equal(text, "UserName=", 9);
        assert_string_equal(text + 9, rows[i].encoded);
        hsmiam_buffer_clear(&query);
    }
}

static void test_pairs(void **state)
{
    hsmiam_buffer query;

    (void)state;
    hsmiam_buffer_init(&query, 1024);
    hsmiam_query_append(&query, "Action", "CreateAccessKey");
    hsmiam_query_append(&query, "Version", "2010-05-08");
    hsmiam_query_append(&query, "UserName", "X");
    assert_string_equal(hsmiam_buffer_get_string(&query),
                        "Action=CreateAccessKey&Version=2010-05-08&UserName=X");
    hsmiam_buffer_clear(&query);
}

static void test_limit(void **state)
{
    hsmiam_buffer query;

    (void)state;
    hsmiam_buffer_init(&query, 8);
    hsmiam_query_append(&query, "Name", "\xff\xff");
    assert_int_equal(hsmiam_buffer_check(&query, "the request", NULL), HSMIAM_ERR_MEMORY);
    hsmiam_buffer_clear(&query);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encoding),
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
