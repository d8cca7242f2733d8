/* SPDX-License-Identifier: Apache-2.0 */
/* Settling all that interrupted runs left open. */
#include "custody/rotate.h"
#include "custody/settle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/sealed.h"

typedef struct recovery {
    hsmiam_client *client;
    hsmiam_custody *custody;
    bool dry_run;
    hsmiam_recovery_fn report;
    void *context;
    hsmiam_open_intent *intents; /* the last one first */
    size_t count;
    bool no_memory;
    hsmiam_caller caller;
    bool has_rotations;    /* that did not end */
    const char *hindrance; /* why none can be looked after; NULL: nothing hinders */
    size_t open;
} recovery;

static bool collect(void *context, const hsmiam_open_intent *intent)
{
    recovery *run = context;
    hsmiam_open_intent *more = realloc(run->intents, (run->count + 1) * sizeof *more);

    run->no_memory = more == NULL;
    if (more == NULL)
        return false;
    run->intents = more;
    run->intents[run->count++] = *intent;
    return true;
}

static bool note_rotation(void *context, const hsmiam_rotation_record *rotation)
{
    (void)rotation;
    ((recovery *)context)->has_rotations = true;
    return false;
}

/* Whom the credential belongs to; "" if nobody tells, for then the credential itself says enough of
 * its own intents, and the others say what they lack. */
static hsmiam_status ask_account(void *context, hsmiam_error *error)
{
    recovery *run = context;

    hsmiam_status status = hsmiam_signer_open(hsmiam_client_get_signer(run->client), error);
    if (status != HSMIAM_OK)
        return status;
    status = hsmiam_client_get_caller(run->client, true, &run->caller, error);
    if (status == HSMIAM_OK || status == HSMIAM_ERR_CANCELLED || status == HSMIAM_ERR_MEMORY)
        return status;
    hsmiam_log_write(hsmiam_client_get_log(run->client), HSMIAM_LOG_NOTICE,
                     "Whose account the credential belongs to STS does not tell: %s",
                     hsmiam_error_get_message(error));
    run->caller.account[0] = '\0';
    hsmiam_error_clear(error);
    return HSMIAM_OK;
}

/* For looking whether it is still open, now that the lock is held. */
typedef struct sought {
    uint64_t sequence;
    hsmiam_open_intent *intent;
    bool found;
} sought;

static bool look(void *context, const hsmiam_open_intent *intent)
{
    sought *wanted = context;

    if (intent->sequence != wanted->sequence)
        return intent->sequence > wanted->sequence;
    *wanted->intent = *intent;
    wanted->found = true;
    return false;
}

hsmiam_status hsmiam_open_intent_look(hsmiam_custody *custody, uint64_t sequence,
                                      hsmiam_open_intent *intent_out, bool *found_out,
                                      hsmiam_error *error)
{
    sought wanted = {.sequence = sequence, .intent = intent_out};
    hsmiam_status status = hsmiam_ledger_find_open(custody->ledger, NULL, look, &wanted, error);

    *found_out = wanted.found;
    return status;
}

static void tell(recovery *run, const hsmiam_open_intent *intent,
                 const hsmiam_settlement *settlement)
{
    const hsmiam_recovery told = {
        .intent = intent->sequence,
        .state = settlement->state,
        .result = settlement->state == HSMIAM_RECOVERY_SETTLED
                      ? hsmiam_result_get_name(settlement->result)
                      : "",
        .user_name = intent->user_name,
        .access_key_id = settlement->access_key_id,
        .reason = settlement->reason,
        .candidates = settlement->candidates,
        .request_time = intent->request_time,
        .come_back = settlement->come_back,
    };

    if (settlement->state != HSMIAM_RECOVERY_SETTLED || run->dry_run)
        run->open++;
    if (run->report != NULL)
        run->report(run->context, &told);
}

