/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ledger/internal.h"
#include "ledger/json.h"

#define NO_LOGIN ((uid_t)-1)

/* The user who logged in, as the kernel's audit has it: su and sudo do not change it. */
static uid_t get_login_user(void)
{
    char text[16] = "";
    int fd = open("/proc/self/loginuid", O_RDONLY | O_CLOEXEC);
    ssize_t size = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;

    if (fd >= 0)
        (void)close(fd);
    return size > 0 ? (uid_t)strtoul(text, NULL, 10) : NO_LOGIN;
}

/* A name for a record: what is no printable ASCII there is of no use to anyone. */
static void copy_name(const char *name, char to[HSMIAM_NAME_MAX + 1])
{
    size_t size = hsmiam_utf8_fit(name, HSMIAM_NAME_MAX);

    for (size_t i = 0; i < size; i++)
        to[i] = (char)(name[i] > ' ' && name[i] <= '~' ? name[i] : '?');
    to[size] = '\0';
}

void hsmiam_operator_describe(char operator_out[HSMIAM_NAME_MAX + 1],
                              char host_out[HSMIAM_NAME_MAX + 1])
{
    uid_t user = get_login_user();
    struct passwd entry;
    struct passwd *found = NULL;
    char buffer[4096];
    char host[256] = "";

    if (user == NO_LOGIN)
        user = getuid();
    if (getpwuid_r(user, &entry, buffer, sizeof buffer, &found) == 0 && found != NULL)
        copy_name(entry.pw_name, operator_out);
    else
        (void)snprintf(operator_out, HSMIAM_NAME_MAX + 1, "%lu", (unsigned long)user);
    if (gethostname(host, sizeof host - 1) != 0)
        host[0] = '\0';
    copy_name(host, host_out);
}
