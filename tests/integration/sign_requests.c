/* SPDX-License-Identifier: Apache-2.0 */
/* A program that signs whatever requests it is given, with one signer.
 *
 *   sign_requests KEY-URI < REQUESTS
 *
 * A request is a line of fields with a tab between them, each in hexadecimal digits:
 * METHOD URL SERVICE REGION TIME EXPIRES BODY [HEADER...], a header being NAME:VALUE. Prints the
 * signer's route, and for each request its Authorization header or, if it expires, its presigned
 * URL, a tab, and its canonical request in hexadecimal digits. */
#include <hsmiam.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { METHOD, URL, SERVICE, REGION, TIME, EXPIRES, BODY, HEADERS };

#define FIELDS_MAX 64
#define PIECE      100 /* bytes of a body that are added at once */

/* Bytes, with a NUL behind them. */
typedef struct field {
    char *data;
    size_t size;
} field;

/* Reads a field in place. */
static int read_field(char *digits, field *field_out)
{
    size_t size = strlen(digits) / 2;

    for (size_t i = 0; i < size; i++) {
        unsigned byte = 0;

        if (sscanf(digits + 2 * i, "%2x", &byte) != 1)
            return 0;
        digits[i] = (char)byte;
    }
    digits[size] = '\0';
    *field_out = (field){digits, size};
    return 1;
}

/* Reads a line in place: how many fields it has, 0 if it is none. */
static size_t read_line(char *line, field fields[FIELDS_MAX])
{
    size_t count = 0;

    line[strcspn(line, "\n")] = '\0';
    for (char *digits = strsep(&line, "\t"); digits; digits = strsep(&line, "\t"))
        if (count == FIELDS_MAX || !read_field(digits, &fields[count++]))
            return 0;
    return count >= HEADERS ? count : 0;
}

static hsmiam_status add_header(hsmiam_request *request, char *header, hsmiam_error *error)
{
    char *colon = strchr(header, ':');

    if (!colon)
        return HSMIAM_ERR_ARGUMENT;
    *colon = '\0';
    return hsmiam_request_add_header(request, header, colon + 1, error);
}

/* A long one in pieces. */
static hsmiam_status add_body(hsmiam_request *request, const field *body, hsmiam_error *error)
{
    hsmiam_status status = HSMIAM_OK;

    if (body->size <= PIECE)
        return hsmiam_request_set_body(request, body->data, body->size, error);
    for (size_t at = 0; status == HSMIAM_OK && at < body->size; at += PIECE) {
        size_t size = body->size - at < PIECE ? body->size - at : PIECE;

        status = hsmiam_request_add_body(request, body->data + at, size, error);
    }
    return status;
}

static hsmiam_status fill(hsmiam_request *request, const field *fields, size_t count,
                          hsmiam_error *error)
{
    time_t when = (time_t)strtoll(fields[TIME].data, NULL, 10);
    hsmiam_status status = hsmiam_request_set_method(request, fields[METHOD].data, error);

    if (status == HSMIAM_OK)
        status = hsmiam_request_set_url(request, fields[URL].data, error);
    if (status == HSMIAM_OK)
        status =
            hsmiam_request_set_scope(request, fields[SERVICE].data, fields[REGION].data, error);
    if (status == HSMIAM_OK)
        status = hsmiam_request_set_time(request, when, error);
    if (status == HSMIAM_OK)
        status = add_body(request, &fields[BODY], error);
    for (size_t i = HEADERS; status == HSMIAM_OK && i < count; i++)
        status = add_header(request, fields[i].data, error);
    return status;
}

static void print(const hsmiam_request *request)
{
    const char *name = NULL;
    const char *value = NULL;

    if (*hsmiam_request_get_presigned_url(request))
        printf("%s\t", hsmiam_request_get_presigned_url(request));
    for (size_t i = 0; hsmiam_request_get_header(request, i, &name, &value); i++)
        if (strcmp(name, "Authorization") == 0)
            printf("%s\t", value);
    for (const char *at = hsmiam_request_get_canonical_request(request); *at; at++)
        printf("%02x", (unsigned char)*at);
    putchar('\n');
}

static hsmiam_status sign(hsmiam_signer *signer, const field *fields, size_t count,
                          hsmiam_error *error)
{
    unsigned long expires = strtoul(fields[EXPIRES].data, NULL, 10);
    hsmiam_request *request = NULL;
    hsmiam_status status = hsmiam_request_new(&request, error);

    if (status == HSMIAM_OK)
        status = fill(request, fields, count, error);
    if (status == HSMIAM_OK)
        status = expires == 0 ? hsmiam_request_sign(request, signer, error)
                              : hsmiam_request_presign(request, signer, (unsigned)expires, error);
    if (status == HSMIAM_OK)
        print(request);
    hsmiam_request_free(&request);
    return status;
}

static hsmiam_status sign_all(hsmiam_signer *signer, hsmiam_error *error)
{
    char *line = NULL;
    size_t room = 0;
    hsmiam_status status = HSMIAM_OK;

    while (status == HSMIAM_OK && getline(&line, &room, stdin) > 0) {
        field fields[FIELDS_MAX];
        size_t count = read_line(line, fields);

        status = count > 0 ? sign(signer, fields, count, error) : HSMIAM_ERR_ARGUMENT;
    }
    free(line);
    return status;
}

int main(int argc, char **argv)
{
    hsmiam_error *error = hsmiam_error_new();
    hsmiam_token *token = NULL;
    hsmiam_signer *signer = NULL;

    if (argc != 2 || !error)
        return 2;
    hsmiam_status status = hsmiam_token_new(argv[1], &token, error);
    if (status == HSMIAM_OK)
        status = hsmiam_signer_new(token, argv[1], &signer, error);
    if (status == HSMIAM_OK)
        status = hsmiam_signer_open(signer, error);
    if (status == HSMIAM_OK) {
        printf("%s\n", hsmiam_signer_get_sigv4_route(signer));
        status = sign_all(signer, error);
    }
    if (status != HSMIAM_OK)
        (void)fprintf(stderr, "%d %s\n", (int)status, hsmiam_error_get_message(error));
    hsmiam_signer_free(&signer);
    hsmiam_token_free(&token);
    hsmiam_error_free(&error);
    return status == HSMIAM_OK ? 0 : 1;
}
