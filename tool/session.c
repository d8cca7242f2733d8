/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"

#include "heap.h"
#include "paths.h"
#include "progress.h"
#include "prompt.h"
#include "signals.h"
#include "text.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

/* In the order of hsmiam_import_route. */
const char *const tool_route_choices[] = {"auto", "rsa-oaep", "aes-kwp", "create-object", NULL};

/* In the order of hsmiam_sigv4_route. */
const char *const tool_sigv4_choices[] = {"auto", "sign", "in-token", NULL};

/* One write per line: the library may call this on a thread of its own. */
static void log_line(void *context, hsmiam_log_level level, const char *line)
{
    const tool_context *tool = context;
    const char *kind = level == HSMIAM_LOG_DEBUG ? "debug" : "warning";
    char *text = NULL;
    size_t size = 0;
    FILE *stream = NULL;

    if (level == HSMIAM_LOG_DEBUG && !tool->debug)
        return;
    if (level == HSMIAM_LOG_NOTICE && tool->notices && !tool_notices_add(tool->notices, line))
        return;
    stream = open_memstream(&text, &size);
    if (!stream)
        return;
    tool_text_print(stream, "%shsmiam: %s: ", tool_progress_get_eraser(), kind);
    tool_text_write(stream, line);
    tool_text_put_char('\n', stream);
    if (fclose(stream) == 0)
        (void)fwrite(text, 1, size, stderr);
    free(text);
}

static void log_setting(tool_context *context, const char *name, const char *value)
{
    char *line = NULL;

    if (!context->debug || !value || asprintf(&line, "%s: %s", name, value) < 0)
        return;
    log_line(context, HSMIAM_LOG_DEBUG, line);
    free(line);
}

static hsmiam_status fail(const tool_session *session, tool_error *error)
{
    return tool_error_set_library(error, session->error);
}

/* Names a token. `owns_pin_source`: --pin-source is meant for it. */
static hsmiam_status name_token(tool_session *session, tool_context *context, const char *uri,
                                bool owns_pin_source, hsmiam_token **token_out, tool_error *error)
{
    const tool_settings *settings = &context->settings;
    const char *source = NULL;

    if (hsmiam_token_new(uri, token_out, session->error) != HSMIAM_OK)
        return fail(session, error);
    /* A flag goes over what the URI says, the profile only where it says nothing. */
    if (owns_pin_source && settings->pin_source)
        source = settings->pin_source;
    else if (owns_pin_source && hsmiam_token_needs_pin_callback(*token_out))
        source = settings->profile_pin_source;
    if (source && hsmiam_token_set_pin_source(*token_out, source, session->error) != HSMIAM_OK)
        return fail(session, error);
    hsmiam_token_set_pin_callback(*token_out, tool_prompt_pin, &session->pin_error);
    hsmiam_token_set_allow_final_try(*token_out, settings->allow_final_try);
    hsmiam_token_set_timeout(*token_out, settings->token_timeout);
    hsmiam_token_set_log(*token_out, log_line, context);
    return HSMIAM_OK;
}

/* The place of an option's value among its choices; the first if it was not given. */
static int find_choice(const tool_arguments *arguments, const char *name,
                       const char *const *choices)
{
    const char *value = tool_arguments_get(arguments, name);

    for (int i = 0; value && choices[i]; i++) {
        if (strcmp(value, choices[i]) == 0)
            return i;
    }
    return 0;
}

static void write_to_syslog(void *context, const char *line)
{
    (void)context;
    syslog(LOG_NOTICE, "%s", line);
}

/* `signing`: the token whose audit key signs, NULL for reading. */
static hsmiam_status make_ledger(tool_session *session, tool_context *context,
                                 hsmiam_token *signing, tool_error *error)
{
    if (hsmiam_ledger_new(context->settings.ledger, &session->ledger, session->error) != HSMIAM_OK)
        return fail(session, error);
    hsmiam_ledger_set_token(session->ledger, signing);
    hsmiam_ledger_set_log(session->ledger, log_line, context);
    if (context->settings.audit_syslog) {
        openlog("hsmiam", LOG_PID, LOG_AUTHPRIV);
        hsmiam_ledger_set_mirror(session->ledger, write_to_syslog, NULL);
    }
    log_setting(context, "ledger", context->settings.ledger);
    return HSMIAM_OK;
}

