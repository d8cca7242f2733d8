/* SPDX-License-Identifier: Apache-2.0 */
/* The audit key: found, and signing. What it signs is the ledger's to know. */
#include "token/evp.h"

#include <openssl/x509.h>
#include <string.h>

static hsmiam_status read_public(EVP_PKEY *public_half, hsmiam_audit_key *key, hsmiam_error *error)
{
    unsigned char *der = NULL;
    int size = i2d_PUBKEY(public_half, &der);
    hsmiam_status status = HSMIAM_OK;

    if (size <= 0 || (size_t)size > sizeof key->public_key) {
        status = hsmiam_evp_set_error(error, "encode the audit key");
        goto out;
    }
    memcpy(key->public_key, der, (size_t)size);
    key->public_key_size = (size_t)size;
    status = hsmiam_evp_fingerprint(der, (size_t)size, key->fingerprint, error);
out:
    OPENSSL_free(der);
    return status;
}

/* The same in one session, whose handles are good until a loss. */
static hsmiam_status find(hsmiam_token *token, const hsmiam_session *session, hsmiam_audit_key *key,
                          hsmiam_error *error)
{
    const hsmiam_pair_spec *spec = key->is_approvers ? &hsmiam_pair_approver : &hsmiam_pair_audit;
    EVP_PKEY *public_half = NULL;

    key->object = CK_INVALID_HANDLE;
    key->proven = key->wants_proof;
    key->generation = session->generation;
    hsmiam_status status = hsmiam_pair_find(token, spec, &key->object, error);
    if (status == HSMIAM_OK)
        status = hsmiam_pair_check(token, spec, key->object, error);
    if (status == HSMIAM_OK)
        status = hsmiam_ec_load(token, spec, key->object, &public_half,
                                key->wants_proof ? NULL : &key->proven, error);
    /* NOT_FOUND says that there is no audit key; here there is half of one. */
    if (status == HSMIAM_ERR_NOT_FOUND && key->object != CK_INVALID_HANDLE) {
        status = HSMIAM_ERR_CONFIG;
        if (error != NULL)
            error->status = status;
    }
    if (status == HSMIAM_OK)
        status = read_public(public_half, key, error);
    EVP_PKEY_free(public_half);
    return status;
}

static hsmiam_status find_once(hsmiam_token *token, hsmiam_audit_key key, hsmiam_audit_key *key_out,
                               hsmiam_error *error)
{
    hsmiam_session *session = NULL;

    hsmiam_status status = hsmiam_session_borrow(token, &session, error);
    if (status != HSMIAM_OK)
        return status;
    status = find(token, session, &key, error);
    hsmiam_session_return(token, &session, CKR_OK);
    if (status == HSMIAM_OK)
        *key_out = key;
    return status;
}

static hsmiam_status find_key(hsmiam_token *token, hsmiam_audit_key wanted,
                              hsmiam_audit_key *key_out, hsmiam_error *error)
{
    hsmiam_status status = hsmiam_token_open(token, error);

    if (status != HSMIAM_OK)
        return status;
    hsmiam_retry retry = hsmiam_retry_start(token);
    do
        status = find_once(token, wanted, key_out, error);
    while (hsmiam_retry_again(&retry, status, error));
    return status;
}

hsmiam_status hsmiam_token_find_audit_key(hsmiam_token *token, bool prove,
                                          hsmiam_audit_key *key_out, hsmiam_error *error)
{
    return find_key(token, (hsmiam_audit_key){.object = CK_INVALID_HANDLE, .wants_proof = prove},
                    key_out, error);
}

hsmiam_status hsmiam_token_find_approver_key(hsmiam_token *token, hsmiam_audit_key *key_out,
                                             hsmiam_error *error)
{
    return find_key(
        token,
        (hsmiam_audit_key){.object = CK_INVALID_HANDLE, .is_approvers = true, .wants_proof = true},
        key_out, error);
}

