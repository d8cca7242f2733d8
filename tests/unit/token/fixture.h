/* SPDX-License-Identifier: Apache-2.0 */
/* A token over the mock module, with what it says. */
#ifndef HSMIAM_TESTS_TOKEN_FIXTURE_H
#define HSMIAM_TESTS_TOKEN_FIXTURE_H

#include "support/cmocka_tests.h"

#include "support/mock_cryptoki.h"
#include "token/keys.h"

#define URI_WITH_PIN "pkcs11:token=mock%20token?pin-value=" MOCK_PIN

typedef struct fixture {
    hsmiam_token *token;
    hsmiam_error *error;
    char log[8192]; /* its lines, one behind the other */
    size_t notices;
} fixture;

/* A mock as new. The teardown sees to it that no session and no session object is left, and that
 * the PIN was never said. */
int fixture_set_up(void **state);
int fixture_tear_down(void **state);

/* Names the token by a URI; it is not opened yet. The one before is freed. */
hsmiam_token *fixture_name_token(fixture *fix, const char *uri);

/* Names and opens the mock's token. */
hsmiam_token *fixture_open_token(fixture *fix);

/* Opens the token that was named, anew if need be, and looks at the status. */
void fixture_expect_open(fixture *fix, hsmiam_status expected);

/* Looks at the last message. */
void fixture_expect_message(const fixture *fix, const char *part);
void fixture_expect_no_message(const fixture *fix, const char *part);

#define fixture_test(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

#endif
