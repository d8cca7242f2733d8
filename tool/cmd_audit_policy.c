/* SPDX-License-Identifier: Apache-2.0 */
#include "approver.h"
#include "commands.h"
#include "output.h"
#include "paths.h"
#include "session.h"
#include "signals.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const tool_option options[] = {
    {.name = "--require",
     .kind = TOOL_OPTION_VALUE,
     .value = "OPERATIONS",
     .help = "What needs approvals, parted by commas: create-access-key, rotate, delete, update, "
             "import, export, policy. A rotation does if creating, deleting or updating a key "
             "does, and a "
             "change of the policy always."},
    {.name = "--approvers",
     .kind = TOOL_OPTION_VALUE,
     .value = "FILE",
     .help = "The file with the approvers' public keys, PEM one after the other: EC P-256, as "
             "`provision-token --approver-key` makes, or RSA of 2048 bits and more."},
    {.name = "--approvals",
     .kind = TOOL_OPTION_NUMBER,
     .value = "NUMBER",
     .help = "By how many different approvers each must be approved. Default: 1."},
    {.name = "--none",
     .kind = TOOL_OPTION_FLAG,
     .help = "Lift the policy: nothing needs an approval any more."},
    TOOL_APPROVER_OPTIONS,
    {.name = NULL},
};

static bool add_approvers(tool_value *result, const hsmiam_policy *policy)
{
    tool_value *list = tool_value_add_list(result, "Approvers");
    const char *name = NULL;
    bool done = list != NULL;

    for (size_t i = 0; done && (name = hsmiam_policy_get_approver(policy, i)); i++)
        done = tool_value_add_string(list, NULL, name);
    return done;
}

static hsmiam_status print(const tool_context *context, hsmiam_policy *policy, uint64_t sequence,
                           tool_error *error)
{
    tool_value *result = tool_value_new(TOOL_VALUE_OBJECT, NULL);
    char record[24];
    char approvals[24];
    hsmiam_status status = HSMIAM_OK;

    (void)snprintf(record, sizeof record, "%" PRIu64, sequence);
    (void)snprintf(approvals, sizeof approvals, "%u", hsmiam_policy_get_approvals(policy));
    if (!result || !tool_value_add_string(result, "Ledger", context->settings.ledger) ||
        !tool_value_add(result, "Record", TOOL_VALUE_INTEGER, record) ||
        !tool_value_add_words(result, "Operations", hsmiam_policy_get_operations(policy)) ||
        !tool_value_add(result, "Approvals", TOOL_VALUE_INTEGER, approvals) ||
        !add_approvers(result, policy))
        status = tool_error_set_memory(error);
    else
        status = tool_output_print(result, &context->settings, "audit policy", error);
    tool_value_free(&result);
    return status;
}

/* Prints the policy in force, from a ledger that is verified. */
static hsmiam_status show(tool_session *session, const tool_context *context, tool_error *error)
{
    hsmiam_policy *policy = NULL;
    uint64_t sequence = 0;
    hsmiam_status status = HSMIAM_OK;

    if (hsmiam_ledger_get_policy(session->ledger, &policy, &sequence, session->error) != HSMIAM_OK)
        status = tool_session_fail(session, error);
    else
        status = print(context, policy, sequence, error);
    hsmiam_policy_free(&policy);
    return status;
}

static hsmiam_status load(tool_session *session, const char *path, hsmiam_policy *policy,
                          tool_error *error)
{
    char *pem = NULL;
    hsmiam_status status = tool_file_load("--approvers", path, &pem, error);

    if (status == HSMIAM_OK &&
        hsmiam_policy_add_approvers(policy, pem, strlen(pem), session->error) != HSMIAM_OK) {
        (void)tool_session_fail(session, error);
        status = tool_error_name_file(error, "--approvers", path);
    }
    free(pem);
    return status;
}

static hsmiam_status fill(tool_session *session, const tool_arguments *arguments,
                          hsmiam_policy *policy, tool_error *error)
{
    const char *path = tool_arguments_get(arguments, "--approvers");
    const char *operations = tool_arguments_get(arguments, "--require");
    unsigned approvals = 1;
    hsmiam_status status =
        tool_arguments_get_number(arguments, "--approvals", 1000, &approvals, error);

    if (status != HSMIAM_OK || tool_arguments_get(arguments, "--none"))
        return status;
    if (!path || !operations)
        return tool_error_set_usage(error, "hsmiam: error: the following arguments are required: "
                                           "--require and --approvers, or --none");
    status = load(session, path, policy, error);
    if (status == HSMIAM_OK &&
        (hsmiam_policy_require(policy, operations, session->error) != HSMIAM_OK ||
         hsmiam_policy_set_approvals(policy, approvals, session->error) != HSMIAM_OK))
        status = tool_session_fail(session, error);
    return status;
}

static hsmiam_status set(tool_session *session, const tool_context *context, tool_error *error)
{
    hsmiam_policy *policy = NULL;
    hsmiam_status status = HSMIAM_OK;

    if (hsmiam_policy_new(&policy, session->error) != HSMIAM_OK)
        return tool_session_fail(session, error);
    status = fill(session, context->arguments, policy, error);
    if (status == HSMIAM_OK &&
        hsmiam_ledger_set_policy(session->ledger, policy, session->error) != HSMIAM_OK)
        status = tool_session_fail(session, error);
    hsmiam_policy_free(&policy);
    return status == HSMIAM_OK ? show(session, context, error) : status;
}

static hsmiam_status check(const tool_arguments *arguments, tool_error *error)
{
    static const char *const others[] = {"--require", "--approvers", "--approvals"};
    hsmiam_status status = HSMIAM_OK;

    for (size_t i = 0; status == HSMIAM_OK && i < sizeof others / sizeof others[0]; i++)
        status = tool_arguments_exclude(arguments, "--none", others[i], error);
    return status;
}

static hsmiam_status run(tool_context *context, tool_error *error)
{
    const tool_arguments *arguments = context->arguments;
    bool sets = tool_arguments_get(arguments, "--none") ||
                tool_arguments_get(arguments, "--require") ||
                tool_arguments_get(arguments, "--approvers") ||
                tool_arguments_get(arguments, "--approvals");
    tool_session session = {0};
    hsmiam_status status = check(arguments, error);

    if (status != HSMIAM_OK)
        return status;
    tool_signals_install(TOOL_SIGNALS_HOLD);
    status = sets ? tool_session_start(&session, context, error)
                  : tool_session_start_ledger(&session, context, error);
    if (status == HSMIAM_OK)
        status = sets ? set(&session, context, error) : show(&session, context, error);
    tool_session_clear(&session);
    return status;
}

const tool_command tool_audit_policy = {
    .name = "policy",
    .summary = "Show or set what needs the approval of a second key.",
    .description =
        "Without options, verifies the ledger and shows the policy in force; needs no token. With "
        "--require and --approvers, or --none, puts a new policy on record, signed by the audit "
        "key of the token that --token or the credential names. Under a policy, changing it needs "
        "an approval itself.\n\n"
        "A policy is evidence, not prevention: whoever has the PIN can use the token without "
        "hsmiam, but not write a ledger that `audit verify` accepts without the approvals. What "
        "must not happen at all is for the HSM's own quorum, or for IAM, to prevent.",
    .options = options,
    .asks_nothing = true,
    .run = run,
};
