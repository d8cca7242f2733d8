/* SPDX-License-Identifier: Apache-2.0 */
/* Which endpoint IAM and STS are asked at. */
#include "settings_bed.h"

#include <stdlib.h>

static void chooses_endpoints(void **state)
{
    (void)state;
    settings_write_config("[services one]\nec2 =\n  endpoint_url = https://ec2\niam =\n"
                          "  api_version = 1\n  endpoint_url = https://iam\n\n"
                          "[default]\nservices = one\nendpoint_url = https://all\n"
                          "[profile two]\nservices = none\nendpoint_url = https://all\n"
                          "[profile three]\nendpoint_url = https://all\n"
                          "ignore_configured_endpoint_urls = true\n");
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_string_equal(settings_bed.settings.endpoint_url, "https://iam");
    assert_int_equal(LOAD("--profile", "two"), HSMIAM_OK);
    assert_string_equal(settings_bed.settings.endpoint_url, "https://all");
    assert_int_equal(LOAD("--profile", "three"), HSMIAM_OK);
    assert_null(settings_bed.settings.endpoint_url);
    setenv("AWS_ENDPOINT_URL", "https://environment", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_string_equal(settings_bed.settings.endpoint_url, "https://environment");
    setenv("AWS_ENDPOINT_URL_IAM", "https://environment-iam", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_string_equal(settings_bed.settings.endpoint_url, "https://environment-iam");
    setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "TRUE", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_null(settings_bed.settings.endpoint_url);
    assert_int_equal(LOAD("--endpoint-url", "https://flag"), HSMIAM_OK);
    assert_string_equal(settings_bed.settings.endpoint_url, "https://flag");
}

static void chooses_sts_endpoints(void **state)
{
    (void)state;
    settings_write_config("");
    setenv("AWS_ENDPOINT_URL_IAM", "https://iam", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_null(settings_bed.settings.sts_endpoint_url);
    setenv("AWS_ENDPOINT_URL", "https://all", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_string_equal(settings_bed.settings.sts_endpoint_url, "https://all");
    setenv("AWS_ENDPOINT_URL_STS", "https://sts", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_string_equal(settings_bed.settings.endpoint_url, "https://iam");
    assert_string_equal(settings_bed.settings.sts_endpoint_url, "https://sts");
    assert_int_equal(LOAD("--endpoint-url", "https://flag"), HSMIAM_OK);
    assert_null(settings_bed.settings.sts_endpoint_url);
    setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_null(settings_bed.settings.sts_endpoint_url);
}

/* As the AWS CLI has it: the section's endpoint of the service before the profile's of all. */
static void chooses_sts_endpoints_of_profiles(void **state)
{
    (void)state;
    settings_write_config("[services one]\niam =\n  endpoint_url = https://iam\n"
                          "sts =\n  endpoint_url = https://sts\n"
                          "[services two]\niam =\n  endpoint_url = https://iam\n"
                          "[default]\nservices = one\nendpoint_url = https://all\n"
                          "[profile two]\nservices = two\nendpoint_url = https://all\n"
                          "[profile three]\nservices = two\n");
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_string_equal(settings_bed.settings.endpoint_url, "https://iam");
    assert_string_equal(settings_bed.settings.sts_endpoint_url, "https://sts");
    assert_int_equal(LOAD("--profile", "two"), HSMIAM_OK);
    assert_string_equal(settings_bed.settings.sts_endpoint_url, "https://all");
    assert_int_equal(LOAD("--profile", "three"), HSMIAM_OK);
    assert_null(settings_bed.settings.sts_endpoint_url);
    setenv("AWS_ENDPOINT_URL_IAM", "https://environment-iam", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_string_equal(settings_bed.settings.sts_endpoint_url, "https://sts");
    setenv("AWS_ENDPOINT_URL", "https://environment", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_string_equal(settings_bed.settings.sts_endpoint_url, "https://environment");
    setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_null(settings_bed.settings.sts_endpoint_url);
}

static void knows_fips(void **state)
{
    (void)state;
    settings_write_config("[default]\nuse_fips_endpoint = true\n");
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_true(settings_bed.settings.fips);
    assert_int_equal(LOAD("--endpoint-url", "https://x"), HSMIAM_ERR_CONFIG);
    assert_contains(settings_bed.error.message, "FIPS and custom endpoint are not supported");
    setenv("AWS_USE_FIPS_ENDPOINT", "false", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_false(settings_bed.settings.fips);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(chooses_endpoints, settings_clear, settings_clear),
        cmocka_unit_test_setup_teardown(chooses_sts_endpoints, settings_clear, settings_clear),
        cmocka_unit_test_setup_teardown(chooses_sts_endpoints_of_profiles, settings_clear,
                                        settings_clear),
        cmocka_unit_test_setup_teardown(knows_fips, settings_clear, settings_clear),
    };

    return cmocka_run_group_tests(tests, settings_make_file, settings_remove_file);
}
