/* SPDX-License-Identifier: Apache-2.0 */
/* Verification: every line is a record as we write it, each follows the one before, and somebody
 * who is trusted by then signed it. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/verify.h"

#define LINES_BETWEEN_LOOKS 4096 /* at what the threads found */

__attribute__((format(printf, 4, 5))) static void point_out(const hsmiam_verification *run,
                                                            hsmiam_ledger_finding finding,
                                                            uint64_t line, const char *format, ...)
{
    char sentence[512];
    va_list arguments;

    if (run->report == NULL)
        return;
    va_start(arguments, format);
    (void)vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    run->report(run->context, finding, line, sentence);
}

size_t hsmiam_verification_find_key(const hsmiam_verification *run, const char *fingerprint)
{
    size_t i = 0;

    while (i < run->key_count &&
           strcmp(hsmiam_public_key_get_fingerprint(run->keys[i]), fingerprint) != 0)
        i++;
    return i;
}

/* Trusts a key from here on; takes it over. */
static hsmiam_status trust(hsmiam_verification *run, hsmiam_public_key *key, hsmiam_error *error)
{
    if (run->key_count == HSMIAM_TRUSTED_MAX ||
        hsmiam_verification_find_key(run, hsmiam_public_key_get_fingerprint(key)) <
            run->key_count) {
        bool full = run->key_count == HSMIAM_TRUSTED_MAX;
        hsmiam_public_key_free(&key);
        return full ? hsmiam_verification_fail(
                          run, HSMIAM_FAULT_ADDED, run->line_number,
                          "it introduces one audit key more than a ledger can have", error)
                    : HSMIAM_OK;
    }
    run->keys[run->key_count++] = key;
    return HSMIAM_OK;
}

/* An audit-key record: by a trusted key, or the ledger's first where none was given. */
static hsmiam_status take_key(hsmiam_verification *run, hsmiam_error *error)
{
    const hsmiam_record *record = &run->record;
    const char *signer = record->fields[HSMIAM_FIELD_AUDIT_KEY];
    hsmiam_public_key *key = hsmiam_record_get_introduced(record);

    if (key == NULL)
        return hsmiam_verification_fail(run, HSMIAM_FAULT_FORGED, run->line_number,
                                        "it introduces an audit key that is none", error);
    const char *name = hsmiam_public_key_get_fingerprint(key);
    bool is_own = strcmp(name, signer) == 0;
    if (run->key_count == 0 && is_own) {
        (void)snprintf(run->verdict->trusted_key, sizeof run->verdict->trusted_key, "%s", name);
        point_out(run, HSMIAM_LEDGER_TRUST, run->line_number,
                  "Trust starts from audit key %s, which the ledger itself names; give "
                  "--public-key to hold it against one that you know.",
                  name);
    } else if (hsmiam_verification_find_key(run, signer) == run->key_count) {
        hsmiam_public_key_free(&key);
        return hsmiam_verification_distrust(run, error);
    } else {
        point_out(run, HSMIAM_LEDGER_KEY, run->line_number, "Audit key %s is introduced by %s.",
                  name, is_own ? "itself; it was given as trusted" : signer);
    }
    return trust(run, key, error);
}

/* A signed record behind unsigned ones: their countersignature, or a key that is about to make it.
 */
static hsmiam_status close_pending(hsmiam_verification *run, hsmiam_error *error)
{
    uint64_t count = run->verdict->unsettled;

    if (run->pending_line == 0 || hsmiam_record_is(&run->record, HSMIAM_EVENT_AUDIT_KEY))
        return HSMIAM_OK;
    if (!hsmiam_record_is(&run->record, HSMIAM_EVENT_COUNTERSIGN) ||
        hsmiam_record_get_number(&run->record, HSMIAM_FIELD_FIRST_PENDING) != run->pending_sequence)
        return hsmiam_verification_fail(run, HSMIAM_FAULT_UNSIGNED, run->pending_line,
                                        "nobody signed it, and no countersignature covers it",
                                        error);
    point_out(run, HSMIAM_LEDGER_PENDING, run->pending_line,
              "%" PRIu64 " record%s, from line %" PRIu64 " on, %s not signed when written; line "
              "%" PRIu64 " (%s) covers %s.",
              count, count == 1 ? "" : "s", run->pending_line, count == 1 ? "was" : "were",
              run->line_number, run->record.fields[HSMIAM_FIELD_EVENT], count == 1 ? "it" : "them");
    run->verdict->pending += count;
    run->verdict->unsettled = 0;
    run->pending_line = 0;
    return HSMIAM_OK;
}

