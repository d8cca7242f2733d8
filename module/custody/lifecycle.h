/* SPDX-License-Identifier: Apache-2.0 */
/* The life of access keys after their making. */
#ifndef HSMIAM_CUSTODY_LIFECYCLE_H
#define HSMIAM_CUSTODY_LIFECYCLE_H

#include "custody/chronicle.h"
#include "custody/custody.h"

/* holdings.c ------------------------------------------------------------------------------------*/

#define HSMIAM_HOLDINGS_MAX (HSMIAM_REPLICAS_MAX + 2)

/* The access keys that the custody's tokens and the credential's hold. */
typedef struct hsmiam_holdings {
    struct {
        hsmiam_token *token;
        hsmiam_held_key *keys; /* ordered by id */
        size_t count;
    } of[HSMIAM_HOLDINGS_MAX];
    size_t count; /* of the tokens */
} hsmiam_holdings;

/* Lists the keys of that id, NULL: all of them. Tokens are opened if need be. To be cleared even
 * after a failure. */
hsmiam_status hsmiam_holdings_load(hsmiam_holdings *holdings, const hsmiam_client *client,
                                   const hsmiam_custody *custody, const char *id,
                                   hsmiam_error *error) HSMIAM_MUST_USE;
void hsmiam_holdings_clear(hsmiam_holdings *holdings);

/* The key of that id in one of the tokens; NULL: that does not hold it. */
hsmiam_held_key *hsmiam_holdings_find(const hsmiam_holdings *holdings, size_t index,
                                      const char *id);

/* facts.c ---------------------------------------------------------------------------------------*/

/* What is known of one key, and the storage of what the facts borrow. */
typedef struct hsmiam_key_sheet {
    hsmiam_key_facts facts;
    hsmiam_key_metadata metadata;
    hsmiam_key_usage usage;
    hsmiam_buffer uri;
    hsmiam_buffer replicas; /* serials */
} hsmiam_key_sheet;

void hsmiam_key_sheet_init(hsmiam_key_sheet *sheet);
void hsmiam_key_sheet_clear(hsmiam_key_sheet *sheet);

/* Takes over what IAM lists of the key. `now`: IAM's clock, -1: not known. */
void hsmiam_key_sheet_set_listed(hsmiam_key_sheet *sheet, const hsmiam_key_metadata *key,
                                 time_t now);

/* Takes over the last use. */
void hsmiam_key_sheet_set_usage(hsmiam_key_sheet *sheet, const hsmiam_key_usage *usage);

/* Takes over which tokens hold the key, and how, and marks it there as seen. */
hsmiam_status hsmiam_key_sheet_set_held(hsmiam_key_sheet *sheet, const hsmiam_holdings *holdings,
                                        hsmiam_error *error) HSMIAM_MUST_USE;

/* Takes over what is on record of the key; NULL: nothing. The chronicle must outlive the sheet. */
void hsmiam_key_sheet_set_history(hsmiam_key_sheet *sheet, const hsmiam_key_history *history);

#define HSMIAM_REFUSAL_SIZE 64

/* Asks IAM for the last use. A refusal leaves it unknown, and its code is put into `code`. `error`
 * is not NULL. */
hsmiam_status hsmiam_key_sheet_ask_usage(hsmiam_key_sheet *sheet, hsmiam_client *client,
                                         char code[HSMIAM_REFUSAL_SIZE],
                                         hsmiam_error *error) HSMIAM_MUST_USE;

/* Says on the client's log that the last use stayed unknown, for the reason `code`; "": it did not.
 */
void hsmiam_key_sheet_tell_refusal(const hsmiam_client *client, const char *code);

#endif
