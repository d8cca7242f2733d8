/* SPDX-License-Identifier: Apache-2.0 */
#include "serve_token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define RANDOM_BYTES 32
#define SIZE_MIN     16 /* of a token that somebody else made */

static hsmiam_status draw(tool_secret *token, tool_error *error)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char *bytes = (unsigned char *)token->data + (ptrdiff_t)2 * RANDOM_BYTES;

    if (getrandom(bytes, RANDOM_BYTES, 0) != RANDOM_BYTES)
        return tool_error_set(error, HSMIAM_ERR_IO, "The system has no random numbers: %s",
                              strerror(errno));
    for (size_t i = 0; i < RANDOM_BYTES; i++) {
        token->data[2 * i] = digits[bytes[i] >> 4];
        token->data[2 * i + 1] = digits[bytes[i] & 15];
    }
    explicit_bzero(bytes, RANDOM_BYTES);
    token->size = (size_t)2 * RANDOM_BYTES;
    token->data[token->size] = '\0';
    return HSMIAM_OK;
}

/* Whoever reads the path finds all of the token, or the file that was there before. */
static hsmiam_status write_file(const tool_secret *token, const char *path, tool_error *error)
{
    char *beside = NULL;
    int fd = -1;
    bool is_written = false;

    if (asprintf(&beside, "%s.%ld", path, (long)getpid()) < 0)
        return tool_error_set_memory(error);
    (void)unlink(beside);
    fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    is_written = fd >= 0 && write(fd, token->data, token->size) == (ssize_t)token->size;
    if (fd >= 0 && close(fd) != 0)
        is_written = false;
    if (!is_written || rename(beside, path) != 0) {
        int saved = errno;

        if (fd >= 0)
            (void)unlink(beside);
        free(beside);
        return tool_error_set(error, HSMIAM_ERR_IO,
                              "The authorization token cannot be written to \"%s\": %s", path,
                              strerror(saved));
    }
    free(beside);
    return HSMIAM_OK;
}

hsmiam_status tool_serve_token_make(tool_secret *token_out, const char *path, tool_error *error)
{
    hsmiam_status status = tool_secret_init(token_out, error);

    if (status == HSMIAM_OK)
        status = draw(token_out, error);
    if (status == HSMIAM_OK)
        status = write_file(token_out, path, error);
    return status;
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
