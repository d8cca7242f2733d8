/* SPDX-License-Identifier: Apache-2.0 */
/* Handing keys over: what a recipient finds, what goes on record, and what is refused. */
#include "wrapped_fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_URI "pkcs11:id=" NEW_ID
#define VALUE   "AWS4" NEW_SECRET

static hsmiam_wrapped_key *wrapped;

static int tear_down(void **state)
{
    hsmiam_wrapped_key_free(&wrapped);
    return ledger_fixture_tear_down(state);
}

static CK_OBJECT_HANDLE add_key(const char *id, const char *label, bool exportable)
{
    CK_OBJECT_HANDLE key = mock_add_access_key(id, label, NEW_SECRET);

    mock_set_flag(key, CKA_EXTRACTABLE, exportable);
    return key;
}

static hsmiam_status export_key(fixture *fix, const char *uri, hsmiam_export_algorithm algorithm)
{
    const char *pem = wrapped_fixture_write_pem(wrapped_fixture_get_key());
    hsmiam_recipient *recipient = NULL;

    hsmiam_wrapped_key_free(&wrapped);
    hsmiam_error_clear(fix->error);
    assert_int_equal(hsmiam_recipient_new(pem, strlen(pem), false, &recipient, fix->error),
                     HSMIAM_OK);
    hsmiam_status status =
        hsmiam_access_key_export(fix->custody, uri, recipient, algorithm, &wrapped, fix->error);
    hsmiam_recipient_free(&recipient);
    assert_int_equal(wrapped != NULL, status == HSMIAM_OK);
    return status;
}

static void expect_opened(void)
{
    uint8_t value[WRAPPED_MAX];

    assert_int_equal(wrapped_fixture_open(wrapped_fixture_get_key(),
                                          hsmiam_wrapped_key_get_algorithm(wrapped),
                                          hsmiam_wrapped_key_get_base64(wrapped), value),
                     strlen(VALUE));
    assert_memory_equal(value, VALUE, strlen(VALUE));
}

/* Each algorithm's format by what OpenSSL reads, which shares nothing with ours. */
static void test_the_recipient_opens_it(void **state)
{
    fixture *fix = *state;

    (void)add_key(NEW_ID, "alice", true);
    mock.wraps_by_both = true;
    for (int i = HSMIAM_EXPORT_AUTO; i <= HSMIAM_EXPORT_AES_KEY_WRAP_SHA_1; i++) {
        hsmiam_export_algorithm wanted = (hsmiam_export_algorithm)i;

        assert_int_equal(export_key(fix, KEY_URI, wanted), HSMIAM_OK);
        if (wanted != HSMIAM_EXPORT_AUTO)
            assert_string_equal(hsmiam_wrapped_key_get_algorithm(wrapped),
                                hsmiam_export_algorithm_get_name(wanted));
        expect_opened();
    }
    assert_string_equal(ledger_fixture_tell(NEW_ID), "export export export export export");
}

typedef struct told {
    size_t exports;
    char recipient[80];
    char algorithm[40];
    char user_name[40];
} told;

static void copy(const hsmiam_ledger_record *record, const char *name, char *to, size_t size)
{
    const char *text = hsmiam_ledger_record_get_text(record, name);

    (void)snprintf(to, size, "%s", text != NULL ? text : "");
}

static bool look(void *context, const hsmiam_ledger_record *record)
{
    told *found = context;

    if (strcmp(hsmiam_ledger_record_get_text(record, "event"), "export") != 0)
        return true;
    found->exports++;
    copy(record, "recipient", found->recipient, sizeof found->recipient);
    copy(record, "algorithm", found->algorithm, sizeof found->algorithm);
    copy(record, "user_name", found->user_name, sizeof found->user_name);
    return true;
}

static told read_ledger(void)
{
    told found = {0};

    assert_int_equal(hsmiam_ledger_read(ledger_fixture_get(), NULL, look, &found, NULL), HSMIAM_OK);
    return found;
}

static void test_what_is_told(void **state)
{
    fixture *fix = *state;
    const char *fingerprint = wrapped_fixture_get_fingerprint(wrapped_fixture_get_key());

    (void)add_key(NEW_ID, "alice", true);
    mock.sha1_only = true;
    assert_int_equal(export_key(fix, "pkcs11:object=alice", HSMIAM_EXPORT_AUTO), HSMIAM_OK);
    assert_string_equal(hsmiam_wrapped_key_get_access_key_id(wrapped), NEW_ID);
    assert_string_equal(hsmiam_wrapped_key_get_user_name(wrapped), "alice");
    assert_string_equal(hsmiam_wrapped_key_get_algorithm(wrapped), "RSAES_OAEP_SHA_1");
    assert_string_equal(hsmiam_wrapped_key_get_fingerprint(wrapped), fingerprint);
    const told found = read_ledger();
    assert_int_equal(found.exports, 1);
    assert_string_equal(found.recipient, fingerprint);
    assert_string_equal(found.algorithm, "rsaes-oaep-sha-1");
    assert_string_equal(found.user_name, "alice");
    expect_opened();
}

