/* SPDX-License-Identifier: Apache-2.0 */
/* The routes of a secret into the token. */
#include "token/import_run.h"

#include <string.h>

#define KEY_ROOM_MIN     64
#define WRAPPED_SIZE_MAX 1024
#define USUAL_SIZE       44 /* "AWS4" and a secret of IAM's usual 40 characters */

static void create_object(hsmiam_import_run *import)
{
    hsmiam_key_template *template = &import->template;

    hsmiam_key_template_put(template, CKA_VALUE, hsmiam_secret_get_data(import->value),
                            hsmiam_secret_get_size(import->value));
    hsmiam_key_template_harden(template, import->token->form.dropped);
    import->function = "C_CreateObject";
    import->rv = import->session->functions->C_CreateObject(
        import->session->handle, template->attributes, template->count, &import->object);
}

static void unwrap(hsmiam_import_run *import, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key,
                   const hsmiam_secret *wrapped, size_t value_size)
{
    const hsmiam_import_form *form = &import->token->form;
    hsmiam_key_template *template = &import->template;

    /* Luna wants the length, SoftHSM refuses it. */
    if (form->with_value_len)
        hsmiam_key_template_put_value_len(template, value_size);
    hsmiam_key_template_harden(template, form->dropped);
    import->function = "C_UnwrapKey";
    import->rv = hsmiam_session_unwrap(import->token, import->session, mechanism, key, wrapped,
                                       template, &import->object);
}

static hsmiam_status unwrap_oaep(hsmiam_import_run *import, hsmiam_secret *wrapped,
                                 hsmiam_error *error)
{
    hsmiam_token *token = import->token;
    const hsmiam_oaep_hash *hash = &hsmiam_oaep_hashes[token->form.oaep_hash];
    CK_RSA_PKCS_OAEP_PARAMS parameters = {hash->mechanism, hash->mgf, CKZ_DATA_SPECIFIED, NULL, 0};
    CK_MECHANISM mechanism = {CKM_RSA_PKCS_OAEP, &parameters, sizeof parameters};
    hsmiam_status status =
        hsmiam_wrapping_key_encrypt(token, import->key, hash, import->value, wrapped, error);

    if (status == HSMIAM_OK)
        unwrap(import, &mechanism, import->key, wrapped, hsmiam_secret_get_size(import->value));
    return status;
}

/* What is filled up by zeros would be handed out so: for a key that is exportable it does not do.
 */
static bool is_filled_up(const hsmiam_import_run *import, const hsmiam_key_wrap *wrap)
{
    return import->spec->exportable && wrap->whole_blocks &&
           hsmiam_secret_get_size(import->value) % 8 != 0;
}

static hsmiam_status unwrap_by_transport(hsmiam_import_run *import, hsmiam_secret *wrapped,
                                         hsmiam_error *error)
{
    hsmiam_token *token = import->token;
    CK_MECHANISM mechanism = {hsmiam_key_wraps[token->form.transport_wrap].mechanism, NULL, 0};
    size_t padded_size = 0;

    import->function = "C_UnwrapKey";
    hsmiam_status status = hsmiam_transport_key_make(token, import->session,
                                                     import->spec->exportable, &import->rv, error);
    import->key_refused = import->rv != CKR_OK;
    if (status != HSMIAM_OK || import->key_refused)
        return status;
    if (is_filled_up(import, &hsmiam_key_wraps[token->form.transport_wrap])) {
        import->rv = CKR_MECHANISM_INVALID;
        return HSMIAM_OK;
    }
    status = hsmiam_transport_key_wrap(token, import->value, wrapped, &padded_size, error);
    if (status == HSMIAM_OK)
        unwrap(import, &mechanism, token->transport.handle, wrapped, padded_size);
    return status;
}

static hsmiam_status unwrap_aes(hsmiam_import_run *import, hsmiam_secret *wrapped,
                                hsmiam_error *error)
{
    hsmiam_token *token = import->token;
    const hsmiam_key_wrap *wrap = &hsmiam_key_wraps[token->form.key_wrap];
    CK_MECHANISM mechanism = {wrap->mechanism, NULL, 0};
    size_t padded_size = 0;

    import->function = "C_Encrypt";
    if (is_filled_up(import, wrap)) {
        import->rv = CKR_MECHANISM_INVALID;
        return HSMIAM_OK;
    }
    hsmiam_status status =
        hsmiam_aes_key_encrypt(token, import->session, import->key, wrap, import->value, wrapped,
                               &padded_size, &import->rv, error);
    if (status == HSMIAM_OK && import->rv == CKR_OK)
        unwrap(import, &mechanism, import->key, wrapped, padded_size);
    return status;
}

