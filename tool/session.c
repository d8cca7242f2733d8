/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"

#include "heap.h"
#include "paths.h"
#include "prompt.h"
#include "session_parts.h"
#include "signals.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* The tokens have taken copies of what they need: no PIN stays where other processes, or the
 * commands that the tool runs, could see it. */
static void remove_pins(tool_context *context)
{
    tool_settings_remove_pins(&context->settings);
    for (char **argument = context->argv; argument && *argument; argument++)
        tool_text_remove_pin(*argument);
}

/* With --require-locked-memory: opens the token, by which its objects are loaded, and refuses what
 * tool_heap_check() does. Where a client asks whether to stop, it is asked on the way as well. */
static hsmiam_status check_heap(tool_session *session, hsmiam_token *token, tool_error *error)
{
    if (!tool_arguments_get(session->arguments, "--require-locked-memory"))
        return HSMIAM_OK;
    if (hsmiam_token_open(token, session->error) != HSMIAM_OK)
        return tool_session_fail(session, error);
    return tool_heap_check(session->arguments, true, error);
}

hsmiam_status tool_session_start(tool_session *session, tool_context *context, tool_error *error)
{
    const tool_settings *settings = &context->settings;
    const char *uri = settings->token ? settings->token : settings->credential;
    hsmiam_status status = HSMIAM_OK;

    session->arguments = context->arguments;
    if (!uri)
        return tool_error_set(error, HSMIAM_ERR_CONFIG,
                              "Unable to locate a token. Name it by --token, HSMIAM_TOKEN or "
                              "hsmiam_token in the profile.");
    if (!(session->error = hsmiam_error_new()))
        return tool_error_set_memory(error);
    status = tool_session_name_token(session, context, uri, true, &session->token, error);
    if (status == HSMIAM_OK)
        status = tool_session_make_custody(session, context, error);
    if (status == HSMIAM_OK)
        status = check_heap(session, session->token, error);
    remove_pins(context);
    return status;
}

/* The library asks until the request leaves. */
static bool is_stopping(void *context)
{
    tool_session *session = context;

    return tool_signals_is_stopping(NULL) ||
           tool_heap_check(session->arguments, true, &session->heap_error) != HSMIAM_OK;
}

/* Sets up the client by the settings. */
static hsmiam_status make_client(tool_session *session, tool_context *context, tool_error *error)
{
    const tool_settings *settings = &context->settings;
    hsmiam_client *client = NULL;

    if (hsmiam_client_new(session->signer, &session->client, session->error) != HSMIAM_OK)
        return tool_error_set_library(error, session->error);
    client = session->client;
    hsmiam_client_set_log(client, tool_session_log_line, context);
    hsmiam_client_set_cancel(client, is_stopping, session);
    hsmiam_client_set_timeouts(client, settings->connect_timeout, settings->read_timeout);
    hsmiam_client_set_no_verify(client, settings->no_verify);
    hsmiam_client_set_max_attempts(client, settings->max_attempts);
    if (settings->fips)
        hsmiam_client_set_fips(client, true);
    if (settings->region &&
        hsmiam_client_set_region(client, settings->region, session->error) != HSMIAM_OK)
        return tool_error_set_library(error, session->error);
    if (settings->endpoint_url &&
        hsmiam_client_set_endpoint(client, settings->endpoint_url, session->error) != HSMIAM_OK)
        return tool_error_set_library(error, session->error);
    if (settings->sts_endpoint_url &&
        hsmiam_client_set_sts_endpoint(client, settings->sts_endpoint_url, session->error) !=
            HSMIAM_OK)
        return tool_error_set_library(error, session->error);
    if (settings->ca_bundle &&
        hsmiam_client_set_ca_bundle(client, settings->ca_bundle, session->error) != HSMIAM_OK)
        return tool_error_set_library(error, session->error);
    tool_session_log_setting(context, "profile", settings->profile_name);
    tool_session_log_setting(context, "region", settings->region);
    tool_session_log_setting(context, "endpoint", settings->endpoint_url);
    tool_session_log_setting(context, "CA bundle", settings->ca_bundle);
    return HSMIAM_OK;
}

