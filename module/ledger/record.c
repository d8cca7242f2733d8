/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/record.h"

#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "ledger/json.h"

/* How a member is written. None of them holds anything that somebody typed but names. */
typedef enum field_kind {
    KIND_NUMBER,  /* decimal, 64 bits */
    KIND_TIME,    /* 2015-08-30T12:36:00Z */
    KIND_WORD,    /* a-z, 0-9 and '-' */
    KIND_ACCOUNT, /* 12 digits */
    KIND_TEXT,
    KIND_ID,  /* an access key id */
    KIND_IDS, /* an array of them */
    KIND_SHA256,
    KIND_BASE64
} field_kind;

#define BIT(field) (UINT64_C(1) << HSMIAM_FIELD_##field)

static const struct {
    const char *name;
    field_kind kind;
    size_t maximum; /* of its text */
} fields[HSMIAM_FIELD_COUNT] = {
    [HSMIAM_FIELD_SEQUENCE] = {"sequence", KIND_NUMBER, 20},
    [HSMIAM_FIELD_TIME] = {"time", KIND_TIME, 20},
    [HSMIAM_FIELD_EVENT] = {"event", KIND_WORD, 32},
    [HSMIAM_FIELD_OPERATOR] = {"operator", KIND_TEXT, HSMIAM_NAME_MAX},
    [HSMIAM_FIELD_HOST] = {"host", KIND_TEXT, HSMIAM_NAME_MAX},
    [HSMIAM_FIELD_ACCOUNT] = {"account", KIND_ACCOUNT, 12},
    [HSMIAM_FIELD_PARTITION] = {"partition", KIND_WORD, 32},
    [HSMIAM_FIELD_ENDPOINT] = {"endpoint", KIND_TEXT, HSMIAM_ENDPOINT_MAX},
    [HSMIAM_FIELD_TOKEN_SERIAL] = {"token_serial", KIND_TEXT, HSMIAM_SERIAL_MAX},
    [HSMIAM_FIELD_CREDENTIAL_ID] = {"credential_id", KIND_ID, HSMIAM_ACCESS_KEY_ID_MAX},
    [HSMIAM_FIELD_USER_NAME] = {"user_name", KIND_TEXT, HSMIAM_USER_NAME_MAX},
    [HSMIAM_FIELD_ACCESS_KEY_ID] = {"access_key_id", KIND_ID, HSMIAM_ACCESS_KEY_ID_MAX},
    [HSMIAM_FIELD_REQUEST_ID] = {"request_id", KIND_TEXT, HSMIAM_REQUEST_MAX},
    [HSMIAM_FIELD_ROUTE] = {"route", KIND_WORD, 32},
    [HSMIAM_FIELD_INTENT] = {"intent", KIND_NUMBER, 20},
    [HSMIAM_FIELD_KEYS_BEFORE] = {"keys_before", KIND_IDS, HSMIAM_KEYS_TEXT_MAX},
    [HSMIAM_FIELD_IAM_TIME] = {"iam_time", KIND_TIME, 20},
    [HSMIAM_FIELD_REQUEST_TIME] = {"request_time", KIND_TIME, 20},
    [HSMIAM_FIELD_RESULT] = {"result", KIND_WORD, 32},
    [HSMIAM_FIELD_CODE] = {"code", KIND_TEXT, HSMIAM_CODE_MAX},
    [HSMIAM_FIELD_WRAPPING_KEY] = {"wrapping_key", KIND_SHA256, 64},
    [HSMIAM_FIELD_EXPORTABLE_WRAPPING_KEY] = {"exportable_wrapping_key", KIND_SHA256, 64},
    [HSMIAM_FIELD_INTRODUCED_KEY] = {"introduced_key", KIND_SHA256, 64},
    [HSMIAM_FIELD_PUBLIC_KEY] = {"public_key", KIND_BASE64, 256},
    [HSMIAM_FIELD_FIRST_PENDING] = {"first_pending", KIND_NUMBER, 20},
    [HSMIAM_FIELD_TORN_SIZE] = {"torn_size", KIND_NUMBER, 20},
    [HSMIAM_FIELD_TORN_SHA256] = {"torn_sha256", KIND_SHA256, 64},
    [HSMIAM_FIELD_PREVIOUS] = {"previous", KIND_SHA256, 64},
    [HSMIAM_FIELD_AUDIT_KEY] = {"audit_key", KIND_SHA256, 64},
    [HSMIAM_FIELD_SIGNATURE] = {"sig", KIND_BASE64, 128},
};

