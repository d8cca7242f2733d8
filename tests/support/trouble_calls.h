/* SPDX-License-Identifier: Apache-2.0 */
/* Every function of PKCS#11 2.40 that a module which makes trouble passes on as it is:
 * TROUBLE_CALL(name, session, parameters, arguments). Included more than once. */
TROUBLE_CALL(C_Initialize, 0, (void *arguments), (arguments))
TROUBLE_CALL(C_Finalize, 0, (void *reserved), (reserved))
TROUBLE_CALL(C_GetInfo, 0, (CK_INFO * info), (info))
TROUBLE_CALL(C_GetSlotList, 0, (unsigned char present, CK_SLOT_ID *list, CK_ULONG *count),
             (present, list, count))
TROUBLE_CALL(C_GetSlotInfo, 0, (CK_SLOT_ID slot, CK_SLOT_INFO *info), (slot, info))
TROUBLE_CALL(C_GetTokenInfo, 0, (CK_SLOT_ID slot, CK_TOKEN_INFO *info), (slot, info))
TROUBLE_CALL(C_CloseSession, s, (CK_SESSION_HANDLE s), (s))
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
TROUBLE_CALL(C_FindObjectsFinal, s, (CK_SESSION_HANDLE s), (s))
TROUBLE_CALL(C_SignInit, s, (CK_SESSION_HANDLE s, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key),
             (s, mechanism, key))
TROUBLE_CALL(C_Sign, s,
             (CK_SESSION_HANDLE s, unsigned char *data, CK_ULONG size, unsigned char *signature,
              CK_ULONG *signature_size),
             (s, data, size, signature, signature_size))
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
TROUBLE_CALL(C_InitPIN, s, (CK_SESSION_HANDLE s, unsigned char *pin, CK_ULONG pin_len),
             (s, pin, pin_len))
TROUBLE_CALL(C_SetPIN, s,
             (CK_SESSION_HANDLE s, unsigned char *old_pin, CK_ULONG old_len, unsigned char *new_pin,
              CK_ULONG new_len),
             (s, old_pin, old_len, new_pin, new_len))
TROUBLE_CALL(C_CloseAllSessions, 0, (CK_SLOT_ID slot_id), (slot_id))
TROUBLE_CALL(C_GetOperationState, s,
             (CK_SESSION_HANDLE s, unsigned char *operation_state, CK_ULONG *operation_state_len),
             (s, operation_state, operation_state_len))
TROUBLE_CALL(C_SetOperationState, s,
             (CK_SESSION_HANDLE s, unsigned char *operation_state, CK_ULONG operation_state_len,
              CK_OBJECT_HANDLE encryption_key, CK_OBJECT_HANDLE authentiation_key),
             (s, operation_state, operation_state_len, encryption_key, authentiation_key))
TROUBLE_CALL(C_Logout, s, (CK_SESSION_HANDLE s), (s))
TROUBLE_CALL(C_GetObjectSize, s, (CK_SESSION_HANDLE s, CK_OBJECT_HANDLE object, CK_ULONG *size),
             (s, object, size))
TROUBLE_CALL(C_SetAttributeValue, s,
             (CK_SESSION_HANDLE s, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *templ, CK_ULONG count),
             (s, object, templ, count))
TROUBLE_CALL(C_EncryptInit, s, (CK_SESSION_HANDLE s, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key),
             (s, mechanism, key))
TROUBLE_CALL(C_Encrypt, s,
             (CK_SESSION_HANDLE s, unsigned char *data, CK_ULONG data_len,
              unsigned char *encrypted_data, CK_ULONG *encrypted_data_len),
             (s, data, data_len, encrypted_data, encrypted_data_len))
TROUBLE_CALL(C_EncryptUpdate, s,
             (CK_SESSION_HANDLE s, unsigned char *part, CK_ULONG part_len,
              unsigned char *encrypted_part, CK_ULONG *encrypted_part_len),
             (s, part, part_len, encrypted_part, encrypted_part_len))
TROUBLE_CALL(C_EncryptFinal, s,
             (CK_SESSION_HANDLE s, unsigned char *last_encrypted_part,
              CK_ULONG *last_encrypted_part_len),
             (s, last_encrypted_part, last_encrypted_part_len))
TROUBLE_CALL(C_DecryptInit, s, (CK_SESSION_HANDLE s, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key),
             (s, mechanism, key))
TROUBLE_CALL(C_Decrypt, s,
             (CK_SESSION_HANDLE s, unsigned char *encrypted_data, CK_ULONG encrypted_data_len,
              unsigned char *data, CK_ULONG *data_len),
             (s, encrypted_data, encrypted_data_len, data, data_len))
TROUBLE_CALL(C_DecryptUpdate, s,
             (CK_SESSION_HANDLE s, unsigned char *encrypted_part, CK_ULONG encrypted_part_len,
              unsigned char *part, CK_ULONG *part_len),
             (s, encrypted_part, encrypted_part_len, part, part_len))
