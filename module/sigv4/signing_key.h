/* SPDX-License-Identifier: Apache-2.0 */
/* SigV4, stage 3: the signing key, HMAC-SHA256 chained over date, region, service and
 * "aws4_request", and the signature that it makes. */
#ifndef HSMIAM_SIGV4_SIGNING_KEY_H
#define HSMIAM_SIGV4_SIGNING_KEY_H

#include "sigv4/hmac.h"
#include "sigv4/signer.h"

#include <sys/types.h>

#define HSMIAM_SECRET_PREFIX "AWS4" /* stands before the secret in the first key of the chain */

typedef struct hsmiam_signing_key hsmiam_signing_key;

/* A way from an access key in a token to signatures. */
typedef struct hsmiam_signing_route {
    const char *name;
    bool in_session; /* the signing key is an object of the token's session, and ends with it */

    /* Makes the signing key of a scope. Whatever was there of another scope is wiped before. */
    hsmiam_status (*derive)(hsmiam_signing_key *key, const hsmiam_scope *scope,
                            hsmiam_error *error);

    /* Writes HMAC-SHA256(signing key, data). */
    hsmiam_status (*compute)(const hsmiam_signing_key *key, const void *data, size_t size,
                             uint8_t mac_out[HSMIAM_HMAC_SIZE], hsmiam_error *error);

    /* Wipes and frees what the route holds. */
    void (*clear)(hsmiam_signing_key *key);
} hsmiam_signing_route;

/* Route "sign": the token computes the first HMAC of the chain by C_Sign, the host the others. */
extern const hsmiam_signing_route hsmiam_signing_route_sign;

/* Route "in-token": the token computes all of the chain. */
extern const hsmiam_signing_route hsmiam_signing_route_in_token;

/* The signing key of the scope that was signed for last. */
struct hsmiam_signing_key {
    const hsmiam_signing_route *route;
    hsmiam_token *token; /* borrowed */
    hsmiam_object access_key;
    bool bare; /* its value lacks the "AWS4" before the secret */
    hsmiam_scope scope;
    bool derived;  /* for `scope` */
    pid_t process; /* that derived it: secret memory is empty in a forked child */

    /* route "sign" */
    hsmiam_hmac *hmac;
    hsmiam_secret *value; /* the key; on route "in-token", where signatures are written */

    /* route "in-token" */
    hsmiam_object object;
    bool in_session; /* the object was made, */
    unsigned losses; /* after so many of them */
};

/* Takes the chain from kDate, 32 bytes in `*key`, to the signing key of the scope, which `*key` is
 * then. `*next` has room for as much; either may be the other one afterwards, and what it holds is
 * wiped. */
hsmiam_status hsmiam_signing_key_chain(const hsmiam_hmac *hmac, const hsmiam_scope *scope,
                                       hsmiam_secret **key, hsmiam_secret **next,
                                       hsmiam_error *error) HSMIAM_MUST_USE;

/* Gives the key that the chain begins with. If it had to be put together (a bare secret), it is
 * `owned`, an object that the caller destroys. */
hsmiam_status hsmiam_signing_key_get_base(const hsmiam_signing_key *key, bool signs,
                                          hsmiam_object *base_out, bool *owned_out,
                                          hsmiam_error *error) HSMIAM_MUST_USE;

/* Whether the object was made by this process, and no loss of the token came after. */
bool hsmiam_signing_key_is_object_alive(const hsmiam_signing_key *key);

/* Whether signing for the scope begins with deriving, for which the access key is used. */
bool hsmiam_signing_key_must_derive(const hsmiam_signing_key *key, const hsmiam_scope *scope);

/* Derives the key, unless it is that of the scope already. */
hsmiam_status hsmiam_signing_key_derive(hsmiam_signing_key *key, const hsmiam_scope *scope,
                                        hsmiam_error *error) HSMIAM_MUST_USE;

/* Writes the signature's bytes; the key is derived only if the scope is not that of the last call.
 * Statuses: TOKEN, UNSUPPORTED, MEMORY, INTERNAL. */
hsmiam_status hsmiam_signing_key_sign(hsmiam_signing_key *key, const hsmiam_scope *scope,
                                      const void *data, size_t size,
                                      uint8_t mac_out[HSMIAM_HMAC_SIZE],
                                      hsmiam_error *error) HSMIAM_MUST_USE;

/* Forgets an object that turned out to be gone with its session, whatever the last signing made of
 * it; true if it was, so that one signs again. */
bool hsmiam_signing_key_forget_lost(hsmiam_signing_key *key, hsmiam_status status,
                                    const hsmiam_error *error);

/* Wipes the key. */
void hsmiam_signing_key_clear(hsmiam_signing_key *key);

#endif
