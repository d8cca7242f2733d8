/* SPDX-License-Identifier: Apache-2.0 */
/* Routes into the token, and the forms that its restrictions lead to. */
#include "fixture.h"

#include <string.h>

#define ID    "AKIAIOSFODNN7EXAMPLE"
#define VALUE "AWS4hush/hush+hush/hush+hush/hush+hush/hush+"

static const hsmiam_key_spec spec = {
    .id = ID, .label = "alice", .created = 1440938160, .persistent = true};

static hsmiam_status import_spec(fixture *fix, hsmiam_import_route route,
                                 const hsmiam_key_spec *which, hsmiam_object *object_out)
{
    hsmiam_secret *value = NULL;

    hsmiam_error_clear(fix->error);
    assert_int_equal(hsmiam_secret_new(64, &value, fix->error), HSMIAM_OK);
    assert_true(hsmiam_secret_append(value, VALUE, strlen(VALUE)));
    *object_out = CK_INVALID_HANDLE;
    hsmiam_status status =
        hsmiam_token_import_key(fix->token, route, which, value, object_out, fix->error);
    hsmiam_secret_free(&value);
    fixture_expect_no_message(fix, "hush");
    return status;
}

/* What expect_import() made last. */
static hsmiam_object imported;

/* Imports, and sees to it that the token holds the value in an object as it must be. The last one
 * goes first: callers see to it that the token holds none of that id. */
static hsmiam_object expect_import(fixture *fix, hsmiam_import_route route)
{
    hsmiam_object object = CK_INVALID_HANDLE;

    if (imported != CK_INVALID_HANDLE)
        mock_remove(imported);
    imported = CK_INVALID_HANDLE;
    hsmiam_status status = import_spec(fix, route, &spec, &object);

    if (status != HSMIAM_OK)
        print_error("%s\n", hsmiam_error_get_message(fix->error));
    assert_int_equal(status, HSMIAM_OK);
    const CK_ATTRIBUTE *value = mock_get_attribute(object, CKA_VALUE);
    assert_non_null(value);
    assert_int_equal(value->ulValueLen, strlen(VALUE));
    assert_memory_equal(value->pValue, VALUE, strlen(VALUE));
    assert_int_equal(hsmiam_token_check_key(fix->token, object, &spec, fix->error), HSMIAM_OK);
    imported = object;
    return object;
}

static void expect_no_import(fixture *fix, hsmiam_import_route route, hsmiam_status expected,
                             const char *message)
{
    size_t before = mock_count_objects();
    hsmiam_object object = CK_INVALID_HANDLE;

    assert_int_equal(import_spec(fix, route, &spec, &object), expected);
    assert_int_equal(object, CK_INVALID_HANDLE);
    fixture_expect_message(fix, message);
    assert_int_equal(mock_count_objects(), before);
}

static int set_up(void **state)
{
    int result = fixture_set_up(state);

    imported = CK_INVALID_HANDLE;
    if (result == 0) {
        (void)mock_add_wrapping_pair();
        (void)fixture_open_token(*state);
    }
    return result;
}

static void expect_bytes(hsmiam_object object, CK_ATTRIBUTE_TYPE type, const void *bytes,
                         size_t size)
{
    const CK_ATTRIBUTE *attribute = mock_get_attribute(object, type);

    assert_non_null(attribute);
    assert_int_equal(attribute->ulValueLen, size);
    assert_memory_equal(attribute->pValue, bytes, size);
}

