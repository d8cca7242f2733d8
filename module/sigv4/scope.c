/* SPDX-License-Identifier: Apache-2.0 */
#include "sigv4/scope.h"

#include "base/ascii.h"
#include "sigv4/string_to_sign.h"

#include <string.h>

#define DATE_SIZE  (sizeof "YYYYMMDD" - 1)
#define PARTS_MAX  4
#define SCOPE_LINE 2 /* counted from 0 */
#define SCOPE_MAX                                                                                  \
    (DATE_SIZE + 2 * (1 + (size_t)HSMIAM_SCOPE_PART_MAX) + sizeof "/" HSMIAM_SCOPE_TERMINATOR - 1)

bool hsmiam_scope_is_part(const char *text, size_t size)
{
    bool valid = size >= 1 && size <= HSMIAM_SCOPE_PART_MAX;

    for (size_t i = 0; valid && i < size; i++)
        valid = hsmiam_ascii_is_lower(text[i]) || hsmiam_ascii_is_digit(text[i]) ||
                text[i] == '-' || text[i] == '_' || text[i] == '.';
    return valid;
}

static bool is_date(const char *text, size_t size)
{
    bool valid = size == DATE_SIZE;

    for (size_t i = 0; valid && i < size; i++)
        valid = hsmiam_ascii_is_digit(text[i]);
    return valid;
}

typedef struct part {
    const char *at;
    size_t size;
} part;

/* Cuts at slashes; the number of parts, or one more than there may be. */
static size_t split(const char *text, size_t size, part parts[PARTS_MAX])
{
    size_t count = 0;

    for (;;) {
        const char *end = size > 0 ? memchr(text, '/', size) : NULL;
        size_t length = end != NULL ? (size_t)(end - text) : size;
        if (count == PARTS_MAX)
            return count + 1;
        parts[count++] = (part){text, length};
        if (end == NULL)
            return count;
        text = end + 1;
        size -= length + 1;
    }
}

static bool is_terminator(const part *last)
{
    return last->size == strlen(HSMIAM_SCOPE_TERMINATOR) &&
           memcmp(last->at, HSMIAM_SCOPE_TERMINATOR, last->size) == 0;
}

static void copy(char *to, const part *from)
{
    memcpy(to, from->at, from->size);
    to[from->size] = '\0';
}

static bool parse(const char *text, size_t size, bool whole, hsmiam_scope *scope_out)
{
    part parts[PARTS_MAX] = {{NULL, 0}};
    size_t count = split(text, size, parts);

    if (count != PARTS_MAX && (whole || count != PARTS_MAX - 1))
        return false;
    if (count == PARTS_MAX && !is_terminator(&parts[PARTS_MAX - 1]))
        return false;
    if (!is_date(parts[0].at, parts[0].size) || !hsmiam_scope_is_part(parts[1].at, parts[1].size) ||
        !hsmiam_scope_is_part(parts[2].at, parts[2].size))
        return false;
    copy(scope_out->date, &parts[0]);
    copy(scope_out->region, &parts[1]);
    copy(scope_out->service, &parts[2]);
    return true;
}

bool hsmiam_scope_parse(const char *text, size_t size, hsmiam_scope *scope_out)
{
    /* What is longer is not read: a program may have sent a size that is none. */
    return size <= SCOPE_MAX && parse(text, size, false, scope_out);
}

bool hsmiam_scope_find(const char *string_to_sign, size_t size, hsmiam_scope *scope_out)
{
    const char *line = string_to_sign;
    const char *end = NULL;

    for (unsigned number = 0; number <= SCOPE_LINE; number++) {
        if (number > 0) {
            size -= (size_t)(end - line) + 1;
            line = end + 1;
        }
        end = size > 0 ? memchr(line, '\n', size) : NULL;
        if (end == NULL)
            return false;
    }
    return parse(line, (size_t)(end - line), true, scope_out);
}
