/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "output.h"

#include <stdlib.h>

typedef bool (*render_fn)(const tool_value *object, FILE *stream);

static bool render_table(const tool_value *object, FILE *stream)
{
    return tool_output_render_table(object, "make", false, 0, stream);
}

static bool render_colored(const tool_value *object, FILE *stream)
{
    return tool_output_render_table(object, "make", true, 0, stream);
}

static bool render_narrow(const tool_value *object, FILE *stream)
{
    return tool_output_render_table(object, "make", false, 30, stream);
}

static char *render(render_fn function, const tool_value *object)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    assert_non_null(stream);
    assert_true(function(object, stream));
    assert_int_equal(fclose(stream), 0);
    return text;
}

static void assert_rendered(render_fn function, const tool_value *object, const char *expected)
{
    char *text = render(function, object);

    assert_string_equal(text, expected);
    free(text);
}

/* One key, in the order of create-access-key. */
static tool_value *make_key(const char *label)
{
    tool_value *root = tool_value_new(TOOL_VALUE_OBJECT, NULL);
    tool_value *key = tool_value_add_object(root, "AccessKey");

    assert_true(tool_value_add_string(key, "UserName", label));
    assert_true(tool_value_add_string(key, "AccessKeyId", "AKIA"));
    assert_true(tool_value_add_string(key, "CreateDate", "2026-11-24T07:39:10+00:00"));
    return root;
}

/* Lists, numbers, booleans and null; objects whose members differ. */
static tool_value *make_mixture(void)
{
    tool_value *root = tool_value_new(TOOL_VALUE_OBJECT, NULL);
    tool_value *list = tool_value_add_list(root, "Keys");
    tool_value *first = tool_value_add_object(list, NULL);
    tool_value *second = tool_value_add_object(list, NULL);
    tool_value *words = tool_value_add_list(root, "Words");

    assert_true(tool_value_add_string(first, "B", "b1"));
    assert_non_null(tool_value_add(first, "A", TOOL_VALUE_INTEGER, "1"));
    assert_non_null(tool_value_add(second, "A", TOOL_VALUE_INTEGER, "2"));
    assert_non_null(tool_value_add(second, "C", TOOL_VALUE_BOOLEAN, "true"));
    assert_true(tool_value_add_string(words, NULL, "x"));
    assert_true(tool_value_add_string(words, NULL, "y"));
    assert_non_null(tool_value_add_list(root, "Empty"));
    assert_non_null(tool_value_add(root, "IsTruncated", TOOL_VALUE_BOOLEAN, "false"));
    assert_non_null(tool_value_add(root, "Marker", TOOL_VALUE_NULL, NULL));
    return root;
}

static void renders_json(void **state)
{
    tool_value *key = make_key("Zo\xc3\xab\t\"\\\n\x01\x7f/");
    tool_value *mixture = make_mixture();

    (void)state;
    assert_rendered(tool_output_render_json, key,
                    "{\n    \"AccessKey\": {\n"
                    "        \"UserName\": \"Zo\xc3\xab\\t\\\"\\\\\\n\\u0001\x7f/\",\n"
                    "        \"AccessKeyId\": \"AKIA\",\n"
                    "        \"CreateDate\": \"2026-11-24T07:39:10+00:00\"\n    }\n}\n");
    assert_rendered(tool_output_render_json, mixture,
                    "{\n    \"Keys\": [\n        {\n            \"B\": \"b1\",\n"
                    "            \"A\": 1\n        },\n        {\n            \"A\": 2,\n"
                    "            \"C\": true\n        }\n    ],\n    \"Words\": [\n"
                    "        \"x\",\n        \"y\"\n    ],\n    \"Empty\": [],\n"
                    "    \"IsTruncated\": false,\n    \"Marker\": null\n}\n");
    tool_value_free(&key);
    tool_value_free(&mixture);
}

