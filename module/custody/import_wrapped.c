/* SPDX-License-Identifier: Apache-2.0 */
/* Taking an access key in that comes wrapped from another token: this one alone unwraps it. */
#include "custody/wrapped_key.h"

#include <stdio.h>
#include <string.h>

#include "base/sealed.h"

/* One import. */
typedef struct importing {
    hsmiam_custody *custody;
    const hsmiam_wrapped_key *wrapped;
    hsmiam_key_spec spec;
    bool to_exportable; /* it was wrapped for the pair for exportable keys */
    uint64_t request;   /* by which it is approved */
} importing;

/* Which of the two wrapping keys it was wrapped for. */
static hsmiam_status find_pair(importing *run, hsmiam_error *error)
{
    const char *wanted = hsmiam_wrapped_key_get_fingerprint(run->wrapped);
    hsmiam_token *token = run->custody->token;
    char found[HSMIAM_FINGERPRINT_SIZE];

    for (int exportable = 0; exportable < 2; exportable++) {
        hsmiam_status status =
            hsmiam_token_get_wrapping_fingerprint(token, exportable == 1, found, error);
        if (status != HSMIAM_OK)
            return status;
        run->to_exportable = exportable == 1;
        if (strcmp(found, wanted) == 0)
            return HSMIAM_OK;
    }
    return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                            "The key was wrapped for %.16s..., which is no wrapping key of token "
                            "\"%s\". Let it be exported again, for what `hsmiam provision-token "
                            "--export-wrapping-key FILE` writes here.",
                            wanted, hsmiam_token_get_label(token));
}

static hsmiam_status check_pair(const importing *run, hsmiam_error *error)
{
    hsmiam_custody *custody = run->custody;

    if (custody->exportable && !run->to_exportable)
        return hsmiam_error_set(
            error, HSMIAM_ERR_ARGUMENT,
            "The key was wrapped for the wrapping key of token \"%s\" whose keys are not "
            "exportable. Leave --exportable out, or let it be exported again, for what `hsmiam "
            "provision-token --export-wrapping-key FILE --exportable` writes here.",
            hsmiam_token_get_label(custody->token));
    if (custody->ledger == NULL)
        return HSMIAM_OK;
    return hsmiam_ledger_check_wrapping_key(custody->ledger, custody->token, run->to_exportable,
                                            hsmiam_wrapped_key_get_fingerprint(run->wrapped),
                                            error);
}

static hsmiam_status check_absence(const importing *run, hsmiam_error *error)
{
    size_t count = 0;
    hsmiam_status status =
        hsmiam_token_count_access_keys(run->custody->token, run->spec.id, &count, error);

    if (status == HSMIAM_OK && count > 0)
        status = hsmiam_error_set(error, HSMIAM_ERR_EXISTS,
                                  "Token \"%s\" already holds a key with the id %s; it was left as "
                                  "it is.",
                                  hsmiam_token_get_label(run->custody->token), run->spec.id);
    return status;
}

/* That the key can be used at all: what it is, only a request tells. */
static hsmiam_status use_key(hsmiam_token *token, hsmiam_object key, bool in_token,
                             hsmiam_error *error)
{
    static const char text[] = "hsmiam";
    hsmiam_object derived = 0;
    hsmiam_secret *mac = NULL;

    if (in_token) {
        hsmiam_status status =
            hsmiam_token_derive_hmac(token, key, text, sizeof text, true, &derived, error);
        return status == HSMIAM_OK ? hsmiam_token_destroy_object(token, derived, error) : status;
    }
    hsmiam_status status = hsmiam_secret_new(HSMIAM_HMAC_SIZE, &mac, error);
    if (status == HSMIAM_OK)
        status = hsmiam_token_hmac(token, key, text, sizeof text, mac, error);
    hsmiam_secret_free(&mac);
    return status;
}

static hsmiam_status take(void *context, hsmiam_error *error)
{
    importing *run = context;
    hsmiam_token *token = run->custody->token;
    const hsmiam_export_form *form = hsmiam_wrapped_key_get_form(run->wrapped);
    const hsmiam_wrapped_value value = {.bytes = hsmiam_wrapped_key_get_bytes(run->wrapped),
                                        .to_exportable = run->to_exportable,
                                        .hash = form->hash,
                                        .by_aes = form->by_aes};
    hsmiam_object object = 0;

    hsmiam_status status = hsmiam_token_import_wrapped(token, &run->spec, &value, &object, error);
    bool is_in = status == HSMIAM_OK;
    if (status == HSMIAM_OK)
        status = hsmiam_token_check_key(token, object, &run->spec, error);
    if (status == HSMIAM_OK)
        status = use_key(token, object, run->spec.in_token, error);
    if (status == HSMIAM_OK)
        return HSMIAM_OK;
    hsmiam_error_append(error, "Access key %s, wrapped by %s, was not taken in.", run->spec.id,
                        form->name);
    if (is_in && hsmiam_token_destroy_object(token, object, NULL) != HSMIAM_OK)
        hsmiam_error_append(error, "The object %s could not be destroyed either.", run->spec.id);
    return status;
}

