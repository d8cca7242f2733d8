/* SPDX-License-Identifier: Apache-2.0 */
#include "commands.h"
#include "credentials.h"
#include "keyring.h"
#include "session.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The SDKs ask again when so little is left; what they get then must be new. */
#define AHEAD_SECONDS    960
#define KEPT_SECONDS_MAX 129600 /* no session of STS's is longer */

static const char command_name[] = "credential-process";

static const char *const cache_choices[] = {"none", "keyring", NULL};

static const tool_option options[] = {
    TOOL_CREDENTIALS_OPTIONS,
    {.name = "--serial-number",
     .kind = TOOL_OPTION_VALUE,
     .value = "ARN",
     .help = "The ARN or serial number of the MFA device that STS is to check."},
    {.name = "--cache",
     .kind = TOOL_OPTION_VALUE,
     .choices = cache_choices,
     .help = "Where the credentials are kept until they are about to expire, for the next run with "
             "the same options: keyring is the kernel's keyring of this user, whose processes can "
             "all read it. Default: none. They are never written to a file."},
    {.name = "--allow-terminal",
     .kind = TOOL_OPTION_FLAG,
     .help = "Print the credentials even if standard output is a terminal."},
    {.name = NULL},
};

/* What of the URI says which key it is: the path, and of the query the module. Never a PIN. */
static char *name_key(const char *credential)
{
    size_t length = strcspn(credential, "?");
    char *name = strdup(credential);
    char *end = name ? name + length : NULL;

    while (name && credential[length]) {
        const char *part = credential + length + 1;
        size_t size = strcspn(part, "&");

        length += 1 + size;
        if (strncmp(part, "module-", 7) != 0 && strncmp(part, "x-", 2) != 0)
            continue;
        *end++ = '?';
        memcpy(end, part, size);
        end += size;
    }
    if (name)
        *end = '\0';
    return name;
}

/* What the credentials are kept under: all that they depend on, each with its size before it. */
static char *make_name(const tool_context *context, const hsmiam_credentials_request *request)
{
    const tool_settings *settings = &context->settings;
    char *key = name_key(settings->credential ? settings->credential : "");
    const char *endpoint =
        settings->sts_endpoint_url ? settings->sts_endpoint_url : settings->endpoint_url;
    const char *parts[] = {endpoint,
                           settings->region,
                           request->role_arn,
                           request->session_name,
                           request->external_id,
                           request->policy,
                           request->mfa_serial,
                           tool_arguments_get(context->arguments, "--mfa-serial"),
                           settings->fips ? "fips" : NULL};
    char *name = NULL;
    size_t size = 0;
    FILE *stream = key ? open_memstream(&name, &size) : NULL;

    if (!stream) {
        free(key);
        return NULL;
    }
    (void)fprintf(stream, "hsmiam:%u:%zu:%s", request->duration_seconds, strlen(key), key);
    free(key);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        (void)fprintf(stream, ":%zu:%s", parts[i] ? strlen(parts[i]) : 0, parts[i] ? parts[i] : "");
    if (fclose(stream) != 0) {
        free(name);
        return NULL;
    }
    return name;
}

/* Standard output gets the bytes from secret memory; no buffer of stdio's holds them. */
static hsmiam_status print(const tool_secret *text, tool_error *error)
{
    for (size_t done = 0; done < text->size;) {
        ssize_t written = write(STDOUT_FILENO, text->data + done, text->size - done);

        if (written < 0 && errno != EINTR)
            return tool_error_set(error, HSMIAM_ERR_IO, "Standard output: %s", strerror(errno));
        done += written > 0 ? (size_t)written : 0;
    }
    return HSMIAM_OK;
}

