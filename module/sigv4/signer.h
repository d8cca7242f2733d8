/* SPDX-License-Identifier: Apache-2.0 */
/* The signing key behind hsmiam_signer: derived from the secret in the token, for one scope. */
#ifndef HSMIAM_SIGV4_SIGNER_H
#define HSMIAM_SIGV4_SIGNER_H

#include "token/token.h"

#define HSMIAM_SCOPE_PART_MAX 64
#define HSMIAM_SIGNATURE_SIZE 64 /* lower-case hex digits, without the NUL */

/* A credential scope: what a signing key is derived for. */
typedef struct hsmiam_scope {
    char date[sizeof "YYYYMMDD"];
    char region[HSMIAM_SCOPE_PART_MAX + 1];
    char service[HSMIAM_SCOPE_PART_MAX + 1];
} hsmiam_scope;

/* Makes a signer by the same key, for a thread of its own. Statuses: MEMORY. */
hsmiam_status hsmiam_signer_new_like(const hsmiam_signer *like, hsmiam_signer **signer_out,
                                     hsmiam_error *error) HSMIAM_MUST_USE;

/* Names the signer's key by its id as well, unless its URI does so already: a key that is found by
 * its label is not alone with it any more once another one of the user's is there. Statuses:
 * MEMORY.
 */
hsmiam_status hsmiam_signer_narrow(hsmiam_signer *signer, const char *access_key_id,
                                   hsmiam_error *error) HSMIAM_MUST_USE;

/* Lets an open signer sign with the key of a session, which is an object of the token's session
 * (`object`, whose value begins with "AWS4"), and send its session token along: a copy of
 * `session_token`, a string, whose NUL is part of it. What hsmiam_signer_get_access_key_id() names
 * stays. Once the token is lost, signing fails with TOKEN: the key is gone.
 * Statuses: UNSUPPORTED (it may neither sign nor derive), TOKEN, MEMORY. */
hsmiam_status hsmiam_signer_begin_session(hsmiam_signer *signer, const char *access_key_id,
                                          const hsmiam_secret *session_token, hsmiam_object object,
                                          hsmiam_error *error) HSMIAM_MUST_USE;

/* Ends the session, if one was begun, and destroys its key where the token still has it: the access
 * key signs again, and is looked for when the signer is opened next. */
void hsmiam_signer_end_session(hsmiam_signer *signer);

/* The access key id that signatures name: the session's, if there is one. Borrowed. */
const char *hsmiam_signer_get_signing_id(const hsmiam_signer *signer);

/* What goes with each request of a session, a string; NULL without one. Borrowed; it must not be
 * logged. */
const char *hsmiam_signer_get_session_token(const hsmiam_signer *signer);

/* The token that holds the signer's key. Borrowed. */
hsmiam_token *hsmiam_signer_get_token(const hsmiam_signer *signer);

/* Opens the signer if need be, and derives the signing key of a scope, so that signing for it needs
 * the token no more on a token whose route lets the host sign.
 * Statuses: those of hsmiam_signer_open(), TOKEN, MEMORY. */
hsmiam_status hsmiam_signer_derive(hsmiam_signer *signer, const hsmiam_scope *scope,
                                   hsmiam_error *error) HSMIAM_MUST_USE;

/* What it was done for is done: its token's time-out begins anew. NULL: nothing. */
void hsmiam_signer_renew_timeout(hsmiam_signer *signer);

/* Signs a string to sign. Opens the signer if need be; the signing key of the last scope is kept.
 * Statuses: those of hsmiam_signer_open(), TOKEN, MEMORY. */
hsmiam_status hsmiam_signer_sign(hsmiam_signer *signer, const hsmiam_scope *scope,
                                 const char *string_to_sign, size_t size,
                                 char signature_out[HSMIAM_SIGNATURE_SIZE + 1],
                                 hsmiam_error *error) HSMIAM_MUST_USE;

#endif
