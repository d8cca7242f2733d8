/* SPDX-License-Identifier: Apache-2.0 */
/* A command's work, done for a file of users instead of one. */
#ifndef HSMIAM_TOOL_BATCH_H
#define HSMIAM_TOOL_BATCH_H

#include "session.h"
#include "value.h"

/* The work for one user, on whatever thread: it puts what came of it into `object`. Statuses: of
 * the library; MEMORY. */
typedef hsmiam_status (*tool_batch_work)(const tool_context *context, hsmiam_client *client,
                                         hsmiam_custody *custody, const char *user_name,
                                         tool_value *object, hsmiam_error *error);

/* Does the work for the users of --user-names: a line of JSON for each on standard output, how far
 * it is on a terminal, a summary on standard error. With --resume, what an interrupted run left
 * open is settled first, and who has a key is passed over.
 * Statuses: OK if all went well; those of what comes before the first user; CANCELLED; UNSETTLED
 * for anything else. */
hsmiam_status tool_batch_run(tool_context *context, tool_batch_work work,
                             tool_error *error) HSMIAM_MUST_USE;

/* The options of such a command. */
#define TOOL_BATCH_OPTIONS                                                                         \
    {.name = "--user-names",                                                                       \
     .kind = TOOL_OPTION_VALUE,                                                                    \
     .help = "A file of user names, one a line, or - for standard input. Empty lines and those "   \
             "that begin with # are passed over. All names are checked before anything is "        \
             "done; one that is there twice is an error."},                                        \
        {.name = "--max-concurrency",                                                              \
         .kind = TOOL_OPTION_NUMBER,                                                               \
         .help = "How many users are worked on at a time, at most 64. Default: 8, or as many as "  \
                 "memory may be locked for, some 640 KiB each."},                                  \
    {                                                                                              \
        .name = "--resume", .kind = TOOL_OPTION_FLAG,                                              \
        .help = "Go on with a file that an earlier run did not finish: settle what that run left " \
                "open, as recover does, and pass over the users of this account for whom the "     \
                "ledger shows a key in the token."                                                 \
    }

#endif
