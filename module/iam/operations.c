/* SPDX-License-Identifier: Apache-2.0 */
#include "iam/operations.h"

#include "base/time.h"
#include "iam/client.h"
#include "iam/outcome.h"
#include "iam/query.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define VERSION      "2010-05-08"
#define BODY_MAX     4096
#define PAGES_MAX    8
#define ATTEMPTS_MAX 3

/* An operation on its way. */
typedef struct hsmiam_call {
    hsmiam_client *client;
    const char *operation;
    hsmiam_cancel_rule cancel_rule;
    hsmiam_buffer body;
    hsmiam_endpoint endpoint;
    const char *region;
    hsmiam_response *response;
    hsmiam_reply reply;
    const hsmiam_secret *secret; /* NULL if the answer holds none */
    int64_t secret_arrival;      /* of its last byte so far, by the monotonic clock */
} hsmiam_call;

/* NULL if there is no memory. */
static hsmiam_call *call_new(hsmiam_client *client, const char *operation, const char *user_name)
{
    hsmiam_call *call = calloc(1, sizeof *call);
    if (call == NULL)
        return NULL;
    call->client = client;
    call->operation = operation;
    hsmiam_buffer_init(&call->body, BODY_MAX);
    hsmiam_query_append(&call->body, "Action", operation);
    hsmiam_query_append(&call->body, "Version", VERSION);
    if (user_name != NULL)
        hsmiam_query_append(&call->body, "UserName", user_name);
    return call;
}

static void call_free(hsmiam_call **call)
{
    hsmiam_response_free(&(*call)->response);
    hsmiam_buffer_clear(&(*call)->body);
    hsmiam_wipe(*call, sizeof **call);
    free(*call);
    *call = NULL;
}

static hsmiam_status build_request(const hsmiam_call *call, hsmiam_request *request,
                                   hsmiam_error *error)
{
    hsmiam_status status = hsmiam_request_set_method(request, "POST", error);

    if (status == HSMIAM_OK)
        status = hsmiam_request_set_url(request, call->endpoint.url, error);
    if (status == HSMIAM_OK)
        status = hsmiam_request_add_header(request, "Host", call->endpoint.authority, error);
    if (status == HSMIAM_OK)
        status =
            hsmiam_request_add_header(request, "Content-Type", HSMIAM_QUERY_CONTENT_TYPE, error);
    if (status == HSMIAM_OK)
        status = hsmiam_request_set_body(request, hsmiam_buffer_get_string(&call->body),
                                         call->body.size, error);
    if (status == HSMIAM_OK)
        status = hsmiam_request_set_scope(request, HSMIAM_IAM_SERVICE, call->region, error);
    if (status == HSMIAM_OK)
        status = hsmiam_request_sign(request, call->client->signer, error);
    return status;
}

/* Signs as late as can be: the signature's validity begins now. */
static hsmiam_status prepare(void *context, hsmiam_headers *headers, hsmiam_error *error)
{
    const hsmiam_call *call = context;
    const hsmiam_client *client = call->client;
    hsmiam_request *request = NULL;
    hsmiam_status status = HSMIAM_OK;

    if (client->ready != NULL)
        status = client->ready(client->ready_context, error);
    if (status == HSMIAM_OK)
        status = hsmiam_request_new(&request, error);
    if (status == HSMIAM_OK)
        status = build_request(call, request, error);
    if (status == HSMIAM_OK)
        status = hsmiam_headers_add(headers, "Host", call->endpoint.authority, error);
    if (status == HSMIAM_OK)
        status = hsmiam_headers_add(headers, "Content-Type", HSMIAM_QUERY_CONTENT_TYPE, error);
    if (status != HSMIAM_OK)
        goto out;

    const char *name = NULL;
    const char *value = NULL;
    for (size_t i = 0; status == HSMIAM_OK && hsmiam_request_get_header(request, i, &name, &value);
         i++)
        status = hsmiam_headers_add(headers, name, value, error);
out:
    hsmiam_request_free(&request);
    return status;
}

