/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"

#include <stdio.h>
#include <string.h>

#define LAST_SECOND_OF_9999 ((time_t)253402300799)

int64_t hsmiam_time_get_monotonic(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static bool split(time_t when, struct tm *parts_out)
{
    return when >= 0 && when <= LAST_SECOND_OF_9999 && gmtime_r(&when, parts_out) != NULL;
}

bool hsmiam_time_format_basic(time_t when, char basic_out[HSMIAM_TIME_BASIC_SIZE])
{
    struct tm parts;

    return split(when, &parts) && strftime(basic_out, HSMIAM_TIME_BASIC_SIZE, "%Y%m%dT%H%M%SZ",
                                           &parts) == HSMIAM_TIME_BASIC_SIZE - 1;
}

bool hsmiam_time_format_extended(time_t when, char extended_out[HSMIAM_TIME_EXTENDED_SIZE])
{
    struct tm parts;

    return split(when, &parts) &&
           strftime(extended_out, HSMIAM_TIME_EXTENDED_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts) ==
               HSMIAM_TIME_EXTENDED_SIZE - 1;
}

/* Reads `text` against a pattern in which '0' stands for one digit of the six numbers in turn (the
 * first of four digits, the others of two) and any other character for itself. */
static const char *read_pattern(const char *text, const char *pattern, int numbers[6])
{
    static const int widths[6] = {4, 2, 2, 2, 2, 2};
    int number = 0;
    int digits = 0;

    memset(numbers, 0, 6 * sizeof numbers[0]);
    for (; *pattern != '\0'; pattern++, text++) {
        if (*pattern != '0') {
            if (*text != *pattern)
                return NULL;
            continue;
        }
        if (*text < '0' || *text > '9')
            return NULL;
        numbers[number] = numbers[number] * 10 + (*text - '0');
        if (++digits == widths[number]) {
            number++;
            digits = 0;
        }
    }
    return text;
}

/* timegm() accepts a 31st of February; a date that it changes is none. */
static bool to_time(const int numbers[6], time_t *when_out)
{
    struct tm parts = {.tm_year = numbers[0] - 1900,
                       .tm_mon = numbers[1] - 1,
                       .tm_mday = numbers[2],
                       .tm_hour = numbers[3],
                       .tm_min = numbers[4],
                       .tm_sec = numbers[5]};
    struct tm given = parts;
    time_t when = timegm(&parts);

    if (when < 0 || parts.tm_mon != given.tm_mon || parts.tm_mday != given.tm_mday ||
        parts.tm_hour != given.tm_hour || parts.tm_min != given.tm_min ||
        parts.tm_sec != given.tm_sec)
        return false;
    *when_out = when;
    return true;
}

bool hsmiam_time_parse_basic(const char *text, time_t *when_out)
{
    int numbers[6];
    const char *end = read_pattern(text, "00000000T000000Z", numbers);

    return end != NULL && *end == '\0' && to_time(numbers, when_out);
}

bool hsmiam_time_parse_extended(const char *text, time_t *when_out)
{
    int numbers[6];
    const char *end = read_pattern(text, "0000-00-00T00:00:00", numbers);

    if (end == NULL)
        return false;
    if (*end == '.') {
        size_t fraction = strspn(end + 1, "0123456789");
        if (fraction == 0)
            return false;
        end += 1 + fraction;
    }
    if (strcmp(end, "Z") != 0 && strcmp(end, "+00:00") != 0)
        return false;
    return to_time(numbers, when_out);
}

/* The place of a name of three letters among `names`, from 1; 0 if it is none of them. */
static int find_name(const char *names, const char *text)
{
    for (int place = 1; *names != '\0'; place++, names += 3) {
        if (strncmp(names, text, 3) == 0)
            return place;
    }
    return 0;
}

bool hsmiam_time_parse_http(const char *text, time_t *when_out)
{
    static const char days[] = "MonTueWedThuFriSatSun";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char extended[sizeof "YYYY-MM-DDTHH:MM:SSZ"];

    if (strlen(text) != strlen("Sun, 06 Nov 1994 08:49:37 GMT") || find_name(days, text) == 0 ||
        memcmp(text + 3, ", ", 2) != 0 || text[7] != ' ' || text[11] != ' ' || text[16] != ' ' ||
        strcmp(text + 25, " GMT") != 0)
        return false;
    /* Digits are checked where the pieces, put in their other order, are read. */
    (void)snprintf(extended, sizeof extended, "%.4s-%02d-%.2sT%.8sZ", text + 12,
                   find_name(months, text + 8), text + 5, text + 17);
    return hsmiam_time_parse_extended(extended, when_out);
}
