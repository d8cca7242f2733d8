/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the layers above write into the ledger: events with typed facts, so that nothing else can
 * get there. Each call returns when the disk has the record, and so is called before the step that
 * the record precedes.
 */
#ifndef HSMIAM_LEDGER_LEDGER_H
#define HSMIAM_LEDGER_LEDGER_H

#include "ledger/record.h"

/* Opens the file and finds the audit key, so that writing will not fail for what can be known
 * beforehand: a disk that is read-only, a key that the ledger does not know. Safe to call again.
 * A token without an audit key leaves the records unsigned, with a NOTICE.
 * Statuses: IO, CONFIG (no token set, or its audit key cannot be used or was not introduced), those
 * of hsmiam_token_open(). */
hsmiam_status hsmiam_ledger_open(hsmiam_ledger *ledger, hsmiam_error *error) HSMIAM_MUST_USE;

/* The fingerprint of a token's wrapping key, the one for keys that are `exportable` or the other,
 * as the ledger has it: from the last record that tells one of that token and that this ledger's
 * audit key signed; "" if there is none. LEDGER if its signature is wrong. The ledger is open. */
hsmiam_status hsmiam_ledger_find_wrapping_key(hsmiam_ledger *ledger, const char *token_serial,
                                              bool exportable,
                                              char fingerprint_out[HSMIAM_FINGERPRINT_SIZE],
                                              hsmiam_error *error) HSMIAM_MUST_USE;

/* Holds a token's wrapping key against what the ledger has. CONFIG if it is another one; a `found`
 * of "" is a token that has none (any more). */
hsmiam_status hsmiam_ledger_check_wrapping_key(hsmiam_ledger *ledger, const hsmiam_token *token,
                                               bool exportable, const char *found,
                                               hsmiam_error *error) HSMIAM_MUST_USE;

/* What became of an intent. */
typedef enum hsmiam_result {
    HSMIAM_RESULT_HELD,         /* the token holds the key, proven */
    HSMIAM_RESULT_REFUSED,      /* IAM refused, and did nothing */
    HSMIAM_RESULT_NOT_SENT,     /* IAM was not reached, and did nothing */
    HSMIAM_RESULT_NOT_EXECUTED, /* IAM can execute the request no more, and did not */
    HSMIAM_RESULT_DELETED,      /* neither IAM has the key nor the token */
    HSMIAM_RESULT_CLOSED,       /* a person answers for it; nobody looks after it any more */
    HSMIAM_RESULT_DONE,         /* the key has the status that was asked for */
    HSMIAM_RESULT_UNDESTROYED,  /* IAM deleted the key, and the token still holds it */
    HSMIAM_RESULT_UNDELETED,    /* IAM made a key that the token has not and that is still there */
    HSMIAM_RESULT_UNKNOWN       /* IAM may have executed the request */
} hsmiam_result;

/* "held"; and back, from a text of that size. Static storage. */
const char *hsmiam_result_get_name(hsmiam_result result);
bool hsmiam_result_find(const char *name, size_t size, hsmiam_result *result_out);

/* Whether an intent with that outcome is settled; those with UN leave it open. */
bool hsmiam_result_is_final(hsmiam_result result);

/* Whom and what a record is about. NULL, or "" where it says so: not known. */
typedef struct hsmiam_ledger_facts {
    const char *account;       /* 12 digits */
    const char *partition;     /* "aws" */
    const char *endpoint;      /* the URL that IAM is asked at */
    const char *token_serial;  /* of the token that keys go to */
    const char *replicas;      /* serials of others that take them too, parted by blanks; "" too */
    const char *credential_id; /* the access key id that signs the requests */
    const char *user_name;     /* NULL: the signer's own user */
    const char *access_key_id; /* "" as well */
    const char *status;        /* "Active" or "Inactive", of an update */
    const char *request_id;    /* "" as well */
    const char *route;         /* "" as well */
    const char *exportable;    /* "yes": the key may be exported; "" as well */
    const char *wrapping_key;  /* the fingerprint of the one that was used; "" as well */
    const char *exportable_wrapping_key; /* the same, of the pair for exportable keys */
    const char *algorithm;               /* that a key was wrapped by, of an export */
    const char *recipient;               /* fingerprint of whom it was wrapped for */
    const char *keys_before; /* the ids of the user's keys, parted by blanks; NULL: not told */
    const char *step;        /* of a rotation: a word of rotation.c's table */
    const char *code;        /* the service's error code; "" as well */
    const char *candidates;  /* ids of keys that it may be about, parted by blanks; "" as well */
    const char *reason;      /* a person's words; "" as well */
    time_t iam_time;         /* IAM's clock; 0 or less: not known */
    time_t request_time;     /* X-Amz-Date; the same */
    uint64_t intent;         /* the number of the intent's record; 0: there is none */
    uint64_t request;        /* of the request that was approved; 0: none was needed */
    hsmiam_result result;    /* of an event that has one */
} hsmiam_ledger_facts;

