/* SPDX-License-Identifier: Apache-2.0 */
/* What hsmiam_credentials holds. */
#ifndef HSMIAM_IAM_CREDENTIALS_H
#define HSMIAM_IAM_CREDENTIALS_H

#include "iam/operations.h"

struct hsmiam_credentials {
    char access_key_id[HSMIAM_ACCESS_KEY_ID_MAX + 1];
    hsmiam_secret *secret; /* NUL-terminated, as is */
    hsmiam_secret *session_token;
    time_t expiration;
};

#endif
