/* SPDX-License-Identifier: Apache-2.0 */
/* The error record behind hsmiam_error. It is of fixed size, so reporting an error cannot fail. */
#ifndef HSMIAM_BASE_ERROR_H
#define HSMIAM_BASE_ERROR_H

#include "hsmiam.h"

#define HSMIAM_ERROR_MESSAGE_MAX 4096

struct hsmiam_error {
    hsmiam_status status;
    hsmiam_domain domain;
    unsigned long code;
    char code_name[64];
    char request_id[128];
    char operation[64];
    char message[HSMIAM_ERROR_MESSAGE_MAX];
};

/* Empties the record. `error` may be NULL, here and below. */
void hsmiam_error_clear(hsmiam_error *error);

/* Replaces the record by a status and a sentence, and returns the status, so that a failing
 * function reads `return hsmiam_error_set(error, ...)`. Never give it a secret. */
hsmiam_status hsmiam_error_set(hsmiam_error *error, hsmiam_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds whose code the error came with. `code_name` may be NULL. */
void hsmiam_error_set_origin(hsmiam_error *error, hsmiam_domain domain, unsigned long code,
                             const char *code_name);

/* Puts a sentence behind the message, which gets the full stop that it may lack; or below it, if it
 * has lines. */
void hsmiam_error_append(hsmiam_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Puts a line below the message: one of a list, or what follows it. */
void hsmiam_error_append_line(hsmiam_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* An errno value as an error: "<format>: <strerror>". */
hsmiam_status hsmiam_error_set_errno(hsmiam_error *error, hsmiam_status status, int number,
                                     const char *format, ...) __attribute__((format(printf, 4, 5)));

/* "not enough memory", for a failed allocation of the named thing. */
hsmiam_status hsmiam_error_set_memory(hsmiam_error *error, const char *what);

/* Memory for the named thing that could not be locked: how much, how much may be, and how to allow
 * more. `number` is mlock()'s errno. */
hsmiam_status hsmiam_error_set_unlocked(hsmiam_error *error, int number, size_t size,
                                        const char *what);

#endif
