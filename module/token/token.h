/* SPDX-License-Identifier: Apache-2.0 */
/* What the layers above may do with an open token. No PKCS#11 type crosses this line. */
#ifndef HSMIAM_TOKEN_TOKEN_H
#define HSMIAM_TOKEN_TOKEN_H

#include "base/buffer.h"
#include "base/secret.h"

#define HSMIAM_HMAC_SIZE         32
#define HSMIAM_ACCESS_KEY_ID_MAX 128
#define HSMIAM_USER_NAME_MAX     128

/* An object in the token, valid while the token is open. */
typedef unsigned long hsmiam_object;

/* Whether IAM may have made such an id: 16 to 128 of [A-Za-z0-9_]. Whoever takes an id from outside
 * asks here. */
bool hsmiam_access_key_id_is_valid(const char *id, size_t size);

/* Whether the open token's slot is hardware (CKF_HW_SLOT), by its own word. */
bool hsmiam_token_is_hardware(const hsmiam_token *token);

/* Whether a time-out is set, for which each session has a thread of its own. */
bool hsmiam_token_has_timeout(const hsmiam_token *token);

/* How often the token, its session or its login was lost and opened again. */
unsigned hsmiam_token_count_losses(const hsmiam_token *token);

/* Finds the one access key (a secret key whose CKA_ID is an access key id) that the object, id and
 * type attributes of `key_uri` choose; NULL, or a URI without them: the only one there is. Its
 * CKA_ID goes to `id_out`.
 * Statuses: ARGUMENT, NOT_FOUND, AMBIGUOUS, UNSUPPORTED (it may neither sign nor derive), TOKEN. */
hsmiam_status hsmiam_token_find_access_key(hsmiam_token *token, const char *key_uri,
                                           hsmiam_object *object_out,
                                           char id_out[HSMIAM_ACCESS_KEY_ID_MAX + 1],
                                           hsmiam_error *error) HSMIAM_MUST_USE;

/* Counts the secret keys whose CKA_ID is `id`. */
hsmiam_status hsmiam_token_count_access_keys(hsmiam_token *token, const char *id, size_t *count_out,
                                             hsmiam_error *error) HSMIAM_MUST_USE;

/* An access key that the token holds. */
typedef struct hsmiam_held_key {
    char id[HSMIAM_ACCESS_KEY_ID_MAX + 1];
    char label[HSMIAM_USER_NAME_MAX + 1];
    bool is_extractable; /* also if the token does not tell */
    bool is_seen;        /* the caller's own mark */
} hsmiam_held_key;

/* Lists the private secret keys whose CKA_ID is `id`, or with NULL, any access key id; ordered by
 * it. The caller frees the list, NULL if it is empty, by free(). The token is open. */
hsmiam_status hsmiam_token_list_access_keys(hsmiam_token *token, const char *id,
                                            hsmiam_held_key **keys_out, size_t *count_out,
                                            hsmiam_error *error) HSMIAM_MUST_USE;

/* Appends HMAC-SHA256(key, data), 32 bytes, to `mac`: C_Sign with CKM_SHA256_HMAC. */
hsmiam_status hsmiam_token_hmac(hsmiam_token *token, hsmiam_object key, const void *data,
                                size_t size, hsmiam_secret *mac,
                                hsmiam_error *error) HSMIAM_MUST_USE;

/* What a token was found to do of the in-token chain. */
typedef enum hsmiam_in_token {
    HSMIAM_IN_TOKEN_UNKNOWN = 0, /* not looked at yet */
    HSMIAM_IN_TOKEN_NO,          /* it does not derive */
    HSMIAM_IN_TOKEN_UNLIMITED,   /* it derives, but does not enforce CKA_ALLOWED_MECHANISMS */
    HSMIAM_IN_TOKEN_LIMITED      /* it derives, and enforces the limit */
} hsmiam_in_token;

/* Finds out what the token does by trying it with a random key that lives in the session; once. A
 * token that does not name the mechanism is tried only if one `insists`. */
hsmiam_status hsmiam_token_probe_in_token(hsmiam_token *token, bool insists,
                                          hsmiam_in_token *found_out,
                                          hsmiam_error *error) HSMIAM_MUST_USE;

/* What an access key may be used for. */
typedef struct hsmiam_key_use {
    bool sign;
    bool derive;
} hsmiam_key_use;

hsmiam_status hsmiam_token_get_key_use(hsmiam_token *token, hsmiam_object key,
                                       hsmiam_key_use *use_out,
                                       hsmiam_error *error) HSMIAM_MUST_USE;

