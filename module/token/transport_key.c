/* SPDX-License-Identifier: Apache-2.0 */
/* The transport key of route rsa-oaep: an AES key of the host's that the token unwraps once by
 * RSA-OAEP, for one session. Values are then wrapped under it, which costs the token no private RSA
 * operation each. What was wrapped is of no use to whoever has the PIN later, for the key is gone,
 * unless the wrapped key was recorded as well. */
#include "token/evp.h"
#include "token/key_template.h"

#include <openssl/rand.h>

#define KEY_SIZE         32
#define LABEL            "hsmiam-transport-key"
#define WRAPPED_SIZE_MAX 1024

static const hsmiam_bool_rule rules[] = {
    {CKA_TOKEN, "CKA_TOKEN", false},        {CKA_PRIVATE, "CKA_PRIVATE", true},
    {CKA_SENSITIVE, "CKA_SENSITIVE", true}, {CKA_EXTRACTABLE, "CKA_EXTRACTABLE", false},
    {CKA_UNWRAP, "CKA_UNWRAP", true},       {CKA_ENCRYPT, "CKA_ENCRYPT", false},
    {CKA_DECRYPT, "CKA_DECRYPT", false},    {CKA_WRAP, "CKA_WRAP", false},
    {CKA_SIGN, "CKA_SIGN", false},          {CKA_VERIFY, "CKA_VERIFY", false},
    {CKA_DERIVE, "CKA_DERIVE", false},
};

#define RULES (sizeof rules / sizeof rules[0])

/* A template for the token, and what it may have to do without. */
typedef struct attempt {
    bool with_value_len;
    unsigned dropped;
} attempt;

static void fill(hsmiam_key_template *template, CK_MECHANISM_TYPE mechanism, const attempt *with)
{
    *template =
        (hsmiam_key_template){.class = CKO_SECRET_KEY, .type = CKK_AES, .allowed = mechanism};
    hsmiam_key_template_put(template, CKA_CLASS, &template->class, sizeof template->class);
    hsmiam_key_template_put(template, CKA_KEY_TYPE, &template->type, sizeof template->type);
    hsmiam_key_template_put(template, CKA_LABEL, LABEL, sizeof LABEL - 1);
    for (size_t i = 0; i < RULES; i++)
        hsmiam_key_template_put_bool(template, rules[i].type, rules[i].value);
    if (with->with_value_len)
        hsmiam_key_template_put_value_len(template, KEY_SIZE);
    hsmiam_key_template_harden(template, with->dropped);
}

static bool next_attempt(attempt *with)
{
    with->with_value_len = !with->with_value_len;
    return with->with_value_len || hsmiam_hardening_drop(&with->dropped, false);
}

static hsmiam_status make_host_key(hsmiam_secret **key_out, hsmiam_error *error)
{
    size_t room = 0;
    hsmiam_status status = hsmiam_secret_new(KEY_SIZE, key_out, error);

    if (status != HSMIAM_OK)
        return status;
    uint8_t *to = hsmiam_secret_get_room(*key_out, &room);
    if (RAND_priv_bytes(to, KEY_SIZE) != 1)
        return hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "OpenSSL has no random numbers.");
    hsmiam_secret_grow(*key_out, KEY_SIZE);
    return HSMIAM_OK;
}

/* A key that may do more, or that can be read, is none. */
static hsmiam_status check(const hsmiam_token *token, const hsmiam_session *session,
                           CK_OBJECT_HANDLE key, CK_RV *rv_out, hsmiam_error *error)
{
    const hsmiam_bool_rule *broken = NULL;
    hsmiam_status status = hsmiam_attribute_check_bools(token, key, rules, RULES, &broken, error);

    if (status == HSMIAM_OK && broken != NULL)
        *rv_out = CKR_TEMPLATE_INCONSISTENT;
    if (status != HSMIAM_OK || broken != NULL)
        (void)session->functions->C_DestroyObject(session->handle, key);
    return status;
}

