/* SPDX-License-Identifier: Apache-2.0 */
/* The CSV files in which the AWS console hands out access keys. */
#ifndef HSMIAM_TOOL_CSV_H
#define HSMIAM_TOOL_CSV_H

#include "error.h"

/* The key of one row; all borrow from the text. */
typedef struct tool_csv_key {
    const char *access_key_id;
    const char *secret;
    const char *user_name; /* NULL if the file has no such column, or it is empty */
} tool_csv_key;

/* Finds a key. The columns are known by their headers ("Access key ID", "Secret access key", "User
 * name", in any case and order).
 * text       cut in place; NUL-terminated, `size` bytes before that.
 * file       its name, for messages, which never quote its content.
 * wanted_id  the row's access key id; NULL: the file must have one row only.
 * Statuses: ARGUMENT. */
hsmiam_status tool_csv_find_key(char *text, size_t size, const char *file, const char *wanted_id,
                                tool_csv_key *key_out, tool_error *error) HSMIAM_MUST_USE;

#endif
