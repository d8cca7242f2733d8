/* SPDX-License-Identifier: Apache-2.0 */
#include "iam/endpoint.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The last row is the commercial partition, which takes every region that no other one claims. */
static const hsmiam_partition partitions[] = {
    {"cn-", "aws-cn-global", "https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1",
     "https://iam-fips.amazonaws.com.cn", "cn-northwest-1"},
    {"us-gov-", "aws-us-gov-global", "https://iam.us-gov.amazonaws.com", "us-gov-west-1",
     "https://iam.us-gov.amazonaws.com", "us-gov-west-1"},
    {"us-iso-", "aws-iso-global", "https://iam.us-iso-east-1.c2s.ic.gov", "us-iso-east-1",
     "https://iam-fips.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"},
    {"us-isob-", "aws-iso-b-global", "https://iam.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1",
     "https://iam-fips.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"},
    {"eu-isoe-", "aws-iso-e-global", "https://iam.eu-isoe-west-1.cloud.adc-e.uk", "eu-isoe-west-1",
     "https://iam-fips.cloud.adc-e.uk", "eu-isoe-west-1"},
    {"us-isof-", "aws-iso-f-global", "https://iam.us-isof-south-1.csp.hci.ic.gov",
     "us-isof-south-1", "https://iam-fips.csp.hci.ic.gov", "us-isof-south-1"},
    {"eusc-de-", NULL, "https://iam.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1",
     "https://iam-fips.amazonaws.eu", "eusc-de-east-1"},
    {NULL, "aws-global", "https://iam.amazonaws.com", "us-east-1", "https://iam-fips.amazonaws.com",
     "us-east-1"},
};
#define COMMERCIAL (&partitions[sizeof partitions / sizeof partitions[0] - 1])

static const char digits[] = "0123456789";
static const char letters_and_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                         "0123456789";

/* NAME-NUMBER, as in `east-1`. */
static bool is_place(const char *text)
{
    size_t name = strspn(text, letters_and_digits);

    if (name == 0 || text[name] != '-')
        return false;
    size_t number = strspn(text + name + 1, digits);
    return number > 0 && text[name + 1 + number] == '\0';
}

static bool claims(const hsmiam_partition *partition, const char *region)
{
    if (partition->global_region != NULL && strcmp(region, partition->global_region) == 0)
        return true;
    size_t size = strlen(partition->region_prefix);
    return strncmp(region, partition->region_prefix, size) == 0 && is_place(region + size);
}

const hsmiam_partition *hsmiam_partition_find(const char *region)
{
    if (region == NULL)
        return COMMERCIAL;
    for (const hsmiam_partition *partition = partitions; partition != COMMERCIAL; partition++) {
        if (claims(partition, region))
            return partition;
    }
    return COMMERCIAL;
}

/* Whether a message may repeat it: control characters could play with the terminal. */
static bool is_printable(const char *text)
{
    for (; text != NULL && *text != '\0'; text++) {
        if (*text < ' ' || *text > '~')
            return false;
    }
    return text != NULL;
}

hsmiam_status hsmiam_region_check(const char *region, hsmiam_error *error)
{
    size_t size = region != NULL ? strlen(region) : 0;
    bool valid = size > 0 && size <= HSMIAM_REGION_MAX && region[0] != '-' &&
                 region[size - 1] != '-' && strspn(region, digits) < size;

    for (size_t i = 0; valid && i < size; i++)
        valid = region[i] == '-' || strchr(letters_and_digits, region[i]) != NULL;
    if (valid)
        return HSMIAM_OK;
    return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                            "Invalid region: \"%s\" is not 1 to %d letters, digits and inner "
                            "hyphens, as in \"eu-central-1\".",
                            size <= HSMIAM_REGION_MAX && is_printable(region) ? region : "...",
                            HSMIAM_REGION_MAX);
}

/* One part of the URL, "" where it has none. The text is libcurl's on success. */
static CURLUcode get_part(const hsmiam_transport_functions *curl, CURLU *url, CURLUPart part,
                          unsigned flags, char *to, size_t size)
{
    char *content = NULL;
    CURLUcode code = curl->url_get(url, part, &content, flags);

    if (code == CURLUE_NO_PORT) {
        to[0] = '\0';
        return CURLUE_OK;
    }
    if (code == CURLUE_OK && snprintf(to, size, "%s", content) >= (int)size)
        code = CURLUE_MALFORMED_INPUT;
    curl->free(content);
    return code;
}

