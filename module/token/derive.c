/* SPDX-License-Identifier: Apache-2.0 */
/* Keys derived inside the token: sensitive, not extractable, in the session only, of one use. */
#include "token/key_template.h"

#include <string.h>

/* What every derived key must be: asked for, and read back, for a token may do as it likes. */
static const hsmiam_bool_rule properties[] = {
    {CKA_TOKEN, "CKA_TOKEN", false},        {CKA_PRIVATE, "CKA_PRIVATE", true},
    {CKA_SENSITIVE, "CKA_SENSITIVE", true}, {CKA_EXTRACTABLE, "CKA_EXTRACTABLE", false},
    {CKA_ENCRYPT, "CKA_ENCRYPT", false},    {CKA_DECRYPT, "CKA_DECRYPT", false},
    {CKA_WRAP, "CKA_WRAP", false},          {CKA_UNWRAP, "CKA_UNWRAP", false},
    {CKA_VERIFY, "CKA_VERIFY", false},
};

#define PROPERTIES (sizeof properties / sizeof properties[0])
#define RULES      (PROPERTIES + 2)

static void fill_rules(bool signs, hsmiam_bool_rule rules[RULES])
{
    memcpy(rules, properties, sizeof properties);
    rules[PROPERTIES] = (hsmiam_bool_rule){CKA_SIGN, "CKA_SIGN", signs};
    rules[PROPERTIES + 1] = (hsmiam_bool_rule){CKA_DERIVE, "CKA_DERIVE", !signs};
}

/* `size` is 0 where the mechanism knows it by itself. */
static void fill(hsmiam_key_template *template, const hsmiam_bool_rule rules[RULES], bool signs,
                 size_t size, bool limited)
{
    *template = (hsmiam_key_template){
        .class = CKO_SECRET_KEY,
        .type = CKK_GENERIC_SECRET,
        .allowed = signs ? CKM_SHA256_HMAC : CKM_SP800_108_FEEDBACK_KDF,
    };
    hsmiam_key_template_put(template, CKA_CLASS, &template->class, sizeof template->class);
    hsmiam_key_template_put(template, CKA_KEY_TYPE, &template->type, sizeof template->type);
    if (size > 0)
        hsmiam_key_template_put_value_len(template, size);
    for (size_t i = 0; i < RULES; i++)
        hsmiam_key_template_put_bool(template, rules[i].type, rules[i].value);
    if (limited)
        hsmiam_key_template_put(template, CKA_ALLOWED_MECHANISMS, &template->allowed,
                                sizeof template->allowed);
}

CK_RV hsmiam_session_check_derived(const hsmiam_session *session, CK_OBJECT_HANDLE derived,
                                   bool signs, hsmiam_bool_rule *broken_out)
{
    hsmiam_bool_rule rules[RULES];
    const hsmiam_bool_rule *broken = NULL;

    fill_rules(signs, rules);
    CK_RV rv = hsmiam_session_check_bools(session, derived, rules, RULES, &broken);
    *broken_out = rv == CKR_OK && broken != NULL ? *broken : (hsmiam_bool_rule){0};
    return rv;
}

static CK_RV derive_by(const hsmiam_session *session, CK_OBJECT_HANDLE base,
                       CK_MECHANISM *mechanism, bool signs, size_t size, bool *unlimited,
                       CK_OBJECT_HANDLE *derived_out)
{
    hsmiam_bool_rule rules[RULES];
    hsmiam_key_template template;
    CK_RV rv = CKR_OK;

    fill_rules(signs, rules);
    for (bool again = true; again;) {
        bool limited = !*unlimited;
        fill(&template, rules, signs, size, limited);
        rv = session->functions->C_DeriveKey(session->handle, mechanism, base, template.attributes,
                                             template.count, derived_out);
        again = hsmiam_rv_is_template_refusal(rv) && limited;
        if (again)
            *unlimited = true;
    }
    return rv;
}

/* With one block of output, no IV, and the text behind an iteration variable that is empty in the
 * first iteration, the KDF in feedback mode is one HMAC over the text. */
