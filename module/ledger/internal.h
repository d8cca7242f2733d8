/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this layer share. */
#ifndef HSMIAM_LEDGER_INTERNAL_H
#define HSMIAM_LEDGER_INTERNAL_H

#include <pthread.h>

#include "base/log.h"
#include "ledger/file.h"
#include "ledger/ledger.h"
#include "ledger/public_key.h"

#define HSMIAM_PINNED_MAX  16
#define HSMIAM_TRUSTED_MAX 64

/* An approver's token that is at hand, and how its holder is asked. */
typedef struct hsmiam_approver {
    hsmiam_token *token;
    hsmiam_approval_fn confirm; /* may be NULL */
    void *context;
} hsmiam_approver;

struct hsmiam_ledger {
    hsmiam_file file;    /* for writing; read-only uses have a file of their own */
    hsmiam_token *token; /* whose audit key signs; NULL: none was set */
    hsmiam_log log;
    hsmiam_ledger_line_fn mirror; /* may be NULL */
    void *mirror_context;
    bool accept_new_key;
    bool allow_unsigned;  /* at the end, in a verification */
    pthread_mutex_t lock; /* between threads, for the file and all below */

    hsmiam_hash *hash;
    char operator_name[HSMIAM_NAME_MAX + 1];
    char host[HSMIAM_NAME_MAX + 1];
    bool open;
    bool has_key;
    hsmiam_audit_key key;
    hsmiam_public_key *own; /* its public half */

    /* The keys that the ledger's own introductions lead to, once they had to be looked for. */
    hsmiam_public_key *trusted[HSMIAM_TRUSTED_MAX];
    size_t trusted_count;
    uint64_t settled;              /* the intents up to that record are; 0: not known */
    char written[HSMIAM_HEX_SIZE]; /* the hash of the line that was written last; "" before */

    /* Approvals. */
    pthread_mutex_t asking;   /* between threads, before the other lock */
    struct hsmiam_dual *dual; /* NULL: not read yet */
    uint64_t dual_read_to;    /* where the last record starts that it knows */
    hsmiam_approver approvers[HSMIAM_APPROVERS_MAX];
    size_t approver_count;
    unsigned approval_seconds; /* 0: the default */
    bool is_approvers;         /* it is written to without an audit key */

    hsmiam_public_key *pinned[HSMIAM_PINNED_MAX]; /* whom a verification trusts */
    size_t pinned_count;
    char *checkpoint; /* a line; NULL: none */
};

/* operator.c ------------------------------------------------------------------------------------*/

/* Who is logged in (also behind su and sudo), and where. */
void hsmiam_operator_describe(char operator_out[HSMIAM_NAME_MAX + 1],
                              char host_out[HSMIAM_NAME_MAX + 1]);

/* tail.c ----------------------------------------------------------------------------------------*/

/* How a ledger ends. */
typedef struct hsmiam_tail {
    uint64_t size;                /* of the file */
    uint64_t sequence;            /* of the last record; 0: there is none */
    char hash[HSMIAM_HEX_SIZE];   /* of its line; zeros: there is none */
    char signer[HSMIAM_HEX_SIZE]; /* the audit key of the last signed record, "" if none is */
    uint64_t first_pending;       /* of the unsigned records behind that one; 0: none are */
    bool unended;                 /* the file does not end with a line feed */
    bool torn;                    /* what follows the last record is none */
    uint64_t torn_size;           /* its bytes, a last line feed left out */
    char torn_hash[HSMIAM_HEX_SIZE];
} hsmiam_tail;

/* Reads it, from the end. LEDGER if the file is no ledger at all. */
hsmiam_status hsmiam_tail_read(hsmiam_file *file, hsmiam_hash *hash, uint64_t size,
                               hsmiam_tail *tail_out, hsmiam_error *error) HSMIAM_MUST_USE;

/* lookup.c --------------------------------------------------------------------------------------*/

/* Looks through the records from the end for one that `is_it` takes, among those whose line
 * contains `text`, and whose signature is the ledger's own key's. `*found_out` tells whether there
 * is one. The record is borrowed from `storage`. */
typedef bool (*hsmiam_record_match_fn)(const void *context, const hsmiam_record *record);
hsmiam_status hsmiam_lookup_last(hsmiam_ledger *ledger, uint64_t size, const char *text,
                                 hsmiam_record_match_fn is_it, const void *context,
                                 hsmiam_record_storage *storage, hsmiam_record *record_out,
                                 bool *found_out, hsmiam_error *error) HSMIAM_MUST_USE;

/* Whether the ledger's own key signed the line that the record was read from. */
bool hsmiam_lookup_is_own(const hsmiam_ledger *ledger, hsmiam_verifier *verifier,
                          const hsmiam_line *line, size_t signed_size, const hsmiam_record *record);

/* trust.c ---------------------------------------------------------------------------------------*/

/* The key that an audit-key record introduces; NULL if it is none. */
hsmiam_public_key *hsmiam_record_get_introduced(const hsmiam_record *record);

/* Reads the whole ledger for the keys that are trusted: the first, and whom such a key introduced
 * in a record that it signed. `*own_out` tells whether the writer's own is among them. LEDGER if
 * the records do not hang together. */
