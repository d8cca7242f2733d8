/* SPDX-License-Identifier: Apache-2.0 */
/* What a rotation must know first: whose key it is, and how far an earlier run got. */
#include "custody/rotate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "custody/settle.h"
#include "sigv4/signer.h"

#define KEY_URI_SIZE (HSMIAM_ACCESS_KEY_ID_MAX + 32)

hsmiam_status hsmiam_rotating_holds(const hsmiam_rotating *run, const char *id, bool *held_out,
                                    hsmiam_error *error)
{
    size_t count = 0;
    hsmiam_status status = hsmiam_token_count_access_keys(run->custody->token, id, &count, error);

    *held_out = status == HSMIAM_OK && count > 0;
    return status;
}

hsmiam_status hsmiam_rotating_sign_as_new(hsmiam_rotating *run, hsmiam_error *error)
{
    char uri[KEY_URI_SIZE];
    hsmiam_status status = HSMIAM_OK;

    if (run->by_new == NULL) {
        (void)snprintf(uri, sizeof uri, "pkcs11:id=%s;type=secret-key", run->record.new_id);
        status = hsmiam_signer_new(run->custody->token, uri, &run->by_new, error);
        if (status == HSMIAM_OK)
            status = hsmiam_signer_open(run->by_new, error);
        if (status != HSMIAM_OK)
            hsmiam_signer_free(&run->by_new);
    }
    if (status != HSMIAM_OK || run->signs_as_new)
        return status;
    run->before = hsmiam_client_swap_signer(run->client, run->by_new);
    run->signs_as_new = true;
    return HSMIAM_OK;
}

void hsmiam_rotating_sign_as_before(hsmiam_rotating *run)
{
    if (run->signs_as_new)
        (void)hsmiam_client_swap_signer(run->client, run->before);
    run->signs_as_new = false;
}

/* A key that is named by its label is not alone with it any more once the new one is there: from
 * here on it is named by its id as well. */
static hsmiam_status open_signer(hsmiam_rotating *run, hsmiam_error *error)
{
    hsmiam_signer *signer = hsmiam_client_get_signer(run->client);
    hsmiam_rotation_record *record = &run->record;
    bool found = false;

    hsmiam_status status = hsmiam_signer_open(signer, error);
    if (status == HSMIAM_ERR_AMBIGUOUS) {
        hsmiam_error *why = hsmiam_error_new();
        if (hsmiam_ledger_find_own_rotation(run->custody->ledger, NULL, record, &found, why) ==
                HSMIAM_OK &&
            found && hsmiam_signer_narrow(signer, record->old_id, why) == HSMIAM_OK &&
            hsmiam_signer_open(signer, why) == HSMIAM_OK)
            status = HSMIAM_OK;
        hsmiam_error_free(&why);
    }
    if (status == HSMIAM_OK)
        status = hsmiam_signer_narrow(signer, hsmiam_signer_get_access_key_id(signer), error);
    if (status == HSMIAM_OK)
        status = hsmiam_signer_open(signer, error);
    if (status == HSMIAM_OK)
        (void)snprintf(run->signer_id, sizeof run->signer_id, "%s",
                       hsmiam_signer_get_access_key_id(signer));
    return status;
}

/* "arn:aws:iam::123456789012:user/path/name", or of the account's root user ":root" at its end. */
static hsmiam_status take_user(hsmiam_rotating *run, const hsmiam_caller *caller,
                               hsmiam_error *error)
{
    const char *resource = strrchr(caller->arn, ':');
    const char *name = strrchr(caller->arn, '/');

    (void)snprintf(run->account, sizeof run->account, "%s", caller->account);
    if (resource != NULL && strcmp(resource, ":root") == 0)
        return HSMIAM_OK;
    if (resource == NULL || name == NULL || strncmp(resource, ":user/", 6) != 0 ||
        strlen(name + 1) > HSMIAM_USER_NAME_MAX)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "Access key %s belongs to no IAM user, and so cannot be rotated.",
                                run->signer_id);
    (void)snprintf(run->user, sizeof run->user, "%s", name + 1);
    return HSMIAM_OK;
}

