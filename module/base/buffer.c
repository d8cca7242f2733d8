/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"

#include "base/secret.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void hsmiam_buffer_init(hsmiam_buffer *buffer, size_t limit)
{
    *buffer = (hsmiam_buffer){.limit = limit};
}

static void discard(hsmiam_buffer *buffer)
{
    if (buffer->data != NULL)
        hsmiam_wipe(buffer->data, buffer->capacity);
    free(buffer->data);
}

void hsmiam_buffer_clear(hsmiam_buffer *buffer)
{
    discard(buffer);
    hsmiam_buffer_init(buffer, buffer->limit);
}

/* Makes room for `size` bytes and the NUL behind them. */
static bool reserve(hsmiam_buffer *buffer, size_t size)
{
    if (buffer->failed || size > buffer->limit - buffer->size) {
        buffer->failed = true;
        return false;
    }
    size_t need = buffer->size + size + 1;
    if (need <= buffer->capacity)
        return true;

    size_t capacity = buffer->capacity > 0 ? buffer->capacity : 128;
    while (capacity < need)
        capacity *= 2;
    char *data = malloc(capacity);
    if (data == NULL) {
        buffer->failed = true;
        return false;
    }
    if (buffer->size > 0)
        memcpy(data, buffer->data, buffer->size);
    data[buffer->size] = '\0';
    discard(buffer);
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

void hsmiam_buffer_append(hsmiam_buffer *buffer, const void *data, size_t size)
{
    if (!reserve(buffer, size))
        return;
    if (size > 0)
        memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
    buffer->data[buffer->size] = '\0';
}

void hsmiam_buffer_append_string(hsmiam_buffer *buffer, const char *string)
{
    hsmiam_buffer_append(buffer, string, strlen(string));
}

void hsmiam_buffer_append_char(hsmiam_buffer *buffer, char character)
{
    hsmiam_buffer_append(buffer, &character, 1);
}

void hsmiam_buffer_append_format(hsmiam_buffer *buffer, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (size < 0) {
        buffer->failed = true;
        return;
    }
    if (!reserve(buffer, (size_t)size))
        return;

    va_start(arguments, format);
    (void)vsnprintf(buffer->data + buffer->size, (size_t)size + 1, format, arguments);
    va_end(arguments);
    buffer->size += (size_t)size;
}

hsmiam_status hsmiam_buffer_check(const hsmiam_buffer *buffer, const char *what,
                                  hsmiam_error *error)
{
    if (!buffer->failed)
        return HSMIAM_OK;
    return hsmiam_error_set(error, HSMIAM_ERR_MEMORY,
                            "There is not enough memory for %s, or it is over %zu bytes.", what,
                            buffer->limit);
}

const char *hsmiam_buffer_get_string(const hsmiam_buffer *buffer)
{
    return buffer->data != NULL ? buffer->data : "";
}
