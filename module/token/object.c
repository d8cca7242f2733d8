/* SPDX-License-Identifier: Apache-2.0 */
#include "token/key_template.h"

#include <string.h>

/* Fills `found` and `count_out`; names the function that failed. */
static CK_RV find(const hsmiam_session *session, CK_ATTRIBUTE *template, CK_ULONG attributes,
                  CK_OBJECT_HANDLE *found, CK_ULONG room, CK_ULONG *count_out,
                  const char **function_out)
{
    CK_FUNCTION_LIST *functions = session->functions;
    CK_ULONG count = 0;

    *function_out = "C_FindObjectsInit";
    CK_RV rv = functions->C_FindObjectsInit(session->handle, template, attributes);
    if (rv != CKR_OK)
        return rv;
    *function_out = "C_FindObjects";
    for (CK_ULONG more = 1; more > 0 && count < room; count += more) {
        rv = functions->C_FindObjects(session->handle, found + count, room - count, &more);
        /* A token that counts beyond the room is not believed. */
        if (rv == CKR_OK && more > room - count)
            rv = CKR_GENERAL_ERROR;
        if (rv != CKR_OK)
            break;
    }
    CK_RV final = functions->C_FindObjectsFinal(session->handle);
    *count_out = count;
    if (rv != CKR_OK)
        return rv;
    *function_out = "C_FindObjectsFinal";
    return final;
}

static hsmiam_status find_once(hsmiam_token *token, CK_ATTRIBUTE *template, CK_ULONG attributes,
                               CK_OBJECT_HANDLE *found, CK_ULONG *count_out, hsmiam_error *error)
{
    const char *function = NULL;
    hsmiam_session *session = NULL;

    hsmiam_status status = hsmiam_session_borrow(token, &session, error);
    if (status != HSMIAM_OK)
        return status;
    CK_RV rv =
        find(session, template, attributes, found, HSMIAM_OBJECTS_MAX + 1, count_out, &function);
    /* Whoever is logged out by somebody else is not told so: there just are no private objects. */
    if (rv == CKR_OK && *count_out == 0 && (token->info.flags & CKF_LOGIN_REQUIRED) != 0 &&
        !hsmiam_session_is_logged_in(session))
        rv = CKR_USER_NOT_LOGGED_IN;
    hsmiam_session_return(token, &session, rv);
    return rv == CKR_OK ? HSMIAM_OK : hsmiam_rv_set_error(token, rv, function, error);
}

hsmiam_status hsmiam_objects_find(hsmiam_token *token, CK_ATTRIBUTE *template, CK_ULONG attributes,
                                  hsmiam_object *objects_out, size_t *count_out,
                                  hsmiam_error *error)
{
    /* One more than the caller's array takes, to know whether there are more. */
    CK_OBJECT_HANDLE found[HSMIAM_OBJECTS_MAX + 1];
    CK_ULONG count = 0;
    hsmiam_retry retry = hsmiam_retry_start(token);
    hsmiam_status status = HSMIAM_OK;

    do
        status = find_once(token, template, attributes, found, &count, error);
    while (hsmiam_retry_again(&retry, status, error));
    if (status != HSMIAM_OK)
        return status;
    if (count > HSMIAM_OBJECTS_MAX)
        return hsmiam_error_set(error, HSMIAM_ERR_AMBIGUOUS,
                                "Token \"%s\" holds more than %d keys that match; name one by its "
                                "id (pkcs11:...;id=...).",
                                token->label, HSMIAM_OBJECTS_MAX);
    for (CK_ULONG i = 0; i < count; i++)
        objects_out[i] = found[i];
    *count_out = count;
    return HSMIAM_OK;
}

hsmiam_status hsmiam_objects_find_private(hsmiam_token *token, const char *id,
                                          hsmiam_object *objects_out, size_t *count_out,
                                          hsmiam_error *error)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_TOKEN, &yes, sizeof yes},
        {CKA_PRIVATE, &yes, sizeof yes},
        {CKA_ID, (void *)id, strlen(id)},
    };

    return hsmiam_objects_find(token, template, sizeof template / sizeof template[0], objects_out,
                               count_out, error);
}

