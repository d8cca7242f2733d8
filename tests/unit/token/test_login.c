/* SPDX-License-Identifier: Apache-2.0 */
/* The session and the login: what the token says of its PIN, and what becomes of a refused one. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

static void add_flags(CK_FLAGS flags)
{
    mock.slots[0].token.flags |= flags;
}

static void test_wrong_pin_is_tried_once(void **state)
{
    static const CK_RV refusals[] = {CKR_PIN_INCORRECT, CKR_PIN_INVALID, CKR_PIN_LEN_RANGE};
    fixture *fix = *state;

    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        char name[32];
        mock_stop_failing();
        (void)fixture_name_token(fix, URI_WITH_PIN);
        mock_fail(MOCK_C_Login, 1, refusals[i]);
        fixture_expect_open(fix, HSMIAM_ERR_PIN);
        fixture_expect_message(fix, "\"mock token\" is wrong (14 bytes)");
        assert_int_equal(hsmiam_error_get_domain(fix->error), HSMIAM_DOMAIN_PKCS11);
        assert_int_equal(hsmiam_error_get_code(fix->error), refusals[i]);
        assert_string_equal(hsmiam_error_get_code_name(fix->error),
                            hsmiam_rv_get_name(refusals[i], name));
        for (int again = 0; again < 3; again++) {
            fixture_expect_open(fix, HSMIAM_ERR_PIN);
            fixture_expect_message(fix, "not tried again");
        }
        assert_int_equal(mock.calls[MOCK_C_Login], 1);
        assert_int_equal(mock_count_sessions(), 0);
    }
}

static void test_wrong_pin_in_earnest(void **state)
{
    fixture *fix = *state;

    (void)fixture_name_token(fix, "pkcs11:token=mock%20token?pin-value=hush-90211");
    fixture_expect_open(fix, HSMIAM_ERR_PIN);
    fixture_expect_no_message(fix, "hush");
    assert_string_equal(hsmiam_error_get_code_name(fix->error), "CKR_PIN_INCORRECT");
    assert_false(mock.logged_in);
}

/* Where to look, without a word of the PIN. */
static void test_wrong_pin_has_a_source(void **state)
{
    static const struct {
        const char *source;
        const char *message;
    } cases[] = {
        {NULL, "It is the URI's pin-value; correct that."},
        {"/proc/sys/kernel/ostype", "from the file /proc/sys/kernel/ostype; correct it there."},
        {"file:/proc/sys/kernel/ostype", "from the file /proc/sys/kernel/ostype; correct it"},
        {"|echo hush-90211", "the command of pin-source printed; correct that."},
        {"systemd:ostype", "from the systemd credential that pin-source names"},
        {"ostype", "from the systemd credential that pin-source names"},
    };
    fixture *fix = *state;

    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", "/proc/sys/kernel", 1), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)fixture_name_token(fix, "pkcs11:token=mock%20token?pin-value=hush-90211");
        if (cases[i].source != NULL)
            assert_int_equal(hsmiam_token_set_pin_source(fix->token, cases[i].source, NULL),
                             HSMIAM_OK);
        fixture_expect_open(fix, HSMIAM_ERR_PIN);
        fixture_expect_message(fix, cases[i].message);
        fixture_expect_no_message(fix, "hush");
        fixture_expect_no_message(fix, "locks the token");
    }
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
}

static void test_wrong_pin_and_further_tries(void **state)
{
    static const struct {
        CK_FLAGS flag;
        const char *message;
    } cases[] = {
        {CKF_USER_PIN_COUNT_LOW, "may lock after a few"},
        {CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY, "One more wrong PIN locks the token"},
    };
    fixture *fix = *state;
    CK_FLAGS before = mock.slots[0].token.flags;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)fixture_name_token(fix, "pkcs11:token=mock%20token?pin-value=hush-90211");
        hsmiam_token_set_allow_final_try(fix->token, true);
        mock.slots[0].token.flags = before | cases[i].flag;
        fixture_expect_open(fix, HSMIAM_ERR_PIN);
        fixture_expect_message(fix, cases[i].message);
    }
    mock.slots[0].token.flags = before;
}

