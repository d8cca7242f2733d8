/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the keys that provisioning looks after are there, and what they must be. */
#include "token/keys.h"

#include <stdio.h>
#include <string.h>

#define AES_PURPOSE   "wrapping-aes"
#define AES_ALGORITHM "AES-256"

/* What is known of one key. */
typedef struct key_state {
    const char *purpose;
    const char *algorithm;
    char fingerprint[65];
    const char *softness; /* what whoever has the PIN can do with it nevertheless */
} key_state;

static hsmiam_status look_at_pair(hsmiam_token *token, const hsmiam_pair_spec *spec,
                                  key_state *state, hsmiam_error *error)
{
    hsmiam_object key = CK_INVALID_HANDLE;
    bool fixed = false;
    bool limited = false;

    hsmiam_status status = hsmiam_pair_find(token, spec, &key, error);
    if (status == HSMIAM_OK)
        status = hsmiam_pair_check(token, spec, key, error);
    if (status == HSMIAM_OK)
        status = hsmiam_pair_get_fingerprint(token, spec, key, state->fingerprint, error);
    if (status == HSMIAM_OK)
        status = hsmiam_pair_read_softness(token, spec, key, &fixed, &limited, error);
    if (status == HSMIAM_OK && (!fixed || !limited))
        state->softness = fixed ? "It lacks CKA_ALLOWED_MECHANISMS: whoever has the PIN can use "
                                  "it by other mechanisms."
                                : "It can be modified: whoever has the PIN can make it do more "
                                  "than it may.";
    return status;
}

static hsmiam_status look_at_aes_key(hsmiam_token *token, hsmiam_error *error)
{
    hsmiam_object key = CK_INVALID_HANDLE;
    hsmiam_status status = hsmiam_aes_key_find(token, &key, error);

    return status == HSMIAM_OK ? hsmiam_aes_key_check(token, key, error) : status;
}

static void tell_key(const hsmiam_check_report *report, const key_state *state,
                     hsmiam_status status, const hsmiam_error *error)
{
    hsmiam_finding found = HSMIAM_FINDING_NO;

    if (status == HSMIAM_OK)
        found = HSMIAM_FINDING_YES;
    else if (status == HSMIAM_ERR_NOT_FOUND)
        found = HSMIAM_FINDING_UNTRIED;
    hsmiam_check_tell(report,
                      (hsmiam_fact){.topic = HSMIAM_FACT_KEY,
                                    .name = state->purpose,
                                    .found = found,
                                    .value = state->fingerprint,
                                    .number = -1,
                                    .why = status == HSMIAM_OK ? state->softness
                                                               : hsmiam_error_get_message(error)});
}

static void tell_missing(const hsmiam_check_report *report, const key_state *state)
{
    hsmiam_check_tell(report, (hsmiam_fact){.topic = HSMIAM_FACT_PROVISION,
                                            .name = state->purpose,
                                            .value = state->algorithm,
                                            .number = -1,
                                            .why = "`hsmiam provision-token` makes it."});
}

/* Within one session, so that no handle outlives a loss. */
static hsmiam_status look(hsmiam_token *token, const hsmiam_pair_spec *spec, key_state *state,
                          hsmiam_error *error)
{
    hsmiam_session *session = NULL;
    hsmiam_status status = hsmiam_session_borrow(token, &session, error);

    if (status != HSMIAM_OK)
        return status;
    status = spec != NULL ? look_at_pair(token, spec, state, error) : look_at_aes_key(token, error);
    hsmiam_session_return(token, &session, CKR_OK);
    return status;
}

bool hsmiam_check_tell_keys(hsmiam_token *token, bool wants_aes_key,
                            const hsmiam_check_report *report)
{
    /* The AES key has no spec. */
    static const hsmiam_pair_spec *const specs[] = {
        &hsmiam_pair_wrapping, &hsmiam_pair_wrapping_exportable, &hsmiam_pair_audit, NULL};
    key_state states[] = {
        {.purpose = hsmiam_pair_wrapping.purpose, .algorithm = hsmiam_pair_wrapping.algorithm},
        {.purpose = hsmiam_pair_wrapping_exportable.purpose,
         .algorithm = hsmiam_pair_wrapping_exportable.algorithm},
        {.purpose = hsmiam_pair_audit.purpose, .algorithm = hsmiam_pair_audit.algorithm},
        {.purpose = AES_PURPOSE, .algorithm = AES_ALGORITHM},
    };
    const size_t count = sizeof states / sizeof states[0];
    bool missing[sizeof states / sizeof states[0]] = {false};
    hsmiam_error *error = hsmiam_error_new();

    for (size_t i = 0; i < count; i++) {
        hsmiam_error_clear(error);
        hsmiam_status status = look(token, specs[i], &states[i], error);
        missing[i] = status == HSMIAM_ERR_NOT_FOUND && (specs[i] != NULL || wants_aes_key);
        /* An AES key that nobody needs is not missed. */
        if (specs[i] == NULL && status == HSMIAM_ERR_NOT_FOUND && !wants_aes_key)
            (void)hsmiam_error_set(error, status, "It is not needed here.");
        tell_key(report, &states[i], status, error);
    }
    for (size_t i = 0; i < count; i++)
        if (missing[i])
            tell_missing(report, &states[i]);
    hsmiam_error_free(&error);
    return wants_aes_key ? missing[count - 1] : missing[0];
}