/* What some events may be when the audit key cannot sign, and all before there is one. */
static hsmiam_status take_unsigned(hsmiam_verification *run, hsmiam_error *error)
{
    hsmiam_event event = hsmiam_event_find(run->record.fields[HSMIAM_FIELD_EVENT]);

    if (event == HSMIAM_EVENT_AUDIT_KEY || event == HSMIAM_EVENT_COUNTERSIGN ||
        (run->has_signed && hsmiam_event_forms[event].rule == HSMIAM_APPEND_SIGNED))
        return hsmiam_verification_fail(run, HSMIAM_FAULT_UNSIGNED, run->line_number,
                                        "nobody signed it, and such a record is always signed",
                                        error);
    if (run->pending_line == 0) {
        run->pending_line = run->line_number;
        run->pending_sequence = run->sequence + 1;
    }
    run->verdict->unsettled++;
    return HSMIAM_OK;
}

/* The signature of the record that was read, or that it has none. */
static hsmiam_status take_signature(hsmiam_verification *run, hsmiam_error *error)
{
    const hsmiam_record *record = &run->record;
    uint8_t digest[HSMIAM_DIGEST_SIZE];

    if (run->signed_size == 0)
        return take_unsigned(run, error);
    hsmiam_status status = HSMIAM_OK;
    if (hsmiam_record_is(record, HSMIAM_EVENT_AUDIT_KEY))
        status = take_key(run, error);
    if (status != HSMIAM_OK)
        return status;
    size_t key = hsmiam_verification_find_key(run, record->fields[HSMIAM_FIELD_AUDIT_KEY]);
    if (key == run->key_count)
        return hsmiam_verification_distrust(run, error);
    if (!hsmiam_hash_compute(run->hash, run->line.text, run->signed_size, digest))
        return hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "OpenSSL cannot hash.");
    hsmiam_verify_pool_add(run->pool, run->line_number, key, digest,
                           record->fields[HSMIAM_FIELD_SIGNATURE]);
    run->has_signed = true;
    return close_pending(run, error);
}

/* What is no record: it counts as torn until a seal says so, or something else follows. */
static void take_torn(hsmiam_verification *run)
{
    if (run->torn_line == 0) {
        run->torn_line = run->line_number;
        run->torn_size = 0;
        hsmiam_hash_begin(run->torn_hash);
    } else if (run->torn_ended) {
        hsmiam_hash_add(run->torn_hash, "\n", 1);
        run->torn_size++;
    }
    hsmiam_hash_add(run->torn_hash, run->line.text, run->line.size);
    run->torn_size += run->line.size;
    run->torn_ended = run->line.ended;
}

/* Whether the record that was read is the seal over what is torn before it. */
static hsmiam_status close_torn(hsmiam_verification *run, hsmiam_error *error)
{
    const hsmiam_record *record = &run->record;
    uint8_t digest[HSMIAM_DIGEST_SIZE];
    char hex[HSMIAM_HEX_SIZE];
    bool is_seal = hsmiam_record_is(record, HSMIAM_EVENT_SEAL);

    if (run->torn_line == 0)
        return is_seal ? hsmiam_verification_fail(run, HSMIAM_FAULT_REMOVED, run->line_number,
                                                  "what it seals is missing before it", error)
                       : HSMIAM_OK;
    if (!hsmiam_hash_finish(run->torn_hash, digest))
        return hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "OpenSSL cannot hash.");
    hsmiam_hash_format(digest, hex);
    if (!is_seal)
        return hsmiam_verification_fail(run, HSMIAM_FAULT_CHANGED, run->torn_line,
                                        "it is no record of a ledger", error);
    if (hsmiam_record_get_number(record, HSMIAM_FIELD_TORN_SIZE) != run->torn_size ||
        strcmp(record->fields[HSMIAM_FIELD_TORN_SHA256], hex) != 0)
        return hsmiam_verification_fail(run, HSMIAM_FAULT_CHANGED, run->torn_line,
                                        "it is neither a record nor what the seal behind it covers",
                                        error);
    point_out(run, HSMIAM_LEDGER_SEALED, run->torn_line,
              "%" PRIu64 " bytes that are no record were left there by a writer that was "
              "interrupted; the seal in line %" PRIu64 " covers them.",
              run->torn_size, run->line_number);
    run->torn_line = 0;
    run->verdict->sealed++;
    return HSMIAM_OK;
}

