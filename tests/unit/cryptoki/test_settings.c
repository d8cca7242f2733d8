/* SPDX-License-Identifier: Apache-2.0 */
/* What a profile and the environment come to, by the name that the module has and the rights that
 * the program has. */
#include "cryptoki/name.h"
#include "cryptoki/settings.h"
#include "support/cmocka_tests.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

static char path[] = "/tmp/hsmiam-test-XXXXXX";
static const char *profile_by_name;
static unsigned long has_more_rights;
static hsmiam_module_settings settings;
static hsmiam_error *error;

const char *hsmiam_name_get_profile(void)
{
    return profile_by_name;
}

unsigned long getauxval(unsigned long type)
{
    return type == AT_SECURE ? has_more_rights : 0;
}

char *secure_getenv(const char *name)
{
    return has_more_rights != 0 ? NULL : getenv(name);
}

/* Whoever started the program; it has the rights of whoever runs the tests. */
uid_t getuid(void)
{
    return 65534;
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static hsmiam_status load(const char *text)
{
    write_file(path, text);
    hsmiam_module_settings_clear(&settings);
    return hsmiam_module_settings_load(&settings, error);
}

static void reads_the_profile(void **state)
{
    (void)state;
    assert_int_equal(load("[default]\nhsmiam_credential = pkcs11:id=c\nregion = r\nca_bundle = /b\n"
                          "services = s\nhsmiam_ledger = ~/l\nhsmiam_log_file = $HOME/log\n"
                          "use_fips_endpoint = False\nhsmiam_audit_syslog = TRUE\n"
                          "hsmiam_pin_source = /pin\n[services s]\niam =\n"
                          "  endpoint_url = https://iam\nsts =\n  endpoint_url = https://sts\n"),
                     HSMIAM_OK);
    assert_string_equal(settings.credential, "pkcs11:id=c");
    assert_string_equal(settings.token, "pkcs11:id=c");
    assert_string_equal(settings.pin_source, "/pin");
    assert_string_equal(settings.region, "r");
    assert_string_equal(settings.ca_bundle, "/b");
    assert_string_equal(settings.endpoint_url, "https://iam");
    assert_string_equal(settings.sts_endpoint_url, "https://sts");
    assert_string_equal(settings.ledger, "/home/h/l");
    assert_string_equal(settings.log_file, "/home/h/log");
    assert_true(settings.audit_syslog);
    assert_false(settings.fips || settings.forbid_plaintext);
    assert_int_equal(settings.token_timeout, 300);
    assert_int_equal(settings.max_attempts, 0);
}

static const char both[] = "[default]\nhsmiam_token = pkcs11:token=d\nregion = d\n"
                           "endpoint_url = https://d\nmax_attempts = 5\n[profile p]\n"
                           "hsmiam_token = pkcs11:token=p\nregion = p\nendpoint_url = https://p\n";

static void takes_the_environment_over_it(void **state)
{
    (void)state;
    setenv("AWS_REGION", "e", 1);
    setenv("HSMIAM_TOKEN", "pkcs11:token=e", 1);
    setenv("AWS_ENDPOINT_URL", "https://e", 1);
    setenv("AWS_MAX_ATTEMPTS", "7", 1);
    setenv("AWS_PROFILE", "p", 1);
    assert_int_equal(load(both), HSMIAM_OK);
    assert_string_equal(settings.region, "e");
    assert_string_equal(settings.token, "pkcs11:token=e");
    assert_string_equal(settings.endpoint_url, "https://e");
    assert_int_equal(settings.max_attempts, 7);
    unsetenv("AWS_REGION");
    setenv("HSMIAM_TOKEN", "", 1);
    setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true", 1);
    assert_int_equal(load(both), HSMIAM_OK);
    assert_string_equal(settings.region, "p");
    assert_string_equal(settings.token, "pkcs11:token=p");
    assert_null(settings.endpoint_url);
}

/* A copy by a name of its own is not led elsewhere by what is set for the other. */
static void goes_by_its_name(void **state)
{
    (void)state;
    profile_by_name = "p";
    setenv("AWS_REGION", "e", 1);
    setenv("HSMIAM_TOKEN", "pkcs11:token=e", 1);
    setenv("AWS_ENDPOINT_URL", "https://e", 1);
    setenv("AWS_PROFILE", "default", 1);
    assert_int_equal(load(both), HSMIAM_OK);
    assert_string_equal(settings.region, "p");
    assert_string_equal(settings.token, "pkcs11:token=p");
    assert_string_equal(settings.endpoint_url, "https://p");
    assert_string_equal(settings.sts_endpoint_url, "https://p");
    profile_by_name = "q";
    assert_int_equal(load(both), HSMIAM_ERR_CONFIG);
    assert_non_null(strstr(hsmiam_error_get_message(error), "(q)"));
    assert_non_null(strstr(hsmiam_error_get_message(error), path));
}

static void falls_back_to_the_system(void **state)
{
    (void)state;
    write_file(HSMIAM_SYSTEM_CONFIG, "[default]\nhsmiam_token = pkcs11:token=system\n");
    assert_int_equal(load(both), HSMIAM_OK);
    assert_string_equal(settings.token, "pkcs11:token=d");
    setenv("HSMIAM_TOKEN", "pkcs11:token=e", 1);
    has_more_rights = 1;
    assert_int_equal(load(both), HSMIAM_OK);
    assert_string_equal(settings.token, "pkcs11:token=system");
    has_more_rights = 0;
    unsetenv("HSMIAM_TOKEN");
    setenv("AWS_CONFIG_FILE", "/tmp/hsmiam-no-such/file", 1);
    assert_int_equal(load(both), HSMIAM_OK);
    assert_string_equal(settings.token, "pkcs11:token=system");
    assert_int_equal(unlink(HSMIAM_SYSTEM_CONFIG), 0);
    assert_int_equal(load(both), HSMIAM_ERR_CONFIG);
    assert_non_null(strstr(hsmiam_error_get_message(error), HSMIAM_SYSTEM_CONFIG));
    assert_non_null(strstr(hsmiam_error_get_message(error), "no /tmp/hsmiam-no-such/file"));
}

/* What is wrong with the settings belongs where they say, too. */
static void knows_the_log_file_where_others_are_wrong(void **state)
{
    (void)state;
    assert_int_equal(load("[default]\nhsmiam_log_file = /log\nmax_attempts = x\n"),
                     HSMIAM_ERR_CONFIG);
    assert_string_equal(settings.log_file, "/log");
    assert_null(settings.profile);
    assert_int_equal(load("[default]\nhsmiam_log_file = /log\n"), HSMIAM_ERR_CONFIG);
    assert_string_equal(settings.log_file, "/log");
}

/* The files that are written with more rights than the user has are none of his choice. */
static void writes_where_the_system_says(void **state)
{
    const struct passwd *entry = getpwuid(geteuid());
    char expected[256];

    (void)state;
    assert_non_null(entry);
    has_more_rights = 1;
    setenv("XDG_STATE_HOME", "/home/h/state", 1);
    write_file(HSMIAM_SYSTEM_CONFIG, "[default]\nhsmiam_token = pkcs11:token=system\n"
                                     "hsmiam_log_file = ~/$HOME/log\n");
    assert_int_equal(load(both), HSMIAM_OK);
    (void)snprintf(expected, sizeof expected, "%s/.local/state/hsmiam/ledger.jsonl", entry->pw_dir);
    assert_string_equal(settings.ledger, expected);
    (void)snprintf(expected, sizeof expected, "%s/$HOME/log", entry->pw_dir);
    assert_string_equal(settings.log_file, expected);
    write_file(HSMIAM_SYSTEM_CONFIG, "[default]\nhsmiam_token = pkcs11:token=system\n"
                                     "hsmiam_log_file = $HOME/log\n");
    assert_int_equal(load(both), HSMIAM_ERR_CONFIG);
    assert_non_null(strstr(hsmiam_error_get_message(error), "absolute"));
    has_more_rights = 0;
    unsetenv("XDG_STATE_HOME");
    assert_int_equal(unlink(HSMIAM_SYSTEM_CONFIG), 0);
}

static void parts_tokens(void **state)
{
    char many[1024] = "[default]\nhsmiam_token =";

    (void)state;
    assert_int_equal(load("[default]\nhsmiam_token = pkcs11:token=a \tpkcs11:token=b  "
                          "pkcs11:token=c\n"),
                     HSMIAM_OK);
    assert_string_equal(settings.token, "pkcs11:token=a");
    assert_string_equal(settings.replicas[0], "pkcs11:token=b");
    assert_string_equal(settings.replicas[1], "pkcs11:token=c");
    assert_null(settings.replicas[2]);
    for (int i = 0; i < HSMIAM_REPLICAS_MAX + 2; i++)
        strcat(many, " pkcs11:token=x");
    assert_int_equal(load(many), HSMIAM_ERR_CONFIG);
}

static void refuses(void **state)
{
    static const struct {
        const char *line;
        const char *says;
    } cases[] = {
        {"region = r", "neither hsmiam_token nor hsmiam_credential"},
        {"max_attempts = 0", "from 1 to 1000"},
        {"max_attempts = 5x", "from 1 to 1000"},
        {"hsmiam_token_timeout = 4294967297", "from 0 to 86400"},
        {"hsmiam_forbid_plaintext_import = yes", "must be true or false"},
        {"use_fips_endpoint = true\nendpoint_url = https://x", "FIPS and custom endpoint"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256];

        (void)snprintf(text, sizeof text, "[default]\n%s%s\n",
                       i > 0 ? "hsmiam_token = pkcs11:token=a?pin-value=sEcReT\n" : "",
                       cases[i].line);
        assert_int_equal(load(text), HSMIAM_ERR_CONFIG);
        assert_non_null(strstr(hsmiam_error_get_message(error), cases[i].says));
        assert_null(strstr(hsmiam_error_get_message(error), "sEcReT"));
    }
}

static int set_up(void **state)
{
    static const char *const variables[] = {
        "AWS_REGION",           "AWS_DEFAULT_REGION",   "HSMIAM_TOKEN",
        "HSMIAM_CREDENTIAL",    "HSMIAM_LEDGER",        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_IAM", "AWS_ENDPOINT_URL_STS", "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",  "AWS_MAX_ATTEMPTS",     "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        "AWS_CA_BUNDLE",        "AWS_USE_FIPS_ENDPOINT"};

    (void)state;
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        unsetenv(variables[i]);
    profile_by_name = NULL;
    has_more_rights = 0;
    setenv("HOME", "/home/h", 1);
    return setenv("AWS_CONFIG_FILE", path, 1);
}

static int start(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    error = hsmiam_error_new();
    return fd < 0 ? -1 : close(fd);
}

static int stop(void **state)
{
    (void)state;
    hsmiam_module_settings_clear(&settings);
    hsmiam_error_free(&error);
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(reads_the_profile, set_up),
        cmocka_unit_test_setup(takes_the_environment_over_it, set_up),
        cmocka_unit_test_setup(goes_by_its_name, set_up),
        cmocka_unit_test_setup(falls_back_to_the_system, set_up),
        cmocka_unit_test_setup(writes_where_the_system_says, set_up),
        cmocka_unit_test_setup(knows_the_log_file_where_others_are_wrong, set_up),
        cmocka_unit_test_setup(parts_tokens, set_up),
        cmocka_unit_test_setup(refuses, set_up),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
