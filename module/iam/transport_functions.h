/* SPDX-License-Identifier: Apache-2.0 */
/* The libcurl calls that this layer makes, as a table, so that a test can make each of them fail.
 */
#ifndef HSMIAM_IAM_TRANSPORT_FUNCTIONS_H
#define HSMIAM_IAM_TRANSPORT_FUNCTIONS_H

#include <curl/curl.h>

typedef struct hsmiam_transport_functions {
    CURLcode (*global_init)(void);
    CURL *(*easy_init)(void);
    void (*easy_cleanup)(CURL *handle);
    void (*easy_reset)(CURL *handle);
    CURLcode (*easy_setopt)(CURL *handle, CURLoption option, ...);
    CURLcode (*easy_perform)(CURL *handle);
    CURLcode (*easy_getinfo)(CURL *handle, CURLINFO info, ...);
    struct curl_slist *(*slist_append)(struct curl_slist *list, const char *line);
    void (*slist_free_all)(struct curl_slist *list);
    CURLU *(*url)(void);
    void (*url_cleanup)(CURLU *url);
    CURLUcode (*url_set)(CURLU *url, CURLUPart part, const char *content, unsigned flags);
    CURLUcode (*url_get)(CURLU *url, CURLUPart part, char **content, unsigned flags);
    void (*free)(void *memory);
} hsmiam_transport_functions;

/* libcurl's own. Its global_init runs curl_global_init() once per process and never its clean-up,
 * which is the program's, if anyone's. */
extern const hsmiam_transport_functions hsmiam_transport_libcurl;

#endif
