/* SPDX-License-Identifier: Apache-2.0 */
/* What the global options, the environment and the profile come to: flag beats environment beats
 * profile. */
#ifndef HSMIAM_TOOL_SETTINGS_H
#define HSMIAM_TOOL_SETTINGS_H

#include "options.h"
#include "profile.h"

typedef enum tool_output {
    TOOL_OUTPUT_JSON,
    TOOL_OUTPUT_YAML,
    TOOL_OUTPUT_TEXT,
    TOOL_OUTPUT_TABLE,
    TOOL_OUTPUT_CSV
} tool_output;

typedef struct tool_settings {
    tool_profile profile; /* owns what the following borrow from it */
    const char *credential;
    const char *token;
    const char *replicas[HSMIAM_REPLICAS_MAX + 1]; /* other tokens that take keys; ends with NULL */
    char *token_text;                              /* what those were cut from, if it is owned, */
    size_t token_text_size;
    const char *pin_source;         /* by flag: over what the URI says */
    const char *profile_pin_source; /* by profile: where the URI says nothing */
    const char *profile_name;       /* NULL: the default one */
    char *ledger;                   /* the path, expanded; owned */
    bool audit_syslog;
    const char *region;
    const char *endpoint_url;
    const char *sts_endpoint_url; /* NULL: that of IAM */
    const char *ca_bundle;
    tool_output output;
    bool color;
    bool fips;
    bool no_verify;
    bool allow_final_try;
    bool forbid_plaintext; /* by profile: create-object is no import route */
    unsigned connect_timeout;
    unsigned read_timeout;
    unsigned token_timeout;
    unsigned max_attempts; /* 0: the default */
} tool_settings;

/* Gathers the settings. What is "" in the environment counts as not set.
 * Statuses: ARGUMENT, CONFIG, MEMORY. */
hsmiam_status tool_settings_load(const tool_arguments *arguments, tool_settings *settings_out,
                                 tool_error *error) HSMIAM_MUST_USE;

/* Takes PINs out of the URIs of environment and profile, in place, once the tokens are named. */
void tool_settings_remove_pins(tool_settings *settings);

/* Wipes and frees. */
void tool_settings_clear(tool_settings *settings);

#endif
