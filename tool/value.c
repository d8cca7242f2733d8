/* SPDX-License-Identifier: Apache-2.0 */
#include "value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

tool_value *tool_value_new(tool_value_type type, const char *text)
{
    tool_value *value = calloc(1, sizeof *value);

    if (!value)
        return NULL;
    value->type = type;
    if (text && !(value->text = strdup(text))) {
        free(value);
        return NULL;
    }
    return value;
}

/* Recursion ends where the readers' limit on depth puts it; what commands build is flat. */
void tool_value_free(tool_value **value)
{
    tool_value *gone = *value;

    *value = NULL;
    if (!gone)
        return;
    while (gone->first) {
        tool_value *member = gone->first;

        gone->first = member->next;
        tool_value_free(&member);
    }
    free(gone->name);
    free(gone->text);
    free(gone);
}

static void append(tool_value *parent, tool_value *value)
{
    if (parent->last)
        parent->last->next = value;
    else
        parent->first = value;
    parent->last = value;
}

tool_value *tool_value_add(tool_value *parent, const char *name, tool_value_type type,
                           const char *text)
{
    tool_value *value = tool_value_new(type, text);

    if (!value)
        return NULL;
    if (name && !(value->name = strdup(name))) {
        tool_value_free(&value);
        return NULL;
    }
    append(parent, value);
    return value;
}

bool tool_value_take(tool_value *parent, const char *name, tool_value **value)
{
    char *copy = name ? strdup(name) : NULL;

    if (name && !copy)
        return false;
    free((*value)->name);
    (*value)->name = copy;
    append(parent, *value);
    *value = NULL;
    return true;
}

bool tool_value_add_string(tool_value *parent, const char *name, const char *text)
{
    return tool_value_add(parent, name, TOOL_VALUE_STRING, text) != NULL;
}

tool_value *tool_value_add_list(tool_value *parent, const char *name)
{
    return tool_value_add(parent, name, TOOL_VALUE_LIST, NULL);
}

tool_value *tool_value_add_object(tool_value *parent, const char *name)
{
    return tool_value_add(parent, name, TOOL_VALUE_OBJECT, NULL);
}

bool tool_value_add_words(tool_value *parent, const char *name, const char *words)
{
    tool_value *list = tool_value_add_list(parent, name);

    while (list && *words) {
        char word[256];
        size_t length = strcspn(words, " ");

        (void)snprintf(word, sizeof word, "%.*s", (int)length, words);
        if (!tool_value_add_string(list, NULL, word))
            return false;
        words += length + (words[length] == ' ' ? 1 : 0);
    }
    return list != NULL;
}

const tool_value *tool_value_get_member(const tool_value *object, const char *name)
{
    for (const tool_value *member = object->first; member; member = member->next) {
        if (member->name && strcmp(member->name, name) == 0)
            return member;
    }
    return NULL;
}

bool tool_value_is_container(const tool_value *value)
{
    return value->type == TOOL_VALUE_LIST || value->type == TOOL_VALUE_OBJECT;
}

static int compare_names(const void *left, const void *right)
{
    const tool_value *a = *(const tool_value *const *)left;
    const tool_value *b = *(const tool_value *const *)right;

    return strcmp(a->name, b->name);
}

const tool_value **tool_value_sort_members(const tool_value *object)
{
    const tool_value **members = NULL;
    size_t count = 0;
    size_t next = 0;

    for (const tool_value *member = object->first; member; member = member->next)
        count++;
    members = (const tool_value **)calloc(count + 1, sizeof(const tool_value *));
    if (!members)
        return NULL;
    for (const tool_value *member = object->first; member; member = member->next)
        members[next++] = member;
    qsort((void *)members, count, sizeof(const tool_value *), compare_names);
    return members;
}

static bool add_columns(tool_value *columns, const tool_value *object)
{
    for (const tool_value *member = object->first; member; member = member->next) {
        if (tool_value_is_container(member) || tool_value_get_member(columns, member->name))
            continue;
        if (!tool_value_add(columns, member->name, TOOL_VALUE_NULL, NULL))
            return false;
    }
    return true;
}

tool_value *tool_value_copy_columns(const tool_value *object)
{
    tool_value *columns = tool_value_new(TOOL_VALUE_OBJECT, NULL);

    if (columns && !add_columns(columns, object))
        tool_value_free(&columns);
    return columns;
}

tool_value *tool_value_gather_columns(const tool_value *list)
{
    tool_value *columns = tool_value_new(TOOL_VALUE_OBJECT, NULL);

    for (const tool_value *object = list->first; columns && object; object = object->next)
        if (!add_columns(columns, object))
            tool_value_free(&columns);
    return columns;
}
