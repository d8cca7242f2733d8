/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's keyring of this user (keyrings(7)): it is never written to a disk, and forgets what
 * has a time by itself. */
#ifndef HSMIAM_TOOL_KEYRING_H
#define HSMIAM_TOOL_KEYRING_H

#include "secret_input.h"

/* The longest name of what is kept there. */
#define TOOL_KEYRING_NAME_MAX 4000

/* Reads what is kept under the name; false if there is nothing that can be read. */
bool tool_keyring_get(const char *name, tool_secret *secret_out) HSMIAM_MUST_USE;

/* Keeps it for so many seconds, for processes of this user only. Statuses: CONFIG (the kernel does
 * not let us). */
hsmiam_status tool_keyring_put(const char *name, const tool_secret *secret, unsigned seconds,
                               tool_error *error) HSMIAM_MUST_USE;

#endif
