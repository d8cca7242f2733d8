/* SPDX-License-Identifier: Apache-2.0 */
#include "sigv4/canonical.h"

#include <stdlib.h>
#include <string.h>

#include "base/escape.h"

/* A parameter, encoded; the encoding leaves no NUL in it. */
typedef struct parameter {
    const char *name;
    const char *value;
} parameter;

static int compare(const void *left, const void *right)
{
    const parameter *a = left;
    const parameter *b = right;
    int order = strcmp(a->name, b->name);

    return order != 0 ? order : strcmp(a->value, b->value);
}

/* Appends "name NUL value NUL" for each parameter, and counts them. */
static size_t encode(hsmiam_buffer *encoded, const char *query)
{
    size_t count = 0;

    for (;;) {
        size_t size = strcspn(query, "&");
        if (size > 0) {
            const char *equals = memchr(query, '=', size);
            size_t name_size = equals != NULL ? (size_t)(equals - query) : size;
            hsmiam_escape_append_once(encoded, query, name_size, "");
            hsmiam_buffer_append_char(encoded, '\0');
            if (equals != NULL)
                hsmiam_escape_append_once(encoded, equals + 1, size - name_size - 1, "");
            hsmiam_buffer_append_char(encoded, '\0');
            count++;
        }
        query += size;
        if (*query == '\0')
            return count;
        query++;
    }
}

hsmiam_status hsmiam_canonical_query_append(hsmiam_buffer *canonical, const char *query,
                                            hsmiam_error *error)
{
    parameter *parameters = NULL;
    hsmiam_buffer encoded;

    hsmiam_buffer_init(&encoded, HSMIAM_CANONICAL_SIZE_MAX);
    size_t count = encode(&encoded, query);
    hsmiam_status status = hsmiam_buffer_check(&encoded, "the canonical query", error);
    if (status != HSMIAM_OK || count == 0)
        goto out;
    parameters = calloc(count, sizeof parameters[0]);
    if (parameters == NULL) {
        status = hsmiam_error_set_memory(error, "the canonical query");
        goto out;
    }

    const char *next = hsmiam_buffer_get_string(&encoded);
    for (size_t i = 0; i < count; i++) {
        parameters[i].name = next;
        next += strlen(next) + 1;
        parameters[i].value = next;
        next += strlen(next) + 1;
    }
    qsort(parameters, count, sizeof parameters[0], compare);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            hsmiam_buffer_append_char(canonical, '&');
        hsmiam_buffer_append_string(canonical, parameters[i].name);
        hsmiam_buffer_append_char(canonical, '=');
        hsmiam_buffer_append_string(canonical, parameters[i].value);
    }
    status = hsmiam_buffer_check(canonical, "the canonical request", error);

out:
    free(parameters);
    hsmiam_buffer_clear(&encoded);
    return status;
}
