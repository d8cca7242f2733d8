/* SPDX-License-Identifier: Apache-2.0 */
/* The headers of a request, kept in the form in which they are signed. */
#ifndef HSMIAM_SIGV4_HEADER_H
#define HSMIAM_SIGV4_HEADER_H

#include "base/error.h"

#define HSMIAM_HEADER_NAME_MAX  256
#define HSMIAM_HEADERS_SIZE_MAX ((size_t)1 << 20)

typedef struct hsmiam_header {
    const char *name;  /* in lower case */
    const char *value; /* in one line, trimmed, each run of spaces and tabs one space */
    char *storage;     /* what both point into; NULL if they are borrowed */
} hsmiam_header;

typedef struct hsmiam_header_list {
    hsmiam_header *items;
    size_t count;
    size_t size; /* bytes of all names and values */
} hsmiam_header_list;

/* Adds a header behind the others. Statuses: ARGUMENT (not a name or not a value that a header may
 * have, or more than HSMIAM_HEADERS_SIZE_MAX bytes in all), MEMORY. */
hsmiam_status hsmiam_header_list_add(hsmiam_header_list *list, const char *name, const char *value,
                                     hsmiam_error *error) HSMIAM_MUST_USE;

/* The first of the headers with this lower-case name, NULL if there is none. */
const hsmiam_header *hsmiam_header_list_find(const hsmiam_header_list *list, const char *name);

/* Takes the last header away. */
void hsmiam_header_list_drop_last(hsmiam_header_list *list);

/* Frees the headers. */
void hsmiam_header_list_clear(hsmiam_header_list *list);

/* True for a token of RFC 9110, 5.6.2: what method and header names are made of. */
bool hsmiam_header_is_token(const char *text);

#endif
