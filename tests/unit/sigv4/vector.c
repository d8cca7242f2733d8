/* SPDX-License-Identifier: Apache-2.0 */
#include "vector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>

#include "base/time.h"

#define FILE_SIZE_MAX 65536

/* The content of a file, NULL if there is none. */
static char *read_file(const char *folder, const char *name)
{
    char path[4096];
    char *content = NULL;
    size_t size = 0;
    FILE *file = NULL;

    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path)
        return NULL;
    file = fopen(path, "re");
    if (file == NULL)
        return NULL;
    content = calloc(1, FILE_SIZE_MAX + 1);
    if (content != NULL)
        size = fread(content, 1, FILE_SIZE_MAX, file);
    (void)fclose(file);
    if (size == 0) {
        free(content);
        content = NULL;
    }
    return content;
}

/* The same without a line end at its end, which some of the suite's files have. */
static char *read_expected(const char *folder, const char *name)
{
    char *content = read_file(folder, name);
    size_t size = content != NULL ? strlen(content) : 0;

    if (size > 0 && content[size - 1] == '\n')
        content[size - 1] = '\0';
    return content;
}

/* Ends the line at `line` and returns what comes behind it. */
static char *end_line(char *line)
{
    char *end = strchr(line, '\n');

    if (end == NULL)
        return line + strlen(line);
    *end = '\0';
    return end + 1;
}

/* The target may hold spaces: it is all between the first and the last. */
static bool parse_request_line(test_vector *vector, char *line)
{
    char *first = strchr(line, ' ');
    char *last = strrchr(line, ' ');

    if (first == NULL || last == first || strncmp(last, " HTTP/", 6) != 0)
        return false;
    *first = '\0';
    *last = '\0';
    vector->method = line;
    vector->target = first + 1;
    return true;
}

static bool parse_request(test_vector *vector)
{
    char *line = vector->request;
    char *next = end_line(line);

    if (!parse_request_line(vector, line))
        return false;
    for (line = next; *line != '\0' && *line != '\n'; line = next) {
        char *last_line = line;
        for (;;) {
            next = strchr(last_line, '\n');
            if (next == NULL || (next[1] != ' ' && next[1] != '\t'))
                break;
            last_line = next + 1;
        }
        next = end_line(last_line);
        char *colon = strchr(line, ':');
        if (colon == NULL || vector->header_count == VECTOR_HEADERS_MAX)
            return false;
        *colon = '\0';
        vector->headers[vector->header_count].name = line;
        vector->headers[vector->header_count].value = colon + 1;
        vector->header_count++;
    }
    vector->body = *line == '\n' ? line + 1 : line;
    return true;
}

static bool parse_context(test_vector *vector, const char *text)
{
    const char *timestamp = NULL;
    int omit_token = 0;
    int normalize = 0;
    int sign_body = 0;
    json_t *context = json_loads(text, 0, NULL);

    vector->context = context;
    if (json_unpack(context, "{s:{s:s,s:s,s?s},s:s,s:s,s:s,s:b,s:b,s?b}", "credentials",
                    "access_key_id", &vector->access_key_id, "secret_access_key", &vector->secret,
                    "token", &vector->session_token, "region", &vector->region, "service",
                    &vector->service, "timestamp", &timestamp, "normalize", &normalize, "sign_body",
                    &sign_body, "omit_session_token", &omit_token) != 0)
        return false;
    if (omit_token != 0)
        vector->session_token = NULL;
    vector->normalize = normalize != 0;
    vector->sign_body = sign_body != 0;
    return hsmiam_time_parse_extended(timestamp, &vector->timestamp);
}

bool vector_read(test_vector *vector, const char *folder)
{
    memset(vector, 0, sizeof *vector);
    char *context = read_file(folder, "context.json");
    vector->request = read_file(folder, "request.txt");
    vector->canonical_request = read_expected(folder, "header-canonical-request.txt");
    vector->string_to_sign = read_expected(folder, "header-string-to-sign.txt");
    vector->signature = read_expected(folder, "header-signature.txt");

    bool complete = context != NULL && vector->request != NULL &&
                    vector->canonical_request != NULL && vector->signature != NULL;
    bool valid = complete && parse_request(vector) && parse_context(vector, context);
    if (!valid)
        (void)fprintf(stderr, "%s: %s\n", folder, complete ? "malformed" : "a file is missing");
    free(context);
    return valid;
}

void vector_clear(test_vector *vector)
{
    json_decref(vector->context);
    free(vector->request);
    free(vector->canonical_request);
    free(vector->string_to_sign);
    free(vector->signature);
    memset(vector, 0, sizeof *vector);
}

const char *vector_find_header(const test_vector *vector, const char *name)
{
    for (size_t i = 0; i < vector->header_count; i++) {
        if (strcasecmp(vector->headers[i].name, name) == 0)
            return vector->headers[i].value;
    }
    return NULL;
}
