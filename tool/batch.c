/* SPDX-License-Identifier: Apache-2.0 */
#include "batch.h"

#include "heap.h"
#include "output.h"
#include "progress.h"
#include "signals.h"
#include "text.h"
#include "user_file.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* What a user at work locks: a stack, and what is worked on; as much again for a session whose
 * token has a time-out. And what the heap has: by itself, and for each connection. */
#define LOCKED_EACH ((size_t)640 * 1024)
#define HEAP_BASE   ((size_t)2560 * 1024)
#define HEAP_EACH   ((size_t)256 * 1024)

/* A batch on its way. */
typedef struct tool_batch {
    tool_context *context;
    tool_session session;
    tool_user_file *users;
    const tool_batch_task *task;
    hsmiam_batch batch;

    pthread_mutex_t lock; /* guards what follows, and the output */
    tool_progress progress;
    size_t done;
    size_t failed;
    tool_error output_error; /* why lines cannot be written; no message: they can */
} tool_batch;

/* What stands for a code where the service gave none. */
static const char *const code_names[] = {
    [HSMIAM_ERR_ARGUMENT] = "InvalidParameter",
    [HSMIAM_ERR_CONFIG] = "InvalidConfiguration",
    [HSMIAM_ERR_NOT_FOUND] = "NotFoundInToken",
    [HSMIAM_ERR_AMBIGUOUS] = "Ambiguous",
    [HSMIAM_ERR_EXISTS] = "ExistsInToken",
    [HSMIAM_ERR_PIN] = "PinFailure",
    [HSMIAM_ERR_TOKEN] = "TokenFailure",
    [HSMIAM_ERR_UNSUPPORTED] = "UnsupportedByToken",
    [HSMIAM_ERR_NETWORK] = "NetworkFailure",
    [HSMIAM_ERR_UNKNOWN_OUTCOME] = "UnknownOutcome",
    [HSMIAM_ERR_REPLY] = "InvalidReply",
    [HSMIAM_ERR_SERVICE] = "Unknown",
    [HSMIAM_ERR_CUSTODY] = "CustodyFailure",
    [HSMIAM_ERR_CANCELLED] = "Interrupted",
    [HSMIAM_ERR_IO] = "IoFailure",
    [HSMIAM_ERR_MEMORY] = "OutOfMemory",
    [HSMIAM_ERR_INTERNAL] = "InternalFailure",
    [HSMIAM_ERR_LEDGER] = "LedgerFailure",
    [HSMIAM_ERR_UNSETTLED] = "Unsettled",
    [HSMIAM_ERR_APPROVAL] = "ApprovalRequired",
};

static const char *get_code(hsmiam_status status, const hsmiam_error *error)
{
    const char *code = status == HSMIAM_ERR_SERVICE ? hsmiam_error_get_code_name(error) : "";

    if (*code)
        return code;
    if ((size_t)status < sizeof code_names / sizeof code_names[0] && code_names[status])
        return code_names[status];
    return "Unknown";
}

/* NULL if there is no memory. */
static tool_value *describe_failure(const char *user_name, hsmiam_status status,
                                    const hsmiam_error *error)
{
    tool_value *object = tool_value_new(TOOL_VALUE_OBJECT, NULL);
    bool is_named = object && tool_value_add_string(object, "UserName", user_name);
    tool_value *described = is_named ? tool_value_add_object(object, "Error") : NULL;

    if (!described || !tool_value_add_string(described, "Code", get_code(status, error)) ||
        !tool_value_add_string(described, "Message", hsmiam_error_get_message(error)))
        tool_value_free(&object);
    return object;
}

/* -------------------------------------------------------------------------------- user by user */

static bool next(void *context, char name_out[HSMIAM_USER_NAME_SIZE])
{
    tool_batch *run = context;

    return tool_user_file_next(run->users, name_out);
}