/* Those whose PIN is asked for only once there is something to approve. */
static hsmiam_status add_approvers(tool_session *session, tool_context *context, tool_error *error)
{
    const tool_arguments *arguments = context->arguments;
    long long seconds = 0;
    hsmiam_status status = HSMIAM_OK;

    if (!tool_approver_is_taken(arguments))
        return HSMIAM_OK;
    session->approver.tokens = session->approvers;
    session->approver.uris = arguments->repeated_values;
    session->approver.is_batch = tool_arguments_get(arguments, "--user-names") != NULL;
    status = tool_arguments_get_duration(arguments, "--approval-expires", &seconds, error);
    if (status == HSMIAM_OK && seconds != 0 &&
        hsmiam_ledger_set_approval_expiry(session->ledger,
                                          seconds > UINT_MAX ? UINT_MAX : (unsigned)seconds,
                                          session->error) != HSMIAM_OK)
        status = fail(session, error);
    for (size_t i = 0; status == HSMIAM_OK && arguments->repeated_values[i]; i++) {
        session->approver_count = i + 1;
        session->approver.count = i + 1;
        status = name_token(session, context, arguments->repeated_values[i], false,
                            &session->approvers[i], error);
        if (status == HSMIAM_OK &&
            hsmiam_ledger_add_approver(session->ledger, session->approvers[i], tool_approver_show,
                                       &session->approver, session->error) != HSMIAM_OK)
            status = fail(session, error);
    }
    return status;
}

/* How keys go into a token. */
typedef struct tool_routes {
    int import;
    int sigv4;
    bool forbid;
    bool exportable;
} tool_routes;

static hsmiam_status new_custody(tool_session *session, tool_context *context, hsmiam_token *token,
                                 const tool_routes *routes, hsmiam_custody **custody_out,
                                 tool_error *error)
{
    if (hsmiam_custody_new(token, custody_out, session->error) != HSMIAM_OK)
        return fail(session, error);
    hsmiam_custody_set_log(*custody_out, log_line, context);
    hsmiam_custody_set_ledger(*custody_out, session->ledger);
    hsmiam_custody_set_import_route(*custody_out, (hsmiam_import_route)routes->import);
    hsmiam_custody_set_sigv4_route(*custody_out, (hsmiam_sigv4_route)routes->sigv4);
    hsmiam_custody_set_forbid_plaintext(*custody_out, routes->forbid);
    hsmiam_custody_set_exportable(*custody_out, routes->exportable);
    return HSMIAM_OK;
}

/* Each has its own PIN, by its URI or the terminal. */
static hsmiam_status add_replicas(tool_session *session, tool_context *context,
                                  const tool_routes *routes, tool_error *error)
{
    const char *const *uris = context->settings.replicas;
    hsmiam_status status = HSMIAM_OK;

    if (!context->arguments->command->takes_tokens)
        return HSMIAM_OK;
    for (size_t i = 0; status == HSMIAM_OK && uris[i]; i++) {
        session->replica_count = i + 1;
        status = name_token(session, context, uris[i], false, &session->replica_tokens[i], error);
        if (status == HSMIAM_OK)
            status = new_custody(session, context, session->replica_tokens[i], routes,
                                 &session->replicas[i], error);
        if (status == HSMIAM_OK &&
            hsmiam_custody_add_replica(session->custody, session->replicas[i], session->error) !=
                HSMIAM_OK)
            status = fail(session, error);
    }
    return status;
}

/* The audit key is that of the credential's token, which signs already, if there is one. */
static hsmiam_status make_custody(tool_session *session, tool_context *context, tool_error *error)
{
    const tool_routes routes = {
        .import = find_choice(context->arguments, "--import-route", tool_route_choices),
        .sigv4 = find_choice(context->arguments, "--sigv4-route", tool_sigv4_choices),
        .forbid = context->settings.forbid_plaintext ||
                  tool_arguments_get(context->arguments, "--forbid-plaintext-import"),
        .exportable = tool_arguments_get(context->arguments, "--exportable") != NULL};
    hsmiam_token *signing = session->credential_token ? session->credential_token : session->token;
    hsmiam_status status = HSMIAM_OK;

    session->forbids_plaintext = routes.forbid;
    if (routes.forbid && routes.import == HSMIAM_ROUTE_CREATE_OBJECT)
        return tool_error_set_usage(error, "hsmiam: error: argument --import-route: create-object "
                                           "is not allowed where plaintext import is forbidden "
                                           "(--forbid-plaintext-import, or "
                                           "hsmiam_forbid_plaintext_import in the profile)");
    status = make_ledger(session, context, signing, error);
    if (status == HSMIAM_OK)
        status = add_approvers(session, context, error);
    if (status == HSMIAM_OK)
        status = new_custody(session, context, session->token, &routes, &session->custody, error);
    if (status == HSMIAM_OK)
        status = add_replicas(session, context, &routes, error);
    return status;
}

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

/* For commands that ask IAM nothing. */
static hsmiam_status refuse_mfa(const tool_context *context, tool_error *error)
{
    if (!tool_arguments_get(context->arguments, "--mfa-serial"))
        return HSMIAM_OK;
    return tool_error_set_usage(error,
                                "hsmiam: error: argument --mfa-serial: %s asks IAM nothing, "
                                "so MFA changes nothing here",
                                context->arguments->command->name);
}

