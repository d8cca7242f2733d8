/* SPDX-License-Identifier: Apache-2.0 */
/* The socket that `serve` listens on: on this machine's loopback, and nowhere else. */
#ifndef HSMIAM_TOOL_SERVE_SOCKET_H
#define HSMIAM_TOOL_SERVE_SOCKET_H

#include "error.h"

/* Takes the socket that systemd passed on (sd_listen_fds(3)), or opens one at `port` of 127.0.0.1
 * (0: any that is free). The URL's authority, "127.0.0.1:9911", goes to `authority_out`.
 * `passed_out` is whether it was passed on.
 * Statuses: CONFIG (several sockets, or one that others can reach), IO. */
hsmiam_status tool_serve_listen(unsigned port, int *fd_out, char authority_out[64],
                                bool *passed_out, tool_error *error) HSMIAM_MUST_USE;

#endif
