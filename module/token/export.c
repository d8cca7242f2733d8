/* SPDX-License-Identifier: Apache-2.0 */
/* C_WrapKey: what leaves the token is for the recipient alone. */
#include "token/export.h"

#include "token/key_template.h"
#include "token/keys.h"

#include <string.h>

#define LABEL "hsmiam-recipient"

/* In the order of hsmiam_export_algorithm. */
static const hsmiam_export_form forms[] = {
    {"", "", "", false},
    {"RSAES_OAEP_SHA_256", "rsaes-oaep-sha-256", "SHA256", false},
    {"RSAES_OAEP_SHA_1", "rsaes-oaep-sha-1", "SHA1", false},
    {"RSA_AES_KEY_WRAP_SHA_256", "rsa-aes-key-wrap-sha-256", "SHA256", true},
    {"RSA_AES_KEY_WRAP_SHA_1", "rsa-aes-key-wrap-sha-1", "SHA1", true},
};

#define FORMS (sizeof forms / sizeof forms[0])

const char *hsmiam_export_algorithm_get_name(hsmiam_export_algorithm algorithm)
{
    return (size_t)algorithm < FORMS ? forms[algorithm].name : "";
}

const hsmiam_export_form *hsmiam_export_find_form(const char *name)
{
    for (size_t i = 1; i < FORMS; i++)
        if (strcmp(forms[i].name, name) == 0)
            return &forms[i];
    return NULL;
}

/* One export. */
typedef struct exporting {
    const char *id;
    const hsmiam_recipient *recipient;
    hsmiam_export_algorithm wanted;
    hsmiam_secret *wrapped;
    const hsmiam_export_form *form;
} exporting;

/* The recipient's key as an object that lives in the session, and wraps. */
static CK_RV create_recipient(const hsmiam_session *session, const hsmiam_recipient *recipient,
                              CK_OBJECT_HANDLE *handle_out)
{
    const hsmiam_rsa_numbers *numbers = hsmiam_recipient_get_numbers(recipient);
    hsmiam_key_template template = {.class = CKO_PUBLIC_KEY, .type = CKK_RSA};

    hsmiam_key_template_put(&template, CKA_CLASS, &template.class, sizeof template.class);
    hsmiam_key_template_put(&template, CKA_KEY_TYPE, &template.type, sizeof template.type);
    hsmiam_key_template_put_bool(&template, CKA_TOKEN, false);
    hsmiam_key_template_put_bool(&template, CKA_PRIVATE, false);
    hsmiam_key_template_put(&template, CKA_LABEL, LABEL, sizeof LABEL - 1);
    hsmiam_key_template_put(&template, CKA_MODULUS, numbers->modulus, numbers->modulus_size);
    hsmiam_key_template_put(&template, CKA_PUBLIC_EXPONENT, numbers->exponent,
                            numbers->exponent_size);
    hsmiam_key_template_put_bool(&template, CKA_WRAP, true);
    hsmiam_key_template_put_bool(&template, CKA_ENCRYPT, false);
    hsmiam_key_template_put_bool(&template, CKA_VERIFY, false);
    return session->functions->C_CreateObject(session->handle, template.attributes, template.count,
                                              handle_out);
}

static CK_RV wrap_once(const hsmiam_session *session, const hsmiam_export_form *form,
                       CK_OBJECT_HANDLE recipient, CK_OBJECT_HANDLE key, hsmiam_secret *wrapped)
{
    const hsmiam_oaep_hash *hash = hsmiam_oaep_hash_find(form->hash);
    CK_RSA_PKCS_OAEP_PARAMS oaep = {hash->mechanism, hash->mgf, CKZ_DATA_SPECIFIED, NULL, 0};
    CK_RSA_AES_KEY_WRAP_PARAMS by_aes = {256, &oaep};
    CK_MECHANISM mechanism = {CKM_RSA_PKCS_OAEP, &oaep, sizeof oaep};
    size_t room = 0;
    uint8_t *to = hsmiam_secret_get_room(wrapped, &room);
    CK_ULONG written = room;

    if (form->by_aes)
        mechanism = (CK_MECHANISM){CKM_RSA_AES_KEY_WRAP, &by_aes, sizeof by_aes};
    CK_RV rv =
        session->functions->C_WrapKey(session->handle, &mechanism, recipient, key, to, &written);
    if (rv == CKR_OK && (written == 0 || written > room))
        rv = CKR_GENERAL_ERROR; /* more than there was room for is not believed */
    if (rv == CKR_OK)
        hsmiam_secret_grow(wrapped, written);
    return rv;
}

