/* SPDX-License-Identifier: Apache-2.0 */
#include "prompt.h"

#include "signals.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* A signal may be taken by another thread than the one that waits here, so the flags are looked at
 * this often. */
#define POLL_MILLISECONDS 100

/* Signals that would leave the terminal without echo if they were left to their default. */
static volatile sig_atomic_t suspended;
static volatile sig_atomic_t quit;

static void take_signal(int number)
{
    if (number == SIGTSTP)
        suspended = 1;
    else
        quit = 1;
}

/* The terminal while it is asked on. */
typedef struct tool_terminal {
    int fd;
    bool hidden;
    struct termios before;
    struct sigaction before_stop;
    struct sigaction before_quit;
    const char *question;
} tool_terminal;

static void say(const tool_terminal *terminal, const char *text)
{
    FILE *stream = NULL;
    char *safe = NULL;
    size_t size = 0;
    ssize_t ignored = 0;

    stream = open_memstream(&safe, &size);
    if (!stream)
        return;
    tool_text_write(stream, text);
    if (fclose(stream) == 0)
        ignored = write(terminal->fd, safe, size);
    (void)ignored;
    free(safe);
}

static bool hide(tool_terminal *terminal)
{
    struct termios hidden = terminal->before;

    hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    hidden.c_lflag |= ICANON | ISIG;
    return tcsetattr(terminal->fd, TCSAFLUSH, &hidden) == 0;
}

static void show(const tool_terminal *terminal)
{
    if (terminal->hidden)
        (void)tcsetattr(terminal->fd, TCSAFLUSH, &terminal->before);
}

static bool open_terminal(tool_terminal *terminal, bool hidden, const char *question)
{
    struct sigaction action = {0};

    *terminal = (struct tool_terminal){.hidden = hidden, .question = question};
    terminal->fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal->fd < 0)
        return false;
    suspended = 0;
    quit = 0;
    sigemptyset(&action.sa_mask);
    action.sa_handler = take_signal;
    (void)sigaction(SIGTSTP, &action, &terminal->before_stop);
    (void)sigaction(SIGQUIT, &action, &terminal->before_quit);
    if (hidden && (tcgetattr(terminal->fd, &terminal->before) != 0 || !hide(terminal)))
        terminal->hidden = false;
    say(terminal, question);
    return true;
}

static void close_terminal(tool_terminal *terminal)
{
    show(terminal);
    (void)sigaction(SIGTSTP, &terminal->before_stop, NULL);
    (void)sigaction(SIGQUIT, &terminal->before_quit, NULL);
    close(terminal->fd);
    terminal->fd = -1;
}

/* Stops as the shell expects it, with the terminal as it was, and asks again when continued. */
static void suspend(tool_terminal *terminal)
{
    suspended = 0;
    show(terminal);
    /* To this thread, which is not the only one: it must not go on before the process stands. */
    (void)raise(SIGSTOP);
    if (terminal->hidden)
        (void)hide(terminal);
    say(terminal, terminal->question);
}

/* One byte: 1 got it, 0 the end, -1 interrupted or failed (errno). */
static int read_byte(tool_terminal *terminal, char *byte_out)
{
    for (;;) {
        struct pollfd waiting = {.fd = terminal->fd, .events = POLLIN};
        int ready = poll(&waiting, 1, POLL_MILLISECONDS);

        if (tool_signals_is_stopping(NULL) || quit) {
            errno = EINTR;
            return -1;
        }
        if (suspended) {
            suspend(terminal);
            continue;
        }
        if (ready > 0) {
            ssize_t got = read(terminal->fd, byte_out, 1);

            if (got >= 0)
                return (int)got;
            if (errno != EINTR)
                return -1;
        } else if (ready < 0 && errno != EINTR) {
            return -1;
        }
    }
}

/* Reads a line into the buffer. What does not fit is counted, not kept. */
static int read_line(tool_terminal *terminal, char *buffer, size_t size, size_t *length_out)
{
    size_t length = 0;

    for (;;) {
        char byte = 0;
        int got = read_byte(terminal, &byte);

        if (got < 0)
            return -1;
        if (got == 0 || byte == '\n' || byte == '\r')
            break;
        if (length < size)
            buffer[length] = byte;
        length++;
        explicit_bzero(&byte, sizeof byte);
    }
    *length_out = length;
    return 0;
}

static hsmiam_status judge(int result, size_t length, size_t size, tool_error *error)
{
    if (result < 0 && errno == EINTR)
        return tool_error_set(error, HSMIAM_ERR_CANCELLED, "Interrupted.");
    if (result < 0)
        return tool_error_set(error, HSMIAM_ERR_IO, "The terminal cannot be read: %s",
                              strerror(errno));
    if (length > size)
        return tool_error_set(error, HSMIAM_ERR_PIN,
                              "What was typed is too long: %zu bytes at most.", size);
    if (length == 0)
        return tool_error_set(error, HSMIAM_ERR_PIN, "Nothing was typed.");
    return HSMIAM_OK;
}

hsmiam_status tool_prompt_secret(const char *question, const char *no_terminal, char *buffer,
                                 size_t size, size_t *length_out, tool_error *error)
{
    tool_terminal terminal = {0};
    hsmiam_status status = HSMIAM_OK;
    size_t length = 0;

    if (!open_terminal(&terminal, true, question))
        return tool_error_set(error, HSMIAM_ERR_PIN, "%s", no_terminal);
    if (terminal.hidden) {
        int result = read_line(&terminal, buffer, size, &length);

        status = judge(result, length, size, error);
    } else {
        status =
            tool_error_set(error, HSMIAM_ERR_IO, "The terminal's echo cannot be switched off.");
    }
    say(&terminal, "\n");
    close_terminal(&terminal);
    if (status == HSMIAM_OK)
        *length_out = length;
    else
        explicit_bzero(buffer, size);
    return status;
}

hsmiam_status tool_prompt_pin(void *context, const char *token_label, hsmiam_pin_reason reason,
                              char *pin_out, size_t pin_size, size_t *length_out)
{
    static const char *const reasons[] = {
        [HSMIAM_PIN_OPENS_TOKEN] = "",
        [HSMIAM_PIN_AFTER_LOSS] = " again, for it was lost and is opened once more",
        [HSMIAM_PIN_USES_KEY] = " again, for a key that wants it for each use",
    };
    tool_error ignored = {0};
    /* In the middle of a command, the library's message is about more than the prompt. */
    tool_error *error = reason == HSMIAM_PIN_OPENS_TOKEN ? context : &ignored;
    char *question = NULL;
    hsmiam_status status = HSMIAM_OK;

    if (asprintf(&question, "PIN for token \"%s\"%s: ", token_label, reasons[reason]) < 0)
        return tool_error_set_memory(error);
    status = tool_prompt_secret(question,
                                "There is no terminal to ask for the PIN on. Name its source by "
                                "--pin-source, or by pin-source in the URI.",
                                pin_out, pin_size, length_out, error);
    free(question);
    tool_error_clear(&ignored);
    /* The callback's contract knows two ways to give up. */
    return status == HSMIAM_OK || status == HSMIAM_ERR_CANCELLED ? status : HSMIAM_ERR_PIN;
}

bool tool_prompt_confirm(const char *question)
{
    tool_terminal terminal = {0};
    char answer[8] = {0};
    size_t length = 0;
    bool yes = false;

    if (!open_terminal(&terminal, false, question))
        return false;
    if (read_line(&terminal, answer, sizeof answer - 1, &length) == 0)
        yes = strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0;
    close_terminal(&terminal);
    return yes;
}

bool tool_prompt_is_possible(void)
{
    int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}
