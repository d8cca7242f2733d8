/* SPDX-License-Identifier: Apache-2.0 */
/* Calls about who there is and what a key was used for: requests, answers, refusals. */

#include "support/cmocka_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client_fixture.h"

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

#define STS_NAMESPACE " xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\""
#define CALLER_IN(xmlns, inside)                                                                   \
    "<GetCallerIdentityResponse" xmlns "><GetCallerIdentityResult>" inside                         \
    "</GetCallerIdentityResult>" ANSWER_METADATA "</GetCallerIdentityResponse>"
#define ARN     "<Arn>arn:aws:iam::123456789012:user/a/Bob</Arn>"
#define USER_ID "<UserId>AIDACKCEVSQ6C2EXAMPLE</UserId>"
#define ACCOUNT "<Account>123456789012</Account>"

#define USED_IN(inside)                                                                            \
    "<GetAccessKeyLastUsedResponse" ANSWER_NAMESPACE "><GetAccessKeyLastUsedResult>" inside        \
    "</GetAccessKeyLastUsedResult>" ANSWER_METADATA "</GetAccessKeyLastUsedResponse>"
#define USED                                                                                       \
    USED_IN("<UserName>Bob</UserName><AccessKeyLastUsed><Region>eu-west-1</Region>"                \
            "<LastUsedDate>2015-08-30T12:36:00Z</LastUsedDate><ServiceName>s3</ServiceName>"       \
            "</AccessKeyLastUsed>")
#define UNUSED                                                                                     \
    USED_IN("<AccessKeyLastUsed><Region>N/A</Region><ServiceName>N/A</ServiceName>"                \
            "</AccessKeyLastUsed>")

#define USER(name)                                                                                 \
    "<member><Path>/a/</Path><UserName>" name "</UserName>" USER_ID                                \
    "<Arn>arn:aws:iam::123456789012:user/a/" name "</Arn>"                                         \
    "<CreateDate>2015-08-30T12:36:00Z</CreateDate></member>"
#define USERS(members, more)                                                                       \
    "<ListUsersResponse" ANSWER_NAMESPACE "><ListUsersResult>" more "<Users>" members              \
    "</Users></ListUsersResult>" ANSWER_METADATA "</ListUsersResponse>"

/* A client whose next answer is this one, with status 200. */
static void start(client_fixture *fixture, server_step script[1], const char *body)
{
    script[0] = (server_step){.answer = http_answer("200 OK", body)};
    client_fixture_start(fixture, script, 1);
}

static void stop(client_fixture *fixture, server_step script[1])
{
    client_fixture_stop(fixture);
    free((char *)script[0].answer);
}

static void test_caller(void **state)
{
    client_fixture fixture;
    server_step script[1];
    hsmiam_caller caller;

    (void)state;
    start(&fixture, script, CALLER_IN(STS_NAMESPACE, ARN USER_ID ACCOUNT));
    assert_int_equal(hsmiam_client_set_region(fixture.client, "eu-west-1", NULL), HSMIAM_OK);
    assert_int_equal(hsmiam_client_get_caller(fixture.client, true, &caller, fixture.error),
                     HSMIAM_OK);
    assert_string_equal(caller.account, "123456789012");
    assert_string_equal(caller.arn, "arn:aws:iam::123456789012:user/a/Bob");
    assert_string_equal(caller.user_id, "AIDACKCEVSQ6C2EXAMPLE");
    assert_int_equal(hsmiam_client_get_caller_identity(fixture.client, NULL, fixture.error),
                     HSMIAM_ERR_ARGUMENT);
    assert_string_equal(fake.body, "Action=GetCallerIdentity&Version=2011-06-15");
    assert_string_equal(fake.scope, "sts/eu-west-1");
    stop(&fixture, script);
}

