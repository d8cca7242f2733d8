/* SPDX-License-Identifier: Apache-2.0 */
#include "commands.h"
#include "curl_config.h"
#include "output.h"
#include "session.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CHUNK           65536
#define EXPIRES_DEFAULT 3600
#define SESSION_SECONDS 43200 /* of a session by MFA, unless STS makes it shorter */

static const char command_name[] = "sign-request";

static const tool_option options[] = {
    {.name = "--url",
     .kind = TOOL_OPTION_VALUE,
     .value = "URL",
     .help = "The URL of the request, with its query. Bytes that no URL may hold are encoded."},
    {.name = "--service",
     .kind = TOOL_OPTION_VALUE,
     .value = "SERVICE",
     .help = "The service to sign for, as in its endpoint's name: iam, s3, execute-api."},
    {.name = "--method",
     .kind = TOOL_OPTION_VALUE,
     .value = "METHOD",
     .help = "The HTTP method. Default: POST if there is a body, else GET."},
    {.name = "--header",
     .kind = TOOL_OPTION_REPEATED,
     .value = "HEADER",
     .help = "A header of the request, \"Name: value\". It is signed, unless it is one that "
             "proxies change."},
    {.name = "--data",
     .kind = TOOL_OPTION_VALUE,
     .value = "DATA",
     .group = "body",
     .help = "The body, as it is. curl sends it as a form, unless a Content-Type header says "
             "otherwise."},
    {.name = "--data-file",
     .kind = TOOL_OPTION_VALUE,
     .value = "FILE",
     .group = "body",
     .help = "The file that is the body, of any size; - for standard input."},
    {.name = "--unsigned-payload",
     .kind = TOOL_OPTION_FLAG,
     .help = "Do not sign the body; some services, such as s3, take that over HTTPS."},
    {.name = "--presign",
     .kind = TOOL_OPTION_FLAG,
     .help = "Sign by the URL, and print the URL. Whoever has it can send that request until it "
             "expires."},
    {.name = "--expires-in",
     .kind = TOOL_OPTION_NUMBER,
     .value = "SECONDS",
     .help = "How long a presigned URL is good, in seconds, up to 604800. Default: 3600."},
    {.name = NULL},
};

/* What the command works on. */
typedef struct tool_signing {
    const tool_arguments *arguments;
    tool_session session;
    hsmiam_error *error;
    hsmiam_request *request;
    tool_value *result; /* Method, Url, Headers */
    tool_value *headers;
    char *url;
    char *data; /* a copy, for PINs are taken out of the command line, and what looks like one */
} tool_signing;

static hsmiam_status fail(const tool_signing *signing, tool_error *error)
{
    return tool_error_set_library(error, signing->error);
}

/* Bytes that no URL may hold (RFC 3986, 2) go on the wire encoded, and are signed so. */
static char *encode_url(const char *url)
{
    static const char digits[] = "0123456789ABCDEF";
    char *encoded = malloc(3 * strlen(url) + 1);
    char *end = encoded;

    if (!encoded)
        return NULL;
    for (; *url; url++) {
        unsigned char byte = (unsigned char)*url;

        if (byte > ' ' && byte < 0x7f && !strchr("\"<>\\^`{|}", byte)) {
            *end++ = *url;
            continue;
        }
        *end++ = '%';
        *end++ = digits[byte >> 4];
        *end++ = digits[byte & 15];
    }
    *end = '\0';
    return encoded;
}

/* How long a text is without the blanks at its end. */
static int measure_trimmed(const char *text)
{
    size_t size = strlen(text);

    while (size > 0 && strchr(" \t", text[size - 1]))
        size--;
    return (int)size;
}

/* A value goes out on one line: a line end, which a blank follows where it was taken, is no part of
 * it (RFC 9112, 5.2), and some servers would see another header, or the end of them, behind it. */
