/* SPDX-License-Identifier: Apache-2.0 */
#include "session_parts.h"

#include "progress.h"
#include "text.h"

#include <stdlib.h>

/* One write per line. */
void tool_session_log_line(void *context, hsmiam_log_level level, const char *line)
{
    const tool_context *tool = context;
    const char *kind = level == HSMIAM_LOG_DEBUG ? "debug" : "warning";
    char *text = NULL;
    size_t size = 0;
    FILE *stream = NULL;

    if (level == HSMIAM_LOG_DEBUG && !tool->debug)
        return;
    if (level == HSMIAM_LOG_NOTICE && tool->notices && !tool_notices_add(tool->notices, line))
        return;
    stream = open_memstream(&text, &size);
    if (!stream)
        return;
    tool_text_print(stream, "%shsmiam: %s: ", tool_progress_get_eraser(), kind);
    tool_text_write(stream, line);
    tool_text_put_char('\n', stream);
    if (fclose(stream) == 0)
        (void)fwrite(text, 1, size, stderr);
    free(text);
}

void tool_session_log_setting(tool_context *context, const char *name, const char *value)
{
    char *line = NULL;

    if (!context->debug || !value || asprintf(&line, "%s: %s", name, value) < 0)
        return;
    tool_session_log_line(context, HSMIAM_LOG_DEBUG, line);
    free(line);
}