CK_RV hsmiam_session_derive_hmac(const hsmiam_session *session, CK_OBJECT_HANDLE base,
                                 const void *data, size_t size, bool last, bool *unlimited,
                                 CK_OBJECT_HANDLE *derived_out)
{
    CK_PRF_DATA_PARAM text[] = {
        {CK_SP800_108_ITERATION_VARIABLE, NULL, 0},
        {CK_SP800_108_BYTE_ARRAY, (void *)data, size},
    };
    CK_SP800_108_FEEDBACK_KDF_PARAMS parameters = {
        .prfType = CKM_SHA256_HMAC, .ulNumberOfDataParams = 2, .pDataParams = text};
    CK_MECHANISM mechanism = {CKM_SP800_108_FEEDBACK_KDF, &parameters, sizeof parameters};

    return derive_by(session, base, &mechanism, last, HSMIAM_HMAC_SIZE, unlimited, derived_out);
}

static CK_RV derive_prefixed(const hsmiam_session *session, CK_OBJECT_HANDLE base,
                             const char *prefix, bool signs, bool *unlimited,
                             CK_OBJECT_HANDLE *derived_out)
{
    CK_KEY_DERIVATION_STRING_DATA parameters = {(CK_BYTE *)prefix, strlen(prefix)};
    CK_MECHANISM mechanism = {CKM_CONCATENATE_DATA_AND_BASE, &parameters, sizeof parameters};

    return derive_by(session, base, &mechanism, signs, 0, unlimited, derived_out);
}

/* What is derived, and how. */
typedef struct derivation {
    const char *prefix; /* NULL: it is an HMAC over `data` */
    const void *data;
    size_t size;
    bool signs;
    hsmiam_object *derived_out;
} derivation;

/* What a lost session had derived went with it, so that it is safe to repeat. */
static hsmiam_status derive(hsmiam_token *token, const hsmiam_session *session,
                            CK_OBJECT_HANDLE base, void *context, hsmiam_error *error)
{
    const derivation *wanted = context;
    hsmiam_bool_rule broken = {0};
    CK_OBJECT_HANDLE derived = CK_INVALID_HANDLE;
    hsmiam_status status = HSMIAM_OK;

    bool unlimited = token->derived_unlimited;
    CK_RV rv =
        wanted->prefix != NULL
            ? derive_prefixed(session, base, wanted->prefix, wanted->signs, &unlimited, &derived)
            : hsmiam_session_derive_hmac(session, base, wanted->data, wanted->size, wanted->signs,
                                         &unlimited, &derived);
    if (unlimited)
        token->derived_unlimited = true;
    if (rv != CKR_OK)
        return hsmiam_rv_set_error(token, rv, "C_DeriveKey", error);
    rv = hsmiam_session_check_derived(session, derived, wanted->signs, &broken);
    if (rv != CKR_OK)
        status = hsmiam_rv_set_error(token, rv, "C_GetAttributeValue", error);
    else if (broken.name != NULL)
        status = hsmiam_error_set(error, HSMIAM_ERR_UNSUPPORTED,
                                  "Token \"%s\" derives a key whose %s is %s, or does not tell; it "
                                  "is not used.",
                                  token->label, broken.name, broken.value ? "false" : "true");
    else
        status = hsmiam_object_remember(token, session, derived, NULL, wanted->derived_out, error);
    if (status != HSMIAM_OK)
        (void)session->functions->C_DestroyObject(session->handle, derived);
    return status;
}

hsmiam_status hsmiam_token_derive_hmac(hsmiam_token *token, hsmiam_object base, const void *data,
                                       size_t size, bool last, hsmiam_object *derived_out,
                                       hsmiam_error *error)
{
    derivation wanted = {.data = data, .size = size, .signs = last, .derived_out = derived_out};

    return hsmiam_object_use(token, base, derive, &wanted, error);
}

hsmiam_status hsmiam_token_derive_prefixed(hsmiam_token *token, hsmiam_object base,
                                           const char *prefix, bool signs,
                                           hsmiam_object *derived_out, hsmiam_error *error)
{
    derivation wanted = {.prefix = prefix, .signs = signs, .derived_out = derived_out};

    return hsmiam_object_use(token, base, derive, &wanted, error);
}