static hsmiam_status refuse(const hsmiam_token *token, const char *id, hsmiam_error *error)
{
    return hsmiam_error_set(
        error, HSMIAM_ERR_UNSUPPORTED,
        "Access key %s was not put into token \"%s\" as exportable (CKA_EXTRACTABLE is false), and "
        "that cannot be changed: it never leaves the token. Issue another one with --exportable, "
        "or rotate it: hsmiam rotate-access-key --exportable.",
        id, token->label);
}

static bool is_about_key(CK_RV rv)
{
    return rv == CKR_KEY_UNEXTRACTABLE || rv == CKR_KEY_NOT_WRAPPABLE;
}

static hsmiam_status wrap(hsmiam_token *token, const hsmiam_session *session,
                          CK_OBJECT_HANDLE recipient, CK_OBJECT_HANDLE key, exporting *run,
                          hsmiam_error *error)
{
    bool chosen = run->wanted != HSMIAM_EXPORT_AUTO;
    size_t at = chosen ? (size_t)run->wanted : HSMIAM_EXPORT_OAEP_SHA_256;
    size_t last = chosen ? at : HSMIAM_EXPORT_OAEP_SHA_1;
    CK_RV rv = CKR_OK;

    for (;; at++) {
        run->form = &forms[at];
        rv = wrap_once(session, run->form, recipient, key, run->wrapped);
        if (rv == CKR_OK)
            return HSMIAM_OK;
        if (at == last || is_about_key(rv) || hsmiam_rv_judge(rv) == HSMIAM_VERDICT_FAILED)
            break;
    }
    if (is_about_key(rv))
        return refuse(token, run->id, error);
    hsmiam_status status = hsmiam_rv_set_error(token, rv, "C_WrapKey", error);
    if (hsmiam_rv_judge(rv) == HSMIAM_VERDICT_FAILED)
        return status;
    status = HSMIAM_ERR_UNSUPPORTED;
    if (error != NULL)
        error->status = status;
    hsmiam_error_append(error, "It does not wrap by %s%s.",
                        chosen ? run->form->name : "RSAES_OAEP, with either hash",
                        chosen ? "; choose another --algorithm" : "");
    return status;
}

static hsmiam_status export_in_session(hsmiam_token *token, const hsmiam_session *session,
                                       CK_OBJECT_HANDLE key, void *context, hsmiam_error *error)
{
    static const hsmiam_bool_rule extractable = {CKA_EXTRACTABLE, "CKA_EXTRACTABLE", true};
    CK_OBJECT_HANDLE recipient = CK_INVALID_HANDLE;
    const hsmiam_bool_rule *broken = NULL;
    exporting *run = context;

    hsmiam_secret_clear(run->wrapped);
    hsmiam_status status =
        hsmiam_attribute_check_bools(token, key, &extractable, 1, &broken, error);
    if (status == HSMIAM_OK && broken != NULL)
        status = refuse(token, run->id, error);
    if (status != HSMIAM_OK)
        return status;
    CK_RV rv = create_recipient(session, run->recipient, &recipient);
    if (rv != CKR_OK)
        return hsmiam_rv_set_error(token, rv, "C_CreateObject(CKO_PUBLIC_KEY)", error);
    status = wrap(token, session, recipient, key, run, error);
    (void)session->functions->C_DestroyObject(session->handle, recipient);
    return status;
}

hsmiam_status hsmiam_token_export_key(hsmiam_token *token, hsmiam_object key, const char *id,
                                      const hsmiam_recipient *recipient,
                                      hsmiam_export_algorithm algorithm, hsmiam_secret *wrapped,
                                      const hsmiam_export_form **form_out, hsmiam_error *error)
{
    exporting run = {.id = id, .recipient = recipient, .wanted = algorithm, .wrapped = wrapped};

    hsmiam_status status = hsmiam_object_use(token, key, export_in_session, &run, error);
    if (status == HSMIAM_OK)
        *form_out = run.form;
    return status;
}
