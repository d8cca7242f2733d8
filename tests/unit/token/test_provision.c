/* SPDX-License-Identifier: Apache-2.0 */
/* The key pairs of ours: made where they are missing, checked where they are there. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

#define WRAPPING   "hsmiam-wrapping-key"
#define EXPORTABLE "hsmiam-wrapping-key-exportable"
#define AUDIT      "hsmiam-audit-key"

typedef struct told {
    size_t count;
    struct {
        char purpose[32];
        char label[64];
        char algorithm[16];
        char uri[300];
        char fingerprint[65];
        bool created;
    } pairs[3];
} told;

static void keep(void *context, const hsmiam_provisioned *pair)
{
    told *to = context;

    assert_true(to->count < 3);
    (void)snprintf(to->pairs[to->count].purpose, 32, "%s", pair->purpose);
    (void)snprintf(to->pairs[to->count].label, 64, "%s", pair->label);
    (void)snprintf(to->pairs[to->count].algorithm, 16, "%s", pair->algorithm);
    (void)snprintf(to->pairs[to->count].uri, 300, "%s", pair->uri);
    (void)snprintf(to->pairs[to->count].fingerprint, 65, "%s", pair->fingerprint);
    to->pairs[to->count++].created = pair->created;
}

/* Names the token anew and provisions it. */
static hsmiam_status provision(fixture *fix, told *to)
{
    *to = (told){0};
    hsmiam_error_clear(fix->error);
    (void)fixture_name_token(fix, URI_WITH_PIN);
    return hsmiam_token_provision(fix->token, keep, to, fix->error);
}

static void expect_provisioned(fixture *fix, told *to)
{
    hsmiam_status status = provision(fix, to);

    if (status != HSMIAM_OK)
        print_error("%s\n", hsmiam_error_get_message(fix->error));
    assert_int_equal(status, HSMIAM_OK);
    assert_int_equal(hsmiam_error_get_status(fix->error), HSMIAM_OK);
    assert_int_equal(to->count, 3);
}

static void expect_refused(fixture *fix, hsmiam_status expected, const char *message)
{
    told to;

    assert_int_equal(provision(fix, &to), expected);
    fixture_expect_message(fix, message);
}

static void test_makes_three_pairs(void **state)
{
    static const char *const expected[3][3] = {
        {"wrapping", WRAPPING, "RSA-3072"},
        {"wrapping-exportable", EXPORTABLE, "RSA-3072"},
        {"audit", AUDIT, "EC-P256"},
    };
    fixture *fix = *state;
    told to;

    expect_provisioned(fix, &to);
    assert_int_equal(mock_count_objects(), 6);
    for (size_t i = 0; i < 3; i++) {
        char object[80];
        assert_string_equal(to.pairs[i].purpose, expected[i][0]);
        assert_string_equal(to.pairs[i].label, expected[i][1]);
        assert_string_equal(to.pairs[i].algorithm, expected[i][2]);
        assert_true(to.pairs[i].created);
        assert_int_equal(strspn(to.pairs[i].fingerprint, "0123456789abcdef"), 64);
        (void)snprintf(object, sizeof object, ";object=%s;type=private", expected[i][1]);
        assert_non_null(strstr(to.pairs[i].uri, object));
        assert_non_null(strstr(to.pairs[i].uri, "serial=4711"));
    }
}

static void test_repeats_safely(void **state)
{
    fixture *fix = *state;
    told first;
    told second;

    expect_provisioned(fix, &first);
    expect_provisioned(fix, &second);
    assert_int_equal(mock.calls[MOCK_C_GenerateKeyPair], 3);
    assert_int_equal(mock_count_objects(), 6);
    for (size_t i = 0; i < 3; i++) {
        assert_false(second.pairs[i].created);
        assert_string_equal(first.pairs[i].fingerprint, second.pairs[i].fingerprint);
        assert_string_equal(first.pairs[i].uri, second.pairs[i].uri);
    }
    assert_int_equal(hsmiam_token_provision(fix->token, NULL, NULL, fix->error), HSMIAM_OK);
}

static void test_makes_what_is_missing(void **state)
{
    fixture *fix = *state;
    told to;

    (void)mock_add_wrapping_pair();
    expect_provisioned(fix, &to);
    assert_false(to.pairs[0].created);
    assert_true(to.pairs[1].created);
    assert_true(to.pairs[2].created);
    assert_int_equal(mock.calls[MOCK_C_GenerateKeyPair], 2);
}