/* Where many are rotated by one credential, its own user is none of them. */
static hsmiam_status check_other(const hsmiam_rotating *run, const hsmiam_caller *caller,
                                 hsmiam_error *error)
{
    const char *resource = strrchr(caller->arn, ':');
    const char *name = strrchr(caller->arn, '/');

    if (!run->options.others_only || resource == NULL || name == NULL ||
        strncmp(resource, ":user/", 6) != 0 || strcasecmp(name + 1, run->user) != 0)
        return HSMIAM_OK;
    return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                            "User %s is the credential's own, and its key rotates the others': "
                            "nothing was done. Rotate that key by itself, with --root.",
                            run->user);
}

/* The key that signs is not known to IAM (any more): an earlier run may have deactivated it. */
static hsmiam_status take_from_ledger(hsmiam_rotating *run, hsmiam_error *error)
{
    hsmiam_error *why = hsmiam_error_new();
    hsmiam_status status = HSMIAM_OK;
    bool found = false;

    status = hsmiam_ledger_find_own_rotation(run->custody->ledger, run->signer_id, &run->record,
                                             &found, why);
    if (status == HSMIAM_OK && found &&
        (run->options.user_name == NULL ||
         strcasecmp(run->options.user_name, run->record.user_name) == 0)) {
        memcpy(run->account, run->record.account, sizeof run->record.account);
        memcpy(run->user, run->record.user_name, sizeof run->record.user_name);
        run->signer_is_dead = true;
        hsmiam_error_clear(error);
    } else {
        status = HSMIAM_ERR_SERVICE;
    }
    hsmiam_error_free(&why);
    return status;
}

/* Whose key it is. */
static hsmiam_status identify(hsmiam_rotating *run, hsmiam_error *error)
{
    hsmiam_caller caller = {.account = ""};

    if (run->options.user_name != NULL)
        (void)snprintf(run->user, sizeof run->user, "%s", run->options.user_name);
    hsmiam_status status = hsmiam_client_get_caller(run->client, true, &caller, error);
    if (status == HSMIAM_OK && run->options.user_name == NULL)
        return take_user(run, &caller, error);
    if (status == HSMIAM_OK)
        (void)snprintf(run->account, sizeof run->account, "%s", caller.account);
    if (status == HSMIAM_OK)
        status = check_other(run, &caller, error);
    if (hsmiam_rotating_is_unknown_key(status, error))
        status = take_from_ledger(run, error);
    return status;
}

/* `recover` has it from the ledger. The account's root user has no name to ask IAM by: only a key
 * of its own can go on, for any other user's would be answered about that user. */
static hsmiam_status check_root(hsmiam_rotating *run, hsmiam_error *error)
{
    hsmiam_caller caller = {.account = ""};
    hsmiam_status status = HSMIAM_OK;

    if (run->user[0] != '\0' || run->signer_is_dead)
        return HSMIAM_OK;
    status = hsmiam_client_get_caller(run->client, true, &caller, error);
    if (status == HSMIAM_OK)
        status = take_user(run, &caller, error);
    if (status == HSMIAM_OK && run->user[0] != '\0')
        status = hsmiam_error_set(error, HSMIAM_ERR_UNSETTLED,
                                  "A rotation of the key of the account's root user was "
                                  "interrupted, and access key %s, which signs, is %s's; name one "
                                  "of the root user's by --credential.",
                                  run->signer_id, run->user);
    return status;
}

