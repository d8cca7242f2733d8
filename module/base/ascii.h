/* SPDX-License-Identifier: Apache-2.0 */
/* Character classes of HTTP. Those of <ctype.h> follow the process's locale. */
#ifndef HSMIAM_BASE_ASCII_H
#define HSMIAM_BASE_ASCII_H

#include <stdbool.h>

static inline bool hsmiam_ascii_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool hsmiam_ascii_is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static inline bool hsmiam_ascii_is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static inline bool hsmiam_ascii_is_alnum(char c)
{
    return hsmiam_ascii_is_digit(c) || hsmiam_ascii_is_lower(c) || hsmiam_ascii_is_upper(c);
}

static inline bool hsmiam_ascii_is_control(char c)
{
    return (c >= 0 && c < ' ') || c == 0x7f;
}

static inline char hsmiam_ascii_to_lower(char c)
{
    return (char)(hsmiam_ascii_is_upper(c) ? c + ('a' - 'A') : c);
}

#endif
