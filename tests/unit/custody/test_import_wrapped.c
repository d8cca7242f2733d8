/* SPDX-License-Identifier: Apache-2.0 */
/* Taking wrapped keys in: what OpenSSL wrapped for the token's public keys, and what is refused. */
#include "wrapped_fixture.h"

#include "token/cryptoki3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OAEP       "RSAES_OAEP_SHA_256"
#define OTHER_PAIR "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define BY_AES     "RSA_AES_KEY_WRAP_SHA_256"

/* A file in the hands of whoever brings it. */
typedef struct parcel {
    char fingerprint[65];
    uint8_t bytes[WRAPPED_MAX];
    size_t size;
} parcel;

static parcel wrap(EVP_PKEY *key, const char *algorithm)
{
    parcel made = {.size = 0};

    (void)snprintf(made.fingerprint, sizeof made.fingerprint, "%s",
                   wrapped_fixture_get_fingerprint(key));
    made.size = wrapped_fixture_wrap(key, algorithm, made.bytes);
    return made;
}

static parcel wrap_for(fixture *fix, bool exportable, const char *algorithm)
{
    EVP_PKEY *key = wrapped_fixture_read_pair(fix, exportable);
    parcel made = wrap(key, algorithm);

    EVP_PKEY_free(key);
    return made;
}

static hsmiam_status take_as(fixture *fix, const char *user_name, const parcel *given,
                             const char *algorithm)
{
    char base64[WRAPPED_MAX / 3 * 4 + 8];
    hsmiam_wrapped_key *wrapped = NULL;

    hsmiam_error_clear(fix->error);
    hsmiam_access_key_free(&fix->key);
    (void)EVP_EncodeBlock((unsigned char *)base64, given->bytes, (int)given->size);
    hsmiam_status status = hsmiam_wrapped_key_new(NEW_ID, user_name, algorithm, given->fingerprint,
                                                  base64, &wrapped, fix->error);
    if (status == HSMIAM_OK)
        status = hsmiam_access_key_import_wrapped(fix->custody, wrapped, &fix->key, fix->error);
    hsmiam_wrapped_key_free(&wrapped);
    assert_int_equal(fix->key != NULL, status == HSMIAM_OK);
    return status;
}

static hsmiam_status take(fixture *fix, const parcel *given, const char *algorithm)
{
    return take_as(fix, "alice", given, algorithm);
}

/* Nothing stays, neither in the token, but for the transport key, nor on record. */
static void expect_nothing(size_t kept)
{
    assert_int_equal(mock_find(CKO_SECRET_KEY, NEW_ID), CK_INVALID_HANDLE);
    assert_int_equal(mock_count_session_objects(), kept);
    if (access(ledger_fixture_get_path(), F_OK) == 0)
        assert_string_equal(ledger_fixture_tell(NEW_ID), "");
}

static void test_goes_in(void **state)
{
    static const char *const algorithms[] = {"RSAES_OAEP_SHA_256", "RSAES_OAEP_SHA_1",
                                             "RSA_AES_KEY_WRAP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1"};
    fixture *fix = *state;

    mock.key_wraps[mock.key_wrap_count++] = CKM_AES_KEY_WRAP_KWP;
    assert_int_equal(hsmiam_custody_prepare(fix->custody, fix->error), HSMIAM_OK);
    mock.unwrapped_in_the_open = 0; /* the rehearsal's, which is no secret */
    size_t kept = mock_count_session_objects();
    for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++) {
        const parcel given = wrap_for(fix, false, algorithms[i]);

        assert_int_equal(take(fix, &given, algorithms[i]), HSMIAM_OK);
        assert_true(fixture_token_has(NEW_ID));
        CK_OBJECT_HANDLE key = mock_find(CKO_SECRET_KEY, NEW_ID);
        assert_int_equal(mock_get_flag(key, CKA_EXTRACTABLE), 0);
        assert_int_equal(mock_get_flag(key, CKA_SENSITIVE), 1);
        assert_string_equal(hsmiam_access_key_get_id(fix->key), NEW_ID);
        assert_string_equal(hsmiam_access_key_get_user_name(fix->key), "alice");
        assert_string_equal(hsmiam_access_key_get_import_route(fix->key), "wrapped");
        assert_int_equal(mock_count_session_objects(), kept);
        mock_remove(key);
    }
    assert_int_equal(mock.unwrapped_in_the_open, 0);
    assert_string_equal(ledger_fixture_tell(NEW_ID), "import import import import");
}

static void test_without_a_user_name(void **state)
{
    fixture *fix = *state;
    const parcel given = wrap_for(fix, false, OAEP);

    assert_int_equal(take_as(fix, NULL, &given, OAEP), HSMIAM_OK);
    assert_string_equal(hsmiam_access_key_get_user_name(fix->key), "");
    CK_OBJECT_HANDLE key = mock_find(CKO_SECRET_KEY, NEW_ID);
    assert_memory_equal(mock_get_attribute(key, CKA_LABEL)->pValue, NEW_ID, strlen(NEW_ID));
}

