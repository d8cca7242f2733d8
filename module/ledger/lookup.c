/* SPDX-License-Identifier: Apache-2.0 */
/* What the ledger says of earlier, as a rule a few lines before its end. Only what the writer's own
 * audit key signed is believed, for whoever can write the file can write the rest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "ledger/internal.h"

/* The state of one search. */
typedef struct search {
    hsmiam_ledger *ledger;
    hsmiam_verifier *verifier;
    const char *text;
    hsmiam_record_match_fn is_it;
    const void *context;
    hsmiam_record_storage *storage;
} search;

bool hsmiam_lookup_is_own(const hsmiam_ledger *ledger, hsmiam_verifier *verifier,
                          const hsmiam_line *line, size_t signed_size, const hsmiam_record *record)
{
    return signed_size > 0 &&
           strcmp(record->fields[HSMIAM_FIELD_AUDIT_KEY], ledger->key.fingerprint) == 0 &&
           hsmiam_verifier_check_line(verifier, ledger->hash, line->text, signed_size,
                                      record->fields[HSMIAM_FIELD_SIGNATURE]);
}

/* Whether the line is what is looked for. LEDGER if it only pretends to be. */
static hsmiam_status judge(const search *run, const hsmiam_line *line, hsmiam_record *record,
                           bool *found_out, hsmiam_error *error)
{
    size_t signed_size = 0;

    *found_out = false;
    if (line->text == NULL ||
        memmem(line->text, line->size, run->text, strlen(run->text)) == NULL ||
        !hsmiam_record_read(line->text, line->size, run->storage, record, &signed_size) ||
        signed_size == 0 ||
        strcmp(record->fields[HSMIAM_FIELD_AUDIT_KEY], run->ledger->key.fingerprint) != 0 ||
        !run->is_it(run->context, record))
        return HSMIAM_OK;
    *found_out = hsmiam_verifier_check_line(run->verifier, run->ledger->hash, line->text,
                                            signed_size, record->fields[HSMIAM_FIELD_SIGNATURE]);
    if (*found_out)
        return HSMIAM_OK;
    return hsmiam_error_set(error, HSMIAM_ERR_LEDGER,
                            "Record %s of the ledger %s is not what the audit key signed; `hsmiam "
                            "audit verify` tells more.",
                            record->fields[HSMIAM_FIELD_SEQUENCE], run->ledger->file.path);
}

hsmiam_status hsmiam_lookup_last(hsmiam_ledger *ledger, uint64_t size, const char *text,
                                 hsmiam_record_match_fn is_it, const void *context,
                                 hsmiam_record_storage *storage, hsmiam_record *record_out,
                                 bool *found_out, hsmiam_error *error)
{
    search run = {.ledger = ledger,
                  .verifier = hsmiam_verifier_new(ledger->own),
                  .text = text,
                  .is_it = is_it,
                  .context = context,
                  .storage = storage};
    hsmiam_backward backward = {.window = NULL};
    hsmiam_line line;
    bool more = true;

    *found_out = false;
    hsmiam_status status =
        run.verifier != NULL ? HSMIAM_OK : hsmiam_error_set_memory(error, "verifying the ledger");
    if (status == HSMIAM_OK)
        status = hsmiam_backward_init(&backward, &ledger->file, size, error);
    while (status == HSMIAM_OK && !*found_out) {
        status = hsmiam_backward_next(&backward, &line, &more, error);
        if (status != HSMIAM_OK || !more)
            break;
        status = judge(&run, &line, record_out, found_out, error);
    }
    hsmiam_backward_clear(&backward);
    hsmiam_verifier_free(&run.verifier);
    return status;
}

static bool signed_for(const void *context, const hsmiam_record *record)
{
    const char *id = record->fields[HSMIAM_FIELD_CREDENTIAL_ID];

    return id != NULL && strcmp(id, context) == 0 && record->fields[HSMIAM_FIELD_ACCOUNT] != NULL;
}

/* Whoever asks to change or to delete a key need not be of its account. */
static bool was_made_or_signed_for(const void *context, const hsmiam_record *record)
{
    const char *id = record->fields[HSMIAM_FIELD_ACCESS_KEY_ID];
    const char *result = record->fields[HSMIAM_FIELD_RESULT];

    return signed_for(context, record) ||
           (id != NULL && strcmp(id, context) == 0 && result != NULL &&
            strcmp(result, hsmiam_result_get_name(HSMIAM_RESULT_HELD)) == 0 &&
            record->fields[HSMIAM_FIELD_ACCOUNT] != NULL);
}

