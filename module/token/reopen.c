/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the token, at first and after a loss, within its time-out. */
#include "token/object.h"
#include "token/pool.h"

#include <string.h>
#include <unistd.h>

bool hsmiam_pool_has_timeout(const hsmiam_pool *pool)
{
    return pool->watch.seconds > 0;
}

void hsmiam_pool_set_timeout(hsmiam_pool *pool, unsigned seconds)
{
    pool->watch.seconds = seconds;
}

void hsmiam_pool_renew_timeout(hsmiam_pool *pool)
{
    hsmiam_watch_renew(&pool->watch);
}

bool hsmiam_pool_is_silent(hsmiam_pool *pool)
{
    return atomic_load(&pool->watch.silent) != NULL;
}

CK_FUNCTION_LIST *hsmiam_pool_get_functions(const hsmiam_pool *pool)
{
    return pool->functions;
}

CK_SLOT_ID hsmiam_pool_get_slot(const hsmiam_pool *pool)
{
    return pool->slot;
}

bool hsmiam_pool_is_left(const hsmiam_pool *pool)
{
    return pool->left;
}

hsmiam_status hsmiam_pool_set_silent_error(hsmiam_pool *pool, hsmiam_error *error)
{
    return hsmiam_watch_set_error(&pool->watch, pool->token->label, error);
}

static void search(void *argument)
{
    hsmiam_pool *pool = argument;
    hsmiam_token *found = pool->found;

    pool->search_status = HSMIAM_OK;
    if (found->modules.list == NULL)
        pool->search_status = hsmiam_modules_load(&found->modules, found->uri, &pool->search_error);
    if (pool->search_status == HSMIAM_OK)
        pool->search_status = hsmiam_slot_find(found, &pool->search_error);
}

static void release(void *argument)
{
    hsmiam_pool *pool = argument;

    hsmiam_modules_release(&pool->token->modules);
}

/* On the first session's guard; false if it did not come back. `name` NULL: many calls. */
static bool run(hsmiam_pool *pool, const char *name, void (*function)(void *argument))
{
    hsmiam_pooled *first = &pool->sessions[0];

    if (first->guard == NULL) { /* no time-out */
        function(pool);
        return true;
    }
    (void)hsmiam_guard_begin(first->guard);
    pool->left = !hsmiam_guard_run(first->guard, name, 1, function, pool);
    hsmiam_guard_end(first->guard);
    return !pool->left;
}

void hsmiam_pool_release(hsmiam_pool *pool)
{
    if (pool->token->modules.list != NULL)
        (void)run(pool, "C_Finalize", release);
}

/* Of the first session. Where it cannot be had, the token is used without: a limit that is not kept
 * to is better than no token. */
static void start_guard(hsmiam_pool *pool)
{
    hsmiam_pooled *first = &pool->sessions[0];
    hsmiam_error error = {0};

    if (pool->watch.seconds == 0)
        return;
    if (first->guard == NULL)
        first->guard = hsmiam_guard_new(&pool->watch);
    if (first->guard != NULL && hsmiam_guard_start(first->guard, &error) == HSMIAM_OK)
        return;
    hsmiam_guard_free(&first->guard, false);
    pool->watch.seconds = 0;
    hsmiam_log_write(&pool->token->log, HSMIAM_LOG_NOTICE,
                     "--token-timeout is not kept to, and a token that does not answer holds this "
                     "up for ever: %s",
                     *error.message == '\0' ? "there is not enough memory." : error.message);
}

hsmiam_status hsmiam_pool_search(hsmiam_pool *pool, hsmiam_token *found, hsmiam_error *error)
{
    if (hsmiam_pool_is_silent(pool))
        return hsmiam_pool_set_silent_error(pool, error);
    atomic_store(&pool->process, getpid());
    start_guard(pool);
    pool->found = found;
    found->modules.watch = pool->watch.seconds > 0 ? &pool->watch : NULL;
    hsmiam_error_clear(&pool->search_error);
    if (!run(pool, NULL, search))
        return hsmiam_pool_set_silent_error(pool, error);
    if (pool->search_status != HSMIAM_OK && error != NULL)
        *error = pool->search_error;
    return pool->search_status;
}

/* The token may be in another slot by now, but must be the same one. */
static hsmiam_status find_again(hsmiam_pool *pool, CK_TOKEN_INFO *info_out, hsmiam_error *error)
{
    const hsmiam_token *token = pool->token;
    hsmiam_token *probe = &pool->probe;
    char serial[sizeof token->serial];

    *probe = (hsmiam_token){.uri = token->uri, .modules = token->modules};
    hsmiam_status status = hsmiam_pool_search(pool, probe, error);
    if (status != HSMIAM_OK)
        return status;
    hsmiam_attribute_copy_padded(serial, probe->info.serialNumber, sizeof probe->info.serialNumber);
    if (strcmp(serial, token->serial) != 0)
        return hsmiam_error_set(error, HSMIAM_ERR_TOKEN,
                                "Where token \"%s\" (serial %s) was, there is another one (serial "
                                "%s) now.",
                                token->label, token->serial, serial);
    pool->functions = probe->functions;
    pool->slot = probe->slot;
    *info_out = probe->info;
    return HSMIAM_OK;
}

hsmiam_status hsmiam_pool_reopen(hsmiam_pool *pool, hsmiam_error *error)
{
    CK_TOKEN_INFO info;
    char buffer[32];

    hsmiam_status status = find_again(pool, &info, error);
    if (status == HSMIAM_OK)
        status = hsmiam_pool_open_first(pool, &info, error);
    if (status == HSMIAM_OK)
        hsmiam_log_write(&pool->token->log, HSMIAM_LOG_DEBUG, "Opened %s again after %s.",
                         pool->token->own_uri, hsmiam_rv_get_name(pool->loss, buffer));
    else
        hsmiam_error_append(error, "Token \"%s\" was lost (%s) and could not be opened again.",
                            pool->token->label, hsmiam_rv_get_name(pool->loss, buffer));
    return status;
}
