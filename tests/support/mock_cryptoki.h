/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PKCS#11 module for tests: slots and tokens as a test sets them, an object store, real HMAC,
 * RSA-OAEP and ECDSA by OpenSSL. Each of its calls is counted and can be made to fail, and it can
 * be as restricted, or lie, as tokens do. There is one per process, for one thread at a time.
 */
#ifndef HSMIAM_TESTS_MOCK_CRYPTOKI_H
#define HSMIAM_TESTS_MOCK_CRYPTOKI_H

#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MOCK_PIN       "mock-PIN-90210"
#define MOCK_SLOTS_MAX 20

/* The functions that it has. */
#define MOCK_FUNCTIONS(X)                                                                          \
    X(C_Initialize)                                                                                \
    X(C_Finalize)                                                                                  \
    X(C_GetInfo)                                                                                   \
    X(C_GetSlotList)                                                                               \
    X(C_GetSlotInfo)                                                                               \
    X(C_GetTokenInfo)                                                                              \
    X(C_GetMechanismList)                                                                          \
    X(C_GetMechanismInfo)                                                                          \
    X(C_OpenSession)                                                                               \
    X(C_CloseSession)                                                                              \
    X(C_GetSessionInfo)                                                                            \
    X(C_Login)                                                                                     \
    X(C_Logout)                                                                                    \
    X(C_CreateObject)                                                                              \
    X(C_DestroyObject)                                                                             \
    X(C_GetAttributeValue)                                                                         \
    X(C_FindObjectsInit)                                                                           \
    X(C_FindObjects)                                                                               \
    X(C_FindObjectsFinal)                                                                          \
    X(C_SignInit)                                                                                  \
    X(C_Sign)                                                                                      \
    X(C_EncryptInit)                                                                               \
    X(C_Encrypt)                                                                                   \
    X(C_GenerateKey)                                                                               \
    X(C_DeriveKey)                                                                                 \
    X(C_GenerateKeyPair)                                                                           \
    X(C_UnwrapKey)                                                                                 \
    X(C_WrapKey)

typedef enum mock_function {
#define MOCK_ENUMERATOR(name) MOCK_##name,
    MOCK_FUNCTIONS(MOCK_ENUMERATOR)
#undef MOCK_ENUMERATOR
        MOCK_FUNCTION_COUNT
} mock_function;

typedef struct mock_slot {
    CK_SLOT_ID id;
    bool empty; /* no token in it */
    CK_SLOT_INFO info;
    CK_TOKEN_INFO token;
    CK_ULONG mechanisms;
} mock_slot;

/* What a test may set and look at. */
typedef struct mock_state {
    CK_INFO info;
    mock_slot slots[MOCK_SLOTS_MAX];
    size_t slot_count;
    size_t slots_shown; /* what C_GetSlotList gives: as many as there were at its last NULL call */

    bool logged_in;    /* the user is, for all sessions */
    bool so_logged_in; /* the security officer is */

    CK_ATTRIBUTE_TYPE refused[8]; /* attributes that no template may have */
    size_t refused_count;
    CK_RV refusal;                      /* what such a template gets */
    CK_ATTRIBUTE_TYPE last_of_template; /* the last attribute of the last template that was taken */

    bool sha1_only;       /* OAEP with SHA-1 only, */
    CK_RV hash_refusal;   /* and what another hash gets */
    bool wants_value_len; /* an unwrap template must have CKA_VALUE_LEN */
    bool value_readable;  /* CKA_VALUE of secret keys can be read */
    bool wrong_hmac;      /* HMACs are computed with another key */
    CK_ULONG hmac_size;   /* bytes of an HMAC that C_Sign gives */
    CK_ULONG too_many;    /* C_FindObjects claims that many more than it was asked for */

    bool takes_pin_to_unwrap;       /* C_Login does, for CKA_ALWAYS_AUTHENTICATE */
    bool no_oaep;                   /* C_UnwrapKey does not know RSA-OAEP */
    bool refuses_value_len;         /* an unwrap template must not have CKA_VALUE_LEN */
    CK_MECHANISM_TYPE key_wraps[4]; /* the AES key wraps that it knows */
    size_t key_wrap_count;
    bool wraps_by_both;     /* C_WrapKey knows CKM_RSA_AES_KEY_WRAP */
    bool names_wraps;       /* C_GetMechanismInfo names all of them, known or not */
    CK_RV late_refusal;     /* what C_UnwrapKey says after it has done its work; CKR_OK: nothing */
    CK_KEY_TYPE wrong_type; /* a key type that no key may be imported as; 0: none, */
    CK_KEY_TYPE useless_type; /* or that C_SignInit and C_DeriveKey refuse */

    bool names_derivation; /* C_GetMechanismInfo knows CKM_SP800_108_FEEDBACK_KDF, */
    bool derives;          /* and C_DeriveKey does */
    bool limits;           /* CKA_ALLOWED_MECHANISMS is enforced, */
    bool limits_leak;      /* but not by C_DeriveKey */
    bool extracts;         /* C_DeriveKey knows CKM_EXTRACT_KEY_FROM_KEY, */
    bool concatenates;     /* and CKM_CONCATENATE_DATA_AND_BASE */
    bool useless_derive;   /* C_DeriveKey refuses keys that were imported */
    bool derives_openly;   /* derived keys are not sensitive, whatever was asked for */

    bool stops_at_unknown; /* C_GetAttributeValue does, and leaves what follows as it was */

    bool lies; /* C_GetAttributeValue tells something else of one attribute of new objects */
    CK_ATTRIBUTE_TYPE lies_about;

    char words[64]; /* C_Initialize's pReserved; it fails for "refuse" and "taken" */

    uintptr_t pin_on_stack; /* where the last C_Login left its PIN, on its stack */

    unsigned calls[MOCK_FUNCTION_COUNT];
    unsigned unwrapped_in_the_open; /* by a thread that takes signals, as sealed ones do not */
    unsigned unwrapped_by_rsa;      /* values that C_UnwrapKey got out, */
    unsigned unwrapped_by_aes;      /* by either */
} mock_state;

