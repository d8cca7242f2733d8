/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a change to a key whose outcome is not on record. Nothing is asked for again:
 * what IAM did is found out, and what IAM did not do stays undone, for a person to ask for anew. */
#include <stdio.h>
#include <string.h>

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

/* What the tokens have of a key that IAM deleted goes too. */
static hsmiam_status destroy(work *run, const hsmiam_holdings *holdings)
{
    hsmiam_status status = HSMIAM_OK;

    if (!run->dry_run)
        status = hsmiam_holdings_destroy(holdings, run->intent->access_key_id, &run->why);
    if (status != HSMIAM_OK)
        return leave_open(run, "IAM deleted the key, but its object in the token remains");
    if (!run->dry_run)
        hsmiam_custody_make_durable(run->custody);
    return HSMIAM_OK;
}

/* A list lacks the keys of other users too: of one whose name was mistaken, or has changed since.
 * What exists, whose ever it is, was not deleted. */
static hsmiam_presence ask_presence(work *run, const hsmiam_holdings *holdings)
{
    const hsmiam_open_intent *intent = run->intent;
    const char *user = intent->user_name;
    hsmiam_presence presence = hsmiam_presence_ask(
        run->client, holdings, user[0] != '\0' ? user : NULL, intent->access_key_id, &run->why);

    if (presence == HSMIAM_PRESENCE_UNCLEAR)
        (void)snprintf(run->to->reason, sizeof run->to->reason,
                       "IAM does not list the key for this user any more, which may be another "
                       "user's: %s Nothing was touched. What cannot be settled so, a person "
                       "closes: hsmiam recover --close %llu.",
                       hsmiam_error_get_message(&run->why), (unsigned long long)intent->sequence);
    return presence;
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

/* Nobody lists the key; or IAM told that it deleted it. */
static hsmiam_status settle_absence(work *run, const char *account, hsmiam_error *error)
{
    hsmiam_holdings holdings = {.count = 0};
    hsmiam_presence presence = HSMIAM_PRESENCE_GONE;

    hsmiam_status status = hsmiam_holdings_load(&holdings, run->client, run->custody,
                                                run->intent->access_key_id, &run->why);
    if (status != HSMIAM_OK)
        status = leave_open(run, "Whether the token holds the key it does not tell");
    else if (!was_told(run->intent))
        presence = ask_presence(run, &holdings);
    if (run->to->reason[0] == '\0' && presence == HSMIAM_PRESENCE_GONE)
        status = destroy(run, &holdings);
    hsmiam_holdings_clear(&holdings);
    if (status != HSMIAM_OK || run->to->reason[0] != '\0')
        return status;
    return settle_as(
        run, presence == HSMIAM_PRESENCE_GONE ? HSMIAM_RESULT_DELETED : HSMIAM_RESULT_NOT_EXECUTED,
        account, error);
}

static hsmiam_status settle_deletion(work *run, const char *account, hsmiam_error *error)
{
    if (was_told(run->intent))
        return settle_absence(run, account, error);
    if (!is_over(run))
        return wait(run);
    return run->is_listed ? settle_as(run, HSMIAM_RESULT_NOT_EXECUTED, account, error)
                          : settle_absence(run, account, error);
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
