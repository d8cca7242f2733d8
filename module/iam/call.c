/* SPDX-License-Identifier: Apache-2.0 */
#include "iam/call.h"

#include "base/time.h"
#include "iam/outcome.h"
#include "iam/query.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define BODY_MAX        16384 /* a role's session policy, encoded, has up to 6 KiB */
#define HURRIED_SECONDS 5

/* How long nobody asks whether to stop. */
#define SLEEP_MILLISECONDS 50

/* How often a request may be throttled at a pace that clients share: all of them wait then, some
 * seconds at the slowest, and a service that is still busy after all these times is out of order.
 */
#define THROTTLED_MAX 100

/* A correction by less is none: the clock was not what the service minds. */
#define SKEW_SECONDS_MIN 30

hsmiam_call *hsmiam_call_new(hsmiam_client *client, const char *operation,
                             hsmiam_cancel_rule cancel_rule)
{
    hsmiam_call *call = calloc(1, sizeof *call);
    if (call == NULL)
        return NULL;
    call->client = client;
    call->operation = hsmiam_operation_find(operation);
    call->cancel_rule = cancel_rule;
    hsmiam_buffer_init(&call->body, BODY_MAX);
    hsmiam_call_add(call, "Action", operation);
    hsmiam_call_add(call, "Version", hsmiam_service_get(call->operation->service)->version);
    return call;
}

void hsmiam_call_free(hsmiam_call **call)
{
    if (call == NULL || *call == NULL)
        return;
    hsmiam_response_free(&(*call)->response);
    hsmiam_buffer_clear(&(*call)->body);
    hsmiam_wipe(*call, sizeof **call);
    free(*call);
    *call = NULL;
}

void hsmiam_call_add(hsmiam_call *call, const char *name, const char *value)
{
    if (value != NULL)
        hsmiam_query_append(&call->body, name, value);
}

/* ------------------------------------------------------------------------------- one attempt */

static hsmiam_status build_request(const hsmiam_call *call, hsmiam_request *request,
                                   hsmiam_error *error)
{
    const hsmiam_service *service = hsmiam_service_get(call->operation->service);
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
        status = hsmiam_request_set_scope(request, service->name, call->region, error);
    if (status == HSMIAM_OK)
        status = hsmiam_request_set_time(request, call->signed_at, error);
    if (status == HSMIAM_OK)
        status = hsmiam_request_sign(request, call->client->signer, error);
    return status;
}

static hsmiam_status add_headers(const hsmiam_call *call, hsmiam_headers *headers,
                                 hsmiam_error *error)
{
    const char *name = NULL;
    const char *value = NULL;
    hsmiam_request *request = NULL;

    hsmiam_status status = hsmiam_request_new(&request, error);
    if (status == HSMIAM_OK)
        status = build_request(call, request, error);
    if (status == HSMIAM_OK)
        status = hsmiam_headers_add(headers, "Host", call->endpoint.authority, error);
    if (status == HSMIAM_OK)
        status = hsmiam_headers_add(headers, "Content-Type", HSMIAM_QUERY_CONTENT_TYPE, error);
    for (size_t i = 0; status == HSMIAM_OK && hsmiam_request_get_header(request, i, &name, &value);
         i++)
        status = hsmiam_headers_add(headers, name, value, error);
    hsmiam_request_free(&request);
    return status;
}

/* Signs as late as can be: the signature's validity begins now. If the connection died meanwhile,
 * the same request goes over the next one, and nobody is told of it twice. */
