/* SPDX-License-Identifier: Apache-2.0 */
/* The file in which a wrapped access key goes from one host to another. */
#ifndef HSMIAM_TOOL_WRAPPED_FILE_H
#define HSMIAM_TOOL_WRAPPED_FILE_H

#include "error.h"

/* Reads what `export-access-key` printed as JSON. `user_name` goes before the file's own, if it is
 * not NULL. Members that are not known are refused: they may mean what is not understood here.
 * Statuses: ARGUMENT, MEMORY, CANCELLED. */
hsmiam_status tool_wrapped_key_load(const char *path, const char *user_name,
                                    hsmiam_wrapped_key **wrapped_out, hsmiam_error *library,
                                    tool_error *error) HSMIAM_MUST_USE;

#endif
