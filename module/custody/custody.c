/* SPDX-License-Identifier: Apache-2.0 */
#include "custody/custody.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void pause_for(unsigned milliseconds)
{
    const struct timespec pause = {.tv_sec = milliseconds / 1000,
                                   .tv_nsec = (long)(milliseconds % 1000) * 1000000};

    (void)nanosleep(&pause, NULL);
}

hsmiam_status hsmiam_custody_new(hsmiam_token *token, hsmiam_custody **custody_out,
                                 hsmiam_error *error)
{
    hsmiam_custody *custody = calloc(1, sizeof *custody);

    if (custody == NULL)
        return hsmiam_error_set_memory(error, "a custody");
    custody->token = token;
    custody->sync = sync;
    custody->pause = pause_for;
    *custody_out = custody;
    return HSMIAM_OK;
}

void hsmiam_custody_free(hsmiam_custody **custody)
{
    if (custody == NULL || *custody == NULL)
        return;
    hsmiam_token_end_transport((*custody)->token);
    free(*custody);
    *custody = NULL;
}

void hsmiam_custody_set_import_route(hsmiam_custody *custody, hsmiam_import_route route)
{
    custody->wanted = route;
    custody->route = HSMIAM_ROUTE_AUTO;
    custody->ledger_checked = false;
}

void hsmiam_custody_set_ledger(hsmiam_custody *custody, hsmiam_ledger *ledger)
{
    custody->ledger = ledger;
    custody->ledger_checked = false;
}

void hsmiam_custody_set_forbid_plaintext(hsmiam_custody *custody, bool forbid)
{
    custody->forbid_plaintext = forbid;
    custody->route = HSMIAM_ROUTE_AUTO;
}

void hsmiam_custody_set_sigv4_route(hsmiam_custody *custody, hsmiam_sigv4_route route)
{
    custody->sigv4_wanted = route;
    custody->sigv4 = HSMIAM_SIGV4_AUTO;
    custody->route = HSMIAM_ROUTE_AUTO;
}

void hsmiam_custody_set_exportable(hsmiam_custody *custody, bool exportable)
{
    if (custody->exportable == exportable)
        return;
    custody->exportable = exportable;
    custody->route = HSMIAM_ROUTE_AUTO;
    custody->ledger_checked = false;
}

void hsmiam_custody_describe_key(const hsmiam_custody *custody, hsmiam_ledger_facts *facts)
{
    facts->exportable = custody->exportable ? "yes" : NULL;
    facts->wrapping_key = custody->exportable ? NULL : custody->wrapping_key;
    facts->exportable_wrapping_key = custody->exportable ? custody->wrapping_key : NULL;
}

void hsmiam_custody_set_log(hsmiam_custody *custody, hsmiam_log_fn log, void *context)
{
    custody->log = (hsmiam_log){log, context};
}

/* Where SoftHSM has its files is its own affair. */
void hsmiam_custody_make_durable(const hsmiam_custody *custody)
{
    bool is_software = false;

    for (size_t i = 0; i <= custody->replica_count; i++)
        is_software |= !hsmiam_token_is_hardware(hsmiam_custody_get_place(custody, i)->token);
    if (is_software)
        custody->sync();
}

hsmiam_status hsmiam_custody_new_value(hsmiam_secret **value_out, hsmiam_error *error)
{
    hsmiam_status status = hsmiam_secret_new(HSMIAM_KEY_VALUE_SIZE_MAX, value_out, error);

    if (status == HSMIAM_OK &&
        !hsmiam_secret_append(*value_out, HSMIAM_KEY_VALUE_PREFIX, strlen(HSMIAM_KEY_VALUE_PREFIX)))
        status = hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "A key's value does not fit.");
    return status;
}