hsmiam_status hsmiam_transport_key_unwrap(hsmiam_token *token, const hsmiam_session *session,
                                          CK_OBJECT_HANDLE wrapping_key,
                                          const hsmiam_oaep_hash *hash, CK_MECHANISM_TYPE limit,
                                          const hsmiam_secret *wrapped,
                                          CK_OBJECT_HANDLE *handle_out, CK_RV *rv_out,
                                          hsmiam_error *error)
{
    CK_RSA_PKCS_OAEP_PARAMS parameters = {hash->mechanism, hash->mgf, CKZ_DATA_SPECIFIED, NULL, 0};
    CK_MECHANISM mechanism = {CKM_RSA_PKCS_OAEP, &parameters, sizeof parameters};
    attempt with = {.dropped = hsmiam_hardening_start(&token->info)};
    hsmiam_key_template template;

    do {
        fill(&template, limit, &with);
        *rv_out = hsmiam_session_unwrap(token, session, &mechanism, wrapping_key, wrapped,
                                        &template, handle_out);
    } while (hsmiam_rv_is_template_refusal(*rv_out) && next_attempt(&with));
    return *rv_out == CKR_OK ? check(token, session, *handle_out, rv_out, error) : HSMIAM_OK;
}

/* Encrypts the host's key, by the OAEP hash that token->form says, and lets the token unwrap it. */
static hsmiam_status unwrap(hsmiam_token *token, const hsmiam_session *session, bool exportable,
                            const hsmiam_secret *key, CK_OBJECT_HANDLE *handle_out, CK_RV *rv_out,
                            hsmiam_error *error)
{
    const hsmiam_oaep_hash *hash = &hsmiam_oaep_hashes[token->form.oaep_hash];
    CK_OBJECT_HANDLE wrapping_key = token->wrapping_keys[exportable];
    hsmiam_secret *wrapped = NULL;

    hsmiam_status status = hsmiam_secret_new(WRAPPED_SIZE_MAX, &wrapped, error);
    if (status == HSMIAM_OK)
        status = hsmiam_wrapping_key_encrypt(token, wrapping_key, hash, key, wrapped, error);
    if (status == HSMIAM_OK)
        status = hsmiam_transport_key_unwrap(token, session, wrapping_key, hash,
                                             hsmiam_key_wraps[token->form.transport_wrap].mechanism,
                                             wrapped, handle_out, rv_out, error);
    hsmiam_secret_free(&wrapped);
    return status;
}

void hsmiam_transport_key_drop(hsmiam_token *token)
{
    hsmiam_transport_key *transport = &token->transport;
    hsmiam_session *session = NULL;

    if (transport->host_key == NULL)
        return;
    hsmiam_secret_free(&transport->host_key);
    /* After a loss it is gone, and the token is not opened again for this. */
    if (hsmiam_pool_is_silent(token->pool) ||
        hsmiam_token_count_losses(token) != transport->generation ||
        hsmiam_session_borrow(token, &session, NULL) != HSMIAM_OK)
        return;
    CK_RV rv = CKR_OK;
    if (session->generation == transport->generation)
        rv = session->functions->C_DestroyObject(session->handle, transport->handle);
    hsmiam_session_return(token, &session, rv);
}

hsmiam_status hsmiam_transport_key_make(hsmiam_token *token, const hsmiam_session *session,
                                        bool exportable, CK_RV *rv_out, hsmiam_error *error)
{
    hsmiam_transport_key *transport = &token->transport;
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    hsmiam_secret *key = NULL;

    *rv_out = CKR_OK;
    if (transport->host_key != NULL && transport->generation == session->generation &&
        transport->wrap == token->form.transport_wrap && transport->exportable == exportable)
        return HSMIAM_OK;
    hsmiam_transport_key_drop(token);
    hsmiam_status status = make_host_key(&key, error);
    if (status == HSMIAM_OK)
        status = unwrap(token, session, exportable, key, &handle, rv_out, error);
    if (status == HSMIAM_OK && *rv_out == CKR_OK) {
        *transport = (hsmiam_transport_key){key, handle, session->generation,
                                            token->form.transport_wrap, exportable};
        key = NULL;
    }
    hsmiam_secret_free(&key);
    return status;
}

