/* SPDX-License-Identifier: Apache-2.0 */
#include "sigv4/canonical.h"

#include <stdlib.h>
#include <string.h>

#include "base/escape.h"

static bool is_segment(const char *segment, size_t size, const char *name)
{
    return size == strlen(name) && memcmp(segment, name, size) == 0;
}

/* Removes dot segments and empty segments in place, which only ever shortens. A slash at the end
 * stays, but none is made of a dot segment there: unlike RFC 3986, 5.2.4, "/a/b/.." is "/a". */
static void normalise(char *path)
{
    size_t size = strlen(path);
    bool ends_in_slash = size > 0 && path[size - 1] == '/';
    const char *in = path;
    char *out = path;

    while (*in != '\0') {
        in += strspn(in, "/");
        size_t segment = strcspn(in, "/");
        if (is_segment(in, segment, "..")) {
            while (out != path && *--out != '/') {
            }
        } else if (segment > 0 && !is_segment(in, segment, ".")) {
            *out++ = '/';
            memmove(out, in, segment);
            out += segment;
        }
        in += segment;
    }
    if (out == path || ends_in_slash)
        *out++ = '/';
    *out = '\0';
}

hsmiam_status hsmiam_canonical_path_append(hsmiam_buffer *canonical, const char *path,
                                           unsigned flags, hsmiam_error *error)
{
    char *copy = strdup(*path != '\0' ? path : "/");

    if (copy == NULL)
        return hsmiam_error_set_memory(error, "the canonical path");
    if ((flags & HSMIAM_CANONICAL_KEEP_PATH) == 0)
        normalise(copy);
    if ((flags & HSMIAM_CANONICAL_ENCODE_ONCE) == 0)
        hsmiam_escape_append(canonical, copy, strlen(copy), "/");
    else
        hsmiam_escape_append_once(canonical, copy, strlen(copy), "/");
    free(copy);
    return hsmiam_buffer_check(canonical, "the canonical request", error);
}
