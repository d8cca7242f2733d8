/* SPDX-License-Identifier: Apache-2.0 */
/* Everything between "IAM returned a secret" and "the token holds it, and it is proven". */
#ifndef HSMIAM_CUSTODY_CUSTODY_H
#define HSMIAM_CUSTODY_CUSTODY_H

#include "iam/operations.h"
#include "ledger/ledger.h"

#define HSMIAM_KEY_VALUE_PREFIX   "AWS4"
#define HSMIAM_SECRET_SIZE_MIN    16
#define HSMIAM_SECRET_SIZE_MAX    128
#define HSMIAM_KEY_VALUE_SIZE_MAX (HSMIAM_SECRET_SIZE_MAX + sizeof HSMIAM_KEY_VALUE_PREFIX)
#define HSMIAM_ROUTE_WORD_WRAPPED "wrapped" /* of a key that came so: the host proved nothing */
#define HSMIAM_ROOT_USER_LABEL    "<root_account>" /* as in IAM's credential report */

typedef struct hsmiam_issue_record hsmiam_issue_record;
typedef struct hsmiam_survey hsmiam_survey;

struct hsmiam_custody {
    hsmiam_token *token;
    hsmiam_import_route wanted;
    hsmiam_import_route route; /* what the rehearsal found to work; AUTO before */
    hsmiam_sigv4_route sigv4_wanted;
    hsmiam_sigv4_route sigv4; /* the same */
    bool forbid_plaintext;    /* create-object is no route */
    bool exportable;          /* new keys are */
    hsmiam_log log;
    hsmiam_ledger *ledger;                      /* NULL: no record is made */
    void (*sync)(void);                         /* of the file systems */
    hsmiam_ledger_watch *watch;                 /* of it, while a batch goes on; else NULL */
    hsmiam_rotation_watch *rotations;           /* likewise */
    void (*pause)(unsigned milliseconds);       /* while IAM learns of a new key */
    bool ledger_checked;                        /* it can be written to, and has our wrapping key */
    char wrapping_key[HSMIAM_FINGERPRINT_SIZE]; /* its fingerprint for the record, "" for none */
    hsmiam_custody *replicas[HSMIAM_REPLICAS_MAX]; /* over other tokens; borrowed */
    size_t replica_count;
    char replica_serials[HSMIAM_SERIALS_TEXT_MAX + 1]; /* for the record, parted by blanks */
    bool in_rotation;          /* the key that is made is that of a rotation, */
    uint64_t rotation_request; /* and approved with it; 0: nothing needed an approval then */
};

/* replicas.c ------------------------------------------------------------------------------------*/

/* The custody itself for 0, then its replicas, up to `replica_count`. */
hsmiam_custody *hsmiam_custody_get_place(const hsmiam_custody *custody, size_t index);

/* Makes the replicas ready, once the custody is. Statuses: as hsmiam_custody_prepare(). */
hsmiam_status hsmiam_custody_prepare_replicas(hsmiam_custody *custody,
                                              hsmiam_error *error) HSMIAM_MUST_USE;

/* The custody's own token for 0, then those of replicas whose serials are in a list, parted by
 * blanks (NULL: of all); NULL at their end. */
hsmiam_token *hsmiam_custody_get_token(const hsmiam_custody *custody, size_t index,
                                       const char *serials);

/* Opens all of them. */
hsmiam_status hsmiam_custody_open_tokens(const hsmiam_custody *custody,
                                         hsmiam_error *error) HSMIAM_MUST_USE;

/* Who of those tokens holds a key. */
typedef struct hsmiam_holders {
    size_t tokens; /* that were asked */
    size_t count;  /* of those that hold it */
    hsmiam_token *first;
} hsmiam_holders;

hsmiam_status hsmiam_custody_find_holders(const hsmiam_custody *custody, const char *serials,
                                          const char *id, hsmiam_holders *holders_out,
                                          hsmiam_error *error) HSMIAM_MUST_USE;

/* Destroys the key in a token, or in each of those tokens, where it is there. `label` NULL:
 * whatever its label is. */
hsmiam_status hsmiam_token_destroy_access_key(hsmiam_token *token, const char *id,
                                              const char *label,
                                              hsmiam_error *error) HSMIAM_MUST_USE;
hsmiam_status hsmiam_custody_destroy_key(const hsmiam_custody *custody, const char *serials,
                                         const char *id, const char *label,
                                         hsmiam_error *error) HSMIAM_MUST_USE;

/* The code name of a rotation's NOT_FOUND for a user who has no key to replace. */
#define HSMIAM_NO_ACTIVE_KEY "NoActiveKey"

/* custody.c -------------------------------------------------------------------------------------*/

