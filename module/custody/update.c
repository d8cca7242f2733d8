/* SPDX-License-Identifier: Apache-2.0 */
/* A key switched on and off, and deleted. */
#include <string.h>

#include "base/sealed.h"
#include "custody/change.h"

/* What was asked for, by anyone. */
static hsmiam_status check(const hsmiam_change *change, hsmiam_error *error)
{
    if (change->client == NULL || change->custody == NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "An access key is changed by a client, with a custody.");
    hsmiam_status status =
        change->user_name != NULL ? hsmiam_user_name_check(change->user_name, error) : HSMIAM_OK;
    return status == HSMIAM_OK ? hsmiam_access_key_id_check(change->access_key_id, error) : status;
}

static hsmiam_status run(hsmiam_change *change, hsmiam_status (*work)(void *, hsmiam_error *),
                         hsmiam_error *error)
{
    hsmiam_error *own = NULL;

    hsmiam_status status = check(change, error);
    if (status != HSMIAM_OK)
        return status;
    if (error == NULL) /* what IAM refused goes on record, whether the caller wants it or not */
        error = own = hsmiam_error_new();
    status = hsmiam_sealed_run(work, change, error);
    hsmiam_change_end(change);
    hsmiam_error_free(&own);
    return status;
}

static hsmiam_status update(void *context, hsmiam_error *error)
{
    hsmiam_change *change = context;
    hsmiam_error why = {.status = HSMIAM_OK};

    hsmiam_status status = hsmiam_change_prepare(change, error);
    if (status == HSMIAM_OK)
        status = hsmiam_change_send(change, error);
    if (status != HSMIAM_OK)
        return status;
    status = hsmiam_change_record(change, HSMIAM_RESULT_DONE, NULL, NULL, &why);
    if (status != HSMIAM_OK)
        return hsmiam_error_set(
            error, status, "Access key %s is %s at IAM now, but that is not on record: %s",
            change->access_key_id, change->status, hsmiam_error_get_message(&why));
    return HSMIAM_OK;
}

hsmiam_status hsmiam_key_status_check(const char *status, hsmiam_error *error)
{
    if (status != NULL && (strcmp(status, "Active") == 0 || strcmp(status, "Inactive") == 0))
        return HSMIAM_OK;
    return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                            "Parameter validation failed:\nInvalid value for parameter Status: it "
                            "must be Active or Inactive");
}

hsmiam_status hsmiam_access_key_update(hsmiam_client *client, hsmiam_custody *custody,
                                       const char *user_name, const char *access_key_id,
                                       const char *key_status, hsmiam_error *error)
{
    hsmiam_change change = {.client = client,
                            .custody = custody,
                            .event = HSMIAM_EVENT_UPDATE,
                            .user_name = user_name,
                            .access_key_id = access_key_id,
                            .status = key_status,
                            .lock = {.fd = -1}};

    hsmiam_status status = hsmiam_key_status_check(key_status, error);
    return status == HSMIAM_OK ? run(&change, update, error) : status;
}

hsmiam_status hsmiam_holdings_destroy(const hsmiam_holdings *holdings, const char *id,
                                      hsmiam_error *error)
{
    hsmiam_status status = HSMIAM_OK;

    for (size_t i = 0; status == HSMIAM_OK && i < holdings->count; i++)
        if (holdings->of[i].count > 0)
            status = hsmiam_token_destroy_access_key(holdings->of[i].token, id, NULL, error);
    return status;
}

/* IAM has deleted the key: its secret is worth nothing any more, and goes. That IAM did is on
 * record before, so that whoever comes after a crash need not wait to be sure of it. */
static hsmiam_status destroy(hsmiam_change *change, hsmiam_error *error)
{
    bool is_held = false;

    for (size_t i = 0; i < change->holdings.count; i++)
        is_held = is_held || change->holdings.of[i].count > 0;
    if (!is_held)
        return HSMIAM_OK;
    hsmiam_status status =
        hsmiam_change_record(change, HSMIAM_RESULT_UNDESTROYED, change->code, NULL, error);
    if (status == HSMIAM_OK)
        status = hsmiam_holdings_destroy(&change->holdings, change->access_key_id, error);
    if (status == HSMIAM_OK)
        hsmiam_custody_make_durable(change->custody);
    return status;
}

static hsmiam_status delete (void *context, hsmiam_error *error)
{
    hsmiam_change *change = context;
    hsmiam_error why = {.status = HSMIAM_OK};

    hsmiam_status status = hsmiam_change_prepare(change, error);
    if (status == HSMIAM_OK)
        status = hsmiam_change_send(change, error);
    if (hsmiam_change_found_nothing(change, status, error))
        status = hsmiam_change_settle_absence(change, error);
    if (status != HSMIAM_OK)
        return status;
    status = destroy(change, &why);
    if (status == HSMIAM_OK)
        status = hsmiam_change_record(change, HSMIAM_RESULT_DELETED, change->code, NULL, &why);
    if (status != HSMIAM_OK)
        return hsmiam_error_set(error, status,
                                "Access key %s is deleted at IAM; what was to follow failed: %s%s",
                                change->access_key_id, hsmiam_error_get_message(&why),
                                change->intent != 0 ? " Run `hsmiam recover`, which ends it." : "");
    return HSMIAM_OK;
}

static hsmiam_change make_deletion(hsmiam_client *client, hsmiam_custody *custody,
                                   const char *user_name, const char *access_key_id)
{
    return (hsmiam_change){.client = client,
                           .custody = custody,
                           .event = HSMIAM_EVENT_DELETE,
                           .user_name = user_name,
                           .access_key_id = access_key_id,
                           .lock = {.fd = -1}};
}

hsmiam_status hsmiam_access_key_delete(hsmiam_client *client, hsmiam_custody *custody,
                                       const char *user_name, const char *access_key_id,
                                       hsmiam_error *error)
{
    hsmiam_change change = make_deletion(client, custody, user_name, access_key_id);

    return run(&change, delete, error);
}

hsmiam_status hsmiam_access_key_check_leftover(hsmiam_client *client, hsmiam_custody *custody,
                                               const char *user_name, const char *access_key_id,
                                               hsmiam_error *error)
{
    hsmiam_change change = make_deletion(client, custody, user_name, access_key_id);

    return run(&change, hsmiam_change_check_leftover, error);
}

hsmiam_status hsmiam_access_key_delete_leftover(hsmiam_client *client, hsmiam_custody *custody,
                                                const char *user_name, const char *access_key_id,
                                                hsmiam_error *error)
{
    hsmiam_change change = make_deletion(client, custody, user_name, access_key_id);

    change.takes_leftover = true;
    return run(&change, delete, error);
}
