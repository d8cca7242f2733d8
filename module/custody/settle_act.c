/* SPDX-License-Identifier: Apache-2.0 */
/* Doing what the rules say about an open intent. */
#include "custody/settle_work.h"

#include <stdio.h>
#include <string.h>

bool hsmiam_settling_has_code(const hsmiam_settling *run, const char *code)
{
    return strcmp(hsmiam_error_get_code_name(&run->why), code) == 0;
}

/* " --user-name bob", for a command of the AWS CLI. */
static const char *get_user_option(const hsmiam_settling *run)
{
    return run->user_name != NULL ? " --user-name " : "";
}

static const char *get_user(const hsmiam_settling *run)
{
    return run->user_name != NULL ? run->user_name : "";
}

static hsmiam_status delete_at_iam(hsmiam_settling *run, hsmiam_error *error)
{
    const char *id = run->candidate;

    if (run->dry_run)
        return hsmiam_settling_end(run, HSMIAM_RESULT_DELETED, id, error);
    /* What cannot be deactivated may be deleted all the same. */
    if (hsmiam_client_update_access_key(run->client, run->user_name, id, "Inactive", false,
                                        &run->why) != HSMIAM_OK)
        hsmiam_log_write(hsmiam_client_get_log(run->client), HSMIAM_LOG_DEBUG,
                         "Access key %s was not deactivated: %s", id,
                         hsmiam_error_get_message(&run->why));
    if (hsmiam_client_delete_access_key(run->client, run->user_name, id, &run->why) == HSMIAM_OK)
        return hsmiam_settling_end(run, HSMIAM_RESULT_DELETED, id, error);
    return hsmiam_settling_leave(
        run,
        "Access key %s exists at IAM, the token does not hold it, and it could not be "
        "deleted: %s Delete it: aws iam delete-access-key --access-key-id %s%s%s",
        id, hsmiam_error_get_message(&run->why), id, get_user_option(run), get_user(run));
}

/* By its id and the user's name: what has another label was not put there for this intent. */
static hsmiam_status destroy_in_token(hsmiam_settling *run)
{
    if (run->dry_run)
        return HSMIAM_OK;
    hsmiam_status status = hsmiam_custody_destroy_key(run->custody, run->intent->replica_serials,
                                                      run->candidate, run->user_name, &run->why);
    if (status == HSMIAM_OK)
        hsmiam_custody_make_durable(run->custody);
    if (status != HSMIAM_OK)
        return hsmiam_settling_leave(run, "The object %s in the token cannot be destroyed: %s",
                                     run->candidate, hsmiam_error_get_message(&run->why));
    return HSMIAM_OK;
}

static hsmiam_status destroy_then_delete(hsmiam_settling *run, hsmiam_error *error)
{
    hsmiam_status status = destroy_in_token(run);

    return status == HSMIAM_OK && run->to->reason[0] == '\0' ? delete_at_iam(run, error) : status;
}

/* What IAM says to what the key in the tokens signs: in all of them, or in `any`. */
static hsmiam_key_verdict ask_as_key(hsmiam_settling *run, bool any, hsmiam_caller *caller)
{
    hsmiam_holders holders;
    hsmiam_status status = hsmiam_custody_find_holders(run->custody, run->intent->replica_serials,
                                                       run->candidate, &holders, &run->why);

    if (status != HSMIAM_OK)
        return HSMIAM_KEY_TROUBLE;
    if (!any && holders.count > 0 && holders.count < holders.tokens)
        return HSMIAM_KEY_PARTIAL;
    return hsmiam_ask_as_key(run->client, holders.count > 0 ? holders.first : run->custody->token,
                             run->candidate, caller, &run->why);
}

static hsmiam_status leave_unproven(hsmiam_settling *run)
{
    return hsmiam_settling_leave(run, "Access key %s in the token cannot be proven: %s",
                                 run->candidate, hsmiam_error_get_message(&run->why));
}

static hsmiam_status prove_held(hsmiam_settling *run, hsmiam_error *error)
{
    const hsmiam_evidence *evidence = &run->evidence;
    hsmiam_caller caller = {.account = ""};

    switch (ask_as_key(run, false, &caller)) {
    case HSMIAM_KEY_TAKEN:
        if (caller.account[0] == '\0' || run->account[0] == '\0' ||
            strcmp(caller.account, run->account) == 0)
            return hsmiam_settling_end(run, HSMIAM_RESULT_HELD, run->candidate, error);
        return hsmiam_settling_leave_to_person(
            run, "Access key %s in the token is of account %s, not %s.", run->candidate,
            caller.account, run->account);
    case HSMIAM_KEY_UNUSABLE:
    case HSMIAM_KEY_WRONG:
        /* By elimination alone, and not even that, nothing is destroyed. */
        if (!evidence->id_known && (evidence->was_ambiguous || !evidence->before_known))
            return leave_unproven(run);
        /* A key that is new is not known everywhere at once. */
        if (!evidence->window_over && !hsmiam_token_refused_key(&run->why))
            return hsmiam_settling_leave_until_end(
                run, "IAM does not accept yet what the key in the token signs.");
        return destroy_then_delete(run, error);
    case HSMIAM_KEY_PARTIAL:
        /* Of a key that nobody has used yet, in one token only, there is no second one. */
        if (!evidence->id_known && (evidence->was_ambiguous || !evidence->before_known))
            return hsmiam_settling_leave_to_person(
                run, "Access key %s is in some of the tokens only.", run->candidate);
        return destroy_then_delete(run, error);
    case HSMIAM_KEY_UNKNOWN:
        return hsmiam_settling_leave_until_end(
            run, "IAM lists the key that the token holds as active, and does not accept it yet.");
    default:
        return leave_unproven(run);
    }
}