static hsmiam_status prepare(void *context, hsmiam_headers *headers, hsmiam_error *error)
{
    hsmiam_call *call = context;
    const hsmiam_client *client = call->client;
    bool is_first = call->signed_at < 0;
    hsmiam_status status = HSMIAM_OK;

    if (client->ready != NULL)
        status = client->ready(client->ready_context, error);
    if (status != HSMIAM_OK)
        return status;
    if (is_first)
        call->signed_at = hsmiam_client_get_signing_time(client);
    status = add_headers(call, headers, error);
    if (status == HSMIAM_OK && is_first && client->before_send != NULL && call->operation->changes)
        status = client->before_send(client->before_send_context, call->signed_at, error);
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

/* What was perhaps done by an attempt before is not given up half-way. */
static hsmiam_cancel_rule get_cancel_rule(const hsmiam_call *call)
{
    return call->cancel_rule == HSMIAM_CANCEL_UNTIL_SENT && call->perhaps_executed
               ? HSMIAM_CANCEL_NEVER
               : call->cancel_rule;
}

/* No time-out (0) is one that nothing else limits. */
static unsigned limit_seconds(const hsmiam_client *client, unsigned seconds)
{
    return client->hurried && (seconds == 0 || seconds > HURRIED_SECONDS) ? HURRIED_SECONDS
                                                                          : seconds;
}

static hsmiam_status exchange(hsmiam_call *call, hsmiam_error *error)
{
    hsmiam_client *client = call->client;
    const hsmiam_transport_settings settings = {
        .ca_bundle = client->ca_bundle,
        .no_verify = client->no_verify,
        .connect_seconds = limit_seconds(client, client->connect_seconds),
        .read_seconds = limit_seconds(client, client->read_seconds),
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
        .cancel_rule = get_cancel_rule(call),
    };

    hsmiam_status status = hsmiam_transport_send(client->transport, &settings, &exchange, error);
    call->times = exchange.times;
    if (call->times.date >= 0)
        client->service_time = call->times.date;
    if (status != HSMIAM_OK)
        return status;
    status = hsmiam_response_finish(call->response, error);
    return hsmiam_outcome_judge(call->operation->name, exchange.http_status, &call->reply, status,
                                error);
}

static hsmiam_status attempt(hsmiam_call *call, hsmiam_secret *secret, hsmiam_error *error)
{
    size_t size = secret != NULL ? hsmiam_secret_get_size(secret) : 0;
    hsmiam_secret *token = call->session_token;
    size_t token_size = token != NULL ? hsmiam_secret_get_size(token) : 0;

    call->signed_at = -1;
    call->secret = secret;
    call->secret_arrival = 0;
    hsmiam_status status =
        hsmiam_response_new(call->operation->name, &call->reply, secret, &call->response, error);
    if (status == HSMIAM_OK) {
        hsmiam_response_set_session_token(call->response, token);
        status = exchange(call, error);
    }
    if (status == HSMIAM_ERR_REPLY || status == HSMIAM_ERR_UNKNOWN_OUTCOME)
        hsmiam_transport_close(call->client->transport);
    hsmiam_response_free(&call->response);
    call->client->secret_arrival = call->secret_arrival;
    if (status != HSMIAM_OK && secret != NULL)
        hsmiam_secret_truncate(secret, size);
    if (status != HSMIAM_OK && token != NULL)
        hsmiam_secret_truncate(token, token_size);
    return status;
}

/* -------------------------------------------------------------------------------- and the next */

/* The service's clock less this machine's, by the last answer. */
static time_t get_skew(const hsmiam_call *call)
{
    return call->times.date - time(NULL);
}

static const char *get_direction(time_t skew)
{
    return skew > 0 ? "behind" : "ahead of";
}

static long long get_size(time_t skew)
{
    return (long long)(skew > 0 ? skew : -skew);
}

/* Sets the client's clock by the answer that found it wrong. false, with what to do in `error`, if
 * that was tried already, or if the answer does not say what would help. */
static bool correct_clock(hsmiam_call *call, hsmiam_error *error)
{
    hsmiam_client *client = call->client;
    const char *title = hsmiam_service_get(call->operation->service)->title;

    if (call->corrected) {
        client->clock_offset = call->offset_before;
        hsmiam_error_append(error,
                            "Signing by %s's clock, as the Date of its answer tells it, did not "
                            "help; set this machine's clock.",
                            title);
        return false;
    }
    time_t change = call->times.date < 0 ? 0 : get_skew(call) - client->clock_offset;
    if (change > -SKEW_SECONDS_MIN && change < SKEW_SECONDS_MIN) {
        hsmiam_error_append(error,
                            "The Date of the answer does not say by how much this machine's clock "
                            "is wrong; set it.");
        return false;
    }
    call->corrected = true;
    call->offset_before = client->clock_offset;
    client->clock_offset += change;
    hsmiam_log_write(&client->log, HSMIAM_LOG_NOTICE,
                     "The clock of this machine is %lld seconds %s %s's; requests are signed by "
                     "%s's clock.",
                     get_size(get_skew(call)), get_direction(get_skew(call)), title, title);
    return true;
}

static bool may_resend(hsmiam_call *call, hsmiam_attempt came_to, hsmiam_error *error)
{
    const hsmiam_client *client = call->client;
    hsmiam_resend resend = hsmiam_retry_get_rule(came_to)->resend[call->operation->class];

    if (client->hurried || resend == HSMIAM_RESEND_NEVER ||
        (resend == HSMIAM_RESEND_CORRECTED && !correct_clock(call, error)))
        return false;
    if (client->pace != NULL && came_to == HSMIAM_ATTEMPT_THROTTLED)
        return ++call->throttled < THROTTLED_MAX;
    return call->attempts - call->throttled < client->max_attempts;
}

static hsmiam_status sleep_for(const hsmiam_call *call, unsigned milliseconds, hsmiam_error *error)
{
    const hsmiam_client *client = call->client;
    bool may_cancel = client->cancel != NULL && get_cancel_rule(call) != HSMIAM_CANCEL_NEVER;

    while (milliseconds > 0) {
        unsigned part = milliseconds < SLEEP_MILLISECONDS ? milliseconds : SLEEP_MILLISECONDS;
        if (may_cancel && client->cancel(client->cancel_context))
            return hsmiam_error_set(error, HSMIAM_ERR_CANCELLED,
                                    "The request was stopped before it was sent again.");
        client->sleep(part);
        milliseconds -= part;
    }
    return HSMIAM_OK;
}

/* Waits for a turn at the pace that clients share. */
static hsmiam_status wait_for_turn(hsmiam_call *call, hsmiam_error *error)
{
    hsmiam_pace *pace = call->client->pace;
    hsmiam_status status = HSMIAM_OK;

    while (pace != NULL && status == HSMIAM_OK) {
        call->turn = hsmiam_time_get_monotonic();
        unsigned wait = hsmiam_pace_take_turn(pace, call->turn);
        if (wait == 0)
            break;
        status = sleep_for(call, wait < SLEEP_MILLISECONDS ? wait : SLEEP_MILLISECONDS, error);
    }
    return status;
}

/* Waits until the next attempt may be; at a shared pace, all wait. */
static hsmiam_status pause_before_next(const hsmiam_call *call, hsmiam_attempt came_to,
                                       hsmiam_error *error)
{
    const hsmiam_retry_rule *rule = hsmiam_retry_get_rule(came_to);
    hsmiam_pace *pace = call->client->pace;
    uint32_t random = 0;

    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != sizeof random)
        random = UINT32_MAX; /* none yet: the longest pause */
    unsigned pause = hsmiam_retry_get_pause(
        rule, call->attempts, random, hsmiam_reply_times_get_retry_after(&call->times, time(NULL)));
    hsmiam_log_write(&call->client->log, HSMIAM_LOG_DEBUG,
                     "* %s is sent again in %u ms, for the time number %u: %s",
                     call->operation->name, pause, call->attempts + 1, rule->says);
    if (pace == NULL || came_to != HSMIAM_ATTEMPT_THROTTLED)
        return sleep_for(call, pause, error);
    hsmiam_pace_slow_down(pace, call->turn, hsmiam_time_get_monotonic(), pause);
    return HSMIAM_OK;
}

