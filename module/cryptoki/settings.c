/* SPDX-License-Identifier: Apache-2.0 */
#include "cryptoki/settings.h"

#include "cryptoki/name.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/auxv.h>
#include <unistd.h>

#define NAMES_MAX 3

/* Where a text comes from: the first of the variables that is not "", or else the profile. */
typedef struct text_source {
    size_t offset;
    const char *variables[NAMES_MAX];
    const char *key;
} text_source;

#define OFFSET(member) offsetof(hsmiam_module_settings, member)

static const text_source text_sources[] = {
    {OFFSET(credential), {"HSMIAM_CREDENTIAL"}, "hsmiam_credential"},
    {OFFSET(token), {"HSMIAM_TOKEN"}, "hsmiam_token"},
    {OFFSET(pin_source), {NULL}, "hsmiam_pin_source"},
    {OFFSET(region), {"AWS_REGION", "AWS_DEFAULT_REGION"}, "region"},
    {OFFSET(ca_bundle), {"AWS_CA_BUNDLE"}, "ca_bundle"},
};

/* Whether it is a number, and the least and the most that it may be, is told by the file. */
typedef struct number_source {
    size_t offset;
    const char *variable;
    const char *key;
    unsigned fallback;
    unsigned least;
    unsigned most;
} number_source;

static const number_source number_sources[] = {
    {OFFSET(token_timeout), NULL, "hsmiam_token_timeout", 300, 0, 86400},
    {OFFSET(max_attempts), "AWS_MAX_ATTEMPTS", "max_attempts", 0, 1, 1000},
};

/* A switch that is not true or false is refused: what it guards must not be off for its spelling.
 */
typedef struct switch_source {
    size_t offset;
    const char *variable;
    const char *key;
} switch_source;

static const switch_source switch_sources[] = {
    {OFFSET(fips), "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"},
    {OFFSET(forbid_plaintext), NULL, "hsmiam_forbid_plaintext_import"},
    {OFFSET(audit_syslog), NULL, "hsmiam_audit_syslog"},
};

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

/* Whether the environment is somebody else's than the rights are. */
static bool has_more_rights(void)
{
    return getauxval(AT_SECURE) != 0;
}

/* A variable, where it may say something; NULL: it does not. */
static const char *get_variable(const char *variable)
{
    const char *value = NULL;

    if (variable != NULL && hsmiam_name_get_profile() == NULL && !has_more_rights())
        value = getenv(variable);
    return value != NULL && *value != '\0' ? value : NULL;
}

/* What the first of the variables says, or else the profile. */
static const char *choose(const hsmiam_module_settings *settings,
                          const char *const variables[NAMES_MAX], const char *key)
{
    const char *value = NULL;

    for (size_t i = 0; i < NAMES_MAX && value == NULL; i++)
        value = get_variable(variables[i]);
    if (value == NULL && key != NULL)
        value = hsmiam_profile_get(settings->profile, key);
    return value;
}

/* Which file it is, of two, depends on what is there, and on a HOME that may be another's. */
static void tell_file(const hsmiam_module_settings *settings, hsmiam_error *error)
{
    if (settings->missing_file != NULL)
        hsmiam_error_append(error, "Profiles are read from %s, for there is no %s.", settings->file,
                            settings->missing_file);
    else
        hsmiam_error_append(error, "Profiles are read from %s.", settings->file);
}

static hsmiam_status load_profile(hsmiam_module_settings *settings, hsmiam_error *error)
{
    static const char of_system[] = HSMIAM_SYSTEM_CONFIG;
    const char *name = hsmiam_name_get_profile();
    char *path = has_more_rights() ? NULL : hsmiam_path_make_config();

    if (path == NULL && !has_more_rights())
        return hsmiam_error_set_memory(error, "the settings");
    if (name == NULL)
        name = choose(settings,
                      (const char *const[NAMES_MAX]){"AWS_PROFILE", "AWS_DEFAULT_PROFILE"}, NULL);
    bool is_there = path != NULL && access(path, F_OK) == 0;
    settings->profile_name = name != NULL ? name : "default";
    settings->file = is_there ? path : of_system;
    settings->missing_file = is_there ? NULL : path;
    settings->path = path;
    hsmiam_status status = hsmiam_profile_new(settings->file, name, &settings->profile, error);
    if (status == HSMIAM_ERR_CONFIG &&
        strstr(hsmiam_error_get_message(error), settings->file) == NULL)
        tell_file(settings, error);
    return status;
}

