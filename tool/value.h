/* SPDX-License-Identifier: Apache-2.0 */
/* A tree of values with ordered members: what a command was given, and what it prints. */
#ifndef HSMIAM_TOOL_VALUE_H
#define HSMIAM_TOOL_VALUE_H

#include <stdbool.h>
#include <stddef.h>

/* The deepest nesting that is read. */
#define TOOL_VALUE_DEPTH_MAX 32

typedef enum tool_value_type {
    TOOL_VALUE_NULL,
    TOOL_VALUE_BOOLEAN,
    TOOL_VALUE_INTEGER,
    TOOL_VALUE_FLOAT,
    TOOL_VALUE_DATE,     /* read from YAML only */
    TOOL_VALUE_DATETIME, /* read from YAML only */
    TOOL_VALUE_STRING,
    TOOL_VALUE_LIST,
    TOOL_VALUE_OBJECT
} tool_value_type;

typedef struct tool_value {
    tool_value_type type;
    char *name; /* of a member; NULL in a list and at the root */
    char *text; /* a string's content, a number as it was written, "true" or "false" */
    struct tool_value *first;
    struct tool_value *last;
    struct tool_value *next;
} tool_value;

/* Makes a value that stands alone; `text` may be NULL for a list, an object or null. Both are
 * copied. NULL if there is no memory. */
tool_value *tool_value_new(tool_value_type type, const char *text);

/* Frees the tree and sets the caller's pointer to NULL. */
void tool_value_free(tool_value **value);

/* Makes a value as the last member of `parent`, `name` NULL in a list. NULL if there is no memory;
 * the parent owns it. */
tool_value *tool_value_add(tool_value *parent, const char *name, tool_value_type type,
                           const char *text);

/* Adds a string, a list or an object as tool_value_add() does. */
bool tool_value_add_string(tool_value *parent, const char *name, const char *text)
    __attribute__((warn_unused_result));
tool_value *tool_value_add_list(tool_value *parent, const char *name);
tool_value *tool_value_add_object(tool_value *parent, const char *name);

/* Adds a list of the words between which `words` has spaces, of less than 256 bytes each. */
bool tool_value_add_words(tool_value *parent, const char *name, const char *words)
    __attribute__((warn_unused_result));

/* Moves a value that stands alone to the end of `parent`, `name` NULL in a list. false, and nothing
 * is moved, if there is no memory. */
bool tool_value_take(tool_value *parent, const char *name, tool_value **value)
    __attribute__((warn_unused_result));

/* The member of that name, NULL if there is none. Borrowed. */
const tool_value *tool_value_get_member(const tool_value *object, const char *name);

/* An object with a null member for each of an object's members that is no container, or of those
 * that any object of a list has. NULL if there is no memory; freed by the caller. */
tool_value *tool_value_copy_columns(const tool_value *object);
tool_value *tool_value_gather_columns(const tool_value *list);

/* True for a list or an object. */
bool tool_value_is_container(const tool_value *value);

/* The members ordered by name, as an array that ends with NULL and that the caller frees. NULL if
 * there is no memory. */
const tool_value **tool_value_sort_members(const tool_value *object);

#endif
