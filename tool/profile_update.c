/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_update.h"

#include "profile.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char key[] = "hsmiam_credential";

/* One file on its way to its next content. A PIN may be in either. */
typedef struct tool_update {
    const char *name; /* of the profile */
    const char *uri;
    bool keeps_query;
    char *old_value; /* the one that holds: the last; NULL: none */
    char *path;      /* no symbolic link is left in it */
    struct stat information;
    char *line;
    size_t room; /* for it */
    FILE *from;
    FILE *to;
    bool in_profile;
    bool in_pair;  /* an indented line goes on with it */
    bool in_value; /* that pair is the key's */
    bool found;    /* the profile's section */
    bool has_key;
    bool done;  /* the key was written, */
    bool added; /* and nothing behind it yet that an indented line could go on with */
} tool_update;

static hsmiam_status fail(const tool_update *update, hsmiam_status status, const char *what,
                          tool_error *error)
{
    return tool_error_set(error, status, "The config file %s cannot be %s: %s", update->path, what,
                          strerror(errno));
}

/* What a profile's reader, hsmiam_profile_new(), takes a line for. */
typedef enum line_kind {
    LINE_OTHER, /* a comment, or nothing */
    LINE_SECTION,
    LINE_PAIR, /* of another key */
    LINE_KEY,  /* where the key's value begins */
    LINE_MORE  /* of a value */
} line_kind;

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " \t\v\f\r");
}

/* How long the text is without blanks at its end. */
static size_t measure(const char *text)
{
    size_t size = strlen(text);

    while (size > 0 && strchr(" \t\n\v\f\r", text[size - 1]))
        size--;
    return size;
}

/* `*start_out` is where it begins; of the key and of what goes on, its value. */
static line_kind read_line(tool_update *update, const char *line, const char **start_out)
{
    const char *first = strncmp(line, "\xef\xbb\xbf", 3) == 0 ? line + 3 : line;
    const char *start = skip_blanks(first);
    const char *name_end = start + strcspn(start, "=:");

    *start_out = start;
    if (*start == '\0' || *start == '\n' || *start == ';' || *start == '#')
        return LINE_OTHER;
    if (start > first && update->in_pair)
        return LINE_MORE;
    update->in_value = false;
    update->in_pair = *start != '[';
    if (*start == '[') {
        update->in_profile = hsmiam_profile_is_opened(start, update->name);
        update->found |= update->in_profile;
        return LINE_SECTION;
    }
    if (!update->in_profile || *name_end == '\0' || strncmp(start, key, sizeof key - 1) != 0 ||
        skip_blanks(start + sizeof key - 1) != name_end)
        return LINE_PAIR;
    update->in_value = true;
    *start_out = name_end + 1 + strspn(name_end + 1, " \t");
    return LINE_KEY;
}

static void write_uri(const tool_update *update)
{
    const char *query = update->old_value ? strchr(update->old_value, '?') : NULL;

    if (!update->keeps_query) {
        tool_text_put(update->uri, update->to);
        return;
    }
    (void)fwrite(update->uri, 1, strcspn(update->uri, "?"), update->to);
    if (query)
        tool_text_put(query, update->to);
}

/* The key's value takes the place of the old one, with the lines that this went on in. */
static void write_line(tool_update *update, const char *line)
{
    const char *start = NULL;

    switch (read_line(update, line, &start)) {
    case LINE_KEY:
        (void)fwrite(line, 1, (size_t)(start - line), update->to);
        write_uri(update);
        tool_text_put(start + measure(start), update->to);
        update->done = true;
        break;
    case LINE_MORE:
        if (!update->in_value)
            tool_text_put(line, update->to);
        break;
    case LINE_PAIR:
        /* If it is indented, it would go on with the key that was put in before it. */
        tool_text_put(update->added ? start : line, update->to);
        update->added = false;
        break;
    case LINE_SECTION:
        update->added = false;
        tool_text_put(line, update->to);
        break;
    case LINE_OTHER:
        tool_text_put(line, update->to);
    }
}

static void free_old(tool_update *update)
{
    if (update->old_value)
        explicit_bzero(update->old_value, strlen(update->old_value));
    free(update->old_value);
    update->old_value = NULL;
}

/* Keeps what the profile says by now. */
static bool note_line(tool_update *update, const char *line)
{
    const char *start = NULL;
    line_kind kind = read_line(update, line, &start);

    if (kind != LINE_KEY && (kind != LINE_MORE || !update->in_value))
        return true;
    update->has_key = true;
    free_old(update);
    update->old_value = tool_text_copy(start, measure(start));
    return update->old_value != NULL;
}

static hsmiam_status refuse_missing(const tool_update *update, tool_error *error)
{
    return tool_error_set(error, HSMIAM_ERR_CONFIG,
                          "The config profile (%s), which is to be updated, could not be found in "
                          "%s",
                          update->name, update->path);
}