/* Names the credential's token, and the other one if another one is named. */
static hsmiam_status name_tokens(tool_session *session, tool_context *context, tool_error *error)
{
    const tool_settings *settings = &context->settings;
    hsmiam_status status = tool_session_name_token(session, context, settings->credential, true,
                                                   &session->credential_token, error);

    if (status != HSMIAM_OK)
        return status;
    if (!settings->token || strcmp(settings->token, settings->credential) == 0) {
        session->token = session->credential_token;
        return HSMIAM_OK;
    }
    /* Another token has another PIN, and a wrong one counts against it. */
    return tool_session_name_token(session, context, settings->token, false, &session->token,
                                   error);
}

/* The signer of the credential. `wants_target`: the token that keys go to is named as well. */
static hsmiam_status make_signer(tool_session *session, tool_context *context, bool wants_target,
                                 tool_error *error)
{
    const tool_settings *settings = &context->settings;
    hsmiam_status status = HSMIAM_OK;

    session->arguments = context->arguments;
    session->forbids_plaintext = settings->forbid_plaintext;
    if (!settings->credential)
        return tool_error_set(error, HSMIAM_ERR_CONFIG,
                              "Unable to locate credentials. Name the key in the token by "
                              "--credential, HSMIAM_CREDENTIAL or hsmiam_credential in the "
                              "profile.");
    if (!(session->error = hsmiam_error_new()))
        return tool_error_set_memory(error);
    status = wants_target ? name_tokens(session, context, error)
                          : tool_session_name_token(session, context, settings->credential, true,
                                                    &session->credential_token, error);
    if (status == HSMIAM_OK && hsmiam_signer_new(session->credential_token, settings->credential,
                                                 &session->signer, session->error) != HSMIAM_OK)
        status = tool_error_set_library(error, session->error);
    if (status == HSMIAM_OK)
        hsmiam_signer_set_log(session->signer, tool_session_log_line, context);
    return status;
}

hsmiam_status tool_session_start_signer(tool_session *session, tool_context *context,
                                        tool_error *error)
{
    hsmiam_status status = make_signer(session, context, false, error);

    /* It is IAM's STS that begins a session. */
    if (status == HSMIAM_OK && tool_arguments_get(context->arguments, "--mfa-serial"))
        status = make_client(session, context, error);
    if (status == HSMIAM_OK)
        status = check_heap(session, session->credential_token, error);
    remove_pins(context);
    return status;
}

hsmiam_status tool_session_start_client(tool_session *session, tool_context *context,
                                        tool_error *error)
{
    hsmiam_status status = make_signer(session, context, true, error);

    if (status == HSMIAM_OK)
        status = make_client(session, context, error);
    if (status == HSMIAM_OK)
        status = tool_session_make_custody(session, context, error);
    remove_pins(context);
    return status;
}

hsmiam_status tool_session_start_ledger(tool_session *session, tool_context *context,
                                        tool_error *error)
{
    hsmiam_status status = HSMIAM_OK;

    if (!(session->error = hsmiam_error_new()))
        return tool_error_set_memory(error);
    status = tool_session_make_ledger(session, context, NULL, error);
    remove_pins(context);
    return status;
}

hsmiam_status tool_session_start_approver(tool_session *session, tool_context *context,
                                          const char *uri, tool_error *error)
{
    hsmiam_status status = HSMIAM_OK;

    session->arguments = context->arguments;
    if (!(session->error = hsmiam_error_new()))
        return tool_error_set_memory(error);
    status = tool_session_name_token(session, context, uri, true, &session->token, error);
    if (status == HSMIAM_OK)
        status = tool_session_make_ledger(session, context, NULL, error);
    remove_pins(context);
    return status;
}

hsmiam_status tool_session_trust_key(tool_session *session, const char *path, tool_error *error)
{
    char *pem = NULL;
    hsmiam_status status = tool_file_load("--public-key", path, &pem, error);

    if (status == HSMIAM_OK &&
        hsmiam_ledger_trust_key(session->ledger, pem, strlen(pem), session->error) != HSMIAM_OK) {
        (void)tool_session_fail(session, error);
        status = tool_error_name_file(error, "--public-key", path);
    }
    free(pem);
    return status;
}

static hsmiam_status ask_pin(tool_session *session, hsmiam_token *token, tool_error *error)
{
    if (!token || !hsmiam_token_needs_pin_callback(token))
        return HSMIAM_OK;
    if (hsmiam_token_open(token, session->error) != HSMIAM_OK)
        return tool_session_fail(session, error);
    return HSMIAM_OK;
}

