/* SPDX-License-Identifier: Apache-2.0 */
#include "iam/transfer.h"

#include "base/secret.h"
#include "iam/tls.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define STATUS_LINE_SIZE (sizeof "HTTP/1.1 200" - 1)

/* A body over the limit is still received and wiped this far: what libcurl has in its buffer when a
 * transfer is broken off stays there. */
#define DRAIN_MAX (16 * HSMIAM_REPLY_MAX)

static int64_t now_in_milliseconds(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static const char token_header[] = "X-Amz-Security-Token";

static void log_header(const hsmiam_log *log, const char *name, const char *value)
{
    const char *signature = strstr(value, "Signature=");

    /* Who has the signature can replay the request, and a session's token goes with its secret. */
    if (strcasecmp(name, token_header) == 0)
        hsmiam_log_write(log, HSMIAM_LOG_DEBUG, "> %s: <left out>", name);
    else if (signature != NULL)
        hsmiam_log_write(log, HSMIAM_LOG_DEBUG, "> %s: %.*sSignature=<left out>", name,
                         (int)(signature - value), value);
    else
        hsmiam_log_write(log, HSMIAM_LOG_DEBUG, "> %s: %s", name, value);
}

hsmiam_status hsmiam_headers_add(hsmiam_headers *headers, const char *name, const char *value,
                                 hsmiam_error *error)
{
    hsmiam_status status = HSMIAM_OK;
    size_t size = strlen(name) + strlen(": ") + strlen(value) + 1;
    char *line = malloc(size); /* not asprintf(), which makes room on the way */

    if (line == NULL) {
        status = hsmiam_error_set_memory(error, "a header");
        goto out;
    }
    (void)snprintf(line, size, value[0] != '\0' ? "%s: %s" : "%s:", name, value);
    struct curl_slist *list = headers->curl->slist_append(headers->list, line);
    if (list == NULL) {
        status = hsmiam_error_set_memory(error, "a header");
        goto out;
    }
    headers->list = list;
    headers->has_token |= strcasecmp(name, token_header) == 0;
    if (value[0] != '\0')
        log_header(headers->log, name, value);
out:
    if (line != NULL)
        hsmiam_wipe(line, size);
    free(line);
    return status;
}

int hsmiam_transfer_on_socket(void *context, curl_socket_t descriptor, curlsocktype purpose)
{
    hsmiam_transport *transport = context;

    (void)purpose;
    transport->sockets[transport->socket_count++ % HSMIAM_TRANSPORT_SOCKETS] = descriptor;
    return CURL_SOCKOPT_OK;
}

static bool has_local_port(curl_socket_t descriptor, int port)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;

    if (getsockname(descriptor, (struct sockaddr *)&address, &size) != 0)
        return false;
    if (address.ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)&address)->sin_port) == port;
    return address.ss_family == AF_INET6 &&
           ntohs(((const struct sockaddr_in6 *)&address)->sin6_port) == port;
}

/* True if the peer has closed the connection: while the caller got ready, its patience may have run
 * out. libcurl would find that out by sending, and then nobody knows what was executed. */
static bool is_closed_by_peer(const hsmiam_transport *transport, int local_port)
{
    for (size_t i = 0; i < HSMIAM_TRANSPORT_SOCKETS && i < transport->socket_count; i++) {
        struct pollfd entry = {.fd = transport->sockets[i], .events = POLLRDHUP};

        if (has_local_port(entry.fd, local_port))
            return poll(&entry, 1, 0) > 0;
    }
    return false;
}

static bool is_cancelled(hsmiam_transfer *transfer)
{
    const hsmiam_exchange *exchange = transfer->exchange;

    if (exchange->cancel == NULL || exchange->cancel_rule == HSMIAM_CANCEL_NEVER ||
        (exchange->cancel_rule == HSMIAM_CANCEL_UNTIL_SENT && transfer->sent))
        return false;
    transfer->cancelled = exchange->cancel(exchange->cancel_context);
    return transfer->cancelled;
}

static void log_tls(const hsmiam_transfer *transfer)
{
    const hsmiam_transport *transport = transfer->transport;
    struct curl_tlssessioninfo *session = NULL;
    char text[128];

    if (transport->curl->easy_getinfo(transport->handle, CURLINFO_TLS_SSL_PTR, &session) !=
            CURLE_OK ||
        session == NULL || session->backend != CURLSSLBACKEND_OPENSSL || session->internals == NULL)
        return;
    hsmiam_tls_describe(session->internals, text, sizeof text);
    hsmiam_log_write(transfer->settings->log, HSMIAM_LOG_DEBUG, "* %s", text);
}