static void receive(void *context, const char *data, size_t size)
{
    hsmiam_call *call = context;
    int64_t now = hsmiam_time_get_monotonic();
    size_t before = call->secret != NULL ? hsmiam_secret_get_size(call->secret) : 0;

    hsmiam_response_feed(call->response, data, size);
    if (call->secret != NULL && hsmiam_secret_get_size(call->secret) > before)
        call->secret_arrival = now;
}

static hsmiam_status exchange(hsmiam_call *call, hsmiam_error *error)
{
    const hsmiam_client *client = call->client;
    const hsmiam_transport_settings settings = {
        .ca_bundle = client->ca_bundle,
        .no_verify = client->no_verify,
        .connect_seconds = client->connect_seconds,
        .read_seconds = client->read_seconds,
        .log = &client->log,
    };
    hsmiam_exchange exchange = {
        .endpoint = &call->endpoint,
        .body = hsmiam_buffer_get_string(&call->body),
        .body_size = call->body.size,
        .prepare = prepare,
        .receive = receive,
        .context = call,
        .cancel = client->cancel,
        .cancel_context = client->cancel_context,
        .cancel_rule = call->cancel_rule,
    };

    hsmiam_status status = hsmiam_transport_send(client->transport, &settings, &exchange, error);
    if (status != HSMIAM_OK)
        return status;
    status = hsmiam_response_finish(call->response, error);
    return hsmiam_outcome_judge(call->operation, exchange.http_status, &call->reply, status, error);
}

/* Sends the request and reads its answer. On a failure nothing is added to `secret`. */
static hsmiam_status call_run(hsmiam_call *call, hsmiam_secret *secret, hsmiam_error *error)
{
    size_t size = secret != NULL ? hsmiam_secret_get_size(secret) : 0;

    call->secret = secret;
    hsmiam_status status = hsmiam_buffer_check(&call->body, "the request", error);
    if (status == HSMIAM_OK)
        status = hsmiam_client_resolve(call->client, &call->endpoint, &call->region, error);
    if (status == HSMIAM_OK)
        status = hsmiam_response_new(call->operation, &call->reply, secret, &call->response, error);
    if (status == HSMIAM_OK)
        status = exchange(call, error);
    if (status == HSMIAM_ERR_REPLY || status == HSMIAM_ERR_UNKNOWN_OUTCOME)
        hsmiam_transport_close(call->client->transport);
    hsmiam_response_free(&call->response);
    call->client->secret_arrival = call->secret_arrival;
    if (status != HSMIAM_OK && secret != NULL)
        hsmiam_secret_truncate(secret, size);
    return status;
}

hsmiam_status hsmiam_client_create_access_key(hsmiam_client *client, const char *user_name,
                                              hsmiam_key_metadata *key_out, hsmiam_secret *secret,
                                              hsmiam_error *error)
{
    *key_out = (hsmiam_key_metadata){.create_date = 0};
    hsmiam_call *call = call_new(client, "CreateAccessKey", user_name);
    if (call == NULL)
        return hsmiam_error_set_memory(error, "a request");
    call->cancel_rule = HSMIAM_CANCEL_UNTIL_SENT;

    hsmiam_status status = call_run(call, secret, error);
    if (status == HSMIAM_OK)
        *key_out = call->reply.key;
    else
        memcpy(key_out->id, call->reply.key.id, sizeof key_out->id);
    call_free(&call);
    return status;
}

