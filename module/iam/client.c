/* SPDX-License-Identifier: Apache-2.0 */
#include "iam/client.h"

#include "base/time.h"
#include "sigv4/signer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_SECONDS 60

/* A signal ends it early. */
static void sleep_for(unsigned milliseconds)
{
    const struct timespec time = {.tv_sec = milliseconds / 1000,
                                  .tv_nsec = (long)(milliseconds % 1000) * 1000000};

    (void)nanosleep(&time, NULL);
}

hsmiam_status hsmiam_client_new_over(const hsmiam_transport_functions *curl, hsmiam_signer *signer,
                                     hsmiam_client **client_out, hsmiam_error *error)
{
    hsmiam_client *client = calloc(1, sizeof *client);
    if (client == NULL)
        return hsmiam_error_set_memory(error, "a client");
    client->signer = signer;
    client->connect_seconds = DEFAULT_SECONDS;
    client->read_seconds = DEFAULT_SECONDS;
    client->max_attempts = HSMIAM_ATTEMPTS_DEFAULT;
    client->sleep = sleep_for;
    client->service_time = -1;

    hsmiam_status status = hsmiam_transport_new(curl, &client->transport, error);
    if (status != HSMIAM_OK)
        goto out;
    *client_out = client;
    client = NULL;
out:
    hsmiam_client_free(&client);
    return status;
}

hsmiam_status hsmiam_client_new(hsmiam_signer *signer, hsmiam_client **client_out,
                                hsmiam_error *error)
{
    return hsmiam_client_new_over(NULL, signer, client_out, error);
}

/* What the caller set, and what is known of the service's clock. */
static hsmiam_status copy_settings(hsmiam_client *to, const hsmiam_client *from,
                                   hsmiam_error *error)
{
    to->log = from->log;
    to->cancel = from->cancel;
    to->cancel_context = from->cancel_context;
    memcpy(to->region, from->region, sizeof to->region);
    to->fips = from->fips;
    to->no_verify = from->no_verify;
    to->connect_seconds = from->connect_seconds;
    to->read_seconds = from->read_seconds;
    to->max_attempts = from->max_attempts;
    to->sleep = from->sleep;
    to->clock_offset = from->clock_offset;
    if (from->ca_bundle != NULL && (to->ca_bundle = strdup(from->ca_bundle)) == NULL)
        return hsmiam_error_set_memory(error, "the CA bundle's path");
    for (size_t i = 0; i < HSMIAM_SERVICE_COUNT; i++) {
        if (from->endpoints[i] == NULL)
            continue;
        to->endpoints[i] = malloc(sizeof *to->endpoints[i]);
        if (to->endpoints[i] == NULL)
            return hsmiam_error_set_memory(error, "the endpoint URL");
        *to->endpoints[i] = *from->endpoints[i];
    }
    return HSMIAM_OK;
}

hsmiam_status hsmiam_client_new_like(const hsmiam_client *like, hsmiam_signer *signer,
                                     hsmiam_client **client_out, hsmiam_error *error)
{
    hsmiam_client *client = NULL;
    hsmiam_status status = hsmiam_client_new_over(hsmiam_transport_get_functions(like->transport),
                                                  signer, &client, error);

    if (client != NULL)
        status = copy_settings(client, like, error);
    if (status == HSMIAM_OK) {
        *client_out = client;
        client = NULL;
    }
    hsmiam_client_free(&client);
    return status;
}

void hsmiam_client_free(hsmiam_client **client)
{
    if (client == NULL || *client == NULL)
        return;
    hsmiam_transport_free(&(*client)->transport);
    for (size_t i = 0; i < HSMIAM_SERVICE_COUNT; i++)
        free((*client)->endpoints[i]);
    free((*client)->ca_bundle);
    free(*client);
    *client = NULL;
}

hsmiam_status hsmiam_client_set_region(hsmiam_client *client, const char *region,
                                       hsmiam_error *error)
{
    hsmiam_status status = hsmiam_region_check(region, error);

    if (status == HSMIAM_OK)
        memcpy(client->region, region, strlen(region) + 1);
    return status;
}

