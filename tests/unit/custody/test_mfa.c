/* SPDX-License-Identifier: Apache-2.0 */
/* A session by MFA: its key is in the token, for as long as the token's session lasts, and signs.
 */
#include "fixture.h"

#include <string.h>

#include "sigv4/signer.h"
#include "token/cryptoki.h"

static const hsmiam_mfa mfa = {.serial = "GAHT12345678", .token_code = "123456"};

static void begin(fixture *fix)
{
    hsmiam_status status = hsmiam_client_begin_mfa_session(&fix->client, &mfa, fix->error);

    if (status != HSMIAM_OK)
        print_error("%s\n", hsmiam_error_get_message(fix->error));
    assert_int_equal(status, HSMIAM_OK);
}

static hsmiam_request *new_request(void)
{
    hsmiam_request *request = NULL;

    assert_int_equal(hsmiam_request_new(&request, NULL), HSMIAM_OK);
    assert_int_equal(hsmiam_request_set_url(request, "https://iam.amazonaws.com/", NULL),
                     HSMIAM_OK);
    assert_int_equal(hsmiam_request_set_scope(request, "iam", "us-east-1", NULL), HSMIAM_OK);
    return request;
}

/* The value of a header that signing adds; "" if it adds none. */
static const char *get_header(const hsmiam_request *request, const char *wanted)
{
    const char *name = NULL;
    const char *value = NULL;

    for (size_t i = 0; hsmiam_request_get_header(request, i, &name, &value); i++)
        if (strcmp(name, wanted) == 0)
            return value;
    return "";
}

static void expect_signed_by_session(fixture *fix, hsmiam_signer *signer)
{
    hsmiam_request *request = new_request();

    assert_int_equal(hsmiam_request_sign(request, signer, fix->error), HSMIAM_OK);
    assert_string_equal(get_header(request, "X-Amz-Security-Token"), FAKE_SESSION_TOKEN);
    assert_non_null(
        strstr(get_header(request, "Authorization"), "Credential=" FAKE_SESSION_ID "/"));
    assert_non_null(strstr(get_header(request, "Authorization"),
                           "SignedHeaders=host;x-amz-date;x-amz-security-token"));
    hsmiam_request_free(&request);
}

static void test_session_signs(void **state)
{
    fixture *fix = *state;
    hsmiam_request *request = new_request();

    assert_int_equal(hsmiam_request_sign(request, fix->signer, fix->error), HSMIAM_OK);
    assert_string_equal(get_header(request, "X-Amz-Security-Token"), "");
    begin(fix);
    assert_string_equal(fix->client.mfa, "GAHT12345678|123456|0");
    assert_int_equal(mock_count_session_objects(), 1);
    hsmiam_object object = mock_find(CKO_SECRET_KEY, FAKE_SESSION_ID);
    assert_true(mock_get_flag(object, CKA_PRIVATE));
    assert_true(mock_get_flag(object, CKA_SENSITIVE));
    assert_false(mock_get_flag(object, CKA_EXTRACTABLE));
    assert_false(mock_get_flag(object, CKA_TOKEN));
    expect_signed_by_session(fix, fix->signer);
    assert_string_equal(hsmiam_signer_get_access_key_id(fix->signer), ROOT_ID);

    assert_int_equal(hsmiam_request_presign(request, fix->signer, 60, fix->error), HSMIAM_OK);
    assert_non_null(strstr(hsmiam_request_get_presigned_url(request),
                           "&X-Amz-Security-Token=" FAKE_SESSION_TOKEN_ESCAPED));
    hsmiam_request_free(&request);
    assert_null(strstr(fix->log, FAKE_SESSION_TOKEN));
}

/* A request has one session token: that of who signs. */
static void test_session_token_is_the_sessions(void **state)
{
    static const char query[] = "https://iam.amazonaws.com/?x-amz-security-token=t";
    fixture *fix = *state;
    hsmiam_request *request = new_request();

    assert_int_equal(hsmiam_request_set_url(request, query, NULL), HSMIAM_OK);
    assert_int_equal(hsmiam_request_presign(request, fix->signer, 60, fix->error), HSMIAM_OK);
    begin(fix);
    assert_int_equal(hsmiam_request_presign(request, fix->signer, 60, fix->error),
                     HSMIAM_ERR_ARGUMENT);
    fixture_expect_message(fix, "X-Amz-Security-Token");
    assert_int_equal(hsmiam_request_sign(request, fix->signer, fix->error), HSMIAM_OK);
    assert_int_equal(hsmiam_request_add_header(request, "X-Amz-Security-Token", "t", NULL),
                     HSMIAM_OK);
    assert_int_equal(hsmiam_request_sign(request, fix->signer, fix->error), HSMIAM_ERR_ARGUMENT);
    fixture_expect_message(fix, "leave it out");
    hsmiam_request_free(&request);
}

