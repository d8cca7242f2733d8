/* SPDX-License-Identifier: Apache-2.0 */
/* Which wrapping key an import trusts, and what is read back of a key that went in. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

#define ID    "AKIAIOSFODNN7EXAMPLE"
#define VALUE "AWS4hush/hush+hush/hush+hush/hush+hush/hush+"
#define LABEL "hsmiam-wrapping-key"

static const hsmiam_key_spec spec = {
    .id = ID, .label = "alice", .created = 1440938160, .persistent = true};

static hsmiam_status import_value(fixture *fix, hsmiam_object *object_out)
{
    hsmiam_secret *value = NULL;

    hsmiam_error_clear(fix->error);
    assert_int_equal(hsmiam_secret_new(64, &value, fix->error), HSMIAM_OK);
    assert_true(hsmiam_secret_append(value, VALUE, strlen(VALUE)));
    hsmiam_status status = hsmiam_token_import_key(fix->token, HSMIAM_ROUTE_RSA_OAEP, &spec, value,
                                                   object_out, fix->error);
    hsmiam_secret_free(&value);
    return status;
}

static void expect_refused(fixture *fix, hsmiam_status expected, const char *message)
{
    hsmiam_object object = CK_INVALID_HANDLE;

    (void)fixture_open_token(fix);
    assert_int_equal(import_value(fix, &object), expected);
    fixture_expect_message(fix, message);
    assert_int_equal(mock.calls[MOCK_C_UnwrapKey], 0);
    assert_int_equal(mock_find(CKO_SECRET_KEY, NULL), CK_INVALID_HANDLE);
}

static void test_missing(void **state)
{
    fixture *fix = *state;

    expect_refused(fix, HSMIAM_ERR_NOT_FOUND, "`hsmiam provision-token`");
}

/* Anyone can plant one without logging in. */
static void test_public_object_alone_is_none(void **state)
{
    fixture *fix = *state;

    mock_remove(mock_add_wrapping_pair());
    expect_refused(fix, HSMIAM_ERR_NOT_FOUND, "no private key \"" LABEL "\"");
}

static void test_twice(void **state)
{
    fixture *fix = *state;

    (void)mock_add_wrapping_pair();
    (void)mock_add_wrapping_pair();
    expect_refused(fix, HSMIAM_ERR_AMBIGUOUS, "2 private keys \"" LABEL "\"");
}

static void test_allows_too_much(void **state)
{
    static const struct {
        CK_ATTRIBUTE_TYPE type;
        const char *message;
        bool value;
    } cases[] = {
        {CKA_DECRYPT, "CKA_DECRYPT true", true},
        {CKA_SIGN, "CKA_SIGN true", true},
        {CKA_SIGN_RECOVER, "CKA_SIGN_RECOVER true", true},
        {CKA_DERIVE, "CKA_DERIVE true", true},
        {CKA_EXTRACTABLE, "CKA_EXTRACTABLE true", true},
        {CKA_SENSITIVE, "CKA_SENSITIVE false", false},
        {CKA_UNWRAP, "CKA_UNWRAP false", false},
    };
    fixture *fix = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CK_OBJECT_HANDLE key = mock_add_wrapping_pair();
        mock_set_flag(key, cases[i].type, cases[i].value);
        expect_refused(fix, HSMIAM_ERR_CONFIG, cases[i].message);
        fixture_expect_message(fix, LABEL);
        mock_remove(key);
    }
}

/* Anyone can make an object that is not private, without logging in, from a key that they know. It
 * is not used, and does not make ours ambiguous. */
static void test_planted_private_half(void **state)
{
    fixture *fix = *state;
    hsmiam_object object = CK_INVALID_HANDLE;

    CK_OBJECT_HANDLE planted = mock_add_wrapping_pair();
    mock_set_flag(planted, CKA_PRIVATE, false);
    expect_refused(fix, HSMIAM_ERR_NOT_FOUND, "no private key \"" LABEL "\"");
    CK_OBJECT_HANDLE ours = mock_add_wrapping_pair();
    (void)fixture_open_token(fix);
    assert_int_equal(import_value(fix, &object), HSMIAM_OK);
    assert_int_equal(fix->token->wrapping_keys[false], ours);

    assert_int_equal(hsmiam_pair_check(fix->token, &hsmiam_pair_wrapping, planted, fix->error),
                     HSMIAM_ERR_CONFIG);
    fixture_expect_message(fix, "CKA_PRIVATE false");
}

