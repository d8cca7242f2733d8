/* SPDX-License-Identifier: Apache-2.0 */
/* An open intent on its way: whose it is, what is known, what is done, what goes on record. */
#include "custody/settle_work.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/sealed.h"

__attribute__((format(printf, 2, 0))) static void leave(hsmiam_settling *run, const char *format,
                                                        va_list arguments)
{
    (void)vsnprintf(run->to->reason, sizeof run->to->reason, format, arguments);
    run->to->state = HSMIAM_RECOVERY_OPEN;
}

hsmiam_status hsmiam_settling_leave(hsmiam_settling *run, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    leave(run, format, arguments);
    va_end(arguments);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_settling_leave_to_person(hsmiam_settling *run, const char *format, ...)
{
    char *reason = run->to->reason;
    va_list arguments;

    va_start(arguments, format);
    leave(run, format, arguments);
    va_end(arguments);
    size_t used = strlen(reason);
    (void)snprintf(reason + used, sizeof run->to->reason - used,
                   " What cannot be settled so, a person closes: hsmiam recover --close %llu.",
                   (unsigned long long)run->intent->sequence);
    return HSMIAM_OK;
}

time_t hsmiam_settling_get_end(const hsmiam_open_intent *intent)
{
    return intent->request_time + HSMIAM_SIGNATURE_SECONDS + HSMIAM_SETTLE_MARGIN;
}

hsmiam_status hsmiam_settling_leave_until_end(hsmiam_settling *run, const char *reason)
{
    const long long end = (long long)hsmiam_settling_get_end(run->intent);
    long long left = run->now < 0 ? HSMIAM_SIGNATURE_SECONDS + HSMIAM_SETTLE_MARGIN
                                  : end - (long long)run->now + 1;

    /* When it is past, and IAM contradicts itself still, a little later. */
    if (left < 1)
        left = HSMIAM_EXECUTION_SECONDS;
    run->to->come_back = left;
    return hsmiam_settling_leave(run, "%s Come back in %lld seconds.", reason, left);
}

hsmiam_status hsmiam_settling_record(const hsmiam_settling *run, hsmiam_result result,
                                     const char *id, const char *candidates, hsmiam_error *error)
{
    const hsmiam_open_intent *intent = run->intent;
    const hsmiam_ledger_facts facts = {
        .account = intent->account[0] != '\0' ? intent->account : run->account,
        .partition = intent->partition,
        .endpoint = intent->endpoint,
        .token_serial = intent->token_serial,
        .replicas = intent->replica_serials,
        .credential_id = intent->credential_id,
        .user_name = intent->user_name,
        .access_key_id = id,
        .route = result == HSMIAM_RESULT_HELD ? intent->route : NULL,
        .wrapping_key = intent->wrapping_key,
        .candidates = candidates,
    };

    return hsmiam_ledger_add_outcome(run->custody->ledger, &facts, intent->sequence, result, NULL,
                                     error);
}

/* The proof comes first, then the disk has what the token holds, then the record says so. */
hsmiam_status hsmiam_settling_end(hsmiam_settling *run, hsmiam_result result, const char *id,
                                  hsmiam_error *error)
{
    run->to->state = HSMIAM_RECOVERY_SETTLED;
    run->to->result = result;
    (void)snprintf(run->to->access_key_id, sizeof run->to->access_key_id, "%s", id);
    if (run->dry_run)
        return HSMIAM_OK;
    if (result == HSMIAM_RESULT_HELD)
        hsmiam_custody_make_durable(run->custody);
    return hsmiam_settling_record(run, result, id, NULL, error);
}

/* Whether the custody has all of the tokens that the key was to go into. */
static bool has_replicas(const hsmiam_settling *run)
{
    const char *serials = run->intent->replica_serials;
    size_t wanted = serials[0] != '\0' ? 2 : 1;
    size_t found = 0;

    for (const char *at = serials; (at = strchr(at, ' ')) != NULL; at++)
        wanted++;
    while (hsmiam_custody_get_token(run->custody, found, serials) != NULL)
        found++;
    return found == wanted;
}

/* Whose it is: another account's, another token's and another service's are left alone. */
static hsmiam_status check_owner(hsmiam_settling *run, hsmiam_error *error)
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
        return hsmiam_settling_leave_to_person(run,
                                               "The audit key in use did not sign the intent.");
    if (strcmp(intent->token_serial, serial) != 0)
        return hsmiam_settling_leave_to_person(
            run, "It is about the token with serial %s, not %s; name that by --token.",
            intent->token_serial, serial);
    if (!has_replicas(run))
        return hsmiam_settling_leave_to_person(
            run,
            "It is about several tokens, that with serial %s and %s; name all of them by "
            "--token.",
            intent->token_serial, intent->replica_serials);
    if (strcmp(intent->endpoint, endpoint) != 0)
        return hsmiam_settling_leave_to_person(run, "It was sent to %s, not %s.", intent->endpoint,
                                               endpoint);
    if (strcmp(intent->credential_id, credential) == 0)
        return HSMIAM_OK;
    if (intent->account[0] == '\0' || run->account[0] == '\0' || intent->user_name[0] == '\0')
        return hsmiam_settling_leave_to_person(
            run,
            "Only the credential %s is known to be of its account and user; name "
            "that by --credential.",
            intent->credential_id);
    if (strcmp(intent->account, run->account) != 0)
        return hsmiam_settling_leave_to_person(
            run, "It is about account %s, and the credential is of %s.", intent->account,
            run->account);
    return HSMIAM_OK;
}

static hsmiam_status settle(void *context, hsmiam_error *error)
{
    hsmiam_settling *run = context;
    hsmiam_status status = check_owner(run, error);

    if (status == HSMIAM_OK && run->to->reason[0] == '\0' &&
        run->intent->event != HSMIAM_EVENT_INTENT)
        return hsmiam_settle_change(run->client, run->custody, run->intent, run->account,
                                    run->dry_run, run->to, error);
    if (status == HSMIAM_OK && run->to->reason[0] == '\0')
        status = hsmiam_settling_gather(run, error);
    if (status == HSMIAM_OK && run->to->reason[0] == '\0')
        status = hsmiam_settling_act(run, hsmiam_settle_decide(run->intent->event, &run->evidence),
                                     error);
    return status;
}

hsmiam_status hsmiam_settle(hsmiam_client *client, hsmiam_custody *custody,
                            const hsmiam_open_intent *intent, const char *account, bool dry_run,
                            hsmiam_settlement *settlement_out, hsmiam_error *error)
{
    hsmiam_settling run = {.client = client,
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
