/* SPDX-License-Identifier: Apache-2.0 */
/* A line has one form. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/json.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

static const char unsigned_line[] =
    "{\"sequence\":12,\"time\":\"2015-08-30T12:36:00Z\",\"event\":\"intent\",\"operator\":\"root\","
    "\"host\":\"a \\\"b\\\\\\u001b\xc3\xa9\",\"partition\":\"aws\","
    "\"endpoint\":\"https://iam.test/\",\"token_serial\":\"serial\","
    "\"credential_id\":\"" KEY_ID "\",\"user_name\":\"alice\",\"route\":\"rsa-oaep\","
    "\"keys_before\":[\"" KEY_ID "\",\"" OTHER_ID "\"],\"iam_time\":\"2015-08-30T12:36:00Z\","
    "\"request_time\":\"2015-08-30T12:36:01Z\",\"wrapping_key\":\"" WRAPPING "\","
    "\"previous\":\"" ZEROS "\"";

static hsmiam_record make(void)
{
    hsmiam_record record = {{NULL}};

    record.fields[HSMIAM_FIELD_SEQUENCE] = "12";
    record.fields[HSMIAM_FIELD_TIME] = "2015-08-30T12:36:00Z";
    record.fields[HSMIAM_FIELD_EVENT] = "intent";
    record.fields[HSMIAM_FIELD_OPERATOR] = "root";
    record.fields[HSMIAM_FIELD_HOST] = "a \"b\\\x1b\xc3\xa9";
    record.fields[HSMIAM_FIELD_PARTITION] = "aws";
    record.fields[HSMIAM_FIELD_ENDPOINT] = "https://iam.test/";
    record.fields[HSMIAM_FIELD_TOKEN_SERIAL] = "serial";
    record.fields[HSMIAM_FIELD_CREDENTIAL_ID] = KEY_ID;
    record.fields[HSMIAM_FIELD_USER_NAME] = "alice";
    record.fields[HSMIAM_FIELD_ROUTE] = "rsa-oaep";
    record.fields[HSMIAM_FIELD_KEYS_BEFORE] = KEY_ID " " OTHER_ID;
    record.fields[HSMIAM_FIELD_IAM_TIME] = "2015-08-30T12:36:00Z";
    record.fields[HSMIAM_FIELD_REQUEST_TIME] = "2015-08-30T12:36:01Z";
    record.fields[HSMIAM_FIELD_WRAPPING_KEY] = WRAPPING;
    record.fields[HSMIAM_FIELD_PREVIOUS] = ZEROS;
    return record;
}

static void test_form(void **state)
{
    hsmiam_record record = make();
    hsmiam_buffer line;

    (void)state;
    hsmiam_buffer_init(&line, HSMIAM_LINE_MAX);
    assert_int_equal(hsmiam_record_write(&record, &line, NULL), HSMIAM_OK);
    assert_string_equal(hsmiam_buffer_get_string(&line), unsigned_line);
    hsmiam_record_close("AA==", &line);
    assert_string_equal(line.data + strlen(unsigned_line), ",\"sig\":\"AA==\"}");
    hsmiam_buffer_clear(&line);
}

static void test_reads_what_it_writes(void **state)
{
    hsmiam_record record = make();
    hsmiam_record read = {{NULL}};
    hsmiam_record_storage storage;
    hsmiam_buffer line;
    size_t signed_size = 1;

    (void)state;
    hsmiam_buffer_init(&line, HSMIAM_LINE_MAX);
    assert_int_equal(hsmiam_record_write(&record, &line, NULL), HSMIAM_OK);
    hsmiam_record_close(NULL, &line);
    assert_true(hsmiam_record_read(line.data, line.size, &storage, &read, &signed_size));
    assert_int_equal(signed_size, 0);
    for (size_t i = 0; i < HSMIAM_FIELD_COUNT; i++) {
        if (record.fields[i] != NULL)
            assert_string_equal(read.fields[i], record.fields[i]);
        else
            assert_null(read.fields[i]);
    }
    hsmiam_buffer_clear(&line);
}

/* A lists of ids may be empty, which is not the same as not known. */
static void test_empty_list(void **state)
{
    hsmiam_record record = make();
    hsmiam_record read = {{NULL}};
    hsmiam_record_storage storage;
    hsmiam_buffer line;
    size_t signed_size = 0;

    (void)state;
    record.fields[HSMIAM_FIELD_KEYS_BEFORE] = "";
    hsmiam_buffer_init(&line, HSMIAM_LINE_MAX);
    assert_int_equal(hsmiam_record_write(&record, &line, NULL), HSMIAM_OK);
    hsmiam_record_close(NULL, &line);
    assert_non_null(strstr(line.data, "\"keys_before\":[],"));
    assert_true(hsmiam_record_read(line.data, line.size, &storage, &read, &signed_size));
    assert_string_equal(read.fields[HSMIAM_FIELD_KEYS_BEFORE], "");
    hsmiam_buffer_clear(&line);
}

