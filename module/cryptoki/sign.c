/* SPDX-License-Identifier: Apache-2.0 */
/* C_SignInit and what follows it, for CKM_HSMIAM_AWS_SIGV4. While a session has such an operation,
 * the module behind has one as well for a key that signs, so that it keeps others off by itself. */
#include "cryptoki/mechanism.h"

#include "cryptoki/behind.h"
#include "cryptoki/cryptoki3.h"
#include "cryptoki/message.h"
#include "cryptoki/own.h"
#include "cryptoki/signature.h"
#include "hsmiam/pkcs11.h"
#include "sigv4/scope.h"

#include <string.h>

static hsmiam_operations operations = HSMIAM_OPERATIONS_NONE;

/* Ends it, here and in the module behind. */
static void end(CK_FUNCTION_LIST *behind, hsmiam_operation *operation)
{
    if (!operation->in_token)
        hsmiam_sigv4_abandon(behind, operation->session);
    hsmiam_operation_free(&operation);
}

static CK_RV end_by(CK_FUNCTION_LIST *behind, hsmiam_operation *operation, CK_RV rv)
{
    end(behind, operation);
    return rv;
}

static CK_RV read_parameter(const CK_MECHANISM *mechanism, hsmiam_operation *operation)
{
    if (mechanism->ulParameterLen == 0)
        return CKR_OK;
    operation->has_scope =
        mechanism->pParameter != NULL &&
        hsmiam_scope_parse(mechanism->pParameter, mechanism->ulParameterLen, &operation->scope);
    if (operation->has_scope)
        return CKR_OK;
    hsmiam_message_write("C_SignInit: the parameter of CKM_HSMIAM_AWS_SIGV4, of %lu bytes, is no "
                         "credential scope, such as 20261124/us-east-1/iam/aws4_request.",
                         mechanism->ulParameterLen);
    return CKR_MECHANISM_PARAM_INVALID;
}

/* What C_SignInit looks at of a key. */
typedef struct key_facts {
    CK_OBJECT_CLASS class;
    CK_KEY_TYPE type;
    CK_BBOOL is_private;
    CK_BBOOL signs;
    CK_BBOOL derives;
    char id[HSMIAM_ACCESS_KEY_ID_MAX];
    CK_ULONG id_size;
} key_facts;

static CK_RV read_key(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key,
                      key_facts *facts)
{
    CK_ATTRIBUTE attributes[] = {
        {CKA_CLASS, &facts->class, sizeof facts->class},
        {CKA_KEY_TYPE, &facts->type, sizeof facts->type},
        {CKA_PRIVATE, &facts->is_private, sizeof facts->is_private},
        {CKA_ID, facts->id, sizeof facts->id},
        {CKA_SIGN, &facts->signs, sizeof facts->signs},
        {CKA_DERIVE, &facts->derives, sizeof facts->derives},
    };

    *facts = (key_facts){.class = CK_UNAVAILABLE_INFORMATION};
    CK_RV rv = behind->C_GetAttributeValue(session, key, attributes,
                                           sizeof attributes / sizeof attributes[0]);
    if (attributes[3].ulValueLen <= sizeof facts->id)
        facts->id_size = attributes[3].ulValueLen;
    if (rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_BUFFER_TOO_SMALL) /* it is none of ours */
        return CKR_OK;
    return rv == CKR_OBJECT_HANDLE_INVALID ? CKR_KEY_HANDLE_INVALID : rv;
}

static CK_RV check_key(const key_facts *facts)
{
    if (facts->class != CKO_SECRET_KEY ||
        (facts->type != CKK_GENERIC_SECRET && facts->type != CKK_SHA256_HMAC) ||
        !hsmiam_access_key_id_is_valid(facts->id, facts->id_size)) {
        hsmiam_message_write("C_SignInit: the key is no AWS access key; that is a generic secret "
                             "key whose CKA_ID is an access key id.");
        return CKR_KEY_TYPE_INCONSISTENT;
    }
    if (!facts->is_private) {
        hsmiam_message_write(
            "C_SignInit: access key %.*s is not private (CKA_PRIVATE is false), so that anyone "
            "may have put it there without a PIN; it is not used. If it is yours, destroy it and "
            "import it by `hsmiam import-access-key`.",
            (int)facts->id_size, facts->id);
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    }
    return facts->signs || facts->derives ? CKR_OK : CKR_KEY_FUNCTION_NOT_PERMITTED;
}

/* A key has one usage as we make it; of two, the one that keeps more inside is taken. */
static bool is_for_token(CK_FUNCTION_LIST *behind, CK_SLOT_ID slot, const key_facts *facts)
{
    CK_MECHANISM_INFO info = {0};

    return facts->derives &&
           (!facts->signs ||
            (behind->C_GetMechanismInfo(slot, CKM_SP800_108_FEEDBACK_KDF, &info) == CKR_OK &&
             (info.flags & CKF_DERIVE) != 0));
}