/* Opens the file and looks whether the profile is there. */
static hsmiam_status open_file(tool_update *update, const char *path, const char *name,
                               tool_error *error)
{
    ssize_t size = 0;

    update->name = name ? name : "default";
    update->path = realpath(path, NULL);
    if (!update->path) {
        update->path = strdup(path);
        return update->path ? refuse_missing(update, error) : tool_error_set_memory(error);
    }
    update->from = fopen(update->path, "re");
    if (!update->from || fstat(fileno(update->from), &update->information) != 0)
        return fail(update, HSMIAM_ERR_CONFIG, "read", error);
    while ((size = getline(&update->line, &update->room, update->from)) >= 0) {
        if (strlen(update->line) != (size_t)size)
            return tool_error_set(error, HSMIAM_ERR_CONFIG,
                                  "The config file %s cannot be replaced: it has a NUL character",
                                  update->path);
        if (!note_line(update, update->line))
            return tool_error_set_memory(error);
    }
    if (ferror(update->from))
        return fail(update, HSMIAM_ERR_CONFIG, "read", error);
    return update->found ? HSMIAM_OK : refuse_missing(update, error);
}

static void clear(tool_update *update)
{
    if (update->line)
        explicit_bzero(update->line, update->room);
    free(update->line);
    free_old(update);
    free(update->path);
    if (update->from)
        (void)fclose(update->from);
}

hsmiam_status tool_profile_check_update(const char *path, const char *name, tool_error *error)
{
    tool_update update = {0};
    char *directory = NULL;
    hsmiam_status status = open_file(&update, path, name, error);

    if (status == HSMIAM_OK) {
        directory = tool_text_copy(update.path, (size_t)(strrchr(update.path, '/') - update.path));
        if (!directory)
            status = tool_error_set_memory(error);
        else if (access(*directory ? directory : "/", W_OK) != 0)
            status = fail(&update, HSMIAM_ERR_CONFIG, "replaced", error);
    }
    free(directory);
    clear(&update);
    return status;
}

/* The new content, behind the profile's head if the key is new in it. */
static void write_all(tool_update *update)
{
    rewind(update->from);
    update->in_profile = update->in_pair = update->in_value = false;
    while (getline(&update->line, &update->room, update->from) >= 0) {
        bool was_done = update->done;

        write_line(update, update->line);
        if (update->has_key || was_done || update->done || !update->in_profile)
            continue;
        if (!strchr(update->line, '\n'))
            tool_text_put_char('\n', update->to);
        tool_text_print(update->to, "%s = %s\n", key, update->uri);
        update->done = update->added = true;
    }
}

/* A name that is in the directory holds either content whole, at any moment. */
static hsmiam_status replace(tool_update *update, tool_error *error)
{
    char *name = NULL;
    hsmiam_status status = HSMIAM_OK;
    int fd = -1;

    if (asprintf(&name, "%s.XXXXXX", update->path) < 0)
        return tool_error_set_memory(error);
    fd = mkostemp(name, O_CLOEXEC);
    if (fd < 0 || !(update->to = fdopen(fd, "w"))) {
        status = fail(update, HSMIAM_ERR_IO, "replaced", error);
        if (fd >= 0) {
            (void)close(fd);
            (void)unlink(name);
        }
        free(name);
        return status;
    }
    write_all(update);
    if ((update->information.st_uid != geteuid() || update->information.st_gid != getegid()) &&
        fchown(fd, update->information.st_uid, update->information.st_gid) != 0)
        status = fail(update, HSMIAM_ERR_IO, "replaced", error);
    if (status == HSMIAM_OK && (fchmod(fd, update->information.st_mode & 07777) != 0 ||
                                ferror(update->from) || fflush(update->to) != 0 || fsync(fd) != 0))
        status = fail(update, HSMIAM_ERR_IO, "replaced", error);
    if (fclose(update->to) != 0 && status == HSMIAM_OK)
        status = fail(update, HSMIAM_ERR_IO, "replaced", error);
    update->to = NULL;
    if (status == HSMIAM_OK && rename(name, update->path) != 0)
        status = fail(update, HSMIAM_ERR_IO, "replaced", error);
    if (status != HSMIAM_OK)
        (void)unlink(name);
    free(name);
    return status;
}

hsmiam_status tool_profile_set_credential(const char *path, const char *name, const char *uri,
                                          bool keeps_query, tool_error *error)
{
    tool_update update = {.uri = uri, .keeps_query = keeps_query};
    hsmiam_status status = open_file(&update, path, name, error);

    if (status == HSMIAM_OK)
        status = replace(&update, error);
    clear(&update);
    return status;
}
