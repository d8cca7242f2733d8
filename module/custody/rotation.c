/* SPDX-License-Identifier: Apache-2.0 */
#include "custody/rotate.h"

#include <stdlib.h>

void hsmiam_rotation_free(hsmiam_rotation **rotation)
{
    if (rotation == NULL || *rotation == NULL)
        return;
    hsmiam_access_key_free(&(*rotation)->key);
    free(*rotation);
    *rotation = NULL;
}

const hsmiam_access_key *hsmiam_rotation_get_key(const hsmiam_rotation *rotation)
{
    return rotation->key;
}

const char *hsmiam_rotation_get_previous_id(const hsmiam_rotation *rotation)
{
    return rotation->previous_id;
}

const char *hsmiam_rotation_get_previous_status(const hsmiam_rotation *rotation)
{
    return rotation->previous_status;
}

bool hsmiam_rotation_is_of_signer(const hsmiam_rotation *rotation)
{
    return rotation->is_of_signer;
}
