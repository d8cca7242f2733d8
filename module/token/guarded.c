/* SPDX-License-Identifier: Apache-2.0 */
/* PKCS#11's functions over a guard: each copies in, has the call made, and copies out. */
#include "token/guard.h"

#include <string.h>

/* Where it is a person that the token waits for, or a key pair, it may take longer. */
#define PATIENCE 10

static hsmiam_guard *guard_of(CK_ULONG handle)
{
    const union {
        CK_ULONG handle;
        hsmiam_guard *guard;
    } either = {.handle = handle};

    return either.guard;
}

static CK_RV make_open_session(hsmiam_call *call)
{
    return call->functions->C_OpenSession(call->slot, call->numbers[0], NULL, NULL,
                                          &call->numbers[1]);
}

static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                          CK_SESSION_HANDLE *handle_out)
{
    hsmiam_guard *guard = guard_of(slot);
    hsmiam_call *call = hsmiam_guard_begin(guard);

    (void)application;
    (void)notify;
    call->numbers[0] = flags;
    CK_RV rv = hsmiam_guard_make(guard, "C_OpenSession", 1, make_open_session);
    if (rv == CKR_OK) {
        call->session = call->numbers[1];
        *handle_out = slot;
    }
    hsmiam_guard_end(guard);
    return rv;
}

static CK_RV make_close_session(hsmiam_call *call)
{
    return call->functions->C_CloseSession(call->session);
}

static CK_RV close_session(CK_SESSION_HANDLE handle)
{
    hsmiam_guard *guard = guard_of(handle);

    (void)hsmiam_guard_begin(guard);
    CK_RV rv = hsmiam_guard_make(guard, "C_CloseSession", 1, make_close_session);
    hsmiam_guard_end(guard);
    return rv;
}

static CK_RV make_get_session_info(hsmiam_call *call)
{
    return call->functions->C_GetSessionInfo(call->session, &call->session_info);
}

static CK_RV get_session_info(CK_SESSION_HANDLE handle, CK_SESSION_INFO *info_out)
{
    hsmiam_guard *guard = guard_of(handle);
    hsmiam_call *call = hsmiam_guard_begin(guard);

    CK_RV rv = hsmiam_guard_make(guard, "C_GetSessionInfo", 1, make_get_session_info);
    if (rv == CKR_OK)
        *info_out = call->session_info;
    hsmiam_guard_end(guard);
    return rv;
}

static CK_RV make_get_token_info(hsmiam_call *call)
{
    return call->functions->C_GetTokenInfo(call->slot, &call->token_info);
}

static CK_RV get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info_out)
{
    hsmiam_guard *guard = guard_of(slot);
    hsmiam_call *call = hsmiam_guard_begin(guard);

    CK_RV rv = hsmiam_guard_make(guard, "C_GetTokenInfo", 1, make_get_token_info);
    if (rv == CKR_OK)
        *info_out = call->token_info;
    hsmiam_guard_end(guard);
    return rv;
}

static CK_RV make_get_mechanism_list(hsmiam_call *call)
{
    return call->functions->C_GetMechanismList(call->slot, call->parts[0], &call->numbers[0]);
}

static CK_RV get_mechanism_list(CK_SLOT_ID slot, CK_MECHANISM_TYPE *list_out, CK_ULONG *count)
{
    hsmiam_guard *guard = guard_of(slot);
    hsmiam_call *call = hsmiam_guard_begin(guard);
    CK_ULONG room = *count;

    call->numbers[0] = room;
    hsmiam_call_put(call, 0, list_out, room * sizeof *list_out);
    CK_RV rv = hsmiam_guard_make(guard, "C_GetMechanismList", 1, make_get_mechanism_list);
    if (rv == CKR_OK || rv == CKR_BUFFER_TOO_SMALL)
        *count = call->numbers[0];
    if (rv == CKR_OK && list_out != NULL && *count <= room)
        memcpy(list_out, call->parts[0], *count * sizeof *list_out);
    hsmiam_guard_end(guard);
    return rv;
}

static CK_RV make_get_mechanism_info(hsmiam_call *call)
{
    return call->functions->C_GetMechanismInfo(call->slot, call->numbers[0], &call->mechanism_info);
}

static CK_RV get_mechanism_info(CK_SLOT_ID slot, CK_MECHANISM_TYPE type,
                                CK_MECHANISM_INFO *info_out)
{
    hsmiam_guard *guard = guard_of(slot);
    hsmiam_call *call = hsmiam_guard_begin(guard);

    call->numbers[0] = type;
    CK_RV rv = hsmiam_guard_make(guard, "C_GetMechanismInfo", 1, make_get_mechanism_info);
    if (rv == CKR_OK)
        *info_out = call->mechanism_info;
    hsmiam_guard_end(guard);
    return rv;
}

