/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "options.h"
#include "text.h"

#include <stdlib.h>

static const char *const colours[] = {"red", "green", "blue", NULL};

static const tool_option paint_options[] = {
    {.name = "--colour", .kind = TOOL_OPTION_VALUE, .choices = colours},
    {.name = "--name", .kind = TOOL_OPTION_VALUE},
    {.name = "--twice", .kind = TOOL_OPTION_FLAG},
    {.name = "--layers", .kind = TOOL_OPTION_NUMBER},
    {.name = "--sample", .kind = TOOL_OPTION_OPTIONAL, .bare = "small"},
    {.name = NULL},
};
static const tool_command paint = {.name = "paint", .options = paint_options};
static const tool_command hush = {.name = "hush", .options = paint_options, .hides_values = true};
static const tool_command *const commands[] = {&paint, &hush, NULL};

static tool_arguments arguments;
static tool_error error;

static int clear(void **state)
{
    (void)state;
    tool_error_clear(&error);
    return 0;
}

static hsmiam_status parse(const char *const *argv)
{
    int argc = 0;

    while (argv[argc])
        argc++;
    tool_error_clear(&error);
    return tool_arguments_parse(argc, argv, commands, &arguments, &error);
}

#define PARSE(...) parse((const char *const[]){"hsmiam", __VA_ARGS__, NULL})

static void assert_value(const char *name, const char *value)
{
    const char *given = tool_arguments_get(&arguments, name);

    if (!value)
        assert_null(given);
    else
        assert_string_equal(given, value);
}

static void takes_values_in_both_forms(void **state)
{
    (void)state;
    assert_int_equal(PARSE("paint", "--name", "a=b", "--colour=red", "--twice"), HSMIAM_OK);
    assert_ptr_equal(arguments.command, &paint);
    assert_value("--name", "a=b");
    assert_value("--colour", "red");
    assert_value("--twice", "");
    assert_value("--layers", NULL);
    assert_int_equal(PARSE("paint", "--name=", "--name", "last"), HSMIAM_OK);
    assert_value("--name", "last");
    assert_int_equal(PARSE("paint", "--name="), HSMIAM_OK);
    assert_value("--name", "");
}

static void takes_globals_on_both_sides(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--region", "r", "--debug", "paint", "--output=text"), HSMIAM_OK);
    assert_value("--region", "r");
    assert_value("--debug", "");
    assert_value("--output", "text");
}

static void takes_an_optional_value(void **state)
{
    (void)state;
    assert_int_equal(PARSE("paint", "--sample"), HSMIAM_OK);
    assert_value("--sample", "small");
    assert_int_equal(PARSE("paint", "--sample", "--twice"), HSMIAM_OK);
    assert_value("--sample", "small");
    assert_int_equal(PARSE("paint", "--sample", "big"), HSMIAM_OK);
    assert_value("--sample", "big");
}

static void wants_a_value(void **state)
{
    (void)state;
    assert_int_equal(PARSE("paint", "--name"), HSMIAM_ERR_ARGUMENT);
    assert_string_equal(error.message, "hsmiam: error: argument --name: expected one argument");
    assert_true(error.usage);
    assert_int_equal(PARSE("paint", "--name", "--twice"), HSMIAM_ERR_ARGUMENT);
    /* as argparse has it */
    assert_int_equal(PARSE("paint", "--name", "-x y"), HSMIAM_OK);
    assert_int_equal(PARSE("paint", "--name", "-5"), HSMIAM_OK);
    assert_int_equal(PARSE("paint", "--name", "-"), HSMIAM_OK);
    assert_int_equal(PARSE("paint", "--twice=no"), HSMIAM_ERR_ARGUMENT);
    assert_contains(error.message, "argument --twice: takes no value");
}

static void knows_its_choices(void **state)
{
    (void)state;
    assert_int_equal(PARSE("paint", "--colour", "pink"), HSMIAM_ERR_ARGUMENT);
    assert_string_equal(error.message,
                        "hsmiam: error: argument --colour: Invalid choice, valid choices are:\n\n"
                        "red                                      | green                         "
                        "          \nblue                                    ");
    assert_int_equal(PARSE("paint", "--output", "yam"), HSMIAM_ERR_ARGUMENT);
    assert_int_equal(PARSE("point"), HSMIAM_ERR_ARGUMENT);
    assert_contains(error.message, "argument command: Invalid choice");
    assert_contains(error.message, "paint");
}

static void reads_numbers(void **state)
{
    unsigned number = 7;

    (void)state;
    assert_int_equal(PARSE("paint", "--layers", "12"), HSMIAM_OK);
    assert_int_equal(tool_arguments_get_number(&arguments, "--layers", 20, &number, &error),
                     HSMIAM_OK);
    assert_int_equal(number, 12);
    assert_int_equal(tool_arguments_get_number(&arguments, "--layers", 11, &number, &error),
                     HSMIAM_ERR_ARGUMENT);
    assert_int_equal(PARSE("paint", "--layers", "1x"), HSMIAM_ERR_ARGUMENT);
    assert_int_equal(PARSE("paint", "--layers", "-1"), HSMIAM_ERR_ARGUMENT);
    assert_int_equal(PARSE("paint", "--layers="), HSMIAM_ERR_ARGUMENT);
    assert_int_equal(PARSE("paint", "--layers", "99999999999999999999"), HSMIAM_ERR_ARGUMENT);
}

