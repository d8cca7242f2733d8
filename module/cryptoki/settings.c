/* SPDX-License-Identifier: Apache-2.0 */
#include "cryptoki/settings.h"

#include "base/secret.h"
#include "cryptoki/name.h"

#include <stdlib.h>
#include <string.h>

#define TOKEN_TIMEOUT_DEFAULT 300

/* Where each setting comes from: the first of the variables that is not empty. */
static const struct source {
    size_t offset; /* of a char * in the settings */
    const char *variables[3];
} sources[] = {
    {offsetof(hsmiam_module_settings, credential), {"HSMIAM_CREDENTIAL"}},
    {offsetof(hsmiam_module_settings, token), {"HSMIAM_TOKEN", "HSMIAM_CREDENTIAL"}},
    {offsetof(hsmiam_module_settings, ledger), {"HSMIAM_LEDGER"}},
    {offsetof(hsmiam_module_settings, region), {"AWS_REGION", "AWS_DEFAULT_REGION"}},
    {offsetof(hsmiam_module_settings, endpoint_url), {"AWS_ENDPOINT_URL_IAM", "AWS_ENDPOINT_URL"}},
    {offsetof(hsmiam_module_settings, sts_endpoint_url),
     {"AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"}},
    {offsetof(hsmiam_module_settings, ca_bundle), {"AWS_CA_BUNDLE"}},
};
#define SOURCE_COUNT (sizeof sources / sizeof sources[0])

static char **get_place(hsmiam_module_settings *settings, const struct source *source)
{
    return (char **)((char *)settings + source->offset);
}

hsmiam_status hsmiam_module_settings_load(hsmiam_module_settings *settings_out, hsmiam_error *error)
{
    hsmiam_module_settings settings = {.token_timeout = TOKEN_TIMEOUT_DEFAULT};

    for (size_t i = 0; i < SOURCE_COUNT; i++) {
        const char *value = NULL;

        for (size_t j = 0; j < 3 && sources[i].variables[j] != NULL && value == NULL; j++) {
            value = secure_getenv(sources[i].variables[j]);
            if (value != NULL && *value == '\0')
                value = NULL;
        }
        if (value != NULL && (*get_place(&settings, &sources[i]) = strdup(value)) == NULL) {
            hsmiam_module_settings_clear(&settings);
            return hsmiam_error_set_memory(error, "the settings");
        }
    }
    if (settings.token == NULL) {
        hsmiam_module_settings_clear(&settings);
        return hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                                "No token is configured; name one by HSMIAM_TOKEN.");
    }
    *settings_out = settings;
    return HSMIAM_OK;
}

void hsmiam_module_settings_clear(hsmiam_module_settings *settings)
{
    for (size_t i = 0; i < SOURCE_COUNT; i++) {
        char **place = get_place(settings, &sources[i]);

        if (*place != NULL)
            hsmiam_wipe(*place, strlen(*place));
        free(*place);
    }
    *settings = (hsmiam_module_settings){0};
}
