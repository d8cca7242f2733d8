/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

void hsmiam_log_write(const hsmiam_log *log, hsmiam_log_level level, const char *format, ...)
{
    char line[4096];
    va_list arguments;

    if (log->write == NULL)
        return;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    log->write(log->context, level, line);
}
