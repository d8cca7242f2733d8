/* SPDX-License-Identifier: Apache-2.0 */
/* The key pairs of ours in a token: one usage each, and nothing else. */
#include "token/keys.h"

#include <stdlib.h>
#include <string.h>

#define RSA_BITS 3072

const hsmiam_pair_spec hsmiam_pair_wrapping = {
    .purpose = "wrapping",
    .label = "hsmiam-wrapping-key",
    .algorithm = "RSA-3072",
    .key_type = CKK_RSA,
    .use = CKA_UNWRAP,
    .mechanism = CKM_RSA_PKCS_OAEP,
    .unwrap_template = true,
};

const hsmiam_pair_spec hsmiam_pair_wrapping_exportable = {
    .purpose = "wrapping-exportable",
    .label = "hsmiam-wrapping-key-exportable",
    .algorithm = "RSA-3072",
    .key_type = CKK_RSA,
    .use = CKA_UNWRAP,
    .mechanism = CKM_RSA_PKCS_OAEP,
};

const hsmiam_pair_spec hsmiam_pair_audit = {
    .purpose = "audit",
    .label = "hsmiam-audit-key",
    .algorithm = "EC-P256",
    .key_type = CKK_EC,
    .use = CKA_SIGN,
    .mechanism = CKM_ECDSA,
};

const hsmiam_pair_spec hsmiam_pair_approver = {
    .purpose = "approver",
    .label = "hsmiam-approver-key",
    .maker = " --approver-key",
    .algorithm = "EC-P256",
    .key_type = CKK_EC,
    .use = CKA_SIGN,
    .mechanism = CKM_ECDSA,
};

const hsmiam_pair_spec *hsmiam_pair_get_wrapping(bool exportable)
{
    return exportable ? &hsmiam_pair_wrapping_exportable : &hsmiam_pair_wrapping;
}

static const struct {
    CK_ATTRIBUTE_TYPE type;
    const char *name;
} usages[] = {
    {CKA_UNWRAP, "CKA_UNWRAP"},   {CKA_SIGN, "CKA_SIGN"},
    {CKA_DECRYPT, "CKA_DECRYPT"}, {CKA_SIGN_RECOVER, "CKA_SIGN_RECOVER"},
    {CKA_DERIVE, "CKA_DERIVE"},
};

static CK_BBOOL yes = CK_TRUE;
static CK_BBOOL no = CK_FALSE;

hsmiam_status hsmiam_pair_find(hsmiam_token *token, const hsmiam_pair_spec *spec,
                               hsmiam_object *private_out, hsmiam_error *error)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_KEY_TYPE type = spec->key_type;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_KEY_TYPE, &type, sizeof type},
        {CKA_LABEL, (void *)spec->label, strlen(spec->label)},
        {CKA_TOKEN, spec->trial ? &no : &yes, sizeof yes},
        {CKA_PRIVATE, &yes, sizeof yes},
    };
    hsmiam_object found[HSMIAM_OBJECTS_MAX];
    size_t count = 0;

    hsmiam_status status = hsmiam_objects_find(
        token, template, sizeof template / sizeof template[0], found, &count, error);
    if (status != HSMIAM_OK)
        return status;
    if (count == 0)
        return hsmiam_error_set(error, HSMIAM_ERR_NOT_FOUND,
                                "Token \"%s\" has no private key \"%s\"; `hsmiam "
                                "provision-token%s` makes it.",
                                token->label, spec->label, spec->maker != NULL ? spec->maker : "");
    if (count > 1)
        return hsmiam_error_set(error, HSMIAM_ERR_AMBIGUOUS,
                                "Token \"%s\" has %zu private keys \"%s\" and only one can be "
                                "right; find out who made the others.",
                                token->label, count, spec->label);
    *private_out = found[0];
    return HSMIAM_OK;
}

static size_t put(CK_ATTRIBUTE *template, size_t count, CK_ATTRIBUTE_TYPE type, void *value,
                  size_t size)
{
    template[count] = (CK_ATTRIBUTE){type, value, size};
    return count + 1;
}

