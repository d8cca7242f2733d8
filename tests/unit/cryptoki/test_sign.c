/* SPDX-License-Identifier: Apache-2.0 */
/* CKM_HSMIAM_AWS_SIGV4 over the mock: the worked example of the AWS documentation, by either kind
 * of key, and what PKCS#11 asks of an operation. */
#include "support/cmocka_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cryptoki/mechanism.h"
#include "cryptoki/message.h"
#include "hsmiam/pkcs11.h"
#include "support/mock_cryptoki.h"

#define KEY_ID "AKIDEXAMPLEEXAMPLE00"
#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define SCOPE  "20150830/us-east-1/iam/aws4_request"
#define TEXT                                                                                       \
    "AWS4-HMAC-SHA256\n20150830T123600Z\n" SCOPE                                                   \
    "\nf536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59"
#define SIGNATURE "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
#define MAC_SIZE  32

static char last_message[4096];

void hsmiam_message_write(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(last_message, sizeof last_message, format, arguments);
    va_end(arguments);
}

void hsmiam_message_write_error(const hsmiam_error *error)
{
    hsmiam_message_write("%s", hsmiam_error_get_message(error));
}

typedef struct fixture {
    CK_FUNCTION_LIST *behind;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE key;
    CK_MECHANISM mechanism;
} fixture;

static fixture fix;

static CK_SESSION_HANDLE open_session(void)
{
    CK_SESSION_HANDLE session = CK_INVALID_HANDLE;

    assert_int_equal(
        fix.behind->C_OpenSession(mock.slots[0].id, CKF_SERIAL_SESSION, NULL, NULL, &session),
        CKR_OK);
    return session;
}

static int set_up(void **state)
{
    (void)state;
    mock_reset();
    last_message[0] = '\0';
    fix = (fixture){.behind = mock_get_modules()[0],
                    .mechanism = {CKM_HSMIAM_AWS_SIGV4, (char *)SCOPE, strlen(SCOPE)}};
    fix.session = open_session();
    mock.logged_in = true;
    fix.key = mock_add_access_key(KEY_ID, "Bob", SECRET);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hsmiam_mechanism_end_session(fix.session);
    assert_int_equal(mock_count_session_objects(), 0);
    assert_null(strstr(last_message, SECRET));
    return 0;
}

/* The key derives in the token instead. */
static void let_it_derive(void)
{
    mock.derives = true;
    mock.names_derivation = true;
    mock_set_flag(fix.key, CKA_SIGN, false);
    mock_set_flag(fix.key, CKA_DERIVE, true);
}

static CK_RV begin(void)
{
    return hsmiam_mechanism_sign_init(fix.behind, fix.session, &fix.mechanism, fix.key);
}

static CK_RV sign(const char *text, unsigned char *mac, CK_ULONG *size)
{
    return hsmiam_mechanism_sign(fix.behind, fix.session, (unsigned char *)text, strlen(text), mac,
                                 size);
}

static CK_RV update(const char *text)
{
    return hsmiam_mechanism_sign_update(fix.behind, fix.session, (unsigned char *)text,
                                        strlen(text));
}

static CK_RV final(unsigned char *mac, CK_ULONG *size)
{
    return hsmiam_mechanism_sign_final(fix.behind, fix.session, mac, size);
}

static void expect_signature(const unsigned char *mac, CK_ULONG size)
{
    char hex[2 * MAC_SIZE + 1] = "";

    assert_int_equal(size, MAC_SIZE);
    for (size_t i = 0; i < MAC_SIZE; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", mac[i]);
    assert_string_equal(hex, SIGNATURE);
}

/* Neither here nor in the module behind. */
static void expect_no_operation(void)
{
    CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0};
    unsigned char mac[MAC_SIZE];
    CK_ULONG size = sizeof mac;
    bool signs = mock_get_flag(fix.key, CKA_SIGN) == 1;

    assert_int_equal(sign("x", mac, &size), CKR_OPERATION_NOT_INITIALIZED);
    mock_set_flag(fix.key, CKA_SIGN, true);
    assert_int_equal(fix.behind->C_SignInit(fix.session, &hmac, fix.key), CKR_OK);
    assert_int_equal(fix.behind->C_Sign(fix.session, mac, 0, mac, &size), CKR_OK);
    mock_set_flag(fix.key, CKA_SIGN, signs);
}

static void sign_example(void)
{
    unsigned char mac[MAC_SIZE + 8];
    CK_ULONG size = sizeof mac;

    assert_int_equal(begin(), CKR_OK);
    assert_int_equal(sign(TEXT, mac, &size), CKR_OK);
    expect_signature(mac, size);
    expect_no_operation();
}

static void signs_by_a_key_that_signs(void **state)
{
    (void)state;
    sign_example();
    assert_int_equal(mock.calls[MOCK_C_DeriveKey], 0);
}

