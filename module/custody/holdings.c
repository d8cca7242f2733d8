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

    *holdings = (hsmiam_holdings){.count = 1};
    holdings->of[0].token = custody->token;
    if (of_credential != custody->token)
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

hsmiam_held_key *hsmiam_holdings_find(const hsmiam_holdings *holdings, const char *id,
                                      hsmiam_token **token_out)
{
    hsmiam_held_key *found = NULL;

    for (size_t i = 0; i < holdings->count && found == NULL; i++) {
        if (holdings->of[i].count == 0)
            continue;
        found = bsearch(id, holdings->of[i].keys, holdings->of[i].count, sizeof *found, compare);
        *token_out = holdings->of[i].token;
    }
    return found;
}
