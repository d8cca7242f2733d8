/* SPDX-License-Identifier: Apache-2.0 */
/* A signed request as a file for `curl --config`. */
#ifndef HSMIAM_TOOL_CURL_CONFIG_H
#define HSMIAM_TOOL_CURL_CONFIG_H

#include "value.h"

#include <stdio.h>

/* A request that is signed. */
typedef struct tool_signed_request {
    const char *method;
    const char *url;           /* as it goes on the wire */
    const tool_value *headers; /* strings: all that it needs */
    const char *data;          /* its body; NULL: none, or that of the file */
    const char *data_file;     /* the file that has it, "-" for standard input; NULL: none */
} tool_signed_request;

/* Writes it to the stream, which is asked for errors when it is closed. */
void tool_curl_config_write(const tool_signed_request *request, FILE *stream);

#endif