/* Counts a user, and prints the line. What cannot be printed is in the ledger. */
static hsmiam_status finish(tool_batch *run, hsmiam_status status, const tool_value *object)
{
    hsmiam_status printed = HSMIAM_OK;

    (void)pthread_mutex_lock(&run->lock);
    if (status == HSMIAM_OK)
        run->done++;
    else
        run->failed++;
    tool_progress_make_way();
    if (!run->output_error.message)
        printed = object ? tool_output_print_line(object, &run->output_error)
                         : tool_error_set(&run->output_error, HSMIAM_ERR_MEMORY,
                                          "Not enough memory to print a result.");
    (void)pthread_mutex_unlock(&run->lock);
    return printed;
}

static hsmiam_status work(void *context, hsmiam_client *client, hsmiam_custody *custody,
                          const char *user_name, hsmiam_error *error)
{
    tool_batch *run = context;
    tool_value *object = tool_value_new(TOOL_VALUE_OBJECT, NULL);
    hsmiam_status status = HSMIAM_ERR_MEMORY;

    if (object)
        status = run->task->work(run->task->settings, client, custody, user_name, object, error);
    if (status == HSMIAM_ERR_CANCELLED && !run->task->has_halves)
        goto out;
    if (status != HSMIAM_OK) {
        tool_value_free(&object);
        object = describe_failure(user_name, status, error);
    }
    if (finish(run, status, object) != HSMIAM_OK && status == HSMIAM_OK)
        status = HSMIAM_ERR_IO;
out:
    tool_value_free(&object);
    return status;
}

static void tick(void *context)
{
    tool_batch *run = context;

    (void)pthread_mutex_lock(&run->lock);
    tool_progress_show(&run->progress, run->done, run->failed);
    (void)pthread_mutex_unlock(&run->lock);
}

/* --------------------------------------------------------------------------- before and after */

/* Settles what is open, as far as that goes now, and passes over whom nothing is left to do for. */
static hsmiam_status resume(tool_batch *run, tool_error *error)
{
    tool_session *session = &run->session;
    hsmiam_status status = hsmiam_custody_recover(session->client, session->custody, false, NULL,
                                                  NULL, session->error);

    if (status == HSMIAM_OK || status == HSMIAM_ERR_UNSETTLED)
        status = run->task->find(run->task->settings, session->client, session->custody, run->users,
                                 session->error);
    return status == HSMIAM_OK ? status : tool_session_fail(session, error);
}

static size_t count_replicas(const tool_settings *settings)
{
    size_t count = 0;

    while (settings->replicas[count])
        count++;
    return count;
}

/* How many at a time: as many as were asked for, or as memory may be locked for. */
static hsmiam_status choose_concurrency(tool_batch *run, tool_error *error)
{
    const tool_arguments *arguments = run->context->arguments;
    bool is_given = tool_arguments_get(arguments, "--max-concurrency") != NULL;
    const tool_settings *settings = &run->context->settings;
    size_t each = LOCKED_EACH;
    size_t limit = tool_heap_get_limit();
    unsigned most = HSMIAM_BATCH_CONCURRENCY_DEFAULT;
    hsmiam_status status = tool_arguments_get_number(arguments, "--max-concurrency",
                                                     HSMIAM_BATCH_CONCURRENCY_MAX, &most, error);

    if (settings->token_timeout > 0)
        each += LOCKED_EACH * (1 + count_replicas(settings));
    if (status == HSMIAM_OK && most == 0)
        status = tool_error_set_usage(
            error, "hsmiam: error: argument --max-concurrency: at least one user at a time");
    while (!is_given && most > 1 && HEAP_BASE + each + most * (HEAP_EACH + each) > limit)
        most--;
    run->batch.concurrency = most;
    tool_heap_leave_to_secrets((most + 1) * each);
    return status;
}

