/* SPDX-License-Identifier: Apache-2.0 */
/* Custody, signer and IAM client over the mock module and the fake IAM, with all that they say. */
#ifndef HSMIAM_TESTS_CUSTODY_FIXTURE_H
#define HSMIAM_TESTS_CUSTODY_FIXTURE_H

#include "support/cmocka_tests.h"

#include "custody/custody.h"
#include "fake_iam.h"
#include "support/mock_cryptoki.h"

#define ROOT_ID    "AKIAROOTROOTROOTROOT"
#define NEW_ID     "AKIANEWNEWNEWNEWNEW1"
#define OTHER_ID   "AKIAOTHEROTHEROTHER1"
#define NEW_SECRET "hush/hush+hush/hush+hush/hush+hush/hush+"

typedef struct fixture {
    hsmiam_token *token;
    hsmiam_signer *signer;
    hsmiam_client client;
    hsmiam_custody *custody;
    hsmiam_access_key *key; /* what an import or a creation made */
    hsmiam_error *error;
    size_t notices;
    char log[8192]; /* the lines, one behind the other */
} fixture;

/* A mock token with the root credential and a wrapping key, an IAM that makes NEW_ID. The teardown
 * sees to it that neither the secret nor the PIN was ever said or kept in the open, and that no
 * session is left. */
int fixture_set_up(void **state);
int fixture_tear_down(void **state);

/* The same within one test, to begin anew. */
void fixture_start(fixture *fix);
void fixture_stop(fixture *fix);

/* Names the token and what stands on it anew. */
void fixture_name_token(fixture *fix, const char *uri);

/* Runs hsmiam_access_key_create() for a user. */
hsmiam_status fixture_create(fixture *fix, const char *user_name);

/* Whether the token holds a secret key of that id, with NEW_SECRET in it. */
bool fixture_token_has(const char *id);

void fixture_expect_message(const fixture *fix, const char *part);
void fixture_expect_no_message(const fixture *fix, const char *part);

#define fixture_test(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

#endif
