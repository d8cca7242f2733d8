/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "fake_library.h"
#include "input.h"

#include <stdlib.h>
#include <unistd.h>

static const tool_member members[] = {
    {.name = "UserName",
     .option = "--user-name",
     .type = TOOL_VALUE_STRING,
     .min_length = 1,
     .check = hsmiam_user_name_check,
     .help = "The name."},
    {.name = "Count", .option = "--count", .type = TOOL_VALUE_INTEGER, .help = "How many."},
    {.name = NULL},
};
static const tool_schema schema = {members};

static const tool_option options[] = {
    {.name = "--user-name", .kind = TOOL_OPTION_VALUE, .help = ""},
    {.name = "--count", .kind = TOOL_OPTION_VALUE, .help = ""},
    TOOL_INPUT_OPTIONS,
    {.name = NULL},
};
static const tool_command command = {.name = "make", .options = options};
static const tool_command *const commands[] = {&command, NULL};

static tool_value *input;
static tool_error error;
static char folder[] = "/tmp/hsmiam-test-XXXXXX";

static int clear(void **state)
{
    (void)state;
    tool_value_free(&input);
    tool_error_clear(&error);
    return 0;
}

static hsmiam_status gather(const char *option, const char *text, const char *user_name)
{
    const char *argv[] = {"hsmiam",  "make", option, text, user_name ? "--user-name" : NULL,
                          user_name, NULL};
    tool_arguments arguments = {0};

    clear(NULL);
    assert_int_equal(tool_arguments_parse(6, argv, commands, &arguments, &error), HSMIAM_OK);
    return tool_input_gather(&arguments, &schema, &input, &error);
}

static hsmiam_status gather_json(const char *text)
{
    return gather("--cli-input-json", text, NULL);
}

static hsmiam_status gather_yaml(const char *text)
{
    return gather("--cli-input-yaml", text, NULL);
}

