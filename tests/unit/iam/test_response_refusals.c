/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that are none: each is refused, quotes nothing, and loses no id that it named. */

#include "support/cmocka_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answers.h"
#include "iam/response_sax.h"
#include "reading.h"

#define CREATE "CreateAccessKey"

#define USER   "<UserName>Bob</UserName>"
#define ID     "<AccessKeyId>" ANSWER_ID "</AccessKeyId>"
#define STATUS "<Status>Active</Status>"
#define SECRET "<SecretAccessKey>" ANSWER_SECRET "</SecretAccessKey>"
#define DATE   "<CreateDate>2015-08-30T12:36:00Z</CreateDate>"
#define X16    "xxxxxxxxxxxxxxxx"
#define X128   X16 X16 X16 X16 X16 X16 X16 X16
#define X4096                                                                                      \
    X128 X128 X128 X128 X128 X128 X128 X128 X128 X128 X128 X128 X128 X128 X128 X128 X128 X128 X128 \
        X128 X128 X128 X128 X128 X128 X128 X128 X128 X128 X128 X128 X128
#define DEEP     "<a><a><a><a><a><a><a><a><a><a><a><a><a><a>"
#define END_DEEP "</a></a></a></a></a></a></a></a></a></a></a></a></a></a>"
#define LAUGHS                                                                                     \
    "<!DOCTYPE CreateAccessKeyResponse [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b "                     \
    "\"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\">]>"