/* An answer that is not the last leaves nothing behind. */
static void forget_reply(hsmiam_call *call, size_t keys)
{
    hsmiam_reply *reply = &call->reply;

    reply->kind = HSMIAM_REPLY_NONE;
    reply->key = (hsmiam_key_metadata){.create_date = 0};
    reply->usage = (hsmiam_key_usage){.was_used = false};
    reply->caller = (hsmiam_caller){.account = ""};
    reply->expiration = 0;
    reply->list.count = keys;
    reply->users.count = 0;
    reply->is_truncated = false;
    reply->marker[0] = '\0';
    reply->code[0] = '\0';
    reply->message[0] = '\0';
    reply->request_id[0] = '\0';
}

hsmiam_status hsmiam_call_run(hsmiam_call *call, hsmiam_secret *secret, hsmiam_error *error)
{
    const size_t keys = call->reply.list.count;

    if (error == NULL)
        error = &call->error;
    hsmiam_status status = hsmiam_buffer_check(&call->body, "the request", error);
    if (status == HSMIAM_OK)
        status = hsmiam_client_resolve(call->client, call->operation->service, &call->endpoint,
                                       call->region, error);
    bool again = status == HSMIAM_OK;
    call->attempts = call->throttled = 0;
    while (again) {
        status = wait_for_turn(call, error);
        if (status != HSMIAM_OK)
            break;
        forget_reply(call, keys);
        hsmiam_error_clear(error);
        status = attempt(call, secret, error);
        call->attempts++;

        hsmiam_attempt came_to = hsmiam_attempt_classify(status, error);
        call->perhaps_executed =
            call->perhaps_executed || !hsmiam_retry_get_rule(came_to)->is_unexecuted;
        if (call->client->pace != NULL && came_to == HSMIAM_ATTEMPT_DONE)
            hsmiam_pace_speed_up(call->client->pace);
        again = may_resend(call, came_to, error);
        if (again) {
            hsmiam_log_hold_release(NULL); /* nothing of a secret came, or it was wiped */
            status = pause_before_next(call, came_to, error);
            again = status == HSMIAM_OK;
        }
    }
    if (status == HSMIAM_ERR_NETWORK && call->perhaps_executed)
        error->status = status = HSMIAM_ERR_UNKNOWN_OUTCOME;
    call->client->perhaps_executed = call->perhaps_executed;
    return status;
}

hsmiam_status hsmiam_call_run_page(hsmiam_call *call, char marker[HSMIAM_MARKER_MAX + 1],
                                   hsmiam_error *error)
{
    const hsmiam_reply *reply = &call->reply;

    hsmiam_call_add(call, "Marker", marker[0] != '\0' ? marker : NULL);
    hsmiam_status status = hsmiam_call_run(call, NULL, error);
    if (status != HSMIAM_OK)
        return status;
    if (reply->is_truncated && reply->marker[0] == '\0')
        return hsmiam_error_set(error, HSMIAM_ERR_REPLY,
                                "The answer to %s is to be continued, but does not say from where.",
                                call->operation->name);
    if (reply->is_truncated && strcmp(reply->marker, marker) == 0)
        return hsmiam_error_set(error, HSMIAM_ERR_REPLY,
                                "The answer to %s is to be continued from where it began.",
                                call->operation->name);
    marker[0] = '\0';
    if (reply->is_truncated)
        memcpy(marker, reply->marker, sizeof reply->marker);
    return HSMIAM_OK;
}
