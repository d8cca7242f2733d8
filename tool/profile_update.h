/* SPDX-License-Identifier: Apache-2.0 */
/* Changing what a profile of the AWS configuration file names as the credential. */
#ifndef HSMIAM_TOOL_PROFILE_UPDATE_H
#define HSMIAM_TOOL_PROFILE_UPDATE_H

#include "error.h"

/* Whether the profile is there and its file can be replaced: for before it is too late.
 * path  the configuration file
 * name  the profile; NULL: [default]
 * Statuses: CONFIG, MEMORY. */
hsmiam_status tool_profile_check_update(const char *path, const char *name,
                                        tool_error *error) HSMIAM_MUST_USE;

/* Lets hsmiam_credential of the profile be `uri`, by replacing the file in one step. Its other
 * lines, its mode and owner, and a symbolic link to it stay.
 * uri    a PKCS#11 URI
 * keeps_query  what stands behind the '?' of the value that is replaced (module, PIN's source, or
 *        the PIN itself) takes the place of what stands there in `uri`
 * Statuses: CONFIG, IO, MEMORY. */
hsmiam_status tool_profile_set_credential(const char *path, const char *name, const char *uri,
                                          bool keeps_query, tool_error *error) HSMIAM_MUST_USE;

#endif
