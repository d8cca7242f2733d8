/* SPDX-License-Identifier: Apache-2.0 */
/* The tool from its command line to its exit code. */
#ifndef HSMIAM_TOOL_RUN_H
#define HSMIAM_TOOL_RUN_H

/* Runs the command that argv names and returns the exit code. Errors are told on standard error.
 * PINs in argv are wiped on the way. */
int tool_run(int argc, char **argv);

#endif
