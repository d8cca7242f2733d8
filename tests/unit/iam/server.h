/* SPDX-License-Identifier: Apache-2.0 */
/* A server on a raw loopback socket that answers the requests of a script, one after the other. */
#ifndef HSMIAM_TEST_IAM_SERVER_H
#define HSMIAM_TEST_IAM_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#define SERVER_REQUESTS_MAX 16

/* What happens once the answer to a request is out. */
typedef enum server_then {
    SERVER_KEEPS = 0, /* the connection waits for the next request */
    SERVER_CLOSES,
    SERVER_RESETS, /* the client sees a reset */
    SERVER_STALLS  /* says nothing more, but keeps the connection */
} server_then;

typedef struct server_step {
    const char *answer; /* NULL: none */
    size_t size;        /* 0: strlen(answer) */
    size_t piece;       /* bytes in one go; 0: all */
    server_then then;
} server_step;

typedef struct test_server test_server;

/* Starts the server; the script is borrowed. Requests beyond it are not answered. */
test_server *server_start(const server_step *script, size_t count);

/* Stops and frees it. */
void server_stop(test_server **server);

/* "http://127.0.0.1:PORT/", or another scheme. Borrowed. */
const char *server_get_url(test_server *server, const char *scheme);

/* Closes the connection that stands now, from another thread. */
void server_drop(test_server *server);

/* What came in so far. */
size_t server_count_requests(test_server *server);
size_t server_count_connections(test_server *server);

/* Head and body of a request. Borrowed. */
const char *server_get_request(test_server *server, size_t index);

#endif