static void test_locked_and_expired_by_login(void **state)
{
    static const struct {
        CK_RV rv;
        const char *message;
        unsigned logins; /* over three attempts to open */
    } cases[] = {
        {CKR_PIN_LOCKED, "is locked", 1},
        {CKR_PIN_EXPIRED, "has expired", 1},
        {CKR_USER_PIN_NOT_INITIALIZED, "no user PIN yet", 3},
        {CKR_USER_ANOTHER_ALREADY_LOGGED_IN, "security officer is logged in", 3},
    };
    fixture *fix = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mock_stop_failing();
        (void)fixture_name_token(fix, URI_WITH_PIN);
        mock_fail(MOCK_C_Login, 0, cases[i].rv);
        fixture_expect_open(fix, HSMIAM_ERR_PIN);
        fixture_expect_message(fix, cases[i].message);
        assert_int_equal(hsmiam_error_get_code(fix->error), cases[i].rv);
        fixture_expect_open(fix, HSMIAM_ERR_PIN);
        fixture_expect_open(fix, HSMIAM_ERR_PIN);
        assert_int_equal(mock.calls[MOCK_C_Login], cases[i].logins);
    }
}

static void test_flags_are_read_before_any_try(void **state)
{
    static const struct {
        CK_FLAGS set;
        CK_FLAGS cleared;
        const char *message;
    } cases[] = {
        {CKF_USER_PIN_LOCKED, 0, "is locked"},
        {0, CKF_USER_PIN_INITIALIZED, "no user PIN yet"},
        {CKF_USER_PIN_TO_BE_CHANGED, 0, "must be changed"},
        {CKF_USER_PIN_FINAL_TRY, 0, "One more wrong PIN locks"},
        {CKF_USER_PIN_LOCKED | CKF_USER_PIN_FINAL_TRY, 0, "is locked"},
    };
    fixture *fix = *state;
    CK_FLAGS before = mock.slots[0].token.flags;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mock.slots[0].token.flags = (before & ~cases[i].cleared) | cases[i].set;
        (void)fixture_name_token(fix, URI_WITH_PIN);
        fixture_expect_open(fix, HSMIAM_ERR_PIN);
        fixture_expect_message(fix, cases[i].message);
        fixture_expect_message(fix, "\"mock token\"");
    }
    assert_int_equal(mock.calls[MOCK_C_Login], 0);
    assert_int_equal(mock_count_sessions(), 0);
}

static void test_final_try_when_allowed(void **state)
{
    fixture *fix = *state;

    add_flags(CKF_USER_PIN_FINAL_TRY);
    (void)fixture_name_token(fix, URI_WITH_PIN);
    fixture_expect_open(fix, HSMIAM_ERR_PIN);
    hsmiam_token_set_allow_final_try(fix->token, true);
    fixture_expect_open(fix, HSMIAM_OK);
    assert_int_equal(mock.calls[MOCK_C_Login], 1);
}

/* A token says after a wrong PIN that few tries are left; that alone is no reason to refuse. */
static void test_low_count_is_not_refused(void **state)
{
    fixture *fix = *state;

    add_flags(CKF_USER_PIN_COUNT_LOW);
    (void)fixture_name_token(fix, URI_WITH_PIN);
    fixture_expect_open(fix, HSMIAM_OK);
}

static void test_security_officer_is_logged_in(void **state)
{
    fixture *fix = *state;

    mock.so_logged_in = true;
    (void)fixture_name_token(fix, URI_WITH_PIN);
    fixture_expect_open(fix, HSMIAM_ERR_PIN);
    fixture_expect_message(fix, "security officer");
    mock.so_logged_in = false;
    fixture_expect_open(fix, HSMIAM_OK);
}

/* Who was logged in before stays so: it was not our login. No PIN is needed. */
static void test_already_logged_in(void **state)
{
    static const CK_FLAGS flags[] = {0, CKF_WRITE_PROTECTED, CKF_USER_PIN_FINAL_TRY,
                                     CKF_USER_PIN_LOCKED};
    fixture *fix = *state;

    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        add_flags(flags[i]);
        (void)fixture_name_token(fix, "pkcs11:token=mock%20token");
        mock.logged_in = true;
        fixture_expect_open(fix, HSMIAM_OK);
    }
    hsmiam_token_free(&fix->token);
    assert_int_equal(mock.calls[MOCK_C_Login], 0);
    assert_int_equal(mock.calls[MOCK_C_Logout], 0);
}

