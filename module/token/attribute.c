/* SPDX-License-Identifier: Apache-2.0 */
#include "token/cryptoki.h"

#include <string.h>

void hsmiam_attribute_copy_padded(char *to, const unsigned char *field, size_t size)
{
    while (size > 0 && (field[size - 1] == ' ' || field[size - 1] == '\0'))
        size--;
    memcpy(to, field, size);
    to[size] = '\0';
}

hsmiam_status hsmiam_attribute_check_bools(const hsmiam_token *token, hsmiam_object object,
                                           const hsmiam_bool_rule *rules, size_t count,
                                           const hsmiam_bool_rule **broken_out, hsmiam_error *error)
{
    CK_BBOOL values[HSMIAM_BOOL_RULES_MAX] = {0};
    CK_ATTRIBUTE attributes[HSMIAM_BOOL_RULES_MAX];

    if (count > HSMIAM_BOOL_RULES_MAX)
        return hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "%zu rules are too many.", count);
    for (size_t i = 0; i < count; i++)
        attributes[i] = (CK_ATTRIBUTE){rules[i].type, &values[i], sizeof values[i]};
    CK_RV rv = token->functions->C_GetAttributeValue(token->session, object, attributes, count);
    if (rv != CKR_OK && rv != CKR_ATTRIBUTE_TYPE_INVALID)
        return hsmiam_rv_set_error(token, rv, "C_GetAttributeValue", error);

    *broken_out = NULL;
    for (size_t i = 0; i < count && *broken_out == NULL; i++) {
        /* An attribute that the token does not know has no length; the object has it false. */
        bool value = attributes[i].ulValueLen == sizeof values[i] && values[i] != CK_FALSE;
        if (value != rules[i].value)
            *broken_out = &rules[i];
    }
    return HSMIAM_OK;
}

hsmiam_status hsmiam_attribute_get_bytes(const hsmiam_token *token, hsmiam_object object,
                                         CK_ATTRIBUTE_TYPE type, const char *name, void *bytes_out,
                                         size_t *size_inout, hsmiam_error *error)
{
    CK_ATTRIBUTE attribute = {type, bytes_out, *size_inout};
    CK_RV rv = token->functions->C_GetAttributeValue(token->session, object, &attribute, 1);

    if (rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_BUFFER_TOO_SMALL)
        return hsmiam_error_set(error, HSMIAM_ERR_UNSUPPORTED,
                                "Token \"%s\": an object has no %s, or one of more than %zu bytes.",
                                token->label, name, *size_inout);
    if (rv != CKR_OK)
        return hsmiam_rv_set_error(token, rv, "C_GetAttributeValue", error);
    if (attribute.ulValueLen > *size_inout)
        return hsmiam_error_set(error, HSMIAM_ERR_TOKEN,
                                "Token \"%s\": C_GetAttributeValue gave no length for %s.",
                                token->label, name);
    *size_inout = attribute.ulValueLen;
    return HSMIAM_OK;
}