static const struct {
    const char *answer;
    const char *message; /* a part of it */
    bool names_key;      /* the id is known all the same */
} rows[] = {
    /* not XML, or not of IAM */
    {"hello", "is not XML", false},
    {"{\"AccessKey\": 1}", "is not XML", false},
    {"<<< >", "is not well-formed", false},
    {"<html><body>" ANSWER_ID "</body></html>", "is the XML of something else", false},
    {"<html><br></html>", "is the XML of something else", false},
    {"<CreateAccessKeyResponse xmlns=\"urn:x\"/>", "is the XML of something else", false},
    {ANSWER_DELETED, "is the XML of something else", false},
    {ANSWER_LIST("", ANSWER_LAST_PAGE), "is the XML of something else", false},
    {"<x:CreateAccessKeyResponse/>", "", false},
    {"<ErrorResponse/>", "is an error without a code", false},
    {"<ErrorResponse><Error><Message>m</Message></Error></ErrorResponse>", "lacks Code", false},
    {ANSWER_ERROR("a b", "m"), "Code of 3 bytes that is none", false},

    /* document types and entities */
    {"<!DOCTYPE a><a/>", "has a document type", false},
    {"<!DOCTYPE CreateAccessKeyResponse SYSTEM \"http://127.0.0.1:1/x\">" ANSWER_CREATED,
     "has a document type", false},
    {"<!DOCTYPE CreateAccessKeyResponse PUBLIC \"x\" \"file:///etc/passwd\">" ANSWER_CREATED,
     "has a document type", false},
    {LAUGHS ANSWER_CREATED, "has a document type", false},
    {LAUGHS "<CreateAccessKeyResponse>&c;</CreateAccessKeyResponse>", "has a document type", false},
    {ANSWER_CREATE(USER ID "<Status>&c;</Status>"), "is not well-formed", true},
    {ANSWER_CREATE(ID "<SecretAccessKey>&unknown;</SecretAccessKey>"), "is not well-formed", true},
    {ANSWER_CREATE(ID "<Status>&#0;</Status>"), "is not well-formed", true},

    {"\xfe\xff<CreateAccessKeyResponse/>", "is not XML", false},
    {"\xff\xfe<CreateAccessKeyResponse/>", "is not XML", false},
    {"\x4c\x6f\xa7\x94", "is not XML", false},
    {ANSWER_CREATE(USER ID "<Status>\xc3\x28</Status>" SECRET DATE), "is not well-formed", true},
    {ANSWER_CREATE(USER ID "<Status>\xff</Status>" SECRET DATE), "is not well-formed", true},
    {ANSWER_CREATE(USER ID "<Status>\x01</Status>" SECRET DATE), "is not well-formed", true},

    /* twice, missing, misplaced */
    {ANSWER_CREATE(USER USER ID STATUS SECRET DATE), "has UserName twice", true},
    {ANSWER_CREATE(USER ID STATUS ID SECRET DATE), "has AccessKeyId twice", true},
    {ANSWER_CREATE(USER ID STATUS SECRET SECRET DATE), "has SecretAccessKey twice", true},
    {ANSWER_CREATE(USER ID STATUS SECRET DATE "</AccessKey><AccessKey>" USER ID STATUS SECRET DATE),
     "has AccessKey twice", true},
    {ANSWER_CREATE(ANSWER_KEY "</AccessKey></CreateAccessKeyResult><CreateAccessKeyResult>"
                              "<AccessKey>"),
     "has CreateAccessKeyResult twice", true},
    {ANSWER_CREATE(USER STATUS SECRET DATE), "lacks AccessKeyId", false},
    {ANSWER_CREATE(USER ID SECRET DATE), "lacks Status", true},
    {ANSWER_CREATE(USER ID STATUS DATE), "lacks SecretAccessKey", true},
    {ANSWER_CREATE(USER ID STATUS SECRET), "lacks CreateDate", true},
    {"<CreateAccessKeyResponse/>", "lacks CreateAccessKeyResult", false},
    {"<CreateAccessKeyResponse><CreateAccessKeyResult/></CreateAccessKeyResponse>",
     "lacks AccessKey", false},
    {"<CreateAccessKeyResponse><AccessKey>" ANSWER_KEY "</AccessKey></CreateAccessKeyResponse>",
     "lacks CreateAccessKeyResult", false},
    {ANSWER_CREATE("text" ANSWER_KEY), "has text where AccessKey holds elements only", true},
    {ANSWER_CREATE("<![CDATA[text]]>" ANSWER_KEY), "has text where AccessKey", true},
    {ANSWER_CREATE("&#65;" ANSWER_KEY), "has text where AccessKey", true},

    /* inside of what holds text */
    {ANSWER_CREATE(USER "<AccessKeyId>" ANSWER_ID "<b/></AccessKeyId>" STATUS SECRET DATE),
     "has an element inside of AccessKeyId", true},
    {ANSWER_CREATE(USER ID STATUS "<SecretAccessKey>wJalrXUtnFEMI<x>secret</x>/K7MDENG/bPxRfiCY"
                                  "</SecretAccessKey>" DATE),
     "has an element inside of SecretAccessKey", true},
    {ANSWER_CREATE(USER ID STATUS "<SecretAccessKey>wJalrXUtnFEMI<!-- -->/K7MDENG/bPxRfiCY"
                                  "</SecretAccessKey>" DATE),
     "has markup inside of SecretAccessKey", true},
    {ANSWER_CREATE(USER ID STATUS "<SecretAccessKey>wJalrXUtnFEMI<?a b?>/K7MDENG/bPxRfiCY"
                                  "</SecretAccessKey>" DATE),
     "has markup inside of SecretAccessKey", true},

    /* values; what comes before the id does not hide it */
    {ANSWER_CREATE("<UserName>a b</UserName>" ID STATUS SECRET DATE), "UserName of 3 bytes that",
     true},
    {ANSWER_CREATE("<UserName>b\xc3\xb6</UserName>" ID STATUS SECRET DATE),
     "UserName of 3 bytes that", true},
    {ANSWER_CREATE("<UserName>" X128 "x</UserName>" ID STATUS SECRET DATE),
     "UserName of 129 bytes, where 0 to 128", true},
    {ANSWER_CREATE("<UserName>" X4096 "</UserName>" ID STATUS SECRET DATE),
     "UserName of 4096 bytes", true},
    {ANSWER_CREATE(USER "<AccessKeyId>AKIA</AccessKeyId>" STATUS SECRET DATE),
     "AccessKeyId of 4 bytes, where 16 to 128", false},
    {ANSWER_CREATE(USER "<AccessKeyId>" X128 "x</AccessKeyId>" STATUS SECRET DATE),
     "AccessKeyId of 129 bytes", false},
    {ANSWER_CREATE(USER "<AccessKeyId>AKIAIOSFODNN7-EXAMPLE</AccessKeyId>" STATUS SECRET DATE),
     "AccessKeyId of 21 bytes that is none", false},
    {ANSWER_CREATE(USER ID "<Status/>" SECRET DATE), "Status of 0 bytes", true},
    {ANSWER_CREATE(USER ID "<Status>AAAAAAAAAAAAAAAAA</Status>" SECRET DATE), "Status of 17 bytes",
     true},
    {ANSWER_CREATE(USER ID "<Status>A b</Status>" SECRET DATE), "Status of 3 bytes that", true},
    {ANSWER_CREATE(USER ID STATUS SECRET "<CreateDate>2015-02-30T12:36:00Z</CreateDate>"),
     "CreateDate of 20 bytes that is none", true},
    {ANSWER_CREATE(USER ID STATUS SECRET "<CreateDate>yesterday</CreateDate>"),
     "CreateDate of 9 bytes", true},
    {ANSWER_CREATE(USER ID STATUS "<SecretAccessKey/>" DATE), "SecretAccessKey of 0 bytes", true},
    {ANSWER_CREATE(USER ID STATUS "<SecretAccessKey>wJalrXUtnFEMI/K</SecretAccessKey>" DATE),
     "SecretAccessKey of 15 bytes", true},
    {ANSWER_CREATE(USER ID STATUS "<SecretAccessKey>" X128 "x</SecretAccessKey>" DATE),
     "SecretAccessKey", true},
    {ANSWER_CREATE(USER ID STATUS "<SecretAccessKey>" X4096 X4096 "</SecretAccessKey>" DATE),
     "SecretAccessKey", true},
    {ANSWER_CREATE(USER ID STATUS "<SecretAccessKey> " ANSWER_SECRET "</SecretAccessKey>" DATE),
     "SecretAccessKey of other characters", true},
    {ANSWER_CREATE(USER ID STATUS "<SecretAccessKey>" ANSWER_SECRET "\n</SecretAccessKey>" DATE),
     "SecretAccessKey of other characters", true},
    {ANSWER_CREATE(USER ID STATUS "<SecretAccessKey>" ANSWER_SECRET "\xc3\xbc"
                                  "</SecretAccessKey>" DATE),
     "SecretAccessKey of other characters", true},

    /* around and beyond */
    {ANSWER_CREATED "junk", "is not well-formed", true},
    {ANSWER_CREATED "<", "is not well-formed", true},
    {ANSWER_CREATED "<!-- ", "is not well-formed", true},
    {ANSWER_CREATE(USER ID "<New>" ANSWER_SECRET "</New>" STATUS SECRET DATE) "junk",
     "is not well-formed", true},
    {ANSWER_CREATED ANSWER_CREATED, "is not well-formed", true},
    {ANSWER_CREATED "<a/>", "is not well-formed", true},
    {ANSWER_CREATED "&#65;", "is not well-formed", true},
    {"junk" ANSWER_CREATED, "is not XML", false},
    {ANSWER_CREATE(ID STATUS "<SecretAccessKey>" ANSWER_SECRET "</Secret>"), "is not well-formed",
     true},
    {ANSWER_CREATE(ID STATUS "<SecretAccessKey>" ANSWER_SECRET "<</SecretAccessKey>"),
     "is not well-formed", true},
    {ANSWER_CREATE(ID "<a b=c/>" SECRET), "is not well-formed", true},
    {ANSWER_CREATE(ID "<a b='1' b='2'/>" SECRET), "is not well-formed", true},
    {ANSWER_CREATE(ID "<p:a/>" SECRET), "is not well-formed", true},
    {ANSWER_CREATE(ID DEEP END_DEEP STATUS SECRET DATE), "is nested too deep", true},
    {ANSWER_CREATE(ID "<a b='" X4096 X4096 "'/>" STATUS SECRET DATE),
     "has a tag or text that is too long", true},
};

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t size = strlen(rows[i].answer);
        /* whole, byte by byte, and in two parts at every place of a short one */
        for (size_t split = 0; split <= (size < 2048 ? size : 1); split++) {
            test_reading reading;
            reading_read(&reading, CREATE, rows[i].answer, size, split, split == 0 ? 1 : 0);
            if (reading.status != HSMIAM_ERR_REPLY)
                fail_msg("%s: %d", rows[i].answer, (int)reading.status);
            if (strstr(reading.message, rows[i].message) == NULL)
                fail_msg("%s: %s", rows[i].answer, reading.message);
            assert_memory_equal(reading.message, "The answer to CreateAccessKey ", 30);
            assert_null(strstr(reading.message, "EXAMPLE"));
            assert_null(strstr(reading.message, "wJalr"));
            assert_string_equal(reading.reply.key.id, rows[i].names_key ? ANSWER_ID : "");
        }
    }
}

