/* SPDX-License-Identifier: Apache-2.0 */
/* The token as this layer sees it: PKCS#11 types and all. Not for the layers above. */
#ifndef HSMIAM_TOKEN_CRYPTOKI_H
#define HSMIAM_TOKEN_CRYPTOKI_H

#include "base/log.h"
#include "token/check.h"
#include "token/cryptoki3.h"
#include "token/watch.h"

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
    hsmiam_watch *watch;     /* is told what they are asked; may be NULL */
} hsmiam_modules;

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
    bool exportable;     /* and so are the values that go in by it */
} hsmiam_transport_key;

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
    pthread_mutex_t logging_in; /* held during a login: guards login_failed */
    pthread_mutex_t importing;  /* held while a key is imported: guards form and the keys below */
    bool open;
    bool closed;
    _Atomic bool read_only; /* a session that is opened later may find out */
    bool is_hardware;       /* its slot says so */

    char own_uri[512];
    char label[sizeof((CK_TOKEN_INFO *)0)->label + 1];
    char serial[sizeof((CK_TOKEN_INFO *)0)->serialNumber + 1];

    hsmiam_import_form form;
    hsmiam_import_form kept_form;   /* while a check tries others */
    hsmiam_object wrapping_keys[2]; /* by whether keys are exportable; found and checked;
                                       CK_INVALID_HANDLE before */
    hsmiam_object aes_key;          /* the same */
    unsigned keys_generation;       /* that of the sessions in which they were found */
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

/* refusal.c -------------------------------------------------------------------------------------*/

/* Tells a refusal from trouble. A code that is not known is trouble, a vendor's own is doubtful. */
hsmiam_verdict hsmiam_rv_judge(CK_RV rv);

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

#endif
