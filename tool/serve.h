/* SPDX-License-Identifier: Apache-2.0 */
/* The endpoint from which the AWS SDKs in a container fetch credentials, as `serve` offers it:
 * GET /credentials with the authorization token, over HTTP on this machine's loopback. */
#ifndef HSMIAM_TOOL_SERVE_H
#define HSMIAM_TOOL_SERVE_H

#include "secret_input.h"

#include <time.h>

#define TOOL_SERVE_PATH "/credentials"

typedef struct tool_server tool_server;

/* Starts to answer on a thread of its own, with 503 as long as there are no credentials.
 * `fd` listens, and belongs to the server from then on, whatever this comes to; `token` is
 * borrowed. Statuses: CONFIG (libmicrohttpd is missing), IO, MEMORY. */
hsmiam_status tool_server_start(int fd, const tool_secret *token, tool_server **server_out,
                                tool_error *error) HSMIAM_MUST_USE;

/* Stops; connections that stand are closed. */
void tool_server_stop(tool_server **server);

/* The seconds of a clock that nobody sets, and that goes on while the machine sleeps. */
time_t tool_server_get_seconds(void);

/* Answers with these credentials from now on, taking the memory over, until `expiration`, or until
 * `end` by tool_server_get_seconds(), and then with 503. Those before are wiped once nobody is sent
 * them any more. Statuses: MEMORY. */
hsmiam_status tool_server_take(tool_server *server, tool_secret *credentials, time_t expiration,
                               time_t end, tool_error *error) HSMIAM_MUST_USE;

/* Closes the connections that stand for too long, and wipes credentials that have expired; to be
 * called every second or so. */
void tool_server_tick(tool_server *server);

#endif
