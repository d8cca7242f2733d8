/* SPDX-License-Identifier: Apache-2.0 */
/* What an access key must be: asked for, and read back. */
#include "token/key_template.h"

#include <string.h>

static CK_BBOOL yes = CK_TRUE;
static CK_BBOOL no = CK_FALSE;

/* What every access key is, and what none may do, whatever its route. */
static const hsmiam_bool_rule properties[] = {
    {CKA_PRIVATE, "CKA_PRIVATE", true},  {CKA_SENSITIVE, "CKA_SENSITIVE", true},
    {CKA_VERIFY, "CKA_VERIFY", false},   {CKA_ENCRYPT, "CKA_ENCRYPT", false},
    {CKA_DECRYPT, "CKA_DECRYPT", false}, {CKA_WRAP, "CKA_WRAP", false},
    {CKA_UNWRAP, "CKA_UNWRAP", false},
};

#define PROPERTIES (sizeof properties / sizeof properties[0])
#define RULES      (PROPERTIES + 4)

/* One table for asking and for reading back: route "sign" lets the key sign, route "in-token" lets
 * keys be derived from it, and neither the other. */
static void fill_rules(const hsmiam_key_spec *spec, hsmiam_bool_rule rules[RULES])
{
    memcpy(rules, properties, sizeof properties);
    rules[PROPERTIES] = (hsmiam_bool_rule){CKA_SIGN, "CKA_SIGN", !spec->in_token};
    rules[PROPERTIES + 1] = (hsmiam_bool_rule){CKA_DERIVE, "CKA_DERIVE", spec->in_token};
    rules[PROPERTIES + 2] = (hsmiam_bool_rule){CKA_TOKEN, "CKA_TOKEN", spec->persistent};
    rules[PROPERTIES + 3] =
        (hsmiam_bool_rule){CKA_EXTRACTABLE, "CKA_EXTRACTABLE", spec->exportable};
}

static CK_MECHANISM_TYPE get_allowed(const hsmiam_key_spec *spec)
{
    return spec->in_token ? CKM_SP800_108_FEEDBACK_KDF : CKM_SHA256_HMAC;
}

void hsmiam_key_template_put(hsmiam_key_template *template, CK_ATTRIBUTE_TYPE type,
                             const void *value, size_t size)
{
    template->attributes[template->count++] = (CK_ATTRIBUTE){type, (void *)value, size};
}

void hsmiam_key_template_put_bool(hsmiam_key_template *template, CK_ATTRIBUTE_TYPE type, bool value)
{
    hsmiam_key_template_put(template, type, value ? &yes : &no, sizeof yes);
}

void hsmiam_key_template_put_value_len(hsmiam_key_template *template, size_t size)
{
    template->value_len = size;
    hsmiam_key_template_put(template, CKA_VALUE_LEN, &template->value_len,
                            sizeof template->value_len);
}

static void put_start_date(hsmiam_key_template *template, time_t created)
{
    struct tm parts;
    char text[sizeof "YYYYMMDD"];

    if (gmtime_r(&created, &parts) == NULL ||
        strftime(text, sizeof text, "%Y%m%d", &parts) != sizeof text - 1)
        return;
    memcpy(template->start.year, text, 4);
    memcpy(template->start.month, text + 4, 2);
    memcpy(template->start.day, text + 6, 2);
    hsmiam_key_template_put(template, CKA_START_DATE, &template->start, sizeof template->start);
}

void hsmiam_key_template_fill(hsmiam_key_template *template, const hsmiam_key_spec *spec,
                              CK_KEY_TYPE type)
{
    hsmiam_bool_rule rules[RULES];

    *template =
        (hsmiam_key_template){.class = CKO_SECRET_KEY, .type = type, .allowed = get_allowed(spec)};
    hsmiam_key_template_put(template, CKA_CLASS, &template->class, sizeof template->class);
    hsmiam_key_template_put(template, CKA_KEY_TYPE, &template->type, sizeof template->type);
    hsmiam_key_template_put(template, CKA_ID, spec->id, strlen(spec->id));
    hsmiam_key_template_put(template, CKA_LABEL, spec->label, strlen(spec->label));
    put_start_date(template, spec->created);
    fill_rules(spec, rules);
    for (size_t i = 0; i < RULES; i++)
        hsmiam_key_template_put_bool(template, rules[i].type, rules[i].value);
}

void hsmiam_key_template_harden(hsmiam_key_template *template, unsigned dropped)
{
    if (hsmiam_hardening_has(dropped, HSMIAM_HARDENING_ALLOWED_MECHANISMS))
        hsmiam_key_template_put(template, CKA_ALLOWED_MECHANISMS, &template->allowed,
                                sizeof template->allowed);
    if (hsmiam_hardening_has(dropped, HSMIAM_HARDENING_COPYABLE))
        hsmiam_key_template_put_bool(template, CKA_COPYABLE, false);
    /* Last: SoftHSM takes nothing more once an object is not modifiable. */
    if (hsmiam_hardening_has(dropped, HSMIAM_HARDENING_MODIFIABLE))
        hsmiam_key_template_put_bool(template, CKA_MODIFIABLE, false);
}

