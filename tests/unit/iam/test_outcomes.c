/* SPDX-License-Identifier: Apache-2.0 */
/* What each HTTP status and body comes to. */

#include "support/cmocka_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client_fixture.h"

#define COUNT(script) (sizeof(script) / sizeof(script)[0])

static const struct {
    const char *status;
    const char *body;
    hsmiam_status outcome;
    const char *code;
    const char *message; /* a part of it */
    const char *id;
} rows[] = {
    {"404 Not Found", ANSWER_ERROR("NoSuchEntity", "No Bob."), HSMIAM_ERR_SERVICE, "NoSuchEntity",
     "No Bob.", ""},
    /* what stands in front of IAM has a namespace of its own */
    {"400 Bad Request",
     "<ErrorResponse xmlns=\"http://webservices.amazon.com/AWSFault/2005-15-09\"><Error>"
     "<Type>Sender</Type><Code>InvalidAction</Code><Message>What?</Message></"
     "Error><RequestId>" ANSWER_REQUEST_ID "</RequestId></ErrorResponse>",
     HSMIAM_ERR_SERVICE, "InvalidAction", "What?", ""},
    /* an error that says what belongs in a result */
    {"400 Bad Request",
     ANSWER_ERROR("Odd", "Made " ANSWER_ID " with '" ANSWER_SECRET "', " ANSWER_SECRET "."),
     HSMIAM_ERR_SERVICE, "Odd", "Made " ANSWER_ID " with '<left out>', <left out>.", ""},
    {"500 Oops", ANSWER_ERROR("Odd", ANSWER_SECRET ANSWER_SECRET), HSMIAM_ERR_UNKNOWN_OUTCOME,
     "Odd", "and Odd: <left out>", ""},
    {"302 Found", ANSWER_ERROR("Odd", "Elsewhere."), HSMIAM_ERR_REPLY, "Odd",
     "is a redirect (HTTP status 302), which is not followed", ""},
    {"409 Conflict", ANSWER_ERROR("LimitExceeded", "Two."), HSMIAM_ERR_SERVICE, "LimitExceeded",
     "Two.", ""},
    {"400 Bad Request", ANSWER_ERROR("Throttling", "Slow."), HSMIAM_ERR_SERVICE, "Throttling",
     "Slow.", ""},
    {"403 Forbidden",
     "<ErrorResponse><Errors><Error><Code>AccessDenied</Code></Error></Errors></ErrorResponse>",
     HSMIAM_ERR_SERVICE, "AccessDenied", "", ""},
    {"503 Unavailable", ANSWER_ERROR("Throttling", "Slow."), HSMIAM_ERR_SERVICE, "Throttling",
     "Slow.", ""},
    {"503 Unavailable", ANSWER_ERROR("SlowDown", "Slow."), HSMIAM_ERR_SERVICE, "SlowDown", "Slow.",
     ""},
    {"503 Unavailable", ANSWER_ERROR("ServiceUnavailable", "Busy."), HSMIAM_ERR_UNKNOWN_OUTCOME,
     "ServiceUnavailable", "HTTP status 503 and ServiceUnavailable: Busy.", ""},
    {"500 Oops", ANSWER_ERROR("ServiceFailure", "Oops."), HSMIAM_ERR_UNKNOWN_OUTCOME,
     "ServiceFailure", "Oops.", ""},
    {"500 Oops", ANSWER_ERROR("InternalFailure", "Oops."), HSMIAM_ERR_UNKNOWN_OUTCOME,
     "InternalFailure", "Oops.", ""},
    {"502 Bad Gateway", "<html>", HSMIAM_ERR_UNKNOWN_OUTCOME, "", "HTTP status 502", ""},
    {"504 Timeout", "", HSMIAM_ERR_UNKNOWN_OUTCOME, "", "HTTP status 504", ""},
    {"500 Oops", ANSWER_CREATED, HSMIAM_ERR_UNKNOWN_OUTCOME, "", "HTTP status 500", ANSWER_ID},
    {"403 Forbidden", "<html><body>proxy</body></html>", HSMIAM_ERR_REPLY, "",
     "HTTP status 403 and is not an answer of IAM", ""},
    {"403 Forbidden", "", HSMIAM_ERR_REPLY, "", "HTTP status 403", ""},
    {"403 Forbidden", ANSWER_CREATED, HSMIAM_ERR_REPLY, "", "HTTP status 403, and yet is a result",
     ANSWER_ID},
    {"200 OK", ANSWER_ERROR("NoSuchEntity", "No Bob."), HSMIAM_ERR_REPLY, "NoSuchEntity",
     "HTTP status 200, and yet is an error", ""},
    {"201 Created", ANSWER_CREATED, HSMIAM_ERR_REPLY, "", "HTTP status 201", ANSWER_ID},
    {"200 OK", "<html><body>login</body></html>", HSMIAM_ERR_REPLY, "", "XML of something else",
     ""},
    {"200 OK", "", HSMIAM_ERR_UNKNOWN_OUTCOME, "", "is cut off", ""},
    {"200 OK", ANSWER_CREATE("<AccessKeyId>" ANSWER_ID "</AccessKeyId>"), HSMIAM_ERR_REPLY, "",
     "lacks Status", ANSWER_ID},
    {"302 Found\r\nLocation: http://127.0.0.1:1/", "", HSMIAM_ERR_REPLY, "",
     "is a redirect (HTTP status 302), which is not followed", ""},
    {"307 Temporary Redirect\r\nLocation: /x", ANSWER_CREATED, HSMIAM_ERR_REPLY, "",
     "is a redirect (HTTP status 307)", ANSWER_ID},
};

static void test_outcomes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *answer = http_answer(rows[i].status, rows[i].body);
        const server_step script[] = {{.answer = answer}};
        client_fixture fixture;

        client_fixture_start(&fixture, script, COUNT(script));
        hsmiam_client_set_max_attempts(fixture.client, 1);
        hsmiam_status status = client_fixture_create(&fixture);
        const char *message = hsmiam_error_get_message(fixture.error);
        if (status != rows[i].outcome || strstr(message, rows[i].message) == NULL)
            fail_msg("%s %s: %d %s", rows[i].status, rows[i].body, (int)status, message);
        assert_string_equal(fixture.key.id, rows[i].id);
        client_fixture_assert_secret(&fixture, false);
        assert_int_equal(hsmiam_error_get_status(fixture.error), status);
        assert_int_equal(hsmiam_error_get_domain(fixture.error), HSMIAM_DOMAIN_SERVICE);
        assert_int_equal(hsmiam_error_get_code(fixture.error), strtoul(rows[i].status, NULL, 10));
        assert_string_equal(hsmiam_error_get_code_name(fixture.error), rows[i].code);
        assert_string_equal(hsmiam_error_get_operation(fixture.error), "CreateAccessKey");
        if (strstr(rows[i].body, ANSWER_REQUEST_ID) != NULL)
            assert_string_equal(hsmiam_error_get_request_id(fixture.error), ANSWER_REQUEST_ID);
        assert_int_equal(server_count_requests(fixture.server), 1);
        client_fixture_stop(&fixture);
        free(answer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outcomes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
