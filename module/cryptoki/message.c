/* SPDX-License-Identifier: Apache-2.0 */
#include "cryptoki/message.h"

#include "base/ascii.h"
#include "base/time.h"
#include "cryptoki/name.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
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

/* A message must not end the program: where nobody reads what it writes, a pipe answers by SIGPIPE,
 * which is taken back before anybody sees it. Returns 0, or the errno of what is not written. */
static int write_quietly(int fd, const char *line, size_t size)
{
    const struct timespec at_once = {0};
    sigset_t before;
    sigset_t pending;
    sigset_t pipe;

    (void)sigemptyset(&pipe);
    (void)sigaddset(&pipe, SIGPIPE);
    (void)sigemptyset(&pending);
    (void)sigpending(&pending);
    int number = pthread_sigmask(SIG_BLOCK, &pipe, &before);
    if (number != 0)
        return number;
    ssize_t written = write(fd, line, size);
    if (written < 0)
        number = errno;
    else if ((size_t)written < size)
        number = ENOSPC;
    if (number == EPIPE && sigismember(&pending, SIGPIPE) == 0)
        (void)sigtimedwait(&pipe, NULL, &at_once);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return number;
}

/* The file is opened for each line, so that it may be moved away, and a fork does no harm; nothing
 * waits for a reader, where it is a pipe. */
static int write_to_file(const char *line, size_t size)
{
    const int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    int fd = open(file, flags, 0640);

    if (fd < 0)
        return errno;
    int number = write_quietly(fd, line, size);
    (void)close(fd);
    return number;
}

/* Where a message cannot be written to standard error either, there is nobody to tell. */
static void write_line(const char *line, size_t size)
{
    char why[LINE_MAX_SIZE + PATH_MAX];

    int number = *file != '\0' ? write_to_file(line, size) : 0;
    if (*file == '\0') {
        (void)write_quietly(STDERR_FILENO, line, size);
    } else if (number != 0) {
        int length = snprintf(why, sizeof why, "%s: The log file %s cannot be written: %s.\n%.*s",
                              hsmiam_name_get(), file, strerror(number), (int)size, line);
        (void)write_quietly(STDERR_FILENO, why,
                            (size_t)length < sizeof why ? (size_t)length : sizeof why - 1);
    }
}

/* The bytes of the control character at `text`, one of C0, DEL or C1 (in UTF-8); 0 if none. */
static size_t count_control(const char *text)
{
    if (hsmiam_ascii_is_control(text[0]))
        return 1;
    return text[0] == '\xc2' && ((unsigned char)text[1] & 0xe0) == 0x80 ? 2 : 0;
}

/* What IAM, a token or a file says may be in the text: it must neither steer a terminal nor pass
 * for a line of its own. Returns the end of what was put there. */
static char *put_text(char *to, const char *end, const char *text)
{
    while (*text != '\0') {
        char piece[16] = {*text};
        size_t control = count_control(text);

        if (*text == '\n')
            (void)snprintf(piece, sizeof piece, "\n    ");
        else if (control == 1)
            (void)snprintf(piece, sizeof piece, "\\x%02x", (unsigned char)text[0]);
        else if (control == 2)
            (void)snprintf(piece, sizeof piece, "\\x%02x\\x%02x", (unsigned char)text[0],
                           (unsigned char)text[1]);
        if (strlen(piece) > (size_t)(end - to))
            break;
        for (const char *at = piece; *at != '\0'; at++)
            *to++ = *at;
        text += control > 0 ? control : 1;
    }
    return to;
}

static void write_text(const char *text)
{
    char line[LINE_MAX_SIZE];
    char now[HSMIAM_TIME_EXTENDED_SIZE] = "";
    size_t size = 0;

    (void)pthread_mutex_lock(&writing);
    if (*file != '\0' && hsmiam_time_format_extended(time(NULL), now))
        size = (size_t)snprintf(line, sizeof line, "%s %s[%d]: ", now, hsmiam_name_get(),
                                (int)getpid());
    else
        size = (size_t)snprintf(line, sizeof line, "%s: ", hsmiam_name_get());
    char *end = put_text(line + size, line + sizeof line - 1, text);
    *end++ = '\n';
    write_line(line, (size_t)(end - line));
    (void)pthread_mutex_unlock(&writing);
}

void hsmiam_message_write(const char *format, ...)
{
    char text[LINE_MAX_SIZE] = "";
    va_list arguments;

    va_start(arguments, format);
    /* clang-tidy 14 does not see here, as it does elsewhere, what va_start() has done. */
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    write_text(text);
}

void hsmiam_message_forget(void)
{
    writing = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
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