/* What every record has, and what a signed one has besides. */
static const uint64_t always =
    BIT(SEQUENCE) | BIT(TIME) | BIT(EVENT) | BIT(OPERATOR) | BIT(HOST) | BIT(PREVIOUS);
static const uint64_t when_signed = BIT(AUDIT_KEY) | BIT(SIGNATURE);

static const uint64_t of_service =
    BIT(ACCOUNT) | BIT(PARTITION) | BIT(ENDPOINT) | BIT(USER_NAME) | BIT(REQUEST_ID);
static const uint64_t of_issue = BIT(TOKEN_SERIAL) | BIT(CREDENTIAL_ID);

/* What else an event must have, and may have. */
static const struct {
    const char *name;
    uint64_t needed;
    uint64_t allowed;
} events[HSMIAM_EVENT_COUNT] = {
    [HSMIAM_EVENT_AUDIT_KEY] = {"audit-key", BIT(INTRODUCED_KEY) | BIT(PUBLIC_KEY),
                                BIT(TOKEN_SERIAL)},
    [HSMIAM_EVENT_PROVISION] = {"provision", BIT(TOKEN_SERIAL) | BIT(WRAPPING_KEY),
                                BIT(EXPORTABLE_WRAPPING_KEY)},
    [HSMIAM_EVENT_IMPORT] = {"import", BIT(TOKEN_SERIAL) | BIT(ACCESS_KEY_ID) | BIT(ROUTE),
                             BIT(ACCOUNT) | BIT(USER_NAME) | BIT(WRAPPING_KEY)},
    [HSMIAM_EVENT_INTENT] = {"intent", of_issue | BIT(ENDPOINT) | BIT(ROUTE) | BIT(REQUEST_TIME),
                             of_service | BIT(KEYS_BEFORE) | BIT(IAM_TIME) | BIT(WRAPPING_KEY)},
    [HSMIAM_EVENT_RENEWAL] = {"renewal", of_issue | BIT(INTENT) | BIT(REQUEST_TIME),
                              of_service | BIT(WRAPPING_KEY)},
    [HSMIAM_EVENT_OUTCOME] = {"outcome", of_issue | BIT(INTENT) | BIT(RESULT),
                              of_service | BIT(ACCESS_KEY_ID) | BIT(ROUTE) | BIT(CODE) |
                                  BIT(IAM_TIME) | BIT(WRAPPING_KEY)},
    [HSMIAM_EVENT_SEAL] = {"seal", BIT(TORN_SIZE) | BIT(TORN_SHA256), 0},
    [HSMIAM_EVENT_COUNTERSIGN] = {"countersign", BIT(FIRST_PENDING), 0},
    [HSMIAM_EVENT_CHECKPOINT] = {"checkpoint", 0, 0},
};

const char *hsmiam_event_get_name(hsmiam_event event)
{
    return events[event].name;
}

const char *hsmiam_field_get_name(hsmiam_field field)
{
    return fields[field].name;
}

bool hsmiam_field_is_number(hsmiam_field field)
{
    return fields[field].kind == KIND_NUMBER;
}

bool hsmiam_field_is_list(hsmiam_field field)
{
    return fields[field].kind == KIND_IDS;
}

hsmiam_event hsmiam_event_find(const char *name)
{
    size_t event = 0;

    while (event < HSMIAM_EVENT_COUNT && strcmp(events[event].name, name) != 0)
        event++;
    return (hsmiam_event)event;
}

bool hsmiam_record_is(const hsmiam_record *record, hsmiam_event event)
{
    return strcmp(record->fields[HSMIAM_FIELD_EVENT], events[event].name) == 0;
}

