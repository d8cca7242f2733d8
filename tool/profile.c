/* SPDX-License-Identifier: Apache-2.0 */
#include "profile.h"

#include <hsmiam.h>
#include <stdlib.h>
#include <string.h>

static const char *const key_names[TOOL_PROFILE_KEY_COUNT] = {
    [TOOL_PROFILE_REGION] = "region",
    [TOOL_PROFILE_OUTPUT] = "output",
    [TOOL_PROFILE_CA_BUNDLE] = "ca_bundle",
    [TOOL_PROFILE_ENDPOINT_URL] = "endpoint_url",
    [TOOL_PROFILE_IGNORE_ENDPOINTS] = "ignore_configured_endpoint_urls",
    [TOOL_PROFILE_FIPS] = "use_fips_endpoint",
    [TOOL_PROFILE_MAX_ATTEMPTS] = "max_attempts",
    [TOOL_PROFILE_CREDENTIAL] = "hsmiam_credential",
    [TOOL_PROFILE_TOKEN] = "hsmiam_token",
    [TOOL_PROFILE_PIN_SOURCE] = "hsmiam_pin_source",
    [TOOL_PROFILE_TOKEN_TIMEOUT] = "hsmiam_token_timeout",
    [TOOL_PROFILE_FORBID_PLAINTEXT] = "hsmiam_forbid_plaintext_import",
    [TOOL_PROFILE_LEDGER] = "hsmiam_ledger",
    [TOOL_PROFILE_AUDIT_SYSLOG] = "hsmiam_audit_syslog",
};

static char *copy(const char *text, bool *is_whole)
{
    char *copy = text ? strdup(text) : NULL;

    if (text && !copy)
        *is_whole = false;
    return copy;
}

static hsmiam_status take(const hsmiam_profile *profile, tool_profile *profile_out,
                          tool_error *error)
{
    bool is_whole = true;

    for (int key = 0; key < TOOL_PROFILE_KEY_COUNT; key++)
        profile_out->values[key] = copy(hsmiam_profile_get(profile, key_names[key]), &is_whole);
    profile_out->service_endpoint =
        copy(hsmiam_profile_get_of_service(profile, "iam", "endpoint_url"), &is_whole);
    profile_out->sts_endpoint =
        copy(hsmiam_profile_get_of_service(profile, "sts", "endpoint_url"), &is_whole);
    if (is_whole)
        return HSMIAM_OK;
    tool_profile_clear(profile_out);
    return tool_error_set_memory(error);
}

hsmiam_status tool_profile_load(const char *name, tool_profile *profile_out, tool_error *error)
{
    hsmiam_error *reason = hsmiam_error_new();
    hsmiam_profile *profile = NULL;
    hsmiam_status status = hsmiam_profile_new(NULL, name, &profile, reason);

    if (status == HSMIAM_OK)
        status = take(profile, profile_out, error);
    else
        status = tool_error_set_library(error, reason);
    hsmiam_profile_free(&profile);
    hsmiam_error_free(&reason);
    return status;
}

void tool_profile_clear(tool_profile *profile)
{
    for (size_t i = 0; i < TOOL_PROFILE_KEY_COUNT; i++) {
        if (profile->values[i])
            explicit_bzero(profile->values[i], strlen(profile->values[i]));
        free(profile->values[i]);
    }
    free(profile->service_endpoint);
    free(profile->sts_endpoint);
    *profile = (tool_profile){0};
}
