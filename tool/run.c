/* SPDX-License-Identifier: Apache-2.0 */
#include "run.h"

#include "commands.h"
#include "heap.h"
#include "help.h"
#include "output.h"
#include "session.h"
#include "signals.h"

const tool_command *const tool_commands[] = {
    &tool_approve,
    &tool_audit,
    &tool_batch_create_access_key,
    &tool_check_token,
    &tool_create_access_key,
    &tool_credential_process,
    &tool_delete_access_key,
    &tool_export_access_key,
    &tool_get_access_key_last_used,
    &tool_get_caller_identity,
    &tool_import_access_key,
    &tool_list_access_keys,
    &tool_provision_token,
    &tool_recover,
    &tool_rotate_access_key,
    &tool_serve,
    &tool_sign_request,
    &tool_update_access_key,
    NULL,
};

/* Help and version need no settings. */
static hsmiam_status print_information(const tool_arguments *arguments, tool_error *error)
{
    if (!arguments->help)
        tool_help_print_version(stdout);
    else if (arguments->command)
        tool_help_print_command(arguments->group, arguments->command, stdout);
    else
        tool_help_print(tool_commands, stdout);
    return tool_output_close(error);
}

/* A skeleton of the input depends on nothing that could be set wrong. */
static bool needs_settings(const tool_arguments *arguments)
{
    const char *skeleton = tool_arguments_get(arguments, "--generate-cli-skeleton");

    return !skeleton || skeleton[0] == 'o';
}

/* Before anything is read or opened: PINs and codes are not asked for in vain. */
static hsmiam_status check_mfa(const tool_arguments *arguments, tool_error *error)
{
    static const char *const names[] = {"--mfa-serial", "--token-code"};
    const tool_command *command = arguments->command;

    for (size_t i = 0; command->asks_nothing && i < sizeof names / sizeof names[0]; i++)
        if (tool_arguments_get(arguments, names[i]))
            return tool_error_set_usage(error,
                                        "hsmiam: error: argument %s: %s signs no request, so MFA "
                                        "changes nothing here",
                                        names[i], command->name);
    if (tool_arguments_get(arguments, "--token-code") &&
        !tool_arguments_get(arguments, "--mfa-serial") &&
        !tool_arguments_get(arguments, "--serial-number"))
        return tool_error_set_usage(
            error, "hsmiam: error: argument --token-code: of which device? Give %s too",
            command == &tool_credential_process ? "--serial-number or --mfa-serial"
                                                : "--mfa-serial");
    return HSMIAM_OK;
}

static hsmiam_status run_command(const tool_arguments *arguments, char **argv, bool *finding_out,
                                 tool_error *error)
{
    tool_context context = {.arguments = arguments,
                            .argv = argv,
                            .debug = tool_arguments_get(arguments, "--debug") != NULL};
    hsmiam_status status = check_mfa(arguments, error);

    tool_signals_install(TOOL_SIGNALS_ONCE);
    if (status == HSMIAM_OK && needs_settings(arguments))
        status = tool_settings_load(arguments, &context.settings, error);
    if (status == HSMIAM_OK)
        status = tool_heap_check(arguments, false, error);
    if (status == HSMIAM_OK)
        status = arguments->command->run(&context, error);
    *finding_out = context.finding;
    tool_settings_clear(&context.settings);
    tool_heap_warn(status);
    return status;
}

int tool_run(int argc, char **argv)
{
    tool_arguments arguments = {0};
    tool_error error = {0};
    hsmiam_status status =
        tool_arguments_parse(argc, (const char *const *)argv, tool_commands, &arguments, &error);
    int code = TOOL_EXIT_OK;
    bool finding = false;

    if (status == HSMIAM_OK && (arguments.help || tool_arguments_get(&arguments, "--version")))
        status = print_information(&arguments, &error);
    else if (status == HSMIAM_OK)
        status = run_command(&arguments, argv, &finding, &error);
    if (status != HSMIAM_OK) {
        if (error.usage)
            tool_help_print_usage(stderr);
        tool_error_print(&error, stderr);
    }
    code = tool_exit_get(status);
    if (code == TOOL_EXIT_OK && finding)
        code = TOOL_EXIT_FINDING;
    /* What was asked to stop, and finished all the same, says both. */
    if (status == HSMIAM_OK && tool_signals_is_stopping(NULL))
        code = TOOL_EXIT_INTERRUPTED;
    tool_error_clear(&error);
    return code;
}
