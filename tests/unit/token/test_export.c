/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that are exportable: in, out for a recipient, and in again. The recipient is the token's own
 * wrapping key, so that what goes out can come back. */
#include "fixture.h"

#include "token/export.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID    "AKIAIOSFODNN7EXAMPLE"
#define VALUE "AWS4hush/hush+hush/hush+hush/hush+hush/hush+"
#define LABEL "hsmiam-wrapping-key-exportable"

static const hsmiam_key_spec spec = {
    .id = ID, .label = "alice", .created = 1440938160, .persistent = true, .exportable = true};

static char own_pem[2048];
static char own_fingerprint[HSMIAM_FINGERPRINT_SIZE];

static void take(void *context, const char *pem, const char *fingerprint)
{
    (void)context;
    (void)snprintf(own_pem, sizeof own_pem, "%s", pem);
    (void)snprintf(own_fingerprint, sizeof own_fingerprint, "%s", fingerprint);
}

static int set_up(void **state)
{
    int result = fixture_set_up(state);
    fixture *fix = *state;

    if (result != 0)
        return result;
    (void)mock_add_wrapping_pair();
    mock_set_attribute(mock_add_wrapping_pair(), CKA_LABEL, LABEL, strlen(LABEL));
    (void)fixture_open_token(fix);
    return hsmiam_token_export_wrapping_key(fix->token, true, take, NULL, fix->error) != HSMIAM_OK;
}

static hsmiam_recipient *new_recipient(fixture *fix, const char *pem)
{
    hsmiam_recipient *recipient = NULL;

    assert_int_equal(hsmiam_recipient_new(pem, strlen(pem), false, &recipient, fix->error),
                     HSMIAM_OK);
    return recipient;
}

static hsmiam_status import(fixture *fix, hsmiam_import_route route, hsmiam_object *object_out)
{
    hsmiam_secret *value = NULL;

    assert_int_equal(hsmiam_secret_new(64, &value, fix->error), HSMIAM_OK);
    assert_true(hsmiam_secret_append(value, VALUE, strlen(VALUE)));
    hsmiam_status status =
        hsmiam_token_import_key(fix->token, route, &spec, value, object_out, fix->error);
    hsmiam_secret_free(&value);
    return status;
}

static void expect_whole(hsmiam_object object)
{
    const CK_ATTRIBUTE *value = mock_get_attribute(object, CKA_VALUE);

    assert_non_null(value);
    assert_int_equal(value->ulValueLen, strlen(VALUE));
    assert_memory_equal(value->pValue, VALUE, strlen(VALUE));
}

/* By the token's second pair, and nothing but extractable beyond what any key is. */
static void test_goes_in(void **state)
{
    hsmiam_key_spec other = spec;
    fixture *fix = *state;
    hsmiam_object object = 0;

    assert_int_equal(import(fix, HSMIAM_ROUTE_RSA_OAEP, &object), HSMIAM_OK);
    expect_whole(object);
    assert_int_equal(mock_get_flag(object, CKA_EXTRACTABLE), 1);
    assert_int_equal(mock_get_flag(object, CKA_SENSITIVE), 1);
    assert_int_equal(mock_get_flag(object, CKA_WRAP), 0);
    assert_int_equal(hsmiam_token_check_key(fix->token, object, &spec, fix->error), HSMIAM_OK);
    assert_true(fix->token->wrapping_keys[true] == mock_find_labelled(CKO_PRIVATE_KEY, LABEL));
    assert_int_equal(fix->token->wrapping_keys[false], CK_INVALID_HANDLE);
    other.exportable = false;
    assert_int_equal(hsmiam_token_check_key(fix->token, object, &other, fix->error),
                     HSMIAM_ERR_CUSTODY);
    fixture_expect_message(fix, "CKA_EXTRACTABLE");
}

/* Zeros behind a value would go out with it. */
static void test_is_never_filled_up(void **state)
{
    static const CK_ULONG sizes[] = {44, 48, 0, CK_UNAVAILABLE_INFORMATION};
    hsmiam_key_spec sized = spec;
    fixture *fix = *state;
    hsmiam_object object = 0;

    mock.key_wraps[mock.key_wrap_count++] = CKM_AES_KEY_WRAP;
    assert_int_equal(hsmiam_token_start_transport(fix->token, fix->error), HSMIAM_OK);
    assert_int_equal(import(fix, HSMIAM_ROUTE_RSA_OAEP, &object), HSMIAM_OK);
    expect_whole(object);
    assert_int_equal(mock.unwrapped_by_aes, 0);

    sized.value_size = strlen(VALUE);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        mock_set_attribute(object, CKA_VALUE_LEN, &sizes[i], sizeof sizes[i]);
        assert_int_equal(hsmiam_token_check_key(fix->token, object, &sized, fix->error),
                         sizes[i] == 48 ? HSMIAM_ERR_CUSTODY : HSMIAM_OK);
    }
    mock_remove(object);
    hsmiam_token_end_transport(fix->token);
}