/* The attributes of one private half: its one usage, and none else. */
static void expect_private(const char *label, CK_ATTRIBUTE_TYPE use, bool unwrap_template)
{
    static const CK_ATTRIBUTE_TYPE usages[] = {CKA_UNWRAP, CKA_SIGN, CKA_DECRYPT, CKA_SIGN_RECOVER,
                                               CKA_DERIVE};
    static const CK_ATTRIBUTE_TYPE no[] = {CKA_EXTRACTABLE, CKA_MODIFIABLE, CKA_COPYABLE};
    static const CK_ATTRIBUTE_TYPE yes[] = {CKA_TOKEN, CKA_PRIVATE, CKA_SENSITIVE};
    const CK_MECHANISM_TYPE mechanism = use == CKA_SIGN ? CKM_ECDSA : CKM_RSA_PKCS_OAEP;
    CK_OBJECT_HANDLE key = mock_find_labelled(CKO_PRIVATE_KEY, label);

    for (size_t i = 0; i < sizeof usages / sizeof usages[0]; i++)
        assert_int_equal(mock_get_flag(key, usages[i]), usages[i] == use);
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        assert_int_equal(mock_get_flag(key, no[i]), 0);
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        assert_int_equal(mock_get_flag(key, yes[i]), 1);
    const CK_ATTRIBUTE *allowed = mock_get_attribute(key, CKA_ALLOWED_MECHANISMS);
    assert_non_null(allowed);
    assert_memory_equal(allowed->pValue, &mechanism, sizeof mechanism);
    assert_int_equal(mock_get_attribute(key, CKA_UNWRAP_TEMPLATE) != NULL, unwrap_template);
}

static void test_attributes_asked_for(void **state)
{
    static const unsigned char p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48,
                                         0xce, 0x3d, 0x03, 0x01, 0x07};
    const CK_ULONG bits = 3072;
    fixture *fix = *state;
    told to;

    expect_provisioned(fix, &to);
    expect_private(WRAPPING, CKA_UNWRAP, true);
    expect_private(EXPORTABLE, CKA_UNWRAP, false);
    expect_private(AUDIT, CKA_SIGN, false);
    assert_int_equal(mock.last_of_template, CKA_MODIFIABLE);

    CK_OBJECT_HANDLE wrapping = mock_find_labelled(CKO_PUBLIC_KEY, WRAPPING);
    CK_OBJECT_HANDLE audit = mock_find_labelled(CKO_PUBLIC_KEY, AUDIT);
    assert_memory_equal(mock_get_attribute(wrapping, CKA_MODULUS_BITS)->pValue, &bits, sizeof bits);
    assert_memory_equal(mock_get_attribute(audit, CKA_EC_PARAMS)->pValue, p256, sizeof p256);
    assert_int_equal(mock_get_flag(wrapping, CKA_TOKEN), 1);
    assert_int_equal(mock_get_flag(wrapping, CKA_ENCRYPT), 0);
    assert_int_equal(mock_get_flag(wrapping, CKA_WRAP), 0);
    assert_int_equal(mock_get_flag(wrapping, CKA_VERIFY), 0);
    assert_int_equal(mock_get_flag(audit, CKA_VERIFY), 1);
}

static void test_token_that_refuses_what_hardens(void **state)
{
    /* In the order in which they are dropped. */
    static const struct {
        CK_ATTRIBUTE_TYPE refused;
        size_t notices;
        unsigned calls;
        const char *notice;
    } cases[] = {
        {CKA_COPYABLE, 3, 6, "made key \"" WRAPPING "\" without CKA_COPYABLE: "},
        {CKA_MODIFIABLE, 3, 9, "made key \"" AUDIT "\" without CKA_MODIFIABLE: "},
        {CKA_UNWRAP_TEMPLATE, 1, 6, "made key \"" WRAPPING "\" without CKA_UNWRAP_TEMPLATE: "},
        {CKA_ALLOWED_MECHANISMS, 3, 13, "made key \"" AUDIT "\" without CKA_ALLOWED_MECHANISMS: "},
    };
    fixture *fix = *state;
    told to;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mock_reset();
        fix->notices = 0;
        fix->log[0] = '\0';
        mock.refused[0] = cases[i].refused;
        mock.refused_count = 1;
        expect_provisioned(fix, &to);
        assert_int_equal(mock_count_objects(), 6);
        assert_int_equal(fix->notices, cases[i].notices);
        assert_non_null(strstr(fix->log, cases[i].notice));
        assert_int_equal(mock.calls[MOCK_C_GenerateKeyPair], cases[i].calls);
        /* All else is still asked for. */
        CK_OBJECT_HANDLE key = mock_find_labelled(CKO_PRIVATE_KEY, WRAPPING);
        for (size_t j = 0; j < sizeof cases / sizeof cases[0]; j++)
            assert_int_equal(mock_get_attribute(key, cases[j].refused) != NULL, j != i);
        hsmiam_token_free(&fix->token);
    }
}

