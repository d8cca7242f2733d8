/* SPDX-License-Identifier: Apache-2.0 */
/* STS's operations that give temporary credentials. */
#include "iam/credentials.h"

#include "base/sealed.h"
#include "iam/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRET_MAX           128
#define SESSION_NAME_DEFAULT "hsmiam"

static hsmiam_status new_credentials(hsmiam_credentials **credentials_out, hsmiam_error *error)
{
    hsmiam_credentials *credentials = calloc(1, sizeof *credentials);

    if (credentials == NULL)
        return hsmiam_error_set_memory(error, "the credentials");
    hsmiam_status status = hsmiam_secret_new(SECRET_MAX + 1, &credentials->secret, error);
    if (status == HSMIAM_OK)
        status =
            hsmiam_secret_new(HSMIAM_SESSION_TOKEN_MAX + 1, &credentials->session_token, error);
    if (status == HSMIAM_OK) {
        *credentials_out = credentials;
        credentials = NULL;
    }
    hsmiam_credentials_free(&credentials);
    return status;
}

void hsmiam_credentials_free(hsmiam_credentials **credentials)
{
    if (credentials == NULL || *credentials == NULL)
        return;
    hsmiam_secret_free(&(*credentials)->secret);
    hsmiam_secret_free(&(*credentials)->session_token);
    free(*credentials);
    *credentials = NULL;
}

const char *hsmiam_credentials_get_access_key_id(const hsmiam_credentials *credentials)
{
    return credentials->access_key_id;
}

const char *hsmiam_credentials_get_secret_access_key(const hsmiam_credentials *credentials)
{
    return (const char *)hsmiam_secret_get_data(credentials->secret);
}

const char *hsmiam_credentials_get_session_token(const hsmiam_credentials *credentials)
{
    return (const char *)hsmiam_secret_get_data(credentials->session_token);
}

time_t hsmiam_credentials_get_expiration(const hsmiam_credentials *credentials)
{
    return credentials->expiration;
}

/* One request on its way. */
typedef struct asking {
    hsmiam_client *client;
    const hsmiam_credentials_request *request;
    hsmiam_credentials *credentials;
} asking;

static void add_parameters(hsmiam_call *call, const hsmiam_credentials_request *request)
{
    char seconds[16];

    (void)snprintf(seconds, sizeof seconds, "%u", request->duration_seconds);
    hsmiam_call_add(call, "DurationSeconds", request->duration_seconds > 0 ? seconds : NULL);
    hsmiam_call_add(call, "SerialNumber", request->mfa_serial);
    hsmiam_call_add(call, "TokenCode", request->token_code);
    if (request->role_arn == NULL)
        return;
    hsmiam_call_add(call, "RoleArn", request->role_arn);
    hsmiam_call_add(call, "RoleSessionName",
                    request->session_name != NULL ? request->session_name : SESSION_NAME_DEFAULT);
    hsmiam_call_add(call, "ExternalId", request->external_id);
    hsmiam_call_add(call, "Policy", request->policy);
}

/* On a sealed thread. */
static hsmiam_status ask(void *context, hsmiam_error *error)
{
    const asking *wanted = context;
    hsmiam_credentials *credentials = wanted->credentials;
    hsmiam_call *call = hsmiam_call_new(
        wanted->client, wanted->request->role_arn != NULL ? "AssumeRole" : "GetSessionToken",
        HSMIAM_CANCEL_ALWAYS);

    if (call == NULL)
        return hsmiam_error_set_memory(error, "a request");
    add_parameters(call, wanted->request);
    call->session_token = credentials->session_token;
    hsmiam_status status = hsmiam_call_run(call, credentials->secret, error);
    if (status == HSMIAM_OK && (!hsmiam_secret_append(credentials->secret, "", 1) ||
                                !hsmiam_secret_append(credentials->session_token, "", 1)))
        status = hsmiam_error_set(error, HSMIAM_ERR_INTERNAL,
                                  "There is no room behind the credentials.");
    if (status == HSMIAM_OK) {
        memcpy(credentials->access_key_id, call->reply.key.id, sizeof credentials->access_key_id);
        credentials->expiration = call->reply.expiration;
    }
    hsmiam_call_free(&call);
    return status;
}

hsmiam_status hsmiam_client_get_credentials(hsmiam_client *client,
                                            const hsmiam_credentials_request *request,
                                            hsmiam_credentials **credentials_out,
                                            hsmiam_error *error)
{
    asking wanted = {.client = client, .request = request};

    if (client == NULL || request == NULL || credentials_out == NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "The client, the request, or the place for the credentials, is "
                                "missing.");
    if (request->role_arn == NULL &&
        (request->session_name != NULL || request->external_id != NULL || request->policy != NULL))
        return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT,
                                "A session name, an external id and a policy belong to a role's "
                                "session; name the role's ARN too.");
    hsmiam_status status = new_credentials(&wanted.credentials, error);
    if (status == HSMIAM_OK)
        status = hsmiam_sealed_run(ask, &wanted, error);
    if (status == HSMIAM_OK) {
        *credentials_out = wanted.credentials;
        wanted.credentials = NULL;
    }
    hsmiam_credentials_free(&wanted.credentials);
    return status;
}
