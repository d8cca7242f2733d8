/* SPDX-License-Identifier: Apache-2.0 */
#include "sigv4/url.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/ascii.h"
#include "base/buffer.h"

#define HOST_MAX 255

typedef struct url_scheme {
    const char *prefix;
    unsigned default_port;
} url_scheme;

static const url_scheme schemes[] = {{"https://", 443}, {"http://", 80}};

static const url_scheme *find_scheme(const char *text)
{
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (strncasecmp(text, schemes[i].prefix, strlen(schemes[i].prefix)) == 0)
            return &schemes[i];
    }
    return NULL;
}

static bool is_name(const char *host, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (!hsmiam_ascii_is_alnum(host[i]) && host[i] != '-' && host[i] != '_' && host[i] != '.')
            return false;
    }
    return size > 0 && size <= HOST_MAX;
}

/* An IPv6 address between brackets; a zone is a matter of the local machine and not for a Host
 * header. */
static bool is_bracketed_ipv6(const char *host, size_t size)
{
    char address[INET6_ADDRSTRLEN] = "";
    struct in6_addr parsed;

    if (size < 2 || size - 2 >= sizeof address || host[0] != '[' || host[size - 1] != ']')
        return false;
    memcpy(address, host + 1, size - 2);
    return inet_pton(AF_INET6, address, &parsed) == 1;
}

/* Reads what stands behind the host: nothing, ":" or ":" and a port. 0 if there is no port. */
static bool read_port(const char *text, size_t size, unsigned *port_out)
{
    unsigned port = 0;

    *port_out = 0;
    if (size <= 1)
        return size == 0 || text[0] == ':';
    if (text[0] != ':' || size > sizeof ":65535" - 1)
        return false;
    for (size_t i = 1; i < size; i++) {
        if (!hsmiam_ascii_is_digit(text[i]))
            return false;
        port = port * 10 + (unsigned)(text[i] - '0');
    }
    *port_out = port;
    return port >= 1 && port <= 65535;
}

/* Makes the Host header of the URL's authority. */
static hsmiam_status make_host(const char *authority, size_t size, unsigned default_port,
                               char **host_out, hsmiam_error *error)
{
    hsmiam_buffer host;
    unsigned port = 0;

    if (memchr(authority, '@', size) != NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "The URL has user information before its host; leave it out.");

    const char *bracket = memchr(authority, ']', size);
    const char *colon = memchr(authority, ':', size);
    size_t host_size = size;
    if (bracket != NULL)
        host_size = (size_t)(bracket - authority) + 1;
    else if (colon != NULL)
        host_size = (size_t)(colon - authority);
    if (!is_name(authority, host_size) && !is_bracketed_ipv6(authority, host_size))
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "The URL's host is missing or malformed: it is a name of letters, "
                                "digits, '-', '_' and '.', an IPv4 address, or an IPv6 address in "
                                "brackets.");
    if (!read_port(authority + host_size, size - host_size, &port))
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "The URL's port is not a number from 1 to 65535.");

    hsmiam_buffer_init(&host, HOST_MAX + sizeof ":65535");
    for (size_t i = 0; i < host_size; i++)
        hsmiam_buffer_append_char(&host, hsmiam_ascii_to_lower(authority[i]));
    if (port != 0 && port != default_port)
        hsmiam_buffer_append_format(&host, ":%u", port);

    hsmiam_status status = hsmiam_buffer_check(&host, "the URL's host", error);
    if (status != HSMIAM_OK)
        hsmiam_buffer_clear(&host);
    *host_out = host.data;
    return status;
}

/* Refuses what cannot be a request's URL, by its length, scheme and fragment. */
static hsmiam_status check_url(const char *text, const url_scheme *scheme, hsmiam_error *error)
{
    if (strnlen(text, HSMIAM_URL_MAX + 1) > HSMIAM_URL_MAX)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT, "The URL is longer than %zu bytes.",
                                HSMIAM_URL_MAX);
    if (scheme == NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "The URL begins with neither https:// nor http://.");
    if (strchr(text, '#') != NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "The URL has a fragment, which no request carries; leave it out, "
                                "or write the '#' as %%23.");
    return HSMIAM_OK;
}

hsmiam_status hsmiam_url_parse(const char *text, hsmiam_url *url_out, hsmiam_error *error)
{
    const url_scheme *scheme = find_scheme(text);
    hsmiam_url url = {0};

    hsmiam_status status = check_url(text, scheme, error);
    if (status != HSMIAM_OK || scheme == NULL)
        goto out;
    const char *authority = text + strlen(scheme->prefix);
    size_t authority_size = strcspn(authority, "/?");
    const char *path = authority + authority_size;
    size_t path_size = strcspn(path, "?");
    const char *query = path + path_size;

    status = make_host(authority, authority_size, scheme->default_port, &url.host, error);
    if (status != HSMIAM_OK)
        goto out;
    url.path = path_size > 0 ? strndup(path, path_size) : strdup("/");
    url.query = strdup(*query == '?' ? query + 1 : "");
    if (url.path == NULL || url.query == NULL) {
        status = hsmiam_error_set_memory(error, "the URL");
        goto out;
    }
    url.scheme = scheme->prefix;
    *url_out = url;
    url = (hsmiam_url){0};

out:
    hsmiam_url_clear(&url);
    return status;
}

void hsmiam_url_clear(hsmiam_url *url)
{
    free(url->host);
    free(url->path);
    free(url->query);
    *url = (hsmiam_url){0};
}
