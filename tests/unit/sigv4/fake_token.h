/* SPDX-License-Identifier: Apache-2.0 */
/* A token of one access key, in place of module/token: what it did is counted, and each of its
 * functions fails on demand. */
#ifndef HSMIAM_TESTS_SIGV4_FAKE_TOKEN_H
#define HSMIAM_TESTS_SIGV4_FAKE_TOKEN_H

#include "token/token.h"

struct hsmiam_token {
    const char *access_key_id;
    const char *secret; /* without "AWS4" */

    hsmiam_status open_status;
    hsmiam_status find_status;
    hsmiam_status hmac_status;

    unsigned opened;
    unsigned found;
    unsigned signatures;
    const char *last_key_uri;
};

/* The credential of AWS's signing test suite. */
#define FAKE_TOKEN_EXAMPLE                                                                         \
    {                                                                                              \
        .access_key_id = "AKIDEXAMPLE", .secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"       \
    }

#endif
