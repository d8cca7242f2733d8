/* SPDX-License-Identifier: Apache-2.0 */
/* What the ledger is told of an issue: the intent before the request leaves, then what became of
 * it. */
#include <stdio.h>
#include <string.h>

#include "custody/custody.h"

static void list_ids(const hsmiam_key_list *before, char *to)
{
    for (size_t i = 0; i < before->count; i++) {
        size_t size = strlen(before->keys[i].id);
        if (i > 0)
            *to++ = ' ';
        memcpy(to, before->keys[i].id, size);
        to += size;
    }
    *to = '\0';
}

const char *hsmiam_issue_get_subject(const char *user_name)
{
    return user_name != NULL && user_name[0] != '\0' ? user_name : HSMIAM_LOCK_OWN_USER;
}

static bool take_open(void *context, const hsmiam_open_intent *intent)
{
    hsmiam_survey *survey = context;

    survey->has_open = true;
    survey->open = intent->sequence;
    return false;
}

hsmiam_status hsmiam_issue_survey(const hsmiam_client *client, const hsmiam_custody *custody,
                                  const char *user_name, hsmiam_survey *survey_out,
                                  hsmiam_error *error)
{
    const char *credential = hsmiam_signer_get_access_key_id(hsmiam_client_get_signer(client));
    hsmiam_ledger *ledger = custody->ledger;
    bool perhaps = true;

    if (ledger == NULL)
        return HSMIAM_OK;
    hsmiam_status status =
        hsmiam_ledger_find_account(ledger, credential, survey_out->account, error);
    if (status == HSMIAM_OK && custody->watch != NULL && user_name != NULL)
        status = hsmiam_ledger_watch_ask(custody->watch, user_name, &perhaps, error);
    if (status == HSMIAM_OK && perhaps)
        status = hsmiam_ledger_find_open(ledger, user_name != NULL ? user_name : "", take_open,
                                         survey_out, error);
    return status;
}

hsmiam_status hsmiam_issue_record_init(hsmiam_issue_record *record, const hsmiam_client *client,
                                       const hsmiam_custody *custody, const char *account,
                                       const char *user_name, const hsmiam_key_list *before,
                                       hsmiam_error *error)
{
    *record = (hsmiam_issue_record){.ledger = custody->ledger};
    if (record->ledger == NULL)
        return HSMIAM_OK;
    if (!hsmiam_client_get_service_time(client, &record->iam_time))
        record->iam_time = -1;
    (void)snprintf(record->account, sizeof record->account, "%s", account);
    record->before_known = before != NULL;
    if (before != NULL)
        list_ids(before, record->keys_before);
    record->facts = (hsmiam_ledger_facts){
        .account = record->account,
        .endpoint = record->endpoint,
        .token_serial = hsmiam_token_get_serial(custody->token),
        .replicas = custody->replica_serials,
        .credential_id = hsmiam_signer_get_access_key_id(hsmiam_client_get_signer(client)),
        .user_name = user_name,
        .route = hsmiam_custody_get_import_route(custody),
    };
    hsmiam_custody_describe_key(custody, &record->facts);
    return hsmiam_client_describe(client, &record->facts.partition, record->endpoint, error);
}

hsmiam_status hsmiam_issue_record_intent(void *context, time_t request_time, hsmiam_error *error)
{
    hsmiam_issue_record *record = context;

    if (record->ledger == NULL)
        return HSMIAM_OK;
    if (record->intent != 0)
        return hsmiam_ledger_add_renewal(record->ledger, &record->facts, record->intent,
                                         request_time, error);
    return hsmiam_ledger_add_intent(record->ledger, &record->facts,
                                    record->before_known ? record->keys_before : NULL,
                                    record->iam_time, request_time, &record->intent, error);
}

hsmiam_status hsmiam_issue_record_outcome(hsmiam_issue_record *record, hsmiam_result result,
                                          const hsmiam_key_metadata *key, const char *code,
                                          hsmiam_error *error)
{
    hsmiam_ledger_facts facts = record->facts;

    if (record->ledger == NULL || record->intent == 0)
        return HSMIAM_OK;
    /* An id that nobody answers for is no fact. */
    facts.access_key_id = result != HSMIAM_RESULT_UNKNOWN ? key->id : "";
    facts.request_id = key->request_id;
    if (key->user_name[0] != '\0')
        facts.user_name = key->user_name;
    return hsmiam_ledger_add_outcome(record->ledger, &facts, record->intent, result, code, error);
}
