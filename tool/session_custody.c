/* SPDX-License-Identifier: Apache-2.0 */
/* The tokens of a session, and the custodies and the ledger over them. */
#include "session_parts.h"

#include "prompt.h"
#include "text.h"

#include <limits.h>
#include <string.h>
#include <syslog.h>

/* In the order of hsmiam_import_route. */
const char *const tool_route_choices[] = {"auto", "rsa-oaep", "aes-kwp", "create-object", NULL};

/* In the order of hsmiam_sigv4_route. */
const char *const tool_sigv4_choices[] = {"auto", "sign", "in-token", NULL};

hsmiam_status tool_session_name_token(tool_session *session, tool_context *context, const char *uri,
                                      bool owns_pin_source, hsmiam_token **token_out,
                                      tool_error *error)
{
    const tool_settings *settings = &context->settings;
    const char *source = NULL;

    if (hsmiam_token_new(uri, token_out, session->error) != HSMIAM_OK)
        return tool_error_set_library(error, session->error);
    /* A flag goes over what the URI says, the profile only where it says nothing. */
    if (owns_pin_source && settings->pin_source)
        source = settings->pin_source;
    else if (owns_pin_source && hsmiam_token_needs_pin_callback(*token_out))
        source = settings->profile_pin_source;
    if (source && hsmiam_token_set_pin_source(*token_out, source, session->error) != HSMIAM_OK)
        return tool_error_set_library(error, session->error);
    hsmiam_token_set_pin_callback(*token_out, tool_prompt_pin, &session->pin_error);
    hsmiam_token_set_allow_final_try(*token_out, settings->allow_final_try);
    hsmiam_token_set_timeout(*token_out, settings->token_timeout);
    hsmiam_token_set_log(*token_out, tool_session_log_line, context);
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

hsmiam_status tool_session_make_ledger(tool_session *session, tool_context *context,
                                       hsmiam_token *signing, tool_error *error)
{
    if (hsmiam_ledger_new(context->settings.ledger, &session->ledger, session->error) != HSMIAM_OK)
        return tool_error_set_library(error, session->error);
    hsmiam_ledger_set_token(session->ledger, signing);
    hsmiam_ledger_set_log(session->ledger, tool_session_log_line, context);
    if (context->settings.audit_syslog) {
        openlog("hsmiam", LOG_PID, LOG_AUTHPRIV);
        hsmiam_ledger_set_mirror(session->ledger, write_to_syslog, NULL);
    }
    tool_session_log_setting(context, "ledger", context->settings.ledger);
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
        status = tool_error_set_library(error, session->error);
    for (size_t i = 0; status == HSMIAM_OK && arguments->repeated_values[i]; i++) {
        session->approver_count = i + 1;
        session->approver.count = i + 1;
        status = tool_session_name_token(session, context, arguments->repeated_values[i], false,
                                         &session->approvers[i], error);
        if (status == HSMIAM_OK &&
            hsmiam_ledger_add_approver(session->ledger, session->approvers[i], tool_approver_show,
                                       &session->approver, session->error) != HSMIAM_OK)
            status = tool_error_set_library(error, session->error);
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
        return tool_error_set_library(error, session->error);
    hsmiam_custody_set_log(*custody_out, tool_session_log_line, context);
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
        status = tool_session_name_token(session, context, uris[i], false,
                                         &session->replica_tokens[i], error);
        if (status == HSMIAM_OK)
            status = new_custody(session, context, session->replica_tokens[i], routes,
                                 &session->replicas[i], error);
        if (status == HSMIAM_OK &&
            hsmiam_custody_add_replica(session->custody, session->replicas[i], session->error) !=
                HSMIAM_OK)
            status = tool_error_set_library(error, session->error);
    }
    return status;
}

/* The audit key is that of the credential's token, which signs already, if there is one. */
hsmiam_status tool_session_make_custody(tool_session *session, tool_context *context,
                                        tool_error *error)
{
    const tool_routes routes = {
        .import = find_choice(context->arguments, "--import-route", tool_route_choices),
        .sigv4 = find_choice(context->arguments, "--sigv4-route", tool_sigv4_choices),
        .forbid = context->settings.forbid_plaintext,
        .exportable = tool_arguments_get(context->arguments, "--exportable") != NULL};
    hsmiam_token *signing = session->credential_token ? session->credential_token : session->token;
    hsmiam_status status = HSMIAM_OK;

    if (routes.forbid && routes.import == HSMIAM_ROUTE_CREATE_OBJECT)
        return tool_error_set_usage(error, "hsmiam: error: argument --import-route: create-object "
                                           "is not allowed where plaintext import is forbidden "
                                           "(--forbid-plaintext-import, or "
                                           "hsmiam_forbid_plaintext_import in the profile)");
    status = tool_session_make_ledger(session, context, signing, error);
    if (status == HSMIAM_OK)
        status = add_approvers(session, context, error);
    if (status == HSMIAM_OK)
        status = new_custody(session, context, session->token, &routes, &session->custody, error);
    if (status == HSMIAM_OK)
        status = add_replicas(session, context, &routes, error);
    return status;
}