/* Begins the operation of the module behind. For a key that only derives there is none to begin
 * yet; but to try tells whether the session has another one. */
static CK_RV begin_behind(CK_FUNCTION_LIST *behind, const hsmiam_operation *operation)
{
    CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0};
    CK_RV rv = behind->C_SignInit(operation->session, &hmac, operation->key);

    if (!operation->in_token)
        return rv;
    switch (rv) {
    case CKR_OK:
        hsmiam_sigv4_abandon(behind, operation->session);
        return CKR_OK;
    case CKR_KEY_FUNCTION_NOT_PERMITTED:
    case CKR_KEY_TYPE_INCONSISTENT:
    case CKR_MECHANISM_INVALID:
        return CKR_OK;
    default:
        return rv;
    }
}

static CK_RV begin(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session,
                   const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    CK_SESSION_INFO info = {0};
    key_facts facts;

    if (!hsmiam_behind_may_start_threads()) {
        hsmiam_message_write("C_SignInit: a key is worked with on a thread of its own, and the "
                             "program forbids those (CKF_LIBRARY_CANT_CREATE_OS_THREADS).");
        return CKR_MECHANISM_INVALID;
    }
    CK_RV rv = behind->C_GetSessionInfo(session, &info);
    if (rv != CKR_OK)
        return rv;
    hsmiam_operation *operation = hsmiam_operation_new(session);
    if (operation == NULL)
        return CKR_HOST_MEMORY;
    operation->slot = info.slotID;
    operation->key = key;
    rv = read_parameter(mechanism, operation);
    if (rv == CKR_OK)
        rv = read_key(behind, session, key, &facts);
    if (rv == CKR_OK)
        rv = check_key(&facts);
    if (rv == CKR_OK) {
        operation->in_token = is_for_token(behind, info.slotID, &facts);
        rv = begin_behind(behind, operation);
    }
    if (rv == CKR_OK)
        hsmiam_operations_add(&operations, operation);
    else
        hsmiam_operation_free(&operation);
    return rv;
}

/* False: the session has an operation under way. */
static bool is_free(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session)
{
    hsmiam_operation *operation = hsmiam_operations_take(&operations, session);

    if (operation == NULL)
        return true;
    if (!operation->ended) {
        hsmiam_operations_add(&operations, operation);
        return false;
    }
    end(behind, operation);
    return true;
}

CK_RV hsmiam_mechanism_sign_init(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session,
                                 CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    if (mechanism == NULL) { /* it ends what was begun (PKCS#11 3.0) */
        hsmiam_operation *ended = hsmiam_operations_take(&operations, session);
        return ended != NULL ? end_by(behind, ended, CKR_OK)
                             : behind->C_SignInit(session, mechanism, key);
    }
    if (!is_free(behind, session))
        return CKR_OPERATION_ACTIVE;
    if (mechanism->mechanism == CKM_HSMIAM_AWS_SIGV4)
        return begin(behind, session, mechanism, key);
    return behind->C_SignInit(session, mechanism, key);
}

/* What C_Sign and C_SignFinal have in common, with an operation that was taken. */
static CK_RV finish(CK_FUNCTION_LIST *behind, hsmiam_operation *operation, const void *text,
                    size_t size, unsigned char *signature_out, CK_ULONG *signature_size)
{
    const hsmiam_sigv4_task task = {behind, operation, text, size};
    uint8_t mac[HSMIAM_HMAC_SIZE] = {0};
    hsmiam_error *error = NULL;

    if (signature_out == NULL || *signature_size < sizeof mac) {
        CK_RV rv = signature_out == NULL ? CKR_OK : CKR_BUFFER_TOO_SMALL;
        *signature_size = sizeof mac;
        hsmiam_operations_add(&operations, operation);
        return rv;
    }
    if (size > HSMIAM_OPERATION_TEXT_MAX)
        return end_by(behind, operation, CKR_DATA_LEN_RANGE);
    if (!operation->has_scope && !hsmiam_scope_find(text, size, &operation->scope)) {
        hsmiam_message_write("C_Sign: the string to sign has no credential scope in its third "
                             "line; give it as the mechanism's parameter.");
        return end_by(behind, operation, CKR_DATA_INVALID);
    }
    error = hsmiam_error_new();
    CK_RV rv = hsmiam_sigv4_compute(&task, mac, error);
    if (rv == CKR_OK) {
        memcpy(signature_out, mac, sizeof mac);
        *signature_size = sizeof mac;
    } else {
        hsmiam_message_write_error(error);
    }
    hsmiam_error_free(&error);
    hsmiam_operation_free(&operation);
    return rv;
}

