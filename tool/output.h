/* SPDX-License-Identifier: Apache-2.0 */
/* What a command prints: a tree in one of five forms. */
#ifndef HSMIAM_TOOL_OUTPUT_H
#define HSMIAM_TOOL_OUTPUT_H

#include "settings.h"
#include "value.h"

/* Prints an object to standard output and closes it, so that a disk that is full, or a pipe that
 * is closed, shows. It is the last that a command writes there.
 * title  the command's name, over a table.
 * Statuses: IO, MEMORY. */
hsmiam_status tool_output_print(const tool_value *object, const tool_settings *settings,
                                const char *title, tool_error *error) HSMIAM_MUST_USE;

/* Flushes and closes standard output after something was written to it. Statuses: IO. */
hsmiam_status tool_output_close(tool_error *error) HSMIAM_MUST_USE;

/* Prints a list of objects, one by one as they come, as the member `name` of an object; JSON only.
 * Between begin and end, each object is freed by the caller. */
void tool_output_begin_list(const char *name);
void tool_output_add_object(const tool_value *object, size_t index);
hsmiam_status tool_output_end_list(size_t count, tool_error *error) HSMIAM_MUST_USE;

/* Prints an object as JSON on one line, and hands it to the system at once. It may be called again
 * and again. Statuses: IO. */
hsmiam_status tool_output_print_line(const tool_value *object, tool_error *error) HSMIAM_MUST_USE;

/* The forms. false if there is no memory; what the stream says is left to the caller. */
bool tool_output_render_json(const tool_value *object, FILE *stream) HSMIAM_MUST_USE;
void tool_output_render_json_line(const tool_value *object, FILE *stream);
bool tool_output_render_yaml(const tool_value *object, FILE *stream) HSMIAM_MUST_USE;
bool tool_output_render_text(const tool_value *object, FILE *stream) HSMIAM_MUST_USE;
bool tool_output_render_csv(const tool_value *object, FILE *stream) HSMIAM_MUST_USE;

/* The lines of CSV by themselves; `columns` is an object whose members name them. */
void tool_output_csv_header(const tool_value *columns, FILE *stream);
void tool_output_csv_row(const tool_value *columns, const tool_value *object, FILE *stream);

/* color  escape sequences for a terminal.
 * width  columns of the terminal; 0: as wide as need be. */
bool tool_output_render_table(const tool_value *object, const char *title, bool color, size_t width,
                              FILE *stream) HSMIAM_MUST_USE;

#endif