static CK_RV make_login(hsmiam_call *call)
{
    return call->functions->C_Login(call->session, call->numbers[0], call->parts[0],
                                    call->sizes[0]);
}

static CK_RV login(CK_SESSION_HANDLE handle, CK_USER_TYPE user, unsigned char *pin, CK_ULONG size)
{
    hsmiam_guard *guard = guard_of(handle);
    hsmiam_call *call = hsmiam_guard_begin(guard);

    call->numbers[0] = user;
    hsmiam_call_put(call, 0, pin, size);
    CK_RV rv = hsmiam_guard_make(guard, "C_Login", pin == NULL ? PATIENCE : 1, make_login);
    hsmiam_guard_end(guard);
    return rv;
}

/* A new object's handle is numbers[1]. */
static CK_RV end_with_object(hsmiam_guard *guard, const hsmiam_call *call, CK_RV rv,
                             CK_OBJECT_HANDLE *object_out)
{
    if (rv == CKR_OK)
        *object_out = call->numbers[1];
    hsmiam_guard_end(guard);
    return rv;
}

static CK_RV make_create_object(hsmiam_call *call)
{
    return call->functions->C_CreateObject(call->session, call->parts[0], call->sizes[0],
                                           &call->numbers[1]);
}

static CK_RV create_object(CK_SESSION_HANDLE handle, CK_ATTRIBUTE *template, CK_ULONG count,
                           CK_OBJECT_HANDLE *object_out)
{
    hsmiam_guard *guard = guard_of(handle);
    hsmiam_call *call = hsmiam_guard_begin(guard);

    hsmiam_call_put_template(call, 0, template, count);
    CK_RV rv = hsmiam_guard_make(guard, "C_CreateObject", 1, make_create_object);
    return end_with_object(guard, call, rv, object_out);
}

static CK_RV make_destroy_object(hsmiam_call *call)
{
    return call->functions->C_DestroyObject(call->session, call->numbers[0]);
}

static CK_RV destroy_object(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object)
{
    hsmiam_guard *guard = guard_of(handle);
    hsmiam_call *call = hsmiam_guard_begin(guard);

    call->numbers[0] = object;
    CK_RV rv = hsmiam_guard_make(guard, "C_DestroyObject", 1, make_destroy_object);
    hsmiam_guard_end(guard);
    return rv;
}

static CK_RV make_get_attribute_value(hsmiam_call *call)
{
    return call->functions->C_GetAttributeValue(call->session, call->numbers[0], call->parts[0],
                                                call->sizes[0]);
}

/* Some of the values may have been read whatever the result is. */
static CK_RV get_attribute_value(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object,
                                 CK_ATTRIBUTE *template, CK_ULONG count)
{
    hsmiam_guard *guard = guard_of(handle);
    hsmiam_call *call = hsmiam_guard_begin(guard);

    call->numbers[0] = object;
    hsmiam_call_put_template(call, 0, template, count);
    CK_RV rv = hsmiam_guard_make(guard, "C_GetAttributeValue", 1, make_get_attribute_value);
    const CK_ATTRIBUTE *read = call->parts[0];
    bool answered = rv != HSMIAM_RV_NO_ANSWER && !call->full;
    for (CK_ULONG i = 0; answered && i < count; i++) {
        CK_ULONG room = template[i].ulValueLen;
        template[i].ulValueLen = read[i].ulValueLen;
        if (template[i].pValue != NULL && room > 0)
            memcpy(template[i].pValue, read[i].pValue, room);
    }
    hsmiam_guard_end(guard);
    return rv;
}

static CK_RV make_find_objects_init(hsmiam_call *call)
{
    return call->functions->C_FindObjectsInit(call->session, call->parts[0], call->sizes[0]);
}

static CK_RV find_objects_init(CK_SESSION_HANDLE handle, CK_ATTRIBUTE *template, CK_ULONG count)
{
    hsmiam_guard *guard = guard_of(handle);
    hsmiam_call *call = hsmiam_guard_begin(guard);

    hsmiam_call_put_template(call, 0, template, count);
    CK_RV rv = hsmiam_guard_make(guard, "C_FindObjectsInit", 1, make_find_objects_init);
    hsmiam_guard_end(guard);
    return rv;
}

