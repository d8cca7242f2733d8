/* SPDX-License-Identifier: Apache-2.0 */
#include "iam/reply_times.h"

#include "base/time.h"

#include <string.h>
#include <strings.h>

#define DIGITS_MAX 9

void hsmiam_reply_times_init(hsmiam_reply_times *times)
{
    *times = (hsmiam_reply_times){.date = -1, .retry_seconds = -1, .retry_date = -1};
}

static bool is_blank(char character)
{
    return character == ' ' || character == '\t' || character == '\r' || character == '\n';
}

/* The value of the header `name` in a line, blanks around it left out; false if it is another one,
 * or longer than what it may be. */
static bool read_value(const char *line, size_t size, const char *name, char *value_out,
                       size_t value_size)
{
    size_t start = strlen(name);

    if (size <= start || strncasecmp(line, name, start) != 0 || line[start] != ':')
        return false;
    start++;
    while (start < size && is_blank(line[start]))
        start++;
    while (size > start && is_blank(line[size - 1]))
        size--;
    if (size - start >= value_size || memchr(line + start, '\0', size - start) != NULL)
        return false;
    memcpy(value_out, line + start, size - start);
    value_out[size - start] = '\0';
    return true;
}

static bool read_seconds(const char *text, long *seconds_out)
{
    size_t size = strlen(text);
    long seconds = 0;

    if (size == 0 || size > DIGITS_MAX || strspn(text, "0123456789") != size)
        return false;
    for (; *text != '\0'; text++)
        seconds = seconds * 10 + (*text - '0');
    *seconds_out = seconds;
    return true;
}

void hsmiam_reply_times_read(hsmiam_reply_times *times, const char *line, size_t size)
{
    char value[64];
    time_t when = -1;

    /* Another status line: what came before was not the answer yet. */
    if (size >= 5 && memcmp(line, "HTTP/", 5) == 0)
        hsmiam_reply_times_init(times);
    else if (times->date < 0 && read_value(line, size, "Date", value, sizeof value) &&
             hsmiam_time_parse_http(value, &when))
        times->date = when;
    else if (times->retry_seconds < 0 && times->retry_date < 0 &&
             read_value(line, size, "Retry-After", value, sizeof value) &&
             !read_seconds(value, &times->retry_seconds) && hsmiam_time_parse_http(value, &when))
        times->retry_date = when;
}

long hsmiam_reply_times_get_retry_after(const hsmiam_reply_times *times, time_t now)
{
    if (times->retry_date < 0)
        return times->retry_seconds;
    if (times->date >= 0)
        now = times->date;
    return times->retry_date > now ? (long)(times->retry_date - now) : 0;
}
