/* SPDX-License-Identifier: Apache-2.0 */
/* A token that holds one key, for tests of what becomes of it after a loss. */
#ifndef TESTS_UNIT_TOKEN_LOSS_FIXTURE_H
#define TESTS_UNIT_TOKEN_LOSS_FIXTURE_H

#include "fixture.h"

#define LOSS_ID     "AKIAIOSFODNN7EXAMPLE"
#define LOSS_SECRET "hush/hush+hush/hush+hush/hush+hush/hush+"

/* What the key is. */
extern const hsmiam_key_spec loss_spec;

/* Opens the token and puts the key into it. */
hsmiam_object loss_open_with_key(fixture *fix);

/* Finds it; there must be no other one. */
hsmiam_object loss_find_key(fixture *fix);

/* An HMAC by a key. */
hsmiam_status loss_hmac(fixture *fix, hsmiam_object key);

/* Takes the key in by C_CreateObject. */
hsmiam_status loss_import_key(fixture *fix, hsmiam_object *object_out);

#endif
