/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define MODE_FILE      0640
#define MODE_LOCK      0660 /* less what the process leaves out: a group may share the ledger */
#define MODE_DIRECTORY 0700
#define PAUSE_NS       (10L * 1000 * 1000)
#define PAUSES_SILENT  100  /* a second */
#define PAUSES_MAX     6000 /* a minute */
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

/* The directory that a path is in; freed by the caller. */
static char *get_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash != NULL ? (size_t)(slash - path) : 0;

    return slash == NULL ? strdup(".") : strndup(path, length > 0 ? length : 1);
}

/* Waits until the disk has the entry of `path`. */
static hsmiam_status sync_directory(const hsmiam_file *file, const char *path, hsmiam_error *error)
{
    char *directory = get_directory(path);
    hsmiam_status status = HSMIAM_OK;

    if (directory == NULL)
        return hsmiam_error_set_memory(error, "a path");
    int fd = file->functions->open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    /* Some file systems cannot sync a directory, and say so. */
    if (fd < 0 || (file->functions->fsync(fd) != 0 && errno != EINVAL))
        status =
            hsmiam_error_set_errno(error, HSMIAM_ERR_IO, errno,
                                   "The directory %s of the ledger cannot be synced", directory);
    if (fd >= 0)
        (void)file->functions->close(fd);
    free(directory);
    return status;
}

static hsmiam_status make_directory(const hsmiam_file *file, const char *path, hsmiam_error *error)
{
    struct stat information;

    if (file->functions->mkdir(path, MODE_DIRECTORY) == 0)
        return sync_directory(file, path, error);
    int number = errno;
    /* What cannot be made may be there all the same: on a disk that is read-only. */
    if (number == EEXIST || file->functions->stat(path, &information) == 0)
        return HSMIAM_OK;
    return hsmiam_error_set_errno(error, HSMIAM_ERR_IO, number,
                                  "The directory %s of the ledger cannot be made", path);
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
        status = make_directory(file, path, error);
        *at = '/';
    }
    free(path);
    return status;
}

static hsmiam_status refuse(const char *path, const char *why, hsmiam_error *error)
{
    return hsmiam_error_set(error, HSMIAM_ERR_CONFIG, "%s %s.", path, why);
}

/* Where anyone may write, or put another file in its place, it would be nobody's word. */
static hsmiam_status check_access(const hsmiam_file *file, const char *path,
                                  const struct stat *information, hsmiam_error *error)
{
    char *directory = get_directory(path);
    struct stat place;
    hsmiam_status status = HSMIAM_OK;

    if (directory == NULL)
        return hsmiam_error_set_memory(error, "a path");
    if (file->functions->stat(directory, &place) != 0)
        status =
            hsmiam_error_set_errno(error, HSMIAM_ERR_IO, errno,
                                   "The directory %s of the ledger cannot be looked at", directory);
    else if ((information->st_mode & S_IWOTH) != 0)
        status = refuse(path, "can be written to by anyone; take that away (chmod o-w)", error);
    else if ((place.st_mode & S_IWOTH) != 0 && (place.st_mode & S_ISVTX) == 0)
        status = refuse(directory,
                        "can be written to by anyone, who could replace the ledger in it; take "
                        "that away (chmod o-w), or name another place by --ledger",
                        error);
    else if ((place.st_mode & S_IWOTH) != 0 && information->st_uid != geteuid() &&
             information->st_uid != 0)
        status = refuse(path,
                        "belongs to another user, in a directory where anyone can make files; name "
                        "another place by --ledger",
                        error);
    free(directory);
    return status;
}

