/* SPDX-License-Identifier: Apache-2.0 */
#include "approver.h"

#include <inttypes.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#define SIGNATURE_MAX 512

void approver_init(approver *made, bool rsa)
{
    EVP_PKEY *key = rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    BIO *bio = BIO_new(BIO_s_mem());
    hsmiam_public_key *half = NULL;

    assert_non_null(key);
    assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
    int size = BIO_read(bio, made->pem, sizeof made->pem - 1);
    assert_true(size > 0);
    made->pem[size] = '\0';
    BIO_free(bio);
    made->key = key;
    assert_int_equal(hsmiam_public_key_new_approver_pem(made->pem, strlen(made->pem), &half, NULL),
                     HSMIAM_OK);
    (void)snprintf(made->fingerprint, sizeof made->fingerprint, "%s",
                   hsmiam_public_key_get_fingerprint(half));
    hsmiam_public_key_free(&half);
}

void approver_clear(approver *made)
{
    EVP_PKEY_free(made->key);
    made->key = NULL;
}

hsmiam_status approver_set_policy(fixture *fix, const char *operations, unsigned needed,
                                  const approver *approvers, size_t count)
{
    hsmiam_policy *policy = NULL;

    assert_int_equal(hsmiam_policy_new(&policy, fix->error), HSMIAM_OK);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(hsmiam_policy_add_approvers(policy, approvers[i].pem,
                                                     strlen(approvers[i].pem), fix->error),
                         HSMIAM_OK);
    assert_int_equal(hsmiam_policy_require(policy, operations, fix->error), HSMIAM_OK);
    if (count > 0)
        assert_int_equal(hsmiam_policy_set_approvals(policy, needed, fix->error), HSMIAM_OK);
    hsmiam_status status = hsmiam_ledger_set_policy(fix->ledger, policy, fix->error);
    hsmiam_policy_free(&policy);
    return status;
}

/* What is to be signed, of a request in the file. */
static void find_statement(fixture *fix, uint64_t request, const char *serial,
                           char statement[HSMIAM_STATEMENT_MAX])
{
    hsmiam_file file = {.functions = &hsmiam_file_system, .path = fix->path, .fd = -1};
    hsmiam_dual_reading reading = {.file = &file};
    hsmiam_dual dual;

    assert_int_equal(hsmiam_dual_init(&dual, NULL), HSMIAM_OK);
    assert_int_equal(hsmiam_file_open_for_reading(&file, NULL), HSMIAM_OK);
    assert_int_equal(hsmiam_file_get_size(&file, &reading.end, NULL), HSMIAM_OK);
    assert_int_equal(hsmiam_dual_read(&dual, &reading, NULL), HSMIAM_OK);
    const hsmiam_dual_request *found = hsmiam_dual_find(&dual, request);
    if (found == NULL)
        fail_msg("record %" PRIu64 " is no request", request);
    else
        hsmiam_dual_format_statement(found, serial, statement);
    hsmiam_file_close(&file);
    hsmiam_dual_clear(&dual);
}

hsmiam_record approver_make_record(fixture *fix, const approver *by, uint64_t request,
                                   const char *serial)
{
    static char approval[HSMIAM_BASE64_SIZE(SIGNATURE_MAX)];
    static char number[HSMIAM_NUMBER_SIZE];
    static char fingerprint[HSMIAM_FINGERPRINT_SIZE];
    unsigned char signature[SIGNATURE_MAX];
    char statement[HSMIAM_STATEMENT_MAX] = "";
    hsmiam_record record = {{NULL}};
    size_t size = sizeof signature;
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    find_statement(fix, request, serial, statement);
    assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, by->key), 1);
    assert_int_equal(EVP_DigestSign(context, signature, &size, (const unsigned char *)statement,
                                    strlen(statement)),
                     1);
    EVP_MD_CTX_free(context);
    hsmiam_base64_encode(signature, size, approval);
    (void)snprintf(number, sizeof number, "%" PRIu64, request);
    memcpy(fingerprint, by->fingerprint, sizeof fingerprint);
    record.fields[HSMIAM_FIELD_EVENT] = hsmiam_event_get_name(HSMIAM_EVENT_APPROVAL);
    record.fields[HSMIAM_FIELD_TOKEN_SERIAL] = serial;
    record.fields[HSMIAM_FIELD_REQUEST] = number;
    record.fields[HSMIAM_FIELD_APPROVER] = fingerprint;
    record.fields[HSMIAM_FIELD_APPROVAL] = approval;
    return record;
}

void approver_approve(fixture *fix, const approver *by, uint64_t request, const char *serial)
{
    hsmiam_record record = approver_make_record(fix, by, request, serial);

    assert_int_equal(
        hsmiam_ledger_append(fix->ledger, &record, HSMIAM_APPEND_OR_PENDING, NULL, fix->error),
        HSMIAM_OK);
}
