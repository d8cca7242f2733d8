/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_library.h"

#include <stdio.h>
#include <string.h>

struct hsmiam_ledger {
    hsmiam_token *token;
    hsmiam_ledger_line_fn mirror;
    void *mirror_context;
};

struct hsmiam_ledger_record {
    const char *user_name;
};

hsmiam_status hsmiam_ledger_new(const char *path, hsmiam_ledger **ledger_out, hsmiam_error *error)
{
    (void)error;
    fake_note(fake.ledger, sizeof fake.ledger, path);
    *ledger_out = fake_make(sizeof **ledger_out);
    return HSMIAM_OK;
}

void hsmiam_ledger_free(hsmiam_ledger **ledger)
{
    fake_unmake(*ledger);
    *ledger = NULL;
}

void hsmiam_ledger_set_token(hsmiam_ledger *ledger, hsmiam_token *token)
{
    ledger->token = token;
}

void hsmiam_ledger_set_log(hsmiam_ledger *ledger, hsmiam_log_fn log, void *context)
{
    (void)ledger;
    (void)log;
    (void)context;
}

void hsmiam_ledger_set_mirror(hsmiam_ledger *ledger, hsmiam_ledger_line_fn mirror, void *context)
{
    ledger->mirror = mirror;
    ledger->mirror_context = context;
    fake.mirrored = true;
}

void hsmiam_ledger_set_accept_changed_keys(hsmiam_ledger *ledger, bool accept)
{
    (void)ledger;
    fake.accepts_changed_keys = accept;
}

void hsmiam_custody_set_ledger(hsmiam_custody *custody, hsmiam_ledger *ledger)
{
    (void)custody;
    fake.has_ledger = ledger != NULL;
}

hsmiam_status hsmiam_ledger_provision_token(hsmiam_ledger *ledger, hsmiam_provisioned_fn report,
                                            void *context, hsmiam_error *error)
{
    return hsmiam_token_provision(ledger->token, report, context, error);
}

hsmiam_status hsmiam_ledger_introduce_key(hsmiam_ledger *ledger, const char *pem, size_t size,
                                          hsmiam_error *error)
{
    (void)size;
    fake_note(fake.public_keys, sizeof fake.public_keys, pem);
    return hsmiam_token_open(ledger->token, error);
}

hsmiam_status hsmiam_ledger_export_public_key(hsmiam_ledger *ledger, hsmiam_ledger_line_fn take,
                                              void *context, hsmiam_error *error)
{
    hsmiam_status status = hsmiam_token_open(ledger->token, error);

    if (status == HSMIAM_OK)
        take(context, "a public key\n");
    return status;
}

hsmiam_status hsmiam_ledger_make_checkpoint(hsmiam_ledger *ledger, hsmiam_ledger_line_fn take,
                                            void *context, hsmiam_error *error)
{
    hsmiam_status status = hsmiam_token_open(ledger->token, error);

    if (status == HSMIAM_OK && ledger->mirror)
        ledger->mirror(ledger->mirror_context, "a mirrored line");
    if (status == HSMIAM_OK)
        take(context, "a checkpoint");
    return status;
}

bool hsmiam_ledger_record_get_member(const hsmiam_ledger_record *record, size_t index,
                                     const char **name_out, const char **value_out,
                                     hsmiam_member_kind *kind_out)
{
    static const char *const names[] = {"sequence", "event", "keys_before", "user_name"};
    const char *const values[] = {"7", "intent", "AKIAONE AKIATWO", record->user_name};
    static const hsmiam_member_kind kinds[] = {HSMIAM_MEMBER_NUMBER, HSMIAM_MEMBER_STRING,
                                               HSMIAM_MEMBER_LIST, HSMIAM_MEMBER_STRING};

    if (index >= sizeof names / sizeof names[0])
        return false;
    *name_out = names[index];
    *value_out = values[index];
    *kind_out = kinds[index];
    return true;
}

