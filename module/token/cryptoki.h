/* SPDX-License-Identifier: Apache-2.0 */
/* The token as this layer sees it: PKCS#11 types and all. Not for the layers above. */
#ifndef HSMIAM_TOKEN_CRYPTOKI_H
#define HSMIAM_TOKEN_CRYPTOKI_H

#include "base/log.h"
#include "token/check.h"
#include "token/cryptoki3.h"

#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>
#include <pthread.h>

/* The PKCS#11 modules that are searched for the token. */
typedef struct hsmiam_modules {
    CK_FUNCTION_LIST **list; /* NULL-terminated */
    bool configured;         /* loaded by p11-kit's configuration, not by a path */
    bool given_words;        /* initialised by instance.c, not by p11-kit */
    bool borrowed;           /* handed in by hsmiam_token_set_modules(): not ours to release */
} hsmiam_modules;

/* The attributes that only harden a key: bits, of those that a token refused. */
typedef enum hsmiam_hardening {
    HSMIAM_HARDENING_COPYABLE = 1u << 0,
    HSMIAM_HARDENING_MODIFIABLE = 1u << 1,
    HSMIAM_HARDENING_UNWRAP_TEMPLATE = 1u << 2,
    HSMIAM_HARDENING_ALLOWED_MECHANISMS = 1u << 3
} hsmiam_hardening;

/* To do without what NSS's database has no column for. */
#define HSMIAM_HARDENING_STORABLE                                                                  \
    ((unsigned)HSMIAM_HARDENING_COPYABLE | (unsigned)HSMIAM_HARDENING_ALLOWED_MECHANISMS)

/* The form in which an import was last seen to work, so that the next one starts with it. */
typedef struct hsmiam_import_form {
    unsigned dropped;    /* what of hsmiam_hardening was refused */
    bool with_value_len; /* CKA_VALUE_LEN is wanted in an unwrap template */
    size_t key_type;     /* index into the key types of import.c */
    size_t oaep_hash;    /* index into the hashes of wrapping_key.c */
    size_t key_wrap;     /* index into the mechanisms of aes_key.c */

    /* of route rsa-oaep */
    bool transport_tried;  /* one was asked to try it */
    bool transport;        /* values are wrapped under a transport key, */
    size_t transport_wrap; /* by this one of the mechanisms of aes_key.c */
} hsmiam_import_form;

/* What values are wrapped under on route rsa-oaep, on both sides. */
typedef struct hsmiam_transport_key {
    hsmiam_secret *host_key; /* the host's copy; NULL: there is none */
    CK_OBJECT_HANDLE handle;
    unsigned generation; /* of the sessions with which it goes */
    size_t wrap;         /* the one mechanism that it is for */
} hsmiam_transport_key;

/* How long a token may take to answer. */
typedef struct hsmiam_watch hsmiam_watch;

/* The sessions on a token. */
typedef struct hsmiam_pool hsmiam_pool;

/* The objects of a token that the layers above know. */
typedef struct hsmiam_handles hsmiam_handles;

struct hsmiam_token {
    P11KitUri *uri;
    char *pin_source;
    hsmiam_secret *pin_value; /* the URI's; NULL if it has none */
    hsmiam_pin_fn ask_pin;
    void *ask_context;
    bool allow_final_try;
    bool wants_aes_key; /* provisioning makes it even if RSA-OAEP works */
    bool login_failed;  /* a PIN was refused: it is not tried again */
    hsmiam_log log;

    hsmiam_modules modules;
    CK_FUNCTION_LIST *functions; /* NULL until the slot is known */
    CK_SLOT_ID slot;
    CK_TOKEN_INFO info;
    CK_SLOT_INFO slot_info;
    CK_INFO module_info;
    hsmiam_pool *pool;          /* the sessions; never NULL */
    hsmiam_handles *handles;    /* the objects that were handed out; never NULL */
    pthread_mutex_t opening;    /* held while the token is opened */
    pthread_mutex_t logging_in; /* held during a login: guards kept_pin and login_failed */
    pthread_mutex_t importing;  /* held while a key is imported: guards form and the keys below */
    hsmiam_secret *kept_pin;    /* the one that a person gave, for a login after a loss */
    bool open;
    bool closed;
    bool read_only;
    bool is_hardware; /* its slot says so */

