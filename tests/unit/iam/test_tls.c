/* SPDX-License-Identifier: Apache-2.0 */
/* TLS: whom the client trusts, and how. */

#include "support/cmocka_tests.h"
#include <arpa/inet.h>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client_fixture.h"
#include "iam/tls.h"

/* A TLS server on the connections of a listening socket, with a certificate of its own making. */
typedef struct tls_server {
    SSL_CTX *context;
    int listener;
    unsigned port;
    const char *answer;
    pthread_t thread;
    int requests;
    char directory[64];
    char certificate[96]; /* its path */
} tls_server;

static X509 *make_certificate(EVP_PKEY *key, const char *name)
{
    X509 *certificate = X509_new();
    X509_NAME *subject = X509_get_subject_name(certificate);

    assert_int_equal(X509_set_version(certificate, 2), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), -60));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), 3600));
    assert_int_equal(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                                (const unsigned char *)"test", -1, -1, 0),
                     1);
    assert_int_equal(X509_set_issuer_name(certificate, subject), 1);
    assert_int_equal(X509_set_pubkey(certificate, key), 1);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, name);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    return certificate;
}

static void set_up_tls(tls_server *server, const char *name)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = make_certificate(key, name);

    server->context = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate(server->context, certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(server->context, key), 1);
    strcpy(server->directory, "/tmp/hsmiam-test-tls-XXXXXX");
    assert_non_null(mkdtemp(server->directory));
    (void)snprintf(server->certificate, sizeof server->certificate, "%s/ca.pem", server->directory);
    FILE *file = fopen(server->certificate, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, certificate), 1);
    assert_int_equal(fclose(file), 0);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static void *serve_tls(void *context)
{
    tls_server *server = context;
    char request[8192];
    int connection = -1;

    while ((connection = accept(server->listener, NULL, NULL)) >= 0) {
        SSL *ssl = SSL_new(server->context);
        if (SSL_set_fd(ssl, connection) == 1 && SSL_accept(ssl) == 1) {
            size_t size = 0;
            int got = 1;
            memset(request, 0, sizeof request);
            while (got > 0 && strstr(request, "UserName=Bob") == NULL) {
                got = SSL_read(ssl, request + size, (int)(sizeof request - 1 - size));
                size += got > 0 ? (size_t)got : 0;
            }
            if (got > 0) {
                server->requests++;
                (void)SSL_write(ssl, server->answer, (int)strlen(server->answer));
                (void)SSL_shutdown(ssl);
            }
        }
        SSL_free(ssl);
        (void)close(connection);
    }
    return NULL;
}

static void start_tls(tls_server *server, const char *name, const char *answer)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;

    memset(server, 0, sizeof *server);
    set_up_tls(server, name);
    server->answer = answer;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(server->listener >= 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(server->listener, 8), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
    server->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&server->thread, NULL, serve_tls, server), 0);
}

static void stop_tls(tls_server *server)
{
    (void)shutdown(server->listener, SHUT_RDWR);
    (void)pthread_join(server->thread, NULL);
    (void)close(server->listener);
    SSL_CTX_free(server->context);
    assert_int_equal(unlink(server->certificate), 0);
    assert_int_equal(rmdir(server->directory), 0);
}

static void set_endpoint(client_fixture *fixture, const char *host, unsigned port)
{
    char url[128];

    (void)snprintf(url, sizeof url, "https://%s:%u/", host, port);
    assert_int_equal(hsmiam_client_set_endpoint(fixture->client, url, NULL), HSMIAM_OK);
}

static void assert_not_trusted(client_fixture *fixture)
{
    assert_int_equal(client_fixture_create(fixture), HSMIAM_ERR_NETWORK);
    assert_memory_equal(hsmiam_error_get_message(fixture->error),
                        "SSL validation failed for https://", 34);
    assert_int_equal(hsmiam_error_get_code(fixture->error), CURLE_PEER_FAILED_VERIFICATION);
    assert_int_equal(fake.signed_count, 0);
}

static void test_trust(void **state)
{
    char *answer = http_answer("200 OK\r\nConnection: close", ANSWER_CREATED);
    client_fixture fixture;
    tls_server server;
    tls_server other;

    (void)state;
    start_tls(&server, "IP:127.0.0.1", answer);
    start_tls(&other, "IP:127.0.0.1", answer);
    client_fixture_start(&fixture, NULL, 0);
    set_endpoint(&fixture, "127.0.0.1", server.port);
    assert_not_trusted(&fixture);
    assert_int_equal(hsmiam_client_set_ca_bundle(fixture.client, other.certificate, NULL),
                     HSMIAM_OK);
    assert_not_trusted(&fixture);
    assert_int_equal(hsmiam_client_set_ca_bundle(fixture.client, server.certificate, NULL),
                     HSMIAM_OK);
    /* the certificate is for the address, not for the name */
    set_endpoint(&fixture, "localhost", server.port);
    assert_not_trusted(&fixture);
    set_endpoint(&fixture, "127.0.0.1", server.port);
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_OK);
    client_fixture_assert_secret(&fixture, true);
    assert_non_null(strstr(fixture.log, "* TLSv1.3 with TLS_"));
    assert_int_equal(server.requests, 1);
    client_fixture_stop(&fixture);
    stop_tls(&other);
    stop_tls(&server);
    free(answer);
}

