/* SPDX-License-Identifier: Apache-2.0 */
#include "iam/query.h"

#include <string.h>

static void append_encoded(hsmiam_buffer *query, const char *text)
{
    static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                     "0123456789-_.~";

    for (; *text != '\0'; text++) {
        if (strchr(unreserved, *text) != NULL)
            hsmiam_buffer_append_char(query, *text);
        else if (*text == ' ')
            hsmiam_buffer_append_char(query, '+');
        else
            hsmiam_buffer_append_format(query, "%%%02X", (unsigned)(unsigned char)*text);
    }
}

void hsmiam_query_append(hsmiam_buffer *query, const char *name, const char *value)
{
    if (query->size > 0)
        hsmiam_buffer_append_char(query, '&');
    append_encoded(query, name);
    hsmiam_buffer_append_char(query, '=');
    append_encoded(query, value);
}
