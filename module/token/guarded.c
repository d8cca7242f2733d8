/* SPDX-License-Identifier: Apache-2.0 */
/* PKCS#11's functions over a guard: each copies in, has the call made, and copies out. What they
 * are stands in one table, ALL_FUNCTIONS; what their arguments are, in the lists before it. */
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

/* Copying out, where it is more than an assignment --------------------------------------------- */

static void take_result(const hsmiam_token_call *call, size_t at, CK_RV rv, void *result_out,
                        CK_ULONG *size)
{
    if (rv == CKR_OK && result_out != NULL && call->numbers[at] <= *size)
        memcpy(result_out, call->parts[at], call->numbers[at]);
    if (rv == CKR_OK || rv == CKR_BUFFER_TOO_SMALL)
        *size = call->numbers[at];
}

static void take_mechanisms(const hsmiam_token_call *call, size_t at, CK_RV rv,
                            CK_MECHANISM_TYPE *list_out, CK_ULONG *count)
{
    CK_ULONG room = *count;

    if (rv == CKR_OK || rv == CKR_BUFFER_TOO_SMALL)
        *count = call->numbers[at];
    if (rv == CKR_OK && list_out != NULL && *count <= room)
        memcpy(list_out, call->parts[at], *count * sizeof *list_out);
}

static void take_objects(const hsmiam_token_call *call, size_t at, CK_RV rv,
                         CK_OBJECT_HANDLE *objects_out, CK_ULONG max, CK_ULONG *count_out)
{
    CK_ULONG count = call->numbers[at];

    if (rv != CKR_OK)
        return;
    *count_out = count; /* which the caller does not believe if it is beyond the room */
    memcpy(objects_out, call->parts[at], (count < max ? count : max) * sizeof *objects_out);
}

/* Some of the values may have been read whatever the result is. */
static void take_values(const hsmiam_token_call *call, size_t at, CK_RV rv, CK_ATTRIBUTE *template,
                        CK_ULONG count)
{
    const CK_ATTRIBUTE *read = call->parts[at];
    bool answered = rv != HSMIAM_RV_NO_ANSWER && !call->full;

    for (CK_ULONG i = 0; answered && i < count; i++) {
        CK_ULONG room = template[i].ulValueLen;
        template[i].ulValueLen = read[i].ulValueLen;
        if (template[i].pValue != NULL && room > 0)
            memcpy(template[i].pValue, read[i].pValue, room);
    }
}

/* Kinds of arguments --------------------------------------------------------------------------- */

/* Each kind says how an argument is declared, copied in, passed on to the module, and copied out.
 * `at` is its place among the call's numbers or parts: one kind may stand in a list twice. */
/* NOLINTBEGIN(bugprone-macro-parentheses): a name that is declared takes none */

/* a flag, a type, or an object's handle */
#define DECLARE_NUMBER(at, name) , CK_ULONG name
#define COPY_NUMBER(at, name)    call->numbers[at] = name;
#define PASS_NUMBER(at, name)    , call->numbers[at]
#define TAKE_NUMBER(at, name)

/* a new object's handle */
#define DECLARE_NEW(at, name) , CK_OBJECT_HANDLE *name
#define COPY_NEW(at, name)
#define PASS_NEW(at, name) , &call->numbers[at]
#define TAKE_NEW(at, name)                                                                         \
    if (rv == CKR_OK)                                                                              \
        *name = call->numbers[at];

#define DECLARE_MECHANISM(at, name) , CK_MECHANISM *name
#define COPY_MECHANISM(at, name)    hsmiam_token_call_put_mechanism(call, name);
#define PASS_MECHANISM(at, name)    , &call->mechanism
#define TAKE_MECHANISM(at, name)

#define DECLARE_TEMPLATE(at, name) , CK_ATTRIBUTE *name, CK_ULONG name##_count
#define COPY_TEMPLATE(at, name)    hsmiam_token_call_put_template(call, at, name, name##_count);
#define PASS_TEMPLATE(at, name)    , call->parts[at], call->sizes[at]
#define TAKE_TEMPLATE(at, name)

/* a template to be filled */
#define DECLARE_VALUES(at, name) DECLARE_TEMPLATE(at, name)
#define COPY_VALUES(at, name)    COPY_TEMPLATE(at, name)
#define PASS_VALUES(at, name)    PASS_TEMPLATE(at, name)
#define TAKE_VALUES(at, name)    take_values(call, at, rv, name, name##_count);