static void test_no_verify(void **state)
{
    char *answer = http_answer("200 OK\r\nConnection: close", ANSWER_CREATED);
    client_fixture fixture;
    tls_server server;

    (void)state;
    start_tls(&server, "DNS:elsewhere", answer);
    client_fixture_start(&fixture, NULL, 0);
    set_endpoint(&fixture, "localhost", server.port);
    assert_not_trusted(&fixture);
    hsmiam_client_set_no_verify(fixture.client, true);
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_OK);
    hsmiam_secret_clear(fixture.secret);
    set_endpoint(&fixture, "example.com", server.port);
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_ERR_CONFIG);
    assert_memory_equal(hsmiam_error_get_message(fixture.error),
                        "The peer's certificate may stay unverified only", 47);
    client_fixture_stop(&fixture);
    stop_tls(&server);
    free(answer);
}

static void test_old_protocols(void **state)
{
    client_fixture fixture;
    tls_server server;

    (void)state;
    start_tls(&server, "IP:127.0.0.1", "");
    SSL_CTX_set_security_level(server.context, 0);
    assert_int_equal(SSL_CTX_set_min_proto_version(server.context, TLS1_VERSION), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(server.context, TLS1_1_VERSION), 1);
    client_fixture_start(&fixture, NULL, 0);
    set_endpoint(&fixture, "127.0.0.1", server.port);
    hsmiam_client_set_no_verify(fixture.client, true);
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_ERR_NETWORK);
    assert_int_equal(hsmiam_error_get_code(fixture.error), CURLE_SSL_CONNECT_ERROR);
    client_fixture_stop(&fixture);
    stop_tls(&server);
}

static void test_tls_1_2(void **state)
{
    char *answer = http_answer("200 OK\r\nConnection: close", ANSWER_CREATED);
    client_fixture fixture;
    tls_server server;

    (void)state;
    start_tls(&server, "IP:127.0.0.1", answer);
    assert_int_equal(SSL_CTX_set_max_proto_version(server.context, TLS1_2_VERSION), 1);
    client_fixture_start(&fixture, NULL, 0);
    set_endpoint(&fixture, "127.0.0.1", server.port);
    assert_int_equal(hsmiam_client_set_ca_bundle(fixture.client, server.certificate, NULL),
                     HSMIAM_OK);
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_OK);
    assert_non_null(strstr(fixture.log, "* TLSv1.2 with ECDHE-"));
    client_fixture_stop(&fixture);
    stop_tls(&server);
    free(answer);
}

static void test_ca_bundles(void **state)
{
    client_fixture fixture;
    tls_server server;
    char path[128];

    (void)state;
    start_tls(&server, "IP:127.0.0.1", "");
    client_fixture_start(&fixture, NULL, 0);
    (void)snprintf(path, sizeof path, "%s/missing.pem", server.directory);
    assert_int_equal(hsmiam_client_set_ca_bundle(fixture.client, path, fixture.error),
                     HSMIAM_ERR_CONFIG);
    assert_non_null(strstr(hsmiam_error_get_message(fixture.error), path));
    assert_int_equal(hsmiam_client_set_ca_bundle(fixture.client, server.directory, fixture.error),
                     HSMIAM_ERR_CONFIG);
    assert_non_null(strstr(hsmiam_error_get_message(fixture.error), "is not a file"));

    /* a file that holds none is found out when it is read */
    (void)snprintf(path, sizeof path, "%s/empty.pem", server.directory);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(hsmiam_client_set_ca_bundle(fixture.client, path, fixture.error), HSMIAM_OK);
    set_endpoint(&fixture, "127.0.0.1", server.port);
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_ERR_CONFIG);
    assert_memory_equal(hsmiam_error_get_message(fixture.error),
                        "The CA certificates to verify https://127.0.0.1:", 48);
    assert_int_equal(unlink(path), 0);
    client_fixture_stop(&fixture);
    stop_tls(&server);
}

static void test_settings_that_do_not_go_together(void **state)
{
    client_fixture fixture;

    (void)state;
    client_fixture_start(&fixture, NULL, 0);
    hsmiam_client_set_fips(fixture.client, true);
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_ERR_CONFIG);
    assert_string_equal(hsmiam_error_get_message(fixture.error),
                        "Invalid Configuration: FIPS and custom endpoint are not supported");
    free(fixture.client->endpoints[HSMIAM_SERVICE_IAM]);
    fixture.client->endpoints[HSMIAM_SERVICE_IAM] = NULL;
    hsmiam_client_set_no_verify(fixture.client, true);
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_ERR_CONFIG);

    hsmiam_client_set_no_verify(fixture.client, false);
    client_fixture_stop(&fixture);
}