/* Some other thread may be quicker. */
static void test_logged_in_meanwhile(void **state)
{
    fixture *fix = *state;

    mock.logged_in = true;
    (void)fixture_name_token(fix, URI_WITH_PIN);
    mock_fail(MOCK_C_GetSessionInfo, 1, CKR_DEVICE_ERROR);
    fixture_expect_open(fix, HSMIAM_OK);
    assert_int_equal(mock.calls[MOCK_C_Login], 1);
    hsmiam_token_free(&fix->token);
    assert_int_equal(mock.calls[MOCK_C_Logout], 0);
}

static void test_no_login_required(void **state)
{
    fixture *fix = *state;

    mock.slots[0].token.flags &= ~(CK_FLAGS)CKF_LOGIN_REQUIRED;
    (void)fixture_name_token(fix, "pkcs11:token=mock%20token");
    fixture_expect_open(fix, HSMIAM_OK);
    assert_int_equal(mock.calls[MOCK_C_Login], 0);
    assert_int_equal(fix->notices, 1);
    assert_non_null(strstr(fix->log, "needs no login"));
}

static void test_pin_pad(void **state)
{
    fixture *fix = *state;

    add_flags(CKF_PROTECTED_AUTHENTICATION_PATH);
    (void)fixture_name_token(fix, "pkcs11:token=mock%20token");
    mock_fail(MOCK_C_Login, 1, CKR_PIN_INCORRECT);
    fixture_expect_open(fix, HSMIAM_ERR_PIN);
    fixture_expect_message(fix, "is wrong");
    fixture_expect_no_message(fix, "0 bytes");

    (void)fixture_name_token(fix, "pkcs11:token=mock%20token");
    fixture_expect_open(fix, HSMIAM_OK);
    assert_true(mock.logged_in);
    assert_non_null(strstr(fix->log, "on its own keypad"));
}

static void test_write_protected_token_is_opened_for_reading(void **state)
{
    fixture *fix = *state;
    hsmiam_object key = CK_INVALID_HANDLE;
    char id[HSMIAM_ACCESS_KEY_ID_MAX + 1];

    (void)mock_add_access_key("AKIAIOSFODNN7EXAMPLE", "alice", "secret");
    add_flags(CKF_WRITE_PROTECTED);
    hsmiam_token *token = fixture_open_token(fix);
    assert_true(token->read_only);
    assert_int_equal(mock.calls[MOCK_C_OpenSession], 1);
    assert_int_equal(hsmiam_token_find_access_key(token, NULL, &key, id, fix->error), HSMIAM_OK);
    assert_int_equal(hsmiam_token_provision(token, NULL, NULL, fix->error), HSMIAM_ERR_UNSUPPORTED);
    fixture_expect_message(fix, "write-protected");
    assert_int_equal(mock.calls[MOCK_C_GenerateKeyPair], 0);
}

/* The flag may come late: then the refused session tells. */
static void test_write_protection_told_by_open_session(void **state)
{
    fixture *fix = *state;

    (void)fixture_name_token(fix, URI_WITH_PIN);
    mock_fail(MOCK_C_OpenSession, 1, CKR_TOKEN_WRITE_PROTECTED);
    fixture_expect_open(fix, HSMIAM_OK);
    assert_true(fix->token->read_only);
    assert_int_equal(mock.calls[MOCK_C_OpenSession], 2);
}

/* After a failure that has nothing to do with the PIN, another attempt is made in full. */
static void test_open_after_a_passing_failure(void **state)
{
    fixture *fix = *state;

    (void)fixture_name_token(fix, URI_WITH_PIN);
    mock_fail(MOCK_C_Login, 1, CKR_DEVICE_ERROR);
    fixture_expect_open(fix, HSMIAM_ERR_TOKEN);
    fixture_expect_message(fix, "C_Login");
    assert_int_equal(mock_count_sessions(), 0);
    fixture_expect_open(fix, HSMIAM_OK);
}

