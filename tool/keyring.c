/* SPDX-License-Identifier: Apache-2.0 */
#include "keyring.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KEY_TYPE "user"

/* keyctl(1) calls them so: all for whoever possesses it; view, read, search and setattr for the
 * user, since a session's keyring need not be linked to the user's, and then nobody possesses it.
 */
#define PERMISSIONS 0x3f2b0000ul

/* libc has no functions for these calls. */
static long control(int operation, long key, uintptr_t two, uintptr_t three, uintptr_t four)
{
    return syscall(SYS_keyctl, operation, key, two, three, four);
}

bool tool_keyring_get(const char *name, tool_secret *secret_out)
{
    long key =
        control(KEYCTL_SEARCH, KEY_SPEC_USER_KEYRING, (uintptr_t)KEY_TYPE, (uintptr_t)name, 0);
    long size = 0;

    if (key < 0)
        return false;
    size = control(KEYCTL_READ, key, (uintptr_t)secret_out->data, TOOL_SECRET_SIZE_MAX, 0);
    if (size <= 0 || size > TOOL_SECRET_SIZE_MAX)
        return false;
    secret_out->size = (size_t)size;
    secret_out->data[size] = '\0';
    return true;
}

/* It is made in the keyring of this process, where it may be given its rights and its time, and
 * then goes to the user's, in the place of what is there under its name. */
hsmiam_status tool_keyring_put(const char *name, const tool_secret *secret, unsigned seconds,
                               tool_error *error)
{
    long key =
        syscall(SYS_add_key, KEY_TYPE, name, secret->data, secret->size, KEY_SPEC_PROCESS_KEYRING);

    if (key < 0 || control(KEYCTL_SET_TIMEOUT, key, seconds, 0, 0) < 0 ||
        control(KEYCTL_SETPERM, key, PERMISSIONS, 0, 0) < 0 ||
        control(KEYCTL_LINK, key, (uintptr_t)KEY_SPEC_USER_KEYRING, 0, 0) < 0)
        return tool_error_set(error, HSMIAM_ERR_CONFIG,
                              "The kernel's keyring does not take the credentials, so nothing is "
                              "kept: %s. Leave --cache out where keyrings are not allowed, as in "
                              "many containers.",
                              strerror(errno));
    return HSMIAM_OK;
}
