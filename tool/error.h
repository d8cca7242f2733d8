/* SPDX-License-Identifier: Apache-2.0 */
/* What went wrong, for a person to read, and the exit code that a script reads. */
#ifndef HSMIAM_TOOL_ERROR_H
#define HSMIAM_TOOL_ERROR_H

#include "hsmiam.h"

#include <stdio.h>

/* The AWS CLI's exit codes (version 2). */
typedef enum tool_exit {
    TOOL_EXIT_OK = 0,
    TOOL_EXIT_FINDING = 1, /* ours: all went well, and what was to be looked for was found */
    TOOL_EXIT_INTERRUPTED = 130,
    TOOL_EXIT_USAGE = 252,
    TOOL_EXIT_CONFIGURATION = 253,
    TOOL_EXIT_SERVICE = 254,
    TOOL_EXIT_GENERAL = 255
} tool_exit;

/* An error of the tool's own. Zero-initialised it is empty; cleared by its owner. */
typedef struct tool_error {
    hsmiam_status status;
    bool usage;    /* the usage lines are printed before the message */
    char *message; /* NULL if there was no memory for it */
} tool_error;

/* The exit code of a status. */
int tool_exit_get(hsmiam_status status);

/* Empties the error. */
void tool_error_clear(tool_error *error);

/* Replaces the error and returns the status, so that a failing function reads
 * `return tool_error_set(error, ...)`. */
hsmiam_status tool_error_set(tool_error *error, hsmiam_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with HSMIAM_ERR_ARGUMENT and the usage lines before the message. */
hsmiam_status tool_error_set_usage(tool_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "Not enough memory". */
hsmiam_status tool_error_set_memory(tool_error *error);

/* Takes over what the library says; a service's error in the AWS CLI's sentence. */
hsmiam_status tool_error_set_library(tool_error *error, const hsmiam_error *library);

/* Puts the file in front whose content the error is about, and how it was given: of one that could
 * be read, but has not what it must. Returns the error's status. */
hsmiam_status tool_error_name_file(tool_error *error, const char *option, const char *path);

/* Prints an empty line and the message, control characters and PINs taken out. */
void tool_error_print(const tool_error *error, FILE *stream);

#endif
