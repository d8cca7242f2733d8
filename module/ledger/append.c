/* SPDX-License-Identifier: Apache-2.0 */
/* Writing: what the ledger's end needs first (a seal, an introduction, a countersignature), then
 * the record, all in one write under the lock. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/time.h"
#include "ledger/internal.h"

#define LINES_MAX 5 /* of one write */

/* Lines in the making. */
typedef struct batch {
    hsmiam_ledger *ledger;
    bool sign;
    bool is_checked;   /* the record is held against the policy in force */
    uint64_t sequence; /* of the line that was added last */
    char hash[HSMIAM_HEX_SIZE];
    char now[HSMIAM_TIME_SIZE];
    hsmiam_buffer line;
    hsmiam_buffer lines; /* each with its line feed */
} batch;

hsmiam_status hsmiam_ledger_format_now(char time_out[HSMIAM_TIME_SIZE], hsmiam_error *error)
{
    if (hsmiam_time_format_extended(time(NULL), time_out))
        return HSMIAM_OK;
    return hsmiam_error_set(error, HSMIAM_ERR_INTERNAL,
                            "The system's clock is before 1970 or after 9999.");
}

/* Anyone can plant a public half in some tokens. That ours is the private half's, the first
 * signature proves, before anything is written. */
static hsmiam_status prove_key(hsmiam_ledger *ledger, const uint8_t digest[HSMIAM_DIGEST_SIZE],
                               const uint8_t *signature, size_t size, hsmiam_error *error)
{
    hsmiam_verifier *verifier = hsmiam_verifier_new(ledger->own);

    if (verifier == NULL)
        return hsmiam_error_set_memory(error, "verifying a signature");
    ledger->key.proven = hsmiam_verifier_check(verifier, digest, signature, size);
    hsmiam_verifier_free(&verifier);
    if (ledger->key.proven)
        return HSMIAM_OK;
    return hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                            "Token \"%s\": the public and the private half of the audit key do not "
                            "belong together; find out who made them.",
                            hsmiam_token_get_label(ledger->token));
}

hsmiam_status hsmiam_ledger_sign_line(hsmiam_ledger *ledger, hsmiam_buffer *line,
                                      hsmiam_error *error)
{
    uint8_t digest[HSMIAM_DIGEST_SIZE];
    uint8_t signature[HSMIAM_SIGNATURE_MAX];
    char text[HSMIAM_BASE64_SIZE(HSMIAM_SIGNATURE_MAX)];
    size_t size = 0;

    hsmiam_status status = hsmiam_buffer_check(line, "a record of the ledger", error);
    if (status != HSMIAM_OK)
        return status;
    if (!hsmiam_hash_compute(ledger->hash, line->data, line->size, digest))
        return hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "OpenSSL cannot hash.");
    status = hsmiam_token_sign_digest(ledger->token, &ledger->key, digest, signature, &size, error);
    if (status == HSMIAM_OK && !ledger->key.proven)
        status = prove_key(ledger, digest, signature, size, error);
    if (status != HSMIAM_OK)
        return status;
    hsmiam_base64_encode(signature, size, text);
    hsmiam_record_close(text, line);
    return hsmiam_buffer_check(line, "a record of the ledger", error);
}