/* The transport key is of one kind of keys at a time. */
static void test_transport_key_of_its_own(void **state)
{
    hsmiam_key_spec kept = spec;
    fixture *fix = *state;
    hsmiam_secret *value = NULL;
    hsmiam_object object = 0;

    mock.key_wraps[mock.key_wrap_count++] = CKM_AES_KEY_WRAP_KWP;
    assert_int_equal(hsmiam_token_start_transport(fix->token, fix->error), HSMIAM_OK);
    assert_int_equal(import(fix, HSMIAM_ROUTE_RSA_OAEP, &object), HSMIAM_OK);
    expect_whole(object);
    assert_int_equal(mock.unwrapped_by_rsa, 1);
    assert_true(fix->token->transport.exportable);
    kept.exportable = false;
    kept.id = "AKIAIOSFODNN7EXAMPLF";
    assert_int_equal(hsmiam_secret_new(64, &value, fix->error), HSMIAM_OK);
    assert_true(hsmiam_secret_append(value, VALUE, strlen(VALUE)));
    assert_int_equal(hsmiam_token_import_key(fix->token, HSMIAM_ROUTE_RSA_OAEP, &kept, value,
                                             &object, fix->error),
                     HSMIAM_OK);
    hsmiam_secret_free(&value);
    assert_int_equal(mock.unwrapped_by_rsa, 2);
    assert_false(fix->token->transport.exportable);
    assert_int_equal(mock_get_flag(object, CKA_EXTRACTABLE), 0);
    hsmiam_token_end_transport(fix->token);
}

static hsmiam_status export_as(fixture *fix, hsmiam_object object, hsmiam_export_algorithm wanted,
                               hsmiam_secret *wrapped, const hsmiam_export_form **form_out)
{
    hsmiam_recipient *recipient = new_recipient(fix, own_pem);

    assert_string_equal(hsmiam_recipient_get_fingerprint(recipient), own_fingerprint);
    assert_string_equal(hsmiam_recipient_get_subject(recipient), "");
    assert_int_equal(hsmiam_recipient_get_bits(recipient), 2048);
    size_t before = mock_count_objects();
    hsmiam_error_clear(fix->error);
    hsmiam_status status = hsmiam_token_export_key(fix->token, object, ID, recipient, wanted,
                                                   wrapped, form_out, fix->error);
    assert_int_equal(mock_count_objects(), before);
    hsmiam_recipient_free(&recipient);
    return status;
}

/* Out by each algorithm, and in again by the pair's private half. */
static void go_round(fixture *fix, hsmiam_export_algorithm wanted, const char *name)
{
    const hsmiam_export_form *form = NULL;
    hsmiam_secret *wrapped = NULL;
    hsmiam_object object = 0;

    assert_int_equal(import(fix, HSMIAM_ROUTE_CREATE_OBJECT, &object), HSMIAM_OK);
    assert_int_equal(hsmiam_secret_new(HSMIAM_WRAPPED_SIZE_MAX, &wrapped, fix->error), HSMIAM_OK);
    assert_int_equal(export_as(fix, object, wanted, wrapped, &form), HSMIAM_OK);
    assert_string_equal(form->name, name);
    assert_ptr_equal(hsmiam_export_find_form(name), form);
    assert_int_equal(hsmiam_secret_get_size(wrapped), form->by_aes ? 256 + 56 : 256);
    mock_remove(object);

    const hsmiam_wrapped_value given = {
        .bytes = wrapped, .to_exportable = true, .hash = form->hash, .by_aes = form->by_aes};
    assert_int_equal(hsmiam_token_import_wrapped(fix->token, &spec, &given, &object, fix->error),
                     HSMIAM_OK);
    expect_whole(object);
    assert_int_equal(mock_count_session_objects(), 0);
    mock_remove(object);
    hsmiam_secret_free(&wrapped);
}

