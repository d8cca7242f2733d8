/* SPDX-License-Identifier: Apache-2.0 */
#include "token/cryptoki.h"

#include <string.h>

/* Fills `found` and `count_out`; names the function that failed. */
static CK_RV find(hsmiam_token *token, CK_ATTRIBUTE *template, CK_ULONG attributes,
                  CK_OBJECT_HANDLE *found, CK_ULONG room, CK_ULONG *count_out,
                  const char **function_out)
{
    CK_FUNCTION_LIST *functions = token->functions;
    CK_ULONG count = 0;

    *function_out = "C_FindObjectsInit";
    CK_RV rv = functions->C_FindObjectsInit(token->session, template, attributes);
    if (rv != CKR_OK)
        return rv;
    *function_out = "C_FindObjects";
    for (CK_ULONG more = 1; more > 0 && count < room; count += more) {
        rv = functions->C_FindObjects(token->session, found + count, room - count, &more);
        /* A token that counts beyond the room is not believed. */
        if (rv == CKR_OK && more > room - count)
            rv = CKR_GENERAL_ERROR;
        if (rv != CKR_OK)
            break;
    }
    CK_RV final = functions->C_FindObjectsFinal(token->session);
    *count_out = count;
    if (rv != CKR_OK)
        return rv;
    *function_out = "C_FindObjectsFinal";
    return final;
}

hsmiam_status hsmiam_objects_find(hsmiam_token *token, CK_ATTRIBUTE *template, CK_ULONG attributes,
                                  hsmiam_object *objects_out, size_t *count_out,
                                  hsmiam_error *error)
{
    /* One more than the caller's array takes, to know whether there are more. */
    CK_OBJECT_HANDLE found[HSMIAM_OBJECTS_MAX + 1];
    CK_ULONG count = 0;
    const char *function = NULL;

    (void)pthread_mutex_lock(&token->in_session);
    CK_RV rv = find(token, template, attributes, found, HSMIAM_OBJECTS_MAX + 1, &count, &function);
    (void)pthread_mutex_unlock(&token->in_session);
    if (rv != CKR_OK)
        return hsmiam_rv_set_error(token, rv, function, error);
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

unsigned hsmiam_hardening_start(const CK_TOKEN_INFO *info)
{
    char manufacturer[sizeof info->manufacturerID + 1];

    hsmiam_attribute_copy_padded(manufacturer, info->manufacturerID, sizeof info->manufacturerID);
    return strcmp(manufacturer, "Mozilla Foundation") == 0 ? HSMIAM_HARDENING_STORABLE : 0;
}

bool hsmiam_hardening_drop(unsigned *dropped, bool has_unwrap_template)
{
    if (*dropped >= HSMIAM_HARDENING_COUNT)
        return false;
    (*dropped)++;
    /* The next one is not in the template. */
    if (*dropped == HSMIAM_HARDENING_UNWRAP_TEMPLATE && !has_unwrap_template)
        (*dropped)++;
    return true;
}

bool hsmiam_hardening_has(unsigned dropped, hsmiam_hardening attribute)
{
    if (dropped == HSMIAM_HARDENING_STORABLE)
        return attribute != HSMIAM_HARDENING_COPYABLE &&
               attribute != HSMIAM_HARDENING_ALLOWED_MECHANISMS;
    return dropped <= attribute;
}

hsmiam_status hsmiam_token_hmac(hsmiam_token *token, hsmiam_object key, const void *data,
                                size_t size, hsmiam_secret *mac, hsmiam_error *error)
{
    CK_MECHANISM mechanism = {CKM_SHA256_HMAC, NULL, 0};
    size_t room = 0;
    uint8_t *to = hsmiam_secret_get_room(mac, &room);
    CK_ULONG written = room;

    if (room < HSMIAM_HMAC_SIZE)
        return hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "There is no room for an HMAC.");

    (void)pthread_mutex_lock(&token->in_session);
    const char *function = "C_SignInit(CKM_SHA256_HMAC)";
    CK_RV rv = token->functions->C_SignInit(token->session, &mechanism, key);
    if (rv == CKR_OK) {
        function = "C_Sign(CKM_SHA256_HMAC)";
        rv = token->functions->C_Sign(token->session, (CK_BYTE *)data, size, to, &written);
    }
    (void)pthread_mutex_unlock(&token->in_session);
    if (rv != CKR_OK)
        return hsmiam_rv_set_error(token, rv, function, error);
    if (written != HSMIAM_HMAC_SIZE)
        return hsmiam_error_set(error, HSMIAM_ERR_TOKEN,
                                "Token \"%s\": C_Sign gave an HMAC of %lu bytes, not %d.",
                                token->label, written, HSMIAM_HMAC_SIZE);
    hsmiam_secret_grow(mac, written);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_token_destroy_object(hsmiam_token *token, hsmiam_object object,
                                          hsmiam_error *error)
{
    CK_RV rv = token->functions->C_DestroyObject(token->session, object);

    return rv == CKR_OK ? HSMIAM_OK : hsmiam_rv_set_error(token, rv, "C_DestroyObject", error);
}
