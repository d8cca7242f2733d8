/* SPDX-License-Identifier: Apache-2.0 */
/* Handing keys over, from one token to whoever has an RSA key. Part of hsmiam.h, which has the
 * conventions. */
#ifndef HSMIAM_EXPORT_H
#define HSMIAM_EXPORT_H

#include <hsmiam/access_key.h>
#include <hsmiam/custody.h>
#include <hsmiam/error.h>
#include <hsmiam/token.h>

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Whom a key is wrapped for: an RSA public key of 2048 to 4096 bits. */
typedef struct hsmiam_recipient hsmiam_recipient;

/**
 * Reads a certificate or a public key in PEM, the first block in it. The certificate is a container
 * here: neither its issuer nor its name is looked at, so that the fingerprint is what tells whose
 * key it is. Its time and, if it names any, its key usage must allow encrypting keys.
 * allow_expired  take a certificate outside of its time all the same.
 * Statuses: ARGUMENT (no such block, a private key, another algorithm or size, a certificate that
 * expired, is not valid yet, or is for signing only), MEMORY.
 */
HSMIAM_API hsmiam_status hsmiam_recipient_new(const char *pem, size_t size, bool allow_expired,
                                              hsmiam_recipient **recipient_out,
                                              hsmiam_error *error) HSMIAM_MUST_USE;

/** Frees it. */
HSMIAM_API void hsmiam_recipient_free(hsmiam_recipient **recipient);

/** The SHA-256 of the key's SubjectPublicKeyInfo, 64 hex digits. Borrowed. */
HSMIAM_API const char *hsmiam_recipient_get_fingerprint(const hsmiam_recipient *recipient);

/** The subject of the certificate (RFC 2253), "" for a bare key. It is what somebody claims, and
 * may hold any character. Borrowed. */
HSMIAM_API const char *hsmiam_recipient_get_subject(const hsmiam_recipient *recipient);

/** The bits of the key's modulus. */
HSMIAM_API size_t hsmiam_recipient_get_bits(const hsmiam_recipient *recipient);

/** How a key is wrapped (PKCS#11). */
typedef enum hsmiam_export_algorithm {
    HSMIAM_EXPORT_AUTO = 0,     /**< the first of RSAES_OAEP that the token does */
    HSMIAM_EXPORT_OAEP_SHA_256, /**< "RSAES_OAEP_SHA_256", MGF1 with the same hash, no label */
    HSMIAM_EXPORT_OAEP_SHA_1,   /**< "RSAES_OAEP_SHA_1" */
    HSMIAM_EXPORT_AES_KEY_WRAP_SHA_256, /**< "RSA_AES_KEY_WRAP_SHA_256": an AES-256 key wrapped so,
                                             behind it the key wrapped under that (RFC 5649) */
    HSMIAM_EXPORT_AES_KEY_WRAP_SHA_1    /**< "RSA_AES_KEY_WRAP_SHA_1" */
} hsmiam_export_algorithm;

/** The algorithm's name, "" for AUTO. Static. */
HSMIAM_API const char *hsmiam_export_algorithm_get_name(hsmiam_export_algorithm algorithm);

/** An access key that is wrapped: what may be handed over. */
typedef struct hsmiam_wrapped_key hsmiam_wrapped_key;

/**
 * Lets the custody's token wrap an access key for a recipient; the host never sees the key. What
 * the recipient unwraps is "AWS4" and the secret, without padding. The custody's ledger, if it has
 * one, says so before the wrapped key is handed out.
 *
 * key_uri      PKCS#11 URI whose object and id attributes choose the key; NULL: the only one.
 * wrapped_out  owned by the caller, freed with hsmiam_wrapped_key_free().
 * Statuses: those of hsmiam_token_open(), ARGUMENT, NOT_FOUND, AMBIGUOUS, UNSUPPORTED (the key was
 * not put in as exportable; the token does not wrap by the algorithm), TOKEN, MEMORY; APPROVAL; IO,
 * LEDGER, CONFIG (of the ledger: nothing is handed out).
 */
