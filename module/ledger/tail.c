/* SPDX-License-Identifier: Apache-2.0 */
/* The end of the ledger, which is all that a writer reads: the last record, what a crash left
 * behind it, and what nobody signed yet. */
#include <stdlib.h>
#include <string.h>

#include "ledger/internal.h"

#define TORN_MAX ((uint64_t)1024 * 1024) /* a writer that dies leaves less than that */

/* What the first record of a ledger begins with; a disk may have left zeros of it. */
static bool begins_like_a_record(hsmiam_file *file, uint64_t size)
{
    static const char beginning[] = "{\"sequence\":";
    char text[sizeof beginning - 1] = "";
    size_t count = size < sizeof text ? (size_t)size : sizeof text;

    if (hsmiam_file_read(file, 0, text, count, NULL) != HSMIAM_OK)
        return false;
    for (size_t i = 0; i < count; i++)
        if (text[i] != '\0' && text[i] != beginning[i])
            return false;
    return true;
}

static hsmiam_status hash_torn(hsmiam_file *file, hsmiam_hash *hash, uint64_t start,
                               hsmiam_tail *tail, hsmiam_error *error)
{
    uint8_t digest[HSMIAM_DIGEST_SIZE];
    char piece[4096];

    tail->torn = true;
    tail->torn_size = tail->size - start - (tail->unended ? 0 : 1);
    hsmiam_hash_begin(hash);
    for (uint64_t at = 0; at < tail->torn_size;) {
        uint64_t left = tail->torn_size - at;
        size_t size = left < sizeof piece ? (size_t)left : sizeof piece;
        hsmiam_status status = hsmiam_file_read(file, start + at, piece, size, error);
        if (status != HSMIAM_OK)
            return status;
        hsmiam_hash_add(hash, piece, size);
        at += size;
    }
    if (!hsmiam_hash_finish(hash, digest))
        return hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "OpenSSL cannot hash.");
    hsmiam_hash_format(digest, tail->torn_hash);
    return HSMIAM_OK;
}

/* Takes the last record in, which `line` is. */
static hsmiam_status take_last(hsmiam_file *file, hsmiam_hash *hash, const hsmiam_line *line,
                               const hsmiam_record *record, hsmiam_tail *tail, hsmiam_error *error)
{
    uint8_t digest[HSMIAM_DIGEST_SIZE];
    uint64_t end = line->start + line->size + (line->ended ? 1 : 0);

    if (!hsmiam_hash_compute(hash, line->text, line->size, digest))
        return hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "OpenSSL cannot hash.");
    hsmiam_hash_format(digest, tail->hash);
    tail->sequence = hsmiam_record_get_number(record, HSMIAM_FIELD_SEQUENCE);
    return end < tail->size ? hash_torn(file, hash, end, tail, error) : HSMIAM_OK;
}

/* The record at or before the line that comes next; the lines passed over are torn. */
static hsmiam_status find_record(hsmiam_backward *backward, hsmiam_record_storage *storage,
                                 hsmiam_line *line, hsmiam_record *record, bool *found_out,
                                 hsmiam_error *error)
{
    size_t signed_size = 0;

    for (;;) {
        hsmiam_status status = hsmiam_backward_next(backward, line, found_out, error);
        if (status != HSMIAM_OK || !*found_out)
            return status;
        if (line->text != NULL &&
            hsmiam_record_read(line->text, line->size, storage, record, &signed_size))
            return HSMIAM_OK;
    }
}

/* Goes on to the last record that is signed. */
static hsmiam_status find_signer(hsmiam_backward *backward, hsmiam_record_storage *storage,
                                 hsmiam_record *record, hsmiam_tail *tail, hsmiam_error *error)
{
    bool found = true;
    hsmiam_line line;

    while (found && record->fields[HSMIAM_FIELD_AUDIT_KEY] == NULL) {
        tail->first_pending = hsmiam_record_get_number(record, HSMIAM_FIELD_SEQUENCE);
        hsmiam_status status = find_record(backward, storage, &line, record, &found, error);
        if (status != HSMIAM_OK)
            return status;
    }
    if (found)
        memcpy(tail->signer, record->fields[HSMIAM_FIELD_AUDIT_KEY], sizeof tail->signer);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_tail_read(hsmiam_file *file, hsmiam_hash *hash, uint64_t size,
                               hsmiam_tail *tail_out, hsmiam_error *error)
{
    hsmiam_tail tail = {.size = size};
    hsmiam_backward backward = {.window = NULL};
    hsmiam_record_storage *storage = malloc(sizeof *storage);
    hsmiam_record record;
    hsmiam_line line = {.start = size};
    bool found = false;

    memset(tail.hash, '0', sizeof tail.hash - 1);
    hsmiam_status status =
        storage != NULL ? HSMIAM_OK : hsmiam_error_set_memory(error, "reading the ledger");
    if (status == HSMIAM_OK)
        status = hsmiam_backward_init(&backward, file, size, error);
    if (status == HSMIAM_OK && size > 0) {
        char last = 0;
        status = hsmiam_file_read(file, size - 1, &last, 1, error);
        tail.unended = last != '\n';
    }
    if (status == HSMIAM_OK)
        status = find_record(&backward, storage, &line, &record, &found, error);
    if (status != HSMIAM_OK)
        goto out;
    if (!found && size > 0) {
        line = (hsmiam_line){.start = 0};
        status = hash_torn(file, hash, 0, &tail, error);
    } else if (found) {
        status = take_last(file, hash, &line, &record, &tail, error);
    }
    if (status != HSMIAM_OK)
        goto out;
    if (tail.torn && (tail.torn_size > TORN_MAX || (!found && !begins_like_a_record(file, size)))) {
        status = hsmiam_error_set(error, HSMIAM_ERR_LEDGER,
                                  "%s does not end like a ledger, and nothing is added to it; "
                                  "`hsmiam audit verify` tells more.",
                                  file->path);
        goto out;
    }
    if (found)
        status = find_signer(&backward, storage, &record, &tail, error);
    if (status == HSMIAM_OK)
        *tail_out = tail;
out:
    hsmiam_backward_clear(&backward);
    free(storage);
    return status;
}