static void renders_yaml(void **state)
{
    tool_value *key = make_key("Zo\xc3\xab");
    tool_value *mixture = make_mixture();

    (void)state;
    assert_rendered(tool_output_render_yaml, key,
                    "AccessKey:\n  UserName: Zo\xc3\xab\n  AccessKeyId: AKIA\n"
                    "  CreateDate: '2026-11-24T07:39:10+00:00'\n");
    assert_rendered(tool_output_render_yaml, mixture,
                    "Keys:\n- B: b1\n  A: 1\n- A: 2\n  C: true\nWords:\n- x\n- 'y'\nEmpty: []\n"
                    "IsTruncated: false\nMarker: null\n");
    tool_value_free(&key);
    tool_value_free(&mixture);
}

static void quotes_ambiguous_yaml(void **state)
{
    static const char *const cases[][2] = {
        {"5", "'5'"},
        {"true", "'true'"},
        {"no", "'no'"},
        {"null", "'null'"},
        {"", "''"},
        {"1e3", "'1e3'"},
        {"0x1", "'0x1'"},
        {"a: b", "'a: b'"},
        {"#x", "'#x'"},
        {" x", "' x'"},
        {"a\tb", "\"a\\tb\""},
        {"\x1b", "\"\\e\""},
        {"1:30", "'1:30'"},
        {"pkcs11:a=b;c=d", "pkcs11:a=b;c=d"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tool_value *root = tool_value_new(TOOL_VALUE_OBJECT, NULL);
        char expected[64];

        assert_true(tool_value_add_string(root, "A", cases[i][0]));
        (void)snprintf(expected, sizeof expected, "A: %s\n", cases[i][1]);
        assert_rendered(tool_output_render_yaml, root, expected);
        tool_value_free(&root);
    }
}

static void folds_no_long_yaml(void **state)
{
    tool_value *root = tool_value_new(TOOL_VALUE_OBJECT, NULL);
    char line[256];
    char *text = NULL;

    (void)state;
    memset(line, 'x', sizeof line - 1);
    for (size_t i = 10; i < sizeof line; i += 10)
        line[i] = ' ';
    line[sizeof line - 1] = 0;
    assert_true(tool_value_add_string(root, "A", line));
    text = render(tool_output_render_yaml, root);
    assert_contains(text, line);
    free(text);
    tool_value_free(&root);
}

static void renders_text(void **state)
{
    tool_value *key = make_key("a\tb\nc\\d\x1b\xc2\x9b");
    tool_value *mixture = make_mixture();

    (void)state;
    assert_rendered(tool_output_render_text, key,
                    "ACCESSKEY\tAKIA\t2026-11-24T07:39:10+00:00\ta\\tb\\nc\\\\d\\x1b\\xc2\\x9b\n");
    /* as aws has it: scalars of the root first, a column for every scalar of any object */
    assert_rendered(tool_output_render_text, mixture,
                    "False\tNone\nKEYS\t1\tb1\t\nKEYS\t2\t\tTrue\nWORDS\tx\nWORDS\ty\n");
    tool_value_free(&key);
    tool_value_free(&mixture);
}

static void renders_tables(void **state)
{
    tool_value *key = make_key("a\tb\x1b[1m");
    tool_value *mixture = make_mixture();
    char *text = render(render_table, key);

    (void)state;
    assert_contains(text, "AccessKey");
    assert_contains(text, "AccessKeyId | AKIA\n");
    assert_contains(text, "UserName    | a\\tb\\x1b[1m\n");
    assert_lacks(text, "\x1b");
    free(text);
    text = render(render_table, mixture);
    assert_contains(text, "make");
    assert_contains(text, "A | B  | C\n1 | b1 | \n2 |    | true\n");
    free(text);
    tool_value_free(&key);
    tool_value_free(&mixture);
}

static void colors_tables_on_order(void **state)
{
    tool_value *key = make_key("Bob");
    char *text = render(render_colored, key);

    (void)state;
    assert_contains(text, "\x1b[");
    free(text);
    tool_value_free(&key);
}

static void wraps_wide_values(void **state)
{
    tool_value *key = make_key("0123456789012345678901234567890123456789");
    char *text = render(render_narrow, key);

    (void)state;
    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n");

        assert_true(length <= 30);
        line += length + (line[length] ? 1 : 0);
    }
    free(text);
    tool_value_free(&key);
}

