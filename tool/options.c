/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include "text.h"

#include <stdlib.h>
#include <string.h>

#define SECONDS_OF_DAY 86400
#define DIGITS_MAX     9 /* of a duration */

/* The state of one parse. */
typedef struct tool_parser {
    const char *const *next; /* what is left of argv, NULL-terminated */
    const tool_command *const *commands;
    tool_arguments *arguments;
    FILE *unknown; /* the list of what nothing takes, parted by ", " */
    size_t unknown_count;
} tool_parser;

static const char no_value[] = "";

/* Looks an option up by the `length` first bytes of `word`, and tells where its value belongs. */
static const tool_option *find_option(const tool_option *table, const char **values,
                                      const char *word, size_t length, const char ***value_out)
{
    for (size_t i = 0; table && table[i].name; i++) {
        if (strlen(table[i].name) == length && strncmp(table[i].name, word, length) == 0) {
            *value_out = &values[i];
            return &table[i];
        }
    }
    return NULL;
}

/* As argparse has it: what looks like an option is none's value, a negative number or a word with
 * a space excepted. */
static bool looks_like_option(const char *word)
{
    if (word[0] != '-' || word[1] == 0)
        return false;
    if (word[1 + strspn(word + 1, "0123456789")] == 0)
        return false;
    return strchr(word, ' ') == NULL;
}

