/* SPDX-License-Identifier: Apache-2.0 */
/* Dual control between the asking and the record: nothing is written that `audit verify` would
 * condemn, and nobody's honest work makes a ledger one that cannot be verified any more. */
#include "asking.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static approver bob;
static approver carol;

static int make_approvers(void **state)
{
    (void)state;
    approver_init(&bob, false);
    approver_init(&carol, false);
    return 0;
}

static int clear_approvers(void **state)
{
    (void)state;
    approver_clear(&bob);
    approver_clear(&carol);
    return 0;
}

/* Two commands were told of the same approval. */
static void test_used_meanwhile(void **state)
{
    fixture *fix = *state;

    assert_int_equal(approver_set_policy(fix, "create-access-key,import", 1, &bob, 1), HSMIAM_OK);
    uint64_t number = asking_approve(fix, &bob, HSMIAM_ACT_IMPORT, "alice");
    assert_int_equal(asking_ask(fix, HSMIAM_ACT_IMPORT, "alice"), number);
    assert_int_equal(asking_ask(fix, HSMIAM_ACT_IMPORT, "alice"), number);
    assert_int_equal(asking_write(fix, HSMIAM_EVENT_IMPORT, "alice", number), HSMIAM_OK);
    asking_expect_refused(fix, HSMIAM_EVENT_IMPORT, "alice", number, "was used before");
    asking_expect_refused(fix, HSMIAM_EVENT_INTENT, "alice", 0, "it names none");
    assert_int_equal(fixture_verify(fix), HSMIAM_OK);
}

/* The preparations of a key, or of a rotation that was interrupted, took longer than it was good
 * for. */
static void test_expired_meanwhile(void **state)
{
    fixture *fix = *state;

    assert_int_equal(approver_set_policy(fix, "create-access-key", 1, &bob, 1), HSMIAM_OK);
    uint64_t number = asking_request_until(fix, HSMIAM_ACT_CREATE, "alice", "2020-01-01T00:00:00Z");
    approver_approve(fix, &bob, number, APPROVER_SERIAL);
    assert_int_equal(asking_ask(fix, HSMIAM_ACT_CREATE, "alice"), 0);
    asking_expect_refused(fix, HSMIAM_EVENT_INTENT, "alice", number, "it had expired");
    assert_int_equal(fixture_verify(fix), HSMIAM_OK);
}

/* Nothing needed an approval when it was asked. */
static void test_policy_meanwhile(void **state)
{
    fixture *fix = *state;
    hsmiam_ledger *first = NULL;

    assert_int_equal(asking_write(fix, HSMIAM_EVENT_IMPORT, "alice", 0), HSMIAM_OK);
    assert_int_equal(asking_ask(fix, HSMIAM_ACT_IMPORT, "alice"), 0);
    first = fix->ledger;
    fix->ledger = NULL;
    fixture_reopen(fix);
    assert_int_equal(approver_set_policy(fix, "import", 1, &bob, 1), HSMIAM_OK);
    hsmiam_ledger *second = fix->ledger;
    fix->ledger = first;
    asking_expect_refused(fix, HSMIAM_EVENT_IMPORT, "alice", 0, "it names none");
    fix->ledger = second;
    hsmiam_ledger_free(&first);
    assert_int_equal(fixture_verify(fix), HSMIAM_OK);
}

/* Bob read the request while the others took him out of the policy. What he then signs is no
 * approval of anything, and no fault either. */
static void test_late_approval(void **state)
{
    fixture *fix = *state;
    const approver both[] = {bob, carol};

    assert_int_equal(approver_set_policy(fix, "create-access-key", 1, both, 2), HSMIAM_OK);
    uint64_t number = asking_request(fix, HSMIAM_ACT_CREATE, "alice");
    hsmiam_record late = approver_make_record(fix, &bob, number, APPROVER_SERIAL);
    char approval[sizeof "" + 1024];
    (void)snprintf(approval, sizeof approval, "%s", late.fields[HSMIAM_FIELD_APPROVAL]);
    assert_int_equal(approver_set_policy(fix, "create-access-key", 1, &carol, 1),
                     HSMIAM_ERR_APPROVAL);
    approver_approve(fix, &carol, asking_get_last(fix), "carols");
    assert_int_equal(approver_set_policy(fix, "create-access-key", 1, &carol, 1), HSMIAM_OK);
    late.fields[HSMIAM_FIELD_APPROVER] = bob.fingerprint;
    late.fields[HSMIAM_FIELD_TOKEN_SERIAL] = APPROVER_SERIAL;
    late.fields[HSMIAM_FIELD_APPROVAL] = approval;
    late.fields[HSMIAM_FIELD_REQUEST] = "3";
    assert_int_equal(number, 3);
    assert_int_equal(
        hsmiam_ledger_append(fix->ledger, &late, HSMIAM_APPEND_OR_PENDING, NULL, fix->error),
        HSMIAM_OK);
    assert_int_equal(fixture_verify(fix), HSMIAM_OK);
    assert_int_equal(asking_ask(fix, HSMIAM_ACT_CREATE, "alice"), 0);
    asking_expect_refused(fix, HSMIAM_EVENT_INTENT, "alice", number, "made under another policy");
}

