/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define LOCKABLE_KIB ((size_t)8192)

hsmiam_error *hsmiam_error_new(void)
{
    return calloc(1, sizeof(hsmiam_error));
}

void hsmiam_error_free(hsmiam_error **error)
{
    if (error == NULL)
        return;
    free(*error);
    *error = NULL;
}

void hsmiam_error_clear(hsmiam_error *error)
{
    if (error != NULL)
        *error = (hsmiam_error){.status = HSMIAM_OK};
}

/* snprintf() may cut a UTF-8 character in two; take the torn one off. */
static void trim_torn_character(char *text)
{
    size_t end = strlen(text);
    size_t start = end;

    while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start == 0)
        return;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t want = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
    if (end - start < want)
        text[start - 1] = '\0';
}

__attribute__((format(printf, 3, 0))) static void format_into(char *to, size_t size,
                                                              const char *format, va_list arguments)
{
    if (vsnprintf(to, size, format, arguments) >= (int)size)
        trim_torn_character(to);
}

hsmiam_status hsmiam_error_set(hsmiam_error *error, hsmiam_status status, const char *format, ...)
{
    if (error == NULL)
        return status;

    /* The arguments may point into the record that is being replaced. */
    char message[HSMIAM_ERROR_MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    format_into(message, sizeof message, format, arguments);
    va_end(arguments);

    hsmiam_error_clear(error);
    error->status = status;
    memcpy(error->message, message, strlen(message) + 1);
    return status;
}

void hsmiam_error_set_origin(hsmiam_error *error, hsmiam_domain domain, unsigned long code,
                             const char *code_name)
{
    if (error == NULL)
        return;
    error->domain = domain;
    error->code = code;
    (void)snprintf(error->code_name, sizeof error->code_name, "%s",
                   code_name != NULL ? code_name : "");
}

static void append(hsmiam_error *error, const char *between, const char *text)
{
    size_t used = strlen(error->message);

    if (snprintf(error->message + used, sizeof error->message - used, "%s%s", between, text) >=
        (int)(sizeof error->message - used))
        trim_torn_character(error->message);
}

void hsmiam_error_append_line(hsmiam_error *error, const char *format, ...)
{
    if (error == NULL)
        return;

    char line[HSMIAM_ERROR_MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    format_into(line, sizeof line, format, arguments);
    va_end(arguments);
    append(error, "\n", line);
}

void hsmiam_error_append(hsmiam_error *error, const char *format, ...)
{
    if (error == NULL)
        return;

    char sentence[HSMIAM_ERROR_MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    format_into(sentence, sizeof sentence, format, arguments);
    va_end(arguments);

    /* What stands there may be a service's message, which seldom ends like a sentence. */
    size_t used = strlen(error->message);
    bool ended = used == 0 || strchr(".:;!?>)", error->message[used - 1]) != NULL;
    /* A list is of lines that can be copied. */
    bool listed = strchr(error->message, '\n') != NULL;
    append(error, used == 0 ? "" : listed ? "\n" : ended ? " " : ". ", sentence);
}

hsmiam_status hsmiam_error_set_errno(hsmiam_error *error, hsmiam_status status, int number,
                                     const char *format, ...)
{
    char what[HSMIAM_ERROR_MESSAGE_MAX / 2];
    char reason[128];
    va_list arguments;

    va_start(arguments, format);
    format_into(what, sizeof what, format, arguments);
    va_end(arguments);

    /* strerror() is not safe among threads; the GNU strerror_r() may use the buffer or not. */
    status =
        hsmiam_error_set(error, status, "%s: %s", what, strerror_r(number, reason, sizeof reason));
    hsmiam_error_set_origin(error, HSMIAM_DOMAIN_SYSTEM, (unsigned long)number, NULL);
    return status;
}

hsmiam_status hsmiam_error_set_memory(hsmiam_error *error, const char *what)
{
    return hsmiam_error_set(error, HSMIAM_ERR_MEMORY, "There is not enough memory for %s.", what);
}

hsmiam_status hsmiam_error_get_status(const hsmiam_error *error)
{
    return error != NULL ? error->status : HSMIAM_OK;
}

hsmiam_domain hsmiam_error_get_domain(const hsmiam_error *error)
{
    return error != NULL ? error->domain : HSMIAM_DOMAIN_LIBRARY;
}

unsigned long hsmiam_error_get_code(const hsmiam_error *error)
{
    return error != NULL ? error->code : 0;
}

const char *hsmiam_error_get_code_name(const hsmiam_error *error)
{
    return error != NULL ? error->code_name : "";
}

const char *hsmiam_error_get_message(const hsmiam_error *error)
{
    return error != NULL ? error->message : "";
}

const char *hsmiam_error_get_request_id(const hsmiam_error *error)
{
    return error != NULL ? error->request_id : "";
}

const char *hsmiam_error_get_operation(const hsmiam_error *error)
{
    return error != NULL ? error->operation : "";
}

hsmiam_status hsmiam_error_set_unlocked(hsmiam_error *error, int number, size_t size,
                                        const char *what)
{
    struct rlimit limit = {0};
    size_t allowed = 0;
    char reason[64];

    if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0)
        allowed = (size_t)(limit.rlim_cur / 1024);
    /* Debian's own limit is enough for all that the library and the command do; where it is not, a
     * program has much memory of its own locked. */
    size_t advised = allowed < LOCKABLE_KIB ? LOCKABLE_KIB : 2 * allowed;
    hsmiam_status status = hsmiam_error_set(
        error, HSMIAM_ERR_MEMORY,
        "Cannot lock %zu KiB of memory for %s (%s): this process may lock %zu KiB in all. Allow it "
        "%zu, by `ulimit -l %zu`, or LimitMEMLOCK=%zuK in a systemd unit.",
        (size + 1023) / 1024, what, strerror_r(number, reason, sizeof reason), allowed, advised,
        advised, advised);
    hsmiam_error_set_origin(error, HSMIAM_DOMAIN_SYSTEM, (unsigned long)number, NULL);
    return status;
}
