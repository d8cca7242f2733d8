/* SPDX-License-Identifier: Apache-2.0 */
#include "iam/pace.h"

#include <pthread.h>
#include <stdlib.h>

#define MILLISECOND ((int64_t)1000000)

/* Between two requests: the first throttling makes it twice what it was of late, each other one
 * doubles it, and each answer makes it less by a part. Below the least there is none. */
#define GAP_FIRST_LEAST (20 * MILLISECOND)
#define GAP_LONGEST     (5000 * MILLISECOND)
#define GAP_LEAST       (2 * MILLISECOND)
#define GAP_PART        32

/* Of how many turns, about, "of late" is the average; a longer pause counts as that long. */
#define RHYTHM_TURNS   8
#define RHYTHM_LONGEST (500 * MILLISECOND)

struct hsmiam_pace {
    pthread_mutex_t lock;
    int64_t gap;
    int64_t next;      /* nothing is sent before */
    int64_t slowed_at; /* what was sent before was sent at another pace */
    int64_t last;      /* turn; 0: there was none */
    int64_t rhythm;    /* the time between two turns, on average */
};

hsmiam_status hsmiam_pace_new(hsmiam_pace **pace_out, hsmiam_error *error)
{
    hsmiam_pace *pace = calloc(1, sizeof *pace);

    if (pace == NULL)
        return hsmiam_error_set_memory(error, "the pace of requests");
    (void)pthread_mutex_init(&pace->lock, NULL);
    *pace_out = pace;
    return HSMIAM_OK;
}

void hsmiam_pace_free(hsmiam_pace **pace)
{
    if (pace == NULL || *pace == NULL)
        return;
    (void)pthread_mutex_destroy(&(*pace)->lock);
    free(*pace);
    *pace = NULL;
}

static void note_turn(hsmiam_pace *pace, int64_t now)
{
    int64_t passed = now - pace->last;

    if (passed > RHYTHM_LONGEST)
        passed = RHYTHM_LONGEST;
    if (pace->last != 0)
        pace->rhythm += (passed - pace->rhythm) / RHYTHM_TURNS;
    pace->last = now;
    pace->next = now + pace->gap;
}

unsigned hsmiam_pace_take_turn(hsmiam_pace *pace, int64_t now)
{
    unsigned wait = 0;

    (void)pthread_mutex_lock(&pace->lock);
    if (now >= pace->next)
        note_turn(pace, now);
    else
        wait = (unsigned)((pace->next - now + MILLISECOND - 1) / MILLISECOND);
    (void)pthread_mutex_unlock(&pace->lock);
    return wait;
}

void hsmiam_pace_slow_down(hsmiam_pace *pace, int64_t turn, int64_t now, unsigned pause)
{
    int64_t until = now + pause * MILLISECOND;

    (void)pthread_mutex_lock(&pace->lock);
    if (until > pace->next)
        pace->next = until;
    if (turn >= pace->slowed_at) {
        pace->gap = 2 * (pace->gap > 0 ? pace->gap : pace->rhythm);
        if (pace->gap < GAP_FIRST_LEAST)
            pace->gap = GAP_FIRST_LEAST;
        if (pace->gap > GAP_LONGEST)
            pace->gap = GAP_LONGEST;
        pace->slowed_at = now;
    }
    (void)pthread_mutex_unlock(&pace->lock);
}

void hsmiam_pace_speed_up(hsmiam_pace *pace)
{
    (void)pthread_mutex_lock(&pace->lock);
    pace->gap -= pace->gap / GAP_PART;
    if (pace->gap < GAP_LEAST)
        pace->gap = 0;
    (void)pthread_mutex_unlock(&pace->lock);
}
