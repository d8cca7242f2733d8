/* SPDX-License-Identifier: Apache-2.0 */
#include "iam/transport.h"

#include "base/freed.h"
#include "base/sealed.h"
#include "iam/transfer.h"

#include <stdlib.h>
#include <string.h>

#define CONNECTIONS_MAX 2

hsmiam_status hsmiam_transport_new(const hsmiam_transport_functions *curl,
                                   hsmiam_transport **transport_out, hsmiam_error *error)
{
    hsmiam_transport *transport = calloc(1, sizeof *transport);

    if (transport == NULL)
        return hsmiam_error_set_memory(error, "a connection");
    transport->curl = curl;
    *transport_out = transport;
    return HSMIAM_OK;
}

/* Takes libcurl up. */
static hsmiam_status begin(hsmiam_transport *transport, hsmiam_error *error)
{
    hsmiam_status status = HSMIAM_OK;

    if (transport->handle != NULL)
        return HSMIAM_OK;
    if (transport->curl == NULL)
        status = hsmiam_transport_functions_load(&transport->curl, error);
    if (status != HSMIAM_OK)
        return status;
    CURLcode code = transport->curl->global_init();
    if (code != CURLE_OK) {
        status = hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "libcurl cannot be initialised: %s.",
                                  transport->curl->easy_strerror(code));
        hsmiam_error_set_origin(error, HSMIAM_DOMAIN_TRANSPORT, code, NULL);
        return status;
    }
    transport->handle = transport->curl->easy_init();
    return transport->handle != NULL ? HSMIAM_OK : hsmiam_error_set_memory(error, "a connection");
}

static hsmiam_status cleanup(void *context, hsmiam_error *error)
{
    const hsmiam_transport *transport = context;

    (void)error;
    transport->curl->easy_cleanup(transport->handle);
    return HSMIAM_OK;
}

/* The last words of a connection are encrypted by the key that opens its answers. */
static void hang_up(hsmiam_transport *transport)
{
    if (transport->handle != NULL)
        (void)hsmiam_sealed_run_anyhow(cleanup, transport, NULL);
    transport->handle = NULL;
}

/* libcurl frees what it received with the transfer, and what it did not deliver it never named. */
void hsmiam_transport_close(hsmiam_transport *transport)
{
    hang_up(transport);
    hsmiam_freed_wipe();
}

const hsmiam_transport_functions *hsmiam_transport_get_functions(const hsmiam_transport *transport)
{
    return transport->curl;
}

void hsmiam_transport_free(hsmiam_transport **transport)
{
    if (transport == NULL || *transport == NULL)
        return;
    hang_up(*transport);
    free(*transport);
    *transport = NULL;
}

/* What a CURLcode means as long as nothing was sent; the rest is "could not connect". */
static const struct {
    CURLcode code;
    hsmiam_status status;
    const char *before; /* the URL stands between the two */
    const char *after;
} connect_failures[] = {
    {CURLE_OPERATION_TIMEDOUT, HSMIAM_ERR_NETWORK, "Connect timeout on endpoint URL: \"", "\""},
    {CURLE_PEER_FAILED_VERIFICATION, HSMIAM_ERR_NETWORK, "SSL validation failed for ", ""},
    {CURLE_SSL_CONNECT_ERROR, HSMIAM_ERR_NETWORK, "SSL validation failed for ", ""},
    {CURLE_SSL_ISSUER_ERROR, HSMIAM_ERR_NETWORK, "SSL validation failed for ", ""},
    {CURLE_SSL_INVALIDCERTSTATUS, HSMIAM_ERR_NETWORK, "SSL validation failed for ", ""},
    {CURLE_SSL_CACERT_BADFILE, HSMIAM_ERR_CONFIG, "The CA certificates to verify ",
     " with cannot be read"},
    {CURLE_OUT_OF_MEMORY, HSMIAM_ERR_MEMORY, "There is not enough memory to connect to ", ""},
};

static hsmiam_status fail_unsent(hsmiam_transfer *transfer, CURLcode code)
{
    hsmiam_status status = HSMIAM_ERR_NETWORK;
    const char *before = "Could not connect to the endpoint URL: \"";
    const char *after = "\"";
    /* libcurl's text is about the connection: the reply has not begun. */
    const char *reason = transfer->reason[0] != '\0'
                             ? transfer->reason
                             : transfer->transport->curl->easy_strerror(code);

    /* ... or about a proxy of the environment, whose URL may hold a password. */
    if (code == CURLE_COULDNT_RESOLVE_PROXY || strchr(reason, '@') != NULL ||
        strstr(reason, "proxy") != NULL)
        reason = "the proxy that the environment names cannot be used";

    for (size_t i = 0; i < sizeof connect_failures / sizeof connect_failures[0]; i++) {
        if (connect_failures[i].code != code)
            continue;
        status = connect_failures[i].status;
        before = connect_failures[i].before;
        after = connect_failures[i].after;
    }
    if (transfer->stale)
        reason = "the endpoint closed the connection before the request was sent";
    status = hsmiam_error_set(transfer->error, status, "%s%s%s (%s).", before,
                              transfer->exchange->endpoint->url, after, reason);
    hsmiam_error_set_origin(transfer->error, HSMIAM_DOMAIN_TRANSPORT, code, NULL);
    return status;
}

