/* SPDX-License-Identifier: Apache-2.0 */
#include "sign_bed.h"

#include <stdio.h>
#include <string.h>

#include "cryptoki/behind.h"
#include "cryptoki/message.h"
#include "hsmiam/pkcs11.h"

#define SIGNATURE "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"

sign_bed fix;

bool hsmiam_behind_may_start_threads(void)
{
    return !fix.forbids_threads;
}

void hsmiam_message_write(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(fix.message, sizeof fix.message, format, arguments);
    va_end(arguments);
}

void hsmiam_message_write_error(const hsmiam_error *error)
{
    hsmiam_message_write("%s", hsmiam_error_get_message(error));
}

CK_SESSION_HANDLE open_session(void)
{
    CK_SESSION_HANDLE session = CK_INVALID_HANDLE;

    assert_int_equal(
        fix.behind->C_OpenSession(mock.slots[0].id, CKF_SERIAL_SESSION, NULL, NULL, &session),
        CKR_OK);
    return session;
}

int sign_bed_set_up(void **state)
{
    (void)state;
    mock_reset();
    fix = (sign_bed){.behind = mock_get_modules()[0],
                     .mechanism = {CKM_HSMIAM_AWS_SIGV4, (char *)SCOPE, strlen(SCOPE)}};
    fix.session = open_session();
    mock.logged_in = true;
    fix.key = mock_add_access_key(KEY_ID, "Bob", SECRET);
    return 0;
}

int sign_bed_tear_down(void **state)
{
    (void)state;
    hsmiam_mechanism_end_session(fix.session);
    assert_int_equal(mock_count_session_objects(), 0);
    assert_null(strstr(fix.message, SECRET));
    return 0;
}

void let_it_derive(void)
{
    mock.derives = true;
    mock.names_derivation = true;
    mock_set_flag(fix.key, CKA_SIGN, false);
    mock_set_flag(fix.key, CKA_DERIVE, true);
}

CK_RV begin(void)
{
    return hsmiam_mechanism_sign_init(fix.behind, fix.session, &fix.mechanism, fix.key);
}

CK_RV sign(const char *text, unsigned char *mac, CK_ULONG *size)
{
    return hsmiam_mechanism_sign(fix.behind, fix.session, (unsigned char *)text, strlen(text), mac,
                                 size);
}

CK_RV update(const char *text)
{
    return hsmiam_mechanism_sign_update(fix.behind, fix.session, (unsigned char *)text,
                                        strlen(text));
}

CK_RV final(unsigned char *mac, CK_ULONG *size)
{
    return hsmiam_mechanism_sign_final(fix.behind, fix.session, mac, size);
}

void expect_signature(const unsigned char *mac, CK_ULONG size)
{
    char hex[2 * MAC_SIZE + 1] = "";

    assert_int_equal(size, MAC_SIZE);
    for (size_t i = 0; i < MAC_SIZE; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", mac[i]);
    assert_string_equal(hex, SIGNATURE);
}

void expect_no_operation(void)
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
