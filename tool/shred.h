/* SPDX-License-Identifier: Apache-2.0 */
/* Overwriting and deleting a file, with what can be said for it. */
#ifndef HSMIAM_TOOL_SHRED_H
#define HSMIAM_TOOL_SHRED_H

#include "error.h"

/* What shredding cannot do, in one sentence for the user. */
extern const char tool_shred_caveat[];

/* Overwrites a file with random bytes, syncs and deletes it.
 * fd  the file as it was read: another one under its name is left alone. So are a symbolic link,
 *     a file of several names, and whatever is no regular file.
 * Statuses: IO; the message says what was left as it was. */
hsmiam_status tool_shred_file(const char *path, int fd, tool_error *error) HSMIAM_MUST_USE;

#endif
