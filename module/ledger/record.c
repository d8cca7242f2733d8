/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/record.h"

#include <stdlib.h>
#include <string.h>

#include "ledger/json.h"

/* What every record has, and what a signed one has besides. */
#define BIT(field) HSMIAM_FIELD_BIT(field)
static const uint64_t always =
    BIT(SEQUENCE) | BIT(TIME) | BIT(EVENT) | BIT(OPERATOR) | BIT(HOST) | BIT(PREVIOUS);
static const uint64_t when_signed = BIT(AUDIT_KEY) | BIT(SIGNATURE);

const char *hsmiam_event_get_name(hsmiam_event event)
{
    return hsmiam_event_forms[event].name;
}

hsmiam_event hsmiam_event_find(const char *name)
{
    size_t event = 0;

    while (event < HSMIAM_EVENT_COUNT && strcmp(hsmiam_event_forms[event].name, name) != 0)
        event++;
    return (hsmiam_event)event;
}

bool hsmiam_record_is(const hsmiam_record *record, hsmiam_event event)
{
    return strcmp(record->fields[HSMIAM_FIELD_EVENT], hsmiam_event_forms[event].name) == 0;
}

uint64_t hsmiam_record_get_number(const hsmiam_record *record, hsmiam_field field)
{
    const char *text = record->fields[field];

    return text != NULL ? strtoull(text, NULL, 10) : 0;
}

/* Whether an event has the members that it must have and no others. */
static bool is_complete(const char *event_name, uint64_t present)
{
    hsmiam_event event = event_name != NULL ? hsmiam_event_find(event_name) : HSMIAM_EVENT_COUNT;

    if (event == HSMIAM_EVENT_COUNT)
        return false;
    uint64_t needed = always | hsmiam_event_forms[event].needed;
    uint64_t signing = present & when_signed;
    return (present & needed) == needed &&
           (present & ~(needed | hsmiam_event_forms[event].allowed | when_signed)) == 0 &&
           (signing == 0 || signing == when_signed);
}

static void write_ids(const char *ids, hsmiam_buffer *line)
{
    hsmiam_buffer_append_char(line, '[');
    while (*ids != '\0') {
        size_t length = strcspn(ids, " ");
        hsmiam_buffer_append_char(line, '"');
        hsmiam_buffer_append(line, ids, length);
        hsmiam_buffer_append_char(line, '"');
        ids += length;
        if (*ids == ' ') {
            ids++;
            hsmiam_buffer_append_char(line, ',');
        }
    }
    hsmiam_buffer_append_char(line, ']');
}

static void write_value(hsmiam_field field, const char *text, hsmiam_buffer *line)
{
    if (hsmiam_field_is_number(field))
        hsmiam_buffer_append_string(line, text);
    else if (hsmiam_field_is_list(field))
        write_ids(text, line);
    else
        hsmiam_json_append_string(line, text);
}

hsmiam_status hsmiam_record_write(const hsmiam_record *record, hsmiam_buffer *line,
                                  hsmiam_error *error)
{
    uint64_t present = 0;

    for (size_t i = 0; i < HSMIAM_FIELD_SIGNATURE; i++) {
        const char *text = record->fields[i];
        if (text == NULL)
            continue;
        if (!hsmiam_field_takes((hsmiam_field)i, text))
            return hsmiam_error_set(error, HSMIAM_ERR_INTERNAL,
                                    "A record of the ledger has a malformed %s (%zu bytes).",
                                    hsmiam_field_get_name((hsmiam_field)i), strlen(text));
        hsmiam_buffer_append_format(line, "%s\"%s\":", present != 0 ? "," : "{",
                                    hsmiam_field_get_name((hsmiam_field)i));
        write_value((hsmiam_field)i, text, line);
        present |= UINT64_C(1) << i;
    }
    if (present & BIT(AUDIT_KEY))
        present |= BIT(SIGNATURE);
    if (!is_complete(record->fields[HSMIAM_FIELD_EVENT], present))
        return hsmiam_error_set(error, HSMIAM_ERR_INTERNAL,
                                "A record of the ledger has not the members that it must have.");
    return HSMIAM_OK;
}

