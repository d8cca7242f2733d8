/* SPDX-License-Identifier: Apache-2.0 */
#include "curl_config.h"

#include "text.h"

#include <string.h>
#include <strings.h>

/* curl(1), --config: between quotes these are written as escapes, all else as it is. */
static void write_quoted(const char *text, FILE *stream)
{
    static const char special[] = "\\\"\t\n\r\v";
    static const char letters[] = "\\\"tnrv";

    for (; *text; text++) {
        const char *found = strchr(special, *text);

        if (found) {
            tool_text_put_char('\\', stream);
            tool_text_put_char(letters[found - special], stream);
        } else {
            tool_text_put_char(*text, stream);
        }
    }
}

/* An option whose value is two texts in a row. */
static void write_option(const char *name, const char *head, const char *tail, FILE *stream)
{
    tool_text_print(stream, "%s = \"", name);
    write_quoted(head, stream);
    write_quoted(tail, stream);
    tool_text_put("\"\n", stream);
}

/* curl takes "Name:" for an order to leave the header out, "Name;" for an empty one. */
static void write_header(const tool_value *header, FILE *stream)
{
    tool_text_put("header = \"", stream);
    write_quoted(header->name, stream);
    tool_text_put(*header->text ? ": " : ";", stream);
    write_quoted(header->text, stream);
    tool_text_put("\"\n", stream);
}

/* Whether a segment of a path stands for another one: it is empty, one dot or two, as they are or
 * encoded. */
static bool is_dots(const char *segment, size_t size)
{
    size_t dots = 0;

    for (size_t i = 0; i < size; dots++) {
        bool is_encoded = strncasecmp(segment + i, "%2e", 3) == 0;

        if (segment[i] != '.' && !is_encoded)
            return false;
        i += is_encoded ? 3 : 1;
    }
    return dots <= 2;
}

/* With upload-file curl streams the file, and adds its name to a URL that ends in a slash, or does
 * so once its dots are resolved; path-as-is does not keep it from that. */
static bool may_upload(const tool_signed_request *request)
{
    const char *scheme = strstr(request->url, "://");
    const char *path = scheme ? strchr(scheme + 3, '/') : NULL;
    size_t size = path ? strcspn(path, "?") : 0;
    size_t name = size;

    while (name > 0 && path[name - 1] != '/')
        name--;
    return strcmp(request->method, "PUT") == 0 && name > 0 && !is_dots(path + name, size - name);
}

static void write_body(const tool_signed_request *request, FILE *stream)
{
    if (request->data)
        write_option("data-raw", request->data, "", stream);
    else if (!request->data_file)
        return;
    else if (strcmp(request->data_file, "-") == 0)
        tool_text_put("# The body came from standard input: give it to curl once more, by "
                      "--data-binary or --upload-file.\n",
                      stream);
    else if (may_upload(request))
        write_option("upload-file", request->data_file, "", stream);
    else
        write_option("data-binary", "@", request->data_file, stream);
}

void tool_curl_config_write(const tool_signed_request *request, FILE *stream)
{
    write_option("url", request->url, "", stream);
    /* What was signed is what is to be sent. */
    tool_text_put("path-as-is\ngloboff\n", stream);
    if (strcmp(request->method, "HEAD") == 0)
        tool_text_put("head\n", stream);
    else
        write_option("request", request->method, "", stream);
    for (const tool_value *header = request->headers->first; header; header = header->next)
        write_header(header, stream);
    write_body(request, stream);
}
