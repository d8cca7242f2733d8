/* SPDX-License-Identifier: Apache-2.0 */
/* hsmiam_request_*, as hsmiam.h promises it: what is signed. */
#include "support/cmocka_tests.h"

#include <stdlib.h>
#include <string.h>

#include "request_fixture.h"

#define ABC_SHA256 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define TIME_2015  1440938160 /* 2015-08-30T12:36:00Z */

/* The value of a header that signing made, NULL if it made none of that name. */
static const char *find_made(const fixture *f, const char *sought)
{
    const char *name = NULL;
    const char *value = NULL;

    for (size_t i = 0; hsmiam_request_get_header(f->request, i, &name, &value); i++) {
        if (strcmp(name, sought) == 0)
            return value;
    }
    return NULL;
}

/* The same, "" if it made none. */
static const char *made(const fixture *f, const char *sought)
{
    const char *value = find_made(f, sought);

    return value != NULL ? value : "";
}

static void has_defaults(void **state)
{
    fixture *f = *state;

    assert_int_equal(hsmiam_request_get_header_count(f->request), 0);
    assert_string_equal(hsmiam_request_get_canonical_request(f->request), "");
    assert_string_equal(hsmiam_request_get_string_to_sign(f->request), "");
    fixture_fill(f);
    fixture_sign(f);
    assert_string_equal(hsmiam_request_get_canonical_request(f->request),
                        "GET\n/\n\nhost:iam.amazonaws.com\nx-amz-date:20150830T123600Z\n\n"
                        "host;x-amz-date\n" EMPTY_SHA256);
    assert_int_equal(hsmiam_request_get_header_count(f->request), 2);
    assert_string_equal(made(f, "X-Amz-Date"), "20150830T123600Z");
    assert_non_null(find_made(f, "Authorization"));
}

static void takes_the_time_of_signing_by_itself(void **state)
{
    fixture *f = *state;
    time_t now = time(NULL);
    struct tm parts = {0};
    char day[sizeof "YYYYMMDD"] = "";

    assert_int_equal(hsmiam_request_set_url(f->request, "https://h/", NULL), HSMIAM_OK);
    assert_int_equal(hsmiam_request_set_scope(f->request, "iam", "us-east-1", NULL), HSMIAM_OK);
    assert_non_null(gmtime_r(&now, &parts));
    assert_int_equal(strftime(day, sizeof day, "%Y%m%d", &parts), 8);
    fixture_sign(f);
    /* Midnight may pass between the two clocks; then the day is another one, but not an old one. */
    assert_true(strncmp(made(f, "X-Amz-Date"), day, 8) >= 0);
    assert_int_equal(strlen(made(f, "X-Amz-Date")), 16);
}

static void may_sign_again(void **state)
{
    fixture *f = *state;

    fixture_fill(f);
    fixture_sign(f);
    char *first = strdup(made(f, "Authorization"));
    assert_non_null(first);
    fixture_sign(f);
    assert_string_equal(made(f, "Authorization"), first);
    assert_int_equal(hsmiam_request_set_time(f->request, TIME_2015 + 86400, NULL), HSMIAM_OK);
    fixture_sign(f);
    assert_int_equal(hsmiam_request_get_header_count(f->request), 2);
    assert_string_equal(made(f, "X-Amz-Date"), "20150831T123600Z");
    assert_non_null(strstr(made(f, "Authorization"), "/20150831/us-east-1/iam/aws4_request,"));
    assert_string_not_equal(made(f, "Authorization"), first);
    assert_int_equal(f->token.signatures, 2);
    free(first);
}

static void leaves_no_signature_of_a_failed_signing(void **state)
{
    fixture *f = *state;

    fixture_fill(f);
    fixture_sign(f);
    assert_int_equal(hsmiam_request_set_scope(f->request, "sts", "us-east-1", NULL), HSMIAM_OK);
    f->token.hmac_status = HSMIAM_ERR_TOKEN;
    assert_int_equal(hsmiam_request_sign(f->request, f->signer, f->error), HSMIAM_ERR_TOKEN);
    assert_int_equal(hsmiam_request_get_header_count(f->request), 0);
    assert_string_equal(hsmiam_request_get_string_to_sign(f->request), "");
    f->token.hmac_status = HSMIAM_OK;
    fixture_sign(f);
    assert_int_equal(hsmiam_request_get_header_count(f->request), 2);
}

