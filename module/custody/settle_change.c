/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a change to a key whose outcome is not on record. Nothing is asked for again:
 * what IAM did is found out, and what IAM did not do stays undone, for a person to ask for anew. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "custody/change.h"
#include "custody/settle.h"

/* One intent in work. */
typedef struct work {
    hsmiam_client *client;
    hsmiam_custody *custody;
    const hsmiam_open_intent *intent;
    bool dry_run;
    hsmiam_settlement *to;
    bool is_listed;
    char status[HSMIAM_ACCESS_KEY_STATUS_MAX + 1];
    time_t now; /* IAM's clock; -1: not known */
    hsmiam_error why;
} work;

static hsmiam_status leave_open(work *run, const char *what)
{
    (void)snprintf(run->to->reason, sizeof run->to->reason, "%s%s%s", what,
                   run->why.status != HSMIAM_OK ? ": " : "", hsmiam_error_get_message(&run->why));
    return HSMIAM_OK;
}

static hsmiam_status settle_as(work *run, hsmiam_result result, const char *account,
                               hsmiam_error *error)
{
    const hsmiam_open_intent *intent = run->intent;
    const hsmiam_ledger_facts facts = {
        .account = intent->account[0] != '\0' ? intent->account : account,
        .partition = intent->partition,
        .endpoint = intent->endpoint,
        .token_serial = intent->token_serial,
        .credential_id = intent->credential_id,
        .user_name = intent->user_name,
        .access_key_id = intent->access_key_id,
    };

    run->to->state = HSMIAM_RECOVERY_SETTLED;
    run->to->result = result;
    if (run->dry_run)
        return HSMIAM_OK;
    return hsmiam_ledger_add_outcome(run->custody->ledger, &facts, intent->sequence, result, NULL,
                                     error);
}

/* Whether IAM lists the key, and how. A user who is gone has none. */
static hsmiam_status look(work *run)
{
    const char *user = run->intent->user_name;
    hsmiam_key_list list = {.count = 0};

    hsmiam_status status = hsmiam_client_list_access_keys(
        run->client, user[0] != '\0' ? user : NULL, false, &list, &run->why);
    if (status == HSMIAM_ERR_SERVICE &&
        strcmp(hsmiam_error_get_code_name(&run->why), "NoSuchEntity") == 0) {
        hsmiam_error_clear(&run->why);
        status = HSMIAM_OK;
    }
    if (status != HSMIAM_OK)
        return leave_open(run, "IAM does not list the user's keys");
    for (size_t i = 0; i < list.count; i++) {
        if (strcmp(list.keys[i].id, run->intent->access_key_id) != 0)
            continue;
        run->is_listed = true;
        memcpy(run->status, list.keys[i].status, sizeof run->status);
    }
    if (!hsmiam_client_get_service_time(run->client, &run->now))
        run->now = -1;
    return HSMIAM_OK;
}

/* That IAM deleted the key it told itself, before the run ended. */
static bool was_told(const hsmiam_open_intent *intent)
{
    return intent->result == HSMIAM_RESULT_UNDESTROYED && intent->result_is_trusted;
}

/* A list lacks the keys of other users too: of one whose name was mistaken, or has changed since.
 * What IAM still has, whose ever it is, was not deleted. */
static hsmiam_status ask_whether_it_exists(work *run, bool *exists_out)
{
    const hsmiam_open_intent *intent = run->intent;
    hsmiam_key_usage usage = {.was_used = false};
    hsmiam_status status =
        hsmiam_client_get_key_usage(run->client, intent->access_key_id, false, &usage, &run->why);

    *exists_out = status == HSMIAM_OK;
    if (status != HSMIAM_OK && status != HSMIAM_ERR_SERVICE)
        return leave_open(run, "Whether IAM has the key, under another user, is not known");
    if (status == HSMIAM_OK && strcasecmp(usage.user_name, intent->user_name) == 0) {
        run->to->come_back = HSMIAM_EXECUTION_SECONDS;
        return leave_open(run, "IAM does not list the key, and yet tells when it was used");
    }
    hsmiam_error_clear(&run->why);
    return HSMIAM_OK;
}

