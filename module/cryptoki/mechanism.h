/* SPDX-License-Identifier: Apache-2.0 */
/* The two mechanisms that are added, as the entry points call them.
 *
 * `behind` is the list through which the program's call would have gone on: the module's of
 * PKCS#11 2.40, or its of 3.0, whose first members are the same. What is not for the two mechanisms
 * is passed to it with the same arguments, and its value is returned. The module is initialised. */
#ifndef HSMIAM_CRYPTOKI_MECHANISM_H
#define HSMIAM_CRYPTOKI_MECHANISM_H

#include <p11-kit/pkcs11.h>

/* PKCS#11's functions of these names. */
CK_RV hsmiam_mechanism_get_list(CK_FUNCTION_LIST *behind, CK_SLOT_ID slot,
                                CK_MECHANISM_TYPE *list_out, CK_ULONG *count);
CK_RV hsmiam_mechanism_get_info(CK_FUNCTION_LIST *behind, CK_SLOT_ID slot, CK_MECHANISM_TYPE type,
                                CK_MECHANISM_INFO *info_out);
CK_RV hsmiam_mechanism_generate_key(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session,
                                    CK_MECHANISM *mechanism, CK_ATTRIBUTE *template, CK_ULONG count,
                                    CK_OBJECT_HANDLE *key_out);
CK_RV hsmiam_mechanism_sign_init(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session,
                                 CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);
CK_RV hsmiam_mechanism_sign(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session,
                            unsigned char *data, CK_ULONG size, unsigned char *signature_out,
                            CK_ULONG *signature_size);
CK_RV hsmiam_mechanism_sign_update(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session,
                                   unsigned char *part, CK_ULONG size);
CK_RV hsmiam_mechanism_sign_final(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session,
                                  unsigned char *signature_out, CK_ULONG *signature_size);
CK_RV hsmiam_mechanism_sign_encrypt_update(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session,
                                           unsigned char *part, CK_ULONG size,
                                           unsigned char *encrypted_out, CK_ULONG *encrypted_size);
CK_RV hsmiam_mechanism_get_operation_state(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session,
                                           unsigned char *state_out, CK_ULONG *size);
CK_RV hsmiam_mechanism_set_operation_state(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session,
                                           unsigned char *state, CK_ULONG size,
                                           CK_OBJECT_HANDLE encryption_key,
                                           CK_OBJECT_HANDLE authentication_key);
CK_RV hsmiam_mechanism_logout(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session);

/* C_SessionCancel (3.0); `behind` is a list of 3.0. */
CK_RV hsmiam_mechanism_cancel(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session, CK_FLAGS flags);

/* A session of this module is about to be closed: by C_CloseSession, or one by one by
 * C_CloseAllSessions and C_Finalize. */
void hsmiam_mechanism_end_session(CK_SESSION_HANDLE session);

/* C_Finalize, before sessions are ended and the module behind is let go: waits for calls under way,
 * and nothing of libhsmiam is open on it afterwards. Without a lock that C_Initialize takes, which
 * p11-kit may call for the token of the credential. */
void hsmiam_mechanism_end(void);

/* A forked child initialises anew: what the parent had is forgotten, without a call of the module
 * behind and without a lock that another thread of the parent may have held. */
void hsmiam_mechanism_forget(void);

#endif
