/* SPDX-License-Identifier: Apache-2.0 */
/* What an application asks for by C_GenerateKey with CKM_HSMIAM_AWS_ACCESS_KEY. */
#ifndef HSMIAM_CRYPTOKI_WISH_H
#define HSMIAM_CRYPTOKI_WISH_H

#include "token/token.h"

#include <p11-kit/pkcs11.h>

/* Holds parameter and template against what can be had, and finds the user's name in them, "" if
 * they have none. What is refused is said to the user, and nothing was done. */
CK_RV hsmiam_wish_read(const CK_MECHANISM *mechanism, const CK_ATTRIBUTE *template, CK_ULONG count,
                       char user_name_out[HSMIAM_USER_NAME_MAX + 1]);

#endif