/* After a loss the handle means nothing any more, and the key is found again: the same one. */
static hsmiam_status follow(hsmiam_token *token, const hsmiam_session *session,
                            hsmiam_audit_key *key, hsmiam_error *error)
{
    hsmiam_audit_key now = {.object = CK_INVALID_HANDLE, .is_approvers = key->is_approvers};

    if (key->generation == session->generation)
        return HSMIAM_OK;
    hsmiam_status status = find(token, session, &now, error);
    if (status == HSMIAM_OK && strcmp(now.fingerprint, key->fingerprint) != 0)
        status = hsmiam_error_set(error, HSMIAM_ERR_CONFIG,
                                  "Token \"%s\" was lost and opened again, and has another %s "
                                  "key now; find out who changed it.",
                                  token->label, key->is_approvers ? "approver" : "audit");
    if (status == HSMIAM_OK)
        *key = now;
    return status;
}

static hsmiam_status sign_once(hsmiam_token *token, hsmiam_audit_key *key,
                               const uint8_t digest[HSMIAM_DIGEST_SIZE],
                               uint8_t raw_out[HSMIAM_EC_SIGNATURE_SIZE], hsmiam_error *error)
{
    hsmiam_session *session = NULL;

    hsmiam_status status = hsmiam_session_borrow(token, &session, error);
    if (status != HSMIAM_OK)
        return status;
    status = follow(token, session, key, error);
    if (status == HSMIAM_OK)
        status = hsmiam_ec_sign(token, key->object, digest, raw_out, error);
    hsmiam_session_return(token, &session, CKR_OK);
    return status;
}

hsmiam_status hsmiam_token_sign_digest(hsmiam_token *token, hsmiam_audit_key *key,
                                       const uint8_t digest[HSMIAM_DIGEST_SIZE],
                                       uint8_t signature_out[HSMIAM_SIGNATURE_MAX],
                                       size_t *size_out, hsmiam_error *error)
{
    uint8_t raw[HSMIAM_EC_SIGNATURE_SIZE];
    unsigned char *der = NULL;
    int size = 0;
    hsmiam_status status = HSMIAM_OK;

    hsmiam_retry retry = hsmiam_retry_start(token);
    do
        status = sign_once(token, key, digest, raw, error);
    while (hsmiam_retry_again(&retry, status, error));
    if (status == HSMIAM_OK)
        status = hsmiam_ec_encode(raw, &der, &size, error);
    if (status == HSMIAM_OK && (size_t)size > HSMIAM_SIGNATURE_MAX)
        status = hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "A signature has %d bytes.", size);
    if (status == HSMIAM_OK) {
        memcpy(signature_out, der, (size_t)size);
        *size_out = (size_t)size;
    }
    OPENSSL_free(der);
    return status;
}

static hsmiam_status get_wrapping_once(hsmiam_token *token, const hsmiam_pair_spec *spec,
                                       char fingerprint_out[HSMIAM_FINGERPRINT_SIZE],
                                       hsmiam_error *error)
{
    hsmiam_object key = CK_INVALID_HANDLE;
    hsmiam_session *session = NULL;

    hsmiam_status status = hsmiam_session_borrow(token, &session, error);
    if (status != HSMIAM_OK)
        return status;
    status = hsmiam_pair_find(token, spec, &key, error);
    if (status == HSMIAM_OK)
        status = hsmiam_pair_get_fingerprint(token, spec, key, fingerprint_out, error);
    hsmiam_session_return(token, &session, CKR_OK);
    return status;
}

hsmiam_status hsmiam_token_get_wrapping_fingerprint(hsmiam_token *token, bool exportable,
                                                    char fingerprint_out[HSMIAM_FINGERPRINT_SIZE],
                                                    hsmiam_error *error)
{
    hsmiam_retry retry = hsmiam_retry_start(token);
    hsmiam_status status = HSMIAM_OK;

    do
        status =
            get_wrapping_once(token, hsmiam_pair_get_wrapping(exportable), fingerprint_out, error);
    while (hsmiam_retry_again(&retry, status, error));
    return status;
}
