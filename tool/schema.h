/* SPDX-License-Identifier: Apache-2.0 */
/* The members of a command's input: what is checked, and what its skeletons are made from. */
#ifndef HSMIAM_TOOL_SCHEMA_H
#define HSMIAM_TOOL_SCHEMA_H

#include "error.h"
#include "value.h"

/* One member. A table of them ends with a name of NULL. */
typedef struct tool_member {
    const char *name;
    const char *option;   /* the flag that gives the same; NULL: none does */
    tool_value_type type; /* STRING, INTEGER or BOOLEAN */
    bool required;
    size_t min_length; /* of a string */
    /* Checks a string further; NULL: nothing more to check. */
    hsmiam_status (*check)(const char *text, hsmiam_error *error);
    const char *sample; /* of a string, in the skeletons; NULL: "" */
    const char *help;   /* its first sentence, the comment in the YAML skeleton */
} tool_member;

struct tool_schema {
    const tool_member *members;
};

typedef struct tool_schema tool_schema;

/* Checks an object that was read against the schema; all that is wrong is told at once, in the AWS
 * CLI's words. `origin` names where it was read from. What is required and missing may still come
 * from a flag. Statuses: ARGUMENT, MEMORY. */
hsmiam_status tool_schema_check(const tool_schema *schema, const tool_value *input,
                                const char *origin, tool_error *error) HSMIAM_MUST_USE;

/* Prints the skeleton for --cli-input-json. */
void tool_schema_print_json(const tool_schema *schema, FILE *stream);

/* Prints the skeleton for --cli-input-yaml. */
void tool_schema_print_yaml(const tool_schema *schema, FILE *stream);

#endif
