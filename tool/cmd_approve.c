/* SPDX-License-Identifier: Apache-2.0 */
#include "approver.h"
#include "commands.h"
#include "output.h"
#include "paths.h"
#include "prompt.h"
#include "session.h"
#include "signals.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const tool_option options[] = {
    {.name = "--approver",
     .kind = TOOL_OPTION_VALUE,
     .value = "URI",
     .help = "The PKCS#11 URI of the token with the approver's key. Its PIN comes from the URI's "
             "pin-source, --pin-source or the terminal. Required."},
    {.name = "--yes",
     .kind = TOOL_OPTION_FLAG,
     .help = "Do not ask. Required where there is no terminal to ask on."},
    {.name = "--public-key",
     .kind = TOOL_OPTION_REPEATED,
     .value = "FILE",
     .help = "A file with a public key, PEM, that is trusted to sign the ledger, as for `audit "
             "verify`. May be given several times."},
    {.name = NULL},
};

static hsmiam_status get_number(const tool_arguments *arguments, uint64_t *number_out,
                                tool_error *error)
{
    const char *word = arguments->word;

    if (!word)
        return tool_error_set_usage(
            error, "hsmiam: error: the following arguments are required: number of the request");
    errno = 0;
    *number_out = strtoull(word, NULL, 10);
    if (strspn(word, "0123456789") != strlen(word) || errno != 0 || *number_out == 0)
        return tool_error_set_usage(error,
                                    "hsmiam: error: expected the number of a request, as 7, where "
                                    "\"%s\" stands",
                                    word);
    return HSMIAM_OK;
}

static hsmiam_status print(const tool_context *context, uint64_t number,
                           const tool_approver *approver, tool_error *error)
{
    tool_value *result = tool_value_new(TOOL_VALUE_OBJECT, NULL);
    char text[24];
    hsmiam_status status = HSMIAM_ERR_MEMORY;
    bool done = result != NULL;

    (void)snprintf(text, sizeof text, "%" PRIu64, number);
    done = done && tool_value_add(result, "Request", TOOL_VALUE_INTEGER, text);
    (void)snprintf(text, sizeof text, "%zu", approver->approvals + 1);
    done = done && tool_value_add(result, "Approvals", TOOL_VALUE_INTEGER, text);
    (void)snprintf(text, sizeof text, "%zu", approver->needed);
    done = done && tool_value_add(result, "Needed", TOOL_VALUE_INTEGER, text);
    status = done ? tool_output_print(result, &context->settings, "approve", error)
                  : tool_error_set_memory(error);
    tool_value_free(&result);
    return status;
}

static hsmiam_status run(tool_context *context, tool_error *error)
{
    const tool_arguments *arguments = context->arguments;
    const char *uri = tool_arguments_get(arguments, "--approver");
    tool_session session = {0};
    tool_approver approver = {.tokens = &session.token,
                              .uris = &uri,
                              .count = 1,
                              .is_asked = !tool_arguments_get(arguments, "--yes")};
    uint64_t number = 0;
    hsmiam_status status = get_number(arguments, &number, error);

    if (status != HSMIAM_OK)
        return status;
    if (!uri)
        return tool_error_set_usage(
            error, "hsmiam: error: the following arguments are required: --approver");
    if (approver.is_asked && !tool_prompt_is_possible())
        return tool_error_set_usage(error, "hsmiam: error: the following arguments are required "
                                           "where there is no terminal to ask on: --yes");
    tool_signals_install(TOOL_SIGNALS_HOLD);
    status = tool_session_start_approver(&session, context, uri, error);
    for (size_t i = 0; status == HSMIAM_OK && arguments->repeated_values[i]; i++)
        status = tool_session_trust_key(&session, arguments->repeated_values[i], error);
    if (status == HSMIAM_OK &&
        hsmiam_ledger_approve(session.ledger, number, session.token, tool_approver_show, &approver,
                              session.error) != HSMIAM_OK)
        status = tool_session_fail(&session, error);
    if (status == HSMIAM_OK)
        status = print(context, number, &approver, error);
    tool_session_clear(&session);
    return status;
}

const tool_command tool_approve = {
    .name = "approve",
    .word = "number",
    .summary = "Approve what the ledger's policy asks an approval for.",
    .description =
        "A command that needs an approval and has no approver at hand leaves a request in the "
        "ledger and tells its number. This command verifies the ledger, shows the request and asks "
        "whether it is approved; the key in the approver's token, which is another one than those "
        "at work, then signs it, and the approval goes into the ledger. Whoever asked repeats the "
        "command, which uses the approval up.\n\n"
        "The approver needs no PIN but that of the own token, and leave to write to the ledger's "
        "file. `audit policy` tells what needs approvals and whose.",
    .options = options,
    .asks_nothing = true,
    .run = run,
};
