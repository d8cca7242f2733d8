/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions on the token, and what outlives them: logins, handed-out objects, repeated operations.
 */
#ifndef HSMIAM_TOKEN_SESSION_H
#define HSMIAM_TOKEN_SESSION_H

#include "token/cryptoki.h"

/* pin.c -----------------------------------------------------------------------------------------*/

#define HSMIAM_PIN_SIZE_MAX 255
/* With a line end, and one byte more to know that there is more. */
#define HSMIAM_PIN_ROOM (HSMIAM_PIN_SIZE_MAX + 3)

/* Appends the PIN from a named source to `pin`, which is empty and has HSMIAM_PIN_ROOM. */
hsmiam_status hsmiam_pin_read(const char *source, hsmiam_secret *pin,
                              hsmiam_error *error) HSMIAM_MUST_USE;

/* pool.c ----------------------------------------------------------------------------------------*/

/* A session, lent to one thread. */
typedef struct hsmiam_session {
    CK_FUNCTION_LIST *functions; /* what to call, */
    CK_SESSION_HANDLE handle;    /* and its first argument; */
    CK_SLOT_ID slot;             /* or this, for calls on the slot */
    unsigned generation;         /* counts the losses before it was opened: object handles are good
                                  * among sessions of one generation */
} hsmiam_session;

/* Borrows a session for calls that belong together (C_SignInit and C_Sign). Opens one, or waits for
 * one, or opens the token anew after a loss, as need be. A thread that holds one gets the same one
 * again, so that whoever keeps object handles from one call to the next borrows one around both.
 * Handles, those of session objects too, are good in every session until a loss, for none is closed
 * before that.
 * Statuses: TOKEN (used after a fork; did not answer before), those of hsmiam_token_open(). */
hsmiam_status hsmiam_session_borrow(const hsmiam_token *token, hsmiam_session **session_out,
                                    hsmiam_error *error) HSMIAM_MUST_USE;

/* Gives it back, with the result of the call that failed, or CKR_OK: what says that the session,
 * the login or the token is gone, is a loss. */
void hsmiam_session_return(const hsmiam_token *token, hsmiam_session **session, CK_RV rv);

/* The same of a session that this thread keeps, if it has one. hsmiam_rv_set_error() does it. */
void hsmiam_session_note(const hsmiam_token *token, CK_RV rv);

/* For operations that are safe to repeat, which are done once more after a loss:
 *     hsmiam_retry retry = hsmiam_retry_start(token);
 *     do
 *         status = once(...);
 *     while (hsmiam_retry_again(&retry, status, error)); */
typedef struct hsmiam_retry {
    const hsmiam_token *token;
    unsigned generation;
    bool done;
} hsmiam_retry;

hsmiam_retry hsmiam_retry_start(const hsmiam_token *token);
bool hsmiam_retry_again(hsmiam_retry *retry, hsmiam_status status, hsmiam_error *error);

hsmiam_pool *hsmiam_pool_new(hsmiam_token *token);

/* Leaves the pool, and with it what `last` frees, to the thread that was left in finding or
 * unloading the module. False if there is none, or it is back. */
bool hsmiam_pool_leave(hsmiam_pool *pool, void (*last)(void *argument), void *argument);

/* Closes the sessions and unloads the modules, as far as that can be done: not in a forked child,
 * and not where a thread is in one for good. */
void hsmiam_pool_close(hsmiam_pool *pool);
void hsmiam_pool_free(hsmiam_pool **pool);

/* Before the token is opened. */
void hsmiam_pool_set_timeout(hsmiam_pool *pool, unsigned seconds);

/* Of its time-out, nothing is used up. */
void hsmiam_pool_renew_timeout(hsmiam_pool *pool);

/* Whether the token did not answer in time: its module is not called again. */
bool hsmiam_pool_has_timeout(const hsmiam_pool *pool);
bool hsmiam_pool_is_silent(hsmiam_pool *pool);
hsmiam_status hsmiam_pool_set_silent_error(hsmiam_pool *pool, hsmiam_error *error);

/* Whether the process that opened it, or tried to, is this one's parent. */
bool hsmiam_pool_is_forked(const hsmiam_pool *pool);

/* Refuses the use of a token in a forked child (TOKEN), and of one that was closed (ARGUMENT).
 * Takes no lock. */
hsmiam_status hsmiam_pool_check_use(const hsmiam_pool *pool, hsmiam_error *error) HSMIAM_MUST_USE;

/* The module's own functions, without a guard: not to be called on a session. */
CK_FUNCTION_LIST *hsmiam_pool_get_functions(const hsmiam_pool *pool);

/* The number of the slot. */
CK_SLOT_ID hsmiam_pool_get_slot(const hsmiam_pool *pool);

/* Whether a thread was left in finding or unloading the module, which uses pool, token and URI. */
bool hsmiam_pool_is_left(const hsmiam_pool *pool);

