/* SPDX-License-Identifier: Apache-2.0 */
/* Temporary credentials: requests, answers in whole and in pieces, refusals. */

#include "support/cmocka_tests.h"

#include <stdlib.h>
#include <string.h>

#include "client_fixture.h"

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

#define NAMESPACE  " xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\""
#define SECRET     "<SecretAccessKey>" ANSWER_SECRET "</SecretAccessKey>"
#define ID         "<AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId>"
#define TOKEN      "AQoEXAMPLEH4aoAH0gNCAPyJxz4BlCFFxWNE1OPTgk5TthT+/=="
#define TOKEN_NODE "<SessionToken>" TOKEN "</SessionToken>"
#define EXPIRATION "<Expiration>2015-08-30T12:36:00Z</Expiration>"
#define INSIDE     "<Credentials>" SECRET ID TOKEN_NODE EXPIRATION "</Credentials>"
#define ANSWER_OF(operation, inside)                                                               \
    "<" operation "Response" NAMESPACE "><" operation "Result>" inside "</" operation              \
    "Result>" ANSWER_METADATA "</" operation "Response>"
#define SESSION(inside) ANSWER_OF("GetSessionToken", inside)
#define ROLE                                                                                       \
    ANSWER_OF("AssumeRole", "<AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/a/b"                \
                            "</Arn></AssumedRoleUser>" INSIDE)

static const hsmiam_credentials_request plain;

static void start(client_fixture *fixture, server_step script[1], const char *body)
{
    script[0] = (server_step){.answer = http_answer("200 OK", body)};
    client_fixture_start(fixture, script, 1);
}

static void stop(client_fixture *fixture, server_step script[1])
{
    assert_null(strstr(fixture->log, TOKEN));
    client_fixture_stop(fixture);
    free((char *)script[0].answer);
}

static void check(const hsmiam_credentials *credentials)
{
    assert_string_equal(hsmiam_credentials_get_access_key_id(credentials), "ASIAIOSFODNN7EXAMPLE");
    assert_string_equal(hsmiam_credentials_get_secret_access_key(credentials), ANSWER_SECRET);
    assert_string_equal(hsmiam_credentials_get_session_token(credentials), TOKEN);
    assert_int_equal(hsmiam_credentials_get_expiration(credentials), 1440938160);
}

static void test_session(void **state)
{
    client_fixture fixture;
    server_step script[1];
    hsmiam_credentials *credentials = NULL;

    (void)state;
    start(&fixture, script, SESSION(INSIDE));
    assert_int_equal(
        hsmiam_client_get_credentials(fixture.client, &plain, &credentials, fixture.error),
        HSMIAM_OK);
    check(credentials);
    assert_string_equal(fake.body, "Action=GetSessionToken&Version=2011-06-15");
    hsmiam_credentials_free(&credentials);
    assert_null(credentials);
    stop(&fixture, script);
}

static void test_role_with_everything(void **state)
{
    const hsmiam_credentials_request request = {
        .role_arn = "arn:aws:iam::1:role/a",
        .session_name = "me",
        .external_id = "x=1",
        .policy = "{\"a\"}",
        .duration_seconds = 900,
        .mfa_serial = "GAHT12345678",
        .token_code = "123456",
    };
    client_fixture fixture;
    server_step script[1];
    hsmiam_credentials *credentials = NULL;

    (void)state;
    start(&fixture, script, ROLE);
    assert_int_equal(
        hsmiam_client_get_credentials(fixture.client, &request, &credentials, fixture.error),
        HSMIAM_OK);
    check(credentials);
    assert_string_equal(fake.body, "Action=AssumeRole&Version=2011-06-15&DurationSeconds=900&"
                                   "SerialNumber=GAHT12345678&TokenCode=123456&"
                                   "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fa&RoleSessionName=me&"
                                   "ExternalId=x%3D1&Policy=%7B%22a%22%7D");
    hsmiam_credentials_free(&credentials);
    stop(&fixture, script);
}

/* A session token that is longer than any piece that the parser gets at a time. */
static void test_long_token(void **state)
{
    client_fixture fixture;
    server_step script[1];
    hsmiam_credentials *credentials = NULL;
    const size_t sizes[] = {HSMIAM_SESSION_TOKEN_MAX, HSMIAM_SESSION_TOKEN_MAX + 1};

    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        char *token = malloc(sizes[i] + 1);
        char *body = NULL;
        memset(token, 'x', sizes[i]);
        token[sizes[i]] = '\0';
        assert_true(asprintf(&body,
                             SESSION("<Credentials>" SECRET ID EXPIRATION
                                     "<SessionToken>%s</SessionToken></Credentials>"),
                             token) > 0);
        start(&fixture, script, body);
        hsmiam_status status =
            hsmiam_client_get_credentials(fixture.client, &plain, &credentials, fixture.error);
        assert_int_equal(status, i == 0 ? HSMIAM_OK : HSMIAM_ERR_REPLY);
        if (i == 0)
            assert_string_equal(hsmiam_credentials_get_session_token(credentials), token);
        hsmiam_credentials_free(&credentials);
        stop(&fixture, script);
        free(token);
        free(body);
    }
}

