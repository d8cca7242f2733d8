/* SPDX-License-Identifier: Apache-2.0 */
/* Reads an answer and keeps what came of it. */
#ifndef HSMIAM_TEST_IAM_READING_H
#define HSMIAM_TEST_IAM_READING_H

#include "iam/response.h"

typedef struct test_reading {
    hsmiam_status status;
    hsmiam_reply reply;
    char secret[256];
    char message[HSMIAM_ERROR_MESSAGE_MAX];
} test_reading;

/* Reads an answer: its first `split` bytes at once, then the rest in pieces of `piece` bytes (0:
 * all of it). */
void reading_read(test_reading *reading, const char *operation, const char *answer, size_t size,
                  size_t split, size_t piece);

/* The same, whole. */
void reading_read_whole(test_reading *reading, const char *operation, const char *answer);

#endif
