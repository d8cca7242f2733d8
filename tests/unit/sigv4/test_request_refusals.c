/* SPDX-License-Identifier: Apache-2.0 */
/* hsmiam_request_*, as hsmiam.h promises it: what is refused. */
#include "support/cmocka_tests.h"

#include <stdlib.h>
#include <string.h>

#include "request_fixture.h"

static void assert_refused(const fixture *f, hsmiam_status status, const char *why)
{
    assert_int_equal(status, HSMIAM_ERR_ARGUMENT);
    assert_int_equal(hsmiam_error_get_status(f->error), HSMIAM_ERR_ARGUMENT);
    assert_non_null(strstr(hsmiam_error_get_message(f->error), why));
}

static void needs_url_and_scope_and_signer(void **state)
{
    fixture *f = *state;

    assert_refused(f, hsmiam_request_sign(f->request, f->signer, f->error), "URL");
    assert_int_equal(hsmiam_request_set_url(f->request, "https://h/", NULL), HSMIAM_OK);
    assert_refused(f, hsmiam_request_sign(f->request, f->signer, f->error), "service and region");
    assert_refused(f, hsmiam_request_sign(f->request, NULL, f->error), "signer");
    assert_refused(f, hsmiam_request_sign(NULL, f->signer, f->error), "request");
    assert_int_equal(f->token.opened, 0);
}

static void refuses_methods(void **state)
{
    static const char *const methods[] = {
        "",        " ",          "GET ", "GE T",
        "GET\r\n", "G\xc3\x89T", "G/T",  "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG"};
    fixture *f = *state;

    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        assert_refused(f, hsmiam_request_set_method(f->request, methods[i], f->error), "method");
    assert_int_equal(
        hsmiam_request_set_method(f->request, "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF", f->error),
        HSMIAM_OK);
    assert_int_equal(hsmiam_request_set_method(f->request, "M-SEARCH", f->error), HSMIAM_OK);
    fixture_fill(f);
    fixture_sign(f);
    fixture_assert_canonical_has(f, "M-SEARCH\n/\n");
}

static void refuses_urls_and_keeps_the_old_one(void **state)
{
    static const struct {
        const char *url;
        const char *why;
    } cases[] = {{"ftp://h/", "https://"},
                 {"https://u:p@h/", "user information"},
                 {"https://h/#x", "fragment"},
                 {"https://h:x/", "port"}};
    fixture *f = *state;

    fixture_fill(f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_refused(f, hsmiam_request_set_url(f->request, cases[i].url, f->error), cases[i].why);
    fixture_sign(f);
    fixture_assert_canonical_has(f, "\nhost:iam.amazonaws.com\n");
}

static void refuses_headers(void **state)
{
    static const struct {
        const char *name;
        const char *value;
        const char *why;
    } cases[] = {
        {"", "x", "name"},
        {"My Header", "x", "name"},
        {"My-Header:", "x", "name"},
        {"My\r\nHeader", "x", "name"},
        {"H\xc3\xa9", "x", "name"},
        {"X-A", "x\r\nX-Evil: y", "control character"},
        {"X-A", "x\001", "control character"},
        {"Authorization", "x", "authorization"},
        {"AUTHORIZATION", "x", "authorization"},
        {"Host", "", "host"},
        {"Host", "a b", "host"},
        {"X-Amz-Date", "2015-08-30T12:36:00Z", "x-amz-date"},
        {"X-Amz-Date", "20150230T123600Z", "x-amz-date"},
        {"X-Amz-Content-Sha256", "abc", "x-amz-content-sha256"},
    };
    fixture *f = *state;
    char long_name[258];

    fixture_fill(f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_refused(
            f, hsmiam_request_add_header(f->request, cases[i].name, cases[i].value, f->error),
            cases[i].why);
        assert_null(strstr(hsmiam_error_get_message(f->error), "Evil"));
    }
    memset(long_name, 'a', sizeof long_name);
    long_name[257] = '\0';
    assert_refused(f, hsmiam_request_add_header(f->request, long_name, "x", f->error), "longer");
    fixture_sign(f);
    fixture_assert_canonical_has(f, "\n\nhost:iam.amazonaws.com\nx-amz-date:20150830T123600Z\n\n");
}

static void refuses_a_second_header_of_its_own(void **state)
{
    fixture *f = *state;

    fixture_add(f, "Host", "h");
    fixture_add(f, "X-Amz-Date", "20150830T123600Z");
    fixture_add(f, "X-Amz-Content-Sha256", EMPTY_SHA256);
    assert_refused(f, hsmiam_request_add_header(f->request, "hOST", "i", f->error), "only once");
    assert_refused(
        f, hsmiam_request_add_header(f->request, "x-amz-date", "20150830T123601Z", f->error),
        "only once");
    assert_refused(
        f,
        hsmiam_request_add_header(f->request, "x-amz-content-sha256", "UNSIGNED-PAYLOAD", f->error),
        "only once");
    fixture_fill(f);
    fixture_sign(f);
    fixture_assert_canonical_has(f, "\nhost:h\n");
    fixture_assert_canonical_has(f, "\nx-amz-date:20150830T123600Z\n\n");
}

static void bounds_the_headers(void **state)
{
    const size_t size = (size_t)600 * 1024;
    fixture *f = *state;
    char *value = malloc(size + 1);

    assert_non_null(value);
    memset(value, 'v', size);
    value[size] = '\0';
    fixture_fill(f);
    fixture_add(f, "X-A", value);
    assert_refused(f, hsmiam_request_add_header(f->request, "X-B", value, f->error), "longer");
    fixture_sign(f);
    free(value);
}

static void refuses_hashes_scopes_and_times(void **state)
{
    static const char *const hashes[] = {
        "",
        "abc",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8550",
        "STREAMING-",
        "STREAMING-x",
        "UNSIGNED-PAYLOAD\n",
        "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"};
    static const char *const parts[] = {
        "",
        "IAM",
        "us east",
        "iam/x",
        "iam\n",
        "\xc3\xa9",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    fixture *f = *state;

    for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++)
        assert_refused(f, hsmiam_request_set_body_sha256(f->request, hashes[i], f->error), "hash");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        assert_refused(f, hsmiam_request_set_scope(f->request, parts[i], "us-east-1", f->error),
                       "service");
        assert_refused(f, hsmiam_request_set_scope(f->request, "iam", parts[i], f->error),
                       "region");
    }
    assert_refused(f, hsmiam_request_set_time(f->request, -1, f->error), "1970");
    assert_refused(f, hsmiam_request_set_time(f->request, 253402300800, f->error), "9999");
    assert_int_equal(hsmiam_request_set_time(f->request, 253402300799, f->error), HSMIAM_OK);
    assert_int_equal(hsmiam_request_set_time(f->request, 0, f->error), HSMIAM_OK);
}