/* Some tokens stop reading at the first attribute that they do not know. */
static void test_token_that_stops_at_an_unknown_attribute(void **state)
{
    fixture *fix = *state;
    hsmiam_object object = CK_INVALID_HANDLE;

    mock.stops_at_unknown = true;
    CK_OBJECT_HANDLE key = mock_add_wrapping_pair();
    mock_forget_attribute(key, CKA_SIGN);
    mock_set_flag(key, CKA_DECRYPT, true);
    expect_refused(fix, HSMIAM_ERR_CONFIG, "CKA_DECRYPT true");
    mock_set_flag(key, CKA_DECRYPT, false);
    mock_set_flag(key, CKA_DERIVE, true);
    expect_refused(fix, HSMIAM_ERR_CONFIG, "CKA_DERIVE true");
    mock_set_flag(key, CKA_DERIVE, false);
    (void)fixture_open_token(fix);
    assert_int_equal(import_value(fix, &object), HSMIAM_OK);

    mock_forget_attribute(object, CKA_VERIFY);
    assert_int_equal(hsmiam_token_check_key(fix->token, object, &spec, fix->error), HSMIAM_OK);
    mock_set_flag(object, CKA_DERIVE, true);
    assert_int_equal(hsmiam_token_check_key(fix->token, object, &spec, fix->error),
                     HSMIAM_ERR_CUSTODY);
    fixture_expect_message(fix, "CKA_DERIVE");

    mock_fail(MOCK_C_GetAttributeValue, 4, CKR_GENERAL_ERROR); /* id, label, all, one */
    assert_int_equal(hsmiam_token_check_key(fix->token, object, &spec, fix->error),
                     HSMIAM_ERR_TOKEN);
}

/* That it is not extractable must be told. */
static void test_unknown_extractable(void **state)
{
    fixture *fix = *state;
    hsmiam_object object = CK_INVALID_HANDLE;

    CK_OBJECT_HANDLE key = mock_add_wrapping_pair();
    (void)fixture_open_token(fix);
    assert_int_equal(import_value(fix, &object), HSMIAM_OK);
    for (int stops = 0; stops < 2; stops++) {
        mock.stops_at_unknown = stops != 0;
        mock_forget_attribute(object, CKA_EXTRACTABLE);
        assert_int_equal(hsmiam_token_check_key(fix->token, object, &spec, fix->error),
                         HSMIAM_ERR_CUSTODY);
        fixture_expect_message(fix, "CKA_EXTRACTABLE");
        mock_set_flag(object, CKA_EXTRACTABLE, false);
    }
    mock_remove(object);
    mock_stop_failing();
    mock_forget_attribute(key, CKA_EXTRACTABLE);
    expect_refused(fix, HSMIAM_ERR_CONFIG, "CKA_EXTRACTABLE true, or does not tell");
}

/* What the token does not know a key may do, the key may not do. */
static void test_unknown_usages_are_false(void **state)
{
    fixture *fix = *state;
    hsmiam_object object = CK_INVALID_HANDLE;

    CK_OBJECT_HANDLE key = mock_add_wrapping_pair();
    mock_forget_attribute(key, CKA_SIGN_RECOVER);
    mock_forget_attribute(key, CKA_DERIVE);
    (void)fixture_open_token(fix);
    assert_int_equal(import_value(fix, &object), HSMIAM_OK);
    mock_forget_attribute(object, CKA_WRAP);
    assert_int_equal(hsmiam_token_check_key(fix->token, object, &spec, fix->error), HSMIAM_OK);
    mock_forget_attribute(object, CKA_SENSITIVE);
    assert_int_equal(hsmiam_token_check_key(fix->token, object, &spec, fix->error),
                     HSMIAM_ERR_CUSTODY);
    fixture_expect_message(fix, "CKA_SENSITIVE");
    mock_remove(object);

    mock_stop_failing();
    mock_forget_attribute(key, CKA_SENSITIVE);
    expect_refused(fix, HSMIAM_ERR_CONFIG, "CKA_SENSITIVE false");
}

/* The modulus is the private half's; that of a planted public object would not unwrap. */
static void test_modulus_of_the_private_half(void **state)
{
    fixture *fix = *state;
    hsmiam_object object = CK_INVALID_HANDLE;
    unsigned char modulus[256];

    (void)mock_add_wrapping_pair();
    memset(modulus, 0xc5, sizeof modulus);
    mock_set_attribute(mock_find_labelled(CKO_PUBLIC_KEY, LABEL), CKA_MODULUS, modulus,
                       sizeof modulus);
    (void)fixture_open_token(fix);
    assert_int_equal(import_value(fix, &object), HSMIAM_OK);
    const CK_ATTRIBUTE *value = mock_get_attribute(object, CKA_VALUE);
    assert_non_null(value);
    assert_memory_equal(value->pValue, VALUE, strlen(VALUE));
}

