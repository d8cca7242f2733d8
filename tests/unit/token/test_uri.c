/* SPDX-License-Identifier: Apache-2.0 */
/* Which token a URI chooses, and which URIs are refused. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

typedef struct choice {
    const char *uri;
    const char *serial; /* of the token that it chooses, NULL: none */
} choice;

/* Three tokens, any two of which have something in common. */
static void set_three_tokens(void)
{
    mock_slot *second = mock_add_slot("second token", "S-2");
    mock_slot *third = mock_add_slot("mock token", "S-3");

    mock_set_padded(second->token.manufacturerID, sizeof second->token.manufacturerID, "Others");
    mock_set_padded(second->info.slotDescription, sizeof second->info.slotDescription, "Second");
    mock_set_padded(third->token.model, sizeof third->token.model, "M3");
    mock_set_padded(third->info.manufacturerID, sizeof third->info.manufacturerID, "Third GmbH");
    mock_set_padded(third->token.manufacturerID, sizeof third->token.manufacturerID,
                    "W\xc3\xb6rks");
}

static void test_every_attribute_chooses(void **state)
{
    static const choice choices[] = {
        {"pkcs11:token=second%20token", "S-2"},
        {"pkcs11:serial=S-3", "S-3"},
        {"pkcs11:serial=4711", "4711"},
        {"PKCS11:serial=4711", "4711"}, /* schemes have no case (RFC 3986, 3.1) */
        {"pkcs11:manufacturer=Mock%20Works", "4711"},
        {"pkcs11:manufacturer=Others", "S-2"},
        {"pkcs11:manufacturer=W%C3%B6rks", "S-3"},
        {"pkcs11:model=M3", "S-3"},
        {"pkcs11:slot-id=100", "4711"},
        {"pkcs11:slot-id=101", "S-2"},
        {"pkcs11:slot-description=Second", "S-2"},
        {"pkcs11:slot-manufacturer=Third%20GmbH", "S-3"},
        {"pkcs11:token=mock%20token;model=M1", "4711"},
        {"pkcs11:token=mock%20token;model=M3", "S-3"},
        {"pkcs11:serial=S-2;library-description=Mock%20library", "S-2"},
        {"pkcs11:serial=S-2;library-manufacturer=Library%20Ltd.", "S-2"},
        {"pkcs11:serial=S-2;library-version=1.7", "S-2"},
        {"pkcs11:serial=S-2;object=any;type=secret-key;id=%01", "S-2"},
        {"pkcs11:token=first", NULL},
        {"pkcs11:token=MOCK%20TOKEN", NULL},
        {"pkcs11:token=second", NULL}, /* a beginning is no match */
        {"pkcs11:serial=S-2;manufacturer=Mock%20Works", NULL},
        {"pkcs11:serial=S-2;model=M3", NULL},
        {"pkcs11:serial=S-2;slot-id=100", NULL},
        {"pkcs11:slot-id=7", NULL},
        {"pkcs11:serial=S-2;slot-description=Other", NULL},
        {"pkcs11:serial=S-2;slot-manufacturer=Other", NULL},
        {"pkcs11:serial=S-2;library-description=Other", NULL},
        {"pkcs11:serial=S-2;library-manufacturer=Other", NULL},
        {"pkcs11:serial=S-2;library-version=2.0", NULL},
    };
    fixture *fix = *state;

    set_three_tokens();
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        char uri[200];
        (void)snprintf(uri, sizeof uri, "%s?pin-value=" MOCK_PIN, choices[i].uri);
        (void)fixture_name_token(fix, uri);
        fixture_expect_open(fix, choices[i].serial != NULL ? HSMIAM_OK : HSMIAM_ERR_NOT_FOUND);
        if (choices[i].serial != NULL)
            assert_string_equal(hsmiam_token_get_serial(fix->token), choices[i].serial);
        else
            fixture_expect_message(fix, "No token matches pkcs11:");
    }
}

