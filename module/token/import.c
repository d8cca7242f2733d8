/* SPDX-License-Identifier: Apache-2.0 */
/* The routes of a secret into the token, and what it must be once it is there. */
#include "token/cryptoki.h"

#include <string.h>

#define KEY_ROOM_MIN     64
#define TEMPLATE_MAX     32
#define WRAPPED_SIZE_MAX 1024

/* A template, and the values that it points to. */
typedef struct key_template {
    CK_ATTRIBUTE attributes[TEMPLATE_MAX];
    CK_ULONG count;
    CK_OBJECT_CLASS class;
    CK_KEY_TYPE type;
    CK_MECHANISM_TYPE allowed;
    CK_ULONG value_len;
    CK_DATE start;
} key_template;

static CK_BBOOL yes = CK_TRUE;
static CK_BBOOL no = CK_FALSE;

/* What an access key may and may not do: one table for asking and for reading back. */
static const hsmiam_bool_rule properties[] = {
    {CKA_PRIVATE, "CKA_PRIVATE", true},  {CKA_SENSITIVE, "CKA_SENSITIVE", true},
    {CKA_SIGN, "CKA_SIGN", true},        {CKA_EXTRACTABLE, "CKA_EXTRACTABLE", false},
    {CKA_VERIFY, "CKA_VERIFY", false},   {CKA_ENCRYPT, "CKA_ENCRYPT", false},
    {CKA_DECRYPT, "CKA_DECRYPT", false}, {CKA_WRAP, "CKA_WRAP", false},
    {CKA_UNWRAP, "CKA_UNWRAP", false},   {CKA_DERIVE, "CKA_DERIVE", false},
};

#define PROPERTIES (sizeof properties / sizeof properties[0])

static void put(key_template *template, CK_ATTRIBUTE_TYPE type, void *value, size_t size)
{
    template->attributes[template->count++] = (CK_ATTRIBUTE){type, value, size};
}

static void put_start_date(key_template *template, time_t created)
{
    struct tm parts;
    char text[sizeof "YYYYMMDD"];

    if (gmtime_r(&created, &parts) == NULL ||
        strftime(text, sizeof text, "%Y%m%d", &parts) != sizeof text - 1)
        return;
    memcpy(template->start.year, text, 4);
    memcpy(template->start.month, text + 4, 2);
    memcpy(template->start.day, text + 6, 2);
    put(template, CKA_START_DATE, &template->start, sizeof template->start);
}

static void fill(key_template *template, const hsmiam_key_spec *spec)
{
    *template = (key_template){
        .class = CKO_SECRET_KEY, .type = CKK_GENERIC_SECRET, .allowed = CKM_SHA256_HMAC};
    put(template, CKA_CLASS, &template->class, sizeof template->class);
    put(template, CKA_KEY_TYPE, &template->type, sizeof template->type);
    put(template, CKA_TOKEN, spec->persistent ? &yes : &no, sizeof yes);
    put(template, CKA_ID, (void *)spec->id, strlen(spec->id));
    put(template, CKA_LABEL, (void *)spec->label, strlen(spec->label));
    put_start_date(template, spec->created);
    for (size_t i = 0; i < PROPERTIES; i++)
        put(template, properties[i].type, properties[i].value ? &yes : &no, sizeof yes);
}

/* Completes a template by what not every token knows, but for those `dropped`: the key can be used
 * for one mechanism, and cannot be changed or copied into something laxer. */
static void harden(key_template *template, unsigned dropped)
{
    if (hsmiam_hardening_has(dropped, HSMIAM_HARDENING_ALLOWED_MECHANISMS))
        put(template, CKA_ALLOWED_MECHANISMS, &template->allowed, sizeof template->allowed);
    if (hsmiam_hardening_has(dropped, HSMIAM_HARDENING_COPYABLE))
        put(template, CKA_COPYABLE, &no, sizeof no);
    /* Last: SoftHSM takes nothing more once an object is not modifiable. */
    if (hsmiam_hardening_has(dropped, HSMIAM_HARDENING_MODIFIABLE))
        put(template, CKA_MODIFIABLE, &no, sizeof no);
}

