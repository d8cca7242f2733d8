/* SPDX-License-Identifier: Apache-2.0 */
/* What IAM says of a key beside its lists, which are one user's and may lag. */
#include <stdio.h>
#include <string.h>

#include "custody/settle.h"
#include "iam/outcome.h"
#include "sigv4/signer.h"

hsmiam_key_verdict hsmiam_ask_as_key(hsmiam_client *client, hsmiam_token *token, const char *id,
                                     hsmiam_caller *caller_out, hsmiam_error *why)
{
    char uri[HSMIAM_ACCESS_KEY_ID_MAX + 32];
    hsmiam_signer *signer = NULL;

    (void)snprintf(uri, sizeof uri, "pkcs11:id=%s;type=secret-key", id);
    hsmiam_status status = hsmiam_signer_new(token, uri, &signer, why);
    if (status == HSMIAM_OK)
        status = hsmiam_signer_open(signer, why);
    if (status == HSMIAM_OK) {
        hsmiam_signer *before = hsmiam_client_swap_signer(client, signer);
        status = hsmiam_client_get_caller(client, false, caller_out, why);
        (void)hsmiam_client_swap_signer(client, before);
    }
    hsmiam_signer_free(&signer);
    const char *code = hsmiam_error_get_code_name(why);
    /* Who may not ask was recognised. */
    if (status == HSMIAM_OK || (status == HSMIAM_ERR_SERVICE && strcmp(code, "AccessDenied") == 0))
        return HSMIAM_KEY_TAKEN;
    if (hsmiam_token_refused_key(why))
        return HSMIAM_KEY_UNUSABLE;
    /* The same code speaks of a clock that is wrong. */
    if (status != HSMIAM_ERR_SERVICE ||
        hsmiam_outcome_is_skewed(code, hsmiam_error_get_message(why)))
        return HSMIAM_KEY_TROUBLE;
    return strcmp(code, "SignatureDoesNotMatch") == 0  ? HSMIAM_KEY_WRONG
           : strcmp(code, "InvalidClientTokenId") == 0 ? HSMIAM_KEY_UNKNOWN
                                                       : HSMIAM_KEY_TROUBLE;
}