/* Makes the secret that takes a key's value, "AWS4" already in it. */
hsmiam_status hsmiam_custody_new_value(hsmiam_secret **value_out,
                                       hsmiam_error *error) HSMIAM_MUST_USE;

/* Adds what the ledger is told of how a key goes in: by which wrapping key, and whether it can be
 * exported. Borrows from the custody, which is prepared. */
void hsmiam_custody_describe_key(const hsmiam_custody *custody, hsmiam_ledger_facts *facts);

/* Where a token is software, whose files nobody synced, syncs the file systems. */
void hsmiam_custody_make_durable(const hsmiam_custody *custody);

/* choose.c --------------------------------------------------------------------------------------*/

/* "rsa-oaep"; "" for AUTO. Static. */
const char *hsmiam_custody_name_route(hsmiam_import_route route);

/* take.c ----------------------------------------------------------------------------------------*/

/* Takes a random value in by a route, proves it, and destroys it; it lives in the session only. */
hsmiam_status hsmiam_custody_rehearse(hsmiam_custody *custody, hsmiam_import_route route,
                                      bool in_token, hsmiam_error *error) HSMIAM_MUST_USE;

/* Brings the value into the token and proves it; what cannot be proven is destroyed again. The
 * custody is prepared. Statuses: EXISTS, CUSTODY, TOKEN, UNSUPPORTED. */
hsmiam_status hsmiam_custody_take(hsmiam_custody *custody, const hsmiam_key_spec *spec,
                                  const hsmiam_secret *value, hsmiam_error *error) HSMIAM_MUST_USE;

/* The same for a value that lives in the session only, and its object: a key that signs from there.
 */
hsmiam_status hsmiam_custody_take_session(hsmiam_custody *custody, const hsmiam_key_spec *spec,
                                          const hsmiam_secret *value, hsmiam_object *object_out,
                                          hsmiam_error *error) HSMIAM_MUST_USE;

/* Proves that the token holds `value` as `key`: both compute the same HMAC of a fresh nonce.
 * CUSTODY if not. */
hsmiam_status hsmiam_custody_prove(hsmiam_token *token, hsmiam_object key, bool in_token,
                                   const hsmiam_secret *value, hsmiam_error *error) HSMIAM_MUST_USE;

/* Makes a random value of an access key's usual size. */
hsmiam_status hsmiam_custody_new_random(hsmiam_secret **value_out,
                                        hsmiam_error *error) HSMIAM_MUST_USE;

/* import.c --------------------------------------------------------------------------------------*/

/* Takes a key that is not on record out of the token again, and says what came of that. */
void hsmiam_import_take_back(hsmiam_custody *custody, const char *id, const char *label,
                             hsmiam_error *error);

/* access_key.c ----------------------------------------------------------------------------------*/

/* Makes the record of a key that the custody's token holds as `spec` says. */
hsmiam_status hsmiam_access_key_new(const hsmiam_custody *custody, const hsmiam_key_metadata *key,
                                    const hsmiam_key_spec *spec, hsmiam_access_key **key_out,
                                    hsmiam_error *error) HSMIAM_MUST_USE;

/* Says that it went in otherwise than the custody's route says; static. */
void hsmiam_access_key_set_route(hsmiam_access_key *key, const char *route);

/* preflight.c -----------------------------------------------------------------------------------*/

/* Signer and custody made ready on a thread of its own, while the caller connects to IAM. */
typedef struct hsmiam_preflight hsmiam_preflight;

/* What is ready, one after the other. */
typedef enum hsmiam_preflight_stage {
    HSMIAM_PREFLIGHT_NOTHING = 0,
    HSMIAM_PREFLIGHT_SIGNER, /* requests can be signed, without the token */
    HSMIAM_PREFLIGHT_CUSTODY /* the token has rehearsed an import */
} hsmiam_preflight_stage;

/* `survey` is filled when the last stage is reached. */
hsmiam_status hsmiam_preflight_start(const hsmiam_client *client, hsmiam_custody *custody,
                                     const char *user_name, hsmiam_survey *survey,
                                     hsmiam_preflight **preflight_out,
                                     hsmiam_error *error) HSMIAM_MUST_USE;

/* Waits until a stage is reached. If it will not be, the failure is told, at every call again. */
hsmiam_status hsmiam_preflight_wait(hsmiam_preflight *preflight, hsmiam_preflight_stage stage,
                                    hsmiam_error *error) HSMIAM_MUST_USE;

/* Waits and frees. */
void hsmiam_preflight_free(hsmiam_preflight **preflight);

/* compensate.c ----------------------------------------------------------------------------------*/

