/* SPDX-License-Identifier: Apache-2.0 */
/* A token is the AWS CLI's own, {"Marker": "...", "boto_truncate_amount": 2} in base 64, so that
 * either tool goes on where the other one ended. */
#include "paging.h"

#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_SIZE_MAX 1000
#define NUMBER_MAX    999999999

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char *encode(const char *text)
{
    size_t size = strlen(text);
    char *encoded = malloc((size + 2) / 3 * 4 + 1);
    char *to = encoded;

    for (size_t i = 0; encoded && i < size; i += 3) {
        unsigned long bits = 0;

        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (i + k < size ? (unsigned char)text[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            *to++ = k > size - i ? '=' : digits[bits >> (18 - 6 * k) & 63];
    }
    if (encoded)
        *to = 0;
    return encoded;
}

/* NULL if it is not base 64, or of something that is no text. */
static char *decode(const char *encoded)
{
    size_t length = strcspn(encoded, "=");
    char *text = malloc(length + 1);
    unsigned long bits = 0;
    size_t written = 0;
    bool is_text = true;

    if (!text)
        return NULL;
    for (size_t i = 0; is_text && i < length; i++) {
        const char *digit = strchr(digits, encoded[i]);

        is_text = digit != NULL;
        bits = bits << 6 | (unsigned long)(digit ? digit - digits : 0);
        if (i % 4 != 0) {
            text[written] = (char)(bits >> (6 - 2 * (i % 4)) & 0xff);
            is_text = is_text && text[written++] != 0;
        }
    }
    if (!is_text) {
        free(text);
        return NULL;
    }
    text[written] = 0;
    return text;
}

/* A string with what JSON wants escaped. Markers are printable ASCII (API reference). */
static void write_string(FILE *stream, const char *text)
{
    tool_text_put_char('"', stream);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            tool_text_put_char('\\', stream);
        tool_text_put_char(*text, stream);
    }
    tool_text_put_char('"', stream);
}

char *tool_paging_make_token(const char *marker, unsigned shown)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    char *token = NULL;

    if (!stream)
        return NULL;
    tool_text_put("{\"Marker\": ", stream);
    if (*marker)
        write_string(stream, marker);
    else
        tool_text_put("null", stream);
    if (shown > 0 || !*marker)
        tool_text_print(stream, ", \"boto_truncate_amount\": %u", shown);
    tool_text_put("}", stream);
    if (fclose(stream) == 0)
        token = encode(text);
    free(text);
    return token;
}

static hsmiam_status set_marker(tool_paging *paging, const char *marker, tool_error *error)
{
    size_t size = strlen(marker);

    if (size >= sizeof paging->marker)
        return tool_error_set_usage(error, "hsmiam: error: argument --starting-token: Bad starting "
                                           "token: it is too long");
    memcpy(paging->marker, marker, size + 1);
    return HSMIAM_OK;
}

/* What is no token of the AWS CLI's is taken for the service's own marker, as there. */
static hsmiam_status read_token(tool_paging *paging, const char *token, tool_error *error)
{
    char *text = decode(token);
    tool_value *read = NULL;
    tool_error ignored = {0};
    hsmiam_status status = HSMIAM_OK;

    if (text && tool_input_parse_json(text, "", &read, &ignored) == HSMIAM_OK &&
        read->type == TOOL_VALUE_OBJECT) {
        const tool_value *marker = tool_value_get_member(read, "Marker");
        const char *amount = tool_input_get_text(read, "boto_truncate_amount");

        if (amount && strlen(amount) <= 9)
            paging->skip = (unsigned)strtoul(amount, NULL, 10);
        if (marker && marker->type == TOOL_VALUE_STRING)
            status = set_marker(paging, marker->text, error);
    } else {
        status = set_marker(paging, token, error);
    }
    tool_error_clear(&ignored);
    tool_value_free(&read);
    free(text);
    return status;
}

static hsmiam_status refuse_both(const tool_arguments *arguments, tool_error *error)
{
    static const char *const names[] = {"--starting-token", "--page-size"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (tool_arguments_get(arguments, names[i]))
            return tool_error_set_usage(error,
                                        "Error during pagination: Cannot specify --no-paginate "
                                        "along with pagination arguments: %s",
                                        names[i]);
    return HSMIAM_OK;
}

static hsmiam_status set_page_size(tool_paging *paging, unsigned size, tool_error *error)
{
    if (size < 1 || size > PAGE_SIZE_MAX)
        return tool_error_set(error, HSMIAM_ERR_ARGUMENT,
                              "Parameter validation failed:\nInvalid value for parameter MaxItems, "
                              "value: %u, valid %s value: %d",
                              size, size < 1 ? "min" : "max", size < 1 ? 1 : PAGE_SIZE_MAX);
    paging->page_size = size;
    return HSMIAM_OK;
}

hsmiam_status tool_paging_start(tool_paging *paging, const tool_arguments *arguments,
                                const tool_value *input, tool_error *error)
{
    const char *marker = tool_input_get_text(input, "Marker");
    const char *of_input = tool_input_get_text(input, "MaxItems");
    const char *token = tool_arguments_get(arguments, "--starting-token");
    unsigned size = 0;
    hsmiam_status status = HSMIAM_OK;

    *paging = (tool_paging){.one_page = tool_arguments_get(arguments, "--no-paginate") || marker,
                            .limited = tool_arguments_get(arguments, "--max-items") != NULL};
    if (paging->one_page)
        status = refuse_both(arguments, error);
    if (status == HSMIAM_OK && marker)
        status = set_marker(paging, marker, error);
    if (status == HSMIAM_OK && token)
        status = read_token(paging, token, error);
    if (status == HSMIAM_OK)
        status =
            tool_arguments_get_number(arguments, "--max-items", NUMBER_MAX, &paging->left, error);
    if (status == HSMIAM_OK && of_input)
        status = set_page_size(
            paging, of_input[0] == '-' ? 0 : (unsigned)strtoul(of_input, NULL, 10), error);
    if (status == HSMIAM_OK && tool_arguments_get(arguments, "--page-size")) {
        status = tool_arguments_get_number(arguments, "--page-size", NUMBER_MAX, &size, error);
        if (status == HSMIAM_OK)
            status = set_page_size(paging, size, error);
    }
    if (status == HSMIAM_OK && paging->one_page && paging->limited) {
        paging->limited = false;
        status = set_page_size(paging, paging->left, error);
    }
    return status;
}