/* The public half is there for other tools to see. Ours read the private one. */
static size_t fill_public(const hsmiam_pair_spec *spec, CK_ATTRIBUTE *template)
{
    static CK_ULONG bits = RSA_BITS;
    static CK_BYTE exponent[] = {0x01, 0x00, 0x01};
    static CK_BYTE prime256v1[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    size_t count = 0;

    count = put(template, count, CKA_TOKEN, spec->trial ? &no : &yes, sizeof yes);
    count = put(template, count, CKA_LABEL, (void *)spec->label, strlen(spec->label));
    count = put(template, count, CKA_ID, (void *)spec->label, strlen(spec->label));
    count = put(template, count, CKA_ENCRYPT, &no, sizeof no);
    count = put(template, count, CKA_WRAP, &no, sizeof no);
    count = put(template, count, CKA_VERIFY, spec->use == CKA_SIGN ? &yes : &no, sizeof yes);
    if (spec->key_type == CKK_RSA) {
        count = put(template, count, CKA_MODULUS_BITS, &bits, sizeof bits);
        count = put(template, count, CKA_PUBLIC_EXPONENT, exponent, sizeof exponent);
    } else {
        count = put(template, count, CKA_EC_PARAMS, prime256v1, sizeof prime256v1);
    }
    return count;
}

/* At the end, what not every token knows, but for those `dropped`: the usage is pinned down, and
 * cannot be changed or copied into something laxer. */
static size_t fill_private(const hsmiam_pair_spec *spec, unsigned dropped, CK_ATTRIBUTE *template)
{
    static CK_ATTRIBUTE of_unwrapped[] = {
        {CKA_SENSITIVE, &yes, sizeof yes},
        {CKA_EXTRACTABLE, &no, sizeof no},
    };
    size_t count = 0;

    count = put(template, count, CKA_TOKEN, spec->trial ? &no : &yes, sizeof yes);
    count = put(template, count, CKA_PRIVATE, &yes, sizeof yes);
    count = put(template, count, CKA_SENSITIVE, &yes, sizeof yes);
    count = put(template, count, CKA_EXTRACTABLE, &no, sizeof no);
    count = put(template, count, CKA_LABEL, (void *)spec->label, strlen(spec->label));
    count = put(template, count, CKA_ID, (void *)spec->label, strlen(spec->label));
    for (size_t i = 0; i < sizeof usages / sizeof usages[0]; i++)
        count = put(template, count, usages[i].type, usages[i].type == spec->use ? &yes : &no,
                    sizeof yes);
    if (hsmiam_hardening_has(dropped, HSMIAM_HARDENING_ALLOWED_MECHANISMS))
        count = put(template, count, CKA_ALLOWED_MECHANISMS, (void *)&spec->mechanism,
                    sizeof spec->mechanism);
    if (spec->unwrap_template && hsmiam_hardening_has(dropped, HSMIAM_HARDENING_UNWRAP_TEMPLATE))
        count = put(template, count, CKA_UNWRAP_TEMPLATE, of_unwrapped, sizeof of_unwrapped);
    if (hsmiam_hardening_has(dropped, HSMIAM_HARDENING_COPYABLE))
        count = put(template, count, CKA_COPYABLE, &no, sizeof no);
    /* Last: SoftHSM takes nothing more once an object is not modifiable. */
    if (hsmiam_hardening_has(dropped, HSMIAM_HARDENING_MODIFIABLE))
        count = put(template, count, CKA_MODIFIABLE, &no, sizeof no);
    return count;
}

static void warn_of_dropped(const hsmiam_token *token, const hsmiam_pair_spec *spec,
                            unsigned dropped)
{
    static const struct {
        unsigned bit;
        const char *name;
    } names[] = {
        {HSMIAM_HARDENING_COPYABLE, "CKA_COPYABLE"},
        {HSMIAM_HARDENING_MODIFIABLE, "CKA_MODIFIABLE"},
        {HSMIAM_HARDENING_UNWRAP_TEMPLATE, "CKA_UNWRAP_TEMPLATE"},
        {HSMIAM_HARDENING_ALLOWED_MECHANISMS, "CKA_ALLOWED_MECHANISMS"},
    };
    bool loose = (dropped & (HSMIAM_HARDENING_MODIFIABLE | HSMIAM_HARDENING_COPYABLE)) ==
                 HSMIAM_HARDENING_COPYABLE;
    hsmiam_buffer list;

    if (dropped == 0)
        return;
    hsmiam_buffer_init(&list, HSMIAM_ERROR_MESSAGE_MAX);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if ((dropped & names[i].bit) != 0)
            hsmiam_buffer_append_format(
                &list, "%s%s", *hsmiam_buffer_get_string(&list) != '\0' ? ", " : "", names[i].name);
    hsmiam_log_write(&token->log, HSMIAM_LOG_NOTICE,
                     "Token \"%s\" made key \"%s\" without %s: whoever has the PIN can %s.",
                     token->label, spec->label, hsmiam_buffer_get_string(&list),
                     loose ? "copy it into one that may do more" : "make it do more than it may");
    hsmiam_buffer_clear(&list);
}

/* Whether it is certain that a call that failed in a doubtful way has made nothing. */
static bool is_missing(hsmiam_token *token, const hsmiam_pair_spec *spec)
{
    hsmiam_object found = CK_INVALID_HANDLE;

    return hsmiam_pair_find(token, spec, &found, NULL) == HSMIAM_ERR_NOT_FOUND;
}

/* p11-kit's client, which reaches a token on another host, says so when it cannot send a template
 * within a template. A key without it would be weaker than one made where the token is. */
static hsmiam_status report_failure(const hsmiam_token *token, CK_RV rv, hsmiam_error *error)
{
    hsmiam_status status = hsmiam_rv_set_error(token, rv, "C_GenerateKeyPair", error);
    char *module = p11_kit_module_get_filename(hsmiam_pool_get_functions(token->pool));

    if (rv == CKR_DEVICE_ERROR && hsmiam_module_has_name(NULL, module, "p11-kit-client"))
        hsmiam_error_append(error, "%s",
                            "p11-kit may be unable to send CKA_UNWRAP_TEMPLATE; run "
                            "provision-token on the token's own host.");
    free(module);
    return status;
}

hsmiam_status hsmiam_pair_generate(hsmiam_token *token, const hsmiam_pair_spec *spec,
                                   hsmiam_object *private_out, hsmiam_error *error)
{
    CK_MECHANISM mechanism = {
        spec->key_type == CKK_RSA ? CKM_RSA_PKCS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_ATTRIBUTE public_template[16];
    CK_ATTRIBUTE private_template[24];
    CK_OBJECT_HANDLE public_key = CK_INVALID_HANDLE;
    CK_OBJECT_HANDLE private_key = CK_INVALID_HANDLE;
    unsigned dropped = hsmiam_hardening_start(&token->info);
    bool doubted = false;

    if (token->read_only && !spec->trial)
        return hsmiam_error_set(error, HSMIAM_ERR_UNSUPPORTED,
                                "Token \"%s\" is write-protected; no key can be made in it.",
                                token->label);

    hsmiam_session *session = NULL;
    hsmiam_status status = hsmiam_session_borrow(token, &session, error);
    if (status != HSMIAM_OK)
        return status;
    CK_ULONG of_public = fill_public(spec, public_template);
    CK_RV rv = CKR_OK;
    do {
        CK_ULONG of_private = fill_private(spec, dropped, private_template);
        rv = session->functions->C_GenerateKeyPair(session->handle, &mechanism, public_template,
                                                   of_public, private_template, of_private,
                                                   &public_key, &private_key);
    } while ((hsmiam_rv_judge(rv) != HSMIAM_VERDICT_DOUBTFUL || is_missing(token, spec)) &&
             hsmiam_hardening_retry(rv, spec->unwrap_template, &dropped, &doubted));
    hsmiam_session_return(token, &session, rv);
    if (rv != CKR_OK)
        return report_failure(token, rv, error);
    if (!spec->trial)
        warn_of_dropped(token, spec, dropped);
    *private_out = private_key;
    return HSMIAM_OK;
}

hsmiam_status hsmiam_pair_check(const hsmiam_token *token, const hsmiam_pair_spec *spec,
                                hsmiam_object private_key, hsmiam_error *error)
{
    /* SoftHSM and NSS let anyone make an object that is not private, without logging in: a planted
     * key, known to whoever planted it. */
    hsmiam_bool_rule rules[3 + sizeof usages / sizeof usages[0]] = {
        {CKA_PRIVATE, "CKA_PRIVATE", true},
        {CKA_SENSITIVE, "CKA_SENSITIVE", true},
        {CKA_EXTRACTABLE, "CKA_EXTRACTABLE", false},
    };
    const hsmiam_bool_rule *broken = NULL;

    for (size_t i = 0; i < sizeof usages / sizeof usages[0]; i++)
        rules[3 + i] =
            (hsmiam_bool_rule){usages[i].type, usages[i].name, usages[i].type == spec->use};
    hsmiam_status status = hsmiam_attribute_check_bools(
        token, private_key, rules, sizeof rules / sizeof rules[0], &broken, error);
    if (status != HSMIAM_OK || broken == NULL)
        return status;
    return hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                            "Token \"%s\": private key \"%s\" has %s %s, or does not tell, and "
                            "must have it %s; it is not used. Find out who made it.",
                            token->label, spec->label, broken->name,
                            broken->value ? "false" : "true", broken->value ? "true" : "false");
}

/* Whether the key is limited to the one mechanism of its spec. */
static hsmiam_status read_limit(const hsmiam_token *token, const hsmiam_pair_spec *spec,
                                hsmiam_object private_key, bool *limited_out, hsmiam_error *error)
{
    CK_MECHANISM_TYPE allowed[16];
    size_t size = sizeof allowed;
    hsmiam_status status =
        hsmiam_attribute_get_bytes(token, private_key, CKA_ALLOWED_MECHANISMS,
                                   "CKA_ALLOWED_MECHANISMS", allowed, &size, error);

    *limited_out =
        status == HSMIAM_OK && size == sizeof allowed[0] && allowed[0] == spec->mechanism;
    if (status != HSMIAM_ERR_UNSUPPORTED)
        return status;
    hsmiam_error_clear(error);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_pair_read_softness(const hsmiam_token *token, const hsmiam_pair_spec *spec,
                                        hsmiam_object private_key, bool *fixed_out,
                                        bool *limited_out, hsmiam_error *error)
{
    static const hsmiam_bool_rule fixed = {CKA_MODIFIABLE, "CKA_MODIFIABLE", false};
    const hsmiam_bool_rule *broken = NULL;

    hsmiam_status status =
        hsmiam_attribute_check_bools(token, private_key, &fixed, 1, &broken, error);
    if (status != HSMIAM_OK)
        return status;
    *fixed_out = broken == NULL;
    return read_limit(token, spec, private_key, limited_out, error);
}

hsmiam_status hsmiam_pair_warn_if_soft(const hsmiam_token *token, const hsmiam_pair_spec *spec,
                                       hsmiam_object private_key, hsmiam_error *error)
{
    bool fixed = false;
    bool limited = false;

    hsmiam_status status =
        hsmiam_pair_read_softness(token, spec, private_key, &fixed, &limited, error);
    if (status != HSMIAM_OK)
        return status;
    if (!fixed || !limited)
        hsmiam_log_write(&token->log, HSMIAM_LOG_NOTICE,
                         "Token \"%s\": key \"%s\" lacks %s%s%s, so that whoever has the PIN can "
                         "make it do more than it may.",
                         token->label, spec->label, fixed ? "" : "CKA_MODIFIABLE false",
                         fixed || limited ? "" : " and ", limited ? "" : "CKA_ALLOWED_MECHANISMS");
    return HSMIAM_OK;
}
