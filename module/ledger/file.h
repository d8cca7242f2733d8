/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger's file: opened, locked between processes, appended to, and read from its end. */
#ifndef HSMIAM_LEDGER_FILE_H
#define HSMIAM_LEDGER_FILE_H

#include <sys/stat.h>
#include <sys/types.h>

#include "base/log.h"
#include "ledger/record.h"

/* The calls to the system, so that a test can make each of them fail. */
typedef struct hsmiam_file_functions {
    int (*open)(const char *path, int flags, mode_t mode);
    int (*close)(int fd);
    int (*fstat)(int fd, struct stat *information_out);
    int (*stat)(const char *path, struct stat *information_out);
    int (*flock)(int fd, int operation);
    ssize_t (*pread)(int fd, void *data, size_t size, off_t offset);
    ssize_t (*write)(int fd, const void *data, size_t size);
    int (*fdatasync)(int fd);
    int (*fsync)(int fd);
    int (*mkdir)(const char *path, mode_t mode);
} hsmiam_file_functions;

extern const hsmiam_file_functions hsmiam_file_system;

typedef struct hsmiam_file {
    const hsmiam_file_functions *functions;
    char *path;
    int fd;                /* -1 while it is closed */
    const hsmiam_log *log; /* is told when somebody must be waited for; may be NULL */
} hsmiam_file;

/* Opens the file for appending, making it (0640) and the directories above it (0700) where they are
 * missing. Safe to call again. Statuses: IO, MEMORY; CONFIG: it is a symbolic link, or a place
 * where anyone could write to it or put another file there. */
hsmiam_status hsmiam_file_open(hsmiam_file *file, hsmiam_error *error) HSMIAM_MUST_USE;

/* Opens an existing file for reading. Statuses: IO. */
hsmiam_status hsmiam_file_open_for_reading(hsmiam_file *file, hsmiam_error *error) HSMIAM_MUST_USE;

void hsmiam_file_close(hsmiam_file *file);

/* Whether others than the file's owner may write to it: its group. */
bool hsmiam_file_is_shared(const hsmiam_file *file);

/* Opens, or makes, the file beside the ledger that locks on users are taken on, `*fd_out`, by the
 * same rules. Statuses: IO, CONFIG. */
hsmiam_status hsmiam_file_open_lock(const hsmiam_file *file, const char *path, int *fd_out,
                                    hsmiam_error *error) HSMIAM_MUST_USE;

/* Whether the path still leads to the file that is open as `fd`. */
bool hsmiam_file_is_current(const hsmiam_file *file, const char *path, int fd);

/* Takes the lock that writers exclude one another with, on the file that now has the path, and
 * tells its size. Whoever else has it is waited for, a minute long, which the log is told after a
 * second. Statuses: IO. */
hsmiam_status hsmiam_file_lock(hsmiam_file *file, uint64_t *size_out,
                               hsmiam_error *error) HSMIAM_MUST_USE;
void hsmiam_file_unlock(hsmiam_file *file);

/* The size that the file has between two writers. Statuses: IO. */
hsmiam_status hsmiam_file_get_size(hsmiam_file *file, uint64_t *size_out,
                                   hsmiam_error *error) HSMIAM_MUST_USE;

/* Writes at the end and waits until the disk has it; with `is_new`, the directory's entry as well.
 * What a failure leaves behind is for the next writer to seal. Statuses: IO. */
hsmiam_status hsmiam_file_append(hsmiam_file *file, const char *data, size_t size, bool is_new,
                                 hsmiam_error *error) HSMIAM_MUST_USE;

/* Reads `size` bytes at an offset. Statuses: IO. */
hsmiam_status hsmiam_file_read(hsmiam_file *file, uint64_t offset, void *data_out, size_t size,
                               hsmiam_error *error) HSMIAM_MUST_USE;

/* A piece of a file. */
typedef struct hsmiam_line {
    const char *text; /* without its line feed; NULL: too long to be a record */
    size_t size;
    uint64_t start;
    bool ended; /* a line feed follows it */
} hsmiam_line;

/* Lines from some place backwards, in constant memory. */
typedef struct hsmiam_backward {
    hsmiam_file *file;
    uint64_t end;   /* where the line that was read last starts */
    uint64_t start; /* of the window */
    size_t size;    /* of it */
    char *window;   /* room for HSMIAM_WINDOW_SIZE bytes */
} hsmiam_backward;

#define HSMIAM_WINDOW_SIZE ((size_t)64 * 1024)

/* Begins at offset `end`. Statuses: MEMORY. */
hsmiam_status hsmiam_backward_init(hsmiam_backward *backward, hsmiam_file *file, uint64_t end,
                                   hsmiam_error *error) HSMIAM_MUST_USE;
void hsmiam_backward_clear(hsmiam_backward *backward);

/* The line before; borrowed until the next call. `*found_out` is false at the file's start.
 * Statuses: IO. */
hsmiam_status hsmiam_backward_next(hsmiam_backward *backward, hsmiam_line *line_out,
                                   bool *found_out, hsmiam_error *error) HSMIAM_MUST_USE;

/* Lines from the start on, in constant memory. */
typedef struct hsmiam_forward {
    hsmiam_file *file;
    uint64_t limit; /* the file's size as it is taken to be */
    uint64_t start; /* of the window */
    size_t size;    /* of it */
    size_t at;      /* in it */
    char *window;   /* room for HSMIAM_WINDOW_SIZE bytes */
} hsmiam_forward;

hsmiam_status hsmiam_forward_init(hsmiam_forward *forward, hsmiam_file *file, uint64_t limit,
                                  hsmiam_error *error) HSMIAM_MUST_USE;
void hsmiam_forward_clear(hsmiam_forward *forward);

/* The next line, or the next piece of one that is too long: then `ended` is false although more
 * follows. `*found_out` is false at the end. Statuses: IO. */
hsmiam_status hsmiam_forward_next(hsmiam_forward *forward, hsmiam_line *line_out, bool *found_out,
                                  hsmiam_error *error) HSMIAM_MUST_USE;

/* Receives a line. A failure ends the reading. */
typedef hsmiam_status (*hsmiam_line_fn)(void *context, const hsmiam_line *line,
                                        hsmiam_error *error);

/* Hands over the lines of a file that goes on growing, from `*place` on, and moves that behind
 * those that were taken. A line without an end is left for the next time.
 * Statuses: IO, MEMORY, LEDGER (it became shorter), those of `take`. */
hsmiam_status hsmiam_forward_read_on(hsmiam_file *file, uint64_t *place, hsmiam_line_fn take,
                                     void *context, hsmiam_error *error) HSMIAM_MUST_USE;

#endif
