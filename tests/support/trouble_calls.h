/* SPDX-License-Identifier: Apache-2.0 */
/* Every function of PKCS#11 2.40 that a module which makes trouble passes on as it is:
 * TROUBLE_CALL(name, session, parameters, arguments). Included more than once. */

/* What several of them look like. */
#define SESSION(name) /* nothing but the session */                                                \
    TROUBLE_CALL(name, s, (CK_SESSION_HANDLE s), (s))
#define TAKES(name) /* takes bytes */                                                              \
    TROUBLE_CALL(name, s, (CK_SESSION_HANDLE s, unsigned char *data, CK_ULONG size),               \
                 (s, data, size))
#define GIVES(name) /* gives bytes */                                                              \
    TROUBLE_CALL(name, s, (CK_SESSION_HANDLE s, unsigned char *to, CK_ULONG *size), (s, to, size))
#define MAKES(name) /* makes bytes of bytes */                                                     \
    TROUBLE_CALL(name, s,                                                                          \
                 (CK_SESSION_HANDLE s, unsigned char *data, CK_ULONG size, unsigned char *to,      \
                  CK_ULONG *to_size),                                                              \
                 (s, data, size, to, to_size))
#define BEGINS(name) /* begins something with a key */                                             \
    TROUBLE_CALL(name, s, (CK_SESSION_HANDLE s, CK_MECHANISM * mechanism, CK_OBJECT_HANDLE key),   \
                 (s, mechanism, key))

TROUBLE_CALL(C_Initialize, 0, (void *arguments), (arguments))
TROUBLE_CALL(C_Finalize, 0, (void *reserved), (reserved))
TROUBLE_CALL(C_GetInfo, 0, (CK_INFO * info), (info))
TROUBLE_CALL(C_GetSlotList, 0, (unsigned char present, CK_SLOT_ID *list, CK_ULONG *count),
             (present, list, count))
TROUBLE_CALL(C_GetSlotInfo, 0, (CK_SLOT_ID slot, CK_SLOT_INFO *info), (slot, info))
TROUBLE_CALL(C_GetTokenInfo, 0, (CK_SLOT_ID slot, CK_TOKEN_INFO *info), (slot, info))
SESSION(C_CloseSession)
TROUBLE_CALL(C_GetSessionInfo, s, (CK_SESSION_HANDLE s, CK_SESSION_INFO *info), (s, info))
TROUBLE_CALL(C_Login, s,
             (CK_SESSION_HANDLE s, CK_USER_TYPE user, unsigned char *pin, CK_ULONG size),
             (s, user, pin, size))
TROUBLE_CALL(C_CreateObject, s,
             (CK_SESSION_HANDLE s, CK_ATTRIBUTE *template, CK_ULONG count,
              CK_OBJECT_HANDLE *object),
             (s, template, count, object))
TROUBLE_CALL(C_CopyObject, s,
             (CK_SESSION_HANDLE s, CK_OBJECT_HANDLE from, CK_ATTRIBUTE *template, CK_ULONG count,
              CK_OBJECT_HANDLE *object),
             (s, from, template, count, object))
TROUBLE_CALL(C_DestroyObject, s, (CK_SESSION_HANDLE s, CK_OBJECT_HANDLE object), (s, object))
TROUBLE_CALL(C_GetAttributeValue, s,
             (CK_SESSION_HANDLE s, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template, CK_ULONG count),
             (s, object, template, count))
TROUBLE_CALL(C_FindObjectsInit, s, (CK_SESSION_HANDLE s, CK_ATTRIBUTE *template, CK_ULONG count),
             (s, template, count))
TROUBLE_CALL(C_FindObjects, s,
             (CK_SESSION_HANDLE s, CK_OBJECT_HANDLE *objects, CK_ULONG room, CK_ULONG *count),
             (s, objects, room, count))
SESSION(C_FindObjectsFinal)
BEGINS(C_SignInit)
MAKES(C_Sign)
TROUBLE_CALL(C_GenerateKeyPair, s,
             (CK_SESSION_HANDLE s, CK_MECHANISM *mechanism, CK_ATTRIBUTE *public_template,
              CK_ULONG public_count, CK_ATTRIBUTE *private_template, CK_ULONG private_count,
              CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key),
             (s, mechanism, public_template, public_count, private_template, private_count,
              public_key, private_key))
