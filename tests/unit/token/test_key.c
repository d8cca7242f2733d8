/* SPDX-License-Identifier: Apache-2.0 */
/* Finding an access key in the token, and computing with it. */
#include "fixture.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#define ID_A "AKIAIOSFODNN7EXAMPLE"
#define ID_B "AKIAI44QH8DHBEXAMPLE"

static hsmiam_status find(fixture *fix, const char *uri, hsmiam_object *key_out, char *id_out)
{
    hsmiam_error_clear(fix->error);
    return hsmiam_token_find_access_key(fix->token, uri, key_out, id_out, fix->error);
}

static void expect_found(fixture *fix, const char *uri, hsmiam_object expected, const char *id)
{
    char found[HSMIAM_ACCESS_KEY_ID_MAX + 1] = "";
    hsmiam_object key = CK_INVALID_HANDLE;
    hsmiam_status status = find(fix, uri, &key, found);

    if (status != HSMIAM_OK)
        print_error("%s: %s\n", uri, hsmiam_error_get_message(fix->error));
    assert_int_equal(status, HSMIAM_OK);
    assert_int_equal(key, expected);
    assert_string_equal(found, id);
}

static void expect_not_found(fixture *fix, const char *uri, hsmiam_status status,
                             const char *message)
{
    char found[HSMIAM_ACCESS_KEY_ID_MAX + 1] = "";
    hsmiam_object key = CK_INVALID_HANDLE;

    assert_int_equal(find(fix, uri, &key, found), status);
    assert_int_equal(key, CK_INVALID_HANDLE);
    fixture_expect_message(fix, message);
}

static void test_the_only_one(void **state)
{
    fixture *fix = *state;

    (void)fixture_open_token(fix);
    expect_not_found(fix, NULL, HSMIAM_ERR_NOT_FOUND, "holds no access key");
    (void)mock_add_wrapping_pair();
    CK_OBJECT_HANDLE key = mock_add_access_key(ID_A, "alice", "secret");
    expect_found(fix, NULL, key, ID_A);
    expect_found(fix, "pkcs11:", key, ID_A);
    expect_found(fix, "pkcs11:token=whatever;type=secret-key?pin-value=x", key, ID_A);
}

static void test_by_id_and_label(void **state)
{
    fixture *fix = *state;

    (void)fixture_open_token(fix);
    CK_OBJECT_HANDLE a = mock_add_access_key(ID_A, "alice", "secret");
    CK_OBJECT_HANDLE b = mock_add_access_key(ID_B, "bob", "secret");
    expect_found(fix, "pkcs11:id=" ID_A, a, ID_A);
    expect_found(fix, "pkcs11:id=%41KIAI44QH8DHBEXAMPLE", b, ID_B);
    expect_found(fix, "pkcs11:object=alice", a, ID_A);
    expect_found(fix, "pkcs11:object=bob;type=secret-key;id=" ID_B, b, ID_B);
    expect_not_found(fix, "pkcs11:object=bob;id=" ID_A, HSMIAM_ERR_NOT_FOUND, "object=bob");
    expect_not_found(fix, "pkcs11:object=carol?pin-value=" MOCK_PIN, HSMIAM_ERR_NOT_FOUND,
                     "object=carol");
    expect_not_found(fix, "pkcs11:id=AKIA", HSMIAM_ERR_NOT_FOUND, "holds no access key");
}

static void test_several_are_named(void **state)
{
    fixture *fix = *state;

    (void)fixture_open_token(fix);
    (void)mock_add_access_key(ID_A, "alice", "secret");
    (void)mock_add_access_key(ID_B, "alice", "secret");
    (void)mock_add_access_key("no access key", "alice", "secret");
    expect_not_found(fix, "pkcs11:object=alice", HSMIAM_ERR_AMBIGUOUS, "2 access keys");
    fixture_expect_message(fix, "id=%41%4B%49%41%49%4F%53%46");
    fixture_expect_message(fix, "id=%41%4B%49%41%49%34%34%51");
    fixture_expect_message(fix, "object=alice");
}

/* The same id twice is an ambiguity like any other. */
static void test_same_id_twice(void **state)
{
    fixture *fix = *state;
    size_t count = 0;

    (void)fixture_open_token(fix);
    (void)mock_add_access_key(ID_A, "alice", "secret");
    (void)mock_add_access_key(ID_A, "bob", "other");
    expect_not_found(fix, "pkcs11:id=" ID_A, HSMIAM_ERR_AMBIGUOUS, "object=bob");
    assert_int_equal(hsmiam_token_count_access_keys(fix->token, ID_A, &count, fix->error),
                     HSMIAM_OK);
    assert_int_equal(count, 2);
    assert_int_equal(hsmiam_token_count_access_keys(fix->token, ID_B, &count, fix->error),
                     HSMIAM_OK);
    assert_int_equal(count, 0);
}

