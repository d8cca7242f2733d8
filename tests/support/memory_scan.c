/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a program and looks through all of its memory where it stops.
 *
 *   memory_scan run DESCRIPTOR COMMAND [ARGUMENT...]
 *   memory_scan file PATH < NEEDLES
 *
 * `run` stops the program at its first write to standard output ("write") and to standard error
 * ("error"), where it stops itself by SIGSTOP ("signal"), and after its end has begun, when its
 * memory is still whole ("exit"). At each it says "stop WHERE" on the descriptor, takes lines
 * "needle NAME SHORTEST HEX", which are looked for from then on, and, for each "scan", answers
 * "found NAME FROM SIZE PLACE BEGIN END FLAG,..." for every run of at least SHORTEST bytes of a
 * needle, BEGIN, END and flags being the mapping's ("0 0 -": there is none), and "scanned BYTES
 * MAPPED", which are the same unless something could not be read; "go" lets the program go on.
 * "stop end CODE" is the last line. `file` does the same with a core file, at once.
 *
 * The program is traced from its first instruction on, so that it need not be fit for it, and no
 * right of another user is wanted. */
#include "memory_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINE_SIZE 4096

void die(const char *what)
{
    fprintf(stderr, "memory_scan: %s: %s\n", what, strerror(errno));
    exit(2);
}

bool read_needle(const char *line, needle *read_out)
{
    static const char digits[] = "0123456789abcdef";
    int hex = 0;

    *read_out = (needle){.size = 0};
    if (sscanf(line, "needle %127s %zu %n", read_out->name, &read_out->shortest, &hex) != 2 ||
        read_out->shortest < NEEDLE_WINDOW)
        return false;
    for (const char *at = line + hex; *at != '\n'; at += 2) {
        const char *high = *at ? strchr(digits, at[0]) : NULL;
        const char *low = high && at[1] ? strchr(digits, at[1]) : NULL;

        if (!low || read_out->size == sizeof read_out->data)
            return false;
        read_out->data[read_out->size++] = (uint8_t)((high - digits) << 4 | (low - digits));
    }
    return true;
}

void converse(const tracee *process, const char *why)
{
    char line[LINE_SIZE];
    needle read;

    fprintf(process->channel, "stop %s\n", why);
    fflush(process->channel);
    while (fgets(line, sizeof line, process->channel) && strcmp(line, "go\n") != 0) {
        if (strcmp(line, "scan\n") == 0) {
            scan_tracee(process);
            fflush(process->channel);
        } else if (!read_needle(line, &read) || !needles_add(process->set, &read)) {
            die("a needle that is none");
        }
    }
}

static int open_of(const tracee *process, const char *name)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/%s", (int)process->leader, name);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        die(path);
    return descriptor;
}

static void forget(tracee *process, pid_t thread)
{
    for (size_t i = 0; i < process->thread_count; i++)
        if (process->threads[i] == thread)
            process->threads[i] = process->threads[--process->thread_count];
}

static void remember(tracee *process, pid_t thread)
{
    forget(process, thread);
    if (process->thread_count == TRACEE_THREADS_MAX)
        die("too many threads");
    process->threads[process->thread_count++] = thread;
}

static void handle(tracee *process, pid_t thread, int status);

/* Stops every other thread too, lets the test look, and goes on with whatever each stopped for. */
static void hold(tracee *process, pid_t thread, const char *why)
{
    pid_t others[TRACEE_THREADS_MAX];
    int statuses[TRACEE_THREADS_MAX];
    size_t count = 0;

    for (size_t i = 0; i < process->thread_count; i++)
        if (process->threads[i] != thread &&
            ptrace(PTRACE_INTERRUPT, process->threads[i], 0, 0) == 0)
            others[count++] = process->threads[i];
    for (size_t i = 0; i < count; i++)
        if (waitpid(others[i], &statuses[i], __WALL) != others[i])
            statuses[i] = 0;
    converse(process, why);
    for (size_t i = 0; i < count; i++)
        handle(process, others[i], statuses[i]);
}