/* Derives HMAC-SHA256(base, data) inside the token, as a sensitive session object that can only
 * derive or, if it is the `last` of a chain, only sign. It is there until it is destroyed.
 * Statuses: UNSUPPORTED, TOKEN. */
hsmiam_status hsmiam_token_derive_hmac(hsmiam_token *token, hsmiam_object base, const void *data,
                                       size_t size, bool last, hsmiam_object *derived_out,
                                       hsmiam_error *error) HSMIAM_MUST_USE;

/* The same for the key whose value is `prefix` and behind it that of `base`. */
hsmiam_status hsmiam_token_derive_prefixed(hsmiam_token *token, hsmiam_object base,
                                           const char *prefix, bool signs,
                                           hsmiam_object *derived_out,
                                           hsmiam_error *error) HSMIAM_MUST_USE;

/* What a failure says of the token. */
typedef enum hsmiam_verdict {
    HSMIAM_VERDICT_FAILED,  /* trouble, which may pass: it says nothing of what the token can do */
    HSMIAM_VERDICT_CANNOT,  /* the token does not do that */
    HSMIAM_VERDICT_DOUBTFUL /* some tokens mean the one by it, some the other */
} hsmiam_verdict;

/* A failed call's status and error record, which is not NULL, tell. */
hsmiam_verdict hsmiam_token_judge(hsmiam_status status, const hsmiam_error *error);

/* Whether a call failed because an object that it was given is not there any more. */
bool hsmiam_token_lost_object(const hsmiam_error *error);

/* Whether a call failed because the object has no value that the mechanism takes: SoftHSM makes an
 * object attribute by attribute, and when it is killed meanwhile half of it remains. */
bool hsmiam_token_refused_key(const hsmiam_error *error);

/* What an access key is in the token (design: private, sensitive, one usage, and not extractable
 * unless it is to be exported). */
typedef struct hsmiam_key_spec {
    const char *id;    /* CKA_ID: the access key id */
    const char *label; /* CKA_LABEL: the user name */
    time_t created;    /* CKA_START_DATE is its UTC day */
    bool persistent;   /* CKA_TOKEN: false for a rehearsal */
    bool in_token;     /* keys are derived from it; false: it signs */
    bool exportable;   /* the token may hand it out, wrapped */
    size_t value_size; /* of its value, as it is read back: no padding; 0: not looked at */
} hsmiam_key_spec;

/* Finds and checks the key of the token that a route needs for keys that are `exportable` or not;
 * import finds it by itself. What fails here says nothing of what the token can do, but for
 * NOT_FOUND. Statuses: NOT_FOUND, AMBIGUOUS, CONFIG (it allows more than it may), TOKEN. */
hsmiam_status hsmiam_token_prepare_route(hsmiam_token *token, hsmiam_import_route route,
                                         bool exportable, hsmiam_error *error) HSMIAM_MUST_USE;

/* Lets imports by rsa-oaep wrap values under a transport key from now on, if the token can unwrap
 * by AES: it takes in the key by RSA-OAEP once, and each value by AES. Where that turns out not to
 * work, values are encrypted by RSA-OAEP themselves. Safe to call again. */
hsmiam_status hsmiam_token_start_transport(hsmiam_token *token,
                                           hsmiam_error *error) HSMIAM_MUST_USE;

/* Destroys the transport key on both sides; the next import by it makes another one. */
void hsmiam_token_end_transport(hsmiam_token *token);

/* Brings `value` ("AWS4" and the secret) into the token by one route, which must not be AUTO.
 * Statuses: UNSUPPORTED (the token does not know the route), TOKEN. */
hsmiam_status hsmiam_token_import_key(hsmiam_token *token, hsmiam_import_route route,
                                      const hsmiam_key_spec *spec, const hsmiam_secret *value,
                                      hsmiam_object *object_out,
                                      hsmiam_error *error) HSMIAM_MUST_USE;

/* A value that was wrapped elsewhere for a wrapping key of this token. */
typedef struct hsmiam_wrapped_value {
    const hsmiam_secret *bytes;
    bool to_exportable; /* to the public half of the pair for exportable keys */
    const char *hash;   /* of RSA-OAEP: "SHA256" or "SHA1" */
    bool by_aes;        /* what is wrapped so is an AES key, and behind it stands the value, wrapped
                           under that by RFC 5649 (CKM_RSA_AES_KEY_WRAP) */
} hsmiam_wrapped_value;