static void test_refuses_what_is_malformed(void **state)
{
    static const struct {
        hsmiam_field field;
        const char *text;
    } cases[] = {
        {HSMIAM_FIELD_SEQUENCE, "012"},
        {HSMIAM_FIELD_SEQUENCE, ""},
        {HSMIAM_FIELD_SEQUENCE, "18446744073709551616"},
        {HSMIAM_FIELD_TIME, "2015-02-30T12:36:00Z"},
        {HSMIAM_FIELD_EVENT, "Intent"},
        {HSMIAM_FIELD_EVENT, "elsewhere"},
        {HSMIAM_FIELD_CREDENTIAL_ID, "AKIA-IS-NOT-AN-ID-0"},
        {HSMIAM_FIELD_KEYS_BEFORE, KEY_ID " "},
        {HSMIAM_FIELD_KEYS_BEFORE, KEY_ID "  " KEY_ID},
        {HSMIAM_FIELD_PREVIOUS, "00"},
        {HSMIAM_FIELD_ROUTE, "RSA"},
        {HSMIAM_FIELD_ENDPOINT, NULL}, /* an intent must have it */
        {HSMIAM_FIELD_CODE, "NoSuch"}, /* and may not have this */
        {HSMIAM_FIELD_RESULT, "held"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hsmiam_record record = make();
        hsmiam_buffer line;
        hsmiam_buffer_init(&line, HSMIAM_LINE_MAX);
        record.fields[cases[i].field] = cases[i].text;
        assert_int_equal(hsmiam_record_write(&record, &line, NULL), HSMIAM_ERR_INTERNAL);
        hsmiam_buffer_clear(&line);
    }
}

/* Whatever is read would be written the same. */
static void expect_one_form(const char *text, size_t size)
{
    hsmiam_record record;
    hsmiam_record_storage storage;
    hsmiam_buffer line;
    size_t signed_size = 0;

    if (!hsmiam_record_read(text, size, &storage, &record, &signed_size))
        return;
    hsmiam_buffer_init(&line, HSMIAM_LINE_MAX);
    assert_int_equal(hsmiam_record_write(&record, &line, NULL), HSMIAM_OK);
    if (signed_size > 0)
        assert_int_equal(line.size, signed_size);
    hsmiam_record_close(record.fields[HSMIAM_FIELD_SIGNATURE], &line);
    assert_int_equal(line.size, size);
    assert_memory_equal(line.data, text, size);
    hsmiam_buffer_clear(&line);
}

static void test_one_form_whatever_is_changed(void **state)
{
    char text[sizeof unsigned_line + 16];
    size_t size = (size_t)snprintf(text, sizeof text, "%s}", unsigned_line);
    unsigned random = 1;

    (void)state;
    for (size_t i = 0; i < size; i++) {
        char before = text[i];
        for (int byte = 0; byte < 256; byte++) {
            text[i] = (char)byte;
            expect_one_form(text, size);
        }
        text[i] = before;
        char *copy = malloc(size); /* of exact size, for the sanitizer */
        assert_non_null(copy);
        memcpy(copy, text, i);
        expect_one_form(copy, i);
        memcpy(copy + i, text + i + 1, size - i - 1);
        expect_one_form(copy, size - 1);
        for (int k = 0; k < 40; k++) {
            memcpy(copy, text, size);
            for (int n = 0; n < 3; n++) {
                random = random * 1103515245 + 12345;
                copy[(random >> 8) % size] = text[(random >> 20) % size];
            }
            expect_one_form(copy, size);
        }
        free(copy);
    }
}

static void test_strings(void **state)
{
    static const char *const refused[] = {
        "\"\x1f\"",
        "\"\x7f\"",
        "\"\\n\"",
        "\"\\u001F\"",
        "\"\\u0041\"",
        "\"\\u0000\"",
        "\"\\/\"",
        "\"\xff\"",
        "\"\xc0\x80\"",
        "\"\xed\xa0\x80\"",
        "\"\xf4\x90\x80\x80\"",
        "\"\xe0\x9f\xbf\"",
        "\"\xc3\"",
        "\"",
        "",
        "x",
        "\"abc",
        "\"\\",
        "\"\\u00",
    };
    char text[16];

    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        const char *at = refused[i];
        assert_false(hsmiam_json_read_string(&at, at + strlen(at), text, sizeof text));
    }
    const char *at = "\"0123456789abcdef\"";
    assert_false(hsmiam_json_read_string(&at, at + strlen(at), text, sizeof text));
    at = "\"0123456789abcde\"";
    assert_true(hsmiam_json_read_string(&at, at + strlen(at), text, sizeof text));
}

