/* SPDX-License-Identifier: Apache-2.0 */
/* Usage, help and version, made from the tables. */
#ifndef HSMIAM_TOOL_HELP_H
#define HSMIAM_TOOL_HELP_H

#include "options.h"

/* The lines that go before a usage error. */
void tool_help_print_usage(FILE *stream);

/* Help for the whole tool (`commands` is NULL-terminated). */
void tool_help_print(const tool_command *const *commands, FILE *stream);

/* Help for one command; `group` is the one of which it is an operation, NULL if it is none. */
void tool_help_print_command(const tool_command *group, const tool_command *command, FILE *stream);

/* One line: the tool's version and the system's. */
void tool_help_print_version(FILE *stream);

#endif
