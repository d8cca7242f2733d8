/* SPDX-License-Identifier: Apache-2.0 */
/* The sessions on a token: opened on demand up to a limit, lent to one thread each, and all of them
 * replaced when the token, its login or one of them is lost. */
#include "token/pool.h"

#include <stdlib.h>
#include <unistd.h>

hsmiam_pool *hsmiam_pool_new(hsmiam_token *token)
{
    hsmiam_pool *pool = calloc(1, sizeof *pool);

    if (pool == NULL)
        return NULL;
    pool->token = token;
    hsmiam_watch_init(&pool->watch);
    (void)pthread_mutex_init(&pool->lock, NULL);
    (void)pthread_cond_init(&pool->changed, NULL);
    return pool;
}

bool hsmiam_pool_is_forked(const hsmiam_pool *pool)
{
    pid_t process = atomic_load(&pool->process);

    return process != 0 && process != getpid();
}

hsmiam_status hsmiam_pool_check_use(const hsmiam_pool *pool, hsmiam_error *error)
{
    const hsmiam_token *token = pool->token;
    bool forked = hsmiam_pool_is_forked(pool);

    if (!forked && !token->closed)
        return HSMIAM_OK;
    bool named = token->label[0] != '\0';
    if (forked)
        return hsmiam_error_set(error, HSMIAM_ERR_TOKEN,
                                "%s%s%s was opened before this process was forked, and can be used "
                                "in the parent only; name it anew here.",
                                named ? "Token \"" : "The token", token->label, named ? "\"" : "");
    return hsmiam_error_set(error, HSMIAM_ERR_ARGUMENT, "%s%s%s was closed, and can only be freed.",
                            named ? "Token \"" : "The token", token->label, named ? "\"" : "");
}

/* Never C_Logout: it would log every other session of this process out as well. With the last
 * session, the token logs the process out by itself (PKCS#11, C_CloseSession). */
static void close_session(hsmiam_pooled *session)
{
    (void)session->lent.functions->C_CloseSession(session->lent.handle);
    session->open = false;
}

/* What is lent is closed as well: nobody may use the token any more. */
static void close_sessions(hsmiam_pool *pool)
{
    for (size_t i = 0; i < HSMIAM_SESSIONS_MAX && !hsmiam_pool_is_silent(pool); i++)
        if (pool->sessions[i].open)
            close_session(&pool->sessions[i]);
}

void hsmiam_pool_close(hsmiam_pool *pool)
{
    hsmiam_modules *modules = &pool->token->modules;

    atomic_store(&pool->watch.closing, true);
    if (!hsmiam_pool_is_forked(pool))
        close_sessions(pool);
    if (hsmiam_pool_is_forked(pool) || hsmiam_pool_is_silent(pool))
        hsmiam_modules_leave(modules);
    else
        hsmiam_pool_release(pool);
}

bool hsmiam_pool_leave(hsmiam_pool *pool, void (*last)(void *argument), void *argument)
{
    hsmiam_guard *guard = pool->sessions[0].guard;

    if (!pool->left || hsmiam_pool_is_forked(pool))
        return false;
    /* From then on, the pool is the thread's. */
    pool->sessions[0].guard = NULL;
    if (hsmiam_guard_leave(guard, last, argument))
        return true;
    pool->sessions[0].guard = guard;
    return false;
}

void hsmiam_pool_free(hsmiam_pool **pool)
{
    if (pool == NULL || *pool == NULL)
        return;
    bool forked = hsmiam_pool_is_forked(*pool);
    for (size_t i = 0; i < HSMIAM_SESSIONS_MAX; i++)
        hsmiam_guard_free(&(*pool)->sessions[i].guard, forked);
    if (!forked) { /* where a thread that is not here may hold it */
        (void)pthread_cond_destroy(&(*pool)->changed);
        (void)pthread_mutex_destroy(&(*pool)->lock);
        hsmiam_watch_clear(&(*pool)->watch);
    }
    free(*pool);
    *pool = NULL;
}

