/* SPDX-License-Identifier: Apache-2.0 */
/* The issue protocol: preflight, one request, custody, and what to do when it fails between. */
#include "custody/settle.h"

#include "base/sealed.h"
#include "base/time.h"
#include "sigv4/signer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* One run of the protocol. */
typedef struct issue {
    hsmiam_client *client;
    hsmiam_custody *custody;
    const char *user_name;
    hsmiam_preflight *preflight;
    hsmiam_preflight_stage needed; /* by the request that goes out next */
    hsmiam_key_list before;
    bool before_known;
    hsmiam_key_metadata key;
    hsmiam_secret *value;
    hsmiam_access_key *made; /* once the token holds it */
    bool at_stake;           /* IAM made a key, or may have, that the token does not hold */
    bool unsettled;          /* and what became of it is to be found out */
    hsmiam_user_lock lock;
    hsmiam_survey survey;
    hsmiam_issue_record record;
    uint64_t request;     /* by which it is approved; 0: nothing needs an approval */
    hsmiam_result result; /* what it came to, for the record */
    hsmiam_log_hold kept; /* what is not said while the secret is here */
} issue;

static hsmiam_status wait_for_preflight(void *context, hsmiam_error *error)
{
    const issue *run = context;

    return hsmiam_preflight_wait(run->preflight, run->needed, error);
}

/* The keys that exist before, so that a new one can be told from them. IAM may refuse to tell;
 * CreateAccessKey then speaks for itself. Anything else that fails here has made nothing. */
static hsmiam_status list_before(issue *run, hsmiam_error *error)
{
    hsmiam_status status =
        hsmiam_client_list_access_keys(run->client, run->user_name, true, &run->before, error);

    switch (status) {
    case HSMIAM_OK:
        run->before_known = true;
        return HSMIAM_OK;
    case HSMIAM_ERR_SERVICE:
        if (strcmp(hsmiam_error_get_code_name(error), "AccessDenied") == 0)
            hsmiam_log_write(hsmiam_client_get_log(run->client), HSMIAM_LOG_NOTICE,
                             "The credential may not call ListAccessKeys: should the answer to "
                             "CreateAccessKey be lost, the new key cannot be told from others.");
        return HSMIAM_OK;
    case HSMIAM_ERR_UNKNOWN_OUTCOME:
    case HSMIAM_ERR_REPLY:
        hsmiam_error_append(error, "That was ListAccessKeys, before the request: no access key was "
                                   "made.");
        if (error != NULL)
            error->status = HSMIAM_ERR_NETWORK;
        return HSMIAM_ERR_NETWORK;
    default:
        return status;
    }
}

/* Everything before the request. What is wrong with the token comes before what is wrong with the
 * network, for it is what a person can mend. */
static hsmiam_status prepare(issue *run, hsmiam_error *error)
{
    run->needed = HSMIAM_PREFLIGHT_SIGNER;
    hsmiam_status status = list_before(run, error);
    run->needed = HSMIAM_PREFLIGHT_CUSTODY;
    if (status == HSMIAM_ERR_NETWORK) {
        hsmiam_error *of_token = hsmiam_error_new();
        hsmiam_status other = hsmiam_preflight_wait(run->preflight, run->needed, of_token);
        if (other != HSMIAM_OK && of_token != NULL && error != NULL) {
            *error = *of_token;
            status = other;
        }
        hsmiam_error_free(&of_token);
    }
    return status;
}

/* A reply that is well-formed may still speak of another key than the one asked for. */
static hsmiam_status check_answer(const issue *run, hsmiam_error *error)
{
    const char *signer_id = hsmiam_signer_get_access_key_id(hsmiam_client_get_signer(run->client));

    if ((run->before_known && hsmiam_key_list_has(&run->before, run->key.id)) ||
        strcmp(run->key.id, signer_id) == 0)
        return hsmiam_error_set(error, HSMIAM_ERR_REPLY,
                                "The answer to CreateAccessKey names a key that is not new.");
    if (run->user_name != NULL && run->key.user_name[0] != '\0' &&
        strcasecmp(run->user_name, run->key.user_name) != 0)
        return hsmiam_error_set(error, HSMIAM_ERR_REPLY,
                                "The answer to CreateAccessKey is for user \"%s\", not \"%s\".",
                                run->key.user_name, run->user_name);
    return HSMIAM_OK;
}

