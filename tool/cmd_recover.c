/* SPDX-License-Identifier: Apache-2.0 */
#include "commands.h"
#include "output.h"
#include "prompt.h"
#include "session.h"
#include "signals.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PAUSE_MAX 5 /* seconds between two looks */

static const char command_name[] = "recover";

static const tool_option options[] = {
    {.name = "--dry-run",
     .kind = TOOL_OPTION_FLAG,
     .help = "Tell what is open and what would be done, and change nothing, neither at IAM nor in "
             "the token nor in the ledger."},
    {.name = "--wait",
     .kind = TOOL_OPTION_FLAG,
     .help = "Where only time will tell, wait for it: IAM may still execute a request minutes "
             "after it was sent."},
    {.name = "--close",
     .kind = TOOL_OPTION_VALUE,
     .value = "NUMBER",
     .help = "Close the intent of this number, which nothing else settles: because its account, "
             "its token or its endpoint is gone, or because only a person knows which key is "
             "whose. No key is touched and IAM is not asked; that you closed it, and why, goes on "
             "record, and its user can get keys again."},
    {.name = "--reason",
     .kind = TOOL_OPTION_VALUE,
     .value = "TEXT",
     .help = "Why it is closed, for the record: at most 256 bytes, in words of less than 40."},
    {.name = "--yes", .kind = TOOL_OPTION_FLAG, .help = "Close it without asking on the terminal."},
    {.name = NULL},
};

static const char *const states[] = {[HSMIAM_RECOVERY_SETTLED] = "settled",
                                     [HSMIAM_RECOVERY_OPEN] = "open",
                                     [HSMIAM_RECOVERY_LIVE] = "in-progress"};

/* What one look brought. */
typedef struct tool_findings {
    tool_value *root;
    tool_value *list;
    size_t count;
    bool failed;
    long long come_back; /* the longest; -1: waiting helps nothing */
} tool_findings;

static bool add_text(tool_value *object, const char *name, const char *text)
{
    return !*text || tool_value_add_string(object, name, text);
}

