/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong, once something is. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/verify.h"

static const char *const names[] = {
    [HSMIAM_FAULT_NONE] = "none",         [HSMIAM_FAULT_CHANGED] = "changed",
    [HSMIAM_FAULT_REMOVED] = "removed",   [HSMIAM_FAULT_REORDERED] = "reordered",
    [HSMIAM_FAULT_ADDED] = "added",       [HSMIAM_FAULT_FORGED] = "forged",
    [HSMIAM_FAULT_TORN] = "torn",         [HSMIAM_FAULT_TRUNCATED] = "truncated",
    [HSMIAM_FAULT_UNSIGNED] = "unsigned", [HSMIAM_FAULT_UNAPPROVED] = "unapproved",
};

const char *hsmiam_fault_get_name(hsmiam_fault fault)
{
    return names[fault];
}

static hsmiam_status tell(hsmiam_verification *run, hsmiam_fault fault, uint64_t line,
                          const char *sentence, hsmiam_error *error)
{
    run->verdict->fault = fault;
    run->verdict->line = line;
    return hsmiam_error_set(error, HSMIAM_ERR_LEDGER, "%s, line %" PRIu64 ": %s: %s.",
                            run->ledger->file.path, line, names[fault], sentence);
}

hsmiam_status hsmiam_verification_convict(hsmiam_verification *run, uint64_t line, bool continued,
                                          hsmiam_error *error)
{
    if (continued)
        return tell(run, HSMIAM_FAULT_FORGED, line,
                    "its signature is wrong, although the lines behind it go on from it", error);
    return tell(run, HSMIAM_FAULT_CHANGED, line, "it is not what was signed", error);
}

hsmiam_status hsmiam_verification_fail(hsmiam_verification *run, hsmiam_fault fault, uint64_t line,
                                       const char *sentence, hsmiam_error *error)
{
    uint64_t bad_line = 0;

    hsmiam_status status = hsmiam_verify_pool_finish(run->pool, &bad_line, error);
    if (status != HSMIAM_OK)
        return status;
    if (bad_line != 0 && bad_line < line)
        return hsmiam_verification_convict(run, bad_line, bad_line + 1 < line, error);
    return tell(run, fault, line, sentence, error);
}

typedef enum judgement { GENUINE, UNSIGNED, WRONG, STRANGER } judgement;

/* What the signature of the record that was read is worth. */
static judgement judge(hsmiam_verification *run)
{
    if (run->signed_size == 0)
        return UNSIGNED;
    size_t key = hsmiam_verification_find_key(run, run->record.fields[HSMIAM_FIELD_AUDIT_KEY]);
    if (key == run->key_count)
        return STRANGER;
    hsmiam_verifier *verifier = hsmiam_verifier_new(run->keys[key]);
    bool genuine = verifier != NULL &&
                   hsmiam_verifier_check_line(verifier, run->hash, run->line.text, run->signed_size,
                                              run->record.fields[HSMIAM_FIELD_SIGNATURE]);
    hsmiam_verifier_free(&verifier);
    return genuine ? GENUINE : WRONG;
}

/* Whether a record of that number comes later. */
static bool comes_later(hsmiam_verification *run, uint64_t sequence)
{
    bool more = true;

    while (hsmiam_forward_next(&run->lines, &run->line, &more, NULL) == HSMIAM_OK && more)
        if (hsmiam_record_read(run->line.text, run->line.size, &run->storage, &run->record,
                               &run->signed_size) &&
            hsmiam_record_get_number(&run->record, HSMIAM_FIELD_SEQUENCE) == sequence)
            return true;
    return false;
}

/* Whether the next line goes on from the one that was read. */
static bool is_continued(hsmiam_verification *run)
{
    char hex[HSMIAM_HEX_SIZE];
    bool more = false;

    hsmiam_hash_format(run->line_hash, hex);
    return hsmiam_forward_next(&run->lines, &run->line, &more, NULL) == HSMIAM_OK && more &&
           hsmiam_record_read(run->line.text, run->line.size, &run->storage, &run->record,
                              &run->signed_size) &&
           strcmp(run->record.fields[HSMIAM_FIELD_PREVIOUS], hex) == 0;
}

static bool is_last(const hsmiam_verification *run)
{
    return run->lines.start + run->lines.at >= run->lines.limit;
}

hsmiam_status hsmiam_verification_distrust(hsmiam_verification *run, hsmiam_error *error)
{
    char sentence[256];
    uint64_t line = run->line_number;

    if (!is_last(run) && !is_continued(run))
        return hsmiam_verification_fail(run, HSMIAM_FAULT_CHANGED, line,
                                        "it is not what the line behind it goes on from", error);
    (void)snprintf(sentence, sizeof sentence,
                   "it is signed by a key that is neither given as trusted nor introduced by one "
                   "that is");
    return hsmiam_verification_fail(run, HSMIAM_FAULT_FORGED, line, sentence, error);
}

