/* SPDX-License-Identifier: Apache-2.0 */
/* What the ledger tells of each access key: who brought it into a token, when, and whether that was
 * proven. */
#ifndef HSMIAM_CUSTODY_CHRONICLE_H
#define HSMIAM_CUSTODY_CHRONICLE_H

#include "custody/custody.h"

/* What is on record of one key, the last time that it went into a token. */
typedef struct hsmiam_key_history {
    char id[HSMIAM_ACCESS_KEY_ID_MAX + 1];
    size_t who;                /* the place of the operator among all, */
    const char *operator_name; /* and the name; "" if not known */
    bool is_import;
    time_t made;   /* -1: not known */
    time_t proven; /* when it was last proven that the token holds it */
    size_t order;  /* of the records */
} hsmiam_key_history;

typedef struct hsmiam_chronicle hsmiam_chronicle;

/* Verifies the ledger, reads it, and needs no token for that. A ledger that is not there, or NULL,
 * has no chronicle; nor has one that does not verify, which the log is told.
 * Statuses: IO, MEMORY, ARGUMENT. */
hsmiam_status hsmiam_chronicle_new(hsmiam_ledger *ledger, const hsmiam_log *log,
                                   hsmiam_chronicle **chronicle_out,
                                   hsmiam_error *error) HSMIAM_MUST_USE;
void hsmiam_chronicle_free(hsmiam_chronicle **chronicle);

/* The fingerprint of the audit key that the ledger names first, and is believed for that alone; ""
 * if there is none. */
const char *hsmiam_chronicle_get_first_key(const hsmiam_chronicle *chronicle);

/* What is on record of a key; NULL: nothing. */
const hsmiam_key_history *hsmiam_chronicle_find(const hsmiam_chronicle *chronicle, const char *id);

#endif