unsigned hsmiam_hardening_start(const CK_TOKEN_INFO *info)
{
    char manufacturer[sizeof info->manufacturerID + 1];

    hsmiam_attribute_copy_padded(manufacturer, info->manufacturerID, sizeof info->manufacturerID);
    return strcmp(manufacturer, "Mozilla Foundation") == 0 ? HSMIAM_HARDENING_STORABLE : 0;
}

bool hsmiam_hardening_drop(unsigned *dropped, bool has_unwrap_template)
{
    enum {
        C = HSMIAM_HARDENING_COPYABLE,
        M = HSMIAM_HARDENING_MODIFIABLE,
        U = HSMIAM_HARDENING_UNWRAP_TEMPLATE,
        A = HSMIAM_HARDENING_ALLOWED_MECHANISMS
    };
    static const unsigned order[] = {
        0,     C,     M,     U,         A,         C | M,     C | U,     C | A,
        M | U, M | A, U | A, C | M | U, C | M | A, C | U | A, M | U | A, C | M | U | A};
    const size_t count = sizeof order / sizeof order[0];
    size_t i = 0;

    while (i < count && order[i] != *dropped)
        i++;
    for (i++; i < count; i++) {
        if (has_unwrap_template || (order[i] & U) == 0) {
            *dropped = order[i];
            return true;
        }
    }
    return false;
}

bool hsmiam_hardening_retry(CK_RV rv, bool has_unwrap_template, unsigned *dropped, bool *doubted)
{
    if (hsmiam_rv_is_template_refusal(rv))
        return hsmiam_hardening_drop(dropped, has_unwrap_template);
    if (hsmiam_rv_judge(rv) != HSMIAM_VERDICT_DOUBTFUL)
        return false;
    if (*doubted)
        return hsmiam_hardening_drop(dropped, has_unwrap_template);
    *doubted = true;
    return true;
}

bool hsmiam_hardening_has(unsigned dropped, hsmiam_hardening attribute)
{
    return (dropped & (unsigned)attribute) == 0;
}

static bool wants_login(const hsmiam_session *session, CK_OBJECT_HANDLE key)
{
    CK_BBOOL wants = CK_FALSE;
    CK_ATTRIBUTE attribute = {CKA_ALWAYS_AUTHENTICATE, &wants, sizeof wants};

    return session->functions->C_GetAttributeValue(session->handle, key, &attribute, 1) == CKR_OK &&
           wants == CK_TRUE;
}

hsmiam_status hsmiam_session_sign(hsmiam_token *token, const hsmiam_session *session,
                                  const hsmiam_signature *wanted, uint8_t *to, CK_ULONG *size,
                                  CK_RV *rv_out, hsmiam_error *error)
{
    CK_FUNCTION_LIST *functions = session->functions;
    CK_MECHANISM mechanism = {wanted->mechanism, NULL, 0};
    const CK_ULONG room = *size;
    const char *function = wanted->init_name;

    *rv_out = functions->C_SignInit(session->handle, &mechanism, wanted->key);
    if (*rv_out == CKR_OK) {
        function = wanted->name;
        *rv_out =
            functions->C_Sign(session->handle, (CK_BYTE *)wanted->data, wanted->size, to, size);
    }
    /* That it wants the PIN for each of its signatures shows by the first try, which ends the
     * operation; the PIN is given between C_SignInit and C_Sign. */
    if (*rv_out == CKR_USER_NOT_LOGGED_IN && wants_login(session, wanted->key)) {
        function = wanted->init_name;
        *rv_out = functions->C_SignInit(session->handle, &mechanism, wanted->key);
        if (*rv_out == CKR_OPERATION_ACTIVE) /* a token that did not end it */
            *rv_out = CKR_OK;
        if (*rv_out != CKR_OK)
            return hsmiam_rv_set_error(token, *rv_out, function, error);
        hsmiam_status status = hsmiam_session_log_in_to_key(token, session, error);
        if (status != HSMIAM_OK)
            return status;
        function = wanted->name;
        *size = room;
        *rv_out =
            functions->C_Sign(session->handle, (CK_BYTE *)wanted->data, wanted->size, to, size);
    }
    return *rv_out == CKR_OK ? HSMIAM_OK : hsmiam_rv_set_error(token, *rv_out, function, error);
}