/* Only where both sides want it; one that was wrapped so may be kept all the same. */
static void test_exportable_again(void **state)
{
    fixture *fix = *state;
    const parcel kept = wrap_for(fix, false, OAEP);
    const parcel exportable = wrap_for(fix, true, OAEP);

    assert_string_not_equal(kept.fingerprint, exportable.fingerprint);
    assert_int_equal(take(fix, &exportable, OAEP), HSMIAM_OK);
    CK_OBJECT_HANDLE key = mock_find(CKO_SECRET_KEY, NEW_ID);
    assert_int_equal(mock_get_flag(key, CKA_EXTRACTABLE), 0);
    mock_remove(key);

    hsmiam_custody_set_exportable(fix->custody, true);
    assert_int_equal(take(fix, &kept, OAEP), HSMIAM_ERR_ARGUMENT);
    fixture_expect_message(fix, "whose keys are not exportable");
    assert_int_equal(mock_find(CKO_SECRET_KEY, NEW_ID), CK_INVALID_HANDLE);
    assert_int_equal(take(fix, &exportable, OAEP), HSMIAM_OK);
    key = mock_find(CKO_SECRET_KEY, NEW_ID);
    assert_int_equal(mock_get_flag(key, CKA_EXTRACTABLE), 1);
    assert_string_equal(ledger_fixture_tell(NEW_ID), "import import");
}

static void test_on_the_route_in_the_token(void **state)
{
    fixture *fix = *state;
    const parcel given = wrap_for(fix, false, OAEP);

    mock.names_derivation = true;
    mock.derives = true;
    mock.limits = true;
    hsmiam_custody_set_sigv4_route(fix->custody, HSMIAM_SIGV4_IN_TOKEN);
    assert_int_equal(take(fix, &given, OAEP), HSMIAM_OK);
    CK_OBJECT_HANDLE key = mock_find(CKO_SECRET_KEY, NEW_ID);
    assert_int_equal(mock_get_flag(key, CKA_DERIVE), 1);
    assert_int_equal(mock_get_flag(key, CKA_SIGN), 0);
}

static void test_wrapped_for_another_key(void **state)
{
    fixture *fix = *state;
    parcel given = wrap_for(fix, true, OAEP);

    given.fingerprint[0] = given.fingerprint[0] == '0' ? '1' : '0';
    assert_int_equal(take(fix, &given, OAEP), HSMIAM_ERR_ARGUMENT);
    fixture_expect_message(fix, "which is no wrapping key of token");
    assert_int_equal(mock.calls[MOCK_C_UnwrapKey], 0);
    /* Who says otherwise does not get it in either. */
    const parcel other = wrap_for(fix, false, OAEP);
    memcpy(given.fingerprint, other.fingerprint, sizeof given.fingerprint);
    assert_int_equal(take(fix, &given, OAEP), HSMIAM_ERR_TOKEN);
    fixture_expect_message(fix, NEW_ID ", wrapped by " OAEP ", was not taken in");
    expect_nothing(0);
}

/* Cut off, changed, of another algorithm than it says. */
static void test_damaged_on_the_way(void **state)
{
    static const struct {
        const char *wrapped_by;
        const char *said;
        size_t cut;
        size_t changed; /* the place of a bit that is another one, from 1 on */
    } cases[] = {
        {OAEP, OAEP, 1, 0},
        {OAEP, OAEP, 0, 100},
        {OAEP, BY_AES, 0, 0},
        {OAEP, "RSAES_OAEP_SHA_1", 0, 0},
        {BY_AES, BY_AES, 1, 0},
        {BY_AES, BY_AES, 8, 0},
        {BY_AES, BY_AES, 56, 0},
        {BY_AES, BY_AES, 0, 100},
        {BY_AES, BY_AES, 0, 300},
        {BY_AES, OAEP, 0, 0},
        {BY_AES, "RSA_AES_KEY_WRAP_SHA_1", 0, 0},
    };
    fixture *fix = *state;

    mock.key_wraps[mock.key_wrap_count++] = CKM_AES_KEY_WRAP_KWP;
    assert_int_equal(hsmiam_custody_prepare(fix->custody, fix->error), HSMIAM_OK);
    size_t kept = mock_count_session_objects();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        parcel given = wrap_for(fix, false, cases[i].wrapped_by);

        given.size -= cases[i].cut;
        if (cases[i].changed > 0)
            given.bytes[cases[i].changed - 1] ^= 1;
        assert_int_not_equal(take(fix, &given, cases[i].said), HSMIAM_OK);
        assert_int_not_equal(strlen(hsmiam_error_get_message(fix->error)), 0);
        expect_nothing(kept);
    }
}