/* Of a member and of a list's last column: at blanks, and within a word only where it is too long
 * for a line. */
static void wraps_at_words(void **state)
{
    tool_value *root = tool_value_new(TOOL_VALUE_OBJECT, NULL);
    tool_value *list = NULL;
    char *text = NULL;

    (void)state;
    assert_true(tool_value_add_string(
        root, "Why",
        "The token does \u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4 not derive, it says."));
    list = tool_value_add_list(root, "Keys");
    tool_value *object = list ? tool_value_add_object(list, NULL) : NULL;
    assert_true(object && tool_value_add_string(object, "First", "0123456789"));
    assert_true(tool_value_add_string(object, "Second", "so it is then 0123456789ABCDEF0123 and"));
    text = render(render_narrow, root);
    assert_contains(text, "Why    | The token does\n"
                          "       | \u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4 not derive,\n"
                          "       | it says.\n");
    assert_contains(text, "First      | Second\n"
                          "0123456789 | so it is then\n"
                          "           | 0123456789ABCDEF0\n"
                          "           | 123 and\n");
    free(text);
    tool_value_free(&root);
}

/* Where rows are wider than the terminal, each object is a table. */
static void turns_wide_lists(void **state)
{
    tool_value *root = tool_value_new(TOOL_VALUE_OBJECT, NULL);
    tool_value *list = tool_value_add_list(root, "Keys");
    char *text = NULL;

    (void)state;
    for (int i = 0; i < 2; i++) {
        tool_value *object = tool_value_add_object(list, NULL);
        assert_true(tool_value_add_string(object, "First", "0123456789"));
        assert_true(tool_value_add_string(object, "Second", i ? "second" : "first"));
    }
    text = render(render_narrow, root);
    assert_contains(text, "First      | Second\n0123456789 | first\n0123456789 | second\n");
    free(text);
    assert_true(tool_value_add_string(list->first, "Another", "0123456789"));
    text = render(render_narrow, root);
    assert_contains(text, "Keys \nAnother | 0123456789\nFirst   | 0123456789\nSecond  | first\n");
    assert_contains(text, "\nFirst  | 0123456789\nSecond | second\n");
    free(text);
    tool_value_free(&root);
}

static bool render_csv(const tool_value *object, FILE *stream)
{
    return tool_output_render_csv(object, stream);
}

static void renders_csv(void **state)
{
    tool_value *key = make_key("a,\"b\"\n\x1b[1m");
    tool_value *mixture = make_mixture();
    char *text = render(render_csv, key);

    (void)state;
    assert_contains(text, "\"a,\"\"b\"\"\\x0a\\x1b[1m\",");
    free(text);
    text = render(render_csv, mixture);
    assert_string_equal(text, "B,A,C\nb1,1,\n,2,true\n");
    free(text);
    tool_value_free(&key);
    key = make_key("=1+1");
    text = render(render_csv, key);
    assert_contains(text, "'=1+1");
    free(text);
    tool_value_free(&key);
    tool_value_free(&mixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(renders_json),
        cmocka_unit_test(renders_yaml),
        cmocka_unit_test(quotes_ambiguous_yaml),
        cmocka_unit_test(folds_no_long_yaml),
        cmocka_unit_test(renders_text),
        cmocka_unit_test(renders_tables),
        cmocka_unit_test(colors_tables_on_order),
        cmocka_unit_test(wraps_wide_values),
        cmocka_unit_test(wraps_at_words),
        cmocka_unit_test(turns_wide_lists),
        cmocka_unit_test(renders_csv),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