extern mock_state mock;

/* Forgets everything: then one slot holds one initialised token, empty, with the user PIN MOCK_PIN.
 */
void mock_reset(void);

/* The module, as hsmiam_token_set_modules() takes it. */
CK_FUNCTION_LIST **mock_get_modules(void);

/* "C_Login". */
const char *mock_get_name(mock_function function);

/* Lets one call of a function fail, counted from 1 on from now; 0: every call. */
void mock_fail(mock_function function, unsigned call, CK_RV rv);

/* Lets one call of a function, counted from 1 on from now, not come back before mock_release(). */
void mock_hang(mock_function function, unsigned call);

/* Lets every call take so long. */
void mock_slow(unsigned milliseconds);
void mock_release(void);

/* Forgets failures and counts; tokens and objects stay. */
void mock_stop_failing(void);

/* Adds a slot with a token as the first one's, but for its label and serial. */
mock_slot *mock_add_slot(const char *label, const char *serial);

/* Fills a fixed, space-padded PKCS#11 string. */
void mock_set_padded(unsigned char *field, size_t size, const char *text);

size_t mock_count_sessions(void);

/* Objects ---------------------------------------------------------------------------------------*/

/* Puts an object into the token. */
CK_OBJECT_HANDLE mock_add_object(const CK_ATTRIBUTE *attributes, size_t count);

/* An access key as hsmiam makes them; the value is "AWS4" and the secret. */
CK_OBJECT_HANDLE mock_add_access_key(const char *id, const char *label, const char *secret);

/* A wrapping key pair as hsmiam makes them, of 2048 bits, and its private half. */
CK_OBJECT_HANDLE mock_add_wrapping_pair(void);

/* The same for exportable keys, of another RSA key. */
CK_OBJECT_HANDLE mock_add_exportable_wrapping_pair(void);

/* A public EC key whose private half nobody has. */
CK_OBJECT_HANDLE mock_add_public_ec(const char *label);

/* The first object of a class, found by its CKA_ID or, if that is NULL, at all; 0: there is none.
 */
CK_OBJECT_HANDLE mock_find(CK_OBJECT_CLASS class, const char *id);
CK_OBJECT_HANDLE mock_find_labelled(CK_OBJECT_CLASS class, const char *label);

/* How many objects there are. */
size_t mock_count_objects(void);
size_t mock_count_session_objects(void);

/* An attribute as it was given to the token; NULL if it was not. */
const CK_ATTRIBUTE *mock_get_attribute(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);

/* A boolean of it: 0, 1, or -1 if it was not given. */
int mock_get_flag(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);
void mock_set_flag(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, bool value);
void mock_set_attribute(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, const void *value,
                        size_t size);

void mock_forget_attribute(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);

void mock_remove(CK_OBJECT_HANDLE object);

/* Whether an attribute of any object, CKA_VALUE of secret keys left out, contains the text. */
bool mock_attributes_contain(const char *text);

#endif
