/* SPDX-License-Identifier: Apache-2.0 */
/* Deep copies of what PKCS#11 calls take, into the room of a guarded call. */
#include "token/guard.h"

#include <string.h>

#define ALIGNMENT sizeof(CK_ULONG)

/* Space in the room, aligned for every PKCS#11 type; NULL and `full` if there is none. */
static void *reserve(hsmiam_token_call *call, size_t size)
{
    size_t room = 0;
    size_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;

    if (call->full)
        return NULL;
    uint8_t *to = hsmiam_secret_get_room(call->room, &room);
    if (size > room || rounded > room) {
        call->full = true;
        return NULL;
    }
    hsmiam_secret_grow(call->room, rounded);
    return to;
}

void *hsmiam_token_call_copy(hsmiam_token_call *call, const void *data, size_t size)
{
    if (data == NULL)
        return NULL;
    void *copy = reserve(call, size);
    if (copy != NULL && size > 0)
        memcpy(copy, data, size);
    return copy;
}

void hsmiam_token_call_put(hsmiam_token_call *call, size_t part, const void *data, CK_ULONG size)
{
    call->parts[part] = hsmiam_token_call_copy(call, data, size);
    call->sizes[part] = size;
}

/* What holds a template itself. */
static bool is_nested(CK_ATTRIBUTE_TYPE type)
{
    return (type & CKF_ARRAY_ATTRIBUTE) != 0 && type != CKA_ALLOWED_MECHANISMS;
}

static CK_ATTRIBUTE *copy_template(hsmiam_token_call *call, const CK_ATTRIBUTE *template,
                                   CK_ULONG count)
{
    CK_ATTRIBUTE *copy = hsmiam_token_call_copy(call, template, count * sizeof *template);

    for (CK_ULONG i = 0; copy != NULL && i < count; i++)
        copy[i].pValue = hsmiam_token_call_copy(call, template[i].pValue, template[i].ulValueLen);
    return copy;
}

/* One level deep: no template holds one that holds one. */
void hsmiam_token_call_put_template(hsmiam_token_call *call, size_t part,
                                    const CK_ATTRIBUTE *template, CK_ULONG count)
{
    CK_ATTRIBUTE *copy = copy_template(call, template, count);

    for (CK_ULONG i = 0; copy != NULL && i < count; i++)
        if (is_nested(template[i].type) && template[i].pValue != NULL)
            copy[i].pValue =
                copy_template(call, template[i].pValue, template[i].ulValueLen / sizeof *template);
    call->parts[part] = copy;
    call->sizes[part] = count;
}

static void copy_oaep(hsmiam_token_call *call, void *parameter)
{
    CK_RSA_PKCS_OAEP_PARAMS *oaep = parameter;

    oaep->pSourceData = hsmiam_token_call_copy(call, oaep->pSourceData, oaep->ulSourceDataLen);
}

static void copy_rsa_aes(hsmiam_token_call *call, void *parameter)
{
    CK_RSA_AES_KEY_WRAP_PARAMS *wrap = parameter;

    wrap->pOAEPParams = hsmiam_token_call_copy(call, wrap->pOAEPParams, sizeof *wrap->pOAEPParams);
    if (wrap->pOAEPParams != NULL)
        copy_oaep(call, wrap->pOAEPParams);
}

static void copy_string(hsmiam_token_call *call, void *parameter)
{
    CK_KEY_DERIVATION_STRING_DATA *string = parameter;

    string->pData = hsmiam_token_call_copy(call, string->pData, string->ulLen);
}

static CK_PRF_DATA_PARAM *copy_parts(hsmiam_token_call *call, const CK_PRF_DATA_PARAM *parts,
                                     CK_ULONG count)
{
    CK_PRF_DATA_PARAM *copy = hsmiam_token_call_copy(call, parts, count * sizeof *parts);

    for (CK_ULONG i = 0; copy != NULL && i < count; i++)
        copy[i].pValue = hsmiam_token_call_copy(call, parts[i].pValue, parts[i].ulValueLen);
    return copy;
}

/* Further keys, of which nobody asks for any here, are not copied. */
static void copy_feedback(hsmiam_token_call *call, void *parameter)
{
    CK_SP800_108_FEEDBACK_KDF_PARAMS *feedback = parameter;

    feedback->pDataParams = copy_parts(call, feedback->pDataParams, feedback->ulNumberOfDataParams);
    feedback->pIV = hsmiam_token_call_copy(call, feedback->pIV, feedback->ulIVLen);
    call->full |= feedback->ulAdditionalDerivedKeys > 0;
}

/* The mechanisms whose parameter holds pointers; any other one's is copied as it is. */
static const struct {
    CK_MECHANISM_TYPE type;
    size_t size;
    void (*copy)(hsmiam_token_call *call, void *parameter);
} nested[] = {
    {CKM_RSA_PKCS_OAEP, sizeof(CK_RSA_PKCS_OAEP_PARAMS), copy_oaep},
    {CKM_RSA_AES_KEY_WRAP, sizeof(CK_RSA_AES_KEY_WRAP_PARAMS), copy_rsa_aes},
    {CKM_CONCATENATE_BASE_AND_DATA, sizeof(CK_KEY_DERIVATION_STRING_DATA), copy_string},
    {CKM_CONCATENATE_DATA_AND_BASE, sizeof(CK_KEY_DERIVATION_STRING_DATA), copy_string},
    {CKM_XOR_BASE_AND_DATA, sizeof(CK_KEY_DERIVATION_STRING_DATA), copy_string},
    {CKM_SP800_108_FEEDBACK_KDF, sizeof(CK_SP800_108_FEEDBACK_KDF_PARAMS), copy_feedback},
};

void hsmiam_token_call_put_mechanism(hsmiam_token_call *call, const CK_MECHANISM *mechanism)
{
    void *parameter =
        hsmiam_token_call_copy(call, mechanism->pParameter, mechanism->ulParameterLen);

    call->mechanism = (CK_MECHANISM){mechanism->mechanism, parameter, mechanism->ulParameterLen};
    for (size_t i = 0; parameter != NULL && i < sizeof nested / sizeof nested[0]; i++)
        if (nested[i].type == mechanism->mechanism && nested[i].size == mechanism->ulParameterLen)
            nested[i].copy(call, parameter);
}
