/* SPDX-License-Identifier: Apache-2.0 */
/* Gathering the evidence about an open intent, and doing what the rules say. */
#include "custody/settle.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/sealed.h"

/* One intent in work. */
typedef struct work {
    hsmiam_client *client;
    hsmiam_custody *custody;
    const hsmiam_open_intent *intent;
    const char *account;
    bool dry_run;
    hsmiam_settlement *to;
    const char *user_name; /* as IAM is asked; NULL: the credential's own user */
    hsmiam_key_list list;
    hsmiam_evidence evidence;
    char candidate[HSMIAM_ACCESS_KEY_ID_MAX + 1]; /* the one that the rules speak of */
    time_t now;                                   /* IAM's clock; -1: not known */
    hsmiam_error why;
} work;

__attribute__((format(printf, 2, 3))) static hsmiam_status leave_open(work *run, const char *format,
                                                                      ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(run->to->reason, sizeof run->to->reason, format, arguments);
    va_end(arguments);
    run->to->state = HSMIAM_RECOVERY_OPEN;
    return HSMIAM_OK;
}

static time_t get_end(const hsmiam_open_intent *intent)
{
    return intent->request_time + HSMIAM_SIGNATURE_SECONDS + HSMIAM_SETTLE_MARGIN;
}

static hsmiam_status leave_until_end(work *run, const char *reason)
{
    long long left = run->now < 0 ? HSMIAM_SETTLE_MARGIN
                                  : (long long)get_end(run->intent) - (long long)run->now + 1;

    if (left < 1)
        left = 1;
    run->to->come_back = left;
    return leave_open(run, "%s Come back in %lld seconds.", reason, left);
}

/* Puts the outcome on record. */
static hsmiam_status settle_as(work *run, hsmiam_result result, const char *id, hsmiam_error *error)
{
    const hsmiam_open_intent *intent = run->intent;
    const hsmiam_ledger_facts facts = {
        .account = intent->account[0] != '\0' ? intent->account : run->account,
        .partition = intent->partition,
        .endpoint = intent->endpoint,
        .token_serial = intent->token_serial,
        .credential_id = intent->credential_id,
        .user_name = intent->user_name,
        .access_key_id = id,
        .route = result == HSMIAM_RESULT_HELD ? intent->route : NULL,
        .wrapping_key = intent->wrapping_key,
    };

    run->to->state = HSMIAM_RECOVERY_SETTLED;
    run->to->result = result;
    (void)snprintf(run->to->access_key_id, sizeof run->to->access_key_id, "%s", id);
    if (run->dry_run)
        return HSMIAM_OK;
    if (result == HSMIAM_RESULT_HELD)
        hsmiam_custody_make_durable(run->custody);
    return hsmiam_ledger_add_outcome(run->custody->ledger, &facts, intent->sequence, result, NULL,
                                     error);
}

static bool has_code(const work *run, const char *code)
{
    return strcmp(hsmiam_error_get_code_name(&run->why), code) == 0;
}

/* --------------------------------------------------------------------------------- the evidence */

static bool was_before(const hsmiam_open_intent *intent, const char *id)
{
    size_t size = strlen(id);

    for (const char *at = intent->keys_before; (at = strstr(at, id)) != NULL; at += size)
        if ((at == intent->keys_before || at[-1] == ' ') && (at[size] == ' ' || at[size] == '\0'))
            return true;
    return false;
}

/* By IAM's clock: not before the list that preceded the request, or if that is not known, not
 * before IAM would have taken its signature. */
static bool is_in_window(const hsmiam_open_intent *intent, time_t created)
{
    time_t first = intent->iam_time >= 0 && intent->iam_time < intent->request_time
                       ? intent->iam_time
                       : intent->request_time;

    if (intent->iam_time < 0)
        first -= HSMIAM_SIGNATURE_SECONDS;
    return created >= first - 1 && created <= get_end(intent);
}

static hsmiam_status count_held(work *run, const char *id, size_t *count_out)
{
    return hsmiam_token_count_access_keys(run->custody->token, id, count_out, &run->why);
}

