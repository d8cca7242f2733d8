/* SPDX-License-Identifier: Apache-2.0 */
#include "commands.h"
#include "output.h"
#include "paths.h"
#include "session.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FINDINGS_MAX 1000 /* that are printed; more are counted */

static const tool_option options[] = {
    {.name = "--public-key",
     .kind = TOOL_OPTION_REPEATED,
     .value = "FILE",
     .help = "A file with a public key, PEM, that is trusted to sign, as `audit export-public-key` "
             "prints it. May be given several times. Default: the key that the ledger itself "
             "begins with, which shows that the ledger is of one piece, not whose it is."},
    {.name = "--checkpoint",
     .kind = TOOL_OPTION_VALUE,
     .value = "FILE",
     .help = "A file with a line that `audit checkpoint` printed: the ledger must still have what "
             "it had then."},
    {.name = "--allow-unsigned",
     .kind = TOOL_OPTION_FLAG,
     .help = "Pass records at the end that nobody signed: those that wait for a countersignature, "
             "or all of a ledger whose token has no audit key yet. They are pointed out."},
    {.name = NULL},
};

/* What the callback puts together. */
typedef struct tool_findings {
    tool_value *list;
    size_t count;
    bool failed;
} tool_findings;

static bool add_number(tool_value *object, const char *name, uint64_t number)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%" PRIu64, number);
    return tool_value_add(object, name, TOOL_VALUE_INTEGER, text) != NULL;
}

static void add_finding(void *context, hsmiam_ledger_finding finding, uint64_t line,
                        const char *sentence)
{
    static const char *const kinds[] = {[HSMIAM_LEDGER_KEY] = "Key",
                                        [HSMIAM_LEDGER_SEALED] = "Sealed",
                                        [HSMIAM_LEDGER_PENDING] = "Pending",
                                        [HSMIAM_LEDGER_TRUST] = "Trust"};
    tool_findings *findings = context;
    tool_value *object = NULL;

    if (findings->count++ >= FINDINGS_MAX)
        return;
    object = tool_value_add_object(findings->list, NULL);
    if (!object || !tool_value_add_string(object, "Kind", kinds[finding]) ||
        !add_number(object, "Line", line) || !tool_value_add_string(object, "Message", sentence))
        findings->failed = true;
}

static bool fill_result(tool_value *result, const tool_settings *settings,
                        const hsmiam_ledger_verdict *verdict)
{
    bool intact = verdict->fault == HSMIAM_FAULT_NONE;

    return tool_value_add_string(result, "Ledger", settings->ledger) &&
           tool_value_add_string(result, "Verdict",
                                 intact ? "intact" : hsmiam_fault_get_name(verdict->fault)) &&
           (intact || add_number(result, "BadLine", verdict->line)) &&
           add_number(result, "Records", verdict->records) &&
           add_number(result, "Pending", verdict->pending) &&
           add_number(result, "Unsettled", verdict->unsettled) &&
           add_number(result, "Sealed", verdict->sealed) &&
           add_number(result, "LastSequence", verdict->sequence) &&
           tool_value_add_string(result, "LastSha256", verdict->hash) &&
           tool_value_add_string(result, "TrustedKey", verdict->trusted_key) &&
           tool_value_add_string(result, "TrustedBy", verdict->pinned ? "public-key" : "ledger");
}

static hsmiam_status verify(tool_session *session, const tool_context *context, tool_error *error)
{
    tool_findings findings = {0};
    hsmiam_ledger_verdict verdict = {0};
    tool_value *result = tool_value_new(TOOL_VALUE_OBJECT, NULL);
    hsmiam_status status = HSMIAM_OK;
    tool_error of_output = {0};

    /* The list comes last in the result, and first in time. */
    findings.list = tool_value_new(TOOL_VALUE_LIST, NULL);
    if (!result || !findings.list) {
        status = tool_error_set_memory(error);
        goto out;
    }
    status =
        hsmiam_ledger_verify(session->ledger, add_finding, &findings, &verdict, session->error);
    if (status != HSMIAM_OK)
        status = tool_session_fail(session, error);
    if (status != HSMIAM_OK && status != HSMIAM_ERR_LEDGER)
        goto out;
    if (findings.failed || !fill_result(result, &context->settings, &verdict) ||
        !add_number(result, "FindingCount", findings.count) ||
        !tool_value_take(result, "Findings", &findings.list)) {
        status = tool_error_set_memory(error);
        goto out;
    }
    if (status == HSMIAM_OK)
        status = tool_output_print(result, &context->settings, "audit verify", error);
    else /* what is wrong with the ledger is worth more than what is with the output */
        (void)!tool_output_print(result, &context->settings, "audit verify", &of_output);
out:
    tool_error_clear(&of_output);
    tool_value_free(&findings.list);
    tool_value_free(&result);
    return status;
}

static hsmiam_status load_checkpoint(tool_session *session, const char *path, tool_error *error)
{
    char *line = NULL;
    hsmiam_status status = tool_file_load("--checkpoint", path, &line, error);

    if (status == HSMIAM_OK && hsmiam_ledger_set_checkpoint(session->ledger, line, strlen(line),
                                                            session->error) != HSMIAM_OK) {
        (void)tool_session_fail(session, error);
        status = tool_error_name_file(error, "--checkpoint", path);
    }
    free(line);
    return status;
}

static hsmiam_status run(tool_context *context, tool_error *error)
{
    const tool_arguments *arguments = context->arguments;
    const char *checkpoint = tool_arguments_get(arguments, "--checkpoint");
    tool_session session = {0};
    hsmiam_status status = tool_session_start_ledger(&session, context, error);

    for (size_t i = 0; status == HSMIAM_OK && arguments->repeated_values[i]; i++)
        status = tool_session_trust_key(&session, arguments->repeated_values[i], error);
    if (status == HSMIAM_OK && checkpoint)
        status = load_checkpoint(&session, checkpoint, error);
    if (status == HSMIAM_OK && tool_arguments_get(arguments, "--allow-unsigned"))
        hsmiam_ledger_set_allow_unsigned(session.ledger, true);
    if (status == HSMIAM_OK) {
        status = verify(&session, context, error);
        if (status == HSMIAM_ERR_ARGUMENT && checkpoint) /* which no trusted key signed */
            status = tool_error_name_file(error, "--checkpoint", checkpoint);
    }
    tool_session_clear(&session);
    return status;
}

const tool_command tool_audit_verify = {
    .name = "verify",
    .summary = "Verify the ledger, without the token.",
    .description =
        "Checks that every line is as it was written, that none is missing, moved or added, and "
        "that audit keys which are trusted signed them; one key may introduce the next. The first "
        "line that is not right is named with what is wrong: changed, removed, reordered, added, "
        "forged, unsigned, torn, or truncated against a checkpoint; the exit code is then 255. "
        "What a crash left behind under a seal, and records that were countersigned later only, "
        "are pointed out.\n\n"
        "Lines cut off from the end leave no trace in the file: only a checkpoint that was kept "
        "elsewhere, or a copy in a journal, shows that.",
    .options = options,
    .asks_nothing = true,
    .run = run,
};
