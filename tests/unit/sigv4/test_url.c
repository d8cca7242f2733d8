/* SPDX-License-Identifier: Apache-2.0 */
#include "support/cmocka_tests.h"

#include <stdlib.h>
#include <string.h>

#include "sigv4/url.h"

static void takes_urls_apart(void **state)
{
    static const struct {
        const char *url;
        const char *host;
        const char *path;
        const char *query;
    } cases[] = {
        {"https://iam.amazonaws.com", "iam.amazonaws.com", "/", ""},
        {"https://iam.amazonaws.com/", "iam.amazonaws.com", "/", ""},
        {"https://iam.amazonaws.com?a=b", "iam.amazonaws.com", "/", "a=b"},
        {"https://h/p/q?a=b?c&d", "h", "/p/q", "a=b?c&d"},
        {"https://h/?", "h", "/", ""},
        {"HTTPS://IAM.AmazonAWS.com/Path", "iam.amazonaws.com", "/Path", ""},
        {"https://h:443/", "h", "/", ""},
        {"https://h:00443/", "h", "/", ""},
        {"http://h:80/", "h", "/", ""},
        {"https://h:80/", "h:80", "/", ""},
        {"http://h:443/", "h:443", "/", ""},
        {"https://h:/", "h", "/", ""},
        {"http://localhost:8443", "localhost:8443", "/", ""},
        {"http://127.0.0.1:1/x", "127.0.0.1:1", "/x", ""},
        {"https://[::1]/", "[::1]", "/", ""},
        {"https://[2001:DB8::A]:443/", "[2001:db8::a]", "/", ""},
        {"https://[2001:db8::a]:8443/", "[2001:db8::a]:8443", "/", ""},
        {"https://a_b-c.d.s3.amazonaws.com/", "a_b-c.d.s3.amazonaws.com", "/", ""},
        {"https://h/a@b:c", "h", "/a@b:c", ""},
        {"https://h/a b\xe1\x88\xb4?c d", "h", "/a b\xe1\x88\xb4", "c d"},
        {"https://h//a/../b", "h", "//a/../b", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hsmiam_url url = {0};
        assert_int_equal(hsmiam_url_parse(cases[i].url, &url, NULL), HSMIAM_OK);
        assert_string_equal(url.host, cases[i].host);
        assert_string_equal(url.path, cases[i].path);
        assert_string_equal(url.query, cases[i].query);
        hsmiam_url_clear(&url);
    }
}

static void refuses_what_is_no_request_url(void **state)
{
    static const struct {
        const char *url;
        const char *why;
    } cases[] = {
        {"", "https://"},
        {"iam.amazonaws.com/", "https://"},
        {"//iam.amazonaws.com/", "https://"},
        {"ftp://h/", "https://"},
        {"https:/h/", "https://"},
        {"file:///etc/passwd", "https://"},
        {"https://", "host"},
        {"https:///path", "host"},
        {"https://?a=b", "host"},
        {"https://:443/", "host"},
        {"https://h h/", "host"},
        {"https://h%41/", "host"},
        {"https://h\r\nX: y/", "host"},
        {"https://h\\.evil/", "host"},
        {"https://\xc3\xa9.example/", "host"},
        {"https://::1/", "host"},
        {"https://[::1/", "host"},
        {"https://::1]/", "host"},
        {"https://[]/", "host"},
        {"https://[1.2.3.4]/", "host"},
        {"https://[fe80::1%25eth0]/", "host"},
        {"https://h:0/", "port"},
        {"https://h:65536/", "port"},
        {"https://h:100000/", "port"},
        {"https://h:+80/", "port"},
        {"https://h:80:90/", "port"},
        {"https://[::1]x/", "port"},
        {"https://hunter2@h/", "user information"},
        {"https://user:hunter2@h/", "user information"},
        {"https://@h/", "user information"},
        {"https://h/#f", "fragment"},
        {"https://h?a#", "fragment"},
    };

    (void)state;
    hsmiam_error *error = hsmiam_error_new();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hsmiam_url url = {0};
        assert_int_equal(hsmiam_url_parse(cases[i].url, &url, error), HSMIAM_ERR_ARGUMENT);
        assert_non_null(strstr(hsmiam_error_get_message(error), cases[i].why));
        assert_null(strstr(hsmiam_error_get_message(error), "hunter2"));
        assert_null(url.host);
    }
    hsmiam_error_free(&error);
}

static void bounds_the_url(void **state)
{
    char *text = malloc(HSMIAM_URL_MAX + 2);
    hsmiam_url url = {0};

    (void)state;
    assert_non_null(text);
    memset(text, 'a', HSMIAM_URL_MAX + 1);
    memcpy(text, "https://h/", strlen("https://h/"));
    text[HSMIAM_URL_MAX] = '\0';
    assert_int_equal(hsmiam_url_parse(text, &url, NULL), HSMIAM_OK);
    hsmiam_url_clear(&url);
    text[HSMIAM_URL_MAX] = 'a';
    text[HSMIAM_URL_MAX + 1] = '\0';
    assert_int_equal(hsmiam_url_parse(text, &url, NULL), HSMIAM_ERR_ARGUMENT);

    memset(text, 'h', 300);
    memcpy(text, "https://", strlen("https://"));
    text[300] = '\0';
    assert_int_equal(hsmiam_url_parse(text, &url, NULL), HSMIAM_ERR_ARGUMENT);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_urls_apart),
        cmocka_unit_test(refuses_what_is_no_request_url),
        cmocka_unit_test(bounds_the_url),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
