/* SPDX-License-Identifier: Apache-2.0 */
/* What a reply leaves in libcurl, beside the pieces of a body that it delivers: the rest of its
 * receive buffer, which it names to nobody, and the headers, of which it keeps copies. */
#include "iam/transfer.h"

#include "base/freed.h"
#include "base/secret.h"

#include <string.h>

static const unsigned origins =
    CURLH_HEADER | CURLH_TRAILER | CURLH_CONNECT | CURLH_1XX | CURLH_PSEUDO;

static void wipe_headers(const hsmiam_transport *transport)
{
    struct curl_header *header = NULL;

    /* Before the run is reset: what follows frees them. */
    while ((header = transport->curl->easy_nextheader(transport->handle, origins, -1, header)) !=
           NULL) {
        hsmiam_wipe(header->name, strlen(header->name));
        hsmiam_wipe(header->value, strlen(header->value));
    }
}

/* The buffer is full of zeros by now. */
static size_t stop(char *data, size_t size, size_t count, void *context)
{
    (void)data;
    (void)size;
    (void)count;
    (void)context;
    return 0;
}

/* Has libcurl itself overwrite its receive buffer, by reading a file of zeros into it. It frees
 * that buffer with each transfer, and gets the same one from malloc() as long as the connection,
 * whose memory is beside it, stays; where it does not, hsmiam_transport_close() follows. */
static void overwrite_buffer(const hsmiam_transport *transport)
{
    const hsmiam_transport_functions *curl = transport->curl;
    CURL *handle = transport->handle;
    CURLcode code = curl->easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);

    if (code == CURLE_OK)
        code = curl->easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "file");
    if (code == CURLE_OK)
        code = curl->easy_setopt(handle, CURLOPT_URL, "file:///dev/zero");
    if (code == CURLE_OK)
        code = curl->easy_setopt(handle, CURLOPT_FORBID_REUSE, 1L);
    if (code == CURLE_OK)
        code = curl->easy_setopt(handle, CURLOPT_WRITEFUNCTION, stop);
    /* It ends by a failure, stop() being one; a libcurl that reads no files leaves what it has. */
    if (code == CURLE_OK)
        (void)curl->easy_perform(handle);
    curl->easy_reset(handle);
}

/* One of the headers may be a session's token. */
static void wipe_list(struct curl_slist *list)
{
    for (; list != NULL; list = list->next)
        hsmiam_wipe(list->data, strlen(list->data));
}

void hsmiam_transfer_end(hsmiam_transfer *transfer)
{
    const hsmiam_transport *transport = transfer->transport;

    if (transfer->sent)
        wipe_headers(transport);
    transport->curl->easy_reset(transport->handle);
    if (transfer->sent)
        overwrite_buffer(transport);
    wipe_list(transfer->headers.list);
    transport->curl->slist_free_all(transfer->headers.list);
    if (transfer->headers.has_token)
        hsmiam_freed_wipe();
    transport->curl->slist_free_all(transfer->resolve);
}
