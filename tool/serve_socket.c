/* SPDX-License-Identifier: Apache-2.0 */
#include "serve_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST_PASSED 3 /* SD_LISTEN_FDS_START */
#define BACKLOG      256

/* The number in a variable of systemd's; 0 if there is none. */
static long get_number(const char *name)
{
    const char *text = getenv(name);

    return text ? strtol(text, NULL, 10) : 0;
}

static bool is_loopback(const struct sockaddr_storage *address)
{
    const struct sockaddr_in *four = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;

    if (address->ss_family == AF_INET)
        return ntohl(four->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    return address->ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

/* Whatever the socket is, its own address is asked for. */
static hsmiam_status describe(int fd, char authority_out[64], tool_error *error)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    char host[INET6_ADDRSTRLEN] = "";
    int type = 0;
    socklen_t type_size = sizeof type;
    int listens = 0;
    socklen_t listens_size = sizeof listens;
    bool is_six = false;

    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) != 0)
        return tool_error_set(error, HSMIAM_ERR_CONFIG,
                              "Descriptor %d, which systemd passed on, is no socket: %s", fd,
                              strerror(errno));
    if (type != SOCK_STREAM || !is_loopback(&address))
        return tool_error_set(error, HSMIAM_ERR_CONFIG,
                              "The socket that systemd passed on is not one of TCP on this "
                              "machine's loopback; its unit needs ListenStream=127.0.0.1:9911 or "
                              "the like.");
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &listens_size) != 0 || !listens)
        return tool_error_set(error, HSMIAM_ERR_CONFIG,
                              "The socket that systemd passed on does not listen; restart its "
                              "unit.");
    is_six = address.ss_family == AF_INET6;
    const struct sockaddr_in *four = (const struct sockaddr_in *)&address;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&address;
    (void)inet_ntop(address.ss_family,
                    is_six ? (const void *)&six->sin6_addr : (const void *)&four->sin_addr, host,
                    sizeof host);
    (void)snprintf(authority_out, 64, is_six ? "[%s]:%u" : "%s:%u", host,
                   ntohs(is_six ? six->sin6_port : four->sin_port));
    return HSMIAM_OK;
}

static hsmiam_status open_socket(unsigned port, int *fd_out, tool_error *error)
{
    const int on = 1;
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(fd, BACKLOG) != 0) {
        int saved = errno;

        if (fd >= 0)
            (void)close(fd);
        return tool_error_set(error, HSMIAM_ERR_IO,
                              "Port %u of 127.0.0.1 cannot be listened on: %s", port,
                              strerror(saved));
    }
    *fd_out = fd;
    return HSMIAM_OK;
}

hsmiam_status tool_serve_listen(unsigned port, int *fd_out, char authority_out[64],
                                bool *passed_out, tool_error *error)
{
    bool is_passed = get_number("LISTEN_PID") == (long)getpid();
    long passed = is_passed ? get_number("LISTEN_FDS") : 0;
    int fd = FIRST_PASSED;
    hsmiam_status status = HSMIAM_OK;

    if (passed > 1)
        return tool_error_set(error, HSMIAM_ERR_CONFIG,
                              "systemd passed on %ld sockets, and one is served.", passed);
    if (passed == 0)
        status = open_socket(port, &fd, error);
    if (status != HSMIAM_OK)
        return status;
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    status = describe(fd, authority_out, error);
    if (status == HSMIAM_OK) {
        *fd_out = fd;
        *passed_out = passed > 0;
    } else {
        (void)close(fd);
    }
    return status;
}
