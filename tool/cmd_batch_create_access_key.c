/* SPDX-License-Identifier: Apache-2.0 */
#include "approver.h"
#include "batch.h"
#include "commands.h"
#include "made_key.h"

static const tool_option options[] = {
    {TOOL_BATCH_USERS},
    {TOOL_BATCH_CONCURRENCY},
    {.name = "--resume",
     .kind = TOOL_OPTION_FLAG,
     .help = "Go on with a file that an earlier run did not finish: settle what that run left "
             "open, as recover does, and pass over the users of this account for whom the ledger "
             "shows a key in the token."},
    TOOL_IMPORT_OPTIONS,
    TOOL_APPROVER_OPTIONS,
    {.name = NULL},
};

static hsmiam_status create(const void *settings, hsmiam_client *client, hsmiam_custody *custody,
                            const char *user_name, tool_value *object, hsmiam_error *error)
{
    hsmiam_access_key *key = NULL;
    tool_made_key facts;
    hsmiam_status status = hsmiam_access_key_create(client, custody, user_name, &key, error);

    (void)settings;
    if (status == HSMIAM_OK) {
        tool_made_key_take(&facts, key);
        if (!tool_made_key_fill(object, &facts))
            status = HSMIAM_ERR_MEMORY;
    }
    hsmiam_access_key_free(&key);
    return status;
}

static void note_key(void *context, const char *user_name, const char *access_key_id, bool held)
{
    tool_user_file_note_key(context, user_name, access_key_id, held);
}

static hsmiam_status find(const void *settings, hsmiam_client *client, hsmiam_custody *custody,
                          tool_user_file *users, hsmiam_error *error)
{
    (void)settings;
    return hsmiam_custody_find_held(client, custody, note_key, users, error);
}

static hsmiam_status run(tool_context *context, tool_error *error)
{
    static const tool_batch_task task = {
        .work = create, .find = find, .before = "had a key before", .resume = "--resume"};

    return tool_batch_run(context, &task, error);
}

const tool_command tool_batch_create_access_key = {
    .name = "batch-create-access-key",
    .summary = "Issue an access key for each user of a file.",
    .description =
        "Asks IAM for an access key for each of the users, several at a time, and takes each "
        "secret into the token. Each key goes through all that create-access-key does: what it is "
        "about to ask for and what came of it stand in the ledger, and a key that the token cannot "
        "take in is deleted at IAM again. When IAM says that it is asked too often, all wait, and "
        "go on slower.\n\n"
        "For each user, a line of JSON is printed as soon as its outcome is on record: UserName, "
        "AccessKeyId, Status, SecretAccessKeyUri and CreateDate; or UserName and Error, with Code "
        "and Message. A summary goes to standard error, and a line that tells how far it is, if "
        "that is a terminal. --output changes nothing here.\n\n"
        "What concerns one user stops none of the others. What would befall all of them (a token "
        "that fails, a credential that is refused, an IAM that cannot be reached, a ledger that "
        "cannot be written to) stops the command, as a signal does: what is under way is finished, "
        "nothing more is begun. The same command with --resume goes on from there.\n\n"
        "The exit code is 0 if every user has a key, 130 after a signal, and 255 otherwise.",
    .options = options,
    .takes_tokens = true,
    .run = run,
};
