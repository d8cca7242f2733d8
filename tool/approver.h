/* SPDX-License-Identifier: Apache-2.0 */
/* Approvers on this terminal: their options, and what a person is shown. */
#ifndef HSMIAM_TOOL_APPROVER_H
#define HSMIAM_TOOL_APPROVER_H

#include "options.h"

/* The options of commands that may need an approval. */
#define TOOL_APPROVER_OPTIONS                                                                      \
    {.name = "--approver",                                                                         \
     .kind = TOOL_OPTION_REPEATED,                                                                 \
     .value = "URI",                                                                               \
     .help = "The PKCS#11 URI of an approver's token, other than the one at work, whose key "      \
             "approves this now, if the ledger's policy asks for that. Its PIN comes from the "    \
             "URI's pin-source or the terminal. May be given several times. Without it, a "        \
             "request goes into the ledger, for `hsmiam approve`."},                               \
    {                                                                                              \
        .name = "--approval-expires", .kind = TOOL_OPTION_VALUE, .value = "DURATION",              \
        .help = "How long such a request can be approved and used: a number with a unit of s, m, " \
                "h, d or w, from 5m to 30d. Default: 24h."                                         \
    }

/* Whether the command has those options. */
bool tool_approver_is_taken(const tool_arguments *arguments);

/* How approvers are asked. */
typedef struct tool_approver {
    hsmiam_token *const *tokens;       /* those there are, */
    const char *const *uris;           /* and as they were named, */
    size_t count;                      /* so many */
    bool is_asked;                     /* a person must confirm it, */
    bool is_batch;                     /* or what is alike is shown once to each, */
    bool was_shown[TOOL_REPEATED_MAX]; /* and was already, by the token's place */
    size_t approvals;                  /* that the request had when it was shown, */
    size_t needed;                     /* of so many */
} tool_approver;

/* An hsmiam_approval_fn: says on standard error what is approved, in one paragraph; `context` is
 * the tool_approver. */
bool tool_approver_show(void *context, const hsmiam_approval_request *request,
                        const hsmiam_token *token);

#endif
