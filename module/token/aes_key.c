/* SPDX-License-Identifier: Apache-2.0 */
/* The AES key that imports are wrapped under where a token cannot do it by RSA-OAEP. It is made in
 * the token and never leaves it, so the token encrypts what it then unwraps. */
#include "token/key_template.h"
#include "token/keys.h"

#include <string.h>

#define KEY_SIZE   32
#define BLOCK_SIZE 8
/* A longer HMAC key is hashed first, and zeros behind it would then count. */
#define HMAC_BLOCK_SIZE 64

const char hsmiam_aes_key_label[] = "hsmiam-wrapping-key-aes";

const hsmiam_key_wrap hsmiam_key_wraps[] = {
    {"CKM_AES_KEY_WRAP_KWP", CKM_AES_KEY_WRAP_KWP, false},
    {"CKM_AES_KEY_WRAP_PAD", CKM_AES_KEY_WRAP_PAD, false},
    {"CKM_AES_KEY_WRAP", CKM_AES_KEY_WRAP, true},
};
const size_t hsmiam_key_wrap_count = sizeof hsmiam_key_wraps / sizeof hsmiam_key_wraps[0];

static const hsmiam_bool_rule rules[] = {
    {CKA_PRIVATE, "CKA_PRIVATE", true},
    {CKA_SENSITIVE, "CKA_SENSITIVE", true},
    {CKA_EXTRACTABLE, "CKA_EXTRACTABLE", false},
    {CKA_ENCRYPT, "CKA_ENCRYPT", true},
    {CKA_UNWRAP, "CKA_UNWRAP", true},
    {CKA_DECRYPT, "CKA_DECRYPT", false},
    {CKA_WRAP, "CKA_WRAP", false},
    {CKA_SIGN, "CKA_SIGN", false},
    {CKA_VERIFY, "CKA_VERIFY", false},
    {CKA_DERIVE, "CKA_DERIVE", false},
};

hsmiam_status hsmiam_aes_key_find(hsmiam_token *token, hsmiam_object *key_out, hsmiam_error *error)
{
    static CK_BBOOL yes = CK_TRUE;
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_KEY_TYPE, &type, sizeof type},
        {CKA_LABEL, (void *)hsmiam_aes_key_label, sizeof hsmiam_aes_key_label - 1},
        {CKA_TOKEN, &yes, sizeof yes},
        {CKA_PRIVATE, &yes, sizeof yes},
    };
    hsmiam_object found[HSMIAM_OBJECTS_MAX];
    size_t count = 0;

    hsmiam_status status = hsmiam_objects_find(
        token, template, sizeof template / sizeof template[0], found, &count, error);
    if (status != HSMIAM_OK)
        return status;
    if (count == 0)
        return hsmiam_error_set(
            error, HSMIAM_ERR_NOT_FOUND,
            "Token \"%s\" has no AES key \"%s\"; `hsmiam provision-token --import-route "
            "aes-kwp` makes it, if the token can do that.",
            token->label, hsmiam_aes_key_label);
    if (count > 1)
        return hsmiam_error_set(error, HSMIAM_ERR_AMBIGUOUS,
                                "Token \"%s\" has %zu AES keys \"%s\" and only one can be right; "
                                "find out who made the others.",
                                token->label, count, hsmiam_aes_key_label);
    *key_out = found[0];
    return HSMIAM_OK;
}

hsmiam_status hsmiam_aes_key_check(const hsmiam_token *token, hsmiam_object key,
                                   hsmiam_error *error)
{
    const hsmiam_bool_rule *broken = NULL;
    hsmiam_status status = hsmiam_attribute_check_bools(
        token, key, rules, sizeof rules / sizeof rules[0], &broken, error);

    if (status != HSMIAM_OK || broken == NULL)
        return status;
    return hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                            "Token \"%s\": AES key \"%s\" has %s %s, or does not tell, and must "
                            "have it %s; it is not used. Find out who made it.",
                            token->label, hsmiam_aes_key_label, broken->name,
                            broken->value ? "false" : "true", broken->value ? "true" : "false");
}

static void fill(hsmiam_key_template *template, CK_MECHANISM_TYPE *mechanisms, unsigned dropped)
{
    static CK_BBOOL yes = CK_TRUE;
    static CK_BBOOL no = CK_FALSE;
    static CK_ATTRIBUTE of_unwrapped[] = {
        {CKA_SENSITIVE, &yes, sizeof yes},
        {CKA_EXTRACTABLE, &no, sizeof no},
    };

    *template = (hsmiam_key_template){.class = CKO_SECRET_KEY, .type = CKK_AES};
    hsmiam_key_template_put(template, CKA_CLASS, &template->class, sizeof template->class);
    hsmiam_key_template_put(template, CKA_KEY_TYPE, &template->type, sizeof template->type);
    hsmiam_key_template_put(template, CKA_LABEL, hsmiam_aes_key_label,
                            sizeof hsmiam_aes_key_label - 1);
    hsmiam_key_template_put(template, CKA_ID, hsmiam_aes_key_label,
                            sizeof hsmiam_aes_key_label - 1);
    hsmiam_key_template_put_value_len(template, KEY_SIZE);
    hsmiam_key_template_put_bool(template, CKA_TOKEN, true);
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        hsmiam_key_template_put_bool(template, rules[i].type, rules[i].value);
    if (hsmiam_hardening_has(dropped, HSMIAM_HARDENING_ALLOWED_MECHANISMS))
        hsmiam_key_template_put(template, CKA_ALLOWED_MECHANISMS, mechanisms,
                                hsmiam_key_wrap_count * sizeof *mechanisms);
    if (hsmiam_hardening_has(dropped, HSMIAM_HARDENING_UNWRAP_TEMPLATE))
        hsmiam_key_template_put(template, CKA_UNWRAP_TEMPLATE, of_unwrapped, sizeof of_unwrapped);
    if (hsmiam_hardening_has(dropped, HSMIAM_HARDENING_COPYABLE))
        hsmiam_key_template_put_bool(template, CKA_COPYABLE, false);
    if (hsmiam_hardening_has(dropped, HSMIAM_HARDENING_MODIFIABLE))
        hsmiam_key_template_put_bool(template, CKA_MODIFIABLE, false);
}