static hsmiam_status prepare(tool_batch *run, tool_error *error)
{
    const tool_arguments *arguments = run->context->arguments;
    const char *path = tool_arguments_get(arguments, "--user-names");
    hsmiam_status status = HSMIAM_OK;

    if (!path)
        return tool_error_set_usage(
            error, "hsmiam: error: the following arguments are required: --user-names");
    run->batch = (hsmiam_batch){.next = next, .work = work, .tick = tick, .context = run};
    status = choose_concurrency(run, error);
    if (status == HSMIAM_OK)
        status = tool_user_file_open(path, &run->users, error);
    if (status != HSMIAM_OK)
        return status;
    tool_signals_install(TOOL_SIGNALS_HOLD);
    status = tool_session_start_client(&run->session, run->context, error);
    if (status == HSMIAM_OK)
        status = tool_session_ask_pins(&run->session, error);
    if (status == HSMIAM_OK && tool_arguments_get(arguments, "--resume"))
        status = resume(run, error);
    return status;
}

static void print_summary(const tool_batch *run)
{
    double seconds = tool_progress_get_seconds(&run->progress);
    size_t holders = tool_user_file_count_holders(run->users);
    size_t finished = run->done + run->failed;
    char before[64] = "";
    char after[64] = "";

    if (holders > 0)
        (void)snprintf(before, sizeof before, ", %zu %s", holders, run->task->before);
    if (finished < run->progress.total)
        (void)snprintf(after, sizeof after, ", %zu not begun", run->progress.total - finished);
    tool_text_print(stderr, "%shsmiam: %zu of %zu users done%s, %zu failed%s; %.1f s, %.1f/s\n",
                    tool_progress_get_eraser(), run->done, tool_user_file_count(run->users), before,
                    run->failed, after, seconds, seconds > 0 ? (double)finished / seconds : 0);
}

/* What the whole came to, once there were users to begin with. */
static hsmiam_status judge(tool_batch *run, hsmiam_status status, tool_error *error)
{
    const char *resume = run->task->resume;

    if (run->output_error.message)
        return tool_error_set(error, HSMIAM_ERR_UNSETTLED,
                              "%s\nUsers without a line may have a key all the same: `hsmiam audit "
                              "show --event outcome` tells. Run the command again with %s.",
                              run->output_error.message, resume);
    if (status == HSMIAM_ERR_CANCELLED && !run->session.heap_error.message)
        return tool_error_set(
            error, status,
            "Interrupted. What was under way is done, the rest was not begun. Run "
            "the command again with %s.",
            resume);
    if (status != HSMIAM_OK) {
        (void)tool_session_fail(&run->session, error);
        return tool_error_set(error, HSMIAM_ERR_UNSETTLED,
                              "%s\nThat stopped the whole: what was under way is done, the rest "
                              "was not begun. When it is mended, run the command again with "
                              "%s.",
                              error->message ? error->message : "Not enough memory.", resume);
    }
    if (run->failed > 0)
        return tool_error_set(error, HSMIAM_ERR_UNSETTLED,
                              "%zu users failed: standard output has the reason for each. When it "
                              "is mended, run the command again with %s.",
                              run->failed, resume);
    return HSMIAM_OK;
}

hsmiam_status tool_batch_run(tool_context *context, const tool_batch_task *task, tool_error *error)
{
    tool_notices notices = TOOL_NOTICES_INIT;
    tool_batch run = {.context = context, .task = task, .lock = PTHREAD_MUTEX_INITIALIZER};
    hsmiam_status status = HSMIAM_OK;

    context->notices = &notices;
    status = prepare(&run, error);
    if (status != HSMIAM_OK)
        goto out;
    tool_progress_start(&run.progress,
                        tool_user_file_count(run.users) - tool_user_file_count_holders(run.users));
    status =
        hsmiam_batch_run(run.session.client, run.session.custody, &run.batch, run.session.error);
    if (status != HSMIAM_OK && run.done + run.failed == 0 && !run.output_error.message) {
        status = tool_session_fail(&run.session, error); /* nothing was begun */
    } else {
        print_summary(&run);
        status = judge(&run, status, error);
    }
out:
    if (status == HSMIAM_OK)
        status = tool_output_close(error);
    tool_error_clear(&run.output_error);
    tool_session_clear(&run.session);
    tool_user_file_close(&run.users);
    context->notices = NULL;
    return status;
}