/* The account that the last such record has, and that record's time. */
static hsmiam_status find_account(hsmiam_ledger *ledger, const char *text,
                                  hsmiam_record_match_fn is_it, const char *id,
                                  char account_out[13], time_t *when_out, hsmiam_error *error)
{
    hsmiam_record_storage *storage = malloc(sizeof *storage);
    hsmiam_record record;
    uint64_t size = 0;
    bool found = false;

    account_out[0] = '\0';
    if (storage == NULL)
        return hsmiam_error_set_memory(error, "reading the ledger");
    (void)pthread_mutex_lock(&ledger->lock);
    hsmiam_status status = HSMIAM_OK;
    if (ledger->has_key)
        status = hsmiam_file_get_size(&ledger->file, &size, error);
    if (status == HSMIAM_OK && size > 0)
        status = hsmiam_lookup_last(ledger, size, text, is_it, id, storage, &record, &found, error);
    (void)pthread_mutex_unlock(&ledger->lock);
    if (status == HSMIAM_OK && found) {
        (void)snprintf(account_out, 13, "%s", record.fields[HSMIAM_FIELD_ACCOUNT]);
        if (!hsmiam_time_parse_extended(record.fields[HSMIAM_FIELD_TIME], when_out))
            *when_out = 0;
    }
    free(storage);
    return status;
}

hsmiam_status hsmiam_ledger_find_account(hsmiam_ledger *ledger, const char *credential_id,
                                         char account_out[13], hsmiam_error *error)
{
    char text[HSMIAM_ACCESS_KEY_ID_MAX + 32];
    time_t when = 0;

    (void)snprintf(text, sizeof text, "\"credential_id\":\"%s\"", credential_id);
    return find_account(ledger, text, signed_for, credential_id, account_out, &when, error);
}

hsmiam_status hsmiam_ledger_find_key_account(hsmiam_ledger *ledger, const char *access_key_id,
                                             char account_out[13], time_t *alive_out,
                                             hsmiam_error *error)
{
    char text[HSMIAM_ACCESS_KEY_ID_MAX + 3];

    *alive_out = 0;
    (void)snprintf(text, sizeof text, "\"%s\"", access_key_id);
    return find_account(ledger, text, was_made_or_signed_for, access_key_id, account_out, alive_out,
                        error);
}

/* Which wrapping key of which token. */
typedef struct wanted_key {
    const char *token_serial;
    hsmiam_field field;
} wanted_key;

/* Many records of a token are about neither of its wrapping keys, or about the other one. */
static bool tells_key(const void *context, const hsmiam_record *record)
{
    const wanted_key *wanted = context;
    const char *serial = record->fields[HSMIAM_FIELD_TOKEN_SERIAL];

    return serial != NULL && strcmp(serial, wanted->token_serial) == 0 &&
           record->fields[wanted->field] != NULL;
}

hsmiam_status hsmiam_ledger_find_wrapping_key(hsmiam_ledger *ledger, const char *token_serial,
                                              bool exportable,
                                              char fingerprint_out[HSMIAM_FINGERPRINT_SIZE],
                                              hsmiam_error *error)
{
    const wanted_key wanted = {token_serial, exportable ? HSMIAM_FIELD_EXPORTABLE_WRAPPING_KEY
                                                        : HSMIAM_FIELD_WRAPPING_KEY};
    const char *text = exportable ? "\"exportable_wrapping_key\":" : "\"wrapping_key\":";
    hsmiam_record_storage *storage = malloc(sizeof *storage);
    hsmiam_record record;
    uint64_t size = 0;
    bool found = false;

    fingerprint_out[0] = '\0';
    if (storage == NULL)
        return hsmiam_error_set_memory(error, "reading the ledger");
    (void)pthread_mutex_lock(&ledger->lock);
    hsmiam_status status = HSMIAM_OK;
    if (ledger->has_key)
        status = hsmiam_file_get_size(&ledger->file, &size, error);
    if (status == HSMIAM_OK && size > 0)
        status = hsmiam_lookup_last(ledger, size, text, tells_key, &wanted, storage, &record,
                                    &found, error);
    (void)pthread_mutex_unlock(&ledger->lock);
    if (status == HSMIAM_OK && found)
        memcpy(fingerprint_out, record.fields[wanted.field], HSMIAM_FINGERPRINT_SIZE);
    free(storage);
    return status;
}

hsmiam_status hsmiam_ledger_check_wrapping_key(hsmiam_ledger *ledger, const hsmiam_token *token,
                                               bool exportable, const char *found,
                                               hsmiam_error *error)
{
    char recorded[HSMIAM_FINGERPRINT_SIZE];
    hsmiam_status status = hsmiam_ledger_find_wrapping_key(ledger, hsmiam_token_get_serial(token),
                                                           exportable, recorded, error);

    if (status != HSMIAM_OK || recorded[0] == '\0' || strcmp(recorded, found) == 0)
        return status;
    return hsmiam_error_set(
        error, HSMIAM_ERR_CONFIG,
        "Token \"%s\" %s%s, but the ledger %s has %.16s... as the one that was there before: "
        "whoever "
        "changed it could read what is imported. Find out who did; `hsmiam provision-token "
        "--accept-changed-keys` records the new one.",
        hsmiam_token_get_label(token),
        found[0] != '\0' ? "has another wrapping key" : "has no wrapping key that works",
        exportable ? " for exportable keys" : "", ledger->file.path, recorded);
}