/* Adds a line for the record. */
static hsmiam_status add(batch *to, const hsmiam_record *given, bool sign, hsmiam_error *error)
{
    hsmiam_record record = *given;
    char sequence[HSMIAM_NUMBER_SIZE];
    uint8_t digest[HSMIAM_DIGEST_SIZE];

    (void)snprintf(sequence, sizeof sequence, "%" PRIu64, to->sequence + 1);
    record.fields[HSMIAM_FIELD_SEQUENCE] = sequence;
    record.fields[HSMIAM_FIELD_TIME] = to->now;
    record.fields[HSMIAM_FIELD_OPERATOR] = to->ledger->operator_name;
    record.fields[HSMIAM_FIELD_HOST] = to->ledger->host;
    record.fields[HSMIAM_FIELD_PREVIOUS] = to->hash;
    record.fields[HSMIAM_FIELD_AUDIT_KEY] = sign ? to->ledger->key.fingerprint : NULL;

    hsmiam_buffer_clear(&to->line);
    hsmiam_status status = hsmiam_record_write(&record, &to->line, error);
    if (status == HSMIAM_OK && sign)
        status = hsmiam_ledger_sign_line(to->ledger, &to->line, error);
    else if (status == HSMIAM_OK)
        hsmiam_record_close(NULL, &to->line);
    if (status == HSMIAM_OK)
        status = hsmiam_buffer_check(&to->line, "a record of the ledger", error);
    if (status != HSMIAM_OK)
        return status;
    if (!hsmiam_hash_compute(to->ledger->hash, to->line.data, to->line.size, digest))
        return hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "OpenSSL cannot hash.");
    hsmiam_hash_format(digest, to->hash);
    to->sequence++;
    hsmiam_buffer_append(&to->lines, to->line.data, to->line.size);
    hsmiam_buffer_append_char(&to->lines, '\n');
    return HSMIAM_OK;
}

static hsmiam_record make(hsmiam_event event)
{
    hsmiam_record record = {{NULL}};

    record.fields[HSMIAM_FIELD_EVENT] = hsmiam_event_get_name(event);
    return record;
}

static hsmiam_status add_seal(batch *to, const hsmiam_tail *tail, bool sign, hsmiam_error *error)
{
    hsmiam_record record = make(HSMIAM_EVENT_SEAL);
    char size[HSMIAM_NUMBER_SIZE];

    (void)snprintf(size, sizeof size, "%" PRIu64, tail->torn_size);
    record.fields[HSMIAM_FIELD_TORN_SIZE] = size;
    record.fields[HSMIAM_FIELD_TORN_SHA256] = tail->torn_hash;
    hsmiam_log_write(&to->ledger->log, HSMIAM_LOG_NOTICE,
                     "The ledger %s ended in %s bytes that are no record; they stay, under a seal.",
                     to->ledger->file.path, size);
    return add(to, &record, sign, error);
}

static hsmiam_status add_own_key(batch *to, hsmiam_error *error)
{
    hsmiam_record record = make(HSMIAM_EVENT_AUDIT_KEY);

    record.fields[HSMIAM_FIELD_TOKEN_SERIAL] = hsmiam_token_get_serial(to->ledger->token);
    record.fields[HSMIAM_FIELD_INTRODUCED_KEY] = to->ledger->key.fingerprint;
    record.fields[HSMIAM_FIELD_PUBLIC_KEY] = hsmiam_public_key_get_base64(to->ledger->own);
    return add(to, &record, true, error);
}

static hsmiam_status add_countersignature(batch *to, uint64_t first, hsmiam_error *error)
{
    hsmiam_record record = make(HSMIAM_EVENT_COUNTERSIGN);
    char number[HSMIAM_NUMBER_SIZE];

    (void)snprintf(number, sizeof number, "%" PRIu64, first);
    record.fields[HSMIAM_FIELD_FIRST_PENDING] = number;
    return add(to, &record, true, error);
}

/* Adds all that is to be written. `is_known`: the ledger has our key. */
static hsmiam_status fill(batch *to, const hsmiam_tail *tail, bool is_known,
                          const hsmiam_record *record, hsmiam_error *error)
{
    hsmiam_status status = HSMIAM_OK;
    uint64_t first_pending = tail->first_pending;

    to->sequence = tail->sequence;
    memcpy(to->hash, tail->hash, sizeof to->hash);
    hsmiam_buffer_clear(&to->lines);
    if (tail->unended)
        hsmiam_buffer_append_char(&to->lines, '\n');
    if (tail->torn) {
        /* Nobody could verify it by a key that comes later. */
        bool sign = to->sign && is_known;
        status = add_seal(to, tail, sign, error);
        if (!sign && first_pending == 0)
            first_pending = to->sequence;
    }
    if (status == HSMIAM_OK && to->sign && !is_known)
        status = add_own_key(to, error);
    if (status == HSMIAM_OK && to->sign && first_pending != 0)
        status = add_countersignature(to, first_pending, error);
    if (status == HSMIAM_OK && record != NULL)
        status = add(to, record, to->sign, error);
    if (status == HSMIAM_OK)
        status = hsmiam_buffer_check(&to->lines, "records of the ledger", error);
    return status;
}

