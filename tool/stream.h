/* SPDX-License-Identifier: Apache-2.0 */
/* A long list, printed object by object as they come. */
#ifndef HSMIAM_TOOL_STREAM_H
#define HSMIAM_TOOL_STREAM_H

#include "settings.h"
#include "value.h"

/* A list on its way. What cannot be printed before all of it is known (a table, YAML) is kept. */
typedef struct tool_stream {
    const tool_settings *settings;
    const char *name;  /* of the list */
    const char *title; /* the command's, over a table */
    size_t count;
    tool_value *columns; /* of the first object */
    tool_value *root;    /* what is kept */
    tool_value *list;
    bool failed; /* no memory */
} tool_stream;

/* Zero-initialised but for settings, name and title, it is ready. Takes the object over; all have
 * the same members. What fails here, the end tells. */
void tool_stream_add(tool_stream *stream, tool_value **object);

/* Ends the list and closes standard output. Statuses: IO, MEMORY. */
hsmiam_status tool_stream_end(tool_stream *stream, tool_error *error) HSMIAM_MUST_USE;

/* Frees what is kept. */
void tool_stream_clear(tool_stream *stream);

#endif
