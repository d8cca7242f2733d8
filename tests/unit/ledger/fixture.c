/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <inttypes.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "token/keys.h"

const hsmiam_ledger_facts fixture_facts = {
    .partition = "aws",
    .endpoint = "https://iam.test/",
    .token_serial = SERIAL,
    .credential_id = KEY_ID,
    .user_name = "alice",
    .route = "rsa-oaep",
    .wrapping_key = WRAPPING,
};

static void keep_line(void *context, hsmiam_log_level level, const char *line)
{
    fixture *fix = context;
    size_t used = strlen(fix->log);

    fix->notices += level == HSMIAM_LOG_NOTICE;
    (void)snprintf(fix->log + used, sizeof fix->log - used, "%s\n", line);
}

static void make_key(fixture *fix)
{
    hsmiam_object key = 0;

    assert_int_equal(hsmiam_token_open(fix->token, fix->error), HSMIAM_OK);
    assert_int_equal(hsmiam_pair_generate(fix->token, &hsmiam_pair_audit, &key, fix->error),
                     HSMIAM_OK);
}

void fixture_remove_key(fixture *fix)
{
    CK_OBJECT_HANDLE half = 0;

    while ((half = mock_find_labelled(CKO_PRIVATE_KEY, hsmiam_pair_audit.label)) != 0)
        mock_remove(half);
    while ((half = mock_find_labelled(CKO_PUBLIC_KEY, hsmiam_pair_audit.label)) != 0)
        mock_remove(half);
    fixture_reopen(fix);
}

void fixture_change_key(fixture *fix)
{
    fixture_remove_key(fix);
    make_key(fix);
}

void fixture_reopen(fixture *fix)
{
    hsmiam_ledger_free(&fix->ledger);
    assert_int_equal(hsmiam_ledger_new(fix->path, &fix->ledger, fix->error), HSMIAM_OK);
    hsmiam_ledger_set_token(fix->ledger, fix->token);
    hsmiam_ledger_set_log(fix->ledger, keep_line, fix);
}

int fixture_set_up(void **state)
{
    fixture *fix = calloc(1, sizeof *fix);

    if (fix == NULL)
        return -1;
    *state = fix;
    mock_reset();
    fix->error = hsmiam_error_new();
    (void)snprintf(fix->directory, sizeof fix->directory, "/tmp/hsmiam-ledger-XXXXXX");
    assert_non_null(mkdtemp(fix->directory));
    (void)snprintf(fix->path, sizeof fix->path, "%s/ledger.jsonl", fix->directory);
    assert_int_equal(hsmiam_token_new(TOKEN, &fix->token, fix->error), HSMIAM_OK);
    hsmiam_token_set_modules(fix->token, mock_get_modules());
    make_key(fix);
    fixture_reopen(fix);
    return 0;
}

int fixture_tear_down(void **state)
{
    fixture *fix = *state;

    mock_stop_failing();
    hsmiam_ledger_free(&fix->ledger);
    hsmiam_token_free(&fix->token);
    hsmiam_error_free(&fix->error);
    char lock[sizeof fix->path + sizeof ".lock"];

    (void)snprintf(lock, sizeof lock, "%s.lock", fix->path);
    (void)unlink(lock);
    (void)unlink(fix->path);
    int left = rmdir(fix->directory);
    free(fix);
    mock_reset();
    return left;
}

void fixture_import(fixture *fix)
{
    hsmiam_ledger_facts facts = fixture_facts;

    facts.access_key_id = OTHER_ID;
    facts.partition = facts.endpoint = facts.credential_id = NULL;
    hsmiam_status status = hsmiam_ledger_add_import(fix->ledger, &facts, fix->error);
    if (status != HSMIAM_OK)
        fail_msg("%s", hsmiam_error_get_message(fix->error));
}

uint64_t fixture_intend(fixture *fix)
{
    uint64_t intent = 0;

    assert_int_equal(hsmiam_ledger_add_intent(fix->ledger, &fixture_facts, KEY_ID " " OTHER_ID,
                                              1440938160, 1440938161, &intent, fix->error),
                     HSMIAM_OK);
    assert_int_not_equal(intent, 0);
    return intent;
}

void fixture_end(fixture *fix, uint64_t intent, hsmiam_result result)
{
    hsmiam_ledger_facts facts = fixture_facts;

    facts.access_key_id = OTHER_ID;
    facts.request_id = "b1a2-c3";
    assert_int_equal(
        hsmiam_ledger_add_outcome(fix->ledger, &facts, intent, result, NULL, fix->error),
        HSMIAM_OK);
}

char *fixture_read(const fixture *fix, size_t *size_out)
{
    FILE *file = fopen(fix->path, "rb");
    char *data = calloc(1, 1 << 20);

    assert_non_null(file);
    assert_non_null(data);
    *size_out = fread(data, 1, (1 << 20) - 1, file);
    assert_int_equal(fclose(file), 0);
    return data;
}

