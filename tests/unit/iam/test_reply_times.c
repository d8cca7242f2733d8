/* SPDX-License-Identifier: Apache-2.0 */

#include "support/cmocka_tests.h"

#include <stdlib.h>
#include <string.h>

#include "iam/reply_times.h"

#define NOW 784111777 /* Sun, 06 Nov 1994 08:49:37 GMT */

#define DATE "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

static const struct {
    const char *lines[4];
    time_t date;
    long retry_after; /* by a clock that is a minute ahead of NOW */
} rows[] = {
    {{"HTTP/1.1 200 OK\r\n", "Content-Type: text/xml\r\n", "\r\n"}, -1, -1},
    {{DATE}, NOW, -1},
    {{"date:Sun, 06 Nov 1994 08:49:37 GMT"}, NOW, -1},
    {{"DATE: \t Sun, 06 Nov 1994 08:49:37 GMT \r\n"}, NOW, -1},
    {{DATE, "Date: Mon, 07 Nov 1994 08:49:37 GMT\r\n"}, NOW, -1},
    {{"Dates: Sun, 06 Nov 1994 08:49:37 GMT\r\n"}, -1, -1},
    {{"Date : Sun, 06 Nov 1994 08:49:37 GMT\r\n"}, -1, -1},
    {{"Date"}, -1, -1},
    {{"Date:"}, -1, -1},
    {{"Date: yesterday\r\n", DATE}, NOW, -1},
    {{"X-Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"}, -1, -1},
    {{DATE, "Retry-After: 3\r\n"}, NOW, 3},
    {{"Retry-After: 0\r\n"}, -1, 0},
    {{"Retry-After: 3\r\n", "Retry-After: 4\r\n"}, -1, 3},
    {{"retry-after:999999999\r\n"}, -1, 999999999},
    {{"Retry-After: 9999999999\r\n"}, -1, -1},
    {{"Retry-After: -3\r\n"}, -1, -1},
    {{"Retry-After: 3.5\r\n"}, -1, -1},
    {{"Retry-After: soon\r\n"}, -1, -1},
    {{"Retry-After:\r\n"}, -1, -1},
    /* a date is held against the service's clock if that is known, before or after */
    {{DATE, "Retry-After: Sun, 06 Nov 1994 08:51:37 GMT\r\n"}, NOW, 120},
    {{"Retry-After: Sun, 06 Nov 1994 08:51:37 GMT\r\n", DATE}, NOW, 120},
    {{"Retry-After: Sun, 06 Nov 1994 08:51:37 GMT\r\n"}, -1, 60},
    {{"Retry-After: Sun, 06 Nov 1994 08:50:00 GMT\r\n"}, -1, 0},
    /* only the last of several answers is one */
    {{"HTTP/1.1 100 Continue\r\n", DATE, "HTTP/1.1 200 OK\r\n", "Retry-After: 3\r\n"}, -1, 3},
};

/* A line has memory of its own, so that reading past its end is noticed. */
static void read_line(hsmiam_reply_times *times, const char *line)
{
    size_t size = strlen(line);
    char *copy = malloc(size);

    assert_non_null(copy);
    memcpy(copy, line, size);
    hsmiam_reply_times_read(times, copy, size);
    free(copy);
}

static void test_headers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        hsmiam_reply_times times;
        hsmiam_reply_times_init(&times);
        for (size_t j = 0; j < 4 && rows[i].lines[j] != NULL; j++)
            read_line(&times, rows[i].lines[j]);
        long retry_after = hsmiam_reply_times_get_retry_after(&times, NOW + 60);
        if (times.date != rows[i].date || retry_after != rows[i].retry_after)
            fail_msg("row %zu: %lld %ld", i, (long long)times.date, retry_after);
    }
}

static void test_long_and_odd_values(void **state)
{
    static const char zero[] = "Date: Sun, 06 Nov 1994 08:49:37 GMT\0";
    char line[4096] = "Date: ";
    hsmiam_reply_times times;

    (void)state;
    hsmiam_reply_times_init(&times);
    memset(line + 6, 'x', sizeof line - 6);
    hsmiam_reply_times_read(&times, line, sizeof line);
    hsmiam_reply_times_read(&times, zero, sizeof zero - 1);
    assert_int_equal(times.date, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_long_and_odd_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
