/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_library.h"

#include <stdio.h>

struct hsmiam_credentials {
    char unused;
};

hsmiam_status hsmiam_client_get_credentials(hsmiam_client *client,
                                            const hsmiam_credentials_request *request,
                                            hsmiam_credentials **credentials_out,
                                            hsmiam_error *error)
{
    char text[512];

    (void)client;
    (void)snprintf(
        text, sizeof text, "%s|%s|%s|%s|%u|%s|%s", request->role_arn ? request->role_arn : "-",
        request->session_name ? request->session_name : "-",
        request->external_id ? request->external_id : "-", request->policy ? request->policy : "-",
        request->duration_seconds, request->mfa_serial ? request->mfa_serial : "-",
        request->token_code ? request->token_code : "-");
    fake_note(fake.body, sizeof fake.body, text);
    hsmiam_status status = fake_pass(FAKE_CREDENTIALS, error);
    if (status == HSMIAM_OK)
        *credentials_out = fake_make(sizeof **credentials_out);
    return status;
}

void hsmiam_credentials_free(hsmiam_credentials **credentials)
{
    if (*credentials)
        fake_unmake(*credentials);
    *credentials = NULL;
}

const char *hsmiam_credentials_get_access_key_id(const hsmiam_credentials *credentials)
{
    (void)credentials;
    return "ASIAIOSFODNN7EXAMPLE";
}

const char *hsmiam_credentials_get_secret_access_key(const hsmiam_credentials *credentials)
{
    (void)credentials;
    return "a\"b\\c/+=";
}

const char *hsmiam_credentials_get_session_token(const hsmiam_credentials *credentials)
{
    (void)credentials;
    return "token";
}

time_t hsmiam_credentials_get_expiration(const hsmiam_credentials *credentials)
{
    (void)credentials;
    return 1440938160;
}

hsmiam_status hsmiam_client_begin_mfa_session(hsmiam_client *client, const hsmiam_mfa *mfa,
                                              hsmiam_error *error)
{
    char text[64];

    (void)client;
    (void)snprintf(text, sizeof text, "%s|%s", mfa->serial, mfa->token_code);
    fake_note(fake.mfa, sizeof fake.mfa, text);
    return fake_pass(FAKE_MFA, error);
}
