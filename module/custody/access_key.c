/* SPDX-License-Identifier: Apache-2.0 */
#include "custody/custody.h"

#include <stdlib.h>

struct hsmiam_access_key {
    hsmiam_key_metadata metadata;
    const char *route; /* static storage, as is the next */
    const char *sigv4;
    hsmiam_buffer uris[1 + HSMIAM_REPLICAS_MAX]; /* in the custody's tokens, one behind the other */
    size_t count;
};

hsmiam_status hsmiam_access_key_new(const hsmiam_custody *custody, const hsmiam_key_metadata *key,
                                    const hsmiam_key_spec *spec, hsmiam_access_key **key_out,
                                    hsmiam_error *error)
{
    hsmiam_access_key *made = calloc(1, sizeof *made);

    if (made == NULL)
        return hsmiam_error_set_memory(error, "an access key");
    made->metadata = *key;
    made->route = hsmiam_custody_get_import_route(custody);
    made->sigv4 = hsmiam_custody_get_sigv4_route(custody);
    hsmiam_status status = HSMIAM_OK;
    while (made->count <= custody->replica_count) {
        hsmiam_buffer *uri = &made->uris[made->count];
        hsmiam_token *token = hsmiam_custody_get_place(custody, made->count++)->token;
        hsmiam_buffer_init(uri, HSMIAM_ERROR_MESSAGE_MAX);
        status = hsmiam_token_format_key_uri(token, spec->id, spec->label, uri, error);
        if (status != HSMIAM_OK)
            goto out;
    }
    *key_out = made;
    made = NULL;
out:
    hsmiam_access_key_free(&made);
    return status;
}

void hsmiam_access_key_set_route(hsmiam_access_key *key, const char *route)
{
    key->route = route;
}

void hsmiam_access_key_free(hsmiam_access_key **key)
{
    if (key == NULL || *key == NULL)
        return;
    for (size_t i = 0; i < (*key)->count; i++)
        hsmiam_buffer_clear(&(*key)->uris[i]);
    free(*key);
    *key = NULL;
}

const char *hsmiam_access_key_get_id(const hsmiam_access_key *key)
{
    return key->metadata.id;
}

const char *hsmiam_access_key_get_user_name(const hsmiam_access_key *key)
{
    return key->metadata.user_name;
}

const char *hsmiam_access_key_get_status(const hsmiam_access_key *key)
{
    return key->metadata.status;
}

time_t hsmiam_access_key_get_create_date(const hsmiam_access_key *key)
{
    return key->metadata.create_date;
}

const char *hsmiam_access_key_get_uri(const hsmiam_access_key *key)
{
    return hsmiam_buffer_get_string(&key->uris[0]);
}

const char *hsmiam_access_key_get_replica_uri(const hsmiam_access_key *key, size_t index)
{
    return index + 1 < key->count ? hsmiam_buffer_get_string(&key->uris[index + 1]) : NULL;
}

const char *hsmiam_access_key_get_import_route(const hsmiam_access_key *key)
{
    return key->route;
}

const char *hsmiam_access_key_get_sigv4_route(const hsmiam_access_key *key)
{
    return key->sigv4;
}