/* How many sessions the token allows, as far as it tells. */
static size_t get_limit(const hsmiam_token *token)
{
    CK_ULONG told =
        token->read_only ? token->info.ulMaxSessionCount : token->info.ulMaxRwSessionCount;

    if (told == CK_EFFECTIVELY_INFINITE || told == CK_UNAVAILABLE_INFORMATION ||
        told > HSMIAM_SESSIONS_MAX)
        return HSMIAM_SESSIONS_MAX;
    return told;
}

/* Opens a session in a place that the caller has to itself. That it is open is said under the lock.
 */
static CK_RV open_session(hsmiam_pool *pool, hsmiam_pooled *session)
{
    CK_SLOT_ID slot = pool->slot;

    session->lent.functions = pool->functions;
    if (pool->watch.seconds > 0) {
        if (session->guard == NULL)
            session->guard = hsmiam_guard_new(&pool->watch);
        if (session->guard == NULL || hsmiam_guard_start(session->guard, NULL) != HSMIAM_OK)
            return CKR_HOST_MEMORY;
        hsmiam_guard_set_slot(session->guard, pool->functions, pool->slot);
        session->lent.functions = &hsmiam_guarded_functions;
        slot = (CK_SLOT_ID)(uintptr_t)session->guard;
    }
    session->lent.slot = slot;
    return hsmiam_session_open(pool->token, session->lent.functions, slot, &session->lent.handle);
}

hsmiam_status hsmiam_pool_open_first(hsmiam_pool *pool, const CK_TOKEN_INFO *info,
                                     hsmiam_error *error)
{
    hsmiam_pooled *first = &pool->sessions[0];

    CK_RV rv = open_session(pool, first);
    if (rv != CKR_OK)
        return hsmiam_rv_set_error(pool->token, rv, "C_OpenSession", error);
    hsmiam_status status = hsmiam_session_log_in(pool->token, &first->lent, info, error);
    if (status != HSMIAM_OK) {
        close_session(first);
        return status;
    }
    (void)pthread_mutex_lock(&pool->lock);
    first->open = true;
    first->lent.generation = pool->generation;
    (void)pthread_mutex_unlock(&pool->lock);
    return HSMIAM_OK;
}

hsmiam_status hsmiam_pool_open(hsmiam_pool *pool, hsmiam_error *error)
{
    hsmiam_token *token = pool->token;

    pool->functions = token->functions;
    pool->slot = token->slot;
    if (pool->watch.seconds > 0) {
        token->functions = &hsmiam_guarded_functions;
        token->slot = (CK_SLOT_ID)(uintptr_t)pool->sessions[0].guard;
    }
    pool->limit = get_limit(token);
    pool->alone = hsmiam_alone_is_needed(&token->info);
    hsmiam_status status = hsmiam_pool_open_first(pool, &token->info, error);
    if (status == HSMIAM_OK && (token->info.flags & CKF_LOGIN_REQUIRED) == 0)
        hsmiam_log_write(&token->log, HSMIAM_LOG_NOTICE,
                         "Token \"%s\" needs no login: whoever reaches it can use its keys.",
                         token->label);
    return status;
}

static bool is_any_lent(const hsmiam_pool *pool)
{
    for (size_t i = 0; i < HSMIAM_SESSIONS_MAX; i++)
        if (pool->sessions[i].depth > 0)
            return true;
    return false;
}

/* Opens the token anew, under the lock that it lets go of meanwhile. */
static hsmiam_status recover(hsmiam_pool *pool, hsmiam_error *error)
{
    pool->reopening = true;
    /* What is lent is closed by whoever has it. A token may count what is open, and log out with
     * the last session only. */
    while (is_any_lent(pool))
        (void)pthread_cond_wait(&pool->changed, &pool->lock);
    for (size_t i = 0; i < HSMIAM_SESSIONS_MAX; i++)
        if (pool->sessions[i].open)
            close_session(&pool->sessions[i]);
    (void)pthread_mutex_unlock(&pool->lock);
    hsmiam_status status = hsmiam_pool_reopen(pool, error);
    (void)pthread_mutex_lock(&pool->lock);
    pool->reopening = false;
    pool->lost = status != HSMIAM_OK;
    (void)pthread_cond_broadcast(&pool->changed);
    return status;
}