/* The write protection of a first attempt does not outlive it. */
static void test_read_only_is_decided_anew(void **state)
{
    fixture *fix = *state;

    add_flags(CKF_WRITE_PROTECTED);
    (void)fixture_name_token(fix, URI_WITH_PIN);
    mock_fail(MOCK_C_Login, 1, CKR_DEVICE_ERROR);
    fixture_expect_open(fix, HSMIAM_ERR_TOKEN);
    mock.slots[0].token.flags &= ~(CK_FLAGS)CKF_WRITE_PROTECTED;
    fixture_expect_open(fix, HSMIAM_OK);
    assert_false(fix->token->read_only);
}

/* Logging out is for all sessions of a process, so it is left to the last one's end. */
static void test_two_tokens_in_one_process(void **state)
{
    fixture *fix = *state;
    hsmiam_token *other = NULL;
    hsmiam_secret *mac = NULL;

    CK_OBJECT_HANDLE key = mock_add_access_key("AKIAIOSFODNN7EXAMPLE", "alice", "secret");
    assert_int_equal(hsmiam_token_new(URI_WITH_PIN, &other, fix->error), HSMIAM_OK);
    hsmiam_token_set_modules(other, mock_get_modules());
    assert_int_equal(hsmiam_token_open(other, fix->error), HSMIAM_OK);
    hsmiam_token *token = fixture_open_token(fix);
    assert_int_equal(mock.calls[MOCK_C_Login], 1);

    hsmiam_token_free(&other);
    assert_int_equal(mock_count_sessions(), 1);
    assert_int_equal(hsmiam_secret_new(HSMIAM_HMAC_SIZE, &mac, fix->error), HSMIAM_OK);
    assert_int_equal(hsmiam_token_hmac(token, key, "data", 4, mac, fix->error), HSMIAM_OK);
    hsmiam_secret_free(&mac);
    hsmiam_token_free(&fix->token);
    assert_false(mock.logged_in);
    assert_int_equal(mock.calls[MOCK_C_Logout], 0);
}

static void expect_names(const hsmiam_token *token, const char *label, const char *serial)
{
    assert_string_equal(hsmiam_token_get_label(token), label);
    assert_string_equal(hsmiam_token_get_serial(token), serial);
    assert_int_equal(hsmiam_token_get_uri(token)[0] != '\0', label[0] != '\0');
}

static void test_no_names_after_a_failure(void **state)
{
    fixture *fix = *state;

    hsmiam_token *token = fixture_name_token(fix, URI_WITH_PIN);
    expect_names(token, "", "");
    mock_fail(MOCK_C_Login, 1, CKR_DEVICE_ERROR);
    fixture_expect_open(fix, HSMIAM_ERR_TOKEN);
    fixture_expect_message(fix, "\"mock token\"");
    expect_names(token, "", "");
    mock_fail(MOCK_C_OpenSession, 1, CKR_DEVICE_ERROR);
    fixture_expect_open(fix, HSMIAM_ERR_TOKEN);
    expect_names(token, "", "");
    fixture_expect_open(fix, HSMIAM_OK);
    expect_names(token, "mock token", "4711");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_wrong_pin_is_tried_once),
        fixture_test(test_wrong_pin_in_earnest),
        fixture_test(test_wrong_pin_has_a_source),
        fixture_test(test_wrong_pin_and_further_tries),
        fixture_test(test_locked_and_expired_by_login),
        fixture_test(test_flags_are_read_before_any_try),
        fixture_test(test_final_try_when_allowed),
        fixture_test(test_low_count_is_not_refused),
        fixture_test(test_security_officer_is_logged_in),
        fixture_test(test_already_logged_in),
        fixture_test(test_logged_in_meanwhile),
        fixture_test(test_no_login_required),
        fixture_test(test_pin_pad),
        fixture_test(test_write_protected_token_is_opened_for_reading),
        fixture_test(test_write_protection_told_by_open_session),
        fixture_test(test_open_after_a_passing_failure),
        fixture_test(test_read_only_is_decided_anew),
        fixture_test(test_two_tokens_in_one_process),
        fixture_test(test_no_names_after_a_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
