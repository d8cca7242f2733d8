/* SPDX-License-Identifier: Apache-2.0 */
/* Provisioning: the keys that hsmiam needs, made where they are missing. */
#include "token/keys.h"

#include <string.h>

/* Who is told of each key. */
typedef struct provisioning {
    hsmiam_token *token;
    hsmiam_provisioned_fn report;
    void *context;
} provisioning;

static hsmiam_status report_key(const provisioning *run, CK_OBJECT_CLASS class,
                                hsmiam_provisioned *key, hsmiam_error *error)
{
    const CK_ATTRIBUTE named[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_LABEL, (void *)key->label, strlen(key->label)},
        {CKA_ID, (void *)key->label, strlen(key->label)},
    };
    hsmiam_buffer uri;

    hsmiam_buffer_init(&uri, HSMIAM_ERROR_MESSAGE_MAX);
    hsmiam_status status = hsmiam_uri_format(&run->token->info, named, 3, &uri, error);
    if (status == HSMIAM_OK && run->report != NULL) {
        key->uri = hsmiam_buffer_get_string(&uri);
        run->report(run->context, key);
    }
    hsmiam_buffer_clear(&uri);
    return status;
}

static hsmiam_status report_pair(const provisioning *run, const hsmiam_pair_spec *spec,
                                 hsmiam_object private_key, bool created, hsmiam_error *error)
{
    char fingerprint[65] = "";
    hsmiam_provisioned pair = {
        .purpose = spec->purpose,
        .label = spec->label,
        .algorithm = spec->algorithm,
        .fingerprint = fingerprint,
        .created = created,
    };
    hsmiam_status status =
        hsmiam_pair_get_fingerprint(run->token, spec, private_key, fingerprint, error);

    return status == HSMIAM_OK ? report_key(run, CKO_PRIVATE_KEY, &pair, error) : status;
}

static hsmiam_status provision_in_session(const provisioning *run, const hsmiam_pair_spec *spec,
                                          hsmiam_error *error)
{
    hsmiam_token *token = run->token;
    hsmiam_object key = CK_INVALID_HANDLE;
    hsmiam_status status = hsmiam_pair_find(token, spec, &key, error);
    bool missing = status == HSMIAM_ERR_NOT_FOUND;

    if (missing) {
        hsmiam_error_clear(error);
        status = hsmiam_pair_generate(token, spec, &key, error);
    }
    if (status != HSMIAM_OK)
        return status;
    status = hsmiam_pair_check(token, spec, key, error);
    if (status != HSMIAM_OK)
        return status;
    if (!missing && spec->use == CKA_UNWRAP) {
        status = hsmiam_pair_warn_if_soft(token, spec, key, error);
        if (status != HSMIAM_OK)
            return status;
    }
    return report_pair(run, spec, key, missing, error);
}

/* Within one session, so that no handle outlives a loss. It is safe to repeat, for it looks first.
 */
static hsmiam_status provision_pair(const provisioning *run, const hsmiam_pair_spec *spec,
                                    hsmiam_error *error)
{
    hsmiam_retry retry = hsmiam_retry_start(run->token);
    hsmiam_status status = HSMIAM_OK;

    do {
        hsmiam_session *session = NULL;
        status = hsmiam_session_borrow(run->token, &session, error);
        if (status != HSMIAM_OK)
            continue;
        status = provision_in_session(run, spec, error);
        hsmiam_session_return(run->token, &session, CKR_OK);
    } while (hsmiam_retry_again(&retry, status, error));
    return status;
}

/* A key that was made for nothing is taken away again. */
static hsmiam_status settle_aes_key(const provisioning *run, hsmiam_object key, bool created,
                                    hsmiam_error *error)
{
    hsmiam_provisioned made = {
        .purpose = "wrapping-aes",
        .label = hsmiam_aes_key_label,
        .algorithm = "AES-256",
        .fingerprint = "",
        .created = created,
    };
    bool works = false;
    hsmiam_status status = hsmiam_token_try_route(run->token, HSMIAM_ROUTE_AES_KWP, &works, error);

    if (status == HSMIAM_OK && works)
        return report_key(run, CKO_SECRET_KEY, &made, error);
    if (status == HSMIAM_OK && run->token->wants_aes_key)
        status = hsmiam_error_set(error, HSMIAM_ERR_UNSUPPORTED,
                                  "Token \"%s\" takes no key in that is wrapped by an AES key.",
                                  run->token->label);
    hsmiam_import_forget_keys(run->token);
    if (!created)
        return status;
    hsmiam_status destroyed =
        hsmiam_token_destroy_object(run->token, key, status == HSMIAM_OK ? error : NULL);
    return status == HSMIAM_OK ? destroyed : status;
}