static hsmiam_status read_number(hsmiam_module_settings *settings, const number_source *source,
                                 hsmiam_error *error)
{
    unsigned *place = (unsigned *)((char *)settings + source->offset);
    const char *text =
        choose(settings, (const char *const[NAMES_MAX]){source->variable}, source->key);

    *place = source->fallback;
    if (text == NULL)
        return HSMIAM_OK;
    unsigned long number = strtoul(text, NULL, 10);
    if (text[strspn(text, "0123456789")] != '\0' || strlen(text) > 9 || number < source->least ||
        number > source->most)
        return hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                                "%s is \"%s\", and must be a whole number from %u to %u.",
                                source->key, text, source->least, source->most);
    *place = (unsigned)number;
    return HSMIAM_OK;
}

static hsmiam_status read_switch(hsmiam_module_settings *settings, const switch_source *source,
                                 hsmiam_error *error)
{
    bool *place = (bool *)((char *)settings + source->offset);
    const char *text =
        choose(settings, (const char *const[NAMES_MAX]){source->variable}, source->key);

    *place = text != NULL && strcasecmp(text, "true") == 0;
    if (text == NULL || *place || strcasecmp(text, "false") == 0)
        return HSMIAM_OK;
    return hsmiam_error_set(error, HSMIAM_ERR_CONFIG, "%s is \"%s\", and must be true or false.",
                            source->key, text);
}

/* The one for IAM goes before the one for all services, wherever they stand. */
static void choose_endpoints(hsmiam_module_settings *settings)
{
    const char *ignore =
        choose(settings, (const char *const[NAMES_MAX]){"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"},
               "ignore_configured_endpoint_urls");
    const hsmiam_profile *profile = settings->profile;

    if (ignore != NULL && strcasecmp(ignore, "true") == 0)
        return;
    settings->endpoint_url = choose(
        settings, (const char *const[NAMES_MAX]){"AWS_ENDPOINT_URL_IAM", "AWS_ENDPOINT_URL"}, NULL);
    if (settings->endpoint_url == NULL)
        settings->endpoint_url = hsmiam_profile_get_of_service(profile, "iam", "endpoint_url");
    if (settings->endpoint_url == NULL)
        settings->endpoint_url = hsmiam_profile_get(profile, "endpoint_url");
    settings->sts_endpoint_url = choose(
        settings, (const char *const[NAMES_MAX]){"AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"}, NULL);
    if (settings->sts_endpoint_url == NULL)
        settings->sts_endpoint_url = hsmiam_profile_get_of_service(profile, "sts", "endpoint_url");
    if (settings->sts_endpoint_url == NULL)
        settings->sts_endpoint_url = hsmiam_profile_get(profile, "endpoint_url");
}

static bool is_absolute(const char *path)
{
    return path == NULL || *path == '/';
}

/* The user of a program with more rights chooses in which folder it starts. */
static hsmiam_status choose_paths(hsmiam_module_settings *settings, hsmiam_error *error)
{
    const char *ledger =
        choose(settings, (const char *const[NAMES_MAX]){"HSMIAM_LEDGER"}, "hsmiam_ledger");
    const char *log_file = hsmiam_profile_get(settings->profile, "hsmiam_log_file");

    settings->ledger = ledger != NULL ? hsmiam_path_expand(ledger) : hsmiam_path_make_ledger();
    settings->log_file = log_file != NULL ? hsmiam_path_expand(log_file) : NULL;
    if (settings->ledger == NULL || (log_file != NULL && settings->log_file == NULL))
        return hsmiam_error_set_memory(error, "the settings");
    if (has_more_rights() && !(is_absolute(settings->ledger) && is_absolute(settings->log_file)))
        return hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                                "hsmiam_ledger and hsmiam_log_file must be absolute paths, without "
                                "a variable, in a program that has more rights than its user.");
    return HSMIAM_OK;
}

