/* SPDX-License-Identifier: Apache-2.0 */
#include "iam/retry.h"

#include "iam/outcome.h"

#include <curl/curl.h>
#include <string.h>

#define RETRY_AFTER_MAX 60 /* seconds */

/* A wrong endpoint refuses every time, and shall not take long to say so; a service that is busy
 * gets the pauses that the AWS CLI makes. */
#define BRIEF  100, 1000
#define POLITE 1000, 20000

#define NEVER     HSMIAM_RESEND_NEVER
#define RESEND    HSMIAM_RESEND
#define CORRECTED HSMIAM_RESEND_CORRECTED

/* One more rule than is obvious: a connection that takes its whole time-out, a certificate that is
 * wrong, and an answer of something else will be so again. */
static const hsmiam_retry_rule rules[HSMIAM_ATTEMPT_COUNT] = {
    /*                                  why; unexecuted; idempotent, creating; pauses */
    [HSMIAM_ATTEMPT_DONE] = {"it is done", false, {NEVER, NEVER}, 0, 0},
    [HSMIAM_ATTEMPT_UNCONNECTED] = {"there was no connection", true, {RESEND, RESEND}, BRIEF},
    [HSMIAM_ATTEMPT_CONNECT_TIMED_OUT] = {"connecting timed out", true, {NEVER, NEVER}, 0, 0},
    [HSMIAM_ATTEMPT_TLS_FAILED] = {"the TLS handshake broke", true, {RESEND, RESEND}, BRIEF},
    [HSMIAM_ATTEMPT_UNTRUSTED] = {"the peer is not trusted", true, {NEVER, NEVER}, 0, 0},
    [HSMIAM_ATTEMPT_THROTTLED] = {"it was throttled", true, {RESEND, RESEND}, POLITE},
    [HSMIAM_ATTEMPT_SKEWED] = {"the clock was wrong", true, {CORRECTED, CORRECTED}, 0, 0},
    [HSMIAM_ATTEMPT_REFUSED] = {"it was refused", true, {NEVER, NEVER}, 0, 0},
    [HSMIAM_ATTEMPT_FAILED] = {"the service failed", false, {RESEND, NEVER}, POLITE},
    [HSMIAM_ATTEMPT_READ_TIMED_OUT] = {"no answer came in time", false, {RESEND, NEVER}, POLITE},
    [HSMIAM_ATTEMPT_CUT] = {"the answer was cut off", false, {RESEND, NEVER}, POLITE},
    [HSMIAM_ATTEMPT_GARBLED] = {"the answer was no answer", false, {NEVER, NEVER}, 0, 0},
    [HSMIAM_ATTEMPT_STOPPED] = {"it was stopped", false, {NEVER, NEVER}, 0, 0},
};

const hsmiam_retry_rule *hsmiam_retry_get_rule(hsmiam_attempt attempt)
{
    return &rules[attempt];
}

static hsmiam_attempt classify_unsent(const hsmiam_error *error)
{
    if (error->domain != HSMIAM_DOMAIN_TRANSPORT)
        return HSMIAM_ATTEMPT_STOPPED;
    switch (error->code) {
    case CURLE_OPERATION_TIMEDOUT:
        return HSMIAM_ATTEMPT_CONNECT_TIMED_OUT;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return HSMIAM_ATTEMPT_UNTRUSTED;
    case CURLE_SSL_CONNECT_ERROR:
        return HSMIAM_ATTEMPT_TLS_FAILED;
    default:
        return HSMIAM_ATTEMPT_UNCONNECTED;
    }
}

static hsmiam_attempt classify_refusal(const hsmiam_error *error)
{
    if (hsmiam_outcome_is_throttling(error->code_name))
        return HSMIAM_ATTEMPT_THROTTLED;
    if (hsmiam_outcome_is_skewed(error->code_name, error->message))
        return HSMIAM_ATTEMPT_SKEWED;
    return HSMIAM_ATTEMPT_REFUSED;
}

static hsmiam_attempt classify_unknown(const hsmiam_error *error)
{
    if (error->domain == HSMIAM_DOMAIN_SERVICE && error->code >= 500)
        return HSMIAM_ATTEMPT_FAILED;
    if (error->domain == HSMIAM_DOMAIN_TRANSPORT && error->code == CURLE_OPERATION_TIMEDOUT)
        return HSMIAM_ATTEMPT_READ_TIMED_OUT;
    return HSMIAM_ATTEMPT_CUT;
}

hsmiam_attempt hsmiam_attempt_classify(hsmiam_status status, const hsmiam_error *error)
{
    switch (status) {
    case HSMIAM_OK:
        return HSMIAM_ATTEMPT_DONE;
    case HSMIAM_ERR_NETWORK:
        return classify_unsent(error);
    case HSMIAM_ERR_SERVICE:
        return classify_refusal(error);
    case HSMIAM_ERR_UNKNOWN_OUTCOME:
        return classify_unknown(error);
    case HSMIAM_ERR_REPLY:
        return HSMIAM_ATTEMPT_GARBLED;
    default:
        return HSMIAM_ATTEMPT_STOPPED;
    }
}

unsigned hsmiam_retry_get_pause(const hsmiam_retry_rule *rule, unsigned attempts, uint32_t random,
                                long retry_after)
{
    uint64_t most = rule->first_pause;

    for (unsigned i = 1; i < attempts && most < rule->longest_pause; i++)
        most *= 2;
    if (most > rule->longest_pause)
        most = rule->longest_pause;
    unsigned pause = (unsigned)((most * random) >> 32);
    if (retry_after > RETRY_AFTER_MAX)
        retry_after = RETRY_AFTER_MAX;
    if (retry_after > 0 && (unsigned)retry_after * 1000 > pause)
        pause = (unsigned)retry_after * 1000;
    return pause;
}
