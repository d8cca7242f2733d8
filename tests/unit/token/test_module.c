/* SPDX-License-Identifier: Apache-2.0 */
/* Loading a module by its path, through p11-kit. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define QUERY "&pin-value=" MOCK_PIN

/* Names a token whose module p11-kit is to load. */
static void name_with_module(fixture *fix, const char *query)
{
    char uri[1000];

    (void)snprintf(uri, sizeof uri, "pkcs11:token=mock%%20token?%s" QUERY, query);
    hsmiam_token_free(&fix->token);
    assert_int_equal(hsmiam_token_new(uri, &fix->token, fix->error), HSMIAM_OK);
}

static void test_file(void **state)
{
    fixture *fix = *state;

    for (int i = 0; i < 2; i++) {
        name_with_module(fix, "module-path=" MOCK_MODULE_FOLDER "/libhsmiam-mock.so");
        fixture_expect_open(fix, HSMIAM_OK);
        assert_string_equal(hsmiam_token_get_serial(fix->token), "4711");
    }
    /* It is another copy of the mock than the one in this program. */
    assert_int_equal(mock.calls[MOCK_C_OpenSession], 0);
}

static void test_folder_and_name(void **state)
{
    fixture *fix = *state;

    name_with_module(fix, "module-name=hsmiam-mock&module-path=" MOCK_MODULE_FOLDER);
    fixture_expect_open(fix, HSMIAM_OK);
    name_with_module(fix, "module-name=libhsmiam-mock&module-path=" MOCK_MODULE_FOLDER);
    fixture_expect_open(fix, HSMIAM_OK);
    name_with_module(fix, "module-name=libhsmiam-mock.so&module-path=" MOCK_MODULE_FOLDER);
    fixture_expect_open(fix, HSMIAM_OK);
}

/* Logging in and out concerns a whole program: what the second found done it leaves as it is. */
static void test_two_tokens_share_a_module(void **state)
{
    fixture *fix = *state;
    hsmiam_token *other = NULL;

    name_with_module(fix, "module-path=" MOCK_MODULE_FOLDER "/libhsmiam-mock.so");
    fixture_expect_open(fix, HSMIAM_OK);
    assert_int_equal(hsmiam_token_new("pkcs11:?module-path=" MOCK_MODULE_FOLDER
                                      "/libhsmiam-mock.so" QUERY,
                                      &other, fix->error),
                     HSMIAM_OK);
    assert_int_equal(hsmiam_token_open(other, fix->error), HSMIAM_OK);
    assert_string_equal(hsmiam_token_get_serial(other), "4711");
    hsmiam_token_free(&other);
    assert_int_equal(hsmiam_token_provision(fix->token, NULL, NULL, fix->error), HSMIAM_OK);
}

/* The words reach the module, which p11-kit cannot give to one that is named by its path. */
static void test_words(void **state)
{
    fixture *fix = *state;
    hsmiam_token *other = NULL;

    name_with_module(fix, "module-path=" MOCK_MODULE_FOLDER "/libhsmiam-mock.so"
                          "&x-init-reserved=configdir=%27/a%20b%27");
    fixture_expect_open(fix, HSMIAM_OK);
    assert_int_equal(hsmiam_token_new("pkcs11:?module-path=" MOCK_MODULE_FOLDER
                                      "/libhsmiam-mock.so&x-init-reserved=other" QUERY,
                                      &other, fix->error),
                     HSMIAM_OK);
    assert_int_equal(hsmiam_token_open(other, fix->error), HSMIAM_ERR_CONFIG);
    fixture_expect_message(fix, "with another x-init-reserved already");
    hsmiam_token_free(&other);
    assert_int_equal(hsmiam_token_provision(fix->token, NULL, NULL, fix->error), HSMIAM_OK);

    name_with_module(fix, "module-path=" MOCK_MODULE_FOLDER "/libhsmiam-mock.so"
                          "&x-init-reserved=refuse");
    fixture_expect_open(fix, HSMIAM_ERR_CONFIG);
    fixture_expect_message(fix, "C_Initialize with the URI's x-init-reserved failed: ");
    fixture_expect_message(fix, "(CKR_ARGUMENTS_BAD)");

    name_with_module(fix, "x-init-reserved=configdir");
    fixture_expect_open(fix, HSMIAM_ERR_CONFIG);
    fixture_expect_message(fix, "has x-init-reserved without module-path");
}