/* libcurl's own text is left out here, since it may repeat a piece of the reply. */
static hsmiam_status fail_sent(hsmiam_transfer *transfer, CURLcode code)
{
    const char *url = transfer->exchange->endpoint->url;
    hsmiam_error *error = transfer->error;
    hsmiam_status status = HSMIAM_ERR_UNKNOWN_OUTCOME;

    if (transfer->resend)
        code = CURLE_GOT_NOTHING;
    if (transfer->timed_out)
        code = CURLE_OPERATION_TIMEDOUT;
    if (transfer->header_size > HSMIAM_REPLY_MAX)
        status = hsmiam_error_set(error, HSMIAM_ERR_REPLY,
                                  "The answer of %s has more than %zu bytes of headers.", url,
                                  HSMIAM_REPLY_MAX);
    else if (transfer->body_size > HSMIAM_REPLY_MAX)
        status =
            hsmiam_error_set(error, HSMIAM_ERR_REPLY, "The answer of %s is longer than %zu bytes.",
                             url, HSMIAM_REPLY_MAX);
    else if (code == CURLE_OPERATION_TIMEDOUT)
        (void)hsmiam_error_set(error, status, "Read timeout on endpoint URL: \"%s\"", url);
    else
        (void)hsmiam_error_set(error, status,
                               "Connection was closed before we received a valid response from "
                               "endpoint URL: \"%s\" (%s).",
                               url, transfer->transport->curl->easy_strerror(code));
    hsmiam_error_set_origin(error, HSMIAM_DOMAIN_TRANSPORT, code, NULL);
    return status;
}

static hsmiam_status conclude(hsmiam_transfer *transfer, CURLcode code)
{
    const hsmiam_transport *transport = transfer->transport;
    hsmiam_exchange *exchange = transfer->exchange;

    if (transfer->sent && transport->curl->easy_getinfo(transport->handle, CURLINFO_RESPONSE_CODE,
                                                        &exchange->http_status) != CURLE_OK) {
        exchange->http_status = 0;
        code = CURLE_WEIRD_SERVER_REPLY;
    }
    if (transfer->prepare_status != HSMIAM_OK)
        return transfer->prepare_status;
    if (transfer->cancelled)
        return hsmiam_error_set(transfer->error, HSMIAM_ERR_CANCELLED,
                                "The request was stopped %s.",
                                transfer->sent ? "on the way" : "before it was sent");
    if (!transfer->sent)
        return fail_unsent(transfer, code);
    if (code != CURLE_OK || transfer->body_size > HSMIAM_REPLY_MAX)
        return fail_sent(transfer, code);
    hsmiam_log_write(transfer->settings->log, HSMIAM_LOG_DEBUG, "< %zu bytes of body",
                     transfer->body_size);
    return HSMIAM_OK;
}

/* One run of the handle. Nothing of it stays in the handle but the connection. */
static hsmiam_status run(hsmiam_transfer *transfer, bool fresh)
{
    hsmiam_transport *transport = transfer->transport;
    hsmiam_status status = hsmiam_transfer_configure(transfer, fresh);

    if (status == HSMIAM_OK)
        status = conclude(transfer, transport->curl->easy_perform(transport->handle));
    hsmiam_transfer_end(transfer);
    return status;
}

hsmiam_status hsmiam_transport_send(hsmiam_transport *transport,
                                    const hsmiam_transport_settings *settings,
                                    hsmiam_exchange *exchange, hsmiam_error *error)
{
    bool again = true;

    exchange->http_status = 0;
    hsmiam_reply_times_init(&exchange->times);
    hsmiam_status status = begin(transport, error);
    if (status != HSMIAM_OK)
        return status;
    for (int connection = 0; again && connection < CONNECTIONS_MAX; connection++) {
        hsmiam_transfer transfer = {
            .transport = transport,
            .settings = settings,
            .exchange = exchange,
            .error = error,
            .headers = {.curl = transport->curl, .log = settings->log},
        };
        status = run(&transfer, connection > 0);
        again = transfer.stale;
    }
    return status;
}