static CK_RV create_object(const hsmiam_token *token, const hsmiam_session *session,
                           key_template *template, const hsmiam_secret *value,
                           CK_OBJECT_HANDLE *object_out)
{
    put(template, CKA_VALUE, hsmiam_secret_get_data(value), hsmiam_secret_get_size(value));
    harden(template, token->form.dropped);
    return session->functions->C_CreateObject(session->handle, template->attributes,
                                              template->count, object_out);
}

static CK_RV unwrap(const hsmiam_token *token, const hsmiam_session *session,
                    key_template *template, const hsmiam_oaep_hash *hash,
                    const hsmiam_secret *wrapped, size_t value_size, CK_OBJECT_HANDLE *object_out)
{
    CK_RSA_PKCS_OAEP_PARAMS parameters = {hash->mechanism, hash->mgf, CKZ_DATA_SPECIFIED, NULL, 0};
    CK_MECHANISM mechanism = {CKM_RSA_PKCS_OAEP, &parameters, sizeof parameters};

    /* Luna wants the length, SoftHSM refuses it. */
    template->value_len = value_size;
    if (token->form.with_value_len)
        put(template, CKA_VALUE_LEN, &template->value_len, sizeof template->value_len);
    harden(template, token->form.dropped);
    return session->functions->C_UnwrapKey(
        session->handle, &mechanism, token->wrapping_key, hsmiam_secret_get_data(wrapped),
        hsmiam_secret_get_size(wrapped), template->attributes, template->count, object_out);
}

/* One attempt by the route, in the form that token->form says. */
static hsmiam_status attempt(hsmiam_token *token, const hsmiam_session *session,
                             hsmiam_import_route route, const hsmiam_key_spec *spec,
                             const hsmiam_secret *value, CK_OBJECT_HANDLE *object_out,
                             CK_RV *rv_out, hsmiam_error *error)
{
    const hsmiam_oaep_hash *hash = &hsmiam_oaep_hashes[token->form.oaep_hash];
    key_template template;
    hsmiam_secret *wrapped = NULL;

    fill(&template, spec);
    if (route == HSMIAM_ROUTE_CREATE_OBJECT) {
        *rv_out = create_object(token, session, &template, value, object_out);
        return HSMIAM_OK;
    }
    hsmiam_status status = hsmiam_secret_new(WRAPPED_SIZE_MAX, &wrapped, error);
    if (status != HSMIAM_OK)
        return status;
    status = hsmiam_wrapping_key_encrypt(token, token->wrapping_key, hash, value, wrapped, error);
    if (status != HSMIAM_OK)
        goto out;
    *rv_out =
        unwrap(token, session, &template, hash, wrapped, hsmiam_secret_get_size(value), object_out);
out:
    hsmiam_secret_free(&wrapped);
    return status;
}

/* After a refusal, the next form to try; false if there is none. No object was made: each of these
 * codes says that the call was not carried out. */
static bool next_form(hsmiam_import_form *form, hsmiam_import_route route, CK_RV rv)
{
    bool refused_hash = rv == CKR_MECHANISM_PARAM_INVALID || rv == CKR_ARGUMENTS_BAD;

    if (route == HSMIAM_ROUTE_RSA_OAEP && refused_hash &&
        form->oaep_hash + 1 < hsmiam_oaep_hash_count) {
        form->oaep_hash++;
        return true;
    }
    if (route == HSMIAM_ROUTE_RSA_OAEP && rv == CKR_TEMPLATE_INCOMPLETE && !form->with_value_len) {
        form->with_value_len = true;
        return true;
    }
    return hsmiam_rv_is_template_refusal(rv) && hsmiam_hardening_drop(&form->dropped, false);
}

static hsmiam_status find_wrapping_key(hsmiam_token *token, const hsmiam_session *session,
                                       hsmiam_error *error)
{
    hsmiam_object key = CK_INVALID_HANDLE;

    if (token->wrapping_key != CK_INVALID_HANDLE &&
        token->wrapping_generation == session->generation)
        return HSMIAM_OK;
    hsmiam_status status = hsmiam_pair_find(token, &hsmiam_pair_wrapping, &key, error);
    if (status != HSMIAM_OK)
        return status;
    status = hsmiam_pair_check(token, &hsmiam_pair_wrapping, key, error);
    if (status != HSMIAM_OK)
        return status;
    token->wrapping_key = key;
    token->wrapping_generation = session->generation;
    return HSMIAM_OK;
}

