/* SPDX-License-Identifier: Apache-2.0 */
#include "input.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* The state of one parse: the containers that are open, and a key that waits for its value. */
typedef struct tool_loader {
    tool_value *root;
    tool_value *open[TOOL_VALUE_DEPTH_MAX];
    int depth;
    char *key;
    int documents;
    const char *problem; /* what is refused; NULL: no memory */
} tool_loader;

static bool refuse(tool_loader *loader, const char *problem)
{
    loader->problem = problem;
    return false;
}

/* Puts a value where the next one belongs. */
static tool_value *place(tool_loader *loader, tool_value_type type, const char *text)
{
    tool_value *parent = loader->depth > 0 ? loader->open[loader->depth - 1] : NULL;
    tool_value *value = NULL;

    if (!parent) {
        loader->root = tool_value_new(type, text);
        return loader->root;
    }
    value = tool_value_add(parent, loader->key, type, text);
    free(loader->key);
    loader->key = NULL;
    return value;
}

/* True if the next node is a key of an object. */
static bool wants_key(const tool_loader *loader)
{
    return loader->depth > 0 && loader->open[loader->depth - 1]->type == TOOL_VALUE_OBJECT &&
           !loader->key;
}

static bool take_key(tool_loader *loader, const char *text)
{
    if (tool_value_get_member(loader->open[loader->depth - 1], text))
        return refuse(loader, "duplicate key");
    loader->key = strdup(text);
    return loader->key != NULL;
}

static bool take_scalar(tool_loader *loader, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    tool_value_type type = TOOL_VALUE_STRING;

    if (event->data.scalar.anchor)
        return refuse(loader, "anchors are not taken");
    if (event->data.scalar.tag)
        return refuse(loader, "tags are not taken");
    if (strlen(text) != event->data.scalar.length)
        return refuse(loader, "a NUL character is not taken");
    if (wants_key(loader))
        return take_key(loader, text);
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        type = tool_input_resolve_scalar(text);
    if (type == TOOL_VALUE_BOOLEAN)
        text = *text == 't' || *text == 'T' ? "true" : "false";
    return place(loader, type, type == TOOL_VALUE_NULL ? NULL : text) != NULL;
}

static bool open_container(tool_loader *loader, tool_value_type type, const yaml_char_t *anchor,
                           const yaml_char_t *tag)
{
    tool_value *value = NULL;

    if (anchor)
        return refuse(loader, "anchors are not taken");
    if (tag)
        return refuse(loader, "tags are not taken");
    if (wants_key(loader))
        return refuse(loader, "a key must be a scalar");
    if (loader->depth == TOOL_VALUE_DEPTH_MAX)
        return refuse(loader, "nested too deep");
    value = place(loader, type, NULL);
    if (!value)
        return false;
    loader->open[loader->depth++] = value;
    return true;
}

static bool take_event(tool_loader *loader, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return loader->documents++ == 0 || refuse(loader, "more than one document");
    case YAML_ALIAS_EVENT:
        return refuse(loader, "aliases are not taken");
    case YAML_SCALAR_EVENT:
        return take_scalar(loader, event);
    case YAML_SEQUENCE_START_EVENT:
        return open_container(loader, TOOL_VALUE_LIST, event->data.sequence_start.anchor,
                              event->data.sequence_start.tag);
    case YAML_MAPPING_START_EVENT:
        return open_container(loader, TOOL_VALUE_OBJECT, event->data.mapping_start.anchor,
                              event->data.mapping_start.tag);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        loader->depth--;
        return true;
    default:
        return true;
    }
}

static hsmiam_status refuse_yaml(tool_error *error, const char *problem, const yaml_mark_t *mark,
                                 const char *where)
{
    return tool_error_set(error, HSMIAM_ERR_ARGUMENT,
                          "Error parsing parameter 'cli-input-yaml': Invalid YAML: %s: line %zu "
                          "column %zu%s",
                          problem, mark->line + 1, mark->column + 1, where);
}

static hsmiam_status run(yaml_parser_t *parser, tool_loader *loader, const char *where,
                         tool_error *error)
{
    bool done = false;

    while (!done) {
        yaml_event_t event = {0};
        yaml_mark_t mark = {0};
        bool taken = false;

        if (!yaml_parser_parse(parser, &event)) {
            const char *problem = parser->problem ? parser->problem : "it cannot be read";

            if (parser->error == YAML_MEMORY_ERROR)
                return tool_error_set_memory(error);
            return refuse_yaml(error, problem, &parser->problem_mark, where);
        }
        mark = event.start_mark;
        taken = take_event(loader, &event);
        done = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
        if (!taken && !loader->problem)
            return tool_error_set_memory(error);
        if (!taken)
            return refuse_yaml(error, loader->problem, &mark, where);
    }
    return HSMIAM_OK;
}

hsmiam_status tool_input_parse_yaml(const char *text, const char *where, tool_value **value_out,
                                    tool_error *error)
{
    tool_loader loader = {0};
    yaml_parser_t parser = {0};
    hsmiam_status status = HSMIAM_OK;

    if (!yaml_parser_initialize(&parser))
        return tool_error_set_memory(error);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, strlen(text));
    status = run(&parser, &loader, where, error);
    yaml_parser_delete(&parser);
    if (status == HSMIAM_OK && !loader.root) {
        loader.root = tool_value_new(TOOL_VALUE_NULL, NULL); /* an empty stream */
        if (!loader.root)
            status = tool_error_set_memory(error);
    }
    free(loader.key);
    if (status == HSMIAM_OK)
        *value_out = loader.root;
    else
        tool_value_free(&loader.root);
    return status;
}