/* The AES key, which is as long as the modulus, and the value behind it. */
static hsmiam_status split(const hsmiam_import_run *import, hsmiam_secret **first_out,
                           hsmiam_secret **second_out, hsmiam_error *error)
{
    const uint8_t *bytes = hsmiam_secret_get_data(import->wrapped->bytes);
    size_t size = hsmiam_secret_get_size(import->wrapped->bytes);
    size_t modulus = 0;

    hsmiam_status status =
        hsmiam_wrapping_key_get_size(import->token, import->key, &modulus, error);
    if (status == HSMIAM_OK && size <= modulus)
        status =
            hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                             "The wrapped key has %zu bytes; %zu are those of its AES key, and "
                             "more belong behind them.",
                             size, modulus);
    if (status == HSMIAM_OK)
        status = hsmiam_secret_new(modulus, first_out, error);
    if (status == HSMIAM_OK)
        status = hsmiam_secret_new(size - modulus, second_out, error);
    if (status == HSMIAM_OK &&
        (!hsmiam_secret_append(*first_out, bytes, modulus) ||
         !hsmiam_secret_append(*second_out, bytes + modulus, size - modulus)))
        status = hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "The wrapped key does not fit.");
    return status;
}

/* What came wrapped, one way or in two steps. How long the value is nobody tells. */
static hsmiam_status unwrap_given(hsmiam_import_run *import, hsmiam_error *error)
{
    const hsmiam_wrapped_value *given = import->wrapped;
    const hsmiam_oaep_hash *hash = hsmiam_oaep_hash_find(given->hash);
    CK_RSA_PKCS_OAEP_PARAMS parameters = {hash->mechanism, hash->mgf, CKZ_DATA_SPECIFIED, NULL, 0};
    CK_MECHANISM mechanism = {CKM_RSA_PKCS_OAEP, &parameters, sizeof parameters};
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
    hsmiam_secret *first = NULL;
    hsmiam_secret *second = NULL;

    if (!given->by_aes) {
        unwrap(import, &mechanism, import->key, given->bytes, USUAL_SIZE);
        return HSMIAM_OK;
    }
    mechanism = (CK_MECHANISM){hsmiam_key_wraps[import->wrapped_by].mechanism, NULL, 0};
    hsmiam_status status = split(import, &first, &second, error);
    if (status != HSMIAM_OK)
        goto out;
    import->function = "C_UnwrapKey";
    status = hsmiam_transport_key_unwrap(import->token, import->session, import->key, hash,
                                         mechanism.mechanism, first, &key, &import->rv, error);
    import->key_refused = import->rv != CKR_OK;
    if (status != HSMIAM_OK || import->key_refused)
        goto out;
    unwrap(import, &mechanism, key, second, USUAL_SIZE);
    (void)import->session->functions->C_DestroyObject(import->session->handle, key);
out:
    hsmiam_secret_free(&first);
    hsmiam_secret_free(&second);
    return status;
}

/* One attempt by the route, in the form that token->form says. */
static hsmiam_status attempt(hsmiam_import_run *import, hsmiam_error *error)
{
    hsmiam_secret *wrapped = NULL;

    import->object = CK_INVALID_HANDLE;
    hsmiam_key_template_fill(&import->template, import->spec,
                             hsmiam_import_get_key_type(&import->token->form));
    if (import->wrapped != NULL)
        return unwrap_given(import, error);
    if (import->route == HSMIAM_ROUTE_CREATE_OBJECT) {
        create_object(import);
        return HSMIAM_OK;
    }
    hsmiam_status status = hsmiam_secret_new(WRAPPED_SIZE_MAX, &wrapped, error);
    if (status == HSMIAM_OK && import->route == HSMIAM_ROUTE_AES_KWP)
        status = unwrap_aes(import, wrapped, error);
    else if (status == HSMIAM_OK && import->token->form.transport)
        status = unwrap_by_transport(import, wrapped, error);
    else if (status == HSMIAM_OK)
        status = unwrap_oaep(import, wrapped, error);
    hsmiam_secret_free(&wrapped);
    return status;
}

/* Tokens that do not say how much is free say CK_UNAVAILABLE_INFORMATION; or 0 and 1 (NSS), even of
 * what they have in all. */