static void test_goes_round(void **state)
{
    fixture *fix = *state;

    mock.wraps_by_both = true;
    mock.key_wraps[mock.key_wrap_count++] = CKM_AES_KEY_WRAP_PAD;
    for (int i = HSMIAM_EXPORT_OAEP_SHA_256; i <= HSMIAM_EXPORT_AES_KEY_WRAP_SHA_1; i++)
        go_round(fix, (hsmiam_export_algorithm)i,
                 hsmiam_export_algorithm_get_name((hsmiam_export_algorithm)i));
    go_round(fix, HSMIAM_EXPORT_AUTO, "RSAES_OAEP_SHA_256");
    mock.sha1_only = true;
    go_round(fix, HSMIAM_EXPORT_AUTO, "RSAES_OAEP_SHA_1");
    assert_null(hsmiam_export_find_form(""));
}

/* The same where each call is made on a thread of its own, over copies. */
static void test_within_a_time_limit(void **state)
{
    fixture *fix = *state;

    mock.wraps_by_both = true;
    mock.key_wraps[mock.key_wrap_count++] = CKM_AES_KEY_WRAP_KWP;
    hsmiam_token_set_timeout(fixture_name_token(fix, URI_WITH_PIN), 20);
    fixture_expect_open(fix, HSMIAM_OK);
    go_round(fix, HSMIAM_EXPORT_AES_KEY_WRAP_SHA_256, "RSA_AES_KEY_WRAP_SHA_256");
    go_round(fix, HSMIAM_EXPORT_OAEP_SHA_1, "RSAES_OAEP_SHA_1");
}

static void test_refusals_of_export(void **state)
{
    static const struct {
        CK_RV rv;
        hsmiam_export_algorithm wanted;
        hsmiam_status status;
        const char *message;
    } cases[] = {
        {CKR_KEY_NOT_WRAPPABLE, HSMIAM_EXPORT_AUTO, HSMIAM_ERR_UNSUPPORTED, "was not put into"},
        {CKR_KEY_UNEXTRACTABLE, HSMIAM_EXPORT_AUTO, HSMIAM_ERR_UNSUPPORTED, "was not put into"},
        {CKR_MECHANISM_INVALID, HSMIAM_EXPORT_AUTO, HSMIAM_ERR_UNSUPPORTED, "with either hash"},
        {CKR_MECHANISM_INVALID, HSMIAM_EXPORT_AES_KEY_WRAP_SHA_1, HSMIAM_ERR_UNSUPPORTED,
         "RSA_AES_KEY_WRAP_SHA_1; choose another"},
        {CKR_DEVICE_MEMORY, HSMIAM_EXPORT_AUTO, HSMIAM_ERR_TOKEN, "C_WrapKey failed"},
    };
    fixture *fix = *state;
    const hsmiam_export_form *form = NULL;
    hsmiam_secret *wrapped = NULL;
    hsmiam_object object = 0;

    assert_int_equal(import(fix, HSMIAM_ROUTE_CREATE_OBJECT, &object), HSMIAM_OK);
    assert_int_equal(hsmiam_secret_new(HSMIAM_WRAPPED_SIZE_MAX, &wrapped, fix->error), HSMIAM_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mock_fail(MOCK_C_WrapKey, 0, cases[i].rv);
        assert_int_equal(export_as(fix, object, cases[i].wanted, wrapped, &form), cases[i].status);
        fixture_expect_message(fix, cases[i].message);
        assert_int_equal(hsmiam_secret_get_size(wrapped), 0);
        mock_stop_failing();
    }
    mock.too_many = HSMIAM_WRAPPED_SIZE_MAX;
    assert_int_not_equal(export_as(fix, object, HSMIAM_EXPORT_AUTO, wrapped, &form), HSMIAM_OK);
    mock.too_many = 0;
    mock_fail(MOCK_C_CreateObject, 1, CKR_TEMPLATE_INCONSISTENT);
    assert_int_not_equal(export_as(fix, object, HSMIAM_EXPORT_AUTO, wrapped, &form), HSMIAM_OK);
    mock_stop_failing();
    mock_set_flag(object, CKA_EXTRACTABLE, false);
    assert_int_equal(export_as(fix, object, HSMIAM_EXPORT_AUTO, wrapped, &form),
                     HSMIAM_ERR_UNSUPPORTED);
    fixture_expect_message(fix, "rotate-access-key --exportable");
    assert_int_equal(mock.calls[MOCK_C_WrapKey], 0);
    hsmiam_secret_free(&wrapped);
}

