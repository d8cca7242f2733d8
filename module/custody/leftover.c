/* SPDX-License-Identifier: Apache-2.0 */
/* What a token still holds of a key that IAM knows no more: deleted there by other means. */
#include "custody/change.h"

#include <string.h>

#include "custody/settle.h"

static bool is_held(const hsmiam_change *change)
{
    bool held = false;

    for (size_t i = 0; i < change->holdings.count; i++)
        held = held || change->holdings.of[i].count > 0;
    return held;
}

/* A key of another account is nothing that IAM could tell of here, and may be in use there. */
static hsmiam_status check_account(const hsmiam_change *change, time_t *alive_out,
                                   hsmiam_error *error)
{
    const char *id = change->access_key_id;
    char account[HSMIAM_ACCOUNT_MAX + 1] = "";

    if (change->custody->ledger == NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_UNSETTLED,
                                "Whose account access key %s is of stands in a ledger, and there "
                                "is none.",
                                id);
    hsmiam_status status =
        hsmiam_ledger_find_key_account(change->custody->ledger, id, account, alive_out, error);
    if (status != HSMIAM_OK)
        return status;
    if (account[0] == '\0')
        return hsmiam_error_set(error, HSMIAM_ERR_UNSETTLED,
                                "The ledger does not tell whose account access key %s is of. If "
                                "you know that it is gone, `pkcs11-tool --delete-object` "
                                "destroys its secret.",
                                id);
    if (change->account[0] == '\0' || strcmp(account, change->account) != 0)
        return hsmiam_error_set(
            error, HSMIAM_ERR_UNSETTLED, "Access key %s is of account %s, and the credential %s%s.",
            id, account, change->account[0] != '\0' ? "of " : "of one that nobody tells",
            change->account);
    return HSMIAM_OK;
}

/* By IAM's clock, which its answers have told. */
static hsmiam_status check_age(const hsmiam_change *change, time_t alive, hsmiam_error *error)
{
    time_t now = 0;

    if (hsmiam_client_get_service_time(change->client, &now) && now >= alive + HSMIAM_SETTLE_MARGIN)
        return HSMIAM_OK;
    return hsmiam_error_set(error, HSMIAM_ERR_UNSETTLED,
                            "Access key %s was made or used a short while ago, and IAM takes its "
                            "time to tell everywhere what it has. Try again in %d seconds.",
                            change->access_key_id, HSMIAM_SETTLE_MARGIN);
}

static hsmiam_status check(const hsmiam_change *change, hsmiam_error *error)
{
    time_t alive = 0;

    hsmiam_status status = check_account(change, &alive, error);
    if (status == HSMIAM_OK &&
        hsmiam_presence_ask(change->client, &change->holdings, hsmiam_change_get_user(change),
                            change->access_key_id, error) != HSMIAM_PRESENCE_GONE)
        status = HSMIAM_ERR_UNSETTLED;
    return status == HSMIAM_OK ? check_age(change, alive, error) : status;
}

/* A second attempt to which IAM says that there is no such key counts as done by the first one. But
 * if the key is another user's, neither did it. */
static hsmiam_status settle_lost_answer(hsmiam_change *change, hsmiam_error *error)
{
    hsmiam_error why = {.status = HSMIAM_OK};

    hsmiam_status status = HSMIAM_OK;
    if (hsmiam_presence_ask(change->client, &change->holdings, hsmiam_change_get_user(change),
                            change->access_key_id, &why) == HSMIAM_PRESENCE_GONE)
        hsmiam_error_clear(error);
    else
        status = hsmiam_error_set(error, HSMIAM_ERR_UNKNOWN_OUTCOME,
                                  "An answer of IAM was lost, and the next one tells nothing: %s",
                                  hsmiam_error_get_message(&why));
    return status;
}

hsmiam_status hsmiam_change_settle_absence(hsmiam_change *change, hsmiam_error *error)
{
    hsmiam_error why = {.status = HSMIAM_OK};
    hsmiam_status status = HSMIAM_ERR_SERVICE;

    if (hsmiam_client_was_perhaps_executed(change->client)) {
        status = settle_lost_answer(change, error);
    } else if (change->takes_leftover && is_held(change)) {
        status = check(change, &why);
        if (status == HSMIAM_OK) {
            change->code = HSMIAM_CODE_ABSENT;
            hsmiam_error_clear(error);
        } else {
            status = HSMIAM_ERR_SERVICE;
            hsmiam_error_append(error, "Its secret stays in the token: %s",
                                hsmiam_error_get_message(&why));
        }
    }
    if (status != HSMIAM_OK)
        hsmiam_change_record_failure(change, status, error);
    return status;
}

hsmiam_status hsmiam_change_check_leftover(void *context, hsmiam_error *error)
{
    hsmiam_change *change = context;
    hsmiam_status status = hsmiam_change_prepare(change, error);

    if (status != HSMIAM_OK)
        return status;
    if (!is_held(change))
        return hsmiam_error_set(error, HSMIAM_ERR_NOT_FOUND, "The token does not hold %s.",
                                change->access_key_id);
    return check(change, error);
}