/* Whether the ledger has our key; if it has others only, that is an error, or as the caller wants
 * it. And whether what is at its end can be built on: our signature covers that as well. */
static hsmiam_status check_own_key(hsmiam_ledger *ledger, const hsmiam_tail *tail, bool *known_out,
                                   hsmiam_error *error)
{
    hsmiam_status status = HSMIAM_OK;

    *known_out = strcmp(tail->signer, ledger->key.fingerprint) == 0;
    if (tail->signer[0] == '\0')
        return HSMIAM_OK;
    if (!*known_out)
        status = hsmiam_trust_learn(ledger, tail->size, known_out, error);
    if (status == HSMIAM_OK && *known_out && strcmp(tail->hash, ledger->written) != 0)
        status = hsmiam_trust_check_end(ledger, tail->size, error);
    if (status != HSMIAM_OK || *known_out)
        return status;
    if (ledger->accept_new_key) {
        hsmiam_log_write(&ledger->log, HSMIAM_LOG_NOTICE,
                         "Audit key %.16s... introduces itself to the ledger %s: `audit verify` "
                         "needs it by --public-key.",
                         ledger->key.fingerprint, ledger->file.path);
        return HSMIAM_OK;
    }
    return hsmiam_error_set(
        error, HSMIAM_ERR_CONFIG,
        "The ledger %s is signed by another audit key, which has not introduced that of token "
        "\"%s\". Let it do so (hsmiam audit export-public-key --token NEW > FILE; hsmiam audit "
        "add-key --public-key FILE --token OLD) and repeat this, name another ledger by --ledger, "
        "or, where the "
        "old key is lost, run hsmiam provision-token --accept-changed-keys.",
        ledger->file.path, hsmiam_token_get_label(ledger->token));
}

static void mirror(hsmiam_ledger *ledger, char *lines)
{
    char *rest = lines;

    for (char *line = strsep(&rest, "\n"); ledger->mirror != NULL && line != NULL;
         line = strsep(&rest, "\n"))
        if (*line != '\0')
            ledger->mirror(ledger->mirror_context, line);
}

static hsmiam_status check_approved(batch *to, uint64_t size, const hsmiam_record *given,
                                    hsmiam_error *error)
{
    hsmiam_record record = *given;

    record.fields[HSMIAM_FIELD_TIME] = to->now;
    return hsmiam_clear_check(to->ledger, size, &record, error);
}

/* The same with the file locked. */
static hsmiam_status append_locked(batch *to, uint64_t size, const hsmiam_record *record,
                                   hsmiam_append_rule rule, hsmiam_error *error)
{
    hsmiam_ledger *ledger = to->ledger;
    hsmiam_tail tail;
    bool is_known = false;

    hsmiam_status status = hsmiam_tail_read(&ledger->file, ledger->hash, size, &tail, error);
    if (status == HSMIAM_OK && to->sign)
        status = check_own_key(ledger, &tail, &is_known, error);
    if (status == HSMIAM_OK && to->sign && is_known && tail.first_pending != 0)
        status = hsmiam_clear_check_pending(ledger, size, tail.first_pending, error);
    if (status == HSMIAM_OK && to->is_checked && to->sign && record != NULL)
        status = check_approved(to, size, record, error);
    if (status != HSMIAM_OK)
        return status;
    status = fill(to, &tail, is_known, record, error);
    if (status != HSMIAM_OK && to->sign && rule == HSMIAM_APPEND_OR_PENDING) {
        hsmiam_log_write(&ledger->log, HSMIAM_LOG_NOTICE,
                         "The audit key cannot sign (%s); the record is left pending.",
                         hsmiam_error_get_message(error));
        hsmiam_error_clear(error);
        to->sign = false;
        status = fill(to, &tail, is_known, record, error);
    }
    if (status == HSMIAM_OK && to->lines.size > 0)
        status =
            hsmiam_file_append(&ledger->file, to->lines.data, to->lines.size, size == 0, error);
    return status;
}

