/* SPDX-License-Identifier: Apache-2.0 */
/* PIN sources (RFC 7512, 2.3): files, systemd credentials, commands. */
#include "token/session.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static hsmiam_status too_long(const char *what, hsmiam_error *error)
{
    return hsmiam_error_set(error, HSMIAM_ERR_PIN,
                            "%s gives a PIN that is too long (over %d bytes).", what,
                            HSMIAM_PIN_SIZE_MAX);
}

/* Takes everything that the descriptor gives, at most what the secret has room for. */
static hsmiam_status read_all(int fd, const char *what, hsmiam_secret *pin, hsmiam_error *error)
{
    for (;;) {
        size_t room = 0;
        uint8_t *to = hsmiam_secret_get_room(pin, &room);
        if (room == 0)
            return too_long(what, error);
        ssize_t size = read(fd, to, room);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return hsmiam_error_set_errno(error, HSMIAM_ERR_PIN, errno, "%s cannot be read", what);
        if (size == 0)
            return HSMIAM_OK;
        hsmiam_secret_grow(pin, (size_t)size);
    }
}

/* Takes one line end off, and insists that a PIN is left. */
static hsmiam_status trim(const char *what, hsmiam_secret *pin, hsmiam_error *error)
{
    const uint8_t *data = hsmiam_secret_get_data(pin);
    size_t size = hsmiam_secret_get_size(pin);

    if (size > 0 && data[size - 1] == '\n')
        size--;
    if (size > 0 && size < hsmiam_secret_get_size(pin) && data[size - 1] == '\r')
        size--;
    if (size == 0)
        return hsmiam_error_set(error, HSMIAM_ERR_PIN, "%s gives an empty PIN.", what);
    if (size > HSMIAM_PIN_SIZE_MAX)
        return too_long(what, error);
    if (memchr(data, '\n', size) != NULL || memchr(data, '\0', size) != NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_PIN,
                                "%s gives a PIN with a line end or a NUL byte in it (%zu bytes).",
                                what, size);
    hsmiam_secret_truncate(pin, size);
    return HSMIAM_OK;
}

/* `what` begins the message of a failure. */
static hsmiam_status read_file(const char *path, const char *what, hsmiam_secret *pin,
                               hsmiam_error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        return hsmiam_error_set_errno(error, HSMIAM_ERR_PIN, errno, "%s cannot be opened", what);
    hsmiam_status status = read_all(fd, what, pin, error);
    (void)close(fd);
    return status == HSMIAM_OK ? trim(what, pin, error) : status;
}

/* What is no path by its first characters may be a PIN that someone gave instead of its source, and
 * is not repeated. */
static hsmiam_status read_path(const char *path, hsmiam_secret *pin, hsmiam_error *error)
{
    char what[PATH_MAX + 32];

    if (path[0] == '/' || strncmp(path, "./", 2) == 0 || strncmp(path, "../", 3) == 0)
        (void)snprintf(what, sizeof what, "The PIN source \"%s\"", path);
    else
        (void)snprintf(what, sizeof what, "The PIN source (%zu bytes)", strlen(path));
    return read_file(path, what, pin, error);
}

static hsmiam_status read_systemd_credential(const char *name, hsmiam_secret *pin,
                                             hsmiam_error *error)
{
    const char *directory = secure_getenv("CREDENTIALS_DIRECTORY");
    char path[PATH_MAX];
    char what[96];

    /* The name is not repeated either. */
    if (*name == '\0' || strchr(name, '/') != NULL || strcmp(name, "..") == 0)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "The PIN source (%zu bytes) does not name a systemd credential.",
                                strlen(name));
    if (directory == NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                                "The PIN source (%zu bytes) is no path, so a systemd credential is "
                                "meant, but CREDENTIALS_DIRECTORY is not set; for a file give its "
                                "full path.",
                                strlen(name));
    if (snprintf(path, sizeof path, "%s/%s", directory, name) >= (int)sizeof path)
        return hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                                "The path of the systemd credential is too long.");
    (void)snprintf(what, sizeof what, "The PIN source (%zu bytes), taken as a systemd credential,",
                   strlen(name));
    return read_file(path, what, pin, error);
}

/* What the program ignores or blocks, its child must not: SIGPIPE ends a command that says too
 * much, SIGCHLD is what a shell waits by, and a blocked SIGTERM would keep it alive. */
static int set_signals(posix_spawnattr_t *attributes)
{
    sigset_t defaults;
    sigset_t blocked;

    (void)sigemptyset(&blocked);
    (void)sigemptyset(&defaults);
    (void)sigaddset(&defaults, SIGPIPE);
    (void)sigaddset(&defaults, SIGCHLD);
    int number = posix_spawnattr_setsigdefault(attributes, &defaults);
    if (number == 0)
        number = posix_spawnattr_setsigmask(attributes, &blocked);
    if (number == 0)
        number =
            posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    return number;
}

