/* SPDX-License-Identifier: Apache-2.0 */
/* What a plain YAML scalar means: the core schema of YAML 1.2 and its timestamps, as the AWS CLI's
 * YAML reader has them. */
#include "input.h"

#include <regex.h>

typedef struct tool_pattern {
    tool_value_type type;
    const char *expression;
} tool_pattern;

static const tool_pattern patterns[] = {
    {TOOL_VALUE_NULL, "^(~|null|Null|NULL)?$"},
    {TOOL_VALUE_BOOLEAN, "^(true|True|TRUE|false|False|FALSE)$"},
    {TOOL_VALUE_INTEGER, "^[-+]?(0b[01_]+|0o?[0-7_]+|[0-9][0-9_]*|0x[0-9a-fA-F_]+)$"},
    {TOOL_VALUE_FLOAT, "^[-+]?([0-9][0-9_]*\\.[0-9_]*([eE][-+]?[0-9]+)?|"
                       "[0-9][0-9_]*[eE][-+]?[0-9]+|\\.[0-9][0-9_]*([eE][-+]?[0-9]+)?|"
                       "\\.(inf|Inf|INF))$|^\\.(nan|NaN|NAN)$"},
    {TOOL_VALUE_DATE, "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
    {TOOL_VALUE_DATETIME,
     "^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(\\.[0-9]*)?"
     "([ \t]*(Z|[-+][0-9]{1,2}(:[0-9]{2})?))?$"},
};

/* What YAML 1.1 readers take for booleans, for numbers of base 60, or for a merge. */
static const char old_expression[] = "^([yYnN]|[yY]es|YES|[nN]o|NO|[oO]n|ON|[oO]ff|OFF|[-+]?[0-9]["
                                     "0-9_]*(:[0-5]?[0-9])+(\\.[0-9_]*)?|"
                                     "<<|=)$";

/* An expression that cannot be compiled, for want of memory, matches nothing. */
static bool matches(const char *expression, const char *text)
{
    regex_t regex = {0};
    bool match = false;

    if (regcomp(&regex, expression, REG_EXTENDED | REG_NOSUB) != 0)
        return false;
    match = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return match;
}

tool_value_type tool_input_resolve_scalar(const char *text)
{
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        if (matches(patterns[i].expression, text))
            return patterns[i].type;
    }
    return TOOL_VALUE_STRING;
}

bool tool_input_is_ambiguous_scalar(const char *text)
{
    return tool_input_resolve_scalar(text) != TOOL_VALUE_STRING || matches(old_expression, text);
}