static hsmiam_status append(hsmiam_ledger *ledger, const hsmiam_record *record,
                            hsmiam_append_rule rule, bool is_checked, uint64_t *sequence_out,
                            hsmiam_error *error)
{
    batch to = {.ledger = ledger, .is_checked = is_checked};
    uint64_t size = 0;

    hsmiam_status status = hsmiam_ledger_open(ledger, error);
    if (status == HSMIAM_OK)
        status = hsmiam_ledger_format_now(to.now, error);
    if (status != HSMIAM_OK)
        return status;
    hsmiam_buffer_init(&to.line, HSMIAM_LINE_MAX);
    hsmiam_buffer_init(&to.lines, (size_t)LINES_MAX * (HSMIAM_LINE_MAX + 1));
    (void)pthread_mutex_lock(&ledger->lock);
    to.sign = ledger->has_key;
    status = hsmiam_file_lock(&ledger->file, &size, error);
    if (status == HSMIAM_OK) {
        status = append_locked(&to, size, record, rule, error);
        hsmiam_file_unlock(&ledger->file);
    }
    if (status == HSMIAM_OK && to.lines.size > 0) {
        memcpy(ledger->written, to.sign ? to.hash : "", to.sign ? sizeof to.hash : 1);
        mirror(ledger, to.lines.data);
    }
    (void)pthread_mutex_unlock(&ledger->lock);
    if (status == HSMIAM_OK && sequence_out != NULL)
        *sequence_out = to.sequence;
    hsmiam_buffer_clear(&to.lines);
    hsmiam_buffer_clear(&to.line);
    return status;
}

hsmiam_status hsmiam_ledger_append(hsmiam_ledger *ledger, const hsmiam_record *record,
                                   hsmiam_append_rule rule, uint64_t *sequence_out,
                                   hsmiam_error *error)
{
    return append(ledger, record, rule, false, sequence_out, error);
}

hsmiam_status hsmiam_ledger_append_approved(hsmiam_ledger *ledger, const hsmiam_record *record,
                                            hsmiam_append_rule rule, uint64_t *sequence_out,
                                            hsmiam_error *error)
{
    return append(ledger, record, rule, true, sequence_out, error);
}

hsmiam_status hsmiam_ledger_mend(hsmiam_ledger *ledger, hsmiam_error *error)
{
    hsmiam_tail tail = {0};
    uint64_t size = 0;

    hsmiam_status status = hsmiam_ledger_open(ledger, error);
    if (status != HSMIAM_OK)
        return status;
    (void)pthread_mutex_lock(&ledger->lock);
    status = hsmiam_file_get_size(&ledger->file, &size, error);
    if (status == HSMIAM_OK)
        status = hsmiam_tail_read(&ledger->file, ledger->hash, size, &tail, error);
    (void)pthread_mutex_unlock(&ledger->lock);
    if (status != HSMIAM_OK || (!tail.torn && !tail.unended && tail.first_pending == 0))
        return status;
    /* It looks again, with the file locked. */
    return hsmiam_ledger_append(ledger, NULL, HSMIAM_APPEND_SIGNED, NULL, error);
}

hsmiam_status hsmiam_ledger_make_ready(hsmiam_ledger *ledger, hsmiam_error *error)
{
    return hsmiam_ledger_append(ledger, NULL, HSMIAM_APPEND_SIGNED, NULL, error);
}