/* However small the pieces are in which it came. */
static void test_id_before_a_zero(void **state)
{
    static const char answer[] =
        "<CreateAccessKeyResponse" ANSWER_NAMESPACE
        "><CreateAccessKeyResult><AccessKey><AccessKeyId>" ANSWER_ID "</AccessKeyId><S\0\0tatus>";

    (void)state;
    for (size_t piece = 0; piece < 40; piece++) {
        test_reading reading;
        reading_read(&reading, "CreateAccessKey", answer, sizeof answer - 1, 0, piece);
        assert_int_equal(reading.status, HSMIAM_ERR_REPLY);
        assert_string_equal(reading.reply.key.id, ANSWER_ID);
    }
}

/* An answer that is right but for its encoding, UTF-16, with and without its mark; and a zero. */
static void test_zero_bytes(void **state)
{
    static const char created[] = "<?xml version=\"1.0\"?>" ANSWER_CREATED;
    char wide[2 * sizeof created] = "\xff\xfe";
    char zero[] = ANSWER_CREATED;
    test_reading reading;

    (void)state;
    for (size_t i = 0; i < sizeof created - 1; i++)
        wide[2 + 2 * i] = created[i];
    *strstr(zero, "Active") = '\0';
    for (size_t piece = 0; piece < 6; piece++) {
        reading_read(&reading, CREATE, wide, sizeof wide, 0, piece);
        assert_int_equal(reading.status, HSMIAM_ERR_REPLY);
        assert_string_equal(reading.reply.key.id, "");
        reading_read(&reading, CREATE, wide + 2, sizeof wide - 2, 0, piece);
        assert_int_equal(reading.status, HSMIAM_ERR_REPLY);
        assert_string_equal(reading.reply.key.id, "");
        reading_read(&reading, CREATE, zero, sizeof zero - 1, 0, piece);
        assert_int_equal(reading.status, HSMIAM_ERR_REPLY);
        assert_string_equal(reading.reply.key.id, ANSWER_ID);
    }
}

