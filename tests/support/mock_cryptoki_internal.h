/* SPDX-License-Identifier: Apache-2.0 */
/* What the two halves of the mock share. */
#ifndef HSMIAM_TESTS_MOCK_CRYPTOKI_INTERNAL_H
#define HSMIAM_TESTS_MOCK_CRYPTOKI_INTERNAL_H

#include "support/mock_cryptoki.h"

#define MOCK_OBJECTS_MAX 128

typedef struct mock_session {
    bool open;
    bool writable;

    bool searching;
    CK_OBJECT_HANDLE found[MOCK_OBJECTS_MAX];
    size_t found_count;
    size_t found_next;

    CK_OBJECT_HANDLE signing; /* CK_INVALID_HANDLE: no signature is under way */
    CK_MECHANISM_TYPE mechanism;
    bool may_sign;   /* the PIN was given for this signature, */
    bool may_unwrap; /* or for the next C_UnwrapKey */

    CK_OBJECT_HANDLE encrypting; /* the same of an encryption */
    CK_MECHANISM_TYPE encryption;
} mock_session;

/* Counts a call; what it must return at once, CKR_OK to go on. */
CK_RV mock_enter(mock_function function);

/* NULL if there is no such session. */
mock_session *mock_get_session(CK_SESSION_HANDLE handle);

void mock_forget_rsa_keys(void);
void mock_remove_all_objects(void);
void mock_remove_session_objects(CK_SESSION_HANDLE owner);

/* The functions of mock_cryptoki_objects.c. */
CK_RV mock_create_object(CK_SESSION_HANDLE handle, CK_ATTRIBUTE *template, CK_ULONG count,
                         CK_OBJECT_HANDLE *object_out);
CK_RV mock_destroy_object(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object);
CK_RV mock_get_attribute_value(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object,
                               CK_ATTRIBUTE *template, CK_ULONG count);
CK_RV mock_find_objects_init(CK_SESSION_HANDLE handle, CK_ATTRIBUTE *template, CK_ULONG count);
CK_RV mock_find_objects(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE *objects_out, CK_ULONG max,
                        CK_ULONG *count_out);
CK_RV mock_find_objects_final(CK_SESSION_HANDLE handle);

/* The functions of mock_cryptoki_keys.c. */
CK_RV mock_sign_init(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);
CK_RV mock_sign(CK_SESSION_HANDLE handle, unsigned char *data, CK_ULONG size,
                unsigned char *signature, CK_ULONG *signature_size);
CK_RV mock_generate_key_pair(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism,
                             CK_ATTRIBUTE *public_template, CK_ULONG public_count,
                             CK_ATTRIBUTE *private_template, CK_ULONG private_count,
                             CK_OBJECT_HANDLE *public_out, CK_OBJECT_HANDLE *private_out);
CK_RV mock_unwrap_key(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism,
                      CK_OBJECT_HANDLE unwrapping, unsigned char *wrapped, CK_ULONG wrapped_size,
                      CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *object_out);

/* The functions of mock_cryptoki_secret.c. */
CK_RV mock_wrap_key(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE recipient,
                    CK_OBJECT_HANDLE key, unsigned char *wrapped, CK_ULONG *wrapped_size);
CK_RV mock_get_mechanism_info(CK_SLOT_ID id, CK_MECHANISM_TYPE mechanism, CK_MECHANISM_INFO *info);
CK_RV mock_generate_key(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_ATTRIBUTE *template,
                        CK_ULONG count, CK_OBJECT_HANDLE *key_out);
CK_RV mock_derive_key(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE base,
                      CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *key_out);
CK_RV mock_encrypt_init(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);
CK_RV mock_encrypt(CK_SESSION_HANDLE handle, unsigned char *data, CK_ULONG size,
                   unsigned char *encrypted, CK_ULONG *encrypted_size);

/* Used by mock_cryptoki_keys.c: whether a key may be used by a mechanism, and AES key unwrap. */
bool mock_is_allowed(CK_OBJECT_HANDLE key, CK_MECHANISM_TYPE mechanism);
CK_RV mock_unwrap_aes(CK_OBJECT_HANDLE key, CK_MECHANISM_TYPE mechanism,
                      const unsigned char *wrapped, size_t wrapped_size, unsigned char *value,
                      size_t *value_size);

/* Used by mock_cryptoki_keys.c: makes an object of a template, after the refusals that were set. */
CK_RV mock_make_object(CK_SESSION_HANDLE handle, const CK_ATTRIBUTE *template, CK_ULONG count,
                       CK_OBJECT_HANDLE *object_out);
bool mock_is_type(CK_OBJECT_HANDLE object, CK_KEY_TYPE type); /* false for the type 0 */
CK_RV mock_check_template(const CK_ATTRIBUTE *template, CK_ULONG count);
void mock_attach_key(CK_OBJECT_HANDLE object, void *key); /* takes an EVP_PKEY */
void *mock_get_key(CK_OBJECT_HANDLE object);              /* borrows it; NULL */

#endif
