/* SPDX-License-Identifier: Apache-2.0 */
/* A signer that the tests of this layer steer: what it was asked to sign, and what it answers. */
#ifndef HSMIAM_TEST_IAM_FAKES_H
#define HSMIAM_TEST_IAM_FAKES_H

#include "hsmiam.h"

#define FAKE_SIGNATURE "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

typedef struct fake_signing {
    hsmiam_status result; /* what signing comes to */
    int requests_alive;
    int signed_count;
    char method[64];
    char url[1024];
    char headers[1024]; /* "name: value\n" for each */
    char body[4096];
    char scope[256];   /* "service/region" */
    time_t time;       /* of signing */
    char derived[256]; /* "date/service/region" of the signing key derived ahead */
    const hsmiam_signer *signer;
} fake_signing;

extern fake_signing fake;

/* Forgets everything. */
void fake_reset(void);

/* A signer that is only an address. */
hsmiam_signer *fake_signer(void);

#endif
