/* SPDX-License-Identifier: Apache-2.0 */
/* CK_RV becomes hsmiam_status here, and nowhere else. */
#include "token/object.h"

#include <stdio.h>

#define NAMED(rv, status)                                                                          \
    {                                                                                              \
        rv, #rv, status                                                                            \
    }

static const struct {
    CK_RV rv;
    const char *name;
    hsmiam_status status;
} codes[] = {
    NAMED(CKR_CANCEL, HSMIAM_ERR_CANCELLED),
    NAMED(CKR_HOST_MEMORY, HSMIAM_ERR_MEMORY),
    NAMED(CKR_SLOT_ID_INVALID, HSMIAM_ERR_TOKEN),
    NAMED(CKR_GENERAL_ERROR, HSMIAM_ERR_TOKEN),
    NAMED(CKR_FUNCTION_FAILED, HSMIAM_ERR_TOKEN),
    NAMED(CKR_ARGUMENTS_BAD, HSMIAM_ERR_TOKEN),
    NAMED(CKR_ATTRIBUTE_READ_ONLY, HSMIAM_ERR_TOKEN),
    NAMED(CKR_ATTRIBUTE_SENSITIVE, HSMIAM_ERR_TOKEN),
    NAMED(CKR_ATTRIBUTE_TYPE_INVALID, HSMIAM_ERR_UNSUPPORTED),
    NAMED(CKR_ATTRIBUTE_VALUE_INVALID, HSMIAM_ERR_UNSUPPORTED),
    NAMED(CKR_DEVICE_ERROR, HSMIAM_ERR_TOKEN),
    NAMED(CKR_DEVICE_MEMORY, HSMIAM_ERR_TOKEN),
    NAMED(CKR_DEVICE_REMOVED, HSMIAM_ERR_TOKEN),
    NAMED(CKR_ENCRYPTED_DATA_INVALID, HSMIAM_ERR_TOKEN),
    NAMED(CKR_FUNCTION_CANCELED, HSMIAM_ERR_CANCELLED),
    NAMED(CKR_FUNCTION_NOT_SUPPORTED, HSMIAM_ERR_UNSUPPORTED),
    NAMED(CKR_KEY_HANDLE_INVALID, HSMIAM_ERR_TOKEN),
    NAMED(CKR_KEY_SIZE_RANGE, HSMIAM_ERR_UNSUPPORTED),
    NAMED(CKR_KEY_TYPE_INCONSISTENT, HSMIAM_ERR_UNSUPPORTED),
    NAMED(CKR_KEY_FUNCTION_NOT_PERMITTED, HSMIAM_ERR_UNSUPPORTED),
    NAMED(CKR_KEY_UNEXTRACTABLE, HSMIAM_ERR_TOKEN),
    NAMED(CKR_MECHANISM_INVALID, HSMIAM_ERR_UNSUPPORTED),
    NAMED(CKR_MECHANISM_PARAM_INVALID, HSMIAM_ERR_UNSUPPORTED),
    NAMED(CKR_OBJECT_HANDLE_INVALID, HSMIAM_ERR_TOKEN),
    NAMED(CKR_OPERATION_ACTIVE, HSMIAM_ERR_TOKEN),
    NAMED(CKR_OPERATION_NOT_INITIALIZED, HSMIAM_ERR_TOKEN),
    NAMED(CKR_PIN_INCORRECT, HSMIAM_ERR_PIN),
    NAMED(CKR_PIN_INVALID, HSMIAM_ERR_PIN),
    NAMED(CKR_PIN_LEN_RANGE, HSMIAM_ERR_PIN),
    NAMED(CKR_PIN_EXPIRED, HSMIAM_ERR_PIN),
    NAMED(CKR_PIN_LOCKED, HSMIAM_ERR_PIN),
    NAMED(CKR_SESSION_CLOSED, HSMIAM_ERR_TOKEN),
    NAMED(CKR_SESSION_COUNT, HSMIAM_ERR_TOKEN),
    NAMED(CKR_SESSION_HANDLE_INVALID, HSMIAM_ERR_TOKEN),
    NAMED(CKR_SESSION_READ_ONLY, HSMIAM_ERR_UNSUPPORTED),
    NAMED(CKR_SIGNATURE_LEN_RANGE, HSMIAM_ERR_TOKEN),
    NAMED(CKR_TEMPLATE_INCOMPLETE, HSMIAM_ERR_UNSUPPORTED),
    NAMED(CKR_TEMPLATE_INCONSISTENT, HSMIAM_ERR_UNSUPPORTED),
    NAMED(CKR_TOKEN_NOT_PRESENT, HSMIAM_ERR_TOKEN),
    NAMED(CKR_TOKEN_NOT_RECOGNIZED, HSMIAM_ERR_TOKEN),
    NAMED(CKR_TOKEN_WRITE_PROTECTED, HSMIAM_ERR_UNSUPPORTED),
    NAMED(CKR_UNWRAPPING_KEY_HANDLE_INVALID, HSMIAM_ERR_TOKEN),
    NAMED(CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT, HSMIAM_ERR_UNSUPPORTED),
    NAMED(CKR_USER_ALREADY_LOGGED_IN, HSMIAM_ERR_TOKEN),
    NAMED(CKR_USER_ANOTHER_ALREADY_LOGGED_IN, HSMIAM_ERR_TOKEN),
    NAMED(CKR_USER_NOT_LOGGED_IN, HSMIAM_ERR_TOKEN),
    NAMED(CKR_USER_PIN_NOT_INITIALIZED, HSMIAM_ERR_PIN),
    NAMED(CKR_USER_TOO_MANY_TYPES, HSMIAM_ERR_TOKEN),
    NAMED(CKR_USER_TYPE_INVALID, HSMIAM_ERR_TOKEN),
    NAMED(CKR_WRAPPED_KEY_INVALID, HSMIAM_ERR_TOKEN),
    NAMED(CKR_WRAPPED_KEY_LEN_RANGE, HSMIAM_ERR_TOKEN),
    NAMED(CKR_BUFFER_TOO_SMALL, HSMIAM_ERR_TOKEN),
    NAMED(CKR_CRYPTOKI_NOT_INITIALIZED, HSMIAM_ERR_TOKEN),
};