/* Lets the token unwrap it into a key of `spec`: the host sees nothing of it. Statuses: as
 * hsmiam_token_import_key(). */
hsmiam_status hsmiam_token_import_wrapped(hsmiam_token *token, const hsmiam_key_spec *spec,
                                          const hsmiam_wrapped_value *wrapped,
                                          hsmiam_object *object_out,
                                          hsmiam_error *error) HSMIAM_MUST_USE;

/* Tells whether a route works with a random value; UNSUPPORTED and the like are no failure here. */
hsmiam_status hsmiam_token_try_route(hsmiam_token *token, hsmiam_import_route route,
                                     bool *works_out, hsmiam_error *error) HSMIAM_MUST_USE;

/* After a rehearsal whose key came in but cannot be used: another form to import in. False if there
 * is none left. */
bool hsmiam_token_try_other_form(hsmiam_token *token, hsmiam_import_route route);

/* Reads the attributes back and holds them against `spec`. CUSTODY, naming the first that differs.
 */
hsmiam_status hsmiam_token_check_key(hsmiam_token *token, hsmiam_object key,
                                     const hsmiam_key_spec *spec,
                                     hsmiam_error *error) HSMIAM_MUST_USE;

/* Destroys an object. */
hsmiam_status hsmiam_token_destroy_object(hsmiam_token *token, hsmiam_object object,
                                          hsmiam_error *error) HSMIAM_MUST_USE;

/* Ends the use of an object that stays in the token: nothing more is kept about it here. */
void hsmiam_token_leave_object(hsmiam_token *token, hsmiam_object object);

#define HSMIAM_DIGEST_SIZE      32 /* SHA-256 */
#define HSMIAM_FINGERPRINT_SIZE 65 /* 64 hex digits and a NUL */
#define HSMIAM_PUBLIC_KEY_MAX   128
#define HSMIAM_SIGNATURE_MAX    80

/* The audit key of a token, ready to sign. */
typedef struct hsmiam_audit_key {
    unsigned long object; /* the private half, */
    unsigned generation;  /* as the sessions of one generation call it */
    char fingerprint[HSMIAM_FINGERPRINT_SIZE];
    uint8_t public_key[HSMIAM_PUBLIC_KEY_MAX]; /* SubjectPublicKeyInfo, DER */
    size_t public_key_size;
    bool is_approvers; /* it signs approvals, not a ledger */
    bool wants_proof;
    bool proven; /* that the public half is this private half's */
} hsmiam_audit_key;

/* Finds the audit key and checks that it may sign and nothing else. With `prove`, or where there is
 * a choice of public halves, it proves its own by a signature; else `proven` may be false, and the
 * first signature that is made must be verified by the public half. Opens the token if need be.
 * Statuses: NOT_FOUND (`hsmiam provision-token` makes it), AMBIGUOUS, CONFIG, TOKEN, those of
 * hsmiam_token_open(). */
hsmiam_status hsmiam_token_find_audit_key(hsmiam_token *token, bool prove,
                                          hsmiam_audit_key *key_out,
                                          hsmiam_error *error) HSMIAM_MUST_USE;

/* The same of the token's approver key. */
hsmiam_status hsmiam_token_find_approver_key(hsmiam_token *token, hsmiam_audit_key *key_out,
                                             hsmiam_error *error) HSMIAM_MUST_USE;

/* ECDSA over a digest, as DER: `*size_out` bytes. After a loss of the token the key is found again;
 * CONFIG if it is another one. */
hsmiam_status hsmiam_token_sign_digest(hsmiam_token *token, hsmiam_audit_key *key,
                                       const uint8_t digest[HSMIAM_DIGEST_SIZE],
                                       uint8_t signature_out[HSMIAM_SIGNATURE_MAX],
                                       size_t *size_out, hsmiam_error *error) HSMIAM_MUST_USE;

/* The fingerprint of the open token's wrapping key, the one for keys that are `exportable` or the
 * other. NOT_FOUND if it has none. */
hsmiam_status hsmiam_token_get_wrapping_fingerprint(hsmiam_token *token, bool exportable,
                                                    char fingerprint_out[HSMIAM_FINGERPRINT_SIZE],
                                                    hsmiam_error *error) HSMIAM_MUST_USE;

/* Appends the PKCS#11 URI of an access key in this token to `uri`. */
hsmiam_status hsmiam_token_format_key_uri(hsmiam_token *token, const char *id, const char *label,
                                          hsmiam_buffer *uri, hsmiam_error *error) HSMIAM_MUST_USE;

#endif
