/* SPDX-License-Identifier: Apache-2.0 */
/* What a writer believes of what stands in the ledger, for whoever can write the file can write any
 * line. The last signature must be right and by a key that is trusted; it covers what hangs
 * together with it by the hashes, since no writer signs behind an end that is not right itself. So
 * one signature is verified, however much is read. What nobody signed is covered as having been
 * there, and no more. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/internal.h"

hsmiam_public_key *hsmiam_record_get_introduced(const hsmiam_record *record)
{
    hsmiam_public_key *key = NULL;

    if (hsmiam_public_key_new_base64(record->fields[HSMIAM_FIELD_PUBLIC_KEY], &key, NULL) !=
        HSMIAM_OK)
        return NULL;
    if (strcmp(hsmiam_public_key_get_fingerprint(key),
               record->fields[HSMIAM_FIELD_INTRODUCED_KEY]) != 0)
        hsmiam_public_key_free(&key);
    return key;
}

static const hsmiam_public_key *find_key(const hsmiam_ledger *ledger, const char *fingerprint)
{
    if (strcmp(ledger->key.fingerprint, fingerprint) == 0)
        return ledger->own;
    for (size_t i = 0; i < ledger->trusted_count; i++)
        if (strcmp(hsmiam_public_key_get_fingerprint(ledger->trusted[i]), fingerprint) == 0)
            return ledger->trusted[i];
    return NULL;
}

void hsmiam_trust_forget(hsmiam_ledger *ledger)
{
    while (ledger->trusted_count > 0)
        hsmiam_public_key_free(&ledger->trusted[--ledger->trusted_count]);
}

/* Whether the key signed the line. */
static hsmiam_status check_signature(const hsmiam_ledger *ledger, const hsmiam_public_key *key,
                                     const hsmiam_line *line, size_t signed_size,
                                     const hsmiam_record *record, bool *right_out,
                                     hsmiam_error *error)
{
    hsmiam_verifier *verifier = hsmiam_verifier_new(key);

    if (verifier == NULL)
        return hsmiam_error_set_memory(error, "verifying the ledger");
    *right_out = hsmiam_verifier_check_line(verifier, ledger->hash, line->text, signed_size,
                                            record->fields[HSMIAM_FIELD_SIGNATURE]);
    hsmiam_verifier_free(&verifier);
    return HSMIAM_OK;
}

/* ------------------------------------------------------------------------------- forward: keys */

/* The ledger's records from the first on. */
typedef struct learning {
    hsmiam_ledger *ledger;
    hsmiam_line line;
    hsmiam_record record;
    hsmiam_record_storage storage;
    size_t signed_size;
    uint64_t sequence;
    char previous[HSMIAM_HEX_SIZE];
} learning;

static hsmiam_status report_break(const hsmiam_ledger *ledger, const hsmiam_record *record,
                                  hsmiam_error *error)
{
    return hsmiam_error_set(error, HSMIAM_ERR_LEDGER,
                            "The ledger %s does not hang together at record %s, so that nothing is "
                            "built on it; `hsmiam audit verify` tells more.",
                            ledger->file.path, record->fields[HSMIAM_FIELD_SEQUENCE]);
}

/* The first key introduces itself, each further one is introduced by a key that is trusted. */
static hsmiam_status learn_key(learning *run, hsmiam_error *error)
{
    hsmiam_ledger *ledger = run->ledger;
    const char *signer = run->record.fields[HSMIAM_FIELD_AUDIT_KEY];
    hsmiam_public_key *key = hsmiam_record_get_introduced(&run->record);
    bool right = false;
    hsmiam_status status = HSMIAM_OK;

    if (key == NULL)
        return HSMIAM_OK;
    const char *name = hsmiam_public_key_get_fingerprint(key);
    const hsmiam_public_key *by = find_key(ledger, signer);
    if (by == NULL && ledger->trusted_count == 0 && strcmp(name, signer) == 0)
        by = key;
    if (by != NULL)
        status =
            check_signature(ledger, by, &run->line, run->signed_size, &run->record, &right, error);
    if (status == HSMIAM_OK && right && ledger->trusted_count < HSMIAM_TRUSTED_MAX) {
        ledger->trusted[ledger->trusted_count++] = key;
        key = NULL;
    }
    hsmiam_public_key_free(&key);
    return status;
}

