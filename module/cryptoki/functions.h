/* SPDX-License-Identifier: Apache-2.0 */
/* PKCS#11's functions: their names without C_, their parameters, and how these are passed on. */
#ifndef HSMIAM_CRYPTOKI_FUNCTIONS_H
#define HSMIAM_CRYPTOKI_FUNCTIONS_H

#include "cryptoki/cryptoki3.h"

/* Parameters that several have. */
#define HSMIAM_IN  (CK_SESSION_HANDLE session, unsigned char *in, CK_ULONG in_size)
#define HSMIAM_OUT (CK_SESSION_HANDLE session, unsigned char *out, CK_ULONG *out_size)
#define HSMIAM_IN_AND_OUT                                                                          \
    (CK_SESSION_HANDLE session, unsigned char *in, CK_ULONG in_size, unsigned char *out,           \
     CK_ULONG *out_size)
#define HSMIAM_KEY_USE   (CK_SESSION_HANDLE session, CK_MECHANISM * mechanism, CK_OBJECT_HANDLE key)
#define HSMIAM_PARAMETER (CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_size)
#define HSMIAM_MESSAGE                                                                             \
    (CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_size,                          \
     unsigned char *associated, CK_ULONG associated_size, unsigned char *in, CK_ULONG in_size,     \
     unsigned char *out, CK_ULONG *out_size)
#define HSMIAM_MESSAGE_BEGIN                                                                       \
    (CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_size,                          \
     unsigned char *associated, CK_ULONG associated_size)
#define HSMIAM_MESSAGE_NEXT                                                                        \
    (CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_size, unsigned char *in,       \
     CK_ULONG in_size, unsigned char *out, CK_ULONG *out_size, CK_FLAGS flags)
#define HSMIAM_MESSAGE_SIGN                                                                        \
    (CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_size, unsigned char *in,       \
     CK_ULONG in_size, unsigned char *out, CK_ULONG *out_size)
#define HSMIAM_MESSAGE_VERIFY                                                                      \
    (CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_size, unsigned char *in,       \
     CK_ULONG in_size, unsigned char *signature, CK_ULONG signature_size)

