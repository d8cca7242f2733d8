/* SPDX-License-Identifier: Apache-2.0 */
/* The worked examples of the AWS documentation: IAM ("Create a signed AWS API request") and Amazon
 * S3 ("Authenticating Requests: Using the Authorization Header"). */
#include "support/cmocka_tests.h"

#include <stdio.h>
#include <string.h>

#include "fake_token.h"

#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define S3_HOST      "https://examplebucket.s3.amazonaws.com"

typedef struct worked_example {
    const char *method;
    const char *url;
    const char *headers[6]; /* name, value, name, value, ... */
    const char *body;
    const char *hash; /* what X-Amz-Content-Sha256 is to be; NULL: it is not needed */
    const char *canonical_path;
    const char *signature;
} worked_example;

static const worked_example iam_example = {
    .method = "GET",
    .url = "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
    .headers = {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"},
    .body = "",
    .canonical_path = "/",
    .signature = "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"};

static const worked_example s3_examples[] = {
    {.method = "GET",
     .url = S3_HOST "/test.txt",
     .headers = {"Range", "bytes=0-9"},
     .body = "",
     .hash = EMPTY_SHA256,
     .canonical_path = "/test.txt",
     .signature = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
    /* The same object, whether the client encodes the dollar sign or not. */
    {.method = "PUT",
     .url = S3_HOST "/test$file.text",
     .headers = {"Date", "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class",
                 "REDUCED_REDUNDANCY"},
     .body = "Welcome to Amazon S3.",
     .hash = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
     .canonical_path = "/test%24file.text",
     .signature = "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
    {.method = "PUT",
     .url = S3_HOST "/test%24file.text",
     .headers = {"Date", "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class",
                 "REDUCED_REDUNDANCY"},
     .body = "Welcome to Amazon S3.",
     .hash = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
     .canonical_path = "/test%24file.text",
     .signature = "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
    {.method = "GET",
     .url = S3_HOST "/?lifecycle",
     .body = "",
     .hash = EMPTY_SHA256,
     .canonical_path = "/",
     .signature = "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
    {.method = "GET",
     .url = S3_HOST "/?max-keys=2&prefix=J",
     .body = "",
     .hash = EMPTY_SHA256,
     .canonical_path = "/",
     .signature = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
};

static void check_signed(const hsmiam_request *request, const worked_example *example)
{
    const char *name = NULL;
    const char *value = NULL;
    size_t index = 0;
    char path[256] = "";

    assert_int_equal(
        sscanf(hsmiam_request_get_canonical_request(request), "%*[^\n]\n%255[^\n]", path), 1);
    assert_string_equal(path, example->canonical_path);

    assert_true(hsmiam_request_get_header(request, index++, &name, &value));
    assert_string_equal(name, "X-Amz-Date");
    if (example->hash != NULL) {
        assert_true(hsmiam_request_get_header(request, index++, &name, &value));
        assert_string_equal(name, "X-Amz-Content-Sha256");
        assert_string_equal(value, example->hash);
    }
    assert_true(hsmiam_request_get_header(request, index++, &name, &value));
    assert_string_equal(name, "Authorization");
    assert_string_equal(value + strlen(value) - strlen(example->signature), example->signature);
    assert_int_equal(hsmiam_request_get_header_count(request), index);
    assert_false(hsmiam_request_get_header(request, index, &name, &value));
}

static void check_example(const worked_example *example, struct hsmiam_token *token,
                          const char *service, time_t when)
{
    hsmiam_request *request = NULL;
    hsmiam_signer *signer = NULL;

    assert_int_equal(hsmiam_signer_new(token, NULL, &signer, NULL), HSMIAM_OK);
    assert_int_equal(hsmiam_request_new(&request, NULL), HSMIAM_OK);
    assert_int_equal(hsmiam_request_set_method(request, example->method, NULL), HSMIAM_OK);
    assert_int_equal(hsmiam_request_set_url(request, example->url, NULL), HSMIAM_OK);
    for (size_t i = 0; i < 6 && example->headers[i] != NULL; i += 2)
        assert_int_equal(
            hsmiam_request_add_header(request, example->headers[i], example->headers[i + 1], NULL),
            HSMIAM_OK);
    assert_int_equal(hsmiam_request_set_body(request, example->body, strlen(example->body), NULL),
                     HSMIAM_OK);
    assert_int_equal(hsmiam_request_set_scope(request, service, "us-east-1", NULL), HSMIAM_OK);
    assert_int_equal(hsmiam_request_set_time(request, when, NULL), HSMIAM_OK);
    assert_int_equal(hsmiam_request_sign(request, signer, NULL), HSMIAM_OK);
    check_signed(request, example);
    hsmiam_request_free(&request);
    hsmiam_signer_free(&signer);
}

static void signs_the_iam_example(void **state)
{
    struct hsmiam_token token = FAKE_TOKEN_EXAMPLE;

    (void)state;
    check_example(&iam_example, &token, "iam", 1440938160); /* 2015-08-30T12:36:00Z */
}

static void signs_the_s3_examples(void **state)
{
    struct hsmiam_token token = {.access_key_id = "AKIAIOSFODNN7EXAMPLE",
                                 .secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};

    (void)state;
    for (size_t i = 0; i < sizeof s3_examples / sizeof s3_examples[0]; i++)
        check_example(&s3_examples[i], &token, "s3", 1369353600); /* 2013-05-24T00:00:00Z */
}

/* "Authenticating Requests: Using Query Parameters". */
static void presigns_the_s3_example(void **state)
{
    static const char expected[] =
        S3_HOST "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
                "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
                "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
                "&X-Amz-Signature="
                "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    struct hsmiam_token token = {.access_key_id = "AKIAIOSFODNN7EXAMPLE",
                                 .secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};
    hsmiam_request *request = NULL;
    hsmiam_signer *signer = NULL;

    (void)state;
    assert_int_equal(hsmiam_signer_new(&token, NULL, &signer, NULL), HSMIAM_OK);
    assert_int_equal(hsmiam_request_new(&request, NULL), HSMIAM_OK);
    assert_int_equal(hsmiam_request_set_url(request, S3_HOST "/test.txt", NULL), HSMIAM_OK);
    assert_int_equal(hsmiam_request_set_scope(request, "s3", "us-east-1", NULL), HSMIAM_OK);
    assert_int_equal(hsmiam_request_set_time(request, 1369353600, NULL), HSMIAM_OK);
    assert_string_equal(hsmiam_request_get_presigned_url(request), "");
    assert_int_equal(hsmiam_request_presign(request, signer, 86400, NULL), HSMIAM_OK);
    assert_string_equal(hsmiam_request_get_presigned_url(request), expected);
    assert_int_equal(hsmiam_request_get_header_count(request), 0);
    /* What is signed otherwise then is presigned no more. */
    assert_int_equal(hsmiam_request_sign(request, signer, NULL), HSMIAM_OK);
    assert_string_equal(hsmiam_request_get_presigned_url(request), "");
    hsmiam_request_free(&request);
    hsmiam_signer_free(&signer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signs_the_iam_example),
        cmocka_unit_test(signs_the_s3_examples),
        cmocka_unit_test(presigns_the_s3_example),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
