/* SPDX-License-Identifier: Apache-2.0 */
/* SigV4, stage 2: the string to sign. */
#ifndef HSMIAM_SIGV4_STRING_TO_SIGN_H
#define HSMIAM_SIGV4_STRING_TO_SIGN_H

#include "base/buffer.h"
#include "sigv4/signer.h"

#define HSMIAM_SIGNING_ALGORITHM "AWS4-HMAC-SHA256"
#define HSMIAM_SCOPE_TERMINATOR  "aws4_request"

/* Appends the string to sign. `timestamp` is X-Amz-Date, its date that of the scope.
 * Statuses: MEMORY, INTERNAL. */
hsmiam_status hsmiam_string_to_sign_append(hsmiam_buffer *string_to_sign, const char *timestamp,
                                           const hsmiam_scope *scope,
                                           const hsmiam_buffer *canonical_request,
                                           hsmiam_error *error) HSMIAM_MUST_USE;

/* Appends the scope as string to sign and Authorization header have it. */
void hsmiam_scope_append(hsmiam_buffer *buffer, const hsmiam_scope *scope);

#endif