static void test_attributes_asked_for(void **state)
{
    static const CK_ATTRIBUTE_TYPE yes[] = {CKA_TOKEN, CKA_PRIVATE, CKA_SENSITIVE, CKA_SIGN};
    static const CK_ATTRIBUTE_TYPE no[] = {CKA_EXTRACTABLE, CKA_VERIFY,   CKA_ENCRYPT,
                                           CKA_DECRYPT,     CKA_WRAP,     CKA_UNWRAP,
                                           CKA_DERIVE,      CKA_COPYABLE, CKA_MODIFIABLE};
    static const hsmiam_import_route routes[] = {HSMIAM_ROUTE_RSA_OAEP, HSMIAM_ROUTE_CREATE_OBJECT};
    const CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    const CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    const CK_MECHANISM_TYPE mechanism = CKM_SHA256_HMAC;
    fixture *fix = *state;

    for (size_t r = 0; r < 2; r++) {
        hsmiam_object object = expect_import(fix, routes[r]);
        for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
            assert_int_equal(mock_get_flag(object, yes[i]), 1);
        for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
            assert_int_equal(mock_get_flag(object, no[i]), 0);
        expect_bytes(object, CKA_CLASS, &class, sizeof class);
        expect_bytes(object, CKA_KEY_TYPE, &type, sizeof type);
        expect_bytes(object, CKA_ID, ID, strlen(ID));
        expect_bytes(object, CKA_LABEL, "alice", 5);
        expect_bytes(object, CKA_START_DATE, "20150830", 8);
        expect_bytes(object, CKA_ALLOWED_MECHANISMS, &mechanism, sizeof mechanism);
        assert_null(mock_get_attribute(object, CKA_VALUE_LEN));
        assert_int_equal(mock.last_of_template, CKA_MODIFIABLE);
    }
    assert_int_equal(mock.calls[MOCK_C_UnwrapKey], 1);
    assert_int_equal(mock.calls[MOCK_C_CreateObject], 1);
}

static void test_rehearsal_stays_in_the_session(void **state)
{
    const hsmiam_key_spec rehearsal = {
        .id = ID, .label = "rehearsal", .created = 0, .persistent = false};
    fixture *fix = *state;
    hsmiam_object object = CK_INVALID_HANDLE;

    assert_int_equal(import_spec(fix, HSMIAM_ROUTE_RSA_OAEP, &rehearsal, &object), HSMIAM_OK);
    assert_int_equal(mock_get_flag(object, CKA_TOKEN), 0);
    expect_bytes(object, CKA_START_DATE, "19700101", 8);
    assert_int_equal(mock_count_session_objects(), 1);
    assert_int_equal(hsmiam_token_destroy_object(fix->token, object, fix->error), HSMIAM_OK);
    assert_int_equal(mock_count_session_objects(), 0);
}

static void test_sha1_only(void **state)
{
    static const CK_RV refusals[] = {CKR_ARGUMENTS_BAD, CKR_MECHANISM_PARAM_INVALID};
    fixture *fix = *state;

    mock.sha1_only = true;
    for (size_t i = 0; i < 2; i++) {
        (void)fixture_open_token(fix);
        mock.hash_refusal = refusals[i];
        mock_stop_failing();
        (void)expect_import(fix, HSMIAM_ROUTE_RSA_OAEP);
        assert_int_equal(mock.calls[MOCK_C_UnwrapKey], 2);
        /* What worked comes first the next time. */
        (void)expect_import(fix, HSMIAM_ROUTE_RSA_OAEP);
        assert_int_equal(mock.calls[MOCK_C_UnwrapKey], 3);
    }
}

static void test_wants_value_len(void **state)
{
    const CK_ULONG length = strlen(VALUE);
    fixture *fix = *state;

    mock.wants_value_len = true;
    hsmiam_object object = expect_import(fix, HSMIAM_ROUTE_RSA_OAEP);
    expect_bytes(object, CKA_VALUE_LEN, &length, sizeof length);
    assert_int_equal(mock.last_of_template, CKA_MODIFIABLE);
    (void)expect_import(fix, HSMIAM_ROUTE_RSA_OAEP);
    assert_int_equal(mock.calls[MOCK_C_UnwrapKey], 3);
}

