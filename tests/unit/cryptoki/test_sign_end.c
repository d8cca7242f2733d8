/* SPDX-License-Identifier: Apache-2.0 */
/* CKM_HSMIAM_AWS_SIGV4: what is refused, what ends an operation, and that nothing is left of it. */
#include "sign_bed.h"

#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cryptoki/cryptoki3.h"
#include "cryptoki/mechanism.h"
#include "hsmiam/pkcs11.h"

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

/* By C_Logout, on whatever thread: a session is worked with by its own thread only. */
static void ends_with_the_next_call_after_a_logout(void **state)
{
    unsigned char mac[MAC_SIZE];
    CK_ULONG size = sizeof mac;

    (void)state;
    assert_int_equal(begin(), CKR_OK);
    mock_stop_failing();
    assert_int_equal(hsmiam_mechanism_logout(fix.behind, fix.session), CKR_OK);
    assert_int_equal(mock.calls[MOCK_C_Sign], 0);
    mock.logged_in = true;
    assert_int_equal(sign(TEXT, mac, &size), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(mock.calls[MOCK_C_Sign], 1);
    expect_no_operation();

    assert_int_equal(begin(), CKR_OK);
    assert_int_equal(hsmiam_mechanism_logout(fix.behind, fix.session), CKR_OK);
    mock.logged_in = true;
    assert_int_equal(begin(), CKR_OK);
    assert_int_equal(sign(TEXT, mac, &size), CKR_OK);
}

static CK_RV cancelled;

static CK_RV cancel(CK_SESSION_HANDLE session, CK_FLAGS flags)
{
    unsigned char mac[MAC_SIZE];
    CK_ULONG size = sizeof mac;

    if (cancelled == CKR_OK && (flags & CKF_SIGN) != 0)
        (void)fix.behind->C_Sign(session, mac, 0, mac, &size);
    return cancelled;
}

static void ends_as_the_module_behind_cancels(void **state)
{
    hsmiam_functions_3 list = {.of_2 = *fix.behind, .C_SessionCancel = cancel};
    unsigned char mac[MAC_SIZE];
    CK_ULONG size = sizeof mac;

    (void)state;
    assert_int_equal(begin(), CKR_OK);
    cancelled = CKR_FUNCTION_FAILED;
    assert_int_equal(hsmiam_mechanism_cancel(&list.of_2, fix.session, CKF_SIGN),
                     CKR_FUNCTION_FAILED);
    cancelled = CKR_OK;
    assert_int_equal(hsmiam_mechanism_cancel(&list.of_2, fix.session, CKF_VERIFY), CKR_OK);
    assert_int_equal(sign(TEXT, mac, &size), CKR_OK);
    expect_signature(mac, size);
    assert_int_equal(begin(), CKR_OK);
    assert_int_equal(hsmiam_mechanism_cancel(&list.of_2, fix.session, CKF_SIGN), CKR_OK);
    expect_no_operation();
    list.C_SessionCancel = NULL;
    assert_int_equal(hsmiam_mechanism_cancel(&list.of_2, fix.session, CKF_SIGN),
                     CKR_FUNCTION_NOT_SUPPORTED);
}

static unsigned updates;

static CK_RV update_both(CK_SESSION_HANDLE session, unsigned char *part, CK_ULONG size,
                         unsigned char *out, CK_ULONG *out_size)
{
    (void)session;
    (void)part;
    (void)size;
    (void)out;
    (void)out_size;
    updates++;
    return CKR_OK;
}

/* The module behind would take the part into its HMAC. */
static void does_not_sign_what_is_encrypted(void **state)
{
    CK_FUNCTION_LIST list = *fix.behind;
    unsigned char part = 0;
    CK_ULONG size = sizeof part;

    (void)state;
    updates = 0;
    list.C_SignEncryptUpdate = update_both;
    assert_int_equal(begin(), CKR_OK);
    assert_int_equal(
        hsmiam_mechanism_sign_encrypt_update(&list, fix.session, &part, 1, &part, &size),
        CKR_FUNCTION_NOT_SUPPORTED);
    assert_int_equal(updates, 0);
    expect_no_operation();
    assert_int_equal(
        hsmiam_mechanism_sign_encrypt_update(&list, fix.session, &part, 1, &part, &size), CKR_OK);
    assert_int_equal(updates, 1);
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

static void starts_no_thread_where_none_may_be(void **state)
{
    CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0};

    (void)state;
    fix.forbids_threads = true;
    assert_int_equal(begin(), CKR_MECHANISM_INVALID);
    assert_non_null(strstr(fix.message, "CKF_LIBRARY_CANT_CREATE_OS_THREADS"));
    assert_int_equal(hsmiam_mechanism_sign_init(fix.behind, fix.session, &hmac, fix.key), CKR_OK);
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
    assert_non_null(strstr(fix.message, "not private"));
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
    assert_non_null(strstr(fix.message, "CKA_SENSITIVE"));
}

/* In a child, which gives up the right to lock more than the limit says. */
static int sign_without_lock(void)
{
    const struct rlimit none = {0, 0};
    unsigned char mac[MAC_SIZE];
    CK_ULONG size = sizeof mac;

    if ((geteuid() == 0 && (setgroups(0, NULL) != 0 || setuid(65534) != 0)) ||
        setrlimit(RLIMIT_MEMLOCK, &none) != 0)
        return 1;
    if (begin() != CKR_OK || sign(TEXT, mac, &size) != CKR_HOST_MEMORY)
        return 2;
    if (strstr(fix.message, "ulimit -l") == NULL)
        return 3;
    /* Neither here nor in the module behind. */
    return fix.behind->C_Sign(fix.session, mac, 0, mac, &size) == CKR_OPERATION_NOT_INITIALIZED ? 0
                                                                                                : 4;
}

static void ends_where_no_memory_can_be_locked(void **state)
{
    int status = 0;
    pid_t child = fork();

    (void)state;
    assert_true(child >= 0);
    if (child == 0)
        _exit(sign_without_lock());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        sign_test(ends_by_what_is_wrong),
        sign_test(keeps_other_operations_off),
        sign_test(ends_with_the_next_call_after_a_logout),
        sign_test(ends_when_it_is_told_to),
        sign_test(ends_as_the_module_behind_cancels),
        sign_test(does_not_sign_what_is_encrypted),
        sign_test(refuses_to_save_its_state),
        sign_test(refuses_parameters_that_are_no_scope),
        sign_test(starts_no_thread_where_none_may_be),
        sign_test(refuses_keys_that_are_not_ours),
        sign_test(says_what_the_module_behind_says),
        sign_test(leaves_nothing_of_a_chain_that_breaks),
        sign_test(ends_where_no_memory_can_be_locked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
