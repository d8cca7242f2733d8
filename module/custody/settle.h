/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of an intent that no outcome settled (design: recover). */
#ifndef HSMIAM_CUSTODY_SETTLE_H
#define HSMIAM_CUSTODY_SETTLE_H

#include "custody/custody.h"

/* After X-Amz-Date IAM takes a signature for so long. What it took in time it may have dated a
 * little later: its servers' clocks differ, and it needs a while. And its lists are eventually
 * consistent: they lag by seconds as a rule, which nobody promises, so that minutes are allowed
 * for. Only a list that is younger than all of that together lacks what was not made, and has
 * whatever else was made for the user in the meantime. */
#define HSMIAM_SIGNATURE_SECONDS 300
#define HSMIAM_EXECUTION_SECONDS 60
#define HSMIAM_LIST_LAG_SECONDS  180
#define HSMIAM_SETTLE_MARGIN     (HSMIAM_EXECUTION_SECONDS + HSMIAM_LIST_LAG_SECONDS)

/* What is known about an intent. Candidates are keys of its user that it could have made: new since
 * its list, made while its signature was good, that no record about anything else explains, and
 * that were never used but by the token. */
typedef struct hsmiam_evidence {
    bool before_known;  /* IAM told which keys there were before */
    bool user_gone;     /* IAM has no user of that name any more */
    bool window_over;   /* IAM can execute the request no more, and would list what it made */
    bool was_ambiguous; /* now or at an earlier look there were several candidates */
    bool id_known;      /* a signed record has the id that the answer told: */
    bool id_strange;    /* it is not that of a key which this request can have made */
    bool id_listed;
    bool id_of_another; /* IAM has it as the key of a user of another name */
    bool id_held;       /* the token has an object of that id */
    bool hint_held;     /* an unsigned record has an id that IAM does not list; the token has it */
    bool is_inactive;   /* IAM says so of the key that the token has */
    size_t held;        /* candidates that the token has an object of */
    size_t orphans;     /* candidates that it has not */
    size_t unclear;     /* the same, but whether they were used IAM does not tell */
} hsmiam_evidence;

typedef enum hsmiam_settle_action {
    HSMIAM_SETTLE_WAIT,         /* the time will tell */
    HSMIAM_SETTLE_NAME,         /* only a person can tell */
    HSMIAM_SETTLE_ACTIVATE,     /* only an active key can be proven */
    HSMIAM_SETTLE_PROVE,        /* sign with the key that the token has */
    HSMIAM_SETTLE_DELETE,       /* it is an orphan */
    HSMIAM_SETTLE_UNDO,         /* it was about to be deleted, and the token has it as well */
    HSMIAM_SETTLE_DESTROY,      /* IAM has it no more, the token still has */
    HSMIAM_SETTLE_GONE,         /* neither has it */
    HSMIAM_SETTLE_NOT_EXECUTED, /* there never was one */
    HSMIAM_SETTLE_COUNT
} hsmiam_settle_action;

/* The rules themselves, for an intent of that kind. */
hsmiam_settle_action hsmiam_settle_decide(hsmiam_event event, const hsmiam_evidence *evidence);

/* What it came to. */
typedef struct hsmiam_settlement {
    hsmiam_recovery_state state;
    hsmiam_result result; /* of a settled one */
    char access_key_id[HSMIAM_ACCESS_KEY_ID_MAX + 1];
    char reason[2048];   /* why it is open; "" if it is settled */
    long long come_back; /* in so many seconds; -1: waiting does not help */
    hsmiam_ids candidates;
} hsmiam_settlement;

/* Settles an intent, whose lock the caller holds, by the client's credential. `account`: the one
 * that it belongs to, "" if that is not known. With `dry_run`, nothing is changed or recorded.
 * What IAM or the token refuse leaves it open, with the reason. Statuses: of the ledger. */
hsmiam_status hsmiam_settle(hsmiam_client *client, hsmiam_custody *custody,
                            const hsmiam_open_intent *intent, const char *account, bool dry_run,
                            hsmiam_settlement *settlement_out, hsmiam_error *error) HSMIAM_MUST_USE;

/* settle_ask.c ----------------------------------------------------------------------------------*/

/* What IAM says to what a key in a token signs. */
typedef enum hsmiam_key_verdict {
    HSMIAM_KEY_TAKEN,    /* it is the key's signature */
    HSMIAM_KEY_WRONG,    /* IAM has the key, and the token holds something else */
    HSMIAM_KEY_UNUSABLE, /* the token cannot sign with what it holds */
    HSMIAM_KEY_PARTIAL,  /* some of the tokens have it, and some have not, which IAM is not asked */
    HSMIAM_KEY_UNKNOWN,  /* IAM takes nothing by that key: it is inactive, new or gone */
    HSMIAM_KEY_TROUBLE   /* who knows; `why` tells */
} hsmiam_key_verdict;

/* Asks whose key it is, signed by the token with the key. `why` is not NULL. */
hsmiam_key_verdict hsmiam_ask_as_key(hsmiam_client *client, hsmiam_token *token, const char *id,
                                     hsmiam_caller *caller_out, hsmiam_error *why) HSMIAM_MUST_USE;

/* settle_change.c -------------------------------------------------------------------------------*/

/* The same for an intent to change a key that exists; its owner is checked, and the settlement is
 * open without a reason. What IAM did not execute is not asked for again. */
hsmiam_status hsmiam_settle_change(hsmiam_client *client, hsmiam_custody *custody,
                                   const hsmiam_open_intent *intent, const char *account,
                                   bool dry_run, hsmiam_settlement *settlement,
                                   hsmiam_error *error) HSMIAM_MUST_USE;

#endif
