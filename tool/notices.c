/* SPDX-License-Identifier: Apache-2.0 */
#include "notices.h"

static uint64_t hash_line(const char *line)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */

    for (; *line; line++)
        hash = (hash ^ (unsigned char)*line) * 1099511628211u;
    return hash;
}

bool tool_notices_add(tool_notices *notices, const char *line)
{
    uint64_t hash = hash_line(line);
    bool is_new = true;

    (void)pthread_mutex_lock(&notices->lock);
    for (size_t i = 0; i < notices->count; i++)
        is_new = is_new && notices->hashes[i] != hash;
    if (is_new && notices->count < TOOL_NOTICES_MAX)
        notices->hashes[notices->count++] = hash;
    (void)pthread_mutex_unlock(&notices->lock);
    return is_new;
}
