/* SPDX-License-Identifier: Apache-2.0 */
/* One session on the token, and the login. */
#include "token/session.h"
#include "base/sealed.h"

CK_RV hsmiam_session_open(hsmiam_token *token, CK_FUNCTION_LIST *functions, CK_SLOT_ID slot,
                          CK_SESSION_HANDLE *handle_out)
{
    const CK_FLAGS flags = CKF_SERIAL_SESSION;
    CK_RV rv = CKR_TOKEN_WRITE_PROTECTED;

    if (!token->read_only)
        rv = functions->C_OpenSession(slot, flags | CKF_RW_SESSION, NULL, NULL, handle_out);
    /* A token that cannot be written to can still sign. */
    if (rv == CKR_TOKEN_WRITE_PROTECTED) {
        token->read_only = true;
        rv = functions->C_OpenSession(slot, flags, NULL, NULL, handle_out);
    }
    return rv;
}

/* What the token says of its PIN before any is tried. */
static hsmiam_status check_pin_state(const hsmiam_token *token, CK_FLAGS flags, hsmiam_error *error)
{
    if (flags & CKF_USER_PIN_LOCKED)
        return hsmiam_error_set(error, HSMIAM_ERR_PIN,
                                "The PIN of token \"%s\" is locked; its security officer can set a "
                                "new one.",
                                token->label);
    if ((flags & CKF_USER_PIN_INITIALIZED) == 0)
        return hsmiam_error_set(error, HSMIAM_ERR_PIN,
                                "Token \"%s\" has no user PIN yet; its security officer can set "
                                "one (`pkcs11-tool --init-pin`).",
                                token->label);
    if (flags & CKF_USER_PIN_TO_BE_CHANGED)
        return hsmiam_error_set(error, HSMIAM_ERR_PIN,
                                "The PIN of token \"%s\" has expired and must be changed first, "
                                "with the token's own tool.",
                                token->label);
    if ((flags & CKF_USER_PIN_FINAL_TRY) && !token->allow_final_try)
        return hsmiam_error_set(
            error, HSMIAM_ERR_PIN,
            "One more wrong PIN locks token \"%s\", so none is tried; make sure "
            "of the PIN, then allow the final try (--allow-final-try).",
            token->label);
    return HSMIAM_OK;
}

/* Why there must be a person, in front of what to do without one. */
static const char *const reasons[] = {
    [HSMIAM_PIN_OPENS_TOKEN] = "needs a PIN",
    [HSMIAM_PIN_AFTER_LOSS] = "was lost and needs its PIN again",
    [HSMIAM_PIN_USES_KEY] = "has a key that needs the PIN for each use",
};

static hsmiam_status ask_for_pin(const hsmiam_token *token, hsmiam_pin_reason reason,
                                 hsmiam_secret *pin, hsmiam_error *error)
{
    size_t room = 0;
    size_t size = 0;
    uint8_t *to = hsmiam_secret_get_room(pin, &room);

    if (room > HSMIAM_PIN_SIZE_MAX)
        room = HSMIAM_PIN_SIZE_MAX;
    if (token->ask_pin == NULL)
        return hsmiam_error_set(error, HSMIAM_ERR_PIN,
                                "Token \"%s\" %s; name its source by pin-source in the URI.",
                                token->label, reasons[reason]);
    hsmiam_status status =
        token->ask_pin(token->ask_context, token->label, reason, (char *)to, room, &size);
    if (status != HSMIAM_OK)
        return hsmiam_error_set(error, status, "Token \"%s\" %s, and none was given.", token->label,
                                reasons[reason]);
    if (size == 0 || size > room)
        return hsmiam_error_set(error, HSMIAM_ERR_PIN, "The PIN for token \"%s\" is %s.",
                                token->label, size == 0 ? "empty" : "too long");
    hsmiam_secret_grow(pin, size);
    return HSMIAM_OK;
}

static hsmiam_status get_pin(const hsmiam_token *token, hsmiam_pin_reason reason,
                             hsmiam_secret *pin, hsmiam_error *error)
{
    if (token->pin_source != NULL)
        return hsmiam_pin_read(token->pin_source, pin, error);
    if (token->pin_value != NULL) {
        size_t size = hsmiam_secret_get_size(token->pin_value);
        if (size <= HSMIAM_PIN_SIZE_MAX &&
            hsmiam_secret_append(pin, hsmiam_secret_get_data(token->pin_value), size))
            return HSMIAM_OK;
        return hsmiam_error_set(error, HSMIAM_ERR_PIN,
                                "The URI's pin-value is too long (over %d bytes).",
                                HSMIAM_PIN_SIZE_MAX);
    }
    return ask_for_pin(token, reason, pin, error);
}

