/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/json.h"

#include <string.h>

#define ESCAPE_SIZE 6 /* \u00xx */

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

/* The bytes of the UTF-8 character at `at` (RFC 3629), 0 if there is none. */
static size_t count_character(const char *at, size_t size)
{
    const unsigned char *byte = (const unsigned char *)at;

    if (size == 0)
        return 0;
    if (byte[0] < 0x80)
        return 1;
    size_t length = byte[0] >= 0xf0 ? 4 : byte[0] >= 0xe0 ? 3 : 2;
    if (byte[0] < 0xc2 || byte[0] > 0xf4 || size < length)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((byte[i] & 0xc0) != 0x80)
            return 0;
    /* Overlong forms, surrogates, and what is beyond U+10FFFF. */
    if ((byte[0] == 0xe0 && byte[1] < 0xa0) || (byte[0] == 0xed && byte[1] > 0x9f) ||
        (byte[0] == 0xf0 && byte[1] < 0x90) || (byte[0] == 0xf4 && byte[1] > 0x8f))
        return 0;
    return length;
}

static bool is_control(char character)
{
    return (unsigned char)character < 0x20 || character == 0x7f;
}

void hsmiam_json_append_string(hsmiam_buffer *buffer, const char *text)
{
    size_t size = strlen(text);

    hsmiam_buffer_append_char(buffer, '"');
    while (size > 0) {
        size_t length = count_character(text, size);
        if (length == 0)
            hsmiam_buffer_append_string(buffer, replacement);
        else if (is_control(*text))
            hsmiam_buffer_append_format(buffer, "\\u%04x", (unsigned char)*text);
        else if (*text == '"' || *text == '\\')
            hsmiam_buffer_append_format(buffer, "\\%c", *text);
        else
            hsmiam_buffer_append(buffer, text, length);
        if (length == 0)
            length = 1;
        text += length;
        size -= length;
    }
    hsmiam_buffer_append_char(buffer, '"');
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return -1;
}

/* Reads what follows a backslash; the bytes it has, 0 if our writer would not have written it. */
static size_t read_escape(const char *at, size_t size, char *character_out)
{
    if (size >= 2 && (at[1] == '"' || at[1] == '\\')) {
        *character_out = at[1];
        return 2;
    }
    if (size < ESCAPE_SIZE || memcmp(at, "\\u00", 4) != 0)
        return 0;
    int high = hex_value(at[4]);
    int low = hex_value(at[5]);
    if (high < 0 || low < 0)
        return 0;
    *character_out = (char)(high * 16 + low);
    return *character_out != '\0' && is_control(*character_out) ? ESCAPE_SIZE : 0;
}

bool hsmiam_json_read_string(const char **at, const char *end, char *text_out, size_t room)
{
    const char *from = *at;

    if (from == end || *from++ != '"')
        return false;
    while (from < end && *from != '"') {
        size_t size = (size_t)(end - from);
        char character = 0;
        size_t length = *from == '\\'       ? read_escape(from, size, &character)
                        : is_control(*from) ? 0
                                            : count_character(from, size);
        size_t written = *from == '\\' ? 1 : length;
        if (length == 0 || room <= written)
            return false;
        if (*from == '\\')
            *text_out = character;
        else
            memcpy(text_out, from, length);
        text_out += written;
        room -= written;
        from += length;
    }
    if (from == end || room == 0)
        return false;
    *text_out = '\0';
    *at = from + 1;
    return true;
}

size_t hsmiam_utf8_fit(const char *text, size_t limit)
{
    size_t size = strlen(text);
    size_t fit = 0;

    if (size <= limit)
        return size;
    while (fit < limit) {
        size_t length = count_character(text + fit, size - fit);
        if (length == 0)
            length = 1;
        if (fit + length > limit)
            break;
        fit += length;
    }
    return fit;
}