static void test_wrong_type(void **state)
{
    fixture *fix = *state;

    (void)fixture_open_token(fix);
    (void)mock_add_access_key(ID_A, "alice", "secret");
    expect_not_found(fix, "pkcs11:type=private", HSMIAM_ERR_NOT_FOUND, "type=secret-key");
    expect_not_found(fix, "pkcs11:id=" ID_A ";type=cert", HSMIAM_ERR_NOT_FOUND, "type=secret-key");
    expect_not_found(fix, "pkcs11:type=nonsense", HSMIAM_ERR_ARGUMENT, "not known here");
}

static void test_ids_that_are_none(void **state)
{
    static const char *const ids[] = {"", "x", "AKIA56789012345", "AKIA567890123-56",
                                      "AKIA567890123 56"};
    fixture *fix = *state;
    char id[130];

    (void)fixture_open_token(fix);
    memset(id, 'A', sizeof id);
    id[129] = '\0';
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
        (void)mock_add_access_key(ids[i], "alice", "secret");
    (void)mock_add_access_key(id, "alice", "secret");
    expect_not_found(fix, NULL, HSMIAM_ERR_NOT_FOUND, "CKA_ID is not an access key id");

    id[128] = '\0';
    CK_OBJECT_HANDLE longest = mock_add_access_key(id, "alice", "secret");
    expect_found(fix, NULL, longest, id);
    mock_remove(longest);
    CK_OBJECT_HANDLE shortest = mock_add_access_key("AKIA567890123456", "alice", "secret");
    expect_found(fix, NULL, shortest, "AKIA567890123456");
}

/* One rule for every id that comes from outside, whatever the locale. */
static void test_characters_of_an_id(void **state)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
    char id[16];

    (void)state;
    for (int c = 0; c < 256; c++) {
        memset(id, 'A', sizeof id);
        id[15] = (char)c;
        assert_int_equal(hsmiam_access_key_id_is_valid(id, sizeof id),
                         memchr(letters, c, strlen(letters)) != NULL);
    }
    assert_false(hsmiam_access_key_id_is_valid("AKIA5678901234567", 15));
    assert_false(hsmiam_access_key_id_is_valid("", 0));
}

static void test_object_without_id(void **state)
{
    fixture *fix = *state;
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    const CK_BBOOL yes = CK_TRUE;
    const CK_ATTRIBUTE attributes[] = {{CKA_CLASS, &class, sizeof class},
                                       {CKA_TOKEN, (void *)&yes, sizeof yes},
                                       {CKA_PRIVATE, (void *)&yes, sizeof yes}};

    (void)fixture_open_token(fix);
    (void)mock_add_object(attributes, 3);
    expect_not_found(fix, NULL, HSMIAM_ERR_NOT_FOUND, "CKA_ID is not an access key id");
}

/* Without logging in anyone can plant a key, but not a private one. */
static void test_planted_key_is_not_used(void **state)
{
    fixture *fix = *state;

    (void)fixture_open_token(fix);
    CK_OBJECT_HANDLE planted = mock_add_access_key(ID_B, "alice", "secret");
    mock_set_flag(planted, CKA_PRIVATE, false);
    expect_not_found(fix, "pkcs11:object=alice", HSMIAM_ERR_UNSUPPORTED, ID_B " is not private");
    CK_OBJECT_HANDLE ours = mock_add_access_key(ID_A, "alice", "secret");
    expect_not_found(fix, "pkcs11:object=alice", HSMIAM_ERR_AMBIGUOUS, "2 access keys");
    expect_found(fix, "pkcs11:id=" ID_A, ours, ID_A);
}

static void test_key_that_may_not_sign(void **state)
{
    fixture *fix = *state;

    (void)fixture_open_token(fix);
    mock_set_flag(mock_add_access_key(ID_A, "alice", "secret"), CKA_SIGN, false);
    expect_not_found(fix, NULL, HSMIAM_ERR_UNSUPPORTED, "access key " ID_A " may not sign");
}

/* What lives in a session only is a rehearsal, perhaps another thread's, and no access key. */
static void test_session_objects_are_no_access_keys(void **state)
{
    fixture *fix = *state;
    size_t count = 1;

    (void)fixture_open_token(fix);
    CK_OBJECT_HANDLE key = mock_add_access_key(ID_A, "alice", "secret");
    mock_set_flag(mock_add_access_key(ID_B, "rehearsal", "secret"), CKA_TOKEN, false);
    expect_found(fix, NULL, key, ID_A);
    expect_not_found(fix, "pkcs11:id=" ID_B, HSMIAM_ERR_NOT_FOUND, "holds no access key");
    assert_int_equal(hsmiam_token_count_access_keys(fix->token, ID_B, &count, fix->error),
                     HSMIAM_OK);
    assert_int_equal(count, 0);
}

