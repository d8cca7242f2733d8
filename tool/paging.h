/* SPDX-License-Identifier: Apache-2.0 */
/* The AWS CLI's pagination: where a list begins, how much of it is wanted, and where it goes on. */
#ifndef HSMIAM_TOOL_PAGING_H
#define HSMIAM_TOOL_PAGING_H

#include "input.h"

#include <hsmiam.h>

typedef struct tool_paging {
    bool one_page;      /* --no-paginate, or a Marker in the input: the service's own paging */
    bool limited;       /* --max-items: */
    unsigned left;      /* so many items are still wanted */
    unsigned page_size; /* 0: the service's choice */
    unsigned skip;      /* so many items of the first page were shown before */
    char marker[HSMIAM_MARKER_SIZE]; /* where the next page begins, "": at the first item */
} tool_paging;

/* The options of a command that lists, to be put into its table. */
#define TOOL_PAGING_OPTIONS                                                                        \
    {.name = "--max-items",                                                                        \
     .kind = TOOL_OPTION_NUMBER,                                                                   \
     .value = "NUMBER",                                                                            \
     .help = "The most items to show. If there are more, the output has a NextToken. With "        \
             "--no-paginate: the same as --page-size, by which IAM cuts its page."},               \
        {.name = "--starting-token",                                                               \
         .kind = TOOL_OPTION_VALUE,                                                                \
         .value = "TOKEN",                                                                         \
         .help = "Go on where an earlier output ended: its NextToken."},                           \
    {                                                                                              \
        .name = "--page-size", .kind = TOOL_OPTION_NUMBER, .value = "NUMBER",                      \
        .help = "How many items each request asks for, at most 1000. Changes nothing in the "      \
                "output."                                                                          \
    }

/* The members of the input that page. */
#define TOOL_PAGING_MEMBERS                                                                        \
    {.name = "Marker",                                                                             \
     .type = TOOL_VALUE_STRING,                                                                    \
     .min_length = 1,                                                                              \
     .help = "Where the page begins, as an earlier answer has it."},                               \
    {                                                                                              \
        .name = "MaxItems", .type = TOOL_VALUE_INTEGER, .help = "The most items of a page."        \
    }

/* Reads what was given. Statuses: ARGUMENT, MEMORY. */
hsmiam_status tool_paging_start(tool_paging *paging, const tool_arguments *arguments,
                                const tool_value *input, tool_error *error) HSMIAM_MUST_USE;

/* Makes the NextToken of a list that is to go on `shown` items behind `marker`. NULL if there is no
 * memory; freed by the caller. */
char *tool_paging_make_token(const char *marker, unsigned shown);

#endif
