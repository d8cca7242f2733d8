/* SPDX-License-Identifier: Apache-2.0 */
/* What writers leave: chains, seals, introductions, pending lines; and what they refuse. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "token/cryptoki.h"

static size_t count_lines(const fixture *fix)
{
    size_t size = 0;
    size_t lines = 0;
    char *data = fixture_read(fix, &size);

    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    free(data);
    return lines;
}

static bool file_has(const fixture *fix, const char *text)
{
    size_t size = 0;
    char *data = fixture_read(fix, &size);
    bool has = strstr(data, text) != NULL;

    free(data);
    return has;
}

/* Appends bytes that no writer of ours would. */
static void spoil(const fixture *fix, const char *text, size_t size)
{
    FILE *file = fopen(fix->path, "ab");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void test_first_record_introduces_the_key(void **state)
{
    fixture *fix = *state;
    struct stat information;

    fixture_import(fix);
    assert_int_equal(count_lines(fix), 2);
    fixture_expect_intact(fix, 2);
    assert_int_equal(fix->findings[HSMIAM_LEDGER_TRUST], 1);
    assert_int_equal(stat(fix->path, &information), 0);
    assert_int_equal(information.st_mode & 07137, 0);
}

static void test_intent_and_outcome(void **state)
{
    fixture *fix = *state;
    uint64_t intent = fixture_intend(fix);

    assert_int_equal(intent, 2);
    assert_int_equal(
        hsmiam_ledger_add_renewal(fix->ledger, &fixture_facts, intent, 1440938170, fix->error),
        HSMIAM_OK);
    fixture_end(fix, intent, HSMIAM_RESULT_HELD);
    fixture_expect_intact(fix, 4);
    assert_true(file_has(fix, "\"intent\":2,\"result\":\"held\""));
    assert_true(file_has(fix, "\"request_time\":\"2015-08-30T12:36:10Z\""));
    assert_true(hsmiam_result_is_final(HSMIAM_RESULT_DELETED));
    assert_false(hsmiam_result_is_final(HSMIAM_RESULT_UNKNOWN));
}

static void test_intent_of_what_is_not_known(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger_facts facts = fixture_facts;
    uint64_t intent = 0;

    facts.user_name = NULL;
    facts.wrapping_key = "";
    assert_int_equal(
        hsmiam_ledger_add_intent(fix->ledger, &facts, NULL, -1, 1440938161, &intent, fix->error),
        HSMIAM_OK);
    assert_false(file_has(fix, "keys_before"));
    assert_false(file_has(fix, "iam_time"));
    assert_false(file_has(fix, "user_name"));
    fixture_expect_intact(fix, 2);
}

static void test_two_ledgers_on_one_file(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger *other = NULL;
    hsmiam_ledger *mine = fix->ledger;

    assert_int_equal(hsmiam_ledger_new(fix->path, &other, fix->error), HSMIAM_OK);
    hsmiam_ledger_set_token(other, fix->token);
    for (int i = 0; i < 4; i++) {
        fixture_import(fix);
        fix->ledger = other;
        fixture_import(fix);
        fix->ledger = mine;
    }
    hsmiam_ledger_free(&other);
    fixture_expect_intact(fix, 9);
}

/* A crash may leave any beginning of a line; nothing of it is dropped. */
static void test_torn_line_is_sealed(void **state)
{
    fixture *fix = *state;
    size_t size = 0;

    fixture_import(fix);
    fixture_import(fix);
    char *data = fixture_read(fix, &size);
    size_t last = size - 1;
    while (data[last - 1] != '\n')
        last--;
    for (size_t cut = last + 1; cut < size - 1; cut += 7) {
        fixture_write(fix, data, cut);
        fixture_expect_fault(fix, HSMIAM_FAULT_TORN, 3);
        fixture_reopen(fix);
        fixture_import(fix);
        fixture_expect_intact(fix, 4);
        assert_int_equal(fix->verdict.sealed, 1);
        assert_int_equal(fix->findings[HSMIAM_LEDGER_SEALED], 1);
        size_t after = 0;
        char *sealed = fixture_read(fix, &after);
        assert_memory_equal(sealed, data, cut);
        free(sealed);
    }
    free(data);
}

/* Where there is nothing to record, recovery does what a writer would. */
static void test_torn_line_is_sealed_by_mending(void **state)
{
    fixture *fix = *state;

    fixture_import(fix);
    assert_int_equal(hsmiam_ledger_mend(fix->ledger, fix->error), HSMIAM_OK);
    assert_int_equal(count_lines(fix), 2);
    spoil(fix, "{\"sequence\":3,\"ti", 17);
    fixture_expect_fault(fix, HSMIAM_FAULT_TORN, 3);
    assert_int_equal(hsmiam_ledger_mend(fix->ledger, fix->error), HSMIAM_OK);
    fixture_expect_intact(fix, 3);
    assert_int_equal(fix->verdict.sealed, 1);
}

/* A record whose end was never written does not explain where a key comes from. */
static void test_torn_line_knows_no_key(void **state)
{
    static const char torn[] = "{\"sequence\":3,\"access_key_id\":\"AKIATORNTORNTORNTORN\",\"re";
    fixture *fix = *state;
    bool known = true;

    fixture_import(fix);
    spoil(fix, torn, sizeof torn - 1);
    fixture_import(fix);
    assert_int_equal(
        hsmiam_ledger_knows_key(fix->ledger, "AKIATORNTORNTORNTORN", &known, fix->error),
        HSMIAM_OK);
    assert_false(known);
    assert_int_equal(hsmiam_ledger_knows_key(fix->ledger, OTHER_ID, &known, fix->error), HSMIAM_OK);
    assert_true(known);
}

static void test_line_without_its_end_is_a_line(void **state)
{
    fixture *fix = *state;
    size_t size = 0;

    fixture_import(fix);
    char *data = fixture_read(fix, &size);
    fixture_write(fix, data, size - 1);
    free(data);
    fixture_expect_intact(fix, 2);
    fixture_import(fix);
    fixture_expect_intact(fix, 3);
    assert_int_equal(fix->verdict.sealed, 0);
}

static void test_garbage_of_several_lines_is_sealed(void **state)
{
    static const char zeros[4096];
    fixture *fix = *state;

    fixture_import(fix);
    spoil(fix, "one\ntwo\n\nthree\n", 15);
    fixture_expect_fault(fix, HSMIAM_FAULT_CHANGED, 3);
    fixture_import(fix);
    fixture_expect_intact(fix, 4);
    for (int i = 0; i < 20; i++) /* more than the window of a reader has */
        spoil(fix, zeros, sizeof zeros);
    fixture_import(fix);
    fixture_expect_intact(fix, 6);
    assert_int_equal(fix->verdict.sealed, 2);
}

static void test_first_line_torn(void **state)
{
    fixture *fix = *state;

    spoil(fix, "{\"sequence\":1,\"ti", 17);
    fixture_import(fix);
    fixture_expect_intact(fix, 4); /* a seal, the key, a countersignature, the import */
    assert_int_equal(fix->verdict.pending, 1);
}

static void test_file_that_is_no_ledger(void **state)
{
    fixture *fix = *state;
    size_t size = 0;
    hsmiam_ledger_facts facts = fixture_facts;

    spoil(fix, "root:x:0:0:root:/root:/bin/bash\n", 32);
    facts.access_key_id = OTHER_ID;
    facts.partition = facts.endpoint = facts.credential_id = NULL;
    assert_int_equal(hsmiam_ledger_add_import(fix->ledger, &facts, fix->error), HSMIAM_ERR_LEDGER);
    fixture_expect_message(fix, "does not end like a ledger");
    free(fixture_read(fix, &size));
    assert_int_equal(size, 32);
    fixture_expect_fault(fix, HSMIAM_FAULT_CHANGED, 1);
}

static void test_token_without_audit_key(void **state)
{
    fixture *fix = *state;

    fixture_remove_key(fix);
    fixture_import(fix);
    fixture_import(fix);
    assert_int_equal(fix->notices, 1);
    assert_non_null(strstr(fix->log, "has no audit key"));
    fixture_expect_intact(fix, 2);
    assert_int_equal(fix->verdict.unsettled, 2);
    assert_int_equal(fix->findings[HSMIAM_LEDGER_PENDING], 1);

    fixture_change_key(fix);
    fixture_import(fix);
    fixture_expect_intact(fix, 5);
    assert_int_equal(fix->verdict.unsettled, 0);
    assert_int_equal(fix->verdict.pending, 2);
    assert_true(file_has(fix, "\"event\":\"countersign\""));
    assert_true(file_has(fix, "\"first_pending\":1"));
}

/* Where IAM may have made a key already, the record must be made although the token is gone. */
static void test_outcome_without_the_token(void **state)
{
    fixture *fix = *state;
    uint64_t intent = fixture_intend(fix);
    uint64_t none = 0;

    mock_fail(MOCK_C_Sign, 0, CKR_DEVICE_REMOVED);
    fixture_end(fix, intent, HSMIAM_RESULT_UNDELETED);
    assert_int_equal(hsmiam_ledger_add_intent(fix->ledger, &fixture_facts, NULL, -1, 1440938161,
                                              &none, fix->error),
                     HSMIAM_ERR_TOKEN);
    mock_stop_failing();
    fixture_expect_intact(fix, 3);
    assert_int_equal(fix->verdict.unsettled, 1);
    fixture_import(fix);
    fixture_expect_intact(fix, 5);
    assert_int_equal(fix->verdict.pending, 1);
    assert_true(file_has(fix, "\"first_pending\":3"));
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

static void keep_text(void *context, const char *text)
{
    char *to = context;

    (void)snprintf(to, HSMIAM_LINE_MAX, "%s", text);
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
    assert_int_equal(hsmiam_ledger_find_wrapping_key(fix->ledger, SERIAL, found, fix->error),
                     HSMIAM_OK);
    assert_string_equal(found, "");
    fixture_import(fix);
    assert_int_equal(hsmiam_ledger_find_wrapping_key(fix->ledger, SERIAL, found, fix->error),
                     HSMIAM_OK);
    assert_string_equal(found, WRAPPING);
    assert_int_equal(hsmiam_ledger_find_wrapping_key(fix->ledger, "another", found, fix->error),
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
    assert_int_equal(hsmiam_ledger_find_wrapping_key(fix->ledger, SERIAL, found, fix->error),
                     HSMIAM_ERR_LEDGER);
    fixture_expect_message(fix, "is not what the audit key signed");
}

#define WRITERS 8
#define WRITES  12

static hsmiam_status write_some(hsmiam_ledger *ledger)
{
    hsmiam_status status = HSMIAM_OK;
    hsmiam_ledger_facts facts = fixture_facts;

    facts.access_key_id = OTHER_ID;
    facts.partition = facts.endpoint = facts.credential_id = NULL;
    for (int i = 0; i < WRITES && status == HSMIAM_OK; i++)
        status = hsmiam_ledger_add_import(ledger, &facts, NULL);
    return status;
}

static void test_processes_at_once(void **state)
{
    fixture *fix = *state;
    pid_t children[WRITERS];
    int status = 0;

    for (int i = 0; i < WRITERS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            hsmiam_ledger *own = NULL;
            hsmiam_token *token = NULL; /* the parent's is the parent's */
            bool done = hsmiam_ledger_new(fix->path, &own, NULL) == HSMIAM_OK &&
                        hsmiam_token_new(TOKEN, &token, NULL) == HSMIAM_OK;
            if (done) {
                hsmiam_token_set_modules(token, mock_get_modules());
                hsmiam_ledger_set_token(own, token);
            }
            _exit(done && write_some(own) == HSMIAM_OK ? 0 : 1);
        }
    }
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    fixture_expect_intact(fix, 1 + WRITERS * WRITES);
}

static void *write_as_thread(void *context)
{
    return write_some(context) == HSMIAM_OK ? context : NULL;
}

static void test_threads_at_once(void **state)
{
    fixture *fix = *state;
    pthread_t threads[WRITERS];
    void *result = NULL;

    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_as_thread, fix->ledger), 0);
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, fix->ledger);
    }
    fixture_expect_intact(fix, 1 + WRITERS * WRITES);
}

