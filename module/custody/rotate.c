/* SPDX-License-Identifier: Apache-2.0 */
/* Rotation: what an earlier run left, the new key, and what becomes of the old one. */
#include "custody/rotate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sealed.h"

/* Up to where a key is to be made. */
typedef struct first_part {
    hsmiam_rotating *run;
    bool creates;
} first_part;

static hsmiam_status begin(void *context, hsmiam_error *error)
{
    first_part *first = context;
    hsmiam_status status = hsmiam_rotating_begin(first->run, error);

    return status == HSMIAM_OK ? hsmiam_rotating_take_turns(first->run, &first->creates, error)
                               : status;
}

static hsmiam_status abandon(void *context, hsmiam_error *error)
{
    hsmiam_rotating *run = context;

    return hsmiam_rotating_record(run, HSMIAM_ROTATION_ABANDONED, run->record.old_id, error);
}

/* Issues the new key. Where that certainly made none, the rotation has come to nothing. */
static hsmiam_status create(hsmiam_rotating *run, hsmiam_error *error)
{
    hsmiam_error *why = NULL;
    hsmiam_access_key *key = NULL;

    /* It takes the lock on the user's keys, and the same signer; it is approved with the rest. */
    run->custody->in_rotation = true;
    run->custody->rotation_request = run->request;
    hsmiam_status status =
        hsmiam_access_key_create(run->client, run->custody, run->user_name, &key, error);
    run->custody->in_rotation = false;
    if (status == HSMIAM_OK) {
        run->made->key = key;
        (void)snprintf(run->record.new_id, sizeof run->record.new_id, "%s",
                       hsmiam_access_key_get_id(key));
        return HSMIAM_OK;
    }
    if (status == HSMIAM_ERR_SERVICE || status == HSMIAM_ERR_NETWORK ||
        status == HSMIAM_ERR_CANCELLED) {
        why = hsmiam_error_new();
        if (hsmiam_sealed_run_anyhow(abandon, run, why) != HSMIAM_OK)
            hsmiam_log_write(hsmiam_client_get_log(run->client), HSMIAM_LOG_DEBUG,
                             "That the rotation ended is not on record: %s",
                             hsmiam_error_get_message(why));
        hsmiam_error_free(&why);
    }
    return status;
}

static hsmiam_status finish(void *context, hsmiam_error *error)
{
    return hsmiam_rotating_go_on(context, error);
}

static void clear_up(hsmiam_rotating *run)
{
    hsmiam_rotating_sign_as_before(run);
    hsmiam_signer_free(&run->by_new);
    hsmiam_user_lock_release(&run->lock);
}

hsmiam_status hsmiam_rotating_run(hsmiam_rotating *run, hsmiam_error *error)
{
    first_part first = {.run = run};
    hsmiam_status status = hsmiam_sealed_run(begin, &first, error);

    if (status == HSMIAM_OK && first.creates)
        status = create(run, error);
    if (status == HSMIAM_OK && first.creates)
        status = hsmiam_sealed_run(finish, run, error);
    (void)snprintf(run->made->previous_id, sizeof run->made->previous_id, "%s", run->record.old_id);
    run->made->is_of_signer = strcmp(run->record.old_id, run->signer_id) == 0;
    clear_up(run);
    return status;
}

hsmiam_status hsmiam_access_key_rotate(hsmiam_client *client, hsmiam_custody *custody,
                                       const hsmiam_rotation_options *options,
                                       hsmiam_rotation **rotation_out, hsmiam_error *error)
{
    hsmiam_rotating *run = NULL;
    hsmiam_error *own = NULL;
    hsmiam_status status = HSMIAM_OK;

    if (client == NULL || custody == NULL || options == NULL || rotation_out == NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "A key is rotated by a client, in a custody, by options.");
    if (custody->ledger == NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "How far a rotation is stands in a ledger; the custody has none.");
    if (options->user_name != NULL)
        status = hsmiam_user_name_check(options->user_name, error);
    if (status != HSMIAM_OK)
        return status;
    if (error == NULL) /* it tells which refusal was met */
        error = own = hsmiam_error_new();
    run = calloc(1, sizeof *run);
    hsmiam_rotation *made = calloc(1, sizeof *made);
    if (run == NULL || made == NULL || error == NULL) {
        status = hsmiam_error_set_memory(error, "a rotation");
        goto out;
    }
    *run = (hsmiam_rotating){.client = client,
                             .custody = custody,
                             .options = *options,
                             .may_create = true,
                             .lock = {.fd = -1},
                             .made = made};
    status = hsmiam_rotating_run(run, error);
    if (status == HSMIAM_OK) {
        *rotation_out = made;
        made = NULL;
    }
out:
    hsmiam_rotation_free(&made);
    free(run);
    hsmiam_error_free(&own);
    return status;
}