const char *hsmiam_ledger_record_get_text(const hsmiam_ledger_record *record, const char *name)
{
    return strcmp(name, "user_name") == 0 ? record->user_name : NULL;
}

hsmiam_status hsmiam_ledger_read(hsmiam_ledger *ledger, const hsmiam_ledger_filter *filter,
                                 hsmiam_ledger_record_fn take, void *context, hsmiam_error *error)
{
    static const hsmiam_ledger_record records[] = {{"Al\x1b"
                                                    "ice"},
                                                   {"Bob"}};

    (void)ledger;
    fake.since = filter->since;
    fake.until = filter->until;
    fake_note(fake.user_name, sizeof fake.user_name, filter->user_name);
    hsmiam_status status = fake_pass(FAKE_LEDGER, error);
    for (int i = 0; status == HSMIAM_OK && i < fake.records; i++)
        (void)take(context, &records[i]);
    return status;
}

void hsmiam_ledger_set_allow_unsigned(hsmiam_ledger *ledger, bool allow)
{
    (void)ledger;
    fake.allow_unsigned = allow;
}

hsmiam_status hsmiam_ledger_trust_key(hsmiam_ledger *ledger, const char *pem, size_t size,
                                      hsmiam_error *error)
{
    size_t used = strlen(fake.public_keys);

    (void)ledger;
    (void)error;
    (void)snprintf(fake.public_keys + used, sizeof fake.public_keys - used, "%.*s|", (int)size,
                   pem);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_ledger_set_checkpoint(hsmiam_ledger *ledger, const char *line, size_t size,
                                           hsmiam_error *error)
{
    (void)ledger;
    (void)size;
    (void)error;
    fake_note(fake.checkpoint, sizeof fake.checkpoint, line);
    return HSMIAM_OK;
}

const char *hsmiam_fault_get_name(hsmiam_fault fault)
{
    return fault == HSMIAM_FAULT_CHANGED ? "changed" : "none";
}

hsmiam_status hsmiam_ledger_verify(hsmiam_ledger *ledger, hsmiam_ledger_finding_fn report,
                                   void *context, hsmiam_ledger_verdict *verdict_out,
                                   hsmiam_error *error)
{
    hsmiam_status status = fake_pass(FAKE_LEDGER, error);

    (void)ledger;
    *verdict_out = (hsmiam_ledger_verdict){.records = 3, .sequence = 3, .hash = "00ff"};
    report(context, HSMIAM_LEDGER_SEALED, 2, "A seal.");
    if (status == HSMIAM_ERR_LEDGER) {
        verdict_out->fault = HSMIAM_FAULT_CHANGED;
        verdict_out->line = 3;
    }
    return status;
}

hsmiam_status hsmiam_custody_recover(hsmiam_client *client, hsmiam_custody *custody, bool dry_run,
                                     hsmiam_recovery_fn report, void *context, hsmiam_error *error)
{
    bool open = false;

    (void)client;
    (void)custody;
    fake.dry_run = dry_run;
    fake.recover_calls++;
    hsmiam_status status = fake_pass(FAKE_RECOVER, error);
    if (status != HSMIAM_OK)
        return status;
    for (int i = 0; i < fake.recovery_count; i++) {
        open |= fake.recoveries[i].state != HSMIAM_RECOVERY_SETTLED;
        if (report)
            report(context, &fake.recoveries[i]);
    }
    return open ? fake_set(error, HSMIAM_ERR_UNSETTLED, "1 interrupted runs are left open.")
                : HSMIAM_OK;
}

hsmiam_status hsmiam_custody_close_intent(hsmiam_custody *custody, uint64_t intent,
                                          const char *reason, hsmiam_error *error)
{
    (void)custody;
    fake.closed = intent;
    (void)snprintf(fake.closing_reason, sizeof fake.closing_reason, "%s", reason);
    return fake_pass(FAKE_RECOVER, error);
}