/* A genuine record at the wrong place. */
static hsmiam_status misplaced(hsmiam_verification *run, hsmiam_error *error)
{
    uint64_t line = run->line_number;
    uint64_t wanted = run->sequence + 1;
    uint64_t found = hsmiam_record_get_number(&run->record, HSMIAM_FIELD_SEQUENCE);
    char sentence[256];

    if (found > wanted && comes_later(run, wanted)) {
        (void)snprintf(sentence, sizeof sentence,
                       "record %" PRIu64 " stands before record %" PRIu64, found, wanted);
        return hsmiam_verification_fail(run, HSMIAM_FAULT_REORDERED, line, sentence, error);
    }
    if (found > wanted) {
        (void)snprintf(sentence, sizeof sentence,
                       "%" PRIu64 " record%s before it (from number %" PRIu64 " on)",
                       found - wanted, found - wanted == 1 ? " is missing" : "s are missing",
                       wanted);
        return hsmiam_verification_fail(run, HSMIAM_FAULT_REMOVED, line, sentence, error);
    }
    (void)snprintf(sentence, sizeof sentence,
                   found < wanted ? "record %" PRIu64 " stands here once more"
                                  : "record %" PRIu64 " goes on from another one than stands "
                                    "before it, as if from a copy of this ledger",
                   found);
    return hsmiam_verification_fail(run, HSMIAM_FAULT_ADDED, line, sentence, error);
}

/* What goes on from before unsigned lines shows where they begin to be somebody else's. */
static bool is_unsigned_intrusion(const hsmiam_verification *run, uint64_t found)
{
    return run->pending_line != 0 && found >= run->pending_sequence && found <= run->sequence;
}

static hsmiam_status intruded(hsmiam_verification *run, uint64_t found, hsmiam_error *error)
{
    return hsmiam_verification_fail(run, HSMIAM_FAULT_ADDED,
                                    run->pending_line + (found - run->pending_sequence),
                                    "nobody signed it, and what is signed behind it goes on from "
                                    "the line before it",
                                    error);
}

hsmiam_status hsmiam_verification_break(hsmiam_verification *run, hsmiam_error *error)
{
    uint64_t line = run->line_number;
    uint64_t found = hsmiam_record_get_number(&run->record, HSMIAM_FIELD_SEQUENCE);

    if (hsmiam_record_is(&run->record, HSMIAM_EVENT_CHECKPOINT))
        return hsmiam_verification_fail(run, HSMIAM_FAULT_ADDED, line,
                                        "a checkpoint is no line of a ledger", error);
    switch (judge(run)) {
    case WRONG:
        return hsmiam_verification_fail(run, HSMIAM_FAULT_CHANGED, line,
                                        "it is not what was signed", error);
    case STRANGER:
        return hsmiam_verification_fail(run, HSMIAM_FAULT_FORGED, line,
                                        "it does not go on from the line before, and nobody who "
                                        "is trusted signed it",
                                        error);
    case UNSIGNED:
        if (is_unsigned_intrusion(run, found) && is_continued(run))
            return intruded(run, found, error);
        return hsmiam_verification_fail(run, HSMIAM_FAULT_ADDED, line,
                                        "it does not go on from the line before, and is not "
                                        "signed",
                                        error);
    default:
        break;
    }
    if (found == run->sequence + 1 && !run->previous_signed && run->sequence > 0)
        return hsmiam_verification_fail(run, HSMIAM_FAULT_CHANGED, line - 1,
                                        "it is not what the line behind it goes on from", error);
    return is_unsigned_intrusion(run, found) ? intruded(run, found, error) : misplaced(run, error);
}

/* Whether somebody who is trusted signed the checkpoint. */
static bool is_checkpoint_genuine(hsmiam_verification *run)
{
    const char *text = run->ledger->checkpoint;

    run->line = (hsmiam_line){.text = text, .size = strlen(text)};
    return hsmiam_record_read(text, run->line.size, &run->storage, &run->record,
                              &run->signed_size) &&
           judge(run) == GENUINE;
}

hsmiam_status hsmiam_verification_check_end(hsmiam_verification *run, hsmiam_error *error)
{
    char sentence[256];

    if (!run->has_checkpoint)
        return HSMIAM_OK;
    if (!is_checkpoint_genuine(run))
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "The checkpoint is not signed by a key that is given as trusted or "
                                "that the ledger %s introduces.",
                                run->ledger->file.path);
    if (run->checkpoint_sequence > run->sequence) {
        (void)snprintf(sentence, sizeof sentence,
                       "the ledger ends with record %" PRIu64 ", the checkpoint has record "
                       "%" PRIu64,
                       run->sequence, run->checkpoint_sequence);
        return tell(run, HSMIAM_FAULT_TRUNCATED, run->line_number, sentence, error);
    }
    if (run->checkpoint_differs)
        return tell(run, HSMIAM_FAULT_CHANGED, run->checkpoint_line,
                    "it is not the record of which the checkpoint has the hash", error);
    return HSMIAM_OK;
}
