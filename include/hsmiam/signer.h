/* SPDX-License-Identifier: Apache-2.0 */
/* Access keys in a token that sign. Part of hsmiam.h, which has the conventions. */
#ifndef HSMIAM_SIGNER_H
#define HSMIAM_SIGNER_H

#include <hsmiam/error.h>
#include <hsmiam/process.h>
#include <hsmiam/token.h>

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * How SigV4's chain of HMACs goes. A key in the token can be used for one of them only.
 * SIGN lets the token compute the first, so that the derived keys of the day, which sign all that
 * the access key may on that day, are on the host for microseconds; and whoever has the PIN can
 * have those of coming days computed in advance.
 * IN_TOKEN derives all of them inside a PKCS#11 3.0 token (CKM_SP800_108_FEEDBACK_KDF): none is
 * ever on the host. But from a key that may derive, a token that does not enforce
 * CKA_ALLOWED_MECHANISMS gives the secret away, byte by byte, to whoever has the PIN.
 */
typedef enum hsmiam_sigv4_route {
    HSMIAM_SIGV4_AUTO = 0, /**< IN_TOKEN if the token derives and enforces the limit, else SIGN */
    HSMIAM_SIGV4_SIGN,
    HSMIAM_SIGV4_IN_TOKEN
} hsmiam_sigv4_route;

/** An access key in a token, in use: it signs. */
typedef struct hsmiam_signer hsmiam_signer;

/**
 * Names an access key in a token. Nothing is opened yet.
 * token       borrowed; it must outlive the signer.
 * key_uri     RFC 7512 URI whose object, id and type attributes choose the key; NULL, or a URI
 *             without them, if the token holds one access key only.
 * Statuses: ARGUMENT, MEMORY.
 */
HSMIAM_API hsmiam_status hsmiam_signer_new(hsmiam_token *token, const char *key_uri,
                                           hsmiam_signer **signer_out,
                                           hsmiam_error *error) HSMIAM_MUST_USE;

/** Wipes or destroys the cached signing key and frees the signer; the token stays open. */
HSMIAM_API void hsmiam_signer_free(hsmiam_signer **signer);

/**
 * Opens the token and finds the key. Safe to call again. Signing does it by itself.
 * Statuses: as hsmiam_token_open(); NOT_FOUND, AMBIGUOUS, UNSUPPORTED (the key may neither sign nor
 * derive, or is not private).
 */
HSMIAM_API hsmiam_status hsmiam_signer_open(hsmiam_signer *signer,
                                            hsmiam_error *error) HSMIAM_MUST_USE;

/** Tells that the key's value is the secret alone, without "AWS4" before it, as other software may
 *  have stored it. Its token must know CKM_CONCATENATE_DATA_AND_BASE. Before it is opened. */
HSMIAM_API void hsmiam_signer_set_bare_secret(hsmiam_signer *signer, bool bare);

/** Sets where the signer's log lines go: which way it takes, and why not the stronger one. */
HSMIAM_API void hsmiam_signer_set_log(hsmiam_signer *signer, hsmiam_log_fn log, void *context);

/** The way in which the key serves SigV4, "sign" or "in-token"; "" before it is open. Static. */
HSMIAM_API const char *hsmiam_signer_get_sigv4_route(const hsmiam_signer *signer);

/** The access key id (CKA_ID of the key), "" before it is open. Borrowed. */
HSMIAM_API const char *hsmiam_signer_get_access_key_id(const hsmiam_signer *signer);

#ifdef __cplusplus
}
#endif
#endif