static bool add_time(tool_value *object, time_t when)
{
    char text[sizeof "9999-12-31T23:59:59+00:00"] = "";
    struct tm parts = {0};

    if (when >= 0 && gmtime_r(&when, &parts))
        (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S+00:00", &parts);
    return add_text(object, "RequestTime", text);
}

static bool add_number(tool_value *object, const char *name, long long number)
{
    char text[32];

    (void)snprintf(text, sizeof text, "%lld", number);
    return tool_value_add(object, name, TOOL_VALUE_INTEGER, text) != NULL;
}

static void take(void *context, const hsmiam_recovery *found)
{
    tool_findings *findings = context;
    tool_value *object = findings->list ? tool_value_add_object(findings->list, NULL) : NULL;

    findings->count++;
    if (!object || !add_number(object, "Intent", (long long)found->intent) ||
        !add_text(object, "UserName", found->user_name) || !add_time(object, found->request_time) ||
        !tool_value_add_string(object, "State", states[found->state]) ||
        !add_text(object, "Result", found->result) ||
        !add_text(object, "AccessKeyId", found->access_key_id) ||
        (*found->candidates && !tool_value_add_words(object, "Candidates", found->candidates)) ||
        !add_text(object, "Reason", found->reason) ||
        (found->come_back >= 0 && !add_number(object, "ComeBackIn", found->come_back)))
        findings->failed = true;
    if (found->state != HSMIAM_RECOVERY_SETTLED && found->come_back > findings->come_back)
        findings->come_back = found->come_back;
}

static bool begin(tool_findings *findings)
{
    tool_value_free(&findings->root);
    *findings = (tool_findings){.root = tool_value_new(TOOL_VALUE_OBJECT, NULL), .come_back = -1};
    findings->list = findings->root ? tool_value_add_list(findings->root, "InterruptedRuns") : NULL;
    return findings->list != NULL;
}

/* A signal ends the pause. */
static void pause_for(long long seconds)
{
    struct timespec pause = {.tv_sec = seconds < PAUSE_MAX ? (time_t)seconds : PAUSE_MAX};

    (void)nanosleep(&pause, NULL);
}

/* Looks until nothing is left that time will tell, or once. */
static hsmiam_status look(tool_session *session, const tool_context *context,
                          tool_findings *findings, tool_error *error)
{
    bool wait = tool_arguments_get(context->arguments, "--wait") != NULL;
    bool dry_run = tool_arguments_get(context->arguments, "--dry-run") != NULL;

    for (;;) {
        hsmiam_status status = HSMIAM_OK;

        if (!begin(findings))
            return tool_error_set_memory(error);
        status = hsmiam_custody_recover(session->client, session->custody, dry_run, take, findings,
                                        session->error);
        if (findings->failed)
            return tool_error_set_memory(error);
        if (status != HSMIAM_ERR_UNSETTLED || !wait || findings->come_back < 0)
            return status == HSMIAM_OK ? status : tool_session_fail(session, error);
        if (tool_signals_is_stopping(NULL))
            return tool_error_set(error, HSMIAM_ERR_CANCELLED, "Interrupted.");
        pause_for(findings->come_back);
    }
}

/* The intent as the ledger has it, for the question. */
typedef struct tool_sought {
    const char *number;
    char text[512];
} tool_sought;

static const char *get_or(const hsmiam_ledger_record *record, const char *name, const char *other)
{
    const char *text = hsmiam_ledger_record_get_text(record, name);

    return text ? text : other;
}

static bool meet(void *context, const hsmiam_ledger_record *record)
{
    tool_sought *sought = context;

    if (strcmp(get_or(record, "sequence", ""), sought->number) != 0)
        return true;
    (void)snprintf(sought->text, sizeof sought->text,
                   " (of %s: a key for %s in account %s at %s, asked for by %s)",
                   get_or(record, "request_time", "?"),
                   get_or(record, "user_name", "the credential's user"),
                   get_or(record, "account", "?"), get_or(record, "endpoint", "?"),
                   get_or(record, "operator", "?"));
    return false;
}

static hsmiam_status confirm(tool_session *session, const char *number, tool_error *error)
{
    const hsmiam_ledger_filter filter = {.event = "intent", .since = -1, .until = -1};
    tool_sought sought = {.number = number};
    char question[1024];

    if (hsmiam_ledger_read(session->ledger, &filter, meet, &sought, session->error) != HSMIAM_OK)
        return tool_session_fail(session, error);
    (void)snprintf(question, sizeof question,
                   "hsmiam: If intent %s%s made a key that nobody deleted, nobody will look for it "
                   "any more. Close it? [y/N] ",
                   number, sought.text);
    if (tool_prompt_confirm(question))
        return HSMIAM_OK;
    return tool_error_set(error, HSMIAM_ERR_CANCELLED, "Intent %s was not closed.", number);
}

static hsmiam_status check_closing(const tool_context *context, const char *number,
                                   unsigned long long *intent_out, tool_error *error)
{
    const tool_arguments *arguments = context->arguments;
    char *end = NULL;

    errno = 0;
    *intent_out = strtoull(number, &end, 10);
    if (errno != 0 || number[0] < '1' || number[0] > '9' || *end != '\0')
        return tool_error_set_usage(error, "hsmiam: error: argument --close: expected the number "
                                           "of an intent, as `hsmiam recover --dry-run` tells it");
    if (!tool_arguments_get(arguments, "--reason"))
        return tool_error_set_usage(error, "hsmiam: error: argument --close: needs --reason, which "
                                           "says why");
    if (tool_arguments_get(arguments, "--dry-run") || tool_arguments_get(arguments, "--wait"))
        return tool_error_set_usage(error, "hsmiam: error: argument --close: not allowed with "
                                           "--dry-run or --wait");
    if (!tool_arguments_get(arguments, "--yes") && !tool_prompt_is_possible())
        return tool_error_set_usage(error, "hsmiam: error: argument --close: there is no terminal "
                                           "to ask on; --yes closes it unasked");
    return HSMIAM_OK;
}

/* Asks neither IAM nor the credential. */
static hsmiam_status close_one(tool_session *session, tool_context *context, const char *number,
                               tool_findings *findings, tool_error *error)
{
    const tool_arguments *arguments = context->arguments;
    unsigned long long intent = 0;
    hsmiam_status status = check_closing(context, number, &intent, error);

    if (status == HSMIAM_OK)
        status = tool_session_start_client(session, context, error);
    if (status == HSMIAM_OK && !tool_arguments_get(arguments, "--yes"))
        status = confirm(session, number, error);
    if (status == HSMIAM_OK &&
        hsmiam_custody_close_intent(session->custody, intent,
                                    tool_arguments_get(arguments, "--reason"),
                                    session->error) != HSMIAM_OK)
        status = tool_session_fail(session, error);
    if (status != HSMIAM_OK)
        return status;
    if (!begin(findings))
        return tool_error_set_memory(error);
    take(findings, &(hsmiam_recovery){.intent = intent,
                                      .state = HSMIAM_RECOVERY_SETTLED,
                                      .result = "closed",
                                      .user_name = "",
                                      .access_key_id = "",
                                      .reason = "",
                                      .candidates = "",
                                      .request_time = -1,
                                      .come_back = -1});
    return findings->failed ? tool_error_set_memory(error) : HSMIAM_OK;
}

static hsmiam_status settle_all(tool_session *session, tool_context *context,
                                tool_findings *findings, tool_error *error)
{
    hsmiam_status status = tool_session_start_client(session, context, error);

    if (status == HSMIAM_OK)
        status = tool_session_ask_pins(session, error);
    if (status == HSMIAM_OK)
        status = look(session, context, findings, error);
    return status;
}

static hsmiam_status run(tool_context *context, tool_error *error)
{
    const char *closing = tool_arguments_get(context->arguments, "--close");
    tool_session session = {0};
    tool_findings findings = {.come_back = -1};
    hsmiam_status status = HSMIAM_OK;

    tool_signals_install(TOOL_SIGNALS_ONCE);
    status = closing ? close_one(&session, context, closing, &findings, error)
                     : settle_all(&session, context, &findings, error);
    if (status == HSMIAM_OK) {
        status = tool_output_print(findings.root, &context->settings, command_name, error);
    } else if (findings.count > 0 && !closing) {
        /* What is open is told on standard output, that it is, on the other. */
        tool_error ignored = {0};
        hsmiam_status printed =
            tool_output_print(findings.root, &context->settings, command_name, &ignored);

        if (printed != HSMIAM_OK)
            status = tool_error_set(error, printed, "%s",
                                    ignored.message ? ignored.message : "Not enough memory.");
        tool_error_clear(&ignored);
    }
    tool_value_free(&findings.root);
    tool_session_clear(&session);
    return status;
}

const tool_command tool_recover = {
    .name = command_name,
    .summary = "Settle what interrupted runs left open.",
    .description =
        "A run that was killed, cut off or left without an answer leaves an intent in the ledger "
        "without its outcome. This command finds out what became of it. A key that the token took "
        "in is proven and recorded. A key that only that run can have made, that neither the token "
        "nor the ledger knows and that was never used, is deactivated and deleted. Every other key "
        "is named and left as it is. That no key was made is recorded only when IAM can execute "
        "the request no more, and its lists would show what it made, some nine minutes after it "
        "was "
        "sent; a key that only may be the one waits as long. Until then, the user gets no other "
        "key. What never gets clear, a person closes, by --close.\n\n"
        "Of a change or a deletion it finds out in the same time whether IAM did it. The secret of "
        "a "
        "key that IAM deleted is destroyed; what IAM did not do is not asked for again.\n\n"
        "The exit code is 0 if nothing is left open, and 255 otherwise.",
    .options = options,
    .takes_tokens = true,
    .run = run,
};
