/* SPDX-License-Identifier: Apache-2.0 */
#include "commands.h"
#include "output.h"
#include "session.h"

static const char command_name[] = "get-caller-identity";

static const tool_option options[] = {
    {.name = NULL},
};

static hsmiam_status print(const tool_context *context, const hsmiam_caller_identity *identity,
                           tool_error *error)
{
    tool_value *result = tool_value_new(TOOL_VALUE_OBJECT, NULL);
    hsmiam_status status = HSMIAM_OK;

    if (!result || !tool_value_add_string(result, "UserId", identity->user_id) ||
        !tool_value_add_string(result, "Account", identity->account) ||
        !tool_value_add_string(result, "Arn", identity->arn))
        status = tool_error_set_memory(error);
    else
        status = tool_output_print(result, &context->settings, command_name, error);
    tool_value_free(&result);
    return status;
}

static hsmiam_status run(tool_context *context, tool_error *error)
{
    tool_session session = {0};
    hsmiam_caller_identity identity = {0};
    hsmiam_status status = tool_session_start_client(&session, context, error);

    if (status == HSMIAM_OK)
        status = tool_session_ask_pins(&session, error);
    if (status == HSMIAM_OK &&
        hsmiam_client_get_caller_identity(session.client, &identity, session.error) != HSMIAM_OK)
        status = tool_session_fail(&session, error);
    if (status == HSMIAM_OK)
        status = print(context, &identity, error);
    tool_session_clear(&session);
    return status;
}

const tool_command tool_get_caller_identity = {
    .name = command_name,
    .summary = "Prove a key in the token: ask STS who signs.",
    .description =
        "Signs STS GetCallerIdentity with the access key that --credential names, any that the "
        "token holds, and prints whose it is. No permission is needed for it, and no policy can "
        "deny it: a key that AWS knows, and that is active, is answered.",
    .options = options,
    .run = run,
};
