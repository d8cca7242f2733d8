/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers the system calls by which a process meets files and the network, and makes one of them
 * fail. It is preloaded (LD_PRELOAD), and lets the kernel tell it of each call (seccomp's
 * SECCOMP_RET_TRAP), so that it does not matter through which function of which library a call is
 * made: stdio's own writes are seen too, and a call that is new in a path is numbered by itself.
 *
 *   FAULT_PATHS  CLASS=PREFIX, several of them with colons between: files whose absolute path
 *                begins so belong to the class. Other files (shared libraries, configuration,
 *                certificates) are left alone; so are pipes and sockets that are not of the
 *                Internet, while those that are belong to the class "net". What is about all
 *                files, as sync is, belongs to the class "all".
 *   FAULT_LOG    a file that each call's name and class are appended to, with "create" for one
 *                that may make a file, and a line "!" when the fault takes place
 *   FAULT_LOG_BRIEF
 *                set, if only the call that fails is to be logged; others are then not looked at
 *   FAULT        CALL:CLASS:NUMBER:WHAT, the one call to fail. NUMBER counts, from 1, the calls of
 *                that name and class. WHAT is a number of errno that is returned instead; "late"
 *                and such a number, returned after the call was carried out; "short", half of what
 *                was to be transferred; "kill", SIGKILL before the call; "latekill", after it;
 *                "tear", after half of it; "hang", for ever
 */
#include "fault_shim.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define DESCRIPTORS_MAX 1024
#define CLASSES_MAX     8
#define NO_CLASS        0
#define NET_CLASS       1
#define ALL_CLASS       2 /* of what is about no file in particular */
#define WORD_MAX        64
#define EXPORTED        __attribute__((visibility("default")))

typedef enum what {
    DO_NOTHING,
    DO_ERROR,
    DO_LATE_ERROR,
    DO_SHORT,
    DO_KILL,
    DO_LATE_KILL,
    DO_TEAR,
    DO_HANG
} what;

typedef struct file_class {
    char name[WORD_MAX];
    char prefix[4096];
} file_class;

static file_class classes[CLASSES_MAX] = {
    [NET_CLASS] = {.name = "net"}, [ALL_CLASS] = {.name = "all"}};
static size_t class_count = ALL_CLASS + 1;

/* The class that a descriptor's file has. */
static atomic_uchar class_of[DESCRIPTORS_MAX];
static atomic_uint calls_of[FAULT_CALLS_MAX][CLASSES_MAX];

static int log_fd = -1;
static bool log_all = true;

static struct {
    const fault_call *call;
    size_t class;
    unsigned number;
    what what;
    long error;
} fault;

/* Classes ------------------------------------------------------------------------------------ */

static size_t class_of_descriptor(long fd)
{
    return fd >= 0 && fd < DESCRIPTORS_MAX ? class_of[fd] : NO_CLASS;
}

static void set_class(long fd, size_t class)
{
    if (fd >= 0 && fd < DESCRIPTORS_MAX)
        class_of[fd] = (unsigned char)class;
}

static size_t class_of_path(long folder, const char *path)
{
    if (path == NULL || path[0] == '\0')
        return class_of_descriptor(folder);
    if (path[0] != '/')
        return folder == AT_FDCWD ? NO_CLASS : class_of_descriptor(folder);
    for (size_t i = ALL_CLASS + 1; i < class_count; i++)
        if (strncmp(path, classes[i].prefix, strlen(classes[i].prefix)) == 0)
            return i;
    return NO_CLASS;
}

static size_t class_of_poll(const struct pollfd *fds, long count)
{
    for (long i = 0; i < count; i++)
        if (class_of_descriptor(fds[i].fd) != NO_CLASS)
            return class_of_descriptor(fds[i].fd);
    return NO_CLASS;
}

/* Of all that fcntl does, locks can fail. */
static bool is_lock(long command)
{
    return command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK ||
           command == F_OFD_SETLKW;
}

static const void *pointer_of(long argument)
{
    return (const void *)argument; /* NOLINT(performance-no-int-to-ptr): the kernel's interface */
}

