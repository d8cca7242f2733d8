/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "ledger/internal.h"

hsmiam_status hsmiam_ledger_new(const char *path, hsmiam_ledger **ledger_out, hsmiam_error *error)
{
    if (path == NULL || *path == '\0')
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT, "The ledger's path is empty.");

    hsmiam_ledger *ledger = calloc(1, sizeof *ledger);
    if (ledger == NULL)
        return hsmiam_error_set_memory(error, "a ledger");
    (void)pthread_mutex_init(&ledger->lock, NULL);
    (void)pthread_mutex_init(&ledger->asking, NULL);
    ledger->file = (hsmiam_file){
        .functions = &hsmiam_file_system, .path = strdup(path), .fd = -1, .log = &ledger->log};
    ledger->hash = hsmiam_hash_new();
    if (ledger->file.path == NULL || ledger->hash == NULL) {
        hsmiam_ledger_free(&ledger);
        return hsmiam_error_set_memory(error, "a ledger");
    }
    *ledger_out = ledger;
    return HSMIAM_OK;
}

void hsmiam_ledger_free(hsmiam_ledger **ledger)
{
    if (ledger == NULL || *ledger == NULL)
        return;
    hsmiam_file_close(&(*ledger)->file);
    free((*ledger)->file.path);
    hsmiam_hash_free(&(*ledger)->hash);
    hsmiam_public_key_free(&(*ledger)->own);
    for (size_t i = 0; i < (*ledger)->pinned_count; i++)
        hsmiam_public_key_free(&(*ledger)->pinned[i]);
    hsmiam_trust_forget(*ledger);
    hsmiam_clear_forget(*ledger);
    free((*ledger)->checkpoint);
    (void)pthread_mutex_destroy(&(*ledger)->asking);
    (void)pthread_mutex_destroy(&(*ledger)->lock);
    free(*ledger);
    *ledger = NULL;
}

void hsmiam_ledger_set_token(hsmiam_ledger *ledger, hsmiam_token *token)
{
    ledger->token = token;
    ledger->open = false;
    ledger->has_key = false;
    ledger->written[0] = '\0';
    hsmiam_trust_forget(ledger);
    hsmiam_clear_forget(ledger);
}

void hsmiam_ledger_set_log(hsmiam_ledger *ledger, hsmiam_log_fn log, void *context)
{
    ledger->log = (hsmiam_log){.write = log, .context = context};
}

void hsmiam_ledger_set_mirror(hsmiam_ledger *ledger, hsmiam_ledger_line_fn mirror, void *context)
{
    ledger->mirror = mirror;
    ledger->mirror_context = context;
}

void hsmiam_ledger_set_accept_changed_keys(hsmiam_ledger *ledger, bool accept)
{
    ledger->accept_new_key = accept;
}

void hsmiam_ledger_set_allow_unsigned(hsmiam_ledger *ledger, bool allow)
{
    ledger->allow_unsigned = allow;
}

/* Finds the token's audit key; one that has none leaves the records unsigned. */
static hsmiam_status find_key(hsmiam_ledger *ledger, hsmiam_error *error)
{
    if (ledger->is_approvers)
        return HSMIAM_OK;
    if (ledger->token == NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                                "No token is set whose audit key could sign the ledger %s.",
                                ledger->file.path);

    hsmiam_status status = hsmiam_token_open(ledger->token, error);
    if (status != HSMIAM_OK)
        return status;
    status = hsmiam_token_find_audit_key(ledger->token, false, &ledger->key, error);
    if (status == HSMIAM_ERR_NOT_FOUND) {
        hsmiam_log_write(&ledger->log, HSMIAM_LOG_NOTICE,
                         "Token \"%s\" has no audit key, so the records in the ledger %s stay "
                         "unsigned until `hsmiam provision-token` has made one.",
                         hsmiam_token_get_label(ledger->token), ledger->file.path);
        hsmiam_error_clear(error);
        return HSMIAM_OK;
    }
    if (status != HSMIAM_OK)
        return status;
    hsmiam_public_key_free(&ledger->own);
    status = hsmiam_public_key_new(ledger->key.public_key, ledger->key.public_key_size,
                                   &ledger->own, error);
    ledger->has_key = status == HSMIAM_OK;
    return status;
}

/* Where nobody can sign, nothing could be told from what somebody made up. */
static hsmiam_status check_unsigned(hsmiam_ledger *ledger, hsmiam_error *error)
{
    hsmiam_tail tail;
    uint64_t size = 0;

    if (ledger->has_key || ledger->is_approvers)
        return HSMIAM_OK;
    hsmiam_status status = hsmiam_file_get_size(&ledger->file, &size, error);
    if (status == HSMIAM_OK)
        status = hsmiam_tail_read(&ledger->file, ledger->hash, size, &tail, error);
    if (status != HSMIAM_OK || tail.signer[0] == '\0')
        return status;
    return hsmiam_error_set(
        error, HSMIAM_ERR_CONFIG,
        "The ledger %s is signed, but token \"%s\" has no audit key to go on with: name the token "
        "that has it, or another ledger by --ledger; where the key is lost, run hsmiam "
        "provision-token --accept-changed-keys.",
        ledger->file.path, hsmiam_token_get_label(ledger->token));
}

hsmiam_status hsmiam_ledger_open(hsmiam_ledger *ledger, hsmiam_error *error)
{
    hsmiam_status status = HSMIAM_OK;

    (void)pthread_mutex_lock(&ledger->lock);
    if (!ledger->open) {
        hsmiam_operator_describe(ledger->operator_name, ledger->host);
        status = find_key(ledger, error);
        if (status == HSMIAM_OK)
            status = hsmiam_file_open(&ledger->file, error);
        if (status == HSMIAM_OK)
            status = check_unsigned(ledger, error);
        if (status == HSMIAM_OK && hsmiam_file_is_shared(&ledger->file))
            hsmiam_log_write(&ledger->log, HSMIAM_LOG_NOTICE,
                             "The ledger %s can be written to by its whole group.",
                             ledger->file.path);
        ledger->open = status == HSMIAM_OK;
    }
    (void)pthread_mutex_unlock(&ledger->lock);
    return status;
}

bool hsmiam_ledger_record_get_member(const hsmiam_ledger_record *record, size_t index,
                                     const char **name_out, const char **value_out,
                                     hsmiam_member_kind *kind_out)
{
    for (size_t i = 0; i < HSMIAM_FIELD_COUNT; i++) {
        hsmiam_field field = (hsmiam_field)i;
        if (record->fields[i] == NULL || index-- > 0)
            continue;
        *name_out = hsmiam_field_get_name(field);
        *value_out = record->fields[i];
        *kind_out = hsmiam_field_is_number(field) ? HSMIAM_MEMBER_NUMBER
                    : hsmiam_field_is_list(field) ? HSMIAM_MEMBER_LIST
                                                  : HSMIAM_MEMBER_STRING;
        return true;
    }
    return false;
}

const char *hsmiam_ledger_record_get_text(const hsmiam_ledger_record *record, const char *name)
{
    for (size_t i = 0; i < HSMIAM_FIELD_COUNT; i++)
        if (strcmp(hsmiam_field_get_name((hsmiam_field)i), name) == 0)
            return record->fields[i];
    return NULL;
}