/* Records an event with those of the facts that its row in event.c has; what a service or a user
 * said that is not of the field's alphabet is left out. `sequence_out` gets the record's number and
 * may be NULL. If the audit key cannot sign any more, an event whose row allows it is left pending:
 * chained and unsigned, for the next writer to countersign.
 * Statuses: IO, MEMORY, CONFIG, LEDGER, INTERNAL (a needed fact is missing or malformed), those of
 * hsmiam_token_open() and of signing. */
hsmiam_status hsmiam_ledger_add(hsmiam_ledger *ledger, hsmiam_event event,
                                const hsmiam_ledger_facts *facts, uint64_t *sequence_out,
                                hsmiam_error *error) HSMIAM_MUST_USE;

/* An access key that existed went into the token. */
hsmiam_status hsmiam_ledger_add_import(hsmiam_ledger *ledger, const hsmiam_ledger_facts *facts,
                                       hsmiam_error *error) HSMIAM_MUST_USE;

/* CreateAccessKey is about to be sent.
 * keys_before   the ids of the user's keys, parted by blanks; NULL: IAM did not tell.
 * iam_time      IAM's clock; -1: not known.
 * request_time  X-Amz-Date.
 * intent_out    the record's sequence number, which its outcome refers to. */
hsmiam_status hsmiam_ledger_add_intent(hsmiam_ledger *ledger, const hsmiam_ledger_facts *facts,
                                       const char *keys_before, time_t iam_time,
                                       time_t request_time, uint64_t *intent_out,
                                       hsmiam_error *error) HSMIAM_MUST_USE;

/* The request of an intent was not sent, and is about to be, with another X-Amz-Date. */
hsmiam_status hsmiam_ledger_add_renewal(hsmiam_ledger *ledger, const hsmiam_ledger_facts *facts,
                                        uint64_t intent, time_t request_time,
                                        hsmiam_error *error) HSMIAM_MUST_USE;

/* Records what became of an intent; may be called again for one that was left open. If the audit
 * key cannot sign any more, the record is left pending: chained and unsigned, for the next writer
 * to countersign. `code` is the service's error code, "" or NULL for none. */
hsmiam_status hsmiam_ledger_add_outcome(hsmiam_ledger *ledger, const hsmiam_ledger_facts *facts,
                                        uint64_t intent, hsmiam_result result, const char *code,
                                        hsmiam_error *error) HSMIAM_MUST_USE;

/* Does what an interrupted writer leaves to the next one: seals a torn end, countersigns what is
 * pending. Writes nothing where nothing is left. Statuses: IO, MEMORY, CONFIG, those of the token.
 */
hsmiam_status hsmiam_ledger_mend(hsmiam_ledger *ledger, hsmiam_error *error) HSMIAM_MUST_USE;

/* Does that, and makes sure that the ledger knows its writer's audit key and takes what it signs:
 * for a change of the world that only a record after it tells of. Statuses: those above. */
hsmiam_status hsmiam_ledger_make_ready(hsmiam_ledger *ledger, hsmiam_error *error) HSMIAM_MUST_USE;

/* clear.c ---------------------------------------------------------------------------------------*/

/* What may need an approval. */
typedef enum hsmiam_act {
    HSMIAM_ACT_CREATE,
    HSMIAM_ACT_ROTATE,
    HSMIAM_ACT_DELETE,
    HSMIAM_ACT_UPDATE,
    HSMIAM_ACT_IMPORT,
    HSMIAM_ACT_EXPORT,
    HSMIAM_ACT_POLICY, /* needs one under every policy that is in force */
    HSMIAM_ACT_COUNT
} hsmiam_act;