static void test_many_keys(void **state)
{
    fixture *fix = *state;
    char id[32];

    (void)fixture_open_token(fix);
    for (int i = 0; i < 64; i++) {
        (void)snprintf(id, sizeof id, "AKIA%012d", i);
        (void)mock_add_access_key(id, "many", "secret");
    }
    expect_not_found(fix, NULL, HSMIAM_ERR_AMBIGUOUS, "64 access keys");
    CK_OBJECT_HANDLE last = mock_add_access_key(ID_A, "many", "secret");
    expect_not_found(fix, NULL, HSMIAM_ERR_AMBIGUOUS, "more than 64");
    expect_found(fix, "pkcs11:id=" ID_A, last, ID_A);
}

/* A token that counts wrongly is not believed. */
static void test_count_beyond_the_room(void **state)
{
    fixture *fix = *state;

    (void)fixture_open_token(fix);
    (void)mock_add_access_key(ID_A, "alice", "secret");
    mock.too_many = 1;
    expect_not_found(fix, NULL, HSMIAM_ERR_TOKEN, "C_FindObjects");
    mock.too_many = 0;
    assert_int_equal(mock.calls[MOCK_C_FindObjectsFinal], 1);
}

static void test_uri_of_a_key(void **state)
{
    fixture *fix = *state;
    hsmiam_buffer uri;

    (void)fixture_open_token(fix);
    hsmiam_buffer_init(&uri, 4096);
    assert_int_equal(hsmiam_token_format_key_uri(fix->token, ID_A, "a b;c", &uri, fix->error),
                     HSMIAM_OK);
    assert_non_null(strstr(hsmiam_buffer_get_string(&uri), "object=a%20b%3Bc;type=secret-key"));
    assert_non_null(strstr(hsmiam_buffer_get_string(&uri), "serial=4711"));
    CK_OBJECT_HANDLE key = mock_add_access_key(ID_A, "a b;c", "secret");
    (void)mock_add_access_key(ID_B, "a b;c", "secret");
    expect_found(fix, hsmiam_buffer_get_string(&uri), key, ID_A);
    hsmiam_buffer_clear(&uri);

    assert_int_equal(hsmiam_token_format_key_uri(fix->token, ID_A, "", &uri, fix->error),
                     HSMIAM_OK);
    assert_null(strstr(hsmiam_buffer_get_string(&uri), "object="));
    hsmiam_buffer_clear(&uri);
}

static void test_hmac(void **state)
{
    fixture *fix = *state;
    hsmiam_secret *mac = NULL;
    unsigned char expected[32];

    (void)fixture_open_token(fix);
    CK_OBJECT_HANDLE key = mock_add_access_key(ID_A, "alice", "secret");
    assert_non_null(
        HMAC(EVP_sha256(), "AWS4secret", 10, (const unsigned char *)"data", 4, expected, NULL));
    assert_int_equal(hsmiam_secret_new(40, &mac, fix->error), HSMIAM_OK);
    assert_true(hsmiam_secret_append(mac, "before", 6));
    assert_int_equal(hsmiam_token_hmac(fix->token, key, "data", 4, mac, fix->error), HSMIAM_OK);
    assert_int_equal(hsmiam_secret_get_size(mac), 38);
    assert_memory_equal(hsmiam_secret_get_data(mac) + 6, expected, 32);

    assert_int_equal(hsmiam_token_hmac(fix->token, key, "data", 4, mac, fix->error),
                     HSMIAM_ERR_INTERNAL);
    hsmiam_secret_truncate(mac, 0);
    mock.hmac_size = 31;
    assert_int_equal(hsmiam_token_hmac(fix->token, key, "data", 4, mac, fix->error),
                     HSMIAM_ERR_TOKEN);
    fixture_expect_message(fix, "31 bytes");
    assert_int_equal(hsmiam_secret_get_size(mac), 0);
    hsmiam_secret_free(&mac);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_the_only_one),
        fixture_test(test_by_id_and_label),
        fixture_test(test_several_are_named),
        fixture_test(test_same_id_twice),
        fixture_test(test_wrong_type),
        fixture_test(test_ids_that_are_none),
        fixture_test(test_characters_of_an_id),
        fixture_test(test_object_without_id),
        fixture_test(test_planted_key_is_not_used),
        fixture_test(test_key_that_may_not_sign),
        fixture_test(test_session_objects_are_no_access_keys),
        fixture_test(test_many_keys),
        fixture_test(test_count_beyond_the_room),
        fixture_test(test_uri_of_a_key),
        fixture_test(test_hmac),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