/* NSS is asked for what it can store only: in FIPS mode a failure would be its last word. */
static void test_nss(void **state)
{
    mock_slot *slot = &mock.slots[0];
    fixture *fix = *state;
    told to;

    mock_set_padded(slot->token.manufacturerID, sizeof slot->token.manufacturerID,
                    "Mozilla Foundation");
    mock.refused[0] = CKA_COPYABLE;
    mock.refused[1] = CKA_ALLOWED_MECHANISMS;
    mock.refused_count = 2;
    mock.refusal = CKR_GENERAL_ERROR;
    expect_provisioned(fix, &to);
    assert_int_equal(mock.calls[MOCK_C_GenerateKeyPair], 3);
    assert_non_null(strstr(fix->log, "made key \"" WRAPPING "\" without CKA_COPYABLE, "
                                     "CKA_ALLOWED_MECHANISMS: whoever has the PIN can copy it"));
    CK_OBJECT_HANDLE key = mock_find_labelled(CKO_PRIVATE_KEY, WRAPPING);
    assert_int_equal(mock_get_flag(key, CKA_MODIFIABLE), 0);
    assert_non_null(mock_get_attribute(key, CKA_UNWRAP_TEMPLATE));
}

/* Provisions again, and sees what is said of the wrapping pair; NULL: nothing. */
static void expect_notice(fixture *fix, const char *notice)
{
    told to;

    fix->notices = 0;
    fix->log[0] = '\0';
    expect_provisioned(fix, &to);
    assert_int_equal(fix->notices, notice != NULL);
    if (notice != NULL && strstr(fix->log, notice) == NULL)
        fail_msg("\"%s\" is not in: %s", notice, fix->log);
}

static void test_pair_that_is_not_hardened(void **state)
{
    static const char lacks_both[] =
        "\"" WRAPPING "\" lacks CKA_MODIFIABLE false and CKA_ALLOWED_MECHANISMS, so";
    static const char lacks_mechanisms[] = "lacks CKA_ALLOWED_MECHANISMS, so";
    static const char lacks_modifiable[] = "lacks CKA_MODIFIABLE false, so";
    const CK_MECHANISM_TYPE mechanisms[] = {CKM_RSA_PKCS_OAEP, CKM_RSA_PKCS};
    fixture *fix = *state;

    CK_OBJECT_HANDLE key = mock_add_wrapping_pair();
    expect_notice(fix, lacks_both);
    expect_notice(fix, lacks_both);
    mock.stops_at_unknown = true;
    expect_notice(fix, lacks_both);
    mock_set_flag(key, CKA_MODIFIABLE, false);
    expect_notice(fix, lacks_mechanisms);
    mock_set_attribute(key, CKA_ALLOWED_MECHANISMS, mechanisms, sizeof mechanisms);
    expect_notice(fix, lacks_mechanisms);
    mock_set_attribute(key, CKA_ALLOWED_MECHANISMS, &mechanisms[1], sizeof mechanisms[1]);
    expect_notice(fix, lacks_mechanisms);
    mock_set_attribute(key, CKA_ALLOWED_MECHANISMS, "", 0);
    expect_notice(fix, lacks_mechanisms);
    mock_set_attribute(key, CKA_ALLOWED_MECHANISMS, mechanisms, sizeof mechanisms[0]);
    expect_notice(fix, NULL);
    mock_set_flag(key, CKA_MODIFIABLE, true);
    expect_notice(fix, lacks_modifiable);
}

static void test_pairs_that_allow_too_much(void **state)
{
    static const struct {
        const char *label;
        CK_ATTRIBUTE_TYPE type;
        const char *message;
        bool value;
    } cases[] = {
        {WRAPPING, CKA_DECRYPT, "CKA_DECRYPT true", true},
        {EXPORTABLE, CKA_EXTRACTABLE, "CKA_EXTRACTABLE true", true},
        {EXPORTABLE, CKA_SIGN, "CKA_SIGN true", true},
        {AUDIT, CKA_UNWRAP, "CKA_UNWRAP true", true},
        {AUDIT, CKA_DERIVE, "CKA_DERIVE true", true},
        {AUDIT, CKA_SENSITIVE, "CKA_SENSITIVE false", false},
    };
    fixture *fix = *state;
    told to;

    expect_provisioned(fix, &to);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CK_OBJECT_HANDLE key = mock_find_labelled(CKO_PRIVATE_KEY, cases[i].label);
        mock_set_flag(key, cases[i].type, cases[i].value);
        expect_refused(fix, HSMIAM_ERR_CONFIG, cases[i].message);
        fixture_expect_message(fix, cases[i].label);
        mock_set_flag(key, cases[i].type, !cases[i].value);
    }
    assert_int_equal(mock_count_objects(), 6);
}