bool hsmiam_session_is_logged_in(const hsmiam_session *session)
{
    CK_SESSION_INFO info;

    return session->functions->C_GetSessionInfo(session->handle, &info) == CKR_OK &&
           (info.state == CKS_RO_USER_FUNCTIONS || info.state == CKS_RW_USER_FUNCTIONS);
}

static CK_RV log_in_by_keypad(const hsmiam_token *token, const hsmiam_session *session,
                              CK_USER_TYPE user)
{
    hsmiam_log_write_at_once(&token->log, HSMIAM_LOG_NOTICE,
                             "Enter the PIN for token \"%s\" on its own keypad.", token->label);
    return session->functions->C_Login(session->handle, user, NULL, 0);
}

/* Once by one PIN, which is not kept, not even for a login after a loss: what is in memory can be
 * read there, and a source can be read again. */
static hsmiam_status log_in_by_pin(hsmiam_token *token, const hsmiam_session *session,
                                   CK_USER_TYPE user, hsmiam_error *error)
{
    hsmiam_pin_reason reason = user == CKU_CONTEXT_SPECIFIC ? HSMIAM_PIN_USES_KEY
                               : token->open                ? HSMIAM_PIN_AFTER_LOSS
                                                            : HSMIAM_PIN_OPENS_TOKEN;
    hsmiam_secret *pin = NULL;

    hsmiam_status status = hsmiam_secret_new(HSMIAM_PIN_ROOM, &pin, error);
    if (status != HSMIAM_OK)
        goto out;
    status = get_pin(token, reason, pin, error);
    if (status != HSMIAM_OK)
        goto out;
    size_t size = hsmiam_secret_get_size(pin);
    CK_RV rv =
        session->functions->C_Login(session->handle, user, hsmiam_secret_get_data(pin), size);
    if (rv != CKR_OK && rv != CKR_USER_ALREADY_LOGGED_IN)
        status = hsmiam_session_explain_refusal(token, session, rv, size, error);
out:
    hsmiam_secret_free(&pin);
    return status;
}

typedef struct login {
    hsmiam_token *token;
    const hsmiam_session *session;
    CK_USER_TYPE user;
} login;

static hsmiam_status log_in_sealed(void *context, hsmiam_error *error)
{
    const login *wanted = context;

    return log_in_by_pin(wanted->token, wanted->session, wanted->user, error);
}

/* By whichever way the token has. One thread at a time: no second one tries a PIN that was refused.
 */
static hsmiam_status log_in(hsmiam_token *token, const hsmiam_session *session,
                            const CK_TOKEN_INFO *info, CK_USER_TYPE user, hsmiam_error *error)
{
    login wanted = {token, session, user};

    if (token->login_failed)
        return hsmiam_error_set(error, HSMIAM_ERR_PIN,
                                "The PIN for token \"%s\" was refused before and is not tried "
                                "again.",
                                token->label);
    hsmiam_status status = check_pin_state(token, info->flags, error);
    if (status != HSMIAM_OK)
        return status;
    if ((info->flags & CKF_PROTECTED_AUTHENTICATION_PATH) == 0)
        return hsmiam_sealed_run(log_in_sealed, &wanted, error);

    CK_RV rv = log_in_by_keypad(token, session, user);
    if (rv != CKR_OK && rv != CKR_USER_ALREADY_LOGGED_IN)
        status = hsmiam_session_explain_refusal(token, session, rv, 0, error);
    return status;
}

hsmiam_status hsmiam_session_log_in(hsmiam_token *token, const hsmiam_session *session,
                                    const CK_TOKEN_INFO *info, hsmiam_error *error)
{
    /* Whoever else in this process logged in to the token did it for every session; no PIN is
     * needed then, and none is asked for. */
    if ((info->flags & CKF_LOGIN_REQUIRED) == 0 || hsmiam_session_is_logged_in(session))
        return HSMIAM_OK;
    (void)pthread_mutex_lock(&token->logging_in);
    hsmiam_status status = log_in(token, session, info, CKU_USER, error);
    (void)pthread_mutex_unlock(&token->logging_in);
    return status;
}

hsmiam_status hsmiam_session_log_in_to_key(hsmiam_token *token, const hsmiam_session *session,
                                           hsmiam_error *error)
{
    (void)pthread_mutex_lock(&token->logging_in);
    hsmiam_status status = log_in(token, session, &token->info, CKU_CONTEXT_SPECIFIC, error);
    (void)pthread_mutex_unlock(&token->logging_in);
    return status;
}
