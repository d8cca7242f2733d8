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

static bool copy(const char *text, char **copy_out)
{
    *copy_out = text ? strdup(text) : NULL;
    return *copy_out || !text;
}

hsmiam_status tool_profile_load(const char *name, tool_profile *profile_out, tool_error *error)
{
    hsmiam_error *reason = hsmiam_error_new();
    hsmiam_profile *profile = NULL;
    hsmiam_status status = hsmiam_profile_new(NULL, name, &profile, reason);
    bool copied = true;

    if (status != HSMIAM_OK) {
        status = tool_error_set_library(error, reason);
        goto out;
    }
    for (int key = 0; key < TOOL_PROFILE_KEY_COUNT; key++)
        copied &= copy(hsmiam_profile_get(profile, key_names[key]), &profile_out->values[key]);
    copied &= copy(hsmiam_profile_get_of_service(profile, "iam", "endpoint_url"),
                   &profile_out->service_endpoint);
    copied &= copy(hsmiam_profile_get_of_service(profile, "sts", "endpoint_url"),
                   &profile_out->sts_endpoint);
    if (!copied) {
        tool_profile_clear(profile_out);
        status = tool_error_set_memory(error);
    }
out:
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