uint64_t hsmiam_record_get_number(const hsmiam_record *record, hsmiam_field field)
{
    const char *text = record->fields[field];

    return text != NULL ? strtoull(text, NULL, 10) : 0;
}

static bool consists_of(const char *text, const char *characters)
{
    return text[strspn(text, characters)] == '\0';
}

static bool is_number(const char *text)
{
    size_t length = strlen(text);

    return consists_of(text, "0123456789") && length > 0 && (length == 1 || text[0] != '0') &&
           (length < 20 || (length == 20 && strcmp(text, "18446744073709551615") <= 0));
}

static bool is_time(const char *text)
{
    time_t when = 0;

    return strlen(text) == HSMIAM_TIME_SIZE - 1 && text[HSMIAM_TIME_SIZE - 2] == 'Z' &&
           hsmiam_time_parse_extended(text, &when);
}

/* Groups of four, filled up by '='; whether the unused bits are zero is left to who decodes. */
static bool is_base64(const char *text)
{
    size_t length = strlen(text);
    size_t digits = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                 "0123456789+/");

    return length > 0 && length % 4 == 0 && length - digits <= 2 && consists_of(text + digits, "=");
}

static bool are_ids(const char *text)
{
    size_t count = 0;

    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        if (!hsmiam_access_key_id_is_valid(text, length) || ++count > HSMIAM_KEYS_MAX)
            return false;
        text += length;
        if (*text == ' ' && *++text == '\0')
            return false;
    }
    return true;
}

static bool is_valid(hsmiam_field field, const char *text)
{
    size_t length = strlen(text);

    if (length > fields[field].maximum)
        return false;
    switch (fields[field].kind) {
    case KIND_NUMBER:
        return is_number(text);
    case KIND_TIME:
        return is_time(text);
    case KIND_WORD:
        return length > 0 && consists_of(text, "abcdefghijklmnopqrstuvwxyz0123456789-");
    case KIND_ACCOUNT:
        return length == 12 && consists_of(text, "0123456789");
    case KIND_ID:
        return hsmiam_access_key_id_is_valid(text, length);
    case KIND_IDS:
        return are_ids(text);
    case KIND_SHA256:
        return length == 64 && consists_of(text, "0123456789abcdef");
    case KIND_BASE64:
        return is_base64(text);
    default:
        return true;
    }
}

/* Whether an event has the members that it must have and no others. */
static bool is_complete(const char *event_name, uint64_t present)
{
    hsmiam_event event = event_name != NULL ? hsmiam_event_find(event_name) : HSMIAM_EVENT_COUNT;

    if (event == HSMIAM_EVENT_COUNT)
        return false;
    uint64_t needed = always | events[event].needed;
    uint64_t signing = present & when_signed;
    return (present & needed) == needed &&
           (present & ~(needed | events[event].allowed | when_signed)) == 0 &&
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
    if (fields[field].kind == KIND_NUMBER)
        hsmiam_buffer_append_string(line, text);
    else if (fields[field].kind == KIND_IDS)
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
        if (!is_valid((hsmiam_field)i, text))
            return hsmiam_error_set(error, HSMIAM_ERR_INTERNAL,
                                    "A record of the ledger has a malformed %s (%zu bytes).",
                                    fields[i].name, strlen(text));
        hsmiam_buffer_append_format(line, "%s\"%s\":", present != 0 ? "," : "{", fields[i].name);
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
        hsmiam_buffer_append_format(line, ",\"%s\":\"%s\"", fields[HSMIAM_FIELD_SIGNATURE].name,
                                    signature);
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
    if (fields[field].kind == KIND_NUMBER)
        done = read_number(at, end, to, room);
    else if (fields[field].kind == KIND_IDS)
        done = read_ids(at, end, to, room);
    else
        done = hsmiam_json_read_string(at, end, to, room);
    return done && is_valid(field, to);
}

/* Whether the member's name, quoted, and a colon stand there. */
static bool take_name(hsmiam_field field, const char **at, const char *end)
{
    const char *from = *at;

    if (!take(&from, end, "\"") || !take(&from, end, fields[field].name) ||
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
