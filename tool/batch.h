/* SPDX-License-Identifier: Apache-2.0 */
/* A command's work, done for a file of users instead of one. */
#ifndef HSMIAM_TOOL_BATCH_H
#define HSMIAM_TOOL_BATCH_H

#include "session.h"
#include "user_file.h"
#include "value.h"

/* The work for one user, on whatever thread: it puts what came of it into `object`. Statuses: of
 * the library; MEMORY; CANCELLED: nothing was begun, or it came to nothing. */
typedef hsmiam_status (*tool_batch_work)(const void *settings, hsmiam_client *client,
                                         hsmiam_custody *custody, const char *user_name,
                                         tool_value *object, hsmiam_error *error);

/* What an earlier run did, for --resume: notes in `users` whom nothing is left to do for. */
typedef hsmiam_status (*tool_batch_find)(const void *settings, hsmiam_client *client,
                                         hsmiam_custody *custody, tool_user_file *users,
                                         hsmiam_error *error);

/* A command's part in a batch. */
typedef struct tool_batch_task {
    tool_batch_work work;
    tool_batch_find find;
    const void *settings; /* for both */
    const char *before;   /* what is said of those who are passed over: "had a key before" */
    bool has_halves;      /* what a signal interrupts may have been begun: it is told as well */
    const char *resume;   /* the options by which another run goes on */
} tool_batch_task;

/* Does the work for the users of --user-names: a line of JSON for each on standard output, how far
 * it is on a terminal, a summary on standard error. With --resume, what an interrupted run left
 * open is settled first, and who is done is passed over.
 * Statuses: OK if all went well; those of what comes before the first user; CANCELLED; UNSETTLED
 * for anything else. */
hsmiam_status tool_batch_run(tool_context *context, const tool_batch_task *task,
                             tool_error *error) HSMIAM_MUST_USE;

/* The options of such a command; what it does with --resume is its own. */
#define TOOL_BATCH_USERS                                                                           \
    .name = "--user-names", .kind = TOOL_OPTION_VALUE, .value = "FILE",                            \
    .help = "A file of user names, one a line, or - for standard input. Empty lines and those "    \
            "that begin with # are passed over. All names are checked before anything is done; "   \
            "one that is there twice is an error."
#define TOOL_BATCH_CONCURRENCY                                                                     \
    .name = "--max-concurrency", .kind = TOOL_OPTION_NUMBER, .value = "NUMBER",                    \
    .help = "How many users are worked on at a time, at most 64. Default: 8, or as many as "       \
            "memory may be locked for, some 640 KiB each."

#endif