/* The mock is not loaded by p11-kit, so it has no name that could be the wanted one. */
static void test_module_name_must_match(void **state)
{
    fixture *fix = *state;

    (void)fixture_name_token(fix, "pkcs11:serial=4711?module-name=other&pin-value=" MOCK_PIN);
    fixture_expect_open(fix, HSMIAM_ERR_CONFIG);
    fixture_expect_message(fix, "\"other\"");
    assert_int_equal(mock.calls[MOCK_C_OpenSession], 0);
}

static void test_module_names(void **state)
{
    (void)state;
    assert_true(hsmiam_module_has_name("softhsm2", NULL, "softhsm2"));
    assert_true(hsmiam_module_has_name("SoftHSM2", "/lib/x.so", "softhsm2"));
    assert_true(hsmiam_module_has_name(NULL, "/usr/lib/softhsm/libsofthsm2.so", "softhsm2"));
    assert_true(hsmiam_module_has_name(NULL, "/usr/lib/softhsm/libsofthsm2.so", "libsofthsm2"));
    assert_true(hsmiam_module_has_name("a", "libsofthsm2.so.2.6", "SOFTHSM2"));
    assert_true(hsmiam_module_has_name(NULL, "softhsm2", "softhsm2"));
    assert_true(hsmiam_module_has_name(NULL, "opensc-pkcs11.so", "opensc-pkcs11"));
    assert_false(hsmiam_module_has_name(NULL, NULL, "softhsm2"));
    assert_false(hsmiam_module_has_name("softhsm", NULL, "softhsm2"));
    assert_false(hsmiam_module_has_name(NULL, "/lib/libsofthsm2.so", "softhsm"));
    assert_false(hsmiam_module_has_name(NULL, "/lib/libsofthsm2-old.so", "softhsm2"));
    assert_false(hsmiam_module_has_name(NULL, "/softhsm2/libother.so", "softhsm2"));
    assert_false(hsmiam_module_has_name(NULL, "/lib/mylibsofthsm2.so", "softhsm2"));
    assert_false(hsmiam_module_has_name(NULL, "/lib/lib", "softhsm2"));
}

static void expect_refused(fixture *fix, const char *uri)
{
    hsmiam_token *token = NULL;

    hsmiam_error_clear(fix->error);
    hsmiam_status status = hsmiam_token_new(uri, &token, fix->error);
    if (status != HSMIAM_ERR_ARGUMENT)
        print_error("%s\n", uri != NULL ? uri : "NULL");
    assert_int_equal(status, HSMIAM_ERR_ARGUMENT);
    assert_null(token);
    fixture_expect_no_message(fix, "hush");
    fixture_expect_no_message(fix, MOCK_PIN);
}

static void test_malformed_uris_are_refused(void **state)
{
    static const char *const uris[] = {
        "",
        "hush",
        "pkcs11",
        "http://hush/",
        "pkcs11-hush:token=a",
        "pkcs11:token",
        "pkcs11:token=hush%",
        "pkcs11:token=hush%4",
        "pkcs11:token=hush%zz",
        "pkcs11:slot-id=hush",
        "pkcs11:slot-id=-1",
        "pkcs11:library-version=hush",
        ("pkcs11:token=hush%?pin-value=" MOCK_PIN),
        "pkcs11:?pin-value=",
        "pkcs11:?pin-source=",
    };
    fixture *fix = *state;

    for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++)
        expect_refused(fix, uris[i]);
    expect_refused(fix, NULL);
}

static void test_unknown_attributes_are_refused(void **state)
{
    static const char *const uris[] = {
        ("pkcs11:tokn=hush?pin-value=" MOCK_PIN), "pkcs11:token=mock%20token;x-vendor=hush",
        "pkcs11:type=hush",
        "pkcs11:serial=hush-with-more-than-sixteen-bytes", /* no token can have it */
    };
    fixture *fix = *state;

    for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
        expect_refused(fix, uris[i]);
        fixture_expect_message(fix, "not known here");
    }
}

