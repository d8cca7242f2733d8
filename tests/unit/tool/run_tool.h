/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the tool in a child and gathers what it printed. */
#ifndef HSMIAM_TESTS_RUN_TOOL_H
#define HSMIAM_TESTS_RUN_TOOL_H

#include "fake_library.h"

typedef struct run_result {
    int code;
    char out[32768];
    char err[32768];
    fake_state fake;
    char command_line[1024]; /* argv as it was in the end, words parted by spaces */
} run_result;

/* Runs `hsmiam` with the words (ends with NULL); `input` is its standard input, NULL for none. The
 * child has no terminal. */
void run_tool(run_result *result, const char *input, const char *const *words);

/* The same with standard output at `path`, such as /dev/full. */
void run_tool_to(run_result *result, const char *path, const char *const *words);

#define RUN(result, ...) run_tool(result, NULL, (const char *const[]){__VA_ARGS__, NULL})
#define RUN_WITH(result, input, ...)                                                               \
    run_tool(result, input, (const char *const[]){__VA_ARGS__, NULL})
#define RUN_TO(result, path, ...)                                                                  \
    run_tool_to(result, path, (const char *const[]){__VA_ARGS__, NULL})

#endif
