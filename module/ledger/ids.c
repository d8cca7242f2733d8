/* SPDX-License-Identifier: Apache-2.0 */
/* Access key ids in a text, parted by blanks. */
#include <stdio.h>
#include <string.h>

#include "ledger/ledger.h"

bool hsmiam_ids_has(const char *ids, const char *id)
{
    size_t size = strlen(id);

    for (const char *at = ids; size > 0 && (at = strstr(at, id)) != NULL; at += size)
        if ((at == ids || at[-1] == ' ') && (at[size] == ' ' || at[size] == '\0'))
            return true;
    return false;
}

bool hsmiam_ids_add(hsmiam_ids ids, const char *id)
{
    size_t used = strlen(ids);

    if (hsmiam_ids_has(ids, id))
        return true;
    if (used + strlen(id) + 1 > HSMIAM_KEYS_TEXT_MAX)
        return false;
    (void)snprintf(ids + used, HSMIAM_KEYS_TEXT_MAX + 1 - used, "%s%s", used > 0 ? " " : "", id);
    return true;
}

void hsmiam_ids_add_all(hsmiam_ids to, const char *ids)
{
    char id[HSMIAM_ACCESS_KEY_ID_MAX + 1];

    for (size_t size = 0; *ids != '\0'; ids += size + (ids[size] == ' ' ? 1 : 0)) {
        size = strcspn(ids, " ");
        (void)snprintf(id, sizeof id, "%.*s", (int)size, ids);
        (void)hsmiam_ids_add(to, id); /* more than there is room for are many enough */
    }
}
