/* SPDX-License-Identifier: Apache-2.0 */
/* Tables: for an object a row per member, for a list of objects a row per object. */
#include "output.h"
#include "text.h"

#include <libsmartcols/libsmartcols.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#define SEPARATOR       " | "
#define MEMBER          "Member" /* the head of their names, which is not shown, but counts */
#define LAST_COLUMN_MIN 12       /* columns that the last one of a list has at least */

/* The state of one rendering. */
typedef struct tool_renderer {
    FILE *stream;
    bool color;
    size_t width;
    size_t tables; /* printed so far */
} tool_renderer;

static char *escape(const char *text)
{
    char *copy = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&copy, &size);

    if (!stream)
        return NULL;
    tool_text_write_field(stream, text);
    if (fclose(stream) != 0) {
        free(copy);
        return NULL;
    }
    return copy;
}

static bool begins_character(char byte)
{
    return ((unsigned char)byte & 0xc0) != 0x80; /* bytes that go on are none */
}

static size_t count_columns(const char *text, size_t size)
{
    size_t columns = 0;

    for (size_t i = 0; i < size; i++)
        columns += begins_character(text[i]);
    return columns;
}

/* Breaks lines at blanks, so that none has more columns; what has no blank is broken anywhere. */
static void write_wrapped(FILE *stream, const char *text, size_t room)
{
    size_t column = 0;

    while (*text) {
        size_t size = strcspn(text, " ");

        if (column > 0) {
            bool fits = column + 1 + count_columns(text, size) <= room;

            tool_text_put_char(fits ? ' ' : '\n', stream);
            column = fits ? column + 1 : 0;
        }
        for (size_t i = 0; i < size; i++) {
            if (begins_character(text[i]) && column++ == room) {
                tool_text_put_char('\n', stream);
                column = 1;
            }
            tool_text_put_char(text[i], stream);
        }
        text += size + (text[size] == ' ');
    }
}

static char *wrap(const char *text, size_t room)
{
    char *copy = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&copy, &size);

    if (!stream)
        return NULL;
    write_wrapped(stream, text, room);
    if (fclose(stream) != 0) {
        free(copy);
        return NULL;
    }
    return copy;
}

/* `room`: the columns that the cell may have, 0: any number. */
static bool set_cell(struct libscols_line *line, size_t column, const tool_value *value,
                     size_t room)
{
    const char *text = value && value->text ? value->text : "";
    char *escaped = escape(text);
    char *wrapped = escaped && room > 0 ? wrap(escaped, room) : NULL;
    char *cell = room > 0 ? wrapped : escaped;

    if (cell != escaped)
        free(escaped);
    /* The line takes the copy over. */
    return cell && scols_line_refer_data(line, column, cell) == 0;
}

static struct libscols_table *make_table(const tool_renderer *renderer, const char *title)
{
    struct libscols_table *table = scols_new_table();
    struct libscols_cell *cell = NULL;

