/* SPDX-License-Identifier: Apache-2.0 */
/* The fixture with a ledger that the mock token signs, in a directory of its own. */
#ifndef HSMIAM_TESTS_CUSTODY_LEDGER_FIXTURE_H
#define HSMIAM_TESTS_CUSTODY_LEDGER_FIXTURE_H

#include "fixture.h"

int ledger_fixture_set_up(void **state);
int ledger_fixture_tear_down(void **state);

hsmiam_ledger *ledger_fixture_get(void);
const char *ledger_fixture_get_path(void);

/* "delete undestroyed deleted": the events of the records about a key, of an outcome its result.
 * Valid until the next call. The ledger verifies. */
const char *ledger_fixture_tell(const char *access_key_id);

#define ledger_test(test)                                                                          \
    cmocka_unit_test_setup_teardown(test, ledger_fixture_set_up, ledger_fixture_tear_down)

#endif
