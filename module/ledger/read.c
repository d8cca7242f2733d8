/* SPDX-License-Identifier: Apache-2.0 */
/* Reading for show: record by record, unverified. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "ledger/internal.h"

static bool is_text(const hsmiam_record *record, hsmiam_field field, const char *wanted)
{
    const char *text = record->fields[field];

    return text != NULL && strcmp(text, wanted) == 0;
}

static bool is_wanted(const hsmiam_ledger_filter *filter, const hsmiam_record *record)
{
    time_t when = 0;

    if (filter == NULL)
        return true;
    if (filter->user_name != NULL && !is_text(record, HSMIAM_FIELD_USER_NAME, filter->user_name))
        return false;
    if (filter->access_key_id != NULL &&
        !is_text(record, HSMIAM_FIELD_ACCESS_KEY_ID, filter->access_key_id) &&
        !is_text(record, HSMIAM_FIELD_CREDENTIAL_ID, filter->access_key_id))
        return false;
    if (filter->event != NULL && !is_text(record, HSMIAM_FIELD_EVENT, filter->event))
        return false;
    if (!hsmiam_time_parse_extended(record->fields[HSMIAM_FIELD_TIME], &when))
        return false;
    return (filter->since < 0 || when >= filter->since) &&
           (filter->until < 0 || when <= filter->until);
}

static hsmiam_status check_filter(const hsmiam_ledger_filter *filter, hsmiam_error *error)
{
    if (filter == NULL || filter->event == NULL ||
        hsmiam_event_find(filter->event) < HSMIAM_EVENT_CHECKPOINT)
        return HSMIAM_OK;

    hsmiam_buffer names;
    hsmiam_buffer_init(&names, HSMIAM_ERROR_MESSAGE_MAX);
    for (size_t i = 0; i < HSMIAM_EVENT_CHECKPOINT; i++)
        hsmiam_buffer_append_format(&names, "%s%s", i > 0 ? ", " : "",
                                    hsmiam_event_get_name((hsmiam_event)i));
    hsmiam_status status =
        hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT, "The ledger has no such event. It has: %s.",
                         hsmiam_buffer_get_string(&names));
    hsmiam_buffer_clear(&names);
    return status;
}

static hsmiam_status read_all(hsmiam_forward *lines, hsmiam_ledger *ledger,
                              const hsmiam_ledger_filter *filter, hsmiam_ledger_record_fn take,
                              void *context, hsmiam_error *error)
{
    hsmiam_record_storage *storage = malloc(sizeof *storage);
    hsmiam_record record;
    hsmiam_line line;
    uint64_t strange = 0;
    size_t signed_size = 0;
    bool more = true;
    hsmiam_status status =
        storage != NULL ? HSMIAM_OK : hsmiam_error_set_memory(error, "reading the ledger");

    while (status == HSMIAM_OK) {
        status = hsmiam_forward_next(lines, &line, &more, error);
        if (status != HSMIAM_OK || !more)
            break;
        if (!hsmiam_record_read(line.text, line.size, storage, &record, &signed_size))
            strange++;
        else if (is_wanted(filter, &record) && !take(context, &record))
            break;
    }
    if (strange > 0)
        hsmiam_log_write(&ledger->log, HSMIAM_LOG_NOTICE,
                         "The ledger %s has %" PRIu64 " lines that are no records; `hsmiam audit "
                         "verify` tells more.",
                         ledger->file.path, strange);
    free(storage);
    return status;
}

hsmiam_status hsmiam_ledger_read(hsmiam_ledger *ledger, const hsmiam_ledger_filter *filter,
                                 hsmiam_ledger_record_fn take, void *context, hsmiam_error *error)
{
    hsmiam_file file = {.functions = ledger->file.functions,
                        .path = ledger->file.path,
                        .fd = -1,
                        .log = &ledger->log};
    hsmiam_forward lines = {.window = NULL};
    uint64_t size = 0;

    hsmiam_status status = check_filter(filter, error);
    if (status == HSMIAM_OK)
        status = hsmiam_file_open_for_reading(&file, error);
    if (status == HSMIAM_OK)
        status = hsmiam_file_get_size(&file, &size, error);
    if (status == HSMIAM_OK)
        status = hsmiam_forward_init(&lines, &file, size, error);
    if (status == HSMIAM_OK)
        status = read_all(&lines, ledger, filter, take, context, error);
    hsmiam_forward_clear(&lines);
    hsmiam_file_close(&file);
    return status;
}