/* How a candidate counts. */
static hsmiam_status weigh(work *run, const char *id)
{
    hsmiam_evidence *evidence = &run->evidence;
    hsmiam_key_usage usage = {.was_used = false};
    size_t held = 0;
    size_t used = strlen(run->to->candidates);

    hsmiam_status status = count_held(run, id, &held);
    if (status != HSMIAM_OK)
        return status;
    if (held > 0) {
        evidence->held++;
        (void)snprintf(run->candidate, sizeof run->candidate, "%s", id);
    } else {
        status = hsmiam_client_get_key_usage(run->client, id, false, &usage, &run->why);
        if (status == HSMIAM_OK && usage.was_used)
            return HSMIAM_OK; /* nobody has the secret of an orphan */
        if (status == HSMIAM_OK)
            evidence->orphans++;
        else
            evidence->unclear++;
        if (evidence->held == 0)
            (void)snprintf(run->candidate, sizeof run->candidate, "%s", id);
    }
    (void)snprintf(run->to->candidates + used, sizeof run->to->candidates - used, "%s%s",
                   used > 0 ? " " : "", id);
    return HSMIAM_OK;
}

static hsmiam_status gather_candidates(work *run, hsmiam_error *error)
{
    hsmiam_status status = HSMIAM_OK;

    for (size_t i = 0; status == HSMIAM_OK && i < run->list.count; i++) {
        const hsmiam_key_metadata *key = &run->list.keys[i];
        bool known = false;
        if (was_before(run->intent, key->id) || !is_in_window(run->intent, key->create_date))
            continue;
        status = hsmiam_ledger_knows_key(run->custody->ledger, key->id, &known, error);
        if (status != HSMIAM_OK)
            return status;
        if (!known)
            status = weigh(run, key->id);
        if (status != HSMIAM_OK)
            return leave_open(run, "The token cannot tell what it holds: %s",
                              hsmiam_error_get_message(&run->why));
    }
    return HSMIAM_OK;
}

/* The keys of the user, and what IAM's clock says. A user who is gone has none. */
static hsmiam_status list_keys(work *run)
{
    hsmiam_status status =
        hsmiam_client_list_access_keys(run->client, run->user_name, false, &run->list, &run->why);

    if (status == HSMIAM_ERR_SERVICE && has_code(run, "NoSuchEntity")) {
        run->list.count = 0;
        status = HSMIAM_OK;
    }
    if (!hsmiam_client_get_service_time(run->client, &run->now))
        run->now = -1;
    if (status != HSMIAM_OK)
        return leave_open(run, "IAM does not list the user's keys: %s",
                          hsmiam_error_get_message(&run->why));
    run->evidence.before_known = run->intent->before_known;
    run->evidence.window_over = run->now > get_end(run->intent);
    return HSMIAM_OK;
}

static hsmiam_status gather(work *run, hsmiam_error *error)
{
    const char *id = run->intent->access_key_id;
    size_t held = 0;

    hsmiam_status status = list_keys(run);
    if (status != HSMIAM_OK || run->to->reason[0] != '\0')
        return status;
    if (id[0] == '\0')
        return gather_candidates(run, error);
    if (count_held(run, id, &held) != HSMIAM_OK)
        return leave_open(run, "The token cannot tell whether it holds %s: %s", id,
                          hsmiam_error_get_message(&run->why));
    run->evidence.id_known = true;
    run->evidence.id_listed = hsmiam_key_list_has(&run->list, id);
    run->evidence.id_held = held > 0;
    (void)snprintf(run->candidate, sizeof run->candidate, "%s", id);
    return HSMIAM_OK;
}

/* --------------------------------------------------------------------------------- what is done */

static hsmiam_status delete_at_iam(work *run, hsmiam_error *error)
{
    const char *id = run->candidate;

    if (run->dry_run)
        return settle_as(run, HSMIAM_RESULT_DELETED, id, error);
    /* What cannot be deactivated may be deleted all the same. */
    if (hsmiam_client_update_access_key(run->client, run->user_name, id, "Inactive", false,
                                        &run->why) != HSMIAM_OK)
        hsmiam_log_write(hsmiam_client_get_log(run->client), HSMIAM_LOG_DEBUG,
                         "Access key %s was not deactivated: %s", id,
                         hsmiam_error_get_message(&run->why));
    hsmiam_status status =
        hsmiam_client_delete_access_key(run->client, run->user_name, id, &run->why);
    if (status == HSMIAM_OK)
        return settle_as(run, HSMIAM_RESULT_DELETED, id, error);
    if (status == HSMIAM_ERR_SERVICE && has_code(run, "NoSuchEntity") && !run->evidence.id_listed)
        return run->evidence.window_over
                   ? settle_as(run, HSMIAM_RESULT_DELETED, id, error)
                   : leave_until_end(run, "IAM does not know the key that it made yet.");
    return leave_open(
        run,
        "Access key %s exists at IAM, the token does not hold it, and it could not be "
        "deleted: %s Delete it: aws iam delete-access-key --access-key-id %s%s%s",
        id, hsmiam_error_get_message(&run->why), id, run->user_name != NULL ? " --user-name " : "",
        run->user_name != NULL ? run->user_name : "");
}