static void write_file(const char *name, const char *text, size_t size)
{
    char path[256];
    FILE *file = NULL;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void reads_json(void **state)
{
    (void)state;
    assert_int_equal(gather_json("{\"UserName\": \"B\\u006fb\", \"Count\": 5}"), HSMIAM_OK);
    assert_string_equal(tool_input_get_text(input, "UserName"), "Bob");
    assert_string_equal(tool_input_get_text(input, "Count"), "5");
    assert_int_equal(gather_json("{}"), HSMIAM_OK);
    assert_null(tool_input_get_text(input, "UserName"));
}

static void refuses_bad_json(void **state)
{
    static const char *const bad[] = {
        "",
        " ",
        "{",
        "{\"UserName\"",
        "{'a': 1}",
        "{} x",
        "{}{}",
        "{\"UserName\":\"a\",\"UserName\":\"b\"}",
        "\xff",
        "{\"UserName\":\"\\u0000\"}",
        "{\"Count\":01}",
        "{\"Count\":NaN}",
        "{\"UserName\":\"a\",}",
        "// x\n{}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (gather_json(bad[i]) != HSMIAM_ERR_ARGUMENT)
            fail_msg("%s", bad[i]);
        assert_contains(error.message, "Error parsing parameter 'cli-input-json': Invalid JSON: ");
        assert_contains(error.message, ": line ");
        assert_null(input);
    }
}

static void bounds_depth(void **state)
{
    char deep[2 * TOOL_VALUE_DEPTH_MAX + 3] = "";

    (void)state;
    memset(deep, '[', TOOL_VALUE_DEPTH_MAX + 1);
    memset(deep + TOOL_VALUE_DEPTH_MAX + 1, ']', TOOL_VALUE_DEPTH_MAX + 1);
    assert_int_equal(gather_json(deep), HSMIAM_ERR_ARGUMENT);
    assert_contains(error.message, "nested");
    assert_int_equal(gather_yaml(deep), HSMIAM_ERR_ARGUMENT);
    assert_contains(error.message, "nested");
}

static void speaks_as_aws_does(void **state)
{
    (void)state;
    assert_int_equal(gather_json("{\"UserNam\": 1, \"Count\": 2}"), HSMIAM_ERR_ARGUMENT);
    assert_string_equal(error.message,
                        "Parameter validation failed:\nUnknown parameter in input: \"UserNam\", "
                        "must be one of: UserName, Count\nGiven by: --cli-input-json");
    assert_int_equal(gather_json("{\"UserName\": 5}"), HSMIAM_ERR_ARGUMENT);
    assert_contains(error.message, "\nInvalid type for parameter UserName, value: 5, type: <class "
                                   "'int'>, valid types: <class 'str'>\n");
    assert_int_equal(gather_json("{\"UserName\": \"\"}"), HSMIAM_ERR_ARGUMENT);
    assert_contains(error.message,
                    "\nInvalid length for parameter UserName, value: 0, valid min length: 1\n");
    assert_int_equal(gather_json("{\"UserName\": \"a b\"}"), HSMIAM_ERR_ARGUMENT);
    assert_string_equal(error.message,
                        "Parameter validation failed:\nInvalid value for parameter UserName\n"
                        "Given by: --cli-input-json");
    assert_int_equal(gather_json("[]"), HSMIAM_ERR_ARGUMENT);
    assert_string_equal(error.message, "Error parsing parameter '--cli-input-json': Invalid type: "
                                       "expecting map, received <class 'list'>");
}

static void shows_values_as_python_does(void **state)
{
    (void)state;
    assert_int_equal(gather_json("{\"UserName\": [1, true, null, 5.5, \"a'\\n\", {\"x\": {}}], "
                                 "\"Count\": \"7\"}"),
                     HSMIAM_ERR_ARGUMENT);
    assert_contains(error.message, "value: [1, True, None, 5.5, 'a\\'\\n', {'x': {}}], type: "
                                   "<class 'list'>, valid types: <class 'str'>");
    assert_contains(error.message, "Invalid type for parameter Count, value: 7, type: <class "
                                   "'str'>, valid types: <class 'int'>");
}

static void reads_yaml(void **state)
{
    (void)state;
    assert_int_equal(gather_yaml("# comment\nUserName: Bob  # name\nCount: 0x10\n"), HSMIAM_OK);
    assert_string_equal(tool_input_get_text(input, "UserName"), "Bob");
    assert_int_equal(gather_yaml("UserName: '5'"), HSMIAM_OK);
    assert_int_equal(gather_yaml("---\nUserName: \"true\"\n...\n"), HSMIAM_OK);
    assert_int_equal(gather_yaml("{UserName: yes}"), HSMIAM_OK); /* a string in YAML 1.2 */
    assert_int_equal(gather_yaml("{}"), HSMIAM_OK);
}

static void refuses_bad_yaml(void **state)
{
    static const char *const bad[][2] = {
        {"UserName: [", "Invalid YAML"},
        {"UserName: a\nUserName: b", "duplicate key: line 2 column 1"},
        {"UserName: &x a", "anchors"},
        {"UserName: *x", "aliases"},
        {"UserName: !!str 5", "tags"},
        {"&x {UserName: a}", "anchors"},
        {"!x {UserName: a}", "tags"},
        {"--- {}\n--- {}\n", "more than one document"},
        {"? [a]\n: b", "a key must be a scalar"},
        {"UserName: \"a\\0b\"", "NUL"},
        {"\tUserName: a", "Invalid YAML"},
        {"UserName: \x01", "Invalid YAML"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (gather_yaml(bad[i][0]) != HSMIAM_ERR_ARGUMENT)
            fail_msg("%s", bad[i][0]);
        assert_contains(error.message, "Error parsing parameter 'cli-input-yaml': Invalid YAML: ");
        assert_contains(error.message, bad[i][1]);
        assert_contains(error.message, ": line ");
    }
}

static void checks_types_of_yaml(void **state)
{
    static const char *const scalars[][2] = {
        {"5", "int"},
        {"-0x1f", "int"},
        {"0o17", "int"},
        {"1_000", "int"},
        {"5.5", "float"},
        {"1e3", "float"},
        {".inf", "float"},
        {".nan", "float"},
        {"true", "bool"},
        {"FALSE", "bool"},
        {"~", "NoneType"},
        {"null", "NoneType"},
        {"", "NoneType"},
        {"[a]", "list"},
        {"{a: b}", "dict"},
        {"2026-11-24", "datetime.date"},
        {"2026-11-24T07:39:10Z", "datetime.datetime"},
    };
    char text[64];

    (void)state;
    for (size_t i = 0; i < sizeof scalars / sizeof scalars[0]; i++) {
        (void)snprintf(text, sizeof text, "UserName: %s", scalars[i][0]);
        if (gather_yaml(text) != HSMIAM_ERR_ARGUMENT)
            fail_msg("%s", text);
        (void)snprintf(text, sizeof text, "type: <class '%s'>, valid types: <class 'str'>",
                       scalars[i][1]);
        assert_contains(error.message, text);
    }
    assert_int_equal(gather_yaml(""), HSMIAM_ERR_ARGUMENT);
    assert_contains(error.message, "expecting map, received <class 'NoneType'>");
}

static void lets_flags_override(void **state)
{
    (void)state;
    assert_int_equal(gather("--cli-input-json", "{\"UserName\": \"a\"}", "b"), HSMIAM_OK);
    assert_string_equal(tool_input_get_text(input, "UserName"), "b");
    assert_int_equal(gather("--cli-input-yaml", "Count: 1", "b"), HSMIAM_OK);
    assert_string_equal(tool_input_get_text(input, "UserName"), "b");
    assert_string_equal(tool_input_get_text(input, "Count"), "1");
    assert_int_equal(gather("--cli-input-json", "{\"UserName\": \"a\"}", ""), HSMIAM_ERR_ARGUMENT);
    assert_contains(error.message, "valid min length: 1\nGiven by: --user-name");
    assert_int_equal(gather("--cli-input-json", "{\"UserName\": 5}", "b"), HSMIAM_ERR_ARGUMENT);
}

static void excludes_json_and_yaml(void **state)
{
    const char *argv[] = {"hsmiam", "make", "--cli-input-json", "{}", "--cli-input-yaml",
                          "{}",     NULL};
    tool_arguments arguments = {0};

    (void)state;
    assert_int_equal(tool_arguments_parse(6, argv, commands, &arguments, &error), HSMIAM_OK);
    assert_int_equal(tool_input_gather(&arguments, &schema, &input, &error), HSMIAM_ERR_ARGUMENT);
    assert_string_equal(error.message, "Only one --cli-input- parameter may be specified.");
}

static void reads_files(void **state)
{
    char path[256];

    (void)state;
    write_file("good.json", "{\"UserName\": \"Bob\"}\n", 20);
    (void)snprintf(path, sizeof path, "file://%s/good.json", folder);
    assert_int_equal(gather_json(path), HSMIAM_OK);
    assert_string_equal(tool_input_get_text(input, "UserName"), "Bob");
    (void)snprintf(path, sizeof path, "fileb://%s/good.json", folder);
    assert_int_equal(gather_json(path), HSMIAM_OK);
    /* relative, ~ and variables, as the AWS CLI has it */
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(gather_json("file://good.json"), HSMIAM_OK);
    assert_int_equal(setenv("HOME", folder, 1), 0);
    assert_int_equal(gather_yaml("file://~/good.json"), HSMIAM_OK);
    assert_int_equal(setenv("NAME", "good", 1), 0);
    assert_int_equal(gather_json("file://$HOME/${NAME}.json"), HSMIAM_OK);
}

static void refuses_bad_files(void **state)
{
    static char large[65538];

    (void)state;
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(gather_json("file://$NOT_SET/none.json"), HSMIAM_ERR_ARGUMENT);
    assert_string_equal(
        error.message,
        "Error parsing parameter '--cli-input-json': Unable to load paramfile "
        "file://$NOT_SET/none.json: [Errno 2] No such file or directory: '$NOT_SET/none.json'");
    assert_int_equal(gather_json("file:///tmp"), HSMIAM_ERR_ARGUMENT);
    assert_contains(error.message, "[Errno 21] Is a directory: '/tmp'");
    write_file("bad.json", "{\"UserName\":\n 5", 15);
    assert_int_equal(gather_json("file://bad.json"), HSMIAM_ERR_ARGUMENT);
    assert_contains(error.message, "line 2 column 2 (char 15) in file://bad.json");
    write_file("bad.yaml", "UserName: 5\n", 12);
    assert_int_equal(gather_yaml("file://bad.yaml"), HSMIAM_ERR_ARGUMENT);
    assert_contains(error.message, "\nGiven by: --cli-input-yaml file://bad.yaml");
    write_file("nul.json", "{}\0", 3);
    assert_int_equal(gather_json("file://nul.json"), HSMIAM_ERR_ARGUMENT);
    assert_contains(error.message, "NUL");
    memset(large, ' ', sizeof large);
    memcpy(large, "{}", 2);
    write_file("large.json", large, 65536);
    assert_int_equal(gather_json("file://large.json"), HSMIAM_OK);
    write_file("large.json", large, 65537);
    assert_int_equal(gather_json("file://large.json"), HSMIAM_ERR_ARGUMENT);
    assert_contains(error.message, "longer than 65536 bytes");
    large[65537] = 0;
    assert_int_equal(gather_json(large), HSMIAM_ERR_ARGUMENT);
}

static void prints_skeletons(void **state)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    (void)state;
    assert_non_null(stream);
    tool_schema_print_json(&schema, stream);
    tool_schema_print_yaml(&schema, stream);
    assert_int_equal(fclose(stream), 0);
    assert_string_equal(text, "{\n    \"UserName\": \"\",\n    \"Count\": 0\n}\n"
                              "UserName: ''  # The name.\nCount: 0  # How many.\n");
    free(text);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char line[64];

    (void)state;
    (void)snprintf(line, sizeof line, "rm -r %s", folder);
    return system(line); // NOLINT(cert-env33-c): the folder's name is ours
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(reads_json, clear),
        cmocka_unit_test_teardown(refuses_bad_json, clear),
        cmocka_unit_test_teardown(bounds_depth, clear),
        cmocka_unit_test_teardown(speaks_as_aws_does, clear),
        cmocka_unit_test_teardown(shows_values_as_python_does, clear),
        cmocka_unit_test_teardown(reads_yaml, clear),
        cmocka_unit_test_teardown(refuses_bad_yaml, clear),
        cmocka_unit_test_teardown(checks_types_of_yaml, clear),
        cmocka_unit_test_teardown(lets_flags_override, clear),
        cmocka_unit_test_teardown(excludes_json_and_yaml, clear),
        cmocka_unit_test_teardown(reads_files, clear),
        cmocka_unit_test_teardown(refuses_bad_files, clear),
        cmocka_unit_test_teardown(prints_skeletons, clear),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
