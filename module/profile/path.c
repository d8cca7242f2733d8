/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ascii.h"
#include "hsmiam.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* In a program with more rights than its user (setuid), the environment is the user's, and must not
 * choose the files that are opened with these rights: it says nothing there, and the home directory
 * is that of whose rights they are. */

/* Writes the home directory that a leading ~ or ~user means, and returns what comes after it; the
 * path itself if there is nothing to expand. */
static const char *write_home(FILE *stream, const char *path)
{
    size_t size = strcspn(path, "/");
    const char *home = NULL;
    struct passwd *entry = NULL;

    if (path[0] != '~')
        return path;
    if (size == 1) {
        home = secure_getenv("HOME");
        if (home == NULL && (entry = getpwuid(geteuid())) != NULL)
            home = entry->pw_dir;
    } else {
        char *user = strndup(path + 1, size - 1);

        if (user != NULL && (entry = getpwnam(user)) != NULL)
            home = entry->pw_dir;
        free(user);
    }
    if (home == NULL)
        return path;
    (void)fputs(home, stream);
    return path + size;
}

/* Writes the variable that starts with the $ at `at`, or that $ alone, and returns what comes
 * after it. */
static const char *write_variable(FILE *stream, const char *at)
{
    bool braces = at[1] == '{';
    const char *name = at + (braces ? 2 : 1);
    const char *end = name;
    const char *value = NULL;

    if (braces)
        end += strcspn(name, "}");
    else
        while (hsmiam_ascii_is_alnum(*end) || *end == '_')
            end++;
    if (end > name && (!braces || *end == '}')) {
        char *copy = strndup(name, (size_t)(end - name));

        value = copy != NULL ? secure_getenv(copy) : NULL;
        free(copy);
    }
    if (value == NULL) {
        (void)fputc('$', stream);
        return at + 1;
    }
    (void)fputs(value, stream);
    return end + (braces ? 1 : 0);
}

char *hsmiam_path_expand(const char *path)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    if (stream == NULL)
        return NULL;
    path = write_home(stream, path);
    while (*path != '\0') {
        if (*path == '$')
            path = write_variable(stream, path);
        else
            (void)fputc(*path++, stream);
    }
    if (fclose(stream) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

char *hsmiam_path_make_config(void)
{
    const char *named = secure_getenv("AWS_CONFIG_FILE");

    return hsmiam_path_expand(named != NULL && *named != '\0' ? named : "~/.aws/config");
}

/* The XDG base directory specification takes absolute paths only. */
char *hsmiam_path_make_ledger(void)
{
    const char *state = secure_getenv("XDG_STATE_HOME");
    char *path = NULL;

    if (state == NULL || state[0] != '/')
        return hsmiam_path_expand("~/.local/state/hsmiam/ledger.jsonl");
    return asprintf(&path, "%s/hsmiam/ledger.jsonl", state) < 0 ? NULL : path;
}
