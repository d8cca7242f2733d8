/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_SIZE 4096

static _Thread_local hsmiam_log_hold *holding;

void hsmiam_log_hold_begin(hsmiam_log_hold *hold)
{
    holding = hold;
}

void hsmiam_log_hold_end(void)
{
    holding = NULL;
}

void hsmiam_log_hold_keep(void)
{
    if (holding != NULL)
        holding->keeping = true;
}

void hsmiam_log_hold_release(hsmiam_log_hold *hold)
{
    if (hold == NULL)
        hold = holding;
    if (hold == NULL)
        return;
    hold->keeping = false;
    for (size_t i = 0; i < hold->count; i++)
        hold->lines[i].log.write(hold->lines[i].log.context, hold->lines[i].level,
                                 hold->text + hold->lines[i].at);
    if (hold->left_out > 0)
        hsmiam_log_write_at_once(&hold->lines[0].log, HSMIAM_LOG_DEBUG,
                                 "(%zu more lines are left out)", hold->left_out);
    *hold = (hsmiam_log_hold){.keeping = false};
}

static void keep(hsmiam_log_hold *hold, const hsmiam_log *log, hsmiam_log_level level,
                 const char *line)
{
    size_t size = strlen(line) + 1;

    if (hold->count == HSMIAM_LOG_KEPT_LINES || size > sizeof hold->text - hold->used) {
        hold->left_out++;
        return;
    }
    hold->lines[hold->count].log = *log;
    hold->lines[hold->count].level = level;
    hold->lines[hold->count].at = hold->used;
    hold->count++;
    memcpy(hold->text + hold->used, line, size);
    hold->used += size;
}

void hsmiam_log_write(const hsmiam_log *log, hsmiam_log_level level, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list arguments;

    if (log->write == NULL)
        return;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (holding != NULL && holding->keeping)
        keep(holding, log, level, line);
    else
        log->write(log->context, level, line);
}

void hsmiam_log_write_at_once(const hsmiam_log *log, hsmiam_log_level level, const char *format,
                              ...)
{
    char line[LINE_SIZE];
    va_list arguments;

    if (log->write == NULL)
        return;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    log->write(log->context, level, line);
}
