/* SPDX-License-Identifier: Apache-2.0 */
#include "settings_bed.h"

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

struct settings_bed settings_bed = {.path = "/tmp/hsmiam-test-XXXXXX"};

int settings_clear(void **state)
{
    (void)state;
    tool_settings_clear(&settings_bed.settings);
    tool_error_clear(&settings_bed.error);
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        unsetenv(variables[i]);
    return 0;
}

void settings_write_config(const char *text)
{
    FILE *file = fopen(settings_bed.path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    setenv("AWS_CONFIG_FILE", settings_bed.path, 1);
}

hsmiam_status settings_load(const char *const *argv)
{
    static tool_arguments arguments;
    int argc = 0;

    while (argv[argc])
        argc++;
    tool_settings_clear(&settings_bed.settings);
    tool_error_clear(&settings_bed.error);
    assert_int_equal(tool_arguments_parse(argc, argv, commands, &arguments, &settings_bed.error),
                     HSMIAM_OK);
    return tool_settings_load(&arguments, &settings_bed.settings, &settings_bed.error);
}

int settings_make_file(void **state)
{
    int fd = mkstemp(settings_bed.path);

    (void)state;
    return fd < 0 ? -1 : close(fd);
}

int settings_remove_file(void **state)
{
    (void)state;
    return unlink(settings_bed.path);
}