static void prefers_headers_that_were_added(void **state)
{
    fixture *f = *state;

    fixture_fill(f);
    assert_int_equal(hsmiam_request_set_body(f->request, "abc", 3, NULL), HSMIAM_OK);
    hsmiam_request_set_canonical_flags(f->request, HSMIAM_CANONICAL_SIGN_BODY);
    fixture_add(f, "host", "Other.example:8443");
    fixture_add(f, "X-Amz-Date", " 20160101T000000Z ");
    fixture_add(f, "X-Amz-Content-SHA256", "UNSIGNED-PAYLOAD");
    fixture_sign(f);
    assert_string_equal(hsmiam_request_get_canonical_request(f->request),
                        "GET\n/\n\nhost:Other.example:8443\nx-amz-content-sha256:UNSIGNED-PAYLOAD\n"
                        "x-amz-date:20160101T000000Z\n\nhost;x-amz-content-sha256;x-amz-date\n"
                        "UNSIGNED-PAYLOAD");
    assert_non_null(strstr(hsmiam_request_get_string_to_sign(f->request),
                           "\n20160101T000000Z\n20160101/us-east-1/iam/aws4_request\n"));
    assert_int_equal(hsmiam_request_get_header_count(f->request), 1);
    assert_non_null(find_made(f, "Authorization"));
}

static void signs_an_added_payload_hash_for_any_service(void **state)
{
    fixture *f = *state;

    fixture_fill(f);
    fixture_add(f, "x-amz-content-sha256", ABC_SHA256);
    fixture_sign(f);
    fixture_assert_canonical_has(f, "\nhost;x-amz-content-sha256;x-amz-date\n" ABC_SHA256);
    assert_null(find_made(f, "X-Amz-Content-Sha256"));
}

static void takes_the_body_by_bytes_or_hash(void **state)
{
    static const char *const hashes[] = {ABC_SHA256, "UNSIGNED-PAYLOAD",
                                         "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
                                         "STREAMING-UNSIGNED-PAYLOAD-TRAILER"};
    fixture *f = *state;

    fixture_fill(f);
    assert_int_equal(hsmiam_request_set_body(f->request, "abc", 3, NULL), HSMIAM_OK);
    fixture_sign(f);
    fixture_assert_canonical_has(f, "\nhost;x-amz-date\n" ABC_SHA256);
    assert_int_equal(hsmiam_request_set_body(f->request, NULL, 0, NULL), HSMIAM_OK);
    fixture_sign(f);
    fixture_assert_canonical_has(f, "\nhost;x-amz-date\n" EMPTY_SHA256);
    for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++) {
        assert_int_equal(hsmiam_request_set_body_sha256(f->request, hashes[i], NULL), HSMIAM_OK);
        fixture_sign(f);
        assert_string_equal(strrchr(hsmiam_request_get_canonical_request(f->request), '\n') + 1,
                            hashes[i]);
    }
}

static void treats_s3_as_s3_wants_it(void **state)
{
    static const char *const services[] = {"s3", "s3-object-lambda", "s3-outposts", "s3express"};
    fixture *f = *state;

    fixture_fill(f);
    assert_int_equal(hsmiam_request_set_url(f->request, "https://b/a//../k%20e y", NULL),
                     HSMIAM_OK);
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
        assert_int_equal(hsmiam_request_set_scope(f->request, services[i], "us-east-1", NULL),
                         HSMIAM_OK);
        fixture_sign(f);
        fixture_assert_canonical_has(f, "GET\n/a//../k%20e%20y\n\n");
        assert_string_equal(made(f, "X-Amz-Content-Sha256"), EMPTY_SHA256);
    }
    assert_int_equal(hsmiam_request_set_scope(f->request, "s3tables", "us-east-1", NULL),
                     HSMIAM_OK);
    fixture_sign(f);
    fixture_assert_canonical_has(f, "GET\n/k%2520e%20y\n\n");
    assert_null(find_made(f, "X-Amz-Content-Sha256"));
}

/* A program that signs for days does not use the token's time up. */
static void signs_within_a_time_of_its_own(void **state)
{
    fixture *f = *state;

    fixture_fill(f);
    fixture_sign(f);
    assert_int_equal(f->token.renewals, 1);
    assert_int_equal(hsmiam_request_presign(f->request, f->signer, 60, f->error), HSMIAM_OK);
    assert_int_equal(f->token.renewals, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(has_defaults),
        FIXTURE_TEST(takes_the_time_of_signing_by_itself),
        FIXTURE_TEST(may_sign_again),
        FIXTURE_TEST(leaves_no_signature_of_a_failed_signing),
        FIXTURE_TEST(prefers_headers_that_were_added),
        FIXTURE_TEST(signs_an_added_payload_hash_for_any_service),
        FIXTURE_TEST(takes_the_body_by_bytes_or_hash),
        FIXTURE_TEST(treats_s3_as_s3_wants_it),
        FIXTURE_TEST(signs_within_a_time_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
