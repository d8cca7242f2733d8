/* SPDX-License-Identifier: Apache-2.0 */
#include "schema.h"

#include "text.h"

#include <stdlib.h>
#include <string.h>

static const char heading[] = "Parameter validation failed:";

/* Python's names of types, which the AWS CLI's messages use. */
static const char *get_type_name(tool_value_type type)
{
    static const char *const names[] = {
        [TOOL_VALUE_NULL] = "NoneType",      [TOOL_VALUE_BOOLEAN] = "bool",
        [TOOL_VALUE_INTEGER] = "int",        [TOOL_VALUE_FLOAT] = "float",
        [TOOL_VALUE_DATE] = "datetime.date", [TOOL_VALUE_DATETIME] = "datetime.datetime",
        [TOOL_VALUE_STRING] = "str",         [TOOL_VALUE_LIST] = "list",
        [TOOL_VALUE_OBJECT] = "dict",
    };

    return names[type];
}

/* Writes a value as Python shows it. */
static void write_value(FILE *stream, const tool_value *value, bool nested)
{
    switch (value->type) {
    case TOOL_VALUE_NULL:
        tool_text_put("None", stream);
        break;
    case TOOL_VALUE_BOOLEAN:
        tool_text_put(strcmp(value->text, "true") == 0 ? "True" : "False", stream);
        break;
    case TOOL_VALUE_STRING:
        if (nested)
            tool_text_write_quoted(stream, value->text, '\'');
        else
            tool_text_write_field(stream, value->text);
        break;
    case TOOL_VALUE_LIST:
    case TOOL_VALUE_OBJECT:
        tool_text_put_char(value->type == TOOL_VALUE_LIST ? '[' : '{', stream);
        for (const tool_value *member = value->first; member; member = member->next) {
            if (member->name) {
                tool_text_write_quoted(stream, member->name, '\'');
                tool_text_put(": ", stream);
            }
            write_value(stream, member, true);
            tool_text_put(member->next ? ", " : "", stream);
        }
        tool_text_put_char(value->type == TOOL_VALUE_LIST ? ']' : '}', stream);
        break;
    default:
        tool_text_put(value->text, stream);
    }
}

static void list_unknown(const tool_schema *schema, const tool_value *input, FILE *stream)
{
    for (const tool_value *given = input->first; given; given = given->next) {
        const tool_member *member = schema->members;

        while (member->name && strcmp(member->name, given->name) != 0)
            member++;
        if (member->name)
            continue;
        tool_text_put("\nUnknown parameter in input: ", stream);
        tool_text_write_quoted(stream, given->name, '"');
        tool_text_put(", must be one of: ", stream);
        for (member = schema->members; member->name; member++)
            tool_text_print(stream, "%s%s", member == schema->members ? "" : ", ", member->name);
    }
}

static void check_string(const tool_member *member, const char *text, FILE *stream)
{
    hsmiam_error *error = NULL;
    size_t length = strlen(text);

    if (length < member->min_length) {
        tool_text_print(stream,
                        "\nInvalid length for parameter %s, value: %zu, valid min length: %zu",
                        member->name, length, member->min_length);
        return;
    }
    if (!member->check)
        return;
    error = hsmiam_error_new();
    if (member->check(text, error) != HSMIAM_OK) {
        const char *message = hsmiam_error_get_message(error);

        /* The library may say the heading itself. */
        if (strncmp(message, heading, sizeof heading - 1) == 0)
            message += sizeof heading - 1 + strspn(message + sizeof heading - 1, " \n");
        tool_text_print(stream, "\n%s", *message ? message : "Invalid value");
    }
    hsmiam_error_free(&error);
}

static void check_member(const tool_member *member, const tool_value *given, FILE *stream)
{
    if (!given)
        return;
    if (given->type != member->type) {
        tool_text_print(stream, "\nInvalid type for parameter %s, value: ", member->name);
        write_value(stream, given, false);
        tool_text_print(stream, ", type: <class '%s'>, valid types: <class '%s'>",
                        get_type_name(given->type), get_type_name(member->type));
        return;
    }
    if (member->type == TOOL_VALUE_STRING)
        check_string(member, given->text, stream);
}

hsmiam_status tool_schema_check(const tool_schema *schema, const tool_value *input,
                                const char *origin, tool_error *error)
{
    char *report = NULL;
    size_t size = 0;
    hsmiam_status status = HSMIAM_OK;
    FILE *stream = NULL;

    if (input->type != TOOL_VALUE_OBJECT)
        return tool_error_set(
            error, HSMIAM_ERR_ARGUMENT,
            "Error parsing parameter '%.*s': Invalid type: expecting map, received <class '%s'>",
            (int)strcspn(origin, " "), origin, get_type_name(input->type));
    stream = open_memstream(&report, &size);
    if (!stream)
        return tool_error_set_memory(error);
    list_unknown(schema, input, stream);
    for (const tool_member *member = schema->members; member->name; member++)
        check_member(member, tool_value_get_member(input, member->name), stream);
    if (fclose(stream) != 0)
        status = tool_error_set_memory(error);
    else if (size > 0)
        status = tool_error_set(error, HSMIAM_ERR_ARGUMENT, "%s%s\nGiven by: %s", heading, report,
                                origin);
    free(report);
    return status;
}

static const char *get_sample(const tool_member *member)
{
    if (member->type == TOOL_VALUE_STRING)
        return member->sample ? member->sample : "";
    return member->type == TOOL_VALUE_BOOLEAN ? "true" : "0";
}

void tool_schema_print_json(const tool_schema *schema, FILE *stream)
{
    tool_text_put_char('{', stream);
    for (const tool_member *member = schema->members; member->name; member++) {
        const char *quote = member->type == TOOL_VALUE_STRING ? "\"" : "";

        tool_text_print(stream, "%s\n    \"%s\": %s%s%s", member == schema->members ? "" : ",",
                        member->name, quote, get_sample(member), quote);
    }
    tool_text_put("\n}\n", stream);
}

void tool_schema_print_yaml(const tool_schema *schema, FILE *stream)
{
    for (const tool_member *member = schema->members; member->name; member++) {
        const char *quote = member->type == TOOL_VALUE_STRING && !member->sample ? "'" : "";

        tool_text_print(stream, "%s: %s%s%s  # %s%s\n", member->name, quote, get_sample(member),
                        quote, member->required ? "[REQUIRED] " : "", member->help);
    }
}