static void signs_by_a_key_that_derives(void **state)
{
    (void)state;
    let_it_derive();
    sign_example();
    assert_int_equal(mock.calls[MOCK_C_DeriveKey], 4);
}

static void keeps_more_inside_if_the_key_may_do_both(void **state)
{
    (void)state;
    let_it_derive();
    mock_set_flag(fix.key, CKA_SIGN, true);
    sign_example();
    assert_int_equal(mock.calls[MOCK_C_DeriveKey], 4);
    mock.names_derivation = false;
    mock.derives = false;
    sign_example();
    assert_int_equal(mock.calls[MOCK_C_DeriveKey], 4);
}

static void finds_the_scope_in_the_text(void **state)
{
    unsigned char mac[MAC_SIZE];
    CK_ULONG size = sizeof mac;

    (void)state;
    fix.mechanism = (CK_MECHANISM){CKM_HSMIAM_AWS_SIGV4, NULL, 0};
    sign_example();
    assert_int_equal(begin(), CKR_OK);
    assert_int_equal(sign("no scope here", mac, &size), CKR_DATA_INVALID);
    assert_non_null(strstr(last_message, "third line"));
    expect_no_operation();
}

static void signs_in_parts(void **state)
{
    static const size_t cuts[] = {0, 1, 40, sizeof TEXT - 1};
    unsigned char mac[MAC_SIZE];
    char first[sizeof TEXT];

    (void)state;
    for (int derives = 0; derives < 2; derives++) {
        for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
            CK_ULONG size = sizeof mac;
            (void)snprintf(first, sizeof first, "%.*s", (int)cuts[i], TEXT);
            assert_int_equal(begin(), CKR_OK);
            assert_int_equal(update(first), CKR_OK);
            assert_int_equal(update(TEXT + cuts[i]), CKR_OK);
            assert_int_equal(final(mac, &size), CKR_OK);
            expect_signature(mac, size);
            expect_no_operation();
        }
        let_it_derive();
    }
}

