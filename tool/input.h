/* SPDX-License-Identifier: Apache-2.0 */
/* A command's parameters from --cli-input-json or --cli-input-yaml and from its flags. */
#ifndef HSMIAM_TOOL_INPUT_H
#define HSMIAM_TOOL_INPUT_H

#include "options.h"
#include "schema.h"
#include "value.h"

/* The options that a command with a schema has, to be put into its table. */
#define TOOL_INPUT_OPTIONS                                                                         \
    {.name = "--cli-input-json",                                                                   \
     .kind = TOOL_OPTION_VALUE,                                                                    \
     .value = "JSON",                                                                              \
     .group = "cli-input",                                                                         \
     .help = "Parameters as JSON, text or file://PATH, of the form that --generate-cli-skeleton "  \
             "prints. Flags override them. Not together with --cli-input-yaml."},                  \
        {.name = "--cli-input-yaml",                                                               \
         .kind = TOOL_OPTION_VALUE,                                                                \
         .value = "YAML",                                                                          \
         .group = "cli-input",                                                                     \
         .help = "Parameters as YAML, text or file://PATH, of the form that "                      \
                 "--generate-cli-skeleton yaml-input prints. Flags override them. Not together "   \
                 "with --cli-input-json."},                                                        \
    {                                                                                              \
        .name = "--generate-cli-skeleton", .kind = TOOL_OPTION_OPTIONAL, .bare = "input",          \
        .choices = tool_skeleton_choices,                                                          \
        .help = "Print a skeleton and send nothing: input (the default) for --cli-input-json, "    \
                "yaml-input for --cli-input-yaml; output checks the parameters and prints a "      \
                "sample of the command's output."                                                  \
    }

extern const char *const tool_skeleton_choices[];

/* Parses JSON. `where` (" in file://PATH", or "") goes into the message about what is wrong with
 * it. Statuses: ARGUMENT, MEMORY. */
hsmiam_status tool_input_parse_json(const char *text, const char *where, tool_value **value_out,
                                    tool_error *error) HSMIAM_MUST_USE;

/* The same with YAML: one document without anchors, aliases and tags. */
hsmiam_status tool_input_parse_yaml(const char *text, const char *where, tool_value **value_out,
                                    tool_error *error) HSMIAM_MUST_USE;

/* The type that YAML gives to a plain scalar. */
tool_value_type tool_input_resolve_scalar(const char *text);

/* True if a reader of YAML 1.1 or 1.2 could take the plain scalar for anything but this string. */
bool tool_input_is_ambiguous_scalar(const char *text);

/* Gathers the parameters of a command into an object that fulfils its schema. Freed by the caller.
 * Statuses: ARGUMENT, MEMORY, CANCELLED. */
hsmiam_status tool_input_gather(const tool_arguments *arguments, const tool_schema *schema,
                                tool_value **input_out, tool_error *error) HSMIAM_MUST_USE;

/* Prints the skeleton of the input to standard output, which the caller closes, if that is asked
 * for. `output` is not: the caller prints a sample, once the parameters are checked. */
bool tool_input_print_skeleton(const tool_arguments *arguments,
                               const tool_schema *schema) HSMIAM_MUST_USE;

/* Runs a command that prints no result, and so has no sample of one: its skeleton, or the check of
 * its parameters alone, or `run` with them. Statuses: those of tool_input_gather(), of `run`. */
hsmiam_status tool_input_run_silent(tool_context *context, const tool_schema *schema,
                                    hsmiam_status (*run)(tool_context *context,
                                                         const tool_value *input,
                                                         tool_error *error),
                                    tool_error *error) HSMIAM_MUST_USE;

/* The text of a member, NULL if it is not there. */
const char *tool_input_get_text(const tool_value *input, const char *name);

#endif
