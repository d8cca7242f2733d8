/* SPDX-License-Identifier: Apache-2.0 */
/* What the token does of the in-token chain, and whether it keeps a key to the mechanisms that it
 * is allowed: tried with a random key that lives in the session. What a token names is not
 * believed. */
#include "token/key_template.h"

/* What could take a derivable key apart, or turn it into one that can be. */
static const CK_MECHANISM_TYPE dangers[] = {
    CKM_EXTRACT_KEY_FROM_KEY,
    CKM_CONCATENATE_BASE_AND_DATA,
    CKM_CONCATENATE_DATA_AND_BASE,
    CKM_XOR_BASE_AND_DATA,
};

static CK_RV generate(const hsmiam_session *session, CK_OBJECT_HANDLE *key_out)
{
    CK_MECHANISM mechanism = {CKM_GENERIC_SECRET_KEY_GEN, NULL, 0};
    hsmiam_key_template template = {
        .class = CKO_SECRET_KEY, .type = CKK_GENERIC_SECRET, .allowed = CKM_SP800_108_FEEDBACK_KDF};

    hsmiam_key_template_put(&template, CKA_CLASS, &template.class, sizeof template.class);
    hsmiam_key_template_put(&template, CKA_KEY_TYPE, &template.type, sizeof template.type);
    hsmiam_key_template_put_value_len(&template, HSMIAM_HMAC_SIZE);
    hsmiam_key_template_put_bool(&template, CKA_TOKEN, false);
    hsmiam_key_template_put_bool(&template, CKA_PRIVATE, true);
    hsmiam_key_template_put_bool(&template, CKA_SENSITIVE, true);
    hsmiam_key_template_put_bool(&template, CKA_EXTRACTABLE, false);
    hsmiam_key_template_put_bool(&template, CKA_DERIVE, true);
    /* May sign by its usage, and may not by its limit: only the latter can refuse it. */
    hsmiam_key_template_put_bool(&template, CKA_SIGN, true);
    hsmiam_key_template_put(&template, CKA_ALLOWED_MECHANISMS, &template.allowed,
                            sizeof template.allowed);
    return session->functions->C_GenerateKey(session->handle, &mechanism, template.attributes,
                                             template.count, key_out);
}

static CK_RV derive_dangerously(const hsmiam_session *session, CK_OBJECT_HANDLE key,
                                CK_MECHANISM_TYPE danger, CK_OBJECT_HANDLE *derived_out)
{
    CK_BYTE byte = 0;
    CK_ULONG bit = 0;
    CK_KEY_DERIVATION_STRING_DATA data = {&byte, sizeof byte};
    CK_MECHANISM mechanism = {danger, &data, sizeof data};
    hsmiam_key_template template = {.class = CKO_SECRET_KEY, .type = CKK_GENERIC_SECRET};

    if (danger == CKM_EXTRACT_KEY_FROM_KEY)
        mechanism = (CK_MECHANISM){danger, &bit, sizeof bit};
    hsmiam_key_template_put(&template, CKA_CLASS, &template.class, sizeof template.class);
    hsmiam_key_template_put(&template, CKA_KEY_TYPE, &template.type, sizeof template.type);
    if (danger == CKM_EXTRACT_KEY_FROM_KEY)
        hsmiam_key_template_put_value_len(&template, 1);
    hsmiam_key_template_put_bool(&template, CKA_TOKEN, false);
    return session->functions->C_DeriveKey(session->handle, &mechanism, key, template.attributes,
                                           template.count, derived_out);
}

/* Whether the limit holds: against signing, which the token surely can do, and against each
 * derivation that is not the one. */
static hsmiam_status try_limit(hsmiam_token *token, const hsmiam_session *session,
                               CK_OBJECT_HANDLE handle, hsmiam_object key, bool *holds_out,
                               hsmiam_error *error)
{
    hsmiam_secret *mac = NULL;
    CK_OBJECT_HANDLE derived = CK_INVALID_HANDLE;

    *holds_out = false;
    hsmiam_status status = hsmiam_secret_new(HSMIAM_HMAC_SIZE, &mac, error);
    if (status != HSMIAM_OK)
        return status;
    status = hsmiam_token_hmac(token, key, "", 0, mac, error);
    if (status == HSMIAM_OK)
        goto out;
    if (hsmiam_token_judge(status, error) == HSMIAM_VERDICT_FAILED)
        goto out;
    status = HSMIAM_OK;
    hsmiam_error_clear(error);
    for (size_t i = 0; i < sizeof dangers / sizeof dangers[0]; i++) {
        CK_RV rv = derive_dangerously(session, handle, dangers[i], &derived);
        if (rv == CKR_OK) {
            (void)session->functions->C_DestroyObject(session->handle, derived);
            goto out;
        }
        if (hsmiam_rv_judge(rv) == HSMIAM_VERDICT_FAILED) {
            status = hsmiam_rv_set_error(token, rv, "C_DeriveKey", error);
            goto out;
        }
    }
    *holds_out = true;
out:
    hsmiam_secret_free(&mac);
    return status;
}

