/* SPDX-License-Identifier: Apache-2.0 */
/* Key pairs and the ledger: provisioning on record, and one audit key introducing another. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ledger/approval.h"

/* What provisioning reports on its way to the caller, and the fingerprints in it. */
typedef struct provisioning {
    hsmiam_provisioned_fn report;
    void *context;
    char wrapping[HSMIAM_FINGERPRINT_SIZE];
    char exportable[HSMIAM_FINGERPRINT_SIZE];
} provisioning;

static void take_pair(void *context, const hsmiam_provisioned *pair)
{
    provisioning *run = context;

    if (strcmp(pair->purpose, "wrapping") == 0)
        (void)snprintf(run->wrapping, sizeof run->wrapping, "%s", pair->fingerprint);
    if (strcmp(pair->purpose, "wrapping-exportable") == 0)
        (void)snprintf(run->exportable, sizeof run->exportable, "%s", pair->fingerprint);
    if (run->report != NULL)
        run->report(run->context, pair);
}

hsmiam_status hsmiam_ledger_provision_token(hsmiam_ledger *ledger, hsmiam_provisioned_fn report,
                                            void *context, hsmiam_error *error)
{
    provisioning run = {.report = report, .context = context};
    hsmiam_record record = {{NULL}};

    if (ledger->token == NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_CONFIG, "The ledger has no token set.");
    /* A ledger that cannot be written to stops this before keys are made. */
    hsmiam_status status = hsmiam_file_open(&ledger->file, error);
    if (status == HSMIAM_OK)
        status = hsmiam_token_provision(ledger->token, take_pair, &run, error);
    if (status == HSMIAM_OK)
        status = hsmiam_ledger_open(ledger, error);
    if (status == HSMIAM_OK && !ledger->accept_new_key)
        status =
            hsmiam_ledger_check_wrapping_key(ledger, ledger->token, false, run.wrapping, error);
    if (status == HSMIAM_OK && !ledger->accept_new_key)
        status =
            hsmiam_ledger_check_wrapping_key(ledger, ledger->token, true, run.exportable, error);
    if (status != HSMIAM_OK)
        return status;
    record.fields[HSMIAM_FIELD_EVENT] = hsmiam_event_get_name(HSMIAM_EVENT_PROVISION);
    record.fields[HSMIAM_FIELD_TOKEN_SERIAL] = hsmiam_token_get_serial(ledger->token);
    record.fields[HSMIAM_FIELD_WRAPPING_KEY] = run.wrapping;
    record.fields[HSMIAM_FIELD_EXPORTABLE_WRAPPING_KEY] = run.exportable;
    return hsmiam_ledger_append(ledger, &record, HSMIAM_APPEND_SIGNED, NULL, error);
}

static bool introduces(const void *context, const hsmiam_record *record)
{
    return hsmiam_record_is(record, HSMIAM_EVENT_AUDIT_KEY) &&
           strcmp(record->fields[HSMIAM_FIELD_INTRODUCED_KEY], context) == 0;
}

/* EXISTS if our key introduced the other one already. */
static hsmiam_status check_new(hsmiam_ledger *ledger, const char *fingerprint, hsmiam_error *error)
{
    hsmiam_record_storage storage;
    hsmiam_record record;
    uint64_t size = 0;
    bool found = strcmp(fingerprint, ledger->key.fingerprint) == 0;

    (void)pthread_mutex_lock(&ledger->lock);
    hsmiam_status status = hsmiam_file_get_size(&ledger->file, &size, error);
    if (status == HSMIAM_OK && !found)
        status = hsmiam_lookup_last(ledger, size, fingerprint, introduces, fingerprint, &storage,
                                    &record, &found, error);
    (void)pthread_mutex_unlock(&ledger->lock);
    if (status == HSMIAM_OK && found)
        status = hsmiam_error_set(error, HSMIAM_ERR_EXISTS,
                                  "The ledger %s has the audit key %.16s... already.",
                                  ledger->file.path, fingerprint);
    return status;
}

/* An approver that could sign the ledger as well would approve what it does itself; `audit verify`
 * takes no such ledger. */
