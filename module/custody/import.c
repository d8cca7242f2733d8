/* SPDX-License-Identifier: Apache-2.0 */
/* Taking an access key that exists into the token. */
#include "custody/custody.h"

#include "base/sealed.h"

#include <stdio.h>
#include <string.h>

static hsmiam_status check_id(const char *id, hsmiam_error *error)
{
    size_t size = id != NULL ? strlen(id) : 0;

    if (hsmiam_access_key_id_is_valid(id, size))
        return HSMIAM_OK;
    /* What is wrong is not shown: people give the secret here by mistake. */
    return hsmiam_error_set(
        error, HSMIAM_ERR_ARGUMENT,
        "The access key id (%zu characters) is not one: it has 16 to %d letters, "
        "digits and '_' (AKIA...).",
        size, HSMIAM_ACCESS_KEY_ID_MAX);
}

static hsmiam_status check_secret(const char *secret, size_t size, hsmiam_error *error)
{
    if (secret == NULL || size < HSMIAM_SECRET_SIZE_MIN || size > HSMIAM_SECRET_SIZE_MAX)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "The secret access key has %zu characters; it has %d to %d (IAM's "
                                "have 40).",
                                secret != NULL ? size : 0, HSMIAM_SECRET_SIZE_MIN,
                                HSMIAM_SECRET_SIZE_MAX);
    for (size_t i = 0; i < size; i++)
        if (secret[i] <= ' ' || secret[i] > '~')
            return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                    "The secret access key may hold printable ASCII only; "
                                    "character %zu of %zu is another.",
                                    i + 1, size);
    return HSMIAM_OK;
}

typedef struct taking {
    hsmiam_custody *custody;
    const hsmiam_key_spec *spec;
    const char *secret;
    size_t secret_size;
    hsmiam_log_hold kept;
} taking;

static hsmiam_status take(void *context, hsmiam_error *error)
{
    taking *wanted = context;
    hsmiam_secret *value = NULL;

    hsmiam_log_hold_begin(&wanted->kept);
    hsmiam_log_hold_keep();
    hsmiam_status status = hsmiam_custody_new_value(&value, error);
    if (status == HSMIAM_OK && !hsmiam_secret_append(value, wanted->secret, wanted->secret_size))
        status = hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "The secret does not fit.");
    if (status == HSMIAM_OK)
        status = hsmiam_custody_take(wanted->custody, wanted->spec, value, error);
    hsmiam_secret_free(&value);
    hsmiam_log_hold_end();
    return status;
}

/* What is not on record is not held: whoever gave the secret has it still, and can repeat it. */
void hsmiam_import_take_back(hsmiam_custody *custody, const char *id, const char *label,
                             hsmiam_error *error)
{
    hsmiam_error *why = hsmiam_error_new();

    if (hsmiam_custody_destroy_key(custody, NULL, id, label, why) == HSMIAM_OK)
        hsmiam_error_append(error, "Access key %s was taken out of the token again.", id);
    else
        hsmiam_error_append(error, "Access key %s is in the token, but not on record (%s)", id,
                            hsmiam_error_get_message(why));
    hsmiam_error_free(&why);
}

/* `request`: by which it is approved. */
static hsmiam_ledger_facts gather_facts(const hsmiam_custody *custody,
                                        const hsmiam_key_metadata *key, uint64_t request)
{
    hsmiam_ledger_facts facts = {
        .token_serial = hsmiam_token_get_serial(custody->token),
        .replicas = custody->replica_serials,
        .user_name = key->user_name,
        .access_key_id = key->id,
        .route = hsmiam_custody_get_import_route(custody),
        .request = request,
    };

    hsmiam_custody_describe_key(custody, &facts);
    return facts;
}

static hsmiam_status ask_approval(hsmiam_custody *custody, const hsmiam_key_metadata *key,
                                  uint64_t *request_out, hsmiam_error *error)
{
    const hsmiam_ledger_facts facts = gather_facts(custody, key, 0);

    if (custody->ledger == NULL)
        return HSMIAM_OK;
    hsmiam_status status = hsmiam_ledger_make_ready(custody->ledger, error);
    if (status == HSMIAM_OK)
        status = hsmiam_ledger_ask_approval(custody->ledger, HSMIAM_ACT_IMPORT, &facts, false,
                                            request_out, error);
    return status;
}

/* The token holds the key by now: what fails here must say so. */
static hsmiam_status record_import(hsmiam_custody *custody, const hsmiam_key_metadata *key,
                                   uint64_t request, hsmiam_error *error)
{
    const hsmiam_ledger_facts facts = gather_facts(custody, key, request);

    hsmiam_custody_make_durable(custody);
    if (custody->ledger == NULL)
        return HSMIAM_OK;
    return hsmiam_ledger_add_import(custody->ledger, &facts, error);
}

hsmiam_status hsmiam_access_key_import(hsmiam_custody *custody, const char *access_key_id,
                                       const char *user_name, const char *secret,
                                       size_t secret_size, hsmiam_access_key **key_out,
                                       hsmiam_error *error)
{
    const hsmiam_key_spec spec = {.id = access_key_id,
                                  .label = user_name != NULL ? user_name : access_key_id,
                                  .created = time(NULL),
                                  .persistent = true};
    hsmiam_key_metadata key = {.create_date = -1};
    taking wanted = {custody, &spec, secret, secret_size, .kept = {.keeping = false}};
    hsmiam_access_key *made = NULL;
    uint64_t request = 0;

    hsmiam_status status = check_id(access_key_id, error);
    if (status == HSMIAM_OK && user_name != NULL)
        status = hsmiam_user_name_check(user_name, error);
    if (status == HSMIAM_OK)
        status = check_secret(secret, secret_size, error);
    if (status == HSMIAM_OK)
        status = hsmiam_custody_prepare(custody, error);
    if (status != HSMIAM_OK)
        goto out;
    (void)snprintf(key.id, sizeof key.id, "%s", access_key_id);
    (void)snprintf(key.user_name, sizeof key.user_name, "%s", user_name != NULL ? user_name : "");
    status = ask_approval(custody, &key, &request, error);
    if (status != HSMIAM_OK)
        goto out;

    /* The record first: once the token holds the key, nothing may fail any more. */
    status = hsmiam_access_key_new(custody, &key, &spec, &made, error);
    if (status == HSMIAM_OK)
        status = hsmiam_sealed_run(take, &wanted, error);
    if (status == HSMIAM_OK) {
        status = record_import(custody, &key, request, error);
        if (status != HSMIAM_OK)
            hsmiam_import_take_back(custody, key.id, spec.label, error);
    }
    hsmiam_log_hold_release(&wanted.kept);
    if (status == HSMIAM_OK && key_out != NULL) {
        *key_out = made;
        made = NULL;
    }
out:
    hsmiam_token_renew_timeout(custody->token);
    hsmiam_access_key_free(&made);
    return status;
}
