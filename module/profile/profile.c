/* SPDX-License-Identifier: Apache-2.0 */
/* The AWS configuration file: sections, name = value, and values of several lines, each of which
 * begins with a blank. Comments are lines of their own, for PKCS#11 URIs hold ';'. */
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define FILE_MAX_SIZE 262144

/* A pair of the profile, or, behind `services`, one line of a services section. */
typedef struct profile_pair {
    const char *services; /* the section's name; NULL: the profile's own */
    const char *name;
    const char *value;
} profile_pair;

struct hsmiam_profile {
    hsmiam_secret *text; /* the file, which the pairs point into */
    profile_pair *pairs;
    size_t count;
};

/* The state of one reading. */
typedef struct profile_reading {
    hsmiam_profile *profile;
    const char *path;
    const char *wanted;
    bool found;
    bool in_profile;      /* the current section is the wanted profile */
    const char *services; /* the current services section, NULL in others */
    const char *name;     /* of the last pair, which may go on in the next line; NULL: none */
    int line;
} profile_reading;

static bool is_blank(char character)
{
    return character == ' ' || (character >= '\t' && character <= '\r');
}

static char *skip_blanks(char *text)
{
    while (is_blank(*text))
        text++;
    return text;
}

static void cut_blanks(char *text)
{
    size_t size = strlen(text);

    while (size > 0 && is_blank(text[size - 1]))
        text[--size] = '\0';
}

/* A section's name behind its kind ("profile", "services"), quotes taken off, and its size; NULL if
 * it is of another kind. */
static const char *match_section(const char *section, size_t size, const char *kind,
                                 size_t *size_out)
{
    size_t before = strlen(kind);

    if (size <= before || strncmp(section, kind, before) != 0 || !is_blank(section[before]))
        return NULL;
    while (before < size && is_blank(section[before]))
        before++;
    const char *name = section + before;
    size -= before;
    while (size > 0 && is_blank(name[size - 1]))
        size--;
    if (size >= 2 && (*name == '"' || *name == '\'') && name[size - 1] == *name) {
        name++;
        size -= 2;
    }
    *size_out = size;
    return name;
}

bool hsmiam_profile_is_opened(const char *line, const char *name)
{
    const char *end = *line == '[' ? strchr(line, ']') : NULL;
    const char *section = line + 1;
    size_t size = 0;

    if (end == NULL)
        return false;
    const char *found = match_section(section, (size_t)(end - section), "profile", &size);
    if (found == NULL && (size_t)(end - section) == strlen("default") &&
        strncmp(section, "default", strlen("default")) == 0) {
        found = section;
        size = strlen("default");
    }
    return found != NULL && strlen(name) == size && strncmp(found, name, size) == 0;
}

/* False: it is not closed. */
static bool enter_section(profile_reading *reading, char *line)
{
    char *end = strchr(line, ']');
    size_t size = 0;

    if (end == NULL)
        return false;
    reading->name = NULL;
    reading->in_profile = hsmiam_profile_is_opened(line, reading->wanted);
    reading->found |= reading->in_profile;
    const char *name = match_section(line + 1, (size_t)(end - line - 1), "services", &size);
    reading->services = name;
    if (name != NULL)
        line[(size_t)(name - line) + size] = '\0';
    return true;
}

/* There is room for a pair a line. A value's second line takes the place of the first. */
static void keep(const profile_reading *reading, const char *value)
{
    hsmiam_profile *profile = reading->profile;

    if (reading->in_profile || reading->services != NULL)
        profile->pairs[profile->count++] =
            (profile_pair){.services = reading->services, .name = reading->name, .value = value};
}

/* False: it is neither a section nor name = value. */
static bool take_line(profile_reading *reading, char *line)
{
    char *start = skip_blanks(line);

    cut_blanks(start);
    if (*start == '\0' || *start == ';' || *start == '#')
        return true;
    if (start > line && reading->name != NULL) {
        keep(reading, start);
        return true;
    }
    if (*start == '[')
        return enter_section(reading, start);
    char *end = start + strcspn(start, "=:");
    if (*end == '\0')
        return false;
    *end = '\0';
    cut_blanks(start);
    reading->name = start;
    keep(reading, skip_blanks(end + 1));
    return true;
}

static hsmiam_status parse(profile_reading *reading, hsmiam_error *error)
{
    char *next = (char *)hsmiam_secret_get_data(reading->profile->text);
    hsmiam_status status = HSMIAM_OK;

    if (strncmp(next, "\xef\xbb\xbf", 3) == 0)
        next += 3;
    while (status == HSMIAM_OK && *next != '\0') {
        char *line = next;
        size_t size = strcspn(line, "\n");

        next = line[size] == '\n' ? line + size + 1 : line + size;
        line[size] = '\0';
        reading->line++;
        if (size > HSMIAM_PROFILE_LINE_MAX - 2)
            status = hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                                      "Unable to parse config file: %s: line %d is longer than %d "
                                      "bytes",
                                      reading->path, reading->line, HSMIAM_PROFILE_LINE_MAX - 2);
        else if (!take_line(reading, line))
            status = hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                                      "Unable to parse config file: %s: line %d is neither a "
                                      "section nor name = value",
                                      reading->path, reading->line);
    }
    return status;
}