static void test_truncated_lists(void **state)
{
    test_reading reading;

    (void)state;
    reading_read_whole(&reading, "ListAccessKeys",
                       ANSWER_LIST("", "<IsTruncated>maybe</IsTruncated>"));
    assert_int_equal(reading.status, HSMIAM_ERR_REPLY);
    reading_read_whole(&reading, "ListAccessKeys",
                       ANSWER_LIST("<member>" ID STATUS "</member>", ANSWER_LAST_PAGE));
    assert_int_equal(reading.status, HSMIAM_ERR_REPLY);
    reading_read_whole(&reading, "ListAccessKeys", "<ListAccessKeysResponse/>");
    assert_int_equal(reading.status, HSMIAM_ERR_REPLY);
}

/* One byte is another one: no crash, nothing quoted, and the id is not lost. */
static void test_garbled_answers(void **state)
{
    static const char created[] = ANSWER_CREATED;

    (void)state;
    for (size_t i = 0; i < sizeof created - 1; i++) {
        for (const char *other = "<>&/=\"' x\xc3"; *other != '\0'; other++) {
            char answer[sizeof created];
            test_reading reading;
            memcpy(answer, created, sizeof created);
            answer[i] = *other;
            reading_read(&reading, CREATE, answer, sizeof created - 1, i, 0);
            assert_null(strstr(reading.message, "wJalr"));
            assert_null(strstr(reading.message, "EXAMPLE"));
            if (created + i > strstr(created, "</AccessKeyId>") + strlen("</AccessKeyId>"))
                assert_string_equal(reading.reply.key.id, ANSWER_ID);
        }
    }
}

/* However little memory the parser has, it ends well, and some is enough. */
static void test_little_memory(void **state)
{
    static const char answer[] = ANSWER_CREATED;
    hsmiam_status status = HSMIAM_ERR_MEMORY;

    (void)state;
    for (size_t memory = 16; status != HSMIAM_OK && memory < 65536; memory += 16) {
        hsmiam_response *response = NULL;
        hsmiam_secret *secret = NULL;
        hsmiam_reply *reply = calloc(1, sizeof *reply);
        assert_int_equal(hsmiam_secret_new(64, &secret, NULL), HSMIAM_OK);
        status = hsmiam_response_new_within(memory, CREATE, reply, secret, &response, NULL);
        if (status == HSMIAM_OK) {
            hsmiam_response_feed(response, answer, sizeof answer - 1);
            status = hsmiam_response_finish(response, NULL);
        }
        hsmiam_response_free(&response);
        if (status == HSMIAM_OK)
            assert_memory_equal(hsmiam_secret_get_data(secret), ANSWER_SECRET, 40);
        hsmiam_secret_free(&secret);
        free(reply);
    }
    assert_int_equal(status, HSMIAM_OK);
}

/* A tag without an end takes no more than the parser may have. */
static void test_endless_tag(void **state)
{
    static const size_t size = 300000;
    char *answer = calloc(1, size + 1);
    test_reading reading;

    (void)state;
    assert_non_null(answer);
    memset(answer, 'a', size);
    answer[0] = '<';
    reading_read_whole(&reading, CREATE, answer);
    assert_int_equal(reading.status, HSMIAM_ERR_REPLY);
    assert_non_null(strstr(reading.message, "too long"));
    free(answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),        cmocka_unit_test(test_zero_bytes),
        cmocka_unit_test(test_truncated_lists), cmocka_unit_test(test_garbled_answers),
        cmocka_unit_test(test_little_memory),   cmocka_unit_test(test_id_before_a_zero),
        cmocka_unit_test(test_endless_tag),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
