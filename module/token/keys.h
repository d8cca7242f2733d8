/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that the token itself has, and the imports that they are for. */
#ifndef HSMIAM_TOKEN_KEYS_H
#define HSMIAM_TOKEN_KEYS_H

#include "token/object.h"

/* key_pair.c ------------------------------------------------------------------------------------*/

/* What a key pair of ours is for, and what its private half may do. */
typedef struct hsmiam_pair_spec {
    const char *purpose;
    const char *label;
    const char *maker; /* the option of provision-token that makes it; NULL: none is needed */
    const char *algorithm;
    CK_KEY_TYPE key_type;
    CK_ATTRIBUTE_TYPE use; /* the one usage: CKA_UNWRAP or CKA_SIGN */
    CK_MECHANISM_TYPE mechanism;
    bool unwrap_template; /* what it unwraps must be sensitive and not extractable */
    bool trial;           /* it lives in the session only, and nobody is warned of it */
} hsmiam_pair_spec;

extern const hsmiam_pair_spec hsmiam_pair_wrapping;
extern const hsmiam_pair_spec hsmiam_pair_wrapping_exportable;
extern const hsmiam_pair_spec hsmiam_pair_audit;
extern const hsmiam_pair_spec hsmiam_pair_approver;

/* The one under which keys go in that are exportable, or those that are not. */
const hsmiam_pair_spec *hsmiam_pair_get_wrapping(bool exportable);

/* Finds the private half among the private objects, which nobody makes without a PIN. NOT_FOUND,
 * with the command that makes it, or AMBIGUOUS. */
hsmiam_status hsmiam_pair_find(hsmiam_token *token, const hsmiam_pair_spec *spec,
                               hsmiam_object *private_out, hsmiam_error *error) HSMIAM_MUST_USE;

/* Makes the pair in the token. */
hsmiam_status hsmiam_pair_generate(hsmiam_token *token, const hsmiam_pair_spec *spec,
                                   hsmiam_object *private_out, hsmiam_error *error) HSMIAM_MUST_USE;

/* Holds the private half against what it may do. CONFIG, naming what it allows beyond that. */
hsmiam_status hsmiam_pair_check(const hsmiam_token *token, const hsmiam_pair_spec *spec,
                                hsmiam_object private_key, hsmiam_error *error) HSMIAM_MUST_USE;

/* Whether the private half can be changed, and whether it is limited to its mechanism. */
hsmiam_status hsmiam_pair_read_softness(const hsmiam_token *token, const hsmiam_pair_spec *spec,
                                        hsmiam_object private_key, bool *fixed_out,
                                        bool *limited_out, hsmiam_error *error) HSMIAM_MUST_USE;

/* Says so in a NOTICE if it can, or is not. */
hsmiam_status hsmiam_pair_warn_if_soft(const hsmiam_token *token, const hsmiam_pair_spec *spec,
                                       hsmiam_object private_key,
                                       hsmiam_error *error) HSMIAM_MUST_USE;

/* fingerprint.c ---------------------------------------------------------------------------------*/

/* Writes the SHA-256 of a private key's SubjectPublicKeyInfo, 64 hex digits and a NUL. An EC key
 * signs a nonce, to tell the public half that belongs to it from planted ones. */
hsmiam_status hsmiam_pair_get_fingerprint(hsmiam_token *token, const hsmiam_pair_spec *spec,
                                          hsmiam_object private_key, char fingerprint_out[65],
                                          hsmiam_error *error) HSMIAM_MUST_USE;

/* wrapping_key.c --------------------------------------------------------------------------------*/

/* An OAEP hash with everything that PKCS#11 and OpenSSL call it. */
typedef struct hsmiam_oaep_hash {
    const char *name;
    CK_MECHANISM_TYPE mechanism;
    CK_RSA_PKCS_MGF_TYPE mgf;
} hsmiam_oaep_hash;

/* In the order of preference. */
extern const hsmiam_oaep_hash hsmiam_oaep_hashes[];
extern const size_t hsmiam_oaep_hash_count;

/* The hash of that name; NULL if there is none. */
const hsmiam_oaep_hash *hsmiam_oaep_hash_find(const char *name);

/* The bytes of a wrapping key's modulus, which is what it encrypts to. */
hsmiam_status hsmiam_wrapping_key_get_size(const hsmiam_token *token, hsmiam_object private_key,
                                           size_t *size_out, hsmiam_error *error) HSMIAM_MUST_USE;

/* Encrypts `value` to a wrapping key, whose modulus and exponent are read from its private half (a
 * public object can be planted without logging in), and appends the ciphertext to `wrapped`. */
hsmiam_status hsmiam_wrapping_key_encrypt(const hsmiam_token *token, hsmiam_object private_key,
                                          const hsmiam_oaep_hash *hash, const hsmiam_secret *value,
                                          hsmiam_secret *wrapped,
                                          hsmiam_error *error) HSMIAM_MUST_USE;

/* aes_key.c -------------------------------------------------------------------------------------*/

extern const char hsmiam_aes_key_label[];

/* A mechanism that wraps by AES: RFC 5649 by each of its numbers, then RFC 3394. */
typedef struct hsmiam_key_wrap {
    const char *name;
    CK_MECHANISM_TYPE mechanism;
    bool whole_blocks; /* it takes multiples of 8 bytes only */
} hsmiam_key_wrap;

/* In the order of preference. */
extern const hsmiam_key_wrap hsmiam_key_wraps[];
extern const size_t hsmiam_key_wrap_count;