static hsmiam_status get(tool_context *context, const hsmiam_credentials_request *request,
                         tool_secret *text, time_t *expiration_out, tool_error *error)
{
    tool_session session = {0};
    hsmiam_credentials_request asked = *request;
    hsmiam_credentials *credentials = NULL;
    tool_mfa_code code = {0};
    hsmiam_status status = tool_session_start_client(&session, context, error);

    if (status == HSMIAM_OK)
        status = tool_session_ask_code(&session, asked.mfa_serial, &code, error);
    asked.token_code = asked.mfa_serial ? code.text : NULL;
    if (status == HSMIAM_OK)
        status = tool_session_ask_pins(&session, error);
    if (status == HSMIAM_OK && hsmiam_client_get_credentials(session.client, &asked, &credentials,
                                                             session.error) != HSMIAM_OK)
        status = tool_session_fail(&session, error);
    if (status == HSMIAM_OK)
        status = tool_credentials_format(credentials, TOOL_CREDENTIALS_PROCESS, text, error);
    if (status == HSMIAM_OK)
        *expiration_out = hsmiam_credentials_get_expiration(credentials);
    hsmiam_credentials_free(&credentials);
    tool_session_clear(&session);
    return status;
}

/* What cannot be kept is given all the same: a keyring that is full must stop nobody. */
static void keep(const char *name, const tool_secret *text, time_t expiration)
{
    time_t end = expiration - time(NULL);
    time_t left = end < KEPT_SECONDS_MAX ? end : KEPT_SECONDS_MAX;
    time_t ahead = left / 4 < AHEAD_SECONDS ? left / 4 : AHEAD_SECONDS;
    tool_error error = {0};

    if (left - ahead >= 1 &&
        tool_keyring_put(name, text, (unsigned)(left - ahead), &error) != HSMIAM_OK)
        tool_text_print(stderr, "hsmiam: warning: %s\n", error.message ? error.message : "");
    tool_error_clear(&error);
}

static hsmiam_status get_or_reuse(tool_context *context, const hsmiam_credentials_request *request,
                                  tool_secret *text, tool_error *error)
{
    const char *cache = tool_arguments_get(context->arguments, "--cache");
    char *name = cache && strcmp(cache, "keyring") == 0 ? make_name(context, request) : NULL;
    hsmiam_status status = HSMIAM_OK;
    time_t expiration = 0;

    if (name && strlen(name) > TOOL_KEYRING_NAME_MAX)
        status = tool_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "The options are too long for --cache: together they may have %d "
                                "bytes.",
                                TOOL_KEYRING_NAME_MAX);
    else if (!name || !tool_keyring_get(name, text)) {
        status = get(context, request, text, &expiration, error);
        if (status == HSMIAM_OK && name)
            keep(name, text, expiration);
    }
    free(name);
    return status;
}

static hsmiam_status run(tool_context *context, tool_error *error)
{
    const tool_arguments *arguments = context->arguments;
    hsmiam_credentials_request request = {0};
    tool_secret text = {0};
    char *policy = NULL;
    hsmiam_status status = HSMIAM_OK;

    if (isatty(STDOUT_FILENO) && !tool_arguments_get(arguments, "--allow-terminal"))
        return tool_error_set_usage(error,
                                    "hsmiam: error: %s prints a secret for a program, and standard "
                                    "output is a terminal; give --allow-terminal to see it",
                                    command_name);
    status = tool_credentials_read(arguments, &policy, &request, error);
    request.mfa_serial = tool_arguments_get(arguments, "--serial-number");
    if (status == HSMIAM_OK)
        status = tool_arguments_exclude(arguments, "--serial-number", "--mfa-serial", error);
    if (status == HSMIAM_OK)
        status = tool_secret_init(&text, error);
    if (status == HSMIAM_OK)
        status = get_or_reuse(context, &request, &text, error);
    if (status == HSMIAM_OK)
        status = print(&text, error);
    tool_secret_clear(&text);
    free(policy);
    return status;
}

const tool_command tool_credential_process = {
    .name = command_name,
    .summary = "Give the AWS CLI and SDKs temporary credentials for a key in the token.",
    .description =
        "Asks STS for temporary credentials, by a request that the key in the token signs, and "
        "prints them in the form that the AWS CLI and SDKs read from a credential_process. In "
        "~/.aws/config:\n\n"
        "    [profile hsm]\n"
        "    credential_process = hsmiam credential-process --credential pkcs11:... --role-arn "
        "arn:...\n\n"
        "It is the one command that prints a secret: that of credentials which expire, and never "
        "the key's own. So it refuses to print to a terminal, and keeps nothing, unless it is "
        "told to.",
    .options = options,
    .run = run,
};
