/* SPDX-License-Identifier: Apache-2.0 */
/* rotate-access-key for a file of users. */
#ifndef HSMIAM_TOOL_ROTATE_USERS_H
#define HSMIAM_TOOL_ROTATE_USERS_H

#include "session.h"

/* Rotates the keys of the users of --user-names, each as `wanted` says. Statuses: those of
 * tool_batch_run(). */
hsmiam_status tool_rotate_users(tool_context *context, const hsmiam_rotation_options *wanted,
                                tool_error *error) HSMIAM_MUST_USE;

#endif
