/* SPDX-License-Identifier: Apache-2.0 */
#include "iam/transport_functions.h"

#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode once_result = CURLE_FAILED_INIT;

static void init_once(void)
{
    once_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static CURLcode global_init(void)
{
    return pthread_once(&once, init_once) == 0 ? once_result : CURLE_FAILED_INIT;
}

/* The first parameter is const in later versions of libcurl. */
static CURLUcode url_get(CURLU *url, CURLUPart part, char **content, unsigned flags)
{
    return curl_url_get(url, part, content, flags);
}

/* The parentheses keep libcurl's type-checking macros from expanding. */
const hsmiam_transport_functions hsmiam_transport_libcurl = {
    .global_init = global_init,
    .easy_init = curl_easy_init,
    .easy_cleanup = curl_easy_cleanup,
    .easy_reset = curl_easy_reset,
    .easy_setopt = (curl_easy_setopt),
    .easy_perform = curl_easy_perform,
    .easy_getinfo = (curl_easy_getinfo),
    .slist_append = curl_slist_append,
    .slist_free_all = curl_slist_free_all,
    .url = curl_url,
    .url_cleanup = curl_url_cleanup,
    .url_set = curl_url_set,
    .url_get = url_get,
    .free = curl_free,
};