static void keeps_the_operation_until_there_is_room(void **state)
{
    unsigned char mac[MAC_SIZE];
    CK_ULONG size = 0;

    (void)state;
    assert_int_equal(begin(), CKR_OK);
    assert_int_equal(sign(TEXT, NULL, &size), CKR_OK);
    assert_int_equal(size, MAC_SIZE);
    size = MAC_SIZE - 1;
    assert_int_equal(sign(TEXT, mac, &size), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(size, MAC_SIZE);
    assert_int_equal(update(TEXT), CKR_OK);
    size = 0;
    assert_int_equal(final(NULL, &size), CKR_OK);
    assert_int_equal(final(mac, &(CK_ULONG){1}), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(size, MAC_SIZE);
    assert_int_equal(final(mac, &size), CKR_OK);
    expect_signature(mac, size);
    expect_no_operation();
}

static void ends_by_what_is_wrong(void **state)
{
    unsigned char mac[MAC_SIZE];
    CK_ULONG size = sizeof mac;
    const size_t too_much = (size_t)1024 * 1024 + 1;
    unsigned char *much = calloc(1, too_much);

    (void)state;
    assert_int_equal(begin(), CKR_OK);
    assert_int_equal(sign(TEXT, mac, NULL), CKR_ARGUMENTS_BAD);
    expect_no_operation();
    assert_int_equal(begin(), CKR_OK);
    assert_int_equal(hsmiam_mechanism_sign(fix.behind, fix.session, NULL, 1, mac, &size),
                     CKR_ARGUMENTS_BAD);
    expect_no_operation();
    assert_int_equal(begin(), CKR_OK);
    assert_int_equal(hsmiam_mechanism_sign_update(fix.behind, fix.session, NULL, 1),
                     CKR_ARGUMENTS_BAD);
    expect_no_operation();
    assert_int_equal(begin(), CKR_OK);
    assert_int_equal(final(mac, NULL), CKR_ARGUMENTS_BAD);
    expect_no_operation();
    /* C_Sign does not end what C_SignUpdate began. */
    assert_int_equal(begin(), CKR_OK);
    assert_int_equal(update("x"), CKR_OK);
    assert_int_equal(sign(TEXT, mac, &size), CKR_OPERATION_NOT_INITIALIZED);
    expect_no_operation();
    assert_int_equal(begin(), CKR_OK);
    assert_int_equal(hsmiam_mechanism_sign(fix.behind, fix.session, much, too_much, mac, &size),
                     CKR_DATA_LEN_RANGE);
    expect_no_operation();
    assert_int_equal(begin(), CKR_OK);
    assert_int_equal(update("x"), CKR_OK);
    assert_int_equal(hsmiam_mechanism_sign_update(fix.behind, fix.session, much, too_much - 1),
                     CKR_DATA_LEN_RANGE);
    expect_no_operation();
    free(much);
}

static void signs_what_is_empty(void **state)
{
    unsigned char by_sign[MAC_SIZE];
    unsigned char by_final[MAC_SIZE];
    CK_ULONG size = sizeof by_sign;

    (void)state;
    assert_int_equal(begin(), CKR_OK);
    assert_int_equal(hsmiam_mechanism_sign(fix.behind, fix.session, NULL, 0, by_sign, &size),
                     CKR_OK);
    assert_int_equal(begin(), CKR_OK);
    assert_int_equal(final(by_final, &size), CKR_OK);
    assert_memory_equal(by_sign, by_final, MAC_SIZE);
}

static void keeps_other_operations_off(void **state)
{
    CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0};
    unsigned char mac[MAC_SIZE];
    CK_ULONG size = sizeof mac;

    (void)state;
    for (int derives = 0; derives < 2; derives++) {
        assert_int_equal(begin(), CKR_OK);
        assert_int_equal(begin(), CKR_OPERATION_ACTIVE);
        assert_int_equal(hsmiam_mechanism_sign_init(fix.behind, fix.session, &hmac, fix.key),
                         CKR_OPERATION_ACTIVE);
        assert_int_equal(sign(TEXT, mac, &size), CKR_OK);
        expect_signature(mac, size);

        mock_set_flag(fix.key, CKA_SIGN, true);
        assert_int_equal(hsmiam_mechanism_sign_init(fix.behind, fix.session, &hmac, fix.key),
                         CKR_OK);
        mock_set_flag(fix.key, CKA_SIGN, derives == 0);
        assert_int_equal(begin(), CKR_OPERATION_ACTIVE);
        assert_int_equal(sign("text", mac, &size), CKR_OK);
        expect_no_operation();
        let_it_derive();
    }
}

static void serves_sessions_by_themselves(void **state)
{
    CK_SESSION_HANDLE first = fix.session;
    CK_SESSION_HANDLE second = open_session();
    unsigned char mac[MAC_SIZE];
    CK_ULONG size = sizeof mac;

    (void)state;
    assert_int_equal(begin(), CKR_OK);
    assert_int_equal(update("AWS4"), CKR_OK);
    fix.session = second;
    assert_int_equal(begin(), CKR_OK);
    assert_int_equal(sign(TEXT, mac, &size), CKR_OK);
    expect_signature(mac, size);
    fix.session = first;
    assert_int_equal(update(TEXT + 4), CKR_OK);
    assert_int_equal(final(mac, &size), CKR_OK);
    expect_signature(mac, size);
}

static void ends_when_it_is_told_to(void **state)
{
    unsigned char mac[MAC_SIZE];
    CK_ULONG size = sizeof mac;

    (void)state;
    for (int derives = 0; derives < 2; derives++) {
        assert_int_equal(begin(), CKR_OK);
        assert_int_equal(hsmiam_mechanism_sign_init(fix.behind, fix.session, NULL, fix.key),
                         CKR_OK);
        expect_no_operation();
        assert_int_equal(begin(), CKR_OK);
        assert_int_equal(hsmiam_mechanism_logout(fix.behind, fix.session), CKR_OK);
        mock.logged_in = true;
        expect_no_operation();
        assert_int_equal(begin(), CKR_OK);
        hsmiam_mechanism_end_session(fix.session);
        assert_int_equal(fix.behind->C_CloseSession(fix.session), CKR_OK);
        assert_int_not_equal(sign(TEXT, mac, &size), CKR_OK);
        fix.session = open_session();
        mock.logged_in = true;
        let_it_derive();
    }
}

static void refuses_to_save_its_state(void **state)
{
    CK_ULONG size = 0;

    (void)state;
    assert_int_equal(begin(), CKR_OK);
    assert_int_equal(hsmiam_mechanism_get_operation_state(fix.behind, fix.session, NULL, &size),
                     CKR_STATE_UNSAVEABLE);
}

static void refuses_parameters_that_are_no_scope(void **state)
{
    static const CK_MECHANISM wrong[] = {
        {CKM_HSMIAM_AWS_SIGV4, (char *)"20150830/us-east-1", 18},
        {CKM_HSMIAM_AWS_SIGV4, (char *)"x", 1},
        {CKM_HSMIAM_AWS_SIGV4, NULL, 8},
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        fix.mechanism = wrong[i];
        assert_int_equal(begin(), CKR_MECHANISM_PARAM_INVALID);
        expect_no_operation();
    }
}

static void refuses_keys_that_are_not_ours(void **state)
{
    (void)state;
    mock_set_attribute(fix.key, CKA_ID, "AKIA-no-id-of-a-key!", 20);
    assert_int_equal(begin(), CKR_KEY_TYPE_INCONSISTENT);
    mock_forget_attribute(fix.key, CKA_ID);
    assert_int_equal(begin(), CKR_KEY_TYPE_INCONSISTENT);
    mock_set_attribute(fix.key, CKA_ID, KEY_ID, strlen(KEY_ID));
    mock_set_flag(fix.key, CKA_PRIVATE, false);
    assert_int_equal(begin(), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_non_null(strstr(last_message, "not private"));
    mock_set_flag(fix.key, CKA_PRIVATE, true);
    mock_set_flag(fix.key, CKA_SIGN, false);
    assert_int_equal(begin(), CKR_KEY_FUNCTION_NOT_PERMITTED);
    mock_set_attribute(fix.key, CKA_KEY_TYPE, &(CK_KEY_TYPE){CKK_AES}, sizeof(CK_KEY_TYPE));
    assert_int_equal(begin(), CKR_KEY_TYPE_INCONSISTENT);
    fix.key = 0x7777;
    assert_int_equal(begin(), CKR_KEY_HANDLE_INVALID);
}

static void says_what_the_module_behind_says(void **state)
{
    unsigned char mac[MAC_SIZE];
    CK_ULONG size = sizeof mac;

    (void)state;
    mock_fail(MOCK_C_SignInit, 1, CKR_DEVICE_ERROR);
    assert_int_equal(begin(), CKR_DEVICE_ERROR);
    mock_fail(MOCK_C_GetAttributeValue, 1, CKR_DEVICE_REMOVED);
    assert_int_equal(begin(), CKR_DEVICE_REMOVED);
    mock_stop_failing();
    assert_int_equal(begin(), CKR_OK);
    mock_fail(MOCK_C_Sign, 1, CKR_DEVICE_ERROR);
    assert_int_equal(sign(TEXT, mac, &size), CKR_DEVICE_ERROR);
    mock_stop_failing();
    expect_no_operation();
    mock.hmac_size = 20;
    assert_int_equal(begin(), CKR_OK);
    assert_int_equal(sign(TEXT, mac, &size), CKR_DEVICE_ERROR);
}

/* Whatever fails on the way, nothing stays in the token and no operation is left. */
static void leaves_nothing_of_a_chain_that_breaks(void **state)
{
    static const mock_function functions[] = {MOCK_C_DeriveKey, MOCK_C_GetAttributeValue,
                                              MOCK_C_SignInit, MOCK_C_Sign};
    unsigned char mac[MAC_SIZE];

    (void)state;
    let_it_derive();
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
        for (unsigned call = 1; call <= 4; call++) {
            CK_ULONG size = sizeof mac;
            assert_int_equal(begin(), CKR_OK);
            mock_fail(functions[i], call, CKR_DEVICE_ERROR);
            CK_RV rv = sign(TEXT, mac, &size);
            mock_stop_failing();
            assert_true(rv == CKR_DEVICE_ERROR || (rv == CKR_OK && i >= 2 && call > 1));
            assert_int_equal(mock_count_session_objects(), 0);
            expect_no_operation();
        }
    mock.derives_openly = true;
    assert_int_equal(begin(), CKR_OK);
    assert_int_equal(sign(TEXT, mac, &(CK_ULONG){sizeof mac}), CKR_DEVICE_ERROR);
    assert_non_null(strstr(last_message, "CKA_SENSITIVE"));
}

static void passes_on_what_is_not_its_own(void **state)
{
    CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0};
    unsigned char mac[MAC_SIZE];
    CK_ULONG size = sizeof mac;

    (void)state;
    assert_int_equal(sign(TEXT, mac, &size), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(hsmiam_mechanism_sign_init(fix.behind, fix.session, &hmac, fix.key), CKR_OK);
    assert_int_equal(sign(TEXT, mac, &size), CKR_OK);
    assert_int_equal(mock.calls[MOCK_C_SignInit], 1);
}

#define sign_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        sign_test(signs_by_a_key_that_signs),
        sign_test(signs_by_a_key_that_derives),
        sign_test(keeps_more_inside_if_the_key_may_do_both),
        sign_test(finds_the_scope_in_the_text),
        sign_test(signs_in_parts),
        sign_test(keeps_the_operation_until_there_is_room),
        sign_test(ends_by_what_is_wrong),
        sign_test(signs_what_is_empty),
        sign_test(keeps_other_operations_off),
        sign_test(serves_sessions_by_themselves),
        sign_test(ends_when_it_is_told_to),
        sign_test(refuses_to_save_its_state),
        sign_test(refuses_parameters_that_are_no_scope),
        sign_test(refuses_keys_that_are_not_ours),
        sign_test(says_what_the_module_behind_says),
        sign_test(leaves_nothing_of_a_chain_that_breaks),
        sign_test(passes_on_what_is_not_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