/* Tokens that do not say how much is free say CK_UNAVAILABLE_INFORMATION, or, as NSS does, that one
 * byte of one is. */
static bool is_full(const hsmiam_token *token)
{
    return token->info.ulFreePrivateMemory != CK_UNAVAILABLE_INFORMATION &&
           token->info.ulTotalPrivateMemory >= KEY_ROOM_MIN &&
           token->info.ulFreePrivateMemory < KEY_ROOM_MIN;
}

hsmiam_status hsmiam_import_key_once(hsmiam_token *token, const hsmiam_session *session,
                                     hsmiam_import_route route, const hsmiam_key_spec *spec,
                                     const hsmiam_secret *value, CK_OBJECT_HANDLE *handle_out,
                                     hsmiam_error *error)
{
    hsmiam_import_form before = token->form;
    CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
    hsmiam_status status = HSMIAM_OK;
    CK_RV rv = CKR_OK;

    if (token->read_only)
        return hsmiam_error_set(error, HSMIAM_ERR_UNSUPPORTED,
                                "Token \"%s\" is write-protected; no key can be put into it.",
                                token->label);
    if (is_full(token))
        return hsmiam_error_set(error, HSMIAM_ERR_UNSUPPORTED,
                                "Token \"%s\" has no room for another key (%lu bytes left).",
                                token->label, token->info.ulFreePrivateMemory);
    if (route == HSMIAM_ROUTE_RSA_OAEP)
        status = find_wrapping_key(token, session, error);
    if (status != HSMIAM_OK)
        return status;

    do {
        status = attempt(token, session, route, spec, value, &object, &rv, error);
        if (status != HSMIAM_OK)
            goto out;
    } while (rv != CKR_OK && next_form(&token->form, route, rv));
    if (rv != CKR_OK) {
        status = hsmiam_rv_set_error(
            token, rv, route == HSMIAM_ROUTE_RSA_OAEP ? "C_UnwrapKey" : "C_CreateObject", error);
        goto out;
    }
    *handle_out = object;
out:
    if (status != HSMIAM_OK)
        token->form = before;
    return status;
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

static hsmiam_status check_key(const hsmiam_token *token, CK_OBJECT_HANDLE key,
                               const hsmiam_key_spec *spec, hsmiam_error *error)
{
    const hsmiam_bool_rule *broken = NULL;
    hsmiam_bool_rule rules[PROPERTIES + 1];

    memcpy(rules, properties, sizeof properties);
    rules[PROPERTIES] = (hsmiam_bool_rule){CKA_TOKEN, "CKA_TOKEN", spec->persistent};

    hsmiam_status status = check_bytes(token, key, CKA_ID, "CKA_ID", spec->id, error);
    if (status != HSMIAM_OK)
        return status;
    status = check_bytes(token, key, CKA_LABEL, "CKA_LABEL", spec->label, error);
    if (status != HSMIAM_OK)
        return status;
    status = hsmiam_attribute_check_bools(token, key, rules, PROPERTIES + 1, &broken, error);
    if (status != HSMIAM_OK)
        return status;
    if (broken != NULL)
        return differs(token, broken->name, error);
    return check_value_is_hidden(token, key, error);
}

static hsmiam_status check_in_session(hsmiam_token *token, hsmiam_object key,
                                      const hsmiam_key_spec *spec, hsmiam_error *error)
{
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    hsmiam_session *session = NULL;

    hsmiam_status status = hsmiam_session_borrow(token, &session, error);
    if (status != HSMIAM_OK)
        return status;
    status = hsmiam_object_resolve(token, session, key, &handle, error);
    if (status == HSMIAM_OK)
        status = check_key(token, handle, spec, error);
    hsmiam_session_return(token, &session, CKR_OK);
    return status;
}

hsmiam_status hsmiam_token_check_key(hsmiam_token *token, hsmiam_object key,
                                     const hsmiam_key_spec *spec, hsmiam_error *error)
{
    hsmiam_retry retry = hsmiam_retry_start(token);
    hsmiam_status status = HSMIAM_OK;

    do
        status = check_in_session(token, key, spec, error);
    while (hsmiam_retry_again(&retry, status, error));
    return status;
}
