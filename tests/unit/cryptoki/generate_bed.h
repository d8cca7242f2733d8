/* SPDX-License-Identifier: Apache-2.0 */
/* C_GenerateKey's mechanism over the mock, with a library that issues what a test says. */
#ifndef HSMIAM_TESTS_CRYPTOKI_GENERATE_BED_H
#define HSMIAM_TESTS_CRYPTOKI_GENERATE_BED_H

#include "support/cmocka_tests.h"

#include "cryptoki/issuer.h"
#include "support/mock_cryptoki.h"

#define NEW_ID "AKIANEWNEWNEWNEWNEW1"

typedef struct bed {
    CK_FUNCTION_LIST *behind;
    CK_SESSION_HANDLE session;
    CK_MECHANISM mechanism;

    bool has_credential;
    bool forbids_threads;
    bool elsewhere; /* the settings name another token for keys */
    hsmiam_status settings_status;
    hsmiam_status status; /* of the issue */
    hsmiam_domain domain; /* of its error, */
    unsigned long code;
    const char *code_name;
    bool makes;              /* the token has the key then */
    bool has_come;           /* IAM's last answer had a secret, whatever failed after it */
    void (*meanwhile)(void); /* what happens during the issue; NULL: nothing */
    hsmiam_cancel_fn cancel; /* as the issuer got it */
    unsigned issued;
    unsigned cleared;    /* settings */
    unsigned open;       /* issuers that were not cleared */
    char user_name[256]; /* as it was asked for, "(none)" without one */
    char message[4096];  /* the last one */
} bed;

extern bed the_bed;

/* A session, read/write, of the user; the issue makes NEW_ID. */
int bed_set_up(void **state);

/* Sees to it that nothing is left open. */
int bed_tear_down(void **state);

/* Opens another session in place of the bed's. */
void bed_open_session(CK_FLAGS flags);

CK_RV bed_generate(CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *key_out);

/* Generates by an empty template. */
void bed_expect(CK_RV expected);

#define bed_test(test) cmocka_unit_test_setup_teardown(test, bed_set_up, bed_tear_down)

#endif
