/* SPDX-License-Identifier: Apache-2.0 */
/* SigV4, stage 4: the Authorization header. */
#ifndef HSMIAM_SIGV4_AUTHORIZATION_H
#define HSMIAM_SIGV4_AUTHORIZATION_H

#include "base/buffer.h"
#include "sigv4/signer.h"

/* Appends the header's value. `names` is the list of signed headers.
 * Statuses: MEMORY. */
hsmiam_status hsmiam_authorization_append(hsmiam_buffer *authorization, const char *access_key_id,
                                          const hsmiam_scope *scope, const char *names,
                                          const char *signature,
                                          hsmiam_error *error) HSMIAM_MUST_USE;

#endif