static char *unfold(const char *value)
{
    char *unfolded = strdup(value);
    char *to = unfolded;

    for (const char *from = value; unfolded && *from; from++) {
        bool is_leading = to == unfolded && (*from == ' ' || *from == '\t');

        if (*from != '\r' && *from != '\n' && !is_leading)
            *to++ = *from;
    }
    if (unfolded)
        *to = '\0';
    return unfolded;
}

/* Header fields of one name are one, with a comma between (RFC 9110, 5.3). Blanks around a value
 * are no part of it, and are not signed: within a joined one they would count. */
static bool note_header(tool_value *headers, const char *name, const char *value)
{
    char *joined = NULL;

    for (tool_value *header = headers->first; header; header = header->next) {
        if (strcasecmp(header->name, name) != 0)
            continue;
        if (asprintf(&joined, "%.*s,%.*s", measure_trimmed(header->text), header->text,
                     measure_trimmed(value), value) < 0)
            return false;
        free(header->text);
        header->text = joined;
        return true;
    }
    return tool_value_add_string(headers, name, value);
}

static hsmiam_status add_header(tool_signing *signing, const char *text, tool_error *error)
{
    size_t size = strcspn(text, ":");
    const char *value = text[size] ? text + size + 1 : NULL;
    char *name = value ? tool_text_copy(text, size) : NULL;
    char *unfolded = value ? unfold(value) : NULL;
    hsmiam_status status = HSMIAM_OK;

    if (!value)
        return tool_error_set_usage(error, "hsmiam: error: argument --header: expected \"Name: "
                                           "value\", with a colon");
    value += strspn(value, " \t");
    if (!name || !unfolded) {
        status = tool_error_set_memory(error);
        goto out;
    }
    if (hsmiam_request_add_header(signing->request, name, value, signing->error) != HSMIAM_OK)
        status = fail(signing, error);
    else if (!note_header(signing->headers, name, unfolded))
        status = tool_error_set_memory(error);
out:
    free(name);
    free(unfolded);
    return status;
}

static hsmiam_status read_body(tool_signing *signing, FILE *stream, const char *path,
                               tool_error *error)
{
    char *chunk = malloc(CHUNK);
    hsmiam_status status = chunk ? HSMIAM_OK : tool_error_set_memory(error);
    size_t size = CHUNK;

    while (status == HSMIAM_OK && size == CHUNK) {
        errno = 0;
        size = fread(chunk, 1, CHUNK, stream);
        if (ferror(stream))
            status = tool_error_set(error, HSMIAM_ERR_IO, "The body cannot be read from %s: %s",
                                    path, strerror(errno));
        else if (hsmiam_request_add_body(signing->request, chunk, size, signing->error) !=
                 HSMIAM_OK)
            status = fail(signing, error);
    }
    free(chunk);
    return status;
}

static hsmiam_status add_file(tool_signing *signing, const char *path, tool_error *error)
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *file = NULL;
    hsmiam_status status = HSMIAM_OK;

    if (is_stdin)
        return read_body(signing, stdin, "standard input", error);
    file = fopen(path, "re");
    if (!file)
        return tool_error_set(error, HSMIAM_ERR_IO, "The body cannot be read from %s: %s", path,
                              strerror(errno));
    status = read_body(signing, file, path, error);
    (void)fclose(file);
    return status;
}

static hsmiam_status set_body(tool_signing *signing, tool_error *error)
{
    const tool_arguments *arguments = signing->arguments;
    const char *data = signing->data;
    const char *path = tool_arguments_get(arguments, "--data-file");
    hsmiam_request *request = signing->request;
    hsmiam_error *library = signing->error;

    if (tool_arguments_get(arguments, "--unsigned-payload")) {
        /* Services other than s3 have to be told so. */
        hsmiam_request_set_canonical_flags(request, HSMIAM_CANONICAL_SIGN_BODY);
        if (hsmiam_request_set_body_sha256(request, "UNSIGNED-PAYLOAD", library) != HSMIAM_OK)
            return fail(signing, error);
        return HSMIAM_OK;
    }
    if (data && hsmiam_request_set_body(request, data, strlen(data), library) != HSMIAM_OK)
        return fail(signing, error);
    return path ? add_file(signing, path, error) : HSMIAM_OK;
}

