/* SPDX-License-Identifier: Apache-2.0 */
#include "run_tool.h"

#include "run.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MAX 32

/* A file without a name that several processes see. */
static int open_scratch(void)
{
    char name[] = "/tmp/hsmiam-test-XXXXXX";
    int fd = mkstemp(name);

    if (fd < 0 || unlink(name) != 0)
        abort();
    return fd;
}

static void read_back(int fd, void *to, size_t size)
{
    ssize_t got = pread(fd, to, size, 0);

    if (got < 0)
        abort();
    close(fd);
}

static void run_child(const char *const *words, const int *fds)
{
    char *argv[WORDS_MAX + 2] = {strdup("hsmiam")};
    char line[1024] = "";
    size_t length = 0;
    int argc = 1;
    int code = 0;

    for (; words[argc - 1] && argc < WORDS_MAX; argc++)
        argv[argc] = strdup(words[argc - 1]);
    setsid();
    if (dup2(fds[0], 0) < 0 || dup2(fds[1], 1) < 0 || dup2(fds[2], 2) < 0)
        abort();
    code = tool_run(argc, argv);
    for (int i = 0; i < argc; i++) {
        length += (size_t)snprintf(line + length, sizeof line - length, "%s ", argv[i]);
        free(argv[i]);
    }
    if (write(fds[3], &fake, sizeof fake) != sizeof fake ||
        write(fds[4], line, sizeof line) != sizeof line)
        abort();
    exit(code);
}

/* `readable`: the output is a file that can be read back. */
static void run(run_result *result, int input, int output, bool readable, const char *const *words)
{
    int fds[] = {input, output, open_scratch(), open_scratch(), open_scratch()};
    int status = 0;
    pid_t child = 0;

    memset(result, 0, sizeof *result);
    (void)fflush(NULL);
    child = fork();
    if (child == 0)
        run_child(words, fds);
    if (child < 0 || waitpid(child, &status, 0) != child)
        abort();
    result->code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    close(input);
    if (readable)
        read_back(output, result->out, sizeof result->out - 1);
    else
        close(output);
    read_back(fds[2], result->err, sizeof result->err - 1);
    read_back(fds[3], &result->fake, sizeof result->fake);
    read_back(fds[4], result->command_line, sizeof result->command_line);
}

static int make_input(const char *text)
{
    int fd = open_scratch();

    if (text && write(fd, text, strlen(text)) < 0)
        abort();
    lseek(fd, 0, SEEK_SET);
    return fd;
}

void run_tool(run_result *result, const char *input, const char *const *words)
{
    run(result, make_input(input), open_scratch(), true, words);
}

void run_tool_to(run_result *result, const char *path, const char *const *words)
{
    int output = open(path, O_WRONLY);

    if (output < 0)
        abort();
    run(result, make_input(NULL), output, false, words);
}
