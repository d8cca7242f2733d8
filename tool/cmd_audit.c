/* SPDX-License-Identifier: Apache-2.0 */
#include "commands.h"

static const tool_option options[] = {{.name = NULL}};

static const tool_command *const operations[] = {
    &tool_audit_show,
    &tool_audit_verify,
    &tool_audit_checkpoint,
    &tool_audit_export_public_key,
    &tool_audit_add_key,
    &tool_audit_policy,
    NULL,
};

const tool_command tool_audit = {
    .name = "audit",
    .summary = "Show and verify the ledger, the signed record of what was done.",
    .description =
        "The ledger is a file of JSON Lines. Each line has the hash of the one before and the "
        "signature of the token's audit key over everything before its member \"sig\", so that "
        "anybody can verify it without the token, by this command or by openssl.",
    .options = options,
    .operations = operations,
};
