/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a batch need not begin with again: the users whose key the ledger says is held, or
 * was rotated. */
#include "custody/custody.h"

#include <stdio.h>
#include <string.h>

#define DELETIONS_MAX 64 /* that may be under way at once */

typedef struct search {
    const char *token_serial;
    const char *credential_id;
    char account[HSMIAM_ACCOUNT_MAX + 1]; /* "": not known */
    hsmiam_held_fn take;
    hsmiam_rotated_fn take_rotated;
    void *context;
    char deletions[DELETIONS_MAX][sizeof "18446744073709551615"]; /* their records' numbers */
    size_t deletion_count;
    size_t oldest;
} search;

static bool is(const hsmiam_ledger_record *record, const char *name, const char *wanted)
{
    const char *text = hsmiam_ledger_record_get_text(record, name);

    return text != NULL && strcmp(text, wanted) == 0;
}

/* Users of other accounts may have the same names. Where the account is not on record, the
 * credential's word is taken. */
static bool is_of_account(const search *run, const hsmiam_ledger_record *record)
{
    if (run->account[0] != '\0' && hsmiam_ledger_record_get_text(record, "account") != NULL)
        return is(record, "account", run->account);
    return is(record, "credential_id", run->credential_id);
}

/* An outcome with that result says what became of the deletion, if it is one's. */
static bool ends_deletion(search *run, const hsmiam_ledger_record *record)
{
    const char *intent = hsmiam_ledger_record_get_text(record, "intent");

    for (size_t i = 0; intent != NULL && i < run->deletion_count; i++)
        if (strcmp(run->deletions[i], intent) == 0)
            return true;
    return false;
}

/* Only the last ones may still be without an outcome. */
static void note_deletion(search *run, const hsmiam_ledger_record *record)
{
    size_t at = run->deletion_count < DELETIONS_MAX ? run->deletion_count++ : run->oldest++;

    run->oldest %= DELETIONS_MAX;
    (void)snprintf(run->deletions[at], sizeof run->deletions[at], "%s",
                   hsmiam_ledger_record_get_text(record, "sequence"));
}

static bool meet(void *context, const hsmiam_ledger_record *record)
{
    search *run = context;
    const char *user_name = hsmiam_ledger_record_get_text(record, "user_name");
    const char *id = hsmiam_ledger_record_get_text(record, "access_key_id");

    if (is(record, "event", hsmiam_event_get_name(HSMIAM_EVENT_DELETE)))
        note_deletion(run, record);
    if (user_name == NULL || id == NULL || !is(record, "token_serial", run->token_serial) ||
        !is_of_account(run, record))
        return true;
    if (is(record, "result", hsmiam_result_get_name(HSMIAM_RESULT_HELD)))
        run->take(run->context, user_name, id, true);
    else if (is(record, "result", hsmiam_result_get_name(HSMIAM_RESULT_DELETED)) &&
             ends_deletion(run, record))
        run->take(run->context, user_name, id, false);
    return true;
}

/* Opens what is asked, and verifies the whole ledger, for whom it names are passed over. */
static hsmiam_status begin(search *run, hsmiam_client *client, hsmiam_custody *custody,
                           hsmiam_error *error)
{
    hsmiam_ledger_verdict verdict;

    if (client == NULL || custody == NULL || custody->ledger == NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "What is held stands in a ledger; the custody has none.");
    hsmiam_status status = hsmiam_signer_open(hsmiam_client_get_signer(client), error);
    if (status == HSMIAM_OK)
        status = hsmiam_custody_prepare(custody, error);
    if (status == HSMIAM_OK)
        status = hsmiam_ledger_mend(custody->ledger, error);
    if (status != HSMIAM_OK)
        return status;
    /* What is unsigned at the end now is so because the token has no audit key. */
    hsmiam_ledger_set_allow_unsigned(custody->ledger, true);
    status = hsmiam_ledger_verify(custody->ledger, NULL, NULL, &verdict, error);
    hsmiam_ledger_set_allow_unsigned(custody->ledger, false);
    if (status != HSMIAM_OK)
        return status;
    run->token_serial = hsmiam_token_get_serial(custody->token);
    run->credential_id = hsmiam_signer_get_access_key_id(hsmiam_client_get_signer(client));
    return hsmiam_ledger_find_account(custody->ledger, run->credential_id, run->account, error);
}

hsmiam_status hsmiam_custody_find_held(hsmiam_client *client, hsmiam_custody *custody,
                                       hsmiam_held_fn take, void *context, hsmiam_error *error)
{
    search run = {.take = take, .context = context};

    if (take == NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT, "Who takes what is held?");
    hsmiam_status status = begin(&run, client, custody, error);
    return status == HSMIAM_OK ? hsmiam_ledger_read(custody->ledger, NULL, meet, &run, error)
                               : status;
}

static bool meet_step(void *context, const hsmiam_ledger_record *record)
{
    search *run = context;
    const char *user_name = hsmiam_ledger_record_get_text(record, "user_name");
    bool deleted = is(record, "step", "deleted");

    if (user_name != NULL && (deleted || is(record, "step", "deactivated")) &&
        is(record, "event", hsmiam_event_get_name(HSMIAM_EVENT_ROTATION_STEP)) &&
        is(record, "token_serial", run->token_serial) && is_of_account(run, record))
        run->take_rotated(run->context, user_name, deleted);
    return true;
}

hsmiam_status hsmiam_custody_find_rotated(hsmiam_client *client, hsmiam_custody *custody,
                                          time_t since, hsmiam_rotated_fn take, void *context,
                                          hsmiam_error *error)
{
    search run = {.take_rotated = take, .context = context};
    const hsmiam_ledger_filter filter = {.since = since, .until = -1};

    if (take == NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT, "Who takes what was rotated?");
    hsmiam_status status = begin(&run, client, custody, error);
    return status == HSMIAM_OK
               ? hsmiam_ledger_read(custody->ledger, &filter, meet_step, &run, error)
               : status;
}
