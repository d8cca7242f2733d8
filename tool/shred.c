/* SPDX-License-Identifier: Apache-2.0 */
#include "shred.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

const char tool_shred_caveat[] =
    "Overwriting reaches the blocks that the file has now. Copies in a journal, a snapshot, a "
    "copy-on-write file system, a flash disk's spare blocks, a backup or a browser's download "
    "cache may remain; only rotating the key makes them worthless.";

static hsmiam_status refuse(const char *path, const char *reason, tool_error *error)
{
    return tool_error_set(error, HSMIAM_ERR_IO, "%s was left as it is: %s.", path, reason);
}

static hsmiam_status check_file(const char *path, int fd, int writable, tool_error *error)
{
    struct stat was_read = {0};
    struct stat now = {0};

    if (fstat(fd, &was_read) != 0 || fstat(writable, &now) != 0)
        return refuse(path, strerror(errno), error);
    if (!S_ISREG(now.st_mode))
        return refuse(path, "it is not a regular file", error);
    if (was_read.st_dev != now.st_dev || was_read.st_ino != now.st_ino)
        return refuse(path, "the name stands for another file since it was read", error);
    if (now.st_nlink > 1)
        return refuse(path, "it has other names (hard links); delete those first", error);
    return HSMIAM_OK;
}

static bool overwrite(int fd, off_t size)
{
    unsigned char noise[256];
    off_t done = 0;

    while (done < size) {
        size_t chunk = size - done < (off_t)sizeof noise ? (size_t)(size - done) : sizeof noise;
        ssize_t written = 0;

        if (getrandom(noise, chunk, 0) != (ssize_t)chunk)
            return false;
        written = pwrite(fd, noise, chunk, done);
        if (written <= 0)
            return false;
        done += written;
    }
    return fsync(fd) == 0;
}

static bool sync_folder(const char *path)
{
    char *copy = strdup(path);
    int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    bool done = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        close(fd);
    free(copy);
    return done;
}

hsmiam_status tool_shred_file(const char *path, int fd, tool_error *error)
{
    int writable = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    hsmiam_status status = HSMIAM_OK;
    struct stat now = {0};

    if (writable < 0 && errno == ELOOP)
        return refuse(path, "it is a symbolic link", error);
    if (writable < 0)
        return refuse(path, strerror(errno), error);
    status = check_file(path, fd, writable, error);
    if (status != HSMIAM_OK)
        goto out;
    if (fstat(writable, &now) != 0 || !overwrite(writable, now.st_size))
        status = tool_error_set(error, HSMIAM_ERR_IO, "%s could not be overwritten as a whole: %s",
                                path, strerror(errno));
    else if (unlink(path) != 0 || !sync_folder(path))
        status = tool_error_set(error, HSMIAM_ERR_IO, "%s was overwritten, but not deleted: %s",
                                path, strerror(errno));
out:
    close(writable);
    return status;
}