static char *join_choices(const char *const *choices)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    if (!stream)
        return NULL;
    for (size_t i = 0; choices[i]; i++)
        tool_text_print(stream, "%s%-40s", i % 2 ? " | " : "\n", choices[i]);
    if (fclose(stream) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static hsmiam_status refuse_choice(const char *name, const char *const *choices, tool_error *error)
{
    char *list = join_choices(choices);
    hsmiam_status status = HSMIAM_OK;

    if (!list)
        return tool_error_set_memory(error);
    status = tool_error_set_usage(
        error, "hsmiam: error: argument %s: Invalid choice, valid choices are:\n%s", name, list);
    free(list);
    return status;
}

static hsmiam_status check_value(const tool_option *option, const char *value, tool_error *error)
{
    for (size_t i = 0; option->choices; i++) {
        if (!option->choices[i])
            return refuse_choice(option->name, option->choices, error);
        if (strcmp(option->choices[i], value) == 0)
            break;
    }
    if (option->kind == TOOL_OPTION_NUMBER &&
        (*value == 0 || strspn(value, "0123456789") != strlen(value) || strlen(value) > 9))
        return tool_error_set_usage(error, "hsmiam: error: argument %s: expected a whole number",
                                    option->name);
    return HSMIAM_OK;
}

/* Takes one option whose name is the first `length` bytes of `word`; "=value" may follow it. */
static hsmiam_status take_option(tool_parser *parser, const tool_option *option, const char *word,
                                 size_t length, const char **value_out, tool_error *error)
{
    const char *given = word[length] == '=' ? word + length + 1 : NULL;
    const char *value = given;

    if (option->refusal)
        return tool_error_set_usage(error, "hsmiam: error: argument %s: %s", option->name,
                                    option->refusal);
    if (option->kind == TOOL_OPTION_FLAG) {
        if (given)
            return tool_error_set_usage(error, "hsmiam: error: argument %s: takes no value",
                                        option->name);
        value = no_value;
    } else if (!given && *parser->next && !looks_like_option(*parser->next)) {
        value = *parser->next++;
    }
    if (!value && option->kind == TOOL_OPTION_OPTIONAL)
        value = option->bare;
    if (!value)
        return tool_error_set_usage(error, "hsmiam: error: argument %s: expected one argument",
                                    option->name);
    *value_out = value;
    return check_value(option, value, error);
}

/* A word that nothing takes. What follows "=", and stray words, may be a secret typed by mistake:
 * a command that handles secrets does not echo them. */
static void take_unknown(tool_parser *parser, const char *word)
{
    const tool_command *command = parser->arguments->command;
    bool hide = command && command->hides_values;
    size_t length = strlen(word);

    if (hide)
        length = word[0] == '-' && word[1] == '-' ? strcspn(word, "=") : 0;
    tool_text_print(parser->unknown, "%s%.*s%s", parser->unknown_count++ ? ", " : "", (int)length,
                    word, length < strlen(word) ? "(not shown)" : "");
}

/* Takes a command, or the operation of a group that was given before. */
static hsmiam_status take_command(tool_parser *parser, const char *word, tool_error *error)
{
    tool_arguments *arguments = parser->arguments;
    const tool_command *group = arguments->command;
    const tool_command *const *commands = group ? group->operations : parser->commands;
    const char **names = NULL;
    hsmiam_status status = HSMIAM_OK;
    size_t count = 0;

    for (; commands[count]; count++) {
        if (strcmp(commands[count]->name, word) == 0) {
            arguments->group = group;
            arguments->command = commands[count];
            return HSMIAM_OK;
        }
    }
    if (strcmp(word, "help") == 0) {
        arguments->help = true;
        return HSMIAM_OK;
    }
    names = (const char **)calloc(count + 2, sizeof *names);
    if (!names)
        return tool_error_set_memory(error);
    for (size_t i = 0; i < count; i++)
        names[i] = commands[i]->name;
    names[count] = "help";
    status = refuse_choice(group ? "operation" : "command", names, error);
    free((void *)names);
    return status;
}

/* Where the next value of a repeated option goes; NULL: nowhere. */
static const char **next_repeated(const char **values)
{
    size_t count = 0;

    while (values[count])
        count++;
    return count < TOOL_REPEATED_MAX ? &values[count] : NULL;
}

static hsmiam_status take_word(tool_parser *parser, const char *word, tool_error *error)
{
    tool_arguments *arguments = parser->arguments;
    const tool_command *command = arguments->command;
    size_t length = strcspn(word, "=");
    const char **value = NULL;
    const tool_option *option = NULL;
    const char **repeated = arguments->repeated_values;

    if (!looks_like_option(word)) {
        if (!command || command->operations)
            return take_command(parser, word, error);
        if (strcmp(word, "help") == 0)
            arguments->help = true;
        else if (command->word && !arguments->word)
            arguments->word = word;
        else
            take_unknown(parser, word);
        return HSMIAM_OK;
    }
    if (strcmp(word, "--help") == 0) {
        arguments->help = true;
        return HSMIAM_OK;
    }
    if (command)
        option = find_option(command->options, arguments->command_values, word, length, &value);
    if (!option) {
        option = find_option(tool_global_options, arguments->global_values, word, length, &value);
        repeated = arguments->repeated_globals;
    }
    if (!option) {
        take_unknown(parser, word);
        return HSMIAM_OK;
    }
    if (option->kind == TOOL_OPTION_REPEATED)
        value = next_repeated(repeated);
    if (!value)
        return tool_error_set_usage(error, "hsmiam: error: argument %s: given more than %d times",
                                    option->name, TOOL_REPEATED_MAX);
    return take_option(parser, option, word, length, value, error);
}

/* What can be said once every word has been seen. */
static hsmiam_status check_whole(const tool_parser *parser, const char *unknown, tool_error *error)
{
    const tool_arguments *arguments = parser->arguments;

    if (arguments->help || tool_arguments_get(arguments, "--version"))
        return HSMIAM_OK;
    if (parser->unknown_count > 0)
        return tool_error_set_usage(error, "Unknown options: %s", unknown);
    if (!arguments->command)
        return tool_error_set_usage(error,
                                    "hsmiam: error: the following arguments are required: command");
    if (arguments->command->operations)
        return tool_error_set_usage(
            error, "hsmiam: error: the following arguments are required: operation");
    if (arguments->repeated_globals[0] && arguments->repeated_globals[1] &&
        !arguments->command->takes_tokens)
        return tool_error_set_usage(error,
                                    "hsmiam: error: argument --token: this command works with one "
                                    "token, and it was given several times");
    return HSMIAM_OK;
}

hsmiam_status tool_arguments_parse(int argc, const char *const *argv,
                                   const tool_command *const *commands,
                                   tool_arguments *arguments_out, tool_error *error)
{
    char *unknown = NULL;
    size_t size = 0;
    hsmiam_status status = HSMIAM_OK;
    tool_parser parser = {.commands = commands, .arguments = arguments_out};

    *arguments_out = (tool_arguments){0};
    parser.unknown = open_memstream(&unknown, &size);
    if (!parser.unknown)
        return tool_error_set_memory(error);
    parser.next = argv + (argc > 0 ? 1 : 0);
    while (status == HSMIAM_OK && *parser.next) {
        const char *word = *parser.next++;

        status = take_word(&parser, word, error);
    }
    if (fclose(parser.unknown) != 0 && status == HSMIAM_OK)
        status = tool_error_set_memory(error);
    if (status == HSMIAM_OK)
        status = check_whole(&parser, unknown, error);
    free(unknown);
    return status;
}

const char *tool_arguments_get(const tool_arguments *arguments, const char *name)
{
    const tool_option *own = arguments->command ? arguments->command->options : NULL;

    for (size_t i = 0; own && own[i].name; i++) {
        if (strcmp(own[i].name, name) == 0)
            return arguments->command_values[i];
    }
    for (size_t i = 0; tool_global_options[i].name; i++) {
        if (strcmp(tool_global_options[i].name, name) == 0)
            return tool_global_options[i].kind == TOOL_OPTION_REPEATED
                       ? arguments->repeated_globals[0]
                       : arguments->global_values[i];
    }
    return NULL;
}

hsmiam_status tool_arguments_exclude(const tool_arguments *arguments, const char *one,
                                     const char *other, tool_error *error)
{
    if (tool_arguments_get(arguments, one) && tool_arguments_get(arguments, other))
        return tool_error_set_usage(
            error, "hsmiam: error: argument %s: not allowed with argument %s", other, one);
    return HSMIAM_OK;
}

hsmiam_status tool_arguments_get_number(const tool_arguments *arguments, const char *name,
                                        unsigned maximum, unsigned *number_out, tool_error *error)
{
    const char *text = tool_arguments_get(arguments, name);
    unsigned long number = 0;

    if (!text)
        return HSMIAM_OK;
    number = strtoul(text, NULL, 10); /* digits only: the parser saw to it */
    if (number > maximum)
        return tool_error_set_usage(error, "hsmiam: error: argument %s: at most %u", name, maximum);
    *number_out = (unsigned)number;
    return HSMIAM_OK;
}

hsmiam_status tool_arguments_get_duration(const tool_arguments *arguments, const char *name,
                                          long long *seconds_out, tool_error *error)
{
    static const struct {
        char letter;
        long long seconds;
    } units[] = {
        {'s', 1}, {'m', 60}, {'h', 3600}, {'d', SECONDS_OF_DAY}, {'w', 7LL * SECONDS_OF_DAY}};
    const char *text = tool_arguments_get(arguments, name);
    size_t digits = text ? strspn(text, "0123456789") : 0;

    if (!text)
        return HSMIAM_OK;
    for (size_t i = 0; digits > 0 && digits <= DIGITS_MAX && i < sizeof units / sizeof *units;
         i++) {
        if (text[digits] != units[i].letter || text[digits + 1])
            continue;
        *seconds_out = strtoll(text, NULL, 10) * units[i].seconds;
        return HSMIAM_OK;
    }
    return tool_error_set_usage(error,
                                "hsmiam: error: argument %s: expected a number with a unit of s, "
                                "m, h, d or w, as 90d",
                                name);
}

hsmiam_status tool_arguments_get_time(const tool_arguments *arguments, const char *name,
                                      bool end_of_day, time_t *time_out, tool_error *error)
{
    const char *text = tool_arguments_get(arguments, name);
    struct tm parts = {0};
    const char *end = NULL;

    *time_out = -1;
    if (!text)
        return HSMIAM_OK;
    end = strptime(text, "%Y-%m-%d", &parts);
    if (end && strcmp(end, "") != 0) {
        end = strptime(end, "T%H:%M:%SZ", &parts);
        end_of_day = false;
    }
    if (end && !*end)
        *time_out = timegm(&parts);
    if (*time_out < 0)
        return tool_error_set_usage(error,
                                    "hsmiam: error: argument %s: expected a time in UTC, as "
                                    "2026-11-24 or 2026-11-24T07:39:10Z",
                                    name);
    if (end_of_day)
        *time_out += SECONDS_OF_DAY - 1;
    return HSMIAM_OK;
}
