/* SPDX-License-Identifier: Apache-2.0 */
/* What asking for approvals, and giving them, share. */
#ifndef HSMIAM_LEDGER_APPROVAL_H
#define HSMIAM_LEDGER_APPROVAL_H

#include "ledger/dual.h"

/* clear.c ---------------------------------------------------------------------------------------*/

/* Reads on in what is believed, so that `ledger->dual` is what stands in the ledger now. Under the
 * ledger's lock; the ledger is open and has an audit key. Statuses: IO, MEMORY, LEDGER. */
hsmiam_status hsmiam_clear_refresh(hsmiam_ledger *ledger, hsmiam_error *error) HSMIAM_MUST_USE;

/* approve.c -------------------------------------------------------------------------------------*/

/* Shows a request, has it signed by an approver's token, and appends the approval. The request is
 * one of `dual`, which is refreshed by the caller afterwards. */
hsmiam_status hsmiam_approval_make(hsmiam_ledger *ledger, const hsmiam_dual *dual,
                                   const hsmiam_dual_request *request, hsmiam_token *token,
                                   hsmiam_approval_fn confirm, void *context,
                                   hsmiam_error *error) HSMIAM_MUST_USE;

#endif