static void refuses_to_presign(void **state)
{
    fixture *f = *state;
    hsmiam_request *r = f->request;

    assert_refused(f, hsmiam_request_presign(r, f->signer, 1, f->error), "no URL");
    fixture_fill(f);
    assert_refused(f, hsmiam_request_presign(r, f->signer, 0, f->error), "1 to 604800");
    assert_refused(f, hsmiam_request_presign(r, f->signer, 604801, f->error), "not 604801");
    assert_int_equal(hsmiam_request_presign(r, f->signer, 604800, NULL), HSMIAM_OK);
    assert_int_equal(hsmiam_request_set_url(r, "https://h/?x-amz-signatures=1&a&X-Amz-Dat=2", NULL),
                     HSMIAM_OK);
    assert_int_equal(hsmiam_request_presign(r, f->signer, 1, NULL), HSMIAM_OK);
    assert_int_equal(hsmiam_request_set_url(r, "https://h/?a=b&x-amz-date=1", NULL), HSMIAM_OK);
    assert_refused(f, hsmiam_request_presign(r, f->signer, 1, f->error), "X-Amz-Date in its query");
    assert_string_equal(hsmiam_request_get_presigned_url(r), "");
    fixture_fill(f);
    fixture_add(f, "x-amz-date", "20150830T123600Z");
    assert_refused(f, hsmiam_request_presign(r, f->signer, 1, f->error), "leave the header");
}

static void refuses_null_pointers(void **state)
{
    fixture *f = *state;
    hsmiam_request *r = f->request;
    hsmiam_error *e = f->error;

    assert_refused(f, hsmiam_request_new(NULL, e), "null");
    assert_refused(f, hsmiam_request_set_method(NULL, "GET", e), "request");
    assert_refused(f, hsmiam_request_set_method(r, NULL, e), "method");
    assert_refused(f, hsmiam_request_set_url(NULL, "https://h/", e), "request");
    assert_refused(f, hsmiam_request_set_url(r, NULL, e), "URL");
    assert_refused(f, hsmiam_request_add_header(NULL, "a", "b", e), "request");
    assert_refused(f, hsmiam_request_add_header(r, NULL, "b", e), "header name");
    assert_refused(f, hsmiam_request_add_header(r, "a", NULL, e), "header value");
    assert_refused(f, hsmiam_request_set_body(NULL, "", 0, e), "request");
    assert_refused(f, hsmiam_request_set_body(r, NULL, 1, e), "body");
    assert_refused(f, hsmiam_request_set_body_sha256(NULL, EMPTY_SHA256, e), "request");
    assert_refused(f, hsmiam_request_set_body_sha256(r, NULL, e), "hash");
    assert_refused(f, hsmiam_request_set_scope(NULL, "a", "b", e), "request");
    assert_refused(f, hsmiam_request_set_scope(r, NULL, "b", e), "service");
    assert_refused(f, hsmiam_request_set_scope(r, "a", NULL, e), "region");
    assert_refused(f, hsmiam_request_set_time(NULL, 0, e), "request");

    assert_refused(f, hsmiam_request_add_body(NULL, "", 0, e), "request");
    assert_refused(f, hsmiam_request_add_body(r, NULL, 1, e), "body");
    assert_refused(f, hsmiam_request_presign(NULL, f->signer, 1, e), "request");

    hsmiam_request_set_canonical_flags(NULL, 0);
    hsmiam_request_free(NULL);
    assert_int_equal(hsmiam_request_get_header_count(NULL), 0);
    assert_string_equal(hsmiam_request_get_canonical_request(NULL), "");
    assert_string_equal(hsmiam_request_get_string_to_sign(NULL), "");
    assert_string_equal(hsmiam_signer_get_access_key_id(NULL), "");
    /* The error record may be left out. */
    assert_int_equal(hsmiam_request_set_url(r, "ftp://h/", NULL), HSMIAM_ERR_ARGUMENT);
    assert_int_equal(hsmiam_request_sign(r, f->signer, NULL), HSMIAM_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(needs_url_and_scope_and_signer),
        FIXTURE_TEST(refuses_methods),
        FIXTURE_TEST(refuses_urls_and_keeps_the_old_one),
        FIXTURE_TEST(refuses_headers),
        FIXTURE_TEST(refuses_a_second_header_of_its_own),
        FIXTURE_TEST(bounds_the_headers),
        FIXTURE_TEST(refuses_hashes_scopes_and_times),
        FIXTURE_TEST(refuses_null_pointers),
        FIXTURE_TEST(refuses_to_presign),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
