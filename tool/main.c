/* SPDX-License-Identifier: Apache-2.0 */
#include "run.h"

#include "session.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* If one of the three standard descriptors is closed, the next file or socket to be opened would
 * get its number and receive what is meant for the user. It is opened the wrong way round instead,
 * so that using it fails. */
static bool fill_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) != -1)
            continue;
        if (open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            return false;
    }
    return true;
}

static hsmiam_status harden(tool_error *error)
{
    hsmiam_error *library = hsmiam_error_new();
    hsmiam_status status = hsmiam_process_harden(library);

    if (status != HSMIAM_OK)
        status = tool_error_set_library(error, library);
    hsmiam_error_free(&library);
    return status;
}

int main(int argc, char **argv)
{
    tool_error error = {0};
    int code = TOOL_EXIT_GENERAL;

    if (!fill_descriptors())
        return TOOL_EXIT_GENERAL;
    (void)unsetenv("SSLKEYLOGFILE"); /* libcurl would make the file, though it gets no key */
    if (harden(&error) == HSMIAM_OK)
        code = tool_run(argc, argv);
    else
        tool_error_print(&error, stderr);
    tool_error_clear(&error);
    hsmiam_thread_scrub(); /* what was printed may have had a session's token in it */
    if (tool_session_has_silent_token()) {
        (void)fflush(NULL);
        _exit(code);
    }
    return code;
}