static void test_refuses_value_len(void **state)
{
    fixture *fix = *state;

    mock.refused[mock.refused_count++] = CKA_VALUE_LEN;
    mock.refusal = CKR_ATTRIBUTE_READ_ONLY;
    (void)expect_import(fix, HSMIAM_ROUTE_RSA_OAEP);
    assert_int_equal(mock.calls[MOCK_C_UnwrapKey], 1);
}

/* What worked once is tried first, and is no more than that. */
static void test_changes_its_mind_on_value_len(void **state)
{
    fixture *fix = *state;

    mock.wants_value_len = true;
    (void)expect_import(fix, HSMIAM_ROUTE_RSA_OAEP);
    mock.wants_value_len = false;
    mock.refuses_value_len = true;
    hsmiam_object object = expect_import(fix, HSMIAM_ROUTE_RSA_OAEP);
    assert_null(mock_get_attribute(object, CKA_VALUE_LEN));
}

/* CloudHSM takes the one key type only, YubiHSM the other. */
static void test_key_types(void **state)
{
    static const CK_KEY_TYPE types[] = {CKK_GENERIC_SECRET, CKK_SHA256_HMAC};
    static const hsmiam_import_route routes[] = {HSMIAM_ROUTE_RSA_OAEP, HSMIAM_ROUTE_CREATE_OBJECT};
    fixture *fix = *state;

    for (size_t wrong = 0; wrong < 2; wrong++) {
        for (size_t r = 0; r < 2; r++) {
            mock.wrong_type = types[wrong];
            (void)fixture_open_token(fix);
            hsmiam_object object = expect_import(fix, routes[r]);
            expect_bytes(object, CKA_KEY_TYPE, &types[1 - wrong], sizeof types[0]);
            /* All that hardens is still there. */
            assert_int_equal(mock_get_flag(object, CKA_COPYABLE), 0);
            unsigned calls = mock.calls[MOCK_C_UnwrapKey] + mock.calls[MOCK_C_CreateObject];
            (void)expect_import(fix, routes[r]);
            assert_int_equal(mock.calls[MOCK_C_UnwrapKey] + mock.calls[MOCK_C_CreateObject],
                             calls + 1);
        }
    }
}

static void test_refuses_what_hardens(void **state)
{
    static const CK_ATTRIBUTE_TYPE types[] = {CKA_COPYABLE, CKA_MODIFIABLE, CKA_ALLOWED_MECHANISMS};
    static const CK_RV refusals[] = {CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_VALUE_INVALID,
                                     CKR_ATTRIBUTE_READ_ONLY, CKR_TEMPLATE_INCONSISTENT};
    fixture *fix = *state;

    mock.refused_count = 1;
    for (size_t i = 0; i < 3; i++) {
        for (size_t j = 0; j < sizeof refusals / sizeof refusals[0]; j++) {
            mock.refused[0] = types[i];
            mock.refusal = refusals[j];
            (void)fixture_open_token(fix);
            hsmiam_object object = expect_import(fix, HSMIAM_ROUTE_RSA_OAEP);
            /* All else is still asked for. */
            for (size_t k = 0; k < 3; k++)
                assert_int_equal(mock_get_attribute(object, types[k]) != NULL, k != i);
            mock.calls[MOCK_C_UnwrapKey] = 0;
            (void)expect_import(fix, HSMIAM_ROUTE_RSA_OAEP);
            assert_int_equal(mock.calls[MOCK_C_UnwrapKey], 1);
            (void)fixture_open_token(fix);
            (void)expect_import(fix, HSMIAM_ROUTE_CREATE_OBJECT);
        }
    }
}

static void test_all_restrictions_at_once(void **state)
{
    fixture *fix = *state;

    mock.sha1_only = true;
    mock.wants_value_len = true;
    mock.refused[mock.refused_count++] = CKA_MODIFIABLE;
    (void)expect_import(fix, HSMIAM_ROUTE_RSA_OAEP);
    unsigned tries = mock.calls[MOCK_C_UnwrapKey];
    assert_true(tries <= 11);
    (void)expect_import(fix, HSMIAM_ROUTE_RSA_OAEP);
    assert_int_equal(mock.calls[MOCK_C_UnwrapKey], tries + 1);
}

