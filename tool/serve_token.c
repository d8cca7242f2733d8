/* SPDX-License-Identifier: Apache-2.0 */
#include "serve_token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define RANDOM_BYTES 32
#define DIGITS       ((size_t)2 * RANDOM_BYTES)
#define SIZE_MIN     16 /* of a token that somebody else made */

static hsmiam_status draw(tool_secret *token, tool_error *error)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char *bytes = (unsigned char *)token->data + DIGITS;

    if (getrandom(bytes, RANDOM_BYTES, 0) != RANDOM_BYTES)
        return tool_error_set(error, HSMIAM_ERR_IO, "The system has no random numbers: %s",
                              strerror(errno));
    for (size_t i = 0; i < RANDOM_BYTES; i++) {
        token->data[2 * i] = digits[bytes[i] >> 4];
        token->data[2 * i + 1] = digits[bytes[i] & 15];
    }
    explicit_bzero(bytes, RANDOM_BYTES);
    token->size = DIGITS;
    token->data[token->size] = '\0';
    return HSMIAM_OK;
}

/* Whether it is empty, or as `draw` makes one: what a service left behind that was killed. */
static bool is_left_behind(int fd)
{
    char text[DIGITS + 2] = "";
    ssize_t size = read(fd, text, sizeof text - 1);
    bool is_token = size == (ssize_t)DIGITS && strspn(text, "0123456789abcdef") == DIGITS;

    explicit_bzero(text, sizeof text);
    return size == 0 || is_token;
}

/* Whether the path still leads to the open file. */
static bool is_at(int fd, const char *path)
{
    struct stat open_file;
    struct stat named;

    return fstat(fd, &open_file) == 0 && lstat(path, &named) == 0 &&
           open_file.st_dev == named.st_dev && open_file.st_ino == named.st_ino;
}

static hsmiam_status refuse_file(const char *path, const char *why, tool_error *error)
{
    return tool_error_set(error, HSMIAM_ERR_IO,
                          "The authorization token cannot be written to \"%s\": %s", path, why);
}

/* Finds out whether what is at the path may be replaced, and keeps others from doing it meanwhile.
 * `fd_out` is -1 where nothing is there. */
static hsmiam_status claim(const char *path, int *fd_out, tool_error *error)
{
    struct stat named;
    int fd = -1;

    *fd_out = -1;
    if (lstat(path, &named) != 0)
        return errno == ENOENT ? HSMIAM_OK : refuse_file(path, strerror(errno), error);
    if (S_ISDIR(named.st_mode))
        return refuse_file(path, strerror(EISDIR), error);
    if (S_ISREG(named.st_mode))
        fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    *fd_out = fd;
    if (S_ISREG(named.st_mode) && fd < 0)
        return refuse_file(path, strerror(errno), error);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return refuse_file(path, "another `hsmiam serve` is using it; name another file", error);
    if (fd < 0 || !is_at(fd, path) || !is_left_behind(fd))
        return refuse_file(path,
                           "something else is there already, which is left as it is; name a file "
                           "that does not exist",
                           error);
    return HSMIAM_OK;
}

/* Whoever reads the path finds all of the token, or what was there before. */
static bool put_in_place(const char *beside, const char *path, bool replaces)
{
    if (!replaces && renameat2(AT_FDCWD, beside, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
        return true;
    /* Some file systems cannot tell the two apart. */
    return (replaces || errno == EINVAL) && rename(beside, path) == 0;
}

static hsmiam_status write_file(const tool_secret *token, const char *path, int *fd_out,
                                tool_error *error)
{
    char *beside = NULL;
    int claimed = -1;
    int fd = -1;
    hsmiam_status status = HSMIAM_OK;

    if (asprintf(&beside, "%s.%ld", path, (long)getpid()) < 0)
        return tool_error_set_memory(error);
    status = claim(path, &claimed, error);
    if (status != HSMIAM_OK)
        goto out;
    (void)unlink(beside);
    fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, token->data, token->size) != (ssize_t)token->size ||
        (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) ||
        !put_in_place(beside, path, claimed >= 0)) {
        status = refuse_file(path, strerror(errno), error);
        if (fd >= 0)
            (void)unlink(beside);
        goto out;
    }
    *fd_out = fd;
    fd = -1;
out:
    if (fd >= 0)
        (void)close(fd);
    if (claimed >= 0)
        (void)close(claimed);
    free(beside);
    return status;
}

hsmiam_status tool_serve_token_make(tool_secret *token_out, const char *path, int *fd_out,
                                    tool_error *error)
{
    hsmiam_status status = tool_secret_init(token_out, error);

    if (status == HSMIAM_OK)
        status = draw(token_out, error);
    if (status == HSMIAM_OK)
        status = write_file(token_out, path, fd_out, error);
    return status;
}

void tool_serve_token_remove(const char *path, int fd)
{
    if (is_at(fd, path))
        (void)unlink(path);
    (void)close(fd);
}

/* A header can hold it, and it cannot be guessed. */
static hsmiam_status check(tool_secret *token, const char *path, tool_error *error)
{
    while (token->size > 0 && token->data[token->size - 1] == '\n')
        token->data[--token->size] = '\0';
    for (size_t i = 0; i < token->size; i++)
        if (token->data[i] <= ' ' || token->data[i] > '~')
            return tool_error_set(error, HSMIAM_ERR_CONFIG,
                                  "The authorization token in \"%s\" has other characters than "
                                  "printable ASCII without blanks.",
                                  path);
    if (token->size < SIZE_MIN)
        return tool_error_set(error, HSMIAM_ERR_CONFIG,
                              "The authorization token in \"%s\" has %zu characters, and needs %d.",
                              path, token->size, SIZE_MIN);
    return HSMIAM_OK;
}

hsmiam_status tool_serve_token_read(tool_secret *token_out, const char *name, char **path_out,
                                    tool_error *error)
{
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    hsmiam_status status = HSMIAM_OK;
    char *path = NULL;
    int fd = -1;

    if (!directory || !name[0] || strchr(name, '/'))
        return tool_error_set(error, HSMIAM_ERR_CONFIG,
                              "There is no credential \"%s\": CREDENTIALS_DIRECTORY, which systemd "
                              "sets for LoadCredential=, has none of that name.",
                              name);
    if (asprintf(&path, "%s/%s", directory, name) < 0)
        return tool_error_set_memory(error);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        status = tool_error_set(error, HSMIAM_ERR_CONFIG,
                                "The authorization token cannot be read from \"%s\": %s", path,
                                strerror(errno));
    if (status == HSMIAM_OK)
        status = tool_secret_init(token_out, error);
    if (status == HSMIAM_OK)
        status = tool_secret_read(token_out, fd, path, error);
    if (status == HSMIAM_OK)
        status = check(token_out, path, error);
    if (fd >= 0)
        (void)close(fd);
    if (status == HSMIAM_OK)
        *path_out = path;
    else
        free(path);
    return status;
}

bool tool_serve_token_is(const tool_secret *token, const char *given)
{
    size_t size = strlen(given);
    volatile unsigned char difference = size != token->size;

    for (size_t i = 0; i < token->size; i++)
        difference = (unsigned char)(difference |
                                     (unsigned char)(token->data[i] ^ given[i < size ? i : size]));
    return difference == 0;
}
