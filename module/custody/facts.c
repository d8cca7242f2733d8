/* SPDX-License-Identifier: Apache-2.0 */
/* Gathering what is known of one access key. */
#include <stdio.h>
#include <string.h>

#include "custody/lifecycle.h"

#define ACCESS_KEY_ID_MIN 16

void hsmiam_key_sheet_init(hsmiam_key_sheet *sheet)
{
    *sheet = (hsmiam_key_sheet){.facts = {.access_key_id = "",
                                          .user_name = "",
                                          .status = "",
                                          .create_date = -1,
                                          .age = -1,
                                          .last_used = -1,
                                          .last_used_service = "",
                                          .last_used_region = "",
                                          .uri = "",
                                          .token_label = "",
                                          .token_serial = "",
                                          .replica_serials = "",
                                          .origin = "",
                                          .made_by = "",
                                          .made = -1,
                                          .proven = -1}};
    hsmiam_buffer_init(&sheet->uri, HSMIAM_ERROR_MESSAGE_MAX);
    hsmiam_buffer_init(&sheet->replicas, HSMIAM_ERROR_MESSAGE_MAX);
}

void hsmiam_key_sheet_clear(hsmiam_key_sheet *sheet)
{
    hsmiam_buffer_clear(&sheet->uri);
    hsmiam_buffer_clear(&sheet->replicas);
}

void hsmiam_key_sheet_set_listed(hsmiam_key_sheet *sheet, const hsmiam_key_metadata *key,
                                 time_t now)
{
    hsmiam_key_facts *facts = &sheet->facts;

    sheet->metadata = *key;
    facts->access_key_id = sheet->metadata.id;
    facts->user_name = sheet->metadata.user_name;
    facts->status = sheet->metadata.status;
    facts->in_iam = true;
    facts->create_date = key->create_date;
    if (now >= 0)
        facts->age = now > key->create_date ? (long long)(now - key->create_date) : 0;
}

void hsmiam_key_sheet_set_usage(hsmiam_key_sheet *sheet, const hsmiam_key_usage *usage)
{
    hsmiam_key_facts *facts = &sheet->facts;

    sheet->usage = *usage;
    facts->in_iam = true;
    facts->use_known = true;
    facts->last_used = usage->was_used ? usage->date : -1;
    facts->last_used_service = sheet->usage.service_name;
    facts->last_used_region = sheet->usage.region;
    if (facts->user_name[0] == '\0')
        facts->user_name = sheet->usage.user_name;
}

/* The first token that holds it names it, the others are replicas. */
static hsmiam_status add_holder(hsmiam_key_sheet *sheet, hsmiam_token *token,
                                const hsmiam_held_key *held, hsmiam_error *error)
{
    hsmiam_key_facts *facts = &sheet->facts;

    facts->is_extractable = facts->is_extractable || held->is_extractable;
    if (facts->in_token && strcmp(facts->token_serial, hsmiam_token_get_serial(token)) == 0)
        return HSMIAM_OK; /* one token, named twice */
    if (facts->in_token) {
        hsmiam_buffer_append_format(&sheet->replicas, "%s%s", sheet->replicas.size > 0 ? " " : "",
                                    hsmiam_token_get_serial(token));
        facts->replica_serials = hsmiam_buffer_get_string(&sheet->replicas);
        return hsmiam_buffer_check(&sheet->replicas, "the serials of tokens", error);
    }
    hsmiam_status status =
        hsmiam_token_format_key_uri(token, held->id, held->label, &sheet->uri, error);
    if (status != HSMIAM_OK)
        return status;
    facts->in_token = true;
    facts->uri = hsmiam_buffer_get_string(&sheet->uri);
    facts->token_label = hsmiam_token_get_label(token);
    facts->token_serial = hsmiam_token_get_serial(token);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_key_sheet_set_held(hsmiam_key_sheet *sheet, const hsmiam_holdings *holdings,
                                        hsmiam_error *error)
{
    hsmiam_status status = HSMIAM_OK;

    for (size_t i = 0; status == HSMIAM_OK && i < holdings->count; i++) {
        hsmiam_held_key *held = hsmiam_holdings_find(holdings, i, sheet->facts.access_key_id);
        if (held == NULL)
            continue;
        held->is_seen = true;
        status = add_holder(sheet, holdings->of[i].token, held, error);
    }
    return status;
}

void hsmiam_key_sheet_set_history(hsmiam_key_sheet *sheet, const hsmiam_key_history *history)
{
    hsmiam_key_facts *facts = &sheet->facts;

    if (history == NULL)
        return;
    facts->origin = history->is_import ? "imported" : "issued";
    facts->made_by = history->operator_name;
    facts->made = history->made;
    facts->proven = history->proven;
}

hsmiam_status hsmiam_key_sheet_ask_usage(hsmiam_key_sheet *sheet, hsmiam_client *client,
                                         char code[HSMIAM_REFUSAL_SIZE], hsmiam_error *error)
{
    hsmiam_key_usage usage = {.was_used = false};
    hsmiam_status status =
        hsmiam_client_get_key_usage(client, sheet->facts.access_key_id, true, &usage, error);

    if (status == HSMIAM_OK)
        hsmiam_key_sheet_set_usage(sheet, &usage);
    if (status == HSMIAM_ERR_SERVICE) {
        (void)snprintf(code, HSMIAM_REFUSAL_SIZE, "%s", hsmiam_error_get_code_name(error));
        hsmiam_error_clear(error);
        status = HSMIAM_OK;
    }
    return status;
}

void hsmiam_key_sheet_tell_refusal(const hsmiam_client *client, const char *code)
{
    if (code[0] != '\0')
        hsmiam_log_write(hsmiam_client_get_log(client), HSMIAM_LOG_NOTICE,
                         "IAM does not tell this credential when keys were last used "
                         "(GetAccessKeyLastUsed: %s).",
                         code);
}

hsmiam_status hsmiam_access_key_id_check(const char *id, hsmiam_error *error)
{
    size_t size = id != NULL ? strlen(id) : 0;

    if (size < ACCESS_KEY_ID_MIN)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "Parameter validation failed:\nInvalid length for parameter "
                                "AccessKeyId, value: %zu, valid min length: %d",
                                size, ACCESS_KEY_ID_MIN);
    if (size > HSMIAM_ACCESS_KEY_ID_MAX)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "Parameter validation failed:\nInvalid length for parameter "
                                "AccessKeyId, value: %zu, valid max length: %d",
                                size, HSMIAM_ACCESS_KEY_ID_MAX);
    if (!hsmiam_access_key_id_is_valid(id, size))
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "Parameter validation failed:\nInvalid value for parameter "
                                "AccessKeyId: it must have letters, digits and '_' only");
    return HSMIAM_OK;
}