static hsmiam_status check_no_approver(hsmiam_ledger *ledger, const char *fingerprint,
                                       hsmiam_error *error)
{
    (void)pthread_mutex_lock(&ledger->lock);
    hsmiam_status status = hsmiam_clear_refresh(ledger, error);
    if (status == HSMIAM_OK && hsmiam_policy_find_approver(&ledger->dual->policy, fingerprint) <
                                   ledger->dual->policy.count)
        status = hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                                  "Key %.16s... is an approver of the policy in force (record "
                                  "%" PRIu64 " of the ledger %s), and so becomes no audit key; "
                                  "introduce another, or let the policy name another approver.",
                                  fingerprint, ledger->dual->policy_sequence, ledger->file.path);
    (void)pthread_mutex_unlock(&ledger->lock);
    return status;
}

static hsmiam_status need_key(hsmiam_ledger *ledger, hsmiam_error *error)
{
    if (ledger->has_key)
        return HSMIAM_OK;
    return hsmiam_error_set(error, HSMIAM_ERR_NOT_FOUND,
                            "Token \"%s\" has no audit key; `hsmiam provision-token` makes it.",
                            hsmiam_token_get_label(ledger->token));
}

hsmiam_status hsmiam_ledger_introduce_key(hsmiam_ledger *ledger, const char *pem, size_t size,
                                          hsmiam_error *error)
{
    hsmiam_public_key *key = NULL;
    hsmiam_record record = {{NULL}};

    hsmiam_status status = hsmiam_public_key_new_pem(pem, size, &key, error);
    if (status == HSMIAM_OK)
        status = hsmiam_ledger_open(ledger, error);
    if (status == HSMIAM_OK)
        status = need_key(ledger, error);
    if (status == HSMIAM_OK)
        status = check_new(ledger, hsmiam_public_key_get_fingerprint(key), error);
    if (status == HSMIAM_OK)
        status = check_no_approver(ledger, hsmiam_public_key_get_fingerprint(key), error);
    if (status == HSMIAM_OK) {
        record.fields[HSMIAM_FIELD_EVENT] = hsmiam_event_get_name(HSMIAM_EVENT_AUDIT_KEY);
        record.fields[HSMIAM_FIELD_INTRODUCED_KEY] = hsmiam_public_key_get_fingerprint(key);
        record.fields[HSMIAM_FIELD_PUBLIC_KEY] = hsmiam_public_key_get_base64(key);
        status = hsmiam_ledger_append(ledger, &record, HSMIAM_APPEND_SIGNED, NULL, error);
    }
    hsmiam_public_key_free(&key);
    return status;
}

hsmiam_status hsmiam_ledger_export_public_key(hsmiam_ledger *ledger, hsmiam_ledger_line_fn take,
                                              void *context, hsmiam_error *error)
{
    char pem[HSMIAM_PEM_MAX];
    hsmiam_audit_key key;
    hsmiam_public_key *half = NULL;

    if (ledger->token == NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_CONFIG, "The ledger has no token set.");
    hsmiam_status status = hsmiam_token_find_audit_key(ledger->token, true, &key, error);
    if (status == HSMIAM_OK)
        status = hsmiam_public_key_new(key.public_key, key.public_key_size, &half, error);
    if (status == HSMIAM_OK)
        status = hsmiam_public_key_format_pem(half, pem, error);
    if (status == HSMIAM_OK)
        take(context, pem);
    hsmiam_public_key_free(&half);
    return status;
}

hsmiam_status hsmiam_ledger_trust_key(hsmiam_ledger *ledger, const char *pem, size_t size,
                                      hsmiam_error *error)
{
    if (ledger->pinned_count == HSMIAM_PINNED_MAX)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT, "More than %d public keys were given.",
                                HSMIAM_PINNED_MAX);

    hsmiam_status status =
        hsmiam_public_key_new_pem(pem, size, &ledger->pinned[ledger->pinned_count], error);
    if (status == HSMIAM_OK)
        ledger->pinned_count++;
    return status;
}
