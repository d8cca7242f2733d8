/* SPDX-License-Identifier: Apache-2.0 */
#include "iam/query.h"

#include "base/escape.h"

#include <string.h>

void hsmiam_query_append(hsmiam_buffer *query, const char *name, const char *value)
{
    if (query->size > 0)
        hsmiam_buffer_append_char(query, '&');
    hsmiam_escape_append(query, name, strlen(name), "");
    hsmiam_buffer_append_char(query, '=');
    hsmiam_escape_append(query, value, strlen(value), "");
}
