/* SPDX-License-Identifier: Apache-2.0 */
/* A session that is begun by MFA: its secret goes into the token, as that of an access key does,
 * but for as long as the token's session only. */
#include "custody/rotate.h"

#include "base/sealed.h"
#include "iam/credentials.h"
#include "sigv4/signer.h"

#include <string.h>
#include <time.h>

#define SESSION_LABEL "hsmiam-mfa-session"

typedef struct beginning {
    hsmiam_client *client;
    const hsmiam_mfa *mfa;
    hsmiam_custody *custody;
} beginning;

static hsmiam_status append_secret(const hsmiam_credentials *credentials, hsmiam_secret *value,
                                   hsmiam_error *error)
{
    size_t size = hsmiam_secret_get_size(credentials->secret) - 1; /* without its NUL */

    if (!hsmiam_secret_append(value, hsmiam_secret_get_data(credentials->secret), size))
        return hsmiam_error_set(error, HSMIAM_ERR_REPLY,
                                "The secret of the session has %zu bytes, and %d is the most.",
                                size, HSMIAM_SECRET_SIZE_MAX);
    return HSMIAM_OK;
}

static hsmiam_status take_in(const beginning *begun, const hsmiam_credentials *credentials,
                             hsmiam_error *error)
{
    const hsmiam_key_spec spec = {
        .id = credentials->access_key_id, .label = SESSION_LABEL, .created = time(NULL)};
    hsmiam_signer *signer = hsmiam_client_get_signer(begun->client);
    hsmiam_secret *value = NULL;
    hsmiam_object object = 0;

    hsmiam_status status = hsmiam_custody_new_value(&value, error);
    if (status == HSMIAM_OK)
        status = append_secret(credentials, value, error);
    if (status == HSMIAM_OK)
        status = hsmiam_custody_take_session(begun->custody, &spec, value, &object, error);
    hsmiam_secret_free(&value);
    if (status == HSMIAM_OK)
        status = hsmiam_signer_begin_session(signer, credentials->access_key_id,
                                             credentials->session_token, object, error);
    return status;
}

/* On a sealed thread. The code serves once: what can fail by itself comes before. STS gives no
 * session to a session, so that one that was begun before must not sign. */
static hsmiam_status begin(void *context, hsmiam_error *error)
{
    const beginning *begun = context;
    const hsmiam_credentials_request request = {.duration_seconds = begun->mfa->duration_seconds,
                                                .mfa_serial = begun->mfa->serial,
                                                .token_code = begun->mfa->token_code};
    hsmiam_credentials *credentials = NULL;

    hsmiam_signer_end_session(hsmiam_client_get_signer(begun->client));
    hsmiam_status status = hsmiam_signer_open(hsmiam_client_get_signer(begun->client), error);
    if (status == HSMIAM_OK)
        status = hsmiam_custody_prepare(begun->custody, error);
    if (status == HSMIAM_OK)
        status = hsmiam_client_get_credentials(begun->client, &request, &credentials, error);
    if (hsmiam_rotating_is_unknown_key(status, error))
        hsmiam_error_append(
            error,
            "Access key %s, which asks for the session, is inactive or deleted; if "
            "it was rotated, name the one that took its place as the credential.",
            hsmiam_signer_get_access_key_id(hsmiam_client_get_signer(begun->client)));
    if (status == HSMIAM_OK)
        status = take_in(begun, credentials, error);
    hsmiam_credentials_free(&credentials);
    return status;
}

hsmiam_status hsmiam_client_begin_mfa_session(hsmiam_client *client, const hsmiam_mfa *mfa,
                                              hsmiam_error *error)
{
    beginning begun = {.client = client, .mfa = mfa};

    if (client == NULL || mfa == NULL || mfa->serial == NULL || mfa->token_code == NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "A session by MFA needs a client, the device's serial number and "
                                "a code.");
    hsmiam_signer *signer = hsmiam_client_get_signer(client);
    const hsmiam_log *log = hsmiam_client_get_log(client);

    hsmiam_status status =
        hsmiam_custody_new(hsmiam_signer_get_token(signer), &begun.custody, error);
    if (status != HSMIAM_OK)
        return status;
    hsmiam_custody_set_log(begun.custody, log->write, log->context);
    hsmiam_custody_set_forbid_plaintext(begun.custody, mfa->forbid_plaintext);
    status = hsmiam_sealed_run(begin, &begun, error);
    hsmiam_custody_free(&begun.custody);
    hsmiam_signer_renew_timeout(signer);
    return status;
}