static void log_request(const hsmiam_transfer *transfer)
{
    const hsmiam_log *log = transfer->settings->log;

    if (!transfer->exchange->endpoint->plain)
        log_tls(transfer);
    hsmiam_log_write(log, HSMIAM_LOG_DEBUG, "> POST %s", transfer->exchange->endpoint->url);
    hsmiam_log_write(log, HSMIAM_LOG_DEBUG, "> User-Agent: hsmiam/%s", hsmiam_version());
    hsmiam_log_write(log, HSMIAM_LOG_DEBUG, "> Content-Length: %zu", transfer->exchange->body_size);
}

/* All but an MFA code: it is good for as long as nobody has used it, which STS may not have. */
static void log_body(const hsmiam_log *log, const char *body, size_t size)
{
    static const char name[] = "&TokenCode=";
    const char *found = memmem(body, size, name, sizeof name - 1);

    if (found == NULL) {
        hsmiam_log_write(log, HSMIAM_LOG_DEBUG, "> %.*s", (int)size, body);
        return;
    }
    size_t before = (size_t)(found - body) + sizeof name - 1;
    const char *next = memchr(body + before, '&', size - before);
    size_t after = next != NULL ? size - (size_t)(next - body) : 0;
    hsmiam_log_write(log, HSMIAM_LOG_DEBUG, "> %.*s<left out>%.*s", (int)before, body, (int)after,
                     next != NULL ? next : "");
}

/* The caller's headers, and two of libcurl's that are not wanted. */
static hsmiam_status prepare(hsmiam_transfer *transfer)
{
    const hsmiam_transport *transport = transfer->transport;
    hsmiam_headers *headers = &transfer->headers;
    hsmiam_error *error = transfer->error;

    log_request(transfer);
    hsmiam_status status = hsmiam_headers_add(headers, "Expect", "", error);
    if (status == HSMIAM_OK)
        status = hsmiam_headers_add(headers, "Accept", "", error);
    if (status == HSMIAM_OK)
        status = transfer->exchange->prepare(transfer->exchange->context, headers, error);
    if (status != HSMIAM_OK)
        return status;

    /* libcurl reads the list when it writes the request, which is after this callback (seen
     * in 7.88; a libcurl that read it before would send no signature, and IAM would refuse). */
    CURLcode code =
        transport->curl->easy_setopt(transport->handle, CURLOPT_HTTPHEADER, headers->list);
    if (code != CURLE_OK) {
        status = hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "libcurl takes no headers: %s.",
                                  transport->curl->easy_strerror(code));
        hsmiam_error_set_origin(error, HSMIAM_DOMAIN_TRANSPORT, code, NULL);
        return status;
    }
    log_body(transfer->settings->log, transfer->exchange->body, transfer->exchange->body_size);
    return HSMIAM_OK;
}

int hsmiam_transfer_on_connected(void *context, char *remote_ip, char *local_ip, int remote_port,
                                 int local_port)
{
    hsmiam_transfer *transfer = context;

    (void)local_ip;
    /* A second call: the connection closed without an answer, and libcurl is about to send the
     * request again on another one. */
    if (transfer->sent) {
        transfer->resend = true;
        return CURL_PREREQFUNC_ABORT;
    }
    hsmiam_log_write(transfer->settings->log, HSMIAM_LOG_DEBUG, "* connected to %s port %d",
                     remote_ip != NULL ? remote_ip : "?", remote_port);
    transfer->prepare_status = prepare(transfer);
    if (transfer->prepare_status != HSMIAM_OK || is_cancelled(transfer))
        return CURL_PREREQFUNC_ABORT;
    if (is_closed_by_peer(transfer->transport, local_port)) {
        transfer->stale = true;
        return CURL_PREREQFUNC_ABORT;
    }
    transfer->last_activity = now_in_milliseconds();
    transfer->sent = true;
    return CURL_PREREQFUNC_OK;
}

int hsmiam_transfer_on_progress(void *context, curl_off_t down_total, curl_off_t down,
                                curl_off_t up_total, curl_off_t up)
{
    hsmiam_transfer *transfer = context;
    int64_t limit = (int64_t)transfer->settings->read_seconds * 1000;

    (void)down_total;
    (void)down;
    (void)up_total;
    (void)up;
    transfer->timed_out =
        transfer->sent && limit > 0 && now_in_milliseconds() - transfer->last_activity >= limit;
    return transfer->timed_out || is_cancelled(transfer) ? 1 : 0;
}