HSMIAM_API hsmiam_status hsmiam_access_key_export(hsmiam_custody *custody, const char *key_uri,
                                                  const hsmiam_recipient *recipient,
                                                  hsmiam_export_algorithm algorithm,
                                                  hsmiam_wrapped_key **wrapped_out,
                                                  hsmiam_error *error) HSMIAM_MUST_USE;

/**
 * Makes one of what an export told.
 * access_key_id  the id of the key.
 * user_name      its user, NULL or "" if that is not known.
 * algorithm      the name of the algorithm.
 * fingerprint    that of the key it was wrapped for, 64 hex digits.
 * base64         the wrapped key.
 * Statuses: ARGUMENT (naming the member that is malformed), MEMORY.
 */
HSMIAM_API hsmiam_status hsmiam_wrapped_key_new(const char *access_key_id, const char *user_name,
                                                const char *algorithm, const char *fingerprint,
                                                const char *base64,
                                                hsmiam_wrapped_key **wrapped_out,
                                                hsmiam_error *error) HSMIAM_MUST_USE;

/** Wipes and frees it. */
HSMIAM_API void hsmiam_wrapped_key_free(hsmiam_wrapped_key **wrapped);

/** What it is made of, as hsmiam_wrapped_key_new() has it; the user's name is "" if it is not
 * known, and base64 lies in locked memory. Borrowed. */
HSMIAM_API const char *hsmiam_wrapped_key_get_access_key_id(const hsmiam_wrapped_key *wrapped);
HSMIAM_API const char *hsmiam_wrapped_key_get_user_name(const hsmiam_wrapped_key *wrapped);
HSMIAM_API const char *hsmiam_wrapped_key_get_algorithm(const hsmiam_wrapped_key *wrapped);
HSMIAM_API const char *hsmiam_wrapped_key_get_fingerprint(const hsmiam_wrapped_key *wrapped);
HSMIAM_API const char *hsmiam_wrapped_key_get_base64(const hsmiam_wrapped_key *wrapped);

/**
 * Lets the custody's token unwrap a key that was wrapped for one of its two wrapping keys. It is
 * exportable again only if the custody says so, and the key was wrapped for the wrapping key of
 * such; the other one does not allow it. The token alone sees the key: that it is the one it is
 * said to be only a request to AWS proves (hsmiam_client_get_caller_identity()). The custody may
 * have no replicas, for what is wrapped is wrapped for one token.
 * key_out  may be NULL; freed with hsmiam_access_key_free().
 * Statuses: those of hsmiam_access_key_import(), ARGUMENT (it was wrapped for another key, or must
 * not be exportable), EXISTS.
 */
HSMIAM_API hsmiam_status hsmiam_access_key_import_wrapped(hsmiam_custody *custody,
                                                          const hsmiam_wrapped_key *wrapped,
                                                          hsmiam_access_key **key_out,
                                                          hsmiam_error *error) HSMIAM_MUST_USE;

/** Receives the public half of a wrapping key, SubjectPublicKeyInfo in PEM, and its fingerprint. */
typedef void (*hsmiam_wrapping_key_fn)(void *context, const char *pem, const char *fingerprint);

/**
 * Tells the public half of a wrapping key of the token, for others to wrap keys for it. It is read
 * from the private half, for anyone may put a public key into a token.
 * exportable  that for keys that may be exported again; false: that for all others.
 * Statuses: those of hsmiam_token_open(), NOT_FOUND (`hsmiam provision-token` makes it), AMBIGUOUS,
 * CONFIG (its private half may do more than it must), TOKEN.
 */
HSMIAM_API hsmiam_status hsmiam_token_export_wrapping_key(hsmiam_token *token, bool exportable,
                                                          hsmiam_wrapping_key_fn take,
                                                          void *context,
                                                          hsmiam_error *error) HSMIAM_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