/* The same by the key itself, for IAM may not tell this credential of others. */
static hsmiam_status ask_as_key(work *run, const hsmiam_holdings *holdings)
{
    const char *id = run->intent->access_key_id;
    hsmiam_caller caller = {.account = ""};
    size_t at = 0;

    while (at < holdings->count && holdings->of[at].count == 0)
        at++;
    if (at == holdings->count)
        return HSMIAM_OK;
    switch (hsmiam_ask_as_key(run->client, holdings->of[at].token, id, &caller, &run->why)) {
    case HSMIAM_KEY_TAKEN:
    case HSMIAM_KEY_WRONG:
        hsmiam_error_clear(&run->why);
        (void)snprintf(run->to->reason, sizeof run->to->reason,
                       "IAM does not list access key %s for this user, and knows what it signs: it "
                       "is another user's, or the user's name has changed. It was not touched. "
                       "Close this (hsmiam recover --close %llu), and delete it by the right name.",
                       id, (unsigned long long)run->intent->sequence);
        return HSMIAM_OK;
    case HSMIAM_KEY_TROUBLE:
        return leave_open(run, "Whether IAM has the key, under another user, is not known");
    default:
        hsmiam_error_clear(&run->why);
        return HSMIAM_OK;
    }
}

/* IAM deleted the key: what the tokens have of it goes too. */
static hsmiam_status destroy(work *run)
{
    const char *id = run->intent->access_key_id;
    hsmiam_holdings holdings = {.count = 0};

    hsmiam_status status =
        hsmiam_holdings_load(&holdings, run->client, run->custody, id, &run->why);
    if (status == HSMIAM_OK && !was_told(run->intent)) {
        status = ask_as_key(run, &holdings);
        if (status != HSMIAM_OK || run->to->reason[0] != '\0')
            goto out;
    }
    if (status == HSMIAM_OK && !run->dry_run)
        status = hsmiam_holdings_destroy(&holdings, id, &run->why);
    if (status != HSMIAM_OK)
        status = leave_open(run, "IAM deleted the key, but its object in the token remains");
    else if (!run->dry_run)
        hsmiam_custody_make_durable(run->custody);
out:
    hsmiam_holdings_clear(&holdings);
    return status;
}

static hsmiam_status wait(work *run)
{
    time_t end = run->intent->request_time + HSMIAM_SIGNATURE_SECONDS + HSMIAM_SETTLE_MARGIN;

    run->to->come_back =
        run->now >= 0 && end > run->now ? (long long)(end - run->now) + 1 : HSMIAM_SETTLE_MARGIN;
    (void)snprintf(run->to->reason, sizeof run->to->reason,
                   "IAM may still execute the request, and its lists lag behind. Come back in %lld "
                   "seconds.",
                   run->to->come_back);
    return HSMIAM_OK;
}

/* Whether IAM can execute the request no more, and its list shows what it did. */
static bool is_over(const work *run)
{
    return run->now > run->intent->request_time + HSMIAM_SIGNATURE_SECONDS + HSMIAM_SETTLE_MARGIN;
}

static hsmiam_status settle_update(work *run, const char *account, hsmiam_error *error)
{
    if (run->is_listed && strcmp(run->status, run->intent->status) == 0)
        return settle_as(run, HSMIAM_RESULT_DONE, account, error);
    return is_over(run) ? settle_as(run, HSMIAM_RESULT_NOT_EXECUTED, account, error) : wait(run);
}

static hsmiam_status settle_deletion(work *run, const char *account, hsmiam_error *error)
{
    hsmiam_status status = HSMIAM_OK;
    bool exists = run->is_listed;

    if (!was_told(run->intent)) {
        if (!is_over(run))
            return wait(run);
        if (!exists)
            status = ask_whether_it_exists(run, &exists);
        if (status != HSMIAM_OK || run->to->reason[0] != '\0')
            return status;
        if (exists)
            return settle_as(run, HSMIAM_RESULT_NOT_EXECUTED, account, error);
    }
    status = destroy(run);
    if (status != HSMIAM_OK || run->to->reason[0] != '\0')
        return status;
    return settle_as(run, HSMIAM_RESULT_DELETED, account, error);
}

hsmiam_status hsmiam_settle_change(hsmiam_client *client, hsmiam_custody *custody,
                                   const hsmiam_open_intent *intent, const char *account,
                                   bool dry_run, hsmiam_settlement *settlement, hsmiam_error *error)
{
    work run = {.client = client,
                .custody = custody,
                .intent = intent,
                .dry_run = dry_run,
                .to = settlement,
                .now = -1};
    hsmiam_status status = HSMIAM_OK;

    if (!was_told(intent))
        status = look(&run);
    if (status != HSMIAM_OK || settlement->reason[0] != '\0')
        return status;
    return intent->event == HSMIAM_EVENT_DELETE ? settle_deletion(&run, account, error)
                                                : settle_update(&run, account, error);
}