#define DECLARE_BYTES(at, name) , unsigned char *name, CK_ULONG name##_size
#define COPY_BYTES(at, name)    hsmiam_token_call_put(call, at, name, name##_size);
#define PASS_BYTES(at, name)    , call->parts[at], call->sizes[at]
#define TAKE_BYTES(at, name)

/* bytes to be written, with their room */
#define DECLARE_RESULT(at, name) , unsigned char *name, CK_ULONG *name##_size
#define COPY_RESULT(at, name)                                                                      \
    hsmiam_token_call_put(call, at, name, *name##_size);                                           \
    call->numbers[at] = *name##_size;
#define PASS_RESULT(at, name) , call->parts[at], &call->numbers[at]
#define TAKE_RESULT(at, name) take_result(call, at, rv, name, name##_size);

/* the mechanisms of a token, with the room for them */
#define DECLARE_LIST(at, name) , CK_MECHANISM_TYPE *name, CK_ULONG *name##_count
#define COPY_LIST(at, name)                                                                        \
    hsmiam_token_call_put(call, at, name, *name##_count * sizeof *name);                           \
    call->numbers[at] = *name##_count;
#define PASS_LIST(at, name) , call->parts[at], &call->numbers[at]
#define TAKE_LIST(at, name) take_mechanisms(call, at, rv, name, name##_count);

/* the objects that are found, at the most so many */
#define DECLARE_FOUND(at, name)                                                                    \
    , CK_OBJECT_HANDLE *name, CK_ULONG name##_max, CK_ULONG *name##_count
#define COPY_FOUND(at, name)                                                                       \
    hsmiam_token_call_put(call, at, name, name##_max * sizeof *name);                              \
    call->sizes[at] = name##_max;
#define PASS_FOUND(at, name) , call->parts[at], call->sizes[at], &call->numbers[at]
#define TAKE_FOUND(at, name) take_objects(call, at, rv, name, name##_max, name##_count);

/* a record, for which the call has a member of its own */
#define DECLARE_RECORD(TYPE, name) , TYPE *name##_out
#define COPY_RECORD(TYPE, name)
#define PASS_RECORD(TYPE, name) , &call->name
#define TAKE_RECORD(TYPE, name)                                                                    \
    if (rv == CKR_OK)                                                                              \
        *name##_out = call->name;

/* the new session: the call keeps its handle, and the caller is given the guard's */
#define DECLARE_SESSION(at, name) , void *application, CK_NOTIFY notify, CK_SESSION_HANDLE *name
#define COPY_SESSION(at, name)                                                                     \
    (void)application;                                                                             \
    (void)notify;
#define PASS_SESSION(at, name) , NULL, NULL, &call->numbers[at]
#define TAKE_SESSION(at, name)                                                                     \
    if (rv == CKR_OK) {                                                                            \
        call->session = call->numbers[at];                                                         \
        *name = handle;                                                                            \
    }
/* NOLINTEND(bugprone-macro-parentheses) */

/* Functions ------------------------------------------------------------------------------------ */

/* The arguments, after the slot or the session. */
#define NOTHING(A)
#define OPEN_SESSION(A)      A(NUMBER, 0, flags) A(SESSION, 1, session_out)
#define SESSION_INFO(A)      A(RECORD, CK_SESSION_INFO, session_info)
#define TOKEN_INFO(A)        A(RECORD, CK_TOKEN_INFO, token_info)
#define MECHANISM_LIST(A)    A(LIST, 0, list)
#define MECHANISM_INFO(A)    A(NUMBER, 0, type) A(RECORD, CK_MECHANISM_INFO, mechanism_info)
#define LOGIN(A)             A(NUMBER, 0, user) A(BYTES, 0, pin)
#define CREATE_OBJECT(A)     A(TEMPLATE, 0, template) A(NEW, 0, object_out)
#define DESTROY_OBJECT(A)    A(NUMBER, 0, object)
#define GET_VALUES(A)        A(NUMBER, 0, object) A(VALUES, 0, template)
#define FIND_OBJECTS_INIT(A) A(TEMPLATE, 0, template)
#define FIND_OBJECTS(A)      A(FOUND, 0, objects)
#define BEGIN_OPERATION(A)   A(MECHANISM, 0, mechanism) A(NUMBER, 0, key)
#define OPERATION(A)         A(BYTES, 0, data) A(RESULT, 1, result)
#define GENERATE_KEY(A)      A(MECHANISM, 0, mechanism) A(TEMPLATE, 0, template) A(NEW, 0, key_out)
#define GENERATE_KEY_PAIR(A)                                                                       \
    A(MECHANISM, 0, mechanism)                                                                     \
    A(TEMPLATE, 0, public_template)                                                                \
    A(TEMPLATE, 1, private_template) A(NEW, 0, public_out) A(NEW, 1, private_out)
#define UNWRAP_KEY(A)                                                                              \
    A(MECHANISM, 0, mechanism)                                                                     \
    A(NUMBER, 0, key) A(BYTES, 0, wrapped) A(TEMPLATE, 1, template) A(NEW, 1, object_out)
#define WRAP_KEY(A)                                                                                \
    A(MECHANISM, 0, mechanism)                                                                     \
    A(NUMBER, 0, wrapping_key) A(NUMBER, 1, key) A(RESULT, 2, wrapped)
#define DERIVE_KEY(A)                                                                              \
    A(MECHANISM, 0, mechanism) A(NUMBER, 0, key) A(TEMPLATE, 0, template) A(NEW, 1, object_out)

/* F(name, what it is called on, how many times the limit it may take, arguments) */
#define ALL_FUNCTIONS(F)                                                                           \
    F(OpenSession, slot, 1, OPEN_SESSION)                                                          \
    F(CloseSession, session, 1, NOTHING)                                                           \
    F(GetSessionInfo, session, 1, SESSION_INFO)                                                    \
    F(GetTokenInfo, slot, 1, TOKEN_INFO)                                                           \
    F(GetMechanismList, slot, 1, MECHANISM_LIST)                                                   \
    F(GetMechanismInfo, slot, 1, MECHANISM_INFO)                                                   \
    F(Login, session, pin == NULL ? PATIENCE : 1, LOGIN)                                           \
    F(CreateObject, session, 1, CREATE_OBJECT)                                                     \
    F(DestroyObject, session, 1, DESTROY_OBJECT)                                                   \
    F(GetAttributeValue, session, 1, GET_VALUES)                                                   \
    F(FindObjectsInit, session, 1, FIND_OBJECTS_INIT)                                              \
    F(FindObjects, session, 1, FIND_OBJECTS)                                                       \
    F(FindObjectsFinal, session, 1, NOTHING)                                                       \
    F(EncryptInit, session, 1, BEGIN_OPERATION)                                                    \
    F(Encrypt, session, 1, OPERATION)                                                              \
    F(SignInit, session, 1, BEGIN_OPERATION)                                                       \
    F(Sign, session, 1, OPERATION)                                                                 \
    F(GenerateKey, session, PATIENCE, GENERATE_KEY)                                                \
    F(GenerateKeyPair, session, PATIENCE, GENERATE_KEY_PAIR)                                       \
    F(WrapKey, session, 1, WRAP_KEY)                                                               \
    F(UnwrapKey, session, 1, UNWRAP_KEY)                                                           \
    F(DeriveKey, session, 1, DERIVE_KEY)

#define DECLARE(KIND, at, name) DECLARE_##KIND(at, name)
#define COPY(KIND, at, name)    COPY_##KIND(at, name)
#define PASS(KIND, at, name)    PASS_##KIND(at, name)
#define TAKE(KIND, at, name)    TAKE_##KIND(at, name)

#define DEFINE(Name, owner, factor, ARGUMENTS)                                                     \
    static CK_RV make_##Name(hsmiam_token_call *call)                                              \
    {                                                                                              \
        return call->functions->C_##Name(call->owner ARGUMENTS(PASS));                             \
    }                                                                                              \
    static CK_RV guarded_##Name(CK_ULONG handle ARGUMENTS(DECLARE))                                \
    {                                                                                              \
        hsmiam_guard *guard = guard_of(handle);                                                    \
        hsmiam_token_call *call = hsmiam_guard_begin(guard);                                       \
                                                                                                   \
        (void)call;                                                                                \
        ARGUMENTS(COPY)                                                                            \
        CK_RV rv = hsmiam_guard_make(guard, "C_" #Name, factor, make_##Name);                      \
        ARGUMENTS(TAKE)                                                                            \
        hsmiam_guard_end(guard);                                                                   \
        return rv;                                                                                 \
    }

ALL_FUNCTIONS(DEFINE)

#define ENTRY(Name, owner, factor, ARGUMENTS) .C_##Name = guarded_##Name,

CK_FUNCTION_LIST hsmiam_guarded_functions = {.version = {2, 40}, ALL_FUNCTIONS(ENTRY)};
