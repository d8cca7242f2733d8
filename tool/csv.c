/* SPDX-License-Identifier: Apache-2.0 */
#include "csv.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define COLUMNS_MAX 32

enum { COLUMN_ACCESS_KEY_ID, COLUMN_SECRET, COLUMN_USER_NAME, COLUMN_COUNT };

static const char *const headers[COLUMN_COUNT] = {
    [COLUMN_ACCESS_KEY_ID] = "Access key ID",
    [COLUMN_SECRET] = "Secret access key",
    [COLUMN_USER_NAME] = "User name",
};

/* One line, cut into fields. */
typedef struct tool_row {
    char *fields[COLUMNS_MAX];
    size_t count;
} tool_row;

typedef struct tool_reader {
    char *at;
    const char *file;
    int line;
    tool_error *error;
} tool_reader;

static hsmiam_status refuse(const tool_reader *reader, const char *reason)
{
    return tool_error_set(reader->error, HSMIAM_ERR_ARGUMENT, "%s, line %d: %s", reader->file,
                          reader->line, reason);
}

static bool ends_field(char character)
{
    return character == ',' || character == '\r' || character == '\n' || character == 0;
}

/* Takes the quotes off a field in place; a doubled quote is one. Returns what comes behind it, NULL
 * if the quote is not closed. */
static char *unquote(char *field)
{
    char *to = field;
    const char *from = field + 1;

    for (;; from++) {
        if (*from == 0)
            return NULL;
        if (*from == '"' && *++from != '"')
            break;
        *to++ = *from;
    }
    *to = 0;
    return field + (from - field);
}

/* Spaces around a plain field do not count. */
static char *trim(char *field)
{
    size_t length = 0;

    while (*field == ' ' || *field == '\t')
        field++;
    length = strlen(field);
    while (length > 0 && (field[length - 1] == ' ' || field[length - 1] == '\t'))
        field[--length] = 0;
    return field;
}

static hsmiam_status read_row(tool_reader *reader, tool_row *row_out)
{
    *row_out = (tool_row){0};
    reader->line++;
    for (;;) {
        char *field = reader->at;
        bool quoted = *field == '"';
        char *end = quoted ? unquote(field) : field + strcspn(field, ",\r\n");
        char delimiter = 0;

        if (!end)
            return refuse(reader, "a quoted field is not closed");
        if (!ends_field(*end))
            return refuse(reader, "a quoted field is followed by something");
        if (row_out->count == COLUMNS_MAX)
            return refuse(reader, "too many fields");
        delimiter = *end;
        *end = 0;
        row_out->fields[row_out->count++] = quoted ? field : trim(field);
        if (delimiter == ',') {
            reader->at = end + 1;
            continue;
        }
        if (delimiter != 0)
            end++;
        if (delimiter == '\r' && *end == '\n')
            end++;
        reader->at = end;
        return HSMIAM_OK;
    }
}

static bool is_blank(const tool_row *row)
{
    return row->count == 1 && row->fields[0][0] == 0;
}

static hsmiam_status read_headers(tool_reader *reader, int *places)
{
    tool_row row = {0};
    hsmiam_status status = read_row(reader, &row);

    if (status != HSMIAM_OK)
        return status;
    for (int column = 0; column < COLUMN_COUNT; column++) {
        places[column] = -1;
        for (size_t i = 0; i < row.count; i++) {
            if (strcasecmp(row.fields[i], headers[column]) != 0)
                continue;
            if (places[column] >= 0)
                return refuse(reader, "two columns have the same header");
            places[column] = (int)i;
        }
    }
    if (places[COLUMN_ACCESS_KEY_ID] < 0 || places[COLUMN_SECRET] < 0)
        return refuse(reader,
                      "the headers \"Access key ID\" and \"Secret access key\" are missing");
    return HSMIAM_OK;
}

static const char *get_field(const tool_row *row, int place)
{
    return place >= 0 && (size_t)place < row->count ? row->fields[place] : "";
}

/* Takes the row's key over if it is the one. */
static hsmiam_status take_row(const tool_reader *reader, const tool_row *row, const int *places,
                              const char *wanted_id, tool_csv_key *key, int *found)
{
    const char *id = get_field(row, places[COLUMN_ACCESS_KEY_ID]);
    const char *secret = get_field(row, places[COLUMN_SECRET]);
    const char *user_name = get_field(row, places[COLUMN_USER_NAME]);

    if (wanted_id && strcmp(id, wanted_id) != 0)
        return HSMIAM_OK;
    if (*id == 0 || *secret == 0)
        return refuse(reader, "the access key id or the secret access key is empty");
    key->access_key_id = id;
    key->secret = secret;
    key->user_name = *user_name ? user_name : NULL;
    ++*found;
    return HSMIAM_OK;
}

static hsmiam_status judge(const tool_reader *reader, int found, const char *wanted_id)
{
    tool_error *error = reader->error;

    if (found == 1)
        return HSMIAM_OK;
    if (found == 0 && wanted_id)
        return tool_error_set(error, HSMIAM_ERR_ARGUMENT,
                              "%s holds no access key with the id that was given (%zu characters)",
                              reader->file, strlen(wanted_id));
    if (found == 0)
        return tool_error_set(error, HSMIAM_ERR_ARGUMENT, "%s holds no access key", reader->file);
    if (wanted_id)
        return tool_error_set(error, HSMIAM_ERR_ARGUMENT,
                              "%s holds the access key that was asked for more than once",
                              reader->file);
    return tool_error_set(error, HSMIAM_ERR_ARGUMENT,
                          "%s holds %d access keys. Choose one by --access-key-id.", reader->file,
                          found);
}

hsmiam_status tool_csv_find_key(char *text, size_t size, const char *file, const char *wanted_id,
                                tool_csv_key *key_out, tool_error *error)
{
    tool_reader reader = {.at = text, .file = file, .error = error};
    int places[COLUMN_COUNT] = {0};
    hsmiam_status status = HSMIAM_OK;
    int found = 0;

    if (strlen(text) != size)
        return tool_error_set(error, HSMIAM_ERR_ARGUMENT, "%s holds a NUL byte", file);
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
        reader.at += 3;
    status = read_headers(&reader, places);
    while (status == HSMIAM_OK && *reader.at) {
        tool_row row = {0};

        status = read_row(&reader, &row);
        if (status == HSMIAM_OK && !is_blank(&row))
            status = take_row(&reader, &row, places, wanted_id, key_out, &found);
    }
    if (status == HSMIAM_OK)
        status = judge(&reader, found, wanted_id);
    return status;
}
