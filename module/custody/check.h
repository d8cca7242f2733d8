/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of a check of a token share. */
#ifndef HSMIAM_CUSTODY_CHECK_H
#define HSMIAM_CUSTODY_CHECK_H

#include "base/time.h"
#include "custody/custody.h"
#include "token/check.h"

/* A check under way. The keys are session objects of the check's own; 0: it could not be made. */
typedef struct hsmiam_check {
    hsmiam_custody *custody;
    hsmiam_token *token;
    hsmiam_check_report report;
    bool ready;                          /* the custody is prepared: a route works, and is proven */
    size_t before[HSMIAM_CHECK_CLASSES]; /* what lived in the session */
    hsmiam_error *error;                 /* of the trial at hand; never NULL */
    hsmiam_secret *value;
    hsmiam_object secret;
    hsmiam_object aes;
    hsmiam_object rsa;
    hsmiam_object ec;
    int64_t opening;    /* nanoseconds that it took, -1 if the token was open */
    int64_t generation; /* the same of making the RSA key pair */
    hsmiam_in_token in_token;
    bool oaep_works;
    bool aes_works;
    bool misses_key; /* provisioning would make one that a route needs */
} hsmiam_check;

/* What the check takes in. */
hsmiam_key_spec hsmiam_check_get_spec(void);

/* check_trials.c */

/* Tells of each import route; one that the custody has rehearsed is not tried again. */
void hsmiam_check_try_routes(hsmiam_check *check);

/* Makes the check's own keys, and tells of each mechanism, and each type of key. */
void hsmiam_check_try_mechanisms(hsmiam_check *check);
void hsmiam_check_try_key_types(hsmiam_check *check);

/* check_speed.c */

void hsmiam_check_measure(hsmiam_check *check);

/* check_sigv4.c */

void hsmiam_check_tell_sigv4(hsmiam_check *check);

#endif