    char own_uri[512];
    char label[sizeof((CK_TOKEN_INFO *)0)->label + 1];
    char serial[sizeof((CK_TOKEN_INFO *)0)->serialNumber + 1];

    hsmiam_import_form form;
    hsmiam_import_form kept_form; /* while a check tries others */
    hsmiam_object wrapping_key;   /* found and checked; CK_INVALID_HANDLE before */
    hsmiam_object aes_key;        /* the same */
    unsigned keys_generation;     /* that of the sessions in which they were found */
    hsmiam_transport_key transport;

    _Atomic hsmiam_in_token in_token; /* what was found out about the token */
    _Atomic bool derived_unlimited;   /* a derived key may not be given CKA_ALLOWED_MECHANISMS */
};

/* rv.c ------------------------------------------------------------------------------------------*/

/* "CKR_PIN_INCORRECT", or "CKR_0x..." for a code without a name here; the buffer is used for that.
 */
const char *hsmiam_rv_get_name(CK_RV rv, char buffer[32]);

/* What a guarded call that did not come back in time returns. */
#define HSMIAM_RV_NO_ANSWER (CKR_VENDOR_DEFINED | 0x4e4f414eUL)

/* A failed PKCS#11 call on a session as an error, and noted as a loss if it is one: "Token "label":
 * <function> failed: <reason> (CKR_...)." */
hsmiam_status hsmiam_rv_set_error(const hsmiam_token *token, CK_RV rv, const char *function,
                                  hsmiam_error *error);

/* Whether it says that the session, the login or the token is gone, or of no use any more: opening
 * the token anew may help. */
bool hsmiam_rv_is_loss(CK_RV rv);

/* instance.c ------------------------------------------------------------------------------------*/

/* Initialises a module that p11-kit does not manage, unless that was done in this process, with
 * `words` for pReserved. CKR_CRYPTOKI_ALREADY_INITIALIZED: we did it before, with other words. */
CK_RV hsmiam_instance_acquire(CK_FUNCTION_LIST *functions, const char *words);
/* Finalises it after the last of its users, if it was initialised here. */
void hsmiam_instance_release(CK_FUNCTION_LIST *functions);

/* module.c --------------------------------------------------------------------------------------*/

/* Loads and initialises the modules that the URI names, or all of p11-kit's configuration. */
hsmiam_status hsmiam_modules_load(hsmiam_modules *modules, const P11KitUri *uri,
                                  hsmiam_error *error) HSMIAM_MUST_USE;
void hsmiam_modules_release(hsmiam_modules *modules);

/* Forgets the modules without finalising or unloading them: a thread is still in one, or this is a
 * forked child, where they were never initialised. */
void hsmiam_modules_leave(hsmiam_modules *modules);

/* Whether a module is the one that the URI's module-name means (RFC 7512, 2.3). */
bool hsmiam_module_has_name(const char *configured_name, const char *filename, const char *wanted);

/* For tests: functions to use instead of loading modules; NULL-terminated, borrowed, initialised.
 */
void hsmiam_token_set_modules(hsmiam_token *token, CK_FUNCTION_LIST **list);

/* slot.c ----------------------------------------------------------------------------------------*/

/* Finds the one slot whose token the URI names, and sets functions, slot and info. */
hsmiam_status hsmiam_slot_find(hsmiam_token *token, hsmiam_error *error) HSMIAM_MUST_USE;

/* pin.c -----------------------------------------------------------------------------------------*/

#define HSMIAM_PIN_SIZE_MAX 255
/* With a line end, and one byte more to know that there is more. */
#define HSMIAM_PIN_ROOM (HSMIAM_PIN_SIZE_MAX + 3)

