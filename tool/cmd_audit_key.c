/* SPDX-License-Identifier: Apache-2.0 */
/* What the audit key itself is asked for: its public half, a checkpoint, to introduce another. */
#include "commands.h"
#include "output.h"
#include "paths.h"
#include "session.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

static const tool_option no_options[] = {{.name = NULL}};

static const tool_option add_key_options[] = {
    {.name = "--public-key",
     .kind = TOOL_OPTION_VALUE,
     .value = "FILE",
     .help = "The file with the new audit key's public half, PEM, as export-public-key prints it."},
    {.name = NULL},
};

static void print_text(void *context, const char *text)
{
    (void)context;
    tool_text_put(text, stdout);
    if (*text && text[strlen(text) - 1] != '\n')
        tool_text_put_char('\n', stdout);
}

typedef hsmiam_status (*tool_audit_fn)(hsmiam_ledger *ledger, hsmiam_ledger_line_fn take,
                                       void *context, hsmiam_error *error);

/* Prints what the ledger hands over, as it is: a signature depends on every byte. */
static hsmiam_status print_from_token(tool_context *context, tool_audit_fn ask, tool_error *error)
{
    tool_session session = {0};
    hsmiam_status status = tool_session_start(&session, context, error);

    if (status == HSMIAM_OK && ask(session.ledger, print_text, NULL, session.error) != HSMIAM_OK)
        status = tool_session_fail(&session, error);
    if (status == HSMIAM_OK)
        status = tool_output_close(error);
    tool_session_clear(&session);
    return status;
}

static hsmiam_status run_export(tool_context *context, tool_error *error)
{
    return print_from_token(context, hsmiam_ledger_export_public_key, error);
}

static hsmiam_status run_checkpoint(tool_context *context, tool_error *error)
{
    return print_from_token(context, hsmiam_ledger_make_checkpoint, error);
}

static hsmiam_status run_add_key(tool_context *context, tool_error *error)
{
    const char *path = tool_arguments_get(context->arguments, "--public-key");
    tool_session session = {0};
    char *pem = NULL;
    hsmiam_status status = HSMIAM_OK;

    if (!path)
        return tool_error_set_usage(
            error, "hsmiam: error: the following arguments are required: --public-key");
    status = tool_file_load("--public-key", path, &pem, error);
    if (status == HSMIAM_OK)
        status = tool_session_start(&session, context, error);
    if (status == HSMIAM_OK &&
        hsmiam_ledger_introduce_key(session.ledger, pem, strlen(pem), session.error) != HSMIAM_OK) {
        (void)tool_session_fail(&session, error);
        status = tool_error_name_file(error, "--public-key", path);
    }
    tool_session_clear(&session);
    free(pem);
    return status;
}

const tool_command tool_audit_export_public_key = {
    .name = "export-public-key",
    .summary = "Print the public half of the token's audit key.",
    .description = "Prints the key that verifies the ledger's signatures, as PEM. Keep it where "
                   "whoever can write the ledger cannot change it, for `audit verify --public-key` "
                   "and for openssl.",
    .options = no_options,
    .asks_nothing = true,
    .run = run_export,
};

const tool_command tool_audit_checkpoint = {
    .name = "checkpoint",
    .summary = "Print a signed line that says how the ledger ends now.",
    .description = "The line has the number and the hash of the last record, signed by the audit "
                   "key. Kept elsewhere, it shows by `audit verify --checkpoint` whether the "
                   "ledger was cut off later, which the ledger alone cannot show.",
    .options = no_options,
    .asks_nothing = true,
    .run = run_checkpoint,
};

const tool_command tool_audit_add_key = {
    .name = "add-key",
    .summary = "Let the token's audit key introduce another one to the ledger.",
    .description = "Records the public half of another token's audit key, signed by the audit key "
                   "of the token that --token or the credential names. From then on both may "
                   "write to the ledger, and `audit verify` follows from one to the other.",
    .options = add_key_options,
    .asks_nothing = true,
    .run = run_add_key,
};
