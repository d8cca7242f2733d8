/* SPDX-License-Identifier: Apache-2.0 */
#include "token/object.h"

#include <string.h>

void hsmiam_attribute_copy_padded(char *to, const unsigned char *field, size_t size)
{
    while (size > 0 && (field[size - 1] == ' ' || field[size - 1] == '\0'))
        size--;
    memcpy(to, field, size);
    to[size] = '\0';
}

/* Neither of the two that a CK_BBOOL can be: still there, nothing was read. */
#define NOT_READ 0x5a

typedef enum bool_answer { ANSWER_FALSE, ANSWER_TRUE, ANSWER_UNKNOWN, ANSWER_NONE } bool_answer;

static bool_answer get_answer(const CK_ATTRIBUTE *attribute)
{
    CK_BBOOL value = *(const CK_BBOOL *)attribute->pValue;

    if (attribute->ulValueLen != sizeof value)
        return ANSWER_UNKNOWN;
    if (value == NOT_READ)
        return ANSWER_NONE;
    return value != CK_FALSE ? ANSWER_TRUE : ANSWER_FALSE;
}

hsmiam_status hsmiam_attribute_read(const hsmiam_token *token, CK_OBJECT_HANDLE object,
                                    CK_ATTRIBUTE *attributes, CK_ULONG count, CK_RV *rv_out,
                                    hsmiam_error *error)
{
    hsmiam_session *session = NULL;

    hsmiam_status status = hsmiam_session_borrow(token, &session, error);
    if (status != HSMIAM_OK)
        return status;
    *rv_out = session->functions->C_GetAttributeValue(session->handle, object, attributes, count);
    hsmiam_session_return(token, &session, *rv_out);
    return HSMIAM_OK;
}

static CK_RV read_one(const hsmiam_session *session, CK_OBJECT_HANDLE object,
                      CK_ATTRIBUTE_TYPE type, bool_answer *answer_out)
{
    CK_BBOOL value = NOT_READ;
    CK_ATTRIBUTE attribute = {type, &value, sizeof value};
    CK_RV rv = session->functions->C_GetAttributeValue(session->handle, object, &attribute, 1);

    *answer_out = get_answer(&attribute);
    if (rv != CKR_OK && rv != CKR_ATTRIBUTE_TYPE_INVALID)
        return rv;
    if (rv == CKR_ATTRIBUTE_TYPE_INVALID || *answer_out == ANSWER_NONE)
        *answer_out = ANSWER_UNKNOWN;
    return CKR_OK;
}

static bool is_usage(CK_ATTRIBUTE_TYPE type)
{
    static const CK_ATTRIBUTE_TYPE usages[] = {
        CKA_ENCRYPT, CKA_DECRYPT,        CKA_SIGN,   CKA_SIGN_RECOVER, CKA_VERIFY,
        CKA_WRAP,    CKA_VERIFY_RECOVER, CKA_UNWRAP, CKA_DERIVE,
    };

    for (size_t i = 0; i < sizeof usages / sizeof usages[0]; i++)
        if (usages[i] == type)
            return true;
    return false;
}

/* What a token does not know, nobody can do with it; but a token that does not tell whether a key
 * is extractable may still let it be extracted. */
static bool is_kept(const hsmiam_bool_rule *rule, bool_answer answer)
{
    if (answer == ANSWER_UNKNOWN)
        return !rule->value && is_usage(rule->type);
    return (answer == ANSWER_TRUE) == rule->value;
}

CK_RV hsmiam_session_check_bools(const hsmiam_session *session, CK_OBJECT_HANDLE object,
                                 const hsmiam_bool_rule *rules, size_t count,
                                 const hsmiam_bool_rule **broken_out)
{
    CK_BBOOL values[HSMIAM_BOOL_RULES_MAX];
    CK_ATTRIBUTE attributes[HSMIAM_BOOL_RULES_MAX];

    if (count > HSMIAM_BOOL_RULES_MAX)
        return CKR_GENERAL_ERROR;
    /* The length must be the value's: it tells the token how much room there is. */
    for (size_t i = 0; i < count; i++) {
        values[i] = NOT_READ;
        attributes[i] = (CK_ATTRIBUTE){rules[i].type, &values[i], sizeof values[i]};
    }
    CK_RV rv = session->functions->C_GetAttributeValue(session->handle, object, attributes, count);
    if (rv == CKR_ATTRIBUTE_TYPE_INVALID)
        rv = CKR_OK;

    *broken_out = NULL;
    for (size_t i = 0; rv == CKR_OK && i < count && *broken_out == NULL; i++) {
        bool_answer answer = get_answer(&attributes[i]);
        /* Some tokens stop at the first attribute that they do not know. */
        if (answer == ANSWER_NONE)
            rv = read_one(session, object, rules[i].type, &answer);
        if (!is_kept(&rules[i], answer))
            *broken_out = &rules[i];
    }
    return rv;
}

hsmiam_status hsmiam_attribute_check_bools(const hsmiam_token *token, hsmiam_object object,
                                           const hsmiam_bool_rule *rules, size_t count,
                                           const hsmiam_bool_rule **broken_out, hsmiam_error *error)
{
    hsmiam_session *session = NULL;

    if (count > HSMIAM_BOOL_RULES_MAX)
        return hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "%zu rules are too many.", count);
    hsmiam_status status = hsmiam_session_borrow(token, &session, error);
    if (status != HSMIAM_OK)
        return status;
    CK_RV rv = hsmiam_session_check_bools(session, object, rules, count, broken_out);
    hsmiam_session_return(token, &session, rv);
    return rv == CKR_OK ? HSMIAM_OK : hsmiam_rv_set_error(token, rv, "C_GetAttributeValue", error);
}

hsmiam_status hsmiam_attribute_get_bytes(const hsmiam_token *token, hsmiam_object object,
                                         CK_ATTRIBUTE_TYPE type, const char *name, void *bytes_out,
                                         size_t *size_inout, hsmiam_error *error)
{
    CK_ATTRIBUTE attribute = {type, bytes_out, *size_inout};
    CK_RV rv = CKR_OK;

    hsmiam_status status = hsmiam_attribute_read(token, object, &attribute, 1, &rv, error);
    if (status != HSMIAM_OK)
        return status;
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
