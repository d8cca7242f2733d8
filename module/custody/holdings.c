/* SPDX-License-Identifier: Apache-2.0 */
#include "custody/lifecycle.h"

#include <stdlib.h>
#include <string.h>

#include "sigv4/signer.h"

hsmiam_status hsmiam_holdings_load(hsmiam_holdings *holdings, const hsmiam_client *client,
                                   const hsmiam_custody *custody, const char *id,
                                   hsmiam_error *error)
{
    hsmiam_token *of_credential = hsmiam_signer_get_token(hsmiam_client_get_signer(client));
    hsmiam_token *token = NULL;
    bool is_of_custody = false;

    *holdings = (hsmiam_holdings){.count = 0};
    for (size_t i = 0; (token = hsmiam_custody_get_token(custody, i, NULL)) != NULL; i++) {
        holdings->of[holdings->count++].token = token;
        is_of_custody = is_of_custody || token == of_credential;
    }
    if (!is_of_custody)
        holdings->of[holdings->count++].token = of_credential;
    for (size_t i = 0; i < holdings->count; i++) {
        hsmiam_status status = hsmiam_token_open(holdings->of[i].token, error);
        if (status == HSMIAM_OK)
            status = hsmiam_token_list_access_keys(holdings->of[i].token, id, &holdings->of[i].keys,
                                                   &holdings->of[i].count, error);
        if (status != HSMIAM_OK)
            return status;
    }
    return HSMIAM_OK;
}

void hsmiam_holdings_clear(hsmiam_holdings *holdings)
{
    for (size_t i = 0; i < holdings->count; i++)
        free(holdings->of[i].keys);
    *holdings = (hsmiam_holdings){.count = 0};
}

static int compare(const void *id, const void *key)
{
    return strcmp(id, ((const hsmiam_held_key *)key)->id);
}

hsmiam_held_key *hsmiam_holdings_find(const hsmiam_holdings *holdings, size_t index, const char *id)
{
    hsmiam_held_key *keys = holdings->of[index].keys;
    size_t count = holdings->of[index].count;

    return count > 0 ? bsearch(id, keys, count, sizeof *keys, compare) : NULL;
}