/* That IAM lists it no more must not be a mistake: it is asked by the key itself as well. */
static hsmiam_status destroy_dead(hsmiam_settling *run, hsmiam_error *error)
{
    hsmiam_caller caller = {.account = ""};

    switch (ask_as_key(run, true, &caller)) {
    case HSMIAM_KEY_TAKEN:
    case HSMIAM_KEY_WRONG:
        return hsmiam_settling_leave_to_person(
            run,
            "The token holds access key %s, which IAM knows, and does "
            "not list for this user; it was not touched.",
            run->candidate);
    case HSMIAM_KEY_TROUBLE:
        return leave_unproven(run);
    default:
        break;
    }
    hsmiam_status status = destroy_in_token(run);
    return status == HSMIAM_OK && run->to->reason[0] == '\0'
               ? hsmiam_settling_end(run, HSMIAM_RESULT_DELETED, run->candidate, error)
               : status;
}

/* What a person is told who has to find out. */
static hsmiam_status name_candidates(hsmiam_settling *run)
{
    const hsmiam_evidence *evidence = &run->evidence;
    char which[160];

    if (evidence->id_strange)
        return hsmiam_settling_leave_to_person(
            run,
            "The answer named access key %s, which this request cannot have made: it was there "
            "before, was made at another time, was used, or is explained by another record. It was "
            "not touched.",
            run->candidate);
    if (evidence->id_of_another)
        return hsmiam_settling_leave_to_person(
            run,
            "Access key %s, which the answer named, is of a user of another name now; it was not "
            "touched. Find out whose (aws iam get-access-key-last-used --access-key-id %s), and "
            "delete it there.",
            run->candidate, run->candidate);
    if (evidence->user_gone)
        return hsmiam_settling_leave_to_person(
            run,
            "IAM has no user %s any more, who was there when the key was asked for. If the user "
            "was deleted, there is no such key; if the name was changed, look for it there.",
            get_user(run));
    if (evidence->held + evidence->orphans + evidence->unclear > 1)
        (void)snprintf(which, sizeof which, "Several of the user's keys may be");
    else if (!evidence->before_known)
        (void)snprintf(which, sizeof which,
                       "IAM did not list the keys before; some of the user's may be");
    else if (evidence->unclear > 0)
        (void)snprintf(which, sizeof which,
                       "IAM does not tell whether one of the user's keys was used, which may be");
    else
        (void)snprintf(which, sizeof which,
                       "There were several candidates, and the last of them may still not be");
    return hsmiam_settling_leave_to_person(
        run,
        "%s the one that was made (%s); nothing was touched. Find out who made each, and delete "
        "those that nobody knows (aws iam delete-access-key --access-key-id ID%s%s).",
        which, run->to->candidates, get_user_option(run), get_user(run));
}

static hsmiam_status wait_for_end(hsmiam_settling *run)
{
    const hsmiam_evidence *evidence = &run->evidence;
    char reason[HSMIAM_ACCESS_KEY_ID_MAX + 256];

    if (evidence->id_known)
        (void)snprintf(reason, sizeof reason,
                       "IAM does not list access key %s, which its answer named, so far.",
                       run->candidate);
    else if (run->to->candidates[0] != '\0')
        (void)snprintf(reason, sizeof reason,
                       "Access key %s may be the one that was made; whether another one appears "
                       "must be seen, for IAM may still execute the request in the next minutes.",
                       run->candidate);
    else
        (void)snprintf(reason, sizeof reason,
                       "IAM lists no new key so far, but it may still execute the request in the "
                       "next minutes; look again.");
    return hsmiam_settling_leave_until_end(run, reason);
}

hsmiam_status hsmiam_settling_act(hsmiam_settling *run, hsmiam_settle_action action,
                                  hsmiam_error *error)
{
    switch (action) {
    case HSMIAM_SETTLE_NAME:
        return name_candidates(run);
    case HSMIAM_SETTLE_ACTIVATE:
        return hsmiam_settling_leave(
            run,
            "The token holds access key %s, which IAM has as inactive and so cannot be proven; it "
            "was not touched. Activate it (aws iam update-access-key --status Active "
            "--access-key-id %s%s%s) and repeat this, or delete it there.",
            run->candidate, run->candidate, get_user_option(run), get_user(run));
    case HSMIAM_SETTLE_PROVE:
        return prove_held(run, error);
    case HSMIAM_SETTLE_DELETE:
        return delete_at_iam(run, error);
    case HSMIAM_SETTLE_UNDO:
        return destroy_then_delete(run, error);
    case HSMIAM_SETTLE_DESTROY:
        return destroy_dead(run, error);
    case HSMIAM_SETTLE_GONE:
        return hsmiam_settling_end(run, HSMIAM_RESULT_DELETED, run->candidate, error);
    case HSMIAM_SETTLE_NOT_EXECUTED:
        return hsmiam_settling_end(run, HSMIAM_RESULT_NOT_EXECUTED, "", error);
    default:
        return wait_for_end(run);
    }
}
