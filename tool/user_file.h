/* SPDX-License-Identifier: Apache-2.0 */
/* A file of user names, one a line: checked as a whole before the first name is used. */
#ifndef HSMIAM_TOOL_USER_FILE_H
#define HSMIAM_TOOL_USER_FILE_H

#include "error.h"

/* The names, in a copy that nobody else can change, and what was noted of them. In memory are some
 * 40 bytes a user. */
typedef struct tool_user_file tool_user_file;

/* Reads and checks the file, "-" being standard input. Lines end in LF or CRLF, blanks around a
 * name are passed over, and so are empty lines and those that begin with '#'. A name that IAM could
 * not have, and one that is there already (case does not matter), are told by the numbers of their
 * lines: what is in them is not repeated, for it may be another file than was meant.
 * Statuses: ARGUMENT, IO, MEMORY, CANCELLED. */
hsmiam_status tool_user_file_open(const char *path, tool_user_file **file_out,
                                  tool_error *error) HSMIAM_MUST_USE;

void tool_user_file_close(tool_user_file **file);

/* How many users the file names. */
size_t tool_user_file_count(const tool_user_file *file);

/* Notes that a user has a key, or has it no more, if the file names that user. IAM lets nobody have
 * more than two: of more, the last two count. */
void tool_user_file_note_key(tool_user_file *file, const char *user_name, const char *access_key_id,
                             bool has_it);

/* How many users have a key, by what was noted. */
size_t tool_user_file_count_holders(const tool_user_file *file);

/* The next name of one who has no key; false: there is none any more. */
bool tool_user_file_next(tool_user_file *file, char name_out[HSMIAM_USER_NAME_SIZE]);

#endif