static hsmiam_status open_with(hsmiam_file *file, int flags, const char *what, hsmiam_error *error)
{
    struct stat information;
    hsmiam_status status = HSMIAM_OK;

    file->fd =
        file->functions->open(file->path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, MODE_FILE);
    if (file->fd < 0 && errno == ELOOP)
        return hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                                "The ledger %s is a symbolic link; name the file itself.",
                                file->path);
    if (file->fd < 0)
        return fail(file, what, error);
    if (file->functions->fstat(file->fd, &information) != 0)
        status = fail(file, what, error);
    else if (!S_ISREG(information.st_mode))
        status = hsmiam_error_set(error, HSMIAM_ERR_IO, "The ledger %s is not a regular file.",
                                  file->path);
    else if ((flags & O_APPEND) != 0)
        status = check_access(file, file->path, &information, error);
    if (status != HSMIAM_OK)
        hsmiam_file_close(file);
    return status;
}

bool hsmiam_file_is_shared(const hsmiam_file *file)
{
    struct stat information;

    return file->functions->fstat(file->fd, &information) == 0 &&
           (information.st_mode & S_IWGRP) != 0;
}

hsmiam_status hsmiam_file_open_lock(const hsmiam_file *file, const char *path, int *fd_out,
                                    hsmiam_error *error)
{
    struct stat information;
    hsmiam_status status = HSMIAM_OK;
    int fd = file->functions->open(
        path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK, MODE_LOCK);

    if (fd < 0)
        return hsmiam_error_set_errno(error, HSMIAM_ERR_IO, errno, "The lock %s cannot be opened",
                                      path);
    if (file->functions->fstat(fd, &information) != 0)
        status = hsmiam_error_set_errno(error, HSMIAM_ERR_IO, errno,
                                        "The lock %s cannot be looked at", path);
    else if (!S_ISREG(information.st_mode))
        status = refuse(path, "is not a regular file; remove it", error);
    else
        status = check_access(file, path, &information, error);
    if (status != HSMIAM_OK) {
        (void)file->functions->close(fd);
        return status;
    }
    *fd_out = fd;
    return HSMIAM_OK;
}

hsmiam_status hsmiam_file_open(hsmiam_file *file, hsmiam_error *error)
{
    if (file->fd >= 0)
        return HSMIAM_OK;

    hsmiam_status status = open_with(file, O_RDWR | O_APPEND | O_NOFOLLOW, "written to", error);
    if (status != HSMIAM_ERR_IO || errno != ENOENT || file->fd >= 0)
        return status;
    status = make_directories(file, error);
    if (status == HSMIAM_OK)
        status = open_with(file, O_RDWR | O_APPEND | O_NOFOLLOW | O_CREAT, "made", error);
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

/* Writers hold it for milliseconds; one that was stopped, or a disk that hangs, for longer. */
static hsmiam_status take_lock(hsmiam_file *file, int operation, hsmiam_error *error)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    int pauses = 0;

    while (file->functions->flock(file->fd, operation | LOCK_NB) != 0) {
        if (errno == EINTR)
            continue;
        if (errno != EWOULDBLOCK)
            return fail(file, "locked", error);
        if (pauses == PAUSES_MAX)
            return hsmiam_error_set(error, HSMIAM_ERR_IO,
                                    "Another process has had the ledger %s locked for a minute; "
                                    "`fuser -v` on it tells which.",
                                    file->path);
        if (++pauses == PAUSES_SILENT && file->log != NULL)
            hsmiam_log_write(file->log, HSMIAM_LOG_NOTICE,
                             "Waiting for another process that has the ledger %s locked.",
                             file->path);
        (void)nanosleep(&pause, NULL);
    }
    return HSMIAM_OK;
}

bool hsmiam_file_is_current(const hsmiam_file *file, const char *path, int fd)
{
    struct stat mine;
    struct stat named;

    return file->functions->fstat(fd, &mine) == 0 && file->functions->stat(path, &named) == 0 &&
           named.st_dev == mine.st_dev && named.st_ino == mine.st_ino;
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
        /* Somebody may have moved the file away while the lock was waited for. */
        if (hsmiam_file_is_current(file, file->path, file->fd)) {
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
    return is_new ? sync_directory(file, file->path, error) : HSMIAM_OK;
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