    if (!table)
        return NULL;
    scols_table_enable_noencoding(table, 1); /* the text is escaped already */
    scols_table_enable_colors(table, renderer->color);
    scols_table_set_termforce(table,
                              renderer->width ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
    if (renderer->width)
        scols_table_set_termwidth(table, renderer->width);
    scols_table_set_column_separator(table, SEPARATOR);
    cell = scols_table_get_title(table);
    if (scols_cell_set_data(cell, title) != 0 ||
        (renderer->color && scols_cell_set_color(cell, "bold") != 0)) {
        scols_unref_table(table);
        return NULL;
    }
    return table;
}

/* A column whose cells may have several lines, or not. */
static bool add_column(struct libscols_table *table, const char *name, bool wraps)
{
    struct libscols_column *column =
        scols_table_new_column(table, name, 0, wraps ? SCOLS_FL_WRAP : 0);

    return column && (!wraps || scols_column_set_wrapfunc(column, scols_wrapnl_chunksize,
                                                          scols_wrapnl_nextchunk, NULL) == 0);
}

static void print_text(tool_renderer *renderer, const char *text)
{
    size_t length = strlen(text);

    tool_text_print(renderer->stream, "%s%s%s", renderer->tables++ ? "\n" : "", text,
                    length > 0 && text[length - 1] == '\n' ? "" : "\n");
}

static bool print_table(tool_renderer *renderer, struct libscols_table *table)
{
    char *text = NULL;
    bool done = scols_print_table_to_string(table, &text) == 0;

    if (done)
        print_text(renderer, text);
    free(text);
    return done;
}

/* What the terminal leaves for a column behind others; 0: any number. */
static size_t get_room(const tool_renderer *renderer, size_t used)
{
    used += sizeof SEPARATOR - 1;
    if (!renderer->width)
        return 0;
    return renderer->width > used + LAST_COLUMN_MIN ? renderer->width - used : LAST_COLUMN_MIN;
}

static size_t get_longest_name(const tool_value *const *members)
{
    size_t longest = strlen(MEMBER);

    for (; *members; members++)
        if (!tool_value_is_container(*members) && strlen((*members)->name) > longest)
            longest = strlen((*members)->name);
    return longest;
}

/* A row per member that is no container. */
static bool print_members(tool_renderer *renderer, const tool_value *object, const char *title)
{
    struct libscols_table *table = make_table(renderer, title);
    const tool_value **members = tool_value_sort_members(object);
    size_t room = members ? get_room(renderer, get_longest_name(members)) : 0;
    size_t rows = 0;
    bool done =
        table && members && add_column(table, MEMBER, false) && add_column(table, "Value", true);

    if (table)
        scols_table_enable_noheadings(table, 1);
    for (const tool_value **member = members; done && *member; member++) {
        struct libscols_line *line = NULL;

        if (tool_value_is_container(*member))
            continue;
        line = scols_table_new_line(table, NULL);
        done = line && scols_line_set_data(line, 0, (*member)->name) == 0 &&
               set_cell(line, 1, *member, room);
        rows++;
    }
    if (done && rows > 0)
        done = print_table(renderer, table);
    free((void *)members);
    scols_unref_table(table);
    return done;
}

static bool add_row(struct libscols_table *table, const tool_value *object,
                    const tool_value *const *columns, size_t room)
{
    struct libscols_line *line = scols_table_new_line(table, NULL);
    bool done = line != NULL;

    for (size_t i = 0; done && columns[i]; i++)
        done = set_cell(line, i, tool_value_get_member(object, columns[i]->name),
                        columns[i + 1] ? 0 : room);
    return done;
}

/* The columns of the longest line. */
static size_t get_width(const char *text)
{
    size_t width = 0;

    while (*text) {
        size_t length = strcspn(text, "\n");
        size_t columns = count_columns(text, length);

        if (columns > width)
            width = columns;
        text += length + (text[length] == '\n');
    }
    return width;
}

static struct libscols_table *make_list(const tool_renderer *renderer, const tool_value *list,
                                        const tool_value *const *columns, size_t room,
                                        const char *title)
{
    struct libscols_table *table = make_table(renderer, title);
    bool done = table != NULL;

    for (size_t i = 0; done && columns[i]; i++)
        done = add_column(table, columns[i]->name, columns[i + 1] == NULL);
    for (const tool_value *object = list->first; done && object; object = object->next)
        done = add_row(table, object, columns, room);
    if (!done) {
        scols_unref_table(table);
        return NULL;
    }
    return table;
}

/* Whether a list is to be shown as a row per object: if that is not wider than the terminal, or but
 * for the last column, which can be wrapped to `*room_out`. */
static bool measure(const tool_renderer *renderer, const tool_value *list,
                    const tool_value **columns, const char *title, bool *fits_out, size_t *room_out)
{
    tool_renderer plain = {.stream = renderer->stream};
    struct libscols_table *table = NULL;
    const tool_value *last = NULL;
    size_t count = 0;
    char *text = NULL;
    bool done = true;

    *fits_out = true;
    *room_out = 0;
    while (columns[count])
        count++;
    if (!renderer->width || count < 2)
        return true;
    last = columns[count - 1];
    columns[count - 1] = NULL;
    table = make_list(&plain, list, columns, 0, title);
    columns[count - 1] = last;
    done = table && scols_print_table_to_string(table, &text) == 0;
    if (done) {
        *room_out = get_room(renderer, get_width(text));
        *fits_out = get_width(text) + sizeof SEPARATOR - 1 + *room_out <= renderer->width &&
                    strlen(last->name) <= *room_out;
    }
    free(text);
    scols_unref_table(table);
    return done;
}

/* A row per object; where that is too wide, a table per object, as the AWS CLI does. */
static bool print_list(tool_renderer *renderer, const tool_value *list, const char *title)
{
    tool_value *names = tool_value_gather_columns(list);
    const tool_value **columns = names ? tool_value_sort_members(names) : NULL;
    struct libscols_table *table = NULL;
    bool as_rows = true;
    size_t room = 0;
    bool done = columns && measure(renderer, list, columns, title, &as_rows, &room);

    if (done && as_rows) {
        table = make_list(renderer, list, columns, room, title);
        done = table && print_table(renderer, table);
    }
    for (const tool_value *object = list->first; done && !as_rows && object; object = object->next)
        done = print_members(renderer, object, title);
    scols_unref_table(table);
    free((void *)columns);
    tool_value_free(&names);
    return done;
}

static bool print_value(tool_renderer *renderer, const tool_value *value, const char *title)
{
    bool done = true;

    if (value->type == TOOL_VALUE_LIST)
        return !value->first || value->first->type != TOOL_VALUE_OBJECT ||
               print_list(renderer, value, title);
    done = print_members(renderer, value, title);
    for (const tool_value *member = value->first; done && member; member = member->next) {
        if (tool_value_is_container(member))
            done = print_value(renderer, member, member->name);
    }
    return done;
}

bool tool_output_render_table(const tool_value *object, const char *title, bool color, size_t width,
                              FILE *stream)
{
    tool_renderer renderer = {.stream = stream, .color = color, .width = width};

    /* Widths of characters are the locale's to know; nothing else in the tool depends on it. */
    (void)setlocale(LC_CTYPE, "");
    return print_value(&renderer, object, title);
}
