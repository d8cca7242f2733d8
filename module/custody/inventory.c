/* SPDX-License-Identifier: Apache-2.0 */
/* Every access key of an account, and every one that the tokens hold. */
#include <stdlib.h>
#include <string.h>

#include "base/sealed.h"
#include "custody/lifecycle.h"
#include "sigv4/signer.h"

/* One inventory. A page of users at a time is asked for on a sealed thread, and then reported on
 * the caller's. */
typedef struct inventory {
    hsmiam_client *client;
    hsmiam_custody *custody;
    bool with_use;
    hsmiam_holdings holdings;
    hsmiam_chronicle *chronicle;
    hsmiam_caller caller; /* "" if nobody tells */
    char marker[HSMIAM_MARKER_SIZE];
    hsmiam_user_page users;
    hsmiam_key_sheet **sheets; /* of the page: they do not move */
    size_t count;
    size_t room;
    char refusal[HSMIAM_REFUSAL_SIZE];
    bool may_ask_use; /* IAM answered GetAccessKeyLastUsed once */
} inventory;

/* An empty sheet more; NULL if there is no memory. */
static hsmiam_key_sheet *add_sheet(inventory *run)
{
    hsmiam_key_sheet *sheet = malloc(sizeof *sheet);

    if (sheet != NULL && run->count == run->room) {
        size_t room = run->room > 0 ? 2 * run->room : 64;
        hsmiam_key_sheet **sheets =
            (hsmiam_key_sheet **)realloc((void *)run->sheets, room * sizeof(hsmiam_key_sheet *));
        if (sheets != NULL) {
            run->sheets = sheets;
            run->room = room;
        }
    }
    if (sheet == NULL || run->count == run->room) {
        free(sheet);
        return NULL;
    }
    hsmiam_key_sheet_init(sheet);
    run->sheets[run->count++] = sheet;
    return sheet;
}

static void clear_sheets(inventory *run)
{
    for (size_t i = 0; i < run->count; i++) {
        hsmiam_key_sheet_clear(run->sheets[i]);
        free(run->sheets[i]);
    }
    run->count = 0;
}

/* What tokens and ledger say of the sheet's key. */
static hsmiam_status join(inventory *run, hsmiam_key_sheet *sheet, hsmiam_error *error)
{
    hsmiam_key_sheet_set_history(sheet,
                                 hsmiam_chronicle_find(run->chronicle, sheet->facts.access_key_id));
    return hsmiam_key_sheet_set_held(sheet, &run->holdings, error);
}

static hsmiam_status add_listed(inventory *run, const hsmiam_key_metadata *key, hsmiam_error *error)
{
    hsmiam_key_sheet *sheet = add_sheet(run);
    time_t now = -1;

    if (sheet == NULL)
        return hsmiam_error_set_memory(error, "the list of keys");
    if (!hsmiam_client_get_service_time(run->client, &now))
        now = -1;
    hsmiam_key_sheet_set_listed(sheet, key, now);
    hsmiam_status status = join(run, sheet, error);
    if (status == HSMIAM_OK && run->with_use && run->refusal[0] == '\0') {
        status = hsmiam_key_sheet_ask_usage(sheet, run->client, run->refusal, error);
        run->may_ask_use = run->may_ask_use || sheet->facts.use_known;
    }
    return status;
}

/* The keys of one user, NULL: the signer's own. Who was deleted meanwhile has none. */
static hsmiam_status add_user(inventory *run, const char *user_name, hsmiam_error *error)
{
    hsmiam_key_list list = {.count = 0};

    hsmiam_status status =
        hsmiam_client_list_access_keys(run->client, user_name, true, &list, error);
    if (status == HSMIAM_ERR_SERVICE &&
        strcmp(hsmiam_error_get_code_name(error), "NoSuchEntity") == 0) {
        hsmiam_error_clear(error);
        status = HSMIAM_OK;
    }
    for (size_t i = 0; status == HSMIAM_OK && i < list.count; i++)
        status = add_listed(run, &list.keys[i], error);
    return status;
}

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text);

    return size >= strlen(end) && strcmp(text + size - strlen(end), end) == 0;
}

/* What the tokens hold, and the keys of the root user, which no list of users has. */
static hsmiam_status begin(void *context, hsmiam_error *error)
{
    inventory *run = context;

    hsmiam_status status = hsmiam_signer_open(hsmiam_client_get_signer(run->client), error);
    if (status == HSMIAM_OK)
        status = hsmiam_holdings_load(&run->holdings, run->client, run->custody, NULL, error);
    if (status != HSMIAM_OK)
        return status;
    status = hsmiam_subject_ask_caller(run->client, &run->caller, error);
    if (status != HSMIAM_OK)
        return status;
    return ends_with(run->caller.arn, ":root") ? add_user(run, NULL, error) : HSMIAM_OK;
}

static hsmiam_status add_page(void *context, hsmiam_error *error)
{
    inventory *run = context;
    hsmiam_status status =
        hsmiam_client_list_users_page(run->client, true, run->marker, &run->users, error);

    for (size_t i = 0; status == HSMIAM_OK && i < run->users.count; i++)
        status = add_user(run, run->users.users[i].name, error);
    return status;
}

