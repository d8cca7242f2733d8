/* SPDX-License-Identifier: Apache-2.0 */
#include "input.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static bool copy_value(tool_value *parent, const char *name, const json_t *json,
                       tool_value **root_out);

/* Puts a value under `parent`, or makes it the root. */
static tool_value *place(tool_value *parent, const char *name, tool_value_type type,
                         const char *text, tool_value **root_out)
{
    if (parent)
        return tool_value_add(parent, name, type, text);
    *root_out = tool_value_new(type, text);
    return *root_out;
}

/* A number as jansson would print it; digits are what a message shows. */
static bool copy_number(tool_value *parent, const char *name, const json_t *json,
                        tool_value **root_out)
{
    tool_value_type type = json_is_integer(json) ? TOOL_VALUE_INTEGER : TOOL_VALUE_FLOAT;
    char *text = json_dumps(json, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    bool done = text && place(parent, name, type, text, root_out);

    free(text);
    return done;
}

static bool copy_container(tool_value *parent, const char *name, const json_t *json,
                           tool_value **root_out)
{
    tool_value_type type = json_is_object(json) ? TOOL_VALUE_OBJECT : TOOL_VALUE_LIST;
    tool_value *copy = place(parent, name, type, NULL, root_out);
    const char *key = NULL;
    json_t *member = NULL;
    size_t index = 0;

    if (!copy)
        return false;
    json_object_foreach((json_t *)json, key, member)
    {
        if (!copy_value(copy, key, member, NULL))
            return false;
    }
    json_array_foreach(json, index, member)
    {
        if (!copy_value(copy, NULL, member, NULL))
            return false;
    }
    return true;
}

static bool copy_value(tool_value *parent, const char *name, const json_t *json,
                       tool_value **root_out)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        return copy_container(parent, name, json, root_out);
    case JSON_STRING:
        return place(parent, name, TOOL_VALUE_STRING, json_string_value(json), root_out) != NULL;
    case JSON_INTEGER:
    case JSON_REAL:
        return copy_number(parent, name, json, root_out);
    case JSON_TRUE:
        return place(parent, name, TOOL_VALUE_BOOLEAN, "true", root_out) != NULL;
    case JSON_FALSE:
        return place(parent, name, TOOL_VALUE_BOOLEAN, "false", root_out) != NULL;
    default:
        return place(parent, name, TOOL_VALUE_NULL, NULL, root_out) != NULL;
    }
}

static bool is_too_deep(const json_t *json, int depth)
{
    const char *key = NULL;
    json_t *member = NULL;
    size_t index = 0;

    if (!json_is_object(json) && !json_is_array(json))
        return false;
    if (depth == TOOL_VALUE_DEPTH_MAX)
        return true;
    json_object_foreach((json_t *)json, key, member)
    {
        if (is_too_deep(member, depth + 1))
            return true;
    }
    json_array_foreach(json, index, member)
    {
        if (is_too_deep(member, depth + 1))
            return true;
    }
    return false;
}

hsmiam_status tool_input_parse_json(const char *text, const char *where, tool_value **value_out,
                                    tool_error *error)
{
    json_error_t problem = {0};
    json_t *json =
        json_loadb(text, strlen(text), JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
    hsmiam_status status = HSMIAM_OK;

    if (!json)
        return tool_error_set(error, HSMIAM_ERR_ARGUMENT,
                              "Error parsing parameter 'cli-input-json': Invalid JSON: %s: line %d "
                              "column %d (char %d)%s",
                              problem.text, problem.line, problem.column, problem.position, where);
    *value_out = NULL;
    if (is_too_deep(json, 0)) {
        status = tool_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "Error parsing parameter 'cli-input-json': Invalid JSON: nested "
                                "deeper than %d levels%s",
                                TOOL_VALUE_DEPTH_MAX, where);
    } else if (!copy_value(NULL, NULL, json, value_out)) {
        tool_value_free(value_out);
        status = tool_error_set_memory(error);
    }
    json_decref(json);
    return status;
}
