/* SPDX-License-Identifier: Apache-2.0 */
#include "base/escape.h"

#include <string.h>

#include "base/ascii.h"

/* RFC 3986, 2.3. */
static bool is_unreserved(char c)
{
    return hsmiam_ascii_is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

static void append_byte(hsmiam_buffer *buffer, char byte, const char *kept)
{
    static const char digits[] = "0123456789ABCDEF";
    unsigned char value = (unsigned char)byte;

    if (is_unreserved(byte) || (byte != '\0' && strchr(kept, byte) != NULL)) {
        hsmiam_buffer_append_char(buffer, byte);
        return;
    }
    const char escape[] = {'%', digits[value >> 4], digits[value & 15]};
    hsmiam_buffer_append(buffer, escape, sizeof escape);
}

/* The value of a hex digit, -1 for any other character. */
static int hex_value(char digit)
{
    if (hsmiam_ascii_is_digit(digit))
        return digit - '0';
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return -1;
}

/* Reads the escape at the beginning of `text`. */
static bool read_escape(const char *text, size_t size, char *byte_out)
{
    if (size < 3 || text[0] != '%')
        return false;
    int high = hex_value(text[1]);
    int low = hex_value(text[2]);
    if (high < 0 || low < 0)
        return false;
    *byte_out = (char)(high * 16 + low);
    return true;
}

void hsmiam_escape_append(hsmiam_buffer *buffer, const char *text, size_t size, const char *kept)
{
    for (size_t i = 0; i < size; i++)
        append_byte(buffer, text[i], kept);
}

void hsmiam_escape_append_once(hsmiam_buffer *buffer, const char *text, size_t size,
                               const char *kept)
{
    size_t i = 0;

    while (i < size) {
        char byte;
        if (read_escape(text + i, size - i, &byte)) {
            append_byte(buffer, byte, "");
            i += 3;
        } else {
            append_byte(buffer, text[i], kept);
            i++;
        }
    }
}
