/* SPDX-License-Identifier: Apache-2.0 */
/* Comma-separated values (RFC 4180, with line feeds): a header and a row per object of the first
 * list of objects, or one row of the members that are no containers. */
#include "output.h"
#include "text.h"

#include <string.h>

/* A spreadsheet takes what begins so for a formula. Names and labels are somebody's choice. */
static bool looks_like_formula(const char *text)
{
    return *text && strchr("=+-@", *text);
}

/* Control characters as \xNN: the text may end on a terminal. */
static void write_text(FILE *stream, const char *text)
{
    bool quoted = text[strcspn(text, ",\"")] != 0;

    tool_text_put(quoted ? "\"" : "", stream);
    if (looks_like_formula(text))
        tool_text_put_char('\'', stream);
    while (*text) {
        size_t control = tool_text_count_control(text);

        if (*text == '"')
            tool_text_put_char('"', stream);
        if (control == 0)
            tool_text_put_char(*text++, stream);
        for (; control > 0; control--)
            tool_text_print(stream, "\\x%02x", (unsigned)(unsigned char)*text++);
    }
    tool_text_put(quoted ? "\"" : "", stream);
}

static void write_cell(FILE *stream, const tool_value *value)
{
    if (!value || !value->text || tool_value_is_container(value))
        return;
    if (value->type == TOOL_VALUE_STRING)
        write_text(stream, value->text);
    else
        tool_text_put(value->text, stream);
}

void tool_output_csv_header(const tool_value *columns, FILE *stream)
{
    for (const tool_value *member = columns->first; member; member = member->next) {
        tool_text_put(member == columns->first ? "" : ",", stream);
        write_text(stream, member->name);
    }
    tool_text_put_char('\n', stream);
}

void tool_output_csv_row(const tool_value *columns, const tool_value *object, FILE *stream)
{
    for (const tool_value *member = columns->first; member; member = member->next) {
        tool_text_put(member == columns->first ? "" : ",", stream);
        write_cell(stream, tool_value_get_member(object, member->name));
    }
    tool_text_put_char('\n', stream);
}

/* The object itself, if it has anything to show, or the first one below it that has. */
static const tool_value *find_object(const tool_value *object)
{
    for (const tool_value *member = object->first; member; member = member->next)
        if (!tool_value_is_container(member))
            return object;
    return object->first && object->first->type == TOOL_VALUE_OBJECT ? find_object(object->first)
                                                                     : object;
}

static const tool_value *find_list(const tool_value *object)
{
    for (const tool_value *member = object->first; member; member = member->next)
        if (member->type == TOOL_VALUE_LIST &&
            (!member->first || member->first->type == TOOL_VALUE_OBJECT))
            return member;
    return NULL;
}

bool tool_output_render_csv(const tool_value *object, FILE *stream)
{
    const tool_value *list = find_list(object);
    const tool_value *alone = find_object(object);
    tool_value *columns = list ? tool_value_gather_columns(list) : tool_value_copy_columns(alone);

    if (!columns)
        return false;
    if (columns->first) {
        tool_output_csv_header(columns, stream);
        if (!list)
            tool_output_csv_row(columns, alone, stream);
        for (const tool_value *row = list ? list->first : NULL; row; row = row->next)
            tool_output_csv_row(columns, row, stream);
    }
    tool_value_free(&columns);
    return true;
}
