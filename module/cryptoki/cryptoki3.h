/* SPDX-License-Identifier: Apache-2.0 */
/* The interfaces of PKCS#11 3.0, which p11-kit's header lacks before 0.25. */
#ifndef HSMIAM_CRYPTOKI_CRYPTOKI3_H
#define HSMIAM_CRYPTOKI_CRYPTOKI3_H

#include <p11-kit/pkcs11.h>

#if CRYPTOKI_VERSION_MAJOR < 3

typedef struct CK_INTERFACE {
    char *pInterfaceName;
    void *pFunctionList; /* it begins with a CK_VERSION */
    CK_FLAGS flags;
} CK_INTERFACE;

typedef CK_RV (*CK_C_GetInterfaceList)(CK_INTERFACE *list_out, CK_ULONG *count);
typedef CK_RV (*CK_C_GetInterface)(unsigned char *name, CK_VERSION *version,
                                   CK_INTERFACE **interface_out, CK_FLAGS flags);
typedef CK_RV (*CK_C_LoginUser)(CK_SESSION_HANDLE, CK_USER_TYPE, unsigned char *pin,
                                CK_ULONG pin_size, unsigned char *name, CK_ULONG name_size);
typedef CK_RV (*CK_C_SessionCancel)(CK_SESSION_HANDLE, CK_FLAGS);

/* Message-based encryption and decryption, signing and verifying, have the same shapes. */
typedef CK_RV (*CK_C_MessageEncryptInit)(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE key);
typedef CK_RV (*CK_C_EncryptMessage)(CK_SESSION_HANDLE, void *parameter, CK_ULONG parameter_size,
                                     unsigned char *associated, CK_ULONG associated_size,
                                     unsigned char *in, CK_ULONG in_size, unsigned char *out,
                                     CK_ULONG *out_size);
typedef CK_RV (*CK_C_EncryptMessageBegin)(CK_SESSION_HANDLE, void *parameter,
                                          CK_ULONG parameter_size, unsigned char *associated,
                                          CK_ULONG associated_size);
typedef CK_RV (*CK_C_EncryptMessageNext)(CK_SESSION_HANDLE, void *parameter,
                                         CK_ULONG parameter_size, unsigned char *in,
                                         CK_ULONG in_size, unsigned char *out, CK_ULONG *out_size,
                                         CK_FLAGS flags);
typedef CK_RV (*CK_C_MessageEncryptFinal)(CK_SESSION_HANDLE);
typedef CK_RV (*CK_C_SignMessage)(CK_SESSION_HANDLE, void *parameter, CK_ULONG parameter_size,
                                  unsigned char *data, CK_ULONG data_size, unsigned char *signature,
                                  CK_ULONG *signature_size);
typedef CK_RV (*CK_C_SignMessageBegin)(CK_SESSION_HANDLE, void *parameter, CK_ULONG parameter_size);
typedef CK_RV (*CK_C_VerifyMessage)(CK_SESSION_HANDLE, void *parameter, CK_ULONG parameter_size,
                                    unsigned char *data, CK_ULONG data_size,
                                    unsigned char *signature, CK_ULONG signature_size);

#endif

/* CK_FUNCTION_LIST_3_0: the members of 2.40's list, and behind them more. */
typedef struct hsmiam_functions_3 {
    CK_FUNCTION_LIST of_2;
    CK_C_GetInterfaceList C_GetInterfaceList;
    CK_C_GetInterface C_GetInterface;
    CK_C_LoginUser C_LoginUser;
    CK_C_SessionCancel C_SessionCancel;
    CK_C_MessageEncryptInit C_MessageEncryptInit;
    CK_C_EncryptMessage C_EncryptMessage;
    CK_C_EncryptMessageBegin C_EncryptMessageBegin;
    CK_C_EncryptMessageNext C_EncryptMessageNext;
    CK_C_MessageEncryptFinal C_MessageEncryptFinal;
    CK_C_MessageEncryptInit C_MessageDecryptInit;
    CK_C_EncryptMessage C_DecryptMessage;
    CK_C_EncryptMessageBegin C_DecryptMessageBegin;
    CK_C_EncryptMessageNext C_DecryptMessageNext;
    CK_C_MessageEncryptFinal C_MessageDecryptFinal;
    CK_C_MessageEncryptInit C_MessageSignInit;
    CK_C_SignMessage C_SignMessage;
    CK_C_SignMessageBegin C_SignMessageBegin;
    CK_C_SignMessage C_SignMessageNext;
    CK_C_MessageEncryptFinal C_MessageSignFinal;
    CK_C_MessageEncryptInit C_MessageVerifyInit;
    CK_C_VerifyMessage C_VerifyMessage;
    CK_C_SignMessageBegin C_VerifyMessageBegin;
    CK_C_VerifyMessage C_VerifyMessageNext;
    CK_C_MessageEncryptFinal C_MessageVerifyFinal;
} hsmiam_functions_3;

CK_RV C_GetInterfaceList(CK_INTERFACE *list_out, CK_ULONG *count);
CK_RV C_GetInterface(unsigned char *name, CK_VERSION *version, CK_INTERFACE **interface_out,
                     CK_FLAGS flags);

#endif
