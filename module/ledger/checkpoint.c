/* SPDX-License-Identifier: Apache-2.0 */
/* A signed statement of how the ledger ends. It has the form of a record, whose `sequence` is that
 * of the last one and whose `previous` is the hash of its line; no line of the ledger is one. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/internal.h"

static hsmiam_status write_checkpoint(hsmiam_ledger *ledger, const hsmiam_tail *tail,
                                      hsmiam_buffer *line, hsmiam_error *error)
{
    hsmiam_record record = {{NULL}};
    char sequence[HSMIAM_NUMBER_SIZE];
    char now[HSMIAM_TIME_SIZE];

    hsmiam_status status = hsmiam_ledger_format_now(now, error);
    if (status != HSMIAM_OK)
        return status;
    (void)snprintf(sequence, sizeof sequence, "%" PRIu64, tail->sequence);
    record.fields[HSMIAM_FIELD_SEQUENCE] = sequence;
    record.fields[HSMIAM_FIELD_TIME] = now;
    record.fields[HSMIAM_FIELD_EVENT] = hsmiam_event_get_name(HSMIAM_EVENT_CHECKPOINT);
    record.fields[HSMIAM_FIELD_OPERATOR] = ledger->operator_name;
    record.fields[HSMIAM_FIELD_HOST] = ledger->host;
    record.fields[HSMIAM_FIELD_PREVIOUS] = tail->hash;
    record.fields[HSMIAM_FIELD_AUDIT_KEY] = ledger->key.fingerprint;
    status = hsmiam_record_write(&record, line, error);
    return status == HSMIAM_OK ? hsmiam_ledger_sign_line(ledger, line, error) : status;
}

static hsmiam_status sign_tail(hsmiam_ledger *ledger, hsmiam_buffer *line, hsmiam_error *error)
{
    hsmiam_tail tail;
    uint64_t size = 0;

    hsmiam_status status = hsmiam_file_lock(&ledger->file, &size, error);
    if (status != HSMIAM_OK)
        return status;
    status = hsmiam_tail_read(&ledger->file, ledger->hash, size, &tail, error);
    if (status == HSMIAM_OK && (tail.sequence == 0 || tail.torn))
        status = hsmiam_error_set(error, HSMIAM_ERR_NOT_FOUND,
                                  "The ledger %s has no record at its end.", ledger->file.path);
    if (status == HSMIAM_OK)
        status = write_checkpoint(ledger, &tail, line, error);
    hsmiam_file_unlock(&ledger->file);
    return status;
}

hsmiam_status hsmiam_ledger_make_checkpoint(hsmiam_ledger *ledger, hsmiam_ledger_line_fn take,
                                            void *context, hsmiam_error *error)
{
    hsmiam_buffer line;

    hsmiam_status status = hsmiam_ledger_open(ledger, error);
    if (status == HSMIAM_OK && !ledger->has_key)
        status = hsmiam_error_set(error, HSMIAM_ERR_NOT_FOUND,
                                  "Token \"%s\" has no audit key; `hsmiam provision-token` makes "
                                  "it.",
                                  hsmiam_token_get_label(ledger->token));
    /* What the end needs comes first, so that the checkpoint is by a key that the ledger has. */
    if (status == HSMIAM_OK)
        status = hsmiam_ledger_append(ledger, NULL, HSMIAM_APPEND_SIGNED, NULL, error);
    if (status != HSMIAM_OK)
        return status;
    hsmiam_buffer_init(&line, HSMIAM_LINE_MAX);
    (void)pthread_mutex_lock(&ledger->lock);
    status = sign_tail(ledger, &line, error);
    (void)pthread_mutex_unlock(&ledger->lock);
    if (status == HSMIAM_OK)
        take(context, line.data);
    hsmiam_buffer_clear(&line);
    return status;
}

hsmiam_status hsmiam_ledger_set_checkpoint(hsmiam_ledger *ledger, const char *line, size_t size,
                                           hsmiam_error *error)
{
    hsmiam_record_storage *storage = malloc(sizeof *storage);
    hsmiam_record record;
    size_t signed_size = 0;
    char *copy = NULL;

    if (storage == NULL)
        return hsmiam_error_set_memory(error, "a checkpoint");
    while (size > 0 && (line[size - 1] == '\n' || line[size - 1] == '\r'))
        size--;
    bool is_one = hsmiam_record_read(line, size, storage, &record, &signed_size) &&
                  signed_size > 0 && hsmiam_record_is(&record, HSMIAM_EVENT_CHECKPOINT);
    free(storage);
    if (!is_one)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "This is no checkpoint as `hsmiam audit checkpoint` prints it.");
    copy = strndup(line, size);
    if (copy == NULL)
        return hsmiam_error_set_memory(error, "a checkpoint");
    free(ledger->checkpoint);
    ledger->checkpoint = copy;
    return HSMIAM_OK;
}