static void test_exists(void **state)
{
    fixture *fix = *state;
    const parcel given = wrap_for(fix, false, OAEP);
    CK_OBJECT_HANDLE held = mock_add_access_key(NEW_ID, "bob", "some/other/secret");

    assert_int_equal(take(fix, &given, OAEP), HSMIAM_ERR_EXISTS);
    fixture_expect_message(fix, "already holds a key with the id " NEW_ID);
    assert_int_equal(mock_find(CKO_SECRET_KEY, NEW_ID), held);
    assert_memory_equal(mock_get_attribute(held, CKA_LABEL)->pValue, "bob", 3);
    assert_string_equal(ledger_fixture_tell(NEW_ID), "");
}

static void test_proof_fails(void **state)
{
    fixture *fix = *state;
    const parcel given = wrap_for(fix, false, OAEP);

    assert_int_equal(hsmiam_custody_prepare(fix->custody, fix->error), HSMIAM_OK);
    mock.value_readable = true;
    assert_int_equal(take(fix, &given, OAEP), HSMIAM_ERR_CUSTODY);
    fixture_expect_message(fix, "value be read");
    fixture_expect_message(fix, NEW_ID ", wrapped by " OAEP ", was not taken in");
    expect_nothing(0);

    mock.value_readable = false;
    mock.useless_type = CKK_GENERIC_SECRET;
    assert_int_not_equal(take(fix, &given, OAEP), HSMIAM_OK);
    expect_nothing(0);

    /* What cannot be destroyed either is named. */
    mock_fail(MOCK_C_DestroyObject, 0, CKR_DEVICE_ERROR);
    assert_int_not_equal(take(fix, &given, OAEP), HSMIAM_OK);
    fixture_expect_message(fix, "The object " NEW_ID " could not be destroyed either");
    mock_stop_failing();
}

/* The ledger has another pair of this token than the token has now. */
static void expect_other_pair(fixture *fix, const char *wrapping, const char *exportable)
{
    const parcel given = wrap_for(fix, exportable != NULL, OAEP);
    const hsmiam_ledger_facts facts = {
        .token_serial = hsmiam_token_get_serial(fix->token),
        .access_key_id = OTHER_ID,
        .route = HSMIAM_ROUTE_WORD_WRAPPED,
        .wrapping_key = wrapping,
        .exportable_wrapping_key = exportable,
    };

    assert_int_equal(hsmiam_ledger_add_import(ledger_fixture_get(), &facts, fix->error), HSMIAM_OK);
    assert_int_equal(take(fix, &given, OAEP), HSMIAM_ERR_CONFIG);
    fixture_expect_message(fix, "has another wrapping key");
    expect_nothing(0);
}

static void test_wrapping_key_is_another(void **state)
{
    expect_other_pair(*state, OTHER_PAIR, NULL);
}

static void test_exportable_wrapping_key_is_another(void **state)
{
    expect_other_pair(*state, NULL, OTHER_PAIR);
}

static void break_ledger(void)
{
    assert_int_equal(unlink(ledger_fixture_get_path()), 0);
    assert_int_equal(mkdir(ledger_fixture_get_path(), 0700), 0);
}

static void test_that_cannot_be_recorded(void **state)
{
    fixture *fix = *state;
    const parcel given = wrap_for(fix, false, OAEP);

    mock.slots[0].info.flags &= ~(CK_FLAGS)CKF_HW_SLOT; /* whose files are synced */
    fixture_name_token(fix, "pkcs11:token=mock%20token?pin-value=" MOCK_PIN);
    hsmiam_ledger_set_token(ledger_fixture_get(), fix->token);
    hsmiam_custody_set_ledger(fix->custody, ledger_fixture_get());
    fix->custody->sync = break_ledger; /* between the proof and the record */
    assert_int_equal(take(fix, &given, OAEP), HSMIAM_ERR_IO);
    fixture_expect_message(fix, "Access key " NEW_ID " was taken out of the token again.");
    assert_int_equal(mock_find(CKO_SECRET_KEY, NEW_ID), CK_INVALID_HANDLE);
    assert_int_equal(rmdir(ledger_fixture_get_path()), 0);
}

static void test_into_one_token_only(void **state)
{
    fixture *fix = *state;
    const parcel given = wrap_for(fix, false, OAEP);
    hsmiam_token *token = NULL;
    hsmiam_custody *replica = NULL;

    assert_int_equal(hsmiam_token_new("pkcs11:token=second", &token, fix->error), HSMIAM_OK);
    assert_int_equal(hsmiam_custody_new(token, &replica, fix->error), HSMIAM_OK);
    assert_int_equal(hsmiam_custody_add_replica(fix->custody, replica, fix->error), HSMIAM_OK);
    assert_int_equal(take(fix, &given, OAEP), HSMIAM_ERR_ARGUMENT);
    fixture_expect_message(fix, "goes into the one token that it was wrapped for");
    expect_nothing(0);
    fixture_name_token(fix, "pkcs11:token=mock%20token?pin-value=" MOCK_PIN);
    hsmiam_custody_free(&replica);
    hsmiam_token_free(&token);
}

