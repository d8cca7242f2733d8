/* SPDX-License-Identifier: Apache-2.0 */

#include "support/cmocka_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answers.h"
#include "reading.h"

#define CREATE "CreateAccessKey"
#define LIST   "ListAccessKeys"
#define DELETE "DeleteAccessKey"

static void assert_created(const test_reading *reading, const char *user_name)
{
    assert_string_equal(reading->message, "");
    assert_int_equal(reading->status, HSMIAM_OK);
    assert_int_equal(reading->reply.kind, HSMIAM_REPLY_RESULT);
    assert_string_equal(reading->reply.key.user_name, user_name);
    assert_string_equal(reading->reply.key.id, ANSWER_ID);
    assert_string_equal(reading->reply.key.status, "Active");
    assert_int_equal(reading->reply.key.create_date, 1440938160);
    assert_string_equal(reading->secret, ANSWER_SECRET);
}

static void test_good_answers_of_every_shape(void **state)
{
    static const struct {
        const char *answer;
        const char *user_name;
    } rows[] = {
        {ANSWER_CREATED, "Bob"},
        {"<?xml version=\"1.0\"?>" ANSWER_CREATED, "Bob"},
        {"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" ANSWER_CREATED "\n\n", "Bob"},
        {"<?xml version='1.0' encoding='utf-8' standalone='yes'?>" ANSWER_CREATED, "Bob"},
        {"\xef\xbb\xbf<?xml version=\"1.0\"?>" ANSWER_CREATED, "Bob"},
        {"\r\n  " ANSWER_CREATED, "Bob"},
        {"<!-- one --><?two three?>" ANSWER_CREATED "<!-- four -->", "Bob"},
        /* what it says of its encoding does not count: it is read as UTF-8 */
        {"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>" ANSWER_CREATED, "Bob"},
        {"<?xml version=\"1.0\" encoding=\"HTML\"?>" ANSWER_CREATED, "Bob"},
        {"<?xml version=\"1.0\" encoding=\"x-nonsense\"?>" ANSWER_CREATED, "Bob"},
        /* no namespace, as some implementations have it; another prefix; no metadata */
        {"<CreateAccessKeyResponse><CreateAccessKeyResult><AccessKey>" ANSWER_KEY
         "</AccessKey></CreateAccessKeyResult></CreateAccessKeyResponse>",
         "Bob"},
        {"<a:CreateAccessKeyResponse xmlns:a=\"https://iam.amazonaws.com/doc/2010-05-08/\" "
         "xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><CreateAccessKeyResult>\n\t"
         "<AccessKey b=\"c\">\n" ANSWER_KEY " </AccessKey></CreateAccessKeyResult>"
         "</a:CreateAccessKeyResponse>",
         "Bob"},
        /* the root user has no name */
        {ANSWER_CREATE("<AccessKeyId>" ANSWER_ID "</AccessKeyId><Status>Active</Status>"
                       "<SecretAccessKey>" ANSWER_SECRET "</SecretAccessKey>"
                       "<CreateDate>2015-08-30T12:36:00.123Z</CreateDate>"),
         ""},
        {ANSWER_CREATE("<UserName/><AccessKeyId>" ANSWER_ID "</AccessKeyId><Status>Active</Status>"
                       "<SecretAccessKey>" ANSWER_SECRET "</SecretAccessKey>"
                       "<CreateDate>2015-08-30T12:36:00+00:00</CreateDate>"),
         ""},
        /* another order, character references, CDATA, a name with every kind of character */
        {ANSWER_CREATE("<CreateDate>2015-08-30T12:36:00Z</CreateDate><Status>A&#99;tive</Status>"
                       "<SecretAccessKey>wJalrXUtnFEMI&#x2f;K7MDENG<![CDATA[/bPxRfiCYEXAMPLEKEY]]>"
                       "</SecretAccessKey>"
                       "<AccessKeyId>" ANSWER_ID "</AccessKeyId><UserName>a_+=,.@-Z9</UserName>"),
         "a_+=,.@-Z9"},
        /* elements that services may add, with anything in them */
        {ANSWER_CREATE("<New>text<AccessKeyId>x</AccessKeyId><a><b/></a></New>" ANSWER_KEY
                       "<x:UserName xmlns:x=\"urn:x\">Eve</x:UserName><username>Eve</username>"),
         "Bob"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t size = strlen(rows[i].answer);
        test_reading reading;
        reading_read_whole(&reading, CREATE, rows[i].answer);
        assert_created(&reading, rows[i].user_name);
        reading_read(&reading, CREATE, rows[i].answer, size, 0, 1);
        assert_created(&reading, rows[i].user_name);
        for (size_t split = 0; split <= size; split++) {
            reading_read(&reading, CREATE, rows[i].answer, size, split, 0);
            assert_created(&reading, rows[i].user_name);
        }
    }
}

static void test_request_id(void **state)
{
    test_reading reading;

    (void)state;
    reading_read_whole(&reading, CREATE, ANSWER_CREATED);
    assert_string_equal(reading.reply.request_id, ANSWER_REQUEST_ID);
    /* A bad one is not worth a key. */
    reading_read_whole(&reading, DELETE,
                       "<DeleteAccessKeyResponse><ResponseMetadata><RequestId>a b</RequestId>"
                       "</ResponseMetadata></DeleteAccessKeyResponse>");
    assert_int_equal(reading.status, HSMIAM_OK);
    assert_string_equal(reading.reply.request_id, "");
}

static void test_list(void **state)
{
    test_reading reading;

    (void)state;
    reading_read_whole(&reading, LIST,
                       ANSWER_LIST(ANSWER_MEMBER("AKIAIOSFODNN7EXAMPL1")
                                       ANSWER_MEMBER("AKIAIOSFODNN7EXAMPL2"),
                                   ANSWER_MORE_PAGES));
    assert_int_equal(reading.status, HSMIAM_OK);
    assert_int_equal(reading.reply.list.count, 2);
    assert_string_equal(reading.reply.list.keys[0].id, "AKIAIOSFODNN7EXAMPL1");
    assert_string_equal(reading.reply.list.keys[1].id, "AKIAIOSFODNN7EXAMPL2");
    assert_string_equal(reading.reply.list.keys[1].user_name, "Bob");
    assert_string_equal(reading.reply.list.keys[1].status, "Inactive");
    assert_int_equal(reading.reply.list.keys[1].create_date, 1440938160);
    assert_true(reading.reply.is_truncated);
    assert_string_equal(reading.reply.marker, "m/+=1");

    reading_read_whole(&reading, LIST, ANSWER_LIST("", ANSWER_LAST_PAGE));
    assert_int_equal(reading.status, HSMIAM_OK);
    assert_int_equal(reading.reply.list.count, 0);
    assert_false(reading.reply.is_truncated);
    reading_read_whole(&reading, LIST,
                       "<ListAccessKeysResponse><ListAccessKeysResult/></ListAccessKeysResponse>");
    assert_int_equal(reading.status, HSMIAM_OK);
}

static void test_list_of_too_many_keys(void **state)
{
    char answer[16384] = "<ListAccessKeysResponse><ListAccessKeysResult><AccessKeyMetadata>";
    test_reading reading;

    (void)state;
    for (int i = 0; i < HSMIAM_ACCESS_KEYS_MAX; i++)
        strcat(answer, ANSWER_MEMBER(ANSWER_ID));
    size_t end = strlen(answer);
    strcat(answer, "</AccessKeyMetadata></ListAccessKeysResult></ListAccessKeysResponse>");
    reading_read_whole(&reading, LIST, answer);
    assert_int_equal(reading.status, HSMIAM_OK);
    assert_int_equal(reading.reply.list.count, HSMIAM_ACCESS_KEYS_MAX);
    answer[end] = '\0';
    strcat(answer,
           ANSWER_MEMBER(
               ANSWER_ID) "</AccessKeyMetadata></ListAccessKeysResult></ListAccessKeysResponse>");
    reading_read_whole(&reading, LIST, answer);
    assert_int_equal(reading.status, HSMIAM_ERR_REPLY);
}

static void test_errors(void **state)
{
    test_reading reading;

    (void)state;
    reading_read_whole(&reading, CREATE, ANSWER_ERROR("NoSuchEntity", "The user cannot be found."));
    assert_int_equal(reading.status, HSMIAM_OK);
    assert_int_equal(reading.reply.kind, HSMIAM_REPLY_ERROR);
    assert_string_equal(reading.reply.code, "NoSuchEntity");
    assert_string_equal(reading.reply.message, "The user cannot be found.");
    assert_string_equal(reading.reply.request_id, ANSWER_REQUEST_ID);

    /* As moto has it, of whatever operation. */
    reading_read_whole(&reading, DELETE,
                       "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<ErrorResponse><Errors><Error>"
                       "<Code>InvalidClientTokenId</Code><Message>No &amp; no.</Message>"
                       "<Type>Sender</Type></Error></Errors></ErrorResponse>");
    assert_int_equal(reading.status, HSMIAM_OK);
    assert_string_equal(reading.reply.code, "InvalidClientTokenId");
    assert_string_equal(reading.reply.message, "No & no.");
    reading_read_whole(&reading, DELETE,
                       ANSWER_ERROR("A", "one</Message><message>two</message><Message>three"));
    assert_int_equal(reading.status, HSMIAM_ERR_REPLY);
    assert_string_equal(reading.reply.message, "one");
}

static void test_error_messages_are_fit_for_a_terminal(void **state)
{
    char answer[8192];
    char text[3000];
    test_reading reading;

    (void)state;
    reading_read_whole(&reading, CREATE,
                       ANSWER_ERROR("A", "a\tb\r\nc&#13;d\x7f"
                                         "e\xc2\x9b"
                                         "31mf\xc3\xbcg\xc2\xa0h\xf0\x9f\x94\x91"));
    assert_string_equal(reading.reply.message, "ab\ncde31mf\xc3\xbcg\xc2\xa0h\xf0\x9f\x94\x91");

    /* A longer one is cut, and not within a character. */
    for (size_t shift = 0; shift < 4; shift++) {
        memset(text, 'x', shift);
        for (size_t i = shift; i + 4 < sizeof text; i += 4)
            memcpy(text + i, "\xf0\x9f\x94\x91", 5);
        (void)snprintf(answer, sizeof answer, "%s%s%s",
                       "<ErrorResponse><Error><Code>A</Code><Message>", text,
                       "</Message></Error></ErrorResponse>");
        reading_read_whole(&reading, CREATE, answer);
        assert_int_equal(reading.status, HSMIAM_OK);
        assert_true(strlen(reading.reply.message) <= HSMIAM_SERVICE_MESSAGE_MAX);
        assert_int_equal((strlen(reading.reply.message) - shift) % 4, 0);
    }
}

/* Every beginning of a good answer is cut off, and names the key once its id is complete. */
static void test_every_truncation(void **state)
{
    static const char answer[] = ANSWER_CREATED;
    const char *end = strrchr(answer, '>');
    const char *id_end = strstr(answer, "</AccessKeyId>") + strlen("</AccessKeyId>");

    (void)state;
    for (size_t size = 0; size < (size_t)(end - answer) + 1; size++) {
        for (size_t piece = 0; piece < 2; piece++) {
            test_reading reading;
            reading_read(&reading, CREATE, answer, size, 0, piece);
            assert_int_equal(reading.status, HSMIAM_ERR_UNKNOWN_OUTCOME);
            assert_string_equal(reading.reply.key.id, answer + size >= id_end ? ANSWER_ID : "");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_answers_of_every_shape),
        cmocka_unit_test(test_request_id),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_list_of_too_many_keys),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_error_messages_are_fit_for_a_terminal),
        cmocka_unit_test(test_every_truncation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
