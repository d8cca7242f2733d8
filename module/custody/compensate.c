/* SPDX-License-Identifier: Apache-2.0 */
/* When IAM made a key, or may have, and the token does not hold it. */
#include "custody/custody.h"

#include <string.h>

bool hsmiam_key_list_has(const hsmiam_key_list *list, const char *id)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->keys[i].id, id) == 0)
            return true;
    return false;
}

/* The AWS CLI's command that deletes a key, for a person to run. */
static void advise_deletion(const char *user_name, const char *id, hsmiam_error *error)
{
    hsmiam_error_append(error, "Delete it: aws iam delete-access-key --access-key-id %s%s%s", id,
                        user_name != NULL ? " --user-name " : "",
                        user_name != NULL ? user_name : "");
}

static bool is_out_of_token(const hsmiam_mishap *mishap)
{
    hsmiam_holders holders;

    return hsmiam_custody_find_holders(mishap->custody, NULL, mishap->key->id, &holders, NULL) ==
               HSMIAM_OK &&
           holders.count == 0;
}

/* Deletes under the name that was asked for, not the one answered: IAM then refuses if the key is
 * somebody else's. */
static void delete_known(const hsmiam_mishap *mishap, hsmiam_error *error)
{
    const char *answered = mishap->key->user_name;
    const char *advised = mishap->user_name;
    const hsmiam_log *log = hsmiam_client_get_log(mishap->client);
    hsmiam_error *why = hsmiam_error_new();

    if (advised == NULL && answered[0] != '\0')
        advised = answered;
    *mishap->result_out = HSMIAM_RESULT_UNDELETED;
    *mishap->unsettled_out = false;
    /* From here on, whatever stops this process, the key's id is on record. */
    if (mishap->record != NULL &&
        hsmiam_issue_record_outcome(mishap->record, HSMIAM_RESULT_UNDELETED, mishap->key, NULL,
                                    why) != HSMIAM_OK)
        hsmiam_log_write(log, HSMIAM_LOG_NOTICE, "Access key %s is not on record: %s",
                         mishap->key->id, hsmiam_error_get_message(why));
    if (hsmiam_client_update_access_key(mishap->client, mishap->user_name, mishap->key->id,
                                        "Inactive", false, why) != HSMIAM_OK)
        hsmiam_log_write(log, HSMIAM_LOG_DEBUG, "Access key %s was not deactivated: %s",
                         mishap->key->id, hsmiam_error_get_message(why));
    if (hsmiam_client_delete_access_key(mishap->client, mishap->user_name, mishap->key->id, why) ==
        HSMIAM_OK) {
        hsmiam_error_append(error, "Access key %s was deleted at IAM again.", mishap->key->id);
        if (is_out_of_token(mishap))
            *mishap->result_out = HSMIAM_RESULT_DELETED;
        else if (mishap->record != NULL)
            hsmiam_error_append(error, "Whether the token holds its object is not known; `hsmiam "
                                       "recover` finds out.");
    } else {
        hsmiam_error_append(error, "Access key %s exists at IAM and could not be deleted (%s%s%s).",
                            mishap->key->id, hsmiam_error_get_code_name(why),
                            hsmiam_error_get_code_name(why)[0] != '\0' ? ": " : "",
                            hsmiam_error_get_message(why));
        if (mishap->record != NULL)
            hsmiam_error_append(error, "Run `hsmiam recover`, which deletes it.");
        advise_deletion(advised, mishap->key->id, error);
    }
    hsmiam_error_free(&why);
}

/* Without an id, IAM's list is all there is: a key that is new in it may be ours, or another
 * administrator's. It is named and not touched. */
static void name_candidates(const hsmiam_mishap *mishap, hsmiam_error *error)
{
    hsmiam_key_list after = {0};
    size_t candidates = 0;

    if (mishap->before == NULL ||
        hsmiam_client_list_access_keys(mishap->client, mishap->user_name, false, &after, NULL) !=
            HSMIAM_OK) {
        hsmiam_error_append(error, "Whether IAM made a key is not known; compare `aws iam "
                                   "list-access-keys` with what the token holds.");
        return;
    }
    for (size_t i = 0; i < after.count; i++) {
        if (hsmiam_key_list_has(mishap->before, after.keys[i].id))
            continue;
        candidates++;
        hsmiam_error_append(error,
                            "IAM now lists access key %s, which was not there before and which the "
                            "token does not hold; if nobody else made it, it is lost.",
                            after.keys[i].id);
        advise_deletion(mishap->user_name, after.keys[i].id, error);
    }
    if (candidates == 0)
        hsmiam_error_append(error,
                            "IAM lists no new key so far, but it may still execute the request in "
                            "the next minutes; look again with `aws iam list-access-keys`.");
}

/* Whether another record is about the key, which then is no new one. A ledger that cannot be read
 * says nothing for it. */
static bool is_on_record(const hsmiam_mishap *mishap)
{
    bool known = false;

    return mishap->record != NULL &&
           (hsmiam_ledger_knows_key(mishap->record->ledger, mishap->key->id, mishap->record->intent,
                                    &known, NULL) != HSMIAM_OK ||
            known);
}

hsmiam_status hsmiam_mishap_compensate(const hsmiam_mishap *mishap, hsmiam_status cause,
                                       hsmiam_error *error)
{
    const char *id = mishap->key->id;

    *mishap->result_out = HSMIAM_RESULT_UNKNOWN;
    *mishap->unsettled_out = true;
    if (id[0] == '\0') {
        if (mishap->record == NULL) /* else it is settled by the ledger's rules */
            name_candidates(mishap, error);
        return cause;
    }
    /* An answer that names a key which was there before, in the list, in the token or in the
     * ledger, or the one that signs, is not about a new key: deleting on its word would destroy
     * somebody's. */
    if (cause == HSMIAM_ERR_EXISTS || is_on_record(mishap) ||
        (mishap->before != NULL && hsmiam_key_list_has(mishap->before, id)) ||
        strcmp(id, hsmiam_signer_get_access_key_id(hsmiam_client_get_signer(mishap->client))) ==
            0) {
        hsmiam_error_append(error,
                            "The answer names access key %s, which existed before; it was "
                            "not touched.",
                            id);
        return cause == HSMIAM_ERR_EXISTS ? HSMIAM_ERR_REPLY : cause;
    }
    /* A garbled or cut answer says little; with no list either, its id may be anybody's. */
    if (mishap->before == NULL &&
        (cause == HSMIAM_ERR_REPLY || cause == HSMIAM_ERR_UNKNOWN_OUTCOME)) {
        hsmiam_error_append(error,
                            "The answer names access key %s; whether that is the new one is not "
                            "known, for IAM did not list the keys before. If it is, and the token "
                            "does not hold it, it is lost.",
                            id);
        advise_deletion(mishap->user_name, id, error);
        return cause;
    }
    /* A whole answer is believed. Of one that was cut or garbled the id is evidence beside what IAM
     * lists, and the ledger's rules weigh it. */
    if (mishap->record != NULL &&
        (cause == HSMIAM_ERR_REPLY || cause == HSMIAM_ERR_UNKNOWN_OUTCOME)) {
        *mishap->result_out = HSMIAM_RESULT_UNDELETED;
        return cause;
    }
    delete_known(mishap, error);
    return HSMIAM_ERR_CUSTODY;
}
