/* SPDX-License-Identifier: Apache-2.0 */
/* Threads of another program that share a token.
 *
 *   library_threads KEY-URI THREADS ROUNDS TIMEOUT
 *
 * Each thread has a signer of its own. Every request is for another day, so that each needs the
 * token. Prints a line for each request: its time, its service, its signature. */
#include <hsmiam.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { URI = 1, THREADS, ROUNDS, TIMEOUT };

#define DAY 86400

typedef struct thread_job {
    pthread_t thread;
    hsmiam_token *token;
    const char *uri;
    unsigned number;
    unsigned rounds;
    hsmiam_status status;
} thread_job;

static void print_signature(const hsmiam_request *request, const char *service)
{
    const char *name = NULL;
    const char *value = NULL;
    const char *date = "";
    const char *signature = "";

    for (size_t i = 0; hsmiam_request_get_header(request, i, &name, &value); i++) {
        if (strcmp(name, "X-Amz-Date") == 0)
            date = value;
        if (strcmp(name, "Authorization") == 0 && strstr(value, "Signature="))
            signature = strstr(value, "Signature=") + strlen("Signature=");
    }
    (void)printf("%s %s %s\n", date, service, signature);
}

static hsmiam_status sign_once(const thread_job *job, hsmiam_signer *signer, unsigned round,
                               hsmiam_error *error)
{
    time_t when = (time_t)DAY * (job->number * job->rounds + round + 1);
    hsmiam_request *request = NULL;
    char service[32];
    hsmiam_status status = hsmiam_request_new(&request, error);

    (void)snprintf(service, sizeof service, "service-%u", job->number);
    if (status == HSMIAM_OK)
        status = hsmiam_request_set_url(request, "https://example.amazonaws.com/", error);
    if (status == HSMIAM_OK)
        status = hsmiam_request_set_scope(request, service, "us-east-1", error);
    if (status == HSMIAM_OK)
        status = hsmiam_request_set_time(request, when, error);
    if (status == HSMIAM_OK)
        status = hsmiam_request_sign(request, signer, error);
    if (status == HSMIAM_OK)
        print_signature(request, service);
    hsmiam_request_free(&request);
    return status;
}

static void *run(void *context)
{
    thread_job *job = context;
    hsmiam_error *error = hsmiam_error_new();
    hsmiam_signer *signer = NULL;

    job->status = hsmiam_signer_new(job->token, job->uri, &signer, error);
    for (unsigned i = 0; job->status == HSMIAM_OK && i < job->rounds; i++)
        job->status = sign_once(job, signer, i, error);
    if (job->status != HSMIAM_OK)
        (void)fprintf(stderr, "%s\n", hsmiam_error_get_message(error));
    hsmiam_signer_free(&signer);
    hsmiam_error_free(&error);
    return NULL;
}

int main(int argc, char **argv)
{
    unsigned count = argc > TIMEOUT ? (unsigned)strtoul(argv[THREADS], NULL, 10) : 0;
    thread_job *jobs = calloc(count + 1, sizeof *jobs);
    hsmiam_token *token = NULL;
    hsmiam_error *error = hsmiam_error_new();
    int failures = 0;

    if (!jobs || !count || hsmiam_token_new(argv[URI], &token, error) != HSMIAM_OK)
        return 2;
    hsmiam_token_set_timeout(token, (unsigned)strtoul(argv[TIMEOUT], NULL, 10));
    for (unsigned i = 0; i < count; i++) {
        jobs[i] = (thread_job){.token = token,
                               .uri = argv[URI],
                               .number = i,
                               .rounds = (unsigned)strtoul(argv[ROUNDS], NULL, 10)};
        if (pthread_create(&jobs[i].thread, NULL, run, &jobs[i]) != 0)
            return 2;
    }
    for (unsigned i = 0; i < count; i++) {
        (void)pthread_join(jobs[i].thread, NULL);
        failures += jobs[i].status != HSMIAM_OK;
    }
    hsmiam_token_free(&token);
    hsmiam_error_free(&error);
    free(jobs);
    return failures > 0;
}
