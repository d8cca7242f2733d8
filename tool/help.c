/* SPDX-License-Identifier: Apache-2.0 */
#include "help.h"

#include "text.h"

#include <string.h>
#include <sys/utsname.h>

#define LINE_WIDTH    78
#define CHOICES_WIDTH 56 /* behind "One of: " */

void tool_help_print_usage(FILE *stream)
{
    tool_text_put("\nusage: hsmiam [options] <command> [parameters]\n"
                  "To see help text, you can run:\n\n"
                  "  hsmiam help\n"
                  "  hsmiam <command> help\n",
                  stream);
}

/* Writes a text as lines of at most LINE_WIDTH columns, all behind `indent` spaces. A line feed in
 * the text ends a line; an empty line parts paragraphs. */
static void print_wrapped(FILE *stream, const char *text, size_t indent)
{
    size_t column = 0;

    while (*text) {
        size_t length = strcspn(text, " \n");

        if (column > 0 && indent + column + 1 + length > LINE_WIDTH) {
            tool_text_put_char('\n', stream);
            column = 0;
        }
        if (length > 0) {
            tool_text_print(stream, "%*s%.*s", (int)(column ? 1 : indent), "", (int)length, text);
            column += length + (column ? 1 : 0);
        }
        text += length;
        if (*text == '\n') {
            tool_text_put_char('\n', stream);
            column = 0;
        }
        if (*text)
            text++;
    }
    if (column > 0)
        tool_text_put_char('\n', stream);
}

static const char *get_type_name(const tool_option *option)
{
    switch (option->kind) {
    case TOOL_OPTION_FLAG:
        return "boolean";
    case TOOL_OPTION_NUMBER:
        return "int";
    default:
        return "string";
    }
}

static void print_synopsis(const tool_option *options, FILE *stream)
{
    for (size_t i = 0; options[i].name; i++) {
        const char *group = options[i].group;
        bool follows =
            i > 0 && group && options[i - 1].group && !strcmp(group, options[i - 1].group);
        bool leads = group && options[i + 1].name && options[i + 1].group &&
                     !strcmp(group, options[i + 1].group);

        tool_text_put(follows ? " | " : "    [", stream);
        tool_text_put(options[i].name, stream);
        if (options[i].kind == TOOL_OPTION_OPTIONAL)
            tool_text_put(" [<value>]", stream);
        else if (options[i].kind != TOOL_OPTION_FLAG)
            tool_text_put(options[i].kind == TOOL_OPTION_REPEATED ? " <value> ..." : " <value>",
                          stream);
        if (!leads)
            tool_text_put("]\n", stream);
    }
}

static void print_choices(const char *const *choices, FILE *stream)
{
    size_t column = 0;

    for (size_t i = 0; choices && choices[i]; i++) {
        bool breaks = i > 0 && column + strlen(choices[i]) > CHOICES_WIDTH;
        column = breaks ? 0 : column;
        if (i > 0)
            tool_text_put(" |", stream);
        tool_text_put(breaks ? "\n                " : (i > 0 ? " " : "        One of: "), stream);
        tool_text_put(choices[i], stream);
        column += strlen(choices[i]) + strlen(" | ");
    }
    if (choices)
        tool_text_put("\n", stream);
}

static void print_options(const tool_option *options, FILE *stream)
{
    for (size_t i = 0; options[i].name; i++) {
        tool_text_print(stream, "    %s (%s)\n", options[i].name, get_type_name(&options[i]));
        print_wrapped(stream, options[i].help, 8);
        print_choices(options[i].choices, stream);
        tool_text_put("\n", stream);
    }
}

/* A name and what it is, in a column of its own, on more lines if need be. */
static void print_entry(FILE *stream, const char *name, const char *text, int width)
{
    size_t indent = 4 + (size_t)width + 2;
    size_t column = indent;

    tool_text_print(stream, "    %-*s ", width, name);
    while (*text) {
        size_t length = strcspn(text, " ");

        if (column > indent && column + 1 + length > LINE_WIDTH) {
            tool_text_print(stream, "\n%*s", (int)indent - 1, "");
            column = indent;
        }
        tool_text_print(stream, " %.*s", (int)length, text);
        column += 1 + length;
        text += length + strspn(text + length, " ");
    }
    tool_text_put_char('\n', stream);
}

static void print_commands(const tool_command *const *commands, FILE *stream)
{
    int width = 0;

    for (size_t i = 0; commands[i]; i++)
        if ((int)strlen(commands[i]->name) > width)
            width = (int)strlen(commands[i]->name);
    for (size_t i = 0; commands[i]; i++)
        print_entry(stream, commands[i]->name, commands[i]->summary, width);
}

void tool_help_print(const tool_command *const *commands, FILE *stream)
{
    tool_text_put("NAME\n    hsmiam - AWS access keys that are born inside an HSM\n\n"
                  "SYNOPSIS\n    hsmiam [options] <command> [parameters]\n\n"
                  "DESCRIPTION\n",
                  stream);
    print_wrapped(stream,
                  "Issues IAM access keys whose secret goes straight into a PKCS#11 token. The "
                  "requests to IAM are signed inside the token too.\n\n"
                  "Exit codes: 0 done; 1 found what was to be looked for (--max-age); 130 "
                  "interrupted; 252 usage or parameter; 253 configuration, "
                  "credentials, PIN, or a token that does not do it; 254 the service refused; 255 "
                  "anything else.",
                  4);
    tool_text_put("\nCOMMANDS\n", stream);
    print_commands(commands, stream);
    tool_text_put("\nGLOBAL OPTIONS\n", stream);
    print_options(tool_global_options, stream);
}

static void print_operations(const tool_command *group, FILE *stream)
{
    tool_text_print(stream, "\nSYNOPSIS\n    %s <operation> [parameters]\n\nOPERATIONS\n",
                    group->name);
    print_commands(group->operations, stream);
    tool_text_put("\n", stream);
}

void tool_help_print_command(const tool_command *group, const tool_command *command, FILE *stream)
{
    const char *before = group ? group->name : "";
    const char *blank = group ? " " : "";
    char title[256];

    (void)snprintf(title, sizeof title, "%s%s%s - %s", before, blank, command->name,
                   command->summary);
    tool_text_put("NAME\n", stream);
    print_wrapped(stream, title, 4);
    tool_text_put("\nDESCRIPTION\n", stream);
    print_wrapped(stream, command->description, 4);
    if (command->operations) {
        print_operations(command, stream);
    } else {
        tool_text_print(stream, "\nSYNOPSIS\n    %s%s%s", before, blank, command->name);
        tool_text_print(stream, command->word ? " <%s>\n" : "\n", command->word);
        print_synopsis(command->options, stream);
        tool_text_put("    [global options]\n\nOPTIONS\n", stream);
        print_options(command->options, stream);
    }
    tool_text_put("GLOBAL OPTIONS\n", stream);
    print_options(tool_global_options, stream);
}

void tool_help_print_version(FILE *stream)
{
    struct utsname system = {0};

    if (uname(&system) != 0)
        tool_text_print(stream, "hsmiam/%s\n", hsmiam_version());
    else
        tool_text_print(stream, "hsmiam/%s %s/%s %s\n", hsmiam_version(), system.sysname,
                        system.release, system.machine);
}
