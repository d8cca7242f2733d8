/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the ledger holds of rotations: a record when one begins, and one before or after each step
 * that changes anything, so that whoever comes after a crash knows where to go on.
 */
#ifndef HSMIAM_LEDGER_ROTATION_H
#define HSMIAM_LEDGER_ROTATION_H

#include "ledger/ledger.h"

/* How far a rotation is, as its last record has it. */
typedef enum hsmiam_rotation_step {
    HSMIAM_ROTATION_BEGUN,       /* the new key is to be made */
    HSMIAM_ROTATION_CLEARING,    /* an inactive key that takes its place is to be deleted */
    HSMIAM_ROTATION_CLEARED,     /* it was */
    HSMIAM_ROTATION_PROVEN,      /* the new key works, and the old one is to be deactivated */
    HSMIAM_ROTATION_DEACTIVATED, /* it was, which ends the rotation; with the step that is next, */
    HSMIAM_ROTATION_DELETING,    /* the old key is to be deleted */
    HSMIAM_ROTATION_DELETED,     /* it was */
    HSMIAM_ROTATION_ABANDONED,   /* nothing further is done: no new key was made, or it is gone */
    HSMIAM_ROTATION_STEPS
} hsmiam_rotation_step;

/* Whether nothing is left to be done after a step. */
bool hsmiam_rotation_step_is_final(hsmiam_rotation_step step);

/* A rotation as the records that a trusted key signed have it. What is not known is "". */
typedef struct hsmiam_rotation_record {
    uint64_t sequence;
    char account[HSMIAM_ACCOUNT_DIGITS + 1];
    char endpoint[HSMIAM_ENDPOINT_MAX + 1];
    char token_serial[HSMIAM_SERIAL_MAX + 1];         /* of the token that the new key goes to */
    char credential_id[HSMIAM_ACCESS_KEY_ID_MAX + 1]; /* that signed when it began */
    char user_name[HSMIAM_USER_NAME_MAX + 1];         /* "": the account's root user */
    char old_id[HSMIAM_ACCESS_KEY_ID_MAX + 1];
    char new_id[HSMIAM_ACCESS_KEY_ID_MAX + 1]; /* a key of the user that went into a token since */
    hsmiam_rotation_step step;
    char step_id[HSMIAM_ACCESS_KEY_ID_MAX + 1]; /* the key that the step is about */
} hsmiam_rotation_record;

/* Records that a rotation begins; `facts->access_key_id` is the old key, `facts->user_name` NULL
 * for the account's root user. Its number goes to `rotation_out`. */
hsmiam_status hsmiam_ledger_add_rotation(hsmiam_ledger *ledger, const hsmiam_ledger_facts *facts,
                                         uint64_t *rotation_out,
                                         hsmiam_error *error) HSMIAM_MUST_USE;

/* Records a step but BEGUN; `facts->access_key_id` is the key that it is about. */
hsmiam_status hsmiam_ledger_add_rotation_step(hsmiam_ledger *ledger,
                                              const hsmiam_ledger_facts *facts, uint64_t rotation,
                                              hsmiam_rotation_step step,
                                              hsmiam_error *error) HSMIAM_MUST_USE;

/* Finds the last rotation of a user of an account; `user_name` "": the account's root user.
 * Statuses: IO, MEMORY, those of hsmiam_ledger_open(). */
hsmiam_status hsmiam_ledger_find_rotation(hsmiam_ledger *ledger, const char *account,
                                          const char *user_name, hsmiam_rotation_record *to,
                                          bool *found_out, hsmiam_error *error) HSMIAM_MUST_USE;

/* The same among the records before a line's end in the file, `end` bytes from its beginning. */
hsmiam_status hsmiam_ledger_find_rotation_before(hsmiam_ledger *ledger, uint64_t end,
                                                 const char *account, const char *user_name,
                                                 hsmiam_rotation_record *to, bool *found_out,
                                                 hsmiam_error *error) HSMIAM_MUST_USE;

/* The same for one user after the other, from whichever thread: each record is read once. It takes
 * some 40 bytes for each user that the ledger has keys of. The ledger must outlive it. Reads
 * nothing yet. rotation_watch.c. */
hsmiam_status hsmiam_rotation_watch_new(hsmiam_ledger *ledger, hsmiam_rotation_watch **watch_out,
                                        hsmiam_error *error) HSMIAM_MUST_USE;
void hsmiam_rotation_watch_free(hsmiam_rotation_watch **watch);

/* `user_name` is not "". */
hsmiam_status hsmiam_rotation_watch_find(hsmiam_rotation_watch *watch, const char *account,
                                         const char *user_name, hsmiam_rotation_record *to,
                                         bool *found_out, hsmiam_error *error) HSMIAM_MUST_USE;

/* Finds the last rotation of a key that signed for it itself; `key_id` NULL: of whichever. What
 * came after its beginning is not looked at. */
hsmiam_status hsmiam_ledger_find_own_rotation(hsmiam_ledger *ledger, const char *key_id,
                                              hsmiam_rotation_record *to, bool *found_out,
                                              hsmiam_error *error) HSMIAM_MUST_USE;

/* Receives a rotation of which a step is left; false ends the search. */
typedef bool (*hsmiam_rotation_record_fn)(void *context, const hsmiam_rotation_record *rotation);

/* Looks through the ledger, from its end, for rotations that did not end. `new_id` is not told. */
hsmiam_status hsmiam_ledger_find_open_rotations(hsmiam_ledger *ledger,
                                                hsmiam_rotation_record_fn take, void *context,
                                                hsmiam_error *error) HSMIAM_MUST_USE;

#endif
