/* SPDX-License-Identifier: Apache-2.0 */
/* A client against a scripted server, and what it logged. */
#ifndef HSMIAM_TEST_IAM_CLIENT_FIXTURE_H
#define HSMIAM_TEST_IAM_CLIENT_FIXTURE_H

#include "iam/client.h"

#include "answers.h"
#include "fakes.h"
#include "server.h"

#define HTTP(status, headers, body) "HTTP/1.1 " status "\r\n" headers "\r\n" body

typedef struct client_fixture {
    test_server *server;
    hsmiam_client *client;
    hsmiam_error *error;
    hsmiam_secret *secret;
    hsmiam_key_metadata key;
    char log[32768];
    int notices; /* how many of its lines are for a person */
} client_fixture;

/* Milliseconds that the client would have slept between attempts. */
extern unsigned client_fixture_slept;

/* An HTTP answer with its Content-Length. Freed by the caller. */
char *http_answer(const char *status, const char *body);

/* The same in chunks of `piece` bytes. */
char *http_chunked_answer(const char *body, size_t piece);

/* libcurl's functions, for a test to put others in the place of some. */
hsmiam_transport_functions client_fixture_copy_libcurl(void);

/* Starts a server with the script, and a client whose endpoint it is. */
void client_fixture_start(client_fixture *fixture, const server_step *script, size_t count);
void client_fixture_start_over(client_fixture *fixture, const hsmiam_transport_functions *curl,
                               const server_step *script, size_t count);

/* Stops both; checks that nothing is left and that no secret was logged. */
void client_fixture_stop(client_fixture *fixture);

/* CreateAccessKey for Bob. */
hsmiam_status client_fixture_create(client_fixture *fixture);

/* Checks that the secret is the one of answers.h, or empty. */
void client_fixture_assert_secret(const client_fixture *fixture, bool present);

#endif
