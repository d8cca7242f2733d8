/* SPDX-License-Identifier: Apache-2.0 */
/* What a ledger has of dual control, read from its file. */
#include "ledger/dual.h"

#include <stdlib.h>
#include <string.h>

/* Whether a line can change anything: most do not, and need not be read for it. */
static bool matters(const hsmiam_line *line)
{
    static const char *const marks[] = {"\"request\":", "\"event\":\"request\"",
                                        "\"event\":\"policy\"", "\"event\":\"audit-key\""};

    for (size_t i = 0; line->text != NULL && i < sizeof marks / sizeof marks[0]; i++)
        if (memmem(line->text, line->size, marks[i], strlen(marks[i])) != NULL)
            return true;
    return false;
}

static hsmiam_status take_line(hsmiam_dual *dual, const hsmiam_dual_reading *reading,
                               const hsmiam_line *line, hsmiam_record_storage *storage,
                               hsmiam_error *error)
{
    uint8_t digest[HSMIAM_DIGEST_SIZE];
    char hex[HSMIAM_HEX_SIZE];
    hsmiam_fault fault = HSMIAM_FAULT_NONE;
    const char *wrong = NULL;
    hsmiam_record record;
    size_t signed_size = 0;

    if (!matters(line) ||
        !hsmiam_record_read(line->text, line->size, storage, &record, &signed_size) ||
        (reading->last_sequence != 0 &&
         hsmiam_record_get_number(&record, HSMIAM_FIELD_SEQUENCE) > reading->last_sequence))
        return HSMIAM_OK;
    if (!hsmiam_hash_compute(dual->hash, line->text, line->size, digest))
        return hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "OpenSSL cannot hash.");
    hsmiam_hash_format(digest, hex);
    return hsmiam_dual_take(dual, &record, hex, &fault, &wrong, error);
}

hsmiam_status hsmiam_dual_read(hsmiam_dual *dual, const hsmiam_dual_reading *reading,
                               hsmiam_error *error)
{
    hsmiam_record_storage *storage = malloc(sizeof *storage);
    hsmiam_forward lines = {.window = NULL};
    hsmiam_line line;
    bool more = true;

    if (storage == NULL)
        return hsmiam_error_set_memory(error, "reading the ledger");
    hsmiam_status status = hsmiam_forward_init(&lines, reading->file, reading->end, error);
    lines.start = reading->start;
    while (status == HSMIAM_OK) {
        status = hsmiam_forward_next(&lines, &line, &more, error);
        if (status != HSMIAM_OK || !more)
            break;
        status = take_line(dual, reading, &line, storage, error);
    }
    hsmiam_forward_clear(&lines);
    free(storage);
    return status;
}
