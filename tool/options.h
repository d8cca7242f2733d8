/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of options, from which parsing, usage and help come, and the parser over them. */
#ifndef HSMIAM_TOOL_OPTIONS_H
#define HSMIAM_TOOL_OPTIONS_H

#include "error.h"

#include <time.h>

/* The most options that one table holds. */
#define TOOL_OPTIONS_MAX 32

typedef enum tool_option_kind {
    TOOL_OPTION_FLAG,     /* takes no value */
    TOOL_OPTION_VALUE,    /* takes one */
    TOOL_OPTION_OPTIONAL, /* takes one, or stands for `bare` */
    TOOL_OPTION_NUMBER,   /* takes whole seconds or the like */
    TOOL_OPTION_REPEATED /* takes one, and may be given several times; one such per command, and one
                          * among the globals, where most commands take its first value only */
} tool_option_kind;

/* One option. A table of them ends with a name of NULL. */
typedef struct tool_option {
    const char *name; /* with its dashes */
    tool_option_kind kind;
    const char *value;          /* what its value is, in capitals, if there are no choices */
    const char *const *choices; /* NULL-terminated; NULL: any value */
    const char *bare;           /* what an OPTIONAL stands for without a value */
    const char *group;          /* neighbours of one group are shown as [--a | --b] */
    const char *refusal;        /* why the option, which the AWS CLI has, cannot serve here */
    const char *help;
} tool_option;

typedef struct tool_context tool_context;
typedef struct tool_schema tool_schema;

/* The most values of a repeated option. */
#define TOOL_REPEATED_MAX 16

/* One command, or a group of them, which has no options and does nothing by itself. */
typedef struct tool_command {
    const char *name;
    const char *word;        /* what a word without dashes stands for; NULL: it takes none */
    const char *summary;     /* a line in the list of commands */
    const char *description; /* paragraphs parted by "\n\n" */
    const tool_option *options;
    const struct tool_command *const *operations; /* of a group, NULL-terminated; else NULL */
    bool takes_tokens;                            /* --token may be given several times */
    bool asks_nothing;                            /* signs no request: MFA changes nothing */
    bool hides_values; /* a secret may have been typed by mistake: stray words are not echoed */
    hsmiam_status (*run)(tool_context *context, tool_error *error);
} tool_command;

/* What was given on the command line; values borrow from argv. */
typedef struct tool_arguments {
    const tool_command *command; /* NULL with --version and with help for the whole tool */
    const tool_command *group;   /* of which the command is an operation; NULL: none */
    bool help;
    const char *word;                                   /* NULL: none was given */
    const char *repeated_values[TOOL_REPEATED_MAX + 1]; /* ends with NULL */
    const char *repeated_globals[TOOL_REPEATED_MAX + 1];
    const char *command_values[TOOL_OPTIONS_MAX];
    const char *global_values[TOOL_OPTIONS_MAX];
} tool_arguments;

/* The options that stand before or after any command. */
extern const tool_option tool_global_options[];

/* The words that --output and --import-route take. */
extern const char *const tool_output_choices[];

/* Parses the command line over the tables of all commands (NULL-terminated).
 * Statuses: ARGUMENT, MEMORY. */
hsmiam_status tool_arguments_parse(int argc, const char *const *argv,
                                   const tool_command *const *commands,
                                   tool_arguments *arguments_out,
                                   tool_error *error) HSMIAM_MUST_USE;

/* The value of an option of the command or of the globals, "" for a flag; NULL if not given. */
const char *tool_arguments_get(const tool_arguments *arguments, const char *name);

/* Refuses two options that exclude one another. Statuses: ARGUMENT. */
hsmiam_status tool_arguments_exclude(const tool_arguments *arguments, const char *one,
                                     const char *other, tool_error *error) HSMIAM_MUST_USE;

/* Reads the whole number that an option was given, at most `maximum`. Statuses: ARGUMENT. */
hsmiam_status tool_arguments_get_number(const tool_arguments *arguments, const char *name,
                                        unsigned maximum, unsigned *number_out,
                                        tool_error *error) HSMIAM_MUST_USE;

/* Reads a number with its unit, s, m, h, d or w, in seconds; `*seconds_out` stays as it is if the
 * option was not given. Statuses: ARGUMENT. */
hsmiam_status tool_arguments_get_duration(const tool_arguments *arguments, const char *name,
                                          long long *seconds_out,
                                          tool_error *error) HSMIAM_MUST_USE;

/* Reads the time that an option was given, of a date its first second, or with `end_of_day` its
 * last one; -1 without the option. Statuses: ARGUMENT. */
hsmiam_status tool_arguments_get_time(const tool_arguments *arguments, const char *name,
                                      bool end_of_day, time_t *time_out,
                                      tool_error *error) HSMIAM_MUST_USE;

#endif