static void test_no_token(void **state)
{
    fixture *fix = *state;
    uint64_t intent = 0;

    hsmiam_ledger_set_token(fix->ledger, NULL);
    assert_int_equal(hsmiam_ledger_add_intent(fix->ledger, &fixture_facts, NULL, -1, 1440938161,
                                              &intent, fix->error),
                     HSMIAM_ERR_CONFIG);
    assert_int_equal(hsmiam_ledger_new("", &fix->ledger, fix->error), HSMIAM_ERR_ARGUMENT);
}

static void test_mirror(void **state)
{
    static char last[HSMIAM_LINE_MAX];
    fixture *fix = *state;
    size_t size = 0;

    hsmiam_ledger_set_mirror(fix->ledger, keep_text, last);
    fixture_import(fix);
    char *data = fixture_read(fix, &size);
    assert_non_null(strstr(data, last));
    assert_string_equal(strstr(data, last) + strlen(last), "\n");
    free(data);
}

static bool count_record(void *context, const hsmiam_ledger_record *record)
{
    size_t *count = context;
    const char *name = NULL;
    const char *value = NULL;
    hsmiam_member_kind kind = HSMIAM_MEMBER_STRING;

    ++*count;
    assert_true(hsmiam_ledger_record_get_member(record, 0, &name, &value, &kind));
    assert_string_equal(name, "sequence");
    assert_int_equal(kind, HSMIAM_MEMBER_NUMBER);
    assert_string_equal(hsmiam_ledger_record_get_text(record, "sequence"), value);
    assert_null(hsmiam_ledger_record_get_text(record, "nothing"));
    assert_false(hsmiam_ledger_record_get_member(record, 40, &name, &value, &kind));
    return *count < 100;
}