/* One rotation of a user at a time; making the key takes the user's own lock besides. */
static hsmiam_status take_lock(hsmiam_rotating *run, hsmiam_error *error)
{
    char subject[HSMIAM_USER_NAME_MAX + 16];
    bool held = false;

    (void)snprintf(subject, sizeof subject, ":rotation:%s", run->user);
    hsmiam_status status =
        hsmiam_user_lock_try(run->custody->ledger, subject, &run->lock, &held, error);
    if (status == HSMIAM_OK && !held)
        status = hsmiam_error_set(error, HSMIAM_ERR_UNSETTLED,
                                  "Another process is rotating the key of %s. Try again when it "
                                  "has ended.",
                                  hsmiam_rotating_name_user(run));
    return status;
}

/* A rotation goes on where it began. */
static hsmiam_status check_place(const hsmiam_rotating *run, hsmiam_error *error)
{
    const hsmiam_rotation_record *record = &run->record;
    const char *serial = hsmiam_token_get_serial(run->custody->token);

    if (!run->has_record || hsmiam_rotation_step_is_final(record->step))
        return HSMIAM_OK;
    if (strcmp(record->token_serial, serial) != 0)
        return hsmiam_error_set(error, HSMIAM_ERR_UNSETTLED,
                                "A rotation of the key of %s was interrupted (record %llu of the "
                                "ledger) whose new key goes to the token with serial %s, not %s; "
                                "name that by --token.",
                                hsmiam_rotating_name_user(run),
                                (unsigned long long)record->sequence, record->token_serial, serial);
    if (strcmp(record->endpoint, run->endpoint) != 0)
        return hsmiam_error_set(error, HSMIAM_ERR_UNSETTLED,
                                "A rotation of the key of %s was interrupted (record %llu of the "
                                "ledger) that was asked of %s, not %s.",
                                hsmiam_rotating_name_user(run),
                                (unsigned long long)record->sequence, record->endpoint,
                                run->endpoint);
    return HSMIAM_OK;
}

static bool take_first(void *context, const hsmiam_open_intent *intent)
{
    *(uint64_t *)context = intent->sequence;
    return false;
}

/* An earlier run may have been interrupted while it made the key: what became of that is settled
 * first, by the rules of `recover`. */
static hsmiam_status settle_found(hsmiam_rotating *run, const hsmiam_open_intent *intent,
                                  hsmiam_settlement *settlement, hsmiam_error *error)
{
    hsmiam_status status =
        hsmiam_settle(run->client, run->custody, intent, run->account, false, settlement, error);

    if (status == HSMIAM_OK && settlement->state != HSMIAM_RECOVERY_SETTLED)
        status = hsmiam_error_set(error, HSMIAM_ERR_UNSETTLED,
                                  "What became of an earlier request for the same user (record "
                                  "%llu of the ledger) is not settled: %s",
                                  (unsigned long long)intent->sequence, settlement->reason);
    return status;
}

static hsmiam_status settle_intent(hsmiam_rotating *run, uint64_t sequence, hsmiam_error *error)
{
    hsmiam_open_intent *intent = calloc(1, sizeof *intent);
    hsmiam_settlement *settlement = calloc(1, sizeof *settlement);
    hsmiam_status status = HSMIAM_OK;
    bool found = false;

    if (intent == NULL || settlement == NULL) {
        status = hsmiam_error_set_memory(error, "settling");
        goto out;
    }
    status = hsmiam_open_intent_look(run->custody, sequence, intent, &found, error);
    if (status == HSMIAM_OK && found)
        status = settle_found(run, intent, settlement, error);
out:
    free(settlement);
    free(intent);
    return status;
}

/* The number of an intent of the user that is open; 0: there is none. A batch asks for many. */
static hsmiam_status find_open(hsmiam_rotating *run, uint64_t *sequence, hsmiam_error *error)
{
    bool perhaps = true;
    hsmiam_status status = HSMIAM_OK;

    if (run->custody->watch != NULL && run->user[0] != '\0')
        status = hsmiam_ledger_watch_ask(run->custody->watch, run->user, &perhaps, error);
    if (status != HSMIAM_OK || !perhaps)
        return status;
    return hsmiam_ledger_find_open(run->custody->ledger, run->user, take_first, sequence, error);
}

