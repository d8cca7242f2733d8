/* SPDX-License-Identifier: Apache-2.0 */
/* What is printed of an access key that exists. */
#ifndef HSMIAM_TOOL_KEY_FACTS_H
#define HSMIAM_TOOL_KEY_FACTS_H

#include "options.h"
#include "value.h"

#include <hsmiam.h>

/* How a key is shown. */
typedef struct tool_key_view {
    bool complete;     /* all members there are, null where nothing is known */
    bool marks_age;    /* TooOld tells whether the key is older than: */
    long long max_age; /* seconds */
} tool_key_view;

/* Adds the members to an object. false if there is no memory. */
bool tool_key_facts_describe(tool_value *object, const hsmiam_key_facts *facts,
                             const tool_key_view *view) HSMIAM_MUST_USE;

/* Whether the key is marked as too old. */
bool tool_key_facts_is_too_old(const hsmiam_key_facts *facts, const tool_key_view *view);

/* A time as the AWS CLI has it, "2015-08-30T12:36:00+00:00"; "" for one before 1970. */
#define TOOL_TIME_SIZE sizeof "9999-12-31T23:59:59+00:00"
void tool_time_format(time_t when, char text_out[TOOL_TIME_SIZE]);

/* What --max-age was given, a number with the unit s, m, h, d or w, in seconds. Statuses: ARGUMENT.
 */
hsmiam_status tool_key_view_read(const tool_arguments *arguments, tool_key_view *view_out,
                                 tool_error *error) HSMIAM_MUST_USE;

/* A key for --generate-cli-skeleton output. */
extern const hsmiam_key_facts tool_key_facts_sample;

#endif