static hsmiam_status settle_locked(recovery *run, hsmiam_open_intent *intent, hsmiam_error *error)
{
    hsmiam_settlement *settlement = calloc(1, sizeof *settlement);
    bool found = false;

    if (settlement == NULL)
        return hsmiam_error_set_memory(error, "recovering");
    hsmiam_status status =
        hsmiam_open_intent_look(run->custody, intent->sequence, intent, &found, error);
    if (status == HSMIAM_OK && found) {
        status = hsmiam_settle(run->client, run->custody, intent, run->caller.account, run->dry_run,
                               settlement, error);
        if (status == HSMIAM_OK)
            tell(run, intent, settlement);
    }
    free(settlement);
    return status;
}

/* Nothing can be asked or signed: it is told what is open all the same. */
static hsmiam_status leave(recovery *run, const hsmiam_open_intent *intent, hsmiam_error *error)
{
    hsmiam_settlement *settlement = calloc(1, sizeof *settlement);

    if (settlement == NULL)
        return hsmiam_error_set_memory(error, "recovering");
    settlement->state = HSMIAM_RECOVERY_OPEN;
    settlement->come_back = -1;
    (void)snprintf(settlement->reason, sizeof settlement->reason, "%s", run->hindrance);
    memcpy(settlement->access_key_id, intent->access_key_id, sizeof settlement->access_key_id);
    memcpy(settlement->candidates, intent->candidates, sizeof settlement->candidates);
    tell(run, intent, settlement);
    free(settlement);
    return HSMIAM_OK;
}

static hsmiam_status settle_one(recovery *run, hsmiam_open_intent *intent, hsmiam_error *error)
{
    static const hsmiam_settlement live = {
        .state = HSMIAM_RECOVERY_LIVE, .reason = "Its process is still at work.", .come_back = 5};
    hsmiam_user_lock lock = {.fd = -1};
    bool held = false;

    hsmiam_status status = hsmiam_user_lock_try(
        run->custody->ledger, hsmiam_issue_get_subject(intent->user_name), &lock, &held, error);
    if (status == HSMIAM_OK && !held)
        tell(run, intent, &live);
    else if (status == HSMIAM_OK && run->hindrance != NULL)
        status = leave(run, intent, error);
    else if (status == HSMIAM_OK)
        status = settle_locked(run, intent, error);
    hsmiam_user_lock_release(&lock);
    return status;
}

/* The oldest first. A credential that cannot be used hinders all of it, and is what is said in the
 * end; each intent is told with that reason. */
static hsmiam_status settle_all(recovery *run, hsmiam_error *error)
{
    hsmiam_error *why = hsmiam_error_new();
    hsmiam_status hindered = hsmiam_sealed_run(ask_account, run, why);
    hsmiam_status status = HSMIAM_OK;

    if (hindered != HSMIAM_OK)
        run->hindrance = hsmiam_error_get_message(why);
    for (size_t i = run->count; status == HSMIAM_OK && i > 0; i--)
        status = settle_one(run, &run->intents[i - 1], error);
    if (status == HSMIAM_OK && hindered == HSMIAM_OK && run->has_rotations)
        status =
            hsmiam_rotations_recover(run->client, run->custody, run->caller.account, run->dry_run,
                                     run->report, run->context, &run->open, error);
    if (status == HSMIAM_OK && hindered != HSMIAM_OK) {
        status = hindered;
        if (error != NULL && why != NULL)
            *error = *why;
    } else if (status == HSMIAM_OK && run->open > 0) {
        status = hsmiam_error_set(error, HSMIAM_ERR_UNSETTLED,
                                  run->dry_run ? "%zu interrupted runs are to be settled."
                                               : "%zu interrupted runs are left open.",
                                  run->open);
    }
    hsmiam_error_free(&why);
    return status;
}

static hsmiam_status recover(recovery *run, hsmiam_error *error)
{
    hsmiam_status status = hsmiam_custody_open_tokens(run->custody, error);

    if (status == HSMIAM_OK)
        status = hsmiam_ledger_find_open(run->custody->ledger, NULL, collect, run, error);
    if (status == HSMIAM_OK && run->no_memory)
        status = hsmiam_error_set_memory(error, "recovering");
    if (status == HSMIAM_OK && !run->dry_run)
        status = hsmiam_ledger_mend(run->custody->ledger, error);
    if (status == HSMIAM_OK)
        status = hsmiam_ledger_find_open_rotations(run->custody->ledger, note_rotation, run, error);
    if (status != HSMIAM_OK || (run->count == 0 && !run->has_rotations))
        return status;
    return settle_all(run, error);
}

