/* SPDX-License-Identifier: Apache-2.0 */
/* A program that signs many requests with one signer, for what a signer keeps shows then only.
 *
 *   sign_many KEY-URI COUNT SCOPES
 *
 * prints the signer's route, then for each request its string to sign, with '|' for line ends, and
 * its signature. The requests go through SCOPES dates and regions in turn. */
#include <hsmiam.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_TIME 1440938160
#define DAY        86400

static void print(const hsmiam_request *request)
{
    const char *name = NULL;
    const char *value = NULL;

    for (const char *at = hsmiam_request_get_string_to_sign(request); *at; at++)
        putchar(*at == '\n' ? '|' : *at);
    for (size_t i = 0; hsmiam_request_get_header(request, i, &name, &value); i++)
        if (strcmp(name, "Authorization") == 0)
            printf(" %s\n", strstr(value, "Signature=") + strlen("Signature="));
}

static hsmiam_status sign(hsmiam_signer *signer, unsigned number, unsigned scope,
                          hsmiam_error *error)
{
    hsmiam_request *request = NULL;
    char url[64];
    char region[16];
    hsmiam_status status = hsmiam_request_new(&request, error);

    (void)snprintf(url, sizeof url, "https://host%u.example/path?number=%u", number % 7, number);
    (void)snprintf(region, sizeof region, "us-east-%u", scope % 3);
    if (status == HSMIAM_OK)
        status = hsmiam_request_set_url(request, url, error);
    if (status == HSMIAM_OK)
        status = hsmiam_request_set_scope(request, scope % 2 ? "iam" : "sts", region, error);
    if (status == HSMIAM_OK)
        status = hsmiam_request_set_time(request, FIRST_TIME + (time_t)DAY * scope, error);
    if (status == HSMIAM_OK)
        status = hsmiam_request_sign(request, signer, error);
    if (status == HSMIAM_OK)
        print(request);
    hsmiam_request_free(&request);
    return status;
}

int main(int argc, char **argv)
{
    hsmiam_error *error = hsmiam_error_new();
    hsmiam_token *token = NULL;
    hsmiam_signer *signer = NULL;

    if (argc != 4 || !error)
        return 2;
    unsigned count = (unsigned)atoi(argv[2]);
    unsigned scopes = (unsigned)atoi(argv[3]);
    hsmiam_status status = hsmiam_token_new(argv[1], &token, error);
    if (status == HSMIAM_OK)
        status = hsmiam_signer_new(token, argv[1], &signer, error);
    if (status == HSMIAM_OK)
        status = hsmiam_signer_open(signer, error);
    if (status == HSMIAM_OK)
        printf("%s\n", hsmiam_signer_get_sigv4_route(signer));
    for (unsigned i = 0; status == HSMIAM_OK && i < count; i++)
        status = sign(signer, i, i % scopes, error);
    if (status != HSMIAM_OK)
        (void)fprintf(stderr, "%s\n", hsmiam_error_get_message(error));
    hsmiam_signer_free(&signer);
    hsmiam_token_free(&token);
    hsmiam_error_free(&error);
    return status == HSMIAM_OK ? 0 : 1;
}