static hsmiam_status settle_open(hsmiam_rotating *run, hsmiam_error *error)
{
    hsmiam_user_lock lock = {.fd = -1};
    uint64_t sequence = 0;
    bool held = false;

    hsmiam_status status = find_open(run, &sequence, error);
    if (status != HSMIAM_OK || sequence == 0)
        return status;
    if (run->may_create)
        status = hsmiam_user_lock_try(
            run->custody->ledger, hsmiam_issue_get_subject(run->user_name), &lock, &held, error);
    if (status == HSMIAM_OK && held)
        status = settle_intent(run, sequence, error);
    else if (status == HSMIAM_OK)
        status = hsmiam_error_set(error, HSMIAM_ERR_UNSETTLED,
                                  "What became of an earlier request for the same user (record "
                                  "%llu of the ledger) is not settled.",
                                  (unsigned long long)sequence);
    hsmiam_user_lock_release(&lock);
    return status;
}

/* The new key takes the place of the one that does not sign any more. */
static hsmiam_status take_over(hsmiam_rotating *run, hsmiam_error *error)
{
    const hsmiam_rotation_record *record = &run->record;

    if (!run->has_record || record->new_id[0] == '\0')
        return hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                                "IAM does not know access key %s, which signs, any more.",
                                run->signer_id);
    if (hsmiam_rotation_step_is_final(record->step) && !run->options.delete_old)
        return hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                                "Access key %s, which signs, was replaced by %s; name that one as "
                                "the credential (id=%s).",
                                run->signer_id, record->new_id, record->new_id);
    return hsmiam_rotating_sign_as_new(run, error);
}

static hsmiam_status find_record(hsmiam_rotating *run, hsmiam_error *error)
{
    hsmiam_custody *custody = run->custody;

    if (custody->rotations != NULL && run->user[0] != '\0')
        return hsmiam_rotation_watch_find(custody->rotations, run->account, run->user, &run->record,
                                          &run->has_record, error);
    return hsmiam_ledger_find_rotation(custody->ledger, run->account, run->user, &run->record,
                                       &run->has_record, error);
}

hsmiam_status hsmiam_rotating_look(hsmiam_rotating *run, hsmiam_error *error)
{
    hsmiam_status status = find_record(run, error);

    if (status == HSMIAM_OK)
        status = check_place(run, error);
    if (status == HSMIAM_OK && run->signer_is_dead) {
        status = take_over(run, error);
    }
    if (status == HSMIAM_OK)
        status =
            hsmiam_client_list_access_keys(run->client, run->user_name, true, &run->list, error);
    if (status == HSMIAM_ERR_UNKNOWN_OUTCOME || status == HSMIAM_ERR_REPLY) {
        hsmiam_error_append(error, "That was ListAccessKeys, which changes nothing.");
        status = HSMIAM_ERR_NETWORK;
        if (error != NULL)
            error->status = status;
    }
    return status;
}

hsmiam_status hsmiam_rotating_begin(hsmiam_rotating *run, hsmiam_error *error)
{
    bool is_known = run->account[0] != '\0';
    hsmiam_status status = hsmiam_custody_prepare(run->custody, error);

    if (status == HSMIAM_OK)
        status = hsmiam_client_describe(run->client, &run->partition, run->endpoint, error);
    if (status == HSMIAM_OK)
        status = open_signer(run, error);
    if (status == HSMIAM_OK)
        status = is_known ? check_root(run, error) : identify(run, error);
    run->user_name = run->user[0] != '\0' ? run->user : NULL;
    if (status == HSMIAM_OK)
        status = take_lock(run, error);
    if (status == HSMIAM_OK && !run->signer_is_dead)
        status = settle_open(run, error);
    if (status == HSMIAM_OK)
        status = hsmiam_rotating_look(run, error);
    return status;
}