static hsmiam_status take_in(issue *run, hsmiam_error *error)
{
    const char *name = run->key.user_name[0] != '\0' ? run->key.user_name : run->user_name;
    const hsmiam_key_spec spec = {.id = run->key.id,
                                  .label = name != NULL ? name : HSMIAM_ROOT_USER_LABEL,
                                  .created = run->key.create_date,
                                  .persistent = true};
    hsmiam_access_key *made = NULL;

    /* The record first: once the token holds the key, nothing may fail any more. */
    hsmiam_status status = check_answer(run, error);
    if (status == HSMIAM_OK)
        status = hsmiam_access_key_new(run->custody, &run->key, &spec, &made, error);
    if (status == HSMIAM_OK)
        status = hsmiam_custody_take(run->custody, &spec, run->value, error);
    hsmiam_secret_clear(run->value);
    if (status != HSMIAM_OK)
        goto out;
    if (name == NULL)
        hsmiam_log_write(hsmiam_client_get_log(run->client), HSMIAM_LOG_NOTICE,
                         "The key belongs to the account's root user. Better let a dedicated IAM "
                         "user issue keys; the CIS benchmark asks that the root user have none.");
    run->made = made;
    made = NULL;
out:
    hsmiam_access_key_free(&made);
    return status;
}

/* What the ledger says of earlier: an intent of the user that is open stops this one. Whose account
 * it is, IAM's sister is asked only if the ledger has never heard. */
static hsmiam_status heed_ledger(issue *run, hsmiam_error *error)
{
    hsmiam_caller caller;

    if (run->custody->ledger == NULL)
        return HSMIAM_OK;
    hsmiam_status status = hsmiam_preflight_wait(run->preflight, HSMIAM_PREFLIGHT_CUSTODY, error);
    if (status != HSMIAM_OK)
        return status;
    if (run->survey.has_open)
        return hsmiam_error_set(error, HSMIAM_ERR_UNSETTLED,
                                "What became of an earlier request for the same user (record %llu "
                                "of the ledger) is not settled: no key was asked for. Run `hsmiam "
                                "recover --wait`.",
                                (unsigned long long)run->survey.open);
    if (run->survey.account[0] != '\0')
        return HSMIAM_OK;
    status = hsmiam_subject_ask_caller(run->client, &caller, error);
    if (status == HSMIAM_OK)
        (void)snprintf(run->survey.account, sizeof run->survey.account, "%s", caller.account);
    return status;
}

static hsmiam_status init_record(issue *run, hsmiam_issue_record *record, hsmiam_error *error)
{
    hsmiam_status status =
        hsmiam_issue_record_init(record, run->client, run->custody, run->survey.account,
                                 run->user_name, run->before_known ? &run->before : NULL, error);

    record->facts.request = run->request;
    return status;
}

/* What the policy in force asks for. A rotation was asked for as a whole. */
static hsmiam_status ask_approval(issue *run, hsmiam_error *error)
{
    const hsmiam_custody *custody = run->custody;

    if (custody->ledger == NULL)
        return HSMIAM_OK;
    if (custody->in_rotation && custody->rotation_request != 0) {
        run->request = custody->rotation_request;
        return hsmiam_ledger_check_rotation(custody->ledger, run->request, error);
    }
    hsmiam_status status = init_record(run, &run->record, error);
    if (status == HSMIAM_OK)
        status = hsmiam_ledger_ask_approval(custody->ledger, HSMIAM_ACT_CREATE, &run->record.facts,
                                            custody->watch != NULL, &run->request, error);
    return status;
}

/* The request is signed and about to leave; the preflight has ended. */
static hsmiam_status record_intent(void *context, time_t signed_at, hsmiam_error *error)
{
    issue *run = context;
    hsmiam_status status = HSMIAM_OK;

    if (run->record.intent == 0)
        status = init_record(run, &run->record, error);
    if (status == HSMIAM_OK)
        status = hsmiam_issue_record_intent(&run->record, signed_at, error);
    return status;
}