static void test_damaged_ones_stay_out(void **state)
{
    fixture *fix = *state;
    hsmiam_secret *bytes = NULL;
    hsmiam_object object = 0;
    uint8_t noise[400] = {1};

    mock.key_wraps[mock.key_wrap_count++] = CKM_AES_KEY_WRAP_KWP;
    assert_int_equal(hsmiam_secret_new(sizeof noise, &bytes, fix->error), HSMIAM_OK);
    assert_true(hsmiam_secret_append(bytes, noise, 256));
    for (int by_aes = 0; by_aes < 2; by_aes++) {
        const hsmiam_wrapped_value given = {
            .bytes = bytes, .to_exportable = true, .hash = "SHA1", .by_aes = by_aes == 1};
        size_t before = mock_count_objects();
        hsmiam_status status =
            hsmiam_token_import_wrapped(fix->token, &spec, &given, &object, fix->error);
        assert_int_equal(status, by_aes ? HSMIAM_ERR_ARGUMENT : HSMIAM_ERR_TOKEN);
        if (by_aes) {
            fixture_expect_message(fix, "has 256 bytes");
            assert_true(hsmiam_secret_append(bytes, noise, 56));
            assert_int_not_equal(
                hsmiam_token_import_wrapped(fix->token, &spec, &given, &object, fix->error),
                HSMIAM_OK);
        }
        assert_int_equal(mock_count_objects(), before);
    }
    hsmiam_secret_free(&bytes);
}

/* A certificate of the token's key. */
static char *make_certificate(long begins, long ends)
{
    BIO *in = BIO_new_mem_buf(own_pem, -1);
    BIO *out = BIO_new(BIO_s_mem());
    EVP_PKEY *key = PEM_read_bio_PUBKEY(in, NULL, NULL, NULL);
    EVP_PKEY *issuer = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    char *text = NULL;

    assert_int_equal(X509_set_pubkey(certificate, key), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), begins));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), ends));
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN",
                                                MBSTRING_ASC, (const unsigned char *)"HSM", -1, -1,
                                                0),
                     1);
    assert_true(X509_sign(certificate, issuer, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_bio_X509(out, certificate), 1);
    long size = BIO_get_mem_data(out, &text);
    char *copy = strndup(text, (size_t)size);
    X509_free(certificate);
    EVP_PKEY_free(issuer);
    EVP_PKEY_free(key);
    BIO_free(in);
    BIO_free(out);
    return copy;
}

static void test_certificates(void **state)
{
    static const struct {
        long begins;
        long ends;
        const char *message;
    } cases[] = {{-10, 1000, NULL}, {-1000, -10, "has expired"}, {500, 1000, "is not valid yet"}};
    fixture *fix = *state;

    for (size_t i = 0; i < 3; i++) {
        hsmiam_recipient *recipient = NULL;
        char *pem = make_certificate(cases[i].begins, cases[i].ends);
        hsmiam_status status =
            hsmiam_recipient_new(pem, strlen(pem), false, &recipient, fix->error);
        if (cases[i].message != NULL) {
            assert_int_equal(status, HSMIAM_ERR_ARGUMENT);
            fixture_expect_message(fix, cases[i].message);
            status = hsmiam_recipient_new(pem, strlen(pem), true, &recipient, fix->error);
        }
        assert_int_equal(status, HSMIAM_OK);
        assert_string_equal(hsmiam_recipient_get_fingerprint(recipient), own_fingerprint);
        assert_string_equal(hsmiam_recipient_get_subject(recipient), "CN=HSM");
        hsmiam_recipient_free(&recipient);
        free(pem);
    }
}

static void test_recipients_that_are_none(void **state)
{
    static const char *const cases[] = {
        "", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN RSA PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"};
    fixture *fix = *state;
    hsmiam_recipient *recipient = NULL;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(
            hsmiam_recipient_new(cases[i], strlen(cases[i]), true, &recipient, fix->error),
            HSMIAM_ERR_ARGUMENT);
        fixture_expect_message(fix, "The recipient's");
    }
    assert_int_equal(hsmiam_recipient_new(NULL, 0, true, &recipient, NULL), HSMIAM_ERR_ARGUMENT);
    assert_null(recipient);
}

#define export_test(test) cmocka_unit_test_setup_teardown(test, set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        export_test(test_goes_in),
        export_test(test_is_never_filled_up),
        export_test(test_transport_key_of_its_own),
        export_test(test_goes_round),
        export_test(test_within_a_time_limit),
        export_test(test_refusals_of_export),
        export_test(test_damaged_ones_stay_out),
        export_test(test_certificates),
        export_test(test_recipients_that_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
