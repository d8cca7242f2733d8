/* SPDX-License-Identifier: Apache-2.0 */
#include "serve.h"

#include "http_functions.h"
#include "serve_token.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX  256
#define DESCRIPTORS_KEPT 32   /* for the token, its module's files, and the connection to STS */
#define SECONDS_MAX      3    /* from accept() to the end of the answer */
#define MEMORY_MAX       8192 /* of a connection: its request's head and the answer's */

/* What is answered beside the credentials. */
typedef enum refusal {
    REFUSAL_TOKEN,
    REFUSAL_METHOD,
    REFUSAL_PATH,
    REFUSAL_NONE_YET,
    REFUSAL_COUNT
} refusal;

static struct {
    unsigned status;
    char body[128]; /* which libmicrohttpd takes as what could be changed, and does not change */
} refusals[REFUSAL_COUNT] = {
    [REFUSAL_TOKEN] = {MHD_HTTP_UNAUTHORIZED,
                       "{\"code\": \"Unauthorized\", \"message\": \"The Authorization header is "
                       "missing, or has another token.\"}\n"},
    [REFUSAL_METHOD] = {MHD_HTTP_METHOD_NOT_ALLOWED,
                        "{\"code\": \"MethodNotAllowed\", \"message\": \"Only GET is.\"}\n"},
    [REFUSAL_PATH] = {MHD_HTTP_NOT_FOUND, "{\"code\": \"NotFound\", \"message\": \"There is "
                                          "nothing but " TOOL_SERVE_PATH ".\"}\n"},
    [REFUSAL_NONE_YET] = {MHD_HTTP_SERVICE_UNAVAILABLE,
                          "{\"code\": \"Unavailable\", \"message\": \"There are no credentials at "
                          "present; hsmiam's log says why.\"}\n"},
};

/* A connection that stands. */
typedef struct standing {
    int fd; /* -1: none */
    bool dropped;
    unsigned long number; /* they are counted */
    time_t since;
} standing;

struct tool_server {
    const tool_http_functions *http;
    const tool_secret *token;
    struct MHD_Daemon *daemon;
    struct MHD_Response *refusals[REFUSAL_COUNT];
    pthread_mutex_t lock;
    struct MHD_Response *credentials; /* under the lock, as is all below; NULL: none */
    time_t expiration;                /* of these, by the wall's clock */
    time_t end;                       /* ... and by the one that nobody sets */
    standing connections[CONNECTIONS_MAX];
    size_t count; /* of those that were not dropped */
    size_t count_max;
    unsigned long number;
};

time_t tool_server_get_seconds(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return now.tv_sec;
}

/* --------------------------------------------------------------------------------- connections */

/* What is shut down here, its own thread closes. A descriptor that was closed is in no row. */
static void drop(tool_server *server, standing *row)
{
    (void)shutdown(row->fd, SHUT_RDWR);
    row->dropped = true;
    server->count--;
}

static void drop_oldest(tool_server *server)
{
    standing *oldest = NULL;

    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        standing *row = &server->connections[i];

        if (row->fd >= 0 && !row->dropped && (!oldest || row->number < oldest->number))
            oldest = row;
    }
    if (oldest)
        drop(server, oldest);
}

static void drop_overdue(tool_server *server)
{
    time_t now = tool_server_get_seconds();

    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        standing *row = &server->connections[i];

        if (row->fd >= 0 && !row->dropped && now - row->since > SECONDS_MAX)
            drop(server, row);
    }
}

/* From three quarters on the oldest one makes room for the next. */
static void note_start(tool_server *server, struct MHD_Connection *connection, void **row_out)
{
    const union MHD_ConnectionInfo *info =
        server->http->get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

    if (server->count >= server->count_max / 4 * 3)
        drop_oldest(server);
    for (size_t i = 0; info && i < CONNECTIONS_MAX; i++) {
        standing *row = &server->connections[i];

        if (row->fd >= 0)
            continue;
        *row = (standing){
            .fd = info->connect_fd, .number = server->number++, .since = tool_server_get_seconds()};
        server->count++;
        *row_out = row;
        return;
    }
}

