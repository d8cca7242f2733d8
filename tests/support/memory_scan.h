/* SPDX-License-Identifier: Apache-2.0 */
/* A process that is run, stopped and looked at. */
#ifndef HSMIAM_TESTS_SUPPORT_MEMORY_SCAN_H
#define HSMIAM_TESTS_SUPPORT_MEMORY_SCAN_H

#include "needles.h"

#include <stdio.h>
#include <sys/types.h>

#define TRACEE_THREADS_MAX 64

/* A process whose threads are all traced. */
typedef struct tracee {
    pid_t leader;
    pid_t threads[TRACEE_THREADS_MAX];
    size_t thread_count;
    /* Opened at once after exec, before the process can make itself unfit for being looked at. */
    int memory;
    int maps;      /* with what each mapping is for: smaps */
    bool wrote[3]; /* the first write to standard output, and error, was seen, by descriptor */
    FILE *channel;
    needles *set; /* what the test has named so far */
} tracee;

/* Looks through registers and memory of the stopped process, or through a file. Findings are
 * written to the channel, a line each, and how much was looked through, and how much there was. */
void scan_tracee(const tracee *process);
void scan_file(const char *path, const needles *set, FILE *channel);

/* Ends the scanner: a scan that is not whole must not pass for one. */
_Noreturn void die(const char *what);

/* Talks with the test until it says "go". `why` tells it where the process stopped. */
void converse(const tracee *process, const char *why);

/* Reads "needle NAME SHORTEST HEX"; false if it is none. */
bool read_needle(const char *line, needle *read_out);

#endif