static void test_modulus_that_is_none(void **state)
{
    static const struct {
        size_t size;
        hsmiam_status status;
        const char *message;
    } cases[] = {{255, HSMIAM_ERR_TOKEN, "2040 bits"},
                 {0, HSMIAM_ERR_TOKEN, "0 bits"},
                 {1025, HSMIAM_ERR_UNSUPPORTED, "CKA_MODULUS"}};
    fixture *fix = *state;
    unsigned char modulus[1025];

    memset(modulus, 0xc5, sizeof modulus);
    CK_OBJECT_HANDLE key = mock_add_wrapping_pair();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mock_set_attribute(key, CKA_MODULUS, modulus, cases[i].size);
        expect_refused(fix, cases[i].status, cases[i].message);
    }
}

/* Found and checked once per session. */
static void test_is_looked_up_once(void **state)
{
    fixture *fix = *state;
    hsmiam_object object = CK_INVALID_HANDLE;

    (void)mock_add_wrapping_pair();
    (void)fixture_open_token(fix);
    assert_int_equal(import_value(fix, &object), HSMIAM_OK);
    assert_int_equal(import_value(fix, &object), HSMIAM_OK);
    assert_int_equal(mock.calls[MOCK_C_FindObjectsInit], 1);
}

static void test_differences_are_found_one_by_one(void **state)
{
    static const struct {
        CK_ATTRIBUTE_TYPE type;
        const char *name;
    } cases[] = {
        {CKA_ID, "CKA_ID"},           {CKA_LABEL, "CKA_LABEL"},
        {CKA_PRIVATE, "CKA_PRIVATE"}, {CKA_SENSITIVE, "CKA_SENSITIVE"},
        {CKA_SIGN, "CKA_SIGN"},       {CKA_EXTRACTABLE, "CKA_EXTRACTABLE"},
        {CKA_VERIFY, "CKA_VERIFY"},   {CKA_ENCRYPT, "CKA_ENCRYPT"},
        {CKA_WRAP, "CKA_WRAP"},       {CKA_DECRYPT, "CKA_DECRYPT"},
        {CKA_UNWRAP, "CKA_UNWRAP"},   {CKA_DERIVE, "CKA_DERIVE"},
        {CKA_TOKEN, "CKA_TOKEN"},
    };
    fixture *fix = *state;
    hsmiam_object object = CK_INVALID_HANDLE;

    (void)mock_add_wrapping_pair();
    (void)fixture_open_token(fix);
    assert_int_equal(import_value(fix, &object), HSMIAM_OK);
    assert_int_equal(hsmiam_token_check_key(fix->token, object, &spec, fix->error), HSMIAM_OK);
    mock.lies = true;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char message[64];
        mock.lies_about = cases[i].type;
        assert_int_equal(hsmiam_token_check_key(fix->token, object, &spec, fix->error),
                         HSMIAM_ERR_CUSTODY);
        (void)snprintf(message, sizeof message, "key's %s is not what was asked for",
                       cases[i].name);
        fixture_expect_message(fix, message);
    }
}

static void test_longer_and_shorter_names(void **state)
{
    static const struct {
        CK_ATTRIBUTE_TYPE type;
        const char *value;
    } cases[] = {{CKA_ID, ID "A"}, {CKA_ID, "AKIA"}, {CKA_LABEL, "alice2"}, {CKA_LABEL, ""}};
    fixture *fix = *state;
    hsmiam_object object = CK_INVALID_HANDLE;

    (void)mock_add_wrapping_pair();
    (void)fixture_open_token(fix);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(import_value(fix, &object), HSMIAM_OK);
        mock_set_attribute(object, cases[i].type, cases[i].value, strlen(cases[i].value));
        assert_int_equal(hsmiam_token_check_key(fix->token, object, &spec, fix->error),
                         HSMIAM_ERR_CUSTODY);
    }
}

static void test_value_that_can_be_read(void **state)
{
    fixture *fix = *state;
    hsmiam_object object = CK_INVALID_HANDLE;

    (void)mock_add_wrapping_pair();
    (void)fixture_open_token(fix);
    assert_int_equal(import_value(fix, &object), HSMIAM_OK);
    mock.value_readable = true;
    assert_int_equal(hsmiam_token_check_key(fix->token, object, &spec, fix->error),
                     HSMIAM_ERR_CUSTODY);
    fixture_expect_message(fix, "value be read");
    fixture_expect_no_message(fix, "hush");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_missing),
        fixture_test(test_public_object_alone_is_none),
        fixture_test(test_twice),
        fixture_test(test_allows_too_much),
        fixture_test(test_planted_private_half),
        fixture_test(test_token_that_stops_at_an_unknown_attribute),
        fixture_test(test_unknown_extractable),
        fixture_test(test_unknown_usages_are_false),
        fixture_test(test_modulus_of_the_private_half),
        fixture_test(test_modulus_that_is_none),
        fixture_test(test_is_looked_up_once),
        fixture_test(test_differences_are_found_one_by_one),
        fixture_test(test_longer_and_shorter_names),
        fixture_test(test_value_that_can_be_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
