/* SPDX-License-Identifier: Apache-2.0 */
#include "error.h"

#include "text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* The one place where a status becomes an exit code. */
static const tool_exit exit_codes[] = {
    [HSMIAM_OK] = TOOL_EXIT_OK,
    [HSMIAM_ERR_ARGUMENT] = TOOL_EXIT_USAGE,
    [HSMIAM_ERR_CONFIG] = TOOL_EXIT_CONFIGURATION,
    [HSMIAM_ERR_NOT_FOUND] = TOOL_EXIT_CONFIGURATION,
    [HSMIAM_ERR_AMBIGUOUS] = TOOL_EXIT_CONFIGURATION,
    [HSMIAM_ERR_EXISTS] = TOOL_EXIT_GENERAL,
    [HSMIAM_ERR_PIN] = TOOL_EXIT_CONFIGURATION,
    [HSMIAM_ERR_TOKEN] = TOOL_EXIT_GENERAL,
    [HSMIAM_ERR_UNSUPPORTED] = TOOL_EXIT_CONFIGURATION, /* the token is not what was taken for it */
    [HSMIAM_ERR_NETWORK] = TOOL_EXIT_GENERAL,
    [HSMIAM_ERR_UNKNOWN_OUTCOME] = TOOL_EXIT_GENERAL,
    [HSMIAM_ERR_REPLY] = TOOL_EXIT_GENERAL,
    [HSMIAM_ERR_SERVICE] = TOOL_EXIT_SERVICE,
    [HSMIAM_ERR_CUSTODY] = TOOL_EXIT_GENERAL,
    [HSMIAM_ERR_CANCELLED] = TOOL_EXIT_INTERRUPTED,
    [HSMIAM_ERR_IO] = TOOL_EXIT_GENERAL,
    [HSMIAM_ERR_MEMORY] = TOOL_EXIT_GENERAL,
    [HSMIAM_ERR_INTERNAL] = TOOL_EXIT_GENERAL,
    [HSMIAM_ERR_LEDGER] = TOOL_EXIT_GENERAL,
    [HSMIAM_ERR_UNSETTLED] = TOOL_EXIT_GENERAL,
    [HSMIAM_ERR_APPROVAL] = TOOL_EXIT_CONFIGURATION, /* nothing was done for want of a credential */
};

int tool_exit_get(hsmiam_status status)
{
    if ((size_t)status >= sizeof exit_codes / sizeof exit_codes[0])
        return TOOL_EXIT_GENERAL;
    return (int)exit_codes[status];
}

void tool_error_clear(tool_error *error)
{
    free(error->message);
    *error = (tool_error){0};
}

static hsmiam_status set_message(tool_error *error, hsmiam_status status, bool usage, char *message)
{
    /* The new message may have been made from the old one: free that one last. */
    free(error->message);
    error->status = status;
    error->usage = usage;
    error->message = message;
    return status;
}

__attribute__((format(printf, 4, 0))) static hsmiam_status
set_formatted(tool_error *error, hsmiam_status status, bool usage, const char *format,
              va_list arguments)
{
    char *message = NULL;

    if (vasprintf(&message, format, arguments) < 0)
        message = NULL;
    return set_message(error, status, usage, message);
}

hsmiam_status tool_error_set(tool_error *error, hsmiam_status status, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    status = set_formatted(error, status, false, format, arguments);
    va_end(arguments);
    return status;
}

hsmiam_status tool_error_set_usage(tool_error *error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    hsmiam_status status = set_formatted(error, HSMIAM_ERR_ARGUMENT, true, format, arguments);
    va_end(arguments);
    return status;
}

hsmiam_status tool_error_set_memory(tool_error *error)
{
    return set_message(error, HSMIAM_ERR_MEMORY, false, NULL);
}

hsmiam_status tool_error_set_library(tool_error *error, const hsmiam_error *library)
{
    hsmiam_status status = hsmiam_error_get_status(library);
    const char *code = hsmiam_error_get_code_name(library);
    const char *operation = hsmiam_error_get_operation(library);
    const char *message = hsmiam_error_get_message(library);

    /* An empty record comes with a failure only if there was no memory to make it. */
    if (status == HSMIAM_OK)
        return tool_error_set_memory(error);
    if (status == HSMIAM_ERR_SERVICE)
        return tool_error_set(error, status,
                              "An error occurred (%s) when calling the %s operation: %s",
                              *code ? code : "Unknown", *operation ? operation : "requested",
                              *message ? message : "Unknown");
    return tool_error_set(error, status, "%s", message);
}

hsmiam_status tool_error_name_file(tool_error *error, const char *option, const char *path)
{
    if (!error->message || error->status != HSMIAM_ERR_ARGUMENT)
        return error->status;
    return tool_error_set(error, error->status, "%s %s: %s", option, path, error->message);
}

void tool_error_print(const tool_error *error, FILE *stream)
{
    const char *message = error->message;

    if (!message)
        message = error->status == HSMIAM_ERR_CANCELLED ? "Interrupted." : "Not enough memory.";
    tool_text_put_char('\n', stream);
    tool_text_write(stream, message);
    tool_text_put_char('\n', stream);
    (void)fflush(stream);
}
