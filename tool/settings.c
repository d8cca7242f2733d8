/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#include "paths.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define TIMEOUT_DEFAULT       60
#define TOKEN_TIMEOUT_DEFAULT 300
#define TIMEOUT_MAX           86400
#define ATTEMPTS_MAX          1000

static const char credential_variable[] = "HSMIAM_CREDENTIAL";
static const char token_variable[] = "HSMIAM_TOKEN";

/* An environment variable, NULL if it is not set or empty. */
static const char *get_variable(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

/* The first of those that is there. */
static const char *choose(const char *first, const char *second, const char *third)
{
    if (first)
        return first;
    return second ? second : third;
}

static const char *get_profile_value(const tool_settings *settings, tool_profile_key key)
{
    return settings->profile.values[key];
}

static hsmiam_status load_profile(const tool_arguments *arguments, tool_settings *settings,
                                  tool_error *error)
{
    settings->profile_name =
        choose(tool_arguments_get(arguments, "--profile"), get_variable("AWS_PROFILE"),
               get_variable("AWS_DEFAULT_PROFILE"));
    return tool_profile_load(settings->profile_name, &settings->profile, error);
}

static bool ignores_configured_endpoints(const tool_settings *settings)
{
    const char *ignore = choose(get_variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"),
                                get_profile_value(settings, TOOL_PROFILE_IGNORE_ENDPOINTS), NULL);

    return tool_text_is_true(ignore);
}

/* Endpoints of environment and profile, the one for IAM before the one for all services. */
static const char *find_configured_endpoint(const tool_settings *settings)
{
    const char *of_environment =
        choose(get_variable("AWS_ENDPOINT_URL_IAM"), get_variable("AWS_ENDPOINT_URL"), NULL);

    if (ignores_configured_endpoints(settings))
        return NULL;
    return choose(of_environment, settings->profile.service_endpoint,
                  get_profile_value(settings, TOOL_PROFILE_ENDPOINT_URL));
}

/* Where environment or profile have an endpoint for STS. */
static const char *find_sts_endpoint(const tool_arguments *arguments, const tool_settings *settings)
{
    const char *of_environment =
        choose(get_variable("AWS_ENDPOINT_URL_STS"), get_variable("AWS_ENDPOINT_URL"), NULL);

    if (tool_arguments_get(arguments, "--endpoint-url") || ignores_configured_endpoints(settings))
        return NULL;
    return choose(of_environment, settings->profile.sts_endpoint,
                  get_profile_value(settings, TOOL_PROFILE_ENDPOINT_URL));
}

static hsmiam_status choose_attempts(tool_settings *settings, tool_error *error)
{
    const char *text = choose(get_variable("AWS_MAX_ATTEMPTS"),
                              get_profile_value(settings, TOOL_PROFILE_MAX_ATTEMPTS), NULL);
    unsigned long number = 0;

    if (!text)
        return HSMIAM_OK;
    if (strspn(text, "0123456789") == strlen(text))
        number = strtoul(text, NULL, 10);
    if (number < 1 || number > ATTEMPTS_MAX)
        return tool_error_set(error, HSMIAM_ERR_CONFIG,
                              "Value provided to \"max_attempts\": \"%s\" must be a whole number "
                              "from 1 to %d",
                              text, ATTEMPTS_MAX);
    settings->max_attempts = (unsigned)number;
    return HSMIAM_OK;
}

static hsmiam_status choose_service(const tool_arguments *arguments, tool_settings *settings,
                                    tool_error *error)
{
    const char *of_environment =
        choose(get_variable("AWS_REGION"), get_variable("AWS_DEFAULT_REGION"), NULL);

    settings->region = choose(tool_arguments_get(arguments, "--region"), of_environment,
                              get_profile_value(settings, TOOL_PROFILE_REGION));
    settings->endpoint_url = choose(tool_arguments_get(arguments, "--endpoint-url"),
                                    find_configured_endpoint(settings), NULL);
    settings->sts_endpoint_url = find_sts_endpoint(arguments, settings);
    settings->ca_bundle =
        choose(tool_arguments_get(arguments, "--ca-bundle"), get_variable("AWS_CA_BUNDLE"),
               get_profile_value(settings, TOOL_PROFILE_CA_BUNDLE));
    settings->no_verify = tool_arguments_get(arguments, "--no-verify-ssl") != NULL;
    settings->fips =
        tool_text_is_true(choose(get_variable("AWS_USE_FIPS_ENDPOINT"),
                                 get_profile_value(settings, TOOL_PROFILE_FIPS), NULL));
    if (settings->fips && settings->endpoint_url)
        return tool_error_set(error, HSMIAM_ERR_CONFIG,
                              "Invalid Configuration: FIPS and custom endpoint are not supported");
    return choose_attempts(settings, error);
}

/* A number of seconds in the profile, where nobody has looked at it yet. */
static hsmiam_status parse_seconds(const char *key, const char *text, unsigned *seconds_out,
                                   tool_error *error)
{
    size_t digits = strspn(text, "0123456789");
    unsigned long seconds = strtoul(text, NULL, 10);

    if (text[digits] != '\0' || digits > 9 || seconds > TIMEOUT_MAX)
        return tool_error_set(
            error, HSMIAM_ERR_CONFIG,
            "%s in the profile is \"%s\", and must be a number of seconds, at most "
            "%d.",
            key, text, TIMEOUT_MAX);
    *seconds_out = (unsigned)seconds;
    return HSMIAM_OK;
}

static hsmiam_status choose_token_timeout(const tool_arguments *arguments, tool_settings *settings,
                                          tool_error *error)
{
    const char *of_profile = get_profile_value(settings, TOOL_PROFILE_TOKEN_TIMEOUT);
    hsmiam_status status = HSMIAM_OK;

    settings->token_timeout = TOKEN_TIMEOUT_DEFAULT;
    if (of_profile)
        status = parse_seconds("hsmiam_token_timeout", of_profile, &settings->token_timeout, error);
    if (status != HSMIAM_OK)
        return status;
    return tool_arguments_get_number(arguments, "--token-timeout", TIMEOUT_MAX,
                                     &settings->token_timeout, error);
}

/* A switch that guards something must not be off for its spelling. */
static hsmiam_status choose_switch(const tool_settings *settings, tool_profile_key key,
                                   const char *name, bool *value_out, tool_error *error)
{
    const char *text = get_profile_value(settings, key);

    *value_out = tool_text_is_true(text);
    if (!text || *value_out || strcasecmp(text, "false") == 0)
        return HSMIAM_OK;
    return tool_error_set(error, HSMIAM_ERR_CONFIG,
                          "%s in the profile is \"%s\", and must be true or false.", name, text);
}

static hsmiam_status refuse_tokens(tool_error *error)
{
    return tool_error_set(error, HSMIAM_ERR_CONFIG, "At most %d tokens may take keys in at once.",
                          HSMIAM_REPLICAS_MAX + 1);
}

/* Environment and profile part several URIs by blanks. */
static hsmiam_status split_tokens(tool_settings *settings, const char *text, tool_error *error)
{
    const char *second = text ? hsmiam_profile_find_next_uri(text) : NULL;
    char *next = NULL;

    settings->token = text;
    if (!second)
        return HSMIAM_OK;
    settings->token_text_size = strlen(text);
    settings->token_text = strdup(text);
    if (!settings->token_text)
        return tool_error_set_memory(error);
    settings->token = settings->token_text;
    next = settings->token_text + (second - text);
    for (size_t i = 0; next; i++) {
        if (i == HSMIAM_REPLICAS_MAX)
            return refuse_tokens(error);
        settings->replicas[i] = next;
        for (char *end = next - 1; *end == ' ' || *end == '\t'; end--)
            *end = '\0';
        next = (char *)hsmiam_profile_find_next_uri(next);
    }
    return HSMIAM_OK;
}

static hsmiam_status choose_tokens(const tool_arguments *arguments, tool_settings *settings,
                                   tool_error *error)
{
    const char *const *flags = arguments->repeated_globals;

    if (!flags[0])
        return split_tokens(settings,
                            choose(get_variable(token_variable),
                                   get_profile_value(settings, TOOL_PROFILE_TOKEN), NULL),
                            error);
    settings->token = flags[0];
    for (size_t i = 0; flags[i + 1]; i++) {
        if (i == HSMIAM_REPLICAS_MAX)
            return refuse_tokens(error);
        settings->replicas[i] = flags[i + 1];
    }
    return HSMIAM_OK;
}

static hsmiam_status choose_token(const tool_arguments *arguments, tool_settings *settings,
                                  tool_error *error)
{
    settings->credential =
        choose(tool_arguments_get(arguments, "--credential"), get_variable(credential_variable),
               get_profile_value(settings, TOOL_PROFILE_CREDENTIAL));
    settings->pin_source = tool_arguments_get(arguments, "--pin-source");
    settings->profile_pin_source = get_profile_value(settings, TOOL_PROFILE_PIN_SOURCE);
    settings->allow_final_try = tool_arguments_get(arguments, "--allow-final-try") != NULL;
    hsmiam_status status = choose_tokens(arguments, settings, error);
    if (status != HSMIAM_OK)
        return status;
    status = choose_switch(settings, TOOL_PROFILE_FORBID_PLAINTEXT,
                           "hsmiam_forbid_plaintext_import", &settings->forbid_plaintext, error);
    settings->forbid_plaintext |=
        tool_arguments_get(arguments, "--forbid-plaintext-import") != NULL;
    return status;
}

static hsmiam_status choose_ledger(const tool_arguments *arguments, tool_settings *settings,
                                   tool_error *error)
{
    const char *flag = tool_arguments_get(arguments, "--ledger");
    const char *path = choose(flag, get_variable("HSMIAM_LEDGER"),
                              get_profile_value(settings, TOOL_PROFILE_LEDGER));

    hsmiam_status status = choose_switch(settings, TOOL_PROFILE_AUDIT_SYSLOG, "hsmiam_audit_syslog",
                                         &settings->audit_syslog, error);
    if (status != HSMIAM_OK)
        return status;
    settings->audit_syslog |= tool_arguments_get(arguments, "--audit-syslog") != NULL;
    settings->ledger = path ? hsmiam_path_expand(path) : hsmiam_path_make_ledger();
    return settings->ledger ? HSMIAM_OK : tool_error_set_memory(error);
}

static hsmiam_status choose_output(const tool_arguments *arguments, tool_settings *settings,
                                   tool_error *error)
{
    const char *output =
        choose(tool_arguments_get(arguments, "--output"), get_variable("AWS_DEFAULT_OUTPUT"),
               get_profile_value(settings, TOOL_PROFILE_OUTPUT));
    const char *color = tool_arguments_get(arguments, "--color");

    if (color && strcmp(color, "auto") != 0)
        settings->color = strcmp(color, "on") == 0;
    else
        settings->color = !get_variable("NO_COLOR") && isatty(STDOUT_FILENO);
    settings->output = TOOL_OUTPUT_JSON;
    for (int i = 0; output; i++) {
        if (!tool_output_choices[i])
            return tool_error_set(error, HSMIAM_ERR_CONFIG, "Unknown output type: %s", output);
        if (strcmp(output, tool_output_choices[i]) == 0) {
            settings->output = (tool_output)i;
            break;
        }
    }
    return HSMIAM_OK;
}

static hsmiam_status choose_timeouts(const tool_arguments *arguments, tool_settings *settings,
                                     tool_error *error)
{
    hsmiam_status status = HSMIAM_OK;

    settings->connect_timeout = TIMEOUT_DEFAULT;
    settings->read_timeout = TIMEOUT_DEFAULT;
    status = tool_arguments_get_number(arguments, "--cli-connect-timeout", TIMEOUT_MAX,
                                       &settings->connect_timeout, error);
    if (status != HSMIAM_OK)
        return status;
    return tool_arguments_get_number(arguments, "--cli-read-timeout", TIMEOUT_MAX,
                                     &settings->read_timeout, error);
}

hsmiam_status tool_settings_load(const tool_arguments *arguments, tool_settings *settings_out,
                                 tool_error *error)
{
    hsmiam_status status = HSMIAM_OK;

    *settings_out = (tool_settings){0};
    status = choose_timeouts(arguments, settings_out, error);
    if (status == HSMIAM_OK)
        status = load_profile(arguments, settings_out, error);
    if (status == HSMIAM_OK)
        status = choose_service(arguments, settings_out, error);
    if (status == HSMIAM_OK)
        status = choose_output(arguments, settings_out, error);
    if (status == HSMIAM_OK)
        status = choose_token_timeout(arguments, settings_out, error);
    if (status == HSMIAM_OK)
        status = choose_ledger(arguments, settings_out, error);
    if (status == HSMIAM_OK)
        status = choose_token(arguments, settings_out, error);
    return status;
}

void tool_settings_remove_pins(tool_settings *settings)
{
    char *variables[] = {getenv(credential_variable), getenv(token_variable)};

    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        if (variables[i])
            tool_text_remove_pin(variables[i]);
    }
    for (char *at = settings->token_text;
         at && at < settings->token_text + settings->token_text_size; at += strlen(at) + 1)
        tool_text_remove_pin(at);
    for (size_t i = 0; i < TOOL_PROFILE_KEY_COUNT; i++) {
        if (settings->profile.values[i])
            tool_text_remove_pin(settings->profile.values[i]);
    }
}

void tool_settings_clear(tool_settings *settings)
{
    tool_profile_clear(&settings->profile);
    if (settings->token_text)
        explicit_bzero(settings->token_text, settings->token_text_size);
    free(settings->token_text);
    free(settings->ledger);
    *settings = (tool_settings){0};
}
