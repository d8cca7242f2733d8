/* SPDX-License-Identifier: Apache-2.0 */
/* The authorization token of `serve`: whoever has it gets the credentials. */
#ifndef HSMIAM_TOOL_SERVE_TOKEN_H
#define HSMIAM_TOOL_SERVE_TOKEN_H

#include "secret_input.h"

/* Makes a random token, and the file that has it: for this user only. It takes the place of one
 * that was left behind, and of nothing else; while `fd_out` is open, no other service takes it.
 * Statuses: IO, MEMORY. */
hsmiam_status tool_serve_token_make(tool_secret *token_out, const char *path, int *fd_out,
                                    tool_error *error) HSMIAM_MUST_USE;

/* Closes the file, and removes it if it is still the one at the path. */
void tool_serve_token_remove(const char *path, int fd);

/* Reads the token that a service manager gave as a credential (systemd's LoadCredential=), and says
 * where it is; `path_out` is freed by the caller. Statuses: CONFIG, IO, MEMORY. */
hsmiam_status tool_serve_token_read(tool_secret *token_out, const char *name, char **path_out,
                                    tool_error *error) HSMIAM_MUST_USE;

/* Whether it is the token, in a time that does not tell how much of it is right. */
bool tool_serve_token_is(const tool_secret *token, const char *given);

#endif