hsmiam_status tool_session_start(tool_session *session, tool_context *context, tool_error *error)
{
    const tool_settings *settings = &context->settings;
    const char *uri = settings->token ? settings->token : settings->credential;
    hsmiam_status status = refuse_mfa(context, error);

    if (status != HSMIAM_OK)
        return status;
    session->arguments = context->arguments;
    if (!uri)
        return tool_error_set(error, HSMIAM_ERR_CONFIG,
                              "Unable to locate a token. Name it by --token, HSMIAM_TOKEN or "
                              "hsmiam_token in the profile.");
    if (!(session->error = hsmiam_error_new()))
        return tool_error_set_memory(error);
    status = name_token(session, context, uri, true, &session->token, error);
    if (status == HSMIAM_OK)
        status = make_custody(session, context, error);
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
        return fail(session, error);
    client = session->client;
    hsmiam_client_set_log(client, log_line, context);
    hsmiam_client_set_cancel(client, is_stopping, session);
    hsmiam_client_set_timeouts(client, settings->connect_timeout, settings->read_timeout);
    hsmiam_client_set_no_verify(client, settings->no_verify);
    hsmiam_client_set_max_attempts(client, settings->max_attempts);
    if (settings->fips)
        hsmiam_client_set_fips(client, true);
    if (settings->region &&
        hsmiam_client_set_region(client, settings->region, session->error) != HSMIAM_OK)
        return fail(session, error);
    if (settings->endpoint_url &&
        hsmiam_client_set_endpoint(client, settings->endpoint_url, session->error) != HSMIAM_OK)
        return fail(session, error);
    if (settings->sts_endpoint_url &&
        hsmiam_client_set_sts_endpoint(client, settings->sts_endpoint_url, session->error) !=
            HSMIAM_OK)
        return fail(session, error);
    if (settings->ca_bundle &&
        hsmiam_client_set_ca_bundle(client, settings->ca_bundle, session->error) != HSMIAM_OK)
        return fail(session, error);
    log_setting(context, "profile", settings->profile_name);
    log_setting(context, "region", settings->region);
    log_setting(context, "endpoint", settings->endpoint_url);
    log_setting(context, "CA bundle", settings->ca_bundle);
    return HSMIAM_OK;
}

/* Names the credential's token, and the other one if another one is named. */
static hsmiam_status name_tokens(tool_session *session, tool_context *context, tool_error *error)
{
    const tool_settings *settings = &context->settings;
    hsmiam_status status =
        name_token(session, context, settings->credential, true, &session->credential_token, error);

    if (status != HSMIAM_OK)
        return status;
    if (!settings->token || strcmp(settings->token, settings->credential) == 0) {
        session->token = session->credential_token;
        return HSMIAM_OK;
    }
    /* Another token has another PIN, and a wrong one counts against it. */
    return name_token(session, context, settings->token, false, &session->token, error);
}

/* The signer of the credential. `wants_target`: the token that keys go to is named as well. */
static hsmiam_status make_signer(tool_session *session, tool_context *context, bool wants_target,
                                 tool_error *error)
{
    const tool_settings *settings = &context->settings;
    hsmiam_status status = HSMIAM_OK;

    session->arguments = context->arguments;
    if (!settings->credential)
        return tool_error_set(error, HSMIAM_ERR_CONFIG,
                              "Unable to locate credentials. Name the key in the token by "
                              "--credential, HSMIAM_CREDENTIAL or hsmiam_credential in the "
                              "profile.");
    if (!(session->error = hsmiam_error_new()))
        return tool_error_set_memory(error);
    status = wants_target ? name_tokens(session, context, error)
                          : name_token(session, context, settings->credential, true,
                                       &session->credential_token, error);
    if (status == HSMIAM_OK && hsmiam_signer_new(session->credential_token, settings->credential,
                                                 &session->signer, session->error) != HSMIAM_OK)
        status = fail(session, error);
    if (status == HSMIAM_OK)
        hsmiam_signer_set_log(session->signer, log_line, context);
    return status;
}

hsmiam_status tool_session_start_signer(tool_session *session, tool_context *context,
                                        tool_error *error)
{
    hsmiam_status status = refuse_mfa(context, error);

    if (status != HSMIAM_OK)
        return status;
    status = make_signer(session, context, false, error);
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
        status = make_custody(session, context, error);
    remove_pins(context);
    return status;
}

hsmiam_status tool_session_start_ledger(tool_session *session, tool_context *context,
                                        tool_error *error)
{
    hsmiam_status status = HSMIAM_OK;

    if (!(session->error = hsmiam_error_new()))
        return tool_error_set_memory(error);
    status = make_ledger(session, context, NULL, error);
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
    status = name_token(session, context, uri, true, &session->token, error);
    if (status == HSMIAM_OK)
        status = make_ledger(session, context, NULL, error);
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

    if (!mfa.serial && tool_arguments_get(arguments, "--token-code") &&
        !tool_arguments_get(arguments, "--serial-number"))
        return tool_error_set_usage(error, "hsmiam: error: argument --token-code: of which "
                                           "device? Give --mfa-serial too");
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
    hsmiam_status status = fail(session, error);
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
