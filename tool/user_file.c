/* SPDX-License-Identifier: Apache-2.0 */
#include "user_file.h"

#include "signals.h"
#include "text.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define COMPLAINTS_MAX 10 /* that are told one by one */
#define LINE_SIZE      512

/* Of a user's place: where the name begins in the copy, and one; and some bits of its hash, so that
 * few others are read to compare. */
#define OFFSET_BITS 40
#define OFFSET_MASK (((uint64_t)1 << OFFSET_BITS) - 1)

#define KEYS_MAX 2

typedef struct tool_user {
    uint64_t place;          /* 0: there is none */
    uint32_t keys[KEYS_MAX]; /* hashes of their ids, the last one first; 0: none */
} tool_user;

struct tool_user_file {
    FILE *copy; /* of the file: it has no name */
    tool_user *table;
    size_t places; /* a power of two */
    size_t count;
    size_t holders;
    size_t lines;
};

/* A line of the file. */
typedef struct tool_line {
    uint64_t offset;      /* of what is in it, and then */
    uint64_t next;        /* of the next one; set to that of the first before it is read */
    char text[LINE_SIZE]; /* without blanks around it */
    size_t size;          /* of that; as much as is there, even if `text` has no room for it */
    bool has_nul;
} tool_line;

/* What is wrong with the file. */
typedef struct tool_complaints {
    const char *path;
    FILE *stream;
    size_t count;
} tool_complaints;

static uint64_t hash_name(const char *name)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */

    for (; *name; name++)
        hash = (hash ^ (uint64_t)tolower((unsigned char)*name)) * 1099511628211u;
    return hash ^ hash >> 29;
}

static uint64_t make_place(uint64_t offset, uint64_t hash)
{
    return (offset + 1) | (hash >> OFFSET_BITS << OFFSET_BITS);
}

static uint64_t get_offset(const tool_user *user)
{
    return (user->place & OFFSET_MASK) - 1;
}

/* Reads the next line. false at the end. */
static bool read_line(FILE *stream, tool_line *line)
{
    size_t blanks = 0; /* behind what was read so far */
    uint64_t start = line->next;
    int byte = 0;

    line->offset = start;
    line->size = 0;
    line->has_nul = false;
    while ((byte = getc_unlocked(stream)) != EOF) {
        bool is_blank = byte == ' ' || byte == '\t' || byte == '\r';

        line->next++;
        if (byte == '\n')
            break;
        line->has_nul = line->has_nul || byte == '\0';
        if (is_blank && line->size == 0) {
            line->offset = line->next;
            continue;
        }
        if (line->size < LINE_SIZE - 1)
            line->text[line->size] = (char)byte;
        line->size++;
        blanks = is_blank ? blanks + 1 : 0;
    }
    line->size -= blanks;
    line->text[line->size < LINE_SIZE - 1 ? line->size : LINE_SIZE - 1] = '\0';
    return line->next > start;
}

static bool is_name(const tool_line *line)
{
    return line->size > 0 && line->text[0] != '#';
}

/* Begins to read the copy, behind a byte order mark. Returns where. */
static uint64_t rewind_copy(tool_user_file *file)
{
    static const char mark[] = "\xef\xbb\xbf";
    char first[sizeof mark - 1] = "";

    rewind(file->copy);
    if (fread(first, 1, sizeof first, file->copy) == sizeof first &&
        memcmp(first, mark, sizeof first) == 0)
        return sizeof first;
    rewind(file->copy);
    return 0;
}

/* ------------------------------------------------------------------------------------ the copy */

/* Reads a piece, and lets a signal end it. */
static ssize_t read_piece(int fd, char *piece, size_t size)
{
    ssize_t got = -1;

    do
        got = read(fd, piece, size);
    while (got < 0 && errno == EINTR && !tool_signals_is_stopping(NULL));
    return got;
}

