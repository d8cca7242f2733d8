/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a request's URL that are signed. */
#ifndef HSMIAM_SIGV4_URL_H
#define HSMIAM_SIGV4_URL_H

#include "base/error.h"

#define HSMIAM_URL_MAX ((size_t)64 * 1024)

typedef struct hsmiam_url {
    const char *scheme; /* "https://" or "http://", static */
    char *host;  /* as the Host header has it: lower case, the port only if it is not the default */
    char *path;  /* as on the wire, "/" if the URL has none */
    char *query; /* as on the wire, without the '?'; "" if there is none */
} hsmiam_url;

/* Takes an http or https URL apart. The message of an error never repeats the URL, for it may hold
 * a password or a signature. Statuses: ARGUMENT, MEMORY. */
hsmiam_status hsmiam_url_parse(const char *text, hsmiam_url *url_out,
                               hsmiam_error *error) HSMIAM_MUST_USE;

/* Frees the parts. */
void hsmiam_url_clear(hsmiam_url *url);

#endif