/* Those of 2.40 that go to the module behind as they come. */
#define HSMIAM_PASSED_ON(F)                                                                        \
    F(GetInfo, (CK_INFO * info), info)                                                             \
    F(GetSlotList, (unsigned char present, CK_SLOT_ID *list, CK_ULONG *count), present, list,      \
      count)                                                                                       \
    F(GetSlotInfo, (CK_SLOT_ID slot, CK_SLOT_INFO * info), slot, info)                             \
    F(GetTokenInfo, (CK_SLOT_ID slot, CK_TOKEN_INFO * info), slot, info)                           \
    F(InitToken, (CK_SLOT_ID slot, unsigned char *pin, CK_ULONG pin_size, unsigned char *label),   \
      slot, pin, pin_size, label)                                                                  \
    F(InitPIN, (CK_SESSION_HANDLE session, unsigned char *pin, CK_ULONG size), session, pin, size) \
    F(SetPIN,                                                                                      \
      (CK_SESSION_HANDLE session, unsigned char *old_pin, CK_ULONG old_size,                       \
       unsigned char *new_pin, CK_ULONG new_size),                                                 \
      session, old_pin, old_size, new_pin, new_size)                                               \
    F(GetSessionInfo, (CK_SESSION_HANDLE session, CK_SESSION_INFO * info), session, info)          \
    F(Login, (CK_SESSION_HANDLE session, CK_USER_TYPE user, unsigned char *pin, CK_ULONG size),    \
      session, user, pin, size)                                                                    \
    F(CreateObject,                                                                                \
      (CK_SESSION_HANDLE session, CK_ATTRIBUTE * template, CK_ULONG count,                         \
       CK_OBJECT_HANDLE * object),                                                                 \
      session, template, count, object)                                                            \
    F(CopyObject,                                                                                  \
      (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE * template,                \
       CK_ULONG count, CK_OBJECT_HANDLE * copy),                                                   \
      session, object, template, count, copy)                                                      \
    F(DestroyObject, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object), session, object)        \
    F(GetObjectSize, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ULONG * size),        \
      session, object, size)                                                                       \
    F(GetAttributeValue,                                                                           \
      (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE * template,                \
       CK_ULONG count),                                                                            \
      session, object, template, count)                                                            \
    F(SetAttributeValue,                                                                           \
      (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE * template,                \
       CK_ULONG count),                                                                            \
      session, object, template, count)                                                            \
    F(FindObjectsInit, (CK_SESSION_HANDLE session, CK_ATTRIBUTE * template, CK_ULONG count),       \
      session, template, count)                                                                    \
    F(FindObjects,                                                                                 \
      (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE * objects, CK_ULONG max, CK_ULONG * count),     \
      session, objects, max, count)                                                                \
    F(FindObjectsFinal, (CK_SESSION_HANDLE session), session)                                      \
    F(EncryptInit, HSMIAM_KEY_USE, session, mechanism, key)                                        \
    F(Encrypt, HSMIAM_IN_AND_OUT, session, in, in_size, out, out_size)                             \
    F(EncryptUpdate, HSMIAM_IN_AND_OUT, session, in, in_size, out, out_size)                       \
    F(EncryptFinal, HSMIAM_OUT, session, out, out_size)                                            \
    F(DecryptInit, HSMIAM_KEY_USE, session, mechanism, key)                                        \
    F(Decrypt, HSMIAM_IN_AND_OUT, session, in, in_size, out, out_size)                             \
    F(DecryptUpdate, HSMIAM_IN_AND_OUT, session, in, in_size, out, out_size)                       \
    F(DecryptFinal, HSMIAM_OUT, session, out, out_size)                                            \
    F(DigestInit, (CK_SESSION_HANDLE session, CK_MECHANISM * mechanism), session, mechanism)       \
    F(Digest, HSMIAM_IN_AND_OUT, session, in, in_size, out, out_size)                              \
    F(DigestUpdate, HSMIAM_IN, session, in, in_size)                                               \
    F(DigestKey, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key), session, key)                  \
    F(DigestFinal, HSMIAM_OUT, session, out, out_size)                                             \
    F(SignRecoverInit, HSMIAM_KEY_USE, session, mechanism, key)                                    \
    F(SignRecover, HSMIAM_IN_AND_OUT, session, in, in_size, out, out_size)                         \
    F(VerifyInit, HSMIAM_KEY_USE, session, mechanism, key)                                         \
    F(Verify,                                                                                      \
      (CK_SESSION_HANDLE session, unsigned char *data, CK_ULONG data_size,                         \
       unsigned char *signature, CK_ULONG signature_size),                                         \
      session, data, data_size, signature, signature_size)                                         \
    F(VerifyUpdate, HSMIAM_IN, session, in, in_size)                                               \
    F(VerifyFinal, HSMIAM_IN, session, in, in_size)                                                \
    F(VerifyRecoverInit, HSMIAM_KEY_USE, session, mechanism, key)                                  \
    F(VerifyRecover, HSMIAM_IN_AND_OUT, session, in, in_size, out, out_size)                       \
    F(DigestEncryptUpdate, HSMIAM_IN_AND_OUT, session, in, in_size, out, out_size)                 \
    F(DecryptDigestUpdate, HSMIAM_IN_AND_OUT, session, in, in_size, out, out_size)                 \
    F(DecryptVerifyUpdate, HSMIAM_IN_AND_OUT, session, in, in_size, out, out_size)                 \
    F(GenerateKeyPair,                                                                             \
      (CK_SESSION_HANDLE session, CK_MECHANISM * mechanism, CK_ATTRIBUTE * public_template,        \
       CK_ULONG public_count, CK_ATTRIBUTE * private_template, CK_ULONG private_count,             \
       CK_OBJECT_HANDLE * public_key, CK_OBJECT_HANDLE * private_key),                             \
      session, mechanism, public_template, public_count, private_template, private_count,          \
      public_key, private_key)                                                                     \
    F(WrapKey,                                                                                     \
      (CK_SESSION_HANDLE session, CK_MECHANISM * mechanism, CK_OBJECT_HANDLE wrapping,             \
       CK_OBJECT_HANDLE key, unsigned char *wrapped, CK_ULONG *wrapped_size),                      \
      session, mechanism, wrapping, key, wrapped, wrapped_size)                                    \
    F(UnwrapKey,                                                                                   \
      (CK_SESSION_HANDLE session, CK_MECHANISM * mechanism, CK_OBJECT_HANDLE unwrapping,           \
       unsigned char *wrapped, CK_ULONG wrapped_size, CK_ATTRIBUTE *template, CK_ULONG count,      \
       CK_OBJECT_HANDLE *key),                                                                     \
      session, mechanism, unwrapping, wrapped, wrapped_size, template, count, key)                 \
    F(DeriveKey,                                                                                   \
      (CK_SESSION_HANDLE session, CK_MECHANISM * mechanism, CK_OBJECT_HANDLE base,                 \
       CK_ATTRIBUTE * template, CK_ULONG count, CK_OBJECT_HANDLE * key),                           \
      session, mechanism, base, template, count, key)                                              \
    F(SeedRandom, HSMIAM_IN, session, in, in_size)                                                 \
    F(GenerateRandom, (CK_SESSION_HANDLE session, unsigned char *out, CK_ULONG size), session,     \
      out, size)                                                                                   \
    F(GetFunctionStatus, (CK_SESSION_HANDLE session), session)                                     \
    F(CancelFunction, (CK_SESSION_HANDLE session), session)                                        \
    F(WaitForSlotEvent, (CK_FLAGS flags, CK_SLOT_ID * slot, void *reserved), flags, slot, reserved)

