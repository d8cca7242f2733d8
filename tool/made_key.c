/* SPDX-License-Identifier: Apache-2.0 */
#include "made_key.h"

void tool_made_key_take(tool_made_key *facts, const hsmiam_access_key *key)
{
    *facts = (tool_made_key){.user_name = hsmiam_access_key_get_user_name(key),
                             .id = hsmiam_access_key_get_id(key),
                             .status = hsmiam_access_key_get_status(key),
                             .uri = hsmiam_access_key_get_uri(key),
                             .key = key};
    tool_time_format(hsmiam_access_key_get_create_date(key), facts->date);
    facts->create_date = facts->date;
}

bool tool_made_key_add_replicas(tool_value *object, const hsmiam_access_key *key)
{
    const char *uri = key ? hsmiam_access_key_get_replica_uri(key, 0) : NULL;
    tool_value *list = uri ? tool_value_add_list(object, "ReplicaUris") : NULL;

    if (!uri)
        return true;
    for (size_t i = 0; list && (uri = hsmiam_access_key_get_replica_uri(key, i)) != NULL; i++)
        if (!tool_value_add_string(list, NULL, uri))
            return false;
    return list != NULL;
}

bool tool_made_key_add(tool_value *object, const tool_made_key *facts)
{
    tool_value *key = tool_value_add_object(object, "AccessKey");

    return key && tool_made_key_fill(key, facts);
}

bool tool_made_key_fill(tool_value *key, const tool_made_key *facts)
{
    return (!*facts->user_name || tool_value_add_string(key, "UserName", facts->user_name)) &&
           tool_value_add_string(key, "AccessKeyId", facts->id) &&
           tool_value_add_string(key, "Status", facts->status) &&
           tool_value_add_string(key, "SecretAccessKeyUri", facts->uri) &&
           tool_made_key_add_replicas(key, facts->key) &&
           (!*facts->create_date || tool_value_add_string(key, "CreateDate", facts->create_date));
}