static bool is_loopback(const char *host)
{
    struct in_addr address = {0};

    if (strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
        return true;
    return inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

static hsmiam_status refuse(hsmiam_error *error, const char *reason)
{
    return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT, "Bad value for the endpoint URL: %s.",
                            reason);
}

/* What libcurl's parser would take or turn into something else, and must not. */
static hsmiam_status check_text(const char *url, hsmiam_error *error)
{
    const char *authority = url != NULL ? strstr(url, "://") : NULL;

    if (url == NULL || url[0] == '\0')
        return refuse(error, "it is empty");
    if (strlen(url) > HSMIAM_ENDPOINT_URL_MAX - 1)
        return refuse(error, "it is too long");
    if (authority == NULL)
        /* A text with an '@' may hold a password. */
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "Bad value for the endpoint URL \"%s\": scheme is missing.  Must "
                                "be of the form http://<hostname>/ or https://<hostname>/",
                                is_printable(url) && strchr(url, '@') == NULL ? url : "...");
    if (strpbrk(url, "?#") != NULL)
        return refuse(error, "it may not have a query or a fragment");
    authority += strlen("://");
    if (memchr(authority, '@', strcspn(authority, "/")) != NULL)
        return refuse(error, "it may not have a user name or password");
    return HSMIAM_OK;
}

/* libcurl turns 0x7f.1 into 127.0.0.1; only a host that it leaves alone is taken. */
static bool is_host_literal(const char *url, const char *host)
{
    const char *literal = strstr(url, "://") + strlen("://");
    size_t size = strlen(host);

    return size > 0 && strncmp(literal, host, size) == 0 && strchr(":/", literal[size]) != NULL;
}

static hsmiam_status check_parts(const char *url, const char *scheme, const char *port,
                                 hsmiam_endpoint *endpoint, hsmiam_error *error)
{
    if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
        return refuse(error, "its scheme is neither http nor https");
    if (!is_host_literal(url, endpoint->host))
        return refuse(error, "its host is missing or not in its plain form");

    endpoint->plain = strcmp(scheme, "http") == 0;
    endpoint->loopback = is_loopback(endpoint->host);
    if (endpoint->plain && !endpoint->loopback)
        return hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                                "The endpoint URL must be an https one: plain http is for the "
                                "loopback hosts localhost, 127.0.0.0/8 and [::1] only.");

    endpoint->port = endpoint->plain ? 80 : 443;
    if (port[0] != '\0')
        endpoint->port = (unsigned)strtoul(port, NULL, 10);
    if (snprintf(endpoint->authority, sizeof endpoint->authority, "%s%s%s", endpoint->host,
                 port[0] != '\0' ? ":" : "", port) >= (int)sizeof endpoint->authority)
        return refuse(error, "it is too long");
    return HSMIAM_OK;
}

hsmiam_status hsmiam_endpoint_parse(const hsmiam_transport_functions *curl, const char *url,
                                    hsmiam_endpoint *endpoint_out, hsmiam_error *error)
{
    hsmiam_endpoint endpoint = {.port = 0};
    char scheme[16] = "";
    char port[8] = "";
    CURLU *parsed = NULL;

    hsmiam_status status = check_text(url, error);
    if (status != HSMIAM_OK)
        goto out;
    parsed = curl->url();
    if (parsed == NULL) {
        status = hsmiam_error_set_memory(error, "the endpoint URL");
        goto out;
    }
    CURLUcode code = curl->url_set(parsed, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME);
    if (code == CURLUE_OK)
        code = get_part(curl, parsed, CURLUPART_SCHEME, 0, scheme, sizeof scheme);
    if (code == CURLUE_OK)
        code = get_part(curl, parsed, CURLUPART_HOST, 0, endpoint.host, sizeof endpoint.host);
    if (code == CURLUE_OK)
        code = get_part(curl, parsed, CURLUPART_PORT, CURLU_NO_DEFAULT_PORT, port, sizeof port);
    if (code == CURLUE_OK)
        code = get_part(curl, parsed, CURLUPART_URL, 0, endpoint.url, sizeof endpoint.url);

    if (code == CURLUE_OUT_OF_MEMORY)
        status = hsmiam_error_set_memory(error, "the endpoint URL");
    else if (code != CURLUE_OK)
        status = refuse(error, "it is malformed");
    else
        status = check_parts(url, scheme, port, &endpoint, error);
    if (status == HSMIAM_OK)
        *endpoint_out = endpoint;
out:
    curl->url_cleanup(parsed);
    return status;
}