static void test_reading(void **state)
{
    static const struct {
        hsmiam_ledger_filter filter;
        size_t count;
    } cases[] = {
        {{.since = -1, .until = -1}, 4},
        {{.since = -1, .until = -1, .user_name = "alice"}, 3},
        {{.since = -1, .until = -1, .user_name = "bob"}, 0},
        {{.since = -1, .until = -1, .access_key_id = OTHER_ID}, 2},
        {{.since = -1, .until = -1, .access_key_id = KEY_ID}, 2}, /* it signed for two */
        {{.since = -1, .until = -1, .event = "outcome"}, 1},
        {{.since = -1, .until = -1, .event = "intent", .user_name = "alice"}, 1},
        {{.since = 0, .until = -1}, 4},
        {{.since = -1, .until = 0}, 0},
        {{.since = 4102444800, .until = -1}, 0},
    };
    fixture *fix = *state;
    const hsmiam_ledger_filter wrong = {.since = -1, .until = -1, .event = "nonsense"};
    size_t count = 0;

    fixture_import(fix);
    fixture_end(fix, fixture_intend(fix), HSMIAM_RESULT_HELD);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        count = 0;
        assert_int_equal(
            hsmiam_ledger_read(fix->ledger, &cases[i].filter, count_record, &count, fix->error),
            HSMIAM_OK);
        assert_int_equal(count, cases[i].count);
    }
    assert_int_equal(hsmiam_ledger_read(fix->ledger, &wrong, count_record, &count, fix->error),
                     HSMIAM_ERR_ARGUMENT);
    fixture_expect_message(fix, "audit-key, provision, import, intent");
    spoil(fix, "nonsense\n", 9);
    assert_int_equal(hsmiam_ledger_read(fix->ledger, NULL, count_record, &count, fix->error),
                     HSMIAM_OK);
    assert_int_equal(fix->notices, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_first_record_introduces_the_key),
        fixture_test(test_intent_and_outcome),
        fixture_test(test_intent_of_what_is_not_known),
        fixture_test(test_two_ledgers_on_one_file),
        fixture_test(test_torn_line_is_sealed),
        fixture_test(test_torn_line_is_sealed_by_mending),
        fixture_test(test_torn_line_knows_no_key),
        fixture_test(test_line_without_its_end_is_a_line),
        fixture_test(test_garbage_of_several_lines_is_sealed),
        fixture_test(test_first_line_torn),
        fixture_test(test_file_that_is_no_ledger),
        fixture_test(test_token_without_audit_key),
        fixture_test(test_outcome_without_the_token),
        fixture_test(test_unknown_key_is_refused),
        fixture_test(test_keys_that_are_given),
        fixture_test(test_introduction),
        fixture_test(test_wrapping_key_on_record),
        fixture_test(test_forged_wrapping_key),
        fixture_test(test_processes_at_once),
        fixture_test(test_threads_at_once),
        fixture_test(test_no_token),
        fixture_test(test_mirror),
        fixture_test(test_reading),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
