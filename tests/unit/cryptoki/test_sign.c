/* SPDX-License-Identifier: Apache-2.0 */
/* CKM_HSMIAM_AWS_SIGV4: signatures by either kind of key, and in all ways that PKCS#11 has. */
#include "sign_bed.h"

#include <stdio.h>
#include <string.h>

#include "hsmiam/pkcs11.h"

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
    assert_non_null(strstr(fix.message, "third line"));
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
            assert_int_equal(update(&TEXT[cuts[i]]), CKR_OK);
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
    assert_int_equal(update(&TEXT[4]), CKR_OK);
    assert_int_equal(final(mac, &size), CKR_OK);
    expect_signature(mac, size);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        sign_test(signs_by_a_key_that_signs),
        sign_test(signs_by_a_key_that_derives),
        sign_test(keeps_more_inside_if_the_key_may_do_both),
        sign_test(finds_the_scope_in_the_text),
        sign_test(signs_in_parts),
        sign_test(keeps_the_operation_until_there_is_room),
        sign_test(signs_what_is_empty),
        sign_test(serves_sessions_by_themselves),
        sign_test(passes_on_what_is_not_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