static void on_connection(void *context, struct MHD_Connection *connection, void **row_of,
                          enum MHD_ConnectionNotificationCode code)
{
    tool_server *server = context;
    standing *row = NULL;

    (void)pthread_mutex_lock(&server->lock);
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *row_of = NULL;
        note_start(server, connection, row_of);
    } else if (*row_of) {
        row = *row_of;
        server->count -= row->dropped ? 0 : 1;
        row->fd = -1;
    }
    (void)pthread_mutex_unlock(&server->lock);
    if (code == MHD_CONNECTION_NOTIFY_CLOSED)
        hsmiam_thread_scrub(); /* the request was read by registers of this thread */
}

/* As many as there are descriptors for: where accept() has none, nobody is answered. */
static size_t get_count_max(void)
{
    struct rlimit limit = {0};
    size_t most = CONNECTIONS_MAX;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return most;
    if (limit.rlim_cur < CONNECTIONS_MAX + DESCRIPTORS_KEPT) {
        limit.rlim_cur = limit.rlim_max < CONNECTIONS_MAX + DESCRIPTORS_KEPT
                             ? limit.rlim_max
                             : CONNECTIONS_MAX + DESCRIPTORS_KEPT;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
        limit.rlim_cur < CONNECTIONS_MAX + DESCRIPTORS_KEPT)
        most = limit.rlim_cur > (rlim_t)2 * DESCRIPTORS_KEPT
                   ? (size_t)limit.rlim_cur - DESCRIPTORS_KEPT
                   : (size_t)limit.rlim_cur / 2;
    return most;
}

/* ------------------------------------------------------------------------------------- answers */

static bool is_authorized(const tool_server *server, struct MHD_Connection *connection)
{
    const char *given =
        server->http->lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization");

    return given && tool_serve_token_is(server->token, given);
}

/* Whatever becomes of the clock, and whoever is busy asking for others. Under the lock. */
static bool has_expired(const tool_server *server)
{
    return time(NULL) >= server->expiration || tool_server_get_seconds() >= server->end;
}

/* Under the lock. */
static void drop_credentials(tool_server *server)
{
    if (server->credentials)
        server->http->destroy_response(server->credentials);
    server->credentials = NULL;
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **request)
{
    tool_server *server = context;
    refusal refused = REFUSAL_COUNT;
    enum MHD_Result result = MHD_NO;

    (void)version, (void)data, (void)size, (void)request;
    if (!is_authorized(server, connection))
        refused = REFUSAL_TOKEN;
    else if (strcmp(url, TOOL_SERVE_PATH) != 0)
        refused = REFUSAL_PATH;
    else if (strcmp(method, "GET") != 0)
        refused = REFUSAL_METHOD;
    (void)pthread_mutex_lock(&server->lock);
    if (has_expired(server))
        drop_credentials(server);
    if (refused == REFUSAL_COUNT && !server->credentials)
        refused = REFUSAL_NONE_YET;
    if (refused == REFUSAL_COUNT)
        result = server->http->queue_response(connection, MHD_HTTP_OK, server->credentials);
    else
        result = server->http->queue_response(connection, refusals[refused].status,
                                              server->refusals[refused]);
    (void)pthread_mutex_unlock(&server->lock);
    return result;
}

static void release_secret(void *context)
{
    tool_secret *secret = context;

    tool_secret_clear(secret);
    free(secret);
}

/* A response from memory that is not copied; `release` gets `context` when nobody is sent it any
 * more, also where this fails. Each connection is for one request. */
static struct MHD_Response *make_response(const tool_server *server, char *body, size_t size,
                                          MHD_ContentReaderFreeCallback release, void *context)
{
    struct MHD_Response *response = server->http->create_response(size, body, release, context);

    if (!response) {
        release(context);
        return NULL;
    }
    if (server->http->add_response_header(response, "Content-Type", "application/json") != MHD_NO &&
        server->http->add_response_header(response, "Cache-Control", "no-store") != MHD_NO &&
        server->http->add_response_header(response, "Connection", "close") != MHD_NO)
        return response;
    server->http->destroy_response(response);
    return NULL;
}

