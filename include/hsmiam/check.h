/* SPDX-License-Identifier: Apache-2.0 */
/* What a token is and does. Part of hsmiam.h, which has the conventions. */
#ifndef HSMIAM_CHECK_H
#define HSMIAM_CHECK_H

#include <hsmiam/custody.h>
#include <hsmiam/error.h>

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a fact of hsmiam_custody_check() is about. More may be added: skip those not known. */
typedef enum hsmiam_fact_topic {
    HSMIAM_FACT_TOKEN = 0, /**< what the token says of itself */
    HSMIAM_FACT_LOGIN,     /**< whether a login is needed, and how the PIN stands */
    HSMIAM_FACT_CAPACITY,  /**< sessions, bytes of memory, access keys: numbers */
    HSMIAM_FACT_ROUTE,     /**< an import route, tried with a random value */
    HSMIAM_FACT_SIGV4,     /**< how new keys will serve SigV4, and what that leaves open */
    HSMIAM_FACT_MECHANISM, /**< a mechanism that matters: what the token says, and does */
    HSMIAM_FACT_KEY_TYPE,  /**< a type of key, taken in and proven by an HMAC, or not */
    HSMIAM_FACT_KEY,       /**< a key that hsmiam_token_provision() looks after */
    HSMIAM_FACT_TIMING,    /**< how long an operation takes here */
    HSMIAM_FACT_PROVISION, /**< a key that hsmiam_token_provision() would have to make */
    HSMIAM_FACT_LEFTOVER,  /**< an object that could not be destroyed; it goes with the session */
    HSMIAM_FACT_VERDICT    /**< the last one: whether keys can be taken in, in one line */
} hsmiam_fact_topic;

/** How something was found. */
typedef enum hsmiam_finding {
    HSMIAM_FINDING_NONE = 0, /**< it is no such question */
    HSMIAM_FINDING_YES,
    HSMIAM_FINDING_NO,
    HSMIAM_FINDING_UNTRIED,  /**< what is needed to try it is missing; `why` says what */
    HSMIAM_FINDING_FORBIDDEN /**< by hsmiam_custody_set_forbid_plaintext(), and so not tried */
} hsmiam_finding;

/** A fact. The library makes them, and may add fields at the end. Strings are never NULL, hold no
 *  PIN and no secret, and are borrowed during the callback. */
typedef struct hsmiam_fact {
    hsmiam_fact_topic topic;
    const char *name; /**< what it is about: words that stay ("Label", "CKM_ECDSA", "rsa-oaep") */
    hsmiam_finding told;  /**< what the token says: MECHANISM only */
    hsmiam_finding found; /**< what trying, or looking, came to */
    const char *value;    /**< TOKEN, LOGIN, SIGV4, VERDICT: in words, or "" where `found` or
                               `number` says it; KEY: its fingerprint; PROVISION: its algorithm */
    int64_t number;       /**< TOKEN, CAPACITY: a number, a count; TIMING: the median in
                               nanoseconds; -1: none, or the token does not tell */
    const char *why;      /**< a sentence that explains, or "" */
} hsmiam_fact;

/** Receives one fact. It is called on the caller's thread. */
typedef void (*hsmiam_fact_fn)(void *context, const hsmiam_fact *fact);

/**
 * Finds out what the token is and does, by asking and by trying with random values, tells all of
 * it, and whether access keys could be taken in with the custody's settings. Opens the token if
 * need be. Nothing is written to the token: what is made lives in the session, and is destroyed.
 * It takes as long as the token takes to make an RSA key pair, and some milliseconds. Afterwards
 * the custody is prepared, if it can be.
 *
 * report  is told whatever was found before a failure too; HSMIAM_FACT_VERDICT comes in any case.
 * Statuses: OK if keys can be taken in; else those of hsmiam_custody_prepare().
 */
HSMIAM_API hsmiam_status hsmiam_custody_check(hsmiam_custody *custody, hsmiam_fact_fn report,
                                              void *context, hsmiam_error *error) HSMIAM_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