static hsmiam_status refuse_file(const char *path, int number, hsmiam_error *error)
{
    return hsmiam_error_set(error, HSMIAM_ERR_CONFIG, "Unable to read config file: %s: %s", path,
                            strerror(number));
}

/* Reads all of it, and puts a NUL behind it. What holds one is read up to there. */
static hsmiam_status read_file(int fd, const char *path, hsmiam_profile *profile,
                               hsmiam_error *error)
{
    hsmiam_secret *text = NULL;
    off_t end = lseek(fd, 0, SEEK_END);
    size_t size = end < 0 || end > FILE_MAX_SIZE ? FILE_MAX_SIZE : (size_t)end;
    ssize_t got = 1;
    hsmiam_status status = hsmiam_secret_new(size + 1, &text, error);

    if (status != HSMIAM_OK)
        return status;
    profile->text = text;
    if (end > 0)
        (void)lseek(fd, 0, SEEK_SET);
    while (got > 0 && hsmiam_secret_get_size(text) < size) {
        size_t room = 0;
        uint8_t *at = hsmiam_secret_get_room(text, &room);

        got = read(fd, at, room - 1);
        if (got > 0)
            hsmiam_secret_grow(text, (size_t)got);
        if (got < 0 && errno == EINTR)
            got = 1;
    }
    if (got < 0)
        return refuse_file(path, errno, error);
    if (end > FILE_MAX_SIZE)
        return refuse_file(path, EFBIG, error);
    return hsmiam_secret_append(text, "", 1) ? HSMIAM_OK
                                             : hsmiam_error_set_memory(error, "the config file");
}

static hsmiam_status read_pairs(profile_reading *reading, hsmiam_error *error)
{
    hsmiam_profile *profile = reading->profile;
    const char *text = (const char *)hsmiam_secret_get_data(profile->text);
    size_t lines = 1;

    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    profile->pairs = calloc(lines, sizeof *profile->pairs);
    if (profile->pairs == NULL)
        return hsmiam_error_set_memory(error, "the config file");
    return parse(reading, error);
}

static hsmiam_status load(const char *path, const char *name, hsmiam_profile *profile,
                          hsmiam_error *error)
{
    profile_reading reading = {
        .profile = profile, .path = path, .wanted = name != NULL ? name : "default"};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    hsmiam_status status = HSMIAM_OK;

    if (fd < 0 && errno != ENOENT && errno != ENOTDIR)
        return refuse_file(path, errno, error);
    if (fd >= 0) {
        status = read_file(fd, path, profile, error);
        (void)close(fd);
        if (status == HSMIAM_OK)
            status = read_pairs(&reading, error);
    }
    if (status == HSMIAM_OK && name != NULL && !reading.found)
        return hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                                "The config profile (%s) could not be found", name);
    return status;
}

hsmiam_status hsmiam_profile_new(const char *path, const char *name, hsmiam_profile **profile_out,
                                 hsmiam_error *error)
{
    hsmiam_profile *profile = calloc(1, sizeof *profile);
    char *found = NULL;
    hsmiam_status status = HSMIAM_OK;

    if (path == NULL) {
        found = hsmiam_path_make_config();
        path = found;
    }
    if (profile == NULL || path == NULL)
        status = hsmiam_error_set_memory(error, "the config file");
    else
        status = load(path, name, profile, error);
    free(found);
    if (status == HSMIAM_OK)
        *profile_out = profile;
    else
        hsmiam_profile_free(&profile);
    return status;
}

void hsmiam_profile_free(hsmiam_profile **profile)
{
    if (*profile == NULL)
        return;
    hsmiam_secret_free(&(*profile)->text);
    free((*profile)->pairs);
    free(*profile);
    *profile = NULL;
}

const char *hsmiam_profile_get(const hsmiam_profile *profile, const char *key)
{
    for (size_t i = profile->count; i > 0; i--) {
        const profile_pair *pair = &profile->pairs[i - 1];

        if (pair->services == NULL && strcmp(pair->name, key) == 0)
            return *pair->value != '\0' ? pair->value : NULL;
    }
    return NULL;
}

const char *hsmiam_profile_find_next_uri(const char *text)
{
    for (const char *at = text; (at = strpbrk(at, " \t")) != NULL;) {
        at += strspn(at, " \t");
        if (strncasecmp(at, "pkcs11:", 7) == 0)
            return at;
    }
    return NULL;
}

/* The value in "key = value", a nested line; NULL if it is none, or of another key. */
static const char *match_nested(const char *line, const char *key)
{
    size_t size = strlen(key);

    if (strncmp(line, key, size) != 0)
        return NULL;
    line += size;
    line += strspn(line, " \t");
    if (*line++ != '=')
        return NULL;
    return line + strspn(line, " \t");
}

const char *hsmiam_profile_get_of_service(const hsmiam_profile *profile, const char *service,
                                          const char *key)
{
    const char *services = hsmiam_profile_get(profile, "services");
    const char *found = NULL;

    for (size_t i = 0; services != NULL && i < profile->count; i++) {
        const profile_pair *pair = &profile->pairs[i];

        if (pair->services != NULL && strcmp(pair->services, services) == 0 &&
            strcmp(pair->name, service) == 0) {
            const char *value = match_nested(pair->value, key);
            found = value != NULL ? value : found;
        }
    }
    return found;
}
