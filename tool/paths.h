/* SPDX-License-Identifier: Apache-2.0 */
/* Paths as the AWS CLI reads them, and the files that parameters name. */
#ifndef HSMIAM_TOOL_PATHS_H
#define HSMIAM_TOOL_PATHS_H

#include "error.h"

/* The most that a parameter read from a file, or given as text, may have. */
#define TOOL_PARAMETER_SIZE_MAX 65536

/* True if a parameter is file://PATH or fileb://PATH, not the text itself. */
bool tool_parameter_is_file(const char *parameter);

/* The content of the file that an option names, with the limits of tool_parameter_load(). */
hsmiam_status tool_file_load(const char *option, const char *path, char **text_out,
                             tool_error *error) HSMIAM_MUST_USE;

/* The text of a parameter: itself, or the content of the file it names. `option` is for messages.
 * Holds no NUL and at most TOOL_PARAMETER_SIZE_MAX bytes; freed by the caller.
 * Statuses: ARGUMENT, MEMORY, CANCELLED. */
hsmiam_status tool_parameter_load(const char *option, const char *parameter, char **text_out,
                                  tool_error *error) HSMIAM_MUST_USE;

#endif
