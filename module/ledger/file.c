/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define MODE_FILE      0640
#define MODE_DIRECTORY 0700
#define REOPENINGS_MAX 8

static int open_file(const char *path, int flags, mode_t mode)
{
    return open(path, flags, mode);
}

const hsmiam_file_functions hsmiam_file_system = {
    .open = open_file,
    .close = close,
    .fstat = fstat,
    .stat = stat,
    .flock = flock,
    .pread = pread,
    .write = write,
    .fdatasync = fdatasync,
    .fsync = fsync,
    .mkdir = mkdir,
};

static hsmiam_status fail(const hsmiam_file *file, const char *what, hsmiam_error *error)
{
    return hsmiam_error_set_errno(error, HSMIAM_ERR_IO, errno, "The ledger %s cannot be %s",
                                  file->path, what);
}

/* Makes the directories above the file, those that are missing. */
static hsmiam_status make_directories(const hsmiam_file *file, hsmiam_error *error)
{
    char *path = strdup(file->path);
    hsmiam_status status = HSMIAM_OK;

    if (path == NULL)
        return hsmiam_error_set_memory(error, "a path");
    for (char *at = path + 1; status == HSMIAM_OK && (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        if (file->functions->mkdir(path, MODE_DIRECTORY) != 0 && errno != EEXIST) {
            struct stat information;
            int number = errno;
            /* What cannot be made may be there all the same: on a disk that is read-only. */
            if (file->functions->stat(path, &information) != 0)
                status =
                    hsmiam_error_set_errno(error, HSMIAM_ERR_IO, number,
                                           "The directory %s of the ledger cannot be made", path);
        }
        *at = '/';
    }
    free(path);
    return status;
}

static hsmiam_status open_with(hsmiam_file *file, int flags, const char *what, hsmiam_error *error)
{
    struct stat information;

    file->fd =
        file->functions->open(file->path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, MODE_FILE);
    if (file->fd < 0)
        return fail(file, what, error);
    if (file->functions->fstat(file->fd, &information) != 0) {
        hsmiam_status status = fail(file, what, error);
        hsmiam_file_close(file);
        return status;
    }
    if (!S_ISREG(information.st_mode)) {
        hsmiam_file_close(file);
        return hsmiam_error_set(error, HSMIAM_ERR_IO, "The ledger %s is not a regular file.",
                                file->path);
    }
    return HSMIAM_OK;
}

hsmiam_status hsmiam_file_open(hsmiam_file *file, hsmiam_error *error)
{
    if (file->fd >= 0)
        return HSMIAM_OK;

    hsmiam_status status = open_with(file, O_RDWR | O_APPEND, "written to", error);
    if (status == HSMIAM_OK || errno != ENOENT || file->fd >= 0)
        return status;
    status = make_directories(file, error);
    if (status == HSMIAM_OK)
        status = open_with(file, O_RDWR | O_APPEND | O_CREAT, "made", error);
    return status;
}

hsmiam_status hsmiam_file_open_for_reading(hsmiam_file *file, hsmiam_error *error)
{
    return file->fd >= 0 ? HSMIAM_OK : open_with(file, O_RDONLY, "read", error);
}

void hsmiam_file_close(hsmiam_file *file)
{
    if (file->fd >= 0)
        (void)file->functions->close(file->fd);
    file->fd = -1;
}

static hsmiam_status take_lock(hsmiam_file *file, int operation, hsmiam_error *error)
{
    while (file->functions->flock(file->fd, operation) != 0)
        if (errno != EINTR)
            return fail(file, "locked", error);
    return HSMIAM_OK;
}

/* Somebody may have moved the file away while the lock was waited for. */
static bool is_current(const hsmiam_file *file, struct stat *mine)
{
    struct stat named;

    return file->functions->stat(file->path, &named) == 0 && named.st_dev == mine->st_dev &&
           named.st_ino == mine->st_ino;
}

hsmiam_status hsmiam_file_lock(hsmiam_file *file, uint64_t *size_out, hsmiam_error *error)
{
    struct stat information;

    for (int i = 0; i < REOPENINGS_MAX; i++) {
        hsmiam_status status = hsmiam_file_open(file, error);
        if (status == HSMIAM_OK)
            status = take_lock(file, LOCK_EX, error);
        if (status != HSMIAM_OK)
            return status;
        if (file->functions->fstat(file->fd, &information) != 0) {
            status = fail(file, "looked at", error);
            hsmiam_file_unlock(file);
            return status;
        }
        if (is_current(file, &information)) {
            *size_out = (uint64_t)information.st_size;
            return HSMIAM_OK;
        }
        hsmiam_file_close(file);
    }
    return hsmiam_error_set(error, HSMIAM_ERR_IO, "The ledger %s is replaced again and again.",
                            file->path);
}

void hsmiam_file_unlock(hsmiam_file *file)
{
    if (file->fd >= 0)
        (void)file->functions->flock(file->fd, LOCK_UN);
}

hsmiam_status hsmiam_file_get_size(hsmiam_file *file, uint64_t *size_out, hsmiam_error *error)
{
    struct stat information;
    hsmiam_status status = take_lock(file, LOCK_SH, error);

    if (status != HSMIAM_OK)
        return status;
    if (file->functions->fstat(file->fd, &information) == 0)
        *size_out = (uint64_t)information.st_size;
    else
        status = fail(file, "looked at", error);
    hsmiam_file_unlock(file);
    return status;
}

static hsmiam_status sync_directory(const hsmiam_file *file, hsmiam_error *error)
{
    const char *slash = strrchr(file->path, '/');
    size_t length = slash != NULL ? (size_t)(slash - file->path) : 0;
    char *path = slash == NULL ? strdup(".") : strndup(file->path, length > 0 ? length : 1);
    hsmiam_status status = HSMIAM_OK;

    if (path == NULL)
        return hsmiam_error_set_memory(error, "a path");
    int fd = file->functions->open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    /* Some file systems cannot sync a directory, and say so. */
    if (fd < 0 || (file->functions->fsync(fd) != 0 && errno != EINVAL))
        status = hsmiam_error_set_errno(error, HSMIAM_ERR_IO, errno,
                                        "The directory %s of the ledger cannot be synced", path);
    if (fd >= 0)
        (void)file->functions->close(fd);
    free(path);
    return status;
}

hsmiam_status hsmiam_file_append(hsmiam_file *file, const char *data, size_t size, bool is_new,
                                 hsmiam_error *error)
{
    while (size > 0) {
        ssize_t written = file->functions->write(file->fd, data, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written == 0)
            errno = ENOSPC;
        if (written <= 0)
            return fail(file, "written to", error);
        data += written;
        size -= (size_t)written;
    }
    if (file->functions->fdatasync(file->fd) != 0)
        return fail(file, "synced", error);
    return is_new ? sync_directory(file, error) : HSMIAM_OK;
}

hsmiam_status hsmiam_file_read(hsmiam_file *file, uint64_t offset, void *data_out, size_t size,
                               hsmiam_error *error)
{
    char *to = data_out;

    while (size > 0) {
        ssize_t count = file->functions->pread(file->fd, to, size, (off_t)offset);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return fail(file, "read", error);
        if (count == 0)
            return hsmiam_error_set(error, HSMIAM_ERR_IO,
                                    "The ledger %s became shorter while it was read.", file->path);
        to += count;
        offset += (uint64_t)count;
        size -= (size_t)count;
    }
    return HSMIAM_OK;
}
