/* SPDX-License-Identifier: Apache-2.0 */
/* Replacing a key by a new one (design: rotate): what the parts of it share. */
#ifndef HSMIAM_CUSTODY_ROTATE_H
#define HSMIAM_CUSTODY_ROTATE_H

#include "custody/custody.h"
#include "ledger/rotation.h"

#define HSMIAM_ROTATION_PROOFS  3
#define HSMIAM_ROTATION_SECONDS 120

/* rotate_rules.c --------------------------------------------------------------------------------*/

/* What is known before anything is done. */
typedef struct hsmiam_rotation_view {
    bool may_create; /* false: only what was begun is brought to its end */
    bool delete_old; /* as the caller wants it */
    bool delete_inactive;
    bool is_open;     /* the user's last rotation did not end, and */
    bool has_new;     /* its new key is in the token, or */
    bool is_deleting; /* a key was about to be deleted */
    bool has_retired; /* the user's last rotation ended, and IAM has its old key, inactive */
    size_t active;    /* keys that IAM lists */
    size_t inactive;
} hsmiam_rotation_view;

typedef enum hsmiam_rotation_action {
    HSMIAM_ROTATE_CREATE,   /* begin */
    HSMIAM_ROTATE_CLEAR,    /* the same, once the inactive keys are deleted */
    HSMIAM_ROTATE_CONTINUE, /* prove the new key, and go on from there */
    HSMIAM_ROTATE_DELETE,   /* delete the old key of what ended, or was about to */
    HSMIAM_ROTATE_ABANDON,  /* it came to no new key: that is put on record, and looked at anew */
    HSMIAM_ROTATE_END,      /* nothing is left to be done */
    HSMIAM_ROTATE_REFUSE_NONE,
    HSMIAM_ROTATE_REFUSE_TWO,
    HSMIAM_ROTATE_REFUSE_INACTIVE
} hsmiam_rotation_action;

/* The rules themselves. */
hsmiam_rotation_action hsmiam_rotation_decide(const hsmiam_rotation_view *view);

/* rotation.c ------------------------------------------------------------------------------------*/

struct hsmiam_rotation {
    hsmiam_access_key *key;
    char previous_id[HSMIAM_ACCESS_KEY_ID_MAX + 1];
    const char *previous_status; /* static */
    bool is_of_signer;
};

/* One rotation in work. */
typedef struct hsmiam_rotating {
    hsmiam_client *client;
    hsmiam_custody *custody;
    hsmiam_rotation_options options;
    bool may_create;
    char signer_id[HSMIAM_ACCESS_KEY_ID_MAX + 1]; /* the key that signs at first */
    bool signer_is_dead;                          /* IAM does not know it any more */
    char account[HSMIAM_ACCOUNT_MAX + 1];
    char user[HSMIAM_USER_NAME_MAX + 1]; /* "": the account's root user */
    const char *user_name;               /* the same as IAM is asked; NULL for "" */
    hsmiam_user_lock lock;
    const char *partition;
    char endpoint[HSMIAM_ENDPOINT_SIZE];
    hsmiam_rotation_record record; /* the user's last, or that which is in work */
    bool has_record;
    hsmiam_key_list list;
    hsmiam_signer *by_new; /* signs with the new key in the token; NULL: it is not there yet */
    bool signs_as_new;     /* it is the client's signer */
    hsmiam_signer *before; /* then: that which was */
    uint64_t request;      /* by which it is approved; 0: nothing needs an approval */
    hsmiam_rotation *made; /* what is handed out */
} hsmiam_rotating;

/* rotate_begin.c --------------------------------------------------------------------------------*/

/* Opens signer, custody and ledger; finds out whose key it is, takes the lock, and reads what the
 * ledger and IAM have of the user's keys. Statuses: those of hsmiam_access_key_rotate(). */
hsmiam_status hsmiam_rotating_begin(hsmiam_rotating *run, hsmiam_error *error) HSMIAM_MUST_USE;

/* Reads the ledger and IAM's list anew. */
hsmiam_status hsmiam_rotating_look(hsmiam_rotating *run, hsmiam_error *error) HSMIAM_MUST_USE;

/* Whether the token holds the key. */
hsmiam_status hsmiam_rotating_holds(const hsmiam_rotating *run, const char *id, bool *held_out,
                                    hsmiam_error *error) HSMIAM_MUST_USE;

/* Lets the new key sign, or not any more. */
hsmiam_status hsmiam_rotating_sign_as_new(hsmiam_rotating *run,
                                          hsmiam_error *error) HSMIAM_MUST_USE;
void hsmiam_rotating_sign_as_before(hsmiam_rotating *run);

/* rotate_steps.c --------------------------------------------------------------------------------*/

/* "alice", for a message. */
const char *hsmiam_rotating_name_user(const hsmiam_rotating *run);

/* Whether IAM refused since it does not know the key that signs. */
bool hsmiam_rotating_is_unknown_key(hsmiam_status status, const hsmiam_error *error);

/* Puts a step on record, or with BEGUN the beginning. */
hsmiam_status hsmiam_rotating_record(hsmiam_rotating *run, hsmiam_rotation_step step,
                                     const char *id, hsmiam_error *error) HSMIAM_MUST_USE;

/* Waits until IAM knows the new key, `record.new_id`. */
hsmiam_status hsmiam_rotating_prove(hsmiam_rotating *run, hsmiam_error *error) HSMIAM_MUST_USE;

/* Deactivates the old key. */
hsmiam_status hsmiam_rotating_deactivate(hsmiam_rotating *run, hsmiam_error *error) HSMIAM_MUST_USE;

/* Deletes a key at IAM and destroys its objects; `before` and `after` go on record. */
hsmiam_status hsmiam_rotating_delete(hsmiam_rotating *run, const char *id,
                                     hsmiam_rotation_step before, hsmiam_rotation_step after,
                                     hsmiam_error *error) HSMIAM_MUST_USE;

/* rotate_turns.c --------------------------------------------------------------------------------*/

/* Does what the rules say until a key is to be made (`*creates_out`), or nothing is left to do. */
hsmiam_status hsmiam_rotating_take_turns(hsmiam_rotating *run, bool *creates_out,
                                         hsmiam_error *error) HSMIAM_MUST_USE;

/* From the new key in the token on. */
hsmiam_status hsmiam_rotating_go_on(hsmiam_rotating *run, hsmiam_error *error) HSMIAM_MUST_USE;

/* rotate.c --------------------------------------------------------------------------------------*/

/* All of it. `run` has client, custody, options, and where that which is made goes; for `recover`,
 * account and user as well. `error` must not be NULL. */
hsmiam_status hsmiam_rotating_run(hsmiam_rotating *run, hsmiam_error *error) HSMIAM_MUST_USE;

/* rotate_recover.c ------------------------------------------------------------------------------*/

/* Brings all rotations that were interrupted to their end, without making a key, for
 * hsmiam_custody_recover(). `account` is the credential's, "" if that is not known. `*open_inout`
 * grows by those that are left. Statuses: of the ledger. */
hsmiam_status hsmiam_rotations_recover(hsmiam_client *client, hsmiam_custody *custody,
                                       const char *account, bool dry_run, hsmiam_recovery_fn report,
                                       void *context, size_t *open_inout,
                                       hsmiam_error *error) HSMIAM_MUST_USE;

#endif