static size_t classify(const fault_call *call, const long *arguments)
{
    switch (call->about) {
    case FAULT_ABOUT_DESCRIPTOR:
        return class_of_descriptor(arguments[0]);
    case FAULT_ABOUT_PATH:
        return class_of_path(AT_FDCWD, pointer_of(arguments[0]));
    case FAULT_ABOUT_PATH_AT:
        return class_of_path(arguments[0], pointer_of(arguments[1]));
    case FAULT_ABOUT_POLL:
        return class_of_poll(pointer_of(arguments[0]), arguments[1]);
    case FAULT_ABOUT_LOCK:
        return is_lock(arguments[1]) ? class_of_descriptor(arguments[0]) : NO_CLASS;
    case FAULT_ABOUT_SOCKET:
        return arguments[0] == AF_INET || arguments[0] == AF_INET6 ? NET_CLASS : NO_CLASS;
    case FAULT_ABOUT_ALL_FILES:
        return ALL_CLASS;
    default:
        return NO_CLASS;
    }
}

static bool creates(const fault_call *call, const long *arguments)
{
    long flags = call->about == FAULT_ABOUT_PATH_AT ? arguments[2] : arguments[1];

    return (call->flags & FAULT_OPENS) != 0 && call->about != FAULT_ABOUT_SOCKET &&
           (flags & O_CREAT) != 0;
}

/* What a call that succeeded means for the descriptors. */
static void follow(const fault_call *call, const long *arguments, size_t class, long result)
{
    bool copies = call->about == FAULT_ABOUT_LOCK &&
                  (arguments[1] == F_DUPFD || arguments[1] == F_DUPFD_CLOEXEC);

    if (result < 0)
        return;
    if ((call->flags & FAULT_OPENS) != 0)
        set_class(result, class);
    else if (copies || call->about == FAULT_ABOUT_COPY)
        set_class(result, class_of_descriptor(arguments[0]));
}

/* Faults ------------------------------------------------------------------------------------- */

static void write_log(const char *call, const char *class, const char *more)
{
    const char *const words[] = {call, class, more};
    char line[4 * WORD_MAX];
    size_t size = 0;

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        for (const char *c = words[i]; *c != '\0' && c < words[i] + WORD_MAX; c++)
            line[size++] = *c;
        line[size++] = ' ';
    }
    line[size - 1] = '\n';
    if (log_fd >= 0)
        (void)fault_syscall(SYS_write, log_fd, (long)line, (long)size, 0, 0, 0);
}

static void die(void)
{
    (void)fault_syscall(SYS_kill, fault_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0), SIGKILL, 0, 0, 0, 0);
    for (;;)
        (void)fault_syscall(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}