/* A label that is no user's name, or the id, is none. */
static void test_without_a_user_name(void **state)
{
    static const char *const labels[] = {NEW_ID, "two words", ""};
    fixture *fix = *state;

    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        CK_OBJECT_HANDLE key = add_key(NEW_ID, labels[i], true);

        assert_int_equal(export_key(fix, KEY_URI, HSMIAM_EXPORT_AUTO), HSMIAM_OK);
        assert_string_equal(hsmiam_wrapped_key_get_user_name(wrapped), "");
        assert_string_equal(read_ledger().user_name, "");
        mock_remove(key);
    }
}

static void test_without_a_ledger(void **state)
{
    fixture *fix = *state;

    (void)add_key(NEW_ID, "alice", true);
    hsmiam_custody_set_ledger(fix->custody, NULL);
    assert_int_equal(export_key(fix, KEY_URI, HSMIAM_EXPORT_AUTO), HSMIAM_OK);
    expect_opened();
}

static void test_refusals(void **state)
{
    fixture *fix = *state;
    CK_OBJECT_HANDLE key = add_key(NEW_ID, "alice", false);

    assert_int_equal(export_key(fix, KEY_URI, HSMIAM_EXPORT_AUTO), HSMIAM_ERR_UNSUPPORTED);
    fixture_expect_message(fix, NEW_ID " was not put into token");
    assert_int_equal(mock.calls[MOCK_C_WrapKey], 0);
    mock_set_flag(key, CKA_EXTRACTABLE, true);
    assert_int_equal(export_key(fix, KEY_URI, HSMIAM_EXPORT_AES_KEY_WRAP_SHA_256),
                     HSMIAM_ERR_UNSUPPORTED);
    fixture_expect_message(fix, "does not wrap by RSA_AES_KEY_WRAP_SHA_256; choose another");
    assert_int_equal(export_key(fix, "pkcs11:id=" OTHER_ID, HSMIAM_EXPORT_AUTO),
                     HSMIAM_ERR_NOT_FOUND);
    assert_int_equal(export_key(fix, NULL, HSMIAM_EXPORT_AUTO), HSMIAM_ERR_AMBIGUOUS);
    assert_int_equal(export_key(fix, KEY_URI, (hsmiam_export_algorithm)9), HSMIAM_ERR_ARGUMENT);
    mock_fail(MOCK_C_WrapKey, 0, CKR_DEVICE_ERROR);
    assert_int_equal(export_key(fix, KEY_URI, HSMIAM_EXPORT_AUTO), HSMIAM_ERR_TOKEN);
    mock_stop_failing();
    assert_int_equal(hsmiam_access_key_export(fix->custody, KEY_URI, NULL, HSMIAM_EXPORT_AUTO,
                                              &wrapped, fix->error),
                     HSMIAM_ERR_ARGUMENT);
    assert_int_equal(read_ledger().exports, 0);
    assert_string_equal(ledger_fixture_tell(NEW_ID), "");
}

/* What cannot be put on record is handed to nobody. */
static void test_ledger_that_cannot_be_written(void **state)
{
    fixture *fix = *state;
    const char *path = ledger_fixture_get_path();

    (void)add_key(NEW_ID, "alice", true);
    assert_int_equal(export_key(fix, KEY_URI, HSMIAM_EXPORT_AUTO), HSMIAM_OK);
    mock_stop_failing();
    mock_fail(MOCK_C_Sign, 1, CKR_FUNCTION_FAILED); /* the record's signature */
    assert_int_equal(export_key(fix, KEY_URI, HSMIAM_EXPORT_AUTO), HSMIAM_ERR_TOKEN);
    assert_int_equal(mock.calls[MOCK_C_WrapKey], 1);
    mock_stop_failing();
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(export_key(fix, KEY_URI, HSMIAM_EXPORT_AUTO), HSMIAM_ERR_IO);
    assert_int_equal(mock.calls[MOCK_C_WrapKey], 0);
    assert_int_equal(rmdir(path), 0);
}

#define export_test(test) cmocka_unit_test_setup_teardown(test, ledger_fixture_set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        export_test(test_the_recipient_opens_it),
        export_test(test_what_is_told),
        export_test(test_without_a_user_name),
        export_test(test_without_a_ledger),
        export_test(test_refusals),
        export_test(test_ledger_that_cannot_be_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
