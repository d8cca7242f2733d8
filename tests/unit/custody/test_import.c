/* SPDX-License-Identifier: Apache-2.0 */
/* Taking in an access key that exists. */
#include "fixture.h"

#include <string.h>

static hsmiam_status import_all(fixture *fix, const char *id, const char *user_name,
                                const char *secret, size_t size)
{
    hsmiam_error_clear(fix->error);
    hsmiam_access_key_free(&fix->key);
    hsmiam_status status =
        hsmiam_access_key_import(fix->custody, id, user_name, secret, size, &fix->key, fix->error);

    assert_int_equal(hsmiam_error_get_status(fix->error), status);
    assert_int_equal(fix->key != NULL, status == HSMIAM_OK);
    return status;
}

static hsmiam_status import_key(fixture *fix, const char *id, const char *user_name)
{
    return import_all(fix, id, user_name, NEW_SECRET, strlen(NEW_SECRET));
}

static void test_success(void **state)
{
    fixture *fix = *state;

    assert_int_equal(import_key(fix, NEW_ID, "alice"), HSMIAM_OK);
    assert_string_equal(hsmiam_access_key_get_id(fix->key), NEW_ID);
    assert_string_equal(hsmiam_access_key_get_user_name(fix->key), "alice");
    assert_string_equal(hsmiam_access_key_get_status(fix->key), "");
    assert_int_equal(hsmiam_access_key_get_create_date(fix->key), -1);
    assert_string_equal(hsmiam_access_key_get_import_route(fix->key), "rsa-oaep");
    assert_non_null(strstr(hsmiam_access_key_get_uri(fix->key), ";object=alice;type=secret-key"));
    assert_true(fixture_token_has(NEW_ID));
    assert_int_equal(fix->client.lists + fix->client.creates, 0);
    assert_int_equal(mock_count_objects(), 4);
}

static void test_without_user_name(void **state)
{
    fixture *fix = *state;

    assert_int_equal(import_key(fix, NEW_ID, NULL), HSMIAM_OK);
    assert_string_equal(hsmiam_access_key_get_user_name(fix->key), "");
    assert_memory_equal(mock_get_attribute(mock_find(CKO_SECRET_KEY, NEW_ID), CKA_LABEL)->pValue,
                        NEW_ID, strlen(NEW_ID));
}

static void test_without_outputs(void **state)
{
    fixture *fix = *state;

    assert_int_equal(hsmiam_access_key_import(fix->custody, NEW_ID, "alice", NEW_SECRET,
                                              strlen(NEW_SECRET), NULL, NULL),
                     HSMIAM_OK);
    assert_true(fixture_token_has(NEW_ID));
    assert_int_equal(hsmiam_access_key_import(fix->custody, NEW_ID, "alice", NEW_SECRET,
                                              strlen(NEW_SECRET), NULL, NULL),
                     HSMIAM_ERR_EXISTS);
}

static void test_exists(void **state)
{
    fixture *fix = *state;
    CK_OBJECT_HANDLE held = mock_add_access_key(NEW_ID, "bob", "some/other/secret");

    assert_int_equal(import_key(fix, NEW_ID, "alice"), HSMIAM_ERR_EXISTS);
    fixture_expect_message(fix, "already holds a key with the id " NEW_ID);
    assert_int_equal(mock_find(CKO_SECRET_KEY, NEW_ID), held);
    assert_memory_equal(mock_get_attribute(held, CKA_LABEL)->pValue, "bob", 3);
    assert_int_equal(mock_count_objects(), 4);
}

static void expect_refused(fixture *fix, const char *message)
{
    fixture_expect_message(fix, message);
    fixture_expect_no_message(fix, "hush");
    fixture_expect_no_message(fix, "HUSH");
    assert_int_equal(mock.calls[MOCK_C_OpenSession], 0);
}

static void test_ids_that_are_none(void **state)
{
    static const struct {
        const char *id;
        const char *message;
    } cases[] = {
        {NULL, "0 characters"},
        {"", "0 characters"},
        {"AKIAHUSHHUSHHUS", "15 characters"},
        {"AKIAHUSHHUSHHUS+HUSH", "20 characters"},
        {"HUSH HUSH HUSH HUSH", "19 characters"},
        {NEW_SECRET, "40 characters"}, /* given in the wrong place */
        {"AKIAHUSHHUSHHUS\xc3\xa9", "17 characters"},
        {"AKIAHUSHHUSHHUSH\n", "17 characters"},
    };
    fixture *fix = *state;
    char longer[130];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(import_key(fix, cases[i].id, "alice"), HSMIAM_ERR_ARGUMENT);
        expect_refused(fix, cases[i].message);
    }
    memset(longer, 'H', sizeof longer);
    longer[129] = '\0';
    assert_int_equal(import_key(fix, longer, "alice"), HSMIAM_ERR_ARGUMENT);
    expect_refused(fix, "129 characters");
    longer[128] = '\0';
    assert_int_equal(import_key(fix, longer, "alice"), HSMIAM_OK);
    assert_int_equal(import_key(fix, "AKIA567890123456", "alice"), HSMIAM_OK);
}

