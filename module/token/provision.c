/* SPDX-License-Identifier: Apache-2.0 */
/* Provisioning: the key pairs that hsmiam needs, made where they are missing. */
#include "token/cryptoki.h"

#include <string.h>

static hsmiam_status report_pair(hsmiam_token *token, const hsmiam_pair_spec *spec,
                                 hsmiam_object private_key, bool created,
                                 hsmiam_provisioned_fn report, void *context, hsmiam_error *error)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    const CK_ATTRIBUTE named[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_LABEL, (void *)spec->label, strlen(spec->label)},
        {CKA_ID, (void *)spec->label, strlen(spec->label)},
    };
    char fingerprint[65] = "";
    hsmiam_buffer uri;

    hsmiam_buffer_init(&uri, HSMIAM_ERROR_MESSAGE_MAX);
    hsmiam_status status =
        hsmiam_pair_get_fingerprint(token, spec, private_key, fingerprint, error);
    if (status != HSMIAM_OK)
        goto out;
    status = hsmiam_uri_format(&token->info, named, 3, &uri, error);
    if (status != HSMIAM_OK)
        goto out;
    if (report != NULL) {
        const hsmiam_provisioned pair = {
            .purpose = spec->purpose,
            .label = spec->label,
            .algorithm = spec->algorithm,
            .uri = hsmiam_buffer_get_string(&uri),
            .fingerprint = fingerprint,
            .created = created,
        };
        report(context, &pair);
    }
out:
    hsmiam_buffer_clear(&uri);
    return status;
}

static hsmiam_status provision_in_session(hsmiam_token *token, const hsmiam_pair_spec *spec,
                                          hsmiam_provisioned_fn report, void *context,
                                          hsmiam_error *error)
{
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
    return report_pair(token, spec, key, missing, report, context, error);
}

/* Within one session, so that no handle outlives a loss. It is safe to repeat, for it looks first.
 */
static hsmiam_status provision_pair(hsmiam_token *token, const hsmiam_pair_spec *spec,
                                    hsmiam_provisioned_fn report, void *context,
                                    hsmiam_error *error)
{
    hsmiam_retry retry = hsmiam_retry_start(token);
    hsmiam_status status = HSMIAM_OK;

    do {
        hsmiam_session *session = NULL;
        status = hsmiam_session_borrow(token, &session, error);
        if (status != HSMIAM_OK)
            continue;
        status = provision_in_session(token, spec, report, context, error);
        hsmiam_session_return(token, &session, CKR_OK);
    } while (hsmiam_retry_again(&retry, status, error));
    return status;
}

hsmiam_status hsmiam_token_provision(hsmiam_token *token, hsmiam_provisioned_fn report,
                                     void *context, hsmiam_error *error)
{
    static const hsmiam_pair_spec *const specs[] = {
        &hsmiam_pair_wrapping,
        &hsmiam_pair_wrapping_exportable,
        &hsmiam_pair_audit,
    };
    hsmiam_status status = hsmiam_token_open(token, error);

    for (size_t i = 0; status == HSMIAM_OK && i < sizeof specs / sizeof specs[0]; i++)
        status = provision_pair(token, specs[i], report, context, error);
    return status;
}
