/* SPDX-License-Identifier: Apache-2.0 */
/* AWS's signing test suite, each folder of it a test: tests/vectors/aws-sigv4. */
#include "support/cmocka_tests.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_token.h"
#include "vector.h"

#define SUITE HSMIAM_TEST_VECTORS "/aws-sigv4"

/* As many as there are; more are welcome, fewer mean that some are not found. */
#define FOLDERS_MIN 40

static void add_header(hsmiam_request *request, const char *name, const char *value)
{
    assert_int_equal(hsmiam_request_add_header(request, name, value, NULL), HSMIAM_OK);
}

static hsmiam_request *make_request(const test_vector *vector)
{
    char url[8192];
    hsmiam_request *request = NULL;
    unsigned flags = (vector->normalize ? 0 : HSMIAM_CANONICAL_KEEP_PATH) |
                     (vector->sign_body ? HSMIAM_CANONICAL_SIGN_BODY : 0);

    int size = snprintf(url, sizeof url, "https://%s%s", vector_find_header(vector, "Host"),
                        vector->target);
    assert_true(size > 0 && (size_t)size < sizeof url);
    assert_int_equal(hsmiam_request_new(&request, NULL), HSMIAM_OK);
    assert_int_equal(hsmiam_request_set_method(request, vector->method, NULL), HSMIAM_OK);
    assert_int_equal(hsmiam_request_set_url(request, url, NULL), HSMIAM_OK);
    for (size_t i = 0; i < vector->header_count; i++)
        add_header(request, vector->headers[i].name, vector->headers[i].value);
    if (vector->session_token != NULL)
        add_header(request, "X-Amz-Security-Token", vector->session_token);
    assert_int_equal(hsmiam_request_set_body(request, vector->body, strlen(vector->body), NULL),
                     HSMIAM_OK);
    assert_int_equal(hsmiam_request_set_scope(request, vector->service, vector->region, NULL),
                     HSMIAM_OK);
    assert_int_equal(hsmiam_request_set_time(request, vector->timestamp, NULL), HSMIAM_OK);
    hsmiam_request_set_canonical_flags(request, flags);
    return request;
}

static void check_authorization(const hsmiam_request *request, const test_vector *vector)
{
    const char *name = NULL;
    const char *value = NULL;

    assert_true(hsmiam_request_get_header(request, hsmiam_request_get_header_count(request) - 1,
                                          &name, &value));
    assert_string_equal(name, "Authorization");
    const char *signature = strstr(value, ", Signature=");
    assert_non_null(signature);
    assert_string_equal(signature + strlen(", Signature="), vector->signature);
    const char *credential = strstr(value, vector->access_key_id);
    assert_ptr_equal(credential, value + strlen("AWS4-HMAC-SHA256 Credential="));
}

static void signs_as_the_suite_does(void **state)
{
    const char *folder = *state;
    test_vector vector;
    hsmiam_signer *signer = NULL;

    assert_true(vector_read(&vector, folder));
    struct hsmiam_token token = {.access_key_id = vector.access_key_id, .secret = vector.secret};
    assert_int_equal(hsmiam_signer_new(&token, NULL, &signer, NULL), HSMIAM_OK);
    hsmiam_request *request = make_request(&vector);
    assert_int_equal(hsmiam_request_sign(request, signer, NULL), HSMIAM_OK);
    assert_string_equal(hsmiam_request_get_canonical_request(request), vector.canonical_request);
    if (vector.string_to_sign != NULL)
        assert_string_equal(hsmiam_request_get_string_to_sign(request), vector.string_to_sign);
    check_authorization(request, &vector);
    hsmiam_request_free(&request);
    hsmiam_signer_free(&signer);
    vector_clear(&vector);
}

/* Every folder: none is left out for having no file that the test needs. */
static int is_folder(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && strcmp(entry->d_name, "NOTICE") != 0;
}

static void has_all_folders(void **state)
{
    const int *count = *state;

    assert_true(*count >= FOLDERS_MIN);
}

int main(void)
{
    struct dirent **folders = NULL;
    int count = scandir(SUITE, &folders, is_folder, alphasort);

    if (count < 0) {
        perror(SUITE);
        return 1;
    }
    size_t tests_count = (size_t)count + 1;
    struct CMUnitTest *tests = calloc(tests_count, sizeof tests[0]);
    char(*paths)[4096] = calloc(tests_count, sizeof paths[0]);
    int failed = -1;
    if (tests == NULL || paths == NULL)
        goto out;
    for (int i = 0; i < count; i++) {
        (void)snprintf(paths[i], sizeof paths[i], "%s/%s", SUITE, folders[i]->d_name);
        tests[i] = (struct CMUnitTest){.name = folders[i]->d_name,
                                       .test_func = signs_as_the_suite_does,
                                       .initial_state = paths[i]};
    }
    tests[count] = (struct CMUnitTest){
        .name = "has_all_folders", .test_func = has_all_folders, .initial_state = &count};
    failed = _cmocka_run_group_tests("aws-sigv4", tests, tests_count, NULL, NULL);

out:
    for (int i = 0; i < count; i++)
        free(folders[i]);
    free(folders);
    free(paths);
    free(tests);
    return failed;
}