/* All that meets the secret, or a key by which its transfer could be read. */
static hsmiam_status request_and_take(void *context, hsmiam_error *error)
{
    issue *run = context;
    hsmiam_status status = prepare(run, error);

    if (status == HSMIAM_OK)
        status = heed_ledger(run, error);
    if (status == HSMIAM_OK)
        status = ask_approval(run, error);
    if (status != HSMIAM_OK)
        return status;
    hsmiam_client_set_before_send(run->client, record_intent, run);
    hsmiam_log_hold_begin(&run->kept);
    status =
        hsmiam_client_create_access_key(run->client, run->user_name, &run->key, run->value, error);
    hsmiam_client_set_before_send(run->client, NULL, NULL);
    if (status == HSMIAM_OK) {
        run->result = HSMIAM_RESULT_HELD;
        status = take_in(run, error);
        run->at_stake = status != HSMIAM_OK;
    } else {
        run->result = status == HSMIAM_ERR_SERVICE ? HSMIAM_RESULT_REFUSED : HSMIAM_RESULT_NOT_SENT;
        run->at_stake = status == HSMIAM_ERR_UNKNOWN_OUTCOME || status == HSMIAM_ERR_REPLY;
    }
    hsmiam_secret_clear(run->value);
    hsmiam_log_hold_end();
    return status;
}

typedef struct compensation {
    hsmiam_mishap mishap;
    hsmiam_status cause;
} compensation;

static hsmiam_status compensate(void *context, hsmiam_error *error)
{
    const compensation *wanted = context;

    return hsmiam_mishap_compensate(&wanted->mishap, wanted->cause, error);
}

static hsmiam_status make_up(issue *run, hsmiam_status cause, hsmiam_error *error)
{
    compensation wanted = {.mishap = {.client = run->client,
                                      .user_name = run->user_name,
                                      .key = &run->key,
                                      .before = run->before_known ? &run->before : NULL,
                                      .result_out = &run->result,
                                      .record = run->record.intent != 0 ? &run->record : NULL,
                                      .custody = run->custody,
                                      .unsettled_out = &run->unsettled},
                           .cause = cause};
    hsmiam_status status = hsmiam_sealed_run_anyhow(compensate, &wanted, error);

    if (error != NULL)
        error->status = status;
    return status;
}

/* How long the secret was there to be stolen, which nothing but this tells. */
static void log_span(const issue *run)
{
    int64_t arrival = hsmiam_client_get_secret_arrival(run->client);

    if (arrival != 0)
        hsmiam_log_write(hsmiam_client_get_log(run->client), HSMIAM_LOG_DEBUG,
                         "The secret was on this host for %lld microseconds, from its last byte's "
                         "arrival until everything that had held it was wiped.",
                         (long long)(hsmiam_time_get_monotonic() - arrival) / 1000);
}

/* The outcome goes on record before anybody hears of it. If it cannot, the intent stays open. */
static hsmiam_status record_outcome(issue *run, hsmiam_status status, hsmiam_error *error)
{
    hsmiam_error *why = hsmiam_error_new();
    const char *code = status == HSMIAM_ERR_SERVICE ? hsmiam_error_get_code_name(error) : NULL;

    if (run->key.request_id[0] == '\0')
        (void)snprintf(run->key.request_id, sizeof run->key.request_id, "%s",
                       hsmiam_error_get_request_id(error));
    hsmiam_status recorded =
        hsmiam_issue_record_outcome(&run->record, run->result, &run->key, code, why);
    if (recorded != HSMIAM_OK && status == HSMIAM_OK) {
        status = hsmiam_error_set(error, recorded,
                                  "Access key %s was made and is in the token, but its outcome is "
                                  "not on record: %s",
                                  run->key.id, hsmiam_error_get_message(why));
        hsmiam_error_append(error, "Run `hsmiam recover` once it can be.");
        hsmiam_access_key_free(&run->made);
    } else if (recorded != HSMIAM_OK) {
        hsmiam_error_append(error, "That is not on record: %s", hsmiam_error_get_message(why));
    }
    hsmiam_error_free(&why);
    return status;
}

/* Says what settling came to; a person must know what to look for, and what to run. */
static void tell_settlement(const issue *run, const hsmiam_settlement *settlement,
                            hsmiam_error *error)
{
    const char *id = run->key.id[0] != '\0' ? run->key.id : settlement->access_key_id;

    if (settlement->state != HSMIAM_RECOVERY_SETTLED)
        hsmiam_error_append(
            error,
            "Whether IAM made a key for %s is not known (record %llu of the ledger%s%s). %s Run "
            "`hsmiam recover%s`.",
            run->user_name != NULL ? run->user_name : "the credential's user",
            (unsigned long long)run->record.intent,
            id[0] != '\0' ? "; the answer named access key " : "", id, settlement->reason,
            settlement->come_back >= 0 ? " --wait" : "");
    else if (settlement->result == HSMIAM_RESULT_DELETED)
        hsmiam_error_append(error, "Access key %s was deleted at IAM again.",
                            settlement->access_key_id);
    else
        hsmiam_error_append(error, "It is settled: %s.",
                            hsmiam_result_get_name(settlement->result));
}

