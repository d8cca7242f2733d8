/* SPDX-License-Identifier: Apache-2.0 */
#include "sigv4/header.h"

#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"

bool hsmiam_header_is_token(const char *text)
{
    const char *from = text;

    for (; *text != '\0'; text++) {
        if (!hsmiam_ascii_is_alnum(*text) && strchr("!#$%&'*+-.^_`|~", *text) == NULL)
            return false;
    }
    return text != from;
}

static bool is_blank(char character)
{
    return character == ' ' || character == '\t';
}

/* How many bytes the white space at the beginning of `text` has: blanks, and line ends that a blank
 * follows (RFC 9112, 5.2). A line end that no blank follows would begin another header. */
static size_t count_space(const char *text)
{
    size_t size = 0;

    for (;;) {
        size_t line_end = 0;
        if (strncmp(text + size, "\r\n", 2) == 0)
            line_end = 2;
        else if (text[size] == '\n')
            line_end = 1;
        if (!is_blank(text[size + line_end]))
            return size;
        size += line_end + 1;
    }
}

/* Writes the value as it is signed; `out` has room for as many bytes as the value and its NUL.
 * false if it holds a control character that is not white space. */
static bool fold_value(const char *value, char *out)
{
    const char *from = out;

    while (*value != '\0') {
        size_t space = count_space(value);
        value += space;
        if (*value == '\0')
            break;
        if (hsmiam_ascii_is_control(*value))
            return false;
        if (space > 0 && out != from)
            *out++ = ' ';
        *out++ = *value++;
    }
    *out = '\0';
    return true;
}

static hsmiam_status check_size(const hsmiam_header_list *list, const char *name, const char *value,
                                size_t *size_out, hsmiam_error *error)
{
    size_t name_size = strnlen(name, HSMIAM_HEADER_NAME_MAX + 1);
    size_t value_size = strnlen(value, HSMIAM_HEADERS_SIZE_MAX + 1);

    if (name_size > HSMIAM_HEADER_NAME_MAX)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "A header name is longer than %d bytes.", HSMIAM_HEADER_NAME_MAX);
    if (!hsmiam_header_is_token(name))
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "A header name of %zu bytes is not one that HTTP allows: it has "
                                "letters, digits and !#$%%&'*+-.^_`|~ only.",
                                name_size);
    if (name_size + value_size > HSMIAM_HEADERS_SIZE_MAX - list->size)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "The header %s makes the headers longer than %zu bytes in all.",
                                name, HSMIAM_HEADERS_SIZE_MAX);
    *size_out = name_size + value_size;
    return HSMIAM_OK;
}

/* Makes room for one more header. */
static hsmiam_status reserve(hsmiam_header_list *list, hsmiam_error *error)
{
    hsmiam_header *items = reallocarray(list->items, list->count + 1, sizeof items[0]);

    if (items == NULL)
        return hsmiam_error_set_memory(error, "a header");
    list->items = items;
    return HSMIAM_OK;
}

hsmiam_status hsmiam_header_list_add(hsmiam_header_list *list, const char *name, const char *value,
                                     hsmiam_error *error)
{
    char *storage = NULL;
    size_t size = 0;

    hsmiam_status status = check_size(list, name, value, &size, error);
    if (status != HSMIAM_OK)
        goto out;
    status = reserve(list, error);
    if (status != HSMIAM_OK)
        goto out;
    storage = malloc(size + 2);
    if (storage == NULL) {
        status = hsmiam_error_set_memory(error, "a header");
        goto out;
    }
    size_t name_size = strlen(name);
    for (size_t i = 0; i <= name_size; i++)
        storage[i] = hsmiam_ascii_to_lower(name[i]);
    char *folded = storage + name_size + 1;
    if (!fold_value(value, folded)) {
        status = hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                  "The value of the header %s (%zu bytes) holds a control "
                                  "character; only tabs, and line ends that a space or a tab "
                                  "follows, are allowed.",
                                  name, size - name_size);
        goto out;
    }
    list->items[list->count++] =
        (hsmiam_header){.name = storage, .value = folded, .storage = storage};
    list->size += name_size + strlen(folded);
    storage = NULL;

out:
    free(storage);
    return status;
}

const hsmiam_header *hsmiam_header_list_find(const hsmiam_header_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i].name, name) == 0)
            return &list->items[i];
    }
    return NULL;
}

void hsmiam_header_list_drop_last(hsmiam_header_list *list)
{
    hsmiam_header *last = &list->items[--list->count];

    list->size -= strlen(last->name) + strlen(last->value);
    free(last->storage);
}

void hsmiam_header_list_clear(hsmiam_header_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].storage);
    free(list->items);
    *list = (hsmiam_header_list){0};
}
