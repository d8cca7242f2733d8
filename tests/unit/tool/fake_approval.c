/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_library.h"

/* Dual control as if nothing ever needed an approval: the tests of the real tool try the rest. */
struct hsmiam_policy {
    unsigned approvals;
};

hsmiam_status hsmiam_policy_new(hsmiam_policy **policy_out, hsmiam_error *error)
{
    (void)error;
    *policy_out = fake_make(sizeof **policy_out);
    return HSMIAM_OK;
}

void hsmiam_policy_free(hsmiam_policy **policy)
{
    fake_unmake(*policy);
    *policy = NULL;
}

hsmiam_status hsmiam_policy_require(hsmiam_policy *policy, const char *operations,
                                    hsmiam_error *error)
{
    (void)policy;
    (void)operations;
    (void)error;
    return HSMIAM_OK;
}

hsmiam_status hsmiam_policy_add_approvers(hsmiam_policy *policy, const char *pem, size_t size,
                                          hsmiam_error *error)
{
    (void)policy;
    (void)pem;
    (void)size;
    (void)error;
    return HSMIAM_OK;
}

hsmiam_status hsmiam_policy_set_approvals(hsmiam_policy *policy, unsigned approvals,
                                          hsmiam_error *error)
{
    (void)error;
    policy->approvals = approvals;
    return HSMIAM_OK;
}

unsigned hsmiam_policy_get_approvals(const hsmiam_policy *policy)
{
    return policy->approvals;
}

const char *hsmiam_policy_get_operations(const hsmiam_policy *policy)
{
    (void)policy;
    return "";
}

const char *hsmiam_policy_get_approver(const hsmiam_policy *policy, size_t index)
{
    (void)policy;
    (void)index;
    return NULL;
}

hsmiam_status hsmiam_token_provision_approver(hsmiam_token *token, hsmiam_provisioned_fn report,
                                              void *context, hsmiam_error *error)
{
    (void)token;
    (void)report;
    (void)context;
    (void)error;
    return HSMIAM_OK;
}

hsmiam_status hsmiam_token_export_approver_key(hsmiam_token *token, hsmiam_ledger_line_fn take,
                                               void *context, hsmiam_error *error)
{
    (void)token;
    (void)error;
    take(context, "PEM\n");
    return HSMIAM_OK;
}

hsmiam_status hsmiam_ledger_add_approver(hsmiam_ledger *ledger, hsmiam_token *token,
                                         hsmiam_approval_fn confirm, void *context,
                                         hsmiam_error *error)
{
    (void)ledger;
    (void)token;
    (void)confirm;
    (void)context;
    (void)error;
    return HSMIAM_OK;
}

hsmiam_status hsmiam_ledger_set_approval_expiry(hsmiam_ledger *ledger, unsigned seconds,
                                                hsmiam_error *error)
{
    (void)ledger;
    (void)seconds;
    (void)error;
    return HSMIAM_OK;
}

hsmiam_status hsmiam_ledger_set_policy(hsmiam_ledger *ledger, const hsmiam_policy *policy,
                                       hsmiam_error *error)
{
    (void)ledger;
    (void)policy;
    (void)error;
    return HSMIAM_OK;
}

hsmiam_status hsmiam_ledger_get_policy(hsmiam_ledger *ledger, hsmiam_policy **policy_out,
                                       uint64_t *sequence_out, hsmiam_error *error)
{
    (void)ledger;
    *sequence_out = 0;
    return hsmiam_policy_new(policy_out, error);
}

hsmiam_status hsmiam_ledger_approve(hsmiam_ledger *ledger, uint64_t number, hsmiam_token *token,
                                    hsmiam_approval_fn confirm, void *context, hsmiam_error *error)
{
    (void)ledger;
    (void)number;
    (void)token;
    (void)confirm;
    (void)context;
    (void)error;
    return HSMIAM_OK;
}
