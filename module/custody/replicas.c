/* SPDX-License-Identifier: Apache-2.0 */
/* Other tokens that take every key in as well. */
#include "custody/custody.h"

#include <stdio.h>
#include <string.h>

hsmiam_status hsmiam_custody_add_replica(hsmiam_custody *custody, hsmiam_custody *replica,
                                         hsmiam_error *error)
{
    if (custody == NULL || replica == NULL || replica == custody || replica->replica_count > 0 ||
        replica->token == custody->token)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "A replica is another custody, over a token of its own.");
    if (custody->replica_count == HSMIAM_REPLICAS_MAX)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT, "A custody has at most %d replicas.",
                                HSMIAM_REPLICAS_MAX);
    custody->replicas[custody->replica_count++] = replica;
    custody->route = HSMIAM_ROUTE_AUTO;
    return HSMIAM_OK;
}

hsmiam_custody *hsmiam_custody_get_place(const hsmiam_custody *custody, size_t index)
{
    return index == 0 ? (hsmiam_custody *)custody : custody->replicas[index - 1];
}

/* A token under two names would hold one key, and seem to hold two. */
static hsmiam_status check_distinct(const hsmiam_custody *custody, size_t index,
                                    hsmiam_error *error)
{
    const hsmiam_token *token = custody->replicas[index]->token;

    for (size_t i = 0; i <= index; i++)
        if (strcmp(hsmiam_token_get_uri(token),
                   hsmiam_token_get_uri(hsmiam_custody_get_place(custody, i)->token)) == 0)
            return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                    "Token \"%s\" with serial %s is named twice.",
                                    hsmiam_token_get_label(token), hsmiam_token_get_serial(token));
    return HSMIAM_OK;
}

/* The serials go on record as a list. */
static hsmiam_status note_serial(hsmiam_custody *custody, const hsmiam_token *token,
                                 hsmiam_error *error)
{
    const char *serial = hsmiam_token_get_serial(token);
    size_t used = strlen(custody->replica_serials);

    if (serial[0] == '\0' || strchr(serial, ' ') != NULL ||
        !hsmiam_field_takes(HSMIAM_FIELD_REPLICA_SERIALS, serial))
        return hsmiam_error_set(error, HSMIAM_ERR_UNSUPPORTED,
                                "Token \"%s\" has no serial number that can go on record, and so "
                                "cannot be a second one beside another.",
                                hsmiam_token_get_label(token));
    (void)snprintf(custody->replica_serials + used, sizeof custody->replica_serials - used, "%s%s",
                   used > 0 ? " " : "", serial);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_custody_prepare_replicas(hsmiam_custody *custody, hsmiam_error *error)
{
    hsmiam_status status = HSMIAM_OK;

    custody->replica_serials[0] = '\0';
    for (size_t i = 0; status == HSMIAM_OK && i < custody->replica_count; i++) {
        hsmiam_custody *replica = custody->replicas[i];
        if (replica->ledger != custody->ledger)
            hsmiam_custody_set_ledger(replica, custody->ledger);
        hsmiam_custody_set_exportable(replica, custody->exportable);
        status = hsmiam_custody_prepare(replica, error);
        if (status == HSMIAM_OK)
            status = check_distinct(custody, i, error);
        if (status == HSMIAM_OK)
            status = note_serial(custody, replica->token, error);
    }
    return status;
}

/* Whether a list of serials, parted by blanks, names the token. */
static bool names(const char *serials, const hsmiam_token *token)
{
    const char *serial = hsmiam_token_get_serial(token);
    size_t size = strlen(serial);

    for (const char *at = serials; size > 0 && (at = strstr(at, serial)) != NULL; at += size)
        if ((at == serials || at[-1] == ' ') && (at[size] == ' ' || at[size] == '\0'))
            return true;
    return false;
}

hsmiam_token *hsmiam_custody_get_token(const hsmiam_custody *custody, size_t index,
                                       const char *serials)
{
    for (size_t i = 0; i <= custody->replica_count; i++) {
        hsmiam_token *token = hsmiam_custody_get_place(custody, i)->token;
        if ((i == 0 || serials == NULL || names(serials, token)) && index-- == 0)
            return token;
    }
    return NULL;
}

hsmiam_status hsmiam_custody_open_tokens(const hsmiam_custody *custody, hsmiam_error *error)
{
    hsmiam_status status = HSMIAM_OK;

    for (size_t i = 0; status == HSMIAM_OK && i <= custody->replica_count; i++)
        status = hsmiam_token_open(hsmiam_custody_get_place(custody, i)->token, error);
    return status;
}

hsmiam_status hsmiam_custody_find_holders(const hsmiam_custody *custody, const char *serials,
                                          const char *id, hsmiam_holders *holders_out,
                                          hsmiam_error *error)
{
    hsmiam_token *token = NULL;

    *holders_out = (hsmiam_holders){.count = 0};
    while ((token = hsmiam_custody_get_token(custody, holders_out->tokens, serials)) != NULL) {
        size_t count = 0;
        hsmiam_status status = hsmiam_token_count_access_keys(token, id, &count, error);
        if (status != HSMIAM_OK)
            return status;
        holders_out->tokens++;
        if (count > 0 && holders_out->count++ == 0)
            holders_out->first = token;
    }
    return HSMIAM_OK;
}

hsmiam_status hsmiam_token_destroy_access_key(hsmiam_token *token, const char *id,
                                              const char *label, hsmiam_error *error)
{
    char found[HSMIAM_ACCESS_KEY_ID_MAX + 1];
    hsmiam_object object = 0;
    hsmiam_buffer uri;
    size_t count = 0;

    hsmiam_status status = hsmiam_token_count_access_keys(token, id, &count, error);
    if (status != HSMIAM_OK || count == 0)
        return status;
    hsmiam_buffer_init(&uri, HSMIAM_ERROR_MESSAGE_MAX);
    status = hsmiam_token_format_key_uri(token, id, label != NULL ? label : "", &uri, error);
    if (status == HSMIAM_OK)
        status = hsmiam_token_find_access_key(token, hsmiam_buffer_get_string(&uri), &object, found,
                                              error);
    if (status == HSMIAM_OK)
        status = hsmiam_token_destroy_object(token, object, error);
    hsmiam_buffer_clear(&uri);
    return status;
}

hsmiam_status hsmiam_custody_destroy_key(const hsmiam_custody *custody, const char *serials,
                                         const char *id, const char *label, hsmiam_error *error)
{
    hsmiam_status status = HSMIAM_OK;
    hsmiam_token *token = NULL;

    for (size_t i = 0;
         status == HSMIAM_OK && (token = hsmiam_custody_get_token(custody, i, serials)) != NULL;
         i++)
        status = hsmiam_token_destroy_access_key(token, id, label, error);
    return status;
}
