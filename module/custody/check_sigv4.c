/* SPDX-License-Identifier: Apache-2.0 */
/* How new keys will serve SigV4, and what that leaves open, in plain words. */
#include "custody/check.h"

static void tell(const hsmiam_check *check, const char *name, hsmiam_finding found,
                 const char *value, const char *why)
{
    hsmiam_check_tell(&check->report, (hsmiam_fact){.topic = HSMIAM_FACT_SIGV4,
                                                    .name = name,
                                                    .found = found,
                                                    .value = value,
                                                    .number = -1,
                                                    .why = why});
}

/* Why not in the token. */
static const char *explain_sign(const hsmiam_check *check)
{
    if (check->custody->sigv4_wanted == HSMIAM_SIGV4_SIGN)
        return "It was chosen by --sigv4-route.";
    switch (check->in_token) {
    case HSMIAM_IN_TOKEN_LIMITED:
        return "The token can derive the keys in itself, which --sigv4-route in-token chooses; it "
               "does not name the mechanism, or no key came in by the route for that.";
    case HSMIAM_IN_TOKEN_UNLIMITED:
        return "The token can derive the keys in itself, which --sigv4-route in-token chooses; but "
               "it does not enforce CKA_ALLOWED_MECHANISMS.";
    case HSMIAM_IN_TOKEN_NO:
        return "The token does not derive by CKM_SP800_108_FEEDBACK_KDF.";
    default:
        return "Whether the token derives is not known.";
    }
}

static void tell_route(const hsmiam_check *check)
{
    if (!check->ready) {
        tell(check, "Route", HSMIAM_FINDING_UNTRIED, "",
             "Keys cannot be taken in as it is wanted; the verdict says why.");
        tell(check, "HostKeys", HSMIAM_FINDING_UNTRIED, "", "");
        tell(check, "LeavesOpen", HSMIAM_FINDING_UNTRIED, "", "");
        return;
    }
    if (check->custody->sigv4 == HSMIAM_SIGV4_SIGN) {
        tell(check, "Route", HSMIAM_FINDING_YES, "sign", explain_sign(check));
        tell(check, "HostKeys", HSMIAM_FINDING_YES,
             "The keys of the day for date, region and service, each for microseconds, and the "
             "signing key of one day, region and service while it is in use; in locked memory.",
             "");
        tell(check, "LeavesOpen", HSMIAM_FINDING_YES,
             "Whoever has the PIN can let the token compute the derived keys of this and coming "
             "days, and take them away.",
             "");
        return;
    }
    tell(check, "Route", HSMIAM_FINDING_YES, "in-token", "Each of its steps was tried.");
    tell(check, "HostKeys", HSMIAM_FINDING_YES,
         "None: each derived key is a session object in the token, sensitive and not extractable.",
         "");
    tell(check, "LeavesOpen", HSMIAM_FINDING_YES,
         check->in_token == HSMIAM_IN_TOKEN_LIMITED
             ? "Whoever has the PIN can sign by the token, as long as he reaches it."
             : "Whoever has the PIN can take a key apart byte by byte, and get the secret itself.",
         "");
}

/* A key that is limited to another mechanism must refuse the HMAC that one without limit gives. */
static hsmiam_finding try_limit(hsmiam_check *check, const char **why_out)
{
    hsmiam_finding found = HSMIAM_FINDING_UNTRIED;
    hsmiam_object limited = 0;
    hsmiam_secret *mac = NULL;

    hsmiam_error_clear(check->error);
    if (check->secret == 0) {
        *why_out = "The token made no secret key to try it with.";
        return found;
    }
    hsmiam_status status = hsmiam_check_make_secret(check->token, true, &limited, check->error);
    if (status != HSMIAM_OK) {
        *why_out = hsmiam_error_get_message(check->error);
        return hsmiam_token_judge(status, check->error) == HSMIAM_VERDICT_FAILED
                   ? HSMIAM_FINDING_UNTRIED
                   : HSMIAM_FINDING_NO;
    }
    status = hsmiam_secret_new((size_t)2 * HSMIAM_HMAC_SIZE, &mac, check->error);
    if (status == HSMIAM_OK)
        status = hsmiam_token_hmac(check->token, check->secret, "", 0, mac, check->error);
    if (status != HSMIAM_OK) {
        *why_out = hsmiam_error_get_message(check->error);
        goto out;
    }
    status = hsmiam_token_hmac(check->token, limited, "", 0, mac, check->error);
    if (status == HSMIAM_OK) {
        found = HSMIAM_FINDING_NO;
        *why_out = "A key that is limited to another mechanism signed all the same.";
    } else if (hsmiam_token_judge(status, check->error) == HSMIAM_VERDICT_FAILED) {
        *why_out = hsmiam_error_get_message(check->error);
    } else {
        found = HSMIAM_FINDING_YES;
        *why_out = "A key that is limited to another mechanism refused to sign.";
    }
out:
    hsmiam_check_drop(check->token, limited);
    hsmiam_secret_free(&mac);
    return found;
}

void hsmiam_check_tell_sigv4(hsmiam_check *check)
{
    const char *why = "";
    hsmiam_finding found = try_limit(check, &why);

    tell_route(check);
    if (found == HSMIAM_FINDING_YES && check->in_token == HSMIAM_IN_TOKEN_UNLIMITED) {
        found = HSMIAM_FINDING_NO;
        why = "A key that is limited to one derivation was taken by another.";
    }
    tell(check, "AllowedMechanismsEnforced", found, "", why);
}
