/* SPDX-License-Identifier: Apache-2.0 */
#include "progress.h"

#include "text.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define LINE_SIZE 256

/* A line is on the terminal. */
static atomic_bool is_shown;

static int64_t get_time(void)
{
    struct timespec now = {.tv_sec = 0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void tool_progress_start(tool_progress *progress, size_t total)
{
    const char *terminal = getenv("TERM");

    *progress =
        (tool_progress){.on = isatty(STDERR_FILENO) && !(terminal && strcmp(terminal, "dumb") == 0),
                        .total = total,
                        .started = get_time()};
}

double tool_progress_get_seconds(const tool_progress *progress)
{
    return (double)(get_time() - progress->started) / 1e9;
}

/* "3 h 05 min", "4 min 07 s", "12 s" */
static void format_span(double seconds, char *to, size_t size)
{
    unsigned long whole = (unsigned long)(seconds + 0.5);

    if (whole >= 3600)
        (void)snprintf(to, size, "%lu h %02lu min", whole / 3600, whole / 60 % 60);
    else if (whole >= 60)
        (void)snprintf(to, size, "%lu min %02lu s", whole / 60, whole % 60);
    else
        (void)snprintf(to, size, "%lu s", whole);
}

static size_t get_width(void)
{
    struct winsize size = {0};

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 2)
        return 79;
    return size.ws_col - 1;
}

/* One write, so that nothing comes between. The cursor waits at the beginning of the line. */
void tool_progress_show(const tool_progress *progress, size_t done, size_t failed)
{
    double seconds = tool_progress_get_seconds(progress);
    size_t finished = done + failed;
    double rate = seconds > 0 ? (double)finished / seconds : 0;
    char text[LINE_SIZE];
    char left[64] = "";
    char line[LINE_SIZE + 16];

    if (!progress->on)
        return;
    if (rate > 0 && finished < progress->total)
        format_span((double)(progress->total - finished) / rate, left, sizeof left);
    (void)snprintf(text, sizeof text, "%zu of %zu done, %zu failed, %.1f/s%s%s", done,
                   progress->total, failed, rate, *left ? ", left: " : "", left);
    (void)snprintf(line, sizeof line, "\r%.*s\x1b[K\r", (int)get_width(), text);
    atomic_store(&is_shown, true);
    tool_text_put(line, stderr);
}

const char *tool_progress_get_eraser(void)
{
    return atomic_exchange(&is_shown, false) ? "\r\x1b[K" : "";
}

void tool_progress_make_way(void)
{
    tool_text_put(tool_progress_get_eraser(), stderr);
}
