/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of AWS's signing test suite, read into memory. */
#ifndef HSMIAM_TESTS_SIGV4_VECTOR_H
#define HSMIAM_TESTS_SIGV4_VECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#define VECTOR_HEADERS_MAX 16

typedef struct test_vector {
    /* request.txt */
    char *request;
    const char *method;
    const char *target; /* path and query, any byte but a line end in it */
    struct {
        const char *name;
        const char *value; /* as it stands there, folded lines included */
    } headers[VECTOR_HEADERS_MAX];
    size_t header_count;
    const char *body;

    /* context.json */
    void *context;
    const char *access_key_id;
    const char *secret;
    const char *session_token; /* NULL: none is to be signed */
    const char *region;
    const char *service;
    time_t timestamp;
    bool normalize;
    bool sign_body;

    /* NULL where the folder has no such file */
    char *canonical_request;
    char *string_to_sign;
    char *signature;
} test_vector;

/* Reads a folder; false, with a word on stderr, if it is not one of the suite. */
bool vector_read(test_vector *vector, const char *folder);

void vector_clear(test_vector *vector);

/* The value of a header by its name in any case, NULL if there is none. */
const char *vector_find_header(const test_vector *vector, const char *name);

#endif
