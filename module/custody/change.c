/* SPDX-License-Identifier: Apache-2.0 */
/* UpdateAccessKey and DeleteAccessKey: who, under which lock, and what the ledger hears. */
#include "custody/change.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* The name behind the path of "arn:aws:iam::123456789012:user/path/name"; others have none. */
static void take_own_name(hsmiam_change *change, const char *arn)
{
    const char *resource = strstr(arn, ":user/");
    const char *name = resource != NULL ? strrchr(resource, '/') + 1 : "";

    if (strlen(name) <= HSMIAM_USER_NAME_MAX)
        (void)snprintf(change->own_name, sizeof change->own_name, "%s", name);
}

/* Whose account it is, and with no user named, whose key: STS is asked where the ledger has never
 * heard. What it does not tell stays unknown. */
static hsmiam_status find_owner(hsmiam_change *change, const char *credential, hsmiam_error *error)
{
    hsmiam_caller caller;
    hsmiam_status status =
        hsmiam_ledger_find_account(change->custody->ledger, credential, change->account, error);

    if (status != HSMIAM_OK || (change->account[0] != '\0' && change->user_name != NULL))
        return status;
    status = hsmiam_subject_ask_caller(change->client, &caller, error);
    if (status != HSMIAM_OK || caller.account[0] == '\0')
        return status;
    (void)snprintf(change->account, sizeof change->account, "%s", caller.account);
    if (change->user_name == NULL)
        take_own_name(change, caller.arn);
    return HSMIAM_OK;
}

static hsmiam_status prepare_record(hsmiam_change *change, hsmiam_error *error)
{
    const char *credential =
        hsmiam_signer_get_access_key_id(hsmiam_client_get_signer(change->client));

    if (change->custody->ledger == NULL)
        return HSMIAM_OK;
    hsmiam_status status = hsmiam_ledger_open(change->custody->ledger, error);
    if (status == HSMIAM_OK)
        status = find_owner(change, credential, error);
    if (status != HSMIAM_OK)
        return status;
    change->facts = (hsmiam_ledger_facts){
        .account = change->account,
        .endpoint = change->endpoint,
        .token_serial = hsmiam_token_get_serial(change->custody->token),
        .credential_id = credential,
        .user_name = change->user_name != NULL     ? change->user_name
                     : change->own_name[0] != '\0' ? change->own_name
                                                   : NULL,
        .access_key_id = change->access_key_id,
        .status = change->status,
    };
    status =
        hsmiam_client_describe(change->client, &change->facts.partition, change->endpoint, error);
    if (status == HSMIAM_OK)
        status = hsmiam_subject_wait_for_lock(change->client, change->custody->ledger,
                                              change->facts.user_name, &change->lock, error);
    return status;
}

hsmiam_status hsmiam_change_prepare(hsmiam_change *change, hsmiam_error *error)
{
    hsmiam_status status = hsmiam_signer_open(hsmiam_client_get_signer(change->client), error);

    if (status == HSMIAM_OK)
        status = hsmiam_token_open(change->custody->token, error);
    if (status == HSMIAM_OK)
        status = prepare_record(change, error);
    if (status == HSMIAM_OK && change->event == HSMIAM_EVENT_DELETE)
        status = hsmiam_holdings_load(&change->holdings, change->client, change->custody,
                                      change->access_key_id, error);
    if (status == HSMIAM_OK && change->custody->ledger != NULL)
        status = hsmiam_ledger_ask_approval(
            change->custody->ledger,
            change->event == HSMIAM_EVENT_DELETE ? HSMIAM_ACT_DELETE : HSMIAM_ACT_UPDATE,
            &change->facts, change->custody->watch != NULL, &change->facts.request, error);
    return status;
}

/* The request is signed and about to leave. */
static hsmiam_status record_intent(void *context, time_t signed_at, hsmiam_error *error)
{
    hsmiam_change *change = context;
    hsmiam_ledger *ledger = change->custody->ledger;

    if (ledger == NULL)
        return HSMIAM_OK;
    change->facts.request_time = signed_at;
    if (change->intent != 0)
        return hsmiam_ledger_add_renewal(ledger, &change->facts, change->intent, signed_at, error);
    return hsmiam_ledger_add(ledger, change->event, &change->facts, &change->intent, error);
}

hsmiam_status hsmiam_change_record(hsmiam_change *change, hsmiam_result result, const char *code,
                                   const char *request_id, hsmiam_error *error)
{
    hsmiam_ledger_facts facts = change->facts;

    if (change->intent == 0)
        return HSMIAM_OK;
    facts.request_id = request_id;
    return hsmiam_ledger_add_outcome(change->custody->ledger, &facts, change->intent, result, code,
                                     error);
}

/* Only an answer to the one attempt that was executed, if any, tells that nothing was done. */
static hsmiam_result get_result(const hsmiam_change *change, hsmiam_status status)
{
    if (status == HSMIAM_ERR_UNKNOWN_OUTCOME || status == HSMIAM_ERR_REPLY ||
        hsmiam_client_was_perhaps_executed(change->client))
        return HSMIAM_RESULT_UNKNOWN;
    return status == HSMIAM_ERR_SERVICE ? HSMIAM_RESULT_REFUSED : HSMIAM_RESULT_NOT_SENT;
}

void hsmiam_change_record_failure(hsmiam_change *change, hsmiam_status status, hsmiam_error *error)
{
    hsmiam_error *why = hsmiam_error_new();
    hsmiam_result result = get_result(change, status);

    if (change->intent == 0)
        goto out;
    if (result == HSMIAM_RESULT_UNKNOWN)
        hsmiam_error_append(error,
                            "Whether IAM executed it is not known (record %llu of the ledger); run "
                            "`hsmiam recover`, which finds out.",
                            (unsigned long long)change->intent);
    if (hsmiam_change_record(change, result, hsmiam_error_get_code_name(error),
                             hsmiam_error_get_request_id(error), why) != HSMIAM_OK)
        hsmiam_error_append(error, "That is not on record: %s", hsmiam_error_get_message(why));
out:
    hsmiam_error_free(&why);
}

hsmiam_status hsmiam_change_send(hsmiam_change *change, hsmiam_error *error)
{
    hsmiam_status status = HSMIAM_OK;

    hsmiam_client_set_before_send(change->client, record_intent, change);
    if (change->event == HSMIAM_EVENT_DELETE)
        status = hsmiam_client_send_deletion(change->client, change->user_name,
                                             change->access_key_id, error);
    else
        status = hsmiam_client_update_access_key(
            change->client, change->user_name, change->access_key_id, change->status, true, error);
    hsmiam_client_set_before_send(change->client, NULL, NULL);
    if (status != HSMIAM_OK && !hsmiam_change_found_nothing(change, status, error))
        hsmiam_change_record_failure(change, status, error);
    return status;
}

bool hsmiam_change_found_nothing(const hsmiam_change *change, hsmiam_status status,
                                 const hsmiam_error *error)
{
    return change->event == HSMIAM_EVENT_DELETE && status == HSMIAM_ERR_SERVICE &&
           strcmp(hsmiam_error_get_code_name(error), HSMIAM_CODE_ABSENT) == 0;
}

const char *hsmiam_change_get_user(const hsmiam_change *change)
{
    return change->user_name != NULL ? change->user_name : change->facts.user_name;
}

void hsmiam_change_end(hsmiam_change *change)
{
    hsmiam_holdings_clear(&change->holdings);
    hsmiam_user_lock_release(&change->lock);
}
