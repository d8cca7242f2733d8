/* SPDX-License-Identifier: Apache-2.0 */
/* What a check of the token asks it, and tries in it. Whatever is made lives in the session. */
#ifndef HSMIAM_TOKEN_CHECK_H
#define HSMIAM_TOKEN_CHECK_H

#include "token/token.h"

/* How the objects of a check are called. */
#define HSMIAM_CHECK_LABEL "hsmiam-check"

/* Where the facts go. */
typedef struct hsmiam_check_report {
    hsmiam_fact_fn tell;
    void *context;
} hsmiam_check_report;

/* Tells a fact whose strings may be NULL, for "". */
void hsmiam_check_tell(const hsmiam_check_report *report, hsmiam_fact fact);

/* check.c ---------------------------------------------------------------------------------------*/

/* What the token says of itself and of its PIN. It need not be open; if not even its slot is known,
 * there is nothing to tell. */
void hsmiam_check_tell_token(const hsmiam_token *token, const hsmiam_check_report *report);

/* Sessions, memory, and how many access keys there are. */
void hsmiam_check_tell_capacity(hsmiam_token *token, const hsmiam_check_report *report);

/* Counts what lives in the session, by class of object. */
#define HSMIAM_CHECK_CLASSES 3
hsmiam_status hsmiam_check_count_objects(hsmiam_token *token,
                                         size_t counts_out[HSMIAM_CHECK_CLASSES],
                                         hsmiam_error *error) HSMIAM_MUST_USE;

/* Tells of each object that there is more of now. */
hsmiam_status hsmiam_check_tell_leftovers(hsmiam_token *token,
                                          const size_t before[HSMIAM_CHECK_CLASSES],
                                          const hsmiam_check_report *report,
                                          hsmiam_error *error) HSMIAM_MUST_USE;

/* check_keys.c ----------------------------------------------------------------------------------*/

/* The keys that provisioning looks after, and which of them it would make: with the AES key where
 * RSA-OAEP does not work and AES does. True if one of them is that which imports are wrapped by. */
bool hsmiam_check_tell_keys(hsmiam_token *token, bool wants_aes_key,
                            const hsmiam_check_report *report);

/* check_mechanisms.c ----------------------------------------------------------------------------*/

/* The mechanisms that matter. */
typedef enum hsmiam_check_mechanism {
    HSMIAM_CHECK_HMAC = 0,
    HSMIAM_CHECK_OAEP,
    HSMIAM_CHECK_KEY_WRAP_KWP,
    HSMIAM_CHECK_KEY_WRAP_PAD,
    HSMIAM_CHECK_KEY_WRAP,
    HSMIAM_CHECK_FEEDBACK_KDF,
    HSMIAM_CHECK_CONCATENATE,
    HSMIAM_CHECK_ECDSA,
    HSMIAM_CHECK_GENERATE_RSA,
    HSMIAM_CHECK_GENERATE_EC,
    HSMIAM_CHECK_GENERATE_AES,
    HSMIAM_CHECK_GENERATE_SECRET
} hsmiam_check_mechanism;

/* What the token says of a mechanism: YES, NO, or UNTRIED if it does not answer. */
hsmiam_finding hsmiam_check_is_told(hsmiam_token *token, hsmiam_check_mechanism which);

/* Tells of a mechanism what `status` and `error` of its trial say. `variant` goes behind its name,
 * or is NULL. */
void hsmiam_check_tell_mechanism(hsmiam_token *token, hsmiam_check_mechanism which,
                                 const char *variant, hsmiam_status status,
                                 const hsmiam_error *error, const hsmiam_check_report *report);

/* check_trial.c ---------------------------------------------------------------------------------*/

/* Makes a secret key that may sign and derive, limited by CKA_ALLOWED_MECHANISMS to another
 * mechanism than CKM_SHA256_HMAC if it is to be `limited`. The maker destroys it. */
hsmiam_status hsmiam_check_make_secret(hsmiam_token *token, bool limited, hsmiam_object *key_out,
                                       hsmiam_error *error) HSMIAM_MUST_USE;

/* Makes an AES-256 key that may encrypt and unwrap. */
hsmiam_status hsmiam_check_make_aes(hsmiam_token *token, hsmiam_object *key_out,
                                    hsmiam_error *error) HSMIAM_MUST_USE;

/* Makes an RSA-3072 pair that may unwrap, and one of EC P-256 that may sign. */
hsmiam_status hsmiam_check_make_rsa(hsmiam_token *token, hsmiam_object *private_out,
                                    hsmiam_error *error) HSMIAM_MUST_USE;
hsmiam_status hsmiam_check_make_ec(hsmiam_token *token, hsmiam_object *private_out,
                                   hsmiam_error *error) HSMIAM_MUST_USE;

/* Signs with that EC key; with `prove`, a nonce, and holds the signature against the public half.
 */
hsmiam_status hsmiam_check_sign(hsmiam_token *token, hsmiam_object private_key, bool prove,
                                hsmiam_error *error) HSMIAM_MUST_USE;

/* Finds out what the token does of the in-token chain, though it may not name the mechanism. */
hsmiam_status hsmiam_check_probe_in_token(hsmiam_token *token, hsmiam_in_token *found_out,
                                          hsmiam_error *error) HSMIAM_MUST_USE;

/* Remembers in which form imports work, and returns to it after others were tried. */
void hsmiam_check_keep_form(hsmiam_token *token);
void hsmiam_check_restore_form(hsmiam_token *token);

/* Destroys an object of a check, if it is not 0 and that can be done. */
void hsmiam_check_drop(hsmiam_token *token, hsmiam_object object);

/* Destroys every object that has the label of a check. */
void hsmiam_check_clean_up(hsmiam_token *token);

/* import.c, import_again.c ----------------------------------------------------------------------*/

/* One form of an import, tried by itself: one mechanism of the route, or one type of key. */
typedef struct hsmiam_import_trial {
    hsmiam_import_route route;
    const hsmiam_key_spec *spec; /* not persistent */
    hsmiam_object key;           /* to wrap under; 0: the route's own */
    bool pins_key_type;
    size_t key_type;  /* then: which, and the mechanism is the one that works; */
    size_t mechanism; /* else: which hash of RSA-OAEP, or which of the AES key wraps */
} hsmiam_import_trial;

hsmiam_status hsmiam_token_import_trial(hsmiam_token *token, const hsmiam_import_trial *trial,
                                        const hsmiam_secret *value, hsmiam_object *object_out,
                                        hsmiam_error *error) HSMIAM_MUST_USE;

/* The types of keys that are tried, in their order; NULL behind the last. Static. */
const char *hsmiam_import_get_key_type_name(size_t index);

/* The hashes of RSA-OAEP that are tried, in their order; NULL behind the last. Static. */
const char *hsmiam_import_get_hash_name(size_t index);

#endif
