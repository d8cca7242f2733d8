/* SPDX-License-Identifier: Apache-2.0 */
#include "stream.h"

#include "output.h"
#include "text.h"

static bool is_kept(const tool_stream *stream)
{
    return stream->settings->output == TOOL_OUTPUT_TABLE ||
           stream->settings->output == TOOL_OUTPUT_YAML;
}

static bool make_list(tool_stream *stream)
{
    if (stream->list)
        return true;
    stream->root = tool_value_new(TOOL_VALUE_OBJECT, NULL);
    stream->list = stream->root ? tool_value_add_list(stream->root, stream->name) : NULL;
    return stream->list != NULL;
}

/* As one object of a list, whose line has the list's name. */
static bool print_text(const tool_stream *stream, tool_value **object)
{
    tool_value *root = tool_value_new(TOOL_VALUE_OBJECT, NULL);
    tool_value *list = root ? tool_value_add_list(root, stream->name) : NULL;
    bool done = list && tool_value_take(list, NULL, object);

    if (done)
        done = tool_output_render_text(root, stdout);
    tool_value_free(&root);
    return done;
}

static bool print_csv(tool_stream *stream, const tool_value *object)
{
    if (!stream->columns) {
        stream->columns = tool_value_copy_columns(object);
        if (stream->columns)
            tool_output_csv_header(stream->columns, stdout);
    }
    if (stream->columns)
        tool_output_csv_row(stream->columns, object, stdout);
    return stream->columns != NULL;
}

static bool add(tool_stream *stream, tool_value **object)
{
    switch (stream->settings->output) {
    case TOOL_OUTPUT_TEXT:
        return print_text(stream, object);
    case TOOL_OUTPUT_CSV:
        return print_csv(stream, *object);
    case TOOL_OUTPUT_JSON:
        if (stream->count == 0)
            tool_output_begin_list(stream->name);
        tool_output_add_object(*object, stream->count);
        return true;
    default:
        return make_list(stream) && tool_value_take(stream->list, NULL, object);
    }
}

void tool_stream_add(tool_stream *stream, tool_value **object)
{
    if (!*object || !add(stream, object))
        stream->failed = true;
    stream->count++;
    tool_value_free(object);
}

hsmiam_status tool_stream_end(tool_stream *stream, tool_error *error)
{
    if (stream->failed)
        return tool_error_set_memory(error);
    if (is_kept(stream) || stream->count == 0)
        return make_list(stream)
                   ? tool_output_print(stream->root, stream->settings, stream->title, error)
                   : tool_error_set_memory(error);
    if (stream->settings->output == TOOL_OUTPUT_JSON)
        return tool_output_end_list(stream->count, error);
    return tool_output_close(error);
}

void tool_stream_clear(tool_stream *stream)
{
    tool_value_free(&stream->columns);
    tool_value_free(&stream->root);
}