/* An audit key that is older than the policy: its token approves nothing, here and in `verify`. */
static void test_token_of_old_audit_key(void **state)
{
    fixture *fix = *state;
    hsmiam_public_key *old = NULL;
    hsmiam_record record = {{NULL}};

    assert_int_equal(
        hsmiam_public_key_new_approver_pem(carol.pem, strlen(carol.pem), &old, fix->error),
        HSMIAM_OK);
    record.fields[HSMIAM_FIELD_EVENT] = "audit-key";
    record.fields[HSMIAM_FIELD_TOKEN_SERIAL] = "old";
    record.fields[HSMIAM_FIELD_INTRODUCED_KEY] = hsmiam_public_key_get_fingerprint(old);
    record.fields[HSMIAM_FIELD_PUBLIC_KEY] = hsmiam_public_key_get_base64(old);
    assert_int_equal(
        hsmiam_ledger_append(fix->ledger, &record, HSMIAM_APPEND_SIGNED, NULL, fix->error),
        HSMIAM_OK);
    hsmiam_public_key_free(&old);
    assert_int_equal(asking_ask(fix, HSMIAM_ACT_CREATE, "alice"), 0);
    assert_int_equal(asking_write(fix, HSMIAM_EVENT_INTENT, "alice", 0), HSMIAM_OK);
    assert_int_equal(approver_set_policy(fix, "create-access-key", 1, &bob, 1), HSMIAM_OK);
    uint64_t number = asking_request(fix, HSMIAM_ACT_CREATE, "alice");
    approver_approve(fix, &bob, number, "old");
    asking_expect_wrong(fix, HSMIAM_FAULT_UNAPPROVED, "from the very token");
    fixture_reopen(fix);
    assert_int_equal(asking_ask(fix, HSMIAM_ACT_CREATE, "alice"), 0);
}

/* An approver's key does not become an audit key: no ledger with both could be verified. */
static void test_approver_as_audit_key(void **state)
{
    fixture *fix = *state;

    assert_int_equal(approver_set_policy(fix, "delete", 1, &bob, 1), HSMIAM_OK);
    assert_int_equal(hsmiam_ledger_introduce_key(fix->ledger, bob.pem, strlen(bob.pem), fix->error),
                     HSMIAM_ERR_CONFIG);
    fixture_expect_message(fix, "is an approver of the policy in force");
    assert_int_equal(
        hsmiam_ledger_introduce_key(fix->ledger, carol.pem, strlen(carol.pem), fix->error),
        HSMIAM_OK);
    assert_int_equal(fixture_verify(fix), HSMIAM_OK);
}

/* Whoever can write the file can forge an approval; no signature of ours makes that line one that
 * cannot be taken out any more. */
static void test_forged_approval(void **state)
{
    fixture *fix = *state;

    assert_int_equal(approver_set_policy(fix, "create-access-key", 1, &bob, 1), HSMIAM_OK);
    uint64_t number = asking_request(fix, HSMIAM_ACT_CREATE, "alice");
    hsmiam_record record = approver_make_record(fix, &carol, number, APPROVER_SERIAL);
    size_t size = 0;
    char *before = fixture_read(fix, &size);
    for (int i = 0; i < 2; i++) {
        record.fields[HSMIAM_FIELD_APPROVER] = i == 0 ? bob.fingerprint : carol.fingerprint;
        fixture_forge(fix, record, false);
        size_t lines = fixture_count_lines(fix);
        assert_int_equal(asking_write(fix, HSMIAM_EVENT_IMPORT, "alice", 0), HSMIAM_ERR_LEDGER);
        fixture_expect_message(fix, "is an approval that is not right");
        assert_int_equal(fixture_count_lines(fix), lines);
        fixture_write(fix, before, size);
        fixture_reopen(fix);
    }
    free(before);
    assert_int_equal(asking_write(fix, HSMIAM_EVENT_IMPORT, "alice", 0), HSMIAM_OK);
    assert_int_equal(fixture_verify(fix), HSMIAM_OK);
}

