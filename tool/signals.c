/* SPDX-License-Identifier: Apache-2.0 */
#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#define INTERRUPTED 130 /* exit code */

static volatile sig_atomic_t stopping;
static volatile sig_atomic_t holding;

static void take_signal(int number)
{
    static const char message[] =
        "\nhsmiam: stopping. If the request has left already, its outcome "
        "is waited for, so that no key is lost.\n";
    static const char given_up[] = "\nhsmiam: stopped at once. If a key was on its way, the ledger "
                                   "has its intent: run `hsmiam "
                                   "recover`.\n";
    int saved = errno;

    if (holding && stopping && number == SIGINT) {
        ssize_t ignored = write(STDERR_FILENO, given_up, sizeof given_up - 1);

        (void)ignored;
        _exit(INTERRUPTED);
    }
    if (holding && !stopping) {
        ssize_t ignored = write(STDERR_FILENO, message, sizeof message - 1);

        (void)ignored;
    }
    stopping = 1;
    errno = saved;
}

void tool_signals_install(tool_signals_mode mode)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    /* What would end the process by default, and says nothing that matters while a key is made. */
    static const int deadly[] = {SIGALRM, SIGUSR1, SIGUSR2, SIGVTALRM, SIGPROF, SIGXCPU, SIGXFSZ};
    struct sigaction action = {0};

    holding = mode == TOOL_SIGNALS_HOLD;
    sigemptyset(&action.sa_mask);
    action.sa_handler = take_signal;
    action.sa_flags = mode == TOOL_SIGNALS_HOLD ? 0 : (int)SA_RESETHAND;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction before = {0};

        /* What the parent had ignored (nohup) stays so. */
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            (void)sigaction(numbers[i], &action, NULL);
    }
    action.sa_handler = SIG_IGN;
    action.sa_flags = 0;
    (void)sigaction(SIGPIPE, &action, NULL);
    for (size_t i = 0; holding && i < sizeof deadly / sizeof deadly[0]; i++)
        (void)sigaction(deadly[i], &action, NULL);
}

bool tool_signals_is_stopping(void *context)
{
    (void)context;
    return stopping != 0;
}

void tool_signals_take(void)
{
    stopping = 0;
}