static void test_secrets_that_are_none(void **state)
{
    static const struct {
        const char *secret;
        size_t size;
        const char *message;
    } cases[] = {
        {NULL, 40, "0 characters"},
        {"", 0, "0 characters"},
        {"hushhushhushhus", 15, "15 characters"},
        {"hushhushhush hushhush", 21, "character 13 of 21"},
        {"hushhushhushhush\n", 17, "character 17 of 17"},
        {"hushhushhush\0hush", 17, "character 13 of 17"},
        {"hushhushhush\x7fhush", 17, "character 13 of 17"},
        {"hushhushhush\xc3\xa9hush", 18, "character 13 of 18"},
    };
    fixture *fix = *state;
    char longer[129];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(import_all(fix, NEW_ID, "alice", cases[i].secret, cases[i].size),
                         HSMIAM_ERR_ARGUMENT);
        expect_refused(fix, cases[i].message);
    }
    memset(longer, '~', sizeof longer);
    assert_int_equal(import_all(fix, NEW_ID, "alice", longer, 129), HSMIAM_ERR_ARGUMENT);
    expect_refused(fix, "129 characters");
    assert_int_equal(import_all(fix, NEW_ID, "alice", longer, 128), HSMIAM_OK);
    assert_int_equal(import_all(fix, OTHER_ID, "alice", "!!!!!!!!!!!!!!!!", 16), HSMIAM_OK);
}

static void test_user_names(void **state)
{
    fixture *fix = *state;
    char name[130];

    assert_int_equal(import_key(fix, NEW_ID, "HUSH HUSH"), HSMIAM_ERR_ARGUMENT);
    expect_refused(fix, "character 5 of 9");

    memset(name, 'n', sizeof name);
    name[129] = '\0';
    assert_int_equal(hsmiam_user_name_check(name, fix->error), HSMIAM_ERR_ARGUMENT);
    fixture_expect_message(fix, "value: 129, valid max length: 128");
    name[128] = '\0';
    assert_int_equal(hsmiam_user_name_check(name, fix->error), HSMIAM_OK);
    assert_int_equal(hsmiam_user_name_check("azAZ09_+=,.@-", fix->error), HSMIAM_OK);
    assert_int_equal(hsmiam_user_name_check("", fix->error), HSMIAM_ERR_ARGUMENT);
    assert_int_equal(hsmiam_user_name_check(NULL, fix->error), HSMIAM_ERR_ARGUMENT);
    fixture_expect_message(fix, "value: 0, valid min length: 1");
    for (const char *bad = " !\"#$%&'()*/:;<>?[\\]^`{|}~\n\x7f\xc3"; *bad != '\0'; bad++) {
        char one[] = {'a', *bad, '\0'};
        assert_int_equal(hsmiam_user_name_check(one, fix->error), HSMIAM_ERR_ARGUMENT);
        fixture_expect_message(fix, "character 2 of 2");
    }
}

static void test_proof_fails(void **state)
{
    fixture *fix = *state;

    assert_int_equal(hsmiam_custody_prepare(fix->custody, fix->error), HSMIAM_OK);
    mock.wrong_hmac = true;
    assert_int_equal(import_key(fix, NEW_ID, "alice"), HSMIAM_ERR_CUSTODY);
    fixture_expect_message(fix, "another HMAC");
    assert_int_equal(mock_count_objects(), 3);

    mock.wrong_hmac = false;
    mock.value_readable = true;
    assert_int_equal(import_key(fix, NEW_ID, "alice"), HSMIAM_ERR_CUSTODY);
    fixture_expect_message(fix, "value be read");
    assert_int_equal(mock_count_objects(), 3);
}

static void test_wrong_pin(void **state)
{
    fixture *fix = *state;

    fixture_name_token(fix, "pkcs11:token=mock%20token?pin-value=wrong");
    assert_int_equal(import_key(fix, NEW_ID, "alice"), HSMIAM_ERR_PIN);
}

/* One failing call over a forced route; false once that call is not made any more. */
static bool import_failing(fixture *fix, mock_function function, unsigned call, CK_RV rv)
{
    fixture_stop(fix);
    fixture_start(fix);
    hsmiam_custody_set_import_route(fix->custody, HSMIAM_ROUTE_RSA_OAEP);
    mock_fail(function, call, rv);
    hsmiam_status status = import_key(fix, NEW_ID, "alice");

    if (mock.calls[function] < call) {
        assert_int_equal(status, HSMIAM_OK);
        return false;
    }
    if (function == MOCK_C_GetSessionInfo || function == MOCK_C_GetMechanismInfo)
        return true; /* without its answer, the login is tried, and nothing derived */
    if ((rv == CKR_GENERAL_ERROR || rv == CKR_FUNCTION_FAILED) && status == HSMIAM_OK)
        return true; /* a rehearsal tries once more what may have been an accident */
    assert_int_not_equal(status, HSMIAM_OK);
    /* A search that was not ended shows at the next one. */
    fixture_expect_message(fix, function == MOCK_C_FindObjectsFinal ? "C_FindObjects"
                                                                    : mock_get_name(function));
    assert_int_equal(mock_find(CKO_SECRET_KEY, NEW_ID), CK_INVALID_HANDLE);
    return true;
}

static void test_each_token_call_fails_once(void **state)
{
    static const CK_RV failures[] = {CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED, CKR_DEVICE_MEMORY,
                                     CKR_HOST_MEMORY};
    unsigned count = 0;

    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++)
        for (mock_function function = 0; function < MOCK_FUNCTION_COUNT; function++)
            for (unsigned call = 1; import_failing(*state, function, call, failures[i]); call++)
                count++;
    assert_true(count >= 4 * 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_success),           fixture_test(test_without_user_name),
        fixture_test(test_without_outputs),   fixture_test(test_exists),
        fixture_test(test_ids_that_are_none), fixture_test(test_secrets_that_are_none),
        fixture_test(test_user_names),        fixture_test(test_proof_fails),
        fixture_test(test_wrong_pin),         fixture_test(test_each_token_call_fails_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
