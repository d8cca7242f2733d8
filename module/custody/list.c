/* SPDX-License-Identifier: Apache-2.0 */
/* What IAM lists, joined with what the tokens hold. */
#include <stdlib.h>
#include <string.h>

#include "base/sealed.h"
#include "custody/lifecycle.h"

#define PAGE_SIZE_MAX 1000

/* One listing. */
typedef struct listing {
    hsmiam_client *client;
    hsmiam_custody *custody;
    const char *user_name;     /* NULL: the signer's own */
    const char *access_key_id; /* the one that is asked about */
    unsigned page_size;
    bool with_use;
    char *marker;
    hsmiam_key_list keys;
    hsmiam_key_sheet sheets[HSMIAM_ACCESS_KEYS_MAX];
    size_t count;
    char refusal[HSMIAM_REFUSAL_SIZE];
} listing;

/* Whether a token holds the sheet's key. */
static hsmiam_status look_for(const listing *run, hsmiam_key_sheet *sheet, hsmiam_error *error)
{
    hsmiam_holdings holdings = {.count = 0};
    hsmiam_status status = hsmiam_holdings_load(&holdings, run->client, run->custody,
                                                sheet->facts.access_key_id, error);
    if (status == HSMIAM_OK)
        status = hsmiam_key_sheet_set_held(sheet, &holdings, error);
    hsmiam_holdings_clear(&holdings);
    return status;
}

/* All that signs is done on a sealed thread; what was found is told afterwards, on the caller's. */
static hsmiam_status list(void *context, hsmiam_error *error)
{
    listing *run = context;
    time_t now = -1;

    hsmiam_status status = hsmiam_client_list_access_keys_page(
        run->client, run->user_name, run->page_size, true, &run->keys, run->marker, error);
    if (!hsmiam_client_get_service_time(run->client, &now))
        now = -1;
    for (size_t i = 0; status == HSMIAM_OK && i < run->keys.count; i++) {
        hsmiam_key_sheet *sheet = &run->sheets[run->count++];
        hsmiam_key_sheet_init(sheet);
        hsmiam_key_sheet_set_listed(sheet, &run->keys.keys[i], now);
        status = look_for(run, sheet, error);
        if (status == HSMIAM_OK && run->with_use && run->refusal[0] == '\0')
            status = hsmiam_key_sheet_ask_usage(sheet, run->client, run->refusal, error);
    }
    return status;
}

static hsmiam_status ask_usage(void *context, hsmiam_error *error)
{
    listing *run = context;
    hsmiam_key_usage usage = {.was_used = false};
    hsmiam_key_sheet *sheet = &run->sheets[run->count++];

    hsmiam_key_sheet_init(sheet);
    sheet->facts.access_key_id = run->access_key_id;
    hsmiam_status status =
        hsmiam_client_get_key_usage(run->client, run->access_key_id, true, &usage, error);
    if (status != HSMIAM_OK)
        return status;
    hsmiam_key_sheet_set_usage(sheet, &usage);
    return look_for(run, sheet, error);
}

/* Runs the work, reports what it found, and frees it. */
static hsmiam_status report_all(listing *run, hsmiam_status (*work)(void *, hsmiam_error *),
                                hsmiam_key_facts_fn report, void *context, hsmiam_error *error)
{
    hsmiam_error *own = NULL;

    if (error == NULL)
        error = own = hsmiam_error_new();
    hsmiam_status status = hsmiam_sealed_run(work, run, error);
    hsmiam_key_sheet_tell_refusal(run->client, run->refusal);
    for (size_t i = 0; i < run->count; i++) {
        if (status == HSMIAM_OK)
            report(context, &run->sheets[i].facts);
        hsmiam_key_sheet_clear(&run->sheets[i]);
    }
    hsmiam_error_free(&own);
    return status;
}

hsmiam_status hsmiam_access_key_list(hsmiam_client *client, hsmiam_custody *custody,
                                     const char *user_name, unsigned page_size, bool with_use,
                                     char marker[HSMIAM_MARKER_SIZE], hsmiam_key_facts_fn report,
                                     void *context, hsmiam_error *error)
{
    hsmiam_status status = HSMIAM_OK;

    if (client == NULL || custody == NULL || marker == NULL || report == NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "A list of keys needs a client, a custody, a marker and somebody "
                                "to report to.");
    if (page_size > PAGE_SIZE_MAX)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT, "A page has at most %d keys.",
                                PAGE_SIZE_MAX);
    if (user_name != NULL)
        status = hsmiam_user_name_check(user_name, error);
    if (status != HSMIAM_OK)
        return status;
    listing *run = calloc(1, sizeof *run);
    if (run == NULL)
        return hsmiam_error_set_memory(error, "a list of keys");
    *run = (listing){.client = client,
                     .custody = custody,
                     .user_name = user_name,
                     .page_size = page_size,
                     .with_use = with_use,
                     .marker = marker};
    status = report_all(run, list, report, context, error);
    free(run);
    return status;
}

hsmiam_status hsmiam_access_key_get_last_used(hsmiam_client *client, hsmiam_custody *custody,
                                              const char *access_key_id, hsmiam_key_facts_fn report,
                                              void *context, hsmiam_error *error)
{
    if (client == NULL || custody == NULL || report == NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "The last use of a key needs a client, a custody and somebody to "
                                "report to.");
    hsmiam_status status = hsmiam_access_key_id_check(access_key_id, error);
    if (status != HSMIAM_OK)
        return status;
    listing *run = calloc(1, sizeof *run);
    if (run == NULL)
        return hsmiam_error_set_memory(error, "the last use of a key");
    *run = (listing){.client = client, .custody = custody, .access_key_id = access_key_id};
    status = report_all(run, ask_usage, report, context, error);
    free(run);
    return status;
}
