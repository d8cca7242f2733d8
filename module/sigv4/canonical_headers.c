/* SPDX-License-Identifier: Apache-2.0 */
#include "sigv4/canonical.h"

#include <stdlib.h>
#include <string.h>

/* Headers that belong to one hop, or that proxies and load balancers rewrite: a signature over one
 * of them would not survive the way to the service. The AWS SDKs leave out the same. */
static const char *const unsigned_names[] = {"connection",
                                             "expect",
                                             "keep-alive",
                                             "proxy-authenticate",
                                             "proxy-authorization",
                                             "te",
                                             "trailer",
                                             "transfer-encoding",
                                             "upgrade",
                                             "user-agent",
                                             "x-amzn-trace-id"};

static bool is_signed(const char *name)
{
    for (size_t i = 0; i < sizeof unsigned_names / sizeof unsigned_names[0]; i++) {
        if (strcmp(name, unsigned_names[i]) == 0)
            return false;
    }
    return true;
}

/* By name; headers of one name stay in the order in which they were added. */
static int compare(const void *left, const void *right)
{
    const hsmiam_header *const *a = left;
    const hsmiam_header *const *b = right;
    int order = strcmp((*a)->name, (*b)->name);

    if (order != 0)
        return order;
    return *a < *b ? -1 : *a > *b;
}

static void append_sorted(hsmiam_buffer *canonical, hsmiam_buffer *names,
                          const hsmiam_header *const *sorted, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && strcmp(sorted[i]->name, sorted[i - 1]->name) == 0) {
            hsmiam_buffer_append_char(canonical, ',');
        } else {
            if (i > 0) {
                hsmiam_buffer_append_char(canonical, '\n');
                hsmiam_buffer_append_char(names, ';');
            }
            hsmiam_buffer_append_string(names, sorted[i]->name);
            hsmiam_buffer_append_string(canonical, sorted[i]->name);
            hsmiam_buffer_append_char(canonical, ':');
        }
        hsmiam_buffer_append_string(canonical, sorted[i]->value);
    }
    if (count > 0)
        hsmiam_buffer_append_char(canonical, '\n');
}

hsmiam_status hsmiam_canonical_headers_append(hsmiam_buffer *canonical, hsmiam_buffer *names,
                                              const hsmiam_header *headers, size_t count,
                                              hsmiam_error *error)
{
    size_t signed_count = 0;
    const hsmiam_header **sorted = calloc(count + 1, sizeof(const hsmiam_header *));

    if (sorted == NULL)
        return hsmiam_error_set_memory(error, "the canonical headers");
    for (size_t i = 0; i < count; i++) {
        if (is_signed(headers[i].name))
            sorted[signed_count++] = &headers[i];
    }
    qsort(sorted, signed_count, sizeof(const hsmiam_header *), compare);
    append_sorted(canonical, names, sorted, signed_count);
    free(sorted);

    hsmiam_status status = hsmiam_buffer_check(canonical, "the canonical request", error);
    if (status == HSMIAM_OK)
        status = hsmiam_buffer_check(names, "the list of signed headers", error);
    return status;
}