static hsmiam_status learn_record(learning *run, hsmiam_error *error)
{
    uint8_t digest[HSMIAM_DIGEST_SIZE];
    hsmiam_status status = HSMIAM_OK;

    if (hsmiam_record_get_number(&run->record, HSMIAM_FIELD_SEQUENCE) != run->sequence + 1 ||
        strcmp(run->record.fields[HSMIAM_FIELD_PREVIOUS], run->previous) != 0)
        return report_break(run->ledger, &run->record, error);
    if (run->signed_size > 0 && hsmiam_record_is(&run->record, HSMIAM_EVENT_AUDIT_KEY))
        status = learn_key(run, error);
    if (status != HSMIAM_OK)
        return status;
    if (!hsmiam_hash_compute(run->ledger->hash, run->line.text, run->line.size, digest))
        return hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "OpenSSL cannot hash.");
    hsmiam_hash_format(digest, run->previous);
    run->sequence++;
    return HSMIAM_OK;
}

hsmiam_status hsmiam_trust_learn(hsmiam_ledger *ledger, uint64_t size, bool *own_out,
                                 hsmiam_error *error)
{
    learning *run = calloc(1, sizeof *run);
    hsmiam_forward lines = {.window = NULL};
    bool more = true;

    *own_out = false;
    if (run == NULL)
        return hsmiam_error_set_memory(error, "reading the ledger");
    run->ledger = ledger;
    memset(run->previous, '0', sizeof run->previous - 1);
    hsmiam_trust_forget(ledger);
    hsmiam_status status = hsmiam_forward_init(&lines, &ledger->file, size, error);
    while (status == HSMIAM_OK) {
        status = hsmiam_forward_next(&lines, &run->line, &more, error);
        if (status != HSMIAM_OK || !more)
            break;
        if (hsmiam_record_read(run->line.text, run->line.size, &run->storage, &run->record,
                               &run->signed_size))
            status = learn_record(run, error);
    }
    if (status != HSMIAM_OK)
        hsmiam_trust_forget(ledger);
    for (size_t i = 0; i < ledger->trusted_count && !*own_out; i++)
        *own_out = strcmp(hsmiam_public_key_get_fingerprint(ledger->trusted[i]),
                          ledger->key.fingerprint) == 0;
    hsmiam_forward_clear(&lines);
    free(run);
    return status;
}

hsmiam_status hsmiam_trust_check_line(hsmiam_ledger *ledger, uint64_t size, const hsmiam_line *line,
                                      size_t signed_size, const hsmiam_record *record,
                                      bool *believed_out, hsmiam_error *error)
{
    const char *name = record->fields[HSMIAM_FIELD_AUDIT_KEY];
    const hsmiam_public_key *key = NULL;
    bool own_known = false;

    *believed_out = !ledger->has_key;
    if (!ledger->has_key || signed_size == 0)
        return HSMIAM_OK;
    key = find_key(ledger, name);
    if (key == NULL && ledger->trusted_count == 0) {
        hsmiam_status status = hsmiam_trust_learn(ledger, size, &own_known, error);
        if (status != HSMIAM_OK)
            return status;
        key = find_key(ledger, name);
    }
    return key != NULL
               ? check_signature(ledger, key, line, signed_size, record, believed_out, error)
               : HSMIAM_OK;
}

/* --------------------------------------------------------------------------- backward: records */

hsmiam_status hsmiam_history_new(hsmiam_ledger *ledger, uint64_t size, hsmiam_history **history_out,
                                 hsmiam_error *error)
{
    hsmiam_history *history = calloc(1, sizeof *history);

    if (history == NULL)
        return hsmiam_error_set_memory(error, "reading the ledger");
    history->ledger = ledger;
    history->size = size;
    *history_out = history;
    hsmiam_status status = hsmiam_backward_init(&history->lines, &ledger->file, size, error);
    if (status != HSMIAM_OK)
        hsmiam_history_free(history_out);
    return status;
}

void hsmiam_history_free(hsmiam_history **history)
{
    if (history == NULL || *history == NULL)
        return;
    hsmiam_backward_clear(&(*history)->lines);
    free(*history);
    *history = NULL;
}

/* The signature that covers all that comes before. */
static hsmiam_status anchor(hsmiam_history *history, hsmiam_error *error)
{
    hsmiam_ledger *ledger = history->ledger;
    const hsmiam_record *record = &history->record;
    const char *signer = record->fields[HSMIAM_FIELD_AUDIT_KEY];
    const hsmiam_public_key *key = find_key(ledger, signer);
    bool own_known = false;
    bool right = false;
    hsmiam_status status = HSMIAM_OK;

    if (key == NULL) {
        status = hsmiam_trust_learn(ledger, history->size, &own_known, error);
        key = find_key(ledger, signer);
    }
    if (status != HSMIAM_OK)
        return status;
    if (key == NULL && ledger->accept_new_key)
        return HSMIAM_OK;
    if (key == NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_LEDGER,
                                "Record %s of the ledger %s is signed by audit key %.16s..., which "
                                "none that is trusted has introduced; `hsmiam audit verify` tells "
                                "more.",
                                record->fields[HSMIAM_FIELD_SEQUENCE], ledger->file.path, signer);
    status =
        check_signature(ledger, key, &history->line, history->signed_size, record, &right, error);
    if (status == HSMIAM_OK && !right)
        status = hsmiam_error_set(error, HSMIAM_ERR_LEDGER,
                                  "Record %s of the ledger %s is not what the audit key signed; "
                                  "`hsmiam audit verify` tells more.",
                                  record->fields[HSMIAM_FIELD_SEQUENCE], ledger->file.path);
    if (status == HSMIAM_OK && history->stray != 0)
        status = hsmiam_error_set(error, HSMIAM_ERR_LEDGER,
                                  "Record %" PRIu64 " of the ledger %s is not signed, which such a "
                                  "record always is; `hsmiam audit verify` tells more.",
                                  history->stray, ledger->file.path);
    history->anchored = status == HSMIAM_OK;
    return status;
}

