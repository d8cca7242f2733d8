/* SPDX-License-Identifier: Apache-2.0 */
/* The tool's one buffer for a secret that a person or a file hands over. */
#ifndef HSMIAM_TOOL_SECRET_INPUT_H
#define HSMIAM_TOOL_SECRET_INPUT_H

#include "error.h"

/* The most that is taken: a secret has 40 bytes, a CSV file of the console some hundred. */
#define TOOL_SECRET_SIZE_MAX 16384

/* Locked memory, left out of core dumps and of children. Zero-initialised it is empty. */
typedef struct tool_secret {
    char *data; /* NUL-terminated */
    size_t size;
    size_t mapped;
} tool_secret;

/* Gets the memory. Statuses: MEMORY. */
hsmiam_status tool_secret_init(tool_secret *secret, tool_error *error) HSMIAM_MUST_USE;

/* Wipes and gives the memory back. */
void tool_secret_clear(tool_secret *secret);

/* Reads a descriptor to its end. `name` is for messages.
 * Statuses: IO, ARGUMENT (empty or too long), CANCELLED. */
hsmiam_status tool_secret_read(tool_secret *secret, int fd, const char *name,
                               tool_error *error) HSMIAM_MUST_USE;

/* Reads a secret from a descriptor, one line end at its end left out; if that is a terminal, asks
 * there without echo. Statuses: those of tool_secret_read() and tool_prompt_secret(). */
hsmiam_status tool_secret_ask(tool_secret *secret, int fd, const char *question,
                              tool_error *error) HSMIAM_MUST_USE;

#endif