static void test_bytes_that_are_no_text(void **state)
{
    hsmiam_buffer text;

    (void)state;
    hsmiam_buffer_init(&text, 64);
    hsmiam_json_append_string(&text, "a\xff\xc3(\xf0\x9f\x98");
    assert_string_equal(text.data,
                        "\"a\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                        "\"");
    hsmiam_buffer_clear(&text);
    assert_int_equal(hsmiam_utf8_fit("a\xc3\xa9", 2), 1);
    assert_int_equal(hsmiam_utf8_fit("a\xc3\xa9", 3), 3);
}

/* What a service sends has no room for a secret. */
static void test_words_of_a_reply(void **state)
{
    static const struct {
        hsmiam_field field;
        const char *text;
        bool taken;
    } cases[] = {
        {HSMIAM_FIELD_REQUEST_ID, "7a62c49f-347e-4fc4-9331-6e8eEXAMPLE", true},
        {HSMIAM_FIELD_REQUEST_ID, "", false},
        {HSMIAM_FIELD_REQUEST_ID, "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEYab", false},
        {HSMIAM_FIELD_REQUEST_ID, "wJalrXUtnFEMI/K7MDENG", false},
        {HSMIAM_FIELD_REQUEST_ID, "an id", false},
        {HSMIAM_FIELD_CODE, "NoSuchEntity", true},
        {HSMIAM_FIELD_CODE, "InvalidClientTokenId.Malformed", true},
        {HSMIAM_FIELD_CODE, "<wJalrXUtnFEMI>", false},
        {HSMIAM_FIELD_USER_NAME, "a_b+c=d,e.f@g-h", true},
        {HSMIAM_FIELD_USER_NAME, "a/b", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(hsmiam_field_takes(cases[i].field, cases[i].text), cases[i].taken);
}

/* An odd word of a reply is left out; the record is made. */
static void test_odd_reply(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = fixture_facts;
    size_t size = 0;

    facts.request_id = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    facts.user_name = "wJalr/XUtn";
    assert_int_equal(hsmiam_ledger_add_outcome(fix->ledger, &facts, 1, HSMIAM_RESULT_REFUSED,
                                               "wJalrXUtnFEMI/K7MDENG", fix->error),
                     HSMIAM_OK);
    char *data = fixture_read(fix, &size);
    assert_null(strstr(data, "wJalr"));
    assert_null(strstr(data, "\"code\""));
    free(data);
    fixture_expect_intact(fix, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_reads_what_it_writes),
        cmocka_unit_test(test_empty_list),
        cmocka_unit_test(test_refuses_what_is_malformed),
        cmocka_unit_test(test_one_form_whatever_is_changed),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_bytes_that_are_no_text),
        cmocka_unit_test(test_words_of_a_reply),
        fixture_test(test_odd_reply),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
