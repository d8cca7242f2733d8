/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that a check makes in the token and lets go of: none outlives the session. */
#include "token/key_template.h"
#include "token/keys.h"

static const hsmiam_pair_spec trial_rsa = {
    .purpose = "trial",
    .label = HSMIAM_CHECK_LABEL,
    .algorithm = "RSA-3072",
    .key_type = CKK_RSA,
    .use = CKA_UNWRAP,
    .mechanism = CKM_RSA_PKCS_OAEP,
    .trial = true,
};

static const hsmiam_pair_spec trial_ec = {
    .purpose = "trial",
    .label = HSMIAM_CHECK_LABEL,
    .algorithm = "EC-P256",
    .key_type = CKK_EC,
    .use = CKA_SIGN,
    .mechanism = CKM_ECDSA,
    .trial = true,
};

/* What every secret key of a check is. */
static void start_template(hsmiam_key_template *template, CK_KEY_TYPE type, size_t size)
{
    *template = (hsmiam_key_template){.class = CKO_SECRET_KEY, .type = type};
    hsmiam_key_template_put(template, CKA_CLASS, &template->class, sizeof template->class);
    hsmiam_key_template_put(template, CKA_KEY_TYPE, &template->type, sizeof template->type);
    hsmiam_key_template_put(template, CKA_LABEL, HSMIAM_CHECK_LABEL, sizeof HSMIAM_CHECK_LABEL - 1);
    hsmiam_key_template_put_value_len(template, size);
    hsmiam_key_template_put_bool(template, CKA_TOKEN, false);
    hsmiam_key_template_put_bool(template, CKA_PRIVATE, true);
    hsmiam_key_template_put_bool(template, CKA_SENSITIVE, true);
    hsmiam_key_template_put_bool(template, CKA_EXTRACTABLE, false);
}

static hsmiam_status generate(hsmiam_token *token, CK_MECHANISM_TYPE type, const char *what,
                              hsmiam_key_template *template, hsmiam_object *key_out,
                              hsmiam_error *error)
{
    CK_MECHANISM mechanism = {type, NULL, 0};
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    hsmiam_session *session = NULL;

    hsmiam_status status = hsmiam_session_borrow(token, &session, error);
    if (status != HSMIAM_OK)
        return status;
    CK_RV rv = session->functions->C_GenerateKey(session->handle, &mechanism, template->attributes,
                                                 template->count, &handle);
    status = rv == CKR_OK ? hsmiam_object_remember(token, session, handle, NULL, key_out, error)
                          : hsmiam_rv_set_error(token, rv, what, error);
    hsmiam_session_return(token, &session, rv);
    return status;
}

hsmiam_status hsmiam_check_make_secret(hsmiam_token *token, bool limited, hsmiam_object *key_out,
                                       hsmiam_error *error)
{
    hsmiam_key_template template;

    start_template(&template, CKK_GENERIC_SECRET, HSMIAM_HMAC_SIZE);
    hsmiam_key_template_put_bool(&template, CKA_SIGN, true);
    hsmiam_key_template_put_bool(&template, CKA_DERIVE, true);
    if (limited) {
        template.allowed = CKM_SHA512_HMAC;
        hsmiam_key_template_put(&template, CKA_ALLOWED_MECHANISMS, &template.allowed,
                                sizeof template.allowed);
    }
    return generate(token, CKM_GENERIC_SECRET_KEY_GEN, "C_GenerateKey(CKM_GENERIC_SECRET_KEY_GEN)",
                    &template, key_out, error);
}

hsmiam_status hsmiam_check_make_aes(hsmiam_token *token, hsmiam_object *key_out,
                                    hsmiam_error *error)
{
    hsmiam_key_template template;

    start_template(&template, CKK_AES, 32);
    hsmiam_key_template_put_bool(&template, CKA_ENCRYPT, true);
    hsmiam_key_template_put_bool(&template, CKA_UNWRAP, true);
    return generate(token, CKM_AES_KEY_GEN, "C_GenerateKey(CKM_AES_KEY_GEN)", &template, key_out,
                    error);
}

static hsmiam_status make_pair(hsmiam_token *token, const hsmiam_pair_spec *spec,
                               hsmiam_object *private_out, hsmiam_error *error)
{
    hsmiam_object handle = CK_INVALID_HANDLE;
    hsmiam_session *session = NULL;

    hsmiam_status status = hsmiam_session_borrow(token, &session, error);
    if (status != HSMIAM_OK)
        return status;
    status = hsmiam_pair_generate(token, spec, &handle, error);
    if (status == HSMIAM_OK)
        status = hsmiam_object_remember(token, session, handle, NULL, private_out, error);
    hsmiam_session_return(token, &session, CKR_OK);
    return status;
}