static long pass(const fault_call *call, const long *a)
{
    return fault_syscall(call->number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static long pass_half(const fault_call *call, const long *arguments)
{
    long some[6];

    memcpy(some, arguments, sizeof some);
    if (some[2] > 1)
        some[2] /= 2;
    return pass(call, some);
}

static long fail(const fault_call *call, const long *arguments)
{
    long result = -fault.error;

    if (!log_all)
        write_log(call->name, classes[fault.class].name, "");
    write_log("!", "", "");
    switch (fault.what) {
    case DO_KILL:
        die();
        break;
    case DO_LATE_KILL:
        result = pass(call, arguments);
        die();
        break;
    case DO_TEAR:
        result = pass_half(call, arguments);
        die();
        break;
    case DO_SHORT:
        return pass_half(call, arguments);
    case DO_LATE_ERROR:
        (void)pass(call, arguments);
        break;
    case DO_HANG:
        for (;;)
            (void)fault_syscall(SYS_ppoll, 0, 0, 0, 0, 0, 0);
    default:
        break;
    }
    return result;
}

static long handle(long number, const long *arguments)
{
    const fault_call *call = fault_call_of_number(number);
    size_t class = classify(call, arguments);
    unsigned count = 0;
    long result = 0;

    if (class != NO_CLASS && call->about != FAULT_ABOUT_COPY) {
        if (log_all)
            write_log(call->name, classes[class].name, creates(call, arguments) ? "create" : "");
        count = ++calls_of[fault_call_index(call)][class];
    }
    if ((call->flags & FAULT_CLOSES) != 0)
        set_class(arguments[0], NO_CLASS);
    if (count != 0 && fault.what != DO_NOTHING && call == fault.call && class == fault.class &&
        count == fault.number)
        result = fail(call, arguments);
    else
        result = pass(call, arguments);
    follow(call, arguments, class, result);
    return result;
}

static void on_trap(int signal, siginfo_t *info, void *context)
{
    ucontext_t *user = context;
    long arguments[6];

    (void)signal;
    fault_read_arguments(user, arguments);
    fault_write_result(user, handle(info->si_syscall, arguments));
}

/* Nobody may block the signal that calls are told by: the kernel would end the process. */
EXPORTED int pthread_sigmask(int how, const sigset_t *given, sigset_t *before)
{
    uint64_t set = 0;

    if (given != NULL) {
        memcpy(&set, given, sizeof set);
        set &= ~(UINT64_C(1) << (SIGSYS - 1));
    }
    return (int)-fault_syscall(SYS_rt_sigprocmask, how, given != NULL ? (long)&set : 0,
                               (long)before, sizeof set, 0, 0);
}

EXPORTED int sigprocmask(int how, const sigset_t *given, sigset_t *before)
{
    int error = pthread_sigmask(how, given, before);

    if (error != 0)
        errno = error;
    return error == 0 ? 0 : -1;
}

/* Orders ------------------------------------------------------------------------------------- */

static bool parse_paths(void)
{
    char *rest = NULL;
    char *given = getenv("FAULT_PATHS");
    char *text = given != NULL ? strdup(given) : NULL;

    for (char *one = text != NULL ? strtok_r(text, ":", &rest) : NULL; one != NULL;
         one = strtok_r(NULL, ":", &rest)) {
        char *prefix = strchr(one, '=');
        if (prefix == NULL || class_count == CLASSES_MAX)
            return false;
        *prefix++ = '\0';
        (void)strncpy(classes[class_count].name, one, WORD_MAX - 1);
        (void)strncpy(classes[class_count].prefix, prefix, sizeof classes[0].prefix - 1);
        class_count++;
    }
    free(text);
    return true;
}

static bool parse_what(const char *text)
{
    static const struct {
        const char *word;
        what what;
    } words[] = {{"short", DO_SHORT},
                 {"kill", DO_KILL},
                 {"latekill", DO_LATE_KILL},
                 {"tear", DO_TEAR},
                 {"hang", DO_HANG}};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(text, words[i].word) == 0) {
            fault.what = words[i].what;
            return true;
        }
    fault.what = strncmp(text, "late", 4) == 0 ? DO_LATE_ERROR : DO_ERROR;
    fault.error = strtol(fault.what == DO_LATE_ERROR ? text + 4 : text, NULL, 10);
    return fault.error > 0;
}

static bool parse_fault(void)
{
    char *rest = NULL;
    char *given = getenv("FAULT");
    char *text = given != NULL ? strdup(given) : NULL;

    if (text == NULL)
        return given == NULL;
    const char *call = strtok_r(text, ":", &rest);
    const char *class = strtok_r(NULL, ":", &rest);
    const char *number = strtok_r(NULL, ":", &rest);
    const char *effect = strtok_r(NULL, ":", &rest);
    if (effect == NULL)
        return false;
    fault.call = fault_call_of_name(call);
    fault.number = (unsigned)strtoul(number, NULL, 10);
    for (size_t i = NET_CLASS; i < class_count; i++)
        if (strcmp(class, classes[i].name) == 0)
            fault.class = i;
    bool right = parse_what(effect);
    free(text);
    return right && fault.call != NULL && fault.class != NO_CLASS && fault.number > 0;
}

static bool open_log(void)
{
    const char *path = getenv("FAULT_LOG");
    int fd = path != NULL ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;

    if (fd < 0)
        return path == NULL;
    log_all = getenv("FAULT_LOG_BRIEF") == NULL;
    log_fd = fcntl(fd, F_DUPFD_CLOEXEC, DESCRIPTORS_MAX / 2);
    (void)close(fd);
    return log_fd >= 0;
}

__attribute__((constructor)) static void start(void)
{
    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO | SA_NODEFER};

    if (getenv("FAULT") == NULL && getenv("FAULT_LOG") == NULL)
        return;
    if (!parse_paths() || !parse_fault() || !open_log() || sigaction(SIGSYS, &action, NULL) != 0 ||
        !fault_install_filter(log_all ? NULL : fault.call))
        _exit(99);
}
