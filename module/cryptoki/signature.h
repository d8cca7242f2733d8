/* SPDX-License-Identifier: Apache-2.0 */
/* SigV4 signatures by a key in a token, in an application's own session. */
#ifndef HSMIAM_CRYPTOKI_SIGNATURE_H
#define HSMIAM_CRYPTOKI_SIGNATURE_H

#include "cryptoki/operation.h"
#include "token/session.h"

/* What is to be signed by which key. */
typedef struct hsmiam_sigv4_task {
    CK_FUNCTION_LIST *behind;
    const hsmiam_operation *operation;
    const void *text;
    size_t size;
} hsmiam_sigv4_task;

/* Computes the signature, and ends the operation of the module behind, whatever comes of it. What
 * is derived from the secret is in secret memory meanwhile, or in the token, and nowhere
 * afterwards. The message says what failed, if it was not the module behind. */
CK_RV hsmiam_sigv4_compute(const hsmiam_sigv4_task *task, uint8_t mac_out[HSMIAM_HMAC_SIZE],
                           hsmiam_error *error) HSMIAM_MUST_USE;

/* Ends the operation that the module behind has begun for a key that signs. */
void hsmiam_sigv4_abandon(CK_FUNCTION_LIST *behind, CK_SESSION_HANDLE session);

#endif