static void refuses_the_unknown(void **state)
{
    (void)state;
    assert_int_equal(PARSE("paint", "--bogus"), HSMIAM_ERR_ARGUMENT);
    assert_string_equal(error.message, "Unknown options: --bogus");
    assert_true(error.usage);
    assert_int_equal(PARSE("paint", "--bogus", "--other=x", "y"), HSMIAM_ERR_ARGUMENT);
    assert_string_equal(error.message, "Unknown options: --bogus, --other=x, y");
    assert_int_equal(PARSE("paint", "--nam", "x"), HSMIAM_ERR_ARGUMENT);
    assert_int_equal(PARSE("paint", "--namex", "x"), HSMIAM_ERR_ARGUMENT);
    assert_int_equal(PARSE("--name", "x", "paint"), HSMIAM_ERR_ARGUMENT);
    assert_int_equal(parse((const char *const[]){"hsmiam", NULL}), HSMIAM_ERR_ARGUMENT);
    assert_contains(error.message, "required: command");
    assert_int_equal(parse((const char *const[]){NULL}), HSMIAM_ERR_ARGUMENT);
}

static void echoes_no_stray_secret(void **state)
{
    (void)state;
    assert_int_equal(PARSE("hush", "sEcReT", "--secret=sEcReT", "--pin", "sEcReT"),
                     HSMIAM_ERR_ARGUMENT);
    assert_lacks(error.message, "sEcReT");
    assert_contains(error.message, "--secret(not shown), --pin");
}

static void tells_why_it_refuses(void **state)
{
    (void)state;
    assert_int_equal(PARSE("paint", "--query", "x"), HSMIAM_ERR_ARGUMENT);
    assert_contains(error.message, "jq");
    assert_int_equal(PARSE("paint", "--query"), HSMIAM_ERR_ARGUMENT);
    assert_int_equal(PARSE("paint", "--no-sign-request"), HSMIAM_ERR_ARGUMENT);
    assert_contains(error.message, "signed requests only");
    assert_int_equal(PARSE("paint", "--cli-auto-prompt"), HSMIAM_ERR_ARGUMENT);
    assert_int_equal(PARSE("paint", "--no-paginate", "--no-cli-pager", "--cli-binary-format", "x"),
                     HSMIAM_OK);
}

static void knows_help(void **state)
{
    (void)state;
    assert_int_equal(PARSE("help"), HSMIAM_OK);
    assert_true(arguments.help);
    assert_null(arguments.command);
    assert_int_equal(PARSE("paint", "help"), HSMIAM_OK);
    assert_true(arguments.help);
    assert_int_equal(PARSE("paint", "--help", "--bogus"), HSMIAM_OK);
    assert_true(arguments.help);
    assert_ptr_equal(arguments.command, &paint);
    assert_int_equal(PARSE("--version"), HSMIAM_OK);
    assert_int_equal(PARSE("paint", "--name", "help"), HSMIAM_OK);
    assert_false(arguments.help);
}

static void excludes_pairs(void **state)
{
    (void)state;
    assert_int_equal(PARSE("paint", "--twice", "--name", "x"), HSMIAM_OK);
    assert_int_equal(tool_arguments_exclude(&arguments, "--twice", "--name", &error),
                     HSMIAM_ERR_ARGUMENT);
    assert_contains(error.message, "argument --name: not allowed with argument --twice");
    assert_int_equal(tool_arguments_exclude(&arguments, "--twice", "--layers", &error), HSMIAM_OK);
}

static void takes_pins_out(void **state)
{
    char uri[] = "pkcs11:token=a?pin-value=1;2' 34&module-path=/x PIN-VALUE=5678&pin-value=";

    (void)state;
    tool_text_remove_pin(uri);
    assert_string_equal(uri, "pkcs11:token=a?pin-value=&module-path=/x PIN-VALUE=&pin-value=");
    /* nothing is left behind the end either */
    assert_int_equal(uri[sizeof uri - 2], 0);
}

static void prints_no_pin_and_no_control(void **state)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    (void)state;
    assert_non_null(stream);
    (void)tool_error_set(&error, HSMIAM_ERR_IO, "a\x1b[1m\xc2\x9b\n?pin-value=1234 5");
    tool_error_print(&error, stream);
    assert_int_equal(fclose(stream), 0);
    assert_string_equal(text, "\na\\x1b[1m\\xc2\\x9b\n?pin-value=\n");
    free(text);
}

static void maps_every_status(void **state)
{
    static const int codes[] = {0,   252, 253, 253, 253, 255, 253, 255, 253,
                                255, 255, 255, 254, 255, 130, 255, 255, 255};

    (void)state;
    for (int status = HSMIAM_OK; status <= HSMIAM_ERR_INTERNAL; status++)
        assert_int_equal(tool_exit_get((hsmiam_status)status), codes[status]);
    assert_int_equal(tool_exit_get((hsmiam_status)99), 255);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(takes_values_in_both_forms, clear),
        cmocka_unit_test_teardown(takes_globals_on_both_sides, clear),
        cmocka_unit_test_teardown(takes_an_optional_value, clear),
        cmocka_unit_test_teardown(wants_a_value, clear),
        cmocka_unit_test_teardown(knows_its_choices, clear),
        cmocka_unit_test_teardown(reads_numbers, clear),
        cmocka_unit_test_teardown(refuses_the_unknown, clear),
        cmocka_unit_test_teardown(echoes_no_stray_secret, clear),
        cmocka_unit_test_teardown(tells_why_it_refuses, clear),
        cmocka_unit_test_teardown(knows_help, clear),
        cmocka_unit_test_teardown(excludes_pairs, clear),
        cmocka_unit_test_teardown(takes_pins_out, clear),
        cmocka_unit_test_teardown(prints_no_pin_and_no_control, clear),
        cmocka_unit_test_teardown(maps_every_status, clear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
