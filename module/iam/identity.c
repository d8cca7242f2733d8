/* SPDX-License-Identifier: Apache-2.0 */
/* Who there is: the caller, by STS, and the account's users, by IAM. */
#include "iam/client.h"

#include "iam/call.h"

#include <stdio.h>

hsmiam_status hsmiam_client_get_caller(hsmiam_client *client, bool may_cancel,
                                       hsmiam_caller *caller_out, hsmiam_error *error)
{
    hsmiam_call *call =
        hsmiam_call_new(client, "GetCallerIdentity", hsmiam_call_get_reading_rule(may_cancel));
    if (call == NULL)
        return hsmiam_error_set_memory(error, "a request");

    hsmiam_status status = hsmiam_call_run(call, NULL, error);
    if (status == HSMIAM_OK)
        *caller_out = call->reply.caller;
    hsmiam_call_free(&call);
    return status;
}

hsmiam_status hsmiam_client_get_caller_identity(hsmiam_client *client,
                                                hsmiam_caller_identity *identity_out,
                                                hsmiam_error *error)
{
    if (client == NULL || identity_out == NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "The client, or the place for the identity, is missing.");
    hsmiam_status status = hsmiam_client_get_caller(client, true, &client->caller, error);
    if (status == HSMIAM_OK)
        *identity_out = (hsmiam_caller_identity){.user_id = client->caller.user_id,
                                                 .account = client->caller.account,
                                                 .arn = client->caller.arn};
    return status;
}

hsmiam_status hsmiam_client_list_users_page(hsmiam_client *client, bool may_cancel,
                                            char marker[HSMIAM_MARKER_SIZE],
                                            hsmiam_user_page *page_out, hsmiam_error *error)
{
    char size[16];
    hsmiam_call *call =
        hsmiam_call_new(client, "ListUsers", hsmiam_call_get_reading_rule(may_cancel));
    if (call == NULL)
        return hsmiam_error_set_memory(error, "a request");
    (void)snprintf(size, sizeof size, "%d", HSMIAM_USERS_PAGE_MAX);
    hsmiam_call_add(call, "MaxItems", size);

    hsmiam_status status = hsmiam_call_run_page(call, marker, error);
    if (status == HSMIAM_OK)
        *page_out = call->reply.users;
    hsmiam_call_free(&call);
    return status;
}