static void assert_resolved(const client_fixture *fixture, hsmiam_service_id service,
                            const char *url, const char *region)
{
    hsmiam_endpoint endpoint;
    char signing_region[HSMIAM_REGION_MAX + 1] = "";

    assert_int_equal(
        hsmiam_client_resolve(fixture->client, service, &endpoint, signing_region, NULL),
        HSMIAM_OK);
    assert_string_equal(endpoint.url, url);
    assert_string_equal(signing_region, region);
}

static void test_endpoints(void **state)
{
    client_fixture fixture;

    (void)state;
    client_fixture_start(&fixture, NULL, 0);
    free(fixture.client->endpoints[HSMIAM_SERVICE_IAM]);
    fixture.client->endpoints[HSMIAM_SERVICE_IAM] = NULL;
    assert_resolved(&fixture, HSMIAM_SERVICE_IAM, "https://iam.amazonaws.com/", "us-east-1");
    assert_resolved(&fixture, HSMIAM_SERVICE_STS, "https://sts.amazonaws.com/", "us-east-1");
    assert_int_equal(hsmiam_client_set_region(fixture.client, "cn-north-1", NULL), HSMIAM_OK);
    hsmiam_client_set_fips(fixture.client, true);
    assert_resolved(&fixture, HSMIAM_SERVICE_IAM, "https://iam-fips.amazonaws.com.cn/",
                    "cn-northwest-1");
    assert_resolved(&fixture, HSMIAM_SERVICE_STS, "https://sts-fips.cn-north-1.amazonaws.com.cn/",
                    "cn-north-1");
    hsmiam_client_set_fips(fixture.client, false);
    assert_resolved(&fixture, HSMIAM_SERVICE_IAM, "https://iam.cn-north-1.amazonaws.com.cn/",
                    "cn-north-1");

    /* One's own endpoint serves both, unless there are two. */
    assert_int_equal(hsmiam_client_set_endpoint(fixture.client, "https://both", NULL), HSMIAM_OK);
    assert_resolved(&fixture, HSMIAM_SERVICE_IAM, "https://both/", "cn-north-1");
    assert_resolved(&fixture, HSMIAM_SERVICE_STS, "https://both/", "cn-north-1");
    assert_int_equal(hsmiam_client_set_sts_endpoint(fixture.client, "https://sts", NULL),
                     HSMIAM_OK);
    assert_resolved(&fixture, HSMIAM_SERVICE_IAM, "https://both/", "cn-north-1");
    assert_resolved(&fixture, HSMIAM_SERVICE_STS, "https://sts/", "cn-north-1");
    assert_int_equal(hsmiam_client_set_sts_endpoint(fixture.client, "http://sts", NULL),
                     HSMIAM_ERR_CONFIG);
    client_fixture_stop(&fixture);
}

static void test_buffers_are_cleansed(void **state)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    (void)state;
    assert_int_equal(SSL_CTX_get_options(context) & SSL_OP_CLEANSE_PLAINTEXT, 0);
    assert_int_equal(hsmiam_tls_configure(NULL, context, NULL), CURLE_OK);
    assert_true((SSL_CTX_get_options(context) & SSL_OP_CLEANSE_PLAINTEXT) != 0);
    SSL_CTX_free(context);
}

/* TLS counts as connecting: here the server never answers its first message. */
static void test_connect_timeout(void **state)
{
    client_fixture fixture;

    (void)state;
    client_fixture_start(&fixture, NULL, 0);
    assert_int_equal(
        hsmiam_client_set_endpoint(fixture.client, server_get_url(fixture.server, "https"), NULL),
        HSMIAM_OK);
    hsmiam_client_set_timeouts(fixture.client, 1, 60);
    assert_int_equal(client_fixture_create(&fixture), HSMIAM_ERR_NETWORK);
    assert_int_equal(hsmiam_error_get_code(fixture.error), CURLE_OPERATION_TIMEDOUT);
    assert_memory_equal(hsmiam_error_get_message(fixture.error),
                        "Connect timeout on endpoint URL: \"https://127.0.0.1:", 52);
    client_fixture_stop(&fixture);
}

static char key_log[96];

/* libcurl would write the keys of every connection there. */
static void assert_no_keys_were_logged(void)
{
    struct stat information = {0};

    if (stat(key_log, &information) == 0 && information.st_size != 0) {
        (void)fprintf(stderr, "TLS keys were written\n");
        abort();
    }
    (void)unlink(key_log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trust),
        cmocka_unit_test(test_no_verify),
        cmocka_unit_test(test_old_protocols),
        cmocka_unit_test(test_tls_1_2),
        cmocka_unit_test(test_ca_bundles),
        cmocka_unit_test(test_settings_that_do_not_go_together),
        cmocka_unit_test(test_endpoints),
        cmocka_unit_test(test_buffers_are_cleansed),
        cmocka_unit_test(test_connect_timeout),
    };

    /* The server here writes to clients that are gone. */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)snprintf(key_log, sizeof key_log, "/tmp/hsmiam-test-keys-%ld", (long)getpid());
    if (setenv("SSLKEYLOGFILE", key_log, 1) != 0)
        return 1;
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    assert_no_keys_were_logged();
    return failures;
}
