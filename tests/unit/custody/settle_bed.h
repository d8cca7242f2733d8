/* SPDX-License-Identifier: Apache-2.0 */
/* A ledger with an open intent beside the fixture, and recoveries of it. */
#ifndef HSMIAM_TESTS_CUSTODY_SETTLE_BED_H
#define HSMIAM_TESTS_CUSTODY_SETTLE_BED_H

#include "custody/settle.h"
#include "ledger_fixture.h"

#define USER     "bob"
#define ENDPOINT "https://iam.test/"
#define SENT     1440938160 /* what the fake IAM dates its keys */
#define OVER     (SENT + HSMIAM_SIGNATURE_SECONDS + HSMIAM_SETTLE_MARGIN + 1)

/* What the last recovery told, as the test wants to know it. */
typedef struct settle_findings {
    size_t count;
    hsmiam_recovery_state state;
    char result[32];
    char id[HSMIAM_ACCESS_KEY_ID_MAX + 1];
    char reason[1024];
    char candidates[512];
    long long come_back;
} settle_findings;

extern settle_findings settle_told;
extern hsmiam_ledger *settle_ledger;
extern uint64_t settle_intent; /* the last that was added */

int settle_set_up(void **state);

hsmiam_ledger_facts settle_make_facts(const fixture *fix);
void settle_add_intent(fixture *fix, const hsmiam_ledger_facts *facts, const char *before);

hsmiam_status settle_recover(fixture *fix, bool dry_run);

/* The one intent is settled, with that result, and stays so; or is left open for that reason, and
 * nothing is deleted. */
void settle_expect_settled(fixture *fix, const char *result);
void settle_expect_open(fixture *fix, const char *reason);

#define settle_test(test)                                                                          \
    cmocka_unit_test_setup_teardown(test, settle_set_up, ledger_fixture_tear_down)

#endif
