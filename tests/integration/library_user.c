/* SPDX-License-Identifier: Apache-2.0 */
/* A program as others would write it: it knows hsmiam.h and the shared library, and nothing else.
 *
 *   library_user KEY-URI METHOD URL SERVICE REGION TIME [NAME:VALUE...] < BODY
 *
 * signs a request with a key in a token and prints the headers to add, then an empty line and the
 * canonical request. */
#include <hsmiam.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { URI = 1, METHOD, URL, SERVICE, REGION, TIME, HEADERS };

#define BODY_MAX (1 << 20)

/* What is needed to sign, freed together. */
typedef struct signing_job {
    hsmiam_error *error;
    hsmiam_token *token;
    hsmiam_signer *signer;
    hsmiam_request *request;
} signing_job;

static hsmiam_status set_body(signing_job *job)
{
    char *body = malloc(BODY_MAX);
    hsmiam_status status = HSMIAM_ERR_MEMORY;

    if (body) {
        size_t size = fread(body, 1, BODY_MAX, stdin);

        status = hsmiam_request_set_body(job->request, body, size, job->error);
    }
    free(body);
    return status;
}

static hsmiam_status add_headers(signing_job *job, char **headers)
{
    hsmiam_status status = HSMIAM_OK;

    for (; status == HSMIAM_OK && *headers; headers++) {
        char *colon = strchr(*headers, ':');

        if (!colon)
            return HSMIAM_ERR_ARGUMENT;
        *colon = 0;
        status = hsmiam_request_add_header(job->request, *headers, colon + 1, job->error);
    }
    return status;
}

static hsmiam_status build(signing_job *job, char **argv)
{
    hsmiam_error *error = job->error;
    hsmiam_status status = hsmiam_request_new(&job->request, error);

    if (status == HSMIAM_OK)
        status = hsmiam_request_set_method(job->request, argv[METHOD], error);
    if (status == HSMIAM_OK)
        status = hsmiam_request_set_url(job->request, argv[URL], error);
    if (status == HSMIAM_OK)
        status = hsmiam_request_set_scope(job->request, argv[SERVICE], argv[REGION], error);
    if (status == HSMIAM_OK && *argv[TIME])
        status =
            hsmiam_request_set_time(job->request, (time_t)strtoll(argv[TIME], NULL, 10), error);
    if (status == HSMIAM_OK)
        status = add_headers(job, argv + HEADERS);
    if (status == HSMIAM_OK)
        status = set_body(job);
    return status;
}

static hsmiam_status sign(signing_job *job, const char *uri)
{
    hsmiam_status status = hsmiam_token_new(uri, &job->token, job->error);

    if (status == HSMIAM_OK)
        status = hsmiam_signer_new(job->token, uri, &job->signer, job->error);
    if (status == HSMIAM_OK)
        status = hsmiam_request_sign(job->request, job->signer, job->error);
    return status;
}

static void print(const signing_job *job)
{
    const char *name = NULL;
    const char *value = NULL;

    for (size_t i = 0; hsmiam_request_get_header(job->request, i, &name, &value); i++)
        printf("%s: %s\n", name, value);
    printf("\n%s\n", hsmiam_request_get_canonical_request(job->request));
}

int main(int argc, char **argv)
{
    signing_job job = {.error = hsmiam_error_new()};
    hsmiam_status status = HSMIAM_ERR_ARGUMENT;

    if (argc >= HEADERS)
        status = build(&job, argv);
    if (status == HSMIAM_OK)
        status = sign(&job, argv[URI]);
    if (status == HSMIAM_OK)
        print(&job);
    else
        fprintf(stderr, "%d %s %s\n", (int)status, hsmiam_error_get_code_name(job.error),
                hsmiam_error_get_message(job.error));
    hsmiam_request_free(&job.request);
    hsmiam_signer_free(&job.signer);
    hsmiam_token_free(&job.token);
    hsmiam_error_free(&job.error);
    return status == HSMIAM_OK ? 0 : 1;
}
