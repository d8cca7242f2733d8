/* SPDX-License-Identifier: Apache-2.0 */

#include "support/cmocka_tests.h"

#include <string.h>

#include "iam/endpoint.h"

/* What botocore 1.43 resolves for service iam: every region that it knows, and some others. */
static const struct {
    const char *region;
    const char *url;
    const char *signing_region;
    const char *fips_url;
    const char *fips_signing_region;
} botocore[] = {
    {"af-south-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"ap-east-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"ap-east-2", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"ap-northeast-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"ap-northeast-2", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"ap-northeast-3", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"ap-south-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"ap-south-2", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"ap-southeast-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"ap-southeast-2", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"ap-southeast-3", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"ap-southeast-4", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"ap-southeast-5", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"ap-southeast-6", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"ap-southeast-7", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"aws-global", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"ca-central-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"ca-west-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"eu-central-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"eu-central-2", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"eu-north-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"eu-south-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"eu-south-2", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"eu-west-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"eu-west-2", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"eu-west-3", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"il-central-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"me-central-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"me-south-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"mx-central-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"sa-east-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"us-east-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"us-east-2", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"us-west-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"us-west-2", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"aws-cn-global", "https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1",
     "https://iam-fips.amazonaws.com.cn", "cn-northwest-1"},
    {"cn-north-1", "https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1",
     "https://iam-fips.amazonaws.com.cn", "cn-northwest-1"},
    {"cn-northwest-1", "https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1",
     "https://iam-fips.amazonaws.com.cn", "cn-northwest-1"},
    {"eusc-de-east-1", "https://iam.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1",
     "https://iam-fips.amazonaws.eu", "eusc-de-east-1"},
    {"aws-iso-global", "https://iam.us-iso-east-1.c2s.ic.gov", "us-iso-east-1",
     "https://iam-fips.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"},
    {"us-iso-east-1", "https://iam.us-iso-east-1.c2s.ic.gov", "us-iso-east-1",
     "https://iam-fips.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"},
    {"us-iso-west-1", "https://iam.us-iso-east-1.c2s.ic.gov", "us-iso-east-1",
     "https://iam-fips.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"},
    {"aws-iso-b-global", "https://iam.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1",
     "https://iam-fips.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"},
    {"us-isob-east-1", "https://iam.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1",
     "https://iam-fips.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"},
    {"us-isob-west-1", "https://iam.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1",
     "https://iam-fips.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"},
    {"aws-iso-e-global", "https://iam.eu-isoe-west-1.cloud.adc-e.uk", "eu-isoe-west-1",
     "https://iam-fips.cloud.adc-e.uk", "eu-isoe-west-1"},
    {"eu-isoe-west-1", "https://iam.eu-isoe-west-1.cloud.adc-e.uk", "eu-isoe-west-1",
     "https://iam-fips.cloud.adc-e.uk", "eu-isoe-west-1"},
    {"aws-iso-f-global", "https://iam.us-isof-south-1.csp.hci.ic.gov", "us-isof-south-1",
     "https://iam-fips.csp.hci.ic.gov", "us-isof-south-1"},
    {"us-isof-east-1", "https://iam.us-isof-south-1.csp.hci.ic.gov", "us-isof-south-1",
     "https://iam-fips.csp.hci.ic.gov", "us-isof-south-1"},
    {"us-isof-south-1", "https://iam.us-isof-south-1.csp.hci.ic.gov", "us-isof-south-1",
     "https://iam-fips.csp.hci.ic.gov", "us-isof-south-1"},
    {"aws-us-gov-global", "https://iam.us-gov.amazonaws.com", "us-gov-west-1",
     "https://iam.us-gov.amazonaws.com", "us-gov-west-1"},
    {"us-gov-east-1", "https://iam.us-gov.amazonaws.com", "us-gov-west-1",
     "https://iam.us-gov.amazonaws.com", "us-gov-west-1"},
    {"us-gov-west-1", "https://iam.us-gov.amazonaws.com", "us-gov-west-1",
     "https://iam.us-gov.amazonaws.com", "us-gov-west-1"},
    /* Regions that are not in it. */
    {"us-east-99", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"xx-moon-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"cn-moon-1", "https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1",
     "https://iam-fips.amazonaws.com.cn", "cn-northwest-1"},
    {"us-gov-moon-12", "https://iam.us-gov.amazonaws.com", "us-gov-west-1",
     "https://iam.us-gov.amazonaws.com", "us-gov-west-1"},
    {"us-iso-moon-1", "https://iam.us-iso-east-1.c2s.ic.gov", "us-iso-east-1",
     "https://iam-fips.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"},
    {"us-isob-moon-1", "https://iam.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1",
     "https://iam-fips.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"},
    {"us-isof-moon-1", "https://iam.us-isof-south-1.csp.hci.ic.gov", "us-isof-south-1",
     "https://iam-fips.csp.hci.ic.gov", "us-isof-south-1"},
    {"eu-isoe-moon-1", "https://iam.eu-isoe-west-1.cloud.adc-e.uk", "eu-isoe-west-1",
     "https://iam-fips.cloud.adc-e.uk", "eu-isoe-west-1"},
    {"eusc-de-moon-1", "https://iam.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1",
     "https://iam-fips.amazonaws.eu", "eusc-de-east-1"},
    {"eusc-xx-moon-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"us-gov", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"us-gov-west", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"us-gov-west-1x", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"us-gov-a-b-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"CN-north-1", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"aws-eusc-global", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"aws-cn", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
    {"1a", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com", "us-east-1"},
    {"iam", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
};

static void test_partitions_are_botocores(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof botocore / sizeof botocore[0]; i++) {
        const hsmiam_partition *partition = hsmiam_partition_find(botocore[i].region);
        assert_int_equal(hsmiam_region_check(botocore[i].region, NULL), HSMIAM_OK);
        assert_string_equal(partition->url, botocore[i].url);
        assert_string_equal(partition->signing_region, botocore[i].signing_region);
        assert_string_equal(partition->fips_url, botocore[i].fips_url);
        assert_string_equal(partition->fips_signing_region, botocore[i].fips_signing_region);
    }
    assert_string_equal(hsmiam_partition_find(NULL)->url, "https://iam.amazonaws.com");
    assert_string_equal(hsmiam_partition_find(NULL)->signing_region, "us-east-1");
}

static void test_malformed_regions_are_refused(void **state)
{
    static const char *const regions[] = {
        "",           "-us-east-1",
        "us-east-1-", "us_east_1",
        "us east 1",  "us-east-1.evil.com",
        "42",         "-",
        "us-east-1/", "us-east-1\n",
        "ü-east-1",   "a123456789012345678901234567890123456789012345678901234567890123",
    };
    hsmiam_error *error = hsmiam_error_new();

    (void)state;
    for (size_t i = 0; i < sizeof regions / sizeof regions[0]; i++) {
        assert_int_equal(hsmiam_region_check(regions[i], error), HSMIAM_ERR_ARGUMENT);
        assert_memory_equal(hsmiam_error_get_message(error), "Invalid region: ", 16);
        assert_null(strchr(hsmiam_error_get_message(error), '\n'));
    }
    assert_int_equal(hsmiam_region_check(NULL, error), HSMIAM_ERR_ARGUMENT);
    hsmiam_error_free(&error);
}

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
        cmocka_unit_test(test_partitions_are_botocores),
        cmocka_unit_test(test_malformed_regions_are_refused),
        cmocka_unit_test(test_good_urls),
        cmocka_unit_test(test_bad_urls),
        cmocka_unit_test(test_long_url_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
