/* SPDX-License-Identifier: Apache-2.0 */
#include "cryptoki/name.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static const char plain[] = "hsmiam-pkcs11";

static char name[HSMIAM_NAME_MAX];
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Where ".so" is, with nothing but a version behind it; NULL: it is not there. A profile's name may
 * have one in it. */
static const char *find_suffix(const char *base)
{
    const char *at = strstr(base, ".so");

    while (at != NULL && at[3 + strspn(at + 3, ".0123456789")] != '\0')
        at = strstr(at + 1, ".so");
    return at;
}

static void find_name(void)
{
    Dl_info info;
    const char *path = dladdr(plain, &info) != 0 ? info.dli_fname : plain;
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    const char *end = find_suffix(base);
    size_t size = end != NULL ? (size_t)(end - base) : strlen(base);

    (void)snprintf(name, sizeof name, "%.*s", (int)size, base);
}

const char *hsmiam_name_get(void)
{
    (void)pthread_once(&once, find_name);
    return name;
}

const char *hsmiam_name_get_profile(void)
{
    const char *own = hsmiam_name_get();
    size_t size = sizeof plain - 1;

    if (strncmp(own, plain, size) != 0 || own[size] != '-' || own[size + 1] == '\0')
        return NULL;
    return own + size + 1;
}