/* Appends the PIN from a named source to `pin`, which is empty and has HSMIAM_PIN_ROOM. */
hsmiam_status hsmiam_pin_read(const char *source, hsmiam_secret *pin,
                              hsmiam_error *error) HSMIAM_MUST_USE;

/* pool.c ----------------------------------------------------------------------------------------*/

/* A session, lent to one thread. */
typedef struct hsmiam_session {
    CK_FUNCTION_LIST *functions; /* what to call, */
    CK_SESSION_HANDLE handle;    /* and its first argument; */
    CK_SLOT_ID slot;             /* or this, for calls on the slot */
    unsigned generation;         /* counts the losses before it was opened: object handles are good
                                  * among sessions of one generation */
} hsmiam_session;

/* Borrows a session for calls that belong together (C_SignInit and C_Sign). Opens one, or waits for
 * one, or opens the token anew after a loss, as need be. A thread that holds one gets the same one
 * again, so that whoever keeps object handles from one call to the next borrows one around both.
 * Handles, those of session objects too, are good in every session until a loss, for none is closed
 * before that.
 * Statuses: TOKEN (used after a fork; did not answer before), those of hsmiam_token_open(). */
hsmiam_status hsmiam_session_borrow(const hsmiam_token *token, hsmiam_session **session_out,
                                    hsmiam_error *error) HSMIAM_MUST_USE;

/* Gives it back, with the result of the call that failed, or CKR_OK: what says that the session,
 * the login or the token is gone, is a loss. */
void hsmiam_session_return(const hsmiam_token *token, hsmiam_session **session, CK_RV rv);

/* The same of a session that this thread keeps, if it has one. hsmiam_rv_set_error() does it. */
void hsmiam_session_note(const hsmiam_token *token, CK_RV rv);

/* For operations that are safe to repeat, which are done once more after a loss:
 *     hsmiam_retry retry = hsmiam_retry_start(token);
 *     do
 *         status = once(...);
 *     while (hsmiam_retry_again(&retry, status, error)); */
typedef struct hsmiam_retry {
    const hsmiam_token *token;
    unsigned generation;
    bool done;
} hsmiam_retry;

hsmiam_retry hsmiam_retry_start(const hsmiam_token *token);
bool hsmiam_retry_again(hsmiam_retry *retry, hsmiam_status status, hsmiam_error *error);

hsmiam_pool *hsmiam_pool_new(hsmiam_token *token);

/* Leaves the pool, and with it what `last` frees, to the thread that was left in finding or
 * unloading the module. False if there is none, or it is back. */
bool hsmiam_pool_leave(hsmiam_pool *pool, void (*last)(void *argument), void *argument);

/* Closes the sessions and unloads the modules, as far as that can be done: not in a forked child,
 * and not where a thread is in one for good. */
void hsmiam_pool_close(hsmiam_pool *pool);
void hsmiam_pool_free(hsmiam_pool **pool);

/* Before the token is opened. */
void hsmiam_pool_set_timeout(hsmiam_pool *pool, unsigned seconds);

/* Whether the token did not answer in time: its module is not called again. */
bool hsmiam_pool_is_silent(hsmiam_pool *pool);
hsmiam_status hsmiam_pool_set_silent_error(hsmiam_pool *pool, hsmiam_error *error);

/* Whether the process that opened it, or tried to, is this one's parent. */
bool hsmiam_pool_is_forked(const hsmiam_pool *pool);

/* Refuses the use of a token in a forked child (TOKEN), and of one that was closed (ARGUMENT).
 * Takes no lock. */
hsmiam_status hsmiam_pool_check_use(const hsmiam_pool *pool, hsmiam_error *error) HSMIAM_MUST_USE;

/* The module's own functions, without a guard: not to be called on a session. */
CK_FUNCTION_LIST *hsmiam_pool_get_functions(const hsmiam_pool *pool);

