/* SPDX-License-Identifier: Apache-2.0 */
#include "custody/custody.h"

#include <stdlib.h>

struct hsmiam_access_key {
    hsmiam_key_metadata metadata;
    const char *route; /* static storage, as is the next */
    const char *sigv4;
    hsmiam_buffer uri;
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
    hsmiam_buffer_init(&made->uri, HSMIAM_ERROR_MESSAGE_MAX);
    hsmiam_status status =
        hsmiam_token_format_key_uri(custody->token, spec->id, spec->label, &made->uri, error);
    if (status != HSMIAM_OK)
        goto out;
    *key_out = made;
    made = NULL;
out:
    hsmiam_access_key_free(&made);
    return status;
}

void hsmiam_access_key_free(hsmiam_access_key **key)
{
    if (key == NULL || *key == NULL)
        return;
    hsmiam_buffer_clear(&(*key)->uri);
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
    return hsmiam_buffer_get_string(&key->uri);
}

const char *hsmiam_access_key_get_import_route(const hsmiam_access_key *key)
{
    return key->route;
}

const char *hsmiam_access_key_get_sigv4_route(const hsmiam_access_key *key)
{
    return key->sigv4;
}