CK_RV hsmiam_mechanism_sign(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session,
                            unsigned char *data, CK_ULONG size, unsigned char *signature_out,
                            CK_ULONG *signature_size)
{
    hsmiam_operation *operation = hsmiam_operations_take(&operations, session);

    if (operation == NULL)
        return behind->C_Sign(session, data, size, signature_out, signature_size);
    if (operation->ended)
        return end_by(behind, operation, CKR_OPERATION_NOT_INITIALIZED);
    if (signature_size == NULL || (data == NULL && size > 0))
        return end_by(behind, operation, CKR_ARGUMENTS_BAD);
    if (operation->in_parts) /* C_SignFinal ends that */
        return end_by(behind, operation, CKR_OPERATION_NOT_INITIALIZED);
    return finish(behind, operation, data != NULL ? (const void *)data : "", size, signature_out,
                  signature_size);
}

CK_RV hsmiam_mechanism_sign_update(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session,
                                   unsigned char *part, CK_ULONG size)
{
    hsmiam_operation *operation = hsmiam_operations_take(&operations, session);

    if (operation == NULL)
        return behind->C_SignUpdate(session, part, size);
    if (operation->ended)
        return end_by(behind, operation, CKR_OPERATION_NOT_INITIALIZED);
    if (part == NULL && size > 0)
        return end_by(behind, operation, CKR_ARGUMENTS_BAD);
    if (size > HSMIAM_OPERATION_TEXT_MAX - operation->text.size)
        return end_by(behind, operation, CKR_DATA_LEN_RANGE);
    operation->in_parts = true;
    hsmiam_buffer_append(&operation->text, part, size);
    if (operation->text.failed)
        return end_by(behind, operation, CKR_HOST_MEMORY);
    hsmiam_operations_add(&operations, operation);
    return CKR_OK;
}

CK_RV hsmiam_mechanism_sign_final(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session,
                                  unsigned char *signature_out, CK_ULONG *signature_size)
{
    hsmiam_operation *operation = hsmiam_operations_take(&operations, session);

    if (operation == NULL)
        return behind->C_SignFinal(session, signature_out, signature_size);
    if (operation->ended)
        return end_by(behind, operation, CKR_OPERATION_NOT_INITIALIZED);
    if (signature_size == NULL)
        return end_by(behind, operation, CKR_ARGUMENTS_BAD);
    return finish(behind, operation, hsmiam_buffer_get_string(&operation->text),
                  operation->text.size, signature_out, signature_size);
}

/* What it would sign went into the operation behind, which is the key's HMAC and no more. */
CK_RV hsmiam_mechanism_sign_encrypt_update(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session,
                                           unsigned char *part, CK_ULONG size,
                                           unsigned char *encrypted_out, CK_ULONG *encrypted_size)
{
    hsmiam_operation *operation = hsmiam_operations_take(&operations, session);

    if (operation == NULL)
        return behind->C_SignEncryptUpdate(session, part, size, encrypted_out, encrypted_size);
    if (operation->ended)
        return end_by(behind, operation, CKR_OPERATION_NOT_INITIALIZED);
    return end_by(behind, operation, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV hsmiam_mechanism_get_operation_state(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session,
                                           unsigned char *state_out, CK_ULONG *size)
{
    if (hsmiam_operations_has(&operations, session))
        return CKR_STATE_UNSAVEABLE;
    return behind->C_GetOperationState(session, state_out, size);
}

CK_RV hsmiam_mechanism_set_operation_state(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session,
                                           unsigned char *state, CK_ULONG size,
                                           CK_OBJECT_HANDLE encryption_key,
                                           CK_OBJECT_HANDLE authentication_key)
{
    CK_RV rv =
        behind->C_SetOperationState(session, state, size, encryption_key, authentication_key);

    if (rv == CKR_OK) /* the session's operation is another one now */
        hsmiam_operations_drop(&operations, session);
    return rv;
}

/* Nobody signs by a private key after the logout. The module behind may see that otherwise of
 * operations that were begun before. */
CK_RV hsmiam_mechanism_logout(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session)
{
    CK_SESSION_INFO info = {0};
    bool known = operations.count > 0 && behind->C_GetSessionInfo(session, &info) == CKR_OK;

    CK_RV rv = behind->C_Logout(session);
    if (rv == CKR_OK && known)
        hsmiam_operations_end_on_slot(&operations, info.slotID);
    return rv;
}

/* Where the module behind cannot, its operation goes on, and so does the one here: else C_Sign
 * would go to the one behind, which makes no SigV4 signature. */
CK_RV hsmiam_mechanism_cancel(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session, CK_FLAGS flags)
{
    const hsmiam_functions_3 *functions = (const hsmiam_functions_3 *)behind;

    if (functions->C_SessionCancel == NULL)
        return CKR_FUNCTION_NOT_SUPPORTED;
    CK_RV rv = functions->C_SessionCancel(session, flags);
    if (rv == CKR_OK && (flags & CKF_SIGN) != 0)
        hsmiam_operations_drop(&operations, session);
    return rv;
}

void hsmiam_mechanism_end_session(CK_SESSION_HANDLE session)
{
    hsmiam_operations_drop(&operations, session);
}

void hsmiam_sign_forget(void)
{
    hsmiam_operations_forget(&operations);
}
