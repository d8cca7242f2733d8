/* SPDX-License-Identifier: Apache-2.0 */
#include "approver.h"
#include "commands.h"
#include "input.h"
#include "made_key.h"
#include "output.h"
#include "session.h"
#include "signals.h"

#include <string.h>

static const char command_name[] = "create-access-key";

static const tool_member members[] = {
    {.name = "UserName",
     .option = "--user-name",
     .type = TOOL_VALUE_STRING,
     .min_length = 1,
     .check = hsmiam_user_name_check,
     .help = "The name of the IAM user that the new key will belong to."},
    {.name = NULL},
};

static const tool_schema schema = {members};

static const tool_option options[] = {
    {.name = "--user-name",
     .kind = TOOL_OPTION_VALUE,
     .value = "NAME",
     .help = "The name of the IAM user that the new key will belong to: 1 to 128 letters, digits "
             "and any of _+=,.@- Default: the user of the key that signs."},
    TOOL_INPUT_OPTIONS,
    TOOL_IMPORT_OPTIONS,
    TOOL_APPROVER_OPTIONS,
    {.name = NULL},
};

static hsmiam_status print_key(const tool_context *context, const tool_made_key *facts,
                               tool_error *error)
{
    tool_value *result = tool_value_new(TOOL_VALUE_OBJECT, NULL);
    hsmiam_status status = HSMIAM_OK;

    if (!result || !tool_made_key_add(result, facts))
        status = tool_error_set_memory(error);
    else
        status = tool_output_print(result, &context->settings, command_name, error);
    tool_value_free(&result);
    return status;
}

static hsmiam_status print_sample(const tool_context *context, tool_error *error)
{
    static const tool_made_key sample = {.user_name = "UserName",
                                         .id = "AccessKeyId",
                                         .status = "Status",
                                         .uri = "SecretAccessKeyUri",
                                         .create_date = "1970-01-01T00:00:00+00:00"};

    return print_key(context, &sample, error);
}

/* Prints a key that was made. Whatever fails here, its id and URI are told. */
static hsmiam_status print_created(const tool_context *context, const hsmiam_access_key *key,
                                   tool_error *error)
{
    tool_made_key facts;
    hsmiam_status status = HSMIAM_OK;

    tool_made_key_take(&facts, key);
    status = print_key(context, &facts, error);
    if (status == HSMIAM_OK)
        return status;
    return tool_error_set(error, HSMIAM_ERR_IO,
                          "%s\nThe access key %s was made all the same, and its secret is in the "
                          "token: %s",
                          error->message ? error->message : "Not enough memory.", facts.id,
                          facts.uri);
}

static hsmiam_status create(tool_context *context, const char *user_name, tool_error *error)
{
    tool_session session = {0};
    hsmiam_access_key *key = NULL;
    hsmiam_status status = HSMIAM_OK;

    tool_signals_install(TOOL_SIGNALS_HOLD);
    status = tool_session_start_client(&session, context, error);
    if (status == HSMIAM_OK)
        status = tool_session_ask_pins(&session, error);
    if (status != HSMIAM_OK)
        goto out;
    status =
        hsmiam_access_key_create(session.client, session.custody, user_name, &key, session.error);
    if (status != HSMIAM_OK)
        status = tool_session_fail(&session, error);
    else
        status = print_created(context, key, error);
out:
    hsmiam_access_key_free(&key);
    tool_session_clear(&session);
    return status;
}

static hsmiam_status run(tool_context *context, tool_error *error)
{
    const char *skeleton = tool_arguments_get(context->arguments, "--generate-cli-skeleton");
    tool_value *input = NULL;
    hsmiam_status status = HSMIAM_OK;

    if (tool_input_print_skeleton(context->arguments, &schema))
        return tool_output_close(error);
    status = tool_input_gather(context->arguments, &schema, &input, error);
    if (status == HSMIAM_OK && skeleton)
        status = print_sample(context, error);
    else if (status == HSMIAM_OK)
        status = create(context, tool_input_get_text(input, "UserName"), error);
    tool_value_free(&input);
    return status;
}

const tool_command tool_create_access_key = {
    .name = command_name,
    .summary = "Issue an IAM access key whose secret goes straight into a token.",
    .description =
        "Asks IAM to create an access key. The request is signed by the credential's key inside "
        "its token and sent once; the secret in the answer goes into the token that --token names, "
        "and is proven there. It is printed nowhere: instead of SecretAccessKey, the output has "
        "SecretAccessKeyUri, the PKCS#11 URI of the secret.\n\n"
        "If no user name is given, IAM takes the user of the key that signs. If the token cannot "
        "take the secret in, the key is deleted at IAM again.",
    .options = options,
    .takes_tokens = true,
    .run = run,
};
