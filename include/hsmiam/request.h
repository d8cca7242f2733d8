/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP requests, signed by AWS Signature Version 4. Part of hsmiam.h, which has the conventions. */
#ifndef HSMIAM_REQUEST_H
#define HSMIAM_REQUEST_H

#include <hsmiam/error.h>
#include <hsmiam/signer.h>

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An HTTP request to be signed. */
typedef struct hsmiam_request hsmiam_request;

/** Makes an empty request: GET, no headers, an empty body, the time of signing. Statuses: MEMORY.
 */
HSMIAM_API hsmiam_status hsmiam_request_new(hsmiam_request **request_out,
                                            hsmiam_error *error) HSMIAM_MUST_USE;

/** Frees the request. */
HSMIAM_API void hsmiam_request_free(hsmiam_request **request);

/** Sets the HTTP method, an RFC 9110 token of at most 32 bytes. Statuses: ARGUMENT. */
HSMIAM_API hsmiam_status hsmiam_request_set_method(hsmiam_request *request, const char *method,
                                                   hsmiam_error *error) HSMIAM_MUST_USE;

/**
 * Sets the URL: http or https, host, optional port, path and query as they go on the wire; bytes
 * that no URL may hold are taken as if encoded. User info and fragment are refused. If no Host
 * header is added, it is made from the URL. Send what was signed: a client that encodes a raw blank
 * sends another path. At most 64 KiB. Statuses: ARGUMENT, MEMORY.
 */
HSMIAM_API hsmiam_status hsmiam_request_set_url(hsmiam_request *request, const char *url,
                                                hsmiam_error *error) HSMIAM_MUST_USE;

/**
 * Adds a header of the request; it is signed. Left unsigned are those that proxies change, as in
 * botocore: Connection, Expect, Keep-Alive, Proxy-Authenticate, Proxy-Authorization, TE, Trailer,
 * Transfer-Encoding, Upgrade, User-Agent, X-Amzn-Trace-Id. The same name may be added several
 * times, but Host, X-Amz-Date and X-Amz-Content-Sha256, which signing reads itself, once;
 * Authorization is refused. A value folded over lines (RFC 9112, 5.2) is taken as one line; any
 * other control character is refused.
 *
 * name   RFC 9110 token of at most 256 bytes.
 * value  with all other headers at most 1 MiB.
 * Statuses: ARGUMENT, MEMORY.
 */
HSMIAM_API hsmiam_status hsmiam_request_add_header(hsmiam_request *request, const char *name,
                                                   const char *value,
                                                   hsmiam_error *error) HSMIAM_MUST_USE;

/** Sets the body by its bytes; only its SHA-256 is kept. Statuses: ARGUMENT, INTERNAL. */
HSMIAM_API hsmiam_status hsmiam_request_set_body(hsmiam_request *request, const void *body,
                                                 size_t size, hsmiam_error *error) HSMIAM_MUST_USE;

/** Adds bytes to a body that comes in pieces, as many as there are; only its SHA-256 is kept. The
 *  first piece takes the place of a body that was set otherwise. Statuses: ARGUMENT, MEMORY,
 *  INTERNAL. */
HSMIAM_API hsmiam_status hsmiam_request_add_body(hsmiam_request *request, const void *bytes,
                                                 size_t size, hsmiam_error *error) HSMIAM_MUST_USE;

/**
 * Sets the body by the SHA-256 of its bytes, 64 lower-case hex digits, or by a word that the
 * service knows in its place ("UNSIGNED-PAYLOAD", "STREAMING-..."). Statuses: ARGUMENT.
 */
HSMIAM_API hsmiam_status hsmiam_request_set_body_sha256(hsmiam_request *request, const char *hash,
                                                        hsmiam_error *error) HSMIAM_MUST_USE;

/** Sets the credential scope: service ("iam") and region ("us-east-1"), each 1 to 64 bytes of
 *  lower-case letters, digits, '-', '_' or '.'. Statuses: ARGUMENT. */
