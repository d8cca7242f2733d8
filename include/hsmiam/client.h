/* SPDX-License-Identifier: Apache-2.0 */
/* IAM, as one credential sees it. Part of hsmiam.h, which has the conventions. */
#ifndef HSMIAM_CLIENT_H
#define HSMIAM_CLIENT_H

#include <hsmiam/error.h>
#include <hsmiam/process.h>
#include <hsmiam/signer.h>

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/** IAM as one credential sees it: endpoint, TLS, time-outs, and one connection that is kept. */
typedef struct hsmiam_client hsmiam_client;

/**
 * Makes a client whose requests `signer` signs (borrowed; it must outlive the client).
 * Defaults: the commercial partition, TLS 1.2 or better with peer and host verified against the
 * system's CAs, 60 seconds to connect and to read, proxies by environment as in libcurl.
 * Statuses: MEMORY, INTERNAL.
 */
HSMIAM_API hsmiam_status hsmiam_client_new(hsmiam_signer *signer, hsmiam_client **client_out,
                                           hsmiam_error *error) HSMIAM_MUST_USE;

/** Closes the connection and frees the client. */
HSMIAM_API void hsmiam_client_free(hsmiam_client **client);

/** Sets the region, which chooses the partition and thereby endpoint and signing scope (commercial,
 *  China, GovCloud, ISO, ISO-B, ISO-E, ISO-F, EU sovereign). Statuses: ARGUMENT. */
HSMIAM_API hsmiam_status hsmiam_client_set_region(hsmiam_client *client, const char *region,
                                                  hsmiam_error *error) HSMIAM_MUST_USE;

/** Sets another endpoint URL: https, or http if the host is this machine's loopback. It serves STS
 *  too, which some calls ask who signs, unless hsmiam_client_set_sts_endpoint() names another.
 *  Statuses: ARGUMENT, CONFIG (http to another host), MEMORY. */
HSMIAM_API hsmiam_status hsmiam_client_set_endpoint(hsmiam_client *client, const char *url,
                                                    hsmiam_error *error) HSMIAM_MUST_USE;

/** Sets another endpoint URL of STS, as hsmiam_client_set_endpoint() does of IAM. Statuses:
 *  ARGUMENT, CONFIG (http to another host), MEMORY. */
HSMIAM_API hsmiam_status hsmiam_client_set_sts_endpoint(hsmiam_client *client, const char *url,
                                                        hsmiam_error *error) HSMIAM_MUST_USE;

/** Chooses the partition's FIPS endpoint. Not to be combined with an endpoint of one's own. */
HSMIAM_API void hsmiam_client_set_fips(hsmiam_client *client, bool fips);

/** Sets a PEM file of CA certificates to trust instead of the system's. Statuses: CONFIG,
 *  MEMORY. */
HSMIAM_API hsmiam_status hsmiam_client_set_ca_bundle(hsmiam_client *client, const char *path,
                                                     hsmiam_error *error) HSMIAM_MUST_USE;

/** Leaves the peer's certificate unverified; requests then fail but to loopback. */
HSMIAM_API void hsmiam_client_set_no_verify(hsmiam_client *client, bool no_verify);

/** Sets the seconds to wait for a connection and, once it stands, for the next byte; 0: no limit.
 */
HSMIAM_API void hsmiam_client_set_timeouts(hsmiam_client *client, unsigned connect_seconds,
                                           unsigned read_seconds);

/**
 * Sets how often a request is sent in all, the first time included; 0: the default, 3. Between the
 * attempts lie random pauses that grow, and no less than what the service asks for by Retry-After,
 * up to a minute; the function set by hsmiam_client_set_cancel() is asked meanwhile.
 * CreateAccessKey is sent again only where IAM certainly did not execute it: no connection or a
 * broken TLS handshake, throttling, and, once, a refusal of the time that it was signed at, which
 * is then corrected by IAM's clock.
 */
HSMIAM_API void hsmiam_client_set_max_attempts(hsmiam_client *client, unsigned attempts);

/** Sets where the client's log lines go. */
HSMIAM_API void hsmiam_client_set_log(hsmiam_client *client, hsmiam_log_fn log, void *context);

/** Asked, until the request that makes a key leaves: true stops with HSMIAM_ERR_CANCELLED. From
 * then on it is not asked, for a key must not be lost. It may be called on another thread of the
 * library. */
typedef bool (*hsmiam_cancel_fn)(void *context);

/** Sets the function that is asked whether to stop. */
HSMIAM_API void hsmiam_client_set_cancel(hsmiam_client *client, hsmiam_cancel_fn cancel,
                                         void *context);

/** Who signs, as STS tells it. Borrowed from the client, until it is asked again. */
typedef struct hsmiam_caller_identity {
    const char *user_id;
    const char *account; /**< twelve digits */
    const char *arn;
} hsmiam_caller_identity;

/**
 * STS GetCallerIdentity, which needs no permission: proves that AWS takes what the key in the token
 * signs. Statuses: SERVICE, NETWORK, REPLY, UNKNOWN_OUTCOME (no answer; it changed nothing),
 * CANCELLED, those of hsmiam_signer_open().
 */
HSMIAM_API hsmiam_status hsmiam_client_get_caller_identity(hsmiam_client *client,
                                                           hsmiam_caller_identity *identity_out,
                                                           hsmiam_error *error) HSMIAM_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