hsmiam_status tool_server_take(tool_server *server, tool_secret *credentials, time_t expiration,
                               time_t end, tool_error *error)
{
    struct MHD_Response *response = NULL;
    tool_secret *kept = malloc(sizeof *kept);

    if (!kept)
        return tool_error_set_memory(error);
    *kept = *credentials;
    *credentials = (tool_secret){0};
    response = make_response(server, kept->data, kept->size, release_secret, kept);
    if (!response)
        return tool_error_set_memory(error);
    (void)pthread_mutex_lock(&server->lock);
    drop_credentials(server);
    server->credentials = response;
    server->expiration = expiration;
    server->end = end;
    (void)pthread_mutex_unlock(&server->lock);
    return HSMIAM_OK;
}

void tool_server_tick(tool_server *server)
{
    (void)pthread_mutex_lock(&server->lock);
    drop_overdue(server);
    if (server->credentials && has_expired(server))
        drop_credentials(server);
    (void)pthread_mutex_unlock(&server->lock);
}

/* ------------------------------------------------------------------------------- start and end */

static void keep_nothing(void *context)
{
    (void)context;
}

/* What clients do wrong is no news for the log. */
static void ignore_log(void *context, const char *format, va_list arguments)
{
    (void)context, (void)format, (void)arguments;
}

static hsmiam_status start(tool_server *server, int fd, tool_error *error)
{
    for (size_t i = 0; i < REFUSAL_COUNT; i++) {
        char *body = refusals[i].body;

        server->refusals[i] = make_response(server, body, strlen(body), keep_nothing, NULL);
        if (!server->refusals[i]) {
            (void)close(fd); /* as the daemon would */
            return tool_error_set_memory(error);
        }
    }
    server->daemon = server->http->start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO | MHD_USE_ITC | MHD_USE_ERROR_LOG, 0, NULL,
        NULL, answer, server, MHD_OPTION_EXTERNAL_LOGGER, ignore_log, NULL,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)server->count_max,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SECONDS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)MEMORY_MAX, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_END);
    if (!server->daemon)
        return tool_error_set(error, HSMIAM_ERR_IO, "The server cannot be started: %s",
                              strerror(errno));
    return HSMIAM_OK;
}

hsmiam_status tool_server_start(int fd, const tool_secret *token, tool_server **server_out,
                                tool_error *error)
{
    tool_server *server = calloc(1, sizeof *server);
    hsmiam_status status = HSMIAM_OK;

    if (!server) {
        (void)close(fd);
        return tool_error_set_memory(error);
    }
    server->token = token;
    server->count_max = get_count_max();
    (void)pthread_mutex_init(&server->lock, NULL);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        server->connections[i].fd = -1;
    status = tool_http_load(&server->http, error);
    if (status == HSMIAM_OK)
        status = start(server, fd, error); /* libmicrohttpd closes the socket if it fails */
    else
        (void)close(fd);
    if (status == HSMIAM_OK)
        *server_out = server;
    else
        tool_server_stop(&server);
    return status;
}

void tool_server_stop(tool_server **server)
{
    tool_server *stopped = *server;

    if (!stopped)
        return;
    if (stopped->daemon) {
        /* Or the socket would be shut down, which systemd goes on listening on. */
        int fd = stopped->http->quiesce_daemon(stopped->daemon);

        stopped->http->stop_daemon(stopped->daemon);
        if (fd >= 0)
            (void)close(fd);
    }
    drop_credentials(stopped);
    for (size_t i = 0; i < REFUSAL_COUNT; i++)
        if (stopped->refusals[i])
            stopped->http->destroy_response(stopped->refusals[i]);
    (void)pthread_mutex_destroy(&stopped->lock);
    free(stopped);
    *server = NULL;
}