/* Those of 2.40 that another function looks at first, which takes the list to pass them on to. */
#define HSMIAM_LOOKED_AT(F)                                                                        \
    F(GetMechanismList, hsmiam_mechanism_get_list,                                                 \
      (CK_SLOT_ID slot, CK_MECHANISM_TYPE * list, CK_ULONG * count), slot, list, count)            \
    F(GetMechanismInfo, hsmiam_mechanism_get_info,                                                 \
      (CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO * info), slot, type, info)       \
    F(GetOperationState, hsmiam_mechanism_get_operation_state, HSMIAM_OUT, session, out, out_size) \
    F(SetOperationState, hsmiam_mechanism_set_operation_state,                                     \
      (CK_SESSION_HANDLE session, unsigned char *state, CK_ULONG size,                             \
       CK_OBJECT_HANDLE encryption_key, CK_OBJECT_HANDLE authentication_key),                      \
      session, state, size, encryption_key, authentication_key)                                    \
    F(Logout, hsmiam_mechanism_logout, (CK_SESSION_HANDLE session), session)                       \
    F(SignInit, hsmiam_mechanism_sign_init, HSMIAM_KEY_USE, session, mechanism, key)               \
    F(Sign, hsmiam_mechanism_sign, HSMIAM_IN_AND_OUT, session, in, in_size, out, out_size)         \
    F(SignUpdate, hsmiam_mechanism_sign_update, HSMIAM_IN, session, in, in_size)                   \
    F(SignFinal, hsmiam_mechanism_sign_final, HSMIAM_OUT, session, out, out_size)                  \
    F(SignEncryptUpdate, hsmiam_mechanism_sign_encrypt_update, HSMIAM_IN_AND_OUT, session, in,     \
      in_size, out, out_size)                                                                      \
    F(GenerateKey, hsmiam_mechanism_generate_key,                                                  \
      (CK_SESSION_HANDLE session, CK_MECHANISM * mechanism, CK_ATTRIBUTE * template,               \
       CK_ULONG count, CK_OBJECT_HANDLE * key),                                                    \
      session, mechanism, template, count, key)                                                    \
    F(OpenSession, hsmiam_sessions_open,                                                           \
      (CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,                       \
       CK_SESSION_HANDLE *session),                                                                \
      slot, flags, application, notify, session)                                                   \
    F(CloseSession, hsmiam_sessions_close, (CK_SESSION_HANDLE session), session)                   \
    F(CloseAllSessions, hsmiam_sessions_close_all, (CK_SLOT_ID slot), slot)

