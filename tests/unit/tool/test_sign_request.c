/* SPDX-License-Identifier: Apache-2.0 */
/* sign-request and get-caller-identity, over a fake of the library. */
#include "check.h"
#include "run_tool.h"

#include <stdlib.h>
#include <unistd.h>

#define CREDENTIAL "--credential", "pkcs11:token=t;object=root?pin-value=sEcReT"
#define S3         "sign-request", CREDENTIAL, "--region", "us-east-1", "--service", "s3"
#define URL        "--url", "https://b.s3.amazonaws.com/k"

static run_result result;

static int prepare(void **state)
{
    (void)state;
    fake = (fake_state){0};
    setenv("AWS_CONFIG_FILE", "/nonexistent/config", 1);
    unsetenv("AWS_REGION");
    unsetenv("AWS_DEFAULT_REGION");
    unsetenv("HSMIAM_CREDENTIAL");
    return 0;
}

static int check(void **state)
{
    (void)state;
    assert_int_equal(result.fake.live, 0);
    assert_lacks(result.err, "sEcReT");
    return 0;
}

static void prints_a_file_for_curl(void **state)
{
    (void)state;
    RUN(&result, S3, URL, "--header", "X-A:  b \"c\"", "--header", "X-E:", "--header", "x-a: d");
    assert_int_equal(result.code, 0);
    assert_string_equal(result.out, "url = \"https://b.s3.amazonaws.com/k\"\npath-as-is\ngloboff\n"
                                    "request = \"GET\"\nheader = \"X-A: b \\\"c\\\",d\"\n"
                                    "header = \"X-E;\"\n"
                                    "header = \"Authorization: AWS4-HMAC-SHA256 \\\"fake\\\"\"\n");
    assert_string_equal(result.fake.scope, "s3/us-east-1");
    assert_string_equal(result.fake.headers, "[X-A|b \"c\"][X-E|][x-a|d]");
    /* Blanks around a value are not signed. */
    RUN(&result, S3, URL, "--header", "X-A: b \t", "--header", "X-A:", "--header", "X-A: c ");
    assert_contains(result.out, "header = \"X-A: b,,c\"\n");
    /* No line end gets to the server, where it could begin another header. */
    RUN(&result, S3, URL, "--header", "X-A: b\r\n \n\tc", "--header", "X-E: \n ");
    assert_string_equal(result.fake.headers, "[X-A|b\r\n \n\tc][X-E|\n ]");
    assert_contains(result.out, "header = \"X-A: b \\tc\"\nheader = \"X-E;\"\n");
    RUN(&result, S3, URL, "--method", "HEAD");
    assert_contains(result.out, "\nhead\n");
    assert_lacks(result.out, "request =");
    /* In lower case no service knows it, and curl would wait for the body of an answer to `head`.
     */
    RUN(&result, S3, URL, "--method", "head");
    assert_string_equal(result.fake.method, "HEAD");
    assert_contains(result.out, "\nhead\n");
    assert_lacks(result.out, "request =");
    RUN(&result, S3, URL, "--method", "purge");
    assert_string_equal(result.fake.method, "purge");
}

static void prints_the_body(void **state)
{
    /* To what ends so curl adds the name of a file that it uploads. */
    static const char *const urls[] = {"https://h/a/?b", "https://h",     "https://h?b",
                                       "https://h/a/..", "https://h/%2E", "https://h/.%2e?b"};
    char path[] = "/tmp/hsmiam-body-XXXXXX";
    int file = mkstemp(path);

    (void)state;
    assert_int_equal(write(file, "body", 4), 4);
    close(file);
    RUN(&result, S3, URL, "--data", "a=\\\n&b=pin-value=1");
    assert_string_equal(result.fake.method, "POST");
    assert_string_equal(result.fake.body, "a=\\\n&b=pin-value=1");
    assert_contains(result.out, "data-raw = \"a=\\\\\\n&b=pin-value=1\"\n");
    RUN(&result, S3, URL, "--data-file", path);
    assert_string_equal(result.fake.body, "body");
    assert_contains(result.out, "data-binary = \"@/tmp/hsmiam-body-");
    RUN(&result, S3, URL, "--data-file", path, "--method", "PUT");
    assert_contains(result.out, "upload-file = \"/tmp/hsmiam-body-");
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        RUN(&result, S3, "--url", urls[i], "--data-file", path, "--method", "PUT");
        assert_contains(result.out, "data-binary = \"@/tmp/hsmiam-body-");
    }
    RUN(&result, S3, "--url", "https://h/a/...?b", "--data-file", path, "--method", "PUT");
    assert_contains(result.out, "upload-file = \"/tmp/hsmiam-body-");
    RUN_WITH(&result, "streamed", S3, URL, "--data-file", "-");
    assert_string_equal(result.fake.body, "streamed");
    assert_contains(result.out, "\n# The body came from standard input");
    RUN(&result, S3, URL, "--data", "x", "--unsigned-payload");
    assert_string_equal(result.fake.body, "UNSIGNED-PAYLOAD");
    assert_int_equal(result.fake.canonical_flags, HSMIAM_CANONICAL_SIGN_BODY);
    assert_contains(result.out, "data-raw = \"x\"\n");
    unlink(path);
}