const char *hsmiam_rv_get_name(CK_RV rv, char buffer[32])
{
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i].rv == rv)
            return codes[i].name;
    (void)snprintf(buffer, 32, "CKR_0x%08lX", rv);
    return buffer;
}

static hsmiam_status to_status(CK_RV rv)
{
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i].rv == rv)
            return codes[i].status;
    return HSMIAM_ERR_TOKEN;
}

/* What to do about trouble that is none of this program's. */
static const struct {
    CK_RV rv;
    const char *advice;
} advices[] = {
    {CKR_DEVICE_ERROR, "See to the token and its connection."},
    {CKR_DEVICE_MEMORY, "The token is full: delete what is not needed there."},
    {CKR_DEVICE_REMOVED, "Is it plugged in, and reached?"},
    {CKR_TOKEN_NOT_PRESENT, "Is it plugged in, and reached?"},
    {CKR_SESSION_COUNT, "Other programs have all of its sessions: close one."},
    {CKR_GENERAL_ERROR, "The token tells no more; its own log may, or whether its files and its "
                        "connection are in order."},
};

static void append_advice(CK_RV rv, hsmiam_error *error)
{
    for (size_t i = 0; i < sizeof advices / sizeof advices[0]; i++)
        if (advices[i].rv == rv)
            hsmiam_error_append(error, "%s", advices[i].advice);
}

hsmiam_status hsmiam_rv_set_error(const hsmiam_token *token, CK_RV rv, const char *function,
                                  hsmiam_error *error)
{
    char buffer[32];
    const char *name = hsmiam_rv_get_name(rv, buffer);

    if (rv == HSMIAM_RV_NO_ANSWER)
        return hsmiam_pool_set_silent_error(token->pool, error);
    hsmiam_status status =
        hsmiam_error_set(error, to_status(rv), "Token \"%s\": %s failed: %s (%s).", token->label,
                         function, p11_kit_strerror(rv), name);

    append_advice(rv, error);
    hsmiam_error_set_origin(error, HSMIAM_DOMAIN_PKCS11, rv, name);
    hsmiam_session_note(token, rv);
    return status;
}

bool hsmiam_rv_is_template_refusal(CK_RV rv)
{
    return rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_ATTRIBUTE_VALUE_INVALID ||
           rv == CKR_ATTRIBUTE_READ_ONLY || rv == CKR_TEMPLATE_INCONSISTENT ||
           rv == CKR_TEMPLATE_INCOMPLETE;
}

bool hsmiam_rv_is_loss(CK_RV rv)
{
    static const CK_RV losses[] = {
        CKR_SESSION_HANDLE_INVALID, CKR_SESSION_CLOSED,       CKR_DEVICE_REMOVED,
        CKR_TOKEN_NOT_PRESENT,      CKR_TOKEN_NOT_RECOGNIZED, CKR_DEVICE_ERROR,
        CKR_USER_NOT_LOGGED_IN,     CKR_OPERATION_ACTIVE,
    };

    for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++)
        if (losses[i] == rv)
            return true;
    return false;
}
