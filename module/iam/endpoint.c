/* SPDX-License-Identifier: Apache-2.0 */
#include "iam/endpoint.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sigv4/url.h"

static const char digits[] = "0123456789";

bool hsmiam_text_is_printable(const char *text)
{
    for (; text != NULL && *text != '\0'; text++) {
        if (*text < ' ' || *text > '~')
            return false;
    }
    return text != NULL;
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

/* What is a URL, and yet no endpoint. */
static hsmiam_status check_text(const char *url, hsmiam_error *error)
{
    const char *authority = strstr(url, "://");

    if (strlen(url) > HSMIAM_ENDPOINT_URL_MAX - 1)
        return refuse(error, "it is too long");
    if (authority == NULL)
        /* A text with an '@' may hold a password. */
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "Bad value for the endpoint URL \"%s\": scheme is missing.  Must "
                                "be of the form http://<hostname>/ or https://<hostname>/",
                                hsmiam_text_is_printable(url) && strchr(url, '@') == NULL ? url
                                                                                          : "...");
    if (!hsmiam_text_is_printable(url) || strpbrk(url, " \"<>\\^`{|}") != NULL)
        return refuse(error, "it is malformed");
    if (strpbrk(url, "?#") != NULL)
        return refuse(error, "it may not have a query or a fragment");
    authority += strlen("://");
    if (memchr(authority, '@', strcspn(authority, "/")) != NULL)
        return refuse(error, "it may not have a user name or password");
    return HSMIAM_OK;
}

/* Whether the last label of a name, the root's dot left out, begins as a number does. */
static bool ends_in_number(const char *host)
{
    size_t size = strlen(host);

    if (size > 0 && host[size - 1] == '.')
        size--;
    const char *dot = memrchr(host, '.', size);
    const char *last = dot != NULL ? dot + 1 : host;
    size_t length = size - (size_t)(last - host);

    return strspn(last, digits) >= length || strncmp(last, "0x", 2) == 0;
}

/* Numbers that the network's functions read in ways of their own (0x7f.1 is 127.0.0.1) are taken
 * in their plain form only, so that what is checked is what is connected to. */
static bool is_plain_host(const char *host)
{
    char plain[INET6_ADDRSTRLEN + sizeof "[]"] = "";
    struct in_addr v4 = {0};
    struct in6_addr v6 = {0};
    size_t size = strlen(host);

    if (host[0] != '[')
        return !ends_in_number(host) || inet_pton(AF_INET, host, &v4) == 1;
    (void)snprintf(plain, sizeof plain, "%.*s", (int)(size - 2), host + 1);
    return inet_pton(AF_INET6, plain, &v6) == 1 &&
           inet_ntop(AF_INET6, &v6, plain, sizeof plain) != NULL && strlen(plain) == size - 2 &&
           strncmp(plain, host + 1, size - 2) == 0;
}

/* Takes "host:port" apart; the port was checked, and is not the scheme's. */
static bool split_authority(hsmiam_endpoint *endpoint)
{
    const char *bracket = strrchr(endpoint->authority, ']');
    const char *colon = strrchr(endpoint->authority, ':');
    size_t size = strlen(endpoint->authority);

    endpoint->port = endpoint->plain ? 80 : 443;
    if (colon != NULL && (bracket == NULL || colon > bracket)) {
        size = (size_t)(colon - endpoint->authority);
        endpoint->port = (unsigned)strtoul(colon + 1, NULL, 10);
    }
    return snprintf(endpoint->host, sizeof endpoint->host, "%.*s", (int)size, endpoint->authority) <
           (int)sizeof endpoint->host;
}

static hsmiam_status check_host(hsmiam_endpoint *endpoint, hsmiam_error *error)
{
    if (!is_plain_host(endpoint->host))
        return refuse(error, "its host is not in its plain form");
    endpoint->loopback = is_loopback(endpoint->host);
    if (endpoint->plain && !endpoint->loopback)
        return hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                                "The endpoint URL must be an https one: plain http is for the "
                                "loopback hosts localhost, 127.0.0.0/8 and [::1] only.");
    return HSMIAM_OK;
}

hsmiam_status hsmiam_endpoint_parse(const char *url, hsmiam_endpoint *endpoint_out,
                                    hsmiam_error *error)
{
    hsmiam_endpoint endpoint = {.port = 0};
    hsmiam_url parts = {0};

    if (url == NULL || url[0] == '\0')
        return refuse(error, "it is empty");
    hsmiam_status status = check_text(url, error);
    if (status != HSMIAM_OK)
        return status;
    endpoint.plain = strncasecmp(url, "http://", strlen("http://")) == 0;
    if (!endpoint.plain && strncasecmp(url, "https://", strlen("https://")) != 0)
        return refuse(error, "its scheme is neither http nor https");
    status = hsmiam_url_parse(url, &parts, error);
    if (status == HSMIAM_ERR_ARGUMENT)
        status = refuse(error, "it is malformed");
    if (status != HSMIAM_OK)
        goto out;
    if (snprintf(endpoint.authority, sizeof endpoint.authority, "%s", parts.host) >=
            (int)sizeof endpoint.authority ||
        snprintf(endpoint.url, sizeof endpoint.url, "%s://%s%s", endpoint.plain ? "http" : "https",
                 parts.host, parts.path) >= (int)sizeof endpoint.url ||
        !split_authority(&endpoint)) {
        status = refuse(error, "it is too long");
        goto out;
    }
    status = check_host(&endpoint, error);
    if (status == HSMIAM_OK)
        *endpoint_out = endpoint;
out:
    hsmiam_url_clear(&parts);
    return status;
}
