/* SPDX-License-Identifier: Apache-2.0 */
#include "cryptoki/wish.h"

#include "cryptoki/message.h"

#include <string.h>

/* What the template may say of an attribute. */
typedef enum rule {
    RULE_BOOL,   /* anything: protection and usage are the key's own */
    RULE_TRUE,   /* true */
    RULE_FALSE,  /* false */
    RULE_NUMBER, /* anything */
    RULE_CLASS,
    RULE_TYPE,
    RULE_EMPTY, /* nothing */
    RULE_NEVER, /* it may not be there at all */
    RULE_NAME
} rule;

typedef struct attribute_rule {
    CK_ATTRIBUTE_TYPE type;
    const char *name;
    rule rule;
    const char *reason; /* why what breaks the rule cannot be had */
} attribute_rule;

#define RULED(type, rule, reason)                                                                  \
    {                                                                                              \
        type, #type, rule, reason                                                                  \
    }

static const char is_a_limit[] = "the key would not be limited so";

static const attribute_rule rules[] = {
    RULED(CKA_CLASS, RULE_CLASS, "an access key is a secret key (CKO_SECRET_KEY)"),
    RULED(CKA_KEY_TYPE, RULE_TYPE, "an access key is a generic secret (CKK_GENERIC_SECRET)"),
    RULED(CKA_TOKEN, RULE_TRUE, "with the session, the key would be lost that IAM has made"),
    RULED(CKA_LABEL, RULE_NAME, "the label of an access key is its user's name"),
    RULED(CKA_ID, RULE_EMPTY, "the id of an access key is chosen by IAM; leave it out"),
    RULED(CKA_VALUE, RULE_NEVER, "the secret is chosen by IAM"),
    RULED(CKA_VALUE_LEN, RULE_NUMBER, NULL),
    RULED(CKA_PRIVATE, RULE_BOOL, NULL),
    RULED(CKA_SENSITIVE, RULE_BOOL, NULL),
    RULED(CKA_EXTRACTABLE, RULE_BOOL, NULL),
    RULED(CKA_WRAP_WITH_TRUSTED, RULE_BOOL, NULL),
    RULED(CKA_MODIFIABLE, RULE_BOOL, NULL),
    RULED(CKA_COPYABLE, RULE_BOOL, NULL),
    RULED(CKA_ENCRYPT, RULE_BOOL, NULL),
    RULED(CKA_DECRYPT, RULE_BOOL, NULL),
    RULED(CKA_SIGN, RULE_BOOL, NULL),
    RULED(CKA_VERIFY, RULE_BOOL, NULL),
    RULED(CKA_WRAP, RULE_BOOL, NULL),
    RULED(CKA_UNWRAP, RULE_BOOL, NULL),
    RULED(CKA_DERIVE, RULE_BOOL, NULL),
    RULED(CKA_DESTROYABLE, RULE_TRUE, "a key that is not proven must be destroyed again"),
    RULED(CKA_TRUSTED, RULE_FALSE, "only the security officer makes a key trusted"),
    RULED(CKA_START_DATE, RULE_EMPTY, "it is the day on which IAM makes the key"),
    RULED(CKA_END_DATE, RULE_EMPTY, is_a_limit),
    RULED(CKA_ALLOWED_MECHANISMS, RULE_EMPTY, is_a_limit),
    RULED(CKA_WRAP_TEMPLATE, RULE_EMPTY, is_a_limit),
    RULED(CKA_UNWRAP_TEMPLATE, RULE_EMPTY, is_a_limit),
};

static const attribute_rule *find_rule(CK_ATTRIBUTE_TYPE type)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].type == type)
            return &rules[i];
    return NULL;
}

/* Whether the value has the size that its attribute wants. */
static bool is_well_formed(const CK_ATTRIBUTE *attribute, rule of)
{
    if (attribute->pValue == NULL)
        return attribute->ulValueLen == 0 &&
               (of == RULE_EMPTY || of == RULE_NAME || of == RULE_NEVER);
    switch (of) {
    case RULE_BOOL:
    case RULE_TRUE:
    case RULE_FALSE:
        return attribute->ulValueLen == sizeof(CK_BBOOL);
    case RULE_NUMBER:
    case RULE_CLASS:
    case RULE_TYPE:
        return attribute->ulValueLen == sizeof(CK_ULONG);
    default:
        return attribute->ulValueLen != CK_UNAVAILABLE_INFORMATION;
    }
}

static CK_ULONG get_number(const CK_ATTRIBUTE *attribute)
{
    CK_ULONG number = 0;

    memcpy(&number, attribute->pValue, sizeof number);
    return number;
}

