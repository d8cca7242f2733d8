/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the tables of commands and options as JSON, for the programs beside it that make man pages
 * and completion of them. Runs while hsmiam is built, and is not installed. */
#include "commands.h"

#include <jansson.h>
#include <stdio.h>

static const char *const kinds[] = {
    [TOOL_OPTION_FLAG] = "flag",         [TOOL_OPTION_VALUE] = "value",
    [TOOL_OPTION_OPTIONAL] = "optional", [TOOL_OPTION_NUMBER] = "number",
    [TOOL_OPTION_REPEATED] = "repeated",
};

/* jansson leaves an object that it could not put together NULL, and takes NULL for a failure in
 * what that goes into: the one check is in main(). */
static json_t *make_option(const tool_option *option)
{
    json_t *choices = option->choices ? json_array() : json_null();

    for (size_t i = 0; option->choices && option->choices[i]; i++)
        if (json_array_append_new(choices, json_string(option->choices[i])) != 0)
            return NULL;
    return json_pack("{s:s, s:s, s:s?, s:o, s:s?, s:s?, s:s}", "name", option->name, "kind",
                     kinds[option->kind], "value", option->value, "choices", choices, "group",
                     option->group, "refusal", option->refusal, "help", option->help);
}

static json_t *make_options(const tool_option *options)
{
    json_t *list = json_array();

    for (size_t i = 0; options[i].name; i++)
        if (json_array_append_new(list, make_option(&options[i])) != 0)
            return NULL;
    return list;
}

static json_t *make_command(const tool_command *command)
{
    return json_pack("{s:s, s:s?, s:s, s:s, s:b, s:o}", "name", command->name, "word",
                     command->word, "summary", command->summary, "description",
                     command->description, "takes_tokens", command->takes_tokens, "options",
                     make_options(command->options));
}

static json_t *make_commands(const tool_command *const *commands)
{
    json_t *list = json_array();

    for (size_t i = 0; commands[i]; i++) {
        json_t *made = make_command(commands[i]);

        /* The operations of a group have none themselves. */
        for (size_t j = 0; commands[i]->operations && commands[i]->operations[j]; j++) {
            json_t *operations = j ? json_object_get(made, "operations") : json_array();

            if (json_array_append_new(operations, make_command(commands[i]->operations[j])) != 0)
                return NULL;
            if (j == 0 && json_object_set_new(made, "operations", operations) != 0)
                return NULL;
        }
        if (json_array_append_new(list, made) != 0)
            return NULL;
    }
    return list;
}

int main(void)
{
    json_t *tables =
        json_pack("{s:s, s:o, s:o}", "version", hsmiam_version(), "globals",
                  make_options(tool_global_options), "commands", make_commands(tool_commands));
    int failed = !tables || json_dumpf(tables, stdout, JSON_INDENT(1)) != 0 || fclose(stdout) != 0;

    json_decref(tables);
    return failed;
}