/* What a record means for approvals, and whether it has those that it needs. */
static hsmiam_status take_approvals(hsmiam_verification *run, hsmiam_error *error)
{
    hsmiam_fault fault = HSMIAM_FAULT_NONE;
    const char *wrong = NULL;

    hsmiam_status status =
        hsmiam_dual_take(&run->dual, &run->record, run->previous, &fault, &wrong, error);
    if (status == HSMIAM_OK && wrong != NULL)
        return hsmiam_verification_fail(run, fault, run->line_number, wrong, error);
    for (size_t i = 0; status == HSMIAM_OK && i < run->dual.policy.count; i++)
        if (hsmiam_verification_find_key(run, hsmiam_policy_get_approver(&run->dual.policy, i)) <
            run->key_count)
            return hsmiam_verification_fail(run, HSMIAM_FAULT_UNAPPROVED, run->line_number,
                                            "an approver of its policy is an audit key", error);
    return status;
}

/* A record of the right form. */
static hsmiam_status take_record(hsmiam_verification *run, hsmiam_error *error)
{
    hsmiam_ledger_verdict *verdict = run->verdict;
    uint64_t sequence = hsmiam_record_get_number(&run->record, HSMIAM_FIELD_SEQUENCE);

    if (!hsmiam_hash_compute(run->hash, run->line.text, run->line.size, run->line_hash))
        return hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "OpenSSL cannot hash.");
    hsmiam_status status = close_torn(run, error);
    if (status != HSMIAM_OK)
        return status;
    if (sequence != run->sequence + 1 ||
        strcmp(run->record.fields[HSMIAM_FIELD_PREVIOUS], run->previous) != 0 ||
        hsmiam_record_is(&run->record, HSMIAM_EVENT_CHECKPOINT))
        return hsmiam_verification_break(run, error);
    status = take_signature(run, error);
    if (status != HSMIAM_OK)
        return status;
    run->sequence = sequence;
    run->previous_signed = run->signed_size > 0;
    hsmiam_hash_format(run->line_hash, run->previous);
    status = take_approvals(run, error);
    if (status != HSMIAM_OK)
        return status;
    verdict->records++;
    verdict->sequence = sequence;
    memcpy(verdict->hash, run->previous, sizeof verdict->hash);
    if (run->has_checkpoint && sequence == run->checkpoint_sequence) {
        run->checkpoint_line = run->line_number;
        run->checkpoint_differs = strcmp(run->previous, run->checkpoint_hash) != 0;
    }
    return HSMIAM_OK;
}

static hsmiam_status read_lines(hsmiam_verification *run, hsmiam_error *error)
{
    bool more = true;
    bool begins = true; /* a line does, not a further piece of one */

    for (;;) {
        hsmiam_status status = hsmiam_forward_next(&run->lines, &run->line, &more, error);
        if (status != HSMIAM_OK || !more)
            return status;
        run->line_number += begins ? 1 : 0;
        if (begins && hsmiam_record_read(run->line.text, run->line.size, &run->storage,
                                         &run->record, &run->signed_size))
            status = take_record(run, error);
        else
            take_torn(run);
        if (status != HSMIAM_OK)
            return status;
        begins = run->line.ended;
        if (run->line_number % LINES_BETWEEN_LOOKS == 0 &&
            hsmiam_verify_pool_get_bad_line(run->pool) != 0)
            return HSMIAM_OK;
    }
}

static hsmiam_status finish(hsmiam_verification *run, hsmiam_error *error)
{
    uint64_t bad_line = 0;

    hsmiam_status status = hsmiam_verify_pool_finish(run->pool, &bad_line, error);
    if (status != HSMIAM_OK)
        return status;
    if (bad_line != 0)
        return hsmiam_verification_convict(run, bad_line, bad_line < run->line_number, error);
    if (run->torn_line != 0 && run->torn_ended)
        return hsmiam_verification_fail(run, HSMIAM_FAULT_CHANGED, run->torn_line,
                                        "it is no record of a ledger", error);
    if (run->torn_line != 0)
        return hsmiam_verification_fail(run, HSMIAM_FAULT_TORN, run->torn_line,
                                        "the last line is incomplete; the next command that "
                                        "writes seals it",
                                        error);
    if (run->pending_line != 0 && !run->ledger->allow_unsigned)
        return hsmiam_verification_fail(run, HSMIAM_FAULT_UNSIGNED, run->pending_line,
                                        run->has_signed
                                            ? "nobody signed it yet; the next command that writes "
                                              "with the audit key countersigns it"
                                            : "the whole ledger has no signature, so that anybody "
                                              "may have written it",
                                        error);
    if (run->pending_line != 0)
        point_out(run, HSMIAM_LEDGER_PENDING, run->pending_line,
                  "%" PRIu64 " record%s, from line %" PRIu64 " on, %s not signed, and none that is "
                  "covers %s yet.",
                  run->verdict->unsettled, run->verdict->unsettled == 1 ? "" : "s",
                  run->pending_line, run->verdict->unsettled == 1 ? "is" : "are",
                  run->verdict->unsettled == 1 ? "it" : "them");
    return hsmiam_verification_check_end(run, error);
}

