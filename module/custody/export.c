/* SPDX-License-Identifier: Apache-2.0 */
/* Handing an access key over to a recipient, on record before it is done. */
#include "custody/wrapped_key.h"

#include <stdlib.h>
#include <string.h>

#include "base/sealed.h"

/* One export, on a sealed thread: a token that is software computes with the key there. */
typedef struct exporting {
    hsmiam_token *token;
    hsmiam_object object;
    const char *id;
    const hsmiam_recipient *recipient;
    hsmiam_export_algorithm algorithm;
    hsmiam_secret *bytes;
    const hsmiam_export_form *form;
    uint64_t request; /* by which it is approved */
} exporting;

static hsmiam_status wrap(void *context, hsmiam_error *error)
{
    exporting *run = context;

    return hsmiam_token_export_key(run->token, run->object, run->id, run->recipient, run->algorithm,
                                   run->bytes, &run->form, error);
}

/* The label, where it is the user's name. */
static hsmiam_status find_user(hsmiam_token *token, const char *id,
                               char user_name_out[HSMIAM_USER_NAME_MAX + 1], hsmiam_error *error)
{
    hsmiam_held_key *keys = NULL;
    size_t count = 0;
    hsmiam_status status = hsmiam_token_list_access_keys(token, id, &keys, &count, error);

    user_name_out[0] = '\0';
    if (status == HSMIAM_OK && count == 1 && strcmp(keys[0].label, id) != 0 &&
        hsmiam_user_name_check(keys[0].label, NULL) == HSMIAM_OK)
        memcpy(user_name_out, keys[0].label, sizeof keys[0].label);
    free(keys);
    return status;
}

static hsmiam_ledger_facts gather_facts(const exporting *run, const char *user_name)
{
    return (hsmiam_ledger_facts){
        .token_serial = hsmiam_token_get_serial(run->token),
        .user_name = user_name[0] != '\0' ? user_name : NULL,
        .access_key_id = run->id,
        .algorithm = run->form != NULL ? run->form->word : NULL,
        .recipient = hsmiam_recipient_get_fingerprint(run->recipient),
        .request = run->request,
    };
}

static hsmiam_status ask_approval(const hsmiam_custody *custody, exporting *run,
                                  const char *user_name, hsmiam_error *error)
{
    const hsmiam_ledger_facts facts = gather_facts(run, user_name);

    if (custody->ledger == NULL)
        return HSMIAM_OK;
    return hsmiam_ledger_ask_approval(custody->ledger, HSMIAM_ACT_EXPORT, &facts, false,
                                      &run->request, error);
}

static hsmiam_status record(const hsmiam_custody *custody, const exporting *run,
                            const char *user_name, hsmiam_error *error)
{
    const hsmiam_ledger_facts facts = gather_facts(run, user_name);

    if (custody->ledger == NULL)
        return HSMIAM_OK;
    return hsmiam_ledger_add(custody->ledger, HSMIAM_EVENT_EXPORT, &facts, NULL, error);
}

static hsmiam_status prepare(const hsmiam_custody *custody, const char *key_uri, exporting *run,
                             char id_out[HSMIAM_ACCESS_KEY_ID_MAX + 1], hsmiam_error *error)
{
    hsmiam_status status = hsmiam_token_open(custody->token, error);

    if (status == HSMIAM_OK && custody->ledger != NULL)
        status = hsmiam_ledger_open(custody->ledger, error);
    if (status == HSMIAM_OK && custody->ledger != NULL)
        status = hsmiam_ledger_make_ready(custody->ledger, error);
    if (status == HSMIAM_OK)
        status = hsmiam_token_find_access_key(custody->token, key_uri, &run->object, id_out, error);
    if (status == HSMIAM_OK)
        status = hsmiam_secret_new(HSMIAM_WRAPPED_SIZE_MAX, &run->bytes, error);
    return status;
}

hsmiam_status hsmiam_access_key_export(hsmiam_custody *custody, const char *key_uri,
                                       const hsmiam_recipient *recipient,
                                       hsmiam_export_algorithm algorithm,
                                       hsmiam_wrapped_key **wrapped_out, hsmiam_error *error)
{
    char id[HSMIAM_ACCESS_KEY_ID_MAX + 1];
    char user_name[HSMIAM_USER_NAME_MAX + 1];
    hsmiam_wrapped_key *wrapped = NULL;

    if (custody == NULL || recipient == NULL || wrapped_out == NULL ||
        (size_t)algorithm > HSMIAM_EXPORT_AES_KEY_WRAP_SHA_1)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "An export takes a custody, a recipient and an algorithm.");
    exporting run = {
        .token = custody->token, .id = id, .recipient = recipient, .algorithm = algorithm};
    hsmiam_status status = prepare(custody, key_uri, &run, id, error);
    if (status == HSMIAM_OK)
        status = find_user(custody->token, id, user_name, error);
    if (status == HSMIAM_OK)
        status = ask_approval(custody, &run, user_name, error);
    if (status == HSMIAM_OK)
        status = hsmiam_sealed_run(wrap, &run, error);
    if (status == HSMIAM_OK)
        status = hsmiam_wrapped_key_take(id, user_name, run.form,
                                         hsmiam_recipient_get_fingerprint(recipient), run.bytes,
                                         &wrapped, error);
    if (status == HSMIAM_OK)
        status = record(custody, &run, user_name, error);
    if (status == HSMIAM_OK) {
        *wrapped_out = wrapped;
        wrapped = NULL;
    }
    hsmiam_token_renew_timeout(custody->token);
    hsmiam_wrapped_key_free(&wrapped);
    hsmiam_secret_free(&run.bytes);
    return status;
}
