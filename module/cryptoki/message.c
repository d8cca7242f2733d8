/* SPDX-License-Identifier: Apache-2.0 */
#include "cryptoki/message.h"

#include "base/time.h"
#include "cryptoki/name.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_SIZE 4352 /* an error's sentence, and what stands before it */

static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;
static char file[PATH_MAX]; /* "": standard error */

void hsmiam_message_set_file(const char *path)
{
    (void)pthread_mutex_lock(&writing);
    (void)snprintf(file, sizeof file, "%s", path != NULL ? path : "");
    (void)pthread_mutex_unlock(&writing);
}

/* The file is opened for each line, so that it may be moved away, and a fork does no harm. */
static void write_line(const char *line, size_t size)
{
    int fd = *file != '\0' ? open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640)
                           : STDERR_FILENO;

    /* Where a message cannot be written, there is nobody to tell. */
    ssize_t written = write(fd >= 0 ? fd : STDERR_FILENO, line, size);
    (void)written;
    if (fd > STDERR_FILENO)
        (void)close(fd);
}

void hsmiam_message_write(const char *format, ...)
{
    char line[LINE_MAX_SIZE];
    char now[HSMIAM_TIME_EXTENDED_SIZE] = "";
    size_t size = 0;
    va_list arguments;

    (void)pthread_mutex_lock(&writing);
    if (*file != '\0' && hsmiam_time_format_extended(time(NULL), now))
        size = (size_t)snprintf(line, sizeof line, "%s %s[%d]: ", now, hsmiam_name_get(),
                                (int)getpid());
    else
        size = (size_t)snprintf(line, sizeof line, "%s: ", hsmiam_name_get());
    va_start(arguments, format);
    int more = vsnprintf(line + size, sizeof line - size - 1, format, arguments);
    va_end(arguments);
    if (more > 0)
        size += strlen(line + size);
    line[size++] = '\n';
    write_line(line, size);
    (void)pthread_mutex_unlock(&writing);
}

void hsmiam_message_write_error(const hsmiam_error *error)
{
    if (hsmiam_error_get_domain(error) == HSMIAM_DOMAIN_SERVICE) /* as the AWS CLI says it */
        hsmiam_message_write("An error occurred (%s) when calling the %s operation: %s",
                             hsmiam_error_get_code_name(error), hsmiam_error_get_operation(error),
                             hsmiam_error_get_message(error));
    else
        hsmiam_message_write("%s", hsmiam_error_get_message(error));
}

void hsmiam_message_log(void *context, hsmiam_log_level level, const char *line)
{
    (void)context;
    if (level != HSMIAM_LOG_DEBUG)
        hsmiam_message_write("%s", line);
}
