/* SPDX-License-Identifier: Apache-2.0 */
/* Deep copies of what PKCS#11 calls take, into the room of a guarded call. */
#include "token/guard.h"

#include <string.h>

#define ALIGNMENT sizeof(CK_ULONG)

/* Space in the room, aligned for every PKCS#11 type; NULL and `full` if there is none. */
static void *reserve(hsmiam_call *call, size_t size)
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

void *hsmiam_call_copy(hsmiam_call *call, const void *data, size_t size)
{
    if (data == NULL)
        return NULL;
    void *copy = reserve(call, size);
    if (copy != NULL && size > 0)
        memcpy(copy, data, size);
    return copy;
}

void hsmiam_call_put(hsmiam_call *call, size_t part, const void *data, CK_ULONG size)
{
    call->parts[part] = hsmiam_call_copy(call, data, size);
    call->sizes[part] = size;
}

/* What holds a template itself. */
static bool is_nested(CK_ATTRIBUTE_TYPE type)
{
    return (type & CKF_ARRAY_ATTRIBUTE) != 0 && type != CKA_ALLOWED_MECHANISMS;
}

static CK_ATTRIBUTE *copy_template(hsmiam_call *call, const CK_ATTRIBUTE *template, CK_ULONG count)
{
    CK_ATTRIBUTE *copy = hsmiam_call_copy(call, template, count * sizeof *template);

    for (CK_ULONG i = 0; copy != NULL && i < count; i++)
        copy[i].pValue = hsmiam_call_copy(call, template[i].pValue, template[i].ulValueLen);
    return copy;
}

/* One level deep: no template holds one that holds one. */
void hsmiam_call_put_template(hsmiam_call *call, size_t part, const CK_ATTRIBUTE *template,
                              CK_ULONG count)
{
    CK_ATTRIBUTE *copy = copy_template(call, template, count);

    for (CK_ULONG i = 0; copy != NULL && i < count; i++)
        if (is_nested(template[i].type) && template[i].pValue != NULL)
            copy[i].pValue =
                copy_template(call, template[i].pValue, template[i].ulValueLen / sizeof *template);
    call->parts[part] = copy;
    call->sizes[part] = count;
}

static void copy_oaep(hsmiam_call *call, void *parameter)
{
    CK_RSA_PKCS_OAEP_PARAMS *oaep = parameter;

    oaep->pSourceData = hsmiam_call_copy(call, oaep->pSourceData, oaep->ulSourceDataLen);
}

static void copy_string(hsmiam_call *call, void *parameter)
{
    CK_KEY_DERIVATION_STRING_DATA *string = parameter;

    string->pData = hsmiam_call_copy(call, string->pData, string->ulLen);
}

static void copy_gcm(hsmiam_call *call, void *parameter)
{
    CK_GCM_PARAMS *gcm = parameter;

    gcm->pIv = hsmiam_call_copy(call, gcm->pIv, gcm->ulIvLen);
    gcm->pAAD = hsmiam_call_copy(call, gcm->pAAD, gcm->ulAADLen);
}

/* SP 800-108 by PKCS#11 3.0, which p11-kit's header may not have yet. */
#define SP800_108_COUNTER  0x000003acUL
#define SP800_108_FEEDBACK 0x000003adUL

typedef struct sp800_108_part {
    CK_ULONG type;
    void *value;
    CK_ULONG size;
} sp800_108_part;

typedef struct sp800_108_counter {
    CK_ULONG prf;
    CK_ULONG part_count;
    sp800_108_part *parts;
    CK_ULONG more_count; /* of further keys, which nobody asks for here */
    void *more;
} sp800_108_counter;

typedef struct sp800_108_feedback {
    CK_ULONG prf;
    CK_ULONG part_count;
    sp800_108_part *parts;
    CK_ULONG iv_size;
    void *iv;
    CK_ULONG more_count;
    void *more;
} sp800_108_feedback;

static sp800_108_part *copy_parts(hsmiam_call *call, const sp800_108_part *parts, CK_ULONG count)
{
    sp800_108_part *copy = hsmiam_call_copy(call, parts, count * sizeof *parts);

    for (CK_ULONG i = 0; copy != NULL && i < count; i++)
        copy[i].value = hsmiam_call_copy(call, parts[i].value, parts[i].size);
    return copy;
}

static void copy_counter(hsmiam_call *call, void *parameter)
{
    sp800_108_counter *counter = parameter;

    counter->parts = copy_parts(call, counter->parts, counter->part_count);
    call->full |= counter->more_count > 0;
}

static void copy_feedback(hsmiam_call *call, void *parameter)
{
    sp800_108_feedback *feedback = parameter;

    feedback->parts = copy_parts(call, feedback->parts, feedback->part_count);
    feedback->iv = hsmiam_call_copy(call, feedback->iv, feedback->iv_size);
    call->full |= feedback->more_count > 0;
}

/* The mechanisms whose parameter holds pointers; any other one's is copied as it is. */
static const struct {
    CK_MECHANISM_TYPE type;
    size_t size;
    void (*copy)(hsmiam_call *call, void *parameter);
} nested[] = {
    {CKM_RSA_PKCS_OAEP, sizeof(CK_RSA_PKCS_OAEP_PARAMS), copy_oaep},
    {CKM_CONCATENATE_BASE_AND_DATA, sizeof(CK_KEY_DERIVATION_STRING_DATA), copy_string},
    {CKM_CONCATENATE_DATA_AND_BASE, sizeof(CK_KEY_DERIVATION_STRING_DATA), copy_string},
    {CKM_XOR_BASE_AND_DATA, sizeof(CK_KEY_DERIVATION_STRING_DATA), copy_string},
    {CKM_AES_GCM, sizeof(CK_GCM_PARAMS), copy_gcm},
    {SP800_108_COUNTER, sizeof(sp800_108_counter), copy_counter},
    {SP800_108_FEEDBACK, sizeof(sp800_108_feedback), copy_feedback},
};

void hsmiam_call_put_mechanism(hsmiam_call *call, const CK_MECHANISM *mechanism)
{
    void *parameter = hsmiam_call_copy(call, mechanism->pParameter, mechanism->ulParameterLen);

    call->mechanism = (CK_MECHANISM){mechanism->mechanism, parameter, mechanism->ulParameterLen};
    for (size_t i = 0; parameter != NULL && i < sizeof nested / sizeof nested[0]; i++)
        if (nested[i].type == mechanism->mechanism && nested[i].size == mechanism->ulParameterLen)
            nested[i].copy(call, parameter);
}