static CK_RV make_find_objects(hsmiam_call *call)
{
    return call->functions->C_FindObjects(call->session, call->parts[0], call->numbers[0],
                                          &call->numbers[1]);
}

static CK_RV find_objects(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE *objects_out, CK_ULONG max,
                          CK_ULONG *count_out)
{
    hsmiam_guard *guard = guard_of(handle);
    hsmiam_call *call = hsmiam_guard_begin(guard);

    call->numbers[0] = max;
    hsmiam_call_put(call, 0, objects_out, max * sizeof *objects_out);
    CK_RV rv = hsmiam_guard_make(guard, "C_FindObjects", 1, make_find_objects);
    if (rv == CKR_OK) {
        CK_ULONG count = call->numbers[1];
        *count_out = count; /* which the caller does not believe if it is beyond the room */
        memcpy(objects_out, call->parts[0], (count < max ? count : max) * sizeof *objects_out);
    }
    hsmiam_guard_end(guard);
    return rv;
}

static CK_RV make_find_objects_final(hsmiam_call *call)
{
    return call->functions->C_FindObjectsFinal(call->session);
}

static CK_RV find_objects_final(CK_SESSION_HANDLE handle)
{
    hsmiam_guard *guard = guard_of(handle);

    (void)hsmiam_guard_begin(guard);
    CK_RV rv = hsmiam_guard_make(guard, "C_FindObjectsFinal", 1, make_find_objects_final);
    hsmiam_guard_end(guard);
    return rv;
}

/* C_SignInit and its like. */
static CK_RV begin_operation(CK_SESSION_HANDLE handle, const char *name,
                             CK_RV (*make)(hsmiam_call *call), const CK_MECHANISM *mechanism,
                             CK_OBJECT_HANDLE key)
{
    hsmiam_guard *guard = guard_of(handle);
    hsmiam_call *call = hsmiam_guard_begin(guard);

    hsmiam_call_put_mechanism(call, mechanism);
    call->numbers[0] = key;
    CK_RV rv = hsmiam_guard_make(guard, name, 1, make);
    hsmiam_guard_end(guard);
    return rv;
}

/* C_Sign and its like. */
static CK_RV do_operation(CK_SESSION_HANDLE handle, const char *name,
                          CK_RV (*make)(hsmiam_call *call), const void *data, CK_ULONG size,
                          void *result_out, CK_ULONG *result_size)
{
    hsmiam_guard *guard = guard_of(handle);
    hsmiam_call *call = hsmiam_guard_begin(guard);

    hsmiam_call_put(call, 0, data, size);
    hsmiam_call_put(call, 1, result_out, *result_size);
    call->numbers[1] = *result_size;
    CK_RV rv = hsmiam_guard_make(guard, name, 1, make);
    if (rv == CKR_OK && result_out != NULL && call->numbers[1] <= *result_size)
        memcpy(result_out, call->parts[1], call->numbers[1]);
    if (rv == CKR_OK || rv == CKR_BUFFER_TOO_SMALL)
        *result_size = call->numbers[1];
    hsmiam_guard_end(guard);
    return rv;
}

/* A pair of functions, and how they are called. */
#define OPERATION(begin, init, perform, Name)                                                      \
    static CK_RV make_##begin(hsmiam_call *call)                                                   \
    {                                                                                              \
        return call->functions->C_##Name##Init(call->session, &call->mechanism, call->numbers[0]); \
    }                                                                                              \
    static CK_RV init(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)     \
    {                                                                                              \
        return begin_operation(handle, "C_" #Name "Init", make_##begin, mechanism, key);           \
    }                                                                                              \
    static CK_RV make_##perform(hsmiam_call *call)                                                 \
    {                                                                                              \
        return call->functions->C_##Name(call->session, call->parts[0], call->sizes[0],            \
                                         call->parts[1], &call->numbers[1]);                       \
    }                                                                                              \
    static CK_RV perform(CK_SESSION_HANDLE handle, unsigned char *data, CK_ULONG size,             \
                         unsigned char *result_out, CK_ULONG *result_size)                         \
    {                                                                                              \
        return do_operation(handle, "C_" #Name, make_##perform, data, size, result_out,            \
                            result_size);                                                          \
    }

OPERATION(begin_encrypt, encrypt_init, encrypt, Encrypt)
OPERATION(begin_sign, sign_init, sign, Sign)

static CK_RV make_generate_key(hsmiam_call *call)
{
    return call->functions->C_GenerateKey(call->session, &call->mechanism, call->parts[0],
                                          call->sizes[0], &call->numbers[1]);
}

