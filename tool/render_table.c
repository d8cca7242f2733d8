/* SPDX-License-Identifier: Apache-2.0 */
/* Tables: for an object a row per member, for a list of objects a row per object. */
#include "output.h"
#include "text.h"

#include <libsmartcols/libsmartcols.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#define LAST_COLUMN_MIN 12 /* columns that the last one of a list has at least */

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

static bool set_cell(struct libscols_line *line, size_t column, const tool_value *value)
{
    const char *text = value && value->text ? value->text : "";
    char *escaped = escape(text);

    /* The line takes the copy over. */
    return escaped && scols_line_refer_data(line, column, escaped) == 0;
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
    scols_table_set_column_separator(table, " | ");
    cell = scols_table_get_title(table);
    if (scols_cell_set_data(cell, title) != 0 ||
        (renderer->color && scols_cell_set_color(cell, "bold") != 0)) {
        scols_unref_table(table);
        return NULL;
    }
    return table;
}

static bool add_column(struct libscols_table *table, const char *name, bool wrap)
{
    return scols_table_new_column(table, name, 0, wrap ? SCOLS_FL_WRAP : 0) != NULL;
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

/* A row per member that is no container. */
static bool print_members(tool_renderer *renderer, const tool_value *object, const char *title)
{
    struct libscols_table *table = make_table(renderer, title);
    const tool_value **members = tool_value_sort_members(object);
    size_t rows = 0;
    bool done =
        table && members && add_column(table, "Member", false) && add_column(table, "Value", true);

    if (table)
        scols_table_enable_noheadings(table, 1);
    for (const tool_value **member = members; done && *member; member++) {
        struct libscols_line *line = NULL;

        if (tool_value_is_container(*member))
            continue;
        line = scols_table_new_line(table, NULL);
        done = line && scols_line_set_data(line, 0, (*member)->name) == 0 &&
               set_cell(line, 1, *member);
        rows++;
    }
    if (done && rows > 0)
        done = print_table(renderer, table);
    free((void *)members);
    scols_unref_table(table);
    return done;
}

static bool add_row(struct libscols_table *table, const tool_value *object,
                    const tool_value *const *columns)
{
    struct libscols_line *line = scols_table_new_line(table, NULL);
    bool done = line != NULL;

    for (size_t i = 0; done && columns[i]; i++)
        done = set_cell(line, i, tool_value_get_member(object, columns[i]->name));
    return done;
}

/* Whether each line fits into the terminal, and leaves room for the column that is wrapped. */
static bool fits(const tool_renderer *renderer, const char *text)
{
    if (!renderer->width)
        return true;
    while (*text) {
        size_t length = strcspn(text, "\n");
        size_t columns = 0;

        for (size_t i = 0; i < length; i++)
            columns += ((unsigned char)text[i] & 0xc0) != 0x80; /* bytes that go on are none */
        if (columns + LAST_COLUMN_MIN > renderer->width)
            return false;
        text += length + (text[length] == '\n');
    }
    return true;
}

static struct libscols_table *make_list(const tool_renderer *renderer, const tool_value *list,
                                        const tool_value *const *columns, const char *title)
{
    struct libscols_table *table = make_table(renderer, title);
    bool done = table != NULL;

    for (size_t i = 0; done && columns[i]; i++)
        done = add_column(table, columns[i]->name, columns[i + 1] == NULL);
    for (const tool_value *object = list->first; done && object; object = object->next)
        done = add_row(table, object, columns);
    if (!done) {
        scols_unref_table(table);
        return NULL;
    }
    return table;
}

/* Whether a list is to be shown as a row per object: if that is not wider than the terminal, or but
 * for the last column, which can be wrapped. */
static bool measure(const tool_renderer *renderer, const tool_value *list,
                    const tool_value **columns, const char *title, bool *fits_out)
{
    tool_renderer plain = {.stream = renderer->stream};
    struct libscols_table *table = NULL;
    const tool_value *last = NULL;
    size_t count = 0;
    char *text = NULL;
    bool done = true;

    *fits_out = true;
    while (columns[count])
        count++;
    if (!renderer->width || count < 2)
        return true;
    last = columns[count - 1];
    columns[count - 1] = NULL;
    table = make_list(&plain, list, columns, title);
    columns[count - 1] = last;
    done = table && scols_print_table_to_string(table, &text) == 0;
    *fits_out = done && fits(renderer, text);
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
    bool done = columns && measure(renderer, list, columns, title, &as_rows);

    if (done && as_rows) {
        table = make_list(renderer, list, columns, title);
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
