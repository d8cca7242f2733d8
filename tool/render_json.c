/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as the AWS CLI prints it: four spaces, members in their order, UTF-8 as it is. */
#include "output.h"

#include "text.h"

#define INDENT 4

static void write_string(FILE *stream, const char *text)
{
    static const unsigned char short_escapes[] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
        ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};

    tool_text_put_char('"', stream);
    for (const char *at = text; *at; at++) {
        unsigned char byte = (unsigned char)*at;
        unsigned char escape = byte < sizeof short_escapes ? short_escapes[byte] : 0;

        if (escape)
            tool_text_print(stream, "\\%c", escape);
        else if (byte < 0x20)
            tool_text_print(stream, "\\u%04x", byte);
        else
            tool_text_put_char(byte, stream);
    }
    tool_text_put_char('"', stream);
}

static void write_value(FILE *stream, const tool_value *value, int indent)
{
    bool is_list = value->type == TOOL_VALUE_LIST;

    if (!tool_value_is_container(value)) {
        if (value->type == TOOL_VALUE_STRING)
            write_string(stream, value->text);
        else
            tool_text_put(value->text ? value->text : "null", stream);
        return;
    }
    tool_text_put_char(is_list ? '[' : '{', stream);
    for (const tool_value *member = value->first; member; member = member->next) {
        tool_text_print(stream, "\n%*s", indent + INDENT, "");
        if (!is_list) {
            write_string(stream, member->name);
            tool_text_put(": ", stream);
        }
        write_value(stream, member, indent + INDENT);
        tool_text_put(member->next ? "," : "", stream);
    }
    if (value->first)
        tool_text_print(stream, "\n%*s", indent, "");
    tool_text_put_char(is_list ? ']' : '}', stream);
}

bool tool_output_render_json(const tool_value *object, FILE *stream)
{
    write_value(stream, object, 0);
    tool_text_put_char('\n', stream);
    return true;
}

static void write_in_line(FILE *stream, const tool_value *value)
{
    bool is_list = value->type == TOOL_VALUE_LIST;

    if (!tool_value_is_container(value)) {
        write_value(stream, value, 0);
        return;
    }
    tool_text_put_char(is_list ? '[' : '{', stream);
    for (const tool_value *member = value->first; member; member = member->next) {
        if (!is_list) {
            write_string(stream, member->name);
            tool_text_put(": ", stream);
        }
        write_in_line(stream, member);
        tool_text_put(member->next ? ", " : "", stream);
    }
    tool_text_put_char(is_list ? ']' : '}', stream);
}

void tool_output_render_json_line(const tool_value *object, FILE *stream)
{
    write_in_line(stream, object);
    tool_text_put_char('\n', stream);
}

void tool_output_begin_list(const char *name)
{
    tool_text_print(stdout, "{\n%*s", INDENT, "");
    write_string(stdout, name);
    tool_text_put(": [", stdout);
}

void tool_output_add_object(const tool_value *object, size_t index)
{
    tool_text_print(stdout, "%s\n%*s", index > 0 ? "," : "", 2 * INDENT, "");
    write_value(stdout, object, 2 * INDENT);
}

hsmiam_status tool_output_end_list(size_t count, tool_error *error)
{
    if (count > 0)
        tool_text_print(stdout, "\n%*s", INDENT, "");
    tool_text_put("]\n}\n", stdout);
    return tool_output_close(error);
}