void fixture_write(const fixture *fix, const char *data, size_t size)
{
    FILE *file = fopen(fix->path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

size_t fixture_count_lines(const fixture *fix)
{
    size_t size = 0;
    size_t lines = 0;
    char *data = fixture_read(fix, &size);

    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    free(data);
    return lines;
}

bool fixture_file_has(const fixture *fix, const char *text)
{
    size_t size = 0;
    char *data = fixture_read(fix, &size);
    bool has = strstr(data, text) != NULL;

    free(data);
    return has;
}

void fixture_spoil(const fixture *fix, const char *text, size_t size)
{
    FILE *file = fopen(fix->path, "ab");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

hsmiam_record fixture_make_outcome(const char *intent, const char *result)
{
    hsmiam_record record = {{NULL}};

    record.fields[HSMIAM_FIELD_EVENT] = "outcome";
    record.fields[HSMIAM_FIELD_TOKEN_SERIAL] = SERIAL;
    record.fields[HSMIAM_FIELD_CREDENTIAL_ID] = KEY_ID;
    record.fields[HSMIAM_FIELD_USER_NAME] = "alice";
    record.fields[HSMIAM_FIELD_ACCESS_KEY_ID] = OTHER_ID;
    record.fields[HSMIAM_FIELD_INTENT] = intent;
    record.fields[HSMIAM_FIELD_RESULT] = result;
    return record;
}

/* A key pair that is nobody's. */
static EVP_PKEY *make_stranger(hsmiam_public_key **half_out)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    unsigned char *der = NULL;
    int size = i2d_PUBKEY(key, &der);

    assert_true(size > 0);
    assert_int_equal(hsmiam_public_key_new(der, (size_t)size, half_out, NULL), HSMIAM_OK);
    OPENSSL_free(der);
    return key;
}

static void sign_as_stranger(EVP_PKEY *key, hsmiam_hash *hash, hsmiam_buffer *line)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    uint8_t digest[HSMIAM_DIGEST_SIZE];
    uint8_t signature[HSMIAM_SIGNATURE_MAX];
    char text[HSMIAM_BASE64_SIZE(HSMIAM_SIGNATURE_MAX)];
    size_t size = sizeof signature;

    assert_true(hsmiam_hash_compute(hash, line->data, line->size, digest));
    assert_int_equal(EVP_PKEY_sign_init(context), 1);
    assert_int_equal(EVP_PKEY_sign(context, signature, &size, digest, sizeof digest), 1);
    EVP_PKEY_CTX_free(context);
    hsmiam_base64_encode(signature, size, text);
    hsmiam_record_close(text, line);
}

void fixture_forge(const fixture *fix, hsmiam_record record, bool sign)
{
    hsmiam_file file = {.functions = &hsmiam_file_system, .path = strdup(fix->path), .fd = -1};
    hsmiam_hash *hash = hsmiam_hash_new();
    hsmiam_public_key *half = NULL;
    EVP_PKEY *key = make_stranger(&half);
    hsmiam_tail tail;
    hsmiam_buffer line;
    char sequence[HSMIAM_NUMBER_SIZE];
    uint64_t size = 0;

    assert_int_equal(hsmiam_file_open(&file, NULL), HSMIAM_OK);
    assert_int_equal(hsmiam_file_get_size(&file, &size, NULL), HSMIAM_OK);
    assert_int_equal(hsmiam_tail_read(&file, hash, size, &tail, NULL), HSMIAM_OK);
    (void)snprintf(sequence, sizeof sequence, "%" PRIu64, tail.sequence + 1);
    record.fields[HSMIAM_FIELD_SEQUENCE] = sequence;
    record.fields[HSMIAM_FIELD_TIME] = "2026-11-24T07:39:10Z";
    record.fields[HSMIAM_FIELD_OPERATOR] = "mallory";
    record.fields[HSMIAM_FIELD_HOST] = "host";
    record.fields[HSMIAM_FIELD_PREVIOUS] = tail.hash;
    record.fields[HSMIAM_FIELD_AUDIT_KEY] = sign ? hsmiam_public_key_get_fingerprint(half) : NULL;
    hsmiam_buffer_init(&line, HSMIAM_LINE_MAX);
    assert_int_equal(hsmiam_record_write(&record, &line, NULL), HSMIAM_OK);
    if (sign)
        sign_as_stranger(key, hash, &line);
    else
        hsmiam_record_close(NULL, &line);
    hsmiam_buffer_append_char(&line, '\n');
    fixture_spoil(fix, line.data, line.size);
    hsmiam_buffer_clear(&line);
    hsmiam_public_key_free(&half);
    EVP_PKEY_free(key);
    hsmiam_hash_free(&hash);
    hsmiam_file_close(&file);
    free(file.path);
}

static void note_finding(void *context, hsmiam_ledger_finding finding, uint64_t line,
                         const char *sentence)
{
    fixture *fix = context;

    assert_int_not_equal(strlen(sentence), 0);
    fix->findings[finding]++;
    fix->finding_line = line;
}

hsmiam_status fixture_verify(fixture *fix)
{
    memset(fix->findings, 0, sizeof fix->findings);
    hsmiam_error_clear(fix->error);
    return hsmiam_ledger_verify(fix->ledger, note_finding, fix, &fix->verdict, fix->error);
}

void fixture_expect_intact(fixture *fix, uint64_t records)
{
    if (fixture_verify(fix) != HSMIAM_OK)
        fail_msg("%s", hsmiam_error_get_message(fix->error));
    assert_int_equal(fix->verdict.fault, HSMIAM_FAULT_NONE);
    assert_int_equal(fix->verdict.line, 0);
    assert_int_equal(fix->verdict.records, records);
    assert_int_equal(fix->verdict.sequence, records);
}

void fixture_expect_fault(fixture *fix, hsmiam_fault fault, uint64_t line)
{
    assert_int_equal(fixture_verify(fix), HSMIAM_ERR_LEDGER);
    if (fix->verdict.fault != fault || fix->verdict.line != line)
        fail_msg("not %s in line %u, but: %s", hsmiam_fault_get_name(fault), (unsigned)line,
                 hsmiam_error_get_message(fix->error));
}

void fixture_expect_message(const fixture *fix, const char *part)
{
    const char *message = hsmiam_error_get_message(fix->error);

    if (strstr(message, part) == NULL)
        fail_msg("\"%s\" is not in: %s", part, message);
}