static hsmiam_status try_all(hsmiam_token *token, const hsmiam_session *session,
                             CK_OBJECT_HANDLE handle, hsmiam_object key, hsmiam_in_token *found_out,
                             hsmiam_error *error)
{
    hsmiam_object derived = CK_INVALID_HANDLE;
    bool limited = false;
    hsmiam_status status = hsmiam_token_derive_hmac(token, key, "probe", 5, false, &derived, error);

    if (status != HSMIAM_OK) {
        if (hsmiam_token_judge(status, error) == HSMIAM_VERDICT_FAILED)
            return status;
        hsmiam_error_clear(error);
        *found_out = HSMIAM_IN_TOKEN_NO;
        return HSMIAM_OK;
    }
    status = hsmiam_token_destroy_object(token, derived, error);
    if (status == HSMIAM_OK)
        status = try_limit(token, session, handle, key, &limited, error);
    if (status == HSMIAM_OK)
        *found_out = limited ? HSMIAM_IN_TOKEN_LIMITED : HSMIAM_IN_TOKEN_UNLIMITED;
    return status;
}

static bool names_mechanism(const hsmiam_session *session)
{
    CK_MECHANISM_INFO info;

    return session->functions->C_GetMechanismInfo(session->slot, CKM_SP800_108_FEEDBACK_KDF,
                                                  &info) == CKR_OK;
}

/* In a session that the caller holds, so that no handle outlives a loss. */
static hsmiam_status probe(hsmiam_token *token, const hsmiam_session *session, bool insists,
                           hsmiam_in_token *found_out, hsmiam_error *error)
{
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    hsmiam_object key = 0;

    *found_out = HSMIAM_IN_TOKEN_NO;
    if (!insists && !names_mechanism(session))
        return HSMIAM_OK;
    CK_RV rv = generate(session, &handle);
    if (rv != CKR_OK)
        return hsmiam_rv_judge(rv) == HSMIAM_VERDICT_FAILED
                   ? hsmiam_rv_set_error(token, rv, "C_GenerateKey", error)
                   : HSMIAM_OK;
    hsmiam_status status = hsmiam_object_remember(token, session, handle, NULL, &key, error);
    if (status == HSMIAM_OK) {
        status = try_all(token, session, handle, key, found_out, error);
        hsmiam_object_forget(token, key);
    }
    (void)session->functions->C_DestroyObject(session->handle, handle);
    return status;
}

static hsmiam_status probe_once(hsmiam_token *token, bool insists, hsmiam_in_token *found_out,
                                hsmiam_error *error)
{
    hsmiam_session *session = NULL;
    hsmiam_status status = hsmiam_session_borrow(token, &session, error);

    if (status != HSMIAM_OK)
        return status;
    status = probe(token, session, insists, found_out, error);
    hsmiam_session_return(token, &session, CKR_OK);
    return status;
}

hsmiam_status hsmiam_token_probe_in_token(hsmiam_token *token, bool insists,
                                          hsmiam_in_token *found_out, hsmiam_error *error)
{
    static const char *const words[] = {"unknown", "no", "yes, without a limit", "yes"};
    hsmiam_error *own = NULL;
    hsmiam_status status = HSMIAM_OK;

    *found_out = token->in_token;
    if (*found_out != HSMIAM_IN_TOKEN_UNKNOWN)
        return HSMIAM_OK;
    if (error == NULL) /* it tells what a failure means */
        error = own = hsmiam_error_new();
    hsmiam_retry retry = hsmiam_retry_start(token);
    do
        status = probe_once(token, insists, found_out, error);
    while (hsmiam_retry_again(&retry, status, error));
    if (status == HSMIAM_OK) {
        token->in_token = *found_out;
        hsmiam_log_write(&token->log, HSMIAM_LOG_DEBUG, "Token \"%s\" derives keys in itself: %s.",
                         token->label, words[*found_out]);
    }
    hsmiam_error_free(&own);
    return status;
}
