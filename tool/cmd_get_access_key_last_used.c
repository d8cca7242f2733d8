/* SPDX-License-Identifier: Apache-2.0 */
#include "commands.h"
#include "input.h"
#include "key_facts.h"
#include "output.h"
#include "session.h"
#include "signals.h"

static const char command_name[] = "get-access-key-last-used";

static const tool_member members[] = {
    {.name = "AccessKeyId",
     .option = "--access-key-id",
     .type = TOOL_VALUE_STRING,
     .required = true,
     .check = hsmiam_access_key_id_check,
     .help = "The identifier of an access key."},
    {.name = NULL},
};

static const tool_schema schema = {members};

static const tool_option options[] = {
    {.name = "--access-key-id",
     .kind = TOOL_OPTION_VALUE,
     .value = "ID",
     .help = "The id of the access key. Required."},
    TOOL_INPUT_OPTIONS,
    {.name = NULL},
};

static bool describe(tool_value *root, const hsmiam_key_facts *facts)
{
    char date[TOOL_TIME_SIZE];
    tool_value *use = NULL;

    tool_time_format(facts->last_used, date);
    /* The account's root user has no name. */
    if (*facts->user_name && !tool_value_add_string(root, "UserName", facts->user_name))
        return false;
    use = tool_value_add_object(root, "AccessKeyLastUsed");
    if (!use || (*date && !tool_value_add_string(use, "LastUsedDate", date)) ||
        !tool_value_add_string(use, "ServiceName", facts->last_used_service) ||
        !tool_value_add_string(use, "Region", facts->last_used_region))
        return false;
    return tool_value_add(root, "InToken", TOOL_VALUE_BOOLEAN,
                          facts->in_token ? "true" : "false") &&
           (!*facts->uri || tool_value_add_string(root, "SecretAccessKeyUri", facts->uri));
}

static void take(void *context, const hsmiam_key_facts *facts)
{
    tool_value **root = context;

    *root = tool_value_new(TOOL_VALUE_OBJECT, NULL);
    if (*root && !describe(*root, facts))
        tool_value_free(root);
}

static hsmiam_status ask(tool_context *context, tool_session *session, const char *id,
                         tool_value **root, tool_error *error)
{
    hsmiam_status status = tool_session_start_client(session, context, error);

    tool_signals_install(TOOL_SIGNALS_ONCE);
    if (status == HSMIAM_OK)
        status = tool_session_ask_pins(session, error);
    if (status != HSMIAM_OK)
        return status;
    if (hsmiam_access_key_get_last_used(session->client, session->custody, id, take, root,
                                        session->error) != HSMIAM_OK)
        return tool_session_fail(session, error);
    return HSMIAM_OK;
}

static hsmiam_status run(tool_context *context, tool_error *error)
{
    tool_session session = {0};
    tool_value *input = NULL;
    tool_value *root = NULL;
    hsmiam_status status = HSMIAM_OK;

    if (tool_input_print_skeleton(context->arguments, &schema))
        return tool_output_close(error);
    status = tool_input_gather(context->arguments, &schema, &input, error);
    if (status != HSMIAM_OK)
        goto out;
    if (tool_arguments_get(context->arguments, "--generate-cli-skeleton"))
        take(&root, &tool_key_facts_sample);
    else
        status = ask(context, &session, tool_input_get_text(input, "AccessKeyId"), &root, error);
    if (status == HSMIAM_OK)
        status = root ? tool_output_print(root, &context->settings, command_name, error)
                      : tool_error_set_memory(error);
out:
    tool_value_free(&root);
    tool_value_free(&input);
    tool_session_clear(&session);
    return status;
}

const tool_command tool_get_access_key_last_used = {
    .name = command_name,
    .summary = "Tell when an access key was last used.",
    .description = "Tells an access key's user and when, for which service and in which region it "
                   "was last used, as `aws iam get-access-key-last-used` does, and whether the "
                   "token holds it.",
    .options = options,
    .takes_tokens = true,
    .run = run,
};