/* Initialised for the first of its users and finalised after the last, if it was by us. */
static void test_instances(void **state)
{
    CK_FUNCTION_LIST *functions = mock_get_modules()[0];

    (void)state;
    assert_int_equal(hsmiam_instance_acquire(functions, "a b"), CKR_OK);
    assert_string_equal(mock.words, "a b");
    assert_int_equal(hsmiam_instance_acquire(functions, "a b"), CKR_OK);
    assert_int_equal(hsmiam_instance_acquire(functions, "c"), CKR_CRYPTOKI_ALREADY_INITIALIZED);
    assert_int_equal(mock.calls[MOCK_C_Initialize], 1);
    hsmiam_instance_release(functions);
    assert_int_equal(mock.calls[MOCK_C_Finalize], 0);
    hsmiam_instance_release(functions);
    assert_int_equal(mock.calls[MOCK_C_Finalize], 1);
    hsmiam_instance_release(functions);
    assert_int_equal(mock.calls[MOCK_C_Finalize], 1);

    assert_int_equal(hsmiam_instance_acquire(functions, "refuse"), CKR_ARGUMENTS_BAD);
    assert_int_equal(hsmiam_instance_acquire(functions, "taken"), CKR_OK);
    hsmiam_instance_release(functions);
    assert_int_equal(mock.calls[MOCK_C_Finalize], 0);
}

/* A child initialises what its parent had, and leaves the parent's list alone. */
static void test_instances_after_fork(void **state)
{
    CK_FUNCTION_LIST *functions = mock_get_modules()[0];
    int result = -1;

    (void)state;
    assert_int_equal(hsmiam_instance_acquire(functions, "a b"), CKR_OK);
    pid_t child = fork();
    if (child == 0) {
        hsmiam_instance_release(functions);
        bool right = mock.calls[MOCK_C_Finalize] == 0 &&
                     hsmiam_instance_acquire(functions, "c") == CKR_OK &&
                     strcmp(mock.words, "c") == 0;
        hsmiam_instance_release(functions);
        _exit(right && mock.calls[MOCK_C_Finalize] == 1 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    hsmiam_instance_release(functions);
    assert_int_equal(mock.calls[MOCK_C_Finalize], 1);
}

static void test_modules_that_cannot_be_used(void **state)
{
    static const struct {
        const char *query;
        const char *message;
    } cases[] = {
        {"module-path=/nonexistent/module.so", "\"/nonexistent/module.so\""},
        {"module-path=" MOCK_MODULE_FOLDER, "is a folder; give module-path the module's file"},
        {"module-name=none&module-path=" MOCK_MODULE_FOLDER, "without the module \"none\""},
        {"module-name=../token/libhsmiam-mock.so&module-path=" MOCK_MODULE_FOLDER,
         "is a folder without"},
        {"module-path=/dev/null", "\"/dev/null\" cannot be loaded"},
        {"module-path=", "module-path is empty"},
        {"module-name=none&module-path=", "module-path is empty"},
    };
    fixture *fix = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        name_with_module(fix, cases[i].query);
        fixture_expect_open(fix, HSMIAM_ERR_CONFIG);
        fixture_expect_message(fix, cases[i].message);
        fixture_expect_open(fix, HSMIAM_ERR_CONFIG);
    }
}

/* A shared library that is no PKCS#11 module. */
static void test_other_library(void **state)
{
    fixture *fix = *state;

    name_with_module(fix, "module-path=libcmocka.so.0");
    fixture_expect_open(fix, HSMIAM_ERR_CONFIG);
    fixture_expect_message(fix, "libcmocka.so.0");
}

static void test_token_is_not_there(void **state)
{
    fixture *fix = *state;

    hsmiam_token_free(&fix->token);
    assert_int_equal(hsmiam_token_new("pkcs11:token=none?module-path=" MOCK_MODULE_FOLDER
                                      "/libhsmiam-mock.so",
                                      &fix->token, fix->error),
                     HSMIAM_OK);
    fixture_expect_open(fix, HSMIAM_ERR_NOT_FOUND);
    fixture_expect_message(fix, "token=none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_file),
        fixture_test(test_folder_and_name),
        fixture_test(test_two_tokens_share_a_module),
        fixture_test(test_words),
        fixture_test(test_instances),
        fixture_test(test_instances_after_fork),
        fixture_test(test_modules_that_cannot_be_used),
        fixture_test(test_other_library),
        fixture_test(test_token_is_not_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
