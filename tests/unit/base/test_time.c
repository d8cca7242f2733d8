/* SPDX-License-Identifier: Apache-2.0 */
#include "support/cmocka_tests.h"

#include "base/time.h"

#define LAST_SECOND ((time_t)253402300799) /* of the year 9999 */

typedef struct good_time {
    const char *text;
    time_t when;
} good_time;

static void test_format_basic(void **state)
{
    static const good_time times[] = {
        {"19700101T000000Z", 0},          {"20150830T123600Z", 1440938160},
        {"20000229T235959Z", 951868799},  {"20380119T031408Z", 2147483648},
        {"21000301T000000Z", 4107542400}, {"99991231T235959Z", LAST_SECOND},
    };
    char text[HSMIAM_TIME_BASIC_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        assert_true(hsmiam_time_format_basic(times[i].when, text));
        assert_string_equal(text, times[i].text);
    }
    assert_false(hsmiam_time_format_basic(-1, text));
    assert_false(hsmiam_time_format_basic(LAST_SECOND + 1, text));
}

static void test_parse_basic(void **state)
{
    static const good_time times[] = {
        {"19700101T000000Z", 0},          {"20150830T123600Z", 1440938160},
        {"20000229T235959Z", 951868799}, /* 2000 is a leap year */
        {"20240229T000000Z", 1709164800}, {"99991231T235959Z", LAST_SECOND},
    };

    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        time_t when = -1;
        assert_true(hsmiam_time_parse_basic(times[i].text, &when));
        assert_int_equal(when, times[i].when);
    }
}

static void test_parse_basic_refuses(void **state)
{
    static const char *const texts[] = {
        "",
        "20150830",
        "20150830T123600",     /* no zone */
        "20150830T123600z",    /* small letters */
        "20150830t123600Z",    /* */
        "20150830 123600Z",    /* another separator */
        "20150830T123600ZZ",   /* something behind */
        "20150830T123600Z ",   /* */
        " 20150830T123600Z",   /* something before */
        "2015083T1123600Z",    /* a digit too few */
        "120150830T123600Z",   /* a digit too many */
        "2015o830T123600Z",    /* a letter */
        "+2015830T123600Z",    /* signs */
        "2015-830T123600Z",    /* */
        "20150830T1236-1Z",    /* */
        "2015-08-30T12:36:00Z" /* extended format */
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        time_t when = 42;
        assert_false(hsmiam_time_parse_basic(texts[i], &when));
        assert_int_equal(when, 42);
    }
}

static void test_dates_of_no_calendar(void **state)
{
    static const char *const texts[] = {
        "20150230T000000Z", "20150229T000000Z", "21000229T000000Z", /* 2100 is no leap year */
        "20150431T000000Z", "20150001T000000Z", "20151301T000000Z", "20150100T000000Z",
        "20150132T000000Z", "20150101T240000Z", "20150101T006000Z", "20150101T000060Z",
        "20161231T235960Z", /* a leap second has no place in time_t */
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        time_t when = 42;
        assert_false(hsmiam_time_parse_basic(texts[i], &when));
        assert_int_equal(when, 42);
    }
}

static void test_before_1970(void **state)
{
    static const char *const texts[] = {"19691231T235959Z", "19690720T201704Z", "00000101T000000Z",
                                        "00010101T000000Z"};
    time_t when = 42;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_false(hsmiam_time_parse_basic(texts[i], &when));
    assert_false(hsmiam_time_parse_extended("1969-12-31T23:59:59Z", &when));
    assert_int_equal(when, 42);
}

static void test_parse_extended(void **state)
{
    static const good_time times[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2015-08-30T12:36:00Z", 1440938160},
        {"2015-08-30T12:36:00+00:00", 1440938160},
        {"2015-08-30T12:36:00.5Z", 1440938160},
        {"2015-08-30T12:36:00.999999999Z", 1440938160},
        {"2015-08-30T12:36:00.123+00:00", 1440938160},
        {"2000-02-29T23:59:59Z", 951868799},
        {"9999-12-31T23:59:59Z", LAST_SECOND},
    };

    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        time_t when = -1;
        assert_true(hsmiam_time_parse_extended(times[i].text, &when));
        assert_int_equal(when, times[i].when);
    }
}

