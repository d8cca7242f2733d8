/* SPDX-License-Identifier: Apache-2.0 */
/* Custody: where new keys go, and how they are kept. Part of hsmiam.h, which has the conventions.
 */
#ifndef HSMIAM_CUSTODY_H
#define HSMIAM_CUSTODY_H

#include <hsmiam/error.h>
#include <hsmiam/ledger.h>
#include <hsmiam/process.h>
#include <hsmiam/signer.h>
#include <hsmiam/token.h>

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How a secret goes into the token (PKCS#11). */
typedef enum hsmiam_import_route {
    HSMIAM_ROUTE_AUTO = 0,     /**< the first of the following that works in a rehearsal */
    HSMIAM_ROUTE_RSA_OAEP,     /**< an AES key of the host's is encrypted to the wrapping key, and
                                    the value wrapped under it; both are unwrapped inside. Where the
                                    token does not unwrap by AES, the value itself is encrypted */
    HSMIAM_ROUTE_AES_KWP,      /**< encrypted by an AES key of the token, and unwrapped by it: the
                                    plaintext crosses the PKCS#11 API once, as data */
    HSMIAM_ROUTE_CREATE_OBJECT /**< C_CreateObject: the plaintext crosses the PKCS#11 API */
} hsmiam_import_route;

/** Where new keys go and how they are kept. */
typedef struct hsmiam_custody hsmiam_custody;

/** Makes a custody over a token (borrowed; it must outlive the custody). Statuses: MEMORY. */
HSMIAM_API hsmiam_status hsmiam_custody_new(hsmiam_token *token, hsmiam_custody **custody_out,
                                            hsmiam_error *error) HSMIAM_MUST_USE;

/** Frees the custody, and destroys the key that its imports were wrapped under; the token stays. */
HSMIAM_API void hsmiam_custody_free(hsmiam_custody **custody);

/** Forces a route into the token; HSMIAM_ROUTE_AUTO is the default. */
HSMIAM_API void hsmiam_custody_set_import_route(hsmiam_custody *custody, hsmiam_import_route route);

/** Forbids (or allows again) the route create-object. Forced and forbidden at once is ARGUMENT. */
HSMIAM_API void hsmiam_custody_set_forbid_plaintext(hsmiam_custody *custody, bool forbid);

/** Sets how new keys are used for SigV4; HSMIAM_SIGV4_AUTO is the default. */
HSMIAM_API void hsmiam_custody_set_sigv4_route(hsmiam_custody *custody, hsmiam_sigv4_route route);

/** Lets new keys be exported (hsmiam_access_key_export(); CKA_EXTRACTABLE), which is false by
 *  default: no key that went in without it ever leaves the token, whatever is set later. They go in
 *  by a wrapping key of their own. With replicas, the custody's choice is theirs. */
HSMIAM_API void hsmiam_custody_set_exportable(hsmiam_custody *custody, bool exportable);

/** Sets where the custody's log lines go. */
HSMIAM_API void hsmiam_custody_set_log(hsmiam_custody *custody, hsmiam_log_fn log, void *context);

/**
 * Opens the token and rehearses with a random value that lives in the session only, so that the
 * routes are known to work before there is anything to lose; opens the ledger, if one is set, and
 * holds the token's wrapping key against it. Safe to call again; an import does it by itself.
 * Statuses: those of hsmiam_token_open(), UNSUPPORTED (no route works, or not the one that is
 * wanted), TOKEN (trouble that may pass: no weaker route is taken for that), ARGUMENT; IO, LEDGER,
 * CONFIG (of the ledger).
 */
HSMIAM_API hsmiam_status hsmiam_custody_prepare(hsmiam_custody *custody,
                                                hsmiam_error *error) HSMIAM_MUST_USE;

/** The import route that was found to work: "rsa-oaep", "aes-kwp" or "create-object"; "" before
 *  hsmiam_custody_prepare(). Static. */
HSMIAM_API const char *hsmiam_custody_get_import_route(const hsmiam_custody *custody);

/** The way in which new keys will serve SigV4: "sign" or "in-token"; "" before. Static. */
HSMIAM_API const char *hsmiam_custody_get_sigv4_route(const hsmiam_custody *custody);

/**
 * Sets the ledger (borrowed; it must outlive the custody) that tells what the custody does. It is
 * written to before IAM is asked to make a key, and again before the key is handed out; if it
 * cannot be, nothing is asked. A wrapping key that is not the one on record is refused. NULL, the
 * default: no record is made.
 */
HSMIAM_API void hsmiam_custody_set_ledger(hsmiam_custody *custody, hsmiam_ledger *ledger);

/** The most replicas that a custody has. */
#define HSMIAM_REPLICAS_MAX 7

/**
 * Lets every key that goes into the custody's token go into another token as well, so that it is
 * not lost with one of them. `replica` is a custody over that token (borrowed; it must outlive the
 * custody), with routes of its own; its ledger is the custody's. A key is there once all tokens
 * have proven it; where one does not take it, it is destroyed in the others, and deleted at IAM if
 * it was issued. Preparing the custody prepares all. Statuses: ARGUMENT.
 */
HSMIAM_API hsmiam_status hsmiam_custody_add_replica(hsmiam_custody *custody,
                                                    hsmiam_custody *replica,
                                                    hsmiam_error *error) HSMIAM_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
