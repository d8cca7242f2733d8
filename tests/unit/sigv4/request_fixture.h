/* SPDX-License-Identifier: Apache-2.0 */
/* A request and a signer over the fake token, for each test a new one. */
#ifndef HSMIAM_TESTS_SIGV4_REQUEST_FIXTURE_H
#define HSMIAM_TESTS_SIGV4_REQUEST_FIXTURE_H

#include "fake_token.h"

#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

typedef struct fixture {
    struct hsmiam_token token;
    hsmiam_signer *signer;
    hsmiam_request *request;
    hsmiam_error *error;
} fixture;

int fixture_set_up(void **state);
int fixture_tear_down(void **state);

/* Gives the request what it needs: https://iam.amazonaws.com/, iam, us-east-1, and 12:36 UTC on 30
 * August 2015. */
void fixture_fill(fixture *f);

void fixture_sign(fixture *f);
void fixture_add(fixture *f, const char *name, const char *value);

/* Demands that the canonical request has the text in it. */
void fixture_assert_canonical_has(const fixture *f, const char *text);

#define FIXTURE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

#endif
