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
    char *path; /* no symbolic link is left in it */
    struct stat information;
    char *line;
    size_t room; /* for it */
    FILE *from;
    FILE *to; /* NULL: only looked at */
    bool in_profile;
    bool found; /* the profile's section */
    bool done;  /* the key was written */
} tool_update;

static hsmiam_status fail(const tool_update *update, hsmiam_status status, const char *what,
                          tool_error *error)
{
    return tool_error_set(error, status, "The config file %s cannot be %s: %s", update->path, what,
                          strerror(errno));
}

/* Where the key's value begins in a line; NULL if it is another key's, or none. */
static const char *find_value(const char *line)
{
    const char *at = line + sizeof key - 1;

    if (strncmp(line, key, sizeof key - 1) != 0)
        return NULL;
    at += strspn(at, " \t");
    if (*at != '=' && *at != ':')
        return NULL;
    at++;
    return at + strspn(at, " \t");
}

static void write_uri(const tool_update *update, const char *old_value, size_t old_size)
{
    const char *query = memchr(old_value, '?', old_size);

    if (!update->keeps_query) {
        tool_text_put(update->uri, update->to);
        return;
    }
    (void)fwrite(update->uri, 1, strcspn(update->uri, "?"), update->to);
    if (query)
        (void)fwrite(query, 1, (size_t)(old_value + old_size - query), update->to);
}

/* A line that begins a section ends the profile, which may not have had the key. */
static void write_line(tool_update *update, const char *line)
{
    const char *start = strncmp(line, "\xef\xbb\xbf", 3) == 0 ? line + 3 : line;
    const char *value = update->in_profile ? find_value(line) : NULL;

    if (*start == '[') {
        update->in_profile = hsmiam_profile_is_opened(start, update->name);
        update->found |= update->in_profile;
    }
    if (!update->to)
        return;
    if (value) {
        size_t size = strcspn(value, "\r\n");

        while (size > 0 && (value[size - 1] == ' ' || value[size - 1] == '\t'))
            size--;
        (void)fwrite(line, 1, (size_t)(value - line), update->to);
        write_uri(update, value, size);
        tool_text_put(value + size, update->to);
        update->done = true;
    } else {
        tool_text_put(line, update->to);
    }
}

/* Whether the profile has the key, so that a second pass knows whether to add it. */
static bool has_key(const tool_update *update, const char *line)
{
    return update->in_profile && find_value(line) != NULL;
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
                               bool *has_key_out, tool_error *error)
{
    update->name = name ? name : "default";
    update->path = realpath(path, NULL);
    if (!update->path) {
        update->path = strdup(path);
        return update->path ? refuse_missing(update, error) : tool_error_set_memory(error);
    }
    update->from = fopen(update->path, "re");
    if (!update->from || fstat(fileno(update->from), &update->information) != 0)
        return fail(update, HSMIAM_ERR_CONFIG, "read", error);
    *has_key_out = false;
    while (getline(&update->line, &update->room, update->from) >= 0) {
        *has_key_out |= has_key(update, update->line);
        write_line(update, update->line);
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
    free(update->path);
    if (update->from)
        (void)fclose(update->from);
}

hsmiam_status tool_profile_check_update(const char *path, const char *name, tool_error *error)
{
    tool_update update = {0};
    char *directory = NULL;
    bool has = false;
    hsmiam_status status = open_file(&update, path, name, &has, error);

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
static void write_all(tool_update *update, bool has)
{
    rewind(update->from);
    update->in_profile = false;
    while (getline(&update->line, &update->room, update->from) >= 0) {
        bool was_done = update->done;

        write_line(update, update->line);
        if (has || was_done || update->done || !update->in_profile)
            continue;
        if (!strchr(update->line, '\n'))
            tool_text_put_char('\n', update->to);
        tool_text_print(update->to, "%s = %s\n", key, update->uri);
        update->done = true;
    }
}

/* A name that is in the directory holds either content whole, at any moment. */
static hsmiam_status replace(tool_update *update, bool has, tool_error *error)
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
    write_all(update, has);
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
    bool has = false;
    hsmiam_status status = open_file(&update, path, name, &has, error);

    if (status == HSMIAM_OK)
        status = replace(&update, has, error);
    clear(&update);
    return status;
}
