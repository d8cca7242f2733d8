/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define REQUEST_MAX 8192

struct test_server {
    const server_step *script;
    size_t script_size;
    int listener;
    int stop[2]; /* a pipe: readable means stop */
    unsigned port;
    char url[64];
    pthread_t thread;

    pthread_mutex_t lock;
    int connection; /* -1: none */
    size_t request_count;
    size_t connection_count;
    char requests[SERVER_REQUESTS_MAX][REQUEST_MAX];
};

static void fail(const char *what)
{
    perror(what);
    abort();
}

/* Waits until the socket is readable; false if the server is to stop. */
static bool wait_for(const test_server *server, int descriptor)
{
    struct pollfd entries[2] = {{.fd = server->stop[0], .events = POLLIN},
                                {.fd = descriptor, .events = POLLIN}};

    while (poll(entries, 2, -1) < 0)
        ;
    return entries[0].revents == 0;
}

static bool is_whole(const char *request, size_t size)
{
    const char *body = strstr(request, "\r\n\r\n");
    const char *length = strcasestr(request, "\r\nContent-Length:");

    if (body == NULL)
        return false;
    size_t want = length != NULL ? strtoul(length + strlen("\r\nContent-Length:"), NULL, 10) : 0;
    return size >= (size_t)(body + 4 - request) + want;
}

/* false if the connection or the server ends. */
static bool read_request(test_server *server, int connection, char request[REQUEST_MAX])
{
    size_t size = 0;

    memset(request, 0, REQUEST_MAX);
    while (!is_whole(request, size)) {
        if (!wait_for(server, connection))
            return false;
        ssize_t got = recv(connection, request + size, REQUEST_MAX - 1 - size, 0);
        if (got <= 0)
            return false;
        size += (size_t)got;
    }
    return true;
}

static void send_answer(int connection, const server_step *step)
{
    size_t size = step->answer == NULL ? 0 : step->size > 0 ? step->size : strlen(step->answer);
    size_t piece = step->piece > 0 ? step->piece : size;
    const struct timespec moment = {.tv_nsec = 200000};

    for (size_t sent = 0; sent < size;) {
        size_t most = piece < size - sent ? piece : size - sent;
        ssize_t done = send(connection, step->answer + sent, most, MSG_NOSIGNAL);
        if (done <= 0)
            return;
        sent += (size_t)done;
        if (step->piece > 0)
            (void)nanosleep(&moment, NULL);
    }
}

/* true if another request may follow. */
static bool answer(test_server *server, int connection, size_t index)
{
    const struct linger at_once = {.l_onoff = 1};

    if (index >= server->script_size)
        return false;
    const server_step *step = &server->script[index];
    send_answer(connection, step);
    if (step->then == SERVER_STALLS)
        (void)wait_for(server, connection);
    if (step->then == SERVER_RESETS)
        (void)setsockopt(connection, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    return step->then == SERVER_KEEPS;
}

static void serve_connection(test_server *server, int connection)
{
    static _Thread_local char request[REQUEST_MAX];
    bool more = true;

    while (more && read_request(server, connection, request)) {
        (void)pthread_mutex_lock(&server->lock);
        size_t index = server->request_count++;
        if (index < SERVER_REQUESTS_MAX)
            memcpy(server->requests[index], request, REQUEST_MAX);
        (void)pthread_mutex_unlock(&server->lock);
        more = answer(server, connection, index);
    }
}

static void set_connection(test_server *server, int connection)
{
    (void)pthread_mutex_lock(&server->lock);
    if (connection < 0)
        (void)close(server->connection);
    else
        server->connection_count++;
    server->connection = connection;
    (void)pthread_mutex_unlock(&server->lock);
}

static void *run(void *context)
{
    test_server *server = context;
    const int on = 1;

    while (wait_for(server, server->listener)) {
        int connection = accept(server->listener, NULL, NULL);
        if (connection < 0)
            continue;
        (void)setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        set_connection(server, connection);
        serve_connection(server, connection);
        set_connection(server, -1);
    }
    return NULL;
}

test_server *server_start(const server_step *script, size_t count)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    test_server *server = calloc(1, sizeof *server);

    if (server == NULL)
        fail("calloc");
    server->script = script;
    server->script_size = count;
    server->connection = -1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server->listener < 0 || pipe(server->stop) != 0 ||
        bind(server->listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(server->listener, 8) != 0 ||
        getsockname(server->listener, (struct sockaddr *)&address, &size) != 0)
        fail("server");
    server->port = ntohs(address.sin_port);
    if (pthread_mutex_init(&server->lock, NULL) != 0 ||
        pthread_create(&server->thread, NULL, run, server) != 0)
        fail("thread");
    return server;
}

void server_stop(test_server **server)
{
    if (write((*server)->stop[1], "", 1) != 1)
        fail("write");
    (void)pthread_join((*server)->thread, NULL);
    (void)pthread_mutex_destroy(&(*server)->lock);
    (void)close((*server)->listener);
    (void)close((*server)->stop[0]);
    (void)close((*server)->stop[1]);
    free(*server);
    *server = NULL;
}

const char *server_get_url(test_server *server, const char *scheme)
{
    (void)snprintf(server->url, sizeof server->url, "%s://127.0.0.1:%u/", scheme, server->port);
    return server->url;
}

void server_drop(test_server *server)
{
    (void)pthread_mutex_lock(&server->lock);
    if (server->connection >= 0)
        (void)shutdown(server->connection, SHUT_RDWR);
    (void)pthread_mutex_unlock(&server->lock);
}

static size_t get_count(test_server *server, const size_t *count)
{
    (void)pthread_mutex_lock(&server->lock);
    size_t value = *count;
    (void)pthread_mutex_unlock(&server->lock);
    return value;
}

size_t server_count_requests(test_server *server)
{
    return get_count(server, &server->request_count);
}

size_t server_count_connections(test_server *server)
{
    return get_count(server, &server->connection_count);
}

const char *server_get_request(test_server *server, size_t index)
{
    (void)get_count(server, &server->request_count);
    return server->requests[index];
}
