/* SPDX-License-Identifier: Apache-2.0 */
/* The forms that tokens want a secret in, one after the other. */
#include "token/import_run.h"

/* In the order of preference; CloudHSM takes the first only, YubiHSM the second. */
static const CK_KEY_TYPE key_types[] = {CKK_GENERIC_SECRET, CKK_SHA256_HMAC};

#define KEY_TYPES (sizeof key_types / sizeof key_types[0])

const char *hsmiam_import_get_key_type_name(size_t index)
{
    static const char *const names[KEY_TYPES] = {"CKK_GENERIC_SECRET", "CKK_SHA256_HMAC"};

    return index < KEY_TYPES ? names[index] : NULL;
}

CK_KEY_TYPE hsmiam_import_get_key_type(const hsmiam_import_form *form)
{
    return key_types[form->key_type];
}

static bool next_mechanism(hsmiam_import_form *form, hsmiam_import_route route)
{
    size_t *index = route == HSMIAM_ROUTE_RSA_OAEP ? &form->oaep_hash : &form->key_wrap;
    size_t count = route == HSMIAM_ROUTE_RSA_OAEP ? hsmiam_oaep_hash_count : hsmiam_key_wrap_count;

    if (route == HSMIAM_ROUTE_CREATE_OBJECT || *index + 1 >= count)
        return false;
    (*index)++;
    return true;
}

static bool next_key_type(hsmiam_import_form *form)
{
    if (form->key_type + 1 >= KEY_TYPES)
        return false;
    form->key_type++;
    return true;
}

/* What tokens want most is tried first; what hardens the key is given up last. */
static bool next_template(hsmiam_import_run *import)
{
    hsmiam_import_form *form = &import->token->form;
    bool pinned = import->trial != NULL && import->trial->pins_key_type;

    if (import->route != HSMIAM_ROUTE_CREATE_OBJECT && !form->with_value_len) {
        form->with_value_len = true;
        return true;
    }
    form->with_value_len = false;
    if (!pinned && next_key_type(form))
        return true;
    if (!pinned)
        form->key_type = 0;
    return hsmiam_hardening_drop(&form->dropped, false);
}

/* Values are then encrypted by RSA-OAEP themselves: the same route, and what it costs. */
static void give_up_transport(hsmiam_import_run *import)
{
    hsmiam_transport_key_drop(import->token);
    import->token->form = import->before;
    import->token->form.transport = false;
}

/* The same where a transport key is used. What may have been carried out is not done again. */
static bool next_form_of_transport(hsmiam_import_run *import)
{
    hsmiam_import_form *form = &import->token->form;
    CK_RV rv = import->rv;
    hsmiam_verdict verdict = hsmiam_rv_judge(rv);
    bool by_parameter = rv == CKR_MECHANISM_PARAM_INVALID || rv == CKR_ARGUMENTS_BAD;

    if (verdict == HSMIAM_VERDICT_FAILED)
        return false;
    if (import->key_refused && by_parameter && next_mechanism(form, HSMIAM_ROUTE_RSA_OAEP))
        return true;
    if (!import->key_refused) {
        if (import->spec->persistent && verdict == HSMIAM_VERDICT_DOUBTFUL)
            return hsmiam_hardening_retry(rv, false, &form->dropped, &import->doubted);
        if ((hsmiam_rv_is_template_refusal(rv) || rv == CKR_KEY_TYPE_INCONSISTENT) &&
            next_template(import))
            return true;
        if (hsmiam_transport_key_next(import->token, import->session))
            return true;
    }
    give_up_transport(import);
    return true;
}

/* The same of what came wrapped, whose mechanism is given, but for the AES key wrap's number. */
static bool next_form_of_given(hsmiam_import_run *import)
{
    hsmiam_import_form *form = &import->token->form;
    hsmiam_verdict verdict = hsmiam_rv_judge(import->rv);

    if (verdict == HSMIAM_VERDICT_FAILED || import->key_refused)
        return false;
    if (hsmiam_rv_is_template_refusal(import->rv) || import->rv == CKR_KEY_TYPE_INCONSISTENT)
        return next_template(import);
    if (import->wrapped->by_aes && import->wrapped_by + 1 < hsmiam_key_wrap_count &&
        !hsmiam_key_wraps[import->wrapped_by + 1].whole_blocks) {
        import->wrapped_by++;
        return true;
    }
    return import->spec->persistent && verdict == HSMIAM_VERDICT_DOUBTFUL &&
           hsmiam_hardening_retry(import->rv, false, &form->dropped, &import->doubted);
}

bool hsmiam_import_next_form(hsmiam_import_run *import)
{
    hsmiam_import_form *form = &import->token->form;
    CK_RV rv = import->rv;

    if (import->wrapped != NULL)
        return next_form_of_given(import);
    if (import->route == HSMIAM_ROUTE_RSA_OAEP && form->transport)
        return next_form_of_transport(import);
    if (hsmiam_rv_is_template_refusal(rv) || rv == CKR_KEY_TYPE_INCONSISTENT)
        return next_template(import);
    if (import->trial != NULL)
        return false;
    if (rv == CKR_MECHANISM_PARAM_INVALID || rv == CKR_ARGUMENTS_BAD)
        return next_mechanism(form, import->route);
    if (!import->spec->persistent)
        return hsmiam_rv_judge(rv) != HSMIAM_VERDICT_FAILED && next_mechanism(form, import->route);
    /* The mechanism is known to work by now, so it is the template of a token object. */
    return hsmiam_rv_judge(rv) == HSMIAM_VERDICT_DOUBTFUL &&
           hsmiam_hardening_retry(rv, false, &form->dropped, &import->doubted);
}

bool hsmiam_token_try_other_form(hsmiam_token *token, hsmiam_import_route route)
{
    (void)pthread_mutex_lock(&token->importing);
    bool more = route == HSMIAM_ROUTE_AES_KWP && next_mechanism(&token->form, route);
    if (!more) {
        more = next_key_type(&token->form);
        if (!more)
            token->form.key_type = 0;
        token->form.with_value_len = false;
    }
    if (!more && route == HSMIAM_ROUTE_RSA_OAEP && token->form.transport) {
        hsmiam_transport_key_drop(token);
        token->form.transport = false;
        more = true;
    }
    (void)pthread_mutex_unlock(&token->importing);
    return more;
}
