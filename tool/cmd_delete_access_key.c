/* SPDX-License-Identifier: Apache-2.0 */
#include "approver.h"
#include "commands.h"
#include "input.h"
#include "prompt.h"
#include "session.h"
#include "signals.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

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
    {.name = "--yes",
     .kind = TOOL_OPTION_FLAG,
     .help = "Do not ask. Required where there is no terminal to ask on."},
    TOOL_INPUT_OPTIONS,
    TOOL_APPROVER_OPTIONS,
    {.name = NULL},
};

static char *make_question(tool_session *session, const char *user, const char *id)
{
    bool signs = strcmp(hsmiam_signer_get_access_key_id(session->signer), id) == 0;
    char *question = NULL;

    if (asprintf(&question,
                 "%sDelete access key %s of %s%s at IAM, and its secret in the token? "
                 "Neither can be undone. [y/N] ",
                 signs ? "This key is the credential that signs: nothing can be signed by it "
                         "afterwards, and if it is the last one, nobody gets in any more.\n"
                       : "",
                 id, user ? "user " : "the credential's own user", user ? user : "") < 0)
        return NULL;
    return question;
}

static hsmiam_status ask(tool_session *session, const char *user, const char *id, tool_error *error)
{
    char *question = NULL;
    bool yes = false;

    /* Which key signs shows once the token is open. */
    if (hsmiam_signer_open(session->signer, session->error) != HSMIAM_OK)
        return tool_session_fail(session, error);
    question = make_question(session, user, id);
    if (!question)
        return tool_error_set_memory(error);
    yes = tool_prompt_confirm(question);
    free(question);
    return yes ? HSMIAM_OK : tool_error_set(error, HSMIAM_ERR_CANCELLED, "Nothing was deleted.");
}

/* IAM refused, since it knows no such key of that user: what it said stands in the session's error.
 * What the tokens have left of the key may go as well, if it is sure to be gone. */
static hsmiam_status delete_leftover(tool_session *session, const char *user, const char *id,
                                     bool asks, tool_error *error)
{
    static const char question[] = "IAM knows no such key any more, and a token still holds its "
                                   "secret. Destroy that? It cannot be undone. [y/N] ";
    hsmiam_error *why = hsmiam_error_new();
    hsmiam_status found = HSMIAM_ERR_MEMORY;
    hsmiam_status status = HSMIAM_OK;

    if (why)
        found = hsmiam_access_key_check_leftover(session->client, session->custody, user, id, why);
    if (found != HSMIAM_OK || (asks && !tool_prompt_confirm(question))) {
        status = tool_session_fail(session, error);
        if (found != HSMIAM_OK && found != HSMIAM_ERR_NOT_FOUND && error->message)
            status = tool_error_set(error, status, "%s\nIts secret stays in the token: %s",
                                    error->message, hsmiam_error_get_message(why));
    } else if (hsmiam_access_key_delete_leftover(session->client, session->custody, user, id,
                                                 session->error) != HSMIAM_OK) {
        status = tool_session_fail(session, error);
    } else {
        tool_text_put("hsmiam: IAM knew the key no more; its secret in the token is destroyed.\n",
                      stderr);
    }
    hsmiam_error_free(&why);
    return status;
}

static bool is_unknown_to_iam(const hsmiam_error *error)
{
    return hsmiam_error_get_status(error) == HSMIAM_ERR_SERVICE &&
           strcmp(hsmiam_error_get_code_name(error), "NoSuchEntity") == 0;
}

static hsmiam_status delete_key(tool_context *context, const tool_value *input, tool_error *error)
{
    bool asks = !tool_arguments_get(context->arguments, "--yes");
    const char *user = tool_input_get_text(input, "UserName");
    const char *id = tool_input_get_text(input, "AccessKeyId");
    tool_session session = {0};
    hsmiam_status status = HSMIAM_OK;

    if (asks && !tool_prompt_is_possible())
        return tool_error_set_usage(error, "hsmiam: error: the following arguments are required "
                                           "where there is no terminal to ask on: --yes");
    tool_signals_install(TOOL_SIGNALS_ONCE);
    status = tool_session_start_client(&session, context, error);
    if (status == HSMIAM_OK)
        status = tool_session_ask_pins(&session, error);
    if (status == HSMIAM_OK && asks)
        status = ask(&session, user, id, error);
    /* Nothing has been sent to this point. */
    tool_signals_install(TOOL_SIGNALS_HOLD);
    if (status == HSMIAM_OK && hsmiam_access_key_delete(session.client, session.custody, user, id,
                                                        session.error) != HSMIAM_OK)
        status = is_unknown_to_iam(session.error) ? delete_leftover(&session, user, id, asks, error)
                                                  : tool_session_fail(&session, error);
    tool_session_clear(&session);
    return status;
}

static hsmiam_status run(tool_context *context, tool_error *error)
{
    return tool_input_run_silent(context, &schema, delete_key, error);
}

const tool_command tool_delete_access_key = {
    .name = "delete-access-key",
    .summary = "Delete an access key, at IAM and in the token.",
    .description =
        "Deletes an access key at IAM, as `aws iam delete-access-key` does, and then destroys its "
        "secret in the token, if the token holds it. It asks before, and prints nothing. What is "
        "about to be done is on record in the ledger, and what came of it: of a run that was "
        "interrupted, `recover` finds out whether IAM deleted the key, and destroys the secret if "
        "so. It never deletes a key at IAM for which that is not known; such a key stays, to be "
        "deleted by another run of this command.\n\n"
        "Where IAM knows no such key of that user, because it was deleted by other means, and a "
        "token still holds its secret, that may be destroyed: the command asks again (--yes: it "
        "does not). The key must be gone for certain: of the credential's account by the ledger, "
        "not made or used within four minutes, with no user and unable to sign.",
    .options = options,
    .takes_tokens = true,
    .run = run,
};
