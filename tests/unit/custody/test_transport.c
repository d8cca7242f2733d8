/* SPDX-License-Identifier: Apache-2.0 */
/* Route rsa-oaep with a transport key: one RSA operation for all, and none of it stays. */
#include "fixture.h"

#include <string.h>

#include "token/cryptoki.h"
#include "token/cryptoki3.h"

#define TRANSPORT "hsmiam-transport-key"

static CK_OBJECT_HANDLE get_transport_key(void)
{
    return mock_find_labelled(CKO_SECRET_KEY, TRANSPORT);
}

static void know(CK_MECHANISM_TYPE wrap)
{
    mock.key_wraps[0] = wrap;
    mock.key_wrap_count = 1;
}

static void begin_anew(fixture *fix)
{
    fixture_stop(fix);
    fixture_start(fix);
}

/* Issues a key by rsa-oaep; the token unwraps so often by RSA and by AES, all that it does. */
static void expect_unwraps(fixture *fix, unsigned by_rsa, unsigned by_aes)
{
    hsmiam_status status = fixture_create(fix, "alice");

    if (status != HSMIAM_OK)
        print_error("%s\n", hsmiam_error_get_message(fix->error));
    assert_int_equal(status, HSMIAM_OK);
    assert_string_equal(hsmiam_access_key_get_import_route(fix->key), "rsa-oaep");
    /* Proven by HMAC: its value may have zeros behind it. */
    assert_int_not_equal(mock_find(CKO_SECRET_KEY, NEW_ID), CK_INVALID_HANDLE);
    assert_int_equal(mock.unwrapped_by_rsa, by_rsa);
    assert_int_equal(mock.unwrapped_by_aes, by_aes);
    assert_int_equal(mock.calls[MOCK_C_CreateObject], 0);
    assert_int_equal(mock.calls[MOCK_C_EncryptInit], 0);
    assert_int_equal(fix->notices, 0);
}

/* A transport key is a secret, whoever asks for the rehearsal that makes it. */
static void test_on_sealed_threads_only(void **state)
{
    fixture *fix = *state;

    know(CKM_AES_KEY_WRAP_KWP);
    assert_int_equal(hsmiam_custody_prepare(fix->custody, fix->error), HSMIAM_OK);
    assert_int_equal(mock.unwrapped_by_rsa + mock.unwrapped_by_aes, 2);
    expect_unwraps(fix, 1, 2);
    assert_int_equal(mock.unwrapped_in_the_open, 0);
    begin_anew(fix);
    know(CKM_AES_KEY_WRAP_KWP);
    assert_int_equal(hsmiam_access_key_import(fix->custody, NEW_ID, "alice", NEW_SECRET,
                                              strlen(NEW_SECRET), NULL, fix->error),
                     HSMIAM_OK);
    assert_int_equal(mock.unwrapped_by_rsa, 1);
    assert_int_equal(mock.unwrapped_in_the_open, 0);
}

static void test_each_mechanism(void **state)
{
    static const CK_MECHANISM_TYPE wraps[] = {CKM_AES_KEY_WRAP_KWP, CKM_AES_KEY_WRAP_PAD,
                                              CKM_AES_KEY_WRAP};
    fixture *fix = *state;

    for (size_t i = 0; i < sizeof wraps / sizeof wraps[0]; i++) {
        begin_anew(fix);
        know(wraps[i]);
        expect_unwraps(fix, 1, 2);
        /* One that is named and does not work is passed over, with a key limited to the next. */
        begin_anew(fix);
        know(wraps[i]);
        mock.names_wraps = true;
        mock.limits = true;
        expect_unwraps(fix, 1 + (unsigned)i, 2);
    }
}

static void test_the_key(void **state)
{
    static const struct {
        CK_ATTRIBUTE_TYPE type;
        int value;
    } flags[] = {{CKA_TOKEN, 0},     {CKA_PRIVATE, 1}, {CKA_SENSITIVE, 1}, {CKA_EXTRACTABLE, 0},
                 {CKA_UNWRAP, 1},    {CKA_WRAP, 0},    {CKA_ENCRYPT, 0},   {CKA_DECRYPT, 0},
                 {CKA_SIGN, 0},      {CKA_VERIFY, 0},  {CKA_DERIVE, 0},    {CKA_COPYABLE, 0},
                 {CKA_MODIFIABLE, 0}};
    const CK_MECHANISM_TYPE mechanism = CKM_AES_KEY_WRAP_PAD;
    fixture *fix = *state;

    know(mechanism);
    expect_unwraps(fix, 1, 2);
    CK_OBJECT_HANDLE key = get_transport_key();
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        assert_int_equal(mock_get_flag(key, flags[i].type), flags[i].value);
    const CK_ATTRIBUTE *allowed = mock_get_attribute(key, CKA_ALLOWED_MECHANISMS);
    assert_int_equal(allowed->ulValueLen, sizeof mechanism);
    assert_memory_equal(allowed->pValue, &mechanism, sizeof mechanism);
    assert_int_equal(mock_count_session_objects(), 1);
}

