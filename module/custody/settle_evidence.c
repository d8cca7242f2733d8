/* SPDX-License-Identifier: Apache-2.0 */
/* What IAM, the token and the ledger know about an open intent. */
#include "custody/settle_work.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* By IAM's clock: not before the list that preceded the request, or if that is not known, not
 * before IAM would have taken its signature. */
static bool is_in_window(const hsmiam_open_intent *intent, time_t created)
{
    time_t first = intent->iam_time >= 0 && intent->iam_time < intent->request_time
                       ? intent->iam_time
                       : intent->request_time;

    if (intent->iam_time < 0)
        first -= HSMIAM_SIGNATURE_SECONDS;
    return created >= first - 1 &&
           created <= intent->request_time + HSMIAM_SIGNATURE_SECONDS + HSMIAM_EXECUTION_SECONDS;
}

static const hsmiam_key_metadata *find_listed(const hsmiam_settling *run, const char *id)
{
    for (size_t i = 0; i < run->list.count; i++)
        if (strcmp(run->list.keys[i].id, id) == 0)
            return &run->list.keys[i];
    return NULL;
}

static bool is_inactive(const hsmiam_key_metadata *key)
{
    return strcmp(key->status, "Inactive") == 0;
}

static hsmiam_status count_held(hsmiam_settling *run, const char *id, size_t *count_out)
{
    hsmiam_holders holders;
    hsmiam_status status = hsmiam_custody_find_holders(run->custody, run->intent->replica_serials,
                                                       id, &holders, &run->why);

    *count_out = holders.count;
    if (status != HSMIAM_OK)
        return hsmiam_settling_leave(run, "Whether the token holds %s it does not tell: %s", id,
                                     hsmiam_error_get_message(&run->why));
    return HSMIAM_OK;
}

/* A use that IAM was asked for and would not tell counts as unclear; any other trouble leaves the
 * intent open. */
static hsmiam_status ask_usage(hsmiam_settling *run, const char *id, bool *used_out,
                               bool *unclear_out)
{
    hsmiam_key_usage usage = {.was_used = false};
    hsmiam_status status = hsmiam_client_get_key_usage(run->client, id, false, &usage, &run->why);

    *used_out = status == HSMIAM_OK && usage.was_used;
    *unclear_out = status == HSMIAM_ERR_SERVICE;
    if (status == HSMIAM_OK || status == HSMIAM_ERR_SERVICE)
        return HSMIAM_OK;
    return hsmiam_settling_leave(run, "Whether access key %s was used is not known: %s", id,
                                 hsmiam_error_get_message(&run->why));
}

/* How a candidate counts. */
static hsmiam_status weigh(hsmiam_settling *run, const hsmiam_key_metadata *key)
{
    hsmiam_evidence *evidence = &run->evidence;
    size_t held = 0;
    bool used = false;
    bool unclear = false;

    hsmiam_status status = count_held(run, key->id, &held);
    if (status == HSMIAM_OK && run->to->reason[0] == '\0' && held == 0)
        status = ask_usage(run, key->id, &used, &unclear);
    if (status != HSMIAM_OK || run->to->reason[0] != '\0' || used)
        return status; /* nobody has the secret of an orphan */
    if (held > 0 || evidence->held == 0)
        (void)snprintf(run->candidate, sizeof run->candidate, "%s", key->id);
    if (held > 0) {
        evidence->held++;
        evidence->is_inactive = is_inactive(key);
    } else if (unclear) {
        evidence->unclear++;
    } else {
        evidence->orphans++;
    }
    (void)hsmiam_ids_add(run->to->candidates, key->id);
    return HSMIAM_OK;
}

/* A candidate that was seen once counts from then on, whatever becomes of it: were it forgotten,
 * the last one left would look like the only one there ever was. */
static hsmiam_status remember_candidates(hsmiam_settling *run, hsmiam_error *error)
{
    hsmiam_ids all = "";

    hsmiam_ids_add_all(all, run->intent->candidates);
    size_t known = strlen(all);
    hsmiam_ids_add_all(all, run->to->candidates);
    run->evidence.was_ambiguous = strchr(all, ' ') != NULL;
    if (run->dry_run || strlen(all) == known)
        return HSMIAM_OK;
    return hsmiam_settling_record(run, HSMIAM_RESULT_UNKNOWN, "", run->to->candidates, error);
}

