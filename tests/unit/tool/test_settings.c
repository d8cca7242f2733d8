/* SPDX-License-Identifier: Apache-2.0 */
/* Where each setting comes from, and what of it is refused. */
#include "settings_bed.h"

#include <stdlib.h>

static void has_defaults(void **state)
{
    (void)state;
    setenv("AWS_CONFIG_FILE", "/nonexistent/config", 1);
    setenv("AWS_REGION", "", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_null(settings_bed.settings.credential);
    assert_null(settings_bed.settings.token);
    assert_null(settings_bed.settings.region);
    assert_null(settings_bed.settings.endpoint_url);
    assert_int_equal(settings_bed.settings.output, TOOL_OUTPUT_JSON);
    assert_int_equal(settings_bed.settings.connect_timeout, 60);
    assert_int_equal(settings_bed.settings.read_timeout, 60);
    assert_int_equal(settings_bed.settings.token_timeout, 300);
    assert_false(settings_bed.settings.fips || settings_bed.settings.no_verify ||
                 settings_bed.settings.allow_final_try || settings_bed.settings.forbid_plaintext);
}

/* A URI has no blank, but where it is a command's. */
static void parts_tokens(void **state)
{
    (void)state;
    settings_write_config(
        "[default]\nhsmiam_token = pkcs11:token=a?pin-source=|cat x PKCS11:token=b\n");
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_string_equal(settings_bed.settings.token, "pkcs11:token=a?pin-source=|cat x");
    assert_string_equal(settings_bed.settings.replicas[0], "PKCS11:token=b");
    assert_null(settings_bed.settings.replicas[1]);
    setenv("HSMIAM_TOKEN", "pkcs11:a?pin-value=sEcReT  pkcs11:b pkcs11:c?pin-value=sEcReT", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_string_equal(settings_bed.settings.replicas[1], "pkcs11:c?pin-value=sEcReT");
    tool_settings_remove_pins(&settings_bed.settings);
    assert_string_equal(settings_bed.settings.token, "pkcs11:a?pin-value=");
    assert_string_equal(settings_bed.settings.replicas[1], "pkcs11:c?pin-value=");
    assert_int_equal(LOAD("--token", "x", "--token=y"), HSMIAM_OK);
    assert_string_equal(settings_bed.settings.token, "x");
    assert_string_equal(settings_bed.settings.replicas[0], "y");
    assert_null(settings_bed.settings.replicas[1]);
    setenv("HSMIAM_TOKEN",
           "pkcs11: pkcs11: pkcs11: pkcs11: pkcs11: pkcs11: pkcs11: pkcs11: pkcs11:", 1);
    assert_int_equal(LOAD(), HSMIAM_ERR_CONFIG);
}

static void flag_beats_environment_beats_profile(void **state)
{
    (void)state;
    settings_write_config(
        "[default]\nregion = r-profile\nhsmiam_credential = pkcs11:token=p;object=o\n"
        "hsmiam_token=pkcs11:token=t\nca_bundle = /p\noutput = text\n"
        "endpoint_url = https://p\nhsmiam_pin_source = /pin\n"
        "hsmiam_forbid_plaintext_import = true\n");
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_true(settings_bed.settings.forbid_plaintext);
    assert_string_equal(settings_bed.settings.region, "r-profile");
    assert_string_equal(settings_bed.settings.credential, "pkcs11:token=p;object=o");
    assert_string_equal(settings_bed.settings.token, "pkcs11:token=t");
    assert_string_equal(settings_bed.settings.ca_bundle, "/p");
    assert_string_equal(settings_bed.settings.endpoint_url, "https://p");
    assert_string_equal(settings_bed.settings.profile_pin_source, "/pin");
    assert_null(settings_bed.settings.pin_source);
    assert_int_equal(settings_bed.settings.output, TOOL_OUTPUT_TEXT);

    setenv("AWS_DEFAULT_REGION", "r-default", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_string_equal(settings_bed.settings.region, "r-default");
    setenv("AWS_REGION", "r-environment", 1);
    setenv("HSMIAM_CREDENTIAL", "pkcs11:token=e", 1);
    setenv("HSMIAM_TOKEN", "pkcs11:token=f", 1);
    setenv("AWS_CA_BUNDLE", "/e", 1);
    setenv("AWS_DEFAULT_OUTPUT", "yaml", 1);
    setenv("AWS_ENDPOINT_URL", "https://e", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_string_equal(settings_bed.settings.region, "r-environment");
    assert_string_equal(settings_bed.settings.credential, "pkcs11:token=e");
    assert_string_equal(settings_bed.settings.token, "pkcs11:token=f");
    assert_string_equal(settings_bed.settings.ca_bundle, "/e");
    assert_string_equal(settings_bed.settings.endpoint_url, "https://e");
    assert_int_equal(settings_bed.settings.output, TOOL_OUTPUT_YAML);

    assert_int_equal(LOAD("--region", "r-flag", "--credential", "pkcs11:token=g", "--token",
                          "pkcs11:token=h", "--ca-bundle", "/f", "--output", "table",
                          "--endpoint-url", "https://f", "--pin-source", "/flag"),
                     HSMIAM_OK);
    assert_string_equal(settings_bed.settings.region, "r-flag");
    assert_string_equal(settings_bed.settings.credential, "pkcs11:token=g");
    assert_string_equal(settings_bed.settings.token, "pkcs11:token=h");
    assert_string_equal(settings_bed.settings.ca_bundle, "/f");
    assert_string_equal(settings_bed.settings.endpoint_url, "https://f");
    assert_string_equal(settings_bed.settings.pin_source, "/flag");
    assert_int_equal(settings_bed.settings.output, TOOL_OUTPUT_TABLE);
}

static void chooses_profiles(void **state)
{
    (void)state;
    settings_write_config(
        "\xef\xbb\xbf[default]\nregion = d\n[profile a]\nregion = a\n"
        "# region = x\n; region = y\n[profile \"b c\"]\nregion = bc\n[plain]\nregion = p\n");
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_string_equal(settings_bed.settings.region, "d");
    assert_int_equal(LOAD("--profile", "a"), HSMIAM_OK);
    assert_string_equal(settings_bed.settings.region, "a");
    assert_int_equal(LOAD("--profile", "b c"), HSMIAM_OK);
    assert_string_equal(settings_bed.settings.region, "bc");
    setenv("AWS_DEFAULT_PROFILE", "a", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_string_equal(settings_bed.settings.region, "a");
    setenv("AWS_PROFILE", "b c", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_string_equal(settings_bed.settings.region, "bc");
    assert_int_equal(LOAD("--profile", "plain"), HSMIAM_ERR_CONFIG);
    assert_int_equal(LOAD("--profile", "nope"), HSMIAM_ERR_CONFIG);
    assert_string_equal(settings_bed.error.message, "The config profile (nope) could not be found");
    setenv("AWS_CONFIG_FILE", "/nonexistent/config", 1);
    assert_int_equal(LOAD("--profile", "a"), HSMIAM_ERR_CONFIG);
    assert_string_equal(settings_bed.error.message, "The config profile (a) could not be found");
}

static void tells_long_profile_names_apart(void **state)
{
    (void)state;
    settings_write_config(
        "[profile 0123456789012345678901234567890123456789012345678901234567890-a]\n"
        "region = a\n"
        "[profile 0123456789012345678901234567890123456789012345678901234567890-b]\n"
        "region = b\n");
    assert_int_equal(
        LOAD("--profile", "0123456789012345678901234567890123456789012345678901234567890-b"),
        HSMIAM_OK);
    assert_string_equal(settings_bed.settings.region, "b");
}

static void counts_attempts(void **state)
{
    static const char *const wrong[] = {"0", "-1", "1001", "three", "3 ", "99999999999999999999"};

    (void)state;
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_int_equal(settings_bed.settings.max_attempts, 0);
    settings_write_config("[default]\nmax_attempts = 5\n");
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_int_equal(settings_bed.settings.max_attempts, 5);
    setenv("AWS_MAX_ATTEMPTS", "1", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_int_equal(settings_bed.settings.max_attempts, 1);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        setenv("AWS_MAX_ATTEMPTS", wrong[i], 1);
        assert_int_equal(LOAD(), HSMIAM_ERR_CONFIG);
        assert_contains(settings_bed.error.message, "must be a whole number from 1 to 1000");
    }
}

static void knows_output_and_color(void **state)
{
    (void)state;
    settings_write_config("[default]\noutput = xml\n");
    assert_int_equal(LOAD(), HSMIAM_ERR_CONFIG);
    assert_string_equal(settings_bed.error.message, "Unknown output type: xml");
    assert_int_equal(LOAD("--output", "json", "--color", "on"), HSMIAM_OK);
    assert_true(settings_bed.settings.color);
    assert_int_equal(LOAD("--output", "json", "--color", "off"), HSMIAM_OK);
    assert_false(settings_bed.settings.color);
    setenv("NO_COLOR", "1", 1);
    assert_int_equal(LOAD("--output", "json", "--color", "auto"), HSMIAM_OK);
    assert_false(settings_bed.settings.color);
    assert_int_equal(LOAD("--output", "json", "--color", "on"), HSMIAM_OK);
    assert_true(settings_bed.settings.color);
}

/* A profile whose second line has `length` bytes, its line end not counted. */
static void write_long_line(size_t length)
{
    static const char start[] = "hsmiam_credential = ";
    FILE *file = fopen(settings_bed.path, "w");

    assert_non_null(file);
    assert_int_equal(
        fprintf(file, "[default]\n%s%0*d\nregion = r\n", start, (int)(length - strlen(start)), 0),
        length + strlen("[default]\n\nregion = r\n"));
    assert_int_equal(fclose(file), 0);
    setenv("AWS_CONFIG_FILE", settings_bed.path, 1);
}

static void cuts_no_line(void **state)
{
    (void)state;
    write_long_line(HSMIAM_PROFILE_LINE_MAX - 2);
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_int_equal(strlen(settings_bed.settings.credential),
                     HSMIAM_PROFILE_LINE_MAX - 2 - strlen("hsmiam_credential = "));
    assert_string_equal(settings_bed.settings.region, "r");
    write_long_line(HSMIAM_PROFILE_LINE_MAX - 1);
    assert_int_equal(LOAD(), HSMIAM_ERR_CONFIG);
    assert_contains(settings_bed.error.message, settings_bed.path);
    assert_contains(settings_bed.error.message, "line 2 is longer than 8190 bytes");
}

static void refuses_what_it_cannot_read(void **state)
{
    (void)state;
    settings_write_config("[default]\nregion = r\nnonsense\n");
    assert_int_equal(LOAD(), HSMIAM_ERR_CONFIG);
    assert_contains(settings_bed.error.message, "Unable to parse config file: /tmp/");
    assert_contains(settings_bed.error.message, "line 3");
    setenv("AWS_CONFIG_FILE", "/tmp", 1);
    assert_int_equal(LOAD(), HSMIAM_ERR_CONFIG);
    assert_contains(settings_bed.error.message, "Unable to read config file: /tmp");
}

static void keeps_semicolons(void **state)
{
    (void)state;
    settings_write_config("[default]\n"
                          "hsmiam_token = pkcs11:token=a ; b;serial=1?pin-source=|cat /x ;y#z\n");
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_string_equal(settings_bed.settings.token,
                        "pkcs11:token=a ; b;serial=1?pin-source=|cat /x ;y#z");
}

static void wipes_pins(void **state)
{
    (void)state;
    settings_write_config("[default]\nhsmiam_token = pkcs11:?pin-value=1234\n");
    setenv("HSMIAM_CREDENTIAL", "pkcs11:token=a?pin-value=5678", 1);
    assert_int_equal(LOAD(), HSMIAM_OK);
    tool_settings_remove_pins(&settings_bed.settings);
    assert_string_equal(settings_bed.settings.token, "pkcs11:?pin-value=");
    assert_string_equal(getenv("HSMIAM_CREDENTIAL"), "pkcs11:token=a?pin-value=");
}

static void bounds_timeouts(void **state)
{
    (void)state;
    setenv("AWS_CONFIG_FILE", "/nonexistent/config", 1);
    assert_int_equal(LOAD("--cli-connect-timeout", "0", "--cli-read-timeout", "86400"), HSMIAM_OK);
    assert_int_equal(settings_bed.settings.connect_timeout, 0);
    assert_int_equal(settings_bed.settings.read_timeout, 86400);
    assert_int_equal(LOAD("--cli-read-timeout", "86401"), HSMIAM_ERR_ARGUMENT);
    assert_int_equal(LOAD("--token-timeout", "86401"), HSMIAM_ERR_ARGUMENT);
}

static void reads_a_timeout_of_the_profile(void **state)
{
    static const char *const wrong[] = {"soon", "-1", "1.5", "86401", "99999999999999999999"};

    (void)state;
    settings_write_config("[default]\nhsmiam_token_timeout = 12\n");
    assert_int_equal(LOAD(), HSMIAM_OK);
    assert_int_equal(settings_bed.settings.token_timeout, 12);
    assert_int_equal(LOAD("--token-timeout", "0"), HSMIAM_OK);
    assert_int_equal(settings_bed.settings.token_timeout, 0);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char config[128];
        (void)snprintf(config, sizeof config, "[default]\nhsmiam_token_timeout = %s\n", wrong[i]);
        settings_write_config(config);
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
            settings_write_config(config);
            assert_int_equal(LOAD(), HSMIAM_ERR_CONFIG);
        }
        (void)snprintf(config, sizeof config, "[default]\n%s = False\n", keys[i]);
        settings_write_config(config);
        assert_int_equal(LOAD(), HSMIAM_OK);
        assert_false(settings_bed.settings.forbid_plaintext || settings_bed.settings.audit_syslog);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(has_defaults, settings_clear, settings_clear),
        cmocka_unit_test_setup_teardown(flag_beats_environment_beats_profile, settings_clear,
                                        settings_clear),
        cmocka_unit_test_setup_teardown(parts_tokens, settings_clear, settings_clear),
        cmocka_unit_test_setup_teardown(chooses_profiles, settings_clear, settings_clear),
        cmocka_unit_test_setup_teardown(tells_long_profile_names_apart, settings_clear,
                                        settings_clear),
        cmocka_unit_test_setup_teardown(counts_attempts, settings_clear, settings_clear),
        cmocka_unit_test_setup_teardown(knows_output_and_color, settings_clear, settings_clear),
        cmocka_unit_test_setup_teardown(cuts_no_line, settings_clear, settings_clear),
        cmocka_unit_test_setup_teardown(refuses_what_it_cannot_read, settings_clear,
                                        settings_clear),
        cmocka_unit_test_setup_teardown(keeps_semicolons, settings_clear, settings_clear),
        cmocka_unit_test_setup_teardown(wipes_pins, settings_clear, settings_clear),
        cmocka_unit_test_setup_teardown(bounds_timeouts, settings_clear, settings_clear),
        cmocka_unit_test_setup_teardown(reads_a_timeout_of_the_profile, settings_clear,
                                        settings_clear),
        cmocka_unit_test_setup_teardown(refuses_what_is_no_switch, settings_clear, settings_clear),
    };

    return cmocka_run_group_tests(tests, settings_make_file, settings_remove_file);
}
