/* SPDX-License-Identifier: Apache-2.0 */
/* One issue at a time for a user: locks on bytes of a file beside the ledger, which the kernel
 * takes back when their process dies. Which user a credential belongs to is not known here, so that
 * work on the credential's own user excludes that on any other: its byte is shared by all of those.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ledger/internal.h"

#define OWN_BYTE     0
#define DIGEST_BYTES 7 /* of a subject's digest: an offset of 56 bits */
#define OPENINGS_MAX 8

/* The byte that stands for the subject; IAM's names differ not in case alone. */
static hsmiam_status find_byte(const char *subject, off_t *byte_out, hsmiam_error *error)
{
    uint8_t digest[HSMIAM_DIGEST_SIZE] = {0};
    hsmiam_hash *hash = hsmiam_hash_new();
    char *folded = strdup(subject);
    uint64_t offset = 0;
    bool done = false;

    for (char *at = folded; at != NULL && *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
    if (folded != NULL && hash != NULL)
        done = hsmiam_hash_compute(hash, folded, strlen(folded), digest);
    for (size_t i = 0; done && i < DIGEST_BYTES; i++)
        offset = offset << 8 | digest[i];
    *byte_out = (off_t)offset + 1;
    hsmiam_hash_free(&hash);
    free(folded);
    return done ? HSMIAM_OK : hsmiam_error_set_memory(error, "a lock");
}

static bool lock_byte(int fd, short type, off_t byte)
{
    struct flock range = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

    return fcntl(fd, F_OFD_SETLK, &range) == 0;
}

/* Both bytes, or none. */
static bool lock_subject(int fd, const char *subject, off_t byte)
{
    if (strcmp(subject, HSMIAM_LOCK_OWN_USER) == 0)
        return lock_byte(fd, F_WRLCK, OWN_BYTE);
    if (subject[0] != ':' && !lock_byte(fd, F_RDLCK, OWN_BYTE))
        return false;
    if (lock_byte(fd, F_WRLCK, byte))
        return true;
    int number = errno;
    (void)lock_byte(fd, F_UNLCK, OWN_BYTE);
    errno = number;
    return false;
}

static hsmiam_status open_lock(const hsmiam_ledger *ledger, const char *path, int *fd_out,
                               hsmiam_error *error)
{
    hsmiam_file probe = {.functions = ledger->file.functions, .path = ledger->file.path, .fd = -1};
    hsmiam_status status = hsmiam_file_open_lock(&ledger->file, path, fd_out, error);

    if (status != HSMIAM_ERR_IO || errno != ENOENT)
        return status;
    hsmiam_error_clear(error);
    status = hsmiam_file_open(&probe, error); /* the ledger's directory is still to be made */
    hsmiam_file_close(&probe);
    return status == HSMIAM_OK ? hsmiam_file_open_lock(&ledger->file, path, fd_out, error) : status;
}

hsmiam_status hsmiam_user_lock_try(const hsmiam_ledger *ledger, const char *subject,
                                   hsmiam_user_lock *lock, bool *held_out, hsmiam_error *error)
{
    hsmiam_status status = HSMIAM_OK;
    char *path = NULL;
    off_t byte = 0;

    *held_out = false;
    if (asprintf(&path, "%s.lock", ledger->file.path) < 0)
        return hsmiam_error_set_memory(error, "a lock");
    status = find_byte(subject, &byte, error);
    for (int i = 0; status == HSMIAM_OK && !*held_out && i < OPENINGS_MAX; i++) {
        if (lock->fd < 0)
            status = open_lock(ledger, path, &lock->fd, error);
        if (status != HSMIAM_OK)
            break;
        *held_out = lock_subject(lock->fd, subject, byte);
        if (!*held_out && errno != EAGAIN && errno != EACCES && errno != EINTR)
            status = hsmiam_error_set_errno(error, HSMIAM_ERR_IO, errno,
                                            "The lock %s cannot be taken", path);
        /* A lock on a file that somebody moved away excludes nobody. */
        if (hsmiam_file_is_current(&ledger->file, path, lock->fd))
            break;
        *held_out = false;
        hsmiam_user_lock_release(lock);
    }
    free(path);
    return status;
}

void hsmiam_user_lock_release(hsmiam_user_lock *lock)
{
    if (lock->fd >= 0)
        (void)close(lock->fd);
    lock->fd = -1;
}
