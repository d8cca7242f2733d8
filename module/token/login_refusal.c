/* SPDX-License-Identifier: Apache-2.0 */
/* What a login that was refused says to whoever has to do something about it. */
#include "token/session.h"

#include <stdio.h>
#include <string.h>

static bool is_path(const char *source)
{
    return source[0] == '/' || strncmp(source, "./", 2) == 0 || strncmp(source, "../", 3) == 0;
}

/* Where the PIN came from. What is no path may be a PIN that someone gave instead of its source,
 * and a command may hold one. */
static void append_source(const hsmiam_token *token, hsmiam_error *error)
{
    const char *source = token->pin_source;

    if (source != NULL && strncmp(source, "file:", 5) == 0)
        source += 5;
    if (source != NULL && is_path(source))
        hsmiam_error_append(error, "It came from the file %s; correct it there.", source);
    else if (source != NULL && source[0] == '|')
        hsmiam_error_append(error, "It is what the command of pin-source printed; correct that.");
    else if (source != NULL)
        hsmiam_error_append(error, "It came from the systemd credential that pin-source names; "
                                   "correct it there.");
    else if (token->pin_value != NULL)
        hsmiam_error_append(error, "It is the URI's pin-value; correct that.");
    else
        hsmiam_error_append(error, "It was typed; run the command again.");
}

/* What the token says of further tries, the worst first. It is remembered: a check tells it. */
static void append_tries(hsmiam_token *token, const hsmiam_session *session, hsmiam_error *error)
{
    static const struct {
        CK_FLAGS flag;
        const char *text;
    } states[] = {
        {CKF_USER_PIN_LOCKED, "That was one too many: the token is locked now, and its security "
                              "officer can set a new PIN."},
        {CKF_USER_PIN_FINAL_TRY, "One more wrong PIN locks the token: it is tried only with "
                                 "--allow-final-try."},
        {CKF_USER_PIN_COUNT_LOW, "The token counts wrong PINs until it is given the right one, and "
                                 "may lock after a few."},
    };
    CK_TOKEN_INFO info;

    if (session->functions->C_GetTokenInfo(session->slot, &info) != CKR_OK)
        return;
    token->info.flags = info.flags;
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if ((info.flags & states[i].flag) != 0) {
            hsmiam_error_append(error, "%s", states[i].text);
            return;
        }
}

/* `size` 0: by the token's own keypad. */
static void explain_wrong_pin(hsmiam_token *token, const hsmiam_session *session, CK_RV rv,
                              size_t size, hsmiam_error *error)
{
    char bytes[32] = "";

    if (size > 0)
        (void)snprintf(bytes, sizeof bytes, " (%zu bytes)", size);
    (void)hsmiam_error_set(error, HSMIAM_ERR_PIN,
                           "The PIN for token \"%s\" is wrong%s; it was tried once.", token->label,
                           bytes);
    if (rv == CKR_PIN_LEN_RANGE)
        hsmiam_error_append(error, "The token takes none of that length.");
    if (size > 0)
        append_source(token, error);
    append_tries(token, session, error);
}

/* Of the token rather than of the PIN that was tried. */
static const struct {
    CK_RV rv;
    bool is_final; /* no PIN is tried again */
    const char *text;
} refusals[] = {
    {CKR_PIN_LOCKED, true, "The PIN is locked; its security officer can set a new one."},
    {CKR_PIN_EXPIRED, true,
     "The PIN has expired and must be changed first, with the token's own tool."},
    {CKR_USER_PIN_NOT_INITIALIZED, false,
     "It has no user PIN yet; its security officer can set one."},
    {CKR_USER_ANOTHER_ALREADY_LOGGED_IN, false,
     "The security officer is logged in to it; log out there first."},
};

hsmiam_status hsmiam_session_explain_refusal(hsmiam_token *token, const hsmiam_session *session,
                                             CK_RV rv, size_t size, hsmiam_error *error)
{
    const bool is_wrong =
        rv == CKR_PIN_INCORRECT || rv == CKR_PIN_INVALID || rv == CKR_PIN_LEN_RANGE;
    char buffer[32];
    bool is_known = is_wrong;

    if (is_wrong) {
        token->login_failed = true;
        explain_wrong_pin(token, session, rv, size, error);
    }
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
        if (refusals[i].rv == rv) {
            is_known = true;
            token->login_failed = token->login_failed || refusals[i].is_final;
            (void)hsmiam_error_set(error, HSMIAM_ERR_PIN, "Token \"%s\": %s", token->label,
                                   refusals[i].text);
        }
    if (!is_known)
        return hsmiam_rv_set_error(token, rv, "C_Login", error);
    hsmiam_error_set_origin(error, HSMIAM_DOMAIN_PKCS11, rv, hsmiam_rv_get_name(rv, buffer));
    return HSMIAM_ERR_PIN;
}
