/* SPDX-License-Identifier: Apache-2.0 */
#include "settle_bed.h"

#include <stdio.h>
#include <string.h>

hsmiam_ledger *settle_ledger;
uint64_t settle_intent;

settle_findings settle_told;

static void take(void *context, const hsmiam_recovery *found)
{
    (void)context;
    settle_told.count++;
    settle_told.state = found->state;
    settle_told.come_back = found->come_back;
    (void)snprintf(settle_told.result, sizeof settle_told.result, "%s", found->result);
    (void)snprintf(settle_told.id, sizeof settle_told.id, "%s", found->access_key_id);
    (void)snprintf(settle_told.reason, sizeof settle_told.reason, "%s", found->reason);
    (void)snprintf(settle_told.candidates, sizeof settle_told.candidates, "%s", found->candidates);
}

hsmiam_status settle_recover(fixture *fix, bool dry_run)
{
    memset(&settle_told, 0, sizeof settle_told);
    return hsmiam_custody_recover(&fix->client, fix->custody, dry_run, take, NULL, fix->error);
}

hsmiam_ledger_facts settle_make_facts(const fixture *fix)
{
    return (hsmiam_ledger_facts){
        .account = "123456789012",
        .partition = "aws",
        .endpoint = ENDPOINT,
        .token_serial = hsmiam_token_get_serial(fix->token),
        .credential_id = ROOT_ID,
        .user_name = USER,
        .route = "rsa-oaep",
    };
}

void settle_add_intent(fixture *fix, const hsmiam_ledger_facts *facts, const char *before)
{
    assert_int_equal(hsmiam_ledger_add_intent(settle_ledger, facts, before, SENT, SENT,
                                              &settle_intent, fix->error),
                     HSMIAM_OK);
}

int settle_set_up(void **state)
{
    int failed = ledger_fixture_set_up(state);
    fixture *fix = *state;

    if (failed != 0)
        return -1;
    settle_ledger = ledger_fixture_get();
    fix->client.service_time = SENT + 1;
    return 0;
}

void settle_expect_settled(fixture *fix, const char *result)
{
    assert_int_equal(settle_recover(fix, false), HSMIAM_OK);
    assert_int_equal(settle_told.count, 1);
    assert_int_equal(settle_told.state, HSMIAM_RECOVERY_SETTLED);
    assert_string_equal(settle_told.result, result);
    assert_int_equal(settle_recover(fix, false), HSMIAM_OK); /* and stays so */
    assert_int_equal(settle_told.count, 0);
}

void settle_expect_open(fixture *fix, const char *reason)
{
    assert_int_equal(settle_recover(fix, false), HSMIAM_ERR_UNSETTLED);
    assert_int_equal(settle_told.count, 1);
    assert_int_equal(settle_told.state, HSMIAM_RECOVERY_OPEN);
    assert_non_null(strstr(settle_told.reason, reason));
    assert_int_equal(fix->client.deletes, 0);
}