static hsmiam_status set_endpoint(hsmiam_client *client, hsmiam_service_id service, const char *url,
                                  hsmiam_error *error)
{
    hsmiam_endpoint *endpoint = calloc(1, sizeof *endpoint);
    if (endpoint == NULL)
        return hsmiam_error_set_memory(error, "the endpoint URL");

    hsmiam_status status = hsmiam_endpoint_parse(url, endpoint, error);
    if (status != HSMIAM_OK)
        goto out;
    free(client->endpoints[service]);
    client->endpoints[service] = endpoint;
    endpoint = NULL;
out:
    free(endpoint);
    return status;
}

hsmiam_status hsmiam_client_set_endpoint(hsmiam_client *client, const char *url,
                                         hsmiam_error *error)
{
    return set_endpoint(client, HSMIAM_SERVICE_IAM, url, error);
}

hsmiam_status hsmiam_client_set_sts_endpoint(hsmiam_client *client, const char *url,
                                             hsmiam_error *error)
{
    return set_endpoint(client, HSMIAM_SERVICE_STS, url, error);
}

void hsmiam_client_set_fips(hsmiam_client *client, bool fips)
{
    client->fips = fips;
}

static hsmiam_status check_readable(const char *path, hsmiam_error *error)
{
    struct stat information = {0};
    hsmiam_status status = HSMIAM_OK;

    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return hsmiam_error_set_errno(error, HSMIAM_ERR_CONFIG, errno,
                                      "Cannot read the CA bundle \"%s\"", path);
    if (fstat(descriptor, &information) != 0 || !S_ISREG(information.st_mode))
        status =
            hsmiam_error_set(error, HSMIAM_ERR_CONFIG, "The CA bundle \"%s\" is not a file.", path);
    (void)close(descriptor);
    return status;
}

hsmiam_status hsmiam_client_set_ca_bundle(hsmiam_client *client, const char *path,
                                          hsmiam_error *error)
{
    hsmiam_status status = check_readable(path, error);
    if (status != HSMIAM_OK)
        return status;
    char *copy = strdup(path);
    if (copy == NULL)
        return hsmiam_error_set_memory(error, "the CA bundle's path");
    free(client->ca_bundle);
    client->ca_bundle = copy;
    return HSMIAM_OK;
}

void hsmiam_client_set_no_verify(hsmiam_client *client, bool no_verify)
{
    client->no_verify = no_verify;
}

void hsmiam_client_set_timeouts(hsmiam_client *client, unsigned connect_seconds,
                                unsigned read_seconds)
{
    client->connect_seconds = connect_seconds;
    client->read_seconds = read_seconds;
}

void hsmiam_client_set_max_attempts(hsmiam_client *client, unsigned attempts)
{
    client->max_attempts = attempts > 0 ? attempts : HSMIAM_ATTEMPTS_DEFAULT;
}

void hsmiam_client_set_log(hsmiam_client *client, hsmiam_log_fn log, void *context)
{
    client->log = (hsmiam_log){.write = log, .context = context};
}

void hsmiam_client_set_cancel(hsmiam_client *client, hsmiam_cancel_fn cancel, void *context)
{
    client->cancel = cancel;
    client->cancel_context = context;
}

void hsmiam_client_set_ready(hsmiam_client *client, hsmiam_ready_fn ready, void *context)
{
    client->ready = ready;
    client->ready_context = context;
}

void hsmiam_client_set_before_send(hsmiam_client *client, hsmiam_before_send_fn before_send,
                                   void *context)
{
    client->before_send = before_send;
    client->before_send_context = context;
}

hsmiam_signer *hsmiam_client_swap_signer(hsmiam_client *client, hsmiam_signer *signer)
{
    hsmiam_signer *before = client->signer;

    client->signer = signer;
    return before;
}

void hsmiam_client_set_pace(hsmiam_client *client, hsmiam_pace *pace)
{
    client->pace = pace;
}

bool hsmiam_client_was_perhaps_executed(const hsmiam_client *client)
{
    return client->perhaps_executed;
}

void hsmiam_client_set_hurried(hsmiam_client *client, bool hurried)
{
    client->hurried = hurried;
}

bool hsmiam_client_is_cancelled(const hsmiam_client *client)
{
    return client->cancel != NULL && client->cancel(client->cancel_context);
}