/* The key, made if it is missing. `*missing` stays true if this had to be begun again. */
static hsmiam_status make_aes_key(hsmiam_token *token, hsmiam_object *key_out, bool *missing,
                                  hsmiam_error *error)
{
    hsmiam_session *session = NULL;
    hsmiam_object handle = CK_INVALID_HANDLE;

    hsmiam_status status = hsmiam_session_borrow(token, &session, error);
    if (status != HSMIAM_OK)
        return status;
    status = hsmiam_aes_key_find(token, &handle, error);
    if (status == HSMIAM_ERR_NOT_FOUND) {
        *missing = true;
        hsmiam_error_clear(error);
        status = hsmiam_aes_key_generate(token, &handle, error);
    }
    if (status == HSMIAM_OK)
        status = hsmiam_aes_key_check(token, handle, error);
    if (status == HSMIAM_OK)
        status =
            hsmiam_object_remember(token, session, handle, hsmiam_aes_key_label, key_out, error);
    hsmiam_session_return(token, &session, CKR_OK);
    return status;
}

/* Where RSA-OAEP does not work, an AES key lets a value in that does not leave the token as it is;
 * if that works neither, there is none. */
static hsmiam_status provision_aes_key(const provisioning *run, hsmiam_error *error)
{
    hsmiam_token *token = run->token;
    hsmiam_object key = CK_INVALID_HANDLE;
    bool missing = false;
    bool works = false;

    hsmiam_status status = HSMIAM_OK;
    if (!token->wants_aes_key)
        status = hsmiam_token_try_route(token, HSMIAM_ROUTE_RSA_OAEP, &works, error);
    if (status != HSMIAM_OK || works || token->read_only)
        return status;
    hsmiam_retry retry = hsmiam_retry_start(token);
    do
        status = make_aes_key(token, &key, &missing, error);
    while (hsmiam_retry_again(&retry, status, error));
    if (status == HSMIAM_OK)
        return settle_aes_key(run, key, missing, error);
    if (missing && !token->wants_aes_key &&
        hsmiam_token_judge(status, error) == HSMIAM_VERDICT_CANNOT) {
        hsmiam_error_clear(error); /* it makes no AES keys */
        status = HSMIAM_OK;
    }
    return status;
}

void hsmiam_token_set_wants_aes_key(hsmiam_token *token, bool wants)
{
    token->wants_aes_key = wants;
}

hsmiam_status hsmiam_token_provision_approver(hsmiam_token *token, hsmiam_provisioned_fn report,
                                              void *context, hsmiam_error *error)
{
    const provisioning run = {token, report, context};
    hsmiam_status status = hsmiam_token_open(token, error);

    return status == HSMIAM_OK ? provision_pair(&run, &hsmiam_pair_approver, error) : status;
}

hsmiam_status hsmiam_token_provision(hsmiam_token *token, hsmiam_provisioned_fn report,
                                     void *context, hsmiam_error *error)
{
    static const hsmiam_pair_spec *const specs[] = {
        &hsmiam_pair_wrapping,
        &hsmiam_pair_wrapping_exportable,
        &hsmiam_pair_audit,
    };
    const provisioning run = {token, report, context};
    hsmiam_error *own = NULL;
    hsmiam_status status = hsmiam_token_open(token, error);

    if (error == NULL) /* it tells what a failure means */
        error = own = hsmiam_error_new();
    for (size_t i = 0; status == HSMIAM_OK && i < sizeof specs / sizeof specs[0]; i++)
        status = provision_pair(&run, specs[i], error);
    if (status == HSMIAM_OK)
        status = provision_aes_key(&run, error);
    hsmiam_error_free(&own);
    return status;
}
