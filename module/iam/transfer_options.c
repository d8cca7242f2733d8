/* SPDX-License-Identifier: Apache-2.0 */
#include "iam/tls.h"
#include "iam/transfer.h"

#include <limits.h>
#include <stdio.h>

static const struct {
    CURLoption option;
    long value;
} fixed_options[] = {
    {CURLOPT_NOSIGNAL, 1},
    {CURLOPT_VERBOSE, 1},    /* to nobody but hsmiam_transfer_on_raw() */
    {CURLOPT_NOPROGRESS, 0}, /* the progress callback is where one can stop */
    {CURLOPT_TCP_NODELAY, 1},
    {CURLOPT_MAXCONNECTS, 1},
    {CURLOPT_POST, 1},
    {CURLOPT_FOLLOWLOCATION, 0},
    {CURLOPT_NETRC, CURL_NETRC_IGNORED},
    {CURLOPT_SUPPRESS_CONNECT_HEADERS, 1},
    /* HTTP/2 would bring a library with an allocator of its own, in which a reply leaves copies. */
    {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
    {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
    {CURLOPT_PROXY_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
    /* A cached session is a secret with which a captured reply can be opened. */
    {CURLOPT_SSL_SESSIONID_CACHE, 0},
};

/* libcurl keeps seconds as an int of milliseconds, and takes 0 as its default of 5 minutes. */
static long connect_limit(unsigned seconds)
{
    const long most = INT_MAX / 1000;

    return seconds == 0 || seconds > (unsigned)most ? most : (long)seconds;
}

static CURLcode set_numbers(hsmiam_transfer *transfer, bool fresh)
{
    const hsmiam_transport_functions *curl = transfer->transport->curl;
    CURL *handle = transfer->transport->handle;
    long verify = transfer->settings->no_verify ? 0 : 1;
    CURLcode code = CURLE_OK;

    for (size_t i = 0; i < sizeof fixed_options / sizeof fixed_options[0]; i++) {
        if (code == CURLE_OK)
            code = curl->easy_setopt(handle, fixed_options[i].option, fixed_options[i].value);
    }
    if (code == CURLE_OK)
        code = curl->easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, verify);
    if (code == CURLE_OK)
        code = curl->easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 2 * verify);
    if (code == CURLE_OK)
        code = curl->easy_setopt(handle, CURLOPT_FRESH_CONNECT, fresh ? 1L : 0L);
    if (code == CURLE_OK)
        code = curl->easy_setopt(handle, CURLOPT_CONNECTTIMEOUT,
                                 connect_limit(transfer->settings->connect_seconds));
    if (code == CURLE_OK)
        code = curl->easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE,
                                 (curl_off_t)transfer->exchange->body_size);
    return code;
}

static CURLcode set_pointer(hsmiam_transfer *transfer, CURLoption option, const void *value)
{
    return transfer->transport->curl->easy_setopt(transfer->transport->handle, option, value);
}

/* An endpoint on this machine is reached on this machine: no proxy, and no name service that says
 * where `localhost` is. */
static CURLcode set_loopback(hsmiam_transfer *transfer)
{
    const hsmiam_endpoint *endpoint = transfer->exchange->endpoint;
    char entry[64];

    (void)snprintf(entry, sizeof entry, "localhost:%u:127.0.0.1,[::1]", endpoint->port);
    transfer->resolve = transfer->transport->curl->slist_append(NULL, entry);
    if (transfer->resolve == NULL)
        return CURLE_OUT_OF_MEMORY;
    CURLcode code = set_pointer(transfer, CURLOPT_RESOLVE, transfer->resolve);
    return code == CURLE_OK ? set_pointer(transfer, CURLOPT_NOPROXY, "*") : code;
}