static void test_parse_extended_refuses(void **state)
{
    static const char *const texts[] = {
        "",
        "2015-08-30",
        "2015-08-30T12:36:00",        /* no zone */
        "2015-08-30T12:36:00.Z",      /* a fraction without digits */
        "2015-08-30T12:36:00,5Z",     /* a comma */
        "2015-08-30T12:36:00.5",      /* a fraction, no zone */
        "2015-08-30T12:36:00.5x",     /* */
        "2015-08-30T12:36:00-00:00",  /* other zones */
        "2015-08-30T12:36:00+01:00",  /* */
        "2015-08-30T12:36:00+0000",   /* */
        "2015-08-30T12:36:00+00",     /* */
        "2015-08-30T12:36:00z",       /* small letters */
        "2015-08-30t12:36:00Z",       /* */
        "2015-08-30 12:36:00Z",       /* */
        "2015-08-30T12:36Z",          /* no seconds */
        "2015-08-30T12:36:00ZZ",      /* something behind */
        "2015/08/30T12:36:00Z",       /* other separators */
        "15-08-30T12:36:00Z",         /* two digits of a year */
        "2015-8-30T12:36:00Z",        /* one digit of a month */
        "12015-08-30T12:36:00Z",      /* five digits of a year */
        "2015-02-29T12:36:00Z",       /* no such day */
        "2015-13-01T12:36:00Z",       /* no such month */
        "20150830T123600Z",           /* basic format */
        "Sun, 30 Aug 2015 12:36 GMT", /* another format */
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        time_t when = 42;
        assert_false(hsmiam_time_parse_extended(texts[i], &when));
        assert_int_equal(when, 42);
    }
}

static void test_round_trip_of_every_day(void **state)
{
    (void)state;
    for (time_t day = 0; day < 36525; day++) {
        char text[HSMIAM_TIME_BASIC_SIZE];
        time_t when = -1;
        assert_true(hsmiam_time_format_basic(day * 86400 + 1, text));
        assert_true(hsmiam_time_parse_basic(text, &when));
        assert_int_equal(when, day * 86400 + 1);
    }
}

static void test_http(void **state)
{
    static const struct {
        const char *text;
        time_t when; /* -1: none */
    } rows[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Thu, 29 Feb 2024 23:59:59 GMT", 1709251199},
        {"Mon, 06 Nov 1994 08:49:37 GMT", 784111777}, /* it was a Sunday */
        {"Thu, 29 Feb 2023 23:59:59 GMT", -1},
        {"Sun, 00 Nov 1994 08:49:37 GMT", -1},
        {"Sun, 06 Nov 1994 08:49:37 UTC", -1},
        {"Sun, 06 Nov 1994 08:49:37 GMT ", -1},
        {"Sun, 06 Nov 1994 08:49:37", -1},
        {"Sun, 06 nov 1994 08:49:37 GMT", -1},
        {"Sun, 06 ovD 1994 08:49:37 GMT", -1},
        {"Sol, 06 Nov 1994 08:49:37 GMT", -1},
        {"Sun; 06 Nov 1994 08:49:37 GMT", -1},
        {"Sun, 6  Nov 1994 08:49:37 GMT", -1},
        {"Sun, 06-Nov-1994 08:49:37 GMT", -1},
        {"Sun, 06 Nov 1994 24:49:37 GMT", -1},
        {"Sun, 06 Nov 1994 08-49-37 GMT", -1},
        {"Sun, 06 Nov +994 08:49:37 GMT", -1},
        {"Sun, 06 Nov 1969 08:49:37 GMT", -1},
        {"Sunday, 06-Nov-94 08:49:37 GMT", -1},
        {"Sun Nov  6 08:49:37 1994", -1},
        {"yesterday", -1},
        {"", -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        time_t when = -1;
        bool is_one = hsmiam_time_parse_http(rows[i].text, &when);
        if (is_one != (rows[i].when >= 0) || when != rows[i].when)
            fail_msg("%s: %lld", rows[i].text, (long long)when);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http),
        cmocka_unit_test(test_format_basic),
        cmocka_unit_test(test_parse_basic),
        cmocka_unit_test(test_parse_basic_refuses),
        cmocka_unit_test(test_dates_of_no_calendar),
        cmocka_unit_test(test_before_1970),
        cmocka_unit_test(test_parse_extended),
        cmocka_unit_test(test_parse_extended_refuses),
        cmocka_unit_test(test_round_trip_of_every_day),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
