/* SPDX-License-Identifier: Apache-2.0 */
/* Rotations that were interrupted, brought to their end without making a key. */
#include "custody/rotate.h"

#include <stdlib.h>
#include <string.h>

#include "sigv4/signer.h"

typedef struct recovery {
    hsmiam_client *client;
    hsmiam_custody *custody;
    const char *account;
    bool dry_run;
    hsmiam_recovery_fn report;
    void *context;
    hsmiam_rotation_record *records; /* the last one first */
    size_t count;
    bool no_memory;
    size_t open;
} recovery;

static bool collect(void *context, const hsmiam_rotation_record *record)
{
    recovery *all = context;
    hsmiam_rotation_record *more = realloc(all->records, (all->count + 1) * sizeof *more);

    all->no_memory = more == NULL;
    if (more == NULL)
        return false;
    all->records = more;
    all->records[all->count++] = *record;
    return true;
}

static void tell(recovery *all, const hsmiam_rotation_record *record, const char *result,
                 const char *reason)
{
    const hsmiam_recovery told = {
        .intent = record->sequence,
        .state = reason[0] == '\0' ? HSMIAM_RECOVERY_SETTLED : HSMIAM_RECOVERY_OPEN,
        .result = result,
        .user_name = record->user_name,
        .access_key_id = record->old_id,
        .reason = reason,
        .candidates = "",
        .request_time = -1,
        .come_back = -1,
    };

    if (reason[0] != '\0')
        all->open++;
    if (all->report != NULL)
        all->report(all->context, &told);
}

static const char *name_end(const hsmiam_rotating *run)
{
    if (run->record.step == HSMIAM_ROTATION_ABANDONED)
        return "abandoned";
    return run->record.step == HSMIAM_ROTATION_DELETED ? "rotated-and-deleted" : "rotated";
}

static hsmiam_status recover_one(recovery *all, const hsmiam_rotation_record *record,
                                 hsmiam_error *error)
{
    const char *signer = hsmiam_signer_get_access_key_id(hsmiam_client_get_signer(all->client));
    bool is_own = strcmp(signer, record->old_id) == 0;
    hsmiam_rotation made = {.key = NULL};
    hsmiam_rotating *run = NULL;

    if (strcmp(record->account, all->account) != 0 && !is_own) {
        tell(all, record, "",
             "A rotation was interrupted; it belongs to another account than the "
             "credential, or whose that is cannot be told.");
        return HSMIAM_OK;
    }
    if (all->dry_run) {
        tell(all, record, "", "A rotation was interrupted; it is to be brought to its end.");
        return HSMIAM_OK;
    }
    run = calloc(1, sizeof *run);
    if (run == NULL)
        return hsmiam_error_set_memory(error, "recovering");
    *run = (hsmiam_rotating){.client = all->client,
                             .custody = all->custody,
                             .lock = {.fd = -1},
                             .signer_is_dead = is_own && all->account[0] == '\0',
                             .made = &made};
    memcpy(run->account, record->account, sizeof record->account);
    memcpy(run->user, record->user_name, sizeof record->user_name);
    hsmiam_error *why = hsmiam_error_new();
    hsmiam_status status = why != NULL ? hsmiam_rotating_run(run, why) : HSMIAM_ERR_MEMORY;
    if (status == HSMIAM_OK)
        tell(all, record, name_end(run), "");
    else
        tell(all, record, "", hsmiam_error_get_message(why));
    hsmiam_error_free(&why);
    hsmiam_access_key_free(&made.key);
    free(run);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_rotations_recover(hsmiam_client *client, hsmiam_custody *custody,
                                       const char *account, bool dry_run, hsmiam_recovery_fn report,
                                       void *context, size_t *open_inout, hsmiam_error *error)
{
    recovery all = {.client = client,
                    .custody = custody,
                    .account = account,
                    .dry_run = dry_run,
                    .report = report,
                    .context = context};
    hsmiam_status status = hsmiam_ledger_find_open_rotations(custody->ledger, collect, &all, error);

    if (status == HSMIAM_OK && all.no_memory)
        status = hsmiam_error_set_memory(error, "recovering");
    for (size_t i = all.count; status == HSMIAM_OK && i > 0; i--)
        status = recover_one(&all, &all.records[i - 1], error);
    free(all.records);
    *open_inout += all.open;
    return status;
}
