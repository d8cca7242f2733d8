/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a rotation, each of which may be done again. */
#include "custody/rotate.h"

#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "sigv4/signer.h"

#define PAUSE_BETWEEN 1000 /* two proofs, in milliseconds */
#define PAUSE_FIRST   250  /* after IAM did not know the key, doubled each time up to */
#define PAUSE_MAX     5000
#define SLICE         100 /* at most so long nobody is asked whether to stop */

const char *hsmiam_rotating_name_user(const hsmiam_rotating *run)
{
    return run->user[0] != '\0' ? run->user : "the account's root user";
}

hsmiam_status hsmiam_rotating_record(hsmiam_rotating *run, hsmiam_rotation_step step,
                                     const char *id, hsmiam_error *error)
{
    hsmiam_ledger *ledger = run->custody->ledger;
    hsmiam_rotation_record *record = &run->record;
    hsmiam_ledger_facts facts = {
        .account = run->account,
        .partition = run->partition,
        .endpoint = run->endpoint,
        .token_serial = hsmiam_token_get_serial(run->custody->token),
        .credential_id = hsmiam_signer_get_access_key_id(hsmiam_client_get_signer(run->client)),
        .replicas = run->custody->replica_serials,
        .user_name = run->user_name,
        .access_key_id = id,
        .exportable = run->custody->exportable ? "yes" : NULL,
    };
    hsmiam_status status = HSMIAM_OK;

    if (step != HSMIAM_ROTATION_BEGUN) {
        status = hsmiam_ledger_add_rotation_step(ledger, &facts, record->sequence, step, error);
    } else {
        *record = (hsmiam_rotation_record){.sequence = 0};
        (void)snprintf(record->old_id, sizeof record->old_id, "%s", id);
        status = hsmiam_ledger_ask_approval(ledger, HSMIAM_ACT_ROTATE, &facts,
                                            run->custody->watch != NULL, &run->request, error);
        facts.request = run->request;
        if (status == HSMIAM_OK)
            status = hsmiam_ledger_add_rotation(ledger, &facts, &record->sequence, error);
        run->has_record = status == HSMIAM_OK;
    }
    if (status == HSMIAM_OK)
        record->step = step;
    return status;
}

bool hsmiam_rotating_is_unknown_key(hsmiam_status status, const hsmiam_error *error)
{
    static const char *const codes[] = {"InvalidClientTokenId", "SignatureDoesNotMatch",
                                        "InvalidAccessKeyId"};

    for (size_t i = 0; status == HSMIAM_ERR_SERVICE && i < sizeof codes / sizeof codes[0]; i++)
        if (strcmp(hsmiam_error_get_code_name(error), codes[i]) == 0)
            return true;
    return false;
}

/* Something that is asked until IAM knows the new key everywhere. */
typedef struct waiting {
    hsmiam_rotating *run;
    int64_t until; /* of the monotonic clock */
    unsigned pause;
} waiting;

static waiting start_waiting(hsmiam_rotating *run)
{
    unsigned seconds = run->options.proof_seconds;

    if (seconds == 0)
        seconds = HSMIAM_ROTATION_SECONDS;
    return (waiting){.run = run,
                     .until = hsmiam_time_get_monotonic() + (int64_t)seconds * 1000000000,
                     .pause = PAUSE_FIRST};
}

static hsmiam_status pause_for(const waiting *wait, unsigned milliseconds, hsmiam_error *error)
{
    while (milliseconds > 0) {
        unsigned slice = milliseconds < SLICE ? milliseconds : SLICE;
        if (hsmiam_client_is_cancelled(wait->run->client))
            return hsmiam_error_set(error, HSMIAM_ERR_CANCELLED, "Interrupted.");
        wait->run->custody->pause(slice);
        milliseconds -= slice;
    }
    return HSMIAM_OK;
}