hsmiam_status hsmiam_check_make_rsa(hsmiam_token *token, hsmiam_object *private_out,
                                    hsmiam_error *error)
{
    return make_pair(token, &trial_rsa, private_out, error);
}

hsmiam_status hsmiam_check_make_ec(hsmiam_token *token, hsmiam_object *private_out,
                                   hsmiam_error *error)
{
    return make_pair(token, &trial_ec, private_out, error);
}

static hsmiam_status sign(hsmiam_token *token, const hsmiam_session *session,
                          CK_OBJECT_HANDLE private_key, hsmiam_error *error)
{
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    CK_BYTE digest[32] = {1};
    CK_BYTE signature[128];
    CK_ULONG size = sizeof signature;
    const char *function = "C_SignInit(CKM_ECDSA)";

    CK_RV rv = session->functions->C_SignInit(session->handle, &mechanism, private_key);
    if (rv == CKR_OK) {
        function = "C_Sign(CKM_ECDSA)";
        rv = session->functions->C_Sign(session->handle, digest, sizeof digest, signature, &size);
    }
    return rv == CKR_OK ? HSMIAM_OK : hsmiam_rv_set_error(token, rv, function, error);
}

hsmiam_status hsmiam_check_sign(hsmiam_token *token, hsmiam_object private_key, bool prove,
                                hsmiam_error *error)
{
    char fingerprint[65];
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    hsmiam_session *session = NULL;

    hsmiam_status status = hsmiam_session_borrow(token, &session, error);
    if (status != HSMIAM_OK)
        return status;
    status = hsmiam_object_resolve(token, session, private_key, &handle, error);
    if (status == HSMIAM_OK)
        status = prove ? hsmiam_pair_get_fingerprint(token, &trial_ec, handle, fingerprint, error)
                       : sign(token, session, handle, error);
    hsmiam_session_return(token, &session, CKR_OK);
    return status;
}

hsmiam_status hsmiam_check_probe_in_token(hsmiam_token *token, hsmiam_in_token *found_out,
                                          hsmiam_error *error)
{
    hsmiam_in_token known = token->in_token;

    /* A mechanism that is not named was not tried; what is decided by that stays so. */
    if (known == HSMIAM_IN_TOKEN_NO)
        token->in_token = HSMIAM_IN_TOKEN_UNKNOWN;
    hsmiam_status status = hsmiam_token_probe_in_token(token, true, found_out, error);
    token->in_token = known;
    return status;
}

void hsmiam_check_keep_form(hsmiam_token *token)
{
    (void)pthread_mutex_lock(&token->importing);
    token->kept_form = token->form;
    (void)pthread_mutex_unlock(&token->importing);
}

void hsmiam_check_restore_form(hsmiam_token *token)
{
    (void)pthread_mutex_lock(&token->importing);
    token->form = token->kept_form;
    (void)pthread_mutex_unlock(&token->importing);
}

void hsmiam_check_drop(hsmiam_token *token, hsmiam_object object)
{
    hsmiam_status status = HSMIAM_OK;

    if (object != 0)
        status = hsmiam_token_destroy_object(token, object, NULL);
    (void)status; /* what stays is told of in the end */
}

void hsmiam_check_clean_up(hsmiam_token *token)
{
    static CK_BBOOL no = CK_FALSE;
    CK_ATTRIBUTE template[] = {
        {CKA_LABEL, (void *)HSMIAM_CHECK_LABEL, sizeof HSMIAM_CHECK_LABEL - 1},
        {CKA_TOKEN, &no, sizeof no},
    };
    hsmiam_object found[HSMIAM_OBJECTS_MAX];
    hsmiam_session *session = NULL;
    size_t count = 0;

    if (hsmiam_session_borrow(token, &session, NULL) != HSMIAM_OK)
        return;
    if (hsmiam_objects_find(token, template, 2, found, &count, NULL) == HSMIAM_OK)
        for (size_t i = 0; i < count; i++)
            (void)session->functions->C_DestroyObject(session->handle, found[i]);
    hsmiam_session_return(token, &session, CKR_OK);
}