static hsmiam_ledger_facts gather_facts(const importing *run, const hsmiam_key_metadata *key)
{
    const char *fingerprint = hsmiam_wrapped_key_get_fingerprint(run->wrapped);
    const hsmiam_custody *custody = run->custody;
    return (hsmiam_ledger_facts){
        .token_serial = hsmiam_token_get_serial(custody->token),
        .user_name = key->user_name,
        .access_key_id = key->id,
        .route = HSMIAM_ROUTE_WORD_WRAPPED,
        .exportable = custody->exportable ? "yes" : NULL,
        .wrapping_key = run->to_exportable ? NULL : fingerprint,
        .exportable_wrapping_key = run->to_exportable ? fingerprint : NULL,
        .request = run->request,
    };
}

static hsmiam_status ask_approval(importing *run, const hsmiam_key_metadata *key,
                                  hsmiam_error *error)
{
    hsmiam_ledger *ledger = run->custody->ledger;
    const hsmiam_ledger_facts facts = gather_facts(run, key);

    if (ledger == NULL)
        return HSMIAM_OK;
    hsmiam_status status = hsmiam_ledger_make_ready(ledger, error);
    if (status == HSMIAM_OK)
        status = hsmiam_ledger_ask_approval(ledger, HSMIAM_ACT_IMPORT, &facts, false, &run->request,
                                            error);
    return status;
}

/* The token holds the key by now: what fails here must say so. */
static hsmiam_status record(const importing *run, const hsmiam_key_metadata *key,
                            hsmiam_error *error)
{
    const hsmiam_custody *custody = run->custody;
    const hsmiam_ledger_facts facts = gather_facts(run, key);

    hsmiam_custody_make_durable(custody);
    if (custody->ledger == NULL)
        return HSMIAM_OK;
    return hsmiam_ledger_add_import(custody->ledger, &facts, error);
}

static hsmiam_status prepare(importing *run, hsmiam_error *error)
{
    hsmiam_custody *custody = run->custody;

    if (custody->replica_count > 0)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "A wrapped key goes into the one token that it was wrapped for: "
                                "name that alone.");
    hsmiam_status status = hsmiam_token_open(custody->token, error);
    if (status == HSMIAM_OK)
        status = find_pair(run, error);
    if (status == HSMIAM_OK)
        status = hsmiam_custody_prepare(custody, error);
    if (status == HSMIAM_OK)
        status = check_pair(run, error);
    if (status == HSMIAM_OK)
        status = check_absence(run, error);
    run->spec.in_token = custody->sigv4 == HSMIAM_SIGV4_IN_TOKEN;
    run->spec.exportable = custody->exportable;
    return status;
}

hsmiam_status hsmiam_access_key_import_wrapped(hsmiam_custody *custody,
                                               const hsmiam_wrapped_key *wrapped,
                                               hsmiam_access_key **key_out, hsmiam_error *error)
{
    hsmiam_key_metadata key = {.create_date = -1};
    hsmiam_access_key *made = NULL;

    if (custody == NULL || wrapped == NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "An import takes a custody and a wrapped key.");
    (void)snprintf(key.id, sizeof key.id, "%s", hsmiam_wrapped_key_get_access_key_id(wrapped));
    (void)snprintf(key.user_name, sizeof key.user_name, "%s",
                   hsmiam_wrapped_key_get_user_name(wrapped));
    importing run = {.custody = custody,
                     .wrapped = wrapped,
                     .spec = {.id = key.id,
                              .label = key.user_name[0] != '\0' ? key.user_name : key.id,
                              .created = time(NULL),
                              .persistent = true}};
    hsmiam_status status = prepare(&run, error);
    if (status == HSMIAM_OK)
        status = ask_approval(&run, &key, error);
    /* The record first: once the token holds the key, nothing may fail any more. */
    if (status == HSMIAM_OK)
        status = hsmiam_access_key_new(custody, &key, &run.spec, &made, error);
    if (status == HSMIAM_OK)
        hsmiam_access_key_set_route(made, HSMIAM_ROUTE_WORD_WRAPPED);
    if (status == HSMIAM_OK)
        status = hsmiam_sealed_run(take, &run, error);
    if (status == HSMIAM_OK) {
        status = record(&run, &key, error);
        if (status != HSMIAM_OK)
            hsmiam_import_take_back(custody, key.id, run.spec.label, error);
    }
    if (status == HSMIAM_OK && key_out != NULL) {
        *key_out = made;
        made = NULL;
    }
    hsmiam_token_renew_timeout(custody->token);
    hsmiam_access_key_free(&made);
    return status;
}
