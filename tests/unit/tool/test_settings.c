/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "settings.h"

#include <stdlib.h>
#include <unistd.h>

static const tool_option no_options[] = {{.name = NULL}};
static const tool_command command = {.name = "make", .options = no_options, .takes_tokens = true};
static const tool_command *const commands[] = {&command, NULL};

static const char *const variables[] = {
    "HSMIAM_CREDENTIAL",
    "HSMIAM_TOKEN",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_IAM",
    "AWS_ENDPOINT_URL_STS",
    "AWS_MAX_ATTEMPTS",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_CA_BUNDLE",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_DEFAULT_OUTPUT",
    "NO_COLOR",
};

static char path[] = "/tmp/hsmiam-test-XXXXXX";
static tool_settings settings;
static tool_error error;

static int clear(void **state)
{
    (void)state;
    tool_settings_clear(&settings);
    tool_error_clear(&error);
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        unsetenv(variables[i]);
    return 0;
}

static void write_config(const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    setenv("AWS_CONFIG_FILE", path, 1);
}

static hsmiam_status load(const char *const *argv)
{
    static tool_arguments arguments;
    int argc = 0;

    while (argv[argc])
        argc++;
    tool_settings_clear(&settings);
    tool_error_clear(&error);
    assert_int_equal(tool_arguments_parse(argc, argv, commands, &arguments, &error), HSMIAM_OK);
    return tool_settings_load(&arguments, &settings, &error);
}

#define LOAD(...) load((const char *const[]){"hsmiam", "make", ##__VA_ARGS__, NULL})