/* NSS says that one byte of one is free, and what it cannot store it must not be asked for. */
static void test_nss(void **state)
{
    mock_slot *slot = &mock.slots[0];
    fixture *fix = *state;

    mock_set_padded(slot->token.manufacturerID, sizeof slot->token.manufacturerID,
                    "Mozilla Foundation");
    slot->token.ulTotalPrivateMemory = 1;
    slot->token.ulFreePrivateMemory = 1;
    mock.refused[mock.refused_count++] = CKA_COPYABLE;
    mock.refused[mock.refused_count++] = CKA_ALLOWED_MECHANISMS;
    mock.refusal = CKR_GENERAL_ERROR;
    (void)fixture_open_token(fix);
    hsmiam_object object = expect_import(fix, HSMIAM_ROUTE_RSA_OAEP);
    assert_int_equal(mock_get_flag(object, CKA_MODIFIABLE), 0);
    assert_int_equal(mock.calls[MOCK_C_UnwrapKey], 1);
}

/* Each form is tried once; what is learnt on the way to a failure is forgotten. */
static void test_nothing_helps(void **state)
{
    fixture *fix = *state;

    mock_fail(MOCK_C_UnwrapKey, 0, CKR_TEMPLATE_INCOMPLETE);
    expect_no_import(fix, HSMIAM_ROUTE_RSA_OAEP, HSMIAM_ERR_UNSUPPORTED, "C_UnwrapKey");
    assert_int_equal(mock.calls[MOCK_C_UnwrapKey], 8 * 2 * 2);
    mock_stop_failing();
    mock_fail(MOCK_C_CreateObject, 0, CKR_TEMPLATE_INCONSISTENT);
    expect_no_import(fix, HSMIAM_ROUTE_CREATE_OBJECT, HSMIAM_ERR_UNSUPPORTED, "C_CreateObject");
    assert_int_equal(mock.calls[MOCK_C_CreateObject], 8 * 2);
    mock_stop_failing();
    hsmiam_object object = expect_import(fix, HSMIAM_ROUTE_RSA_OAEP);
    assert_int_equal(mock_get_flag(object, CKA_COPYABLE), 0);
}

/* A call that may have been carried out is not made again in another form. */
static void test_other_failures_are_not_tried_again(void **state)
{
    static const struct {
        CK_RV rv;
        hsmiam_status status;
    } cases[] = {{CKR_HOST_MEMORY, HSMIAM_ERR_MEMORY},
                 {CKR_MECHANISM_INVALID, HSMIAM_ERR_UNSUPPORTED},
                 {CKR_WRAPPED_KEY_INVALID, HSMIAM_ERR_TOKEN},
                 {CKR_DEVICE_MEMORY, HSMIAM_ERR_TOKEN}};
    fixture *fix = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mock_stop_failing();
        mock_fail(MOCK_C_UnwrapKey, 1, cases[i].rv);
        expect_no_import(fix, HSMIAM_ROUTE_RSA_OAEP, cases[i].status, "C_UnwrapKey");
        assert_int_equal(hsmiam_error_get_code(fix->error), cases[i].rv);
        assert_int_equal(mock.calls[MOCK_C_UnwrapKey], 1);
    }
}

/* NSS says CKR_GENERAL_ERROR to what its database has no column for. Whether something was made is
 * looked at first; and what was an accident does not come again. */