/* The number of the slot. */
CK_SLOT_ID hsmiam_pool_get_slot(const hsmiam_pool *pool);

/* Whether a thread was left in finding or unloading the module, which uses pool, token and URI. */
bool hsmiam_pool_is_left(const hsmiam_pool *pool);

/* Loads the modules, if that is not done yet, and finds the slot, within the time-out. */
hsmiam_status hsmiam_pool_search(hsmiam_pool *pool, hsmiam_token *found,
                                 hsmiam_error *error) HSMIAM_MUST_USE;

/* Opens the first session and logs in; the slot is known. */
hsmiam_status hsmiam_pool_open(hsmiam_pool *pool, hsmiam_error *error) HSMIAM_MUST_USE;

/* handle.c --------------------------------------------------------------------------------------*/

/* After a loss, handles mean nothing any more, or another object. What was handed out to the layers
 * above is good all the same: a key is found again by its CKA_ID. What lived in the session only
 * went with it. */

/* Remembers a key that is handed out, by its CKA_ID, or NULL for a session object, and returns what
 * to hand out for it. */
hsmiam_status hsmiam_object_remember(hsmiam_token *token, const hsmiam_session *session,
                                     CK_OBJECT_HANDLE handle, const char *id,
                                     hsmiam_object *object_out,
                                     hsmiam_error *error) HSMIAM_MUST_USE;

/* Its handle in a session that the caller holds. Statuses: NOT_FOUND (also: it went with its
 * session), AMBIGUOUS, those of a search. */
hsmiam_status hsmiam_object_resolve(hsmiam_token *token, const hsmiam_session *session,
                                    hsmiam_object object, CK_OBJECT_HANDLE *handle_out,
                                    hsmiam_error *error) HSMIAM_MUST_USE;

/* It was destroyed. */
void hsmiam_object_forget(hsmiam_token *token, hsmiam_object object);

hsmiam_handles *hsmiam_handles_new(void);
void hsmiam_handles_free(hsmiam_handles **handles);

/* session.c -------------------------------------------------------------------------------------*/

/* Opens a session, read-only if the token cannot be written to. */
CK_RV hsmiam_session_open(hsmiam_token *token, CK_FUNCTION_LIST *functions, CK_SLOT_ID slot,
                          CK_SESSION_HANDLE *handle_out);

/* Logs the user in, if the token wants that and he is not yet. `info` is what the token says now.
 */
hsmiam_status hsmiam_session_log_in(hsmiam_token *token, const hsmiam_session *session,
                                    const CK_TOKEN_INFO *info, hsmiam_error *error) HSMIAM_MUST_USE;

/* Gives the PIN to a key that wants it for what was just begun with it (CKA_ALWAYS_AUTHENTICATE).
 */
hsmiam_status hsmiam_session_log_in_to_key(hsmiam_token *token, const hsmiam_session *session,
                                           hsmiam_error *error) HSMIAM_MUST_USE;

/* What is to be signed; the names are for messages. */
typedef struct hsmiam_signature {
    CK_MECHANISM_TYPE mechanism;
    const char *init_name;
    const char *name;
    CK_OBJECT_HANDLE key;
    const void *data;
    size_t size;
} hsmiam_signature;

/* C_SignInit and C_Sign, with the PIN between them for a key that wants it for each use. `*size` is
 * the room at `to`, then what was written. `*rv_out` is for hsmiam_session_return(). object.c. */
hsmiam_status hsmiam_session_sign(hsmiam_token *token, const hsmiam_session *session,
                                  const hsmiam_signature *wanted, uint8_t *to, CK_ULONG *size,
                                  CK_RV *rv_out, hsmiam_error *error) HSMIAM_MUST_USE;

/* Whether the session is there, and the user logged in. */
bool hsmiam_session_is_logged_in(const hsmiam_session *session);

/* attribute.c -----------------------------------------------------------------------------------*/

/* Copies a fixed, space-padded PKCS#11 string. `size` counts the field; `to` has size + 1 bytes. */
void hsmiam_attribute_copy_padded(char *to, const unsigned char *field, size_t size);