static int spawn_by(const posix_spawn_file_actions_t *actions, char *const arguments[],
                    pid_t *child_out)
{
    posix_spawnattr_t attributes;
    int number = posix_spawnattr_init(&attributes);

    if (number != 0)
        return number;
    number = set_signals(&attributes);
    if (number == 0)
        number = posix_spawn(child_out, arguments[0], actions, &attributes, arguments, environ);
    (void)posix_spawnattr_destroy(&attributes);
    return number;
}

/* Runs the command with nothing to read and the pipe to write to. */
static int spawn(char *const arguments[], int output, pid_t *child_out)
{
    posix_spawn_file_actions_t actions;
    int number = posix_spawn_file_actions_init(&actions);

    if (number != 0)
        return number;
    number = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    if (number != 0)
        goto out;
    number = posix_spawn_file_actions_adddup2(&actions, output, 1);
    if (number != 0)
        goto out;
    /* Not every descriptor of a program and its libraries closes by itself: connections do not. */
    number = posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    if (number != 0)
        goto out;
    number = spawn_by(&actions, arguments, child_out);
out:
    (void)posix_spawn_file_actions_destroy(&actions);
    return number;
}

static hsmiam_status start(const char *command, int output, pid_t *child_out, hsmiam_error *error)
{
    char shell[] = "/bin/sh";
    char option[] = "-c";
    char *line = strdup(command);
    char *arguments[] = {shell, option, line, NULL};

    if (line == NULL)
        return hsmiam_error_set_memory(error, "the PIN command");
    int number = spawn(arguments, output, child_out);
    free(line);
    if (number != 0)
        return hsmiam_error_set_errno(error, HSMIAM_ERR_IO, number,
                                      "The PIN command cannot be started");
    return HSMIAM_OK;
}

/* Waits for the command's end and judges it, but for a failure that was reported already. */
static hsmiam_status wait_for(pid_t child, hsmiam_status status, hsmiam_error *error)
{
    int result = 0;

    while (waitpid(child, &result, 0) < 0) {
        /* A program that ignores SIGCHLD has no children to wait for: the kernel throws the exit
         * code away. The PIN was read to its end, and whether it is right, the token will say. */
        if (errno == ECHILD || (errno != EINTR && status != HSMIAM_OK))
            return status;
        if (errno != EINTR)
            return hsmiam_error_set_errno(error, HSMIAM_ERR_IO, errno,
                                          "The PIN command's end cannot be waited for");
    }
    if (status != HSMIAM_OK)
        return status;
    if (WIFSIGNALED(result))
        return hsmiam_error_set(error, HSMIAM_ERR_PIN, "The PIN command was ended by signal %d.",
                                WTERMSIG(result));
    if (WEXITSTATUS(result) != 0)
        return hsmiam_error_set(error, HSMIAM_ERR_PIN, "The PIN command failed with exit code %d.",
                                WEXITSTATUS(result));
    return HSMIAM_OK;
}

static hsmiam_status read_command(const char *command, hsmiam_secret *pin, hsmiam_error *error)
{
    static const char what[] = "The PIN command";
    int ends[2];
    pid_t child = 0;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return hsmiam_error_set_errno(error, HSMIAM_ERR_IO, errno, "No pipe for the PIN command");
    hsmiam_status status = start(command, ends[1], &child, error);
    /* Now only the command holds that end, and the pipe ends with it. */
    (void)close(ends[1]);
    if (status != HSMIAM_OK)
        goto out;
    status = read_all(ends[0], what, pin, error);
out:
    /* Before the wait: SIGPIPE ends a command that has more to say. */
    (void)close(ends[0]);
    if (child != 0)
        status = wait_for(child, status, error);
    return status == HSMIAM_OK ? trim(what, pin, error) : status;
}

/* "file:/path" and "file:///path" (RFC 8089); another host's file is none of ours. */
static const char *path_of_file_uri(const char *source)
{
    const char *path = source + strlen("file:");

    if (strncmp(path, "//localhost/", 12) == 0)
        return path + strlen("//localhost");
    if (strncmp(path, "///", 3) == 0)
        return path + 2;
    return path[0] == '/' && path[1] != '/' ? path : NULL;
}

hsmiam_status hsmiam_pin_read(const char *source, hsmiam_secret *pin, hsmiam_error *error)
{
    if (source[0] == '|')
        return read_command(source + 1, pin, error);
    if (strncmp(source, "file:", 5) == 0) {
        const char *path = path_of_file_uri(source);
        if (path == NULL)
            return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                    "The PIN source \"%s\" is not a file of this host; write "
                                    "file:/path.",
                                    source);
        return read_path(path, pin, error);
    }
    if (strncmp(source, "systemd:", 8) == 0)
        return read_systemd_credential(source + 8, pin, error);
    if (strchr(source, '/') == NULL)
        return read_systemd_credential(source, pin, error);
    return read_path(source, pin, error);
}
