/* SPDX-License-Identifier: Apache-2.0 */
#include "credentials.h"

#include "paths.h"

#include <limits.h>
#include <string.h>
#include <time.h>

hsmiam_status tool_credentials_read(const tool_arguments *arguments, char **policy_out,
                                    hsmiam_credentials_request *request_out, tool_error *error)
{
    static const char *const of_role[] = {"--role-session-name", "--external-id", "--policy"};
    hsmiam_credentials_request request = {
        .role_arn = tool_arguments_get(arguments, "--role-arn"),
        .session_name = tool_arguments_get(arguments, "--role-session-name"),
        .external_id = tool_arguments_get(arguments, "--external-id"),
    };
    const char *policy = tool_arguments_get(arguments, "--policy");
    hsmiam_status status = HSMIAM_OK;

    for (size_t i = 0; !request.role_arn && i < sizeof of_role / sizeof of_role[0]; i++)
        if (tool_arguments_get(arguments, of_role[i]))
            return tool_error_set_usage(
                error, "hsmiam: error: argument %s: it belongs to a role; give --role-arn too",
                of_role[i]);
    if (!request.role_arn && tool_arguments_get(arguments, "--mfa-serial"))
        return tool_error_set_usage(error,
                                    "hsmiam: error: argument --mfa-serial: STS gives no session to "
                                    "a session; give --role-arn too, or use credential-process "
                                    "with --serial-number");
    if (tool_arguments_get(arguments, "--duration-seconds"))
        status = tool_arguments_get_number(arguments, "--duration-seconds", INT_MAX,
                                           &request.duration_seconds, error);
    if (status == HSMIAM_OK && policy)
        status = tool_parameter_load("--policy", policy, policy_out, error);
    request.policy = *policy_out;
    *request_out = request;
    return status;
}

/* What does not fit makes the text too long, which is told at the end. */
static void put(tool_secret *text, const char *piece)
{
    for (; *piece; piece++) {
        if (text->size < TOOL_SECRET_SIZE_MAX)
            text->data[text->size] = *piece;
        text->size++;
    }
}

/* A member of the object. The values are printable ASCII, as the library makes sure. */
static void put_member(tool_secret *text, const char *name, const char *value)
{
    char character[3] = "";

    put(text, text->size > 1 ? ", \"" : "\"");
    put(text, name);
    put(text, "\": \"");
    for (; *value; value++) {
        bool escaped = *value == '"' || *value == '\\';

        character[0] = escaped ? '\\' : *value;
        character[1] = escaped ? *value : '\0';
        put(text, character);
    }
    put(text, "\"");
    explicit_bzero(character, sizeof character);
}

hsmiam_status tool_credentials_format(const hsmiam_credentials *credentials,
                                      tool_credentials_form form, tool_secret *text,
                                      tool_error *error)
{
    time_t expiration = hsmiam_credentials_get_expiration(credentials);
    char date[sizeof "YYYY-MM-DDTHH:MM:SSZ"] = "";
    struct tm parts = {0};

    if (!gmtime_r(&expiration, &parts) ||
        strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        return tool_error_set(error, HSMIAM_ERR_REPLY,
                              "The credentials expire at a time that is none.");
    text->size = 0;
    put(text, form == TOOL_CREDENTIALS_PROCESS ? "{\"Version\": 1" : "{");
    put_member(text, "AccessKeyId", hsmiam_credentials_get_access_key_id(credentials));
    put_member(text, "SecretAccessKey", hsmiam_credentials_get_secret_access_key(credentials));
    put_member(text, form == TOOL_CREDENTIALS_PROCESS ? "SessionToken" : "Token",
               hsmiam_credentials_get_session_token(credentials));
    put_member(text, "Expiration", date);
    put(text, "}\n");
    if (text->size > TOOL_SECRET_SIZE_MAX)
        return tool_error_set(error, HSMIAM_ERR_MEMORY,
                              "The credentials have %zu bytes, and %d is the most.", text->size,
                              TOOL_SECRET_SIZE_MAX);
    text->data[text->size] = '\0';
    return HSMIAM_OK;
}