/* Asks whether an operation with these facts may be done: nothing needs an approval (`*request_out`
 * is 0), or a request for just that is approved, or approvers are at hand and approve it now;
 * `*request_out` is then what the operation's record must name, by which it is used up. The facts
 * are those of that record. If not, a request is put on record, unless there is one already, or
 * `is_one_of_many`: APPROVAL, and the message says what is to be done.
 * Statuses: APPROVAL, CONFIG (the account is not known; the approver's token is not another one),
 * CANCELLED, those of writing, and of the approvers' tokens. */
hsmiam_status hsmiam_ledger_ask_approval(hsmiam_ledger *ledger, hsmiam_act operation,
                                         const hsmiam_ledger_facts *facts, bool is_one_of_many,
                                         uint64_t *request_out,
                                         hsmiam_error *error) HSMIAM_MUST_USE;

/* Whether a request that was approved, and used by a rotation, is good for the key that this makes:
 * the policy may have changed since. Statuses: APPROVAL, those of reading. */
hsmiam_status hsmiam_ledger_check_rotation(hsmiam_ledger *ledger, uint64_t request,
                                           hsmiam_error *error) HSMIAM_MUST_USE;

/* Whether the old key of a rotation that has ended may be deleted by that rotation's approval: not
 * under a policy that came later. Statuses: APPROVAL, those of reading. */
hsmiam_status hsmiam_ledger_check_deletion(hsmiam_ledger *ledger, uint64_t rotation,
                                           hsmiam_error *error) HSMIAM_MUST_USE;

/* open.c ----------------------------------------------------------------------------------------*/

/* Whether it is an intent, which an outcome is to follow: HSMIAM_EVENT_INTENT, an update, a
 * deletion.
 */
bool hsmiam_event_is_intent(hsmiam_event event);

/* An intent that no outcome settled. What is not known is "". */
typedef struct hsmiam_open_intent {
    hsmiam_event event;
    uint64_t sequence;
    char account[HSMIAM_ACCOUNT_DIGITS + 1];
    char endpoint[HSMIAM_ENDPOINT_MAX + 1];
    char token_serial[HSMIAM_SERIAL_MAX + 1];
    char replica_serials[HSMIAM_SERIALS_TEXT_MAX + 1];
    char credential_id[HSMIAM_ACCESS_KEY_ID_MAX + 1];
    char user_name[HSMIAM_USER_NAME_MAX + 1]; /* "": the credential's own user */
    char route[33];
    char partition[33];
    char wrapping_key[HSMIAM_FINGERPRINT_SIZE];
    char keys_before[HSMIAM_KEYS_TEXT_MAX + 1];
    bool before_known;
    time_t iam_time;        /* -1: not known */
    time_t request_time;    /* of the signature that was sent last */
    hsmiam_result result;   /* the last that is on record; UNKNOWN if none is */
    bool result_is_trusted; /* as the id, below */
    char access_key_id[HSMIAM_ACCESS_KEY_ID_MAX + 1]; /* as an outcome has it, or the intent */
    char status[17];                                  /* that an update asks for */
    bool id_is_trusted; /* a signed record has it; else it is a hint that anyone may have written */
    bool is_trusted;    /* a key that is trusted signed the intent, or nobody can sign */
    char candidates[HSMIAM_KEYS_TEXT_MAX + 1]; /* all that were ever seen, parted by blanks */
} hsmiam_open_intent;

/* Receives an open intent; false ends the search. */
typedef bool (*hsmiam_open_intent_fn)(void *context, const hsmiam_open_intent *intent);

/* Looks through the ledger, from its end, for open intents. `user_name`: only those to make a key
 * that may be for this user (case does not matter), or if it is "", for the credential's own, which
 * may be any; NULL: all. An outcome that is not signed, countersigned or not, settles no intent
 * that is. Statuses: IO, MEMORY; LEDGER (what it would rely on is not what trusted keys signed). */
hsmiam_status hsmiam_ledger_find_open(hsmiam_ledger *ledger, const char *user_name,
                                      hsmiam_open_intent_fn take, void *context,
                                      hsmiam_error *error) HSMIAM_MUST_USE;