/* Finds the key. NOT_FOUND, with the command that makes it, or AMBIGUOUS. */
hsmiam_status hsmiam_aes_key_find(hsmiam_token *token, hsmiam_object *key_out,
                                  hsmiam_error *error) HSMIAM_MUST_USE;

/* Holds the key against what it may do. CONFIG, naming what it allows beyond that. */
hsmiam_status hsmiam_aes_key_check(const hsmiam_token *token, hsmiam_object key,
                                   hsmiam_error *error) HSMIAM_MUST_USE;

/* Makes the key in the token. */
hsmiam_status hsmiam_aes_key_generate(hsmiam_token *token, hsmiam_object *key_out,
                                      hsmiam_error *error) HSMIAM_MUST_USE;

/* Lets the token encrypt `value`, filled up to what the mechanism takes, and appends the result to
 * `wrapped`. The token's own answer goes to `*rv_out`, for another mechanism may be tried then. */
hsmiam_status hsmiam_aes_key_encrypt(const hsmiam_token *token, const hsmiam_session *session,
                                     CK_OBJECT_HANDLE key, const hsmiam_key_wrap *wrap,
                                     const hsmiam_secret *value, hsmiam_secret *wrapped,
                                     size_t *padded_size_out, CK_RV *rv_out,
                                     hsmiam_error *error) HSMIAM_MUST_USE;

/* What is to be wrapped: `value` itself, or a copy of it in `*padded`, filled up by zeros, where
 * the mechanism wants whole blocks. The caller frees `*padded`, which is NULL before. */
hsmiam_status hsmiam_key_wrap_pad(const hsmiam_token *token, const hsmiam_key_wrap *wrap,
                                  const hsmiam_secret *value, hsmiam_secret **padded,
                                  const hsmiam_secret **whole_out,
                                  hsmiam_error *error) HSMIAM_MUST_USE;

/* transport_key.c -------------------------------------------------------------------------------*/

/* All under the lock that guards token->form. */

/* Makes the key, for token->form.transport_wrap, unless it is there: by the wrapping key for values
 * that are `exportable` or not. The token's own answer goes to `*rv_out`, for another form may be
 * tried then. */
hsmiam_status hsmiam_transport_key_make(hsmiam_token *token, const hsmiam_session *session,
                                        bool exportable, CK_RV *rv_out,
                                        hsmiam_error *error) HSMIAM_MUST_USE;

/* Lets the token unwrap an AES key, which lives in the session, may unwrap by the one mechanism and
 * nothing else, and is the caller's to destroy. */
hsmiam_status hsmiam_transport_key_unwrap(hsmiam_token *token, const hsmiam_session *session,
                                          CK_OBJECT_HANDLE wrapping_key,
                                          const hsmiam_oaep_hash *hash, CK_MECHANISM_TYPE mechanism,
                                          const hsmiam_secret *wrapped,
                                          CK_OBJECT_HANDLE *handle_out, CK_RV *rv_out,
                                          hsmiam_error *error) HSMIAM_MUST_USE;

/* Wraps `value` on the host, filled up to what the mechanism takes, and appends it to `wrapped`. */
hsmiam_status hsmiam_transport_key_wrap(const hsmiam_token *token, const hsmiam_secret *value,
                                        hsmiam_secret *wrapped, size_t *padded_size_out,
                                        hsmiam_error *error) HSMIAM_MUST_USE;

/* Goes on to the next mechanism that the token names; false, and no transport any more, if there is
 * none. */
bool hsmiam_transport_key_next(hsmiam_token *token, const hsmiam_session *session);

/* Destroys the key on both sides. */
void hsmiam_transport_key_drop(hsmiam_token *token);

/* import_route.c --------------------------------------------------------------------------------*/

/* Finds and checks the route's key, unless that was done in this generation of sessions, and keeps
 * it in the token. Under the lock that guards token->form. NOT_FOUND, with the command that makes
 * the key, AMBIGUOUS or CONFIG. */
hsmiam_status hsmiam_import_prepare_route(hsmiam_token *token, const hsmiam_session *session,
                                          hsmiam_import_route route, bool exportable,
                                          hsmiam_error *error) HSMIAM_MUST_USE;

/* Forgets the keys of the token that were found for imports; the next one looks again. */
void hsmiam_import_forget_keys(hsmiam_token *token);

/* import.c --------------------------------------------------------------------------------------*/

/* What goes in: a value, or one that came wrapped, by route rsa-oaep then. */
typedef struct hsmiam_import_source {
    const hsmiam_secret *value;
    const hsmiam_wrapped_value *wrapped; /* NULL: `value` */
} hsmiam_import_source;

/* hsmiam_token_import_key() within one session, without a second try after its loss.
 * `*attempted_out` is set once the token was asked to take the value in. */
hsmiam_status hsmiam_import_key_once(hsmiam_token *token, const hsmiam_session *session,
                                     hsmiam_import_route route, const hsmiam_key_spec *spec,
                                     const hsmiam_import_source *source, bool *attempted_out,
                                     CK_OBJECT_HANDLE *handle_out,
                                     hsmiam_error *error) HSMIAM_MUST_USE;

/* Imports a session object in one form, and in no other: see hsmiam_import_trial. The caller has
 * resolved `key`, CK_INVALID_HANDLE for the route's own. */
hsmiam_status hsmiam_import_try_once(hsmiam_token *token, const hsmiam_session *session,
                                     const hsmiam_import_trial *trial, CK_OBJECT_HANDLE key,
                                     const hsmiam_secret *value, CK_OBJECT_HANDLE *handle_out,
                                     hsmiam_error *error) HSMIAM_MUST_USE;

#endif