/* Where the thread is about to write for the first time; NULL: nowhere. */
static const char *find_first_output(tracee *process, pid_t thread)
{
    static const char *const names[] = {[STDOUT_FILENO] = "write", [STDERR_FILENO] = "error"};
    struct __ptrace_syscall_info call = {0};

    if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, (void *)sizeof call, &call) <= 0 ||
        call.op != PTRACE_SYSCALL_INFO_SECCOMP || process->wrote[call.seccomp.args[0]])
        return NULL;
    process->wrote[call.seccomp.args[0]] = true;
    return names[call.seccomp.args[0]];
}

/* What one thread stopped or ended for. */
static void handle(tracee *process, pid_t thread, int status)
{
    int event = status >> 16;
    int number = WIFSTOPPED(status) ? WSTOPSIG(status) : 0;

    if (!WIFSTOPPED(status)) {
        forget(process, thread);
        return;
    }
    remember(process, thread);
    if (event == PTRACE_EVENT_EXEC && process->memory < 0) {
        process->memory = open_of(process, "mem");
        process->maps = open_of(process, "smaps");
    } else if (event == PTRACE_EVENT_EXIT && thread == process->leader) {
        hold(process, thread, "exit");
    } else if (event == PTRACE_EVENT_SECCOMP) {
        const char *where = find_first_output(process, thread);

        if (where)
            hold(process, thread, where);
    } else if (event == 0 && number == SIGSTOP) {
        hold(process, thread, "signal");
    } else if (event == 0) {
        (void)ptrace(PTRACE_CONT, thread, 0, number);
        return;
    }
    (void)ptrace(PTRACE_CONT, thread, 0, 0);
}

/* Has the kernel stop the process where it writes to standard output or error, and nowhere else: to
 * stop it at every call costs more than all the rest. Whom the process starts inherits that, but
 * nobody who traces, and cannot write there. */
static bool stop_at_output(void)
{
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_writev, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, STDOUT_FILENO, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, STDERR_FILENO, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof steps / sizeof steps[0], steps};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

/* The child waits until it is traced. */
static pid_t start(char **command, int channel)
{
    int gate[2];
    char byte = 0;

    if (pipe(gate) != 0)
        die("pipe");
    pid_t child = fork();
    if (child < 0)
        die("fork");
    if (child == 0) {
        close(gate[1]);
        close(channel);
        if (read(gate[0], &byte, 1) == 1 && stop_at_output()) {
            close(gate[0]);
            execvp(command[0], command);
        }
        _exit(127);
    }
    close(gate[0]);
    if (ptrace(PTRACE_SEIZE, child, 0,
               PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL |
                   PTRACE_O_TRACESECCOMP) != 0 ||
        write(gate[1], &byte, 1) != 1)
        die("trace");
    close(gate[1]);
    return child;
}

static int run(int channel, char **command)
{
    tracee process = {.memory = -1, .maps = -1, .set = needles_new()};
    int status = 0;

    process.channel = fdopen(channel, "r+");
    if (!process.channel || !process.set)
        die("channel");
    process.leader = start(command, channel);
    for (;;) {
        pid_t thread = waitpid(-1, &status, __WALL);

        if (thread < 0)
            die("wait");
        if (thread == process.leader && !WIFSTOPPED(status))
            break;
        handle(&process, thread, status);
    }
    fprintf(process.channel, "stop end %d\n",
            WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
    fclose(process.channel);
    needles_free(process.set);
    return 0;
}

static int search_file(const char *path)
{
    needles *set = needles_new();
    char line[LINE_SIZE];
    needle read;

    if (!set)
        die("needles");
    while (fgets(line, sizeof line, stdin))
        if (!read_needle(line, &read) || !needles_add(set, &read))
            die("a needle that is none");
    scan_file(path, set, stdout);
    needles_free(set);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc >= 4 && strcmp(argv[1], "run") == 0)
        return run(atoi(argv[2]), argv + 3);
    if (argc == 3 && strcmp(argv[1], "file") == 0)
        return search_file(argv[2]);
    fputs("usage: memory_scan run DESCRIPTOR COMMAND... | file PATH\n", stderr);
    return 2;
}