static CK_RV generate_key(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_ATTRIBUTE *template,
                          CK_ULONG count, CK_OBJECT_HANDLE *object_out)
{
    hsmiam_guard *guard = guard_of(handle);
    hsmiam_call *call = hsmiam_guard_begin(guard);

    hsmiam_call_put_mechanism(call, mechanism);
    hsmiam_call_put_template(call, 0, template, count);
    CK_RV rv = hsmiam_guard_make(guard, "C_GenerateKey", PATIENCE, make_generate_key);
    return end_with_object(guard, call, rv, object_out);
}

static CK_RV make_generate_key_pair(hsmiam_call *call)
{
    return call->functions->C_GenerateKeyPair(call->session, &call->mechanism, call->parts[0],
                                              call->sizes[0], call->parts[1], call->sizes[1],
                                              &call->numbers[0], &call->numbers[1]);
}

static CK_RV generate_key_pair(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism,
                               CK_ATTRIBUTE *public_template, CK_ULONG public_count,
                               CK_ATTRIBUTE *private_template, CK_ULONG private_count,
                               CK_OBJECT_HANDLE *public_out, CK_OBJECT_HANDLE *private_out)
{
    hsmiam_guard *guard = guard_of(handle);
    hsmiam_call *call = hsmiam_guard_begin(guard);

    hsmiam_call_put_mechanism(call, mechanism);
    hsmiam_call_put_template(call, 0, public_template, public_count);
    hsmiam_call_put_template(call, 1, private_template, private_count);
    CK_RV rv = hsmiam_guard_make(guard, "C_GenerateKeyPair", PATIENCE, make_generate_key_pair);
    if (rv == CKR_OK)
        *public_out = call->numbers[0];
    return end_with_object(guard, call, rv, private_out);
}

static CK_RV make_unwrap_key(hsmiam_call *call)
{
    return call->functions->C_UnwrapKey(call->session, &call->mechanism, call->numbers[0],
                                        call->parts[0], call->sizes[0], call->parts[1],
                                        call->sizes[1], &call->numbers[1]);
}

static CK_RV unwrap_key(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism,
                        CK_OBJECT_HANDLE unwrapping, unsigned char *wrapped, CK_ULONG wrapped_size,
                        CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *object_out)
{
    hsmiam_guard *guard = guard_of(handle);
    hsmiam_call *call = hsmiam_guard_begin(guard);

    hsmiam_call_put_mechanism(call, mechanism);
    hsmiam_call_put(call, 0, wrapped, wrapped_size);
    hsmiam_call_put_template(call, 1, template, count);
    call->numbers[0] = unwrapping;
    CK_RV rv = hsmiam_guard_make(guard, "C_UnwrapKey", 1, make_unwrap_key);
    return end_with_object(guard, call, rv, object_out);
}

static CK_RV make_derive_key(hsmiam_call *call)
{
    return call->functions->C_DeriveKey(call->session, &call->mechanism, call->numbers[0],
                                        call->parts[0], call->sizes[0], &call->numbers[1]);
}

static CK_RV derive_key(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE base,
                        CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *object_out)
{
    hsmiam_guard *guard = guard_of(handle);
    hsmiam_call *call = hsmiam_guard_begin(guard);

    hsmiam_call_put_mechanism(call, mechanism);
    hsmiam_call_put_template(call, 0, template, count);
    call->numbers[0] = base;
    CK_RV rv = hsmiam_guard_make(guard, "C_DeriveKey", 1, make_derive_key);
    return end_with_object(guard, call, rv, object_out);
}

CK_FUNCTION_LIST hsmiam_guarded_functions = {
    .version = {2, 40},
    .C_OpenSession = open_session,
    .C_CloseSession = close_session,
    .C_GetSessionInfo = get_session_info,
    .C_GetTokenInfo = get_token_info,
    .C_GetMechanismList = get_mechanism_list,
    .C_GetMechanismInfo = get_mechanism_info,
    .C_Login = login,
    .C_CreateObject = create_object,
    .C_DestroyObject = destroy_object,
    .C_GetAttributeValue = get_attribute_value,
    .C_FindObjectsInit = find_objects_init,
    .C_FindObjects = find_objects,
    .C_FindObjectsFinal = find_objects_final,
    .C_EncryptInit = encrypt_init,
    .C_Encrypt = encrypt,
    .C_SignInit = sign_init,
    .C_Sign = sign,
    .C_GenerateKey = generate_key,
    .C_GenerateKeyPair = generate_key_pair,
    .C_UnwrapKey = unwrap_key,
    .C_DeriveKey = derive_key,
};
