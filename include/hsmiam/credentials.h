/* SPDX-License-Identifier: Apache-2.0 */
/* Temporary credentials that STS gives for a key in a token. Part of hsmiam.h, which has the
 * conventions. */
#ifndef HSMIAM_CREDENTIALS_H
#define HSMIAM_CREDENTIALS_H

#include <hsmiam/client.h>
#include <hsmiam/error.h>

#include <stdbool.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Temporary credentials, for programs that sign by themselves. Their texts lie in memory that is
 *  locked, left out of core dumps and empty in a forked child, and are wiped when they are freed.
 */
typedef struct hsmiam_credentials hsmiam_credentials;

/** What is asked for. Zero-initialised, GetSessionToken with the service's own duration. What is
 *  NULL or 0 is left out. */
typedef struct hsmiam_credentials_request {
    const char *role_arn;     /**< AssumeRole of this role; NULL: GetSessionToken */
    const char *session_name; /**< of the role's session; NULL: "hsmiam" */
    const char *external_id;  /**< for a role only, as is */
    const char *policy;       /**< ... the policy of the session, JSON */
    unsigned duration_seconds;
    const char *mfa_serial; /**< ARN or serial number of an MFA device, and */
    const char *token_code; /**< what it shows; it serves once */
} hsmiam_credentials_request;

/**
 * STS GetSessionToken or AssumeRole, signed by the client's signer. The answer is received on a
 * thread of the library's own, and its secrets go straight into the credentials.
 * Statuses: ARGUMENT (what belongs to a role, without one), SERVICE, NETWORK, REPLY,
 * UNKNOWN_OUTCOME (no answer; what may have been made expires by itself), CANCELLED, MEMORY, those
 * of hsmiam_signer_open().
 */
HSMIAM_API hsmiam_status hsmiam_client_get_credentials(hsmiam_client *client,
                                                       const hsmiam_credentials_request *request,
                                                       hsmiam_credentials **credentials_out,
                                                       hsmiam_error *error) HSMIAM_MUST_USE;

/** Wipes and frees. */
HSMIAM_API void hsmiam_credentials_free(hsmiam_credentials **credentials);

/** The access key id. Borrowed. */
HSMIAM_API const char *hsmiam_credentials_get_access_key_id(const hsmiam_credentials *credentials);

/** The secret access key: what the caller copies, the caller wipes. Borrowed. */
HSMIAM_API const char *
hsmiam_credentials_get_secret_access_key(const hsmiam_credentials *credentials);

/** The session token, which goes with every request; likewise a secret. Borrowed. */
HSMIAM_API const char *hsmiam_credentials_get_session_token(const hsmiam_credentials *credentials);

/** When they expire, seconds since 1970-01-01T00:00:00Z, by the service's clock. */
HSMIAM_API time_t hsmiam_credentials_get_expiration(const hsmiam_credentials *credentials);

/** What a session by MFA is begun with. */
typedef struct hsmiam_mfa {
    const char *serial;        /**< ARN or serial number of the device */
    const char *token_code;    /**< what it shows; it serves once */
    unsigned duration_seconds; /**< 0: STS's default, 12 hours */
    bool forbid_plaintext;     /**< as hsmiam_custody_set_forbid_plaintext() */
} hsmiam_mfa;

/**
 * Begins a session by MFA (STS GetSessionToken), for a credential whose policies ask for that
 * (aws:MultiFactorAuthPresent). The session's secret goes into the credential's token, by the way
 * that a new access key would take, as an object that no other program sees and that ends with the
 * token's session: private, sensitive, not extractable. From then on it signs in the place of the
 * client's signer, also for clients that a batch makes, and in hsmiam_request_sign() and
 * hsmiam_request_presign(); what the ledger names, and hsmiam_signer_get_access_key_id(), stays the
 * access key. The session token goes with each request, as a header or in a presigned URL, and so
 * through the heap and libcurl; it is wiped there when the request is done, or freed.
 * Once the token is lost, what signs fails with TOKEN, until another session is begun, for a code
 * serves once. A session that was begun before ends first, whatever this comes to; what a batch
 * made of the client must have ended by then.
 * Statuses: those of hsmiam_client_get_credentials() and hsmiam_custody_prepare(); CUSTODY.
 */
HSMIAM_API hsmiam_status hsmiam_client_begin_mfa_session(hsmiam_client *client,
                                                         const hsmiam_mfa *mfa,
                                                         hsmiam_error *error) HSMIAM_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
