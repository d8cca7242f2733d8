/* SPDX-License-Identifier: Apache-2.0 */
/* What is used of PKCS#11 3.0, which p11-kit's header lacks. */
#ifndef HSMIAM_TOKEN_CRYPTOKI3_H
#define HSMIAM_TOKEN_CRYPTOKI3_H

#include <p11-kit/pkcs11.h>

/* Of 2.40, which p11-kit's header lacks as well. */
#ifndef CK_RSA_AES_KEY_WRAP_PARAMS_PTR
typedef struct CK_RSA_AES_KEY_WRAP_PARAMS {
    CK_ULONG ulAESKeyBits;
    CK_RSA_PKCS_OAEP_PARAMS *pOAEPParams;
} CK_RSA_AES_KEY_WRAP_PARAMS;
#endif

#ifndef CKM_SP800_108_FEEDBACK_KDF
#define CKM_SP800_108_FEEDBACK_KDF      (0x3adUL)
#define CK_SP800_108_ITERATION_VARIABLE (0x1UL)
#define CK_SP800_108_BYTE_ARRAY         (0x4UL)

typedef CK_ULONG CK_PRF_DATA_TYPE;

typedef struct CK_PRF_DATA_PARAM {
    CK_PRF_DATA_TYPE type;
    void *pValue;
    CK_ULONG ulValueLen;
} CK_PRF_DATA_PARAM;

typedef struct CK_SP800_108_FEEDBACK_KDF_PARAMS {
    CK_MECHANISM_TYPE prfType;
    CK_ULONG ulNumberOfDataParams;
    CK_PRF_DATA_PARAM *pDataParams;
    CK_ULONG ulIVLen;
    CK_BYTE *pIV;
    CK_ULONG ulAdditionalDerivedKeys;
    void *pAdditionalDerivedKeys;
} CK_SP800_108_FEEDBACK_KDF_PARAMS;
#endif

/* AES key wrap with padding (RFC 5649) was 0x210A before 3.0, and still is in SoftHSM. */
#ifndef CKM_AES_KEY_WRAP_KWP
#define CKM_AES_KEY_WRAP_KWP (0x210bUL)
#endif

#endif
