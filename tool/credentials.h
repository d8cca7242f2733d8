/* SPDX-License-Identifier: Apache-2.0 */
/* Temporary credentials: what is asked for, and the JSON that the AWS SDKs read. */
#ifndef HSMIAM_TOOL_CREDENTIALS_H
#define HSMIAM_TOOL_CREDENTIALS_H

#include "options.h"
#include "secret_input.h"

/* The options that say what STS is asked for. */
#define TOOL_CREDENTIALS_OPTIONS                                                                   \
    {.name = "--role-arn",                                                                         \
     .kind = TOOL_OPTION_VALUE,                                                                    \
     .value = "ARN",                                                                               \
     .help = "The ARN of the role to assume. Without it, STS is asked for a session of the "       \
             "key's own user (GetSessionToken), which IAM itself takes only with MFA."},           \
        {.name = "--role-session-name",                                                            \
         .kind = TOOL_OPTION_VALUE,                                                                \
         .value = "NAME",                                                                          \
         .help = "The name of the role's session, which CloudTrail shows. Default: hsmiam."},      \
        {.name = "--duration-seconds",                                                             \
         .kind = TOOL_OPTION_NUMBER,                                                               \
         .value = "SECONDS",                                                                       \
         .help = "For how long. Default: STS's, an hour for a role and 12 hours for a user."},     \
        {.name = "--external-id",                                                                  \
         .kind = TOOL_OPTION_VALUE,                                                                \
         .value = "ID",                                                                            \
         .help = "The external id that the role's trust policy asks for."},                        \
    {                                                                                              \
        .name = "--policy", .kind = TOOL_OPTION_VALUE, .value = "JSON",                            \
        .help = "A policy in JSON, or file://PATH, that narrows the role's rights for this "       \
                "session."                                                                         \
    }

/* Reads them. The texts are borrowed, that of the policy from `policy_out`, which the caller frees
 * in any case. Statuses: ARGUMENT, MEMORY, CANCELLED. */
hsmiam_status tool_credentials_read(const tool_arguments *arguments, char **policy_out,
                                    hsmiam_credentials_request *request_out,
                                    tool_error *error) HSMIAM_MUST_USE;

/* Who the JSON is for: what the token is called, and whether the version is told. */
typedef enum tool_credentials_form {
    TOOL_CREDENTIALS_PROCESS,  /* what a credential_process prints */
    TOOL_CREDENTIALS_CONTAINER /* what the endpoint of a container answers */
} tool_credentials_form;

/* Writes the JSON, with a line end, into secret memory. Statuses: MEMORY (it has no room). */
hsmiam_status tool_credentials_format(const hsmiam_credentials *credentials,
                                      tool_credentials_form form, tool_secret *text,
                                      tool_error *error) HSMIAM_MUST_USE;

#endif