/* What is known of an issue that went wrong after its request had left. */
typedef struct hsmiam_mishap {
    hsmiam_client *client;
    const char *user_name;          /* as it was asked for; NULL: the signer's own user */
    const hsmiam_key_metadata *key; /* what the reply told, as far as it did */
    const hsmiam_key_list *before;  /* NULL: not known */
    hsmiam_result *result_out;      /* what it came to, for the record */
    hsmiam_issue_record *record;    /* with its intent; NULL: there is no ledger */
    hsmiam_custody *custody;        /* whose tokens must not hold what is deleted */
    bool *unsettled_out;            /* what is left to the ledger's rules, with its record */
} hsmiam_mishap;

/* Deletes the key at IAM if it is known to be ours and the answer was whole, names what may be ours
 * otherwise, and adds both facts to `error`, which holds why the issue failed. Returns the status
 * to end with. */
hsmiam_status hsmiam_mishap_compensate(const hsmiam_mishap *mishap, hsmiam_status cause,
                                       hsmiam_error *error) HSMIAM_MUST_USE;

/* Whether the list names the key. */
bool hsmiam_key_list_has(const hsmiam_key_list *list, const char *id);

/* recover.c -------------------------------------------------------------------------------------*/

/* Looks for one open intent. Statuses: of the ledger. */
hsmiam_status hsmiam_open_intent_look(hsmiam_custody *custody, uint64_t sequence,
                                      hsmiam_open_intent *intent_out, bool *found_out,
                                      hsmiam_error *error) HSMIAM_MUST_USE;

/* record.c --------------------------------------------------------------------------------------*/

/* One issue on its way through the ledger. Without a ledger, all of it does nothing. */
struct hsmiam_issue_record {
    hsmiam_ledger *ledger;
    hsmiam_ledger_facts facts;
    char endpoint[HSMIAM_ENDPOINT_SIZE];
    char keys_before[HSMIAM_ACCESS_KEYS_MAX * (HSMIAM_ACCESS_KEY_ID_MAX + 1) + 1];
    bool before_known;
    time_t iam_time;
    uint64_t intent; /* 0: none is recorded yet */
    char account[HSMIAM_ACCOUNT_MAX + 1];
};

/* What the ledger says of earlier, before an issue. */
struct hsmiam_survey {
    char account[HSMIAM_ACCOUNT_MAX + 1]; /* of the credential; "" if no record has it */
    bool has_open;                        /* an intent for the same user, and */
    uint64_t open;                        /* its number */
};

/* The signer is open, the custody prepared. Without a ledger, nothing is known. */
hsmiam_status hsmiam_issue_survey(const hsmiam_client *client, const hsmiam_custody *custody,
                                  const char *user_name, hsmiam_survey *survey_out,
                                  hsmiam_error *error) HSMIAM_MUST_USE;

/* What the lock is on: the user; NULL or "": that of whatever credential signs. */
const char *hsmiam_issue_get_subject(const char *user_name);

/* Waits until no other process works on the user's keys, and holds the lock on them then. Statuses:
 * UNSETTLED (another one has it for a minute), CANCELLED, those of hsmiam_user_lock_try(). */
hsmiam_status hsmiam_subject_wait_for_lock(const hsmiam_client *client, const hsmiam_ledger *ledger,
                                           const char *user_name, hsmiam_user_lock *lock,
                                           hsmiam_error *error) HSMIAM_MUST_USE;

/* Asks STS whom the client signs for, where it is good to know and nothing depends on it: what STS
 * does not tell in a few seconds is "". Statuses: CANCELLED, MEMORY. */
hsmiam_status hsmiam_subject_ask_caller(hsmiam_client *client, hsmiam_caller *caller_out,
                                        hsmiam_error *error) HSMIAM_MUST_USE;

/* Gathers what is known before the request. `before` may be NULL. The custody is prepared. */
hsmiam_status hsmiam_issue_record_init(hsmiam_issue_record *record, const hsmiam_client *client,
                                       const hsmiam_custody *custody, const char *account,
                                       const char *user_name, const hsmiam_key_list *before,
                                       hsmiam_error *error) HSMIAM_MUST_USE;

/* An hsmiam_before_send_fn: records the intent before the request leaves. */
hsmiam_status hsmiam_issue_record_intent(void *record, time_t request_time, hsmiam_error *error);

/* Records the outcome, if an intent was recorded. `key` is what IAM told of it, `code` the
 * service's error code, NULL for none. */
hsmiam_status hsmiam_issue_record_outcome(hsmiam_issue_record *record, hsmiam_result result,
                                          const hsmiam_key_metadata *key, const char *code,
                                          hsmiam_error *error) HSMIAM_MUST_USE;

#endif