static void test_answers_that_are_none(void **state)
{
    static const struct {
        const char *body;
        const char *message;
    } rows[] = {
        {SESSION("<Credentials>" ID SECRET EXPIRATION "</Credentials>"), "lacks SessionToken"},
        {SESSION("<Credentials>" ID TOKEN_NODE EXPIRATION "</Credentials>"),
         "lacks SecretAccessKey"},
        {SESSION("<Credentials>" ID SECRET TOKEN_NODE "</Credentials>"), "lacks Expiration"},
        {SESSION("<Credentials>" SECRET TOKEN_NODE EXPIRATION "</Credentials>"),
         "lacks AccessKeyId"},
        {SESSION("<Credentials>" ID SECRET EXPIRATION "<SessionToken>a b</SessionToken>"
                 "</Credentials>"),
         "has SessionToken of other characters"},
        {SESSION("<Credentials>" ID SECRET EXPIRATION "<SessionToken/></Credentials>"),
         "has SessionToken of 0 bytes"},
        {SESSION("<Credentials>" ID SECRET TOKEN_NODE "<Expiration>soon, and for long</Expiration>"
                 "</Credentials>"),
         "has Expiration of"},
        {SESSION(""), "lacks Credentials"},
        {ROLE, "is the XML of something else"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        client_fixture fixture;
        server_step script[1];
        hsmiam_credentials *credentials = NULL;
        start(&fixture, script, rows[i].body);
        assert_int_equal(
            hsmiam_client_get_credentials(fixture.client, &plain, &credentials, fixture.error),
            HSMIAM_ERR_REPLY);
        assert_null(credentials);
        const char *message = hsmiam_error_get_message(fixture.error);
        if (strstr(message, rows[i].message) == NULL)
            fail_msg("row %zu: %s", i, message);
        stop(&fixture, script);
    }
}

/* Nothing of an answer that was cut off stays before the next one's. */
static void test_second_attempt(void **state)
{
    client_fixture fixture;
    hsmiam_credentials *credentials = NULL;
    char *whole = http_answer("200 OK", SESSION(INSIDE));
    char *cut = strdup(whole);
    *strstr(cut, "TthT") = '\0';
    const server_step script[] = {{.answer = cut, .then = SERVER_CLOSES}, {.answer = whole}};

    (void)state;
    client_fixture_start(&fixture, script, COUNT(script));
    assert_int_equal(
        hsmiam_client_get_credentials(fixture.client, &plain, &credentials, fixture.error),
        HSMIAM_OK);
    check(credentials);
    hsmiam_credentials_free(&credentials);
    client_fixture_stop(&fixture);
    free(cut);
    free(whole);
}

static void test_refused_arguments(void **state)
{
    const hsmiam_credentials_request rows[] = {
        {.session_name = "a"}, {.external_id = "a"}, {.policy = "a"}};
    client_fixture fixture;
    hsmiam_credentials *credentials = NULL;

    (void)state;
    client_fixture_start(&fixture, NULL, 0);
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(
            hsmiam_client_get_credentials(fixture.client, &rows[i], &credentials, fixture.error),
            HSMIAM_ERR_ARGUMENT);
    assert_int_equal(hsmiam_client_get_credentials(NULL, &plain, &credentials, fixture.error),
                     HSMIAM_ERR_ARGUMENT);
    assert_int_equal(
        hsmiam_client_get_credentials(fixture.client, NULL, &credentials, fixture.error),
        HSMIAM_ERR_ARGUMENT);
    assert_int_equal(hsmiam_client_get_credentials(fixture.client, &plain, NULL, fixture.error),
                     HSMIAM_ERR_ARGUMENT);
    hsmiam_credentials_free(&credentials);
    hsmiam_credentials_free(NULL);
    client_fixture_stop(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_session),        cmocka_unit_test(test_role_with_everything),
        cmocka_unit_test(test_long_token),     cmocka_unit_test(test_answers_that_are_none),
        cmocka_unit_test(test_second_attempt), cmocka_unit_test(test_refused_arguments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