static void test_length_of_a_uri(void **state)
{
    fixture *fix = *state;
    char uri[5000] = "pkcs11:?module-name=";
    size_t used = strlen(uri);

    memset(uri + used, 'n', 4095 - used);
    (void)fixture_name_token(fix, uri);
    uri[4095] = 'n';
    expect_refused(fix, uri);
    fixture_expect_message(fix, "4096 bytes");
}

static void test_own_uri_has_no_pin(void **state)
{
    fixture *fix = *state;
    hsmiam_token *token = fixture_name_token(fix, URI_WITH_PIN);

    assert_string_equal(hsmiam_token_get_uri(token), "");
    assert_string_equal(hsmiam_token_get_label(token), "");
    assert_string_equal(hsmiam_token_get_serial(token), "");
    fixture_expect_open(fix, HSMIAM_OK);
    assert_string_equal(hsmiam_token_get_uri(token),
                        "pkcs11:model=M1;manufacturer=Mock%20Works;serial=4711;token=mock%20token");
    assert_string_equal(hsmiam_token_get_label(token), "mock token");
    assert_string_equal(hsmiam_token_get_serial(token), "4711");
}

/* Wherever the attribute stands, and whatever goes wrong. */
static void test_no_message_tells_a_pin(void **state)
{
    static const char *const uris[] = {
        ("pkcs11:token=none?pin-value=" MOCK_PIN),
        ("pkcs11:token=mock%20token?module-name=none&pin-value=" MOCK_PIN),
        ("pkcs11:token=none?pin-source=/" MOCK_PIN),
        ("pkcs11:?pin-value=" MOCK_PIN),
    };
    fixture *fix = *state;

    (void)mock_add_slot("mock token", "another");
    for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
        (void)fixture_name_token(fix, uris[i]);
        assert_true(hsmiam_token_open(fix->token, fix->error) != HSMIAM_OK);
        fixture_expect_no_message(fix, MOCK_PIN);
        fixture_expect_no_message(fix, "pin-");
    }
}

/* A slip of the pen must not make a PIN part of a name, which messages repeat. */
static void test_misplaced_pins_are_refused(void **state)
{
    static const char *const uris[] = {
        ("pkcs11:token=none;pin-value=" MOCK_PIN),
        ("pkcs11:token=none&pin-value=" MOCK_PIN),
        ("pkcs11:token=none%3Fpin-value=" MOCK_PIN),
        ("pkcs11:token=none/pin%2dvalue=" MOCK_PIN),
        ("pkcs11:token=none;object=a&pin-source=/" MOCK_PIN "?module-path=/x.so"),
        ("pkcs11:?module-path=/x.so;pin-value:" MOCK_PIN),
        ("pkcs11:?module-name=foo;pin-value=" MOCK_PIN),
        ("pkcs11:?pin-source=/x;PIN-VALUE=" MOCK_PIN),
        ("pkcs11:?pin-va lue=" MOCK_PIN),
        ("pkcs11:?pin-value =" MOCK_PIN),
        ("pkcs11:token=my token"),
    };
    fixture *fix = *state;

    for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
        hsmiam_token *token = NULL;
        assert_int_equal(hsmiam_token_new(uris[i], &token, fix->error), HSMIAM_ERR_ARGUMENT);
        fixture_expect_no_message(fix, MOCK_PIN);
        assert_null(token);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_every_attribute_chooses),
        fixture_test(test_module_name_must_match),
        fixture_test(test_module_names),
        fixture_test(test_malformed_uris_are_refused),
        fixture_test(test_unknown_attributes_are_refused),
        fixture_test(test_length_of_a_uri),
        fixture_test(test_own_uri_has_no_pin),
        fixture_test(test_no_message_tells_a_pin),
        fixture_test(test_misplaced_pins_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
