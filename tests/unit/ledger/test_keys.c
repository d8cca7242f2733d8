/* SPDX-License-Identifier: Apache-2.0 */
/* Audit keys that are introduced, given or refused, and the wrapping key on record. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void keep_text(void *context, const char *text)
{
    char *to = context;

    (void)snprintf(to, HSMIAM_LINE_MAX, "%s", text);
}

static void test_unknown_key_is_refused(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = fixture_facts;

    fixture_import(fix);
    fixture_change_key(fix);
    facts.access_key_id = OTHER_ID;
    facts.partition = facts.endpoint = facts.credential_id = NULL;
    assert_int_equal(hsmiam_ledger_add_import(fix->ledger, &facts, fix->error), HSMIAM_ERR_CONFIG);
    fixture_expect_message(fix, "is signed by another audit key");
    fixture_expect_intact(fix, 2);

    hsmiam_ledger_set_accept_changed_keys(fix->ledger, true);
    fixture_import(fix);
    fixture_expect_fault(fix, HSMIAM_FAULT_FORGED, 3);
}

static void test_keys_that_are_given(void **state)
{
    static char first[HSMIAM_LINE_MAX];
    static char second[HSMIAM_LINE_MAX];
    fixture *fix = *state;

    assert_int_equal(hsmiam_ledger_export_public_key(fix->ledger, keep_text, first, fix->error),
                     HSMIAM_OK);
    fixture_import(fix);
    fixture_change_key(fix);
    hsmiam_ledger_set_accept_changed_keys(fix->ledger, true);
    fixture_import(fix);
    assert_int_equal(hsmiam_ledger_export_public_key(fix->ledger, keep_text, second, fix->error),
                     HSMIAM_OK);

    fixture_reopen(fix);
    assert_int_equal(hsmiam_ledger_trust_key(fix->ledger, second, strlen(second), fix->error),
                     HSMIAM_OK);
    fixture_expect_fault(fix, HSMIAM_FAULT_FORGED, 1);
    assert_int_equal(hsmiam_ledger_trust_key(fix->ledger, first, strlen(first), fix->error),
                     HSMIAM_OK);
    fixture_expect_intact(fix, 4);
    assert_true(fix->verdict.pinned);
    assert_int_equal(fix->findings[HSMIAM_LEDGER_TRUST], 0);
    assert_int_equal(hsmiam_ledger_trust_key(fix->ledger, "no key", 6, fix->error),
                     HSMIAM_ERR_ARGUMENT);
}

/* One key introduces the next; both may write from then on. */
static void test_introduction(void **state)
{
    fixture *fix = *state;
    static char pem[HSMIAM_LINE_MAX];
    hsmiam_audit_key old;

    fixture_import(fix);
    assert_int_equal(hsmiam_token_find_audit_key(fix->token, true, &old, fix->error), HSMIAM_OK);
    CK_OBJECT_HANDLE private_half = mock_find_labelled(CKO_PRIVATE_KEY, "hsmiam-audit-key");
    CK_OBJECT_HANDLE public_half = mock_find_labelled(CKO_PUBLIC_KEY, "hsmiam-audit-key");

    /* The new key is there under our label; the old one is put aside. */
    mock_set_attribute(private_half, CKA_LABEL, "aside", 5);
    mock_set_attribute(public_half, CKA_LABEL, "aside", 5);
    fixture_change_key(fix);
    assert_int_equal(hsmiam_ledger_export_public_key(fix->ledger, keep_text, pem, fix->error),
                     HSMIAM_OK);
    CK_OBJECT_HANDLE new_private = mock_find_labelled(CKO_PRIVATE_KEY, "hsmiam-audit-key");
    CK_OBJECT_HANDLE new_public = mock_find_labelled(CKO_PUBLIC_KEY, "hsmiam-audit-key");
    mock_set_attribute(new_private, CKA_LABEL, "aside", 5);
    mock_set_attribute(new_public, CKA_LABEL, "aside", 5);
    mock_set_attribute(private_half, CKA_LABEL, "hsmiam-audit-key", 16);
    mock_set_attribute(public_half, CKA_LABEL, "hsmiam-audit-key", 16);
    fixture_reopen(fix);
    assert_int_equal(hsmiam_ledger_introduce_key(fix->ledger, pem, strlen(pem), fix->error),
                     HSMIAM_OK);
    assert_int_equal(hsmiam_ledger_introduce_key(fix->ledger, pem, strlen(pem), fix->error),
                     HSMIAM_ERR_EXISTS);
    for (int i = 0; i < 3; i++) {
        bool new = i % 2 == 0;
        mock_set_attribute(new ? private_half : new_private, CKA_LABEL, "aside", 5);
        mock_set_attribute(new ? public_half : new_public, CKA_LABEL, "aside", 5);
        mock_set_attribute(new ? new_private : private_half, CKA_LABEL, "hsmiam-audit-key", 16);
        mock_set_attribute(new ? new_public : public_half, CKA_LABEL, "hsmiam-audit-key", 16);
        fixture_reopen(fix);
        fixture_import(fix);
    }
    fixture_expect_intact(fix, 6);
    assert_int_equal(fix->findings[HSMIAM_LEDGER_KEY], 1);
}

static void test_wrapping_key_on_record(void **state)
{
    fixture *fix = *state;
    char found[HSMIAM_FINGERPRINT_SIZE];

    assert_int_equal(hsmiam_ledger_open(fix->ledger, fix->error), HSMIAM_OK);
    assert_int_equal(hsmiam_ledger_find_wrapping_key(fix->ledger, SERIAL, false, found, fix->error),
                     HSMIAM_OK);
    assert_string_equal(found, "");
    fixture_import(fix);
    assert_int_equal(hsmiam_ledger_find_wrapping_key(fix->ledger, SERIAL, false, found, fix->error),
                     HSMIAM_OK);
    assert_string_equal(found, WRAPPING);
    assert_int_equal(
        hsmiam_ledger_find_wrapping_key(fix->ledger, "another", false, found, fix->error),
        HSMIAM_OK);
    assert_string_equal(found, "");
}

/* Who can write the file cannot make it say that another wrapping key is right. */
static void test_forged_wrapping_key(void **state)
{
    fixture *fix = *state;
    char found[HSMIAM_FINGERPRINT_SIZE];
    size_t size = 0;

    fixture_import(fix);
    char *data = fixture_read(fix, &size);
    memset(strstr(data, WRAPPING), 'b', strlen(WRAPPING));
    fixture_write(fix, data, size);
    free(data);
    fixture_reopen(fix);
    assert_int_equal(hsmiam_ledger_open(fix->ledger, fix->error), HSMIAM_OK);
    assert_int_equal(hsmiam_ledger_find_wrapping_key(fix->ledger, SERIAL, false, found, fix->error),
                     HSMIAM_ERR_LEDGER);
    fixture_expect_message(fix, "is not what the audit key signed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_unknown_key_is_refused), fixture_test(test_keys_that_are_given),
        fixture_test(test_introduction),           fixture_test(test_wrapping_key_on_record),
        fixture_test(test_forged_wrapping_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
