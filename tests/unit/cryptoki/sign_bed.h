/* SPDX-License-Identifier: Apache-2.0 */
/* CKM_HSMIAM_AWS_SIGV4 over the mock, and the worked example of the AWS documentation. */
#ifndef HSMIAM_TESTS_CRYPTOKI_SIGN_BED_H
#define HSMIAM_TESTS_CRYPTOKI_SIGN_BED_H

#include "support/cmocka_tests.h"

#include "cryptoki/mechanism.h"
#include "support/mock_cryptoki.h"

#define KEY_ID "AKIDEXAMPLEEXAMPLE00"
#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define SCOPE  "20150830/us-east-1/iam/aws4_request"
#define TEXT                                                                                       \
    "AWS4-HMAC-SHA256\n20150830T123600Z\n" SCOPE                                                   \
    "\nf536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59"
#define MAC_SIZE 32

typedef struct sign_bed {
    CK_FUNCTION_LIST *behind;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE key;
    CK_MECHANISM mechanism;
    bool forbids_threads;
    char message[4096]; /* the last one */
} sign_bed;

extern sign_bed fix;

/* A session of the user, and the key, which signs. */
int sign_bed_set_up(void **state);
int sign_bed_tear_down(void **state);

CK_SESSION_HANDLE open_session(void);

/* The key derives in the token instead. */
void let_it_derive(void);

/* What a program calls, on the bed's session. */
CK_RV begin(void);
CK_RV sign(const char *text, unsigned char *mac, CK_ULONG *size);
CK_RV update(const char *text);
CK_RV final(unsigned char *mac, CK_ULONG *size);

/* That it is the example's. */
void expect_signature(const unsigned char *mac, CK_ULONG size);

/* Neither here nor in the module behind. */
void expect_no_operation(void);

#define sign_test(test) cmocka_unit_test_setup_teardown(test, sign_bed_set_up, sign_bed_tear_down)

#endif