static CURLcode set_authorities(hsmiam_transfer *transfer)
{
    char directory[PATH_MAX];
    CURLcode code = CURLE_OK;

    if (transfer->settings->ca_bundle != NULL) {
        code = set_pointer(transfer, CURLOPT_CAINFO, transfer->settings->ca_bundle);
        return code == CURLE_OK ? set_pointer(transfer, CURLOPT_CAPATH, NULL) : code;
    }
    if (!hsmiam_tls_find_ca_directory(directory, sizeof directory))
        return CURLE_OK;
    code = set_pointer(transfer, CURLOPT_CAINFO, NULL);
    return code == CURLE_OK ? set_pointer(transfer, CURLOPT_CAPATH, directory) : code;
}

static CURLcode set_texts(hsmiam_transfer *transfer)
{
    const hsmiam_exchange *exchange = transfer->exchange;
    char agent[64];

    (void)snprintf(agent, sizeof agent, "hsmiam/%s", hsmiam_version());
    const struct {
        CURLoption option;
        const void *value;
    } texts[] = {
        {CURLOPT_URL, exchange->endpoint->url},
        {CURLOPT_PROTOCOLS_STR, exchange->endpoint->plain ? "http" : "https"},
        {CURLOPT_USERAGENT, agent},
        {CURLOPT_POSTFIELDS, exchange->body},
        {CURLOPT_ERRORBUFFER, transfer->reason},
        {CURLOPT_PREREQDATA, transfer},
        {CURLOPT_XFERINFODATA, transfer},
        {CURLOPT_DEBUGDATA, transfer},
        {CURLOPT_HEADERDATA, transfer},
        {CURLOPT_WRITEDATA, transfer},
        {CURLOPT_SOCKOPTDATA, transfer->transport},
    };

    CURLcode code = CURLE_OK;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0] && code == CURLE_OK; i++)
        code = set_pointer(transfer, texts[i].option, texts[i].value);
    return code;
}

static CURLcode set_callbacks(hsmiam_transfer *transfer)
{
    const hsmiam_transport_functions *curl = transfer->transport->curl;
    CURL *handle = transfer->transport->handle;

    CURLcode code = curl->easy_setopt(handle, CURLOPT_PREREQFUNCTION, hsmiam_transfer_on_connected);
    if (code == CURLE_OK)
        code = curl->easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, hsmiam_transfer_on_progress);
    if (code == CURLE_OK)
        code = curl->easy_setopt(handle, CURLOPT_HEADERFUNCTION, hsmiam_transfer_on_header);
    if (code == CURLE_OK)
        code = curl->easy_setopt(handle, CURLOPT_WRITEFUNCTION, hsmiam_transfer_on_body);
    if (code == CURLE_OK)
        code = curl->easy_setopt(handle, CURLOPT_DEBUGFUNCTION, hsmiam_transfer_on_raw);
    if (code == CURLE_OK)
        code = curl->easy_setopt(handle, CURLOPT_SOCKOPTFUNCTION, hsmiam_transfer_on_socket);
    if (code == CURLE_OK)
        code = curl->easy_setopt(handle, CURLOPT_SSL_CTX_FUNCTION, hsmiam_tls_configure);
    return code;
}

hsmiam_status hsmiam_transfer_configure(hsmiam_transfer *transfer, bool fresh)
{
    CURLcode code = set_numbers(transfer, fresh);

    if (code == CURLE_OK)
        code = set_texts(transfer);
    if (code == CURLE_OK)
        code = set_callbacks(transfer);
    if (code == CURLE_OK)
        code = set_authorities(transfer);
    if (code == CURLE_OK && transfer->exchange->endpoint->loopback)
        code = set_loopback(transfer);
    if (code == CURLE_OK)
        return HSMIAM_OK;

    hsmiam_status status =
        code == CURLE_OUT_OF_MEMORY
            ? hsmiam_error_set_memory(transfer->error, "a request")
            : hsmiam_error_set(transfer->error, HSMIAM_ERR_INTERNAL,
                               "This libcurl lacks what hsmiam needs (%s); it must be 7.87 or "
                               "later, built with OpenSSL.",
                               transfer->transport->curl->easy_strerror(code));
    hsmiam_error_set_origin(transfer->error, HSMIAM_DOMAIN_TRANSPORT, code, NULL);
    return status;
}