/* One page of the list, from `marker` on ("": the first); the next page's marker goes there. */
static hsmiam_status list_page(hsmiam_client *client, const char *user_name, bool may_cancel,
                               hsmiam_key_list *list, char marker[HSMIAM_MARKER_MAX + 1],
                               hsmiam_error *error)
{
    hsmiam_call *call = call_new(client, "ListAccessKeys", user_name);
    if (call == NULL)
        return hsmiam_error_set_memory(error, "a request");
    if (marker[0] != '\0')
        hsmiam_query_append(&call->body, "Marker", marker);
    call->cancel_rule = may_cancel ? HSMIAM_CANCEL_ALWAYS : HSMIAM_CANCEL_NEVER;
    call->reply.list = *list;

    hsmiam_status status = call_run(call, NULL, error);
    if (status != HSMIAM_OK)
        goto out;
    if (call->reply.is_truncated && call->reply.marker[0] == '\0') {
        status = hsmiam_error_set(error, HSMIAM_ERR_REPLY,
                                  "The answer to ListAccessKeys is to be continued, but does not "
                                  "say from where.");
        goto out;
    }
    *list = call->reply.list;
    marker[0] = '\0';
    if (call->reply.is_truncated)
        memcpy(marker, call->reply.marker, sizeof call->reply.marker);
out:
    call_free(&call);
    return status;
}

hsmiam_status hsmiam_client_list_access_keys(hsmiam_client *client, const char *user_name,
                                             bool may_cancel, hsmiam_key_list *list_out,
                                             hsmiam_error *error)
{
    char marker[HSMIAM_MARKER_MAX + 1] = "";
    hsmiam_status status = HSMIAM_OK;

    *list_out = (hsmiam_key_list){.count = 0};
    for (int page = 0; page < PAGES_MAX; page++) {
        status = list_page(client, user_name, may_cancel, list_out, marker, error);
        if (status != HSMIAM_OK || marker[0] == '\0')
            break;
    }
    if (status == HSMIAM_OK && marker[0] != '\0')
        status =
            hsmiam_error_set(error, HSMIAM_ERR_REPLY,
                             "The answer to ListAccessKeys has no end after %d pages.", PAGES_MAX);
    if (status != HSMIAM_OK)
        *list_out = (hsmiam_key_list){.count = 0};
    return status;
}

static hsmiam_status delete_once(hsmiam_client *client, const char *user_name, const char *id,
                                 char code_out[HSMIAM_ERROR_CODE_MAX + 1], hsmiam_error *error)
{
    code_out[0] = '\0';
    hsmiam_call *call = call_new(client, "DeleteAccessKey", user_name);
    if (call == NULL)
        return hsmiam_error_set_memory(error, "a request");
    hsmiam_query_append(&call->body, "AccessKeyId", id);

    hsmiam_status status = call_run(call, NULL, error);
    memcpy(code_out, call->reply.code, sizeof call->reply.code);
    call_free(&call);
    return status;
}

static void pause_for(unsigned milliseconds)
{
    struct timespec rest = {.tv_sec = milliseconds / 1000,
                            .tv_nsec = (long)(milliseconds % 1000) * 1000000};

    while (nanosleep(&rest, &rest) != 0)
        ;
}

hsmiam_status hsmiam_client_delete_access_key(hsmiam_client *client, const char *user_name,
                                              const char *id, hsmiam_error *error)
{
    char code[HSMIAM_ERROR_CODE_MAX + 1] = "";
    hsmiam_status status = delete_once(client, user_name, id, code, error);
    bool was_unknown = false;

    for (int attempt = 1; attempt < ATTEMPTS_MAX; attempt++) {
        bool is_worth_it = status == HSMIAM_ERR_NETWORK || status == HSMIAM_ERR_UNKNOWN_OUTCOME ||
                           (status == HSMIAM_ERR_SERVICE && hsmiam_outcome_is_throttling(code));
        if (!is_worth_it)
            break;
        /* Only an attempt that may have been executed explains that the key is gone. */
        was_unknown = was_unknown || status == HSMIAM_ERR_UNKNOWN_OUTCOME;
        pause_for(client->pause_milliseconds);
        status = delete_once(client, user_name, id, code, error);
        if (status == HSMIAM_ERR_SERVICE && was_unknown && strcmp(code, "NoSuchEntity") == 0)
            status = HSMIAM_OK;
    }
    if (status == HSMIAM_OK)
        hsmiam_error_clear(error);
    return status;
}