/* Loads the modules, if that is not done yet, and finds the slot, within the time-out. */
hsmiam_status hsmiam_pool_search(hsmiam_pool *pool, hsmiam_token *found,
                                 hsmiam_error *error) HSMIAM_MUST_USE;

/* Opens the first session and logs in; the slot is known. */
hsmiam_status hsmiam_pool_open(hsmiam_pool *pool, hsmiam_error *error) HSMIAM_MUST_USE;

/* alone.c ---------------------------------------------------------------------------------------*/

/* Whether the token's module does not bear several threads at once, whatever it says. */
bool hsmiam_alone_is_needed(const CK_TOKEN_INFO *info);

/* Around each use of such a module, whichever token it is for; a thread may begin again. Before the
 * lock of a pool. */
void hsmiam_alone_begin(void);
void hsmiam_alone_end(void);

/* handle.c --------------------------------------------------------------------------------------*/

/* After a loss, handles mean nothing any more, or another object. What was handed out to the layers
 * above is good all the same: a key is found again by its CKA_ID. What lived in the session only
 * went with it. */

/* Remembers a key that is handed out, by its CKA_ID, or NULL for a session object, and returns what
 * to hand out for it. */
hsmiam_status hsmiam_object_remember(hsmiam_token *token, const hsmiam_session *session,
                                     CK_OBJECT_HANDLE handle, const char *id,
                                     hsmiam_object *object_out,
                                     hsmiam_error *error) HSMIAM_MUST_USE;

/* Its handle in a session that the caller holds. Statuses: NOT_FOUND (also: it went with its
 * session), AMBIGUOUS, those of a search. */
hsmiam_status hsmiam_object_resolve(hsmiam_token *token, const hsmiam_session *session,
                                    hsmiam_object object, CK_OBJECT_HANDLE *handle_out,
                                    hsmiam_error *error) HSMIAM_MUST_USE;

/* What is done with an object, by its handle, in a session that is held meanwhile. */
typedef hsmiam_status (*hsmiam_object_fn)(hsmiam_token *token, const hsmiam_session *session,
                                          CK_OBJECT_HANDLE handle, void *context,
                                          hsmiam_error *error);

/* Does it in a borrowed session, and once more after a loss: for what is safe to repeat. Statuses:
 * those of hsmiam_session_borrow(), of hsmiam_object_resolve() and of `use`. */
hsmiam_status hsmiam_object_use(hsmiam_token *token, hsmiam_object object, hsmiam_object_fn use,
                                void *context, hsmiam_error *error) HSMIAM_MUST_USE;

/* It was destroyed. */
void hsmiam_object_forget(hsmiam_token *token, hsmiam_object object);

hsmiam_handles *hsmiam_handles_new(void);
void hsmiam_handles_free(hsmiam_handles **handles);

/* session.c -------------------------------------------------------------------------------------*/

/* Opens a session, read-only if the token cannot be written to. */
CK_RV hsmiam_session_open(hsmiam_token *token, CK_FUNCTION_LIST *functions, CK_SLOT_ID slot,
                          CK_SESSION_HANDLE *handle_out);

/* Logs the user in, if the token wants that and he is not yet. `info` is what the token says now.
 */
hsmiam_status hsmiam_session_log_in(hsmiam_token *token, const hsmiam_session *session,
                                    const CK_TOKEN_INFO *info, hsmiam_error *error) HSMIAM_MUST_USE;

/* Says why C_Login refused the PIN of `size` bytes (0: by the token's own keypad), where that came
 * from and what to do. After a wrong one, none is tried again. login_refusal.c. */
hsmiam_status hsmiam_session_explain_refusal(hsmiam_token *token, const hsmiam_session *session,
                                             CK_RV rv, size_t size,
                                             hsmiam_error *error) HSMIAM_MUST_USE;

/* Gives the PIN to a key that wants it for what was just begun with it (CKA_ALWAYS_AUTHENTICATE).
 */
hsmiam_status hsmiam_session_log_in_to_key(hsmiam_token *token, const hsmiam_session *session,
                                           hsmiam_error *error) HSMIAM_MUST_USE;

/* What is to be signed; the names are for messages. */
typedef struct hsmiam_signature {
    CK_MECHANISM_TYPE mechanism;
    const char *init_name;
    const char *name;
    CK_OBJECT_HANDLE key;
    const void *data;
    size_t size;
} hsmiam_signature;

/* C_SignInit and C_Sign, with the PIN between them for a key that wants it for each use. `*size` is
 * the room at `to`, then what was written. `*rv_out` is for hsmiam_session_return(). object.c. */
hsmiam_status hsmiam_session_sign(hsmiam_token *token, const hsmiam_session *session,
                                  const hsmiam_signature *wanted, uint8_t *to, CK_ULONG *size,
                                  CK_RV *rv_out, hsmiam_error *error) HSMIAM_MUST_USE;

/* Whether the session is there, and the user logged in. */
bool hsmiam_session_is_logged_in(const hsmiam_session *session);

#endif
