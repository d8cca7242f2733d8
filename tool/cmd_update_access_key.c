/* SPDX-License-Identifier: Apache-2.0 */
#include "approver.h"
#include "commands.h"
#include "input.h"
#include "session.h"
#include "signals.h"

static const char *const status_choices[] = {"Active", "Inactive", NULL};

static const tool_member members[] = {
    {.name = "UserName",
     .option = "--user-name",
     .type = TOOL_VALUE_STRING,
     .min_length = 1,
     .check = hsmiam_user_name_check,
     .help = "The name of the user whose key it is."},
    {.name = "AccessKeyId",
     .option = "--access-key-id",
     .type = TOOL_VALUE_STRING,
     .required = true,
     .check = hsmiam_access_key_id_check,
     .help = "The id of the access key."},
    {.name = "Status",
     .option = "--status",
     .type = TOOL_VALUE_STRING,
     .required = true,
     .check = hsmiam_key_status_check,
     .sample = "Active",
     .help = "The status that the key is to have: Active or Inactive."},
    {.name = NULL},
};

static const tool_schema schema = {members};

static const tool_option options[] = {
    {.name = "--user-name",
     .kind = TOOL_OPTION_VALUE,
     .value = "NAME",
     .help = "The name of the IAM user whose key it is. Default: the user of the key that signs."},
    {.name = "--access-key-id",
     .kind = TOOL_OPTION_VALUE,
     .value = "ID",
     .help = "The id of the access key. Required."},
    {.name = "--status",
     .kind = TOOL_OPTION_VALUE,
     .choices = status_choices,
     .help = "Whether requests that the key signs are taken. Required."},
    TOOL_INPUT_OPTIONS,
    TOOL_APPROVER_OPTIONS,
    {.name = NULL},
};

static hsmiam_status update(tool_context *context, const tool_value *input, tool_error *error)
{
    tool_session session = {0};
    hsmiam_status status = HSMIAM_OK;

    tool_signals_install(TOOL_SIGNALS_HOLD);
    status = tool_session_start_client(&session, context, error);
    if (status == HSMIAM_OK)
        status = tool_session_ask_pins(&session, error);
    if (status == HSMIAM_OK &&
        hsmiam_access_key_update(session.client, session.custody,
                                 tool_input_get_text(input, "UserName"),
                                 tool_input_get_text(input, "AccessKeyId"),
                                 tool_input_get_text(input, "Status"), session.error) != HSMIAM_OK)
        status = tool_session_fail(&session, error);
    tool_session_clear(&session);
    return status;
}

static hsmiam_status run(tool_context *context, tool_error *error)
{
    return tool_input_run_silent(context, &schema, update, error);
}

const tool_command tool_update_access_key = {
    .name = "update-access-key",
    .summary = "Make an access key active or inactive.",
    .description = "Changes the status of an access key at IAM, as `aws iam update-access-key` "
                   "does, and records in the ledger who did it. Prints nothing. The token keeps "
                   "the key.",
    .options = options,
    .takes_tokens = true,
    .run = run,
};