static bool is_true(const CK_ATTRIBUTE *attribute)
{
    return *(const CK_BBOOL *)attribute->pValue != CK_FALSE;
}

static bool is_kept(const CK_ATTRIBUTE *attribute, rule of)
{
    switch (of) {
    case RULE_TRUE:
        return is_true(attribute);
    case RULE_FALSE:
        return !is_true(attribute);
    case RULE_CLASS:
        return get_number(attribute) == CKO_SECRET_KEY;
    case RULE_TYPE:
        return get_number(attribute) == CKK_GENERIC_SECRET;
    case RULE_EMPTY:
        return attribute->ulValueLen == 0;
    case RULE_NEVER:
        return false;
    default:
        return true;
    }
}

static CK_RV check(const CK_ATTRIBUTE *attribute)
{
    const attribute_rule *found = find_rule(attribute->type);

    if (found == NULL) {
        hsmiam_message_write("C_GenerateKey: an access key has no attribute 0x%lX.",
                             attribute->type);
        return CKR_ATTRIBUTE_TYPE_INVALID;
    }
    if (!is_well_formed(attribute, found->rule)) {
        hsmiam_message_write("C_GenerateKey: %s in the template has no value of the right size.",
                             found->name);
        return CKR_ATTRIBUTE_VALUE_INVALID;
    }
    if (is_kept(attribute, found->rule))
        return CKR_OK;
    hsmiam_message_write("C_GenerateKey: what the template asks for by %s cannot be had: %s.",
                         found->name, found->reason);
    return CKR_TEMPLATE_INCONSISTENT;
}

/* A text that is not terminated, as a user's name. */
static CK_RV read_name(const void *text, CK_ULONG size, CK_RV refusal,
                       char name_out[HSMIAM_USER_NAME_MAX + 1])
{
    char name[HSMIAM_USER_NAME_MAX + 2] = "";
    hsmiam_error *error = NULL;

    /* More than one byte too many is not read: the size may be no size. */
    if (size >= sizeof name)
        size = sizeof name - 1;
    memcpy(name, text, size);
    if (memchr(name, '\0', size) != NULL) {
        hsmiam_message_write("C_GenerateKey: the user's name has a NUL among its bytes.");
        return refusal;
    }
    error = hsmiam_error_new();
    CK_RV rv = hsmiam_user_name_check(name, error) == HSMIAM_OK ? CKR_OK : refusal;
    if (rv == CKR_OK)
        memcpy(name_out, name, HSMIAM_USER_NAME_MAX + 1);
    else
        hsmiam_message_write_error(error);
    hsmiam_error_free(&error);
    return rv;
}

/* A second name, by the parameter and a label or by two labels, must be the first once more. */
static CK_RV read_label(const CK_ATTRIBUTE *attribute, char user_name[HSMIAM_USER_NAME_MAX + 1])
{
    char label[HSMIAM_USER_NAME_MAX + 1] = "";
    CK_RV rv =
        read_name(attribute->pValue, attribute->ulValueLen, CKR_ATTRIBUTE_VALUE_INVALID, label);

    if (rv != CKR_OK)
        return rv;
    if (user_name[0] != '\0' && strcmp(user_name, label) != 0) {
        hsmiam_message_write("C_GenerateKey: the label \"%s\" is not the user's name, \"%s\", "
                             "which the label of an access key is.",
                             label, user_name);
        return CKR_TEMPLATE_INCONSISTENT;
    }
    memcpy(user_name, label, sizeof label);
    return CKR_OK;
}

CK_RV hsmiam_wish_read(const CK_MECHANISM *mechanism, const CK_ATTRIBUTE *template, CK_ULONG count,
                       char user_name_out[HSMIAM_USER_NAME_MAX + 1])
{
    CK_RV rv = CKR_OK;

    user_name_out[0] = '\0';
    if (mechanism->ulParameterLen > 0)
        rv = mechanism->pParameter != NULL
                 ? read_name(mechanism->pParameter, mechanism->ulParameterLen,
                             CKR_MECHANISM_PARAM_INVALID, user_name_out)
                 : CKR_MECHANISM_PARAM_INVALID;
    for (CK_ULONG i = 0; rv == CKR_OK && i < count; i++) {
        rv = check(&template[i]);
        if (rv == CKR_OK && template[i].type == CKA_LABEL && template[i].ulValueLen > 0)
            rv = read_label(&template[i], user_name_out);
    }
    return rv;
}