/* What a boolean attribute must be. */
typedef struct hsmiam_bool_rule {
    CK_ATTRIBUTE_TYPE type;
    const char *name;
    bool value;
} hsmiam_bool_rule;

#define HSMIAM_BOOL_RULES_MAX 16

/* Holds an object against rules, all in one call to the token if it can, for each call may cost it
 * a file or a network. An attribute that the token does not know keeps a rule only if it is a usage
 * that must be false. `*broken_out` is the first rule that is broken, NULL if all are kept. */
hsmiam_status hsmiam_attribute_check_bools(const hsmiam_token *token, hsmiam_object object,
                                           const hsmiam_bool_rule *rules, size_t count,
                                           const hsmiam_bool_rule **broken_out,
                                           hsmiam_error *error) HSMIAM_MUST_USE;

/* C_GetAttributeValue in a borrowed session; its result goes to `rv_out`. */
hsmiam_status hsmiam_attribute_read(const hsmiam_token *token, CK_OBJECT_HANDLE object,
                                    CK_ATTRIBUTE *attributes, CK_ULONG count, CK_RV *rv_out,
                                    hsmiam_error *error) HSMIAM_MUST_USE;

/* Reads bytes: at most `*size_inout` of them, whose number it becomes. UNSUPPORTED if the object
 * has no such attribute or it is longer. `name` is for the message. */
hsmiam_status hsmiam_attribute_get_bytes(const hsmiam_token *token, hsmiam_object object,
                                         CK_ATTRIBUTE_TYPE type, const char *name, void *bytes_out,
                                         size_t *size_inout, hsmiam_error *error) HSMIAM_MUST_USE;

/* refusal.c -------------------------------------------------------------------------------------*/

/* Tells a refusal from trouble. A code that is not known is trouble, a vendor's own is doubtful. */
hsmiam_verdict hsmiam_rv_judge(CK_RV rv);

/* object.c --------------------------------------------------------------------------------------*/

#define HSMIAM_OBJECTS_MAX 64

/* Finds the objects that match a template: up to HSMIAM_OBJECTS_MAX, `*count_out` of them; more are
 * an AMBIGUOUS error. */
hsmiam_status hsmiam_objects_find(hsmiam_token *token, CK_ATTRIBUTE *template, CK_ULONG attributes,
                                  hsmiam_object *objects_out, size_t *count_out,
                                  hsmiam_error *error) HSMIAM_MUST_USE;

/* Tells whether a template was refused for what it holds, so that a plainer one may be tried. */
bool hsmiam_rv_is_template_refusal(CK_RV rv);

/* What a token is asked for first: everything, but for NSS what it can store. What it cannot, it
 * does not refuse as it should but by CKR_GENERAL_ERROR, after which its FIPS mode does nothing
 * more. */
unsigned hsmiam_hardening_start(const CK_TOKEN_INFO *info);

/* Goes on to the next set of attributes to do without, from few to many; false if there is none.
 * No token tells which of them it does not know. */
bool hsmiam_hardening_drop(unsigned *dropped, bool has_unwrap_template);

/* After a failed attempt to make an object: whether to try again, in the same form or with less in
 * the template. Some tokens refuse what they cannot store by CKR_GENERAL_ERROR, which others may
 * mean otherwise: after a doubtful answer, the caller has seen to it that nothing was made, and the
 * same is tried once more before anything is dropped. `*doubted` is false at the beginning. */
bool hsmiam_hardening_retry(CK_RV rv, bool has_unwrap_template, unsigned *dropped, bool *doubted);

/* Whether an attribute is still asked for. */
bool hsmiam_hardening_has(unsigned dropped, hsmiam_hardening attribute);

/* import.c --------------------------------------------------------------------------------------*/

/* Forgets the keys of the token that were found for imports; the next one looks again. */
void hsmiam_import_forget_keys(hsmiam_token *token);

