/* SPDX-License-Identifier: Apache-2.0 */
/* One profile of the AWS configuration file. */
#ifndef HSMIAM_TOOL_PROFILE_H
#define HSMIAM_TOOL_PROFILE_H

#include "error.h"

typedef enum tool_profile_key {
    TOOL_PROFILE_REGION,
    TOOL_PROFILE_OUTPUT,
    TOOL_PROFILE_CA_BUNDLE,
    TOOL_PROFILE_ENDPOINT_URL,
    TOOL_PROFILE_IGNORE_ENDPOINTS,
    TOOL_PROFILE_FIPS,
    TOOL_PROFILE_MAX_ATTEMPTS,
    TOOL_PROFILE_CREDENTIAL,
    TOOL_PROFILE_TOKEN,
    TOOL_PROFILE_PIN_SOURCE,
    TOOL_PROFILE_TOKEN_TIMEOUT,
    TOOL_PROFILE_FORBID_PLAINTEXT,
    TOOL_PROFILE_LEDGER,
    TOOL_PROFILE_AUDIT_SYSLOG,
    TOOL_PROFILE_KEY_COUNT
} tool_profile_key;

/* What a profile says. Zero-initialised it says nothing. */
typedef struct tool_profile {
    char *values[TOOL_PROFILE_KEY_COUNT]; /* NULL, or not "" */
    char *service_endpoint; /* IAM's endpoint_url in the services section that it names; or NULL */
    char *sts_endpoint;     /* STS's, likewise */
} tool_profile;

/* Reads a profile. A file that does not exist is an empty one.
 * name  the profile that was asked for, which must be there; NULL: [default], if it is there.
 * Statuses: CONFIG, MEMORY. */
hsmiam_status tool_profile_load(const char *name, tool_profile *profile_out,
                                tool_error *error) HSMIAM_MUST_USE;

/* Wipes and frees what the profile holds: a URI in it may carry a PIN. */
void tool_profile_clear(tool_profile *profile);

#endif
