/* SPDX-License-Identifier: Apache-2.0 */
/* What is printed about an access key that a token holds. */
#ifndef HSMIAM_TOOL_MADE_KEY_H
#define HSMIAM_TOOL_MADE_KEY_H

#include "key_facts.h"

/* The members, as text. */
typedef struct tool_made_key {
    const char *user_name; /* "": the account's root user has none */
    const char *id;
    const char *status;
    const char *uri;
    const char *create_date;      /* "": not known */
    const hsmiam_access_key *key; /* which tells of replicas; NULL: there are none */
    char date[TOOL_TIME_SIZE];
} tool_made_key;

/* Takes them from a key, which they borrow from. */
void tool_made_key_take(tool_made_key *facts, const hsmiam_access_key *key);

/* Adds where the key's replicas are, if there are any. false if there is no memory. */
bool tool_made_key_add_replicas(tool_value *object, const hsmiam_access_key *key)
    __attribute__((warn_unused_result));

/* Adds them as the member "AccessKey". false if there is no memory. */
bool tool_made_key_add(tool_value *object, const tool_made_key *facts)
    __attribute__((warn_unused_result));

/* Adds them to an object that is the key's own. */
bool tool_made_key_fill(tool_value *key, const tool_made_key *facts)
    __attribute__((warn_unused_result));

#endif