/* The session that this thread holds, or a free one; NULL if there is none. */
static hsmiam_pooled *find_open(hsmiam_pool *pool)
{
    hsmiam_pooled *free_one = NULL;

    for (size_t i = 0; i < HSMIAM_SESSIONS_MAX; i++) {
        hsmiam_pooled *session = &pool->sessions[i];
        if (session->depth > 0 && pthread_equal(session->owner, pthread_self()))
            return session;
        if (session->open && session->depth == 0 && session->lent.generation == pool->generation)
            free_one = free_one != NULL ? free_one : session;
    }
    return free_one;
}

/* A place for one more session; NULL if there are as many as there may be. */
static hsmiam_pooled *find_place(hsmiam_pool *pool)
{
    hsmiam_pooled *place = NULL;
    size_t open = 0;

    for (size_t i = 0; i < HSMIAM_SESSIONS_MAX; i++) {
        hsmiam_pooled *session = &pool->sessions[i];
        open += session->open || session->depth > 0;
        if (!session->open && session->depth == 0)
            place = session;
    }
    return open < pool->limit || open == 0 ? place : NULL;
}

static void take(hsmiam_pooled *session)
{
    session->owner = pthread_self();
    session->depth++;
}

/* Marks a loss, if it is not known yet that what the session belongs to is lost. */
static void mark_lost(hsmiam_pool *pool, const hsmiam_pooled *session, CK_RV rv)
{
    if (session->lent.generation != pool->generation || pool->lost)
        return;
    pool->generation++;
    pool->lost = true;
    pool->loss = rv;
}

/* Opens one more session, under the lock that it lets go of meanwhile. True with CKR_OK, or with
 * what went wrong; false: there is none more to be had, and those that are there must do. */
static bool add_session(hsmiam_pool *pool, hsmiam_pooled *place, CK_RV *rv_out)
{
    take(place);
    place->lent.generation = pool->generation;
    (void)pthread_mutex_unlock(&pool->lock);
    *rv_out = open_session(pool, place);
    (void)pthread_mutex_lock(&pool->lock);
    place->open = *rv_out == CKR_OK;
    if (place->open)
        return true;
    place->depth = 0;
    (void)pthread_cond_broadcast(&pool->changed);

    size_t others = 0;
    for (size_t i = 0; i < HSMIAM_SESSIONS_MAX; i++)
        others += pool->sessions[i].open;
    if (hsmiam_rv_is_loss(*rv_out))
        mark_lost(pool, place, *rv_out);
    else if (*rv_out != HSMIAM_RV_NO_ANSWER && others > 0) {
        pool->limit = others;
        *rv_out = CKR_OK;
        return false;
    }
    return true;
}

/* Under the lock. `*rv_out`: why one more session could not be opened. */
static hsmiam_status borrow(hsmiam_pool *pool, hsmiam_session **session_out, CK_RV *rv_out,
                            hsmiam_error *error)
{
    for (;;) {
        hsmiam_pooled *session = find_open(pool);
        if (session != NULL && (session->depth > 0 || !pool->lost)) {
            take(session);
            *session_out = &session->lent;
            return HSMIAM_OK;
        }
        if (pool->lost && !pool->reopening) {
            hsmiam_status status = recover(pool, error);
            if (status != HSMIAM_OK)
                return status;
            continue;
        }
        hsmiam_pooled *place = pool->reopening ? NULL : find_place(pool);
        if (place == NULL) {
            (void)pthread_cond_wait(&pool->changed, &pool->lock);
        } else if (add_session(pool, place, rv_out)) {
            *session_out = &place->lent;
            return HSMIAM_OK;
        }
    }
}