/* IAM did not know the key; unless the time is up, a pause. */
static hsmiam_status wait_on(waiting *wait, hsmiam_status status, hsmiam_error *error)
{
    unsigned pause = wait->pause;

    if (hsmiam_time_get_monotonic() + (int64_t)pause * 1000000 > wait->until)
        return status;
    hsmiam_log_write(hsmiam_client_get_log(wait->run->client), HSMIAM_LOG_DEBUG,
                     "IAM does not know access key %s yet: %s", wait->run->record.new_id,
                     hsmiam_error_get_message(error));
    wait->pause = pause < PAUSE_MAX / 2 ? 2 * pause : PAUSE_MAX;
    return pause_for(wait, pause, error);
}

/* Asks once, by the new key, whose key it is. */
static hsmiam_status ask_as_new(hsmiam_rotating *run, hsmiam_error *error)
{
    hsmiam_caller caller = {.account = ""};
    bool was_new = run->signs_as_new;

    hsmiam_status status = hsmiam_rotating_sign_as_new(run, error);
    if (status == HSMIAM_OK)
        status = hsmiam_client_get_caller(run->client, true, &caller, error);
    if (!was_new)
        hsmiam_rotating_sign_as_before(run);
    if (status == HSMIAM_OK && strcmp(caller.account, run->account) != 0)
        status = hsmiam_error_set(error, HSMIAM_ERR_CUSTODY,
                                  "Access key %s in the token is of account %s, not %s.",
                                  run->record.new_id, caller.account, run->account);
    return status;
}

/* The time is up. A key that IAM does not even list is no key to wait for. */
static hsmiam_status give_up(hsmiam_rotating *run, hsmiam_error *error)
{
    const char *id = run->record.new_id;

    if (hsmiam_client_list_access_keys(run->client, run->user_name, false, &run->list, NULL) ==
            HSMIAM_OK &&
        !hsmiam_key_list_has(&run->list, id)) {
        hsmiam_status status = hsmiam_rotating_record(run, HSMIAM_ROTATION_ABANDONED, id, error);
        if (status != HSMIAM_OK)
            return status;
        return hsmiam_error_set(error, HSMIAM_ERR_CUSTODY,
                                "IAM has access key %s, the new one, no more: somebody deleted "
                                "it. The old key is as it was; rotate it anew.",
                                id);
    }
    hsmiam_error_append(error,
                        "IAM does not know what the new key %s signs, although the token "
                        "proved it; it may have been deactivated.",
                        id);
    error->status = HSMIAM_ERR_UNSETTLED;
    return HSMIAM_ERR_UNSETTLED;
}

hsmiam_status hsmiam_rotating_prove(hsmiam_rotating *run, hsmiam_error *error)
{
    unsigned wanted = run->options.proofs > 0 ? run->options.proofs : HSMIAM_ROTATION_PROOFS;
    waiting wait = start_waiting(run);
    unsigned in_a_row = 0;
    hsmiam_status status = HSMIAM_OK;

    while (status == HSMIAM_OK && in_a_row < wanted) {
        status = ask_as_new(run, error);
        if (status == HSMIAM_OK) {
            if (++in_a_row < wanted)
                status = pause_for(&wait, PAUSE_BETWEEN, error);
        } else if (hsmiam_rotating_is_unknown_key(status, error)) {
            in_a_row = 0;
            status = wait_on(&wait, status, error);
        }
    }
    if (hsmiam_rotating_is_unknown_key(status, error))
        status = give_up(run, error);
    if (status == HSMIAM_OK)
        hsmiam_error_clear(error);
    return status;
}

/* Whether a session that was begun by MFA signs. */
static bool has_session(const hsmiam_rotating *run)
{
    return hsmiam_signer_get_session_token(hsmiam_client_get_signer(run->client)) != NULL;
}

/* No key signs its own end: where it is the signer's, the new one does. But a session goes on: it
 * may do what the new key without MFA may not, and is good until it expires, whatever becomes of
 * the key that it was asked for by (IAM User Guide, "Disabling permissions for temporary security
 * credentials"). */
static hsmiam_status choose_signer(hsmiam_rotating *run, const char *id, hsmiam_error *error)
{
    if (strcmp(run->signer_id, id) != 0 || has_session(run))
        return HSMIAM_OK;
    return hsmiam_rotating_sign_as_new(run, error);
}