/* Whether a record is about an access key, or was signed for by it; those about the intent
 * `except` (0: none) do not count. One that nobody signed counts, for a key that is explained is
 * left alone. Statuses: IO, MEMORY, LEDGER. */
hsmiam_status hsmiam_ledger_knows_key(hsmiam_ledger *ledger, const char *access_key_id,
                                      uint64_t except, bool *known_out,
                                      hsmiam_error *error) HSMIAM_MUST_USE;

/* The account of a credential, as the last record that its own key signed has it; "" if none does.
 * The ledger is open. Statuses: IO, MEMORY, LEDGER. */
hsmiam_status hsmiam_ledger_find_account(hsmiam_ledger *ledger, const char *credential_id,
                                         char account_out[13], hsmiam_error *error) HSMIAM_MUST_USE;

/* The account of an access key, by the last record that its own key signed of the key's making here
 * or of its signing; "" if there is none, as of one that was imported and never signed.
 * `*alive_out` is that record's time. The ledger is open. Statuses: IO, MEMORY, LEDGER. */
hsmiam_status hsmiam_ledger_find_key_account(hsmiam_ledger *ledger, const char *access_key_id,
                                             char account_out[13], time_t *alive_out,
                                             hsmiam_error *error) HSMIAM_MUST_USE;

/* watch.c ---------------------------------------------------------------------------------------*/

/* What is open, kept up to date while many users are issued to. Threads share it. */
typedef struct hsmiam_ledger_watch hsmiam_ledger_watch;

/* Where the rotations of users stand: rotation.h. */
typedef struct hsmiam_rotation_watch hsmiam_rotation_watch;

/* Reads the whole ledger once (borrowed; it must outlive the watch). Statuses: those of
 * hsmiam_ledger_find_open(). */
hsmiam_status hsmiam_ledger_watch_new(hsmiam_ledger *ledger, hsmiam_ledger_watch **watch_out,
                                      hsmiam_error *error) HSMIAM_MUST_USE;
void hsmiam_ledger_watch_free(hsmiam_ledger_watch **watch);

/* Reads what was written since. `*perhaps_out` is false if the user has no open intent, whoever
 * wrote to the ledger meanwhile; true: hsmiam_ledger_find_open() tells. Statuses: IO, MEMORY,
 * LEDGER. */
hsmiam_status hsmiam_ledger_watch_ask(hsmiam_ledger_watch *watch, const char *user_name,
                                      bool *perhaps_out, hsmiam_error *error) HSMIAM_MUST_USE;

/* ids.c -----------------------------------------------------------------------------------------*/

/* Access key ids, parted by blanks, in a text. */
typedef char hsmiam_ids[HSMIAM_KEYS_TEXT_MAX + 1];

bool hsmiam_ids_has(const char *ids, const char *id);

/* Adds one that is not there; false if there is no room. */
bool hsmiam_ids_add(hsmiam_ids ids, const char *id);

/* Adds all of `ids`, as far as there is room. */
void hsmiam_ids_add_all(hsmiam_ids to, const char *ids);

/* lock.c ----------------------------------------------------------------------------------------*/

/* The lock on one user's keys, between all processes that share the ledger; a file beside it. It
 * ends with the process. */
typedef struct hsmiam_user_lock {
    int fd; /* -1: not held */
} hsmiam_user_lock;

/* The subject that stands for the user of whatever credential signs. It may be any user, so that
 * its lock and those of named users exclude one another. */
#define HSMIAM_LOCK_OWN_USER ":own"

/* Takes it if it is free; `*held_out` tells. `subject` is the user (case does not matter),
 * HSMIAM_LOCK_OWN_USER, or another word that begins with ':' and stands for itself alone.
 * Statuses: IO, MEMORY, CONFIG (the file is one that others could replace). */
hsmiam_status hsmiam_user_lock_try(const hsmiam_ledger *ledger, const char *subject,
                                   hsmiam_user_lock *lock, bool *held_out,
                                   hsmiam_error *error) HSMIAM_MUST_USE;
void hsmiam_user_lock_release(hsmiam_user_lock *lock);

#endif
