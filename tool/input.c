/* SPDX-License-Identifier: Apache-2.0 */
#include "input.h"

#include "output.h"
#include "paths.h"
#include "session.h"

#include <stdlib.h>
#include <string.h>

const char *const tool_skeleton_choices[] = {"input", "output", "yaml-input", NULL};

static const char json_option[] = "--cli-input-json";
static const char yaml_option[] = "--cli-input-yaml";

typedef hsmiam_status (*parse_fn)(const char *text, const char *where, tool_value **value_out,
                                  tool_error *error);

/* Reads one --cli-input- option and checks what it holds. */
static hsmiam_status read_document(const char *option, const char *parameter, parse_fn parse,
                                   const tool_schema *schema, tool_value **value_out,
                                   tool_error *error)
{
    bool is_file = tool_parameter_is_file(parameter);
    char *origin = NULL;
    char *where = NULL;
    char *text = NULL;
    hsmiam_status status = HSMIAM_OK;

    if (asprintf(&origin, "%s%s%s", option, is_file ? " " : "", is_file ? parameter : "") < 0)
        origin = NULL;
    if (asprintf(&where, "%s%s", is_file ? " in " : "", is_file ? parameter : "") < 0)
        where = NULL;
    if (!origin || !where) {
        status = tool_error_set_memory(error);
        goto out;
    }
    status = tool_parameter_load(option, parameter, &text, error);
    if (status == HSMIAM_OK)
        status = parse(text, where, value_out, error);
    if (status == HSMIAM_OK)
        status = tool_schema_check(schema, *value_out, origin, error);
out:
    free(text);
    free(where);
    free(origin);
    return status;
}

static hsmiam_status read_documents(const tool_arguments *arguments, const tool_schema *schema,
                                    tool_value **value_out, tool_error *error)
{
    const char *json = tool_arguments_get(arguments, json_option);
    const char *yaml = tool_arguments_get(arguments, yaml_option);

    if (json && yaml)
        return tool_error_set(error, HSMIAM_ERR_ARGUMENT,
                              "Only one --cli-input- parameter may be specified.");
    if (json)
        return read_document(json_option, json, tool_input_parse_json, schema, value_out, error);
    if (yaml)
        return read_document(yaml_option, yaml, tool_input_parse_yaml, schema, value_out, error);
    *value_out = tool_value_new(TOOL_VALUE_OBJECT, NULL);
    return *value_out ? HSMIAM_OK : tool_error_set_memory(error);
}

/* A flag's value is checked by itself, so that the message can name the flag. */
static hsmiam_status check_flag(const tool_member *member, const char *text, tool_error *error)
{
    const tool_member members[] = {*member, {.name = NULL}};
    const tool_schema schema = {members};
    tool_value *alone = tool_value_new(TOOL_VALUE_OBJECT, NULL);
    hsmiam_status status = HSMIAM_OK;

    if (!alone || !tool_value_add(alone, member->name, member->type, text))
        status = tool_error_set_memory(error);
    else
        status = tool_schema_check(&schema, alone, member->option, error);
    tool_value_free(&alone);
    return status;
}

static hsmiam_status override_member(tool_value *input, const tool_member *member,
                                     const char *parameter, tool_error *error)
{
    tool_value *given = (tool_value *)tool_value_get_member(input, member->name);
    char *text = NULL;
    hsmiam_status status = tool_parameter_load(member->option, parameter, &text, error);

    if (status == HSMIAM_OK)
        status = check_flag(member, text, error);
    if (status != HSMIAM_OK)
        goto out;
    if (!given) {
        if (!tool_value_add(input, member->name, member->type, text))
            status = tool_error_set_memory(error);
        goto out;
    }
    free(given->text);
    given->text = text;
    text = NULL;
out:
    free(text);
    return status;
}

static hsmiam_status check_required(const tool_arguments *arguments, const tool_schema *schema,
                                    const tool_value *input, tool_error *error)
{
    for (const tool_member *member = schema->members; member->name; member++) {
        if (!member->required || tool_value_get_member(input, member->name))
            continue;
        if (!tool_arguments_get(arguments, json_option) &&
            !tool_arguments_get(arguments, yaml_option))
            return tool_error_set_usage(
                error, "hsmiam: error: the following arguments are required: %s", member->option);
        return tool_error_set(error, HSMIAM_ERR_ARGUMENT,
                              "Parameter validation failed:\nMissing required parameter in input: "
                              "\"%s\"",
                              member->name);
    }
    return HSMIAM_OK;
}

hsmiam_status tool_input_gather(const tool_arguments *arguments, const tool_schema *schema,
                                tool_value **input_out, tool_error *error)
{
    tool_value *input = NULL;
    hsmiam_status status = read_documents(arguments, schema, &input, error);

    for (const tool_member *member = schema->members; status == HSMIAM_OK && member->name;
         member++) {
        const char *parameter =
            member->option ? tool_arguments_get(arguments, member->option) : NULL;

        if (parameter)
            status = override_member(input, member, parameter, error);
    }
    if (status == HSMIAM_OK)
        status = check_required(arguments, schema, input, error);
    if (status == HSMIAM_OK) {
        *input_out = input;
        input = NULL;
    }
    tool_value_free(&input);
    return status;
}

bool tool_input_print_skeleton(const tool_arguments *arguments, const tool_schema *schema)
{
    const char *skeleton = tool_arguments_get(arguments, "--generate-cli-skeleton");

    if (!skeleton || strcmp(skeleton, "output") == 0)
        return false;
    if (strcmp(skeleton, "input") == 0)
        tool_schema_print_json(schema, stdout);
    else
        tool_schema_print_yaml(schema, stdout);
    return true;
}

hsmiam_status tool_input_run_silent(tool_context *context, const tool_schema *schema,
                                    hsmiam_status (*run)(tool_context *context,
                                                         const tool_value *input,
                                                         tool_error *error),
                                    tool_error *error)
{
    tool_value *input = NULL;
    hsmiam_status status = HSMIAM_OK;

    if (tool_input_print_skeleton(context->arguments, schema))
        return tool_output_close(error);
    status = tool_input_gather(context->arguments, schema, &input, error);
    if (status == HSMIAM_OK && !tool_arguments_get(context->arguments, "--generate-cli-skeleton"))
        status = run(context, input, error);
    tool_value_free(&input);
    return status;
}

const char *tool_input_get_text(const tool_value *input, const char *name)
{
    const tool_value *member = tool_value_get_member(input, name);

    return member ? member->text : NULL;
}
