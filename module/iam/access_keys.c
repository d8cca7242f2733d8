/* SPDX-License-Identifier: Apache-2.0 */
/* IAM's operations on access keys. */
#include "iam/call.h"

#include <stdio.h>
#include <string.h>

#define PAGES_MAX 8

hsmiam_status hsmiam_client_create_access_key(hsmiam_client *client, const char *user_name,
                                              hsmiam_key_metadata *key_out, hsmiam_secret *secret,
                                              hsmiam_error *error)
{
    *key_out = (hsmiam_key_metadata){.create_date = 0};
    hsmiam_call *call = hsmiam_call_new(client, "CreateAccessKey", HSMIAM_CANCEL_UNTIL_SENT);
    if (call == NULL)
        return hsmiam_error_set_memory(error, "a request");
    hsmiam_call_add(call, "UserName", user_name);

    hsmiam_status status = hsmiam_call_run(call, secret, error);
    if (status == HSMIAM_OK)
        *key_out = call->reply.key;
    else
        memcpy(key_out->id, call->reply.key.id, sizeof key_out->id);
    memcpy(key_out->request_id, call->reply.request_id, sizeof call->reply.request_id);
    hsmiam_call_free(&call);
    return status;
}

hsmiam_status hsmiam_client_list_access_keys_page(hsmiam_client *client, const char *user_name,
                                                  unsigned max_items, bool may_cancel,
                                                  hsmiam_key_list *list,
                                                  char marker[HSMIAM_MARKER_SIZE],
                                                  hsmiam_error *error)
{
    char number[16];
    hsmiam_call *call =
        hsmiam_call_new(client, "ListAccessKeys", hsmiam_call_get_reading_rule(may_cancel));
    if (call == NULL)
        return hsmiam_error_set_memory(error, "a request");
    hsmiam_call_add(call, "UserName", user_name);
    (void)snprintf(number, sizeof number, "%u", max_items);
    hsmiam_call_add(call, "MaxItems", max_items > 0 ? number : NULL);
    call->reply.list = *list;

    hsmiam_status status = hsmiam_call_run_page(call, marker, error);
    if (status == HSMIAM_OK)
        *list = call->reply.list;
    hsmiam_call_free(&call);
    return status;
}

hsmiam_status hsmiam_client_list_access_keys(hsmiam_client *client, const char *user_name,
                                             bool may_cancel, hsmiam_key_list *list_out,
                                             hsmiam_error *error)
{
    char marker[HSMIAM_MARKER_MAX + 1] = "";
    hsmiam_status status = HSMIAM_OK;

    *list_out = (hsmiam_key_list){.count = 0};
    for (int page = 0; page < PAGES_MAX; page++) {
        status = hsmiam_client_list_access_keys_page(client, user_name, 0, may_cancel, list_out,
                                                     marker, error);
        if (status != HSMIAM_OK || marker[0] == '\0')
            break;
    }
    if (status == HSMIAM_OK && marker[0] != '\0')
        status =
            hsmiam_error_set(error, HSMIAM_ERR_REPLY,
                             "The answer to ListAccessKeys has no end after %d pages.", PAGES_MAX);
    if (status != HSMIAM_OK)
        *list_out = (hsmiam_key_list){.count = 0};
    return status;
}

hsmiam_status hsmiam_client_update_access_key(hsmiam_client *client, const char *user_name,
                                              const char *id, const char *key_status,
                                              bool may_cancel, hsmiam_error *error)
{
    hsmiam_call *call = hsmiam_call_new(
        client, "UpdateAccessKey", may_cancel ? HSMIAM_CANCEL_UNTIL_SENT : HSMIAM_CANCEL_NEVER);
    if (call == NULL)
        return hsmiam_error_set_memory(error, "a request");
    hsmiam_call_add(call, "UserName", user_name);
    hsmiam_call_add(call, "AccessKeyId", id);
    hsmiam_call_add(call, "Status", key_status);

    hsmiam_status status = hsmiam_call_run(call, NULL, error);
    hsmiam_call_free(&call);
    return status;
}

hsmiam_status hsmiam_client_send_deletion(hsmiam_client *client, const char *user_name,
                                          const char *id, hsmiam_error *error)
{
    hsmiam_call *call = hsmiam_call_new(client, "DeleteAccessKey", HSMIAM_CANCEL_NEVER);
    if (call == NULL)
        return hsmiam_error_set_memory(error, "a request");
    hsmiam_call_add(call, "UserName", user_name);
    hsmiam_call_add(call, "AccessKeyId", id);

    hsmiam_status status = hsmiam_call_run(call, NULL, error);
    hsmiam_call_free(&call);
    return status;
}

hsmiam_status hsmiam_client_delete_access_key(hsmiam_client *client, const char *user_name,
                                              const char *id, hsmiam_error *error)
{
    hsmiam_status status = hsmiam_client_send_deletion(client, user_name, id, error);

    /* Only an attempt that may have been executed explains that the key is gone. */
    if (status != HSMIAM_ERR_SERVICE || !hsmiam_client_was_perhaps_executed(client) ||
        strcmp(hsmiam_error_get_code_name(error), "NoSuchEntity") != 0)
        return status;
    hsmiam_error_clear(error);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_client_get_key_usage(hsmiam_client *client, const char *id, bool may_cancel,
                                          hsmiam_key_usage *usage_out, hsmiam_error *error)
{
    hsmiam_call *call =
        hsmiam_call_new(client, "GetAccessKeyLastUsed", hsmiam_call_get_reading_rule(may_cancel));
    if (call == NULL)
        return hsmiam_error_set_memory(error, "a request");
    hsmiam_call_add(call, "AccessKeyId", id);

    hsmiam_status status = hsmiam_call_run(call, NULL, error);
    if (status == HSMIAM_OK)
        *usage_out = call->reply.usage;
    hsmiam_call_free(&call);
    return status;
}