TROUBLE_CALL(C_UnwrapKey, s,
             (CK_SESSION_HANDLE s, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE unwrapping,
              unsigned char *wrapped, CK_ULONG wrapped_size, CK_ATTRIBUTE *template, CK_ULONG count,
              CK_OBJECT_HANDLE *object),
             (s, mechanism, unwrapping, wrapped, wrapped_size, template, count, object))
TROUBLE_CALL(C_InitToken, 0,
             (CK_SLOT_ID slot_id, unsigned char *pin, CK_ULONG pin_len, unsigned char *label),
             (slot_id, pin, pin_len, label))
TAKES(C_InitPIN)
TROUBLE_CALL(C_SetPIN, s,
             (CK_SESSION_HANDLE s, unsigned char *old_pin, CK_ULONG old_len, unsigned char *new_pin,
              CK_ULONG new_len),
             (s, old_pin, old_len, new_pin, new_len))
TROUBLE_CALL(C_CloseAllSessions, 0, (CK_SLOT_ID slot_id), (slot_id))
GIVES(C_GetOperationState)
TROUBLE_CALL(C_SetOperationState, s,
             (CK_SESSION_HANDLE s, unsigned char *operation_state, CK_ULONG operation_state_len,
              CK_OBJECT_HANDLE encryption_key, CK_OBJECT_HANDLE authentiation_key),
             (s, operation_state, operation_state_len, encryption_key, authentiation_key))
SESSION(C_Logout)
TROUBLE_CALL(C_GetObjectSize, s, (CK_SESSION_HANDLE s, CK_OBJECT_HANDLE object, CK_ULONG *size),
             (s, object, size))
TROUBLE_CALL(C_SetAttributeValue, s,
             (CK_SESSION_HANDLE s, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *templ, CK_ULONG count),
             (s, object, templ, count))
BEGINS(C_EncryptInit)
MAKES(C_Encrypt)
MAKES(C_EncryptUpdate)
GIVES(C_EncryptFinal)
BEGINS(C_DecryptInit)
MAKES(C_Decrypt)
MAKES(C_DecryptUpdate)
GIVES(C_DecryptFinal)
TROUBLE_CALL(C_DigestInit, s, (CK_SESSION_HANDLE s, CK_MECHANISM *mechanism), (s, mechanism))
MAKES(C_Digest)
TAKES(C_DigestUpdate)
TROUBLE_CALL(C_DigestKey, s, (CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key), (s, key))
GIVES(C_DigestFinal)
TAKES(C_SignUpdate)
GIVES(C_SignFinal)
BEGINS(C_SignRecoverInit)
MAKES(C_SignRecover)
BEGINS(C_VerifyInit)
TROUBLE_CALL(C_Verify, s,
             (CK_SESSION_HANDLE s, unsigned char *data, CK_ULONG data_len, unsigned char *signature,
              CK_ULONG signature_len),
             (s, data, data_len, signature, signature_len))
TAKES(C_VerifyUpdate)
TAKES(C_VerifyFinal)
BEGINS(C_VerifyRecoverInit)
MAKES(C_VerifyRecover)
MAKES(C_DigestEncryptUpdate)
MAKES(C_DecryptDigestUpdate)
MAKES(C_SignEncryptUpdate)
MAKES(C_DecryptVerifyUpdate)
TROUBLE_CALL(C_GenerateKey, s,
             (CK_SESSION_HANDLE s, CK_MECHANISM *mechanism, CK_ATTRIBUTE *templ, CK_ULONG count,
              CK_OBJECT_HANDLE *key),
             (s, mechanism, templ, count, key))
TROUBLE_CALL(C_WrapKey, s,
             (CK_SESSION_HANDLE s, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE wrapping_key,
              CK_OBJECT_HANDLE key, unsigned char *wrapped_key, CK_ULONG *wrapped_key_len),
             (s, mechanism, wrapping_key, key, wrapped_key, wrapped_key_len))
TROUBLE_CALL(C_DeriveKey, s,
             (CK_SESSION_HANDLE s, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE base_key,
              CK_ATTRIBUTE *templ, CK_ULONG attribute_count, CK_OBJECT_HANDLE *key),
             (s, mechanism, base_key, templ, attribute_count, key))
TAKES(C_SeedRandom)
TAKES(C_GenerateRandom)
SESSION(C_GetFunctionStatus)
SESSION(C_CancelFunction)
TROUBLE_CALL(C_WaitForSlotEvent, 0, (CK_FLAGS flags, CK_SLOT_ID *slot, void *reserved),
             (flags, slot, reserved))

#undef SESSION
#undef TAKES
#undef GIVES
#undef MAKES
#undef BEGINS