/* The one who signs is the session of a key that is at its end. */
static void explain_session(const hsmiam_rotating *run, const char *id, hsmiam_error *error)
{
    if (strcmp(run->signer_id, id) == 0 && has_session(run))
        hsmiam_error_append(error,
                            "It was signed by the session of that key; to go on, name the new key "
                            "%s as the credential (id=%s), with a new MFA code.",
                            run->record.new_id, run->record.new_id);
}

static bool is_gone(hsmiam_status status, const hsmiam_error *error)
{
    return status == HSMIAM_ERR_SERVICE &&
           strcmp(hsmiam_error_get_code_name(error), "NoSuchEntity") == 0;
}

/* Asks for a change of a key until IAM knows who asks. */
static hsmiam_status change(hsmiam_rotating *run, const char *id, bool is_deletion,
                            hsmiam_error *error)
{
    waiting wait = start_waiting(run);

    for (;;) {
        hsmiam_status status =
            is_deletion ? hsmiam_client_delete_access_key(run->client, run->user_name, id, error)
                        : hsmiam_client_update_access_key(run->client, run->user_name, id,
                                                          "Inactive", false, error);
        if (!run->signs_as_new || !hsmiam_rotating_is_unknown_key(status, error))
            return status;
        hsmiam_status waited = wait_on(&wait, status, error);
        if (waited != HSMIAM_OK)
            return waited;
    }
}

hsmiam_status hsmiam_rotating_deactivate(hsmiam_rotating *run, hsmiam_error *error)
{
    const char *id = run->record.old_id;
    hsmiam_status status = choose_signer(run, id, error);

    if (status == HSMIAM_OK)
        status = change(run, id, false, error);
    run->made->previous_status = is_gone(status, error) ? "Deleted" : "Inactive";
    if (is_gone(status, error)) {
        hsmiam_error_clear(error);
        /* Its object goes with it only if that is asked for. */
        return run->options.delete_old
                   ? hsmiam_rotating_delete(run, id, HSMIAM_ROTATION_DELETING,
                                            HSMIAM_ROTATION_DELETED, error)
                   : hsmiam_rotating_record(run, HSMIAM_ROTATION_DELETED, id, error);
    }
    if (status == HSMIAM_OK)
        return hsmiam_rotating_record(run, HSMIAM_ROTATION_DEACTIVATED, id, error);
    hsmiam_error_append(error, "That was to deactivate the old access key %s.", id);
    return status;
}

/* The old key's object may be in the token that signs, or in the one that takes keys in. */
static hsmiam_status destroy(hsmiam_rotating *run, const char *id, hsmiam_error *error)
{
    const hsmiam_signer *signer =
        run->signs_as_new ? run->before : hsmiam_client_get_signer(run->client);
    hsmiam_token *signing = hsmiam_signer_get_token(signer);
    hsmiam_status status = hsmiam_custody_destroy_key(run->custody, NULL, id, NULL, error);

    if (status == HSMIAM_OK && signing != run->custody->token)
        status = hsmiam_token_destroy_access_key(signing, id, NULL, error);
    if (status == HSMIAM_OK)
        hsmiam_custody_make_durable(run->custody);
    return status;
}

hsmiam_status hsmiam_rotating_delete(hsmiam_rotating *run, const char *id,
                                     hsmiam_rotation_step before, hsmiam_rotation_step after,
                                     hsmiam_error *error)
{
    hsmiam_status status = HSMIAM_OK;

    if (run->record.step != before)
        status = hsmiam_rotating_record(run, before, id, error);
    if (status == HSMIAM_OK)
        status = choose_signer(run, id, error);
    if (status == HSMIAM_OK)
        status = change(run, id, true, error);
    if (is_gone(status, error)) {
        hsmiam_error_clear(error);
        status = HSMIAM_OK;
    }
    if (status != HSMIAM_OK) {
        hsmiam_error_append(error, "That was to delete access key %s, which is inactive.", id);
        explain_session(run, id, error);
        return status;
    }
    status = destroy(run, id, error);
    if (status != HSMIAM_OK) {
        hsmiam_error_append(error,
                            "Access key %s is deleted at IAM, but its object is still in "
                            "the token.",
                            id);
        return status;
    }
    return hsmiam_rotating_record(run, after, id, error);
}