hsmiam_status hsmiam_transport_key_wrap(const hsmiam_token *token, const hsmiam_secret *value,
                                        hsmiam_secret *wrapped, size_t *padded_size_out,
                                        hsmiam_error *error)
{
    const hsmiam_key_wrap *wrap = &hsmiam_key_wraps[token->form.transport_wrap];
    const char *name = wrap->whole_blocks ? "AES-256-WRAP" : "AES-256-WRAP-PAD";
    EVP_CIPHER *cipher = NULL;
    EVP_CIPHER_CTX *context = NULL;
    hsmiam_secret *padded = NULL;
    const hsmiam_secret *whole = NULL;
    size_t room = 0;
    uint8_t *to = hsmiam_secret_get_room(wrapped, &room);
    int written = 0;

    hsmiam_status status = hsmiam_key_wrap_pad(token, wrap, value, &padded, &whole, error);
    if (status != HSMIAM_OK)
        goto out;
    *padded_size_out = hsmiam_secret_get_size(whole);
    cipher = EVP_CIPHER_fetch(NULL, name, NULL);
    context = EVP_CIPHER_CTX_new();
    if (context != NULL)
        EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    /* At most the value filled up to whole blocks, and one block more. */
    if (cipher == NULL || context == NULL || *padded_size_out + 16 > room ||
        EVP_EncryptInit_ex2(context, cipher, hsmiam_secret_get_data(token->transport.host_key),
                            NULL, NULL) != 1 ||
        EVP_EncryptUpdate(context, to, &written, hsmiam_secret_get_data(whole),
                          (int)*padded_size_out) != 1) {
        status = hsmiam_evp_set_error(error, "wrap under the transport key");
        goto out;
    }
    hsmiam_secret_grow(wrapped, (size_t)written);
out:
    EVP_CIPHER_CTX_free(context);
    EVP_CIPHER_free(cipher);
    hsmiam_secret_free(&padded);
    return status;
}

/* The first mechanism from `from` on that the token names. */
static bool find_wrap(const hsmiam_session *session, size_t from, size_t *wrap_out)
{
    CK_MECHANISM_INFO info;

    for (size_t i = from; i < hsmiam_key_wrap_count; i++) {
        *wrap_out = i;
        if (session->functions->C_GetMechanismInfo(session->slot, hsmiam_key_wraps[i].mechanism,
                                                   &info) == CKR_OK)
            return true;
    }
    return false;
}

bool hsmiam_transport_key_next(hsmiam_token *token, const hsmiam_session *session)
{
    hsmiam_import_form *form = &token->form;

    hsmiam_transport_key_drop(token); /* it is limited to the former mechanism */
    form->transport = find_wrap(session, form->transport_wrap + 1, &form->transport_wrap);
    return form->transport;
}

hsmiam_status hsmiam_token_start_transport(hsmiam_token *token, hsmiam_error *error)
{
    hsmiam_import_form *form = &token->form;
    hsmiam_session *session = NULL;
    hsmiam_status status = HSMIAM_OK;

    (void)pthread_mutex_lock(&token->importing);
    if (form->transport_tried)
        goto out;
    status = hsmiam_session_borrow(token, &session, error);
    if (status != HSMIAM_OK)
        goto out;
    form->transport = find_wrap(session, 0, &form->transport_wrap);
    form->transport_tried = true;
    hsmiam_session_return(token, &session, CKR_OK);
out:
    (void)pthread_mutex_unlock(&token->importing);
    return status;
}

void hsmiam_token_end_transport(hsmiam_token *token)
{
    /* In a forked child, the lock may be held by a thread that is not there. */
    if (hsmiam_pool_is_forked(token->pool)) {
        hsmiam_secret_free(&token->transport.host_key);
        return;
    }
    (void)pthread_mutex_lock(&token->importing);
    hsmiam_transport_key_drop(token);
    (void)pthread_mutex_unlock(&token->importing);
}
