/* SPDX-License-Identifier: Apache-2.0 */
#include "custody/settle.h"

static hsmiam_settle_action decide_by_id(const hsmiam_evidence *evidence)
{
    if (evidence->id_held)
        return evidence->id_listed     ? HSMIAM_SETTLE_PROVE
               : evidence->window_over ? HSMIAM_SETTLE_DESTROY
                                       : HSMIAM_SETTLE_WAIT;
    /* A list may lag behind; to delete what is not there does no harm. */
    return evidence->id_listed || !evidence->window_over ? HSMIAM_SETTLE_DELETE
                                                         : HSMIAM_SETTLE_GONE;
}

hsmiam_settle_action hsmiam_settle_decide(const hsmiam_evidence *evidence)
{
    if (evidence->id_known)
        return decide_by_id(evidence);
    if (evidence->held == 1) /* ours is found, and the others are somebody's */
        return HSMIAM_SETTLE_PROVE;
    if (evidence->held > 1)
        return HSMIAM_SETTLE_NAME;
    if (evidence->orphans + evidence->unclear == 0)
        return evidence->window_over ? HSMIAM_SETTLE_NOT_EXECUTED : HSMIAM_SETTLE_WAIT;
    return evidence->orphans == 1 && evidence->unclear == 0 && evidence->before_known
               ? HSMIAM_SETTLE_DELETE
               : HSMIAM_SETTLE_NAME;
}