/* A reply's header comes from outside: it may repeat the request's signature, or be a body that
 * lost the empty line before it. Only these are worth a line, and short. */
static void log_reply_header(const hsmiam_log *log, const char *data, size_t size)
{
    static const char *const shown[] = {
        "HTTP/1.1 ",          "HTTP/1.0 ",     "Date:",        "Content-Length:",  "Connection:",
        "Transfer-Encoding:", "Content-Type:", "Retry-After:", "x-amzn-RequestId:"};
    char line[80] = "";
    size_t length = 0;
    bool known = false;

    for (size_t i = 0; i < sizeof shown / sizeof shown[0] && !known; i++)
        known = size >= strlen(shown[i]) && strncasecmp(data, shown[i], strlen(shown[i])) == 0;
    /* Of a status line, the number; what follows is the server's prose. */
    if (known && strncmp(data, "HTTP/", 5) == 0 && size > STATUS_LINE_SIZE)
        size = STATUS_LINE_SIZE;
    while (size > 0 && (data[size - 1] == '\r' || data[size - 1] == '\n'))
        size--;
    for (; known && length < size && length < sizeof line - 1; length++)
        line[length] = (char)(data[length] >= ' ' && data[length] <= '~' ? data[length] : '?');
    if (known && size < sizeof line)
        hsmiam_log_write(log, HSMIAM_LOG_DEBUG, "< %s", line);
    else if (size > 0)
        hsmiam_log_write(log, HSMIAM_LOG_DEBUG, "< (a header of %zu bytes)", size);
}

/* libcurl tells what it received before it looks for the body's end in it. */
int hsmiam_transfer_on_raw(CURL *handle, curl_infotype kind, char *data, size_t size, void *context)
{
    hsmiam_transfer *transfer = context;

    (void)handle;
    if (kind == CURLINFO_DATA_IN) {
        transfer->raw = data;
        transfer->raw_size = size;
    }
    return 0;
}

/* Wipes what came behind the end of the body, of which libcurl says nothing more. `data` is the
 * piece of the body that was taken last. */
static void wipe_excess(hsmiam_transfer *transfer, const char *data, size_t size)
{
    static const char last_chunk[] = "\r\n0\r\n\r\n";
    char *raw = transfer->raw;

    transfer->raw = NULL;
    if (raw == NULL || data < raw || data + size > raw + transfer->raw_size)
        return;
    size_t kept = (size_t)(data - raw) + size;
    size_t rest = transfer->raw_size - kept;
    if (!transfer->is_chunked)
        hsmiam_wipe(raw + kept, rest);
    else if (rest < sizeof last_chunk || memcmp(raw + kept, last_chunk, sizeof last_chunk - 1) != 0)
        transfer->raw = raw; /* more chunks are to be taken from it */
    else
        hsmiam_wipe(raw + kept + sizeof last_chunk - 1, rest - (sizeof last_chunk - 1));
}

size_t hsmiam_transfer_on_header(char *data, size_t size, size_t count, void *context)
{
    static const char chunked[] = "Transfer-Encoding:";
    hsmiam_transfer *transfer = context;
    size_t bytes = size * count;

    /* What follows it may be in libcurl's buffer by now. */
    if (transfer->sent)
        hsmiam_log_hold_keep();
    transfer->last_activity = now_in_milliseconds();
    transfer->header_size += bytes;
    if (transfer->header_size > HSMIAM_REPLY_MAX)
        return 0;
    if (bytes > strlen(chunked) && strncasecmp(data, chunked, strlen(chunked)) == 0)
        transfer->is_chunked = true;
    log_reply_header(transfer->settings->log, data, bytes);
    hsmiam_reply_times_read(&transfer->exchange->times, data, bytes);
    /* libcurl has read it, in the buffer in which it puts a header together. */
    hsmiam_wipe(data, bytes);
    return bytes;
}

size_t hsmiam_transfer_on_body(char *data, size_t size, size_t count, void *context)
{
    hsmiam_transfer *transfer = context;
    size_t bytes = size * count;

    transfer->last_activity = now_in_milliseconds();
    transfer->body_size += bytes;
    if (transfer->body_size <= HSMIAM_REPLY_MAX)
        transfer->exchange->receive(transfer->exchange->context, data, bytes);
    /* This is libcurl's own buffer, in which a secret would stay until the next transfer. */
    hsmiam_wipe(data, bytes);
    wipe_excess(transfer, data, bytes);
    return transfer->body_size <= DRAIN_MAX ? bytes : 0;
}