static hsmiam_status differs(const hsmiam_token *token, const char *name, hsmiam_error *error)
{
    return hsmiam_error_set(error, HSMIAM_ERR_CUSTODY,
                            "Token \"%s\": the imported key's %s is not what was asked for.",
                            token->label, name);
}

static hsmiam_status check_bytes(const hsmiam_token *token, hsmiam_object key,
                                 CK_ATTRIBUTE_TYPE type, const char *name, const char *expected,
                                 hsmiam_error *error)
{
    char value[256];
    size_t size = sizeof value;
    hsmiam_status status = hsmiam_attribute_get_bytes(token, key, type, name, value, &size, error);

    if (status != HSMIAM_OK)
        return status;
    return size == strlen(expected) && memcmp(value, expected, size) == 0
               ? HSMIAM_OK
               : differs(token, name, error);
}

/* A key that keys can be derived from must be limited to the one derivation, unless the token is
 * known to ignore the limit; it is then the custodian's choice to have such a key. */
static hsmiam_status check_limit(const hsmiam_token *token, hsmiam_object key,
                                 const hsmiam_key_spec *spec, hsmiam_error *error)
{
    CK_MECHANISM_TYPE allowed[16];
    size_t size = sizeof allowed;

    if (!spec->in_token || token->in_token != HSMIAM_IN_TOKEN_LIMITED)
        return HSMIAM_OK;
    hsmiam_status status = hsmiam_attribute_get_bytes(
        token, key, CKA_ALLOWED_MECHANISMS, "CKA_ALLOWED_MECHANISMS", allowed, &size, error);
    if (status != HSMIAM_OK)
        return status;
    return size == sizeof allowed[0] && allowed[0] == get_allowed(spec)
               ? HSMIAM_OK
               : differs(token, "CKA_ALLOWED_MECHANISMS", error);
}

/* What is behind the value, as where it was filled up to whole blocks, changes no HMAC, but would
 * be handed out with it. A token that does not tell the size is believed; SoftHSM says 0 of what it
 * unwrapped. */
static hsmiam_status check_size(const hsmiam_token *token, hsmiam_object key,
                                const hsmiam_key_spec *spec, hsmiam_error *error)
{
    CK_ULONG size = 0;
    CK_ATTRIBUTE attribute = {CKA_VALUE_LEN, &size, sizeof size};
    CK_RV rv = CKR_OK;

    if (spec->value_size == 0)
        return HSMIAM_OK;
    hsmiam_status status = hsmiam_attribute_read(token, key, &attribute, 1, &rv, error);
    if (status != HSMIAM_OK)
        return status;
    if (rv != CKR_OK || attribute.ulValueLen != sizeof size || size == 0 ||
        size == CK_UNAVAILABLE_INFORMATION || size == spec->value_size)
        return HSMIAM_OK;
    return differs(token, "CKA_VALUE_LEN", error);
}

/* Asks for the value's length only: a token that tells it would tell the value too. */
static hsmiam_status check_value_is_hidden(const hsmiam_token *token, CK_OBJECT_HANDLE key,
                                           hsmiam_error *error)
{
    CK_ATTRIBUTE attribute = {CKA_VALUE, NULL, 0};
    CK_RV rv = CKR_OK;

    hsmiam_status status = hsmiam_attribute_read(token, key, &attribute, 1, &rv, error);
    if (status != HSMIAM_OK)
        return status;
    if (rv == CKR_ATTRIBUTE_SENSITIVE || rv == CKR_ATTRIBUTE_TYPE_INVALID)
        return HSMIAM_OK;
    if (rv != CKR_OK)
        return hsmiam_rv_set_error(token, rv, "C_GetAttributeValue(CKA_VALUE)", error);
    return hsmiam_error_set(error, HSMIAM_ERR_CUSTODY,
                            "Token \"%s\" lets the imported key's value be read.", token->label);
}

static hsmiam_status check_key(hsmiam_token *token, const hsmiam_session *session,
                               CK_OBJECT_HANDLE key, void *context, hsmiam_error *error)
{
    const hsmiam_key_spec *spec = context;
    const hsmiam_bool_rule *broken = NULL;
    hsmiam_bool_rule rules[RULES];

    (void)session;
    fill_rules(spec, rules);
    hsmiam_status status = check_bytes(token, key, CKA_ID, "CKA_ID", spec->id, error);
    if (status != HSMIAM_OK)
        return status;
    status = check_bytes(token, key, CKA_LABEL, "CKA_LABEL", spec->label, error);
    if (status != HSMIAM_OK)
        return status;
    status = hsmiam_attribute_check_bools(token, key, rules, RULES, &broken, error);
    if (status != HSMIAM_OK)
        return status;
    if (broken != NULL)
        return differs(token, broken->name, error);
    status = check_limit(token, key, spec, error);
    if (status == HSMIAM_OK)
        status = check_size(token, key, spec, error);
    if (status != HSMIAM_OK)
        return status;
    return check_value_is_hidden(token, key, error);
}

hsmiam_status hsmiam_token_check_key(hsmiam_token *token, hsmiam_object key,
                                     const hsmiam_key_spec *spec, hsmiam_error *error)
{
    return hsmiam_object_use(token, key, check_key, (void *)spec, error);
}