/* It ends with the custody, and with the token. */
static void test_nothing_stays(void **state)
{
    fixture *fix = *state;
    hsmiam_custody *other = NULL;

    know(CKM_AES_KEY_WRAP_PAD);
    assert_int_equal(hsmiam_custody_prepare(fix->custody, fix->error), HSMIAM_OK);
    assert_int_equal(mock_count_session_objects(), 1);
    hsmiam_custody_free(&fix->custody);
    assert_int_equal(mock_count_session_objects(), 0);
    assert_null(fix->token->transport.host_key);

    assert_int_equal(hsmiam_custody_new(fix->token, &other, fix->error), HSMIAM_OK);
    assert_int_equal(hsmiam_custody_prepare(other, fix->error), HSMIAM_OK);
    assert_int_equal(mock_count_session_objects(), 1);
    hsmiam_token_end_transport(fix->token);
    assert_int_equal(mock_count_session_objects(), 0);
    hsmiam_custody_free(&other);
}

/* Then values are encrypted by RSA-OAEP themselves: the route is the same. */
static void test_token_that_cannot(void **state)
{
    fixture *fix = *state;

    expect_unwraps(fix, 2, 0); /* it names none */
    begin_anew(fix);
    mock.names_wraps = true; /* and does none */
    expect_unwraps(fix, 3 + 2, 0);
    assert_int_equal(mock_count_session_objects(), 0);
    begin_anew(fix);
    know(CKM_AES_KEY_WRAP_PAD);
    mock.wrong_type = CKK_AES;
    expect_unwraps(fix, 2, 0);
    begin_anew(fix);
    know(CKM_AES_KEY_WRAP_PAD);
    mock.lies = true; /* its keys may do more than was asked for */
    mock.lies_about = CKA_DECRYPT;
    assert_int_equal(fixture_create(fix, "alice"), HSMIAM_ERR_UNSUPPORTED);
    assert_int_equal(mock.unwrapped_by_aes, 0);
    assert_int_equal(mock_count_session_objects(), 0);
}

static void test_restricted_templates(void **state)
{
    static const CK_ATTRIBUTE_TYPE refused[] = {CKA_COPYABLE, CKA_MODIFIABLE,
                                                CKA_ALLOWED_MECHANISMS};
    fixture *fix = *state;

    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        begin_anew(fix);
        know(CKM_AES_KEY_WRAP_PAD);
        mock.refused[0] = refused[i];
        mock.refused_count = 1;
        expect_unwraps(fix, 1, 2);
    }
    begin_anew(fix);
    know(CKM_AES_KEY_WRAP_PAD);
    mock.wants_value_len = true;
    mock.sha1_only = true;
    mock.hash_refusal = CKR_ARGUMENTS_BAD;
    expect_unwraps(fix, 1, 2);
}

static void lose_session(hsmiam_client *client)
{
    (void)client;
    mock_stop_failing();
    mock_fail(MOCK_C_UnwrapKey, 1, CKR_SESSION_HANDLE_INVALID);
}

/* The key went with its session, and is made anew. */
static void test_loss(void **state)
{
    fixture *fix = *state;

    know(CKM_AES_KEY_WRAP_PAD);
    fix->client.on_create = lose_session;
    expect_unwraps(fix, 2, 2);
    assert_int_equal(mock_count_session_objects(), 1);
}

/* A token that unwraps by AES no more when it matters: what was refused was not done. */
static void refuse_wraps(hsmiam_client *client)
{
    (void)client;
    mock.key_wrap_count = 0;
}

static void test_refused_at_last(void **state)
{
    fixture *fix = *state;

    know(CKM_AES_KEY_WRAP_PAD);
    fix->client.on_create = refuse_wraps;
    expect_unwraps(fix, 2, 1);
    assert_int_equal(mock_count_session_objects(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_each_mechanism),
        fixture_test(test_on_sealed_threads_only),
        fixture_test(test_the_key),
        fixture_test(test_nothing_stays),
        fixture_test(test_token_that_cannot),
        fixture_test(test_restricted_templates),
        fixture_test(test_loss),
        fixture_test(test_refused_at_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