/* Whether a refusal to tell a key's last use would mean that the key is not the account's: not if
 * it is refused of the key that signs, too. */
static hsmiam_status try_usage(inventory *run, hsmiam_error *error)
{
    hsmiam_key_usage usage = {.was_used = false};
    const char *id = hsmiam_signer_get_access_key_id(hsmiam_client_get_signer(run->client));

    if (run->may_ask_use || run->refusal[0] != '\0')
        return HSMIAM_OK;
    hsmiam_status status = hsmiam_client_get_key_usage(run->client, id, true, &usage, error);
    run->may_ask_use = status == HSMIAM_OK;
    if (status != HSMIAM_ERR_SERVICE)
        return status;
    hsmiam_error_clear(error);
    return HSMIAM_OK;
}

/* A key that no user has: IAM may know it all the same, as the root user's or as one that was made
 * meanwhile. */
static hsmiam_status add_unlisted(inventory *run, const hsmiam_held_key *held, hsmiam_error *error)
{
    char foreign[HSMIAM_REFUSAL_SIZE] = "";
    hsmiam_key_sheet *sheet = add_sheet(run);

    if (sheet == NULL)
        return hsmiam_error_set_memory(error, "the list of keys");
    sheet->facts.access_key_id = held->id;
    hsmiam_status status = join(run, sheet, error);
    if (status == HSMIAM_OK && run->may_ask_use)
        status = hsmiam_key_sheet_ask_usage(sheet, run->client, foreign, error);
    if (!run->with_use)
        sheet->facts.use_known = false;
    return status;
}

static hsmiam_status end(void *context, hsmiam_error *error)
{
    inventory *run = context;
    bool is_first = true;
    hsmiam_status status = HSMIAM_OK;

    for (size_t i = 0; i < run->holdings.count; i++)
        for (size_t k = 0; status == HSMIAM_OK && k < run->holdings.of[i].count; k++) {
            const hsmiam_held_key *held = &run->holdings.of[i].keys[k];
            if (held->is_seen)
                continue;
            if (is_first)
                status = try_usage(run, error);
            is_first = false;
            if (status == HSMIAM_OK)
                status = add_unlisted(run, held, error);
        }
    return status;
}

/* Whoever can write the file can begin a ledger of his own. */
static void check_first_key(const inventory *run)
{
    hsmiam_token *token = hsmiam_signer_get_token(hsmiam_client_get_signer(run->client));
    const char *first = hsmiam_chronicle_get_first_key(run->chronicle);
    hsmiam_audit_key own = {.object = 0};

    if (first[0] == '\0' || hsmiam_token_find_audit_key(token, false, &own, NULL) != HSMIAM_OK ||
        strcmp(own.fingerprint, first) == 0)
        return;
    hsmiam_log_write(
        hsmiam_client_get_log(run->client), HSMIAM_LOG_NOTICE,
        "The ledger begins with audit key %.16s..., not with that of token \"%s\": hold "
        "it against one that you know, by `hsmiam audit verify --public-key`.",
        first, hsmiam_token_get_label(token));
}

static hsmiam_status work(inventory *run, hsmiam_status (*part)(void *, hsmiam_error *),
                          hsmiam_key_facts_fn report, void *context, hsmiam_error *error)
{
    hsmiam_status status = hsmiam_sealed_run(part, run, error);

    for (size_t i = 0; status == HSMIAM_OK && i < run->count; i++)
        report(context, &run->sheets[i]->facts);
    clear_sheets(run);
    return status;
}

static hsmiam_status take_inventory(inventory *run, hsmiam_key_facts_fn report, void *context,
                                    hsmiam_error *error)
{
    hsmiam_status status = hsmiam_chronicle_new(
        run->custody->ledger, hsmiam_client_get_log(run->client), &run->chronicle, error);

    if (status == HSMIAM_OK)
        status = work(run, begin, report, context, error);
    if (status == HSMIAM_OK)
        check_first_key(run);
    do
        if (status == HSMIAM_OK)
            status = work(run, add_page, report, context, error);
    while (status == HSMIAM_OK && run->marker[0] != '\0');
    if (status == HSMIAM_OK)
        status = work(run, end, report, context, error);
    hsmiam_key_sheet_tell_refusal(run->client, run->refusal);
    return status;
}

hsmiam_status hsmiam_access_key_inventory(hsmiam_client *client, hsmiam_custody *custody,
                                          bool with_use, hsmiam_key_facts_fn report, void *context,
                                          hsmiam_error *error)
{
    hsmiam_error *own = NULL;

    if (client == NULL || custody == NULL || report == NULL)
        return hsmiam_error_set(
            error, HSMIAM_ERR_ARGUMENT,
            "An inventory needs a client, a custody and somebody to report to.");
    inventory *run = calloc(1, sizeof *run);
    if (run == NULL)
        return hsmiam_error_set_memory(error, "the list of keys");
    run->client = client;
    run->custody = custody;
    run->with_use = with_use;
    if (error == NULL)
        error = own = hsmiam_error_new();
    hsmiam_status status = take_inventory(run, report, context, error);
    hsmiam_chronicle_free(&run->chronicle);
    hsmiam_holdings_clear(&run->holdings);
    free((void *)run->sheets);
    free(run);
    hsmiam_error_free(&own);
    return status;
}