hsmiam_status hsmiam_aes_key_generate(hsmiam_token *token, hsmiam_object *key_out,
                                      hsmiam_error *error)
{
    CK_MECHANISM mechanism = {CKM_AES_KEY_GEN, NULL, 0};
    CK_MECHANISM_TYPE mechanisms[sizeof hsmiam_key_wraps / sizeof hsmiam_key_wraps[0]];
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
    hsmiam_key_template template;
    hsmiam_object found = CK_INVALID_HANDLE;
    hsmiam_session *session = NULL;
    unsigned dropped = hsmiam_hardening_start(&token->info);
    bool doubted = false;
    CK_RV rv = CKR_OK;

    hsmiam_status status = hsmiam_session_borrow(token, &session, error);
    if (status != HSMIAM_OK)
        return status;
    for (size_t i = 0; i < hsmiam_key_wrap_count; i++)
        mechanisms[i] = hsmiam_key_wraps[i].mechanism;
    do {
        fill(&template, mechanisms, dropped);
        rv = session->functions->C_GenerateKey(session->handle, &mechanism, template.attributes,
                                               template.count, &key);
    } while ((hsmiam_rv_judge(rv) != HSMIAM_VERDICT_DOUBTFUL ||
              hsmiam_aes_key_find(token, &found, NULL) == HSMIAM_ERR_NOT_FOUND) &&
             hsmiam_hardening_retry(rv, true, &dropped, &doubted));
    hsmiam_session_return(token, &session, rv);
    if (rv != CKR_OK)
        return hsmiam_rv_set_error(token, rv, "C_GenerateKey(CKM_AES_KEY_GEN)", error);
    *key_out = key;
    return HSMIAM_OK;
}

/* An HMAC key of less than a block is filled up by zeros anyway. */
hsmiam_status hsmiam_key_wrap_pad(const hsmiam_token *token, const hsmiam_key_wrap *wrap,
                                  const hsmiam_secret *value, hsmiam_secret **padded,
                                  const hsmiam_secret **whole_out, hsmiam_error *error)
{
    static const uint8_t zeros[BLOCK_SIZE] = {0};
    size_t size = hsmiam_secret_get_size(value);
    size_t missing = wrap->whole_blocks ? (BLOCK_SIZE - size % BLOCK_SIZE) % BLOCK_SIZE : 0;

    *whole_out = value;
    if (missing == 0)
        return HSMIAM_OK;
    if (size + missing > HMAC_BLOCK_SIZE)
        return hsmiam_error_set(error, HSMIAM_ERR_UNSUPPORTED,
                                "Token \"%s\" wraps multiples of %d bytes only, and a value of %zu "
                                "bytes cannot be filled up.",
                                token->label, BLOCK_SIZE, size);
    hsmiam_status status = hsmiam_secret_new(size + missing, padded, error);
    if (status != HSMIAM_OK)
        return status;
    *whole_out = *padded;
    if (!hsmiam_secret_append(*padded, hsmiam_secret_get_data(value), size) ||
        !hsmiam_secret_append(*padded, zeros, missing))
        return hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "A key's value does not fit.");
    return HSMIAM_OK;
}

hsmiam_status hsmiam_aes_key_encrypt(const hsmiam_token *token, const hsmiam_session *session,
                                     CK_OBJECT_HANDLE key, const hsmiam_key_wrap *wrap,
                                     const hsmiam_secret *value, hsmiam_secret *wrapped,
                                     size_t *padded_size_out, CK_RV *rv_out, hsmiam_error *error)
{
    CK_MECHANISM mechanism = {wrap->mechanism, NULL, 0};
    hsmiam_secret *padded = NULL;
    const hsmiam_secret *whole = NULL;
    size_t room = 0;
    uint8_t *to = hsmiam_secret_get_room(wrapped, &room);
    CK_ULONG written = room;

    hsmiam_status status = hsmiam_key_wrap_pad(token, wrap, value, &padded, &whole, error);
    if (status != HSMIAM_OK)
        goto out;
    *padded_size_out = hsmiam_secret_get_size(whole);
    *rv_out = session->functions->C_EncryptInit(session->handle, &mechanism, key);
    if (*rv_out == CKR_OK)
        *rv_out = session->functions->C_Encrypt(session->handle, hsmiam_secret_get_data(whole),
                                                *padded_size_out, to, &written);
    if (*rv_out == CKR_OK && written > room)
        *rv_out = CKR_GENERAL_ERROR; /* more than there was room for is not believed */
    if (*rv_out == CKR_OK)
        hsmiam_secret_grow(wrapped, written);
out:
    hsmiam_secret_free(&padded);
    return status;
}
