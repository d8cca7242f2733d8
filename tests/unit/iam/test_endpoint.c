/* SPDX-License-Identifier: Apache-2.0 */

#include "support/cmocka_tests.h"

#include <string.h>

#include "iam/endpoint.h"

static void test_good_urls(void **state)
{
    static const struct {
        const char *given;
        const char *url;
        const char *host;
        const char *authority;
        unsigned port;
        bool plain;
        bool loopback;
    } rows[] = {
        {"https://iam.amazonaws.com", "https://iam.amazonaws.com/", "iam.amazonaws.com",
         "iam.amazonaws.com", 443, false, false},
        {"https://h:443/a/b", "https://h/a/b", "h", "h", 443, false, false},
        {"HTTPS://h:8443", "https://h:8443/", "h", "h:8443", 8443, false, false},
        {"http://localhost:5000", "http://localhost:5000/", "localhost", "localhost:5000", 5000,
         true, true},
        {"http://LOCALHOST", "http://localhost/", "localhost", "localhost", 80, true, true},
        {"http://localhost", "http://localhost/", "localhost", "localhost", 80, true, true},
        {"http://127.0.0.1:80/", "http://127.0.0.1/", "127.0.0.1", "127.0.0.1", 80, true, true},
        {"http://127.255.3.4/x", "http://127.255.3.4/x", "127.255.3.4", "127.255.3.4", 80, true,
         true},
        {"http://[::1]:81", "http://[::1]:81/", "[::1]", "[::1]:81", 81, true, true},
        {"https://127.0.0.1", "https://127.0.0.1/", "127.0.0.1", "127.0.0.1", 443, false, true},
        {"https://128.0.0.1", "https://128.0.0.1/", "128.0.0.1", "128.0.0.1", 443, false, false},
        {"https://localhost.evil.com", "https://localhost.evil.com/", "localhost.evil.com",
         "localhost.evil.com", 443, false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        hsmiam_endpoint endpoint;
        assert_int_equal(hsmiam_endpoint_parse(rows[i].given, &endpoint, NULL), HSMIAM_OK);
        assert_string_equal(endpoint.url, rows[i].url);
        assert_string_equal(endpoint.host, rows[i].host);
        assert_string_equal(endpoint.authority, rows[i].authority);
        assert_int_equal(endpoint.port, rows[i].port);
        assert_int_equal(endpoint.plain, rows[i].plain);
        assert_int_equal(endpoint.loopback, rows[i].loopback);
    }
}

static const struct {
    const char *url;
    hsmiam_status status;
    const char *message; /* how it begins; NULL: any */
} bad_urls[] = {
    {"", HSMIAM_ERR_ARGUMENT, "Bad value for the endpoint URL: it is empty."},
    {"foo", HSMIAM_ERR_ARGUMENT,
     "Bad value for the endpoint URL \"foo\": scheme is missing.  Must be of the form "
     "http://<hostname>/ or https://<hostname>/"},
    {"localhost:5000", HSMIAM_ERR_ARGUMENT, "Bad value for the endpoint URL \"localhost:5000\""},
    {"//h/", HSMIAM_ERR_ARGUMENT, NULL},
    {"u:hunter2@h", HSMIAM_ERR_ARGUMENT, "Bad value for the endpoint URL \"...\": scheme"},
    {"https://u:hunter2@h/", HSMIAM_ERR_ARGUMENT,
     "Bad value for the endpoint URL: it may not have a user name or password."},
    {"https://@h/", HSMIAM_ERR_ARGUMENT, NULL},
    {"http://127.0.0.1@evil.com/", HSMIAM_ERR_ARGUMENT, NULL},
    {"http://127.0.0.1\\@evil.com/", HSMIAM_ERR_ARGUMENT, NULL},
    {"http://127.0.0.1\\evil.com/", HSMIAM_ERR_ARGUMENT, NULL},
    {"https://h/?a=b", HSMIAM_ERR_ARGUMENT, NULL},
    {"https://h/#f", HSMIAM_ERR_ARGUMENT, NULL},
    {"https://h?", HSMIAM_ERR_ARGUMENT, NULL},
    {"https://", HSMIAM_ERR_ARGUMENT, NULL},
    {"https:///path", HSMIAM_ERR_ARGUMENT, NULL},
    {"https://h:99999/", HSMIAM_ERR_ARGUMENT, NULL},
    {"https://h:x/", HSMIAM_ERR_ARGUMENT, NULL},
    {"https://h h/", HSMIAM_ERR_ARGUMENT, NULL},
    {"https://h\n/", HSMIAM_ERR_ARGUMENT, NULL},
    {"ftp://localhost/", HSMIAM_ERR_ARGUMENT,
     "Bad value for the endpoint URL: its scheme is neither http nor https."},
    {"file:///etc/passwd", HSMIAM_ERR_ARGUMENT, NULL},
    {"http://127.1/", HSMIAM_ERR_ARGUMENT, NULL},
    {"http://0x7f.1/", HSMIAM_ERR_ARGUMENT, NULL},
    {"http://0x7f000001/", HSMIAM_ERR_ARGUMENT, NULL},
    {"http://2130706433/", HSMIAM_ERR_ARGUMENT, NULL},
    {"http://0177.0.0.1/", HSMIAM_ERR_ARGUMENT, NULL},
    {"http://%6cocalhost/", HSMIAM_ERR_ARGUMENT, NULL},
    {"http://[0:0:0:0:0:0:0:1]/", HSMIAM_ERR_ARGUMENT, NULL},
    {"http://[::1%25lo]/", HSMIAM_ERR_ARGUMENT, NULL},
    {"http://localhost./", HSMIAM_ERR_CONFIG, NULL},
    {"http://127.0.0.1.evil.com/", HSMIAM_ERR_CONFIG, NULL},
    {"http://localhost.evil.com/", HSMIAM_ERR_CONFIG, NULL},
    {"http://127.0.0.1.", HSMIAM_ERR_ARGUMENT, NULL},
    {"http://128.0.0.1/", HSMIAM_ERR_CONFIG, NULL},
    {"http://0.0.0.0/", HSMIAM_ERR_CONFIG, NULL},
    {"http://[::]/", HSMIAM_ERR_CONFIG, NULL},
    {"http://[::ffff:127.0.0.1]/", HSMIAM_ERR_CONFIG, NULL},
    {"http://iam.amazonaws.com", HSMIAM_ERR_CONFIG, "The endpoint URL must be an https one"},
};

static void test_bad_urls(void **state)
{
    hsmiam_error *error = hsmiam_error_new();

    (void)state;
    for (size_t i = 0; i < sizeof bad_urls / sizeof bad_urls[0]; i++) {
        hsmiam_endpoint endpoint;
        hsmiam_status status = hsmiam_endpoint_parse(bad_urls[i].url, &endpoint, error);
        if (status != bad_urls[i].status)
            fail_msg("%s: %d", bad_urls[i].url, (int)status);
        const char *message = hsmiam_error_get_message(error);
        if (bad_urls[i].message != NULL)
            assert_memory_equal(message, bad_urls[i].message, strlen(bad_urls[i].message));
        assert_null(strstr(message, "hunter2"));
    }
    hsmiam_error_free(&error);
}

static void test_long_url_is_refused(void **state)
{
    char url[2 * HSMIAM_ENDPOINT_URL_MAX] = "https://h/";
    hsmiam_endpoint endpoint;

    (void)state;
    memset(url + strlen(url), 'a', HSMIAM_ENDPOINT_URL_MAX - 1 - strlen(url));
    assert_int_equal(hsmiam_endpoint_parse(url, &endpoint, NULL), HSMIAM_OK);
    strcat(url, "aa");
    assert_int_equal(hsmiam_endpoint_parse(url, &endpoint, NULL), HSMIAM_ERR_ARGUMENT);
    (void)memcpy(url + 8, "aaaaaaaaaa", 10);
    memset(url + 8, 'a', 300);
    url[308] = '\0';
    assert_int_equal(hsmiam_endpoint_parse(url, &endpoint, NULL), HSMIAM_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_urls),
        cmocka_unit_test(test_bad_urls),
        cmocka_unit_test(test_long_url_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