static void test_callers_that_are_none(void **state)
{
    static const struct {
        const char *body;
        const char *message;
    } rows[] = {
        {CALLER_IN(STS_NAMESPACE, USER_ID ACCOUNT), "lacks Arn"},
        {CALLER_IN(STS_NAMESPACE, ARN ACCOUNT), "lacks UserId"},
        {CALLER_IN(STS_NAMESPACE, ARN USER_ID), "lacks Account"},
        {CALLER_IN(STS_NAMESPACE, ARN ARN USER_ID ACCOUNT), "has Arn twice"},
        {CALLER_IN(STS_NAMESPACE, ARN USER_ID "<Account>12345678901x</Account>"),
         "has Account of 12 bytes that is none"},
        {CALLER_IN(STS_NAMESPACE, USER_ID ACCOUNT "<Arn>urn:aws:iam::123456789012:root</Arn>"),
         "has Arn of 30 bytes that is none"},
        {CALLER_IN(STS_NAMESPACE, USER_ID ACCOUNT "<Arn>arn:aws:iam::1234 6789012:root</Arn>"),
         "that is none"},
        {CALLER_IN(STS_NAMESPACE, ARN ACCOUNT "<UserId>AID A</UserId>"), "that is none"},
        /* what IAM says is not STS's */
        {CALLER_IN(ANSWER_NAMESPACE, ARN USER_ID ACCOUNT), "is the XML of something else"},
        {USED, "is the XML of something else"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        client_fixture fixture;
        server_step script[1];
        hsmiam_caller caller;
        start(&fixture, script, rows[i].body);
        assert_int_equal(hsmiam_client_get_caller(fixture.client, true, &caller, fixture.error),
                         HSMIAM_ERR_REPLY);
        const char *message = hsmiam_error_get_message(fixture.error);
        if (strstr(message, rows[i].message) == NULL)
            fail_msg("row %zu: %s", i, message);
        stop(&fixture, script);
    }
}

static void test_usage(void **state)
{
    client_fixture fixture;
    server_step script[1];
    hsmiam_key_usage usage;

    (void)state;
    start(&fixture, script, USED);
    assert_int_equal(
        hsmiam_client_get_key_usage(fixture.client, ANSWER_ID, true, &usage, fixture.error),
        HSMIAM_OK);
    assert_string_equal(fake.body, "Action=GetAccessKeyLastUsed&Version=2010-05-08&"
                                   "AccessKeyId=" ANSWER_ID);
    assert_string_equal(usage.user_name, "Bob");
    assert_true(usage.was_used);
    assert_int_equal(usage.date, 1440938160);
    assert_string_equal(usage.region, "eu-west-1");
    assert_string_equal(usage.service_name, "s3");
    stop(&fixture, script);

    start(&fixture, script, UNUSED);
    assert_int_equal(
        hsmiam_client_get_key_usage(fixture.client, ANSWER_ID, true, &usage, fixture.error),
        HSMIAM_OK);
    assert_string_equal(usage.user_name, "");
    assert_false(usage.was_used);
    assert_string_equal(usage.region, "N/A");
    assert_string_equal(usage.service_name, "N/A");
    stop(&fixture, script);
}

/* A key is not taken for an unused one because its answer lacks something. */
static void test_usages_that_are_none(void **state)
{
    static const char *const bodies[] = {
        USED_IN(""),
        USED_IN("<UserName>Bob</UserName>"),
        USED_IN("<AccessKeyLastUsed/>"),
        USED_IN("<AccessKeyLastUsed><Region>N/A</Region></AccessKeyLastUsed>"),
        USED_IN("<AccessKeyLastUsed><Region>N/A</Region><ServiceName>N/A</ServiceName>"
                "<LastUsedDate/></AccessKeyLastUsed>"),
        USED_IN("<AccessKeyLastUsed><Region>N/A</Region><ServiceName>N/A</ServiceName>"
                "<LastUsedDate>yesterday, in the evening</LastUsedDate></AccessKeyLastUsed>"),
        USED_IN("<AccessKeyLastUsed><Region>\xc3\xa4</Region><ServiceName>s3</ServiceName>"
                "</AccessKeyLastUsed>"),
        "<GetAccessKeyLastUsedResponse" ANSWER_NAMESPACE ">" ANSWER_METADATA
        "</GetAccessKeyLastUsedResponse>",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(bodies); i++) {
        client_fixture fixture;
        server_step script[1];
        hsmiam_key_usage usage;
        start(&fixture, script, bodies[i]);
        assert_int_equal(
            hsmiam_client_get_key_usage(fixture.client, ANSWER_ID, true, &usage, fixture.error),
            HSMIAM_ERR_REPLY);
        stop(&fixture, script);
    }
}

static void test_update(void **state)
{
    client_fixture fixture;
    server_step script[1];

    (void)state;
    start(&fixture, script,
          "<UpdateAccessKeyResponse" ANSWER_NAMESPACE ">" ANSWER_METADATA
          "</UpdateAccessKeyResponse>");
    assert_int_equal(hsmiam_client_update_access_key(fixture.client, "Bob", ANSWER_ID, "Inactive",
                                                     true, fixture.error),
                     HSMIAM_OK);
    assert_string_equal(fake.body, "Action=UpdateAccessKey&Version=2010-05-08&UserName=Bob&"
                                   "AccessKeyId=" ANSWER_ID "&Status=Inactive");
    stop(&fixture, script);

    start(&fixture, script, ANSWER_DELETED);
    assert_int_equal(hsmiam_client_update_access_key(fixture.client, "Bob", ANSWER_ID, "Active",
                                                     true, fixture.error),
                     HSMIAM_ERR_REPLY);
    stop(&fixture, script);
}

/* The users' names in the order of the pages, up to the last one, or to a failure. */
static hsmiam_status list_names(client_fixture *fixture, char *text, size_t size)
{
    static hsmiam_user_page page;
    char marker[HSMIAM_MARKER_SIZE] = "";
    hsmiam_status status = HSMIAM_OK;

    text[0] = '\0';
    do {
        status =
            hsmiam_client_list_users_page(fixture->client, true, marker, &page, fixture->error);
        for (size_t i = 0; status == HSMIAM_OK && i < page.count; i++) {
            size_t used = strlen(text);
            assert_string_equal(page.users[i].id, "AIDACKCEVSQ6C2EXAMPLE");
            assert_int_equal(page.users[i].create_date, 1440938160);
            (void)snprintf(text + used, size - used, "%s ", page.users[i].name);
        }
    } while (status == HSMIAM_OK && marker[0] != '\0');
    return status;
}

static void test_users(void **state)
{
    char *first = http_answer("200 OK", USERS(USER("Ann") USER("Bob"), ANSWER_MORE_PAGES));
    char *cut = http_answer("200 OK", "<ListUsersResponse><ListUsersResult><Users>" USER("Eve"));
    char *last = http_answer("200 OK", USERS(USER("Cid"), ANSWER_LAST_PAGE));
    const server_step script[] = {{.answer = first}, {.answer = cut}, {.answer = last}};
    client_fixture fixture;
    char names[64];

    (void)state;
    client_fixture_start(&fixture, script, COUNT(script));
    assert_int_equal(list_names(&fixture, names, sizeof names), HSMIAM_OK);
    assert_string_equal(names, "Ann Bob Cid ");
    assert_string_equal(fake.body,
                        "Action=ListUsers&Version=2010-05-08&MaxItems=40&Marker=m%2F%2B%3D1");
    client_fixture_stop(&fixture);
    free(first);
    free(cut);
    free(last);
}

/* A list that is never at its end. */
static void test_users_over_and_over(void **state)
{
    char *page = http_answer("200 OK", USERS(USER("Ann"), ANSWER_MORE_PAGES));
    const server_step script[] = {{.answer = page}, {.answer = page}, {.answer = page}};
    client_fixture fixture;
    char names[64];

    (void)state;
    client_fixture_start(&fixture, script, COUNT(script));
    assert_int_equal(list_names(&fixture, names, sizeof names), HSMIAM_ERR_REPLY);
    assert_string_equal(names, "Ann ");
    assert_string_equal(hsmiam_error_get_message(fixture.error),
                        "The answer to ListUsers is to be continued from where it began.");
    client_fixture_stop(&fixture);
    free(page);
}

#define TEN(text) text text text text text text text text text text

static void test_users_that_are_too_many(void **state)
{
    static const char many[] = USERS(
        TEN(USER("B")) TEN(USER("B")) TEN(USER("B")) TEN(USER("B")) USER("C"), ANSWER_LAST_PAGE);
    client_fixture fixture;
    server_step script[1];
    char names[64];

    (void)state;
    start(&fixture, script, many);
    assert_int_equal(list_names(&fixture, names, sizeof names), HSMIAM_ERR_REPLY);
    assert_string_equal(hsmiam_error_get_message(fixture.error),
                        "The answer to ListUsers lists more users than were asked for.");
    assert_string_equal(names, "");
    stop(&fixture, script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_caller),
        cmocka_unit_test(test_callers_that_are_none),
        cmocka_unit_test(test_usage),
        cmocka_unit_test(test_usages_that_are_none),
        cmocka_unit_test(test_update),
        cmocka_unit_test(test_users),
        cmocka_unit_test(test_users_over_and_over),
        cmocka_unit_test(test_users_that_are_too_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