static void encodes_what_no_url_may_hold(void **state)
{
    (void)state;
    RUN(&result, S3, "--url", "https://h/a b%20\xc3\xa9?q=<>");
    assert_string_equal(result.fake.url, "https://h/a%20b%20%C3%A9?q=%3C%3E");
    assert_contains(result.out, "url = \"https://h/a%20b%20%C3%A9?q=%3C%3E\"\n");
}

static void presigns(void **state)
{
    (void)state;
    RUN(&result, S3, URL, "--presign");
    assert_string_equal(result.out, "https://presigned/\n");
    assert_int_equal(result.fake.expires, 3600);
    RUN(&result, S3, URL, "--presign", "--expires-in", "60", "--output", "json");
    assert_string_equal(result.out,
                        "{\n    \"Method\": \"GET\",\n"
                        "    \"Url\": \"https://presigned/\",\n    \"Headers\": {}\n}\n");
    assert_int_equal(result.fake.expires, 60);
    RUN(&result, S3, URL, "--presign", "--expires-in", "604801");
    assert_int_equal(result.code, 252);
    RUN(&result, S3, URL, "--expires-in", "60");
    assert_int_equal(result.code, 252);
    assert_contains(result.err, "give --presign too");
}

static void prints_the_parts(void **state)
{
    (void)state;
    RUN(&result, S3, URL, "--header", "X-A: b", "--output", "json");
    assert_string_equal(result.out, "{\n    \"Method\": \"GET\",\n"
                                    "    \"Url\": \"https://b.s3.amazonaws.com/k\",\n"
                                    "    \"Headers\": {\n        \"X-A\": \"b\",\n"
                                    "        \"Authorization\": \"AWS4-HMAC-SHA256 \\\"fake\\\"\"\n"
                                    "    }\n}\n");
}

static void refuses(void **state)
{
    (void)state;
    RUN(&result, "sign-request", CREDENTIAL, "--region", "r", "--service", "s3");
    assert_int_equal(result.code, 252);
    assert_contains(result.err, "the following arguments are required: --url");
    RUN(&result, "sign-request", CREDENTIAL, "--service", "s3", URL);
    assert_int_equal(result.code, 253);
    assert_contains(result.err, "You must specify a region");
    RUN(&result, S3, URL, "--header", "X-A");
    assert_int_equal(result.code, 252);
    RUN(&result, S3, URL, "--data", "a", "--data-file", "b");
    assert_int_equal(result.code, 252);
    RUN(&result, S3, URL, "--data-file", "/nonexistent/body");
    assert_int_equal(result.code, 255);
    assert_contains(result.err, "cannot be read from /nonexistent/body: No such file");
    RUN(&result, S3, URL, "--data-file", "/");
    assert_int_equal(result.code, 255);
    assert_contains(result.err, "Is a directory");
    assert_string_equal(result.out, "");
    RUN_TO(&result, "/dev/full", S3, URL);
    assert_int_equal(result.code, 255);
    fake = (fake_state){.fail_at = FAKE_SIGN, .status = HSMIAM_ERR_PIN, .message = "No PIN."};
    RUN(&result, S3, URL);
    assert_int_equal(result.code, 253);
    assert_string_equal(result.out, "");
}

static void tells_who_signs(void **state)
{
    (void)state;
    RUN(&result, "get-caller-identity", CREDENTIAL);
    assert_int_equal(result.code, 0);
    assert_string_equal(result.out, "{\n    \"UserId\": \"AIDA\",\n"
                                    "    \"Account\": \"123456789012\",\n"
                                    "    \"Arn\": \"arn:aws:iam::123456789012:user/Bob\"\n}\n");
    fake = (fake_state){.fail_at = FAKE_IDENTITY, .status = HSMIAM_ERR_NETWORK, .message = "No."};
    RUN(&result, "get-caller-identity", CREDENTIAL);
    assert_int_equal(result.code, 255);
    RUN(&result, "get-caller-identity");
    assert_int_equal(result.code, 253);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(prints_a_file_for_curl, prepare, check),
        cmocka_unit_test_setup_teardown(prints_the_body, prepare, check),
        cmocka_unit_test_setup_teardown(encodes_what_no_url_may_hold, prepare, check),
        cmocka_unit_test_setup_teardown(presigns, prepare, check),
        cmocka_unit_test_setup_teardown(prints_the_parts, prepare, check),
        cmocka_unit_test_setup_teardown(refuses, prepare, check),
        cmocka_unit_test_setup_teardown(tells_who_signs, prepare, check),
    };

    return cmocka_run_group_tests_name("sign request", tests, NULL, NULL);
}