/* hsmiam_token_import_key() within one session, without a second try after its loss.
 * `*attempted_out` is set once the token was asked to take the value in. */
hsmiam_status hsmiam_import_key_once(hsmiam_token *token, const hsmiam_session *session,
                                     hsmiam_import_route route, const hsmiam_key_spec *spec,
                                     const hsmiam_secret *value, bool *attempted_out,
                                     CK_OBJECT_HANDLE *handle_out,
                                     hsmiam_error *error) HSMIAM_MUST_USE;

/* Imports a session object in one form, and in no other: see hsmiam_import_trial. The caller has
 * resolved `key`, CK_INVALID_HANDLE for the route's own. */
hsmiam_status hsmiam_import_try_once(hsmiam_token *token, const hsmiam_session *session,
                                     const hsmiam_import_trial *trial, CK_OBJECT_HANDLE key,
                                     const hsmiam_secret *value, CK_OBJECT_HANDLE *handle_out,
                                     hsmiam_error *error) HSMIAM_MUST_USE;

/* uri.c -----------------------------------------------------------------------------------------*/

/* Parses a URI. The message of a failure does not repeat it, for it may hold a PIN. */
hsmiam_status hsmiam_uri_parse(const char *text, P11KitUri **uri_out,
                               hsmiam_error *error) HSMIAM_MUST_USE;

/* Moves pin-value, if there is one, into secret memory and wipes it where it was. */
hsmiam_status hsmiam_uri_take_pin_value(P11KitUri *uri, hsmiam_secret **pin_out,
                                        hsmiam_error *error) HSMIAM_MUST_USE;

/* Wipes what may be secret and frees. */
void hsmiam_uri_free(P11KitUri **uri);

/* Writes the URI without its PIN attributes, for messages. */
void hsmiam_uri_describe(P11KitUri *uri, hsmiam_buffer *text);

/* Appends the URI of the token, or, with attributes, of an object in it. */
hsmiam_status hsmiam_uri_format(const CK_TOKEN_INFO *info, const CK_ATTRIBUTE *attributes,
                                CK_ULONG count, hsmiam_buffer *text,
                                hsmiam_error *error) HSMIAM_MUST_USE;

/* key_pair.c ------------------------------------------------------------------------------------*/

/* What a key pair of ours is for, and what its private half may do. */
typedef struct hsmiam_pair_spec {
    const char *purpose;
    const char *label;
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

/* Makes the key, for token->form.transport_wrap, unless it is there. The token's own answer goes to
 * `*rv_out`, for another form may be tried then. */
hsmiam_status hsmiam_transport_key_make(hsmiam_token *token, const hsmiam_session *session,
                                        CK_RV *rv_out, hsmiam_error *error) HSMIAM_MUST_USE;

/* Wraps `value` on the host, filled up to what the mechanism takes, and appends it to `wrapped`. */
hsmiam_status hsmiam_transport_key_wrap(const hsmiam_token *token, const hsmiam_secret *value,
                                        hsmiam_secret *wrapped, size_t *padded_size_out,
                                        hsmiam_error *error) HSMIAM_MUST_USE;

/* Goes on to the next mechanism that the token names; false, and no transport any more, if there is
 * none. */
bool hsmiam_transport_key_next(hsmiam_token *token, const hsmiam_session *session);

/* Destroys the key on both sides. */
void hsmiam_transport_key_drop(hsmiam_token *token);

/* fingerprint.c ---------------------------------------------------------------------------------*/

/* Writes the SHA-256 of a private key's SubjectPublicKeyInfo, 64 hex digits and a NUL. An EC key
 * signs a nonce, to tell the public half that belongs to it from planted ones. */
hsmiam_status hsmiam_pair_get_fingerprint(hsmiam_token *token, const hsmiam_pair_spec *spec,
                                          hsmiam_object private_key, char fingerprint_out[65],
                                          hsmiam_error *error) HSMIAM_MUST_USE;

#endif