/* The methods that AWS knows are upper-case, and `head` would let curl wait for a body. */
static const char *get_method(const tool_arguments *arguments)
{
    static const char *const known[] = {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"};
    const char *method = tool_arguments_get(arguments, "--method");
    bool has_body = tool_arguments_get(arguments, "--data") != NULL ||
                    tool_arguments_get(arguments, "--data-file") != NULL;

    for (size_t i = 0; method && i < sizeof known / sizeof known[0]; i++)
        if (strcasecmp(method, known[i]) == 0)
            return known[i];
    return method ? method : has_body ? "POST" : "GET";
}

/* The same that is signed, put together for the output. */
static hsmiam_status begin(tool_signing *signing, tool_error *error)
{
    const tool_arguments *arguments = signing->arguments;
    const char *data = tool_arguments_get(arguments, "--data");

    signing->error = hsmiam_error_new();
    signing->data = data ? strdup(data) : NULL;
    if (!signing->error || (data && !signing->data))
        return tool_error_set_memory(error);
    signing->url = encode_url(tool_arguments_get(arguments, "--url"));
    signing->result = tool_value_new(TOOL_VALUE_OBJECT, NULL);
    if (!signing->url || !signing->result ||
        !tool_value_add_string(signing->result, "Method", get_method(arguments)))
        return tool_error_set_memory(error);
    signing->headers = tool_value_new(TOOL_VALUE_OBJECT, NULL);
    return signing->headers ? HSMIAM_OK : tool_error_set_memory(error);
}

static hsmiam_status fill(tool_signing *signing, const char *region, tool_error *error)
{
    const tool_arguments *arguments = signing->arguments;
    hsmiam_error *library = signing->error;
    hsmiam_status status = HSMIAM_OK;

    if (hsmiam_request_new(&signing->request, library) != HSMIAM_OK ||
        hsmiam_request_set_method(signing->request, get_method(arguments), library) != HSMIAM_OK ||
        hsmiam_request_set_url(signing->request, signing->url, library) != HSMIAM_OK ||
        hsmiam_request_set_scope(signing->request, tool_arguments_get(arguments, "--service"),
                                 region, library) != HSMIAM_OK)
        return fail(signing, error);
    for (const char *const *header = arguments->repeated_values; status == HSMIAM_OK && *header;
         header++)
        status = add_header(signing, *header, error);
    return status == HSMIAM_OK ? set_body(signing, error) : status;
}

static hsmiam_status sign(tool_signing *signing, unsigned expires, tool_error *error)
{
    hsmiam_request *request = signing->request;
    const char *name = NULL;
    const char *value = NULL;

    if (tool_arguments_get(signing->arguments, "--presign")) {
        if (hsmiam_request_presign(request, signing->session.signer, expires,
                                   signing->session.error) != HSMIAM_OK)
            return tool_session_fail(&signing->session, error);
        free(signing->url);
        signing->url = strdup(hsmiam_request_get_presigned_url(request));
        return signing->url ? HSMIAM_OK : tool_error_set_memory(error);
    }
    if (hsmiam_request_sign(request, signing->session.signer, signing->session.error) != HSMIAM_OK)
        return tool_session_fail(&signing->session, error);
    for (size_t i = 0; hsmiam_request_get_header(request, i, &name, &value); i++)
        if (!note_header(signing->headers, name, value))
            return tool_error_set_memory(error);
    return HSMIAM_OK;
}

/* A configuration file for curl, or the URL; with an --output, all of it in that form. */
static hsmiam_status print(tool_signing *signing, const tool_context *context, tool_error *error)
{
    const tool_arguments *arguments = signing->arguments;
    const tool_signed_request request = {
        .method = get_method(arguments),
        .url = signing->url,
        .headers = signing->headers,
        .data = signing->data,
        .data_file = tool_arguments_get(arguments, "--data-file"),
    };

    if (tool_arguments_get(arguments, "--output")) {
        if (!tool_value_add_string(signing->result, "Url", signing->url) ||
            !tool_value_take(signing->result, "Headers", &signing->headers))
            return tool_error_set_memory(error);
        return tool_output_print(signing->result, &context->settings, command_name, error);
    }
    if (tool_arguments_get(arguments, "--presign"))
        tool_text_print(stdout, "%s\n", signing->url);
    else
        tool_curl_config_write(&request, stdout);
    return tool_output_close(error);
}

/* What must be given, and what does not go together. */
static hsmiam_status check(const tool_context *context, unsigned *expires_out, tool_error *error)
{
    const tool_arguments *arguments = context->arguments;
    static const char *const required[] = {"--url", "--service"};
    hsmiam_status status = HSMIAM_OK;

    for (size_t i = 0; i < sizeof required / sizeof required[0]; i++)
        if (!tool_arguments_get(arguments, required[i]))
            return tool_error_set_usage(
                error, "hsmiam: error: the following arguments are required: %s", required[i]);
    status = tool_arguments_exclude(arguments, "--data", "--data-file", error);
    *expires_out = EXPIRES_DEFAULT;
    if (status == HSMIAM_OK && tool_arguments_get(arguments, "--expires-in")) {
        if (!tool_arguments_get(arguments, "--presign"))
            return tool_error_set_usage(error, "hsmiam: error: argument --expires-in: only a "
                                               "presigned URL expires so; give --presign too");
        status = tool_arguments_get_number(arguments, "--expires-in", HSMIAM_PRESIGN_EXPIRES_MAX,
                                           expires_out, error);
        if (status == HSMIAM_OK && tool_arguments_get(arguments, "--mfa-serial") &&
            *expires_out > SESSION_SECONDS)
            return tool_error_set_usage(error,
                                        "hsmiam: error: argument --expires-in: a session by MFA "
                                        "ends after %d seconds, and the URL with it",
                                        SESSION_SECONDS);
    }
    if (status == HSMIAM_OK && !context->settings.region)
        return tool_error_set(error, HSMIAM_ERR_CONFIG,
                              "You must specify a region. You can also configure your region by "
                              "AWS_REGION, or by region in the profile.");
    return status;
}

static hsmiam_status run(tool_context *context, tool_error *error)
{
    tool_signing signing = {.arguments = context->arguments};
    unsigned expires = 0;
    hsmiam_status status = check(context, &expires, error);

    if (status == HSMIAM_OK)
        status = begin(&signing, error);
    if (status == HSMIAM_OK)
        status = fill(&signing, context->settings.region, error);
    if (status == HSMIAM_OK)
        status = tool_session_start_signer(&signing.session, context, error);
    if (status == HSMIAM_OK)
        status = tool_session_ask_pins(&signing.session, error);
    if (status == HSMIAM_OK)
        status = sign(&signing, expires, error);
    if (status == HSMIAM_OK)
        status = print(&signing, context, error);
    hsmiam_request_free(&signing.request);
    tool_value_free(&signing.result);
    tool_value_free(&signing.headers);
    hsmiam_error_free(&signing.error);
    free(signing.url);
    free(signing.data);
    tool_session_clear(&signing.session);
    return status;
}

const tool_command tool_sign_request = {
    .name = command_name,
    .summary = "Sign a request to any AWS service with a key in the token.",
    .description =
        "Signs an HTTP request by AWS Signature Version 4 with the access key that --credential "
        "names; the secret stays in the token. The request is not sent, but printed as a file for "
        "curl:\n\n"
        "    hsmiam sign-request --service s3 --url https://... | curl --config -\n\n"
        "With --output it is printed in that form, as Method, Url and Headers. With --presign, "
        "the URL alone. The region is that of --region, of the environment or of the profile.\n\n"
        "With --mfa-serial a session signs that is begun by MFA, and its session token is part of "
        "what is printed; a presigned URL is good until the session ends, at the latest.\n\n"
        "The time of signing is now, unless a header X-Amz-Date says otherwise. A signature is "
        "good for some minutes, and for this one request.",
    .options = options,
    .run = run,
};
