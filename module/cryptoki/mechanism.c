/* SPDX-License-Identifier: Apache-2.0 */
#include "cryptoki/mechanism.h"

CK_RV hsmiam_mechanism_get_list(CK_FUNCTION_LIST *behind, CK_SLOT_ID slot,
                                CK_MECHANISM_TYPE *list_out, CK_ULONG *count)
{
    return behind->C_GetMechanismList(slot, list_out, count);
}

CK_RV hsmiam_mechanism_get_info(CK_FUNCTION_LIST *behind, CK_SLOT_ID slot, CK_MECHANISM_TYPE type,
                                CK_MECHANISM_INFO *info_out)
{
    return behind->C_GetMechanismInfo(slot, type, info_out);
}

CK_RV hsmiam_mechanism_generate_key(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session,
                                    CK_MECHANISM *mechanism, CK_ATTRIBUTE *template, CK_ULONG count,
                                    CK_OBJECT_HANDLE *key_out)
{
    return behind->C_GenerateKey(session, mechanism, template, count, key_out);
}

CK_RV hsmiam_mechanism_sign_init(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session,
                                 CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    return behind->C_SignInit(session, mechanism, key);
}

CK_RV hsmiam_mechanism_sign(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session,
                            unsigned char *data, CK_ULONG size, unsigned char *signature_out,
                            CK_ULONG *signature_size)
{
    return behind->C_Sign(session, data, size, signature_out, signature_size);
}

CK_RV hsmiam_mechanism_sign_update(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session,
                                   unsigned char *part, CK_ULONG size)
{
    return behind->C_SignUpdate(session, part, size);
}

CK_RV hsmiam_mechanism_sign_final(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session,
                                  unsigned char *signature_out, CK_ULONG *signature_size)
{
    return behind->C_SignFinal(session, signature_out, signature_size);
}

CK_RV hsmiam_mechanism_get_operation_state(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session,
                                           unsigned char *state_out, CK_ULONG *size)
{
    return behind->C_GetOperationState(session, state_out, size);
}

CK_RV hsmiam_mechanism_set_operation_state(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session,
                                           unsigned char *state, CK_ULONG size,
                                           CK_OBJECT_HANDLE encryption_key,
                                           CK_OBJECT_HANDLE authentication_key)
{
    return behind->C_SetOperationState(session, state, size, encryption_key, authentication_key);
}

CK_RV hsmiam_mechanism_logout(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session)
{
    return behind->C_Logout(session);
}

void hsmiam_mechanism_cancel(CK_SESSION_HANDLE session)
{
    (void)session;
}

void hsmiam_mechanism_end_session(CK_SESSION_HANDLE session)
{
    (void)session;
}

void hsmiam_mechanism_end(void)
{
}

void hsmiam_mechanism_forget(void)
{
}
