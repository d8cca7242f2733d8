/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "csv.h"

#include <stdio.h>

static char text[2048];
static tool_csv_key key;
static tool_error error;

static int clear(void **state)
{
    (void)state;
    tool_error_clear(&error);
    return 0;
}

static hsmiam_status find(const char *content, const char *wanted_id)
{
    tool_error_clear(&error);
    key = (tool_csv_key){0};
    (void)snprintf(text, sizeof text, "%s", content);
    return tool_csv_find_key(text, strlen(text), "keys.csv", wanted_id, &key, &error);
}

static void reads_the_consoles_files(void **state)
{
    (void)state;
    assert_int_equal(find("\xef\xbb\xbf"
                          "Access key ID,Secret access key\r\nAKIA1,sEcReT/+1\r\n",
                          NULL),
                     HSMIAM_OK);
    assert_string_equal(key.access_key_id, "AKIA1");
    assert_string_equal(key.secret, "sEcReT/+1");
    assert_null(key.user_name);
    assert_int_equal(find("User name,Password,Access key ID,Secret access key,Console login link\n"
                          "Bob,,AKIA2,sEcReT2,https://x",
                          NULL),
                     HSMIAM_OK);
    assert_string_equal(key.access_key_id, "AKIA2");
    assert_string_equal(key.secret, "sEcReT2");
    assert_string_equal(key.user_name, "Bob");
}

static void finds_columns_by_header(void **state)
{
    (void)state;
    assert_int_equal(find("SECRET ACCESS KEY, access key id ,User Name\nsEcReT,AKIA,\n", NULL),
                     HSMIAM_OK);
    assert_string_equal(key.access_key_id, "AKIA");
    assert_string_equal(key.secret, "sEcReT");
    assert_null(key.user_name);
    assert_int_equal(find("Access key ID,Key\nAKIA,sEcReT\n", NULL), HSMIAM_ERR_ARGUMENT);
    assert_contains(error.message, "keys.csv, line 1: the headers");
    assert_int_equal(find("Access key ID,Secret access key,access KEY id\nA,b,c\n", NULL),
                     HSMIAM_ERR_ARGUMENT);
}

static void unquotes(void **state)
{
    (void)state;
    assert_int_equal(find("\"Access key ID\",\"Secret access key\",\"User name\"\r\n"
                          "\"AKIA\",\"a\"\"b,\nc\",\"\"\r\n",
                          NULL),
                     HSMIAM_OK);
    assert_string_equal(key.access_key_id, "AKIA");
    assert_string_equal(key.secret, "a\"b,\nc");
    assert_null(key.user_name);
    assert_int_equal(find("Access key ID,Secret access key\n\"AKIA,x\n", NULL),
                     HSMIAM_ERR_ARGUMENT);
    assert_contains(error.message, "line 2: a quoted field is not closed");
    assert_int_equal(find("Access key ID,Secret access key\n\"AKIA\"x,y\n", NULL),
                     HSMIAM_ERR_ARGUMENT);
    assert_contains(error.message, "followed by something");
}

static void picks_the_row(void **state)
{
    static const char two[] = "Access key ID,Secret access key\nAKIA1,one\n\nAKIA2,two\n";

    (void)state;
    assert_int_equal(find(two, NULL), HSMIAM_ERR_ARGUMENT);
    assert_contains(error.message, "holds 2 access keys. Choose one by --access-key-id.");
    assert_int_equal(find(two, "AKIA2"), HSMIAM_OK);
    assert_string_equal(key.secret, "two");
    assert_int_equal(find(two, "AKIA3"), HSMIAM_ERR_ARGUMENT);
    assert_string_equal(error.message,
                        "keys.csv holds no access key with the id that was given (5 characters)");
    assert_int_equal(find("Access key ID,Secret access key\nA,1\nA,2\n", "A"), HSMIAM_ERR_ARGUMENT);
    assert_contains(error.message, "more than once");
    assert_int_equal(find("Access key ID,Secret access key\n", NULL), HSMIAM_ERR_ARGUMENT);
    assert_string_equal(error.message, "keys.csv holds no access key");
}

static const char many_fields[] = "Access key ID,Secret access key\n"
                                  ",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,sEcReT\n";

static void quotes_no_content(void **state)
{
    static const char *const bad[] = {
        "sEcReT",
        "sEcReT,\"sEcReT",
        "Access key ID,Secret access key\n,sEcReT\n",
        "Access key ID,Secret access key\nAKIA\n",
        "Access key ID,Secret access key\n\"sEcReT\"sEcReT,\n",
        "",
        many_fields,
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(find(bad[i], NULL), HSMIAM_ERR_ARGUMENT);
        assert_lacks(error.message, "sEcReT");
        assert_contains(error.message, "keys.csv");
    }
    assert_int_equal(find(many_fields, NULL), HSMIAM_ERR_ARGUMENT);
    assert_contains(error.message, "line 2: too many fields");
    assert_int_equal(tool_csv_find_key(text, strlen(text) + 1, "keys.csv", NULL, &key, &error),
                     HSMIAM_ERR_ARGUMENT);
    assert_contains(error.message, "NUL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(reads_the_consoles_files, clear),
        cmocka_unit_test_teardown(finds_columns_by_header, clear),
        cmocka_unit_test_teardown(unquotes, clear),
        cmocka_unit_test_teardown(picks_the_row, clear),
        cmocka_unit_test_teardown(quotes_no_content, clear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