TROUBLE_CALL(C_DecryptFinal, s,
             (CK_SESSION_HANDLE s, unsigned char *last_part, CK_ULONG *last_part_len),
             (s, last_part, last_part_len))
TROUBLE_CALL(C_DigestInit, s, (CK_SESSION_HANDLE s, CK_MECHANISM *mechanism), (s, mechanism))
TROUBLE_CALL(C_Digest, s,
             (CK_SESSION_HANDLE s, unsigned char *data, CK_ULONG data_len, unsigned char *digest,
              CK_ULONG *digest_len),
             (s, data, data_len, digest, digest_len))
TROUBLE_CALL(C_DigestUpdate, s, (CK_SESSION_HANDLE s, unsigned char *part, CK_ULONG part_len),
             (s, part, part_len))
TROUBLE_CALL(C_DigestKey, s, (CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key), (s, key))
TROUBLE_CALL(C_DigestFinal, s, (CK_SESSION_HANDLE s, unsigned char *digest, CK_ULONG *digest_len),
             (s, digest, digest_len))
TROUBLE_CALL(C_SignUpdate, s, (CK_SESSION_HANDLE s, unsigned char *part, CK_ULONG part_len),
             (s, part, part_len))
TROUBLE_CALL(C_SignFinal, s,
             (CK_SESSION_HANDLE s, unsigned char *signature, CK_ULONG *signature_len),
             (s, signature, signature_len))
TROUBLE_CALL(C_SignRecoverInit, s,
             (CK_SESSION_HANDLE s, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key),
             (s, mechanism, key))
TROUBLE_CALL(C_SignRecover, s,
             (CK_SESSION_HANDLE s, unsigned char *data, CK_ULONG data_len, unsigned char *signature,
              CK_ULONG *signature_len),
             (s, data, data_len, signature, signature_len))
TROUBLE_CALL(C_VerifyInit, s, (CK_SESSION_HANDLE s, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key),
             (s, mechanism, key))
TROUBLE_CALL(C_Verify, s,
             (CK_SESSION_HANDLE s, unsigned char *data, CK_ULONG data_len, unsigned char *signature,
              CK_ULONG signature_len),
             (s, data, data_len, signature, signature_len))
TROUBLE_CALL(C_VerifyUpdate, s, (CK_SESSION_HANDLE s, unsigned char *part, CK_ULONG part_len),
             (s, part, part_len))
TROUBLE_CALL(C_VerifyFinal, s,
             (CK_SESSION_HANDLE s, unsigned char *signature, CK_ULONG signature_len),
             (s, signature, signature_len))
TROUBLE_CALL(C_VerifyRecoverInit, s,
             (CK_SESSION_HANDLE s, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key),
             (s, mechanism, key))
TROUBLE_CALL(C_VerifyRecover, s,
             (CK_SESSION_HANDLE s, unsigned char *signature, CK_ULONG signature_len,
              unsigned char *data, CK_ULONG *data_len),
             (s, signature, signature_len, data, data_len))
TROUBLE_CALL(C_DigestEncryptUpdate, s,
             (CK_SESSION_HANDLE s, unsigned char *part, CK_ULONG part_len,
              unsigned char *encrypted_part, CK_ULONG *encrypted_part_len),
             (s, part, part_len, encrypted_part, encrypted_part_len))
TROUBLE_CALL(C_DecryptDigestUpdate, s,
             (CK_SESSION_HANDLE s, unsigned char *encrypted_part, CK_ULONG encrypted_part_len,
              unsigned char *part, CK_ULONG *part_len),
             (s, encrypted_part, encrypted_part_len, part, part_len))
TROUBLE_CALL(C_SignEncryptUpdate, s,
             (CK_SESSION_HANDLE s, unsigned char *part, CK_ULONG part_len,
              unsigned char *encrypted_part, CK_ULONG *encrypted_part_len),
             (s, part, part_len, encrypted_part, encrypted_part_len))
TROUBLE_CALL(C_DecryptVerifyUpdate, s,
             (CK_SESSION_HANDLE s, unsigned char *encrypted_part, CK_ULONG encrypted_part_len,
              unsigned char *part, CK_ULONG *part_len),
             (s, encrypted_part, encrypted_part_len, part, part_len))
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
TROUBLE_CALL(C_SeedRandom, s, (CK_SESSION_HANDLE s, unsigned char *seed, CK_ULONG seed_len),
             (s, seed, seed_len))
TROUBLE_CALL(C_GenerateRandom, s,
             (CK_SESSION_HANDLE s, unsigned char *random_data, CK_ULONG random_len),
             (s, random_data, random_len))
TROUBLE_CALL(C_GetFunctionStatus, s, (CK_SESSION_HANDLE s), (s))
TROUBLE_CALL(C_CancelFunction, s, (CK_SESSION_HANDLE s), (s))
TROUBLE_CALL(C_WaitForSlotEvent, 0, (CK_FLAGS flags, CK_SLOT_ID *slot, void *reserved),
             (flags, slot, reserved))