HSMIAM_API hsmiam_status hsmiam_request_set_scope(hsmiam_request *request, const char *service,
                                                  const char *region,
                                                  hsmiam_error *error) HSMIAM_MUST_USE;

/** Sets the time of signing, seconds since 1970-01-01T00:00:00Z. Default: now. An X-Amz-Date header
 *  that was added wins. Statuses: ARGUMENT (before 1970 or after 9999). */
HSMIAM_API hsmiam_status hsmiam_request_set_time(hsmiam_request *request, time_t when,
                                                 hsmiam_error *error) HSMIAM_MUST_USE;

/** How the request is put into canonical form. */
typedef enum hsmiam_canonical_flags {
    HSMIAM_CANONICAL_DEFAULT = 0,         /**< what the service needs: S3's differs from others' */
    HSMIAM_CANONICAL_KEEP_PATH = 1u << 0, /**< the path is not normalised */
    HSMIAM_CANONICAL_ENCODE_ONCE = 1u << 1, /**< each byte of the path is encoded once, not twice */
    HSMIAM_CANONICAL_SIGN_BODY = 1u << 2    /**< X-Amz-Content-Sha256 is added and signed */
} hsmiam_canonical_flags;

/** Sets hsmiam_canonical_flags, in the place of those that were set before; those that the service
 *  implies (S3: all three) hold as well. */
HSMIAM_API void hsmiam_request_set_canonical_flags(hsmiam_request *request, unsigned flags);

/**
 * Signs the request by AWS Signature Version 4 with the key in the token. The secret stays there.
 * On a token that cannot run the whole chain, the day's derived keys pass through locked memory;
 * the signing key of one date, region and service stays cached there until the signer is freed.
 * Where hsmiam_client_begin_mfa_session() has begun a session for the signer, that signs, and
 * X-Amz-Security-Token is one of the headers to add; the request must not have it already.
 * Statuses: ARGUMENT (scope or URL missing), those of hsmiam_signer_open(), TOKEN.
 */
HSMIAM_API hsmiam_status hsmiam_request_sign(hsmiam_request *request, hsmiam_signer *signer,
                                             hsmiam_error *error) HSMIAM_MUST_USE;

/** The longest time for which a presigned URL is good: 7 days, in seconds. */
#define HSMIAM_PRESIGN_EXPIRES_MAX 604800u

/**
 * Signs the request by its URL, which then is all that someone needs to send it: method and added
 * headers must be as they were signed, and for S3 the body may be any, unless X-Amz-Content-Sha256
 * is among the headers. A header X-Amz-Date is refused, and a URL that is presigned already. A
 * presigned URL is a credential for that one request; if a session signs, for no longer than that.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
 * expires  seconds from the time of signing, 1 to HSMIAM_PRESIGN_EXPIRES_MAX.
 * Statuses: those of hsmiam_request_sign().
 */
HSMIAM_API hsmiam_status hsmiam_request_presign(hsmiam_request *request, hsmiam_signer *signer,
                                                unsigned expires,
                                                hsmiam_error *error) HSMIAM_MUST_USE;

/** The URL that hsmiam_request_presign() made; "" before. Borrowed. */
HSMIAM_API const char *hsmiam_request_get_presigned_url(const hsmiam_request *request);

/** How many headers a signed request needs beside those that were added; 0 before signing. */
HSMIAM_API size_t hsmiam_request_get_header_count(const hsmiam_request *request);

/** Name and value of header `index` to add. false if there is no such header. Borrowed. */
HSMIAM_API bool hsmiam_request_get_header(const hsmiam_request *request, size_t index,
                                          const char **name_out, const char **value_out);

/** The canonical request of the last signing, for finding a mismatch; "" before. Borrowed. */
HSMIAM_API const char *hsmiam_request_get_canonical_request(const hsmiam_request *request);

/** The string to sign of the last signing; "" before. Borrowed. */
HSMIAM_API const char *hsmiam_request_get_string_to_sign(const hsmiam_request *request);

#ifdef __cplusplus
}
#endif
#endif
