/* SPDX-License-Identifier: Apache-2.0 */
#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* COLUMNS goes before what the terminal says, and makes a table of that width anywhere. */
static size_t get_terminal_width(void)
{
    const char *columns = getenv("COLUMNS");
    struct winsize size = {0};

    if (columns && *columns && strlen(columns) <= 4 &&
        strspn(columns, "0123456789") == strlen(columns))
        return strtoul(columns, NULL, 10);
    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
        return 0;
    return size.ws_col;
}

static bool render(const tool_value *object, const tool_settings *settings, const char *title)
{
    switch (settings->output) {
    case TOOL_OUTPUT_YAML:
        return tool_output_render_yaml(object, stdout);
    case TOOL_OUTPUT_TEXT:
        return tool_output_render_text(object, stdout);
    case TOOL_OUTPUT_CSV:
        return tool_output_render_csv(object, stdout);
    case TOOL_OUTPUT_TABLE:
        return tool_output_render_table(object, title, settings->color, get_terminal_width(),
                                        stdout);
    default:
        return tool_output_render_json(object, stdout);
    }
}

hsmiam_status tool_output_print(const tool_value *object, const tool_settings *settings,
                                const char *title, tool_error *error)
{
    if (!render(object, settings, title))
        return tool_error_set_memory(error);
    return tool_output_close(error);
}

hsmiam_status tool_output_print_line(const tool_value *object, tool_error *error)
{
    tool_output_render_json_line(object, stdout);
    if (fflush(stdout) == 0)
        return HSMIAM_OK;
    return tool_error_set(error, HSMIAM_ERR_IO,
                          "The result could not be written to standard output: %s",
                          strerror(errno));
}

hsmiam_status tool_output_close(tool_error *error)
{
    bool failed = ferror(stdout) != 0;

    errno = 0;
    if (fclose(stdout) == 0 && !failed)
        return HSMIAM_OK;
    /* Of an earlier failure, the reason is known only if what was left in the buffer met it too. */
    return tool_error_set(error, HSMIAM_ERR_IO,
                          "The result could not be written to standard output: %s",
                          errno != 0 ? strerror(errno) : "it is full, or nobody reads it any more");
}
