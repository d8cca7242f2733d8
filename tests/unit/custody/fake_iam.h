/* SPDX-License-Identifier: Apache-2.0 */
/* An IAM in place of module/iam: it holds users' keys, deletes only what is the user's, and answers
 * as a test tells it to. What it was asked is counted. */
#ifndef HSMIAM_TESTS_CUSTODY_FAKE_IAM_H
#define HSMIAM_TESTS_CUSTODY_FAKE_IAM_H

#include "iam/credentials.h"

#define FAKE_KEYS_MAX              8
#define FAKE_SESSION_ID            "ASIASESSIONSESSION01"
#define FAKE_SESSION_TOKEN         "session/token=="
#define FAKE_SESSION_TOKEN_ESCAPED "session%2Ftoken%3D%3D"

typedef struct fake_key {
    char user_name[HSMIAM_USER_NAME_MAX + 1];
    const char *id;
    bool is_inactive;
    time_t create_date;
    time_t last_used; /* 0: never */
} fake_key;

/* How it answers: HSMIAM_OK, or this failure with this code. */
typedef struct fake_answer {
    hsmiam_status status;
    const char *code;
} fake_answer;

struct hsmiam_client {
    hsmiam_signer *signer;
    hsmiam_log log;
    hsmiam_ready_fn ready;
    void *ready_context;
    hsmiam_before_send_fn before_send;
    void *before_send_context;
    hsmiam_cancel_fn cancel; /* NULL: nothing stops it */
    void *cancel_context;
    hsmiam_pace *pace;

    const char *own_user; /* the user of the signing key; "" for the root user */
    fake_key keys[FAKE_KEYS_MAX];
    size_t key_count;

    fake_answer list_before; /* to ListAccessKeys before CreateAccessKey was asked, */
    fake_answer list_after;  /* and after it */
    fake_answer create;
    fake_answer update;
    fake_answer delete;
    fake_answer usage;
    fake_answer caller;
    fake_answer users;
    fake_answer session;                             /* to GetSessionToken, */
    char mfa[64];                                    /* and how it was asked for */
    char mfa_asked_by[HSMIAM_ACCESS_KEY_ID_MAX + 1]; /* whose key signed that */
    fake_answer other_caller;                        /* to GetCallerIdentity by another signer */
    const char *account;                             /* NULL: 123456789012 */
    const char *other_account;                       /* that of another signer; NULL: the same */

    const char *new_id; /* what CreateAccessKey makes */
    const char *new_secret;
    bool makes_nothing;      /* CreateAccessKey makes no key, whatever it answers */
    bool names_key;          /* a failing answer to CreateAccessKey got as far as the id */
    const char *answered_id; /* what its answer says instead; NULL: the truth */
    const char *answered_user;
    void (*on_create)(hsmiam_client *client); /* called when it has made the key; may be NULL */

    time_t service_time; /* IAM's clock, which signs too; 0: no answer told it yet */

    bool perhaps_executed; /* an attempt before the answer was */

    bool asks_as_other; /* another signer than the client's own signed GetCallerIdentity */
    unsigned callers;
    unsigned lists;
    bool may_cancel; /* the last list */
    unsigned creates;
    unsigned updates;
    bool updated_as_other; /* the last one */
    unsigned deletes;
    bool deleted_for_nobody; /* the last deletion named no user */
    char deleted_id[HSMIAM_ACCESS_KEY_ID_MAX + 1];
    char deleted_user[HSMIAM_USER_NAME_MAX + 1];
};

/* What its errors say is about the time of the request. */
extern bool fake_iam_blames_the_clock;

void fake_iam_add_key(hsmiam_client *client, const char *user_name, const char *id);
void fake_iam_remove_key(hsmiam_client *client, const char *id);
bool fake_iam_has_key(const hsmiam_client *client, const char *id);

#endif