/* A batch has a signer for each of its threads. */
static void test_session_is_shared(void **state)
{
    fixture *fix = *state;
    hsmiam_signer *other = NULL;

    begin(fix);
    assert_int_equal(hsmiam_signer_new_like(fix->signer, &other, fix->error), HSMIAM_OK);
    expect_signed_by_session(fix, other);
    assert_string_equal(hsmiam_signer_get_access_key_id(other), ROOT_ID);
    hsmiam_signer_free(&other);
    expect_signed_by_session(fix, fix->signer);
}

/* With the token the session's key is gone, and the access key does not sign in its place. */
static void test_lost_token(void **state)
{
    fixture *fix = *state;
    hsmiam_request *request = new_request();

    begin(fix);
    mock_fail(MOCK_C_SignInit, 0, CKR_SESSION_HANDLE_INVALID);
    assert_int_not_equal(hsmiam_request_sign(request, fix->signer, fix->error), HSMIAM_OK);
    mock_stop_failing();
    assert_int_equal(hsmiam_request_sign(request, fix->signer, fix->error), HSMIAM_ERR_TOKEN);
    fixture_expect_message(fix, "begin another one, with a new code");
    begin(fix);
    assert_string_equal(fix->client.mfa_asked_by, ROOT_ID);
    expect_signed_by_session(fix, fix->signer);
    hsmiam_request_free(&request);
}

/* A session lasts for hours and a program for longer. STS gives none to a session. */
static void test_another_session(void **state)
{
    fixture *fix = *state;
    hsmiam_request *request = new_request();

    begin(fix);
    expect_signed_by_session(fix, fix->signer);
    begin(fix);
    assert_string_equal(fix->client.mfa_asked_by, ROOT_ID);
    expect_signed_by_session(fix, fix->signer);
    assert_int_equal(mock_count_session_objects(), 1);
    /* Of one that cannot be had, nothing is left, nor of the one before. */
    fix->client.session = (fake_answer){HSMIAM_ERR_SERVICE, "AccessDenied"};
    assert_int_equal(hsmiam_client_begin_mfa_session(&fix->client, &mfa, fix->error),
                     HSMIAM_ERR_SERVICE);
    assert_int_equal(mock_count_session_objects(), 0);
    assert_int_equal(hsmiam_request_sign(request, fix->signer, fix->error), HSMIAM_OK);
    assert_string_equal(get_header(request, "X-Amz-Security-Token"), "");
    hsmiam_request_free(&request);
}

static void test_refusals(void **state)
{
    fixture *fix = *state;
    const hsmiam_mfa no_code = {.serial = "GAHT12345678"};
    hsmiam_request *request = new_request();

    assert_int_equal(hsmiam_client_begin_mfa_session(&fix->client, &no_code, fix->error),
                     HSMIAM_ERR_ARGUMENT);
    fix->client.session = (fake_answer){HSMIAM_ERR_SERVICE, "AccessDenied"};
    assert_int_equal(hsmiam_client_begin_mfa_session(&fix->client, &mfa, fix->error),
                     HSMIAM_ERR_SERVICE);
    assert_int_equal(mock_count_session_objects(), 0);
    fix->client.session = (fake_answer){HSMIAM_ERR_SERVICE, "InvalidClientTokenId"};
    assert_int_equal(hsmiam_client_begin_mfa_session(&fix->client, &mfa, fix->error),
                     HSMIAM_ERR_SERVICE);
    fixture_expect_message(fix, "if it was rotated, name the one that took its place");
    fix->client.session = (fake_answer){HSMIAM_OK, NULL};
    mock.wrong_hmac = true;
    fix->client.mfa[0] = '\0';
    assert_int_not_equal(hsmiam_client_begin_mfa_session(&fix->client, &mfa, fix->error),
                         HSMIAM_OK);
    assert_string_equal(fix->client.mfa, ""); /* no code is used up for nothing */
    assert_int_equal(mock_count_session_objects(), 0);
    mock.wrong_hmac = false;
    assert_int_equal(hsmiam_request_sign(request, fix->signer, fix->error), HSMIAM_OK);
    assert_string_equal(get_header(request, "X-Amz-Security-Token"), "");
    hsmiam_request_free(&request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_session_signs),     fixture_test(test_session_token_is_the_sessions),
        fixture_test(test_session_is_shared), fixture_test(test_lost_token),
        fixture_test(test_another_session),   fixture_test(test_refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
