/* SPDX-License-Identifier: Apache-2.0 */
/* hsmiam_status becomes CK_RV here: the nearest that PKCS#11 has. */
#ifndef HSMIAM_CRYPTOKI_REASON_H
#define HSMIAM_CRYPTOKI_REASON_H

#include "hsmiam.h"

#include <p11-kit/pkcs11.h>

/* What C_GenerateKey returns for a status. `error` is that of the same call, or NULL. */
CK_RV hsmiam_reason_get_rv(hsmiam_status status, const hsmiam_error *error);

#endif