/* Each member that is none is named, and none of its content told. */
static void test_members_that_are_none(void **state)
{
    static const char digits[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    static const char upper[] = "00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff";
    static char fits[345];    /* 256 bytes */
    static char longer[1377]; /* 1032 */
    static char spaced[345];
    static char loose[345]; /* bits behind the last byte */
    const struct {
        const char *id;
        const char *user_name;
        const char *algorithm;
        const char *fingerprint;
        const char *base64;
        const char *message;
    } cases[] = {
        {NULL, NULL, OAEP, digits, fits, "AccessKeyId is missing, or none"},
        {"AKIAHUSH", NULL, OAEP, digits, fits, "AccessKeyId is missing, or none"},
        {"AKIAHUSHHUSHHUSH\nHUSH", NULL, OAEP, digits, fits, "AccessKeyId is"},
        {NEW_ID, "HUSH HUSH", OAEP, digits, fits, "character 5 of 9"},
        {NEW_ID, "alice", NULL, digits, fits,
         "Algorithm is missing, or none of RSAES_OAEP_SHA_256"},
        {NEW_ID, "alice", "", digits, fits, "Algorithm is missing"},
        {NEW_ID, "alice", "RSAES_PKCS1_HUSH", digits, fits, "Algorithm is missing"},
        {NEW_ID, "alice", OAEP, NULL, fits, "RecipientFingerprint is missing"},
        {NEW_ID, "alice", OAEP, digits + 1, fits, "not of 64 hex digits"},
        {NEW_ID, "alice", OAEP, upper, fits, "not of 64 hex digits"},
        {NEW_ID, "alice", OAEP, digits, NULL, "WrappedKey is missing"},
        {NEW_ID, "alice", OAEP, digits, "", "WrappedKey is empty"},
        {NEW_ID, "alice", OAEP, digits, "HUSH", "WrappedKey is shorter than what RSA-2048"},
        {NEW_ID, "alice", OAEP, digits, "====", "WrappedKey is no base64"},
        {NEW_ID, "alice", OAEP, digits, fits + 1, "WrappedKey is empty, too long, or no base64"},
        {NEW_ID, "alice", OAEP, digits, fits + 4, "WrappedKey is shorter"},
        {NEW_ID, "alice", OAEP, digits, longer, "WrappedKey is empty, too long"},
        {NEW_ID, "alice", OAEP, digits, spaced, "WrappedKey is no base64"},
        {NEW_ID, "alice", OAEP, digits, loose, "WrappedKey is no base64"},
    };
    fixture *fix = *state;
    hsmiam_wrapped_key *wrapped = NULL;

    memset(fits, 'H', 344);
    memcpy(fits + 341, "Q==", sizeof "Q==");
    memset(longer, 'H', 1376);
    memcpy(spaced, fits, sizeof spaced);
    spaced[76] = '\n';
    memcpy(loose, fits, sizeof loose);
    loose[341] = 'R';
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hsmiam_error_clear(fix->error);
        assert_int_equal(hsmiam_wrapped_key_new(cases[i].id, cases[i].user_name, cases[i].algorithm,
                                                cases[i].fingerprint, cases[i].base64, &wrapped,
                                                fix->error),
                         HSMIAM_ERR_ARGUMENT);
        assert_null(wrapped);
        fixture_expect_message(fix, cases[i].message);
        fixture_expect_no_message(fix, "HUSH");
    }
    assert_int_equal(hsmiam_wrapped_key_new(NEW_ID, NULL, OAEP, digits, fits, &wrapped, fix->error),
                     HSMIAM_OK);
    assert_string_equal(hsmiam_wrapped_key_get_base64(wrapped), fits);
    assert_string_equal(hsmiam_wrapped_key_get_user_name(wrapped), "");
    hsmiam_wrapped_key_free(&wrapped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wrapped_test(test_goes_in),
        wrapped_test(test_without_a_user_name),
        wrapped_test(test_exportable_again),
        wrapped_test(test_on_the_route_in_the_token),
        wrapped_test(test_wrapped_for_another_key),
        wrapped_test(test_damaged_on_the_way),
        wrapped_test(test_exists),
        wrapped_test(test_proof_fails),
        wrapped_test(test_wrapping_key_is_another),
        wrapped_test(test_exportable_wrapping_key_is_another),
        wrapped_test(test_that_cannot_be_recorded),
        wrapped_test(test_into_one_token_only),
        wrapped_test(test_members_that_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