static void test_two_pairs_of_one_purpose(void **state)
{
    fixture *fix = *state;

    (void)mock_add_wrapping_pair();
    (void)mock_add_wrapping_pair();
    expect_refused(fix, HSMIAM_ERR_AMBIGUOUS, "2 private keys \"" WRAPPING "\"");
    assert_int_equal(mock.calls[MOCK_C_GenerateKeyPair], 0);
}

/* A private half that was planted without a PIN is passed over. */
static void test_planted_private_half(void **state)
{
    fixture *fix = *state;
    told to;

    mock_set_flag(mock_add_wrapping_pair(), CKA_PRIVATE, false);
    expect_provisioned(fix, &to);
    assert_true(to.pairs[0].created);
    expect_provisioned(fix, &to);
    assert_false(to.pairs[0].created);
    assert_int_equal(mock.calls[MOCK_C_GenerateKeyPair], 3);
}

/* Planted public keys: before and behind ours, and in its place. */
static void test_planted_public_audit_keys(void **state)
{
    fixture *fix = *state;
    told alone;
    told to;

    CK_OBJECT_HANDLE before = mock_add_public_ec(AUDIT);
    expect_provisioned(fix, &to);
    mock_forget_attribute(before, CKA_EC_POINT);
    CK_OBJECT_HANDLE behind = mock_add_public_ec(AUDIT);
    expect_provisioned(fix, &alone);
    assert_string_equal(alone.pairs[2].fingerprint, to.pairs[2].fingerprint);
    mock_remove(before);
    mock_remove(behind);
    expect_provisioned(fix, &alone);
    assert_string_equal(alone.pairs[2].fingerprint, to.pairs[2].fingerprint);

    CK_OBJECT_HANDLE ours = mock_find_labelled(CKO_PUBLIC_KEY, AUDIT);
    CK_OBJECT_HANDLE first = mock_add_public_ec(AUDIT);
    CK_OBJECT_HANDLE second = mock_add_public_ec(AUDIT);
    mock_remove(ours);
    expect_refused(fix, HSMIAM_ERR_AMBIGUOUS, "2 public keys \"" AUDIT "\"");
    mock_remove(first);
    expect_refused(fix, HSMIAM_ERR_TOKEN, "do not belong together");
    mock_remove(second);
    expect_refused(fix, HSMIAM_ERR_NOT_FOUND, "0 public keys \"" AUDIT "\"");
}

static void test_forms_of_an_ec_point(void **state)
{
    fixture *fix = *state;
    unsigned char point[67];
    told first;
    told second;

    expect_provisioned(fix, &first);
    CK_OBJECT_HANDLE key = mock_find_labelled(CKO_PUBLIC_KEY, AUDIT);
    assert_int_equal(mock_get_attribute(key, CKA_EC_POINT)->ulValueLen, 67);
    memcpy(point, mock_get_attribute(key, CKA_EC_POINT)->pValue, 67);

    mock_set_attribute(key, CKA_EC_POINT, point + 2, 65);
    expect_provisioned(fix, &second);
    assert_string_equal(first.pairs[2].fingerprint, second.pairs[2].fingerprint);

    mock_set_attribute(key, CKA_EC_POINT, point, 66);
    expect_refused(fix, HSMIAM_ERR_TOKEN, "CKA_EC_POINT");
    point[66] ^= 1; /* not on the curve */
    mock_set_attribute(key, CKA_EC_POINT, point, 67);
    expect_refused(fix, HSMIAM_ERR_TOKEN, "CKA_EC_POINT");
    mock_set_attribute(key, CKA_EC_POINT, "", 0);
    expect_refused(fix, HSMIAM_ERR_TOKEN, "CKA_EC_POINT");
}

static void test_opens_the_token(void **state)
{
    fixture *fix = *state;

    (void)fixture_name_token(fix, "pkcs11:token=mock%20token?pin-value=wrong");
    assert_int_equal(hsmiam_token_provision(fix->token, NULL, NULL, fix->error), HSMIAM_ERR_PIN);
    assert_int_equal(mock_count_objects(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_makes_three_pairs),
        fixture_test(test_repeats_safely),
        fixture_test(test_makes_what_is_missing),
        fixture_test(test_attributes_asked_for),
        fixture_test(test_token_that_refuses_what_hardens),
        fixture_test(test_nss),
        fixture_test(test_pair_that_is_not_hardened),
        fixture_test(test_pairs_that_allow_too_much),
        fixture_test(test_two_pairs_of_one_purpose),
        fixture_test(test_planted_private_half),
        fixture_test(test_planted_public_audit_keys),
        fixture_test(test_forms_of_an_ec_point),
        fixture_test(test_opens_the_token),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