/* Those of 3.0 that go to the module behind as they come. */
#define HSMIAM_PASSED_ON_3(F)                                                                      \
    F(LoginUser,                                                                                   \
      (CK_SESSION_HANDLE session, CK_USER_TYPE user, unsigned char *pin, CK_ULONG pin_size,        \
       unsigned char *name, CK_ULONG name_size),                                                   \
      session, user, pin, pin_size, name, name_size)                                               \
    F(MessageEncryptInit, HSMIAM_KEY_USE, session, mechanism, key)                                 \
    F(EncryptMessage, HSMIAM_MESSAGE, session, parameter, parameter_size, associated,              \
      associated_size, in, in_size, out, out_size)                                                 \
    F(EncryptMessageBegin, HSMIAM_MESSAGE_BEGIN, session, parameter, parameter_size, associated,   \
      associated_size)                                                                             \
    F(EncryptMessageNext, HSMIAM_MESSAGE_NEXT, session, parameter, parameter_size, in, in_size,    \
      out, out_size, flags)                                                                        \
    F(MessageEncryptFinal, (CK_SESSION_HANDLE session), session)                                   \
    F(MessageDecryptInit, HSMIAM_KEY_USE, session, mechanism, key)                                 \
    F(DecryptMessage, HSMIAM_MESSAGE, session, parameter, parameter_size, associated,              \
      associated_size, in, in_size, out, out_size)                                                 \
    F(DecryptMessageBegin, HSMIAM_MESSAGE_BEGIN, session, parameter, parameter_size, associated,   \
      associated_size)                                                                             \
    F(DecryptMessageNext, HSMIAM_MESSAGE_NEXT, session, parameter, parameter_size, in, in_size,    \
      out, out_size, flags)                                                                        \
    F(MessageDecryptFinal, (CK_SESSION_HANDLE session), session)                                   \
    F(MessageSignInit, HSMIAM_KEY_USE, session, mechanism, key)                                    \
    F(SignMessage, HSMIAM_MESSAGE_SIGN, session, parameter, parameter_size, in, in_size, out,      \
      out_size)                                                                                    \
    F(SignMessageBegin, HSMIAM_PARAMETER, session, parameter, parameter_size)                      \
    F(SignMessageNext, HSMIAM_MESSAGE_SIGN, session, parameter, parameter_size, in, in_size, out,  \
      out_size)                                                                                    \
    F(MessageSignFinal, (CK_SESSION_HANDLE session), session)                                      \
    F(MessageVerifyInit, HSMIAM_KEY_USE, session, mechanism, key)                                  \
    F(VerifyMessage, HSMIAM_MESSAGE_VERIFY, session, parameter, parameter_size, in, in_size,       \
      signature, signature_size)                                                                   \
    F(VerifyMessageBegin, HSMIAM_PARAMETER, session, parameter, parameter_size)                    \
    F(VerifyMessageNext, HSMIAM_MESSAGE_VERIFY, session, parameter, parameter_size, in, in_size,   \
      signature, signature_size)                                                                   \
    F(MessageVerifyFinal, (CK_SESSION_HANDLE session), session)

#endif