void hsmiam_record_close(const char *signature, hsmiam_buffer *line)
{
    if (signature != NULL)
        hsmiam_buffer_append_format(line, ",\"%s\":\"%s\"",
                                    hsmiam_field_get_name(HSMIAM_FIELD_SIGNATURE), signature);
    hsmiam_buffer_append_char(line, '}');
}

static bool take(const char **at, const char *end, const char *text)
{
    size_t length = strlen(text);

    if ((size_t)(end - *at) < length || memcmp(*at, text, length) != 0)
        return false;
    *at += length;
    return true;
}

static bool read_number(const char **at, const char *end, char *to, size_t room)
{
    size_t length = 0;

    while (*at + length < end && (*at)[length] >= '0' && (*at)[length] <= '9')
        length++;
    if (length >= room || length >= HSMIAM_NUMBER_SIZE)
        return false;
    memcpy(to, *at, length);
    to[length] = '\0';
    *at += length;
    return true;
}

static bool read_ids(const char **at, const char *end, char *to, size_t room)
{
    char *start = to;

    *to = '\0';
    if (!take(at, end, "["))
        return false;
    while (!take(at, end, "]")) {
        if (to != start) {
            if (room < 2 || !take(at, end, ","))
                return false;
            *to++ = ' ';
            room--;
        }
        if (!hsmiam_json_read_string(at, end, to, room) || *to == '\0')
            return false;
        size_t length = strlen(to);
        to += length;
        room -= length;
    }
    return true;
}

/* Reads the value of a member into `to`. */
static bool read_value(hsmiam_field field, const char **at, const char *end, char *to, size_t room)
{
    bool done = false;

    if (room == 0)
        return false;
    if (hsmiam_field_is_number(field))
        done = read_number(at, end, to, room);
    else if (hsmiam_field_is_list(field))
        done = read_ids(at, end, to, room);
    else
        done = hsmiam_json_read_string(at, end, to, room);
    return done && hsmiam_field_takes(field, to);
}

/* Whether the member's name, quoted, and a colon stand there. */
static bool take_name(hsmiam_field field, const char **at, const char *end)
{
    const char *from = *at;

    if (!take(&from, end, "\"") || !take(&from, end, hsmiam_field_get_name(field)) ||
        !take(&from, end, "\":"))
        return false;
    *at = from;
    return true;
}

bool hsmiam_record_read(const char *line, size_t size, hsmiam_record_storage *storage,
                        hsmiam_record *record_out, size_t *signed_size_out)
{
    const char *at = line;
    const char *end = line + size;
    char *to = storage->text;
    size_t room = sizeof storage->text;
    uint64_t present = 0;

    *record_out = (hsmiam_record){{NULL}};
    *signed_size_out = 0;
    if (size > HSMIAM_LINE_MAX || !take(&at, end, "{"))
        return false;
    for (size_t i = 0; i < HSMIAM_FIELD_COUNT; i++) {
        const char *before = at;
        if (present != 0 && !take(&at, end, ","))
            break;
        if (!take_name((hsmiam_field)i, &at, end)) {
            at = before;
            continue;
        }
        if (!read_value((hsmiam_field)i, &at, end, to, room))
            return false;
        if (i == HSMIAM_FIELD_SIGNATURE)
            *signed_size_out = (size_t)(before - line);
        record_out->fields[i] = to;
        present |= UINT64_C(1) << i;
        size_t used = strlen(to) + 1;
        to += used;
        room -= used;
    }
    return take(&at, end, "}") && at == end &&
           is_complete(record_out->fields[HSMIAM_FIELD_EVENT], present);
}