static hsmiam_status destroy_in_token(work *run)
{
    char uri[HSMIAM_ACCESS_KEY_ID_MAX + 32];
    char id[HSMIAM_ACCESS_KEY_ID_MAX + 1];
    hsmiam_object object = 0;

    (void)snprintf(uri, sizeof uri, "pkcs11:id=%s;type=secret-key", run->candidate);
    hsmiam_status status =
        hsmiam_token_find_access_key(run->custody->token, uri, &object, id, &run->why);
    if (status == HSMIAM_OK)
        status = hsmiam_token_destroy_object(run->custody->token, object, &run->why);
    if (status != HSMIAM_OK)
        return leave_open(run, "The object %s in the token cannot be destroyed: %s", run->candidate,
                          hsmiam_error_get_message(&run->why));
    return HSMIAM_OK;
}

/* Whether IAM takes what the key in the token signs. */
static hsmiam_status ask_as_key(work *run, hsmiam_caller *caller)
{
    char uri[HSMIAM_ACCESS_KEY_ID_MAX + 32];
    hsmiam_signer *signer = NULL;

    (void)snprintf(uri, sizeof uri, "pkcs11:id=%s;type=secret-key", run->candidate);
    hsmiam_status status = hsmiam_signer_new(run->custody->token, uri, &signer, &run->why);
    if (status == HSMIAM_OK)
        status = hsmiam_signer_open(signer, &run->why);
    if (status == HSMIAM_OK) {
        hsmiam_signer *before = hsmiam_client_swap_signer(run->client, signer);
        status = hsmiam_client_get_caller(run->client, false, caller, &run->why);
        (void)hsmiam_client_swap_signer(run->client, before);
    }
    hsmiam_signer_free(&signer);
    /* Who may not ask was recognised. */
    if (status == HSMIAM_ERR_SERVICE && has_code(run, "AccessDenied"))
        status = HSMIAM_OK;
    return status;
}

/* Whether IAM said that it is not the key's signature, and not that it has trouble of its own. */
static bool is_rejected(const work *run, hsmiam_status status)
{
    return status == HSMIAM_ERR_SERVICE &&
           (has_code(run, "InvalidClientTokenId") || has_code(run, "SignatureDoesNotMatch"));
}

static hsmiam_status prove_held(work *run, hsmiam_error *error)
{
    hsmiam_caller caller = {.account = ""};
    hsmiam_status status = ask_as_key(run, &caller);

    if (status == HSMIAM_OK && (caller.account[0] == '\0' || run->account[0] == '\0' ||
                                strcmp(caller.account, run->account) == 0))
        return settle_as(run, HSMIAM_RESULT_HELD, run->candidate, error);
    if (status == HSMIAM_OK)
        return leave_open(run, "Access key %s in the token is of account %s, not %s.",
                          run->candidate, caller.account, run->account);
    bool is_unusable = hsmiam_token_refused_key(&run->why);
    if (!is_unusable && !is_rejected(run, status))
        return leave_open(run, "Access key %s in the token cannot be proven: %s", run->candidate,
                          hsmiam_error_get_message(&run->why));
    /* A key that is new is not accepted everywhere at once. */
    if (!is_unusable && !run->evidence.window_over)
        return leave_until_end(run, "IAM does not accept yet what the key in the token signs.");
    if (!run->dry_run) {
        status = destroy_in_token(run);
        if (status != HSMIAM_OK || run->to->reason[0] != '\0')
            return status;
    }
    return delete_at_iam(run, error);
}

static hsmiam_status name_candidates(work *run)
{
    return leave_open(run,
                      "%s of the user's keys may be the one that was made (%s); nothing was "
                      "touched. Delete those that nobody knows: aws iam delete-access-key "
                      "--access-key-id ID%s%s",
                      run->evidence.before_known ? "Several"
                                                 : "IAM did not list the keys before; some",
                      run->to->candidates, run->user_name != NULL ? " --user-name " : "",
                      run->user_name != NULL ? run->user_name : "");
}

