/* SPDX-License-Identifier: Apache-2.0 */
/* An allocator that is put beneath libcurl, and looks for a secret in every block that
 * they free, move or still hold. */
#ifndef HSMIAM_TEST_IAM_TRACED_MEMORY_H
#define HSMIAM_TEST_IAM_TRACED_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* Looks for any 8 bytes in a row of `secret` from now on. */
void traced_memory_watch(const char *secret);

/* How many blocks held some of it when they were freed or moved, or hold some of it now. */
size_t traced_memory_count(void);

/* The allocation after `count` more fails; negative: none does. */
void traced_memory_fail_after(long count);

void *traced_malloc(size_t size);
void *traced_calloc(size_t count, size_t size);
void *traced_realloc(void *memory, size_t size);
char *traced_strdup(const char *text);
void traced_free(void *memory);

#endif