static hsmiam_status gather_candidates(hsmiam_settling *run, hsmiam_error *error)
{
    const hsmiam_open_intent *intent = run->intent;
    const char *hint = intent->access_key_id;
    hsmiam_status status = HSMIAM_OK;
    size_t held = 0;
    bool known = false;

    for (size_t i = 0; i < run->list.count; i++) {
        const hsmiam_key_metadata *key = &run->list.keys[i];
        if (hsmiam_ids_has(intent->keys_before, key->id) || !is_in_window(intent, key->create_date))
            continue;
        status =
            hsmiam_ledger_knows_key(run->custody->ledger, key->id, intent->sequence, &known, error);
        if (status == HSMIAM_OK && !known)
            status = weigh(run, key);
        if (status != HSMIAM_OK || run->to->reason[0] != '\0')
            return status;
    }
    if (hint[0] != '\0' && find_listed(run, hint) == NULL &&
        !hsmiam_ids_has(intent->keys_before, hint)) {
        status =
            hsmiam_ledger_knows_key(run->custody->ledger, hint, intent->sequence, &known, error);
        if (status == HSMIAM_OK && !known)
            status = count_held(run, hint, &held);
        run->evidence.hint_held = held > 0;
        if (held > 0 && run->candidate[0] == '\0')
            (void)snprintf(run->candidate, sizeof run->candidate, "%s", hint);
    }
    if (status != HSMIAM_OK || run->to->reason[0] != '\0')
        return status;
    return remember_candidates(run, error);
}

/* What the user's list lacks may be there all the same: a user who was renamed has taken the keys
 * along. Where IAM has it as this user's, list and use contradict each other, and time will tell.
 */
static hsmiam_status ask_whose(hsmiam_settling *run)
{
    hsmiam_evidence *evidence = &run->evidence;
    hsmiam_key_usage usage = {.was_used = false};
    hsmiam_status status =
        hsmiam_client_get_key_usage(run->client, run->candidate, false, &usage, &run->why);

    if (status == HSMIAM_ERR_SERVICE)
        return HSMIAM_OK; /* it knows no such key, or does not tell */
    if (status != HSMIAM_OK)
        return hsmiam_settling_leave(run, "Whether IAM has access key %s is not known: %s",
                                     run->candidate, hsmiam_error_get_message(&run->why));
    evidence->id_of_another = strcasecmp(usage.user_name, run->intent->user_name) != 0;
    evidence->window_over = false;
    return HSMIAM_OK;
}

/* The answer told an id. It is held against the same evidence: an answer that was mixed up, or a
 * line of the ledger, must not make somebody else's key ours. */
static hsmiam_status gather_by_id(hsmiam_settling *run, hsmiam_error *error)
{
    const hsmiam_open_intent *intent = run->intent;
    const char *id = intent->access_key_id;
    const hsmiam_key_metadata *key = find_listed(run, id);
    hsmiam_evidence *evidence = &run->evidence;
    bool known = false;
    bool used = false;
    bool unclear = false;
    size_t held = 0;

    (void)snprintf(run->candidate, sizeof run->candidate, "%s", id);
    hsmiam_status status =
        hsmiam_ledger_knows_key(run->custody->ledger, id, intent->sequence, &known, error);
    if (status == HSMIAM_OK)
        status = count_held(run, id, &held);
    if (status == HSMIAM_OK && run->to->reason[0] == '\0' && key != NULL && held == 0)
        status = ask_usage(run, id, &used, &unclear);
    if (status == HSMIAM_OK && run->to->reason[0] == '\0' && key == NULL && evidence->window_over &&
        run->user_name != NULL)
        status = ask_whose(run);
    evidence->id_known = true;
    evidence->id_listed = key != NULL;
    evidence->id_held = held > 0;
    evidence->is_inactive = key != NULL && is_inactive(key);
    evidence->id_strange = known || used || hsmiam_ids_has(intent->keys_before, id) ||
                           (key != NULL && !is_in_window(intent, key->create_date));
    return status;
}

/* The keys of the user, and what IAM's clock says. A user who is gone has none. */
static hsmiam_status list_keys(hsmiam_settling *run)
{
    hsmiam_status status =
        hsmiam_client_list_access_keys(run->client, run->user_name, false, &run->list, &run->why);

    if (status == HSMIAM_ERR_SERVICE && hsmiam_settling_has_code(run, "NoSuchEntity")) {
        run->list.count = 0;
        run->evidence.user_gone = true;
        status = HSMIAM_OK;
    }
    if (!hsmiam_client_get_service_time(run->client, &run->now))
        run->now = -1;
    if (status != HSMIAM_OK)
        return hsmiam_settling_leave(run, "IAM does not list the user's keys: %s",
                                     hsmiam_error_get_message(&run->why));
    run->evidence.before_known = run->intent->before_known;
    run->evidence.window_over = run->now > hsmiam_settling_get_end(run->intent);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_settling_gather(hsmiam_settling *run, hsmiam_error *error)
{
    const hsmiam_open_intent *intent = run->intent;
    hsmiam_status status = list_keys(run);

    if (status != HSMIAM_OK || run->to->reason[0] != '\0')
        return status;
    return intent->access_key_id[0] != '\0' && intent->id_is_trusted
               ? gather_by_id(run, error)
               : gather_candidates(run, error);
}