static bool is_full(const hsmiam_token *token)
{
    return token->info.ulTotalPrivateMemory >= KEY_ROOM_MIN &&
           token->info.ulFreePrivateMemory != CK_UNAVAILABLE_INFORMATION &&
           token->info.ulFreePrivateMemory < KEY_ROOM_MIN;
}

static hsmiam_status check_room(const hsmiam_token *token, hsmiam_error *error)
{
    if (token->read_only)
        return hsmiam_error_set(error, HSMIAM_ERR_UNSUPPORTED,
                                "Token \"%s\" is write-protected; no key can be put into it.",
                                token->label);
    if (is_full(token))
        return hsmiam_error_set(error, HSMIAM_ERR_UNSUPPORTED,
                                "Token \"%s\" has no room for another key (%lu bytes left).",
                                token->label, token->info.ulFreePrivateMemory);
    return HSMIAM_OK;
}

/* Whether it is certain that a call that failed has made nothing in the token: what a token says of
 * a refusal is not believed when the same secret is about to be put in again. */
static bool is_missing(const hsmiam_import_run *import)
{
    size_t count = 0;

    return !import->spec->persistent ||
           (hsmiam_token_count_access_keys(import->token, import->spec->id, &count, NULL) ==
                HSMIAM_OK &&
            count == 0);
}

/* Attempts the import in one form after the other. */
static hsmiam_status run_import(hsmiam_import_run *import, CK_OBJECT_HANDLE *handle_out,
                                hsmiam_error *error)
{
    do {
        hsmiam_status status = attempt(import, error);
        if (status != HSMIAM_OK)
            return status;
    } while (import->rv != CKR_OK && is_missing(import) && hsmiam_import_next_form(import));
    if (import->rv != CKR_OK)
        return hsmiam_rv_set_error(import->token, import->rv, import->function, error);
    *handle_out = import->object;
    return HSMIAM_OK;
}

hsmiam_status hsmiam_import_key_once(hsmiam_token *token, const hsmiam_session *session,
                                     hsmiam_import_route route, const hsmiam_key_spec *spec,
                                     const hsmiam_import_source *source, bool *attempted_out,
                                     CK_OBJECT_HANDLE *handle_out, hsmiam_error *error)
{
    hsmiam_import_form before = token->form;
    bool to_exportable =
        source->wrapped != NULL ? source->wrapped->to_exportable : spec->exportable;
    hsmiam_import_run import = {.token = token,
                                .session = session,
                                .route = route,
                                .spec = spec,
                                .value = source->value,
                                .wrapped = source->wrapped,
                                .before = before};
    hsmiam_status status = check_room(token, error);

    if (status == HSMIAM_OK)
        status = hsmiam_import_prepare_route(token, session, route, to_exportable, error);
    if (status != HSMIAM_OK)
        return status;
    import.key =
        route == HSMIAM_ROUTE_RSA_OAEP ? token->wrapping_keys[to_exportable] : token->aes_key;
    *attempted_out = true;
    status = run_import(&import, handle_out, error);
    if (status != HSMIAM_OK)
        token->form = before;
    return status;
}

hsmiam_status hsmiam_import_try_once(hsmiam_token *token, const hsmiam_session *session,
                                     const hsmiam_import_trial *trial, CK_OBJECT_HANDLE key,
                                     const hsmiam_secret *value, CK_OBJECT_HANDLE *handle_out,
                                     hsmiam_error *error)
{
    hsmiam_import_form before = token->form;
    hsmiam_import_run import = {.token = token,
                                .session = session,
                                .route = trial->route,
                                .spec = trial->spec,
                                .value = value,
                                .trial = trial,
                                .key = key};

    if (key == CK_INVALID_HANDLE) {
        hsmiam_status status =
            hsmiam_import_prepare_route(token, session, trial->route, false, error);
        if (status != HSMIAM_OK)
            return status;
        import.key =
            trial->route == HSMIAM_ROUTE_RSA_OAEP ? token->wrapping_keys[false] : token->aes_key;
    }
    token->form.transport = false; /* the mechanism itself is tried */
    if (trial->pins_key_type)
        token->form.key_type = trial->key_type;
    else if (trial->route == HSMIAM_ROUTE_RSA_OAEP)
        token->form.oaep_hash = trial->mechanism;
    else
        token->form.key_wrap = trial->mechanism;
    hsmiam_status status = run_import(&import, handle_out, error);
    token->form = before;
    return status;
}
