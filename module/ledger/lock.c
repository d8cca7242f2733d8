/* SPDX-License-Identifier: Apache-2.0 */
/* One issue at a time for a user: a lock on a file beside the ledger, which the kernel takes back
 * when its process dies. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ledger/internal.h"

#define NAME_DIGITS 32 /* of the subject's hash */
#define MODE        0660

/* The file's name tells nothing of the user; IAM's names differ not in case alone. */
static char *make_path(const hsmiam_ledger *ledger, const char *subject)
{
    uint8_t digest[HSMIAM_DIGEST_SIZE];
    char hex[HSMIAM_HEX_SIZE];
    char *path = NULL;
    char *folded = strdup(subject);
    hsmiam_hash *hash = hsmiam_hash_new();

    for (char *at = folded; at != NULL && *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
    if (folded != NULL && hash != NULL &&
        hsmiam_hash_compute(hash, folded, strlen(folded), digest)) {
        hsmiam_hash_format(digest, hex);
        if (asprintf(&path, "%s.lock-%.*s", ledger->file.path, NAME_DIGITS, hex) < 0)
            path = NULL;
    }
    hsmiam_hash_free(&hash);
    free(folded);
    return path;
}

hsmiam_status hsmiam_user_lock_try(const hsmiam_ledger *ledger, const char *subject,
                                   hsmiam_user_lock *lock, bool *held_out, hsmiam_error *error)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    hsmiam_file probe = {.functions = ledger->file.functions, .path = ledger->file.path, .fd = -1};
    hsmiam_status status = HSMIAM_OK;
    char *path = make_path(ledger, subject);

    *held_out = false;
    if (path == NULL)
        return hsmiam_error_set_memory(error, "a lock");
    if (lock->fd < 0)
        lock->fd =
            ledger->file.functions->open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, MODE);
    if (lock->fd < 0 && errno == ENOENT) { /* the ledger's directory is still to be made */
        status = hsmiam_file_open(&probe, error);
        hsmiam_file_close(&probe);
        if (status != HSMIAM_OK)
            goto out;
        lock->fd =
            ledger->file.functions->open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, MODE);
    }
    if (lock->fd < 0) {
        status = hsmiam_error_set_errno(error, HSMIAM_ERR_IO, errno, "The lock %s cannot be opened",
                                        path);
        goto out;
    }
    if (fcntl(lock->fd, F_OFD_SETLK, &whole) == 0)
        *held_out = true;
    else if (errno != EAGAIN && errno != EACCES && errno != EINTR)
        status = hsmiam_error_set_errno(error, HSMIAM_ERR_IO, errno, "The lock %s cannot be taken",
                                        path);
out:
    free(path);
    return status;
}

void hsmiam_user_lock_release(hsmiam_user_lock *lock)
{
    if (lock->fd >= 0)
        (void)close(lock->fd);
    lock->fd = -1;
}
