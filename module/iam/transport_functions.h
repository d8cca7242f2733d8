/* SPDX-License-Identifier: Apache-2.0 */
/* The libcurl calls that this layer makes, as a table, so that a test can make each of them fail.
 */
#ifndef HSMIAM_IAM_TRANSPORT_FUNCTIONS_H
#define HSMIAM_IAM_TRANSPORT_FUNCTIONS_H

#include "base/error.h"

#include <curl/curl.h>

typedef struct hsmiam_transport_functions {
    CURLcode (*global_init)(void);
    CURL *(*easy_init)(void);
    void (*easy_cleanup)(CURL *handle);
    void (*easy_reset)(CURL *handle);
    CURLcode (*easy_setopt)(CURL *handle, CURLoption option, ...);
    CURLcode (*easy_perform)(CURL *handle);
    CURLcode (*easy_getinfo)(CURL *handle, CURLINFO info, ...);
    struct curl_header *(*easy_nextheader)(CURL *handle, unsigned origins, int request,
                                           struct curl_header *before);
    struct curl_slist *(*slist_append)(struct curl_slist *list, const char *line);
    void (*slist_free_all)(struct curl_slist *list);
    const char *(*easy_strerror)(CURLcode code);
} hsmiam_transport_functions;

/* libcurl's own, loaded when first asked for: a program that signs and sends nothing takes no
 * network library and its two dozen companions into its process, and the command opens its token
 * meanwhile. Its global_init runs curl_global_init() once per process and never its clean-up, which
 * is the program's, if anyone's. Static. Statuses: CONFIG (libcurl is missing or lacks a function).
 */
hsmiam_status hsmiam_transport_functions_load(const hsmiam_transport_functions **functions_out,
                                              hsmiam_error *error) HSMIAM_MUST_USE;

#endif