/* Copies the file, for it may be a pipe, and might change while it is used. */
static hsmiam_status copy(tool_user_file *file, int fd, const char *path, tool_error *error)
{
    char piece[16384];
    ssize_t got = 0;
    uint64_t size = 0;
    bool ended = true;

    file->copy = tmpfile();
    if (!file->copy)
        return tool_error_set(error, HSMIAM_ERR_IO, "A temporary file cannot be made: %s",
                              strerror(errno));
    while ((got = read_piece(fd, piece, sizeof piece)) > 0) {
        for (ssize_t i = 0; i < got; i++)
            file->lines += piece[i] == '\n';
        ended = piece[got - 1] == '\n';
        size += (uint64_t)got;
        if (fwrite(piece, 1, (size_t)got, file->copy) != (size_t)got)
            break;
    }
    file->lines += ended ? 0 : 1;
    if (got < 0 && tool_signals_is_stopping(NULL))
        return tool_error_set(error, HSMIAM_ERR_CANCELLED, "Interrupted.");
    if (got < 0)
        return tool_error_set(error, HSMIAM_ERR_IO, "%s cannot be read: %s", path, strerror(errno));
    if (fflush(file->copy) != 0 || ferror(file->copy))
        return tool_error_set(error, HSMIAM_ERR_IO, "A temporary file cannot be written to: %s",
                              strerror(errno));
    if (size >= OFFSET_MASK)
        return tool_error_set(error, HSMIAM_ERR_ARGUMENT, "%s is too large.", path);
    return HSMIAM_OK;
}

/* ----------------------------------------------------------------------------------- the table */

/* Whether the line at an offset of the copy has the name. The stream's own place is not moved. */
static bool has_name(const tool_user_file *file, uint64_t offset, const char *name)
{
    char text[LINE_SIZE];
    size_t size = strlen(name);
    ssize_t got = pread(fileno(file->copy), text, sizeof text, (off_t)offset);

    if (got < (ssize_t)size || strncasecmp(text, name, size) != 0)
        return false;
    return (size_t)got == size || strchr(" \t\r\n", text[size]) != NULL;
}

/* The user of that name, or the free place for one. */
static tool_user *find(const tool_user_file *file, const char *name, uint64_t hash)
{
    size_t at = hash & (file->places - 1);

    for (; file->table[at].place != 0; at = (at + 1) & (file->places - 1)) {
        const tool_user *user = &file->table[at];

        if (user->place >> OFFSET_BITS == hash >> OFFSET_BITS &&
            has_name(file, get_offset(user), name))
            break;
    }
    return &file->table[at];
}

static bool make_table(tool_user_file *file)
{
    file->places = 16;
    while (file->places < file->lines + file->lines / 2)
        file->places *= 2;
    file->table = calloc(file->places, sizeof *file->table);
    return file->table != NULL;
}

/* ------------------------------------------------------------------------------------ checking */

/* Begins a complaint; NULL if there were enough. */
static FILE *complain(tool_complaints *complaints, size_t number)
{
    if (complaints->count++ >= COMPLAINTS_MAX)
        return NULL;
    tool_text_print(complaints->stream, "\n%s, line %zu: ", complaints->path, number);
    return complaints->stream;
}

static void check_name(const tool_line *line, size_t number, hsmiam_error *why,
                       tool_complaints *complaints)
{
    FILE *stream = NULL;

    if (!line->has_nul && hsmiam_user_name_check(line->text, why) == HSMIAM_OK)
        return;
    if ((stream = complain(complaints, number)) != NULL)
        tool_text_print(
            stream,
            "%zu bytes that are no user name: it has 1 to 128 letters, digits and any of "
            "_+=,.@-",
            line->size);
}

/* Counts the lines up to an offset. */
static size_t get_number(const tool_user_file *file, uint64_t offset)
{
    char piece[4096];
    size_t number = 1;
    ssize_t got = 0;

    for (uint64_t at = 0; at < offset; at += (uint64_t)got) {
        size_t wanted = offset - at < sizeof piece ? (size_t)(offset - at) : sizeof piece;

        got = pread(fileno(file->copy), piece, wanted, (off_t)at);
        if (got <= 0)
            break;
        for (ssize_t i = 0; i < got; i++)
            number += piece[i] == '\n';
    }
    return number;
}

static void add_name(tool_user_file *file, const tool_line *line, size_t number,
                     tool_complaints *complaints)
{
    uint64_t hash = hash_name(line->text);
    tool_user *user = find(file, line->text, hash);
    FILE *stream = NULL;

    if (user->place == 0) {
        user->place = make_place(line->offset, hash);
        file->count++;
    } else if ((stream = complain(complaints, number)) != NULL) {
        tool_text_print(stream, "the user of line %zu once more",
                        get_number(file, get_offset(user)));
    }
}