hsmiam_status hsmiam_trust_learn(hsmiam_ledger *ledger, uint64_t size, bool *own_out,
                                 hsmiam_error *error) HSMIAM_MUST_USE;
void hsmiam_trust_forget(hsmiam_ledger *ledger);

/* Whether a trusted key signed the line that the record was read from, or nobody can sign. Learns
 * of the keys of a ledger of that size if need be. */
hsmiam_status hsmiam_trust_check_line(hsmiam_ledger *ledger, uint64_t size, const hsmiam_line *line,
                                      size_t signed_size, const hsmiam_record *record,
                                      bool *believed_out, hsmiam_error *error) HSMIAM_MUST_USE;

/* Whether the end is one that can be built on: unsigned records at most, behind one that a trusted
 * key signed. LEDGER if not. */
hsmiam_status hsmiam_trust_check_end(hsmiam_ledger *ledger, uint64_t size,
                                     hsmiam_error *error) HSMIAM_MUST_USE;

/* The records from the end backwards, as far as they hang together. */
typedef struct hsmiam_history {
    hsmiam_ledger *ledger;
    uint64_t size;
    hsmiam_backward lines;
    hsmiam_line line;     /* the one that was read last, */
    hsmiam_record record; /* and what it says */
    hsmiam_record_storage storage;
    size_t signed_size;
    uint64_t stray;    /* an unsigned record that is always signed, behind that; 0: none */
    bool anchored;     /* a trusted key's signature covers it */
    uint64_t follower; /* the number of the record behind it; 0: it is the last, */
    char wanted[HSMIAM_HEX_SIZE]; /* and the hash which that has of it */
} hsmiam_history;

hsmiam_status hsmiam_history_new(hsmiam_ledger *ledger, uint64_t size, hsmiam_history **history_out,
                                 hsmiam_error *error) HSMIAM_MUST_USE;
void hsmiam_history_free(hsmiam_history **history);

/* The record before; `*found_out` is false at the ledger's start. LEDGER if it is not the one that
 * the record behind it goes on from, or if the last signature is wrong or a stranger's. */
hsmiam_status hsmiam_history_next(hsmiam_history *history, bool *found_out,
                                  hsmiam_error *error) HSMIAM_MUST_USE;

/* Whether the record is signed by a key that is trusted, or nobody can sign. */
bool hsmiam_history_is_believed(const hsmiam_history *history);

/* clear.c ---------------------------------------------------------------------------------------*/

/* The number of the policy's record that the writer goes by, 0: there never was one; false: it has
 * not looked. */
bool hsmiam_clear_get_policy(hsmiam_ledger *ledger, uint64_t *sequence_out);

/* Forgets what was read of it. */
void hsmiam_clear_forget(hsmiam_ledger *ledger);

/* Whether a record, which has its time, may be the next one by what the ledger says now of policy,
 * requests and approvals: APPROVAL if not. Under the ledger's lock and the file's, whose size that
 * is. */
hsmiam_status hsmiam_clear_check(hsmiam_ledger *ledger, uint64_t size, const hsmiam_record *record,
                                 hsmiam_error *error) HSMIAM_MUST_USE;

/* Whether the unsigned records from that one on can be countersigned: LEDGER if there is an
 * approval among them that no verification would take. The same locks. */
hsmiam_status hsmiam_clear_check_pending(hsmiam_ledger *ledger, uint64_t size, uint64_t first,
                                         hsmiam_error *error) HSMIAM_MUST_USE;

/* event.c ---------------------------------------------------------------------------------------*/

/* Puts the facts that are text into a record. */
void hsmiam_facts_put(const hsmiam_ledger_facts *facts, hsmiam_record *record);

/* append.c --------------------------------------------------------------------------------------*/

/* Appends the record, whose event and facts are filled in, behind whatever the ledger's end needs
 * first; NULL: that alone. `sequence_out` may be NULL. */
hsmiam_status hsmiam_ledger_append(hsmiam_ledger *ledger, const hsmiam_record *record,
                                   hsmiam_append_rule rule, uint64_t *sequence_out,
                                   hsmiam_error *error) HSMIAM_MUST_USE;

/* The same, unless `audit verify` would find that the record lacks an approval: between the asking
 * and the record the policy may have been changed, or the request used by another process, or have
 * expired. Statuses: APPROVAL besides. */
hsmiam_status hsmiam_ledger_append_approved(hsmiam_ledger *ledger, const hsmiam_record *record,
                                            hsmiam_append_rule rule, uint64_t *sequence_out,
                                            hsmiam_error *error) HSMIAM_MUST_USE;

/* Signs what is in `line` so far and closes it. */
hsmiam_status hsmiam_ledger_sign_line(hsmiam_ledger *ledger, hsmiam_buffer *line,
                                      hsmiam_error *error) HSMIAM_MUST_USE;

/* The time now, as records have it. */
hsmiam_status hsmiam_ledger_format_now(char time_out[HSMIAM_TIME_SIZE],
                                       hsmiam_error *error) HSMIAM_MUST_USE;

#endif
