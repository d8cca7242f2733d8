/* SPDX-License-Identifier: Apache-2.0 */
#include "iam/client.h"

#include "base/time.h"
#include "sigv4/signer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_SECONDS    60
#define PAUSE_MILLISECONDS 500

hsmiam_status hsmiam_client_new_over(const hsmiam_transport_functions *curl, hsmiam_signer *signer,
                                     hsmiam_client **client_out, hsmiam_error *error)
{
    hsmiam_client *client = calloc(1, sizeof *client);
    if (client == NULL)
        return hsmiam_error_set_memory(error, "a client");
    client->signer = signer;
    client->partition = hsmiam_partition_find(NULL);
    client->connect_seconds = DEFAULT_SECONDS;
    client->read_seconds = DEFAULT_SECONDS;
    client->pause_milliseconds = PAUSE_MILLISECONDS;

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

void hsmiam_client_free(hsmiam_client **client)
{
    if (client == NULL || *client == NULL)
        return;
    hsmiam_transport_free(&(*client)->transport);
    free((*client)->endpoint);
    free((*client)->ca_bundle);
    free(*client);
    *client = NULL;
}

static const char *get_signing_region(const hsmiam_client *client)
{
    const hsmiam_partition *partition = client->partition;

    return client->fips && client->endpoint == NULL ? partition->fips_signing_region
                                                    : partition->signing_region;
}

hsmiam_status hsmiam_client_set_region(hsmiam_client *client, const char *region,
                                       hsmiam_error *error)
{
    hsmiam_status status = hsmiam_region_check(region, error);

    if (status == HSMIAM_OK)
        client->partition = hsmiam_partition_find(region);
    return status;
}

hsmiam_status hsmiam_client_set_endpoint(hsmiam_client *client, const char *url,
                                         hsmiam_error *error)
{
    hsmiam_endpoint *endpoint = calloc(1, sizeof *endpoint);
    if (endpoint == NULL)
        return hsmiam_error_set_memory(error, "the endpoint URL");

    hsmiam_status status = hsmiam_endpoint_parse(url, endpoint, error);
    if (status != HSMIAM_OK)
        goto out;
    free(client->endpoint);
    client->endpoint = endpoint;
    endpoint = NULL;
out:
    free(endpoint);
    return status;
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

hsmiam_signer *hsmiam_client_get_signer(const hsmiam_client *client)
{
    return client->signer;
}

hsmiam_status hsmiam_client_prime_signer(const hsmiam_client *client, hsmiam_error *error)
{
    char today[HSMIAM_TIME_BASIC_SIZE] = "";
    hsmiam_scope scope = {.service = HSMIAM_IAM_SERVICE};
    const char *region = get_signing_region(client);

    if (!hsmiam_time_format_basic(time(NULL), today))
        return hsmiam_error_set(error, HSMIAM_ERR_INTERNAL,
                                "The system's clock is before 1970 or after 9999.");
    memcpy(scope.date, today, sizeof scope.date - 1);
    memcpy(scope.region, region, strlen(region) + 1);
    return hsmiam_signer_derive(client->signer, &scope, error);
}

int64_t hsmiam_client_get_secret_arrival(const hsmiam_client *client)
{
    return client->secret_arrival;
}

const hsmiam_log *hsmiam_client_get_log(const hsmiam_client *client)
{
    return &client->log;
}

hsmiam_status hsmiam_client_resolve(const hsmiam_client *client, hsmiam_endpoint *endpoint_out,
                                    const char **region_out, hsmiam_error *error)
{
    const hsmiam_partition *partition = client->partition;

    if (client->endpoint != NULL && client->fips)
        return hsmiam_error_set(
            error, HSMIAM_ERR_CONFIG,
            "Invalid Configuration: FIPS and custom endpoint are not supported");
    if (client->no_verify && (client->endpoint == NULL || !client->endpoint->loopback))
        return hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                                "The peer's certificate may stay unverified only where the "
                                "endpoint is on this machine (localhost, 127.0.0.0/8 or [::1]).");
    *region_out = get_signing_region(client);
    if (client->endpoint != NULL) {
        *endpoint_out = *client->endpoint;
        return HSMIAM_OK;
    }
    return hsmiam_endpoint_parse(client->fips ? partition->fips_url : partition->url, endpoint_out,
                                 error);
}