/* The keys that are trusted from the start: copies, for later ones join them. */
static hsmiam_status take_pinned(hsmiam_verification *run, hsmiam_error *error)
{
    hsmiam_status status = HSMIAM_OK;

    run->verdict->pinned = run->ledger->pinned_count > 0;
    for (size_t i = 0; status == HSMIAM_OK && i < run->ledger->pinned_count; i++) {
        hsmiam_public_key *copy = NULL;
        const char *name = hsmiam_public_key_get_fingerprint(run->ledger->pinned[i]);
        if (i == 0)
            (void)snprintf(run->verdict->trusted_key, sizeof run->verdict->trusted_key, "%s", name);
        status = hsmiam_public_key_new_base64(hsmiam_public_key_get_base64(run->ledger->pinned[i]),
                                              &copy, error);
        if (status == HSMIAM_OK)
            status = trust(run, copy, error);
    }
    return status;
}

/* What the checkpoint says. The ledger has read it before. */
static void take_checkpoint(hsmiam_verification *run)
{
    const char *line = run->ledger->checkpoint;

    if (line == NULL ||
        !hsmiam_record_read(line, strlen(line), &run->storage, &run->record, &run->signed_size))
        return;
    run->has_checkpoint = true;
    run->checkpoint_sequence = hsmiam_record_get_number(&run->record, HSMIAM_FIELD_SEQUENCE);
    memcpy(run->checkpoint_hash, run->record.fields[HSMIAM_FIELD_PREVIOUS], HSMIAM_HEX_SIZE);
}

static hsmiam_status set_up(hsmiam_verification *run, hsmiam_error *error)
{
    run->hash = hsmiam_hash_new();
    run->torn_hash = hsmiam_hash_new();
    if (run->hash == NULL || run->torn_hash == NULL)
        return hsmiam_error_set_memory(error, "verifying the ledger");
    memset(run->previous, '0', sizeof run->previous - 1);
    memcpy(run->verdict->hash, run->previous, sizeof run->verdict->hash);
    hsmiam_status status = hsmiam_dual_init(&run->dual, error);
    if (status == HSMIAM_OK)
        status = take_pinned(run, error);
    if (status == HSMIAM_OK)
        status = hsmiam_verify_pool_new(run->keys, &run->pool, error);
    if (status == HSMIAM_OK)
        status = hsmiam_file_open_for_reading(&run->file, error);
    if (status == HSMIAM_OK)
        status = hsmiam_file_get_size(&run->file, &run->size, error);
    if (status == HSMIAM_OK)
        status = hsmiam_forward_init(&run->lines, &run->file, run->size, error);
    take_checkpoint(run);
    return status;
}

hsmiam_status hsmiam_ledger_verify(hsmiam_ledger *ledger, hsmiam_ledger_finding_fn report,
                                   void *context, hsmiam_ledger_verdict *verdict_out,
                                   hsmiam_error *error)
{
    hsmiam_verification *run = calloc(1, sizeof *run);

    *verdict_out = (hsmiam_ledger_verdict){.fault = HSMIAM_FAULT_NONE};
    if (run == NULL)
        return hsmiam_error_set_memory(error, "verifying the ledger");
    run->ledger = ledger;
    run->report = report;
    run->context = context;
    run->verdict = verdict_out;
    run->file = (hsmiam_file){.functions = ledger->file.functions,
                              .path = ledger->file.path,
                              .fd = -1,
                              .log = &ledger->log};
    hsmiam_status status = set_up(run, error);
    if (status == HSMIAM_OK)
        status = read_lines(run, error);
    if (status == HSMIAM_OK)
        status = finish(run, error);
    hsmiam_verify_pool_free(&run->pool);
    for (size_t i = 0; i < run->key_count; i++)
        hsmiam_public_key_free(&run->keys[i]);
    hsmiam_forward_clear(&run->lines);
    hsmiam_file_close(&run->file);
    hsmiam_dual_clear(&run->dual);
    hsmiam_hash_free(&run->torn_hash);
    hsmiam_hash_free(&run->hash);
    free(run);
    return status;
}