hsmiam_signer *hsmiam_client_get_signer(const hsmiam_client *client)
{
    return client->signer;
}

time_t hsmiam_client_get_signing_time(const hsmiam_client *client)
{
    return time(NULL) + client->clock_offset;
}

bool hsmiam_client_get_service_time(const hsmiam_client *client, time_t *time_out)
{
    if (client->service_time < 0)
        return false;
    *time_out = client->service_time;
    return true;
}

/* The caller's own endpoint of a service, NULL if there is none. */
static const hsmiam_endpoint *get_own_endpoint(const hsmiam_client *client,
                                               hsmiam_service_id service)
{
    return client->endpoints[service] != NULL ? client->endpoints[service]
                                              : client->endpoints[HSMIAM_SERVICE_IAM];
}

static void find_location(const hsmiam_client *client, hsmiam_service_id service,
                          hsmiam_location *location_out)
{
    const char *region = client->region[0] != '\0' ? client->region : NULL;
    bool fips = client->fips && get_own_endpoint(client, service) == NULL;

    hsmiam_location_find(service, region, fips, location_out);
}

hsmiam_status hsmiam_client_prime_signer(const hsmiam_client *client, hsmiam_error *error)
{
    char today[HSMIAM_TIME_BASIC_SIZE] = "";
    hsmiam_location location = {.url = ""};
    hsmiam_scope scope = {.date = ""};

    if (!hsmiam_time_format_basic(hsmiam_client_get_signing_time(client), today))
        return hsmiam_error_set(error, HSMIAM_ERR_INTERNAL,
                                "The system's clock is before 1970 or after 9999.");
    find_location(client, HSMIAM_SERVICE_IAM, &location);
    memcpy(scope.date, today, sizeof scope.date - 1);
    (void)snprintf(scope.region, sizeof scope.region, "%s", location.signing_region);
    (void)snprintf(scope.service, sizeof scope.service, "%s",
                   hsmiam_service_get(HSMIAM_SERVICE_IAM)->name);
    return hsmiam_signer_derive(client->signer, &scope, error);
}

hsmiam_status hsmiam_client_describe(const hsmiam_client *client, const char **partition_out,
                                     char endpoint_out[HSMIAM_ENDPOINT_SIZE], hsmiam_error *error)
{
    hsmiam_location location = {.url = ""};
    hsmiam_endpoint endpoint;
    char region[HSMIAM_REGION_MAX + 1];

    hsmiam_status status =
        hsmiam_client_resolve(client, HSMIAM_SERVICE_IAM, &endpoint, region, error);
    if (status != HSMIAM_OK)
        return status;
    find_location(client, HSMIAM_SERVICE_IAM, &location);
    *partition_out = location.partition;
    (void)snprintf(endpoint_out, HSMIAM_ENDPOINT_SIZE, "%s", endpoint.url);
    return HSMIAM_OK;
}

int64_t hsmiam_client_get_secret_arrival(const hsmiam_client *client)
{
    return client->secret_arrival;
}

const hsmiam_log *hsmiam_client_get_log(const hsmiam_client *client)
{
    return &client->log;
}

hsmiam_status hsmiam_client_resolve(const hsmiam_client *client, hsmiam_service_id service,
                                    hsmiam_endpoint *endpoint_out,
                                    char region_out[HSMIAM_REGION_MAX + 1], hsmiam_error *error)
{
    const hsmiam_endpoint *own = get_own_endpoint(client, service);
    hsmiam_location location = {.url = ""};

    if (own != NULL && client->fips)
        return hsmiam_error_set(
            error, HSMIAM_ERR_CONFIG,
            "Invalid Configuration: FIPS and custom endpoint are not supported");
    if (client->no_verify && (own == NULL || !own->loopback))
        return hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                                "The peer's certificate may stay unverified only where the "
                                "endpoint is on this machine (localhost, 127.0.0.0/8 or [::1]).");
    find_location(client, service, &location);
    memcpy(region_out, location.signing_region, sizeof location.signing_region);
    if (own != NULL) {
        *endpoint_out = *own;
        return HSMIAM_OK;
    }
    return hsmiam_endpoint_parse(location.url, endpoint_out, error);
}