hsmiam_status tool_session_ask_code(const tool_session *session, const char *serial,
                                    tool_mfa_code *code_out, tool_error *error)
{
    const char *given = tool_arguments_get(session->arguments, "--token-code");
    size_t size = 0;
    hsmiam_status status = HSMIAM_OK;

    if (!serial)
        return HSMIAM_OK;
    if (given && strlen(given) < sizeof code_out->text) {
        memcpy(code_out->text, given, strlen(given) + 1);
        return HSMIAM_OK;
    }
    if (given)
        return tool_error_set_usage(error,
                                    "hsmiam: error: argument --token-code: it has %zu "
                                    "characters, and a code has 6",
                                    strlen(given));
    status = tool_prompt_secret("MFA code: ",
                                "An MFA code is needed, and there is no terminal to ask for it; "
                                "give --token-code.",
                                code_out->text, sizeof code_out->text - 1, &size, error);
    code_out->text[size] = '\0';
    return status;
}

/* Where the policy of the credential asks for MFA. */
static hsmiam_status begin_mfa(tool_session *session, tool_error *error)
{
    const tool_arguments *arguments = session->arguments;
    tool_mfa_code code = {0};
    const hsmiam_mfa mfa = {
        .serial = tool_arguments_get(arguments, "--mfa-serial"),
        .token_code = code.text,
        .forbid_plaintext = session->forbids_plaintext,
    };
    hsmiam_status status = HSMIAM_OK;

    if (!mfa.serial)
        return HSMIAM_OK;
    status = tool_session_ask_code(session, mfa.serial, &code, error);
    if (status == HSMIAM_OK &&
        hsmiam_client_begin_mfa_session(session->client, &mfa, session->error) != HSMIAM_OK)
        status = tool_session_fail(session, error);
    return status;
}

hsmiam_status tool_session_ask_pins(tool_session *session, tool_error *error)
{
    hsmiam_status status = ask_pin(session, session->credential_token, error);

    if (status == HSMIAM_OK && session->token != session->credential_token)
        status = ask_pin(session, session->token, error);
    for (size_t i = 0; status == HSMIAM_OK && i < session->replica_count; i++)
        status = ask_pin(session, session->replica_tokens[i], error);
    return status == HSMIAM_OK ? begin_mfa(session, error) : status;
}

static bool is_silent(const hsmiam_token *token)
{
    return token && hsmiam_token_is_silent(token);
}

hsmiam_status tool_session_fail(tool_session *session, tool_error *error)
{
    const tool_error *const reasons[] = {&session->pin_error, &session->heap_error};

    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (reasons[i]->message)
            return tool_error_set(error, reasons[i]->status, "%s", reasons[i]->message);
    hsmiam_status status = tool_error_set_library(error, session->error);
    if (is_silent(session->token) || is_silent(session->credential_token))
        return tool_error_set(error, status,
                              "%s See to the token and its connection; it was not asked again.",
                              error->message ? error->message : "");
    return status;
}

static bool token_is_silent;

bool tool_session_has_silent_token(void)
{
    return token_is_silent;
}

static void free_token(hsmiam_token **token)
{
    if (!*token)
        return;
    hsmiam_token_close(*token);
    token_is_silent |= hsmiam_token_is_silent(*token);
    hsmiam_token_free(token);
}

void tool_session_clear(tool_session *session)
{
    hsmiam_custody_free(&session->custody);
    for (size_t i = 0; i < session->replica_count; i++)
        hsmiam_custody_free(&session->replicas[i]);
    hsmiam_ledger_free(&session->ledger);
    hsmiam_client_free(&session->client);
    hsmiam_signer_free(&session->signer);
    for (size_t i = 0; i < session->replica_count; i++)
        free_token(&session->replica_tokens[i]);
    for (size_t i = 0; i < session->approver_count; i++)
        free_token(&session->approvers[i]);
    if (session->token != session->credential_token)
        free_token(&session->token);
    free_token(&session->credential_token);
    hsmiam_error_free(&session->error);
    tool_error_clear(&session->pin_error);
    tool_error_clear(&session->heap_error);
    *session = (tool_session){0};
}