hsmiam_status hsmiam_custody_recover(hsmiam_client *client, hsmiam_custody *custody, bool dry_run,
                                     hsmiam_recovery_fn report, void *context, hsmiam_error *error)
{
    recovery run = {.client = client,
                    .custody = custody,
                    .dry_run = dry_run,
                    .report = report,
                    .context = context};

    if (client == NULL || custody == NULL || custody->ledger == NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "What is open stands in a ledger; the custody has none.");
    hsmiam_status status = recover(&run, error);
    free(run.intents);
    return status;
}

/* A person answers for what the ledger's rules cannot tell. */
static hsmiam_status close_locked(hsmiam_ledger *ledger, const hsmiam_open_intent *intent,
                                  const char *reason, hsmiam_error *error)
{
    const hsmiam_ledger_facts facts = {
        .account = intent->account,
        .partition = intent->partition,
        .endpoint = intent->endpoint,
        .token_serial = intent->token_serial,
        .replicas = intent->replica_serials,
        .credential_id = intent->credential_id,
        .user_name = intent->user_name,
        .access_key_id = intent->access_key_id,
        .candidates = intent->candidates,
        .reason = reason,
        .intent = intent->sequence,
        .result = HSMIAM_RESULT_CLOSED,
    };

    return hsmiam_ledger_add(ledger, HSMIAM_EVENT_CLOSING, &facts, NULL, error);
}

static hsmiam_status check_closing(const hsmiam_custody *custody, const char *reason,
                                   hsmiam_error *error)
{
    if (custody == NULL || custody->ledger == NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "What is open stands in a ledger; the custody has none.");
    if (reason == NULL || !hsmiam_field_takes(HSMIAM_FIELD_REASON, reason))
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "The reason (%zu bytes) has 1 to %d bytes of printable text, in "
                                "words of less than 40: no secret belongs there.",
                                reason != NULL ? strlen(reason) : 0, HSMIAM_REASON_MAX);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_custody_close_intent(hsmiam_custody *custody, uint64_t intent,
                                          const char *reason, hsmiam_error *error)
{
    hsmiam_open_intent *found = NULL;
    hsmiam_user_lock lock = {.fd = -1};
    bool is_open = false;
    bool held = false;

    hsmiam_status status = check_closing(custody, reason, error);
    if (status != HSMIAM_OK)
        return status;
    found = calloc(1, sizeof *found);
    if (found == NULL)
        return hsmiam_error_set_memory(error, "closing an intent");
    status = hsmiam_token_open(custody->token, error);
    if (status == HSMIAM_OK)
        status = hsmiam_open_intent_look(custody, intent, found, &is_open, error);
    if (status == HSMIAM_OK && is_open)
        status = hsmiam_user_lock_try(custody->ledger, hsmiam_issue_get_subject(found->user_name),
                                      &lock, &held, error);
    if (status == HSMIAM_OK && held) /* it may have been settled until now */
        status = hsmiam_open_intent_look(custody, intent, found, &is_open, error);
    if (status == HSMIAM_OK && !is_open)
        status = hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                  "The ledger has no open intent of number %llu; `hsmiam recover "
                                  "--dry-run` lists them.",
                                  (unsigned long long)intent);
    else if (status == HSMIAM_OK && !held)
        status = hsmiam_error_set(error, HSMIAM_ERR_UNSETTLED,
                                  "The process of intent %llu is still at work; it was not closed.",
                                  (unsigned long long)intent);
    if (status == HSMIAM_OK)
        status = close_locked(custody->ledger, found, reason, error);
    hsmiam_user_lock_release(&lock);
    free(found);
    return status;
}