/* What a rotation left to be deleted is deleted by its own approval, not by none. */
static void test_deletion_by_rotation(void **state)
{
    fixture *fix = *state;

    assert_int_equal(asking_ask(fix, HSMIAM_ACT_ROTATE, "alice"), 0);
    assert_int_equal(asking_write(fix, HSMIAM_EVENT_ROTATION, "alice", 0), HSMIAM_OK);
    uint64_t old = asking_get_last(fix);
    assert_int_equal(hsmiam_ledger_check_deletion(fix->ledger, old, fix->error), HSMIAM_OK);
    assert_int_equal(approver_set_policy(fix, "delete", 1, &bob, 1), HSMIAM_OK);
    assert_int_equal(hsmiam_ledger_check_deletion(fix->ledger, old, fix->error),
                     HSMIAM_ERR_APPROVAL);
    fixture_expect_message(fix, "is older than it");
    uint64_t number = asking_approve(fix, &bob, HSMIAM_ACT_ROTATE, "alice");
    assert_int_equal(asking_ask(fix, HSMIAM_ACT_ROTATE, "alice"), number);
    assert_int_equal(asking_write(fix, HSMIAM_EVENT_ROTATION, "alice", number), HSMIAM_OK);
    assert_int_equal(hsmiam_ledger_check_deletion(fix->ledger, asking_get_last(fix), fix->error),
                     HSMIAM_OK);
}

/* Before there was an audit key, somebody wrote a policy. */
static void test_unsigned_policy(void **state)
{
    fixture *fix = *state;
    hsmiam_policy policy = {.operations = 1, .needed = 1, .count = 1};
    hsmiam_policy *found = NULL;
    hsmiam_record record = {{NULL}};
    hsmiam_policy_text text;
    uint64_t sequence = 1;

    assert_int_equal(hsmiam_public_key_new_approver_pem(bob.pem, strlen(bob.pem),
                                                        &policy.approvers[0], fix->error),
                     HSMIAM_OK);
    hsmiam_policy_format(&policy, &text, &record);
    hsmiam_policy_clear(&policy);
    record.fields[HSMIAM_FIELD_EVENT] = "policy";
    fixture_forge(fix, record, false);
    for (int i = 0; i < 2; i++) { /* with and without a signature behind it */
        assert_int_equal(hsmiam_ledger_get_policy(fix->ledger, &found, &sequence, fix->error),
                         HSMIAM_OK);
        assert_int_equal(sequence, 0);
        assert_int_equal(hsmiam_policy_get_approvals(found), 0);
        hsmiam_policy_free(&found);
        assert_int_equal(asking_write(fix, HSMIAM_EVENT_IMPORT, "alice", 0), HSMIAM_OK);
        assert_int_equal(fixture_verify(fix), HSMIAM_OK);
    }
}

/* A record that was left unsigned uses its request up like any other. */
static void test_unsigned_use(void **state)
{
    fixture *fix = *state;

    assert_int_equal(approver_set_policy(fix, "import", 1, &bob, 1), HSMIAM_OK);
    uint64_t number = asking_approve(fix, &bob, HSMIAM_ACT_IMPORT, "alice");
    fixture_forge(fix, asking_make_record(HSMIAM_EVENT_IMPORT, "alice", number), false);
    assert_int_equal(asking_ask(fix, HSMIAM_ACT_IMPORT, "alice"), 0);
    fixture_reopen(fix);
    assert_int_equal(asking_ask(fix, HSMIAM_ACT_IMPORT, "alice"), 0);
}

/* Another way to write a key does not make two of one. */
static void test_same_key_twice(void **state)
{
    static const char *const forms[] = {OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_COMPRESSED,
                                        OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_HYBRID};
    fixture *fix = *state;
    hsmiam_policy *policy = NULL;
    char pem[HSMIAM_PEM_MAX];

    assert_int_equal(hsmiam_policy_new(&policy, fix->error), HSMIAM_OK);
    assert_int_equal(hsmiam_policy_add_approvers(policy, bob.pem, strlen(bob.pem), fix->error),
                     HSMIAM_OK);
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        BIO *bio = BIO_new(BIO_s_mem());
        EVP_PKEY *key = EVP_PKEY_dup(bob.key);
        assert_int_equal(EVP_PKEY_set_utf8_string_param(
                             key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, forms[i]),
                         1);
        assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
        int size = BIO_read(bio, pem, sizeof pem);
        assert_true(size > 0);
        assert_int_equal(hsmiam_policy_add_approvers(policy, pem, (size_t)size, fix->error),
                         HSMIAM_ERR_ARGUMENT);
        fixture_expect_message(fix, "is named twice");
        EVP_PKEY_free(key);
        BIO_free(bio);
    }
    hsmiam_policy_free(&policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_used_meanwhile),         fixture_test(test_expired_meanwhile),
        fixture_test(test_policy_meanwhile),       fixture_test(test_late_approval),
        fixture_test(test_token_of_old_audit_key), fixture_test(test_approver_as_audit_key),
        fixture_test(test_unsigned_policy),        fixture_test(test_forged_approval),
        fixture_test(test_deletion_by_rotation),   fixture_test(test_unsigned_use),
        fixture_test(test_same_key_twice),
    };

    return cmocka_run_group_tests(tests, make_approvers, clear_approvers);
}
