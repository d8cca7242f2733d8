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
    hsmiam_status derive_status;
    unsigned derive_fails_from; /* the derivation, counted from 1, from which on it does */
    bool loses_objects;         /* no derived key is there any more */
    bool bare;                  /* the access key's value lacks "AWS4" */

    hsmiam_key_use use; /* neither: as it signs */
    hsmiam_in_token in_token;
    unsigned losses;

    unsigned opened;
    unsigned found;
    unsigned signatures;
    unsigned derivations;
    unsigned destroyed;
    unsigned renewals; /* of its time-out */
    unsigned objects;  /* derived ones that are there */
    struct {
        hsmiam_object object;
        unsigned losses;
        unsigned char value[256];
        size_t size;
        bool signs;
    } derived[8];
    hsmiam_object last_object;
    const char *last_key_uri;
};

/* The credential of AWS's signing test suite. */
#define FAKE_TOKEN_EXAMPLE                                                                         \
    {                                                                                              \
        .access_key_id = "AKIDEXAMPLE", .secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"       \
    }

#endif