CK_RV hsmiam_session_unwrap(hsmiam_token *token, const hsmiam_session *session,
                            CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key,
                            const hsmiam_secret *wrapped, hsmiam_key_template *template,
                            CK_OBJECT_HANDLE *handle_out)
{
    CK_RV rv = CKR_OK;

    for (bool first = true;; first = false) {
        rv = session->functions->C_UnwrapKey(
            session->handle, mechanism, key, hsmiam_secret_get_data(wrapped),
            hsmiam_secret_get_size(wrapped), template->attributes, template->count, handle_out);
        if (rv != CKR_USER_NOT_LOGGED_IN || !wants_login(session, key))
            return rv;
        if (!first || hsmiam_session_log_in_to_key(token, session, NULL) != HSMIAM_OK)
            break;
    }
    /* No loss, for which it would be taken: to open the token anew does not help. */
    hsmiam_log_write(&token->log, HSMIAM_LOG_NOTICE,
                     "A wrapping key of token \"%s\" wants the PIN for each use "
                     "(CKA_ALWAYS_AUTHENTICATE), and the token takes none for C_UnwrapKey.",
                     token->label);
    return CKR_KEY_FUNCTION_NOT_PERMITTED;
}

static hsmiam_status hmac_once(hsmiam_token *token, hsmiam_object key, const void *data,
                               size_t size, hsmiam_secret *mac, CK_ULONG *written,
                               hsmiam_error *error)
{
    hsmiam_signature wanted = {.mechanism = CKM_SHA256_HMAC,
                               .init_name = "C_SignInit(CKM_SHA256_HMAC)",
                               .name = "C_Sign(CKM_SHA256_HMAC)",
                               .data = data,
                               .size = size};
    hsmiam_session *session = NULL;
    CK_RV rv = CKR_OK;
    size_t room = 0;
    uint8_t *to = hsmiam_secret_get_room(mac, &room);

    hsmiam_status status = hsmiam_session_borrow(token, &session, error);
    if (status != HSMIAM_OK)
        return status;
    status = hsmiam_object_resolve(token, session, key, &wanted.key, error);
    *written = room;
    if (status == HSMIAM_OK)
        status = hsmiam_session_sign(token, session, &wanted, to, written, &rv, error);
    hsmiam_session_return(token, &session, rv);
    return status;
}

hsmiam_status hsmiam_token_hmac(hsmiam_token *token, hsmiam_object key, const void *data,
                                size_t size, hsmiam_secret *mac, hsmiam_error *error)
{
    hsmiam_retry retry = hsmiam_retry_start(token);
    hsmiam_status status = HSMIAM_OK;
    CK_ULONG written = 0;
    size_t room = 0;

    (void)hsmiam_secret_get_room(mac, &room);
    if (room < HSMIAM_HMAC_SIZE)
        return hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "There is no room for an HMAC.");

    do
        status = hmac_once(token, key, data, size, mac, &written, error);
    while (hsmiam_retry_again(&retry, status, error));
    if (status != HSMIAM_OK)
        return status;
    if (written != HSMIAM_HMAC_SIZE)
        return hsmiam_error_set(error, HSMIAM_ERR_TOKEN,
                                "Token \"%s\": C_Sign gave an HMAC of %lu bytes, not %d.",
                                token->label, written, HSMIAM_HMAC_SIZE);
    hsmiam_secret_grow(mac, written);
    return HSMIAM_OK;
}

static hsmiam_status destroy(hsmiam_token *token, const hsmiam_session *session,
                             CK_OBJECT_HANDLE handle, void *context, hsmiam_error *error)
{
    CK_RV rv = session->functions->C_DestroyObject(session->handle, handle);

    (void)context;
    return rv == CKR_OK ? HSMIAM_OK : hsmiam_rv_set_error(token, rv, "C_DestroyObject", error);
}

/* After a loss, the object may be gone; that is what was wanted. */
hsmiam_status hsmiam_token_destroy_object(hsmiam_token *token, hsmiam_object object,
                                          hsmiam_error *error)
{
    hsmiam_status status = hsmiam_object_use(token, object, destroy, NULL, error);

    if (status == HSMIAM_ERR_NOT_FOUND) {
        hsmiam_error_clear(error);
        status = HSMIAM_OK;
    }
    if (status == HSMIAM_OK)
        hsmiam_object_forget(token, object);
    return status;
}

void hsmiam_token_leave_object(hsmiam_token *token, hsmiam_object object)
{
    hsmiam_object_forget(token, object);
}
