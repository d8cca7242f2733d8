/* SPDX-License-Identifier: Apache-2.0 */
/* The commands. A new one is a file cmd_<name>.c, a line here and one in the table of run.c. */
#ifndef HSMIAM_TOOL_COMMANDS_H
#define HSMIAM_TOOL_COMMANDS_H

#include "options.h"

/* All of them, NULL-terminated. */
extern const tool_command *const tool_commands[];

extern const tool_command tool_audit; /* a group; its operations follow */
extern const tool_command tool_audit_add_key;
extern const tool_command tool_audit_checkpoint;
extern const tool_command tool_audit_export_public_key;
extern const tool_command tool_audit_policy;
extern const tool_command tool_audit_show;
extern const tool_command tool_audit_verify;

extern const tool_command tool_approve;
extern const tool_command tool_batch_create_access_key;
extern const tool_command tool_check_token;
extern const tool_command tool_create_access_key;
extern const tool_command tool_credential_process;
extern const tool_command tool_delete_access_key;
extern const tool_command tool_export_access_key;
extern const tool_command tool_get_access_key_last_used;
extern const tool_command tool_get_caller_identity;
extern const tool_command tool_import_access_key;
extern const tool_command tool_list_access_keys;
extern const tool_command tool_provision_token;
extern const tool_command tool_recover;
extern const tool_command tool_rotate_access_key;
extern const tool_command tool_serve;
extern const tool_command tool_sign_request;
extern const tool_command tool_update_access_key;

#endif
