/* SPDX-License-Identifier: Apache-2.0 */
/* What is done about an intent without an outcome: one table, for each kind of intent; one of
 * a new kind gets rows of its own. */
#include "custody/settle.h"

typedef enum fact {
    BEFORE = 1 << 0,
    OVER = 1 << 1,
    AMBIGUOUS = 1 << 2,
    ID = 1 << 3,
    STRANGE = 1 << 4,
    LISTED = 1 << 5,
    ID_HELD = 1 << 6,
    HINT_HELD = 1 << 7,
    INACTIVE = 1 << 8,
    HELD = 1 << 9,
    ORPHAN = 1 << 10,
    UNCLEAR = 1 << 11,
    SEVERAL = 1 << 12,
    ANOTHERS = 1 << 13,
    NO_USER = 1 << 14
} fact;

/* The first row of the intent's kind that fits decides: all of `needed`, none of `absent`.
 *
 * An id that the answer told is believed, within what the request can have done. Without one there
 * is only elimination, and that is sound only once nothing can appear any more, and only if never
 * more than one key could be meant: of two of which one is gone, the other may be anybody's. */
static const struct {
    hsmiam_event event;
    unsigned needed;
    unsigned absent;
    hsmiam_settle_action action;
} rules[] = {
#define CREATE HSMIAM_EVENT_INTENT
    {CREATE, ID | STRANGE, 0, HSMIAM_SETTLE_NAME},
    {CREATE, ID | ANOTHERS, 0, HSMIAM_SETTLE_NAME},
    /* Who deactivated it was the run that could not take it in, and was about to delete it. */
    {CREATE, ID | ID_HELD | LISTED | INACTIVE, 0, HSMIAM_SETTLE_UNDO},
    {CREATE, ID | ID_HELD | LISTED, 0, HSMIAM_SETTLE_PROVE},
    {CREATE, ID | ID_HELD | OVER, LISTED, HSMIAM_SETTLE_DESTROY},
    {CREATE, ID | ID_HELD, OVER, HSMIAM_SETTLE_WAIT},
    {CREATE, ID | LISTED, 0, HSMIAM_SETTLE_DELETE},
    {CREATE, ID | OVER, LISTED, HSMIAM_SETTLE_GONE},
    {CREATE, ID, OVER, HSMIAM_SETTLE_WAIT},

    {CREATE, SEVERAL, ID, HSMIAM_SETTLE_NAME},
    {CREATE, HELD | INACTIVE, ID, HSMIAM_SETTLE_ACTIVATE},
    {CREATE, HELD | OVER, ID, HSMIAM_SETTLE_PROVE},
    {CREATE, HELD, ID | OVER, HSMIAM_SETTLE_WAIT},
    {CREATE, UNCLEAR, ID, HSMIAM_SETTLE_NAME},
    {CREATE, ORPHAN | AMBIGUOUS, ID, HSMIAM_SETTLE_NAME},
    {CREATE, ORPHAN, ID | BEFORE, HSMIAM_SETTLE_NAME},
    {CREATE, ORPHAN | OVER, ID, HSMIAM_SETTLE_DELETE},
    {CREATE, ORPHAN, ID | OVER, HSMIAM_SETTLE_WAIT},
    {CREATE, HINT_HELD | OVER, ID, HSMIAM_SETTLE_DESTROY},
    /* Who was renamed has taken the key along; who was deleted has none. */
    {CREATE, OVER | BEFORE | NO_USER, ID, HSMIAM_SETTLE_NAME},
    {CREATE, OVER | AMBIGUOUS, ID, HSMIAM_SETTLE_GONE},
    {CREATE, OVER, ID, HSMIAM_SETTLE_NOT_EXECUTED},
    {CREATE, 0, 0, HSMIAM_SETTLE_WAIT},
#undef CREATE
};

static unsigned gather_facts(const hsmiam_evidence *evidence)
{
    const struct {
        bool is_so;
        fact fact;
    } facts[] = {
        {evidence->before_known, BEFORE},
        {evidence->window_over, OVER},
        {evidence->user_gone, NO_USER},
        {evidence->was_ambiguous, AMBIGUOUS},
        {evidence->id_known, ID},
        {evidence->id_strange, STRANGE},
        {evidence->id_listed, LISTED},
        {evidence->id_of_another, ANOTHERS},
        {evidence->id_held, ID_HELD},
        {evidence->hint_held, HINT_HELD},
        {evidence->is_inactive, INACTIVE},
        {evidence->held > 0, HELD},
        {evidence->orphans > 0, ORPHAN},
        {evidence->unclear > 0, UNCLEAR},
        {evidence->held + evidence->orphans + evidence->unclear > 1, SEVERAL},
    };
    unsigned all = 0;

    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
        if (facts[i].is_so)
            all |= facts[i].fact;
    return all;
}

hsmiam_settle_action hsmiam_settle_decide(hsmiam_event event, const hsmiam_evidence *evidence)
{
    unsigned facts = gather_facts(evidence);

    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].event == event && (facts & rules[i].needed) == rules[i].needed &&
            (facts & rules[i].absent) == 0)
            return rules[i].action;
    return HSMIAM_SETTLE_NAME; /* a kind that nobody has rules for */
}