/* Nobody's: only some events may be. */
static void note_unsigned(hsmiam_history *history)
{
    hsmiam_event event = hsmiam_event_find(history->record.fields[HSMIAM_FIELD_EVENT]);

    if (!history->anchored && hsmiam_event_forms[event].rule == HSMIAM_APPEND_SIGNED)
        history->stray = hsmiam_record_get_number(&history->record, HSMIAM_FIELD_SEQUENCE);
}

/* Whether the record that was read is the one that the record behind it goes on from. */
static hsmiam_status follow(hsmiam_history *history, hsmiam_error *error)
{
    const hsmiam_line *line = &history->line;
    uint64_t sequence = hsmiam_record_get_number(&history->record, HSMIAM_FIELD_SEQUENCE);
    uint8_t digest[HSMIAM_DIGEST_SIZE];
    char hex[HSMIAM_HEX_SIZE];

    if (history->follower != 0) {
        if (!hsmiam_hash_compute(history->ledger->hash, line->text, line->size, digest))
            return hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "OpenSSL cannot hash.");
        hsmiam_hash_format(digest, hex);
        if (sequence + 1 != history->follower || strcmp(hex, history->wanted) != 0)
            return report_break(history->ledger, &history->record, error);
    }
    history->follower = sequence;
    memcpy(history->wanted, history->record.fields[HSMIAM_FIELD_PREVIOUS], sizeof history->wanted);
    return HSMIAM_OK;
}

/* The first record goes on from nothing. */
static hsmiam_status check_start(const hsmiam_history *history, hsmiam_error *error)
{
    if (history->follower == 0 ||
        (history->follower == 1 && strspn(history->wanted, "0") == sizeof history->wanted - 1))
        return HSMIAM_OK;
    return hsmiam_error_set(error, HSMIAM_ERR_LEDGER,
                            "The ledger %s lacks its beginning, before record %" PRIu64
                            "; `hsmiam audit verify` tells more.",
                            history->ledger->file.path, history->follower);
}

hsmiam_status hsmiam_history_next(hsmiam_history *history, bool *found_out, hsmiam_error *error)
{
    for (;;) {
        hsmiam_status status =
            hsmiam_backward_next(&history->lines, &history->line, found_out, error);
        if (status == HSMIAM_OK && !*found_out)
            status = check_start(history, error);
        if (status != HSMIAM_OK || !*found_out)
            return status;
        if (history->line.text == NULL ||
            !hsmiam_record_read(history->line.text, history->line.size, &history->storage,
                                &history->record, &history->signed_size))
            continue; /* what was torn off is for a seal to cover, and says nothing */
        status = follow(history, error);
        if (history->signed_size == 0)
            note_unsigned(history);
        if (status == HSMIAM_OK && !history->anchored && history->signed_size > 0 &&
            history->ledger->has_key)
            status = anchor(history, error);
        return status;
    }
}

bool hsmiam_history_is_believed(const hsmiam_history *history)
{
    return !history->ledger->has_key || (history->anchored && history->signed_size > 0);
}

hsmiam_status hsmiam_trust_check_end(hsmiam_ledger *ledger, uint64_t size, hsmiam_error *error)
{
    hsmiam_history *history = NULL;
    bool more = true;

    hsmiam_status status = hsmiam_history_new(ledger, size, &history, error);
    if (status != HSMIAM_OK || history == NULL)
        return status;
    while (status == HSMIAM_OK && more && !history->anchored) {
        status = hsmiam_history_next(history, &more, error);
        if (ledger->accept_new_key && status == HSMIAM_OK && more && history->signed_size > 0)
            break;
    }
    /* And it is this ledger's: it goes on from what stands before it. */
    if (status == HSMIAM_OK && more)
        status = hsmiam_history_next(history, &more, error);
    hsmiam_history_free(&history);
    return status;
}