hsmiam_status hsmiam_session_borrow(const hsmiam_token *token, hsmiam_session **session_out,
                                    hsmiam_error *error)
{
    hsmiam_pool *pool = token->pool;

    /* Before the lock, which another thread may have held when the process was forked. */
    hsmiam_status usable = hsmiam_pool_check_use(pool, error);
    if (usable != HSMIAM_OK)
        return usable;
    if (!token->open)
        return hsmiam_error_set(error, HSMIAM_ERR_INTERNAL, "The token is not open.");
    if (hsmiam_pool_is_silent(pool))
        return hsmiam_pool_set_silent_error(pool, error);
    CK_RV rv = CKR_OK;
    if (pool->alone)
        hsmiam_alone_begin();
    (void)pthread_mutex_lock(&pool->lock);
    hsmiam_status status = borrow(pool, session_out, &rv, error);
    (void)pthread_mutex_unlock(&pool->lock);
    if (rv != CKR_OK)
        status = hsmiam_rv_set_error(token, rv, "C_OpenSession", error);
    if (status != HSMIAM_OK && pool->alone)
        hsmiam_alone_end();
    return status;
}

/* Whether the result means a loss. A token that was logged out by somebody else may know no more of
 * its handles than that they are invalid. */
static bool is_loss(const hsmiam_pool *pool, const hsmiam_pooled *session, CK_RV rv)
{
    if (rv != CKR_KEY_HANDLE_INVALID && rv != CKR_OBJECT_HANDLE_INVALID &&
        rv != CKR_UNWRAPPING_KEY_HANDLE_INVALID && rv != CKR_WRAPPING_KEY_HANDLE_INVALID)
        return hsmiam_rv_is_loss(rv);
    return (pool->token->info.flags & CKF_LOGIN_REQUIRED) != 0 &&
           !hsmiam_session_is_logged_in(&session->lent);
}

static void note(hsmiam_pool *pool, const hsmiam_pooled *session, CK_RV rv)
{
    if (rv == CKR_OK || !is_loss(pool, session, rv))
        return;
    (void)pthread_mutex_lock(&pool->lock);
    mark_lost(pool, session, rv);
    (void)pthread_mutex_unlock(&pool->lock);
}

void hsmiam_session_note(const hsmiam_token *token, CK_RV rv)
{
    hsmiam_pool *pool = token->pool;
    const hsmiam_pooled *held = NULL;

    if (pool == NULL || hsmiam_pool_is_forked(pool))
        return;
    (void)pthread_mutex_lock(&pool->lock);
    for (size_t i = 0; i < HSMIAM_SESSIONS_MAX; i++)
        if (pool->sessions[i].depth > 0 && pthread_equal(pool->sessions[i].owner, pthread_self()))
            held = &pool->sessions[i];
    (void)pthread_mutex_unlock(&pool->lock);
    if (held != NULL)
        note(pool, held, rv);
}

void hsmiam_session_return(const hsmiam_token *token, hsmiam_session **session, CK_RV rv)
{
    hsmiam_pool *pool = token->pool;
    hsmiam_pooled *returned = (hsmiam_pooled *)*session;

    *session = NULL;
    note(pool, returned, rv);
    (void)pthread_mutex_lock(&pool->lock);
    if (returned->depth == 1 && returned->lent.generation != pool->generation &&
        !hsmiam_pool_is_silent(pool))
        close_session(returned);
    returned->depth--;
    (void)pthread_cond_broadcast(&pool->changed);
    (void)pthread_mutex_unlock(&pool->lock);
    if (pool->alone)
        hsmiam_alone_end();
}

unsigned hsmiam_token_count_losses(const hsmiam_token *token)
{
    /* Nothing is lost any more in a forked child, where the lock may be held for ever. */
    if (hsmiam_pool_is_forked(token->pool))
        return token->pool->generation;
    (void)pthread_mutex_lock(&token->pool->lock);
    unsigned losses = token->pool->generation + hsmiam_pool_is_silent(token->pool);
    (void)pthread_mutex_unlock(&token->pool->lock);
    return losses;
}

hsmiam_retry hsmiam_retry_start(const hsmiam_token *token)
{
    return (hsmiam_retry){.token = token, .generation = hsmiam_token_count_losses(token)};
}

bool hsmiam_retry_again(hsmiam_retry *retry, hsmiam_status status, hsmiam_error *error)
{
    if (status == HSMIAM_OK || retry->done ||
        hsmiam_token_count_losses(retry->token) == retry->generation)
        return false;
    retry->done = true;
    hsmiam_error_clear(error);
    return true;
}