/* Checks all lines, and enters those that are right into the table. */
static void check_lines(tool_user_file *file, hsmiam_error *why, tool_complaints *complaints)
{
    tool_line line = {.next = rewind_copy(file)};

    for (size_t number = 1; read_line(file->copy, &line); number++) {
        size_t before = complaints->count;

        if (!is_name(&line))
            continue;
        check_name(&line, number, why, complaints);
        if (complaints->count == before)
            add_name(file, &line, number, complaints);
    }
}

static hsmiam_status check(tool_user_file *file, const char *path, tool_error *error)
{
    char *text = NULL;
    size_t size = 0;
    tool_complaints complaints = {.path = path, .stream = open_memstream(&text, &size)};
    hsmiam_error *why = hsmiam_error_new();
    hsmiam_status status = HSMIAM_OK;

    if (!complaints.stream || !why || !make_table(file)) {
        status = tool_error_set_memory(error);
    } else {
        check_lines(file, why, &complaints);
        if (complaints.count > COMPLAINTS_MAX)
            tool_text_print(complaints.stream, "\nand %zu more", complaints.count - COMPLAINTS_MAX);
    }
    if (complaints.stream && fclose(complaints.stream) != 0 && status == HSMIAM_OK)
        status = tool_error_set_memory(error);
    if (status == HSMIAM_OK && complaints.count > 0)
        status = tool_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "Parameter validation failed, and nothing was done:%s", text);
    else if (status == HSMIAM_OK && file->count == 0)
        status = tool_error_set(error, HSMIAM_ERR_ARGUMENT, "%s names no user.", path);
    hsmiam_error_free(&why);
    free(text);
    return status;
}

hsmiam_status tool_user_file_open(const char *path, tool_user_file **file_out, tool_error *error)
{
    bool is_stdin = strcmp(path, "-") == 0;
    const char *name = is_stdin ? "standard input" : path;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    tool_user_file *file = NULL;
    hsmiam_status status = HSMIAM_OK;

    if (fd < 0)
        return tool_error_set(error, HSMIAM_ERR_ARGUMENT, "%s cannot be opened: %s", path,
                              strerror(errno));
    file = calloc(1, sizeof *file);
    if (file) {
        status = copy(file, fd, name, error);
        if (status == HSMIAM_OK)
            status = check(file, name, error);
    } else {
        status = tool_error_set_memory(error);
    }
    if (!is_stdin)
        (void)close(fd);
    if (file && status == HSMIAM_OK) {
        (void)rewind_copy(file);
        *file_out = file;
        file = NULL;
    }
    tool_user_file_close(&file);
    return status;
}

/* --------------------------------------------------------------------------------------- using */

void tool_user_file_close(tool_user_file **file)
{
    if (!*file)
        return;
    if ((*file)->copy)
        (void)fclose((*file)->copy);
    free((*file)->table);
    free(*file);
    *file = NULL;
}

size_t tool_user_file_count(const tool_user_file *file)
{
    return file->count;
}

size_t tool_user_file_count_holders(const tool_user_file *file)
{
    return file->holders;
}

static bool has_key(const tool_user *user)
{
    return user->keys[0] != 0;
}

/* Takes a key out, if it is there. */
static void forget_key(tool_user *user, uint32_t key)
{
    size_t kept = 0;

    for (size_t i = 0; i < KEYS_MAX; i++)
        if (user->keys[i] != key)
            user->keys[kept++] = user->keys[i];
    while (kept < KEYS_MAX)
        user->keys[kept++] = 0;
}

void tool_user_file_note_key(tool_user_file *file, const char *user_name, const char *access_key_id,
                             bool has_it)
{
    uint32_t key = (uint32_t)hash_name(access_key_id) | 1;
    tool_user *user = *user_name ? find(file, user_name, hash_name(user_name)) : NULL;
    bool had_one = user && has_key(user);

    if (!user || user->place == 0)
        return;
    forget_key(user, key);
    if (has_it) {
        memmove(user->keys + 1, user->keys, sizeof user->keys - sizeof user->keys[0]);
        user->keys[0] = key;
    }
    if (has_key(user) != had_one)
        file->holders = had_one ? file->holders - 1 : file->holders + 1;
}

bool tool_user_file_next(tool_user_file *file, char name_out[HSMIAM_USER_NAME_SIZE])
{
    tool_line line = {.next = 0};

    while (read_line(file->copy, &line)) {
        if (!is_name(&line) || line.size >= HSMIAM_USER_NAME_SIZE)
            continue;
        if (has_key(find(file, line.text, hash_name(line.text))))
            continue;
        memcpy(name_out, line.text, line.size + 1);
        return true;
    }
    return false;
}
