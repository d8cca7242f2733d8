/* SPDX-License-Identifier: Apache-2.0 */
/* libmicrohttpd, loaded by `serve` alone: it brings libraries along that no other command needs. */
#ifndef HSMIAM_TOOL_HTTP_FUNCTIONS_H
#define HSMIAM_TOOL_HTTP_FUNCTIONS_H

#include "error.h"

#include <microhttpd.h>

/* Its functions, by their names without MHD_. */
typedef struct tool_http_functions {
    struct MHD_Daemon *(*start_daemon)(unsigned flags, uint16_t port, MHD_AcceptPolicyCallback,
                                       void *, MHD_AccessHandlerCallback, void *, ...);
    MHD_socket (*quiesce_daemon)(struct MHD_Daemon *daemon);
    void (*stop_daemon)(struct MHD_Daemon *daemon);
    struct MHD_Response *(*create_response)(size_t size, void *buffer,
                                            MHD_ContentReaderFreeCallback release, void *context);
    enum MHD_Result (*add_response_header)(struct MHD_Response *response, const char *name,
                                           const char *value);
    enum MHD_Result (*queue_response)(struct MHD_Connection *connection, unsigned status,
                                      struct MHD_Response *response);
    void (*destroy_response)(struct MHD_Response *response);
    const char *(*lookup_connection_value)(struct MHD_Connection *connection,
                                           enum MHD_ValueKind kind, const char *name);
    const union MHD_ConnectionInfo *(*get_connection_info)(struct MHD_Connection *connection,
                                                           enum MHD_ConnectionInfoType type, ...);
} tool_http_functions;

/* Loads it. The functions stay. Statuses: CONFIG. */
hsmiam_status tool_http_load(const tool_http_functions **functions_out,
                             tool_error *error) HSMIAM_MUST_USE;

#endif
