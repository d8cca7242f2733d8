/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void tool_text_print(FILE *stream, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vfprintf(stream, format, arguments);
    va_end(arguments);
}

void tool_text_put(const char *text, FILE *stream)
{
    (void)fputs(text, stream);
}

void tool_text_put_char(int character, FILE *stream)
{
    (void)fputc(character, stream);
}

void tool_text_remove_pin(char *text)
{
    static const char attribute[] = "pin-value=";
    char *found = text;

    while ((found = strcasestr(found, attribute)) != NULL) {
        char *value = found + sizeof attribute - 1;
        size_t length = strcspn(value, "&"); /* anything else may be part of a PIN */
        size_t rest = strlen(value + length);

        memmove(value, value + length, rest + 1);
        explicit_bzero(value + rest + 1, length);
        found = value;
    }
}

size_t tool_text_count_control(const char *text)
{
    const unsigned char *byte = (const unsigned char *)text;

    if (byte[0] != 0 && (byte[0] < 0x20 || byte[0] == 0x7f))
        return 1;
    if (byte[0] == 0xc2 && byte[1] >= 0x80 && byte[1] <= 0x9f)
        return 2;
    return 0;
}

static void write_hex(FILE *stream, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        tool_text_print(stream, "\\x%02x", (unsigned)(unsigned char)bytes[i]);
}

void tool_text_write(FILE *stream, const char *text)
{
    char *copy = strdup(text);

    /* Better nothing than a PIN. */
    if (!copy)
        return;
    tool_text_remove_pin(copy);
    for (const char *at = copy; *at;) {
        size_t control = *at == '\n' ? 0 : tool_text_count_control(at);

        if (control > 0)
            write_hex(stream, at, control);
        else
            tool_text_put_char(*at, stream);
        at += control > 0 ? control : 1;
    }
    free(copy);
}

/* The escapes that have a letter of their own. */
static char get_escape_letter(char character)
{
    switch (character) {
    case '\t':
        return 't';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\\':
        return '\\';
    default:
        return 0;
    }
}

static void write_escaped(FILE *stream, const char *text, char quote)
{
    for (const char *at = text; *at;) {
        size_t control = tool_text_count_control(at);
        char letter = get_escape_letter(*at);

        if (letter || (quote && *at == quote))
            tool_text_print(stream, "\\%c", letter ? letter : quote);
        else if (control > 0)
            write_hex(stream, at, control);
        else
            tool_text_put_char(*at, stream);
        at += control > 0 ? control : 1;
    }
}

void tool_text_write_field(FILE *stream, const char *text)
{
    write_escaped(stream, text, 0);
}

void tool_text_write_quoted(FILE *stream, const char *text, char quote)
{
    tool_text_put_char(quote, stream);
    write_escaped(stream, text, quote);
    tool_text_put_char(quote, stream);
}

char *tool_text_copy(const char *text, size_t size)
{
    char *copy = malloc(size + 1);

    if (copy) {
        memcpy(copy, text, size);
        copy[size] = 0;
    }
    return copy;
}

bool tool_text_is_true(const char *text)
{
    return text && strcasecmp(text, "true") == 0;
}