/* An outcome that is not known is looked for at once, by the rules of `recover`. */
static void settle_now(issue *run, hsmiam_error *error)
{
    hsmiam_open_intent *intent = calloc(1, sizeof *intent);
    hsmiam_settlement *settlement = calloc(1, sizeof *settlement);
    hsmiam_error *why = hsmiam_error_new();
    bool found = false;
    hsmiam_status status = HSMIAM_ERR_MEMORY;

    if (intent != NULL && settlement != NULL)
        status = hsmiam_open_intent_look(run->custody, run->record.intent, intent, &found, why);
    if (status == HSMIAM_OK && found)
        status = hsmiam_settle(run->client, run->custody, intent, run->survey.account, false,
                               settlement, why);
    if (status == HSMIAM_OK && found)
        tell_settlement(run, settlement, error);
    else
        hsmiam_error_append(error,
                            "Whether IAM made a key for %s is not known (record %llu of the "
                            "ledger): %s Run `hsmiam recover --wait`.",
                            run->user_name != NULL ? run->user_name : "the credential's user",
                            (unsigned long long)run->record.intent, hsmiam_error_get_message(why));
    hsmiam_error_free(&why);
    free(settlement);
    free(intent);
}

/* Between the preflight's start and its end. */
static hsmiam_status carry_out(issue *run, hsmiam_error *error)
{
    hsmiam_client_set_ready(run->client, wait_for_preflight, run);
    hsmiam_status status = hsmiam_sealed_run(request_and_take, run, error);
    hsmiam_log_hold_begin(&run->kept);
    log_span(run);
    hsmiam_log_hold_end();
    /* What is well can wait until it is on record. */
    if (status != HSMIAM_OK)
        hsmiam_log_hold_release(&run->kept);
    if (run->at_stake)
        status = make_up(run, status, error);
    hsmiam_client_set_ready(run->client, NULL, NULL);
    if (status == HSMIAM_OK)
        hsmiam_custody_make_durable(run->custody);
    status = record_outcome(run, status, error);
    hsmiam_log_hold_release(&run->kept);
    if (run->record.intent != 0 && run->unsettled)
        settle_now(run, error);
    return status;
}

hsmiam_status hsmiam_access_key_create(hsmiam_client *client, hsmiam_custody *custody,
                                       const char *user_name, hsmiam_access_key **key_out,
                                       hsmiam_error *error)
{
    issue run = {.client = client, .custody = custody, .user_name = user_name, .lock = {.fd = -1}};
    hsmiam_status status = HSMIAM_OK;
    hsmiam_error *own = NULL;

    if (client == NULL || custody == NULL || key_out == NULL)
        return hsmiam_error_set(
            error, HSMIAM_ERR_ARGUMENT,
            "An access key is issued by a client into a custody, and its record "
            "must have somewhere to go.");
    if (user_name != NULL)
        status = hsmiam_user_name_check(user_name, error);
    if (status != HSMIAM_OK)
        return status;
    /* Which refusal ListAccessKeys met is read from the record, whether the caller wants it or not.
     */
    if (error == NULL)
        error = own = hsmiam_error_new();
    status = hsmiam_custody_new_value(&run.value, error);
    /* One issue at a time for a user, from the list of keys that exist to the outcome. */
    if (status == HSMIAM_OK && custody->ledger != NULL)
        status = hsmiam_subject_wait_for_lock(client, custody->ledger, user_name, &run.lock, error);
    if (status == HSMIAM_OK)
        status =
            hsmiam_preflight_start(client, custody, user_name, &run.survey, &run.preflight, error);
    if (status == HSMIAM_OK)
        status = carry_out(&run, error);
    if (status == HSMIAM_OK) { /* the list may have been refused */
        hsmiam_error_clear(error);
        *key_out = run.made;
    }
    hsmiam_preflight_free(&run.preflight);
    hsmiam_token_renew_timeout(custody->token);
    hsmiam_signer_renew_timeout(hsmiam_client_get_signer(client));
    hsmiam_user_lock_release(&run.lock);
    hsmiam_secret_free(&run.value);
    hsmiam_error_free(&own);
    return status;
}