static hsmiam_status act(work *run, hsmiam_error *error)
{
    switch (hsmiam_settle_decide(&run->evidence)) {
    case HSMIAM_SETTLE_NAME:
        return name_candidates(run);
    case HSMIAM_SETTLE_PROVE:
        return prove_held(run, error);
    case HSMIAM_SETTLE_DELETE:
        return delete_at_iam(run, error);
    case HSMIAM_SETTLE_DESTROY: {
        hsmiam_status status = run->dry_run ? HSMIAM_OK : destroy_in_token(run);
        if (status != HSMIAM_OK || run->to->reason[0] != '\0')
            return status;
        return settle_as(run, HSMIAM_RESULT_DELETED, run->candidate, error);
    }
    case HSMIAM_SETTLE_GONE:
        return settle_as(run, HSMIAM_RESULT_DELETED, run->candidate, error);
    case HSMIAM_SETTLE_NOT_EXECUTED:
        return settle_as(run, HSMIAM_RESULT_NOT_EXECUTED, "", error);
    default:
        return leave_until_end(run, "IAM lists no new key so far, but it may still execute the "
                                    "request in the next minutes; look again.");
    }
}

/* Whose it is: another account's, another token's and another service's are left alone. */
static hsmiam_status check_owner(work *run, hsmiam_error *error)
{
    const hsmiam_open_intent *intent = run->intent;
    const char *serial = hsmiam_token_get_serial(run->custody->token);
    const char *credential = hsmiam_signer_get_access_key_id(hsmiam_client_get_signer(run->client));
    const char *partition = "";
    char endpoint[HSMIAM_ENDPOINT_SIZE];

    hsmiam_status status = hsmiam_client_describe(run->client, &partition, endpoint, error);
    if (status != HSMIAM_OK)
        return status;
    if (!intent->is_trusted)
        return leave_open(run, "The audit key in use did not sign the intent.");
    if (strcmp(intent->token_serial, serial) != 0)
        return leave_open(run,
                          "It is about the token with serial %s, not %s; name that by --token.",
                          intent->token_serial, serial);
    if (strcmp(intent->endpoint, endpoint) != 0)
        return leave_open(run, "It was sent to %s, not %s.", intent->endpoint, endpoint);
    if (strcmp(intent->credential_id, credential) == 0)
        return HSMIAM_OK;
    if (intent->account[0] == '\0' || run->account[0] == '\0' || intent->user_name[0] == '\0')
        return leave_open(run,
                          "Only the credential %s is known to be of its account and user; name "
                          "that by --credential.",
                          intent->credential_id);
    if (strcmp(intent->account, run->account) != 0)
        return leave_open(run, "It is about account %s, and the credential is of %s.",
                          intent->account, run->account);
    return HSMIAM_OK;
}

static hsmiam_status settle(void *context, hsmiam_error *error)
{
    work *run = context;
    hsmiam_status status = check_owner(run, error);

    if (status == HSMIAM_OK && run->to->reason[0] == '\0' &&
        run->intent->event != HSMIAM_EVENT_INTENT)
        return hsmiam_settle_change(run->client, run->custody, run->intent, run->account,
                                    run->dry_run, run->to, error);
    if (status == HSMIAM_OK && run->to->reason[0] == '\0')
        status = gather(run, error);
    if (status == HSMIAM_OK && run->to->reason[0] == '\0')
        status = act(run, error);
    return status;
}

hsmiam_status hsmiam_settle(hsmiam_client *client, hsmiam_custody *custody,
                            const hsmiam_open_intent *intent, const char *account, bool dry_run,
                            hsmiam_settlement *settlement_out, hsmiam_error *error)
{
    work run = {.client = client,
                .custody = custody,
                .intent = intent,
                .account = account,
                .dry_run = dry_run,
                .to = settlement_out,
                .user_name = intent->user_name[0] != '\0' ? intent->user_name : NULL,
                .now = -1};

    *settlement_out = (hsmiam_settlement){.state = HSMIAM_RECOVERY_OPEN, .come_back = -1};
    (void)snprintf(settlement_out->access_key_id, sizeof settlement_out->access_key_id, "%s",
                   intent->access_key_id);
    return hsmiam_sealed_run_anyhow(settle, &run, error);
}