static void has_defaults(void **state)
{
    (void)state;
    setenv("AWS_CONFIG_FILE", "/nonexistent/config", 1);
    setenv("AWS_REGION", "", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_null(settings.credential);
    assert_null(settings.token);
    assert_null(settings.region);
    assert_null(settings.endpoint_url);
    assert_int_equal(settings.output, TOOL_OUTPUT_JSON);
    assert_int_equal(settings.connect_timeout, 60);
    assert_int_equal(settings.read_timeout, 60);
    assert_int_equal(settings.token_timeout, 300);
    assert_false(settings.fips || settings.no_verify || settings.allow_final_try ||
                 settings.forbid_plaintext);
}

/* A URI has no blank, but where it is a command's. */
static void parts_tokens(void **state)
{
    (void)state;
    write_config("[default]\nhsmiam_token = pkcs11:token=a?pin-source=|cat x PKCS11:token=b\n");
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_string_equal(settings.token, "pkcs11:token=a?pin-source=|cat x");
    assert_string_equal(settings.replicas[0], "PKCS11:token=b");
    assert_null(settings.replicas[1]);
    setenv("HSMIAM_TOKEN", "pkcs11:a?pin-value=sEcReT  pkcs11:b pkcs11:c?pin-value=sEcReT", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_string_equal(settings.replicas[1], "pkcs11:c?pin-value=sEcReT");
    tool_settings_remove_pins(&settings);
    assert_string_equal(settings.token, "pkcs11:a?pin-value=");
    assert_string_equal(settings.replicas[1], "pkcs11:c?pin-value=");
    assert_int_equal(LOAD("--token", "x", "--token=y"), HSMIAM_OK);
    assert_string_equal(settings.token, "x");
    assert_string_equal(settings.replicas[0], "y");
    assert_null(settings.replicas[1]);
    setenv("HSMIAM_TOKEN",
           "pkcs11: pkcs11: pkcs11: pkcs11: pkcs11: pkcs11: pkcs11: pkcs11: pkcs11:", 1);
    assert_int_equal(LOAD(), HSMIAM_ERR_CONFIG);
}

static void flag_beats_environment_beats_profile(void **state)
{
    (void)state;
    write_config("[default]\nregion = r-profile\nhsmiam_credential = pkcs11:token=p;object=o\n"
                 "hsmiam_token=pkcs11:token=t\nca_bundle = /p\noutput = text\n"
                 "endpoint_url = https://p\nhsmiam_pin_source = /pin\n"
                 "hsmiam_forbid_plaintext_import = true\n");
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_true(settings.forbid_plaintext);
    assert_string_equal(settings.region, "r-profile");
    assert_string_equal(settings.credential, "pkcs11:token=p;object=o");
    assert_string_equal(settings.token, "pkcs11:token=t");
    assert_string_equal(settings.ca_bundle, "/p");
    assert_string_equal(settings.endpoint_url, "https://p");
    assert_string_equal(settings.profile_pin_source, "/pin");
    assert_null(settings.pin_source);
    assert_int_equal(settings.output, TOOL_OUTPUT_TEXT);

    setenv("AWS_DEFAULT_REGION", "r-default", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_string_equal(settings.region, "r-default");
    setenv("AWS_REGION", "r-environment", 1);
    setenv("HSMIAM_CREDENTIAL", "pkcs11:token=e", 1);
    setenv("HSMIAM_TOKEN", "pkcs11:token=f", 1);
    setenv("AWS_CA_BUNDLE", "/e", 1);
    setenv("AWS_DEFAULT_OUTPUT", "yaml", 1);
    setenv("AWS_ENDPOINT_URL", "https://e", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_string_equal(settings.region, "r-environment");
    assert_string_equal(settings.credential, "pkcs11:token=e");
    assert_string_equal(settings.token, "pkcs11:token=f");
    assert_string_equal(settings.ca_bundle, "/e");
    assert_string_equal(settings.endpoint_url, "https://e");
    assert_int_equal(settings.output, TOOL_OUTPUT_YAML);

    assert_int_equal(LOAD("--region", "r-flag", "--credential", "pkcs11:token=g", "--token",
                          "pkcs11:token=h", "--ca-bundle", "/f", "--output", "table",
                          "--endpoint-url", "https://f", "--pin-source", "/flag"),
                     HSMIAM_OK);
    assert_string_equal(settings.region, "r-flag");
    assert_string_equal(settings.credential, "pkcs11:token=g");
    assert_string_equal(settings.token, "pkcs11:token=h");
    assert_string_equal(settings.ca_bundle, "/f");
    assert_string_equal(settings.endpoint_url, "https://f");
    assert_string_equal(settings.pin_source, "/flag");
    assert_int_equal(settings.output, TOOL_OUTPUT_TABLE);
}

static void chooses_profiles(void **state)
{
    (void)state;
    write_config(
        "\xef\xbb\xbf[default]\nregion = d\n[profile a]\nregion = a\n"
        "# region = x\n; region = y\n[profile \"b c\"]\nregion = bc\n[plain]\nregion = p\n");
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_string_equal(settings.region, "d");
    assert_int_equal(LOAD("--profile", "a"), HSMIAM_OK);
    assert_string_equal(settings.region, "a");
    assert_int_equal(LOAD("--profile", "b c"), HSMIAM_OK);
    assert_string_equal(settings.region, "bc");
    setenv("AWS_DEFAULT_PROFILE", "a", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_string_equal(settings.region, "a");
    setenv("AWS_PROFILE", "b c", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_string_equal(settings.region, "bc");
    assert_int_equal(LOAD("--profile", "plain"), HSMIAM_ERR_CONFIG);
    assert_int_equal(LOAD("--profile", "nope"), HSMIAM_ERR_CONFIG);
    assert_string_equal(error.message, "The config profile (nope) could not be found");
    setenv("AWS_CONFIG_FILE", "/nonexistent/config", 1);
    assert_int_equal(LOAD("--profile", "a"), HSMIAM_ERR_CONFIG);
    assert_string_equal(error.message, "The config profile (a) could not be found");
}

static void tells_long_profile_names_apart(void **state)
{
    (void)state;
    write_config("[profile 0123456789012345678901234567890123456789012345678901234567890-a]\n"
                 "region = a\n"
                 "[profile 0123456789012345678901234567890123456789012345678901234567890-b]\n"
                 "region = b\n");
    assert_int_equal(
        LOAD("--profile", "0123456789012345678901234567890123456789012345678901234567890-b"),
        HSMIAM_OK);
    assert_string_equal(settings.region, "b");
}

static void chooses_endpoints(void **state)
{
    (void)state;
    write_config("[services one]\nec2 =\n  endpoint_url = https://ec2\niam =\n"
                 "  api_version = 1\n  endpoint_url = https://iam\n\n"
                 "[default]\nservices = one\nendpoint_url = https://all\n"
                 "[profile two]\nservices = none\nendpoint_url = https://all\n"
                 "[profile three]\nendpoint_url = https://all\n"
                 "ignore_configured_endpoint_urls = true\n");
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_string_equal(settings.endpoint_url, "https://iam");
    assert_int_equal(LOAD("--profile", "two"), HSMIAM_OK);
    assert_string_equal(settings.endpoint_url, "https://all");
    assert_int_equal(LOAD("--profile", "three"), HSMIAM_OK);
    assert_null(settings.endpoint_url);
    setenv("AWS_ENDPOINT_URL", "https://environment", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_string_equal(settings.endpoint_url, "https://environment");
    setenv("AWS_ENDPOINT_URL_IAM", "https://environment-iam", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_string_equal(settings.endpoint_url, "https://environment-iam");
    setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "TRUE", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_null(settings.endpoint_url);
    assert_int_equal(LOAD("--endpoint-url", "https://flag"), HSMIAM_OK);
    assert_string_equal(settings.endpoint_url, "https://flag");
}

static void chooses_sts_endpoints(void **state)
{
    (void)state;
    write_config("");
    setenv("AWS_ENDPOINT_URL_IAM", "https://iam", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_null(settings.sts_endpoint_url);
    setenv("AWS_ENDPOINT_URL", "https://all", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_string_equal(settings.sts_endpoint_url, "https://all");
    setenv("AWS_ENDPOINT_URL_STS", "https://sts", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_string_equal(settings.endpoint_url, "https://iam");
    assert_string_equal(settings.sts_endpoint_url, "https://sts");
    assert_int_equal(LOAD("--endpoint-url", "https://flag"), HSMIAM_OK);
    assert_null(settings.sts_endpoint_url);
    setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_null(settings.sts_endpoint_url);
}

/* As the AWS CLI has it: the section's endpoint of the service before the profile's of all. */
static void chooses_sts_endpoints_of_profiles(void **state)
{
    (void)state;
    write_config("[services one]\niam =\n  endpoint_url = https://iam\n"
                 "sts =\n  endpoint_url = https://sts\n"
                 "[services two]\niam =\n  endpoint_url = https://iam\n"
                 "[default]\nservices = one\nendpoint_url = https://all\n"
                 "[profile two]\nservices = two\nendpoint_url = https://all\n"
                 "[profile three]\nservices = two\n");
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_string_equal(settings.endpoint_url, "https://iam");
    assert_string_equal(settings.sts_endpoint_url, "https://sts");
    assert_int_equal(LOAD("--profile", "two"), HSMIAM_OK);
    assert_string_equal(settings.sts_endpoint_url, "https://all");
    assert_int_equal(LOAD("--profile", "three"), HSMIAM_OK);
    assert_null(settings.sts_endpoint_url);
    setenv("AWS_ENDPOINT_URL_IAM", "https://environment-iam", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_string_equal(settings.sts_endpoint_url, "https://sts");
    setenv("AWS_ENDPOINT_URL", "https://environment", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_string_equal(settings.sts_endpoint_url, "https://environment");
    setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_null(settings.sts_endpoint_url);
}

static void counts_attempts(void **state)
{
    static const char *const wrong[] = {"0", "-1", "1001", "three", "3 ", "99999999999999999999"};

    (void)state;
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_int_equal(settings.max_attempts, 0);
    write_config("[default]\nmax_attempts = 5\n");
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_int_equal(settings.max_attempts, 5);
    setenv("AWS_MAX_ATTEMPTS", "1", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_int_equal(settings.max_attempts, 1);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        setenv("AWS_MAX_ATTEMPTS", wrong[i], 1);
        assert_int_equal(LOAD(), HSMIAM_ERR_CONFIG);
        assert_contains(error.message, "must be a whole number from 1 to 1000");
    }
}

static void knows_fips(void **state)
{
    (void)state;
    write_config("[default]\nuse_fips_endpoint = true\n");
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_true(settings.fips);
    assert_int_equal(LOAD("--endpoint-url", "https://x"), HSMIAM_ERR_CONFIG);
    assert_contains(error.message, "FIPS and custom endpoint are not supported");
    setenv("AWS_USE_FIPS_ENDPOINT", "false", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_false(settings.fips);
}

static void knows_output_and_color(void **state)
{
    (void)state;
    write_config("[default]\noutput = xml\n");
    assert_int_equal(LOAD(), HSMIAM_ERR_CONFIG);
    assert_string_equal(error.message, "Unknown output type: xml");
    assert_int_equal(LOAD("--output", "json", "--color", "on"), HSMIAM_OK);
    assert_true(settings.color);
    assert_int_equal(LOAD("--output", "json", "--color", "off"), HSMIAM_OK);
    assert_false(settings.color);
    setenv("NO_COLOR", "1", 1);
    assert_int_equal(LOAD("--output", "json", "--color", "auto"), HSMIAM_OK);
    assert_false(settings.color);
    assert_int_equal(LOAD("--output", "json", "--color", "on"), HSMIAM_OK);
    assert_true(settings.color);
}

/* A profile whose second line has `length` bytes, its line end not counted. */
static void write_long_line(size_t length)
{
    static const char start[] = "hsmiam_credential = ";
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(
        fprintf(file, "[default]\n%s%0*d\nregion = r\n", start, (int)(length - strlen(start)), 0),
        length + strlen("[default]\n\nregion = r\n"));
    assert_int_equal(fclose(file), 0);
    setenv("AWS_CONFIG_FILE", path, 1);
}

static void cuts_no_line(void **state)
{
    (void)state;
    write_long_line(HSMIAM_PROFILE_LINE_MAX - 2);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_int_equal(strlen(settings.credential),
                     HSMIAM_PROFILE_LINE_MAX - 2 - strlen("hsmiam_credential = "));
    assert_string_equal(settings.region, "r");
    write_long_line(HSMIAM_PROFILE_LINE_MAX - 1);
    assert_int_equal(LOAD(), HSMIAM_ERR_CONFIG);
    assert_contains(error.message, path);
    assert_contains(error.message, "line 2 is longer than 8190 bytes");
}

static void refuses_what_it_cannot_read(void **state)
{
    (void)state;
    write_config("[default]\nregion = r\nnonsense\n");
    assert_int_equal(LOAD(), HSMIAM_ERR_CONFIG);
    assert_contains(error.message, "Unable to parse config file: /tmp/");
    assert_contains(error.message, "line 3");
    setenv("AWS_CONFIG_FILE", "/tmp", 1);
    assert_int_equal(LOAD(), HSMIAM_ERR_CONFIG);
    assert_contains(error.message, "Unable to read config file: /tmp");
}

static void keeps_semicolons(void **state)
{
    (void)state;
    write_config("[default]\n"
                 "hsmiam_token = pkcs11:token=a ; b;serial=1?pin-source=|cat /x ;y#z\n");
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_string_equal(settings.token, "pkcs11:token=a ; b;serial=1?pin-source=|cat /x ;y#z");
}

static void wipes_pins(void **state)
{
    (void)state;
    write_config("[default]\nhsmiam_token = pkcs11:?pin-value=1234\n");
    setenv("HSMIAM_CREDENTIAL", "pkcs11:token=a?pin-value=5678", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    tool_settings_remove_pins(&settings);
    assert_string_equal(settings.token, "pkcs11:?pin-value=");
    assert_string_equal(getenv("HSMIAM_CREDENTIAL"), "pkcs11:token=a?pin-value=");
}

static void bounds_timeouts(void **state)
{
    (void)state;
    setenv("AWS_CONFIG_FILE", "/nonexistent/config", 1);
    assert_int_equal(LOAD("--cli-connect-timeout", "0", "--cli-read-timeout", "86400"), HSMIAM_OK);
    assert_int_equal(settings.connect_timeout, 0);
    assert_int_equal(settings.read_timeout, 86400);
    assert_int_equal(LOAD("--cli-read-timeout", "86401"), HSMIAM_ERR_ARGUMENT);
    assert_int_equal(LOAD("--token-timeout", "86401"), HSMIAM_ERR_ARGUMENT);
}

static void reads_a_timeout_of_the_profile(void **state)
{
    static const char *const wrong[] = {"soon", "-1", "1.5", "86401", "99999999999999999999"};

    (void)state;
    write_config("[default]\nhsmiam_token_timeout = 12\n");
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_int_equal(settings.token_timeout, 12);
    assert_int_equal(LOAD("--token-timeout", "0"), HSMIAM_OK);
    assert_int_equal(settings.token_timeout, 0);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char config[128];
        (void)snprintf(config, sizeof config, "[default]\nhsmiam_token_timeout = %s\n", wrong[i]);
        write_config(config);
        assert_int_equal(LOAD(), HSMIAM_ERR_CONFIG);
    }
}

/* A switch that protects is not off for its spelling. */
static void refuses_what_is_no_switch(void **state)
{
    static const char *const keys[] = {"hsmiam_forbid_plaintext_import", "hsmiam_audit_syslog"};
    static const char *const wrong[] = {"yes", "1", "on", "no"};
    char config[128];

    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        for (size_t j = 0; j < sizeof wrong / sizeof wrong[0]; j++) {
            (void)snprintf(config, sizeof config, "[default]\n%s = %s\n", keys[i], wrong[j]);
            write_config(config);
            assert_int_equal(LOAD(), HSMIAM_ERR_CONFIG);
        }
        (void)snprintf(config, sizeof config, "[default]\n%s = False\n", keys[i]);
        write_config(config);
        assert_int_equal(LOAD(), HSMIAM_OK);
        assert_false(settings.forbid_plaintext || settings.audit_syslog);
    }
}

static int make_file(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(has_defaults, clear, clear),
        cmocka_unit_test_setup_teardown(flag_beats_environment_beats_profile, clear, clear),
        cmocka_unit_test_setup_teardown(parts_tokens, clear, clear),
        cmocka_unit_test_setup_teardown(chooses_profiles, clear, clear),
        cmocka_unit_test_setup_teardown(tells_long_profile_names_apart, clear, clear),
        cmocka_unit_test_setup_teardown(chooses_endpoints, clear, clear),
        cmocka_unit_test_setup_teardown(chooses_sts_endpoints, clear, clear),
        cmocka_unit_test_setup_teardown(chooses_sts_endpoints_of_profiles, clear, clear),
        cmocka_unit_test_setup_teardown(counts_attempts, clear, clear),
        cmocka_unit_test_setup_teardown(knows_fips, clear, clear),
        cmocka_unit_test_setup_teardown(knows_output_and_color, clear, clear),
        cmocka_unit_test_setup_teardown(cuts_no_line, clear, clear),
        cmocka_unit_test_setup_teardown(refuses_what_it_cannot_read, clear, clear),
        cmocka_unit_test_setup_teardown(keeps_semicolons, clear, clear),
        cmocka_unit_test_setup_teardown(wipes_pins, clear, clear),
        cmocka_unit_test_setup_teardown(bounds_timeouts, clear, clear),
        cmocka_unit_test_setup_teardown(reads_a_timeout_of_the_profile, clear, clear),
        cmocka_unit_test_setup_teardown(refuses_what_is_no_switch, clear, clear),
    };

    return cmocka_run_group_tests(tests, make_file, remove_file);
}
