/* SPDX-License-Identifier: Apache-2.0 */
#include "rotate_users.h"

#include "batch.h"
#include "made_key.h"

#include <stdio.h>
#include <time.h>

/* What is done for each of them. */
typedef struct tool_rotation {
    hsmiam_rotation_options wanted; /* but for the user */
    time_t since;                   /* whom an earlier run rotated since then is passed over */
} tool_rotation;

static hsmiam_status describe(const hsmiam_rotation *rotation, const char *user_name,
                              tool_value *object)
{
    const hsmiam_access_key *key = hsmiam_rotation_get_key(rotation);
    tool_made_key facts;
    bool told = false;

    if (key) {
        tool_made_key_take(&facts, key);
        told = tool_made_key_fill(object, &facts);
    } else {
        told = tool_value_add_string(object, "UserName", user_name);
    }
    told = told &&
           tool_value_add_string(object, "PreviousAccessKeyId",
                                 hsmiam_rotation_get_previous_id(rotation)) &&
           tool_value_add_string(object, "PreviousStatus",
                                 hsmiam_rotation_get_previous_status(rotation));
    return told ? HSMIAM_OK : HSMIAM_ERR_MEMORY;
}

static hsmiam_status rotate(const void *settings, hsmiam_client *client, hsmiam_custody *custody,
                            const char *user_name, tool_value *object, hsmiam_error *error)
{
    const tool_rotation *task = settings;
    hsmiam_rotation_options wanted = task->wanted;
    hsmiam_rotation *rotation = NULL;

    wanted.user_name = user_name;
    hsmiam_status status = hsmiam_access_key_rotate(client, custody, &wanted, &rotation, error);
    if (status == HSMIAM_OK)
        status = describe(rotation, user_name, object);
    hsmiam_rotation_free(&rotation);
    return status;
}

typedef struct tool_finding {
    tool_user_file *users;
    bool delete_old; /* who has the old key still is not done */
} tool_finding;

static void note(void *context, const char *user_name, bool old_is_deleted)
{
    const tool_finding *finding = context;

    if (old_is_deleted || !finding->delete_old)
        tool_user_file_note_key(finding->users, user_name, "", true);
}

static hsmiam_status find(const void *settings, hsmiam_client *client, hsmiam_custody *custody,
                          tool_user_file *users, hsmiam_error *error)
{
    const tool_rotation *task = settings;
    tool_finding finding = {.users = users, .delete_old = task->wanted.delete_old};

    return hsmiam_custody_find_rotated(client, custody, task->since, note, &finding, error);
}

/* The time of the file's first run, without which nobody could tell what that did from what was
 * done before. */
static hsmiam_status get_since(const tool_arguments *arguments, time_t *since_out,
                               tool_error *error)
{
    bool resumes = tool_arguments_get(arguments, "--resume") != NULL;
    hsmiam_status status = tool_arguments_get_time(arguments, "--since", false, since_out, error);

    if (status != HSMIAM_OK)
        return status;
    if (resumes != (*since_out >= 0))
        return tool_error_set_usage(
            error, "hsmiam: error: argument %s: not allowed without argument %s",
            resumes ? "--resume" : "--since", resumes ? "--since" : "--resume");
    if (!resumes)
        *since_out = time(NULL);
    return HSMIAM_OK;
}

hsmiam_status tool_rotate_users(tool_context *context, const hsmiam_rotation_options *wanted,
                                tool_error *error)
{
    tool_rotation rotation = {.wanted = *wanted};
    char resume[64] = "";
    struct tm parts = {0};
    hsmiam_status status = get_since(context->arguments, &rotation.since, error);

    if (status != HSMIAM_OK)
        return status;
    (void)strftime(resume, sizeof resume, "--resume --since %Y-%m-%dT%H:%M:%SZ",
                   gmtime_r(&rotation.since, &parts));
    const tool_batch_task task = {.work = rotate,
                                  .find = find,
                                  .settings = &rotation,
                                  .before = "were rotated before",
                                  .has_halves = true,
                                  .resume = resume};
    return tool_batch_run(context, &task, error);
}
