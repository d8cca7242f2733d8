/* SPDX-License-Identifier: Apache-2.0 */
#include "paths.h"

#include "signals.h"
#include "text.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *get_file_path(const char *parameter)
{
    static const char *const prefixes[] = {"file://", "fileb://"};

    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        if (strncmp(parameter, prefixes[i], strlen(prefixes[i])) == 0)
            return parameter + strlen(prefixes[i]);
    }
    return NULL;
}

bool tool_parameter_is_file(const char *parameter)
{
    return get_file_path(parameter) != NULL;
}

static hsmiam_status refuse_file(const char *option, const char *parameter, int number,
                                 const char *path, tool_error *error)
{
    return tool_error_set(error, HSMIAM_ERR_ARGUMENT,
                          "Error parsing parameter '%s': Unable to load paramfile %s: [Errno %d] "
                          "%s: '%s'",
                          option, parameter, number, strerror(number), path);
}

static hsmiam_status refuse_size(const char *option, tool_error *error)
{
    return tool_error_set(error, HSMIAM_ERR_ARGUMENT,
                          "Error parsing parameter '%s': longer than %d bytes", option,
                          TOOL_PARAMETER_SIZE_MAX);
}

/* Reads until the end of the file or until the buffer, one byte larger than the limit, is full. */
static hsmiam_status read_all(int fd, char *buffer, size_t *size_out, int *number_out)
{
    size_t size = 0;

    while (size <= TOOL_PARAMETER_SIZE_MAX) {
        ssize_t got = read(fd, buffer + size, TOOL_PARAMETER_SIZE_MAX + 1 - size);

        if (got < 0 && errno == EINTR) {
            if (tool_signals_is_stopping(NULL))
                return HSMIAM_ERR_CANCELLED;
            continue;
        }
        if (got < 0) {
            *number_out = errno;
            return HSMIAM_ERR_ARGUMENT;
        }
        if (got == 0)
            break;
        size += (size_t)got;
    }
    *size_out = size;
    return HSMIAM_OK;
}

/* `named` is the path in `parameter`. */
static hsmiam_status load_file(const char *option, const char *parameter, const char *named,
                               char **text_out, tool_error *error)
{
    char *path = hsmiam_path_expand(named);
    char *buffer = calloc(1, TOOL_PARAMETER_SIZE_MAX + 2);
    hsmiam_status status = HSMIAM_OK;
    size_t size = 0;
    int number = 0;
    int fd = -1;

    if (!path || !buffer) {
        status = tool_error_set_memory(error);
        goto out;
    }
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        status = refuse_file(option, parameter, errno, path, error);
        goto out;
    }
    status = read_all(fd, buffer, &size, &number);
    if (status == HSMIAM_ERR_CANCELLED)
        (void)tool_error_set(error, status, "Interrupted.");
    else if (status != HSMIAM_OK)
        status = refuse_file(option, parameter, number, path, error);
    else if (size > TOOL_PARAMETER_SIZE_MAX)
        status = refuse_size(option, error);
    else if (strlen(buffer) != size)
        status = tool_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "Error parsing parameter '%s': %s holds a NUL byte, and is no text "
                                "such as JSON or PEM",
                                option, parameter);
out:
    if (status == HSMIAM_OK) {
        *text_out = buffer;
        buffer = NULL;
    }
    if (fd >= 0)
        close(fd);
    free(buffer);
    free(path);
    return status;
}

hsmiam_status tool_file_load(const char *option, const char *path, char **text_out,
                             tool_error *error)
{
    return load_file(option, path, path, text_out, error);
}

hsmiam_status tool_parameter_load(const char *option, const char *parameter, char **text_out,
                                  tool_error *error)
{
    const char *named = get_file_path(parameter);

    if (named)
        return load_file(option, parameter, named, text_out, error);
    if (strlen(parameter) > TOOL_PARAMETER_SIZE_MAX)
        return refuse_size(option, error);
    *text_out = strdup(parameter);
    return *text_out ? HSMIAM_OK : tool_error_set_memory(error);
}
