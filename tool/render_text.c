/* SPDX-License-Identifier: Apache-2.0 */
/* The AWS CLI's text output: a line per object, fields parted by tabs in the order of the members'
 * names, behind the name of the object in capitals. */
#include "output.h"
#include "text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool write_value(FILE *stream, const tool_value *value, const char *identifier);

static void write_identifier(FILE *stream, const char *identifier)
{
    for (; *identifier; identifier++)
        tool_text_put_char(toupper((unsigned char)*identifier), stream);
}

static void write_scalar(FILE *stream, const tool_value *value)
{
    if (!value)
        return;
    if (value->type == TOOL_VALUE_STRING)
        tool_text_write_field(stream, value->text);
    else if (value->type == TOOL_VALUE_BOOLEAN)
        tool_text_put(strcmp(value->text, "true") == 0 ? "True" : "False", stream);
    else
        tool_text_put(value->text ? value->text : "None", stream);
}

/* Writes the fields of one line; `columns` are the members that name them, sorted. */
static void write_line(FILE *stream, const tool_value *object, const tool_value *const *columns,
                       const char *identifier)
{
    size_t written = 0;

    for (; *columns; columns++) {
        if (tool_value_is_container(*columns))
            continue;
        if (written == 0 && identifier)
            write_identifier(stream, identifier);
        tool_text_put(written++ > 0 || identifier ? "\t" : "", stream);
        write_scalar(stream, tool_value_get_member(object, (*columns)->name));
    }
    if (written > 0)
        tool_text_put_char('\n', stream);
}

static bool write_containers(FILE *stream, const tool_value *object)
{
    const tool_value **members = tool_value_sort_members(object);
    bool done = members != NULL;

    for (const tool_value **member = members; done && *member; member++) {
        if (tool_value_is_container(*member))
            done = write_value(stream, *member, (*member)->name);
    }
    free((void *)members);
    return done;
}

static bool write_objects(FILE *stream, const tool_value *list, const char *identifier)
{
    tool_value *names = tool_value_gather_columns(list);
    const tool_value **columns = names ? tool_value_sort_members(names) : NULL;
    bool done = columns != NULL;

    for (const tool_value *object = list->first; done && object; object = object->next) {
        write_line(stream, object, columns, identifier);
        done = write_containers(stream, object);
    }
    free((void *)columns);
    tool_value_free(&names);
    return done;
}

static bool write_list(FILE *stream, const tool_value *list, const char *identifier)
{
    if (list->first && list->first->type == TOOL_VALUE_OBJECT)
        return write_objects(stream, list, identifier);
    for (const tool_value *item = list->first; item; item = item->next) {
        if (identifier) {
            write_identifier(stream, identifier);
            tool_text_put_char('\t', stream);
        }
        write_scalar(stream, item);
        tool_text_put_char(identifier || !item->next ? '\n' : '\t', stream);
    }
    return true;
}

static bool write_value(FILE *stream, const tool_value *value, const char *identifier)
{
    const tool_value **members = NULL;
    bool done = false;

    if (value->type == TOOL_VALUE_LIST)
        return write_list(stream, value, identifier);
    members = tool_value_sort_members(value);
    if (members) {
        write_line(stream, value, members, identifier);
        done = write_containers(stream, value);
    }
    free((void *)members);
    return done;
}

bool tool_output_render_text(const tool_value *object, FILE *stream)
{
    return write_value(stream, object, NULL);
}