/* Cuts several URIs apart. */
static hsmiam_status split_tokens(hsmiam_module_settings *settings, hsmiam_error *error)
{
    const char *text = settings->token;

    if (text == NULL || hsmiam_profile_find_next_uri(text) == NULL)
        return HSMIAM_OK;
    size_t size = strlen(text) + 1;
    hsmiam_status status = hsmiam_secret_new(size, &settings->token_text, error);
    if (status != HSMIAM_OK)
        return status;
    if (!hsmiam_secret_append(settings->token_text, text, size))
        return hsmiam_error_set_memory(error, "the settings");
    settings->token = (const char *)hsmiam_secret_get_data(settings->token_text);
    char *next = (char *)hsmiam_profile_find_next_uri(settings->token);
    for (size_t i = 0; next != NULL; i++) {
        if (i == HSMIAM_REPLICAS_MAX)
            return hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                                    "At most %d tokens may take keys in at once.",
                                    HSMIAM_REPLICAS_MAX + 1);
        settings->replicas[i] = next;
        for (char *end = next - 1; *end == ' ' || *end == '\t'; end--)
            *end = '\0';
        next = (char *)hsmiam_profile_find_next_uri(next);
    }
    return HSMIAM_OK;
}

static hsmiam_status load(hsmiam_module_settings *settings, hsmiam_error *error)
{
    hsmiam_status status = load_profile(settings, error);

    if (status != HSMIAM_OK)
        return status;
    status = choose_paths(settings, error);
    for (size_t i = 0; i < COUNT(text_sources); i++)
        *(const char **)((char *)settings + text_sources[i].offset) =
            choose(settings, text_sources[i].variables, text_sources[i].key);
    for (size_t i = 0; i < COUNT(number_sources) && status == HSMIAM_OK; i++)
        status = read_number(settings, &number_sources[i], error);
    for (size_t i = 0; i < COUNT(switch_sources) && status == HSMIAM_OK; i++)
        status = read_switch(settings, &switch_sources[i], error);
    choose_endpoints(settings);
    if (status == HSMIAM_OK)
        status = split_tokens(settings, error);
    if (settings->token == NULL)
        settings->token = settings->credential;
    if (status == HSMIAM_OK && settings->token == NULL) {
        status = hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                                  "No token is configured: the profile %s has neither hsmiam_token "
                                  "nor hsmiam_credential.",
                                  settings->profile_name);
        tell_file(settings, error);
    }
    if (status == HSMIAM_OK && settings->fips && settings->endpoint_url != NULL)
        status = hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                                  "Invalid Configuration: FIPS and custom endpoint are not "
                                  "supported");
    return status;
}

hsmiam_status hsmiam_module_settings_load(hsmiam_module_settings *settings_out, hsmiam_error *error)
{
    hsmiam_module_settings settings = {0};
    hsmiam_status status = load(&settings, error);

    if (status != HSMIAM_OK) { /* what is wrong with the others is told there as well */
        char *log_file = settings.log_file;
        settings.log_file = NULL;
        hsmiam_module_settings_clear(&settings);
        settings.log_file = log_file;
    }
    *settings_out = settings;
    return status;
}

void hsmiam_module_settings_clear(hsmiam_module_settings *settings)
{
    hsmiam_profile_free(&settings->profile);
    hsmiam_secret_free(&settings->token_text);
    free(settings->path);
    free(settings->ledger);
    free(settings->log_file);
    *settings = (hsmiam_module_settings){0};
}
