/* SPDX-License-Identifier: Apache-2.0 */
#include "secret_input.h"

#include "prompt.h"
#include "signals.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

hsmiam_status tool_secret_init(tool_secret *secret, tool_error *error)
{
    /* One byte more than the limit tells what is too long, another one ends the string. */
    size_t size = TOOL_SECRET_SIZE_MAX + 2;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    *secret = (tool_secret){0};
    if (memory == MAP_FAILED)
        return tool_error_set_memory(error);
    if (mlock(memory, size) != 0) {
        hsmiam_status status =
            tool_error_set(error, HSMIAM_ERR_MEMORY,
                           "Memory for the secret cannot be locked: %s. Allow it by "
                           "`ulimit -l 8192`, or LimitMEMLOCK=8192K in a systemd unit.",
                           strerror(errno));

        munmap(memory, size);
        return status;
    }
    (void)madvise(memory, size, MADV_DONTDUMP);
    (void)madvise(memory, size, MADV_WIPEONFORK);
    secret->data = memory;
    secret->mapped = size;
    return HSMIAM_OK;
}

void tool_secret_clear(tool_secret *secret)
{
    if (secret->data) {
        explicit_bzero(secret->data, secret->mapped);
        munmap(secret->data, secret->mapped);
    }
    *secret = (tool_secret){0};
}

hsmiam_status tool_secret_read(tool_secret *secret, int fd, const char *name, tool_error *error)
{
    secret->size = 0;
    while (secret->size <= TOOL_SECRET_SIZE_MAX) {
        ssize_t got =
            read(fd, secret->data + secret->size, TOOL_SECRET_SIZE_MAX + 1 - secret->size);

        if (got < 0 && errno == EINTR && !tool_signals_is_stopping(NULL))
            continue;
        if (got < 0 && errno == EINTR)
            return tool_error_set(error, HSMIAM_ERR_CANCELLED, "Interrupted.");
        if (got < 0)
            return tool_error_set(error, HSMIAM_ERR_IO, "%s cannot be read: %s", name,
                                  strerror(errno));
        if (got == 0)
            break;
        secret->size += (size_t)got;
    }
    secret->data[secret->size] = 0;
    if (secret->size > TOOL_SECRET_SIZE_MAX)
        return tool_error_set(error, HSMIAM_ERR_ARGUMENT, "%s is longer than %d bytes", name,
                              TOOL_SECRET_SIZE_MAX);
    if (secret->size == 0)
        return tool_error_set(error, HSMIAM_ERR_ARGUMENT, "%s is empty", name);
    return HSMIAM_OK;
}

/* Cuts one line end off. */
static void trim_line_end(tool_secret *secret)
{
    size_t size = secret->size;

    if (size > 0 && secret->data[size - 1] == '\n')
        size--;
    if (size < secret->size && size > 0 && secret->data[size - 1] == '\r')
        size--;
    secret->data[size] = 0;
    secret->size = size;
}

hsmiam_status tool_secret_ask(tool_secret *secret, int fd, const char *question, tool_error *error)
{
    hsmiam_status status = HSMIAM_OK;

    if (isatty(fd))
        return tool_prompt_secret(question,
                                  "There is no terminal to ask for the secret access key on. Give "
                                  "it by standard input, --secret-fd or --csv.",
                                  secret->data, TOOL_SECRET_SIZE_MAX, &secret->size, error);
    status = tool_secret_read(secret, fd, "The secret access key", error);
    if (status != HSMIAM_OK)
        return status;
    trim_line_end(secret);
    if (secret->size == 0)
        return tool_error_set(error, HSMIAM_ERR_ARGUMENT, "The secret access key is empty");
    return HSMIAM_OK;
}
