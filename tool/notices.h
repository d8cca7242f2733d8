/* SPDX-License-Identifier: Apache-2.0 */
/* Warnings that would come for each of many users, given once. */
#ifndef HSMIAM_TOOL_NOTICES_H
#define HSMIAM_TOOL_NOTICES_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOOL_NOTICES_MAX 64

/* Starts from TOOL_NOTICES_INIT; nothing is to be freed. Threads share it. */
typedef struct tool_notices {
    pthread_mutex_t lock;
    uint64_t hashes[TOOL_NOTICES_MAX];
    size_t count;
} tool_notices;

#define TOOL_NOTICES_INIT                                                                          \
    {                                                                                              \
        .lock = PTHREAD_MUTEX_INITIALIZER                                                          \
    }

/* False if the same line was given before. Once there are very many, all are new. */
bool tool_notices_add(tool_notices *notices, const char *line);

#endif