static void test_doubtful_answer(void **state)
{
    fixture *fix = *state;

    mock_fail(MOCK_C_UnwrapKey, 1, CKR_FUNCTION_FAILED);
    hsmiam_object object = expect_import(fix, HSMIAM_ROUTE_RSA_OAEP);
    assert_int_equal(mock_get_flag(object, CKA_COPYABLE), 0);

    mock_stop_failing();
    mock.refused[0] = CKA_COPYABLE;
    mock.refused[1] = CKA_ALLOWED_MECHANISMS;
    mock.refused_count = 2;
    mock.refusal = CKR_GENERAL_ERROR;
    object = expect_import(fix, HSMIAM_ROUTE_RSA_OAEP);
    assert_int_equal(mock_get_flag(object, CKA_MODIFIABLE), 0);
    assert_int_equal(mock_count_objects(), 3);

    /* Now there is one of that id: the call made it, for the token held none before. */
    (void)fixture_open_token(fix);
    mock_stop_failing();
    hsmiam_object made = CK_INVALID_HANDLE;
    assert_int_equal(import_spec(fix, HSMIAM_ROUTE_RSA_OAEP, &spec, &made), HSMIAM_OK);
    assert_int_equal(mock_get_attribute(made, CKA_VALUE)->ulValueLen, strlen(VALUE));
    assert_int_equal(mock.calls[MOCK_C_UnwrapKey], 1);
    assert_int_equal(mock_count_objects(), 3);
}

/* A token that refuses, and has done it all the same: nothing is put in twice, and what is there is
 * taken for what it is. */
static void test_refusals_that_were_carried_out(void **state)
{
    static const CK_RV refusals[] = {CKR_TEMPLATE_INCONSISTENT, CKR_ATTRIBUTE_VALUE_INVALID,
                                     CKR_ARGUMENTS_BAD,         CKR_FUNCTION_FAILED,
                                     CKR_GENERAL_ERROR,         CKR_MECHANISM_PARAM_INVALID};
    fixture *fix = *state;

    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        mock_stop_failing();
        mock.late_refusal = refusals[i];
        (void)expect_import(fix, HSMIAM_ROUTE_RSA_OAEP);
        assert_int_equal(mock.calls[MOCK_C_UnwrapKey], 1);
        assert_int_equal(mock_count_objects(), 3);
    }
}

static void test_full_or_write_protected(void **state)
{
    fixture *fix = *state;

    mock.slots[0].token.ulTotalPrivateMemory = 65536;
    mock.slots[0].token.ulFreePrivateMemory = 63;
    (void)fixture_open_token(fix);
    expect_no_import(fix, HSMIAM_ROUTE_RSA_OAEP, HSMIAM_ERR_UNSUPPORTED, "no room");
    mock.slots[0].token.ulFreePrivateMemory = 64;
    (void)fixture_open_token(fix);
    (void)expect_import(fix, HSMIAM_ROUTE_RSA_OAEP);
    /* NSS has 1 byte in all, and 1 is free. */
    mock.slots[0].token.ulTotalPrivateMemory = 1;
    mock.slots[0].token.ulFreePrivateMemory = 1;
    (void)fixture_open_token(fix);
    (void)expect_import(fix, HSMIAM_ROUTE_RSA_OAEP);
    mock.slots[0].token.flags |= CKF_WRITE_PROTECTED;
    (void)fixture_open_token(fix);
    expect_no_import(fix, HSMIAM_ROUTE_CREATE_OBJECT, HSMIAM_ERR_UNSUPPORTED, "write-protected");
}

#define import_test(test) cmocka_unit_test_setup_teardown(test, set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        import_test(test_attributes_asked_for),
        import_test(test_rehearsal_stays_in_the_session),
        import_test(test_sha1_only),
        import_test(test_wants_value_len),
        import_test(test_refuses_value_len),
        import_test(test_changes_its_mind_on_value_len),
        import_test(test_key_types),
        import_test(test_refuses_what_hardens),
        import_test(test_nss),
        import_test(test_all_restrictions_at_once),
        import_test(test_nothing_helps),
        import_test(test_other_failures_are_not_tried_again),
        import_test(test_doubtful_answer),
        import_test(test_refusals_that_were_carried_out),
        import_test(test_full_or_write_protected),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
